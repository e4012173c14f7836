"""Answers as plain data: numbers, and the words in which a page says them."""

import re
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from storyodds.models.changes import interactive
from storyodds.models.posterior import soundness
from storyodds.models.story.events import FATES
from storyodds.priors.text.errors import Problem
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.documents.summaries import summarize_quotient
from storyodds.reports.live.requests import State
from storyodds.reports.words.numbers import (
    NO_ERRORS,
    Errors,
    about_one_in,
    band,
    percent,
    points,
    signed,
)
from storyodds.reports.words.sentences import errors_of, headline_of, without_forecasts
from storyodds.reports.words.sequences import is_sequence, sequence_words

Array = NDArray[np.float64]

SCHEMA = "storyodds/live/1"
TOP_PATHS = 8  # that a page shows
CLEAR_ERRORS = 2.0  # standard errors from which on a change is told from chance


class Worded(Summary):
    """A probability, and the words in which a page says it."""

    words: str
    band: str
    count: str
    error: float


class Change(TypedDict):
    """A change of a probability since the story as written; `noise` is "" where there is none."""

    mean: float
    error: float
    words: str
    noise: str


class Moved(TypedDict):
    """A probability now and in the story as written; None where no model is deployed."""

    now: Worded | None
    before: Worded | None
    difference: Change | None


class PathName(TypedDict):
    """Where a path ends: at a hazard, or else at a route."""

    path: str
    route: str
    hazard: str | None
    claim: str


class _Needs(TypedDict):
    """What a path needs, as it is in results and in words."""

    literals: list[str]
    needs: str


class Path(PathName, _Needs):
    """A failure path with its odds."""

    concern: Worded
    probability: Worded


class Answer(TypedDict):
    """What a live page shows of a state."""

    schema: str
    state: dict[str, object]
    odds: dict[str, Moved]
    opinions: str | None
    paths: list[Path]
    diagnostics: dict[str, object]
    seed: int


_TYPED = re.compile(r"(?:--)?set (\S+)")  # where a mistake in one number is said to be


def plain_problem(problem: Problem) -> dict[str, object]:
    """Give a mistake as plain data; what is not known of its place is left out.

    Of a number that was typed on a page, `number` is its name, and there is no other place.

    Examples
    --------
    >>> plain_problem(Problem("found 7", key_path="--set aware.probability"))
    {'number': 'aware.probability', 'message': 'found 7'}
    """
    for place in (problem.key_path, problem.file):
        if place is not None and (typed := _TYPED.fullmatch(place)):
            return {"number": typed[1], "message": problem.message}
    places = {key: getattr(problem, key) for key in ("file", "line", "column", "key_path")}
    position = {key: value for key, value in places.items() if value is not None}
    return {**position, "message": problem.message}


def answer(
    now: interactive.Answer,
    before: interactive.Answer | None,
    state: State,
    seed: int,
    *,
    kind: str,
) -> Answer:
    """Give a quick answer, and how it differs from the story as written.

    Parameters
    ----------
    now, before : interactive.Answer
        Before is None where the story as written has no odds.
    state : State
    seed : int
    kind : str
        Of the story.

    Returns
    -------
    dict
        Probabilities as numbers and in words; odds on the day of the decision are None where
        every model is halted. `error` is the Monte Carlo standard error of the difference.
    """
    odds_now = _odds(now)
    odds_before = dict.fromkeys(interactive.ODDS) if before is None else _odds(before)
    errors = None if before is None else interactive.difference_errors(before, now)
    odds: dict[str, Moved] = {}
    for k, name in enumerate(interactive.ODDS):
        after, earlier = odds_now[name], odds_before[name]
        change = None
        if errors is not None and after is not None and earlier is not None:
            change = difference(after["mean"] - earlier["mean"], float(errors[k]))
        odds[name] = {"now": after, "before": earlier, "difference": change}
    draws = now.draws
    return {
        "schema": SCHEMA,
        "state": state.as_data(),
        "odds": odds,
        "opinions": _opinions(now, kind),
        "paths": _paths(now),
        "diagnostics": {
            "ok": draws.ok,
            "method": draws.method,
            "messages": list(draws.messages),
            **draws.diagnostics,
            "words": _soundness(now),
        },
        "seed": seed,
    }


def in_words(summary: Summary, errors: Errors = NO_ERRORS) -> Worded:
    """Give a probability with its interval, and both in as many digits as their errors allow."""
    return {
        "mean": summary["mean"],
        "median": summary["median"],
        "q05": summary["q05"],
        "q95": summary["q95"],
        "words": percent(summary["mean"], errors.get("mean", 0.0)),
        "band": band(summary, errors),
        "count": about_one_in(summary["mean"]),
        "error": errors.get("mean", 0.0),
    }


def difference(change: float, error: float) -> Change:
    """Give a change of a probability, in words as percentage points, and its noise.

    Examples
    --------
    >>> found = difference(-0.0312, 0.0004)
    >>> found["words"], found["noise"], difference(0.0001, 0.002)["words"]
    ('−3.1 points', '±0.080', 'too small to tell')
    >>> difference(0.0, 0.0)["words"], difference(0.25, 0.0)["noise"]
    ('no change', '')
    """
    noise = ""
    if abs(change) < 1e-12:
        words = "no change"
    elif abs(change) < CLEAR_ERRORS * error:
        words = "too small to tell"
    else:
        words = points(change)
        noise = f"±{signed(CLEAR_ERRORS * error)[1:]}" if error else ""
    return {"mean": change, "error": error, "words": words, "noise": noise}


