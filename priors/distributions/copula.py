"""Numbers that go together: a Gaussian copula over whatever distributions they have.

Every number has a score, a standard normal that stands at the same level as the number does in its
own distribution. The scores of correlated numbers are jointly normal; each number by itself keeps
its distribution.
"""

from functools import lru_cache
from math import asin, pi, sin

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_ndtr, ndtr, ndtri, ndtri_exp

from storyodds.priors.distributions.families import (
    Distribution,
    LogitNormal,
    Mixture,
    NormalDistribution,
    Point,
)
from storyodds.priors.distributions.quantiles import prior_score

Array = NDArray[np.float64]

# Beyond it lies less than 1e-15, and a level has no digits left at its upper end.
REACH = 8.0
_SPACING = 2**12  # steps from one end to the other of a pool's table, 0.004 standard deviations


def score_correlation(rank: float) -> float:
    """Return the correlation of two scores whose numbers have a Spearman rank correlation.

    Examples
    --------
    >>> round(score_correlation(0.6), 4), score_correlation(0.0)
    (0.618, 0.0)
    """
    return 2 * sin(pi * rank / 6)


def rank_correlation(correlation: float) -> float:
    """Return the Spearman rank correlation of numbers whose scores are correlated.

    Examples
    --------
    >>> round(rank_correlation(score_correlation(0.6)), 12)
    0.6
    """
    return 6 / pi * asin(correlation / 2)


def levels_at(scores: Array) -> Array:
    """Return the levels of scores, strictly inside 0 and 1.

    Examples
    --------
    >>> levels_at(np.array([-1.0, 0.0])).round(3)
    array([0.159, 0.5  ])
    """
    return np.asarray(ndtr(np.clip(scores, -REACH, REACH)))


def correlated_scores(u: Array, correlations: Array) -> Array:
    """Return correlated scores from independent uniform draws.

    Parameters
    ----------
    u : (n_draws, n_numbers) array
        Strictly inside 0 and 1.
    correlations : (n_numbers, n_numbers) array
        Of the scores, positive definite.

    Examples
    --------
    >>> scores = correlated_scores(np.array([[0.5, 0.5], [0.9, 0.5]]), np.array([[1, 0.6],
    ...     [0.6, 1]]))
    >>> scores.round(3)
    array([[0.   , 0.   ],
           [1.282, 0.769]])
    """
    return np.asarray(ndtri(u) @ np.linalg.cholesky(correlations).T)


def at_scores(distribution: Distribution, scores: Array) -> Array:
    """Return the values of a number that stand at scores; the higher the score, the higher.

    Examples
    --------
    >>> at_scores(NormalDistribution(1.0, 2.0), np.array([-1.0, 0.0, 1.0]))
    array([-1.,  1.,  3.])
    >>> pool = Mixture((0.5, 0.5), (NormalDistribution(4.0, 0.5), NormalDistribution(-4.0, 0.5)))
    >>> at_scores(pool, np.array([-1.0, 1.0])).round(1)
    array([-4.2,  4.2])
    """
    if isinstance(distribution, NormalDistribution):
        return np.asarray(distribution.location + distribution.sd * scores)
    if isinstance(distribution, LogitNormal):
        return np.asarray(expit(distribution.location + distribution.sd * scores))
    if isinstance(distribution, Mixture):
        of_scores, values = _pool_table(distribution)
        return np.interp(scores, of_scores, values)
    return distribution.quantile(levels_at(scores))


def scores_of(distribution: Distribution, values: Array) -> Array:
    """Return the scores at which values of a number stand: the opposite of `at_scores`.

    Of a value that has a chance of its own, some score in that chance.

    Examples
    --------
    >>> scores_of(NormalDistribution(1.0, 2.0), np.array([-1.0, 3.0]))
    array([-1.,  1.])
    """
    if isinstance(distribution, NormalDistribution):
        return np.asarray((values - distribution.location) / distribution.sd)
    if isinstance(distribution, Mixture):
        of_scores, at_them = _pool_table(distribution)
        return np.interp(values, at_them, of_scores)
    return prior_score(distribution, values)


@lru_cache(maxsize=256)
def _pool_table(pool: Mixture) -> tuple[Array, Array]:
    """Scores of a pool and the values at them, both rising: a pool gives draws in no such order.

    A fixed value among the judgments has all the scores from the lower to the upper end of its
    share.
    """
    scores = np.linspace(-REACH, REACH, _SPACING + 1)
    parts = [(part, at_scores(part, scores)) for part in pool.components]
    values = np.unique(np.concatenate([x for _, x in parts]))
    log_weights = np.log(np.asarray(pool.weights) / np.sum(pool.weights))[:, None]
    below = np.stack([_levels(part, x, values, atom_counts=False) for part, x in parts])
    up_to = np.stack([_levels(part, x, values, atom_counts=True) for part, x in parts])
    ends = []
    for levels in (below, up_to):
        # Of both tails the logs, since the score of a level next to 1 has to be that of the rest.
        lower = np.logaddexp.reduce(log_weights + log_ndtr(levels), axis=0)
        upper = np.logaddexp.reduce(log_weights + log_ndtr(-levels), axis=0)
        ends.append(np.where(lower < upper, ndtri_exp(lower), -ndtri_exp(upper)))
    table = np.maximum.accumulate(np.stack(ends, axis=1).ravel())
    return table, np.repeat(values, 2)


def _levels(part: Distribution, table: Array, values: Array, *, atom_counts: bool) -> Array:
    """The scores that values have in one judgment, far out at either end where they are outside."""
    far = 40.0  # of which the logarithm of the level is still finite
    if isinstance(part, Point):
        above = values >= part.value if atom_counts else values > part.value
        return np.where(above, far, -far)
    scores = scores_of(part, values)
    return np.where(values < table[0], -far, np.where(values > table[-1], far, scores))
