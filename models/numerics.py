"""Draws: quantiles, resampling and thinning."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def weighted_quantile(values: Array, levels: Array, weights: Array) -> Array:
    """Quantiles of weighted draws: the smallest draw at which the weights reach a level.

    Parameters
    ----------
    values, weights : (n_draws,) arrays
    levels : (n_levels,) array
        Between 0 and 1.

    Returns
    -------
    (n_levels,) array
        NaN where a draw is not a number.

    Examples
    --------
    >>> weighted_quantile(np.array([3.0, 1.0, 2.0]), np.array([0.5, 0.95]), np.ones(3)).tolist()
    [2.0, 3.0]
    """
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    places = np.searchsorted(reached / reached[-1], levels)
    points = values[order[places.clip(max=len(order) - 1)]]
    return points if not np.isnan(values[order[-1]]) else np.full(len(points), np.nan)


def systematic(weights: Array, n: int, seed: int | None = None) -> NDArray[np.intp]:
    """Indices of n draws in proportion to their weights, in random order.

    Draws are shuffled before they are chosen from: every so many points of a Sobol sequence do not
    spread evenly, and draws in the order of one number are not independent of it.

    Parameters
    ----------
    weights : (n_draws,) array
    n : int
    seed : int, optional
        By default the number of draws.

    Examples
    --------
    >>> sorted(systematic(np.array([0.75, 0.25]), 4).tolist())
    [0, 0, 0, 1]
    """
    rng = np.random.default_rng(len(weights) if seed is None else seed)
    order = rng.permutation(len(weights))
    edges = np.cumsum(weights[order]) / weights.sum()
    chosen = np.searchsorted(edges, (np.arange(n) + 0.5) / n).clip(max=len(weights) - 1)
    return np.asarray(order[rng.permutation(chosen)])


def thinned(values: Array, most: int) -> Array:
    """At most so many of the rows, picked blindly, in their order.

    Every n-th of a Sobol sequence would not be balanced.

    Examples
    --------
    >>> thinned(np.arange(6.0)[:, None], 3).shape, thinned(np.zeros((2, 1)), 3).shape
    ((3, 1), (2, 1))
    """
    if len(values) <= most:
        return values
    return values[np.sort(np.random.default_rng(len(values)).permutation(len(values))[:most])]
