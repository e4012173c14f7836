"""The draws that a page carries, against those of the estimate and against fresh estimates."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from support.building import OFF, believe, tell
from support.monte_carlo import mean_and_error
from support.page_arithmetic import answers, decoded, place_of, tilt_in
from support.strategies import small_stories

from storyodds import load_story
from storyodds.models.assessment import Assessment, assess
from storyodds.models.what_if import EVENTS, events_of
from storyodds.priors.errors import InputError
from storyodds.priors.library import view
from storyodds.reports.dashboard.what_if import what_if_data
from storyodds.reports.summary import summarize
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route, Story


@pytest.fixture(scope="module")
def showcase() -> Assessment:
    return assess(resolve(load_story("rlhf-assistant")))


def carried(assessment: Assessment, **options: Any) -> dict[str, Any]:
    found = what_if_data(assessment, **options)
    assert found is not None
    return found


def test_nothing_moved_is_the_estimate(showcase: Assessment) -> None:
    data, estimate = carried(showcase), summarize(showcase)
    means, share = answers(data, {})
    for event in EVENTS:
        stated = (estimate["classes"] | estimate["fates"])[event]["mean"]
        assert data["means"][event] == pytest.approx(stated, abs=1e-14)
        assert means[event] == pytest.approx(stated, abs=1e-10)
    assert share > 0.98


def test_statistics_have_the_means_of_all_draws(showcase: Assessment) -> None:
    data = carried(showcase)
    columns = decoded(data)
    logs = columns @ np.array([column["pull"] for column in data["columns"]])
    weights = np.exp(logs) / np.exp(logs).sum()
    names = [number.name for number in showcase.prepared.resolved.numbers]
    for k, slider in enumerate(data["sliders"]):
        values = showcase.draws.values[:, names.index(slider["name"])]
        expected = showcase.draws.weights @ tilt_in(data, k).statistic(values)
        found = weights @ columns[:, len(data["events"]) + k]
        assert found == pytest.approx(expected, abs=1e-9)


@settings(max_examples=20)
@given(story=small_stories(max_assumptions=4, max_routes=4, certain=False))
def test_nothing_moved_in_any_story(story: Story) -> None:
    try:
        assessed = assess(resolve(story), draws=512, method="weighting")
    except InputError:
        assume(False)
        raise
    data = what_if_data(assessed, draws=200)
    assume(data is not None and assessed.draws.ok)
    assert data is not None
    json.dumps(data, allow_nan=False)
    means, _ = answers(data, {})
    for event, p in means.items():
        # Sixteen bits, where the weights could not make up for them.
        assert p == pytest.approx(data["means"][event], abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("moves", [{0: -45}, {1: 50}, {3: 40, 6: -40}])
def test_moved_sliders_give_what_a_fresh_estimate_gives(
    showcase: Assessment, moves: dict[int, int]
) -> None:
    data = carried(showcase)
    means, share = answers(data, moves)
    changed = {
        data["sliders"][k]["name"]: tilt_in(data, k).prior(place_of(data, k, step))
        for k, step in moves.items()
    }
    fresh = assess(resolve(load_story("rlhf-assistant"), settings=changed))
    events = events_of(fresh.prepared.graph, fresh.draws.values, fresh.averaged.outcomes)
    assert share > data["least"]
    for e, event in enumerate(EVENTS):
        expected, error = mean_and_error(events[:, e], fresh.draws.weights)
        # What so many draws, independent ones, would be off by.
        spread = np.sqrt(fresh.draws.weights @ (events[:, e] - expected) ** 2)
        carried_error = spread / np.sqrt(share * data["draws"])
        assert abs(means[event] - expected) <= 4 * np.hypot(error, carried_error)
        assert means[event] != pytest.approx(data["means"][event], abs=1e-7)


def test_it_is_small(showcase: Assessment) -> None:
    data = carried(showcase)
    assert len(json.dumps(data)) < 60_000
    assert carried(showcase, draws=300, most=2)["draws"] == 300
    assert len(carried(showcase, most=2)["sliders"]) == 2


def test_groups_sum_to_one(showcase: Assessment) -> None:
    data = carried(showcase)
    means, _ = answers(data, {0: 30, 2: -20})
    for group in data["groups"]:
        assert sum(means[event] for event in group) == pytest.approx(1)
    assert set(data["groups"][0]) | set(data["groups"][1]) == set(means)


def test_no_sliders_no_data() -> None:
    certain = load_story("carlsmith-six-premises")
    uniform = tell({"a": believe({"uniform": [0.2, 0.6]})})
    for story in (certain, uniform):
        assert what_if_data(assess(resolve(story), draws=64)) is None


def test_numbers_without_a_slider_are_told_with_the_reason() -> None:
    rival = Route(id="r", class_="deceptive", requires="a", bits=[-1, 2], harm=0.5)
    story = tell({"a": believe({"uniform": [0.2, 0.6]})}, [rival, OFF])
    found = carried(assess(resolve(story), draws=64))
    [entry] = found["no_slider"]
    assert entry["names"] == ["a.probability"] and "uniform" in entry["reason"]
    assert [slider["name"] for slider in found["sliders"]] == ["r.bits"]


def test_the_command_repeats_what_is_in_force() -> None:
    settings = {
        "situational-awareness": {"beta": [8, 2], "note": "a guess"},
        "proxy-goal.bits": 0.5,
    }
    resolved = resolve(load_story("rlhf-assistant"), view=view("sceptic"), settings=settings)
    assessed = assess(resolved, draws=64, method="weighting", seed=7)
    found = carried(assessed)
    expected = "storyodds estimate rlhf-assistant.yaml --seed 7 --view sceptic"
    assert found["command"] == expected
    assert carried(assessed, command="storyodds estimate x")["command"] == "storyodds estimate x"
    name = "situational-awareness.probability"
    assert found["settings"] == {
        name: f"'{name}={{beta: [8.0, 2.0]}}'",
        "proxy-goal.bits": "proxy-goal.bits=0.5",
    }
