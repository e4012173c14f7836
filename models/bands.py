"""Bands: between which two points most draws lie."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ENDS = (0.05, 0.95)
_ROUNDING = 1e-12  # of the sum of weights


def band(draws: Array, weights: Array) -> Array:
    """Return the 5 and 95 percent points of weighted draws.

    Parameters
    ----------
    draws : (n_draws, n_columns) array
    weights : (n_draws,) array
        Sum to 1.

    Returns
    -------
    (2, n_columns) array
        Each is one of the draws: the first at which the weights add up to so much.

    Examples
    --------
    >>> band(np.arange(100.0)[:, None], np.full(100, 0.01)).ravel().tolist()
    [4.0, 94.0]
    """
    order = draws.argsort(axis=0, kind="stable")
    reached = np.cumsum(weights[order], axis=0)
    places = [(reached >= end - _ROUNDING).argmax(axis=0) for end in ENDS]
    return np.array(
        [
            np.take_along_axis(draws, order, axis=0)[place, np.arange(draws.shape[1])]
            for place in places
        ]
    )
