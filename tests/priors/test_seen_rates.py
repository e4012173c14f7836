"""Counts whose rate is a product of two uncertain probabilities."""

import itertools
from math import comb, exp, expm1, factorial, log, log1p

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import dblquad, quad

from storyodds.priors.distributions.bounded import TruncatedLogNormal, TruncatedNormal, Uniform
from storyodds.priors.distributions.families import (
    BetaDistribution,
    LogitNormal,
    Mixture,
    Point,
    RateLike,
    log_pooled,
    rate_like,
)
from storyodds.priors.distributions.seen_rates import Count, log_marginal

SKEWED, FLAT = BetaDistribution(2, 8), BetaDistribution(1, 1)
FAMILIES: dict[str, RateLike] = {
    "beta": SKEWED,
    "logit-normal": LogitNormal(-2.0, 1.0),
    "uniform": Uniform(0.1, 0.6),
    "normal": TruncatedNormal(0.3, 0.2),
    "lognormal": TruncatedLogNormal(-2.0, 0.7),
    "linear pool": Mixture((0.3, 0.7), (Point(0.05), BetaDistribution(3, 4))),
    "log pool": rate_like(
        log_pooled([(1.0, BetaDistribution(2, 3)), (1.0, LogitNormal(-1.0, 1.0))], "probability")
    ),
}


@pytest.mark.parametrize("episodes", [1, 10, 10**5, 10**9])
def test_no_incident_under_a_visibility_of_which_nothing_is_known(episodes: int) -> None:
    """∫ (1 - rv)^N dv = (1 - (1 - r)^(N + 1)) / ((N + 1) r): one integral is left, over log r."""

    def left(x: float) -> float:
        r = exp(x)
        within = -expm1((episodes + 1) * log1p(-r)) if r < 1 else 1.0
        return 72 * (1 - r) ** 7 * r * within / (episodes + 1)  # Beta(2, 8), dr = r dx

    edges = [-60.0, -25.0, -20.0, -15.0, -10.0, -6.0, -3.0, -1.5, 0.0]
    closed = sum(quad(left, a, b, epsabs=0, epsrel=1e-12)[0] for a, b in itertools.pairwise(edges))
    assert log_marginal(SKEWED, FLAT, Count(0, episodes)) == pytest.approx(log(closed), abs=1e-10)


@pytest.mark.parametrize(("hits", "trials"), [(0, 7), (2, 9), (3, 3)])
def test_averages_over_two_densities(hits: int, trials: int) -> None:
    first, second = stats.beta(2, 8), stats.beta(3, 2)

    def f(v: float, r: float) -> float:
        s = r * v
        chance = comb(trials, hits) * s**hits * (1 - s) ** (trials - hits)
        return float(chance * first.pdf(r) * second.pdf(v))

    expected = dblquad(f, 0, 1, 0, 1, epsabs=0, epsrel=1e-9)[0]
    marginal = log_marginal(SKEWED, BetaDistribution(3, 2), Count(hits, trials))
    assert exp(marginal) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("rate", FAMILIES.values(), ids=FAMILIES)
@pytest.mark.parametrize("visibility", FAMILIES.values(), ids=FAMILIES)
def test_every_family_is_as_its_draws_are(rate: RateLike, visibility: RateLike) -> None:
    n = 2**16
    u = stats.qmc.Sobol(2, seed=3).random(n)
    s = rate.quantile(u[:, 0]) * visibility.quantile(u[:, 1])
    values = stats.binom.pmf(2, 30, s)
    error = values.std() / np.sqrt(n)  # of independent draws: these are more even
    assert abs(exp(log_marginal(rate, visibility, Count(2, 30))) - values.mean()) < 4 * error
    times = stats.poisson.pmf(1, 4.5 * s)
    error = times.std() / np.sqrt(n)
    assert abs(exp(log_marginal(rate, visibility, Count(1, 0, 4.5))) - times.mean()) < 4 * error


@pytest.mark.parametrize("rate", FAMILIES.values(), ids=FAMILIES)
def test_what_shows_in_full_is_counts_and_what_is_hidden_is_nothing(rate: RateLike) -> None:
    assert log_marginal(rate, Point(1.0), Count(3, 20)) == rate.binomial_log_marginal(3, 20)
    assert log_marginal(Point(1.0), rate, Count(3, 20)) == rate.binomial_log_marginal(3, 20)
    # The masses that the panels stand for add up to 1: of normalizing constants ten digits stand.
    assert abs(log_marginal(rate, Point(0.0), Count(0, 10**9))) < 1e-10
    assert log_marginal(rate, Point(0.0), Count(1, 10**9)) == -np.inf


@pytest.mark.parametrize("k", [0, 1, 4])
def test_many_episodes_of_rare_incidents_are_a_poisson_process(k: int) -> None:
    """Binomial and Poisson differ by less than N s² relatively, here by 10^-6 at most."""
    n, rare = 10**9, Point(1e-6)
    in_episodes = log_marginal(rare, SKEWED, Count(k, n))
    in_time = log_marginal(rare, SKEWED, Count(k, 0, float(n)))
    assert in_episodes == pytest.approx(in_time, abs=1e-3)
    fixed = log_marginal(Point(0.25), Point(0.5), Count(k, 0, 8.0))
    assert fixed == pytest.approx(-1.0 - log(factorial(k)), abs=1e-14)


def test_a_narrow_prior_keeps_its_digits() -> None:
    sd = 1e-5
    narrow = log_marginal(LogitNormal(-9.0, sd), LogitNormal(-2.0, sd), Count(3, 200_000))
    r, v = (1 / (1 + exp(-x)) for x in (-9.0, -2.0))
    fixed = log_marginal(Point(r), Point(v), Count(3, 200_000))
    # N r v = 3 is expected and 3 are seen: second derivatives by the logits are below 3, slopes
    # below 1, so that the mean of the chance moves by less than (3 + 1) sd².
    assert narrow == pytest.approx(fixed, abs=4 * sd * sd + 1e-12)
