"""If the story fails: how, by how far, and where.

Failure is any fate but success, a check that stops a good model included. All probabilities are
given the evidence.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment import Assessment
from storyodds.models.evidence import assemble, explicit_tables
from storyodds.models.graph import StoryGraph
from storyodds.models.likelihoods import LogLikelihoods
from storyodds.models.quantities import Path, derive, jointly
from storyodds.models.queries import Query
from storyodds.models.what_if import Base
from storyodds.scenarios.schema import INTENDED

Array = NDArray[np.float64]

ENDS = ("success", "safe", "catastrophe", "deceptive")
"""Success; failure without catastrophe; catastrophe; a deceptive model, whatever becomes of it."""

SAFE = 0.99  # P(no catastrophe | route) from which a route that misses the goal is a near miss


# How


@dataclass(frozen=True)
class Ends:
    """How the story ends, per draw, as a whole and with every assumption true or false.

    Joint probabilities; a conditional one is the ratio of two sums of them. Draws count the same.

    Attributes
    ----------
    names : tuple of str
        The assumptions.
    whole : (n_draws, 4) array
        By `ENDS`.
    true, false : (n_draws, 4, n_assumptions) array
    """

    names: tuple[str, ...]
    whole: Array
    true: Array
    false: Array


def ends(assessment: Assessment, base: Base) -> tuple[Ends, Ends]:
    """Ask how the story ends, together with every assumption.

    Parameters
    ----------
    assessment : Assessment
    base : Base
        Of this assessment.

    Returns
    -------
    tuple of Ends
        With the evidence items' own numbers integrated out, which means are taken of, and at
        draws of all numbers, which intervals are taken of. The same where there are none.

    Raises
    ------
    UnsupportedStoryError
        If the story can be summed, but not together with every assumption.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment import assess
    >>> from storyodds.models.what_if import base_of
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessed = assess(resolve(load_story("carlsmith-six-premises")))
    >>> averaged, _ = ends(assessed, base_of(assessed))
    >>> round(float(averaged.whole[0, ENDS.index("catastrophe")]), 4)
    0.0514
    """
    prepared, values = base.prepared, base.values
    graph = prepared.graph
    names = tuple(variable.name for variable in graph.variables)
    queries = [Query((o,)) for o in range(len(graph.outcomes))]
    shares = _shares(graph, values)

    def given(said: LogLikelihoods) -> Ends:
        found = jointly(prepared.compiler, values, said, queries, shares)
        return Ends(names, found.events, found.true, found.false)

    averaged = given(prepared.likelihoods)
    if assessment.exact is assessment.averaged:
        return averaged, averaged
    return averaged, given(assemble(graph, explicit_tables(graph, values)))


def overall(assessment: Assessment) -> tuple[Array, Array]:
    """Ask how the story ends, over all draws: averaged and exact, (n_draws, 4), by `ENDS`.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> averaged, _ = overall(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> round(float(averaged[0, ENDS.index("catastrophe")]), 4)
    0.0514
    """
    shares = _shares(assessment.prepared.graph, assessment.draws.values)
    averaged, exact = (
        np.einsum("deo,do->de", shares, found.outcomes)
        for found in (assessment.averaged, assessment.exact)
    )
    return averaged, exact


def _shares(graph: StoryGraph, values: Array) -> Array:
    """What part of every outcome ends how, (n_draws, 4, n_outcomes)."""
    n_outcomes = len(graph.outcomes)
    derived = derive(graph, values, np.zeros((len(values), n_outcomes)))
    succeeds = _is_route(graph, intended=True)
    catastrophe = derived.undetected * derived.harm
    held, passed = np.zeros_like(derived.harm), np.ones_like(derived.harm)
    for k in range(len(graph.checks)):  # 1 - undetected, with all its digits
        flags = values[:, [outcome.flags[k] for outcome in graph.outcomes]]
        held, passed = held + passed * flags, passed * (1 - flags)
    harmless = derived.undetected * (1 - derived.harm)
    deceptive = np.array(
        [graph.routes[o.route].outcome_class == "deceptive" for o in graph.outcomes]
    )
    return np.stack(
        [
            harmless * succeeds,
            held + harmless * ~succeeds,
            catastrophe,
            np.broadcast_to(deceptive, held.shape),
        ],
        axis=1,
    )


def _is_route(graph: StoryGraph, *, intended: bool) -> NDArray[np.bool_]:
    """Which outcomes are of a route of the intended class with no hazard, or of another class."""
    return np.array(
        [
            (graph.routes[o.route].outcome_class == INTENDED) == intended
            and (o.hazard is None or not intended)
            for o in graph.outcomes
        ]
    )


# By how far


@dataclass(frozen=True)
class NearMiss:
    """A route that misses the goal.

    Attributes
    ----------
    route : str
    probability, catastrophe : (2, n_draws) array
        P(route) and P(route and catastrophe), averaged and exact as in `Assessment`.
    no_catastrophe : float or None
        P(no catastrophe | route); None for a route that is never taken.
    near : bool
        Whether that is at least the threshold.
    """

    route: str
    probability: Array
    catastrophe: Array
    no_catastrophe: float | None
    near: bool


def near_misses(assessment: Assessment, safe: float = SAFE) -> tuple[NearMiss, ...]:
    """Look at every route that misses the goal: does that do harm?

    Parameters
    ----------
    assessment : Assessment
    safe : float
        P(no catastrophe | route) from which a miss is a near one.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> found = near_misses(assess(resolve(load_story("cat-classifier"))))
    >>> all(miss.near for miss in found)
    True
    """
    graph, draws = assessment.prepared.graph, assessment.draws
    missed = []
    for o, outcome in enumerate(graph.outcomes):
        route = graph.routes[outcome.route]
        if route.outcome_class == INTENDED:
            continue
        reached = np.stack([assessment.averaged.outcomes[:, o], assessment.exact.outcomes[:, o]])
        undetected = np.prod([1 - draws.values[:, flag] for flag in outcome.flags], axis=0)
        harmed = reached * undetected * draws.values[:, outcome.harm]
        whole, part = (float(draws.weights @ x[0]) for x in (reached, harmed))
        spared = 1 - part / whole if whole > 0 else None
        near = spared is not None and spared >= safe
        missed.append(NearMiss(route.id, reached, harmed, spared, near))
    return tuple(missed)


# Where


@dataclass(frozen=True)
class Concerns:
    """The failure paths, the most concerning first, then the likelier.

    Attributes
    ----------
    paths : tuple of Path
    averaged, exact : (n_draws, n_paths) array
        P(path and catastrophe).
    share_top : (n_paths,) array
        How often over the posterior draws each path ranks first.
    """

    paths: tuple[Path, ...]
    averaged: Array
    exact: Array
    share_top: Array


def concerns(assessment: Assessment) -> Concerns:
    """Rank the failure paths.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> concerns(assess(resolve(load_story("carlsmith-six-premises")))).share_top
    array([1., 0.])
    """
    graph, draws = assessment.prepared.graph, assessment.draws
    harm = harm_of(graph, draws.values)
    column = {query: k for k, query in enumerate(assessment.queries)}
    found = []
    for quantities in (assessment.averaged, assessment.exact):
        chance, concern = (np.zeros((len(harm), len(assessment.paths))) for _ in range(2))
        for k, path in enumerate(assessment.paths):
            for o in path.outcomes:
                each = quantities.queries[:, column[Query((o,), path.literals)]]
                chance[:, k] += each
                concern[:, k] += each * harm[:, o]
        found.append((chance, concern))
    (chance, averaged), (chance_exact, exact) = found
    order = sorted(
        range(len(assessment.paths)),
        key=lambda k: (draws.weights @ averaged[:, k], draws.weights @ chance[:, k]),
        reverse=True,
    )
    top = np.zeros(len(order))
    if order:
        at_top = exact == exact.max(axis=1, keepdims=True)
        first = np.where(at_top, chance_exact, -1.0).argmax(axis=1)
        np.add.at(top, first, draws.weights / draws.weights.sum())
    paths = tuple(assessment.paths[k] for k in order)
    return Concerns(paths, averaged[:, order], exact[:, order], top[order])


def harm_of(graph: StoryGraph, values: Array) -> Array:
    """P(catastrophe | outcome), (n_draws, n_outcomes)."""
    derived = derive(graph, values, np.zeros((len(values), len(graph.outcomes))))
    return np.asarray(derived.undetected * derived.harm)
