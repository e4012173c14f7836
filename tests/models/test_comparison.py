"""Draws side by side: whose are whose, what is shared, and closed forms of what follows."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta
from support.building import OFF, SCHEMER, believe, item, on_a_class, tell
from support.oracle import ImpossibleEvidence, solve
from support.strategies import small_stories

from storyodds.models.assessment import assess
from storyodds.models.comparison import (
    EVENTS,
    Posterior,
    evidence_weights,
    of_assessment,
    of_result,
    rank_shares,
    weighted_posterior,
)
from storyodds.models.likelihoods import no_evidence
from storyodds.models.pairing import put_beside
from storyodds.models.posterior import forecasts_log_density, from_uniforms, log_likelihood, prepare
from storyodds.priors.errors import InputError
from storyodds.priors.forms import Beta
from storyodds.reports.results import estimate
from storyodds.scenarios.loader import load_story
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route, Story

DECEPTIVE = EVENTS.index("deceptive")
CATASTROPHE = EVENTS.index("catastrophe")
WIDE = Beta(beta=(2, 3))


def side(story: Story, draws: int = 2048, **options: Any) -> Posterior:
    return of_assessment(assess(resolve(story), draws=draws, **options))


def half_as_likely(prior: Any, evidence: Any = ()) -> Story:
    """The rival needs `b` too, which is a toss of a coin."""
    route = SCHEMER.model_copy(update={"requires": ("a", "b")})
    return tell({"a": believe(prior), "b": believe(0.5)}, (route, OFF), evidence=evidence)


def seen(hits: int, trials: int, true: float = 0.8, false: float = 0.2) -> Any:
    rates = {"true": true, "false": false}
    return item("seen", {"assumption": "a"}, counts={"hits": hits, "trials": trials}, rates=rates)


def test_a_story_against_itself_is_all_zero() -> None:
    story = load_story("coinrun-agent")
    beside = put_beside([side(story, 256), side(story, 256)], 256)
    assert np.array_equal(beside.events[0], beside.events[1])
    assert beside.pairs[0, 1].how == "paired" and beside.pairs[0, 1].equal == 1
    assert beside.pairs[0, 1].items == tuple(e.id for e in story.evidence)


def test_fixed_stories_have_one_difference() -> None:
    beside = put_beside([side(on_a_class(0.3)), side(on_a_class(0.1))], 100)
    gaps = beside.events[1] - beside.events[0]
    assert gaps[:, DECEPTIVE] == pytest.approx(-0.2, abs=1e-9)
    assert gaps[:, CATASTROPHE] == pytest.approx(-0.1, abs=1e-9)
    assert beside.pairs[0, 1].how == "independent"


def test_a_shared_number_is_one_number() -> None:
    """P(deceptive) is p in one story and p / 2 in the other: the difference is p / 2."""
    beside = put_beside([side(on_a_class(WIDE)), side(half_as_likely(WIDE))], 4096)
    p, half = beside.events[:, :, DECEPTIVE]
    assert half == pytest.approx(p / 2, abs=1e-6)
    assert np.std(p - half) == pytest.approx(beta(2, 3).std() / 2, rel=0.05)
    assert beside.pairs[0, 1].numbers == ("a.probability",)
    assert beside.pairs[0, 1].equal == 1


def test_numbers_of_another_prior_are_independent() -> None:
    other = Beta(beta=(3, 2))
    beside = put_beside([side(on_a_class(WIDE)), side(on_a_class(other))], 4096)
    p, q = beside.events[:, :, DECEPTIVE]
    assert abs(np.corrcoef(p, q)[0, 1]) < 0.06
    assert np.var(p - q) == pytest.approx(beta(2, 3).var() + beta(3, 2).var(), rel=0.1)
    assert beside.pairs[0, 1].how == "independent" and not beside.pairs[0, 1].numbers


def test_every_side_keeps_its_own_posterior() -> None:
    """Contrary evidence: each side's draws follow the Beta mixture that its own items leave."""
    sides = [side(on_a_class(WIDE, [seen(*what)])) for what in ((9, 10), (1, 10), (5, 5))]
    beside = put_beside([*sides, side(on_a_class(WIDE))], 4096)
    for k, own in enumerate(sides):
        drawn = np.sort(beside.events[k, :, DECEPTIVE])
        assert drawn.mean() == pytest.approx(own.means[DECEPTIVE], abs=0.01)
        order = np.argsort(own.exact[:, DECEPTIVE])
        reached = np.interp(drawn, own.exact[order, DECEPTIVE], np.cumsum(own.weights[order]))
        assert abs(reached - (np.arange(4096) + 0.5) / 4096).max() < 0.035


