"""The numbers of a prepared story that go together, and their draws.

A Gaussian copula: what is drawn of correlated numbers are their scores, standard normals; every
number stands at its score's level in its own distribution.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.priors.distributions.copula import at_scores, correlated_scores, scores_of
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


def units_of(blocks: Sequence[Block], numbers: Sequence[int]) -> list[tuple[int, ...]]:
    """Numbers that are independent of each other by themselves, and blocks of all others.

    Parameters
    ----------
    blocks : sequence of Block
    numbers : sequence of int
        Uncertain ones, of a block all or none.

    Returns
    -------
    list of tuple of int
        In the order of the numbers; a block stands where its first number does.

    Examples
    --------
    >>> units_of([Block((1, 3), np.eye(2))], [0, 1, 2, 3])
    [(0,), (1, 3), (2,)]
    """
    block_of = {number: block.numbers for block in blocks for number in block.numbers}
    return list(dict.fromkeys(block_of.get(number, (number,)) for number in numbers))


def unit_name(names: Sequence[str]) -> str:
    """Name numbers that count as one.

    Examples
    --------
    >>> unit_name(["hard.probability"]), unit_name(["hard.probability", "push.bits"])
    ('hard.probability', 'hard.probability + push.bits')
    """
    return " + ".join(names)


def log_copula(block: Block, distributions: Sequence[Distribution], values: Array) -> Array:
    """Log density of a block's joint prior over the product of the numbers' own, in nats.

    Parameters
    ----------
    block : Block
    distributions : sequence of Distribution
        Of every number of the story, those of the block without fixed values.
    values : (n_draws, n_numbers) array

    Returns
    -------
    (n_draws,) array

    Examples
    --------
    >>> from storyodds.priors.distributions.families import NormalDistribution
    >>> pair = Block((0, 1), np.array([[1.0, 0.6], [0.6, 1.0]]))
    >>> log_copula(pair, [NormalDistribution(0.0, 1.0)] * 2, np.array([[0.0, 0.0], [1.0, 1.0]]))
    array([0.22314355, 0.59814355])
    """
    scores = np.stack([scores_of(distributions[i], values[:, i]) for i in block.numbers], axis=1)
    shape = np.linalg.inv(block.correlations) - np.eye(len(block.numbers))
    height = -0.5 * float(np.linalg.slogdet(block.correlations)[1])
    return np.asarray(height - 0.5 * np.einsum("di,ij,dj->d", scores, shape, scores))
