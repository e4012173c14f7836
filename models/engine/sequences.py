"""The likeliest sequences of routes to harm, of training in stages, without listing all of them.

Best first: what a beginning of a sequence comes to together with harm is no less than what any
sequence comes to that goes on from it. So the beginnings are taken up in the order of what they
come to, and the first ones that are complete are the likeliest sequences. One pass back through
the circuit gives every way to go on by one step. The circuit is the same for all of them: where
every step ends has a likelihood, by which what did not happen is ruled out.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine.compiler import Compiler
from storyodds.models.engine.quantities import jointly
from storyodds.models.engine.strategy import with_marks
from storyodds.models.logic.cut_sets import CutSet, Literal
from storyodds.models.story.events import Share, after_training
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.models.story.queries import Query

Array = NDArray[np.float64]

MAX_SEQUENCES = 12  # that are told apart: more than anybody reads


def sequence_compiler(compiler: Compiler) -> Compiler:
    """Compile a story in stages once more, so that where steps ended can be ruled out.

    Parameters
    ----------
    compiler : Compiler
        Of the story.

    Raises
    ------
    UnsupportedStoryError
        If it needs more memory than the story's sum itself.
    """
    graph = compiler.graph
    return with_marks(compiler, tuple(graph.order[name] for name in _steps_and_flags(graph)))


def likeliest_sequences(
    compiler: Compiler,
    values: Array,
    likelihoods: LogLikelihoods,
    harmful: Sequence[Share],
    most: int = MAX_SEQUENCES,
) -> list[CutSet]:
    """List the sequences of routes that come to the most harm, the worst first.

    Parameters
    ----------
    compiler : Compiler
        As `sequence_compiler` gives.
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
    graph = compiler.graph
    order, after = graph.order, after_training(graph, values)
    queries = [Query((share.outcome,)) for share in harmful]
    ruled_out = _ruling_out(graph, likelihoods)
    outcomes = [graph.outcomes[share.outcome].route for share in harmful]
    weights = [
        np.broadcast_to(after.factor(share, route), 1)[0]
        for share, route in zip(harmful, outcomes, strict=True)
    ]
    ties = count()  # the first one found of equals comes first
    waiting: list[tuple[float, int, int, CutSet]] = [(-1.0, next(ties), 0, frozenset())]
    complete: list[CutSet] = []
    while waiting and len(complete) < most:
        of_begun, _, step, begun = heapq.heappop(waiting)
        if step == len(graph.steps):
            complete.append(begun)
            continue
        joint = jointly(compiler, values, ruled_out(begun), queries, np.array([weights]))
        if joint.events[0, 0] == 0:  # no sequence comes to any
            break
        for literal, after_step in _ways_on(graph, step, begun):
            name, truth = literal
            side = joint.true if truth else joint.false
            chance = float(side[0, 0, order[name]] / joint.events[0, 0])
            if chance > 0:
                grown = begun | {literal}
                heapq.heappush(waiting, (of_begun * chance, next(ties), after_step, grown))
    return complete


def _steps_and_flags(graph: StoryGraph) -> tuple[str, ...]:
    """The variables that a sequence speaks of."""
    names = [name for step in graph.steps for name in step.names]
    flags = dict.fromkeys(step.after_flag for step in graph.steps if step.after_flag is not None)
    return (*names, *flags)


def _ruling_out(
    graph: StoryGraph, likelihoods: LogLikelihoods
) -> Callable[[CutSet], LogLikelihoods]:
    """Return what adds to the evidence that a sequence began in some way."""
    column = {name: 2 * k for k, name in enumerate(_steps_and_flags(graph))}

    def of_beginning(begun: CutSet) -> LogLikelihoods:
        marks = np.zeros((len(likelihoods.assumptions), 2 * len(column)))
        for name, truth in begun:
            marks[:, column[name] + (not truth)] = -np.inf
        return replace(likelihoods, assumptions=np.hstack([likelihoods.assumptions, marks]))

    return of_beginning


def _ways_on(graph: StoryGraph, step: int, begun: CutSet) -> list[tuple[Literal, int]]:
    """How a sequence may go on, and at which step it then stands."""
    flag = graph.steps[step].after_flag
    if flag is None or (flag, True) in begun:
        return [((name, True), step + 1) for name in graph.steps[step].names]
    # Steps that follow a flag which was not raised are not run.
    later = step
    while later < len(graph.steps) and graph.steps[later].after_flag == flag:
        later += 1
    return [((flag, True), step), ((flag, False), later)]