def test_shared_numbers_are_equal_as_often_as_can_be() -> None:
    """Densities 2x and 2(1 - x), which overlap by half; the other half keeps its order."""
    true, false = seen(1, 1, 1.0, 0.0), seen(0, 1, 1.0, 0.0)
    flat = Beta(beta=(1, 1))
    stories = [half_as_likely(flat, [what]) for what in (true, false)]
    sides = [side(story) for story in stories]
    pair = put_beside(sides, 4096).pairs[0, 1]
    assert pair.equal == pytest.approx(0.5, abs=0.03)


def test_unshared_numbers_under_evidence_leave_shared_ones_together() -> None:
    """Evidence on one side's own number alone takes no shared number apart."""
    about = item(
        "about-b",
        {"assumption": "b"},
        counts={"hits": 3, "trials": 4},
        rates={"true": 0.7, "false": 0.3},
    )
    route = SCHEMER.model_copy(update={"requires": ("a", "b")})
    first = tell({"a": believe(WIDE), "b": believe(Beta(beta=(1, 2)))}, (route, OFF))
    told = tell(
        {"a": believe(WIDE), "b": believe(Beta(beta=(1, 1)))}, (route, OFF), evidence=[about]
    )
    beside = put_beside([side(first), side(told)], 4096)
    assert beside.pairs[0, 1].numbers == ("a.probability",)
    assert beside.pairs[0, 1].equal is not None and beside.pairs[0, 1].equal > 0.9
    drawn = beside.events[1, :, DECEPTIVE]
    assert drawn.mean() == pytest.approx(side(told).means[DECEPTIVE], abs=0.01)


def test_rates_of_the_same_item_are_drawn_alike() -> None:
    """What a rate turned out to be moves both sides alike, so it does not blur their difference."""
    wide = {"true": Beta(beta=(2, 2)), "false": Beta(beta=(1, 5))}
    seen_item = item("seen", {"assumption": "a"}, counts={"hits": 2, "trials": 6}, rates=wide)
    first, second = on_a_class(0.3, [seen_item]), on_a_class(0.31, [seen_item])
    sides = [side(story) for story in (first, second)]
    beside = put_beside(sides, 2048)
    assert beside.pairs[0, 1].items == ("seen",)
    p, q = beside.events[:, :, DECEPTIVE]
    assert np.std(p) > 0.05
    assert np.corrcoef(p, q)[0, 1] > 0.9
    assert p.mean() == pytest.approx(sides[0].means[DECEPTIVE], abs=0.01)


def test_three_sides_share_what_two_of_them_share() -> None:
    sides = [side(on_a_class(0.2)), side(on_a_class(WIDE)), side(half_as_likely(WIDE))]
    beside = put_beside(sides, 512)
    assert beside.events[2, :, DECEPTIVE] == pytest.approx(
        beside.events[1, :, DECEPTIVE] / 2, abs=1e-6
    )
    assert np.ptp(beside.events[0, :, DECEPTIVE]) == 0
    assert [beside.pairs[a, b].how for a, b in ((0, 1), (1, 2))] == ["independent", "paired"]


def test_saved_draws_are_paired_with_the_same_draws_only() -> None:
    story = on_a_class(WIDE)
    one, other = (of_result(estimate(story, draws=512, seed=seed)) for seed in (1, 2))
    beside = put_beside([one, one, other, side(story)], 512)
    hows = [beside.pairs[pair].how for pair in ((0, 1), (0, 2), (0, 3))]
    assert hows == ["same", "independent", "independent"]
    p = beside.events[:, :, DECEPTIVE]
    assert np.array_equal(p[0], p[1])
    assert all(abs(np.corrcoef(p[0], p[k])[0, 1]) < 0.15 for k in (2, 3))
    assert np.sort(p[0]) == pytest.approx(np.sort(one.exact[:, DECEPTIVE]))


