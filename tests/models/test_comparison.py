"""Stories at the same numbers: what is shared, whose posterior rows follow, and closed forms."""

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

from storyodds.models.assessment.assessment import assess
from storyodds.models.comparison.coupling import Beside, put_beside
from storyodds.models.comparison.sides import (
    EVENTS,
    Posterior,
    evidence_weights,
    log_findings,
    of_assessment,
    of_draws,
    rank_shares,
)
from storyodds.priors.distributions.forms import Beta, Interval
from storyodds.priors.text.errors import InputError
from storyodds.scenarios.loader import load_story
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Nudge, Route
from storyodds.scenarios.story import Story

SUCCESS = EVENTS.index("success")
DECEPTIVE = EVENTS.index("deceptive")
CATASTROPHE = EVENTS.index("catastrophe")
WIDE = Beta(beta=(2, 3))
# Kolmogorov's distance of n draws from what they are drawn of, exceeded once in a million.
FAR = 2.7


def side(story: Story, draws: int = 2048, **options: Any) -> Posterior:
    return of_assessment(assess(resolve(story), draws=draws, **options))


def half_as_likely(prior: Any, evidence: Any = ()) -> Story:
    """The rival needs `b` too, which is a toss of a coin."""
    route = SCHEMER.model_copy(update={"requires": ("a", "b")})
    return tell({"a": believe(prior), "b": believe(0.5)}, (route, OFF), evidence=evidence)


def seen(hits: int, trials: int, true: float = 0.8, false: float = 0.2) -> Any:
    rates = {"true": true, "false": false}
    return item("seen", {"assumption": "a"}, counts={"hits": hits, "trials": trials}, rates=rates)


def both(beside: Beside, event: int = DECEPTIVE) -> tuple[Any, Any]:
    first, second = beside.of_two(0, 1)
    return first[:, event], second[:, event]


def test_a_story_against_itself_is_all_zero() -> None:
    story = load_story("coinrun-agent")
    beside = put_beside([side(story, 256), side(story, 256)], 256)
    assert np.array_equal(beside.events[0], beside.events[1])
    assert beside.pairs[0, 1].how == "paired" and not beside.pairs[0, 1].moved


def test_fixed_stories_have_one_difference() -> None:
    beside = put_beside([side(on_a_class(0.3)), side(on_a_class(0.1))], 100)
    assert beside.events.shape[1] == 2  # a row for each
    gaps = beside.events[1] - beside.events[0]
    assert gaps[:, DECEPTIVE] == pytest.approx(-0.2, abs=1e-9)
    assert gaps[:, CATASTROPHE] == pytest.approx(-0.1, abs=1e-9)
    assert beside.pairs[0, 1].how == "independent"


def test_a_shared_number_is_one_number() -> None:
    """P(deceptive) is p in one story and p / 2 in the other: the difference is p / 2."""
    beside = put_beside([side(on_a_class(WIDE)), side(half_as_likely(WIDE))], 4096)
    p, half = both(beside)
    assert half == pytest.approx(p / 2, abs=1e-6)
    assert np.std(p - half) == pytest.approx(beta(2, 3).std() / 2, rel=0.05)
    assert beside.pairs[0, 1].numbers == ("a.probability",)


def test_a_number_of_another_prior_stands_at_the_same_quantile() -> None:
    """Beta(3, 3) is above Beta(2, 3) at every quantile: less of it is clearly less."""
    more = Beta(beta=(3, 3))
    beside = put_beside([side(on_a_class(more)), side(on_a_class(WIDE))], 1024)
    p, q = both(beside)
    assert beta(2, 3).cdf(q) == pytest.approx(beta(3, 3).cdf(p), abs=1e-5)
    assert np.all(q < p)
    assert beside.pairs[0, 1].moved == ("a.probability",) and not beside.pairs[0, 1].numbers


def test_numbers_of_another_name_are_independent() -> None:
    other = SCHEMER.model_copy(update={"requires": "b"})
    sides = [side(on_a_class(WIDE)), side(tell({"b": believe(WIDE)}, (other, OFF)))]
    beside = put_beside(sides, 4096)
    p, q = both(beside)
    # Four standard errors of a correlation of 0.
    assert abs(np.corrcoef(p, q)[0, 1]) < 4 / np.sqrt(len(p))
    assert np.var(p - q) == pytest.approx(2 * beta(2, 3).var(), rel=0.1)
    assert beside.pairs[0, 1].how == "independent"