def _odds(answer: interactive.Answer) -> dict[str, Worded | None]:
    """Every one of `interactive.ODDS`; None where every model is halted."""
    stated = soundness.errors_of(answer.averaged, answer.spread).by_name()
    averaged, spread = (interactive.parts_and_wholes(q) for q in (answer.averaged, answer.spread))
    weights = answer.averaged.weights, answer.spread.weights
    odds: dict[str, Worded | None] = {}
    for k, name in enumerate(interactive.ODDS):
        summary = summarize_quotient(
            (averaged[0][:, k], averaged[1][:, k], weights[0]),
            (spread[0][:, k], spread[1][:, k], weights[1]),
        )
        errors = stated.get(name, {"mean": float(answer.mean_errors[k])})
        odds[name] = None if summary is None else in_words(summary, errors)
    return odds


def _opinions(answer: interactive.Answer, kind: str) -> str | None:
    """The odds without the forecasts, in a sentence; None without any, or where not known."""
    graph = answer.averaged.graph
    forecasts = [item.id for item in graph.evidence if item.form == "forecast"]
    weights = answer.findings_weights
    if not forecasts or weights is None:
        return None
    means = weights @ answer.averaged.fates
    stated: dict[str, float] = {name: float(means[FATES.index(name)]) for name in headline_of(kind)}
    return without_forecasts(stated, len(forecasts))


def _summaries(answer: interactive.Answer, at_draws: Array, spread: Array) -> list[Worded]:
    """The means of one set of draws, the intervals of another, column by column, in words."""
    means = answer.averaged.mean(at_draws)
    ends = np.quantile(spread, [0.5, 0.05, 0.95], axis=0, method="inverted_cdf")
    columns = zip(means.tolist(), *ends.tolist(), strict=True)
    return [
        in_words({"mean": mean, "median": median, "q05": low, "q95": high})
        for mean, median, low, high in columns
    ]


def _paths(answer: interactive.Answer) -> list[Path]:
    """The failure paths of most concern."""
    if not answer.paths:
        return []
    concerns, chances = (
        [
            np.stack([getattr(odds, part) for odds in of], axis=1)
            for of in (answer.path_odds, answer.path_spread)
        ]
        for part in ("concern", "reached")
    )
    order = np.lexsort((-answer.averaged.mean(chances[0]), -answer.averaged.mean(concerns[0])))
    order = order[:TOP_PATHS]
    concern = _summaries(answer, *(of[:, order] for of in concerns))
    chance = _summaries(answer, *(of[:, order] for of in chances))
    return [
        {
            **path_name(path.route, path.hazard, path.claim),
            **_needs([name if value else f"not {name}" for name, value in path.ordered]),
            "concern": concern[k],
            "probability": chance[k],
        }
        for k, path in enumerate(answer.paths[i] for i in order)
    ]


def _needs(literals: list[str]) -> _Needs:
    """Give what a path needs, with the words for it."""
    words = sequence_words(literals) if is_sequence(literals) else " → ".join(literals)
    return {"literals": literals, "needs": words}


def path_name(route: str, hazard: str | None, claim: str) -> PathName:
    """Name a path's ending."""
    return {"path": hazard or route, "route": route, "hazard": hazard, "claim": claim}


def _soundness(answer: interactive.Answer) -> str:
    diagnostics = answer.draws.diagnostics
    if answer.draws.method == "exact":
        return "Exact: no number is uncertain."
    if len(answer.averaged.values) == 1:
        return f"Means are exact; intervals are of {len(answer.spread.values):,} draws."
    k = diagnostics["pareto_k"]
    carried = f"{diagnostics['ess']:,.0f} of {diagnostics['draws']:,} draws carry the answer"
    return carried + ("" if k is None else f"; Pareto k {k:.2f}".replace("-", "−")) + "."


def settled(summary: Estimate, state: State) -> dict[str, object]:
    """Give a full assessment in the shape of a quick answer, without the difference."""
    odds = odds_in_full(summary)
    method, messages = summary["method"], summary["diagnostics"]["messages"]
    return {
        "schema": SCHEMA,
        "state": state.as_data(),
        "odds": {
            name: {"now": None if entry is None else in_words(entry, errors_of(summary, name))}
            for name, entry in odds.items()
        },
        "paths": [
            {
                **path_name(path["route"], path["hazard"], path["claim"]),
                **_needs(path["literals"]),
                "concern": in_words(path["concern"]),
                "probability": in_words(path["probability"]),
            }
            for path in summary["paths"][:TOP_PATHS]
        ],
        "diagnostics": {
            "ok": summary["diagnostics"]["ok"],
            "method": method,
            "messages": messages,
            "words": f"{summary['diagnostics']['draws']:,} draws, method: {method}.",
        },
        "seed": summary["seed"],
    }


def odds_in_full(summary: Estimate) -> dict[str, Summary | None]:
    """The `interactive.ODDS` of an `estimate --json`; None for those of a day that never comes."""
    day = summary["deployed"]
    if day is None:
        day_odds: dict[str, Summary | None] = dict.fromkeys(interactive.ODDS[-4:])
    else:
        deceptive = day["classes"]["deceptive"]
        entries = (day["probability"], day["success"], day["catastrophe"], deceptive)
        day_odds = dict(zip(interactive.ODDS[-4:], entries, strict=True))
    return {**dict(summary["classes"].items()), **dict(summary["fates"].items()), **day_odds}
