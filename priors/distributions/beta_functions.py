"""What beta and binomial distributions are computed with, so that no digits cancel.

The textbook formulas are differences of log-gammas, and log-gammas of 1e14 have lost all digits
behind the point. Here Stirling's series is written out, and what is left of it is a sum of
deviances, each of which has all of its digits (Loader 2000, "Fast and accurate computation of
binomial probabilities").
"""

from functools import lru_cache
from math import log, pi

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import (
    betaincinv,
    expit,
    gammainccinv,
    gammaincinv,
    gammaln,
    log_expit,
    ndtri,
    xlog1py,
)

Array = NDArray[np.float64]

_LOG_TAU = log(2 * pi)
# Stirling's series: what is left out after these is below 1e-16 from 16 on.
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
_SERIES_FROM = 16.0
_TINY = 1e-300  # below it, floats have fewer digits
_SERIES_LIMIT = 0.1  # departure, relative to the sum, below which a deviance is summed as a series
_ODD = range(19, 1, -2)  # 0.1**20 / 21 is negligible
FAR = 600.0  # logits: above, an exponential goes on as the line that its logarithm is
_SPLIT = 2.0**27 + 1.0  # Dekker's: both halves of a float then multiply exactly

# Where quantiles are expanded: what is left out changes the smaller tail by less than 1e-7 of
# itself seven standard deviations out, and by less than 1e-9 of itself five out.
_NEARLY_NORMAL = 1e6  # both parameters: terms with 1 / a**2 are left out
_LARGE_PARAMETER = 1e8  # of the larger parameter: beyond, scipy's inverse fails here and there
_LOPSIDED = 6e4  # times the smaller one


def stirling_error(x: Array | float) -> Array:
    """Return log Γ(x) less (x - 1/2) log x - x + log(2π) / 2.

    Examples
    --------
    >>> bool(abs(stirling_error(1e15) - 1 / 12e15) < 1e-28)
    True
    """
    x = np.asarray(x, dtype=np.float64)
    large = np.maximum(x, _SERIES_FROM)
    inverse = 1.0 / large
    square = inverse * inverse
    series = np.zeros_like(large)
    for coefficient in reversed(_STIRLING):
        series = series * square + coefficient
    small = np.minimum(x, _SERIES_FROM)
    direct = gammaln(small) - (small - 0.5) * np.log(small) + small - 0.5 * _LOG_TAU
    return np.asarray(np.where(x >= _SERIES_FROM, series * inverse, direct))


def deviance(x: Array, expected: Array, departure: Array) -> Array:
    """Return x log(x / expected) - departure, where the departure is x less what is expected.

    Examples
    --------
    >>> float(deviance(np.array(1e12 + 1), np.array(1e12), np.array(1.0)).round(15))
    5e-13
    """
    x, expected, departure = np.broadcast_arrays(x, expected, departure)
    total = x + expected
    v = departure / np.where(total > 0.0, total, 1.0)
    near = np.abs(v) < _SERIES_LIMIT
    small = np.where(near, v, 0.0)
    square, powers = small * small, np.zeros_like(small)
    for odd in _ODD:
        powers = (powers + 1.0 / odd) * square
    series = departure * small + 2.0 * x * small * powers
    apart = (x > 0.0) & ~near
    above, below = np.where(apart, x, 1.0), np.where(apart, expected, 1.0)
    with np.errstate(all="ignore"):  # what is not expected at all is infinitely far
        ratio = above / below
        usual = (ratio > _TINY) & (ratio < 1.0 / _TINY)
        # The logarithm of the ratio has all its digits; a difference of two has lost some.
        logs = np.where(usual, np.log(ratio), np.log(above) - np.log(below))
    return np.asarray(np.where(near, series, x * logs - departure))