def test_rows_follow_the_posterior_of_the_one_and_of_the_other() -> None:
    """Hits about `a` make its Beta(2, 3) a mixture; without evidence it stays one."""
    story = on_a_class(WIDE, [seen(9, 10)])
    sides = [side(story), side(on_a_class(WIDE))]
    beside = put_beside(sides, 4096)
    plain = beside.events[1, :, DECEPTIVE]  # the number itself, whatever the row follows
    yes, no = 0.8**9 * 0.2, 0.2**9 * 0.8
    share = 0.4 * yes / (0.4 * yes + 0.6 * no)
    expected = (
        lambda p: share * beta(3, 3).cdf(p) + (1 - share) * beta(2, 4).cdf(p),
        beta(2, 3).cdf,
    )
    for k, cumulative in enumerate(expected):
        drawn = np.sort(plain[beside.follows == k])
        place = (np.arange(len(drawn)) + 0.5) / len(drawn)
        assert abs(cumulative(drawn) - place).max() < FAR / np.sqrt(len(drawn))


def test_what_one_side_has_alone_follows_its_own_posterior() -> None:
    about = item(
        "about-b",
        {"assumption": "b"},
        counts={"hits": 3, "trials": 4},
        rates={"true": 0.7, "false": 0.3},
    )
    route = SCHEMER.model_copy(update={"requires": ("a", "b")})
    first = on_a_class(WIDE)
    told = tell(
        {"a": believe(WIDE), "b": believe(Beta(beta=(1, 1)))}, (route, OFF), evidence=[about]
    )
    sides = [side(first), side(told)]
    beside = put_beside(sides, 4096)
    p, q = both(beside)
    assert beside.pairs[0, 1].numbers == ("a.probability",)
    assert np.all(q < p)  # b makes it less likely, whatever it is
    spread = np.std(q) / np.sqrt(len(q))
    assert q.mean() == pytest.approx(sides[1].means[DECEPTIVE], abs=5 * spread)


def test_only_what_can_happen_at_one_number_is_in_the_interval() -> None:
    """Two versions that share the bits of a nudge, 1 to 2, whose condition is 80 or 0 percent.

    A finding bears on the routes by its marginal likelihoods alone. At every number of bits the
    second has more success, and never as much more as independent draws would tell.
    """

    def version(probability: float) -> Story:
        rates = {
            "rival": Interval(interval=(0.02, 0.3)),
            "default": Interval(interval=(0.01, 0.15)),
        }
        return tell(
            {"long": believe(probability)},
            (
                Route(id="rival", class_="deceptive", bits=0, harm=0.1),
                Route(id="something-else", class_="other", bits=-3, harm=0.1),
            ),
            nudges=[Nudge(id="n", when="long", bits={"rival": (1, 2)})],
            evidence=[
                item("pilot", {"outcome": True}, counts={"hits": 3, "trials": 60}, rates=rates)
            ],
        )

    stories = [version(0.8), version(0.0)]
    sides = [side(story) for story in stories]
    p, q = both(put_beside(sides, 4096), SUCCESS)
    assert np.all(q > p)
    likelihoods = [np.exp(t) for t in assess(resolve(stories[0])).prepared.tables[0]]
    by_route = np.asarray(likelihoods[0])

    def success(bits: float, probability: float) -> float:
        joint = np.zeros(3)
        for chance, extra in ((probability, bits), (1 - probability, 0.0)):
            weights = np.array([1.0, 2**extra, 2**-3])
            joint += chance * weights / weights.sum() * by_route
        return float(joint[0] / joint.sum())

    sd = 0.5 / 1.6448536269514722
    # Four thousand draws of the bits are inside 5.5 standard deviations but once in 6,000 times.
    low, high = (success(x, 0.0) - success(x, 0.8) for x in 1.5 + sd * np.array([-5.5, 5.5]))
    assert low < (q - p).min() and (q - p).max() < high
    middle = success(1.5, 0.0) - success(1.5, 0.8)
    assert np.median(q - p) == pytest.approx(middle, abs=0.01)


