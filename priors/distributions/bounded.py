"""Probabilities that are uniform, or a normal or lognormal cut off at 0 and 1.

Each is integrated over the coordinate in which its density, and so its product with any binomial
likelihood, is log-concave: the probability itself, or its logarithm. A coordinate is measured
from the nearer end of [0, 1], so that what lies close to 1 keeps its digits.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import inf, log, pi, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, erfcx, expit, log_expit, ndtr, ndtri

from storyodds.priors.distributions.beta_functions import log_binomial_of_rate
from storyodds.priors.distributions.integrals import Cells, concave_cells
from storyodds.priors.distributions.means import MeansOfOneTrial

Array = NDArray[np.float64]

_TINY = float(np.finfo(np.float64).tiny)
_NEWTON_STEPS = 40  # each of which doubles the exact digits near the root
_NARROW = 1e-6  # sd over mean, below which floats near the mean are too coarse for a density


@dataclass(frozen=True)
class Uniform:
    """A probability that is anywhere between two ends with the same density."""

    low: float
    high: float

    @property
    def mirrored(self) -> "Uniform":
        return Uniform(1.0 - self.high, 1.0 - self.low)

    def mean(self) -> float:
        return (self.low + self.high) / 2

    def complement_mean(self) -> float:
        return ((1.0 - self.low) + (1.0 - self.high)) / 2

    def quantile(self, u: Array) -> Array:
        return np.asarray(self.low + (self.high - self.low) * np.asarray(u))

    def log_density_unconstrained(self, z: Array) -> Array:
        """Log density of the logit z; minus infinity outside the two ends."""
        p = expit(z)
        inside = (p >= self.low) & (p <= self.high)
        height = log_expit(z) + log_expit(-np.asarray(z)) - log(self.high - self.low)
        return np.asarray(np.where(inside, height, -inf))

    def gradient_unconstrained(self, z: Array) -> Array:
        p = expit(z)
        inside = (p >= self.low) & (p <= self.high)
        return np.asarray(np.where(inside, expit(-np.asarray(z)) - p, 0.0))

    def binomial_log_marginal(self, hits: int, trials: int) -> float:
        """One-dimensional quadrature over the probability; the integrand is log-concave."""
        if self._is_nearer_1(hits, trials):
            return _uniform_cells(self.mirrored, trials - hits, trials).log_integral
        return _uniform_cells(self, hits, trials).log_integral

    def draw_given_binomial(self, u: Array, hits: int, trials: int) -> Array:
        if self._is_nearer_1(hits, trials):
            return 1.0 - _uniform_cells(self.mirrored, trials - hits, trials).upper_quantile(u)
        return _uniform_cells(self, hits, trials).quantile(u)

    def _is_nearer_1(self, hits: int, trials: int) -> bool:
        middle = hits / trials if trials else 0.5
        return min(max(middle, self.low), self.high) > 0.5


@dataclass(frozen=True)
class _Window:
    """A normal distribution cut off at two ends, of which the lower may be minus infinity."""

    mean: float
    sd: float
    low: float
    high: float

    @cached_property
    def _ends(self) -> tuple[float, float]:
        return (self.low - self.mean) / self.sd, (self.high - self.mean) / self.sd

    @cached_property
    def peak(self) -> float:
        """The place of the highest density."""
        return min(max(self.mean, self.low), self.high)

    @cached_property
    def _log_mass(self) -> float:
        """Log of the integral of the density divided by its height at the peak."""
        a, b = self._ends
        if a > 0.0 or b < 0.0:  # a tail alone: relative to the peak nothing under- or overflows
            near, far = (a, b) if a > 0.0 else (-b, -a)
            mass = 0.5 * float(erfcx(near / sqrt(2.0))) * -float(np.expm1(_log_ratio(near, far)))
        else:
            mass = 0.5 * float(erf(b / sqrt(2.0)) - erf(a / sqrt(2.0)))
        return log(self.sd) + 0.5 * log(2 * pi) + log(mass)

    def log_density(self, x: Array, origin: float = 0.0) -> Array:
        """Log density at origin + x."""
        from_peak, from_mean = x + (origin - self.peak), x + (origin - self.mean)
        to_mean = self.peak - self.mean
        fall = from_peak / self.sd * ((from_mean + to_mean) / self.sd)
        return np.asarray(-0.5 * fall - self._log_mass)

    def slope(self, x: Array, origin: float = 0.0) -> Array:
        return np.asarray(((self.mean - origin) - x) / self.sd / self.sd)

    def quantile(self, u: Array) -> Array:
        u = np.asarray(u, dtype=np.float64)
        a, b = self._ends
        if a > 0.0:
            x = self.low + self.sd * _tail_quantile(a, b, u, 1.0 - u)
        elif b < 0.0:
            x = self.high - self.sd * _tail_quantile(-b, -a, 1.0 - u, u)
        else:
            # From the smaller side, which alone keeps its digits.
            below = (1.0 - u) * ndtr(a) + u * ndtr(b)
            above = (1.0 - u) * ndtr(-a) + u * ndtr(-b)
            x = self.mean + self.sd * np.where(below < above, ndtri(below), -ndtri(above))
        return np.asarray(np.clip(x, self.low, self.high))


def _log_ratio(a: float, b: float) -> float:
    """Log of P(X > b) / P(X > a) for a standard normal X and 0 < a < b."""
    if b == inf:
        return -inf
    factors = float(np.log(erfcx(b / sqrt(2.0))) - np.log(erfcx(a / sqrt(2.0))))
    return factors - 0.5 * (b - a) * (b + a)


def _tail_quantile(a: float, b: float, u: Array, complement: Array) -> Array:
    """Return how far beyond a, in sds, the quantile of a standard normal cut off to (a, b) lies.

    Newton's method on the log of the survival function, which is concave: from the right of the
    root every step stays there.
    """
    ratio = np.exp(_log_ratio(a, b))
    with np.errstate(divide="ignore"):
        survival = np.where(u < 0.5, np.log1p(-u * (1.0 - ratio)), np.log(complement + u * ratio))
    at_a = erfcx(a / sqrt(2.0))
    target = np.maximum(survival, -1e300)
    t = -2.0 * target / (a + np.sqrt(a * a - 2.0 * target))
    for _ in range(_NEWTON_STEPS):
        here = erfcx((a + t) / sqrt(2.0))
        reached = np.log(here / at_a) - t * (a + 0.5 * t)
        step = (reached - target) * here * sqrt(pi / 2.0)
        t = np.maximum(t + step, 0.0)
        if (np.abs(step) <= 4e-16 * t).all():
            break
    return np.asarray(np.where(np.isneginf(survival), inf, t))


@dataclass(frozen=True)
class TruncatedNormal(MeansOfOneTrial):
    """A probability that is normal, cut off at 0 and 1.

    Attributes
    ----------
    location, scale : float
        Mean and standard deviation before the cut.
    """

    location: float
    scale: float

    @cached_property
    def window(self) -> _Window:
        return _Window(self.location, self.scale, 0.0, 1.0)

    @property
    def mirrored(self) -> "TruncatedNormal":
        return TruncatedNormal(1.0 - self.location, self.scale)

    def quantile(self, u: Array) -> Array:
        return self.window.quantile(u)

    def log_density_unconstrained(self, z: Array) -> Array:
        """Log density of the logit z, with the Jacobian of the transform."""
        z = np.asarray(z)
        return np.asarray(self.window.log_density(expit(z)) + log_expit(z) + log_expit(-z))

    def gradient_unconstrained(self, z: Array) -> Array:
        p, q = expit(z), expit(-np.asarray(z))
        return np.asarray(self.window.slope(p) * p * q + q - p)

    def binomial_log_marginal(self, hits: int, trials: int) -> float:
        """One-dimensional quadrature over the probability; the integrand is log-concave."""
        if self._is_nearer_1(hits, trials):
            return _normal_cells(self.mirrored, trials - hits, trials).log_integral
        return _normal_cells(self, hits, trials).log_integral

    def draw_given_binomial(self, u: Array, hits: int, trials: int) -> Array:
        if self._is_nearer_1(hits, trials):
            mirrored = self.mirrored
            drawn = _normal_cells(mirrored, trials - hits, trials).upper_quantile(u)
            return np.asarray(1.0 - np.clip(_origin(mirrored) + drawn, 0.0, 1.0))
        drawn = _origin(self) + _normal_cells(self, hits, trials).quantile(u)
        return np.asarray(np.clip(drawn, 0.0, 1.0))

    def _is_nearer_1(self, hits: int, trials: int) -> bool:
        """Return whether the density, given the counts, rises in the middle."""
        return float(self.window.slope(np.array(0.5))) + 2.0 * (2 * hits - trials) > 0.0


@dataclass(frozen=True)
class TruncatedLogNormal(MeansOfOneTrial):
    """A probability whose logarithm is normal, cut off at 1.

    Attributes
    ----------
    location, scale : float
        Mean and standard deviation of the natural logarithm before the cut.
    """

    location: float
    scale: float

    @cached_property
    def window(self) -> _Window:
        return _Window(self.location, self.scale, -inf, 0.0)

    def quantile(self, u: Array) -> Array:
        return np.asarray(np.maximum(np.exp(self.window.quantile(u)), _TINY))

    def log_density_unconstrained(self, z: Array) -> Array:
        """Log density of the logit z, with the Jacobian of the transform."""
        z = np.asarray(z)
        return np.asarray(self.window.log_density(log_expit(z)) + log_expit(-z))

    def gradient_unconstrained(self, z: Array) -> Array:
        z = np.asarray(z)
        return np.asarray(self.window.slope(log_expit(z)) * expit(-z) - expit(z))

    def binomial_log_marginal(self, hits: int, trials: int) -> float:
        """One-dimensional quadrature over the logarithm; the integrand is log-concave."""
        return _lognormal_cells(self, hits, trials).log_integral

    def draw_given_binomial(self, u: Array, hits: int, trials: int) -> Array:
        drawn = np.exp(_lognormal_cells(self, hits, trials).quantile(u))
        return np.asarray(np.maximum(drawn, _TINY))


@lru_cache(maxsize=256)
def _uniform_cells(prior: Uniform, hits: int, trials: int) -> Cells:
    misses, height = trials - hits, -log(prior.high - prior.low)

    def slope(p: Array) -> Array:
        with np.errstate(over="ignore", divide="ignore"):  # infinite next to 0
            return np.asarray(hits / p - misses / (1.0 - p))

    def log_f(p: Array) -> Array:
        return log_binomial_of_rate(hits, misses, p, 1.0 - p) + height

    return concave_cells(log_f, slope, prior.low, prior.high)


@lru_cache(maxsize=256)
def _normal_cells(prior: TruncatedNormal, hits: int, trials: int) -> Cells:
    """Integrate over how far the probability is from `_origin`."""
    misses, window, origin = trials - hits, prior.window, _origin(prior)

    def log_f(y: Array) -> Array:
        p = np.clip(origin + y, 0.0, 1.0)
        return np.asarray(
            window.log_density(y, origin) + log_binomial_of_rate(hits, misses, p, 1.0 - p)
        )

    def slope(y: Array) -> Array:
        p = np.clip(origin + y, 0.0, 1.0)
        with np.errstate(over="ignore", divide="ignore"):  # infinite next to 0
            return np.asarray(window.slope(y, origin) + hits / p - misses / (1.0 - p))

    return concave_cells(log_f, slope, -origin, 1.0 - origin)


def _origin(prior: TruncatedNormal) -> float:
    """From where a probability is measured: one that is all but known, from its middle."""
    return prior.location if 0.0 < prior.scale < _NARROW * prior.location else 0.0


@lru_cache(maxsize=256)
def _lognormal_cells(prior: TruncatedLogNormal, hits: int, trials: int) -> Cells:
    misses, window = trials - hits, prior.window

    def slope(x: Array) -> Array:
        with np.errstate(over="ignore", divide="ignore"):  # 1 / infinity is the 0 that is meant
            return np.asarray(window.slope(x) + hits - misses / np.expm1(-x))

    return concave_cells(
        lambda x: window.log_density(x) + _log_binomial_of_log(hits, misses, x), slope, -inf, 0.0
    )


def _log_binomial_of_log(hits: int, misses: int, x: Array) -> Array:
    if not misses:
        return np.asarray(hits * x)
    return log_binomial_of_rate(hits, misses, np.exp(x), -np.expm1(x))