def log_beta_binomial(hits: ArrayLike, misses: ArrayLike, a: float, b: float) -> Array:
    """Log probability of so many hits, the rate being Beta(a, b).

    Examples
    --------
    >>> bool(abs(log_beta_binomial(1, 1, 1.0, 1.0) - np.log(1 / 3)) < 1e-15)
    True
    """
    hits, misses = (np.asarray(count, dtype=np.float64) for count in (hits, misses))
    trials, size = hits + misses, a + b
    total = size + trials
    hit_share, miss_share = (a + hits) / total, (b + misses) / total
    departure = cross_difference(a, misses, b, hits) / total  # of a from size * hit_share
    spread = (
        deviance(np.asarray(a), size * hit_share, departure)
        + deviance(np.asarray(b), size * miss_share, -departure)
        + deviance(hits, trials * hit_share, -departure)
        + deviance(misses, trials * miss_share, departure)
    )
    normalizer = _tail(a + hits) + _tail(b + misses) - _tail(total)
    normalizer += _tail(size) - _tail(a) - _tail(b)
    return np.asarray(np.minimum(_log_ways(hits, misses) + normalizer - spread, 0.0))


def _tail(x: Array | float) -> Array:
    """Return what Stirling's formula adds to x log x - x, but for the constant."""
    return np.asarray(stirling_error(x) - 0.5 * np.log(x))


def _log_ways(hits: Array, misses: Array) -> Array:
    """Return the log of the binomial coefficient less the entropy of the shares of the hits."""
    mixed = (hits > 0.0) & (misses > 0.0)
    h, m = (np.where(mixed, count, 1.0) for count in (hits, misses))
    n = h + m
    # n! is n times Γ(n), so that half a logarithm has the other sign here.
    logs = 0.5 * (np.log(n) - np.log(h) - np.log(m) - _LOG_TAU)
    ways = logs + stirling_error(n) - stirling_error(h) - stirling_error(m)
    return np.asarray(np.where(mixed, ways, 0.0))


def log_binomial_coefficients(hits: ArrayLike, misses: ArrayLike) -> Array:
    """Natural log of "hits and misses choose hits", each relatively right to the last digits.

    Examples
    --------
    >>> np.exp(log_binomial_coefficients([0, 1, 2], [4, 3, 2])).round(12).tolist()
    [1.0, 4.0, 6.0]
    """
    h, m = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (hits, misses)))
    mixed = (h > 0.0) & (m > 0.0)
    few, many = np.where(mixed, np.minimum(h, m), 1.0), np.where(mixed, np.maximum(h, m), 1.0)
    # The entropy of the shares: both logarithms are positive, so that nothing cancels.
    entropy = few * np.log1p(many / few) + many * np.log1p(few / many)
    return np.asarray(np.where(mixed, entropy + _log_ways(few, many), 0.0))


@lru_cache(maxsize=4096)  # one finding is asked of at hundreds of rates in turn
def _log_ways_of(hits: int, misses: int) -> float:
    return float(_log_ways(np.asarray(float(hits)), np.asarray(float(misses))))


def cross_difference(a: Array | float, d: Array, b: Array | float, c: Array) -> Array:
    """Return a d - b c, rounded about once.

    Examples
    --------
    >>> float(cross_difference(1e16, np.array(3.0), 3e16 + 4, np.array(1.0)))
    -4.0
    """
    top, top_error = _product(np.asarray(a, dtype=np.float64), d)
    less, less_error = _product(np.asarray(b, dtype=np.float64), c)
    return np.asarray((top - less) + (top_error - less_error))


def _product(x: Array, y: Array) -> tuple[Array, Array]:
    """Multiply two numbers, and give what rounding leaves out (Dekker 1971)."""
    halves = []
    for factor in (x, y):
        high = _SPLIT * factor
        high = high - (high - factor)
        halves.append((high, factor - high))
    (x_high, x_low), (y_high, y_low) = halves
    product = x * y
    error = ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low
    return np.asarray(product), np.asarray(error)


def log_binomial(hits: int, misses: int, z: Array) -> Array:
    """Log probability of so many hits, the logit of the rate being z.

    Examples
    --------
    >>> float(np.exp(log_binomial(1, 1, np.array(0.0))).round(15))
    0.5
    """
    if not hits or not misses:
        return np.asarray(hits * log_expit(z) if hits else misses * log_expit(-z))
    t = np.asarray(z) - (log(hits) - log(misses))
    return np.asarray(_log_ways_of(hits, misses) - fall(t, float(hits), float(misses)))


