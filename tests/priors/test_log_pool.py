"""Logarithmic pools: their defining properties, closed forms, and integrals by another road."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.integrate import quad
from scipy.special import expit, log_expit, logit
from support.strategies import bits_intervals, bounded_forms, counts_forms, probability_intervals

from storyodds.priors.distributions.families import (
    BetaDistribution,
    Continuous,
    Distribution,
    LogitNormal,
    Mixture,
    NormalDistribution,
    Point,
    bits_like,
    distribution_of,
    has_atoms,
    log_pooled,
    pooled,
    rate_like,
)
from storyodds.priors.distributions.forms import Kind, parse_prior, plain_prior
from storyodds.priors.distributions.log_pool import LogPool
from storyodds.priors.text.errors import InputError
from storyodds.priors.text.records import Record

Array = NDArray[np.float64]

LEVELS = np.array([1e-6, 0.01, 0.05, 0.3, 0.5, 0.8, 0.95, 0.999])
relaxed = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def log_pool(
    *values: Any, kind: Kind = "probability", weights: list[float] | None = None
) -> Distribution:
    """Pool PRIORs as a file would."""
    return distribution_of(parse_prior(in_file(*values, weights=weights), kind), kind)


def in_file(*values: Any, weights: list[float] | None = None, method: str = "logarithmic") -> Any:
    judgments = [
        {
            "by": str(k),
            "value": plain_prior(value) if isinstance(value, Record) else value,  # type: ignore[arg-type]
            "weight": 1.0 if weights is None else weights[k],
        }
        for k, value in enumerate(values)
    ]
    return {"pool": judgments, "method": method}


def density(distribution: Distribution) -> Continuous:
    assert not isinstance(distribution, Point)
    return distribution


uncertain = st.one_of(
    probability_intervals(),
    st.tuples(st.integers(1, 40), st.integers(1, 40)).map(lambda ab: {"beta": list(ab)}),
    counts_forms(),
    bounded_forms(),
)
several = st.lists(
    st.tuples(uncertain, st.integers(1, 30).map(float)), min_size=2, max_size=4
)  # fmt: skip


def possible(judgments: list[tuple[Any, float]]) -> Distribution:
    """Pool judgments, if they do not rule each other out."""
    values, weights = zip(*judgments, strict=True)
    try:
        return log_pool(*values, weights=list(weights))
    except ValidationError:
        assume(False)
        raise


def by_quadrature(log_f: Callable[[float], float], low: float, high: float, cuts: Array) -> float:
    """Integrate exp(log_f) between two ends with scipy, piece by piece."""
    edges = np.unique(np.concatenate([[low, high], cuts[(cuts > low) & (cuts < high)]]))
    return math.fsum(
        quad(lambda x: math.exp(log_f(x)), a, b, epsabs=0.0, epsrel=1e-11, limit=200)[0]
        for a, b in itertools.pairwise(edges)
    )


# --- what a logarithmic pool is -----------------------------------------------------------------


MIXED = [
    log_pool([0.1, 0.4], {"beta": [2, 8]}, weights=[1.0, 2.0]),
    log_pool([0.001, 0.002], {"beta": [500, 20]}),
    log_pool({"uniform": [0.2, 0.6]}, [0.01, 0.3]),
    log_pool({"beta": [0.05, 0.1]}, [0.3, 0.31], {"lognormal": {"mean": 0.1, "error_factor": 3.0}}),
    log_pool({"normal": [0.3, 0.1]}, {"counts": {"hits": 3, "trials": 4}}),
    log_pool(in_file([0.01, 0.05], {"uniform": [0.5, 0.9]}, method="linear"), {"beta": [2, 2]}),
    log_pool(in_file([0.1, 0.2], {"beta": [3, 3]}), {"uniform": [0.1, 0.9]}),
]
BITS = [
    log_pool(in_file([-3, -2], [4, 5], method="linear"), [0, 1], kind="bits"),
    log_pool(in_file([-9, 9], [4, 4.1], method="linear"), {"normal": [1, 3]}, kind="bits"),
]


@pytest.mark.parametrize("pool", MIXED, ids=str)
def test_the_density_is_the_geometric_mean_over_the_probability_itself(pool: LogPool) -> None:
    """Worked out on the logit, held to the definition on the probability: Jacobians cancel."""

    def log_mean(p: float) -> float:
        z = np.array(logit(p))
        jacobian = math.log(p) + math.log1p(-p)
        parts = zip(pool.weights, pool.components, strict=True)
        return sum(w * (float(d.log_density_unconstrained(z)) - jacobian) for w, d in parts)

    inside = pool.quantile(np.linspace(1e-4, 1 - 1e-4, 41))
    cuts = np.array([*inside, *pool.breaks])
    low, high = max(pool.low, 1e-300), min(pool.high, 1 - 1e-16)
    total = by_quadrature(log_mean, low, high, np.concatenate([cuts, [1e-30, 1e-12, 1e-6]]))
    assert pool.log_normalizer == pytest.approx(math.log(total), abs=1e-8)
    p = inside[20]
    found = pool.log_density_unconstrained(np.array(logit(p))) - math.log(p) - math.log1p(-p)
    assert float(found) == pytest.approx(log_mean(float(p)) - math.log(total), abs=1e-8)


@pytest.mark.parametrize("pool", [*MIXED, *BITS], ids=str)
def test_quantiles_by_another_road(pool: LogPool) -> None:
    z = pool.quantile(LEVELS)
    z = z if pool.bits else logit(z)
    walls = np.array([pool.low, *pool.breaks, pool.high])
    walls = walls if pool.bits else logit(walls)
    cuts = pool.quantile(np.linspace(1e-9, 1 - 1e-9, 81))
    cuts = np.concatenate([cuts if pool.bits else logit(cuts), walls[np.isfinite(walls)]])
    low = walls[0] if np.isfinite(walls[0]) else float(cuts.min()) - 40.0

    def log_f(x: float) -> float:
        return float(pool.log_density_unconstrained(np.array(x)))

    for level, x in zip(LEVELS, z, strict=True):
        share = by_quadrature(log_f, low, float(x), cuts)
        assert share == pytest.approx(level, abs=2e-8, rel=1e-5)


@pytest.mark.parametrize("pool", [*MIXED, *BITS], ids=str)
def test_slopes(pool: LogPool) -> None:
    x = pool.quantile(np.array([0.1, 0.37, 0.5, 0.9]))
    z, h = x if pool.bits else logit(x), 1e-5
    ends = [pool.log_density_unconstrained(z + s * h) for s in (-1, 1)]
    slopes = (ends[1] - ends[0]) / (2 * h)
    np.testing.assert_allclose(pool.gradient_unconstrained(z), slopes, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("pool", MIXED, ids=str)
@pytest.mark.parametrize(("hits", "trials"), [(0, 3), (1, 1), (40, 90)])
def test_counts_seen(pool: LogPool, hits: int, trials: int) -> None:
    """The evidence's own integral against the mean over even quantiles."""
    even = (np.arange(200_000) + 0.5) / 200_000
    p = pool.quantile(even)
    likelihood = np.exp(hits * np.log(p) + (trials - hits) * np.log1p(-p))
    expected = math.comb(trials, hits) * likelihood.mean()
    assert math.exp(pool.binomial_log_marginal(hits, trials)) == pytest.approx(expected, rel=2e-4)
    drawn = pool.draw_given_binomial(even, hits, trials).mean()
    assert drawn == pytest.approx(np.average(p, weights=likelihood), rel=5e-4)


