"""How far apart two distributions are: the cumulative Jensen-Shannon distance."""

import numpy as np
from numpy.typing import NDArray

from storyodds.priors.distributions.families import LN2

Array = NDArray[np.float64]

STILL = 1e-12  # differences below it are rounding error
_LEAST_SHARE = 1e-300  # a share whose log is still finite
_CELLS = 2**14  # that are worked on at once, so that a cache has room for them
_SERIES_LIMIT = 1e-3  # the square of how far two sides are apart, over their sum


def distance(x: Array, p: Array, q: Array) -> Array:
    """Cumulative Jensen-Shannon distance between two weightings of the same draws.

    Parameters
    ----------
    x : (n_draws,) array
    p : (n_draws,) array
        Weights that sum to 1.
    q : (..., n_draws) array
        Others.

    Returns
    -------
    (...) array
        0 where they are the same, at most 1. The larger of those for x and -x.

    References
    ----------
    H.-V. Nguyen and J. Vreeken (2015), "Non-parametric Jensen-Shannon divergence", ECML PKDD.

    Examples
    --------
    >>> p, q = np.array([0.5, 0.5, 0.0]), np.array([0.0, 0.5, 0.5])
    >>> distance(np.array([0.0, 1.0, 2.0]), p, np.stack([p, q])).round(3)
    array([0.   , 0.558])
    """
    if np.ptp(x) <= STILL:
        return np.zeros(q.shape[:-1])
    order = np.argsort(x)
    wide = np.diff(x[order])
    apart = np.flatnonzero(wide)  # ties may stand in any order: there is no way between them
    wide, below_p = wide[apart], np.cumsum(p[order])[apart]
    rows = q.reshape(-1, q.shape[-1])
    distances = np.empty(len(rows))
    step = max(1, _CELLS // len(x))
    for first in range(0, len(rows), step):
        batch = np.take(rows[first : first + step], order, axis=1)
        below_q = np.cumsum(batch, axis=1)[:, apart]
        ways = (below_p, below_q), (1 - below_p, 1 - below_q)
        distances[first : first + step] = np.max([_divergence(wide, *way) for way in ways], axis=0)
    return np.asarray(distances.reshape(q.shape[:-1]) ** 0.5)


def _divergence(wide: Array, p: Array, q: Array) -> Array:
    """Of cumulative distribution functions, (n_steps,) and (n_rows, n_steps), between 0 and 1."""
    p, q = np.maximum(p, _LEAST_SHARE), np.maximum(q, _LEAST_SHARE)
    total = p + q
    off = ((q - p) / total) ** 2
    near = off.max(axis=1) < _SERIES_LIMIT
    divergence = np.empty(len(q))
    if near.any():  # as a series, which takes no logs; the next term is beyond rounding
        mass, y = total[near], off[near]
        apart = mass * y * (1 + y * (1 / 6 + y * (1 / 15 + y * (1 / 28 + y / 45))))
        divergence[near] = apart @ wide / (2 * LN2)
    if not near.all():
        # Of each side it is itself times log2 of its share: more, the less they are alike.
        mass, other = total[~near], q[~near]
        apart = p * np.log2(p) + other * np.log2(other) - mass * (np.log2(mass) - 1)
        divergence[~near] = np.maximum(apart @ wide, 0.0)
    return divergence / (total @ wide)
