"""Distributions against scipy, against quadrature and against finite differences.

Where a distribution is pushed through `EVEN`, an even grid over (0, 1), its mean is a midpoint
sum of a function that is monotone within each of K components: off by at most K / N of its range.
"""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from numpy.typing import NDArray
from scipy import stats
from scipy.special import betaln, expit, log_expit, logit
from support.strategies import bits

from storyodds.priors.distributions.families import (
    BetaDistribution,
    Distribution,
    LogitNormal,
    Mixture,
    NormalDistribution,
    Point,
    bits_like,
    distribution_of,
    has_atoms,
    rate_like,
)
from storyodds.priors.distributions.forms import Prior, Ref, parse_prior

Array = NDArray[np.float64]
Curve = Callable[[Array], Array]

N = 20_000
EVEN = (np.arange(N) + 0.5) / N
MILLION = 10**6
LN2 = math.log(2.0)

relaxed = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)

BETAS = [(0.5, 0.5), (2.0, 8.0), (1.0, 1.0), (0.05, 3.0), (900.0, 100.0), (0.5, 1e6 + 0.5)]
NORMALS = [(0.0, 1.0), (-4.0, 0.02), (3.0, 0.5), (-9.0, 4.0), (0.0, 15.0)]
MIXED_RATES = Mixture(
    (0.2, 0.5, 0.3),
    (BetaDistribution(2, 8), LogitNormal(0.0, 1.0), BetaDistribution(0.5, 0.5)),
)
MIXED_BITS = Mixture((0.25, 0.75), (NormalDistribution(-2.0, 0.5), NormalDistribution(3.0, 1.5)))
WITH_ATOMS = Mixture((0.4, 0.6), (Point(0.1), Mixture((0.5, 0.5), (Point(0.9), MIXED_RATES))))


def log_density_of_logit(distribution: Distribution) -> Curve:
    """Give the log density of the logit of a rate, in scipy's words alone."""
    if isinstance(distribution, BetaDistribution):
        a, b = distribution.a, distribution.b
        return lambda z: a * log_expit(z) + b * log_expit(-z) - betaln(a, b)
    assert isinstance(distribution, LogitNormal)
    normal = stats.norm(distribution.location, distribution.sd)
    return lambda z: np.asarray(normal.logpdf(z))


# --- quantiles and densities ------------------------------------------------------------------


@pytest.mark.parametrize("shape", BETAS)
def test_beta_quantiles(shape: tuple[float, float]) -> None:
    u = np.concatenate([[1e-9, 1 - 1e-9], EVEN[::500]])
    expected = stats.beta(*shape).ppf(u)
    np.testing.assert_allclose(BetaDistribution(*shape).quantile(u), expected, rtol=1e-9)


@pytest.mark.parametrize(("mean", "sd"), NORMALS)
def test_normal_and_logit_normal_quantiles(mean: float, sd: float) -> None:
    expected = stats.norm(mean, sd).ppf(EVEN)
    np.testing.assert_allclose(
        NormalDistribution(mean, sd).quantile(EVEN), expected, rtol=1e-12, atol=1e-12
    )
    quantiles = LogitNormal(mean, sd).quantile(EVEN)
    np.testing.assert_allclose(quantiles, 1 / (1 + np.exp(-expected)), rtol=1e-11)


def test_point_quantiles() -> None:
    assert (Point(0.3).quantile(EVEN) == 0.3).all()
    assert float(Point(0.3).quantile(np.array(0.5))) == 0.3


def test_mixture_quantiles_have_the_mixture_as_their_distribution() -> None:
    x = np.sort(MIXED_RATES.quantile(EVEN))
    points = np.linspace(0.01, 0.99, 99)
    expected = (
        0.2 * stats.beta(2, 8).cdf(points)
        + 0.5 * stats.norm.cdf(logit(points))
        + 0.3 * stats.beta(0.5, 0.5).cdf(points)
    )
    found = np.searchsorted(x, points) / N
    assert np.abs(found - expected).max() <= 3 / N + 1e-9  # one draw at the edge of each component


def test_mixture_of_atoms() -> None:
    assert has_atoms(WITH_ATOMS)
    assert not has_atoms(MIXED_RATES)
    x = WITH_ATOMS.quantile(EVEN)
    assert np.mean(x == 0.1) == pytest.approx(0.4, abs=2 / N)
    assert np.mean(x == 0.9) == pytest.approx(0.3, abs=2 / N)
    with pytest.raises(TypeError, match="no density"):
        WITH_ATOMS.log_density_unconstrained(np.zeros(1))


CONTINUOUS = [
    *(BetaDistribution(a, b) for a, b in BETAS),
    *(LogitNormal(mean, sd) for mean, sd in NORMALS),
    *(NormalDistribution(mean, sd) for mean, sd in NORMALS),
    MIXED_RATES,
    MIXED_BITS,
]


@pytest.mark.parametrize("distribution", CONTINUOUS, ids=repr)
def test_densities_integrate_to_one(distribution: Distribution) -> None:
    assert not isinstance(distribution, Point)
    # Even nodes, an eighth of the narrowest sd apart: the trapezoid's error is below 1e-12. Only
    # Beta(0.05, ·) has a tail that reaches further: 1e-9 of it lies beyond -400.
    z, step = np.linspace(-700.0, 700.0, 1_400_001, retstep=True)
    total = step * np.exp(distribution.log_density_unconstrained(z)).sum()
    assert total == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("distribution", CONTINUOUS, ids=repr)
