"""If the story fails: how, by how far, and where.

A failure is deployed and no success. A model that a check has halted is no failure: it stands
beside. All probabilities are given the evidence. What means are taken of (`averaged`) and what
intervals are taken of (`exact`) have draws and weights of their own, as in `Assessment`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.engine.paths import route_shares
from storyodds.models.engine.quantities import Quantities, jointly
from storyodds.models.numerics import systematic
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.story.events import after_training, probabilities, weights
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.queries import Query
from storyodds.scenarios.grammar.outcomes import INTENDED

Array = NDArray[np.float64]

ENDS = ("success", "safe", "catastrophe", "deceptive", "halted")
"""Success; failure without catastrophe; catastrophe; a deployed deceptive model, whatever becomes
of it; halted by a check."""

_OF_END = (
    ("success",),
    ("uncompetitive", "benign-failure"),
    ("catastrophe",),
    ("deceptive, deployed",),
    ("halted",),
)
SAFE = 0.99  # P(no catastrophe | route, deployed) from which missing the goal is a near miss
_BAND_DRAWS = 1024  # of which intervals given an assumption are taken: a 5% point to 0.7 points
_BLOCK = 2**21  # draws times queries, of one call of the engine


# How


@dataclass(frozen=True)
class Ends:
    """How the story ends at some draws, as a whole and with every assumption true or false.

    Joint probabilities; a conditional one is the ratio of two sums of them.

    Attributes
    ----------
    names : tuple of str
        The assumptions.
    weights : (n_draws,) array
    whole : (n_draws, 5) array
        By `ENDS`.
    true, false : (n_draws, 5, n_assumptions) array
    """

    names: tuple[str, ...]
    weights: Array
    whole: Array
    true: Array
    false: Array


def ends(assessment: Assessment) -> tuple[Ends, Ends]:
    """Compute how the story ends, together with every assumption.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly, not simulated.

    Returns
    -------
    tuple of Ends
        At the draws that means are taken of, and at some that intervals are taken of.

    Raises
    ------
    UnsupportedStoryError
        If the story can be summed, but not together with every assumption.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> averaged, _ = ends(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> round(float(averaged.whole[0, ENDS.index("catastrophe")]), 4)
    0.0514
    """
    prepared, means, exact = assessment.prepared, assessment.averaged, assessment.exact
    averaged = _ends(prepared, means.values, means.weights)
    if exact is means and len(means.values) <= _BAND_DRAWS:
        return averaged, averaged
    values, counts = exact.values, exact.weights
    if len(values) > _BAND_DRAWS:
        values = values[systematic(counts, _BAND_DRAWS)]
        counts = np.full(_BAND_DRAWS, 1 / _BAND_DRAWS)
    return averaged, _ends(prepared, values, counts)


def _ends(prepared: PreparedStory, values: Array, counts: Array) -> Ends:
    graph = prepared.graph
    names = tuple(variable.name for variable in graph.variables)
    queries = [Query((o,)) for o in range(len(graph.outcomes))]
    n, n_ends = len(values), len(ENDS)
    whole, sides = np.zeros((n, n_ends)), np.zeros((2, n, n_ends, len(names)))
    step = max(64, _BLOCK // (len(queries) + n_ends * max(1, len(names))))
    for first in range(0, n, step):
        block = slice(first, first + step)
        mixed = shares_of_ends(graph, values[block])
        joint = jointly(prepared.compiler, values[block], prepared.likelihoods, queries, mixed)
        whole[block], sides[0, block], sides[1, block] = joint.events, joint.true, joint.false
    return Ends(names, counts, whole, sides[0], sides[1])


def shares_of_ends(graph: StoryGraph, values: Array) -> Array:
    """What part of every outcome ends how, (n_draws, 5, n_outcomes), by `ENDS`."""
    events = [event for group in _OF_END for event in group]
    counts = weights(graph, values, events)
    first = np.cumsum([0, *map(len, _OF_END[:-1])])
    return np.asarray(np.add.reduceat(counts, first, axis=1))


def overall(assessment: Assessment) -> tuple[Array, Array]:
    """How the story ends: averaged and exact, (n_draws, 5) each, by `ENDS`.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> averaged, _ = overall(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> round(float(averaged[0, ENDS.index("catastrophe")]), 4)
    0.0514
    """
    averaged, exact = (
        np.column_stack(
            [
                probabilities(quantities.graph, quantities.values, quantities.outcomes, group).sum(
                    axis=1
                )
                for group in _OF_END
            ]
        )
        for quantities in (assessment.averaged, assessment.exact)
    )
    return averaged, exact


# By how far


@dataclass(frozen=True)
class RouteMiss:
    """A route that misses the goal, at some draws.

    Attributes
    ----------
    probability, deployed, catastrophe : (n_draws,) array
        P(route), P(route, deployed) and P(route, catastrophe).
    """

    probability: Array
    deployed: Array
    catastrophe: Array


@dataclass(frozen=True)
class NearMiss:
    """A route that misses the goal.

    Attributes
    ----------
    route : str
    averaged, exact : RouteMiss
    no_catastrophe : float or None
        P(no catastrophe | route, deployed); None for a route that is never deployed.
    near : bool
        Whether that is at least the threshold.
    """

    route: str
    averaged: RouteMiss
    exact: RouteMiss
    no_catastrophe: float | None
    near: bool


def near_misses(assessment: Assessment, safe: float = SAFE) -> tuple[NearMiss, ...]:
    """Look at every route that misses the goal: does that do harm, once it is deployed?

    Parameters
    ----------
    assessment : Assessment
    safe : float
        P(no catastrophe | route, deployed) from which a miss is a near one.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> misses = near_misses(assess(resolve(load_story("cat-classifier"))))
    >>> all(miss.near for miss in misses)
    True
    """
    graph = assessment.prepared.graph
    missed = []
    for r, route in enumerate(graph.routes):
        if route.outcome_class == INTENDED:
            continue
        averaged, exact = (
            _missed(quantities, r) for quantities in (assessment.averaged, assessment.exact)
        )
        deployed, harmed = (
            float(assessment.averaged.mean(x)) for x in (averaged.deployed, averaged.catastrophe)
        )
        spared = 1 - harmed / deployed if deployed > 0 else None
        near = spared is not None and spared >= safe
        missed.append(NearMiss(route.id, averaged, exact, spared, near))
    return tuple(missed)


def _missed(quantities: Quantities, r: int) -> RouteMiss:
    after, outcomes = after_training(quantities.graph, quantities.values), quantities.outcomes
    deployed, harmed = (
        sum(
            (outcomes[:, share.outcome] * after.factor(share, r) for share in shares),
            np.zeros(len(outcomes)),
        )
        for shares in route_shares(quantities.graph, r)[1:]
    )
    return RouteMiss(quantities.routes[:, r], deployed, harmed)


# Where
