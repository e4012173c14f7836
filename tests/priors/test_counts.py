"""What counts say of a rate that is integrated out, and the rate's conditional distribution.

`EVEN` is an even grid over (0, 1): a mean over it is a midpoint sum of a function that is monotone
within each of K components, off by at most K / N of its range.
"""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import integrate, stats
from scipy.special import betaln, log_expit, logit
from support.strategies import probabilities

from storyodds.priors.distributions.beta_functions import log_binomial_coefficients
from storyodds.priors.distributions.families import (
    BetaDistribution,
    Distribution,
    LogitNormal,
    Mixture,
    Point,
    distribution_of,
    rate_like,
)
from storyodds.priors.distributions.forms import Prior

Array = NDArray[np.float64]
Curve = Callable[[Array], Array]

N = 20_000
EVEN = (np.arange(N) + 0.5) / N
MILLION = 10**6

relaxed = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def log_density_of_logit(distribution: Distribution) -> Curve:
    """Give the log density of the logit of a rate, in scipy's words alone."""
    if isinstance(distribution, BetaDistribution):
        a, b = distribution.a, distribution.b
        return lambda z: a * log_expit(z) + b * log_expit(-z) - betaln(a, b)
    assert isinstance(distribution, LogitNormal)
    normal = stats.norm(distribution.location, distribution.sd)
    return lambda z: np.asarray(normal.logpdf(z))


def log_choose(trials: int, hits: int) -> float:
    return math.lgamma(trials + 1) - math.lgamma(hits + 1) - math.lgamma(trials - hits + 1)


def log_integral(log_f: Curve) -> float:
    """Integrate a log-concave function of the logit piece by piece about its peak."""
    grid = np.linspace(-60.0, 60.0, 240_001)
    peak = float(grid[log_f(grid).argmax()])
    top = float(log_f(np.array(peak)))
    edges = peak + np.concatenate(
        [[0.0], *[[-d, d] for d in (0.003, 0.03, 0.2, 1, 4, 15, 60, 300)]]
    )
    edges.sort()
    pieces = [
        integrate.quad(lambda z: float(np.exp(log_f(np.array(z)) - top)), a, b, epsrel=1e-11)[0]
        for a, b in itertools.pairwise(edges)
    ]
    return top + math.log(math.fsum(pieces))


EXTREMES = [
    (0, 1), (1, 1), (3, 10), (0, 200), (17, 30), (0, MILLION), (MILLION, MILLION),
    (1, MILLION), (500_123, MILLION), (999_990, MILLION),
]  # fmt: skip
RATES: list[Distribution] = [
    BetaDistribution(0.5, 0.5),
    BetaDistribution(2, 8),
    BetaDistribution(900.0, 100.0),
    LogitNormal(0.0, 1.0),
    LogitNormal(-4.0, 0.02),
    LogitNormal(-9.0, 4.0),
    LogitNormal(0.0, 15.0),
]
# With an sd of 15 a thousandth of the rates are 1.0 in floats and have no logit to compare.
LOGIT_NORMALS = [d for d in RATES if isinstance(d, LogitNormal) and d.sd < 10]


@pytest.mark.parametrize(("hits", "trials"), EXTREMES)
@pytest.mark.parametrize("distribution", RATES, ids=repr)
def test_binomial_marginal(distribution: Distribution, hits: int, trials: int) -> None:
    log_prior = log_density_of_logit(distribution)

    def log_f(z: Array) -> Array:
        return np.asarray(log_prior(z) + hits * log_expit(z) + (trials - hits) * log_expit(-z))

    marginal = rate_like(distribution).binomial_log_marginal(hits, trials)
    expected = log_choose(trials, hits) + log_integral(log_f)
    # Both sides subtract log-gammas of up to 1.3e7, which have lost 3e-9 of their last digits.
    assert marginal == pytest.approx(expected, rel=1e-9, abs=1e-8)


@pytest.mark.parametrize(("hits", "trials"), [(0, 5), (2, 5), (4999, 10_000), (5001, 12_345)])
def test_binomial_coefficient(hits: int, trials: int) -> None:
    assert float(log_binomial_coefficients(hits, trials - hits)) == pytest.approx(
        math.log(math.comb(trials, hits)), rel=1e-13, abs=1e-13
    )


def test_binomial_marginal_of_a_known_rate() -> None:
    assert Point(0.0).binomial_log_marginal(0, 7) == 0.0
    assert Point(1.0).binomial_log_marginal(7, 7) == 0.0
    assert Point(0.0).binomial_log_marginal(1, 7) == -math.inf
    assert Point(1.0).binomial_log_marginal(6, 7) == -math.inf
    expected = stats.binom(MILLION, 1e-6).logpmf(3)
    assert Point(1e-6).binomial_log_marginal(3, MILLION) == pytest.approx(expected, rel=1e-9)
    expected = stats.binom(MILLION, 0.3).logpmf(300_000)
    assert Point(0.3).binomial_log_marginal(300_000, MILLION) == pytest.approx(expected, abs=1e-8)


