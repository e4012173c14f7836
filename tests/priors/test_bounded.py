"""Uniform, normal and lognormal probabilities, cut off at 0 and 1.

`EVEN` is an even grid over (0, 1): a mean over it is a midpoint sum of a monotone function, off
by at most 1 / N of its range.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.special import betainc, betaln, expit, logit
from support.oracle_evidence import mean_binomial_over_a_density
from support.strategies import bounded_forms

from storyodds.priors.distributions.beta_functions import log_binomial_coefficients
from storyodds.priors.distributions.bounded import TruncatedLogNormal, TruncatedNormal, Uniform
from storyodds.priors.distributions.families import (
    BetaDistribution,
    Bounded,
    Mixture,
    bits_like,
    distribution_of,
    rate_like,
)
from storyodds.priors.distributions.forms import parse_prior, plain_prior

Array = NDArray[np.float64]

N = 20_000
EVEN = (np.arange(N) + 0.5) / N
LEVELS = np.array([0.001, 0.05, 0.3, 0.5, 0.9, 0.999])
MILLION = 10**6


def read(form: object) -> Bounded:
    distribution = distribution_of(parse_prior(form, "probability"), "probability")
    assert isinstance(distribution, Uniform | TruncatedNormal | TruncatedLogNormal)
    return distribution


def lognormal(mean: float, factor: float, level: float = 0.95) -> Bounded:
    return read({"lognormal": {"mean": mean, "error_factor": factor, "level": level}})


UNIFORMS = [(0.0, 1.0), (0.2, 0.5), (0.0, 1e-9), (0.999999, 1.0)]
MODERATE_NORMALS = [(0.3, 0.1), (0.5, 60.0), (-0.2, 0.1), (1.3, 0.2), (1e-12, 1e-13), (0.0, 0.01)]
FAR_NORMALS = [(-5.0, 0.1), (-50.0, 1e-3), (-60.0, 1e-9), (50.0, 0.1), (60.0, 0.01)]
LOGNORMALS = [(0.01, 3.0), (1e-12, 30.0), (0.5, 30.0), (5.0, 10.0), (0.1, 1e13)]
ALL: list[Bounded] = [
    *(Uniform(*ends) for ends in UNIFORMS),
    *(TruncatedNormal(*shape) for shape in (*MODERATE_NORMALS, *FAR_NORMALS)),
    *(lognormal(*shape) for shape in LOGNORMALS),
    TruncatedLogNormal(3.0, 0.01),
]


# --- quantiles ----------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", UNIFORMS)
def test_uniform_quantiles(ends: tuple[float, float]) -> None:
    expected = stats.uniform(ends[0], ends[1] - ends[0]).ppf(EVEN)
    np.testing.assert_allclose(Uniform(*ends).quantile(EVEN), expected, rtol=1e-14)


@pytest.mark.parametrize(("mean", "sd"), MODERATE_NORMALS)
def test_normal_quantiles(mean: float, sd: float) -> None:
    expected = stats.truncnorm((0 - mean) / sd, (1 - mean) / sd, mean, sd).ppf(EVEN)
    # What is left of a sum or difference of numbers of the size of the mean.
    rounding = 1e-12 * min(sd, 1.0)
    quantiles = TruncatedNormal(mean, sd).quantile(EVEN)
    np.testing.assert_allclose(quantiles, expected, rtol=1e-9, atol=rounding)


@pytest.mark.parametrize(("mean", "sd"), FAR_NORMALS)
def test_quantiles_far_beyond_an_end_are_exponential(mean: float, sd: float) -> None:
    """P(x > t) is exp(-rate t), but for a factor of exp(-(t / sd)^2 / 2) within 1 / distance^2."""
    beyond = -mean if mean < 0 else mean - 1.0
    expected = -np.log1p(-LEVELS) * sd**2 / beyond
    found = TruncatedNormal(mean, sd).quantile(LEVELS if mean < 0 else 1.0 - LEVELS)
    found = found if mean < 0 else 1.0 - found
    # Near 1 floats are 1.1e-16 apart.
    tolerance = 10 * (sd / beyond) ** 2 + 1e-12 + (0 if mean < 0 else 2.3e-16 / expected[0])
    np.testing.assert_allclose(found, expected, rtol=tolerance)


@pytest.mark.parametrize(("mean", "factor"), LOGNORMALS)
def test_lognormal_quantiles(mean: float, factor: float) -> None:
    sigma = math.log(factor) / stats.norm.ppf(0.95)
    mu = math.log(mean) - sigma**2 / 2
    kept = stats.norm.cdf(-mu / sigma)
    expected = np.exp(mu + sigma * stats.norm.ppf(EVEN * kept))
    np.testing.assert_allclose(lognormal(mean, factor).quantile(EVEN), expected, rtol=1e-11)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_an_error_factor_is_a_quantile_over_the_median(level: float) -> None:
    low, high = lognormal(1e-6, 4.0, level).quantile(np.array([0.5, level]))
    assert high / low == pytest.approx(4.0, rel=1e-12)


@pytest.mark.parametrize("distribution", ALL, ids=repr)
def test_quantiles_stay_inside_and_rise(distribution: Bounded) -> None:
    u = np.concatenate([[0.0, 1e-300, 1e-17], EVEN, [1 - 1e-16, 1.0]])
    x = distribution.quantile(u)
    assert ((x >= 0) & (x <= 1)).all()
    assert (np.diff(x) >= -1e-15 * x[1:]).all()


# --- densities ------------------------------------------------------------------------------------

OPEN = [d for d in ALL if not isinstance(d, Uniform) or d == Uniform(0.0, 1.0)]


@pytest.mark.parametrize("distribution", OPEN, ids=repr)
def test_densities_integrate_to_one(distribution: Bounded) -> None:
    # Even nodes over a range beyond which nothing is left: the trapezoid converges exponentially.
    z = np.linspace(-700.0, 60.0, 7_600_001)
    near = logit(np.clip(distribution.quantile(np.array([1e-9, 1 - 1e-9])), 1e-300, 1 - 1e-16))
    if near[1] - near[0] < 1.0:
        z = np.linspace(
            near[0] - 5 * (near[1] - near[0]), near[1] + 5 * (near[1] - near[0]), 400_001
        )
    total = (z[1] - z[0]) * np.exp(distribution.log_density_unconstrained(z)).sum()
    assert total == pytest.approx(1.0, abs=1e-8)


@pytest.mark.parametrize("distribution", ALL, ids=repr)
def test_densities_are_the_slope_of_the_distribution(distribution: Bounded) -> None:
    """Between two quantiles lies the mass that their levels say."""
    for low, high in ((0.2, 0.25), (0.5, 0.52), (0.9, 0.91)):
        ends = logit(distribution.quantile(np.array([low, high])))
        if not np.isfinite(ends).all() or abs(ends[0]) > 30:
            continue  # in floats p is too near 1 to have a logit of its own
        middle, half = ends.mean(), (ends[1] - ends[0]) / 2
        nodes, weights = np.polynomial.legendre.leggauss(30)
        heights = np.exp(distribution.log_density_unconstrained(middle + half * nodes))
        # Ends near 1 are known to 1e-16 of 1 - p, at least 1e-7 here.
        assert half * (heights @ weights) == pytest.approx(high - low, rel=2e-6)


@pytest.mark.parametrize("distribution", ALL, ids=repr)
def test_gradients(distribution: Bounded) -> None:
    z = logit(distribution.quantile(LEVELS[1:-1]))
    z = z[np.isfinite(z) & (np.abs(z) < 30)]
    h = 1e-4
    ends = [distribution.log_density_unconstrained(z + k * h) for k in (-2, -1, 1, 2)]
    numeric = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * h)
    here = np.isfinite(numeric)  # a narrow uniform ends within the step
    slope = distribution.gradient_unconstrained(z)
    scale = 1 + np.abs(np.array(ends)).max(axis=0)
    assert np.isfinite(slope).all()
    room = 1e-13 * scale / h + 1e-9 * np.abs(slope)
    if (
        not isinstance(distribution, TruncatedNormal | TruncatedLogNormal)
        or distribution.scale > 1e-3
    ):
        assert (np.abs(slope - numeric)[here] <= room[here] + 1e-5).all()


def test_a_uniform_ends() -> None:
    z = logit(np.array([0.1, 0.3, 0.6]))
    assert np.isneginf(Uniform(0.2, 0.5).log_density_unconstrained(z)).tolist() == [
        True,
        False,
        True,
    ]
    assert Uniform(0.2, 0.5).gradient_unconstrained(z)[[0, 2]].tolist() == [0.0, 0.0]


# --- counts ---------------------------------------------------------------------------------------

COUNTS = [(0, 0), (0, 1), (1, 1), (3, 10), (0, 200), (17, 30), (0, MILLION), (1, MILLION)]


@pytest.mark.parametrize(("hits", "trials"), [*COUNTS, (500_123, MILLION), (MILLION, MILLION)])
def test_a_rate_that_may_be_anything_makes_all_counts_alike(hits: int, trials: int) -> None:
    marginal = Uniform(0.0, 1.0).binomial_log_marginal(hits, trials)
    # Logs of coefficients of up to 7e5 have lost 2e-9 of their last digits.
    assert marginal == pytest.approx(-math.log(trials + 1), rel=1e-13, abs=3e-9)


@pytest.mark.parametrize(("hits", "trials"), [(0, 1), (1, 1), (3, 10), (17, 30), (30, 200)])
@pytest.mark.parametrize("ends", [(0.0, 0.4), (0.2, 0.5), (0.05, 0.95)])
def test_uniform_counts(ends: tuple[float, float], hits: int, trials: int) -> None:
    a, b = hits + 1, trials - hits + 1
    mass = betainc(a, b, ends[1]) - betainc(a, b, ends[0])
    expected = float(log_binomial_coefficients(hits, trials - hits)) + betaln(a, b) + math.log(mass)
    marginal = Uniform(*ends).binomial_log_marginal(hits, trials)
    assert marginal == pytest.approx(expected - math.log(ends[1] - ends[0]), rel=1e-11, abs=1e-11)


@given(bounded_forms(), st.integers(0, 20), st.integers(0, 20))
def test_counts_against_adaptive_quadrature(form: object, hits: int, misses: int) -> None:
    marginal = read(form).binomial_log_marginal(hits, hits + misses)
    expected = mean_binomial_over_a_density(form, hits, hits + misses)  # type: ignore[arg-type]
    assert math.exp(marginal) == pytest.approx(expected, rel=1e-8, abs=1e-290)


@pytest.mark.parametrize("distribution", ALL, ids=repr)
def test_marginals_over_all_counts_add_up_to_one(distribution: Bounded) -> None:
    each = [math.exp(distribution.binomial_log_marginal(hits, 12)) for hits in range(13)]
    assert math.fsum(each) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize(("hits", "trials"), [*COUNTS, (500_123, MILLION), (MILLION, MILLION)])
@pytest.mark.parametrize("distribution", ALL, ids=repr)
def test_marginals_are_finite(distribution: Bounded, hits: int, trials: int) -> None:
    assert math.isfinite(distribution.binomial_log_marginal(hits, trials))
    drawn = distribution.draw_given_binomial(LEVELS, hits, trials)
    assert ((drawn >= 0) & (drawn <= 1)).all()
    assert (np.diff(drawn) >= 0).all()


def test_a_tiny_lognormal_has_its_mean() -> None:
    """Nothing of it is cut off, so that moments are exp(k mu + k^2 sigma^2 / 2)."""
    rare = lognormal(1e-12, 30.0)
    sigma = math.log(30.0) / stats.norm.ppf(0.95)
    assert rare.binomial_log_marginal(1, 1) == pytest.approx(math.log(1e-12), rel=1e-14)
    assert rare.binomial_log_marginal(2, 2) == pytest.approx(
        2 * math.log(1e-12) + sigma**2, rel=1e-14
    )
    assert math.expm1(rare.binomial_log_marginal(0, 1)) == pytest.approx(-1e-12, rel=1e-3)


@pytest.mark.parametrize(("mean", "sd"), [(-50.0, 1e-3), (-60.0, 1e-9), (-5.0, 0.01)])
def test_a_normal_far_below_0_has_the_mean_of_an_exponential(mean: float, sd: float) -> None:
    far = math.exp(TruncatedNormal(mean, sd).binomial_log_marginal(1, 1))
    assert far == pytest.approx(sd**2 / -mean, rel=3 * (sd / mean) ** 2 + 1e-12)
    mirrored = TruncatedNormal(1.0 - mean, sd).binomial_log_marginal(0, 1)
    assert math.exp(mirrored) == pytest.approx(far, rel=1e-6)  # 1 - mean has rounded


@given(bounded_forms(), st.integers(0, 30), st.integers(0, 30))
def test_draws_given_counts_have_the_mean_that_marginals_give(
    form: object, hits: int, misses: int
) -> None:
    """E[rate | h of n] = (h + 1) / (n + 1) times P(h + 1 of n + 1) / P(h of n)."""
    rate, trials = read(form), hits + misses
    before = rate.binomial_log_marginal(hits, trials)
    after = rate.binomial_log_marginal(hits + 1, trials + 1)
    expected = (hits + 1) / (trials + 1) * math.exp(after - before)
    assert rate.draw_given_binomial(EVEN, hits, trials).mean() == pytest.approx(
        expected, abs=1 / N + 1e-5
    )


def test_draws_given_no_counts_are_draws() -> None:
    for distribution in ALL:
        draws = distribution.draw_given_binomial(LEVELS, 0, 0)
        # Read off linearly within cells of a 64th of a panel.
        np.testing.assert_allclose(draws, distribution.quantile(LEVELS), rtol=1e-2)


def test_uniform_given_counts_is_a_truncated_beta() -> None:
    below, above = stats.beta(4, 8).cdf([0.2, 0.5])
    expected = stats.beta(4, 8).ppf(below + LEVELS * (above - below))
    draws = Uniform(0.2, 0.5).draw_given_binomial(LEVELS, 3, 10)
    # Linear within a cell, a 64th of a panel: off by an eighth of its square, times a curvature.
    np.testing.assert_allclose(draws, expected, rtol=(1 / 64) ** 2 / 8)


@pytest.mark.parametrize(("a", "b"), [(1e-10, 1e-10), (1e-3, 1.0), (1e-5, 100.0), (1e-12, 1e-3)])
def test_a_beta_of_tiny_parameters(a: float, b: float) -> None:
    beta = BetaDistribution(a, b)
    assert beta.binomial_log_marginal(1, 1) == pytest.approx(math.log(a / (a + b)), rel=1e-13)
    assert math.exp(beta.binomial_log_marginal(0, 1)) == pytest.approx(b / (a + b), rel=1e-13)
    each = [math.exp(beta.binomial_log_marginal(hits, 8)) for hits in range(9)]
    assert math.fsum(each) == pytest.approx(1.0, rel=1e-12)
    x = beta.quantile(EVEN)
    assert ((x >= 0) & (x <= 1)).all()
    assert x.mean() == pytest.approx(a / (a + b), abs=1 / N + 1e-5)


# --- forms ----------------------------------------------------------------------------------------


@given(bounded_forms())
def test_forms_come_back(form: object) -> None:
    assert parse_prior(plain_prior(form), "probability") == form  # type: ignore[arg-type]


def test_in_a_pool() -> None:
    judges = [
        {"by": "A", "value": {"uniform": [0.0, 0.5]}},
        {"by": "B", "value": {"normal": [0.5, 0.1]}},
        {"by": "C", "value": {"lognormal": {"mean": 0.01, "error_factor": 3}}, "weight": 2},
    ]
    pool = rate_like(distribution_of(parse_prior({"pool": judges}, "probability"), "probability"))
    assert isinstance(pool, Mixture)
    assert math.exp(pool.binomial_log_marginal(1, 1)) == pytest.approx(
        0.25 * 0.25 + 0.25 * 0.5 + 0.5 * 0.01, rel=1e-6
    )
    z = logit(np.array([0.01, 0.3, 0.7]))
    h = 1e-5
    numeric = (pool.log_density_unconstrained(z + h) - pool.log_density_unconstrained(z - h)) / (
        2 * h
    )
    np.testing.assert_allclose(pool.gradient_unconstrained(z), numeric, rtol=1e-5, atol=1e-6)
    assert expit(z[0]) == pytest.approx(0.01)


def test_a_probability_does_not_fit_bits() -> None:
    for distribution in ALL[:5]:
        with pytest.raises(TypeError, match="does not fit bits"):
            bits_like(distribution)
