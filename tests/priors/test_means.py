"""Prior means of a number and of its complement."""

import numpy as np
import pytest
from scipy import integrate

from storyodds.priors.distributions.families import (
    BetaDistribution,
    Distribution,
    LogitNormal,
    Mixture,
    NormalDistribution,
    Point,
    RateLike,
    distribution_of,
    log_pooled,
    rate_like,
)
from storyodds.priors.distributions.forms import Kind, parse_prior

RATES = [
    {"fixed": 0.3},
    {"beta": [2, 8]},
    {"beta": [1e-9, 3.0]},
    {"counts": {"hits": 3, "trials": 40}},
    {"uniform": [0.2, 0.9]},
    {"normal": [-0.2, 0.3]},
    {"normal": [1.3, 0.1]},
    {"lognormal": {"mean": 0.4, "error_factor": 10}},
    [0.1, 0.99],
    {"pool": [{"by": "a", "value": [0.1, 0.4]}, {"by": "b", "weight": 3, "value": 0.9}]},
    {
        "method": "logarithmic",
        "pool": [{"by": "a", "value": [0.1, 0.4]}, {"by": "b", "value": {"beta": [2, 3]}}],
    },
]
BITS = [
    2.5,
    [-3, 5],
    {"normal": [7, 0.1]},
    {"pool": [{"by": "a", "value": [-1, 4]}, {"by": "b", "weight": 3, "value": -9}]},
]


def read(form: object, kind: Kind) -> Distribution:
    return distribution_of(parse_prior(form, kind), kind)


def by_quantiles(distribution: Distribution) -> float:
    """The mean as the integral of the quantile, by Gauss's rule on pieces that meet the ends."""
    edges = np.unique([*(0.5 ** np.arange(1, 40)), *(1 - 0.5 ** np.arange(1, 40)), 0.0, 1.0])
    nodes, weights = np.polynomial.legendre.leggauss(12)
    half = np.diff(edges)[:, None] / 2
    u = edges[:-1, None] + half * (1 + nodes)
    return float((half * weights * distribution.quantile(u.ravel()).reshape(u.shape)).sum())


@pytest.mark.parametrize("form", [form for form in RATES if "pool" not in str(form)])
def test_means_of_rates(form: object) -> None:
    """Gauss's rule leaves what is above the last of 40 halvings: 1e-12, and 1e-9 at the cusps."""
    rate = rate_like(read(form, "probability"))
    assert rate.mean() == pytest.approx(by_quantiles(rate), rel=1e-8, abs=1e-11)
    assert rate.complement_mean() == pytest.approx(1 - rate.mean(), rel=1e-9)


@pytest.mark.parametrize("form", [form for form in RATES if "pool" in str(form)])
def test_means_of_pools(form: object) -> None:
    rate = rate_like(read(form, "probability"))
    assert rate.mean() + rate.complement_mean() == pytest.approx(1, rel=1e-9)
    u = (np.arange(200_000) + 0.5) / 200_000
    assert rate.mean() == pytest.approx(rate.quantile(u).mean(), rel=1e-5)


def test_a_linear_pool_weighs_means() -> None:
    pool = Mixture((0.25, 0.75), (BetaDistribution(2, 8), Point(0.6)))
    assert pool.mean() == pytest.approx(0.25 * 0.2 + 0.75 * 0.6)
    assert pool.complement_mean() == pytest.approx(0.25 * 0.8 + 0.75 * 0.4)


@pytest.mark.parametrize("form", BITS)
def test_means_of_bits(form: object) -> None:
    bits = read(form, "bits")
    u = (np.arange(200_000) + 0.5) / 200_000
    assert bits.mean() == pytest.approx(bits.quantile(u).mean(), rel=1e-4)


def test_the_mean_of_a_logarithmic_pool_in_bits() -> None:
    """The pool of a normal and of a mixture of two normals, by adaptive quadrature."""
    mixture = Mixture((0.5, 0.5), (NormalDistribution(-2.0, 1.0), NormalDistribution(4.0, 0.5)))
    normal = NormalDistribution(1.0, 3.0)
    pool = log_pooled([(1.0, normal), (1.0, mixture)], "bits")

    def density(z: float) -> float:
        both = normal.log_density_unconstrained(np.array(z)) + mixture.log_density_unconstrained(
            np.array(z)
        )
        return float(np.exp(both / 2))

    whole = integrate.quad(density, -30, 30, points=[-2, 1, 4], limit=200)[0]
    moment = integrate.quad(lambda z: z * density(z), -30, 30, points=[-2, 1, 4], limit=200)[0]
    assert pool.mean() == pytest.approx(moment / whole, rel=1e-7)


@pytest.mark.parametrize(
    ("rate", "complement"),
    [
        (BetaDistribution(3.0, 1e-25), 1e-25 / 3.0),
        (BetaDistribution(1e300, 1e-20), 0.0),
        (LogitNormal(60.0, 0.5), float(np.exp(-60.0 + 0.125))),
        (Mixture((0.5, 0.5), (BetaDistribution(1.0, 1e-25), Point(1.0))), 5e-26),
    ],
)
def test_a_mean_near_1_keeps_its_complement(rate: RateLike, complement: float) -> None:
    assert rate.mean() == 1.0
    assert rate.complement_mean() == pytest.approx(complement, rel=1e-11)
