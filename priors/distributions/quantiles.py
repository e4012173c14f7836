"""Quantiles of a number before any evidence, whatever its distribution gives for uniform draws."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from storyodds.priors.distributions.families import Distribution, Mixture

Array = NDArray[np.float64]

_POOL_POINTS = 2**14  # even points of a pool, which place a quantile within 0.00006 of its level
_DEVIATES = np.linspace(-8.0, 8.0, 2**12 + 1)  # beyond them lies less than 1e-15


def prior_quantile(distribution: Distribution, levels: Array) -> Array:
    """Quantiles of a number before any evidence.

    Examples
    --------
    >>> from storyodds.priors.distributions.families import Point
    >>> pool = Mixture((0.5, 0.5), (Point(0.9), Point(0.1)))
    >>> prior_quantile(pool, np.array([0.05, 0.95]))
    array([0.1, 0.9])
    """
    if isinstance(distribution, Mixture):
        return np.quantile(_spread(distribution), levels)
    return distribution.quantile(levels)


@lru_cache(maxsize=256)
def _spread(pool: Mixture) -> Array:
    """A pool from its lowest to its highest: what it gives for draws is in no such order."""
    return np.sort(pool.quantile((np.arange(_POOL_POINTS) + 0.5) / _POOL_POINTS))


def prior_level(distribution: Distribution, values: Array) -> Array:
    """Levels of the quantiles that values are: the opposite of `prior_quantile`.

    Between the points of a table, so to about five digits. Of a value that has a chance of its own
    some level in that chance.

    Examples
    --------
    >>> from storyodds.priors.distributions.families import BetaDistribution
    >>> prior_level(BetaDistribution(1, 1), np.array([0.05, 0.7])).round(5)
    array([0.05, 0.7 ])
    """
    return np.asarray(ndtr(prior_score(distribution, values)))


def prior_score(distribution: Distribution, values: Array) -> Array:
    """Standard normal deviates of the same levels as `prior_level`, from -8 to 8.

    Examples
    --------
    >>> from storyodds.priors.distributions.families import NormalDistribution
    >>> prior_score(NormalDistribution(1.0, 2.0), np.array([1.0, 4.0])).round(5)
    array([0. , 1.5])
    """
    return np.asarray(np.interp(values, _table(distribution), _DEVIATES))


@lru_cache(maxsize=256)
def _table(distribution: Distribution) -> Array:
    return np.maximum.accumulate(prior_quantile(distribution, ndtr(_DEVIATES)))
