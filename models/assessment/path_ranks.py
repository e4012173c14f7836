"""Which failure path ranks first, and which cannot be told apart: one ranking for every answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine.paths import PathOdds

Array = NDArray[np.float64]

ROUNDING = 1e-9  # of a chance: what differs by less is a tie


@dataclass(frozen=True)
class Ranks:
    """How failure paths rank.

    Attributes
    ----------
    order : tuple of int
        Paths by mean concern, then by mean probability; ties as they are written.
    rank : tuple of int
        In that order, the place of each path, from 1; ties share the first of theirs.
    share_top : (n_paths,) array
        In that order, how often over the posterior draws each path ranks first; where several do,
        each has an even share.
    """

    order: tuple[int, ...]
    rank: tuple[int, ...]
    share_top: Array


def rank_paths(
    averaged: Sequence[PathOdds], weights: Array, exact: Sequence[PathOdds], exact_weights: Array
) -> Ranks:
    """Rank paths by concern, then by probability.

    Parameters
    ----------
    averaged : sequence of PathOdds
        By path, at the draws that means are taken of.
    weights : (n_draws,) array
        Of these.
    exact : sequence of PathOdds
        At posterior draws of all numbers.
    exact_weights : (n_exact,) array
        Of these.

    Examples
    --------
    >>> a, b, c = (np.array([x]) for x in (0.1, 0.2, 0.2))
    >>> odds = [PathOdds(x, x, x) for x in (a, b, c)]
    >>> ranks = rank_paths(odds, np.ones(1), odds, np.ones(1))
    >>> ranks.order, ranks.rank, ranks.share_top.tolist()
    ((1, 2, 0), (1, 1, 3), [0.5, 0.5, 0.0])
    """
    means = [(float(weights @ odds.concern), float(weights @ odds.reached)) for odds in averaged]
    groups = [
        group
        for alike in _alike(range(len(means)), [concern for concern, _ in means])
        for group in _alike(alike, [reached for _, reached in means])
    ]
    order = tuple(k for group in groups for k in group)
    first = np.cumsum([1, *map(len, groups)])
    rank = tuple(int(first[g]) for g, group in enumerate(groups) for _ in group)
    return Ranks(order, rank, _share_top(exact, exact_weights)[list(order)])


def _alike(paths: Sequence[int], chance: Sequence[float]) -> list[list[int]]:
    """Groups of paths that tie, the likeliest first."""
    groups: list[list[int]] = []
    for k in sorted(paths, key=lambda k: (-chance[k], k)):
        if groups and chance[k] >= chance[groups[-1][0]] * (1 - ROUNDING):
            groups[-1].append(k)
        else:
            groups.append([k])
    return [sorted(group) for group in groups]


def _share_top(exact: Sequence[PathOdds], weights: Array) -> Array:
    if not exact:
        return np.zeros(0)
    first = _at_top(np.stack([odds.concern for odds in exact]))
    first = _at_top(np.where(first, np.stack([odds.reached for odds in exact]), -1.0))
    # Rounding aside, shares add up to 1.
    return np.minimum(first / first.sum(axis=0) @ weights / weights.sum(), 1.0)


def _at_top(chances: Array) -> NDArray[np.bool_]:
    """By path and draw, whether none is larger, (n_paths, n_draws)."""
    top = chances.max(axis=0)
    return np.asarray(chances >= top - ROUNDING * abs(top))
