"""Weights of a few draws such that they have the means of many.

Entropy balancing: among all weights with given means of some columns, those as even as possible.
They are exponential in the columns, w ∝ exp(λ · c), so that the few multipliers λ say all of them.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NEWTON_STEPS = 60  # of Newton's method, each of which doubles the exact digits near a solution
_TOLERANCE = 1e-11  # standard deviations off the mean
_WORST_MISS = 1e-4  # the same, of a column that is another but for rounding
_ROUNDING_VARIANCE = 1e-8  # variance, of 1, that is taken for rounding
_ROUNDING = 1e-13  # of the objective, next to its least value
_LONGEST_STEP = 10.0  # of the length of a step
_LARGEST_PULL = 200.0  # of a multiplier per standard deviation: it is on its way to infinity


def balance(columns: Array, means: Array) -> Array | None:
    """Find the multipliers of weights that give columns their means.

    Parameters
    ----------
    columns : (n_draws, n_columns) array
    means : (n_columns,) array
        Of what the draws stand for. Ignored where a column is constant.

    Returns
    -------
    (n_columns,) array or None
        λ, per unit of each column, 0 where a column says nothing that others do not; None where
        there are no such weights, or Newton's method does not find them.

    References
    ----------
    J. Hainmueller (2012), "Entropy balancing for causal effects", Political Analysis 20, 25-46.

    Examples
    --------
    >>> x = np.array([[0.0], [1.0]])
    >>> pull = balance(x, np.array([0.75]))
    >>> weights_of(x, pull).round(6)
    array([0.25, 0.75])
    >>> balance(x, np.array([1.5])) is None
    True
    """
    center, scale = columns.mean(axis=0), columns.std(axis=0)
    varies = scale > 1e-12 * np.maximum(np.abs(center), 1e-300)
    scaled = (columns[:, varies] - center[varies]) / scale[varies]
    target = (means[varies] - center[varies]) / scale[varies]
    # Columns that say the same but for rounding pull together: along axes with a spread.
    spread, axes = np.linalg.eigh(scaled.T @ scaled / max(1, len(scaled)))
    axes = axes[:, spread > _ROUNDING_VARIANCE]
    solution = _solved(scaled @ axes, target @ axes)
    if solution is None:
        return None
    pull = axes @ solution
    if np.abs(weights_of(scaled, pull) @ scaled - target).max(initial=0.0) > _WORST_MISS:
        return None
    out = np.zeros(len(center))
    out[varies] = pull / scale[varies]
    return out


def _solved(columns: Array, target: Array) -> Array | None:
    """Newton's method for a convex objective; columns centered and of like spread."""
    pull = np.zeros(len(target))
    value = _objective(columns, target, pull)
    for _ in range(_NEWTON_STEPS):
        if np.abs(pull).max(initial=0.0) > _LARGEST_PULL:
            return None
        weights = weights_of(columns, pull)
        mean = weights @ columns
        if np.abs(target - mean).max(initial=0.0) < _TOLERANCE:
            return pull
        covariance = (columns - mean).T @ (weights[:, None] * (columns - mean))
        step = np.linalg.lstsq(covariance, target - mean, rcond=1e-12)[0]
        if not np.isfinite(step).all():  # one draw has all of the weight
            return None
        step *= min(1.0, _LONGEST_STEP / max(float(np.abs(step).max(initial=0.0)), 1e-300))
        for _ in range(30):  # half a step is lower, in the end
            ahead = _objective(columns, target, pull + step)
            if ahead <= value + _ROUNDING * (1 + abs(value)):
                break
            step = step / 2
        pull, value = pull + step, ahead
    return None


def _objective(columns: Array, target: Array, pull: Array) -> float:
    logs = (columns - target) @ pull
    return float(logs.max() + np.log(np.exp(logs - logs.max()).mean())) if len(pull) else 0.0


def weights_of(columns: Array, pull: Array) -> Array:
    """Weights exp(λ · c), which sum to 1.

    Parameters
    ----------
    columns : (n_draws, n_columns) array
    pull : (n_columns,) array

    Returns
    -------
    (n_draws,) array
    """
    logs = columns @ pull
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())