@relaxed
@given(probabilities(certain=False), st.integers(1, 12))
def test_marginals_over_all_counts_add_up_to_one(form: Prior, trials: int) -> None:
    rate = rate_like(distribution_of(form, "probability"))
    each = [math.exp(rate.binomial_log_marginal(hits, trials)) for hits in range(trials + 1)]
    assert math.fsum(each) == pytest.approx(1.0, rel=1e-9)


@relaxed
@given(probabilities(certain=False))
def test_one_hit_in_one_trial_is_the_mean(form: Prior) -> None:
    rate = rate_like(distribution_of(form, "probability"))
    mean = math.exp(rate.binomial_log_marginal(1, 1))
    assert rate.quantile(EVEN).mean() == pytest.approx(mean, abs=9 / N)


@relaxed
@given(probabilities(certain=False), st.integers(0, 30), st.integers(0, 30))
def test_draws_given_counts_have_the_mean_that_marginals_give(
    form: Prior, hits: int, misses: int
) -> None:
    """E[rate | h of n] = (h + 1) / (n + 1) times P(h + 1 of n + 1) / P(h of n)."""
    rate, trials = rate_like(distribution_of(form, "probability")), hits + misses
    before = rate.binomial_log_marginal(hits, trials)
    if before == -math.inf:
        return
    after = rate.binomial_log_marginal(hits + 1, trials + 1)
    expected = (hits + 1) / (trials + 1) * math.exp(after - before)
    draws = rate.draw_given_binomial(EVEN, hits, trials)
    # Up to nine components, and a grid of 2001 nodes that is read off linearly.
    assert draws.mean() == pytest.approx(expected, abs=9 / N + 1e-4)


@pytest.mark.parametrize(("hits", "trials"), EXTREMES)
def test_beta_given_counts_is_the_conjugate(hits: int, trials: int) -> None:
    u = EVEN[::1000]
    expected = stats.beta(0.5 + hits, 3.0 + trials - hits).ppf(u)
    draws = BetaDistribution(0.5, 3.0).draw_given_binomial(u, hits, trials)
    np.testing.assert_allclose(draws, expected, rtol=1e-8)


@pytest.mark.parametrize(("hits", "trials"), EXTREMES)
@pytest.mark.parametrize("distribution", LOGIT_NORMALS, ids=repr)
def test_logit_normal_given_counts(distribution: LogitNormal, hits: int, trials: int) -> None:
    """The conditional distribution function at each drawn quantile is its level.

    The reference is summed over a grid ten times as fine as the module's; linear reading within
    a module's cell (1/100 of a width) is off by its square.
    """
    levels = np.array([0.001, 0.05, 0.3, 0.5, 0.9, 0.999])
    drawn = logit(distribution.draw_given_binomial(levels, hits, trials))
    low, high = drawn[0] - 12 * (drawn[3] - drawn[0]), drawn[-1] + 12 * (drawn[-1] - drawn[3])
    z = np.linspace(low, high, 400_001)
    log_f = (
        log_density_of_logit(distribution)(z)
        + hits * log_expit(z)
        + (trials - hits) * log_expit(-z)
    )
    cumulative = np.cumsum(np.exp(log_f - log_f.max()))
    found = np.interp(drawn, z, cumulative / cumulative[-1])
    np.testing.assert_allclose(found, levels, atol=2e-4)


def test_mixture_given_counts_weighs_its_judges() -> None:
    hits, trials = 3, 10
    likelihoods = [stats.binom(trials, 0.1).pmf(hits), stats.binom(trials, 0.9).pmf(hits)]
    prior = Mixture((0.4, 0.6), (Point(0.1), Point(0.9)))
    share = 0.4 * likelihoods[0] / (0.4 * likelihoods[0] + 0.6 * likelihoods[1])
    assert np.mean(prior.draw_given_binomial(EVEN, hits, trials) == 0.1) == pytest.approx(
        share, abs=2 / N
    )
    impossible = Mixture((0.5, 0.5), (Point(0.0), BetaDistribution(1, 1)))
    assert (impossible.draw_given_binomial(EVEN, hits, trials) > 0).all()
    expected = math.log(0.5 / 11)  # a uniform rate gives every count the same chance
    assert impossible.binomial_log_marginal(hits, trials) == pytest.approx(expected, rel=1e-12)