@pytest.mark.parametrize("pool", BITS, ids=str)
def test_powers_of_two(pool: LogPool) -> None:
    def log_f(x: float) -> float:
        return float(pool.log_density_unconstrained(np.array(x))) + x * math.log(2.0)

    cuts = np.concatenate([pool.quantile(np.linspace(0.001, 0.999, 41)), np.arange(-60.0, 90.0, 3)])
    whole = by_quadrature(log_f, -60.0, 90.0, cuts)
    assert pool.exp2_log_mean() == pytest.approx(math.log(whole), abs=1e-8)
    drawn = pool.draw_given_exp2(LEVELS)
    for level, x in zip(LEVELS, drawn, strict=True):
        share = by_quadrature(log_f, -60.0, float(x), cuts) / whole
        assert share == pytest.approx(level, abs=1e-6)


# --- properties by which such pools are known ---------------------------------------------------


@dataclass(frozen=True)
class Updated:
    """A judgment after its maker has seen so many hits; not normalized, as pools do not mind."""

    prior: Continuous
    hits: int
    trials: int

    def quantile(self, u: Array) -> Array:
        return rate_like(self.prior).draw_given_binomial(u, self.hits, self.trials)  # type: ignore[arg-type]

    def log_density_unconstrained(self, z: Array) -> Array:
        said = self.hits * log_expit(z) + (self.trials - self.hits) * log_expit(-np.asarray(z))
        return self.prior.log_density_unconstrained(z) + said

    def gradient_unconstrained(self, z: Array) -> Array:
        raise NotImplementedError