def test_gradients(distribution: Distribution) -> None:
    assert not isinstance(distribution, Point)
    z, h = np.linspace(-12.0, 12.0, 49) + 0.1, 1e-3
    ends = [distribution.log_density_unconstrained(z + k * h) for k in (-2, -1, 1, 2)]
    numeric = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * h)
    scale = 1 + np.abs(distribution.log_density_unconstrained(z))  # rounding grows with the value
    assert (np.abs(distribution.gradient_unconstrained(z) - numeric) < 2e-10 * scale / h).all()
    near = np.array([0.3])
    assert distribution.gradient_unconstrained(near) == pytest.approx(
        (
            distribution.log_density_unconstrained(near + 1e-4)
            - distribution.log_density_unconstrained(near - 1e-4)
        )
        / 2e-4,
        rel=1e-5,
        abs=1e-6,
    )


@pytest.mark.parametrize("distribution", CONTINUOUS[:9], ids=repr)
def test_densities_equal_scipy(distribution: Distribution) -> None:
    assert not isinstance(distribution, Point)
    z = np.linspace(-12.0, 12.0, 49)
    expected = log_density_of_logit(distribution)(z)
    np.testing.assert_allclose(distribution.log_density_unconstrained(z), expected, rtol=1e-10)
    if isinstance(distribution, BetaDistribution):
        jacobian = log_expit(z) + log_expit(-z)
        by_rate = stats.beta(distribution.a, distribution.b).logpdf(expit(z)) + jacobian
        np.testing.assert_allclose(distribution.log_density_unconstrained(z), by_rate, rtol=1e-6)


# --- bits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 1.0), (-4.0, 0.02), (3.0, 5.0), (60.0, 10.0)])
def test_mean_of_two_to_the_bits(mean: float, sd: float) -> None:
    moved = mean + LN2 * sd**2
    z, step = np.linspace(moved - 12 * sd, moved + 12 * sd, 4001, retstep=True)
    log_f = stats.norm(mean, sd).logpdf(z) + LN2 * z
    total = math.log(step * np.exp(log_f - log_f.max()).sum()) + log_f.max()
    found = NormalDistribution(mean, sd)
    assert found.exp2_log_mean() == pytest.approx(total, rel=1e-12)
    cumulative = np.cumsum(np.exp(log_f - log_f.max()))
    levels = np.array([0.01, 0.3, 0.5, 0.99])
    at = np.interp(found.draw_given_exp2(levels), z, cumulative / cumulative[-1])
    np.testing.assert_allclose(at, levels, atol=4e-3)  # half a cell of the reference


@relaxed
@given(bits(certain=False))
def test_pooled_bits(form: Prior) -> None:
    """Prior draws weighted by 2**bits and draws given exp2 have one distribution.

    The midpoint sum cuts the upper tail of a weighted normal off at the 1/(2N) quantile, which
    holds little of the mass for a spread below 1.2 bits; wider components are narrowed first.
    """
    distribution = bits_like(narrowed(distribution_of(form, "bits")))
    x = distribution.quantile(EVEN)
    assert math.log(np.mean(np.exp2(x - x.max()))) + LN2 * x.max() == pytest.approx(
        distribution.exp2_log_mean(), abs=2e-2
    )
    weights = np.exp2(x - x.max())
    drawn = distribution.draw_given_exp2(EVEN)
    assert drawn.mean() == pytest.approx(np.average(x, weights=weights), abs=0.1)


def narrowed(distribution: Distribution) -> Distribution:
    if isinstance(distribution, NormalDistribution):
        return NormalDistribution(distribution.location, min(distribution.sd, 1.2))
    if isinstance(distribution, Mixture):
        return Mixture(distribution.weights, tuple(map(narrowed, distribution.components)))
    return distribution


def test_kinds_are_kept_apart() -> None:
    with pytest.raises(TypeError, match="for bits"):
        rate_like(NormalDistribution(0, 1))
    with pytest.raises(TypeError, match="does not fit bits"):
        bits_like(BetaDistribution(1, 1))
    with pytest.raises(TypeError, match="pack"):
        distribution_of(Ref(ref="some/entry"), "probability")


# --- forms --------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.99])
@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("probability", 0.01, 0.3), ("probability", 0.4, 0.999), ("bits", -3, 5)],
)
def test_an_interval_is_its_central_quantiles(
    kind: str, low: float, high: float, level: float
) -> None:
    form = parse_prior({"interval": [low, high], "level": level}, kind)  # type: ignore[arg-type]
    distribution = distribution_of(form, kind)  # type: ignore[arg-type]
    ends = distribution.quantile(np.array([(1 - level) / 2, (1 + level) / 2]))
    np.testing.assert_allclose(ends, [low, high], rtol=1e-10)


def test_counts_stand_on_a_jeffreys_base() -> None:
    distribution = distribution_of(
        parse_prior({"counts": {"hits": 3, "trials": 200}}, "probability"), "probability"
    )
    assert distribution == BetaDistribution(3.5, 197.5)
    none = parse_prior({"counts": {"hits": 0, "trials": 0}}, "probability")
    assert distribution_of(none, "probability") == BetaDistribution(0.5, 0.5)


def test_pool_weights_are_normalized() -> None:
    judges = [{"by": "A", "value": 0.2, "weight": 3}, {"by": "B", "value": {"beta": [1, 1]}}]
    distribution = distribution_of(parse_prior({"pool": judges}, "probability"), "probability")
    assert distribution == Mixture((0.75, 0.25), (Point(0.2), BetaDistribution(1.0, 1.0)))
