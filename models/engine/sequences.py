"""The likeliest sequences of routes to harm, of training in stages, without listing all of them.

Best first: what a beginning of a sequence comes to together with harm is no less than what any
sequence comes to that goes on from it. So the beginnings are taken up in the order of what they
come to, and the first ones that are complete are the likeliest sequences. One pass back through
the circuit gives every way to go on by one step.
"""

import heapq
from collections.abc import Sequence
from itertools import count

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine.compiler import Compiler
from storyodds.models.engine.quantities import jointly
from storyodds.models.logic.cut_sets import CutSet, Literal
from storyodds.models.story.events import Share, after_training
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.models.story.queries import Query

Array = NDArray[np.float64]

MAX_SEQUENCES = 12  # that are told apart: more than anybody reads


def likeliest_sequences(
    graph: StoryGraph,
    compiler: Compiler,
    values: Array,
    likelihoods: LogLikelihoods,
    harmful: Sequence[Share],
    most: int = MAX_SEQUENCES,
) -> list[CutSet]:
    """List the sequences of routes that come to the most harm, the worst first.

    Parameters
    ----------
    graph : StoryGraph
        Of a story in stages.
    compiler : Compiler
    values : (1, n_numbers) array
        The numbers at which they are compared.
    likelihoods : LogLikelihoods
    harmful : sequence of Share
        What adds up to the harm.
    most : int
        How many are listed at most.

    Returns
    -------
    list of CutSet
        The states of the stages that were run, and whether training was sent back.
    """
    order, after = graph.order, after_training(graph, values)
    outcomes = [graph.outcomes[share.outcome].route for share in harmful]
    weights = [
        np.broadcast_to(after.factor(share, route), 1)[0]
        for share, route in zip(harmful, outcomes, strict=True)
    ]
    ties = count()  # the first one found of equals comes first
    waiting: list[tuple[float, int, int, CutSet]] = [(-1.0, next(ties), 0, frozenset())]
    complete: list[CutSet] = []
    while waiting and len(complete) < most:
        _, _, step, begun = heapq.heappop(waiting)
        if step == len(graph.steps):
            complete.append(begun)
            continue
        queries = [Query((share.outcome,), begun) for share in harmful]
        joint = jointly(compiler, values, likelihoods, queries, np.array([weights]))
        for literals, after_step in _ways_on(graph, step, begun):
            (name, truth), *_ = literals
            side = joint.true if truth else joint.false
            chance = float(side[0, 0, order[name]])
            if chance > 0:
                grown = begun | frozenset(literals)
                heapq.heappush(waiting, (-chance, next(ties), after_step, grown))
    return complete


def _ways_on(graph: StoryGraph, step: int, begun: CutSet) -> list[tuple[tuple[Literal, ...], int]]:
    """How a sequence may go on, and at which step it then stands."""
    flag = graph.steps[step].after_flag
    if flag is None or (flag, True) in begun:
        return [(((name, True),), step + 1) for name in graph.steps[step].names]
    # Steps that follow a flag which was not raised are not run.
    later = step
    while later < len(graph.steps) and graph.steps[later].after_flag == flag:
        later += 1
    return [(((flag, True),), step), (((flag, False),), later)]
