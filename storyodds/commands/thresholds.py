"""Limits on the odds: what --fail-above, --fail-below and --limit ask for, and what keeps them."""

from collections.abc import Mapping, Sequence
from typing import Any

from storyodds.commands.options import ODDS
from storyodds.priors.text.errors import InputError, Problem
from storyodds.scenarios.grammar.limits import LIMITED, POINTS, Limit, limit_on


def failure(limit: Limit, estimate: Mapping[str, Any]) -> str | None:
    """Give the sentence for an estimate that does not keep a limit; None if it does."""
    from storyodds.reports.documents.cards.limits import summary_of

    summary = summary_of(estimate, limit.odds)
    side = "above" if limit.is_upper else "below"
    if summary is None:
        return f"{limit.odds} is not defined, as every model is halted: the limit is not kept"
    number = summary[limit.point]
    if (number > limit.value) if limit.is_upper else (number < limit.value):
        point = "" if limit.point == "mean" else f"the {POINTS[limit.point]} of "
        return f"{point}{limit.odds} is {number:.4g}, {side} {limit.value:g}"
    return None


def limits_of(above: Sequence[str], below: Sequence[str]) -> tuple[Limit, ...]:
    """Read NAME=P or NAME.POINT=P of --fail-above and --fail-below.

    Raises
    ------
    InputError
        With every mistake.

    Examples
    --------
    >>> (limit,) = limits_of(["catastrophe.q95=0.05"], [])
    >>> limit.odds, limit.point, limit.value
    ('catastrophe', 'q95', 0.05)
    """
    named = [("--fail-above", text, ODDS) for text in above]
    named += [("--fail-below", text, ODDS) for text in below]
    return tuple(
        Limit(odds, point, value, option == "--fail-above")
        for option, odds, point, value in _read(named)
    )


def verdict_limits(texts: Sequence[str]) -> tuple[Limit, ...]:
    """Read NAME=P or NAME.POINT=P of --limit; what is wanted is limited from below.

    Raises
    ------
    InputError
        With every mistake.

    Examples
    --------
    >>> [limit.is_upper for limit in verdict_limits(["catastrophe=0.01", "success=0.5"])]
    [True, False]
    """
    return tuple(
        limit_on(f"{odds}.{point}", value)
        for _, odds, point, value in _read([("--limit", text, LIMITED) for text in texts])
    )


def _read(
    named: Sequence[tuple[str, str, Sequence[str]]],
) -> list[tuple[str, str, str, float]]:
    """By option: what is limited, which point of it, and at what."""
    limits: list[tuple[str, str, str, float]] = []
    problems: list[Problem] = []
    for option, text, names in named:
        limit = _limit(option, text, names)
        if isinstance(limit, Problem):
            problems.append(limit)
        else:
            limits.append((option, *limit))
    if problems:
        raise InputError(problems)
    return limits


def _limit(option: str, text: str, names: Sequence[str]) -> tuple[str, str, float] | Problem:
    from storyodds.priors.text.phrases import did_you_mean

    name, _, number = text.partition("=")
    odds, _, point = (part.strip() for part in name.partition("."))
    if odds not in names:
        hint = did_you_mean(odds, names) or f", one of {', '.join(names)}"
        choices = "a class, a fate or deployed odds" if "deployed" in names else "a class or a fate"
        return Problem(f"{option}: found '{odds}', expected {choices}{hint}")
    if point and point not in POINTS:
        hint = did_you_mean(point, tuple(POINTS)) or f", one of {', '.join(POINTS)}"
        return Problem(f"{option} {odds}: found the point '{point}', expected a summary{hint}")
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        return Problem(
            f"{option} {odds}: found '{number}', expected a probability from 0 to 1, as in "
            f"{option} {odds}=0.05"
        )
    return odds, point or "mean", value
