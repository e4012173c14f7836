"""What the page of a story can change, as plain data: its numbers, its parts, and the views."""

import json
from collections.abc import Mapping

import numpy as np

from storyodds.priors.distributions.forms import plain_prior
from storyodds.priors.library import view, view_names
from storyodds.reports.documents.head import correlated_numbers
from storyodds.reports.words.correlations import together
from storyodds.reports.words.numbers import bits, marked, percent
from storyodds.scenarios.numbers.story_number import StoryNumber
from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.switches import switches_of


def description(written: ResolvedStory) -> dict[str, object]:
    """Give everything that the page of a story is made of, but for its odds."""
    story = written.story
    return {
        "story": story.story,
        "title": story.title,
        "kind": story.kind,
        "goal": story.goal.specification,
        "views": [{"name": name, "title": view(name).title} for name in view_names()],
        "numbers": [number(n, written) for n in written.numbers],
        "parts": _parts(written),
    }


def number(number: StoryNumber, written: ResolvedStory) -> dict[str, object]:
    """Give what a control for one number needs."""
    owner, _, field = number.name.partition(".")
    group, claim = _owner(owner, written)
    return {
        "name": number.name,
        "owner": owner,
        "field": field,
        "group": "left to the format" if number.origin == "format" else group,
        "claim": claim,
        "kind": number.kind,
        "origin": number.origin,
        "basis": number.basis,
        **_value(number),
    }


def _value(number: StoryNumber) -> dict[str, object]:
    low, middle, high = (
        float(x) for x in number.distribution.quantile(np.array([0.05, 0.5, 0.95]))
    )
    wording = percent if number.kind == "probability" else bits
    words = wording(middle) if low == high else f"{wording(low)} to {wording(high)}"
    return {"prior": prior_text(number), "q05": low, "median": middle, "q95": high, "words": words}


def prior_text(number: StoryNumber) -> str:
    """Write a number's PRIOR on one line, without where it comes from.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> resolved = resolve(load_story("coinrun-agent"), settings={"something-else": [-3, 0.5]})
    >>> prior_text(resolved.numbers[resolved.number_index["something-else.bits"]])
    '[-3, 0.5]'
    """
    value = plain_prior(number.form)
    if isinstance(value, dict):
        value = {k: v for k, v in value.items() if k not in ("basis", "source", "note")}
        if set(value) == {"fixed"} or set(value) == {"interval"}:
            (value,) = value.values()
    return _flow(value)


def _flow(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)  # which YAML reads as well


def changed_numbers(written: ResolvedStory, changed: ResolvedStory) -> dict[str, object]:
    """Give the numbers that are not as written, by name."""
    pairs = zip(written.numbers, changed.numbers, strict=True)
    return {
        now.name: {**_value(now), "origin": now.origin}
        for before, now in pairs
        if now.form != before.form
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
        ("numbers in several places", {key: n.claim for key, n in story.numbers.items()}),
    ]
    for group, claims in groups:
        if name in claims:
            return group, claims[name]
    return "rationale", ""


def _parts(written: ResolvedStory) -> list[dict[str, str]]:
    """What can be switched off."""
    forecasts = {item.id for item in written.story.evidence if item.forecast is not None}
    return [
        {
            "id": f"{part}:{name}",
            "part": part,
            "name": name,
            "label": marked(name, name in forecasts),
            "claim": _claim(part, name, written),
        }
        for part, name in switches_of(written.story)
    ]


def _claim(part: str, name: str, written: ResolvedStory) -> str:
    if part == "constraint":
        return next(c.claim for c in written.story.rationale.constraints if c.id == name)
    if part == "correlation":
        return next(together(b) for b in correlated_numbers(written) if b["id"] == name)
    return _owner(name, written)[1]
