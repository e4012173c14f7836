"""PRIOR forms as distributions: draws, densities and the integrals that close evidence up.

A rate or relevance that serves one evidence item alone never has to be sampled: what an item
says under a hypothesis is `binomial_log_marginal` (or `exp2_log_mean` for bits), and posterior
draws of the rate come afterwards from `draw_given_binomial` (`draw_given_exp2`), its exact
conditional. A relevance is a rate seen through a single trial.

Everything is vectorized over draws. Probabilities are plain numbers, bits are log2 odds,
logarithms are natural.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from functools import lru_cache
from math import ceil, inf, log, log1p
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, logit, logsumexp, ndtri

from storyodds.priors.distributions.beta_functions import (
    beta_quantile,
    fall,
    log_beta_binomial,
    log_beta_peak,
    log_binomial,
    log_binomial_of_rate,
)
from storyodds.priors.distributions.bounded import TruncatedLogNormal, TruncatedNormal, Uniform
from storyodds.priors.distributions.forms import (
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
    interval_sd,
)
from storyodds.priors.distributions.integrals import Cells, concave_cells
from storyodds.priors.distributions.log_pool import LogPool, precision_mistake
from storyodds.priors.distributions.means import MeansOfOneTrial
from storyodds.priors.distributions.pool_rules import logarithmic_mistake
from storyodds.priors.text.errors import InputError

Array = NDArray[np.float64]

LN2 = log(2.0)
_WIDE = 4.0  # sd in logits: beyond, cells that follow the bell are cheaper than an even grid


@dataclass(frozen=True)
class Point:
    """A number that is known."""

    value: float

    def mean(self) -> float:
        return self.value

    def complement_mean(self) -> float:
        return 1.0 - self.value

    def quantile(self, u: Array) -> Array:
        return np.full(np.shape(u), self.value)

    def binomial_log_marginal(self, hits: int, trials: int) -> float:
        misses = trials - hits
        if (hits and self.value == 0.0) or (misses and self.value == 1.0):
            return -np.inf
        value = np.array(self.value)
        return float(log_binomial_of_rate(hits, misses, value, 1.0 - value))

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

    def mean(self) -> float:
        return 1.0 / (1.0 + self.b / self.a)

    def complement_mean(self) -> float:
        return 1.0 / (1.0 + self.a / self.b)

    def quantile(self, u: Array) -> Array:
        return beta_quantile(self.a, self.b, u)

    def log_density_unconstrained(self, z: Array) -> Array:
        """Log density of the logit z, with the Jacobian of the transform."""
        t = np.asarray(z) - (log(self.a) - log(self.b))
        return np.asarray(log_beta_peak(self.a, self.b) - fall(t, self.a, self.b))

    def gradient_unconstrained(self, z: Array) -> Array:
        t = np.asarray(z) - (log(self.a) - log(self.b))
        below, above = np.minimum(t, 0.0), np.maximum(t, 0.0)
        rises = -self.a * expit(-np.asarray(z)) * np.expm1(below)
        return np.asarray(rises + self.b * expit(z) * np.expm1(-above))

    def binomial_log_marginal(self, hits: int, trials: int) -> float:
        """Beta-binomial, in closed form."""
        return float(log_beta_binomial(hits, trials - hits, self.a, self.b))

    def draw_given_binomial(self, u: Array, hits: int, trials: int) -> Array:
        return BetaDistribution(self.a + hits, self.b + (trials - hits)).quantile(u)


@dataclass(frozen=True)
class LogitNormal(MeansOfOneTrial):
    """A probability whose logit is Normal(location, sd)."""

    location: float
    sd: float

    def quantile(self, u: Array) -> Array:
        return np.asarray(expit(self.location + self.sd * ndtri(u)))

    def log_density_unconstrained(self, z: Array) -> Array:
        return NormalDistribution(self.location, self.sd).log_density_unconstrained(z)

    def gradient_unconstrained(self, z: Array) -> Array:
        return NormalDistribution(self.location, self.sd).gradient_unconstrained(z)

    def binomial_log_marginal(self, hits: int, trials: int) -> float:
        """One-dimensional quadrature over the logit; the integrand is log-concave."""
        return _log_marginal(self, hits, trials)

    def draw_given_binomial(self, u: Array, hits: int, trials: int) -> Array:
        t = _given_binomial(self, hits, trials).quantile(u)
        return np.asarray(expit(self.location + self.sd * t))


@lru_cache(maxsize=4096)  # the same findings are asked of every changed story
def _log_marginal(prior: LogitNormal, hits: int, trials: int) -> float:
    if trials == 1 and prior.sd <= _WIDE:
        return min(0.0, _log_mean(prior.location if hits else -prior.location, prior.sd))
    return min(0.0, _given_binomial(prior, hits, trials).log_integral)


def _log_mean(location: float, sd: float) -> float:
    """Log of the mean of a logit-normal, by the trapezoidal rule.

    Of a function this smooth the rule leaves out exp(-2 π² / h²) of the bell, and of the poles of
    the logistic function, π / sd off the line, exp(-2 π² / (h sd) + π² / (2 sd²)) where 2 sd > h:
    below exp(-44), with steps h of 0.4 standard deviations, or of 0.4 logits where those are less.
    """
    step = 0.4 / max(1.0, sd)
    # The logistic function moves the peak by at most sd; what lies 9 beyond is below exp(-40).
    t = step * np.arange(-ceil(9.0 / step), ceil((9.0 + sd) / step) + 1)
    logs = log_expit(location + sd * t) - 0.5 * t * t
    top = float(logs.max())
    return top + log(float(np.exp(logs - top).sum()) * step) - 0.5 * log(2 * np.pi)


@lru_cache(maxsize=256)
def _given_binomial(prior: LogitNormal, hits: int, trials: int) -> Cells:
    """Integrate over the logit in standard deviations, so that narrow priors keep their digits."""
    misses = trials - hits

    def log_f(t: Array) -> Array:
        z = prior.location + prior.sd * np.asarray(t)
        return np.asarray(log_binomial(hits, misses, z) - 0.5 * t * t - 0.5 * log(2 * np.pi))

    def slope(t: Array) -> Array:
        z = prior.location + prior.sd * np.asarray(t)
        return np.asarray(prior.sd * (hits * expit(-z) - misses * expit(z)) - t)

    reach = 40.0 + prior.sd * trials  # the slope changes its sign before
    return concave_cells(log_f, slope, -reach, reach)


@dataclass(frozen=True)
class NormalDistribution:
    """Normal(location, sd) over bits."""

    location: float
    sd: float

    def mean(self) -> float:
        return self.location

    def quantile(self, u: Array) -> Array:
        return np.asarray(self.location + self.sd * ndtri(u))

    def log_density_unconstrained(self, z: Array) -> Array:
        standardized = (z - self.location) / self.sd
        return np.asarray(-0.5 * standardized**2 - log(self.sd) - 0.5 * log(2 * np.pi))

    def gradient_unconstrained(self, z: Array) -> Array:
        return np.asarray((self.location - z) / self.sd / self.sd)

    def exp2_log_mean(self) -> float:
        """Log of the mean of 2**bits: a log-normal mean."""
        return LN2 * self.location + 0.5 * (LN2 * self.sd) ** 2

    def draw_given_exp2(self, u: Array) -> Array:
        """Weighting a normal by 2**bits moves its mean by variance times ln 2."""
        return NormalDistribution(self.location + LN2 * self.sd**2, self.sd).quantile(u)


@dataclass(frozen=True)
class Mixture:
    """A linear pool: component k with probability weights[k]."""

    weights: tuple[float, ...]
    components: tuple["Distribution", ...]

    def mean(self) -> float:
        means = [part.mean() for part in self.components]
        return float(np.dot(self.weights, means))

    def complement_mean(self) -> float:
        means = [rate_like(part).complement_mean() for part in self.components]
        return float(np.dot(self.weights, means))

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
Pooled = Mixture | LogPool
Distribution = Point | BetaDistribution | LogitNormal | Bounded | NormalDistribution | Pooled
RateLike = Point | BetaDistribution | LogitNormal | Bounded | Pooled
BitsLike = Point | NormalDistribution | Pooled
Continuous = BetaDistribution | LogitNormal | Bounded | NormalDistribution | Pooled


def rate_like(distribution: Distribution) -> RateLike:
    """Narrow a distribution to one over a probability."""
    if isinstance(distribution, NormalDistribution) or _is_pool_of(distribution, bits=True):
        raise TypeError("a distribution for bits does not fit a rate")
    return distribution


def bits_like(distribution: Distribution) -> BitsLike:
    """Narrow a distribution to one over bits."""
    of_rates = isinstance(distribution, BetaDistribution | LogitNormal | Bounded)
    if of_rates or _is_pool_of(distribution, bits=False):
        raise TypeError("a distribution over a probability does not fit bits")
    return distribution  # type: ignore[return-value]


def _is_pool_of(distribution: Distribution, bits: bool) -> bool:
    return isinstance(distribution, LogPool) and distribution.bits is bits


def has_atoms(distribution: Distribution) -> bool:
    """Return whether single values have positive probability, so that there is no density.

    Examples
    --------
    >>> has_atoms(Mixture((0.5, 0.5), (Point(0.1), BetaDistribution(2, 8))))
    True
    """
    if isinstance(distribution, Mixture):
        return any(has_atoms(component) for component in distribution.components)
    return isinstance(distribution, Point)


def distribution_of(form: Prior, kind: Kind) -> Distribution:
    """Return the distribution of a PRIOR whose references have been resolved.

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
        sd = interval_sd(form, kind)
        if kind == "bits":
            return NormalDistribution((low + high) / 2, sd)
        low, high = (log(end) - log1p(-end) for end in (low, high))
        return LogitNormal((low + high) / 2, sd)
    if isinstance(form, ProbabilityPool | BitsPool):
        # Told here of pools with references; of others when they are read.
        if mistake := logarithmic_mistake(form, kind == "probability"):
            raise InputError(mistake)
        judgments = [(j.weight, distribution_of(j.value, kind)) for j in form.pool]
        if form.method == "linear":
            return pooled(judgments)
        pool = log_pooled(judgments, kind)
        if isinstance(pool, LogPool) and (mistake := precision_mistake(pool)):
            raise InputError(mistake)
        return pool
    raise TypeError(f"{form!r} still refers to a pack")