def log_binomial_of_rate(hits: int, misses: int, rate: Array, complement: Array) -> Array:
    """Log probability of so many hits at a rate, given with 1 less the rate.

    Examples
    --------
    >>> float(np.exp(log_binomial_of_rate(1, 2, np.array(0.5), np.array(0.5))).round(15))
    0.375
    """
    h, m = np.asarray(float(hits)), np.asarray(float(misses))
    with np.errstate(divide="ignore"):
        if not hits:
            return np.asarray(xlog1py(m, -rate))
        if not misses:
            return np.asarray(h * np.log(rate) if hits else np.zeros_like(rate))
        departure = h * complement - m * rate
        spread = deviance(h, (h + m) * rate, departure)
        spread = spread + deviance(m, (h + m) * complement, -departure)
    return np.asarray(_log_ways(h, m) - spread)


def fall(t: Array, a: float, b: float) -> Array:
    """Return how far a log p + b log(1 - p) has fallen from its peak, t logits away from it.

    Examples
    --------
    >>> bool(abs(fall(np.array(1e-6), 1e14, 1e14) - 25.0) < 1e-6)
    True
    """
    if a > b:  # from the side of the smaller share, where nothing cancels in the logarithm
        return fall(-np.asarray(t), b, a)
    share, near = 1.0 / (1.0 + b / a), np.minimum(t, FAR)
    log_grown = np.log1p(share * np.expm1(near)) + (t - near)  # e**600 is far more than 1 / share
    return np.asarray((a + b) * log_grown - a * t)


def log_beta_peak(a: float, b: float) -> float:
    """Log density of the logit of Beta(a, b) at its highest, where the logit is log(a / b).

    Examples
    --------
    >>> round(float(np.exp(log_beta_peak(1.0, 1.0))), 15)
    0.25
    """
    return float(_tail(a + b) - _tail(a) - _tail(b) - 0.5 * _LOG_TAU)


def beta_quantile(a: float, b: float, u: Array) -> Array:
    """Quantiles of Beta(a, b).

    Examples
    --------
    >>> float(((beta_quantile(1e16, 3e16, np.array(0.975)) - 0.25) * 1e9).round(3))
    4.243
    """
    u = np.asarray(u, dtype=np.float64)
    if min(a, b) >= _NEARLY_NORMAL:
        return np.asarray(expit(_logit_quantile(a, b, ndtri(u))))
    if max(a, b) < _LARGE_PARAMETER or max(a, b) < _LOPSIDED * min(a, b):
        return np.asarray(betaincinv(a, b, u))
    if a > b:
        return np.asarray(np.exp(-_log_gamma_quantile(b, a, u, upper=True)))
    return np.asarray(-np.expm1(-_log_gamma_quantile(a, b, u, upper=False)))


def _logit_quantile(a: float, b: float, z: Array) -> Array:
    """Quantiles of the logit, which is all but normal, by Cornish and Fisher's expansion."""
    x, y = 1.0 / a, 1.0 / b
    mean = log(a) - log(b) + (y - x) / 2 + (y * y - x * x) / 12
    variance = x + y + (x * x + y * y) / 2 + (x**3 + y**3) / 6
    sd = np.sqrt(variance)
    skewness = (y * y + y**3 - x * x - x**3) / sd**3
    kurtosis = 2 * (x**3 + y**3) / variance**2
    fifth = 6 * (y**4 - x**4) / sd**5
    w = z + skewness * (z**2 - 1) / 6
    w = w + kurtosis * (z**3 - 3 * z) / 24 - skewness**2 * (2 * z**3 - 5 * z) / 36
    w = w + fifth * (z**4 - 6 * z**2 + 3) / 120
    w = w - skewness * kurtosis * (z**4 - 5 * z**2 + 2) / 24
    w = w + skewness**3 * (12 * z**4 - 53 * z**2 + 17) / 324
    return np.asarray(mean + sd * w)


def _log_gamma_quantile(small: float, large: float, u: Array, *, upper: bool) -> Array:
    """Quantiles of -log(1 - p) for Beta(small, large), which is all but gamma distributed.

    Its density is w**(small - 1) exp(-w (large + (small - 1) / 2)), times a power of
    sinh(w / 2) / (w / 2) that is expanded around the middle.
    """
    rate = large + (small - 1.0) / 2
    rate -= (small - 1.0) * small / rate / 12
    inverse = gammainccinv if upper else gammaincinv
    return np.asarray(inverse(small, u) / rate)