def test_sides_that_cannot_be_weighted_are_independent() -> None:
    whole = side(on_a_class(WIDE))
    alone = replace(whole, weighted=None)
    beside = put_beside([whole, alone], 512)
    assert beside.pairs[0, 1].how == "independent"
    assert abs(np.corrcoef(beside.events[:, :, DECEPTIVE])[0, 1]) < 0.15
    assert put_beside([], 64).events.shape == (0, 64, len(EVENTS))


def test_the_seed_decides() -> None:
    sides = [side(on_a_class(WIDE), 256)]
    draws = [put_beside(sides, 128, seed).events for seed in (1, 1, 2)]
    assert np.array_equal(draws[0], draws[1]) and not np.array_equal(draws[1], draws[2])


def test_evidence_weights_are_those_of_enumeration() -> None:
    stories = [
        tell({"a": believe(p)}, evidence=[seen(7, 10, true, 0.2)])
        for p, true in ((0.3, 0.8), (0.6, 0.5), (0.1, 0.9))
    ]
    likelihoods = [
        p * true**7 * (1 - true) ** 3 + (1 - p) * 0.2**7 * 0.8**3
        for p, true in ((0.3, 0.8), (0.6, 0.5), (0.1, 0.9))
    ]
    found = evidence_weights([assess(resolve(s)).draws.log_evidence for s in stories])
    assert found == pytest.approx(np.array(likelihoods) / sum(likelihoods))
    solved = np.exp([solve(s).log_evidence for s in stories])
    assert found == pytest.approx(solved / solved.sum())


def test_ranks_share_ties() -> None:
    events = np.zeros((3, 2, len(EVENTS)))
    events[:, :, CATASTROPHE] = [[0.1, 0.3], [0.1, 0.2], [0.3, 0.1]]
    least = rank_shares(events, "catastrophe", least_first=True)
    assert least.tolist() == [[0.25, 0.25, 0.5], [0.25, 0.75, 0], [0.5, 0, 0.5]]
    assert rank_shares(events, "catastrophe", least_first=False).tolist() == least[:, ::-1].tolist()


@given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=1, max_size=4))
def test_ranks_are_doubly_stochastic(chances: list[list[int]]) -> None:
    events = np.zeros((len(chances), 4, len(EVENTS)))
    events[:, :, 0] = np.array(chances) / 10
    shares = rank_shares(events, "success", least_first=False)
    assert shares.sum(axis=0) == pytest.approx(1) and shares.sum(axis=1) == pytest.approx(1)


@settings(max_examples=6)
@given(small_stories())
def test_any_story_against_itself(story: Story) -> None:
    try:
        solve(story)
        own = side(story, 64, method="weighting")
    except (ImpossibleEvidence, InputError):
        return
    beside = put_beside([own, own], 64)
    assert np.array_equal(beside.events[0], beside.events[1])
    assert np.isfinite(beside.events).all()


@settings(max_examples=8)
@given(small_stories())
def test_the_evidence_weighs_what_it_does_elsewhere(story: Story) -> None:
    prepared = prepare(resolve(story))
    values = from_uniforms(prepared, prepared.core, np.full((2, len(prepared.core)), 0.3))
    prior = prepared.answers.evaluate(values, no_evidence(prepared.graph))
    expected = log_likelihood(prepared, values, prior)
    found = prepared.answers.log_evidence(values, prepared.likelihoods)
    found = found + forecasts_log_density(prepared, values)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_quick_posteriors_are_those_of_an_assessment() -> None:
    story = on_a_class(WIDE, [seen(6, 10)])
    found = weighted_posterior(prepare(resolve(story)), 1024, 1)
    assert found is not None
    posterior, log_evidence = found
    full = assess(resolve(story), draws=1024)
    assert posterior.means == pytest.approx(of_assessment(full).means)
    assert log_evidence == pytest.approx(full.draws.log_evidence)
    assert weighted_posterior(prepare(resolve(on_a_class(0.2))), 64, 1) is None


def test_quick_posteriors_admit_defeat() -> None:
    sure = item("sure", {"class": "deceptive"}, forecast=1e-6, sd_bits=0.05)
    route = Route(id="scheme", class_="deceptive", bits=(-8, 8), harm=0.1)
    story = tell({}, (route, OFF), evidence=[sure])
    assert weighted_posterior(prepare(resolve(story)), 64, 1) is None
    own = side(story, 64, method="weighting")
    assert own.weighted is None
    assert math.isfinite(put_beside([own, own], 64).events.sum())
