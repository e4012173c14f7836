"""What power-scaling finds where there is nothing to find: the noise of its index.

The index is a distance, so it is never negative, and with few draws chance alone lifts it above
any threshold. How high is worked out from what has no bearing at all: random numbers in the place
of a log density. Their index and the Monte Carlo error of their slope both grow with their spread
and fall with the number of draws, so that the one over the other depends on the event alone, and
the error of a prior's slope tells the noise of its index. For findings, whose index is taken at
draws that count the same, it is a yardstick. Log densities with heavier tails than normal ones
exceed the level a little more often.
"""

import numpy as np

from storyodds.models.engine.arithmetic import Array
from storyodds.models.sensitivity.cumulative_distance import STILL
from storyodds.models.sensitivity.power_scaling import NEAR
from storyodds.priors.distributions.families import LN2

_BINS = 256  # of draws in order, in the place of single ones
_LEAST_WEIGHT = 1e-12  # a side with less weight has no noise, but that of rounding
_ONCE = 20  # the largest of so many times as many is exceeded by chance in 1 case of 20


def noise_per_error(x: Array, weights: Array, tests: int, seed: int) -> float:
    """Return the index that chance alone hardly exceeds, for a slope whose error is 1.

    Parameters
    ----------
    x : (n_draws,) array
        P(event | E, θ).
    weights : (n_draws,) array
        Which sum to 1.
    tests : int
        Of how many indices chance may lift none, but for 1 case of 20.
    seed : int

    Returns
    -------
    float
        To be multiplied with the standard error of a slope per doubling, as `Scaling.slope_error`
        has it; 0 where the event is the same at all draws.

    Examples
    --------
    >>> x = np.linspace(0.1, 0.2, 400)
    >>> 10 < noise_per_error(x, np.full(400, 1 / 400), 20, 1) < 100
    True
    """
    if np.ptp(x) <= STILL:
        return 0.0
    order = np.argsort(x, kind="stable")
    edges = np.unique(np.linspace(0, len(x), _BINS + 1).astype(int))[:-1]
    shares = np.add.reduceat(weights[order], edges)
    # Sums of independent standard normal numbers, weighted, in each bin.
    spread = np.sqrt(np.add.reduceat(weights[order] ** 2, edges))
    rng = np.random.default_rng([seed, 6])
    apart = np.cumsum(rng.normal(size=(_ONCE * tests, len(edges))) * spread, axis=1)
    apart -= apart[:, -1:] * np.cumsum(shares)  # for weights that sum to 1
    # Of p and q so near to each other, p log2(p/m) + q log2(q/m) is (p - q)² / (4 p ln 2) where m
    # is midway, which is what the distance is made of: its square is a sum of squares.
    wide, below = np.diff(x[order][edges]), np.cumsum(shares)[:-1]
    ways = [
        np.divide(wide, p, out=np.zeros_like(p), where=p > _LEAST_WEIGHT) / (8 * LN2 * (p @ wide))
        for p in (below, 1 - below)
    ]
    norm = np.sqrt((apart[:, :-1] ** 2 @ np.transpose(ways)).max())
    by = (NEAR[1] - 1) / np.log2(NEAR[1])
    error = LN2 * np.sqrt(weights**2 @ (x - weights @ x) ** 2)
    return float(by * norm / error)
