"""Answers as plain data: numbers, and the words in which a page says them."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storyodds.models import quick
from storyodds.models.events import EVENTS
from storyodds.models.leaving_out import parts_of
from storyodds.priors.errors import Problem
from storyodds.priors.forms import plain_prior
from storyodds.priors.library import view, view_names
from storyodds.reports.live.requests import State
from storyodds.reports.wording import about_one_in, bits, interval, percent
from storyodds.scenarios.resolve import ResolvedStory, StoryNumber

Array = NDArray[np.float64]

SCHEMA = "storyodds/live/1"
TOP_PATHS = 8
NAMES = {
    "success": "goes right",
    "uncompetitive": "aligned, but of no use",
    "halted": "stopped by a check",
    "benign-failure": "fails without great harm",
    "catastrophe": "catastrophe",
    "intended": "the intended model",
    "mesa-optimizer": "a mesa-optimizer",
    "deceptive": "a deceptive model",
    "other": "another unintended model",
}


def plain_problem(problem: Problem) -> dict[str, Any]:
    """Give a mistake as plain data; what is not known of its place is left out."""
    place = {key: getattr(problem, key) for key in ("file", "line", "column", "key_path")}
    known = {key: value for key, value in place.items() if value is not None}
    return {**known, "message": problem.message}


def answer(now: quick.Answer, before: quick.Answer, state: State, seed: int) -> dict[str, Any]:
    """Give a quick answer, and how it differs from the story as written.

    Parameters
    ----------
    now, before : quick.Answer
    state : State
    seed : int

    Returns
    -------
    dict
        Probabilities as numbers and in words. `error` is the Monte Carlo standard error of the
        difference.
    """
    errors = quick.difference_errors(before, now)
    found = _summaries(now, now.averaged.events, now.spread.events)
    written = _summaries(before, before.averaged.events, before.spread.events)
    odds = {
        name: {
            "now": found[k],
            "before": written[k],
            "difference": difference(found[k]["mean"] - written[k]["mean"], float(errors[k])),
        }
        for k, name in enumerate(EVENTS)
    }
    draws = now.draws
    return {
        "schema": SCHEMA,
        "state": state.as_data(),
        "odds": odds,
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


def told(summary: Mapping[str, float]) -> dict[str, Any]:
    """Give a probability with its interval, and both in words."""
    return {
        **{key: summary[key] for key in ("mean", "median", "q05", "q95")},
        "words": percent(summary["mean"]),
        "band": interval(summary),
        "count": about_one_in(summary["mean"]),
    }


def difference(change: float, error: float) -> dict[str, Any]:
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
    elif abs(change) < 2 * error:
        words = "too small to tell"
    else:
        words = f"{'+' if change > 0 else '−'}{_points(abs(change))} points"
        noise = f"±{_points(2 * error)}" if error else ""
    return {"mean": change, "error": error, "words": words, "noise": noise}


def _points(size: float) -> str:
    size *= 100
    return f"{size:.0f}" if size >= 9.95 else f"{size:#.2g}" if size >= 1e-3 else "<0.001"


def _summaries(found: quick.Answer, at_draws: Array, spread: Array) -> list[dict[str, Any]]:
    """The means of one set of draws, the intervals of another, column by column, told."""
    means = found.averaged.mean(at_draws)
    ends = np.quantile(spread, [0.5, 0.05, 0.95], axis=0, method="inverted_cdf")
    names = ("mean", "median", "q05", "q95")
    columns = zip(means, *ends, strict=True)
    return [told(dict(zip(names, map(float, column), strict=True))) for column in columns]


def _paths(found: quick.Answer) -> list[dict[str, Any]]:
    """The failure paths of most concern."""
    if not found.paths:
        return []
    concerns, chances = (
        [
            np.stack([getattr(odds, part) for odds in of], axis=1)
            for of in (found.path_odds, found.path_spread)
        ]
        for part in ("concern", "reached")
    )
    order = np.lexsort((-found.averaged.mean(chances[0]), -found.averaged.mean(concerns[0])))
    order = order[:TOP_PATHS]
    concern = _summaries(found, *(of[:, order] for of in concerns))
    chance = _summaries(found, *(of[:, order] for of in chances))
    return [
        {
            **path_name(path.route, path.hazard, path.claim),
            "literals": [name if value else f"not {name}" for name, value in sorted(path.literals)],
            "concern": concern[k],
            "probability": chance[k],
        }
        for k, path in enumerate(found.paths[i] for i in order)
    ]


def path_name(route: str, hazard: str | None, claim: str) -> dict[str, Any]:
    """Name a path's ending."""
    return {"path": hazard or route, "route": route, "hazard": hazard, "claim": claim}