def pooled(judgments: Iterable[tuple[float, Distribution]]) -> Distribution:
    """Mix weighted judgments into one distribution, pools within pools laid flat.

    Examples
    --------
    >>> pooled([(2.0, Point(0.1)), (1.0, Point(0.1))])
    Point(value=0.1)
    """
    shares: dict[Distribution, float] = {}
    for weight, distribution in _normalized(judgments):
        inside = [(1.0, distribution)]
        if isinstance(distribution, Mixture):
            inside = list(zip(distribution.weights, distribution.components, strict=True))
        for share, part in inside:
            shares[part] = shares.get(part, 0.0) + share * weight
    if len(shares) == 1:
        return next(iter(shares))
    return Mixture(tuple(shares.values()), tuple(shares))


def _normalized(
    judgments: Iterable[tuple[float, Distribution]],
) -> list[tuple[float, Distribution]]:
    """Let weights add up to 1, whatever their scale; without those that vanish beside others."""
    judgments = list(judgments)
    heaviest = max(weight for weight, _ in judgments)
    total = sum(weight / heaviest for weight, _ in judgments)
    shares = [(weight / heaviest / total, distribution) for weight, distribution in judgments]
    return [(share, distribution) for share, distribution in shares if share > 0.0]


def log_pooled(judgments: Iterable[tuple[float, Distribution]], kind: Kind) -> Distribution:
    """Take the normalized weighted geometric mean of densities, pools within pools laid flat.

    In closed form where all are of one family. Fixed values are the limit of ever narrower
    intervals of one width: their odds, or bits, average.

    Parameters
    ----------
    judgments : iterable of (float, Distribution)
        Either fixed values alone or none, which have some number in common.
    kind : {"probability", "bits"}

    Returns
    -------
    Distribution

    Examples
    --------
    >>> log_pooled([(1.0, BetaDistribution(2, 8)), (3.0, BetaDistribution(4, 4))], "probability")
    BetaDistribution(a=3.5, b=5.0)
    >>> log_pooled([(1.0, Point(0.5)), (1.0, Point(0.9))], "probability")
    Point(value=0.75)
    """
    shares: dict[Distribution, float] = {}
    for weight, distribution in _normalized(judgments):
        inside = [(1.0, distribution)]
        if isinstance(distribution, LogPool):
            inside = list(zip(distribution.weights, distribution.components, strict=True))
        for share, part in inside:
            shares[part] = shares.get(part, 0.0) + share * weight
    parts, weights = tuple(shares), tuple(shares.values())
    if len(parts) == 1:
        return parts[0]
    return _closed_form(parts, weights, kind) or _log_pool(parts, weights, kind)


