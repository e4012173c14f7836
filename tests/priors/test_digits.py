"""Digits at the ends: every family over the whole range that is read, against 50 digits.

Tolerances are rounding of the parameters and of what is returned, times how much the number looked
at moves with them (its conditioning), or what an expansion is documented to leave out.
"""

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from storyodds.priors.distributions.beta_functions import beta_quantile, log_binomial_coefficients
from storyodds.priors.distributions.bounded import TruncatedNormal, Uniform
from storyodds.priors.distributions.families import (
    BetaDistribution,
    LogitNormal,
    NormalDistribution,
    Point,
    _given_binomial,
    distribution_of,
    rate_like,
)
from storyodds.priors.distributions.forms import MAX_BETA, MIN_BETA, Kind, parse_prior

EPS = float(np.finfo(np.float64).eps)
MOST = 10**12  # counts
several = settings(max_examples=60, deadline=None, derandomize=True)
few = settings(max_examples=8, deadline=None, derandomize=True)


def powers(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers that are as often small as large."""
    return st.floats(math.log10(low), math.log10(high)).map(lambda exponent: 10.0**exponent)


SIZES = powers(2 * MIN_BETA, MAX_BETA / 2)


@st.composite
def counts(draw: st.DrawFn, most: int = MOST) -> tuple[int, int]:
    trials = min(int(draw(powers(1, most))), most)
    return draw(st.sampled_from([0, 1, trials // 3, trials])), trials


def log_beta(a: Any, b: Any) -> Any:
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


@given(counts(most=10**15))
@several
def test_binomial_coefficients(seen: tuple[int, int]) -> None:
    hits, trials = seen
    with mp.workdps(60):
        expected = -mp.log(trials + 1) - log_beta(mp.mpf(hits) + 1, mp.mpf(trials - hits) + 1)
    # A handful of roundings of positive numbers, none larger than what they add up to.
    value = float(log_binomial_coefficients(hits, trials - hits))
    assert value == pytest.approx(float(expected), rel=8 * EPS, abs=8 * EPS)


@given(st.floats(-30, 30), powers(1e-3, 4.0), st.booleans())
@several
def test_means_of_logit_normals(location: float, sd: float, above: bool) -> None:
    """By cells that follow the bell, which are another rule; both round a sum of some hundreds."""
    prior = LogitNormal(location, sd)
    by_cells = _given_binomial(prior, int(above), 1).log_integral
    marginal = prior.binomial_log_marginal(int(above), 1)
    assert marginal == pytest.approx(by_cells, rel=10 * EPS, abs=10 * EPS)


@given(SIZES, SIZES, counts())
@several
def test_beta_marginals(a: float, b: float, seen: tuple[int, int]) -> None:
    """Some forty roundings of logarithms, which are below 700, and of the deviance itself."""
    hits, trials = seen
    with mp.workdps(60):
        ways = -mp.log(trials + 1) - log_beta(mp.mpf(hits) + 1, mp.mpf(trials - hits) + 1)
        x, y = mp.mpf(a), mp.mpf(b)
        expected = float(ways + log_beta(x + hits, y + trials - hits) - log_beta(x, y))
    marginal = BetaDistribution(a, b).binomial_log_marginal(hits, trials)
    assert marginal <= 0.0
    assert marginal == pytest.approx(
        expected, rel=40 * EPS, abs=40 * EPS * max(1, abs(math.log(a)))
    )


@given(SIZES, SIZES, st.floats(-6, 6))
@several
def test_beta_densities(a: float, b: float, sds: float) -> None:
    """The logit is rounded, as is the logarithm of a / b: each moves the density by its slope."""
    sd = math.sqrt(1 / a + 1 / b)
    z = math.log(a) - math.log(b) + sds * min(sd, 50.0)
    with mp.workdps(80):
        x, y, at = mp.mpf(a), mp.mpf(b), mp.mpf(z)
        up, down = -mp.log1p(mp.exp(-at)), -mp.log1p(mp.exp(at))
        expected = float(x * up + y * down - log_beta(x, y))
        slope = float(x * mp.exp(down) - y * mp.exp(up))
    beta = BetaDistribution(a, b)
    logs = abs(math.log(a)) + abs(math.log(b)) + 1
    # Both a and b times the distance from the peak, and its logarithms, cancel to the density.
    cancelled = min(a, b) * min(sd * abs(sds), 400.0)
    tolerance = 4 * EPS * (abs(expected) + 10 * logs + (abs(slope) + cancelled) * logs)
    assert float(beta.log_density_unconstrained(np.array(z))) == pytest.approx(
        expected, abs=tolerance
    )
    curvature = 1 / (1 / a + 1 / b)
    value = float(beta.gradient_unconstrained(np.array(z)))
    assert value == pytest.approx(slope, rel=20 * EPS, abs=8 * EPS * curvature * logs)


def tails(a: float, b: float, p: float) -> tuple[float, float, float]:
    """Both tails of Beta(a, b) at p and how far rounding p moves them, by 50 digits."""
    with mp.workdps(40):
        x, y, at = mp.mpf(a), mp.mpf(b), mp.mpf(p)
        norm = log_beta(x, y)
        z, middle, sd = mp.log(at) - mp.log1p(-at), mp.log(x / y), mp.sqrt(1 / x + 1 / y)

        def density(t: Any) -> Any:
            return mp.exp(-x * mp.log1p(mp.exp(-t)) - y * mp.log1p(mp.exp(t)) - norm)

        low, high = min(z, middle) - 14 * sd - 40 / x, max(z, middle) + 14 * sd + 40 / y
        below = integral(density, mp.linspace(low, z, 13))
        above = integral(density, mp.linspace(z, high, 13))
        return float(below), float(above), float(density(z) / (1 - at)) * EPS


@given(powers(0.3, MAX_BETA), powers(0.3, MAX_BETA), st.sampled_from([1e-9, 1e-3, 0.4, 0.99]))
@few
def test_beta_quantiles(a: float, b: float, u: float) -> None:
    p = float(beta_quantile(a, b, np.array(u)))
    assume(0.0 < p < 1.0 - 1e-10)
    below, above, rounding = tails(a, b, p)
    assert below + above == pytest.approx(1.0, abs=1e-9)  # of the reference
    smaller = min(u, 1 - u)
    found = below if u < 0.5 else above
    assert found == pytest.approx(smaller, rel=1e-7, abs=2 * rounding)


@given(SIZES, SIZES)
@several
def test_beta_means(a: float, b: float) -> None:
    with mp.workdps(50):
        mean = mp.mpf(a) / (mp.mpf(a) + mp.mpf(b))
        complement = mp.mpf(b) / (mp.mpf(a) + mp.mpf(b))
    beta = BetaDistribution(a, b)
    assert beta.mean() == pytest.approx(float(mean), rel=4 * EPS)
    assert beta.complement_mean() == pytest.approx(float(complement), rel=4 * EPS)


def integral(f: Any, panels: Any) -> Any:
    return mp.quad(f, panels, maxdegree=4, method="gauss-legendre")


def log_integral(log_f: Any, low: Any, high: Any) -> float:
    """Log of the integral of exp(log_f), which is concave, between two ends."""
    peak, step = (low + high) / 2, (high - low) / 4
    for _ in range(90):  # uphill, in steps that halve
        peak = max((peak - step, peak, peak + step), key=log_f)
        step /= 2
    top, total = log_f(peak), mp.mpf(0)
    for end in (low, high):
        near, far = peak, end
        for _ in range(90):  # to where 50 nats are lost
            middle = (near + far) / 2
            near, far = (middle, far) if log_f(middle) > top - 50 else (near, middle)
        panels = mp.linspace(peak, far, 13)
        total += abs(integral(lambda x: mp.exp(log_f(x) - top), panels))
    return float(top + mp.log(total))


def log_ways(hits: int, trials: int) -> Any:
    return mp.loggamma(trials + 1) - mp.loggamma(hits + 1) - mp.loggamma(trials - hits + 1)


@given(powers(1e-9, 250), st.floats(-30, 30), counts(10**6))
@few
def test_logit_normal_marginals(sd: float, location: float, seen: tuple[int, int]) -> None:
    """Gauss's rule in panels leaves 1e-9; a logit is rounded, which a million trials see."""
    hits, trials = seen
    with mp.workdps(40):
        constant = log_ways(hits, trials) - mp.log(2 * mp.pi) / 2

        def log_f(t: Any) -> Any:
            z = location + mp.mpf(sd) * t
            both = hits * mp.log1p(mp.exp(-z)) + (trials - hits) * mp.log1p(mp.exp(z))
            return constant - both - t * t / 2

        reach = mp.mpf(40 + sd * trials)
        expected = log_integral(log_f, -reach, reach)
    marginal = LogitNormal(location, sd).binomial_log_marginal(hits, trials)
    rounded = trials * EPS * (abs(location) + 1)
    assert marginal == pytest.approx(expected, rel=8 * EPS, abs=1e-9 + rounded)


@given(st.floats(0.01, 0.99), powers(1e-20, 1), counts(10**6))
@few
def test_normal_marginals(location: float, scale: float, seen: tuple[int, int]) -> None:
    hits, trials = seen
    with mp.workdps(50):
        m, s = mp.mpf(location), mp.mpf(scale)
        mass = mp.ncdf((1 - m) / s) - mp.ncdf(-m / s)
        constant = log_ways(hits, trials) - mp.log(s * mass) - mp.log(2 * mp.pi) / 2
        tiny = mp.mpf(10) ** -45

        def log_f(y: Any) -> Any:
            both = hits * mp.log(m + y) + (trials - hits) * mp.log1p(-m - y)
            return constant + both - (y / s) ** 2 / 2

        reach = (max(-m, -60 * s - s * s * trials * 100), min(1 - m, 60 * s + s * s * trials * 100))
        expected = log_integral(log_f, reach[0] + tiny, reach[1] - tiny)
    marginal = TruncatedNormal(location, scale).binomial_log_marginal(hits, trials)
    rounded = 4 * trials * EPS / min(location, 1 - location)
    assert marginal == pytest.approx(expected, rel=8 * EPS, abs=1e-9 + rounded)


@given(powers(1e-30, 0.4), powers(1e-12, 1), counts())
@several
def test_uniform_marginals(low: float, share: float, seen: tuple[int, int]) -> None:
    """Means of p**hits (1 - p)**misses, by elementary integrals where one of them is 0."""
    high = low * (1 + share)
    _, trials = seen
    with mp.workdps(120):
        a, b, n = mp.mpf(low), mp.mpf(high), mp.mpf(trials) + 1
        hit = (b**n - a**n) / n / (b - a)
        miss = ((1 - a) ** n - (1 - b) ** n) / n / (b - a)
        expected = [float(mp.log(hit)), float(mp.log(miss))]
    uniform = Uniform(low, high)
    found = [uniform.binomial_log_marginal(hits, trials) for hits in (trials, 0)]
    # The width is rounded with its ends; n logarithms of them are.
    assert found == pytest.approx(expected, rel=8 * EPS, abs=1e-9 + 4 * EPS / share)


# --- draws given counts ---------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [Uniform(0.0, 1.0), BetaDistribution(1.0, 1.0)], ids=repr)
@pytest.mark.parametrize(("hits", "trials"), [(0, MOST), (MOST, MOST), (3, 40), (9, 10**9)])
@pytest.mark.parametrize("u", [1e-12, 1e-3, 0.5, 1 - 1e-6])
def test_draws_given_counts(rate: Uniform, hits: int, trials: int, u: float) -> None:
    """A flat prior leaves Beta(hits + 1, misses + 1).

    Within a cell, a 64th of a panel, the density changes by d = 18 / 64 nats at most; a cubic
    through both ends is off by d**4 / 384 of the cell, or 1.6e-5.
    """
    p = float(rate.draw_given_binomial(np.array(u), hits, trials))
    expected = float(beta_quantile(hits + 1, trials - hits + 1, np.array(u)))
    sd = math.sqrt((hits + 1) * (trials - hits + 1) / (trials + 2.0) ** 3)
    assert p == pytest.approx(expected, abs=1.6e-5 * min(sd, expected) + EPS)


# --- the range that is read -----------------------------------------------------------------------

ACCEPTED: list[tuple[Any, Kind]] = [
    ({"beta": [1e14, 2e15]}, "probability"),
    ({"beta": [MIN_BETA, MAX_BETA]}, "probability"),
    ({"beta": [MAX_BETA, MAX_BETA]}, "probability"),
    ({"counts": {"hits": MOST, "trials": MOST}}, "probability"),
    ({"uniform": [0, 1e-290]}, "probability"),
    ({"uniform": [0.3, math.nextafter(0.3, 1)]}, "probability"),
    ({"normal": [60, 1e-9]}, "probability"),
    ({"normal": [0.3, 1e-100]}, "probability"),
    ([1e-300, 1 - 1e-16], "probability"),
    ([0.5, math.nextafter(0.5, 1)], "probability"),
    ({"interval": [0.4, 0.9], "level": 1 - 1e-16}, "probability"),
    ({"lognormal": {"mean": 1e-300, "error_factor": 1e14}}, "probability"),
    ({"normal": [60, 1e-100]}, "bits"),
    ([-60, 60], "bits"),
]
WEIGHTS = [1e-300, 1e300, 1.0, 1e308, 1e308]
POOLED = [form for form, kind in ACCEPTED if kind == "probability"] * 2
ACCEPTED.append(
    (
        {
            "pool": [
                {"by": "a", "value": form, "weight": WEIGHTS[i % 5]}
                for i, form in enumerate(POOLED)
            ]
        },
        "probability",
    )
)


@pytest.mark.parametrize(("form", "kind"), ACCEPTED)
def test_what_is_accepted_is_computed(form: Any, kind: Kind) -> None:
    distribution = distribution_of(parse_prior(form, kind), kind)
    levels = np.array([1e-6, 0.3, 0.5, 0.7, 1 - 1e-6])
    x = distribution.quantile(levels)
    assert np.isfinite(x).all() and math.isfinite(distribution.mean())
    if not isinstance(form, dict) or "pool" not in form:  # a linear pool spends a level twice
        assert (np.diff(x) >= 0).all()
    if kind == "bits":
        assert (
            not isinstance(distribution, NormalDistribution)
            or np.isfinite(distribution.log_density_unconstrained(x)).all()
        )
        return
    rate = rate_like(distribution)
    assert rate.mean() + rate.complement_mean() == pytest.approx(1.0, abs=1e-9)
    each = [rate.binomial_log_marginal(hits, 3) for hits in range(4)]
    assert math.fsum(map(math.exp, each)) == pytest.approx(1.0, abs=1e-8)
    for hits, trials in [(3, 40), (0, MOST), (MOST // 3, MOST)]:
        assert rate.binomial_log_marginal(hits, trials) <= 0.0
    drawn = rate.draw_given_binomial(levels, 3, 40)
    assert ((drawn >= 0) & (drawn <= 1)).all()


@pytest.mark.parametrize(
    ("form", "kind", "words"),
    [
        ({"beta": [1e17, 1e16]}, "probability", "found 1e+17 in a beta, expected 1e-12 to 1e+16"),
        ({"beta": [1.0, 1e-300]}, "probability", "write the fixed number 1"),
        ({"uniform": [0, 1e-300]}, "probability", "expected ends that are 1e-290 or more apart"),
        ({"normal": [0.3, 1e-300]}, "probability", "expected 1e-100 or more"),
        ({"normal": [3, 1e-300]}, "bits", "expected 1e-100 or more"),
        ({"interval": [0.4, 0.9], "level": 1e-300}, "probability", "of its log odds is 1.0"),
        ({"interval": [1, 2], "level": 1e-300}, "bits", "of its bits is"),
    ],
)
def test_what_cannot_be_computed_is_refused(form: Any, kind: Kind, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_prior(form, kind)
    assert words in caught.value.errors()[0]["msg"]


def pool(*values: Any) -> dict[str, Any]:
    return {"method": "logarithmic", "pool": [{"by": "a", "value": value} for value in values]}


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (pool({"beta": [1e14, 1e15]}, {"normal": [0.5, 1e-8]}), "too far apart"),
        (pool({"normal": [0.3, 1e-100]}, [0.1, 0.2]), "as good as fixed"),
        (pool([0.5, math.nextafter(0.5, 1)], {"beta": [2, 3]}), "as good as fixed"),
    ],
)
def test_logarithmic_pools_without_digits_are_refused(form: Any, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_prior(form, "probability")
    assert words in caught.value.errors()[0]["msg"]


def test_far_apart_judgments_that_do_pool() -> None:
    """Two normals of the logit pool in closed form; a uniform of no weight beside them does not."""
    narrow = [[0.001, 0.002], [0.98, 0.99]]
    exact = rate_like(distribution_of(parse_prior(pool(*narrow), "probability"), "probability"))
    form = pool(*narrow, {"uniform": [0, 1]})
    form["pool"][2]["weight"] = 1e-300
    found = rate_like(distribution_of(parse_prior(form, "probability"), "probability"))
    assert found.mean() == pytest.approx(exact.mean(), rel=1e-9)
    assert found.binomial_log_marginal(3, 40) == pytest.approx(
        exact.binomial_log_marginal(3, 40), rel=1e-8
    )


def test_a_beta_that_is_all_but_fixed_says_what_the_fixed_number_says() -> None:
    beta = BetaDistribution(1e14, 2e15)
    fixed = Point(1 / 21)
    for hits, trials in [(3, 40), (0, 1000), (10**4, 10**5)]:
        # The variance of the rate, 2e-17, times the curvature of the likelihood.
        assert beta.binomial_log_marginal(hits, trials) == pytest.approx(
            fixed.binomial_log_marginal(hits, trials), rel=1e-12, abs=trials**2 * 2e-15
        )
