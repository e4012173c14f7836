"""Moved priors: their densities, and weighted draws against fresh estimates."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from support.building import believe, item, tell
from support.monte_carlo import effective, mean_and_error
from support.strategies import small_stories

from storyodds import load_story
from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.changes.sliders import OWN, Tilt, sliders, tilt_of
from storyodds.models.story.events import EVENTS
from storyodds.priors.distributions.families import distribution_of
from storyodds.priors.distributions.forms import parse_prior
from storyodds.priors.text.errors import InputError
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Check, Hazard, Nudge, Route
from storyodds.scenarios.story import Story

PRIORS: list[tuple[str, Any]] = [
    ("probability", [0.1, 0.4]),
    ("probability", {"interval": [0.9, 0.99], "level": 0.5}),
    ("probability", {"beta": [2, 6]}),
    ("probability", {"beta": [0.5, 30]}),
    ("probability", {"counts": {"hits": 3, "trials": 40}}),
    ("probability", {"normal": [0.3, 0.2]}),
    ("probability", {"lognormal": {"mean": 0.02, "error_factor": 5}}),
    ("bits", [-1, 2]),
    ("bits", {"normal": [1.5, 0.8]}),
]


def found_tilt(kind: Any, prior: Any) -> Tilt:
    tilt = tilt_of(distribution_of(parse_prior(prior, kind), kind), kind)
    assert isinstance(tilt, Tilt), tilt
    return tilt


@pytest.mark.parametrize(("kind", "prior"), PRIORS)
@given(share=st.floats(0, 1))
@settings(max_examples=20)
def test_the_ratio_of_densities_is_the_tilt(kind: Any, prior: Any, share: float) -> None:
    tilt = found_tilt(kind, prior)
    place = tilt.low + share * (tilt.high - tilt.low)
    before, after = (
        distribution_of(parse_prior(form, kind), kind) for form in (prior, tilt.prior(place))
    )
    z = np.linspace(-6, 6, 41)
    ratio = after.log_density_unconstrained(z) - before.log_density_unconstrained(z)  # type: ignore[union-attr]
    said = tilt.delta(place) * tilt.statistic(expit(z) if kind == "probability" else z)
    spread = 1 + np.abs(said)
    np.testing.assert_allclose((ratio - ratio[20]) / spread, (said - said[20]) / spread, atol=2e-6)


@pytest.mark.parametrize(("kind", "prior"), PRIORS)
def test_places(kind: Any, prior: Any) -> None:
    tilt = found_tilt(kind, prior)
    assert tilt.low < tilt.start < tilt.high
    assert tilt.delta(tilt.start) == 0 and tilt.delta(tilt.low) < 0 < tilt.delta(tilt.high)
    for place in (tilt.low, tilt.start, tilt.high):
        assert tilt.place(tilt.center(place)) == pytest.approx(place, abs=1e-9)


def test_what_stays_and_what_moves() -> None:
    beta = found_tilt("probability", {"beta": [2, 6]})
    assert beta.center(beta.start) == pytest.approx(0.25)
    assert sum(beta.prior(logit(0.4))["beta"]) == pytest.approx(8)
    normal = found_tilt("bits", [-1, 2])
    assert normal.prior(0.75)["normal"] == pytest.approx([0.75, normal.size])
    low, high = found_tilt("probability", [0.1, 0.4]).prior(logit(0.5))["interval"]
    assert low + high == pytest.approx(1)


@pytest.mark.parametrize(
    ("kind", "prior", "reason"),
    [
        ("probability", {"uniform": [0.1, 0.4]}, "uniform"),
        ("probability", 0.3, "fixed"),
        ("bits", {"pool": [{"by": "a", "value": [0, 1]}, {"by": "b", "value": [2, 3]}]}, "pool"),
        ("probability", {"beta": [1e-3, 1e-3]}, "too near"),
        ("probability", [1 - 1e-12, 1 - 1e-13], "too near"),
        ("bits", [-50, 50], "to be stated"),
    ],
)
def test_priors_without_a_family(kind: Any, prior: Any, reason: str) -> None:
    found = tilt_of(distribution_of(parse_prior(prior, kind), kind), kind)
    assert isinstance(found, str) and reason in found


def hold_to_a_fresh_estimate(
    story: Story, assessed: Assessment, moves: dict[int, float], **sampling: Any
) -> bool:
    """Weighted draws give what the story with the moved priors gives; `moves` by slider.

    False where there are too few draws to tell.
    """
    found = sliders(assessed)
    tilts = [found.shown[k].tilt for k in moves]
    numbers = [found.shown[k].number for k in moves]
    places = [
        t.start + share * (t.start - t.low if share < 0 else t.high - t.start)
        for t, share in zip(tilts, moves.values(), strict=True)
    ]
    logs = np.sum(
        [
            t.delta(at) * t.statistic(assessed.exact.values[:, i])
            for t, at, i in zip(tilts, places, numbers, strict=True)
        ],
        axis=0,
    )
    weights = assessed.exact.weights * np.exp(logs - logs.max())
    names = [assessed.prepared.resolved.numbers[i].name for i in numbers]
    changed = {n: t.prior(at) for n, t, at in zip(names, tilts, places, strict=True)}
    fresh = assess(resolve(story, settings=changed), **sampling)
    is_exact = len(fresh.averaged.values) == 1
    if effective(weights) < 100 or not (is_exact or effective(fresh.averaged.weights) >= 100):
        return False
    for e in range(len(EVENTS)):
        mean, error = mean_and_error(assessed.exact.events[:, e], weights)
        expected, its_error = mean_and_error(fresh.averaged.events[:, e], fresh.averaged.weights)
        assert abs(mean - expected) <= 5 * np.hypot(error, its_error) + 1e-9
    return True


def every_kind() -> Story:
    """A story with every family of priors and every kind of evidence."""
    return tell(
        {"a": believe([0.2, 0.6]), "b": believe({"beta": [2, 6]})},
        [
            Route(id="r", class_="deceptive", requires="a", bits=[-1, 2], harm=[0.1, 0.3]),
            Route(
                id="q",
                class_="mesa-optimizer",
                requires="b",
                bits={"normal": [0, 1]},
                harm={"lognormal": {"mean": 0.05, "error_factor": 3}},
            ),
            Route(id="something-else", class_="other", bits=-2, harm=0.01),
        ],
        nudges=[Nudge(id="n", bits={"intended": [0, 2]})],
        checks=[Check(id="v", flags={"deceptive": {"normal": [0.3, 0.15]}, "default": 0.05})],
        hazards=[Hazard(id="h", criterion="alignment", probability=[0.1, 0.4], harm=0.3)],
        evidence=[
            item(
                "seen",
                {"assumption": "a"},
                counts={"hits": 2, "trials": 9},
                rates={"true": [0.2, 0.6], "false": [0.05, 0.3]},
                relevance=[0.5, 0.9],
            ),
            item("judged", {"outcome": True}, bayes_factor={"deceptive": [-2, 1], "default": 0}),
            item("told", {"class": "mesa-optimizer"}, forecast=0.2, sd_bits=1.5),
        ],
    )


def test_each_number_and_two_at_once() -> None:
    story = every_kind()
    assessed = assess(resolve(story))
    found = sliders(assessed)
    assert len(found.shown) == 9 and found.others == 0
    assert len({slider.tilt.family for slider in found.shown}) == 4
    for k in range(len(found.shown)):
        assert hold_to_a_fresh_estimate(story, assessed, {k: 0.6 if k % 2 else -0.6})
    assert hold_to_a_fresh_estimate(story, assessed, {0: 0.4, 3: -0.5})


@pytest.mark.slow
def test_the_showcase() -> None:
    story = load_story("rlhf-assistant")
    assessed = assess(resolve(story))
    for moves in ({0: -0.6}, {1: 0.5}, {2: 0.6, 6: -0.5}):
        assert hold_to_a_fresh_estimate(story, assessed, moves)


@settings(max_examples=15)
@given(story=small_stories(max_assumptions=4, max_routes=4, certain=False), data=st.data())
def test_any_story(story: Story, data: st.DataObject) -> None:
    sampling: dict[str, Any] = {"draws": 1024, "method": "weighting"}
    try:
        assessed = assess(resolve(story), **sampling)
    except InputError:
        assume(False)
        raise
    found = sliders(assessed)
    assume(found.shown)
    which = st.integers(0, len(found.shown) - 1)
    chosen = data.draw(st.dictionaries(which, st.floats(-0.5, 0.5), min_size=1, max_size=2))
    assume(hold_to_a_fresh_estimate(story, assessed, chosen, **sampling))


def test_numbers_that_are_averaged_over_have_no_slider() -> None:
    assessed = assess(resolve(every_kind()))
    found, numbers = sliders(assessed), assessed.prepared.resolved.numbers
    assert {numbers[i].name for i in found.without[OWN]} == {
        "seen.rates.true",
        "seen.rates.false",
        "seen.relevance",
        "judged.bayes_factor.deceptive",
    }


def test_the_most_important_come_first_and_the_rest_are_counted() -> None:
    assessed = assess(resolve(every_kind()))
    every, few = sliders(assessed), sliders(assessed, most=4)
    assert few.shown == every.shown[:4] and few.others == 5
    effects = [slider.effect for slider in every.shown]
    assert effects == sorted(effects, reverse=True)


def test_effects_are_what_moving_a_prior_does() -> None:
    """By one standard deviation of a prior that the evidence says little about."""
    story = every_kind()
    assessed = assess(resolve(story))
    [slider] = [s for s in sliders(assessed).shown if s.tilt.family == "log-normal"]
    name = assessed.prepared.resolved.numbers[slider.number].name
    tilt, step = slider.tilt, 0.05
    means = []
    for place in (tilt.start - step * tilt.size, tilt.start + step * tilt.size):
        moved = assess(resolve(story, settings={name: tilt.prior(place)}))
        means.append(moved.averaged.mean(moved.averaged.events))
    log_odds = [logit(m[[EVENTS.index("success"), EVENTS.index("catastrophe")]]) for m in means]
    moved_by = np.abs(log_odds[1] - log_odds[0]).max() / (2 * step)
    assert slider.effect == pytest.approx(moved_by, rel=0.15)


def test_a_simulated_story_has_the_same_sliders_in_front() -> None:
    story = every_kind()
    exact = sliders(assess(resolve(story)))
    simulated = sliders(assess(resolve(story), method="simulation", draws=2048))
    assert {s.number for s in simulated.shown[:2]} <= {s.number for s in exact.shown[:4]}
