"""The draws that a page carries, against those of the estimate and against fresh estimates."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.building import OFF, believe, tell
from support.monte_carlo import effective, mean_and_error
from support.page_arithmetic import (
    along,
    answers,
    decoded,
    errors_along,
    intervals,
    place_of,
    tilt_in,
    weighted_events,
)
from support.strategies import small_stories

from storyodds import load_story
from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.posterior.prepared import prepare
from storyodds.models.posterior.soundness import errors_of_means
from storyodds.models.posterior.weighted_answers import weigh_at
from storyodds.models.posterior.weighting import sampled_draws
from storyodds.models.story.events import EVENTS
from storyodds.priors.library import view
from storyodds.priors.text.errors import InputError
from storyodds.reports.dashboard.what_if import below, what_if_data
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.loader import bundled_stories
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route
from storyodds.scenarios.story import Story

# Standard errors that one answer of twenty thousand is off by, with errors that are themselves
# known to an eighth: a normal variable is beyond five once in two million.
_ERRORS = 6.0
_ROUNDING = 1e-9  # of chances, as sums are done in another order


@pytest.fixture(scope="module")
def showcase() -> Assessment:
    return assess(resolve(load_story("rlhf-assistant")))


def carried(assessment: Assessment, **options: Any) -> dict[str, Any]:
    data = what_if_data(assessment, **options)
    assert data is not None
    return data


def test_nothing_moved_is_the_estimate(showcase: Assessment) -> None:
    data, estimate = carried(showcase), summarize(showcase)
    (means, share), ends = answers(data, {}), intervals(data, {})
    assert set(ends) == set(EVENTS)
    for event in EVENTS:
        stated = (estimate["classes"] | estimate["fates"])[event]
        assert data["means"][event] == pytest.approx(stated["mean"], abs=1e-14)
        assert means[event] == pytest.approx(stated["mean"], abs=1e-10)
        assert ends[event] == pytest.approx((stated["q05"], stated["q95"]), abs=1e-8)
    assert share > 0.95


def test_statistics_have_the_means_of_all_draws(showcase: Assessment) -> None:
    data = carried(showcase)
    columns, (_, weights) = decoded(data), weighted_events(data, {})
    names = [number.name for number in showcase.prepared.resolved.numbers]
    for k, slider in enumerate(data["sliders"]):
        values = showcase.exact.values[:, names.index(slider["name"])]
        expected = showcase.exact.weights @ tilt_in(data, k).statistic(values)
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
    (means, _), ends = answers(data, {}), intervals(data, {})
    assert all(low <= high for low, high in ends.values())
    for event, p in means.items():
        # Events that are the same but for rounding are balanced as one, each within 1e-4 of its
        # spread, which is a half at most.
        assert p == pytest.approx(data["means"][event], abs=5e-5)


@pytest.mark.slow
@pytest.mark.parametrize("moves", [{0: -45}, {1: 50}, {0: 40, 2: -40}])
def test_moved_sliders_give_what_a_fresh_estimate_gives(
    showcase: Assessment, moves: dict[int, int]
) -> None:
    data = carried(showcase)
    (means, share), ends = answers(data, moves), intervals(data, moves)
    changed = {
        data["sliders"][k]["name"]: tilt_in(data, k).prior(place_of(data, k, step))
        for k, step in moves.items()
    }
    fresh = assess(resolve(load_story("rlhf-assistant"), settings=changed))
    events, exact = fresh.averaged.events, fresh.exact.events
    spread_weights = fresh.exact.weights
    assert share > data["least"]
    still, told_apart = intervals(data, {}), 0
    for e, event in enumerate(EVENTS):
        expected, error = mean_and_error(events[:, e], fresh.averaged.weights)
        # What so many draws, independent ones, would be off by.
        spread = np.sqrt(spread_weights @ (exact[:, e] - expected) ** 2)
        carried_error = spread / np.sqrt(share * data["draws"])
        assert abs(means[event] - expected) <= 4 * np.hypot(error, carried_error)
        assert means[event] != pytest.approx(data["means"][event], abs=1e-7)
        for end, unmoved, level in zip(ends[event], still[event], (0.05, 0.95), strict=True):
            # Of the share below, by so many independent draws and those of the fresh estimate.
            error = np.sqrt(
                level * (1 - level) * (1 / (share * data["draws"]) + 1 / effective(spread_weights))
            )
            off, before = (
                abs(spread_weights @ (exact[:, e] <= place) - level) for place in (end, unmoved)
            )
            assert off <= 4 * error
            told_apart += before > 4 * error
    assert told_apart > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(bundled_stories()))
def test_each_slider_alone_gives_what_a_fresh_estimate_gives(name: str) -> None:
    """At eleven positions, within what the page states that it may be off by, and the estimate."""
    story = load_story(name)
    assessed = assess(resolve(story))
    data = what_if_data(assessed, draws=200)
    if data is None:
        assert not assessed.prepared.uncertain
        return
    assert data["curves"] is not None
    for k, slider in enumerate(data["sliders"]):
        for step in range(-100, 101, 20):
            prior = tilt_in(data, k).prior(place_of(data, k, step))
            moved = resolve(story, settings={slider["name"]: prior})
            prepared = prepare(moved, like=assessed.prepared)
            fresh, _, _ = weigh_at(prepared, *sampled_draws(prepared, 512, seed=2))
            expected, errors = fresh.mean(fresh.events), errors_of_means(fresh)[: len(EVENTS)]
            means, stated = along(data, k, step), errors_along(data, k, step)
            for e, event in enumerate(EVENTS):
                error = np.hypot(errors[e], stated[event])
                assert abs(means[event] - expected[e]) <= _ERRORS * error + _ROUNDING


@settings(max_examples=50)
@given(
    x=st.lists(st.integers(0, 40), min_size=2, max_size=30),
    place=st.floats(-1, 41),
    seed=st.integers(0, 2**32 - 1),
)
def test_parts_below_come_to_the_share_below(x: list[int], place: float, seed: int) -> None:
    """However draws are weighted: shares are on straight lines between the middles of draws."""
    values = np.array(x, dtype=float)
    assume(place not in x)  # else there is a step, not one share
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(x)))
    ordered = np.argsort(values, kind="stable")
    middles = np.cumsum(weights[ordered]) - weights[ordered] / 2
    expected = np.interp(place, values[ordered], middles, left=0, right=1)
    assert weights @ below(values, place) == pytest.approx(expected, abs=1e-12)


def test_it_is_small(showcase: Assessment) -> None:
    data = carried(showcase)
    assert len(json.dumps(data)) < 70_000  # of the page's 350 kB, curves included
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
    sampled = "--method weighting --draws 64 --seed 7"
    expected = f"storyodds estimate rlhf-assistant --view sceptic {sampled}"
    assert found["command"] == expected
    assert carried(assessed, command="storyodds estimate x")["command"] == "storyodds estimate x"
    name = "situational-awareness.probability"
    assert found["settings"] == {
        name: f"'{name}={{beta: [8.0, 2.0]}}'",
        "proxy-goal.bits": "proxy-goal.bits=0.5",
    }