@relaxed
@given(several, st.integers(0, 12), st.integers(0, 12))
def test_external_bayesianity(judgments: list[tuple[Any, float]], hits: int, misses: int) -> None:
    """Updating the pool, or pooling what everybody updates, is the same."""
    pool, trials = possible(judgments), hits + misses
    total = sum(weight for _, weight in judgments)
    forms = [parse_prior(_plain(value), "probability") for value, _ in judgments]
    parts = [distribution_of(form, "probability") for form in forms]
    ends = [(d.low, d.high) if hasattr(d, "low") else (0.0, 1.0) for d in parts]
    updated = LogPool(
        tuple(weight / total for _, weight in judgments),
        tuple(Updated(density(part), hits, trials) for part in parts),  # type: ignore[misc]
        bits=False,
        low=max(low for low, _ in ends),
        high=min(high for _, high in ends),
    )
    expected = rate_like(pool).draw_given_binomial(LEVELS, hits, trials)
    np.testing.assert_allclose(updated.quantile(LEVELS), expected, rtol=2e-3, atol=1e-9)


def _plain(value: Any) -> Any:
    return plain_prior(value) if isinstance(value, Record) else value  # type: ignore[arg-type]


def test_a_linear_pool_is_not_externally_bayesian() -> None:
    """What the test above asks is asked in earnest."""
    parts = (BetaDistribution(2, 8), BetaDistribution(8, 2))
    mixture = pooled([(1.0, part) for part in parts])
    after = pooled([(1.0, BetaDistribution(part.a + 5, part.b)) for part in parts])
    draws = rate_like(mixture).draw_given_binomial(LEVELS, 5, 5)
    assert np.abs(draws - after.quantile(LEVELS)).max() > 0.1


@relaxed
@given(uncertain, st.lists(st.integers(1, 9).map(float), min_size=1, max_size=4))
def test_equal_judgments_pool_to_themselves(value: Any, weights: list[float]) -> None:
    alone = distribution_of(parse_prior(_plain(value), "probability"), "probability")
    assert log_pool(*[value] * len(weights), weights=weights) == alone


@relaxed
@given(several, st.randoms(use_true_random=False), st.sampled_from([0.125, 3.0, 1000.0]))
def test_neither_order_nor_scale_of_weights_matters(
    judgments: list[tuple[Any, float]], random: Any, scale: float
) -> None:
    expected = possible(judgments).quantile(LEVELS)
    shuffled = [(value, weight * scale) for value, weight in judgments]
    random.shuffle(shuffled)
    quantiles = possible(shuffled).quantile(LEVELS)
    np.testing.assert_allclose(quantiles, expected, rtol=1e-6, atol=1e-12)


