"""The odds if checks failed independently of each other, and if the best of them were all.

Two ends of what the checks of a story can make of a model, each check keeping its own rates: every
one decides by itself, or one draw decides for all of them.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.engine import quantities
from storyodds.models.engine.quantities import Quantities
from storyodds.models.engine.strategy import choose_compiler
from storyodds.models.posterior.answers import Exact
from storyodds.models.story.events import (
    AfterTraining,
    after_training,
    probabilities,
    shares_of,
)
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.models.story.queries import Query
from storyodds.models.story.rates import ALWAYS, CommonCause, Share
from storyodds.priors.text.errors import UnsupportedStoryError

Array = NDArray[np.float64]

Together = Literal["independent", "as-one"]
ENDS: tuple[Together, ...] = ("independent", "as-one")


def have_ends(graph: StoryGraph) -> bool:
    """Whether there are checks that can fail together: two or more that can still flag what
    training leaves.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.story.building import build_graph
    >>> from storyodds.scenarios.resolve import resolve
    >>> have_ends(build_graph(resolve(load_story("coinrun-agent"))))
    False
    """
    return len(graph.final_checks) > 1


def odds_if_together(
    assessment: Assessment, end: Together, events: tuple[str, ...]
) -> Array | None:
    """Work out events as if checks were independent, or as one.

    Checks whose results are open bear on no evidence, so that the posterior stays what it is. What
    known results say is not at issue: they keep what they have in common with each other, and have
    nothing in common with the checks that can still flag.

    Parameters
    ----------
    assessment : Assessment
    end : {"independent", "as-one"}
    events : tuple of str
        Classes and fates.

    Returns
    -------
    (n_draws, n_events) array or None
        Exact at each of the assessment's draws of all numbers, `assessment.exact`; None where the
        story cannot be summed again.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessment = assess(resolve(load_story("rlhf-assistant")), draws=256)
    >>> apart, as_one = (odds_if_together(assessment, end, ("catastrophe",)) for end in ENDS)
    >>> bool((as_one >= apart).all())
    True
    """
    graph, drawn = assessment.prepared.graph, assessment.exact
    if _is_plain(graph):
        after = after_training(graph, drawn.values)
        if end == "as-one":
            after = _by_the_best(graph, drawn.values, after)
        return probabilities(graph, drawn.values, drawn.outcomes, events, after)
    if not isinstance(assessment.prepared.answers, Exact):
        return None
    if end == "independent" and not graph.common_causes:  # as they are stated
        return probabilities(graph, drawn.values, drawn.outcomes, events)
    run = set(range(len(graph.checks))).difference(graph.live_checks)
    causes = tuple(
        replace(cause, checks=tuple(c for c in cause.checks if c in run))
        for cause in graph.causes_of_results
    )
    causes += (_as_one(graph),) if end == "as-one" else ()
    changed = replace(graph, common_causes=causes, derived=graph.derived.copy())
    try:
        outcomes = _outcomes(changed, drawn, assessment.prepared.likelihoods, events)
    except UnsupportedStoryError:
        return None
    return probabilities(changed, drawn.values, outcomes, events)


def _outcomes(
    graph: StoryGraph, drawn: Quantities, likelihoods: LogLikelihoods, events: tuple[str, ...]
) -> Array:
    """The outcomes of which events are made: the evidence and the routes are what they were."""
    shares = shares_of(graph)
    used = {share.outcome for event in events for share in shares[event]}
    parts = sorted(used - set(range(len(graph.routes))))
    outcomes = np.zeros((len(graph.outcomes), len(drawn.values))).T
    outcomes[:, : len(graph.routes)] = drawn.routes
    if parts:
        queries = [Query((outcome,)) for outcome in parts]
        compiler = choose_compiler(graph)
        point = drawn.values, likelihoods, queries, drawn.log_evidence
        outcomes[:, parts] = quantities.chances(compiler, *point)
    return outcomes


def _is_plain(graph: StoryGraph) -> bool:
    """Whether checks and harm only multiply what the engine sums, and flag no hazard together."""
    named = ([h.flags[c] for c in graph.live_checks if h.flags[c]] for h in graph.hazards)
    return not graph.summed and all(len(rates) < 2 for rates in named)


def _by_the_best(graph: StoryGraph, values: Array, after: AfterTraining) -> AfterTraining:
    """What becomes of every route where its best check is as good as all of them."""
    rates = [[route.flags[c].number for route in graph.routes] for c in graph.live_checks]
    best = values[:, rates].max(axis=1)
    return AfterTraining(1 - best, best, after.harm)


def _as_one(graph: StoryGraph) -> CommonCause:
    routes: tuple[Share, ...] = (ALWAYS,) * len(graph.routes)
    hazards: tuple[Share, ...] = (ALWAYS,) * len(graph.hazards)
    return CommonCause("as-one", graph.final_checks, routes, hazards)
