"""Log densities of priors at one point of an unconstrained scale, with their slopes, by numba.

A prior is rows of numbers: one for a component, several for a pool. Importing this module imports
numba.
"""

import math

import numpy as np
from numpy.typing import NDArray

from storyodds.models.safe_numba import jit
from storyodds.priors.distributions.beta_functions import FAR

Array = NDArray[np.float64]

# Kinds of prior components. Those of a pool come before the pool, which takes the last few
# densities found, added (a linear pool) or multiplied (a logarithmic one); a power is of the last.
NORMAL, BETA, TRUNCATED_NORMAL, TRUNCATED_LOG_NORMAL, UNIFORM = 0.0, 1.0, 2.0, 3.0, 4.0
SUM, PRODUCT, POWER = 5.0, 6.0, 7.0


@jit
def log_expit(z: float) -> float:
    """Log of the probability, in nats, of which z is the logit."""
    return -math.log1p(math.exp(-z)) if z > 0.0 else z - math.log1p(math.exp(z))


@jit
def prior_density(rows: Array, first: int, last: int, z: float) -> tuple[float, float]:
    """Log density and slope of a prior, which may be a pool of pools.

    Parameters
    ----------
    rows : (n_rows, 5) array
        By component: its kind, log weight and constant in nats, and up to three parameters.
    first, last : int
        The prior's own rows are from the first on and before the last.
    z : float
        A logit, or bits.

    Returns
    -------
    float, float
        In nats, and in nats per unit of z.
    """
    if last - first == 1:
        return _component(rows, first, z)
    heights, slopes = np.empty(last - first), np.empty(last - first)
    n = 0  # densities found and not yet taken
    for k in range(first, last):
        kind = rows[k, 0]
        if kind == POWER:
            heights[n - 1] *= rows[k, 2]
            slopes[n - 1] *= rows[k, 2]
        elif kind in (SUM, PRODUCT):
            n -= int(rows[k, 2])
            terms = slice(n, n + int(rows[k, 2]))
            if kind == SUM:
                heights[n], slopes[n] = _mixed(heights[terms], slopes[terms])
            else:
                heights[n], slopes[n] = heights[terms].sum(), slopes[terms].sum()
            heights[n] += rows[k, 1]
            n += 1
        else:
            heights[n], slopes[n] = _component(rows, k, z)
            n += 1
    return heights[0], slopes[0]


@jit
def _mixed(heights: Array, slopes: Array) -> tuple[float, float]:
    """Log of the sum of densities, and its slope."""
    top = float(heights.max())
    if top == -np.inf:
        return -np.inf, 0.0
    shares = np.exp(heights - top)
    share, tilt = 0.0, 0.0
    for k in range(len(heights)):
        if shares[k] > 0.0:  # the slope may be anything where there is nothing
            share, tilt = share + shares[k], tilt + shares[k] * slopes[k]
    return top + math.log(share), tilt / share


@jit
def _fall(t: float, a: float, b: float) -> float:
    """`priors.beta_functions.fall` of one number, for a at most b."""
    near = min(t, FAR)
    grown = math.log1p(math.expm1(near) / (1.0 + b / a)) + (t - near)
    return (a + b) * grown - a * t


@jit
def _component(rows: Array, k: int, z: float) -> tuple[float, float]:
    """Log density, times its weight, and slope of what is no pool."""
    kind, height, a, b = rows[k, 0], rows[k, 1], rows[k, 2], rows[k, 3]
    log_p, log_q = log_expit(z), log_expit(-z)
    p, q = math.exp(log_p), math.exp(log_q)
    if kind == BETA:
        # From its peak: a log p and b log(1 - p) of 1e14 would leave no digits of their sum.
        t = z - rows[k, 4]
        height -= _fall(t, a, b) if a <= b else _fall(-t, b, a)
        slope = b * p * math.expm1(-max(t, 0.0)) - a * q * math.expm1(min(t, 0.0))
    elif kind == UNIFORM:
        height = height + log_p + log_q if a <= p <= b else -np.inf
        slope = q - p
    elif kind in (TRUNCATED_NORMAL, TRUNCATED_LOG_NORMAL):
        # Differences from the peak inside: those from the mean would cancel far from it.
        x, peak = p if kind == TRUNCATED_NORMAL else log_p, rows[k, 4]
        height -= 0.5 * ((x - peak) * b) * ((x + peak - 2.0 * a) * b)
        pull = -(x - a) * b * b
        if kind == TRUNCATED_NORMAL:
            height += log_p + log_q
            slope = pull * p * q + q - p
        else:
            height += log_q
            slope = pull * q - p
    else:
        standardized = (z - a) * b
        height -= 0.5 * standardized * standardized
        slope = -standardized * b
    return height, slope
