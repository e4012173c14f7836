"""The likeliest sequences of routes to harm, of training in stages, without listing all of them.

Best first: what a beginning of a sequence comes to together with harm is no less than what any
sequence comes to that goes on from it. So the beginnings are taken up in the order of what they
come to, and the first ones that are complete are the likeliest sequences. One pass back through
the circuit gives every way to go on by one step. The circuit is the same for all of them: where
every step ends has a likelihood, by which what did not happen is ruled out.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

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

MAX_SEQUENCES = 36  # of a story that are told apart: more than anybody reads
_FEWEST_SEQUENCES = 3  # of a harm
# Beginnings of a story's sequences that are taken up before all but the worst few are left aside:
# half a second's work in eight stages of ten routes. Where routes are as strong as each other,
# nearly all would have to be.
_MOST_BEGINNINGS = 512
_KEPT = 16  # beginnings of a harm's sequences, once so many were taken up
_AT_ONCE = 64  # beginnings in one pass, which takes hardly longer than for one
_FEWEST_AT_ONCE = 4  # of them of each harm


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
    return with_marks(compiler, tuple(graph.order[name] for name in steps_and_flags(graph)))


@dataclass(frozen=True)
class LikeliestSequences:
    """The sequences of routes that come to the most harm.

    Attributes
    ----------
    sequences : list of CutSet
        The states of the stages that were run, and whether training was sent back; worst first.
    narrowed : bool
        Whether beginnings were left aside, so that one that is worse may be missing.
    """

    sequences: list[CutSet]
    narrowed: bool


class _Beginning(NamedTuple):
    """How a sequence begins; those that come to the most sort first."""

    negated: float  # what it comes to, below zero
    tie: int
    step: int
    literals: CutSet


def likeliest_sequences(
    compiler: Compiler,
    values: Array,
    likelihoods: LogLikelihoods,
    harms: Sequence[Sequence[Share]],
) -> list[LikeliestSequences]:
    """List the sequences of routes that come to the most of each harm, the worst first.

    Parameters
    ----------
    compiler : Compiler
        As `sequence_compiler` gives.
    values : (1, n_numbers) array
        The numbers at which they are compared.
    likelihoods : LogLikelihoods
    harms : sequence of sequence of Share
        What adds up to every harm, as to that of each route.

    Returns
    -------
    list of LikeliestSequences
        One per harm.
    """
    graph, further = compiler.graph, _further(compiler, values, likelihoods, harms)
    most = max(_FEWEST_SEQUENCES, MAX_SEQUENCES // max(1, len(harms)))
    room = _MOST_BEGINNINGS // max(1, len(harms))
    searches = [_Search(graph, most, room) for _ in harms]
    while True:
        going = [k for k, search in enumerate(searches) if search.goes_on()]
        if not going:
            break
        at_once = max(_FEWEST_AT_ONCE, _AT_ONCE // len(going))
        begun = [(k, beginning) for k in going for beginning in searches[k].next_ones(at_once)]
        for (k, beginning), odds in zip(begun, further(begun), strict=True):
            searches[k].add_further(beginning, odds)
    return [search.outcome() for search in searches]


class _Search:
    """The search for one harm's sequences: what waits to be gone on with, and what is complete."""

    def __init__(self, graph: StoryGraph, most: int, room: int) -> None:
        self._graph, self._most, self._room = graph, most, room
        self._ties = count()  # the first one of equals comes first
        self._waiting = [_Beginning(-1.0, next(self._ties), 0, frozenset())]
        self._complete: list[_Beginning] = []
        self._taken, self._left_out = 0, 0.0

    def goes_on(self) -> bool:
        """Take what is complete and the worst of all that is left; whether more is needed."""
        while self._waiting and len(self._complete) < self._most:
            if self._waiting[0].step < len(self._graph.steps):
                return True
            self._complete.append(heapq.heappop(self._waiting))
        return False

    def next_ones(self, at_once: int) -> list[_Beginning]:
        """Beginnings to be gone on with, the worst first; a few only where the room is used up."""
        if self._taken >= self._room and len(self._waiting) > _KEPT:
            self._waiting.sort()
            self._left_out = min(self._left_out, self._waiting[_KEPT].negated)
            del self._waiting[_KEPT:]
        begun: list[_Beginning] = []
        while self._waiting and len(begun) < at_once:
            if self._waiting[0].step == len(self._graph.steps):
                break
            begun.append(heapq.heappop(self._waiting))
        self._taken += len(begun)
        return begun

    def add_further(self, beginning: _Beginning, odds: Mapping[Literal, float]) -> None:
        """Add every way to go on by one step, by the odds of what then holds."""
        for literal, step in _ways_on(self._graph, beginning.step, beginning.literals):
            if odds[literal] > 0:
                chance, grown = beginning.negated * odds[literal], beginning.literals | {literal}
                heapq.heappush(self._waiting, _Beginning(chance, next(self._ties), step, grown))

    def outcome(self) -> LikeliestSequences:
        """Return what there is to list."""
        least = max((x.negated for x in self._complete), default=0.0)
        return LikeliestSequences([x.literals for x in self._complete], self._left_out < least)


def _further(
    compiler: Compiler,
    values: Array,
    likelihoods: LogLikelihoods,
    harms: Sequence[Sequence[Share]],
) -> Callable[[Sequence[tuple[int, _Beginning]]], list[dict[Literal, float]]]:
    """Return what gives the odds of every way to go on, given the harm and how it began."""
    graph, after = compiler.graph, after_training(compiler.graph, values)
    ends = tuple(dict.fromkeys(share.outcome for harm in harms for share in harm))
    queries, weights = [Query((end,)) for end in ends], np.zeros((len(harms), len(ends)))
    for row, harm in zip(weights, harms, strict=True):
        for share in harm:
            factor = after.factor(share, graph.outcomes[share.outcome].route)
            row[ends.index(share.outcome)] += np.broadcast_to(factor, 1)[0]
    names = steps_and_flags(graph)
    places = [graph.order[name] for name in names]

    def odds_of(begun: Sequence[tuple[int, _Beginning]]) -> list[dict[Literal, float]]:
        n = len(begun)
        marks = np.zeros((n, len(names), 2))
        for row, (_, beginning) in zip(marks, begun, strict=True):
            for name, truth in beginning.literals:
                row[names.index(name), int(not truth)] = -np.inf
        before = np.repeat(likelihoods.assumptions, n, axis=0)
        evidence = LogLikelihoods(
            np.hstack([before, marks.reshape(n, -1)]),
            np.repeat(likelihoods.routes, n, axis=0),
            likelihoods.results,
        )
        mixtures = weights[[k for k, _ in begun], None, :]
        joint = jointly(compiler, np.repeat(values, n, axis=0), evidence, queries, mixtures)
        harm = np.where(joint.events > 0, joint.events, 1.0)
        true, false = (side[:, 0, places] / harm for side in (joint.true, joint.false))
        sides = ((True, true), (False, false))
        return [
            {(name, x): float(side[i, k]) for x, side in sides for k, name in enumerate(names)}
            for i in range(n)
        ]

    return odds_of


def steps_and_flags(graph: StoryGraph) -> tuple[str, ...]:
    """The variables that a sequence speaks of, in the order of their marks."""
    names = [name for step in graph.steps for name in step.names]
    flags = dict.fromkeys(step.after_flag for step in graph.steps if step.after_flag is not None)
    return (*names, *flags)


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
