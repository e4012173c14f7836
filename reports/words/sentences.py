"""Sentences on a whole document: what it claims, under what, and how far to rely on it."""

import math
from collections.abc import Mapping
from typing import cast

from storyodds.models.story.events import FATES, GIVEN, Fate, Headline
from storyodds.models.story.outcomes import DEPLOYED
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.contract.head import (
    Day,
    Diagnostics,
    Head,
    NumberCounts,
    Opinions,
    StoryDocument,
)
from storyodds.reports.contract.summaries import Interval, Summary
from storyodds.reports.words.numbers import (
    NO_ERRORS,
    Errors,
    about_one_in,
    listed,
    odds_words,
    percent,
)
from storyodds.reports.words.shortening import plain
from storyodds.scenarios.schema import RISK_ARGUMENT

NO_DECISION = "Every model is halted, so no decision is left to make."


NOT_RELIABLE = "the computation failed its own checks; quote none of this."


def view_words(view: str | None, counts: NumberCounts | None) -> str | None:
    """Say how many of a story's numbers its view changes; None without a view.

    Examples
    --------
    >>> counts = {"in_all": 79, "uncertain_in_all": 63, "changed_by_view": 16}
    >>> view_words("sceptic", counts)
    'View sceptic changes 16 of the 79 numbers of the story.'
    >>> view_words("sceptic", counts | {"changed_by_view": 0})
    'View sceptic changes none of the 79 numbers of the story: it says nothing about it.'
    """
    # Results of earlier versions have no counts.
    if view is None or counts is None or counts["changed_by_view"] is None:
        return None
    start = f"View {plain(view)} changes"
    if changes_nothing(counts):
        numbers = f"none of the {counts['in_all']} numbers of the story"
        return f"{start} {numbers}: it says nothing about it."
    return f"{start} {counts['changed_by_view']} of the {counts['in_all']} numbers of the story."


def changes_nothing(counts: NumberCounts | None) -> bool:
    """Whether a view leaves every number of the story as it is."""
    return counts is not None and counts["changed_by_view"] == 0


_RISKS: tuple[Fate, ...] = ("halted", "catastrophe")


def argued_fates(kind: str | None) -> tuple[Fate, ...]:
    """List the fates that a kind of story makes a claim about: a risk argument, catastrophe.

    Being halted stands beside it, as what checks do to the chance of it.

    Examples
    --------
    >>> argued_fates("risk-argument")
    ('halted', 'catastrophe')
    """
    return _RISKS if kind == RISK_ARGUMENT else FATES


def is_risk_argument(summary: Head) -> bool:
    """Whether a story gives the chance of a catastrophe alone, and of nothing that goes right."""
    return summary.get("kind") == RISK_ARGUMENT  # absent from results of earlier versions


ARGUED = "The argument puts the chance of catastrophe at"


HEADLINE_FATES: tuple[Headline, ...] = ("success", "catastrophe")


def headline_fates(summary: Head) -> tuple[Headline, ...]:
    """The fates that a headline gives.

    Examples
    --------
    >>> headline_fates({"kind": "risk-argument"}), headline_fates({"kind": "training-story"})
    (('catastrophe',), ('success', 'catastrophe'))
    """
    return headline_of(summary.get("kind"))


def headline_of(kind: str | None) -> tuple[Headline, ...]:
    """The fates that a headline on a kind of story gives."""
    return ("catastrophe",) if kind == RISK_ARGUMENT else HEADLINE_FATES


def is_uncertain(summary: StoryDocument) -> bool:
    """Whether anything has an interval."""
    return bool(summary["diagnostics"]["draws"] > 1)


def errors_of(summary: StoryDocument, answer: str) -> Errors:
    """Monte Carlo standard errors of an answer, and of its interval.

    Parameters
    ----------
    summary : StoryDocument
    answer : str
        A class, a fate or `deployed`; of anything else, where it stands in the object, such as
        `hazards.slow` or `paths.1.concern`.

    Examples
    --------
    >>> errors_of({"diagnostics": {"standard_errors": {"success": {"mean": 0.01}}}}, "success")
    {'mean': 0.01}
    """
    d = summary["diagnostics"]
    # Absent from results of earlier versions.
    stated = (d.get("standard_errors") or {}).get(answer)
    simulated = (d.get("simulation_error") or {}).get(answer, 0.0)  # that of states, too
    if stated is None:
        return NO_ERRORS
    errors = cast(dict[str, float], stated)
    return {**errors, "mean": max(errors["mean"], simulated)}


def has_evidence(summary: Estimate) -> bool:
    """Whether anything was observed: findings, forecasts, or results of checks."""
    results = (check["result"] for check in summary["checks"].values())
    return bool(summary["evidence"]["items"]) or any(results)


def fixed_words(summary: Estimate) -> str:
    """Say that no number has a range; how findings are to be read is averaged over."""
    beside = " but for those of its findings" if has_evidence(summary) else ""
    return f"Every number of the story{beside} is fixed"


def is_zero(entry: Interval) -> bool:
    """Whether a probability is 0 at every draw."""
    return bool(entry["mean"] == 0 and entry["q95"] == 0)


def states_simulated(summary: StoryDocument) -> int | None:
    """How many states were simulated in all; None where sums are exact, and a 0 is proved."""
    if summary["method"] != "simulation":
        return None
    return int(summary["diagnostics"]["states_simulated"])


def never_words(summary: StoryDocument) -> str:
    """What is said before a list of what has no chance."""
    states = states_simulated(summary)
    return "never" if states is None else f"not met in {states:,} simulated states"