def _soundness(found: quick.Answer) -> str:
    told_of = found.draws.diagnostics
    if found.draws.method == "exact":
        return "Exact: no number is uncertain."
    if len(found.averaged.values) == 1:
        return f"Means are exact; intervals are of {len(found.spread.values):,} draws."
    k = told_of["pareto_k"]
    carried = f"{told_of['ess']:,.0f} of {told_of['draws']:,} draws carry the answer"
    return carried + ("" if k is None else f"; Pareto k {k:.2f}".replace("-", "−")) + "."


def settled(summary: Mapping[str, Any], state: State) -> dict[str, Any]:
    """Give a full assessment in the shape of a quick answer, without the difference."""
    odds = {**summary["classes"], **summary["fates"]}
    method, messages = summary["method"], summary["diagnostics"]["messages"]
    return {
        "schema": SCHEMA,
        "state": state.as_data(),
        "odds": {name: {"now": told(odds[name])} for name in EVENTS},
        "paths": [
            {
                **path_name(path["route"], path["hazard"], path["claim"]),
                "literals": path["literals"],
                "concern": told(path["concern"]),
                "probability": told(path["probability"]),
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


def description(written: ResolvedStory, told_now: dict[str, Any]) -> dict[str, Any]:
    """Give everything that the page of a story is made of."""
    story = written.story
    return {
        "story": story.story,
        "title": story.title,
        "kind": story.kind,
        "goal": story.goal.specification,
        "views": [{"name": name, "title": view(name).title} for name in view_names()],
        "numbers": [number(n, written) for n in written.numbers],
        "parts": _parts(written),
        "answer": told_now,
    }


def number(found: StoryNumber, written: ResolvedStory) -> dict[str, Any]:
    """Give what a control for one number needs."""
    owner, _, field = found.name.partition(".")
    group, claim = _owner(owner, written)
    return {
        "name": found.name,
        "owner": owner,
        "field": field,
        "group": "left to the format" if found.origin == "format" else group,
        "claim": claim,
        "kind": found.kind,
        "origin": found.origin,
        "basis": found.basis,
        **_value(found),
    }


def _value(found: StoryNumber) -> dict[str, Any]:
    low, middle, high = (float(x) for x in found.distribution.quantile(np.array([0.05, 0.5, 0.95])))
    said = percent if found.kind == "probability" else bits
    words = said(middle) if low == high else f"{said(low)} to {said(high)}"
    return {"prior": prior_text(found), "q05": low, "median": middle, "q95": high, "words": words}


def prior_text(found: StoryNumber) -> str:
    """Write a number's PRIOR on one line, without where it comes from.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> resolved = resolve(load_story("coinrun-agent"), settings={"something-else": [-3, 0.5]})
    >>> prior_text(resolved.numbers[resolved.number_index["something-else.bits"]])
    '[-3, 0.5]'
    """
    value = plain_prior(found.form)
    if isinstance(value, dict):
        value = {k: v for k, v in value.items() if k not in ("basis", "source", "note")}
        if set(value) == {"fixed"} or set(value) == {"interval"}:
            (value,) = value.values()
    return _flow(value)


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)  # which YAML reads as well


def changed_numbers(written: ResolvedStory, changed: ResolvedStory) -> dict[str, Any]:
    """Give the numbers that are not as written, by name."""
    pairs = zip(written.numbers, changed.numbers, strict=True)
    return {
        now.name: {**_value(now), "origin": now.origin}
        for was, now in pairs
        if now.form != was.form
    }


def _owner(name: str, written: ResolvedStory) -> tuple[str, str]:
    """The group in which a number's owner stands, and its claim."""
    story = written.story
    groups: list[tuple[str, Mapping[str, str]]] = [
        ("assumptions", {key: a.claim for key, a in written.assumptions.items()}),
        ("hazards of the goal", {h.id: h.claim for h in story.goal.hazards}),
        ("nudges", {nudge.id: nudge.claim for nudge in story.rationale.nudges}),
        ("routes", {route.id: route.claim for route in written.routes}),
        ("checks", {check.id: check.claim for check in story.checks}),
        ("evidence", {item.id: item.claim for item in story.evidence}),
    ]
    for group, claims in groups:
        if name in claims:
            return group, claims[name]
    return "rationale", ""


def _parts(written: ResolvedStory) -> list[dict[str, str]]:
    """What can be switched off."""
    return [
        {"id": f"{part}:{name}", "part": part, "name": name, "claim": _claim(part, name, written)}
        for part, name in parts_of(written)
    ]


def _claim(part: str, name: str, written: ResolvedStory) -> str:
    if part == "constraint":
        return next(c.claim for c in written.story.rationale.constraints if c.id == name)
    return _owner(name, written)[1]
