"""How much of the model moves from what to what in each stage of training, as stages finally end.

A stage may be run again, and then its end is what its last run leaves. For each pair of runs that
two stages may be over after, what else happened is ruled out, as it is for sequences of routes;
P(assumption, and the evidence) of the later stage's ends is then what moved there. The circuit is
that of the sequences.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine.compiler import Compiler
from storyodds.models.engine.quantities import evaluate
from storyodds.models.engine.sequences import steps_and_flags
from storyodds.models.logic.cut_sets import CutSet
from storyodds.models.story.graph import StageEnding, StoryGraph
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.scenarios.grammar.outcomes import CLASSES

Array = NDArray[np.float64]


class _LastRun(NamedTuple):
    """A run after which a stage may be over for good."""

    names: tuple[str, ...]  # by route, the variable that it ends there
    flags: CutSet  # what else holds where it is the last


class Question(NamedTuple):
    """Where a class of models moves, of one pair of runs that may be the last of their stages.

    Attributes
    ----------
    pair : int
        Which stage leaves the models, from 0 for the first.
    model : int
        The place of their class in `CLASSES`.
    ruled_out : frozenset of (str, bool)
        Literals that do not hold then.
    ends : tuple of int
        By route, the variable that the next stage ends there.
    """

    pair: int
    model: int
    ruled_out: CutSet
    ends: tuple[int, ...]


def stage_moves(
    compiler: Compiler,
    values: Array,
    likelihoods: LogLikelihoods,
    log_evidence: Array,
    questions: Sequence[Question],
) -> Array:
    """P(a stage leaves a class, and the next one a route | evidence, numbers).

    Parameters
    ----------
    compiler : Compiler
        As `sequence_compiler` gives.
    values : (n_draws, n_numbers) array
    likelihoods : LogLikelihoods
        At these draws.
    log_evidence : (n_draws,) array
        Log P(evidence | numbers), in nats.
    questions : sequence of Question
        What to work out; all else is left at 0.

    Returns
    -------
    (n_draws, n_stages - 1, n_classes, n_routes) array
    """
    graph, n = compiler.graph, len(values)
    moves = np.zeros((n, len(graph.stages) - 1, len(CLASSES), len(graph.routes)))
    if not questions:
        return moves
    names = steps_and_flags(graph)
    marks = np.zeros((len(questions), len(names), 2))
    for row, question in zip(marks, questions, strict=True):
        for name, side in question.ruled_out:
            row[names.index(name), int(side)] = -np.inf
    lanes = np.tile(np.arange(n), len(questions))
    fixed = likelihoods.at(values).take(lanes)
    before = np.broadcast_to(fixed.assumptions, (len(lanes), fixed.assumptions.shape[1]))
    columns = np.repeat(marks.reshape(len(questions), -1), n, axis=0)
    evidence = LogLikelihoods(np.hstack([before, columns]), fixed.routes, fixed.results)
    evaluated = evaluate(compiler, values[lanes], evidence, hazards=False)
    chances = np.exp(evaluated.log_evidence - log_evidence[lanes]).reshape(len(questions), n)
    states = evaluated.assumptions.reshape(len(questions), n, -1)
    for question, chance, state in zip(questions, chances, states, strict=True):
        moves[:, question.pair, question.model] += chance[:, None] * state[:, question.ends]
    return moves


def questions_of(graph: StoryGraph) -> Iterator[Question]:
    """Every class that a stage may leave, with every pair of runs that may be the last ones."""
    of_class = [CLASSES.index(route.outcome_class) for route in graph.routes]
    runs = [_last_runs(graph, ending) for ending in graph.stages]
    for pair, (earlier, later) in enumerate(pairwise(runs)):
        for before in earlier:
            for after in later:
                flags = before.flags | after.flags
                if any((name, not truth) in flags for name, truth in flags):
                    continue  # runs that are never both the last ones
                ends = tuple(graph.order[name] for name in after.names)
                against = frozenset((name, not truth) for name, truth in flags)
                for model in sorted(set(of_class)):
                    rivals = (
                        (name, True)
                        for name, c in zip(before.names, of_class, strict=True)
                        if c != model
                    )
                    yield Question(pair, model, against | frozenset(rivals), ends)


def _last_runs(graph: StoryGraph, ending: StageEnding) -> Sequence[_LastRun]:
    ends = {name for step in graph.steps for name in step.names}
    runs = []
    for of_routes in zip(*ending.ways, strict=True):
        states = [next(x for x in way if x[0] in ends) for way in of_routes]
        names = tuple(name for name, _ in states)
        runs.append(_LastRun(names, of_routes[0] - {states[0]}))
    return runs
