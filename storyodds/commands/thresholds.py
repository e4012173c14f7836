"""Limits on the odds: what --fail-above and --fail-below ask for, and what keeps them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storyodds.commands.options import ODDS
from storyodds.priors.text.errors import InputError, Problem

POINTS = {"mean": "mean", "median": "median", "q05": "5% point", "q95": "95% point"}
_GIVEN_DEPLOYED = "-given-deployed"


@dataclass(frozen=True)
class Limit:
    """A limit on one number of an estimate.

    Attributes
    ----------
    odds : str
        A class, a fate, `deployed`, or one of the former given that it is deployed.
    point : str
        One of `POINTS`.
    value : float
        A probability.
    is_upper : bool
        Whether the number has to stay at or below the value; otherwise at or above it.
    """

    odds: str
    point: str
    value: float
    is_upper: bool

    def failure(self, estimate: Mapping[str, Any]) -> str | None:
        """Give the sentence for an estimate that does not keep the limit; None if it does."""
        summary = summary_of(estimate, self.odds)
        side = "above" if self.is_upper else "below"
        if summary is None:
            return f"{self.odds} is not defined, as every model is halted: the limit is not kept"
        number = summary[self.point]
        if (number > self.value) if self.is_upper else (number < self.value):
            point = "" if self.point == "mean" else f"the {POINTS[self.point]} of "
            return f"{point}{self.odds} is {number:.4g}, {side} {self.value:g}"
        return None


def summary_of(estimate: Mapping[str, Any], odds: str) -> Mapping[str, float] | None:
    """Give the summary of some odds in an estimate; None where they are not defined."""
    if odds in estimate["classes"] or odds in estimate["fates"]:
        summary: Mapping[str, float] = {**estimate["classes"], **estimate["fates"]}[odds]
        return summary
    deployed = estimate["deployed"]
    if odds == "deployed":
        return deployed["probability"] if deployed else dict.fromkeys(POINTS, 0.0)
    name = odds.removesuffix(_GIVEN_DEPLOYED)
    return None if deployed is None else {**deployed, **deployed["classes"]}[name]


def limits_of(above: Sequence[str], below: Sequence[str]) -> tuple[Limit, ...]:
    """Read NAME=P or NAME.POINT=P of both options.

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
    limits: list[Limit] = []
    problems: list[Problem] = []
    for option, texts in (("--fail-above", above), ("--fail-below", below)):
        for text in texts:
            limit = _limit(option, text)
            if isinstance(limit, Problem):
                problems.append(limit)
            else:
                limits.append(limit)
    if problems:
        raise InputError(problems)
    return tuple(limits)


def _limit(option: str, text: str) -> Limit | Problem:
    from storyodds.priors.text.phrases import did_you_mean

    name, _, number = text.partition("=")
    odds, _, point = (part.strip() for part in name.partition("."))
    if odds not in ODDS:
        hint = did_you_mean(odds, ODDS) or f", one of {', '.join(ODDS)}"
        return Problem(f"{option}: found '{odds}', expected a class, a fate or deployed odds{hint}")
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
    return Limit(odds, point or "mean", value, option == "--fail-above")
