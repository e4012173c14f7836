"""PRIOR forms as distributions: draws, densities and the integrals that close evidence up.

A rate or relevance that serves one evidence item alone never has to be sampled: what an item
says under a hypothesis is `binomial_log_marginal` (or `exp2_log_mean` for bits), and posterior
draws of the rate come afterwards from `draw_given_binomial` (`draw_given_exp2`), its exact
conditional. A relevance is a rate seen through a single trial.

Everything is vectorized over draws. Probabilities are plain numbers, bits are log2 odds,
logarithms are natural.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, betaln, expit, log_expit, logsumexp, ndtri

from storyodds.priors.bounded import TruncatedLogNormal, TruncatedNormal, Uniform
from storyodds.priors.forms import (
    Beta,
    BitsPool,
    Counts,
    Fixed,
    Interval,
    Kind,
    LogNormal,
    Normal,
    Prior,
    ProbabilityPool,
    UniformForm,
)

# Said twice to say that it may be imported from here.
from storyodds.priors.quadrature import log_binomial_coefficient as log_binomial_coefficient

Array = NDArray[np.float64]

LN2 = log(2.0)
_NODES = 2001
_NEGLIGIBLE = 50.0  # nats below the peak at which an integrand is cut off


@dataclass(frozen=True)
class Point:
    """A number that is known."""

    value: float

    def quantile(self, u: Array) -> Array:
        return np.full(np.shape(u), self.value)

    def binomial_log_marginal(self, hits: int, trials: int) -> float:
        misses = trials - hits
        if (hits and self.value == 0.0) or (misses and self.value == 1.0):
            return -np.inf
        yes = hits * log(self.value) if hits else 0.0
        no = misses * float(np.log1p(-self.value)) if misses else 0.0
        return log_binomial_coefficient(trials, hits) + yes + no

    def draw_given_binomial(self, u: Array, hits: int, trials: int) -> Array:
        return self.quantile(u)

    def exp2_log_mean(self) -> float:
        return self.value * LN2

    def draw_given_exp2(self, u: Array) -> Array:
        return self.quantile(u)


@dataclass(frozen=True)
class BetaDistribution:
    """Beta(a, b) over a probability."""

    a: float
    b: float

    def quantile(self, u: Array) -> Array:
        return np.asarray(betaincinv(self.a, self.b, u))

    def log_density_unconstrained(self, z: Array) -> Array:
        """Log density of the logit z, with the Jacobian of the transform."""
        return np.asarray(self.a * log_expit(z) + self.b * log_expit(-z) - betaln(self.a, self.b))

    def gradient_unconstrained(self, z: Array) -> Array:
        return np.asarray(self.a * expit(-z) - self.b * expit(z))

    def binomial_log_marginal(self, hits: int, trials: int) -> float:
        """Beta-binomial, in closed form."""
        a, b = self.a + hits, self.b + (trials - hits)  # a tiny b survives the sum
        return log_binomial_coefficient(trials, hits) + float(betaln(a, b) - betaln(self.a, self.b))

    def draw_given_binomial(self, u: Array, hits: int, trials: int) -> Array:
        return BetaDistribution(self.a + hits, self.b + (trials - hits)).quantile(u)


@dataclass(frozen=True)
class LogitNormal:
    """A probability whose logit is Normal(mean, sd)."""

    mean: float
    sd: float

    def quantile(self, u: Array) -> Array:
        return np.asarray(expit(self.mean + self.sd * ndtri(u)))

    def log_density_unconstrained(self, z: Array) -> Array:
        return NormalDistribution(self.mean, self.sd).log_density_unconstrained(z)

    def gradient_unconstrained(self, z: Array) -> Array:
        return NormalDistribution(self.mean, self.sd).gradient_unconstrained(z)

    def binomial_log_marginal(self, hits: int, trials: int) -> float:
        """One-dimensional quadrature over the logit; the integrand is log-concave."""
        z, log_f = _logit_normal_binomial_grid(self.mean, self.sd, hits, trials)
        # Trapezoid: the integrand is negligible at both ends, so the rule converges exponentially.
        log_integral = float(logsumexp(log_f)) + log(z[1] - z[0])
        return log_binomial_coefficient(trials, hits) + log_integral

    def draw_given_binomial(self, u: Array, hits: int, trials: int) -> Array:
        z, log_f = _logit_normal_binomial_grid(self.mean, self.sd, hits, trials)
        density = np.exp(log_f - log_f.max())
        cumulative = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
        return np.asarray(expit(np.interp(u, cumulative / cumulative[-1], z)))


@dataclass(frozen=True)
class NormalDistribution:
    """Normal(mean, sd) over bits."""

    mean: float
    sd: float

    def quantile(self, u: Array) -> Array:
        return np.asarray(self.mean + self.sd * ndtri(u))

    def log_density_unconstrained(self, z: Array) -> Array:
        standardized = (z - self.mean) / self.sd
        return np.asarray(-0.5 * standardized**2 - log(self.sd) - 0.5 * log(2 * np.pi))

    def gradient_unconstrained(self, z: Array) -> Array:
        return np.asarray((self.mean - z) / self.sd**2)

    def exp2_log_mean(self) -> float:
        """Log of the mean of 2**bits: a log-normal mean."""
        return LN2 * self.mean + 0.5 * (LN2 * self.sd) ** 2

    def draw_given_exp2(self, u: Array) -> Array:
        """Weighting a normal by 2**bits moves its mean by variance times ln 2."""
        return NormalDistribution(self.mean + LN2 * self.sd**2, self.sd).quantile(u)


@dataclass(frozen=True)
class Mixture:
    """A linear pool: component k with probability weights[k]."""

    weights: tuple[float, ...]
    components: tuple["Distribution", ...]

    def _split(
        self, u: Array, weights: Array
    ) -> list[tuple["Distribution", NDArray[np.bool_], Array]]:
        """Spend u twice: its slot chooses the component, its place in the slot the quantile."""
        edges = np.concatenate([[0.0], np.cumsum(weights)])
        edges[-1] = 1.0
        chosen = np.clip(np.searchsorted(edges, u, side="right") - 1, 0, len(weights) - 1)
        inside = (u - edges[chosen]) / np.maximum(edges[chosen + 1] - edges[chosen], 1e-300)
        inside = np.clip(inside, 1e-16, 1 - 1e-16)
        return [
            (component, chosen == k, inside[chosen == k])
            for k, component in enumerate(self.components)
        ]

    def quantile(self, u: Array) -> Array:
        out = np.empty(np.shape(u))
        for component, where, inside in self._split(u, np.asarray(self.weights)):
            out[where] = component.quantile(inside)
        return out

    def _log_terms(self, z: Array) -> Array:
        parts = [part.log_density_unconstrained(z) for part in self._continuous()]
        return np.stack([log(w) + part for w, part in zip(self.weights, parts, strict=True)])

    def _continuous(self) -> "tuple[Continuous, ...]":
        if has_atoms(self):
            raise TypeError("a pool with fixed values has no density")
        return self.components  # type: ignore[return-value]

    def log_density_unconstrained(self, z: Array) -> Array:
        return np.asarray(logsumexp(self._log_terms(z), axis=0))

    def gradient_unconstrained(self, z: Array) -> Array:
        log_terms = self._log_terms(z)
        share = np.exp(log_terms - logsumexp(log_terms, axis=0))
        gradients = np.stack([part.gradient_unconstrained(z) for part in self._continuous()])
        return np.asarray((share * gradients).sum(axis=0))

    def _log_component_marginals(self, hits: int, trials: int) -> Array:
        return np.array(
            [
                log(w) + rate_like(part).binomial_log_marginal(hits, trials)
                for w, part in zip(self.weights, self.components, strict=True)
            ]
        )

    def binomial_log_marginal(self, hits: int, trials: int) -> float:
        return float(logsumexp(self._log_component_marginals(hits, trials)))

    def draw_given_binomial(self, u: Array, hits: int, trials: int) -> Array:
        log_terms = self._log_component_marginals(hits, trials)
        out = np.empty(np.shape(u))
        for part, where, inside in self._split(u, np.exp(log_terms - logsumexp(log_terms))):
            out[where] = rate_like(part).draw_given_binomial(inside, hits, trials)
        return out

    def _log_component_exp2(self) -> Array:
        return np.array(
            [
                log(w) + bits_like(part).exp2_log_mean()
                for w, part in zip(self.weights, self.components, strict=True)
            ]
        )

    def exp2_log_mean(self) -> float:
        return float(logsumexp(self._log_component_exp2()))

    def draw_given_exp2(self, u: Array) -> Array:
        log_terms = self._log_component_exp2()
        out = np.empty(np.shape(u))
        for part, where, inside in self._split(u, np.exp(log_terms - logsumexp(log_terms))):
            out[where] = bits_like(part).draw_given_exp2(inside)
        return out


Bounded = Uniform | TruncatedNormal | TruncatedLogNormal
Distribution = Point | BetaDistribution | LogitNormal | Bounded | NormalDistribution | Mixture
RateLike = Point | BetaDistribution | LogitNormal | Bounded | Mixture
BitsLike = Point | NormalDistribution | Mixture
Continuous = BetaDistribution | LogitNormal | Bounded | NormalDistribution | Mixture


def rate_like(distribution: Distribution) -> RateLike:
    """Narrow a distribution to one over a probability."""
    if isinstance(distribution, NormalDistribution):
        raise TypeError("a normal distribution is for bits, not for a rate")
    return distribution


def bits_like(distribution: Distribution) -> BitsLike:
    """Narrow a distribution to one over bits."""
    if isinstance(distribution, BetaDistribution | LogitNormal | Bounded):
        raise TypeError("a distribution over a probability does not fit bits")
    return distribution


def has_atoms(distribution: Distribution) -> bool:
    """Tell whether single values have positive probability, so that there is no density.

    Examples
    --------
    >>> has_atoms(Mixture((0.5, 0.5), (Point(0.1), BetaDistribution(2, 8))))
    True
    """
    if isinstance(distribution, Mixture):
        return any(has_atoms(component) for component in distribution.components)
    return isinstance(distribution, Point)


def distribution_of(form: Prior, kind: Kind) -> Distribution:
    """Give the distribution of a PRIOR whose references have been resolved.

    Parameters
    ----------
    form : Prior
        Any form but `Ref`.
    kind : {"probability", "bits"}
        An interval is logit-normal for a probability and normal for bits. A normal for a
        probability is cut off at 0 and 1.

    Returns
    -------
    Distribution

    Examples
    --------
    >>> distribution_of(Beta(beta=(2, 8)), "probability")
    BetaDistribution(a=2.0, b=8.0)
    >>> float(distribution_of(Interval(interval=(0.1, 0.4)), "probability").quantile(0.95).round(6))
    0.4
    """
    if isinstance(form, Fixed):
        return Point(form.fixed)
    if isinstance(form, Beta):
        return BetaDistribution(*form.beta)
    if isinstance(form, Counts):
        hits, trials = form.counts.hits, form.counts.trials
        return BetaDistribution(hits + 0.5, trials - hits + 0.5)
    if isinstance(form, UniformForm):
        return Uniform(*form.uniform)
    if isinstance(form, LogNormal):
        sd = form.lognormal.sd
        return TruncatedLogNormal(log(form.lognormal.mean) - 0.5 * sd**2, sd)
    if isinstance(form, Normal):
        family = TruncatedNormal if kind == "probability" else NormalDistribution
        return family(*form.normal)
    if isinstance(form, Interval):
        low, high = form.interval
        if kind == "probability":
            low, high = (log(end) - float(np.log1p(-end)) for end in (low, high))
        sd = (high - low) / (2 * float(ndtri((1 + form.level) / 2)))
        mean = (low + high) / 2
        return LogitNormal(mean, sd) if kind == "probability" else NormalDistribution(mean, sd)
    if isinstance(form, ProbabilityPool | BitsPool):
        return pooled(
            [(j.weight, distribution_of(j.value, kind)) for j in form.pool],
        )
    raise TypeError(f"{form!r} still refers to a pack")


def pooled(judgments: Iterable[tuple[float, Distribution]]) -> Distribution:
    """Mix weighted judgments into one distribution, pools within pools laid flat.

    Examples
    --------
    >>> pooled([(2.0, Point(0.1)), (1.0, Point(0.1))])
    Point(value=0.1)
    """
    shares: dict[Distribution, float] = {}
    judgments = list(judgments)
    total = sum(weight for weight, _ in judgments)
    for weight, distribution in judgments:
        inside = [(1.0, distribution)]
        if isinstance(distribution, Mixture):
            inside = list(zip(distribution.weights, distribution.components, strict=True))
        for share, part in inside:
            shares[part] = shares.get(part, 0.0) + share * weight / total
    if len(shares) == 1:
        return next(iter(shares))
    return Mixture(tuple(shares.values()), tuple(shares))


@lru_cache(maxsize=256)
def _logit_normal_binomial_grid(
    mean: float, sd: float, hits: int, trials: int
) -> tuple[Array, Array]:
    """Give an even grid over the logit and the log integrand of Normal x Binomial on it.

    The log integrand is strictly concave, so its peak is the one root of its slope and what lies
    more than `_NEGLIGIBLE` nats below the peak is an interval on either side.
    """

    def log_f(z: Array | float) -> Array:
        standardized = (np.asarray(z) - mean) / sd
        return np.asarray(
            hits * log_expit(z)
            + (trials - hits) * log_expit(-np.asarray(z))
            - 0.5 * standardized**2
            - log(sd)
            - 0.5 * log(2 * np.pi)
        )

    def slope(z: float) -> float:
        return float(hits - trials * expit(z) - (z - mean) / sd**2)

    low, high = mean - (trials - hits) * sd**2 - 1.0, mean + hits * sd**2 + 1.0
    peak = _bisect(slope, low, high)
    floor = float(log_f(peak)) - _NEGLIGIBLE
    reach = sd * np.sqrt(2 * _NEGLIGIBLE) + 1.0  # the normal factor alone falls that far there
    left = _bisect(lambda z: floor - float(log_f(z)), peak - reach, peak)
    right = _bisect(lambda z: float(log_f(z)) - floor, peak, peak + reach)
    grid = np.linspace(left, right, _NODES)
    return grid, log_f(grid)


def _bisect(decreasing: Callable[[float], float], low: float, high: float) -> float:
    """Root of a decreasing function by bisection, to the last bit."""
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if decreasing(middle) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
