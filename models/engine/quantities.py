"""Per-draw answers: everything a report speaks of, exact for each draw of the numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine import evaluation
from storyodds.models.engine.compiler import Compiler
from storyodds.models.engine.program import Program
from storyodds.models.engine.strategy import compiled as compile_queries
from storyodds.models.logic.cut_sets import Literal
from storyodds.models.story.events import (
    CRITERIA,
    DEPLOYED_CLASSES,
    EVENTS,
    AfterTraining,
    after_training,
    probabilities,
)
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.models.story.outcomes import DEPLOYED, FALSE_ALARM
from storyodds.models.story.queries import EVERYTHING, Query
from storyodds.scenarios.grammar.outcomes import CLASSES

Array = NDArray[np.float64]

# Of float64, 16 MiB: what is held at a time of how often leaves are used. The system clears larger
# arrays for every use, which takes longer than the sums do;
_USAGE_CELLS = 2**21
_FEWEST_DRAWS = 64  # at a time, all the same: as many as go through a kernel side by side


@dataclass(frozen=True)
class Quantities:
    """Exact per-draw probabilities, the draw first, all given the evidence that was put in.

    Attributes
    ----------
    graph : StoryGraph
    values : (n_draws, n_numbers) array
        The numbers that they are given.
    weights : (n_draws,) array
        What each draw counts; they sum to 1.
    log_evidence : (n_draws,) array, nats
    assumptions, assumptions_false : (n_draws, n_variables) array
        P(true) and P(false), each summed by itself: one is not the other taken from 1, but for
        composites that are written out and that no evidence is about.
    routes, outcomes : (n_draws, n_routes or n_outcomes) array
        Outcomes as in `StoryGraph.outcomes`, before the checks; they overlap. Routes alone where
        the hazards were left out.
    goals : (n_draws, 2) array
        P(no hazard of a criterion fires) in a run made to end at the intended model, by `CRITERIA`;
        (n_draws, 0) where the hazards were left out.
    queries : (n_draws, n_queries) array
    """

    graph: StoryGraph
    values: Array
    weights: Array
    log_evidence: Array
    assumptions: Array
    assumptions_false: Array
    routes: Array
    outcomes: Array
    goals: Array
    queries: Array

    @cached_property
    def after(self) -> AfterTraining:
        """What checks and harm make of every route by itself."""
        return after_training(self.graph, self.values)

    @cached_property
    def events(self) -> Array:
        """P(class) and P(fate), (n_draws, n_events), by `events.EVENTS`."""
        return probabilities(self.graph, self.values, self.outcomes)

    @cached_property
    def classes(self) -> Array:
        """P(class), (n_draws, n_classes), by `CLASSES`."""
        return probabilities(self.graph, self.values, self.outcomes, CLASSES)

    @property
    def fates(self) -> Array:
        """P(fate), (n_draws, n_fates), by `FATES`."""
        return self.events[:, len(CLASSES) :]

    def event(self, name: str) -> Array:
        """P(a class or a fate), (n_draws,)."""
        return self.events[:, EVENTS.index(name)]

    @cached_property
    def _more(self) -> Array:
        names = (DEPLOYED, FALSE_ALARM, *DEPLOYED_CLASSES)
        return probabilities(self.graph, self.values, self.outcomes, names)

    @property
    def deployed(self) -> Array:
        """P(no check flags), (n_draws,)."""
        return self._more[:, 0]

    @property
    def false_alarm(self) -> Array:
        """P(halted, and the story would have succeeded), (n_draws,)."""
        return self._more[:, 1]

    @property
    def deployed_classes(self) -> Array:
        """P(class and no check flags), (n_draws, n_classes)."""
        return self._more[:, 2:]

    def hazard(self, h: int, event: str = "fired") -> Array:
        """P(a hazard's event), (n_draws,), on whichever intended route training ends."""
        places = [
            o
            for o, outcome in enumerate(self.graph.outcomes)
            if (outcome.event, outcome.hazard) == (event, h)
        ]
        return np.asarray(self.outcomes[:, places].sum(axis=1))

    def mean(self, chances: Array) -> Array:
        """Weighted mean over draws of something that has the draw first."""
        return np.asarray(self.weights @ chances)


@dataclass(frozen=True)
class _Plan:
    """What the engine evaluates, for all that reports show and for some queries."""

    program: Program
    parts: tuple[Query, ...]  # what becomes of hazards
    goals: Mapping[str, Query]  # by criterion
    extra: Mapping[tuple[int, bool], Query]  # assumptions that are written out, true and false
    reduced: tuple[Query, ...]


def compile_quantities(
    compiler: Compiler, queries: Sequence[Query], *, hazards: bool = True
) -> _Plan:
    """Compile what `evaluate` needs.

    Raises
    ------
    UnsupportedStoryError
        If it needs more memory than there is.
    """
    graph = compiler.graph
    expanded = [v for v in range(len(graph.variables)) if v not in compiler.variables]
    about = list(compiler.targets)
    extra = {
        (v, truth): Query((), frozenset([(graph.variables[v].name, truth)]))
        for v in expanded
        for truth in (False, True)
        if truth or v in about
    }
    reduced = tuple(_reduced(graph, query) for query in queries)
    at_hand = {Query((o,)) for o in range(len(graph.outcomes))} | {EVERYTHING}
    at_hand |= {Query((), frozenset([(name, x)])) for name in graph.order for x in (False, True)}
    rest = [query for query in reduced if query not in at_hand]
    parts = tuple(Query((o,)) for o in range(len(graph.routes), len(graph.outcomes)))
    parts = parts if hazards else ()
    goals = {name: Query(spared=name) for name in CRITERIA if graph.hazards and hazards}
    roots = [EVERYTHING, *parts, *goals.values(), *extra.values(), *rest]
    return _Plan(compile_queries(compiler, roots), parts, goals, extra, reduced)


def outcomes(
    compiler: Compiler, values: Array, likelihoods: LogLikelihoods, queries: Sequence[Query]
) -> tuple[Array, Array, Array]:
    """Run the engine forward only: for stories that are evaluated again and again.

    Parameters
    ----------
    compiler : Compiler
        Of the whole story, not of its evidence only.
    values : (n_draws, n_numbers) array
    likelihoods : LogLikelihoods
    queries : sequence of Query

    Returns
    -------
    (n_draws,) array
        Log P(E | θ) without forecasts, in nats.
    (n_draws, n_outcomes) array
        P(outcome | E, θ).
    (n_draws, n_queries) array
        P(query | E, θ).

    Raises
    ------
    UnsupportedStoryError
        If they need more memory than the story's sum itself.
    """
    ends = [Query((o,)) for o in range(len(compiler.graph.outcomes))]
    program = compile_queries(compiler, [EVERYTHING, *ends, *queries])
    log_roots = evaluation.evaluate(program, values, likelihoods).log_roots
    log_evidence = log_roots[:, program.column[EVERYTHING]]
    joint = np.exp(log_roots - np.where(np.isfinite(log_evidence), log_evidence, 0.0)[:, None])
    columns = np.array([program.column[query] for query in (*ends, *queries)], dtype=np.intp)
    return log_evidence, joint[:, columns[: len(ends)]], joint[:, columns[len(ends) :]]


def chances(
    compiler: Compiler,
    values: Array,
    likelihoods: LogLikelihoods,
    queries: Sequence[Query],
    log_evidence: Array,
) -> Array:
    """Run the engine forward for queries alone, (n_draws, n_queries).

    Parameters
    ----------
    compiler : Compiler
        Of the whole story, not of its evidence only.
    values : (n_draws, n_numbers) array
    likelihoods : LogLikelihoods
    queries : sequence of Query
    log_evidence : (n_draws,) array
        Log P(E | θ) at these draws, in nats, as `outcomes` and `evaluate` give it.

    Raises
    ------
    UnsupportedStoryError
        If they need more memory than the story's sum itself.
    """
    program = compile_queries(compiler, queries)
    log_roots = evaluation.evaluate(program, values, likelihoods).log_roots
    columns = np.array([program.column[query] for query in queries], dtype=np.intp)
    finite = np.where(np.isfinite(log_evidence), log_evidence, 0.0)
    return np.exp(log_roots - finite[:, None])[:, columns]


def evaluate(
    compiler: Compiler,
    values: Array,
    likelihoods: LogLikelihoods,
    queries: Sequence[Query] = (),
    weights: Array | None = None,
    *,
    hazards: bool = True,
) -> Quantities:
    """Run the engine over all draws.

    Parameters
    ----------
    compiler : Compiler
        Of the whole story, not of its evidence only.
    values : (n_draws, n_numbers) array
    likelihoods : LogLikelihoods
    queries : sequence of Query
    weights : (n_draws,) array, optional
        What each draw counts; by default all the same.
    hazards : bool
        Whether to compute what becomes of the hazards.

    Returns
    -------
    Quantities
    """
    graph = compiler.graph
    plan = compile_quantities(compiler, queries, hazards=hazards)
    compiled, goals, extra, parts = plan.program, plan.goals, plan.extra, plan.parts
    about = list(compiler.targets)
    seeds = np.zeros((1, len(compiled.queries)))
    seeds[0, 0] = 1.0
    evaluated = evaluation.evaluate(compiled, values, likelihoods, seeds, "won")
    log_evidence = evaluated.log_roots[:, 0]
    finite = np.where(np.isfinite(log_evidence), log_evidence, 0.0)
    joint = np.exp(evaluated.log_roots - finite[:, None])
    true, false = compiled.truths(values, evaluated.usage[:, 0])
    for (v, truth), query in extra.items():
        (true if truth else false)[:, v] = joint[:, compiled.column[query]]
        if truth and v not in about:
            false[:, v] = np.maximum(1 - true[:, v], 0.0)
    routes = np.zeros((len(graph.routes), len(values))).T
    for route, won in zip(compiled.config_routes, evaluated.won[:, 0].T, strict=True):
        routes[:, route] += won
    outcomes = np.hstack([routes, joint[:, [compiled.column[query] for query in parts]]])
    spared = np.ones((len(values), len(CRITERIA) if hazards else 0))
    for criterion, query in goals.items():
        spared[:, CRITERIA.index(criterion)] = joint[:, compiled.column[query]]
    order = graph.order

    def answer(query: Query) -> Array:
        if query in compiled.column:
            return joint[:, compiled.column[query]]
        if not query.literals:
            return outcomes[:, query.outcomes[0]]
        ((name, truth),) = query.literals
        return (true if truth else false)[:, order[name]]

    return Quantities(
        graph=graph,
        values=values,
        weights=np.full(len(values), 1 / len(values)) if weights is None else weights,
        log_evidence=log_evidence,
        assumptions=true,
        assumptions_false=false,
        routes=routes,
        outcomes=outcomes,
        goals=spared,
        queries=np.stack([*map(answer, plan.reduced), np.zeros(len(values))], axis=1)[:, :-1],
    )


def _reduced(graph: StoryGraph, query: Query) -> Query:
    """Drop the literals without which the query's endings are out of reach anyway."""
    implied: list[frozenset[Literal]] = []
    for outcome in (graph.all_outcomes[o] for o in query.outcomes):
        literals = graph.routes[outcome.route].needs
        if outcome.hazard is not None:  # the hazard itself has to fire
            literals |= graph.hazards[outcome.hazard].needs
        implied.append(literals)
    always = frozenset.intersection(*implied) if implied else frozenset()
    return replace(query, literals=query.literals - always)


@dataclass(frozen=True)
class Jointly:
    """Events together with the truth of every assumption, given the evidence.

    Attributes
    ----------
    events : (n_draws, n_events) array
        P(event).
    true, false : (n_draws, n_events, n_variables) array
        P(event and the assumption is true), or false; each summed by itself.
    """

    events: Array
    true: Array
    false: Array


def jointly(
    compiler: Compiler,
    values: Array,
    likelihoods: LogLikelihoods,
    queries: Sequence[Query],
    mixtures: Array | None = None,
) -> Jointly:
    """Run the engine for events together with every assumption: one backward pass an event.

    Parameters
    ----------
    compiler : Compiler
        Of the whole story.
    values : (n_draws, n_numbers) array
    likelihoods : LogLikelihoods
    queries : sequence of Query
        Without literals about composites that are written out.
    mixtures : (n_events, n_queries) or (n_draws, n_events, n_queries) array, optional
        Events as weighted sums of queries; by default the queries themselves.

    Returns
    -------
    Jointly
    """
    graph = compiler.graph
    unique = tuple(dict.fromkeys(queries))
    place = np.array([unique.index(query) for query in queries], dtype=np.intp)
    weights = np.eye(len(queries)) if mixtures is None else np.asarray(mixtures)
    weights = np.broadcast_to(weights, (len(values), *weights.shape[-2:]))
    expanded = [v for v in range(len(graph.variables)) if v not in compiler.variables]
    split = {
        (v, truth, q): Query(q.outcomes, q.literals | {(graph.variables[v].name, truth)})
        for v in expanded
        for truth in (False, True)
        for q in unique
    }
    compiled = compile_queries(compiler, [EVERYTHING, *unique, *split.values()])
    seeds = np.zeros((len(values), weights.shape[1], len(compiled.queries)))
    for k, q in enumerate(place):
        seeds[:, :, compiled.column[unique[q]]] += weights[:, :, k]
    log_roots, *truths = _roots_and_truths(compiled, values, likelihoods, seeds)
    log_evidence = log_roots[:, 0]
    finite = np.where(np.isfinite(log_evidence), log_evidence, 0.0)
    joint = np.exp(log_roots - finite[:, None])
    chances = joint[:, [compiled.column[unique[q]] for q in place]]
    events = np.einsum("dek,dk->de", weights, chances)
    parts = []
    for truth in (True, False):
        part = events[:, :, None] * truths[not truth]
        for v in expanded:
            of_queries = joint[:, [compiled.column[split[v, truth, unique[q]]] for q in place]]
            part[:, :, v] = np.einsum("dek,dk->de", weights, of_queries)
        parts.append(part)
    return Jointly(events, *parts)


def _roots_and_truths(
    compiled: Program, values: Array, likelihoods: LogLikelihoods, seeds: Array
) -> tuple[Array, Array, Array]:
    """Log of every root, and chances that every assumption is true, and false, by seed.

    How often each leaf is used takes far more room than what is made of it, so that it is held
    for some of the draws at a time. Digits do not depend on which, but along a quadrature rule,
    which spans all draws.
    """
    n = len(values)
    if compiled.competition != "patterns":
        return _part_of_roots_and_truths(compiled, values, likelihoods, seeds)
    step = max(_FEWEST_DRAWS, _USAGE_CELLS // (seeds.shape[1] * compiled.n_fixed_leaves))
    blocks = [slice(first, first + step) for first in range(0, max(1, n), step)]
    with evaluation.as_whole(compiled, n, seeds):
        parts = [
            _part_of_roots_and_truths(
                compiled, values[block], likelihoods.take(block), seeds[block]
            )
            for block in blocks
        ]
    log_roots, true, false = (np.concatenate(part) for part in zip(*parts, strict=True))
    return log_roots, true, false


def _part_of_roots_and_truths(
    compiled: Program, values: Array, likelihoods: LogLikelihoods, seeds: Array
) -> tuple[Array, Array, Array]:
    """The same at draws of which there is room for all."""
    evaluated = evaluation.evaluate(compiled, values, likelihoods, seeds, "usage")
    pairs = [compiled.truths(values, usage) for usage in evaluated.usage.swapaxes(0, 1)]
    true, false = (np.stack(side, axis=1) for side in zip(*pairs, strict=True))
    return evaluated.log_roots, true, false
