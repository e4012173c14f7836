"""The numbers of a prepared story that go together, and their draws.

A Gaussian copula: what is drawn of correlated numbers are their scores, standard normals; every
number stands at its score's level in its own distribution.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.priors.distributions.copula import at_scores, correlated_scores
from storyodds.priors.distributions.families import Distribution, Point
from storyodds.scenarios.grammar.correlations import clusters
from storyodds.scenarios.resolve import ResolvedStory

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """Numbers that are correlated with each other, directly or by way of others.

    Attributes
    ----------
    numbers : tuple of int
        In the order of the story.
    correlations : (n, n) array
        Of their scores.
    """

    numbers: tuple[int, ...]
    correlations: Array


def blocks_of(
    resolved: ResolvedStory, distributions: Sequence[Distribution] | None = None
) -> tuple[Block, ...]:
    """Put together the uncertain numbers that are correlated.

    What is fixed, or is not there, is correlated with nothing: the others keep their own priors.

    Parameters
    ----------
    resolved : ResolvedStory
    distributions : sequence of Distribution, optional
        In the place of those of its numbers.
    """
    if not resolved.correlations:
        return ()
    priors = distributions or [number.distribution for number in resolved.numbers]
    index = resolved.number_index
    named = {name for block in resolved.correlations for name in block.between}
    settled = {n for n in named if n not in index or isinstance(priors[index[n]], Point)}
    blocks = []
    for cluster in clusters(resolved.correlations, settled):
        names = sorted(cluster.names, key=index.__getitem__)
        blocks.append(Block(tuple(index[name] for name in names), cluster.correlations(names)))
    return tuple(sorted(blocks, key=lambda block: block.numbers))


def draw_correlated(
    blocks: Sequence[Block],
    distributions: Sequence[Distribution],
    numbers: Sequence[int],
    u: Array,
) -> dict[int, Array]:
    """Draw the numbers of blocks from independent uniform draws.

    Parameters
    ----------
    blocks : sequence of Block
    distributions : sequence of Distribution
        Of every number of the story.
    numbers : sequence of int
        Those that the columns of u stand for; of a block of which only some are there, these keep
        their correlations.
    u : (n_draws, len(numbers)) array

    Returns
    -------
    dict of int to (n_draws,) array
        By number.
    """
    column = {number: k for k, number in enumerate(numbers)}
    drawn = {}
    for block in blocks:
        there = [k for k, number in enumerate(block.numbers) if number in column]
        chosen = [block.numbers[k] for k in there]
        scores = correlated_scores(
            u[:, [column[number] for number in chosen]], block.correlations[np.ix_(there, there)]
        )
        for number, score in zip(chosen, scores.T, strict=True):
            drawn[number] = at_scores(distributions[number], score)
    return drawn