def test_three_sides_share_what_two_of_them_share() -> None:
    sides = [side(on_a_class(0.2)), side(on_a_class(WIDE)), side(half_as_likely(WIDE))]
    beside = put_beside(sides, 512)
    assert beside.events[2, :, DECEPTIVE] == pytest.approx(
        beside.events[1, :, DECEPTIVE] / 2, abs=1e-6
    )
    assert np.ptp(beside.events[0, :, DECEPTIVE]) == 0
    assert [beside.pairs[a, b].how for a, b in ((0, 1), (1, 2))] == ["independent", "paired"]
    alone = put_beside([sides[0], sides[1]], 512)
    assert beside.of_two(0, 1)[0].shape == alone.of_two(0, 1)[0].shape


def test_saved_draws_stand_beside_the_same_draws_only() -> None:
    rng = np.random.default_rng(1)
    one, other = (of_draws(rng.dirichlet(np.ones(len(EVENTS)), 512)) for _ in range(2))
    beside = put_beside([one, one, other, side(on_a_class(WIDE))], 1024)
    hows = [beside.pairs[pair].how for pair in ((0, 1), (0, 2), (0, 3))]
    assert hows == ["same", "independent", "independent"]
    p = beside.events[:, :, DECEPTIVE]
    assert np.array_equal(p[0], p[1])
    assert all(abs(np.corrcoef(p[0], p[k])[0, 1]) < 4 / np.sqrt(512) for k in (2, 3))


def test_simulated_sides_are_independent() -> None:
    whole = side(on_a_class(WIDE))
    simulated = side(on_a_class(WIDE), 512, method="simulation")
    assert simulated.prepared is None
    assert put_beside([whole, simulated], 512).pairs[0, 1].how == "independent"
    assert put_beside([], 64).events.shape == (0, 0, len(EVENTS))


def test_the_seed_decides() -> None:
    sides = [side(on_a_class(WIDE), 256)] * 2
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
    weights = evidence_weights([assess(resolve(s)).draws.log_evidence for s in stories])
    assert weights == pytest.approx(np.array(likelihoods) / sum(likelihoods))


def test_opinions_are_no_findings() -> None:
    """A forecast moves log P(evidence), and what the findings say stays what it was."""
    judge = item("judge", {"class": "deceptive"}, forecast=0.05, sd_bits=1.0)
    without = assess(resolve(on_a_class(WIDE, [seen(6, 10)])), draws=1024)
    assessment = assess(resolve(on_a_class(WIDE, [seen(6, 10), judge])), draws=1024)
    findings = log_findings(assessment)
    assert findings is not None
    # The error of weighting what is exact without the forecast: five of its standard errors.
    error = 5 * assessment.draws.log_evidence_error
    assert findings == pytest.approx(without.draws.log_evidence, abs=error)
    assert abs(assessment.draws.log_evidence - findings) > 10 * error or error > 0.05
    assert log_findings(without) == pytest.approx(without.draws.log_evidence)


def test_ranks_share_ties() -> None:
    events = np.zeros((3, 2, len(EVENTS)))
    events[:, :, CATASTROPHE] = [[0.1, 0.3], [0.1, 0.2], [0.3, 0.1]]
    least = rank_shares(events, "catastrophe", least_first=True)
    assert least.tolist() == [[0.25, 0.25, 0.5], [0.25, 0.75, 0], [0.5, 0, 0.5]]
    assert rank_shares(events, "catastrophe", least_first=False).tolist() == least[:, ::-1].tolist()


def test_small_chances_have_ranks() -> None:
    events = np.zeros((2, 1, len(EVENTS)))
    events[:, 0, CATASTROPHE] = 5e-9, 4e-9
    least = rank_shares(events, "catastrophe", least_first=True)
    assert least.tolist() == [[0, 1], [1, 0]]


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
    beside = put_beside([own, replace(own)], 64)
    assert np.array_equal(beside.events[0], beside.events[1])
    assert np.isfinite(beside.events).all()
