"""Power-scaling against closed forms, and against the same distance as ArviZ computes it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from arviz_stats.base import array_stats
from hypothesis import HealthCheck, assume, given, settings
from scipy import stats
from scipy.special import betaln, expit, logit
from support.building import OFF, SCHEMER, believe, item, on_a_class, tell
from support.strategies import small_stories

from storyodds import load_story
from storyodds.models.assessment.assessment import assess
from storyodds.models.changes.what_if import even_rows
from storyodds.models.sensitivity.cumulative_distance import distance
from storyodds.models.sensitivity.power_scaling import (
    ALL_EVIDENCE,
    ALL_PRIORS,
    FAR,
    NEAR,
    PowerScaling,
    Scaling,
    power_scaling,
    sensitivity,
)
from storyodds.priors.text.errors import InputError, UnsupportedStoryError
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route
from storyodds.scenarios.story import Story

HITS, TRIALS, PRIOR = 7, 10, 0.3
TRUE, FALSE = (3.0, 2.0), (1.5, 6.0)


def scale(story: Story, of: Any = ("success", "catastrophe"), **options: Any) -> PowerScaling:
    return power_scaling(assess(resolve(story), **options), of)


def row(scaling: Scaling | None, name: str) -> int:
    assert scaling is not None
    return scaling.names.index(name)


LOW, HIGH = 0.1, 0.6  # of an interval for P(a): a logit-normal prior


def counted(prior: Any) -> Story:
    """Counts about `a`, with rates of their own that are integrated out."""
    rates = {"true": {"beta": list(TRUE)}, "false": {"beta": list(FALSE)}}
    counts = {"hits": HITS, "trials": TRIALS}
    return on_a_class(prior, [item("seen", {"assumption": "a"}, counts=counts, rates=rates)])


def beta_binomial(a: float, b: float) -> float:
    """The likelihood of the counts, but for a factor."""
    return float(np.exp(betaln(a + HITS, b + TRIALS - HITS) - betaln(a, b)))


def mean_of_prior(alpha: float) -> float:
    """The mean of the interval with its density over log odds to a power, by quadrature."""
    ends = logit([LOW, HIGH])
    sd = (ends[1] - ends[0]) / 2 / stats.norm.ppf(0.95)
    z, w = np.polynomial.hermite_e.hermegauss(80)
    return float(w @ expit(ends.mean() + sd / alpha**0.5 * z) / w.sum())


def posterior(prior: float = PRIOR, evidence: float = 1.0) -> float:
    """P(deceptive | counts), by the mean of P(a) and with evidence to a power, in closed form."""
    yes, no = beta_binomial(*TRUE) ** evidence, beta_binomial(*FALSE) ** evidence
    return prior * yes / (prior * yes + (1 - prior) * no)


def per_doubling(at: Callable[[float], float]) -> float:
    return (at(2**1e-4) - at(2**-1e-4)) / 2e-4


def test_scaling_evidence_is_exact_where_nothing_has_to_be_sampled() -> None:
    fixed = scale(counted(PRIOR), ["deceptive"])
    assert fixed.priors is None  # rates of a finding are no numbers of the story
    spread = scale(counted({"beta": [3, 7]}), ["deceptive"])
    for found in (fixed, spread):
        assert found.base[0] == pytest.approx(posterior(), rel=1e-12)
        assert found.evidence is not None
        c = row(found.evidence, "seen")
        slope = per_doubling(lambda x: posterior(evidence=x))
        assert found.evidence.slope[c, 0] == pytest.approx(slope, rel=1e-3)
        expected = [posterior(evidence=alpha) for alpha in FAR]
        np.testing.assert_allclose(found.evidence.means[c, :, 0], expected, rtol=1e-9)
        assert found.evidence.slope_error[c, 0] == 0
    assert fixed.evidence is not None and spread.evidence is not None
    assert np.isnan(fixed.evidence.sensitivity[0, 0])  # P(deceptive | E) has no distribution
    assert spread.evidence.sensitivity[0, 0] > 0.05


def test_scaling_the_prior_of_an_integrated_number_moves_its_mean() -> None:
    found = scale(counted({"interval": [LOW, HIGH]}), ["deceptive"])
    priors = found.priors
    assert priors is not None and priors.names == ("a.probability", ALL_PRIORS)
    slope = per_doubling(lambda x: posterior(mean_of_prior(x)))
    np.testing.assert_allclose(priors.slope[:, 0], slope, atol=4 * priors.slope_error[0, 0])
    assert priors.slope_error[0, 0] < 0.01
    # Twice a density narrows it: weights with no tail; half of it may reach beyond the draws.
    assert priors.means[0, 1, 0] == pytest.approx(posterior(mean_of_prior(2.0)), abs=0.01)
    even = scale(counted({"beta": [3, 7]}), ["deceptive"]).priors
    assert even is not None  # Beta(3 alpha, 7 alpha) has the mean of Beta(3, 7)
    assert abs(even.slope[0, 0]) < 4 * even.slope_error[0, 0] < 0.04


def test_the_derivative_in_the_power_of_a_normal_prior_on_bits() -> None:
    mean, sd = 1.5, 2.0
    story = tell(
        {},
        (
            Route(
                id="scheme",
                class_="deceptive",
                bits={"normal": [mean, sd]},
                harm=1,
                kind="schemer",
            ),
            OFF,
        ),
    )
    z, w = np.polynomial.hermite_e.hermegauss(80)

    def chance(alpha: float) -> float:
        bits = mean + sd / alpha**0.5 * z
        return float(w @ expit(np.log(2) * bits) / w.sum())

    found = scale(story, ["deceptive"]).priors
    assert found is not None
    slope = (chance(2**1e-3) - chance(2**-1e-3)) / 2e-3
    assert found.slope[0, 0] == pytest.approx(slope, abs=4 * found.slope_error[0, 0])
    assert found.slope_error[0, 0] < abs(slope) / 5
    assert found.means[0, 1, 0] == pytest.approx(chance(2.0), abs=0.005)
    assert found.near_k[0] < 0.7


def test_the_distance_is_that_of_arviz() -> None:
    rng = np.random.default_rng(4)
    x, log_prior = rng.gamma(2, size=(2, 300))
    near = [np.exp((alpha - 1) * log_prior) for alpha in NEAR]
    near = [w / w.sum() for w in near]
    found = sensitivity(x, np.full(300, 1 / 300), near)
    theirs = array_stats.power_scale_sense(x[None], near[0][None], near[1][None], *NEAR)
    assert found == pytest.approx(float(theirs), rel=1e-6)


def test_the_distance_is_0_for_the_same_and_1_for_what_never_meets() -> None:
    p, q = np.array([1.0, 0, 0]), np.array([0, 0, 1.0])
    assert distance(np.array([0.0, 0.5, 1.0]), p, p) == 0
    assert distance(np.array([0.0, 0.5, 1.0]), p, q) == pytest.approx(1)
    assert distance(np.array([0.3, 0.3, 0.3]), p, q) == 0  # nothing to move along


def forecast(q: float, sd: float = 0.8) -> Story:
    finding = item("judge", {"class_": "deceptive"}, forecast=q, sd_bits=sd)
    return on_a_class({"interval": [0.05, 0.2]}, [finding])


def test_a_prior_and_a_forecast_that_disagree_are_a_conflict() -> None:
    against, agreed = scale(forecast(0.4)), scale(forecast(0.1))
    assert against.conflicts == ("a.probability",)
    assert against.pulls[0] < -0.2  # its prior wants it lower
    assert agreed.conflicts == ()
    assert abs(agreed.pulls[0]) < 0.1
    # A prior that nothing speaks to has the sensitivity of a prior, and no conflict.
    alone = scale(on_a_class({"interval": [0.05, 0.2]}))
    assert alone.of_itself[0, 0] > 0.05 and alone.of_itself[0, 1] == 0
    assert (alone.conflicts, alone.evidence) == ((), None)


def test_half_and_twice_a_forecast_are_another_spread_of_it() -> None:
    found = scale(forecast(0.3), ["deceptive"]).evidence
    assert found is not None
    assert found.names == ("judge", ALL_EVIDENCE)
    expected = []
    for a, alpha in enumerate(FAR):
        again = assess(resolve(forecast(0.3, 0.8 / alpha**0.5)))
        expected.append(again.draws.weights @ again.averaged.routes[:, 1])
        assert found.means[0, a, 0] == pytest.approx(expected[a], abs=0.003)
    slope = (expected[1] - expected[0]) / 2  # over two doublings
    assert found.slope[0, 0] == pytest.approx(slope, rel=0.1)
    assert found.slope_error[0, 0] < slope / 10
    np.testing.assert_array_equal(found.means[0], found.means[1])


def test_chosen_draws_have_the_weighted_mean() -> None:
    assessment = assess(resolve(forecast(0.3)))
    x, weights = assessment.averaged.routes[:, 1], assessment.draws.weights
    rows = even_rows(assessment, 512)
    sd = (weights @ (x - weights @ x) ** 2) ** 0.5
    # Draws chosen by chance would have these errors, times 3 to be nearly sure.
    assert abs(x[rows].mean() - weights @ x) < 3 * sd / 512**0.5
    assert x[rows].std() == pytest.approx(sd, rel=3 / (2 * 512) ** 0.5)


def test_pools_of_fixed_values_are_named() -> None:
    pool = {"pool": [{"value": 0.2, "by": "one"}, {"value": 0.4, "by": "other"}]}
    found = scale(tell({"a": believe(pool)}, (SCHEMER, OFF)))
    assert found.no_density == ("a.probability",)
    assert found.priors is None


def test_what_cannot_be_asked() -> None:
    resolved = resolve(forecast(0.3))
    with pytest.raises(ValueError, match="found 'doom', expected one of intended"):
        power_scaling(assess(resolved, draws=64), ["doom"])
    with pytest.raises(UnsupportedStoryError, match="simulation"):
        power_scaling(assess(resolved, draws=64, method="simulation"))


@settings(
    deadline=None,
    max_examples=10,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(story=small_stories(max_assumptions=3, max_routes=4, certain=False))
def test_answers_are_probabilities_on_random_stories(story: Story) -> None:
    try:
        found = scale(story, method="weighting", draws=256)
    except InputError:
        assume(False)
        raise
    for scaling in (found.priors, found.evidence):
        if scaling is not None:
            assert np.isfinite(scaling.slope).all() and np.isfinite(scaling.slope_error).all()
            assert (scaling.means > -0.5).all() and (scaling.means < 1.5).all()
            known = scaling.sensitivity[np.isfinite(scaling.sensitivity)]
            assert (known >= 0).all()


def test_a_part_of_it_is_the_same_as_the_whole() -> None:
    assessed = assess(resolve(load_story("rlhf-assistant")), draws=256)
    whole, part = power_scaling(assessed), power_scaling(assessed, whole=False)
    for full, near in ((whole.priors, part.priors), (whole.evidence, part.evidence)):
        assert full is not None
        assert near is not None
        assert near.names == full.names[:-1]
        # Other versions are asked together, which may change the last digit; a distance is the
        # root of what differs, and has half of the digits.
        np.testing.assert_allclose(near.sensitivity, full.sensitivity[:-1], rtol=1e-6)
        np.testing.assert_allclose(near.slope, full.slope[:-1], rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(near.slope_error, full.slope_error[:-1], rtol=1e-6)
        assert np.isfinite(full.means).any()
        assert np.isnan(near.means).all()
        assert np.isnan(near.pareto_k).all()
    assert np.isfinite(whole.of_itself).all() and np.isnan(part.of_itself).all()
    assert part.conflicts == ()


def test_the_same_weights_are_no_way_apart_whatever_stands_beside_them() -> None:
    rng = np.random.default_rng(5)
    x, p = rng.normal(size=500), rng.dirichlet(np.ones(500))
    other = rng.dirichlet(np.ones(500))
    both = distance(x, p, np.stack([p, other]))
    assert both[0] == 0 and both[1] == distance(x, p, other[None])[0]
    # Draws that stand twice, once for either side.
    twice, now, then = np.r_[x, x], np.r_[p, np.zeros(500)], np.r_[np.zeros(500), p]
    assert distance(twice, now, then[None])[0] < 1e-7  # a root of what is left by rounding