@relaxed
@given(several)
def test_a_linear_pool_of_means_is_the_mean_of_the_linear_pool(
    judgments: list[tuple[Any, float]],
) -> None:
    """Marginalization: whatever is asked, a linear pool answers the average of the answers."""
    values, weights = zip(*judgments, strict=True)
    form = parse_prior(in_file(*values, weights=list(weights), method="linear"), "probability")
    mixture = rate_like(distribution_of(form, "probability"))
    parts = [
        rate_like(distribution_of(parse_prior(_plain(v), "probability"), "probability"))
        for v in values
    ]
    for hits, trials in ((1, 1), (2, 2), (1, 5)):
        each = [math.exp(part.binomial_log_marginal(hits, trials)) for part in parts]
        expected = np.average(each, weights=weights)
        assert math.exp(mixture.binomial_log_marginal(hits, trials)) == pytest.approx(expected)


# --- closed forms -------------------------------------------------------------------------------


def tabulated(parts: tuple[Any, ...], weights: tuple[float, ...], bits: bool = False) -> LogPool:
    low, high = (-math.inf, math.inf) if bits else (0.0, 1.0)
    return LogPool(weights, parts, bits, low, high)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (([0.1, 0.4], [0.3, 0.9]), "probability"),
        (({"beta": [2, 8]}, {"beta": [0.5, 3]}), "probability"),
        (({"counts": {"hits": 3, "trials": 9}}, {"beta": [4, 1]}), "probability"),
        (({"normal": [0.2, 0.1]}, {"normal": [0.9, 0.4]}), "probability"),
        (
            (
                {"lognormal": {"mean": 0.01, "error_factor": 3.0}},
                {"lognormal": {"mean": 0.2, "error_factor": 5.0}},
            ),
            "probability",
        ),
        (([-2, 1], {"normal": [4, 0.5]}), "bits"),
    ],
)
def test_one_family_has_a_closed_form(values: tuple[Any, Any], kind: Kind) -> None:
    weights = (0.3, 0.7)
    pool = log_pool(*values, kind=kind, weights=[3.0, 7.0])
    parts = tuple(density(distribution_of(parse_prior(v, kind), kind)) for v in values)
    assert type(pool) is type(parts[0])
    expected = tabulated(parts, weights, bits=kind == "bits")
    np.testing.assert_allclose(pool.quantile(LEVELS), expected.quantile(LEVELS), rtol=1e-6)


def test_uniform_judgments_pool_to_what_they_share() -> None:
    pool = log_pool({"uniform": [0.2, 0.6]}, {"uniform": [0.5, 0.9]})
    np.testing.assert_allclose(pool.quantile(np.array([0.0, 0.5, 1.0])), [0.5, 0.55, 0.6])


def test_fixed_probabilities_pool_by_their_odds() -> None:
    # Odds 1/9 and 9/1, weighed two to one: (1/81 * 9) ** (1/3) = 9 ** (-1/3).
    odds = 9.0 ** (-1.0 / 3.0)
    pool = log_pool(0.1, 0.9, weights=[2.0, 1.0])
    assert isinstance(pool, Point)
    assert pool.value == pytest.approx(odds / (1.0 + odds), rel=1e-14)
    assert log_pool(0.0, 0.9) == Point(0.0)
    assert log_pool(1.0, 0.9) == Point(1.0)
    assert log_pool(-2, 5, kind="bits", weights=[3.0, 1.0]) == Point(-0.25)


def test_fixed_values_are_the_limit_of_narrow_intervals() -> None:
    limit = log_pool(0.1, 0.6, weights=[2.0, 1.0])
    narrow = [LogitNormal(float(logit(p)), 1e-7) for p in (0.1, 0.6)]
    pool = log_pooled([(2.0, narrow[0]), (1.0, narrow[1])], "probability")
    assert isinstance(limit, Point)
    np.testing.assert_allclose(pool.quantile(LEVELS), limit.value, rtol=1e-5)


def test_pools_within_pools_are_laid_flat() -> None:
    nested = log_pool(in_file([0.1, 0.4], {"beta": [2, 8]}), {"beta": [3, 3]})
    flat = log_pool([0.1, 0.4], {"beta": [2, 8]}, {"beta": [3, 3]}, weights=[1.0, 1.0, 2.0])
    np.testing.assert_allclose(nested.quantile(LEVELS), flat.quantile(LEVELS), rtol=1e-9)
    assert not has_atoms(nested)