def _closed_form(
    parts: tuple[Distribution, ...], weights: tuple[float, ...], kind: Kind
) -> Distribution | None:
    """Pool distributions of one family, if they are."""
    family: Any = type(parts[0])
    if any(type(part) is not family for part in parts) or family in (Mixture, LogPool):
        return None
    if family is Point:
        return Point(_mean_value([x for part in parts for x in astuple(part)], weights, kind))
    shapes = np.array([astuple(part) for part in parts])
    if family is BetaDistribution:
        return BetaDistribution(*(float(x) for x in weights @ shapes))
    if family is Uniform:
        return Uniform(float(shapes[:, 0].max()), float(shapes[:, 1].min()))
    # Normal in one coordinate or another, cut off or not: precisions add up.
    means, sds = shapes.T
    narrowest = sds.min()
    precisions = weights * (narrowest / sds) ** 2
    mean = float(precisions @ means / precisions.sum())
    pooled_sd = float(narrowest / np.sqrt(precisions.sum()))
    return cast(Distribution, family(mean, pooled_sd))


def _mean_value(values: list[float], weights: tuple[float, ...], kind: Kind) -> float:
    """Average the odds of probabilities geometrically, or bits arithmetically."""
    if kind == "bits":
        return float(np.dot(weights, values))
    if 0.0 in values or 1.0 in values:
        return 0.0 if 0.0 in values else 1.0
    return float(expit(np.dot(weights, logit(values))))


def _log_pool(parts: tuple[Distribution, ...], weights: tuple[float, ...], kind: Kind) -> LogPool:
    ends = [_ends(part, kind) for part in parts]
    low, high = max(min(x) for x in ends), min(max(x) for x in ends)
    breaks = sorted({x for part in ends for x in part if low < x < high})
    return LogPool(weights, parts, kind == "bits", low, high, tuple(breaks))  # type: ignore[arg-type]


def _ends(part: Distribution, kind: Kind) -> list[float]:
    """Between which numbers a density is above 0, and where it jumps in between."""
    if isinstance(part, Mixture):
        return [x for component in part.components for x in _ends(component, kind)]
    if isinstance(part, LogPool):
        return [part.low, *part.breaks, part.high]
    if isinstance(part, Uniform):
        return [part.low, part.high]
    return [0.0, 1.0] if kind == "probability" else [-inf, inf]