def cases(summary: StoryDocument, entry: Interval) -> str:
    """A chance as a count of cases; what simulation did not meet may still be."""
    if states_simulated(summary) is not None and entry["mean"] in (0.0, 1.0):
        return "not met" if entry["mean"] == 0 else "nothing else met"
    return about_one_in(entry["mean"])


def no_catastrophe(summary: StoryDocument) -> str:
    """Say that there is no catastrophe, as surely as that was found."""
    states = states_simulated(summary)
    if states is None:
        return "By its numbers it cannot end in catastrophe."
    return f"Catastrophe was not met in {states:,} simulated states, which does not rule it out."


def opinions_words(summary: Estimate) -> str | None:
    """Success and catastrophe without the forecasts; None where the story has none."""
    totals = _opinion_totals(summary)
    if totals is None:
        return None
    names = [item["id"] for item in summary["evidence"]["items"] if item["idle"]]
    return totals + "".join(f" {plain(name)} {DOES_NOTHING}" for name in names)


DOES_NOTHING = "does nothing: it is about a number that is fixed."


def evidence_words(summary: StoryDocument) -> list[str]:
    """Give the sentences that a reader needs to know how far the evidence is in the answer.

    Parameters
    ----------
    summary : StoryDocument
    """
    totals = _opinion_totals(summary)
    sentences = [] if totals is None else [totals]
    idle = summary.get("idle_evidence") or {}  # absent from results of earlier versions
    return sentences + [f"{plain(name)} does nothing: {why}." for name, why in idle.items()]


def _opinion_totals(summary: StoryDocument) -> str | None:
    opinions = summary.get("opinions")
    if opinions is None:
        return None
    entries: dict[str, Summary | None] = {
        name: opinions["fates"][name] for name in headline_fates(summary)
    }
    of = summary.get("of")  # of some documents
    if isinstance(of, str) and of not in entries:
        entries[of] = _odds_of(opinions, of)
    means = {name: entry["mean"] for name, entry in entries.items() if entry is not None}
    return without_forecasts(means, len(opinions["forecasts"]))


def without_forecasts(means: Mapping[str, float], forecasts: int) -> str:
    """Give chances without the forecasts, of which there are so many, in a sentence.

    Examples
    --------
    >>> without_forecasts({"success": 0.25}, 2)
    'Forecasts are opinions, not findings; without them: success 25%.'
    """
    chances = [f"{odds_words(name)} {percent(mean)}" for name, mean in means.items()]
    start = (
        "Forecasts are opinions, not findings; without them:"
        if forecasts > 1
        else "A forecast is an opinion, not a finding; without it:"
    )
    return f"{start} {listed(chances)}."


def _odds_of(opinions: Opinions, odds: str) -> Summary | None:
    """One of `events.ODDS`; None given deployment where every model is halted."""
    day = opinions["deployed"]
    listed = [*opinions["classes"].items(), *opinions["fates"].items()]
    entries: dict[str, Summary] = dict(listed)
    if day is not None:
        day_odds = [*day_fates(day).items(), *day["classes"].items()]
        entries |= {f"{name}{GIVEN}": entry for name, entry in day_odds}
        entries[DEPLOYED] = day["probability"]
    return entries.get(odds)


def day_fates(day: Day) -> dict[Fate, Summary]:
    """Give the fates of what is deployed, in the order of the fates."""
    return {
        "success": day["success"],
        "uncompetitive": day["uncompetitive"],
        "benign-failure": day["benign-failure"],
        "catastrophe": day["catastrophe"],
    }


def flagged_words(summary: Estimate) -> str | None:
    """Say whose odds these are where a check is known to have flagged the model."""
    flagged = [name for name, check in summary["checks"].items() if check["result"] == "flagged"]
    if not flagged:
        return None
    names = ", ".join(map(plain, flagged))
    return f"A check flagged this model ({names}): the odds are those of going on all the same."


def soundness(summary: StoryDocument) -> str:
    """Say what was computed how, where that passed its own checks."""
    d, method = summary["diagnostics"], summary["method"]
    if method == "exact":
        return "Exact: nothing was sampled."
    if method == "simulation":
        many = d["states_simulated"] > d["states"]  # at every draw, not all at one
        drawn = f"{d['draws']:,} draws of {d['states']:,}" if many else f"{d['states']:,}"
        return (
            f"Sound, as simulations go: {drawn} weighted states count as {d['ess_joint']:,.0f} "
            f"independent ones{_tail(d)}."
        )
    if d["means"] == "exact":
        return f"Sound: means are exact sums; intervals are from {d['draws']:,} independent draws."
    if method == "weighting":
        return (
            f"Sound: {d['draws']:,} weighted draws count as {d['ess']:,.0f} independent "
            f"ones{_tail(d)}."
        )
    return (
        f"Sound: {d['draws']:,} NUTS draws count as at least "
        f"{min(d['ess_bulk_min'], d['ess_tail_min']):,.0f} independent ones, R-hat "
        f"{d['r_hat_max']:.3f}, no divergences."
    )


def _tail(d: Diagnostics) -> str:
    """What vouches for the largest weights: a bound that was proved, or the shape of their tail."""
    if d["pareto_k"] is not None:
        return f" (Pareto k {d['pareto_k']:.2f})".replace("-", "−")
    bound = d["weight_bound"]
    if bound is None or bound <= 1:
        return ""
    # A bound is rounded up.
    times = f"{math.ceil(bound):,}" if bound >= _ROUND else f"{math.ceil(10 * bound) / 10:.1f}"
    return f"; no draw counts more than {times} times the average"


_ROUND = 10  # from here on, a bound needs no decimals