def test_a_log_pool_within_a_linear_pool() -> None:
    inner = in_file([0.1, 0.4], {"beta": [2, 8]})
    distribution = distribution_of(
        parse_prior(in_file(inner, [0.7, 0.9], method="linear"), "probability"), "probability"
    )
    assert isinstance(distribution, Mixture)
    mean = np.mean(
        [math.exp(rate_like(d).binomial_log_marginal(1, 1)) for d in distribution.components]
    )
    assert math.exp(distribution.binomial_log_marginal(1, 1)) == pytest.approx(mean)


@relaxed
@given(st.lists(bits_intervals(), min_size=2, max_size=3))
def test_bits_pool_to_a_normal(values: list[Any]) -> None:
    pool = log_pool(*values, kind="bits")
    assert isinstance(pool, NormalDistribution)
    parts = [distribution_of(value, "bits") for value in values]
    precisions = [1.0 / part.sd**2 for part in parts if isinstance(part, NormalDistribution)]
    assert pool.sd**-2 == pytest.approx(np.mean(precisions))


def test_a_pool_knows_its_kind() -> None:
    with pytest.raises(TypeError, match="for bits does not fit a rate"):
        rate_like(BITS[0])
    with pytest.raises(TypeError, match="a probability does not fit bits"):
        bits_like(MIXED[0])


# --- what cannot be pooled ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "kind", "sentence"),
    [
        ((0.1, [0.2, 0.3]), "probability", "found fixed values beside uncertain ones"),
        ((1, {"normal": [1, 2]}), "bits", "found fixed values beside uncertain ones"),
        ((0, 1, 0.5), "probability", "found both 0 and 1 in a logarithmic pool"),
        (
            (in_file(0.1, 0.3, method="linear"), [0.2, 0.3]),
            "probability",
            "found fixed values in a linear pool inside a logarithmic one",
        ),
        (
            ({"uniform": [0.1, 0.2]}, {"uniform": [0.2, 0.4]}, [0.1, 0.5]),
            "probability",
            "found judgments without a common value",
        ),
    ],
)
def test_judgments_that_do_not_pool(values: Any, kind: Kind, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        parse_prior(in_file(*values), kind)


def test_zero_and_one_bits_do_pool() -> None:
    assert log_pool(0, 1, kind="bits") == Point(0.5)


def test_judgments_in_a_gap_of_a_mixture() -> None:
    gap = in_file({"uniform": [0.0, 0.1]}, {"uniform": [0.9, 1.0]}, method="linear")
    with pytest.raises(ValidationError, match="without a common value"):
        parse_prior(in_file(gap, {"uniform": [0.4, 0.6]}), "probability")
    straddling = log_pool(gap, {"uniform": [0.05, 0.6]}, {"beta": [2, 2]})
    assert straddling.quantile(np.array([0.0, 1.0])) == pytest.approx([0.05, 0.1], abs=1e-6)


def test_what_a_reference_hides_is_told_once_it_is_found() -> None:
    """Packs may hold fixed values, which only resolving brings to light."""
    form = parse_prior(in_file([0.1, 0.2], [0.3, 0.4]), "probability")
    judgments = form.pool  # type: ignore[union-attr]
    fixed = judgments[0].model_copy(update={"value": parse_prior(0.3, "probability")})
    found = form.model_copy(update={"pool": (fixed, judgments[1])})
    with pytest.raises(InputError, match="found fixed values beside uncertain ones"):
        distribution_of(found, "probability")


@pytest.mark.parametrize("method", ["linear", "logarithmic"])
def test_there_and_back(method: str) -> None:
    form = parse_prior(in_file([0.1, 0.2], {"beta": [2, 2]}, method=method), "probability")
    plain = plain_prior(form)
    assert ("method" in plain) is (method == "logarithmic")
    assert parse_prior(plain, "probability") == form


@pytest.mark.parametrize("z", [-300.0, 300.0])
def test_far_out_there_is_nothing(z: float) -> None:
    assert expit(z) in (0.0, 1.0) or MIXED[0].log_density_unconstrained(np.array(z)) < -300
