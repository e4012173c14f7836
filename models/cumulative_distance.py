"""How far apart two distributions are: the cumulative Jensen-Shannon distance."""

import numpy as np
from numpy.typing import NDArray

from storyodds.priors.distributions import LN2

Array = NDArray[np.float64]

STILL = 1e-12  # differences below it are rounding error
_SMALLEST = 1e-300
_CELLS = 2**14  # that are worked on at once, so that a cache has room for them
_CLOSE = 0.01  # the square of how far two sides are apart, over their sum


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
    order = np.argsort(x)  # ties may stand in any order: there is no way between them
    wide, below_p = np.diff(x[order]), np.cumsum(p[order])[:-1]
    rows = q.reshape(-1, q.shape[-1])
    found = np.empty(len(rows))
    step = max(1, _CELLS // len(x))
    for first in range(0, len(rows), step):
        some = np.take(rows[first : first + step], order, axis=1)
        below_q = np.cumsum(some, axis=1)[:, :-1]
        ways = (below_p, below_q), (1 - below_p, 1 - below_q)
        found[first : first + step] = np.max([_divergence(wide, *way) for way in ways], axis=0)
    return np.asarray(found.reshape(q.shape[:-1]) ** 0.5)


def _divergence(wide: Array, p: Array, q: Array) -> Array:
    """Of cumulative distribution functions, (n_steps,) and (n_rows, n_steps), between 0 and 1."""
    p, q = np.maximum(p, _SMALLEST), np.maximum(q, _SMALLEST)
    both = p + q
    bound = both @ wide
    off = ((q - p) / both) ** 2
    if off.max() < _CLOSE:  # as a series, which takes no logs; the next term is beyond rounding
        apart = off * (1 + off * (1 / 6 + off * (1 / 15 + off * (1 / 28 + off / 45))))
        return np.asarray((both * apart) @ wide / (2 * LN2 * bound))
    # Of each side its times log2 of its share, which adds up to more the less they are alike.
    apart = p * np.log2(p) + q * np.log2(q) - both * (np.log2(both) - 1)
    return np.asarray(np.maximum(apart @ wide, 0.0) / bound)
