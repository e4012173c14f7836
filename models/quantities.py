"""Per-draw answers: everything a report speaks of, exact for each draw of the numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from storyodds.models import engine
from storyodds.models.compiler import Compiler
from storyodds.models.cut_set_odds import most_probable
from storyodds.models.cut_sets import CutSet, Literal
from storyodds.models.graph import Gate, Outcome, StoryGraph
from storyodds.models.likelihoods import LogLikelihoods
from storyodds.models.queries import EVERYTHING, Query
from storyodds.models.recovery import sample_discrete
from storyodds.models.strategy import compiled as compile_queries
from storyodds.scenarios.schema import CLASSES, INTENDED

Array = NDArray[np.float64]

MAX_WAYS = 100  # of one route or hazard that are told apart
_MAX_TOLD = 1000  # of all of a story's, unless each has only a few
FATES = ("success", "uncompetitive", "halted", "benign-failure", "catastrophe")


@dataclass(frozen=True)
class Path:
    """A failure path: an ending and one minimal set of literals that opens it.

    Attributes
    ----------
    route : str
        `intended` for a hazard.
    hazard : str or None
    kind : str or None
    claim : str
    literals : frozenset of (str, bool)
    outcomes : tuple of int
        Where it ends: one outcome, or for a hazard one for each intended route.
    overlaps : bool
        Whether another path of the same ending can be the case at the same time.
    ways : int or None
        How many minimal sets of literals there are in all; None where they are too many to work
        out, and the path stands for all of them.
    """

    route: str
    hazard: str | None
    kind: str | None
    claim: str
    literals: CutSet
    outcomes: tuple[int, ...]
    overlaps: bool
    ways: int | None

    @property
    def label(self) -> str:
        """The ending and the literals, as one text."""
        literals = (name if value else f"not {name}" for name, value in sorted(self.literals))
        otherwise = "in any way" if self.ways is None else "always open"
        return f"{self.hazard or self.route}: {', '.join(literals) or otherwise}"


@dataclass(frozen=True)
class Quantities:
    """Exact per-draw probabilities, the draw first, all given the evidence that was put in.

    Attributes
    ----------
    log_evidence : (n_draws,) array, nats
    assumptions, assumptions_false : (n_draws, n_variables) array
        P(true) and P(false), each summed by itself: one is not the other taken from 1, but for
        composites that are written out and that no evidence is about.
    said : (n_draws, 2 * n_items) array
        P(false) and P(true) of what each item about an assumption speaks of.
    routes, outcomes : (n_draws, n_routes or n_outcomes) array
        Outcomes as in `StoryGraph.outcomes`, before the checks.
    queries : (n_draws, n_queries) array
    truth, route : (n_draws, n_variables) bool and (n_draws,) int
        A draw of the discrete part, where one was asked for.
    """

    log_evidence: Array
    assumptions: Array
    assumptions_false: Array
    said: Array
    routes: Array
    outcomes: Array
    queries: Array
    truth: NDArray[np.bool_]
    route: NDArray[np.intp]


def failure_paths(
    graph: StoryGraph,
    never_harmful: Sequence[int],
    believed: Mapping[str, float],
    *,
    apart: bool = True,
) -> tuple[Path, ...]:
    """Paths of a story: rival routes, hazards, and intended routes that can harm.

    Of a gate that opens in more than `MAX_WAYS` ways, or fewer in a story of very many gates,
    only the most probable are told, taking assumptions for independent. Where even that is out of
    reach, one path stands for the ending as a whole.

    Parameters
    ----------
    never_harmful : sequence of int
        Numbers that are fixed at 0.
    believed : mapping of str to float
        P(assumption), to choose by.
    apart : bool
        Whether to tell the ways to open a gate apart at all.
    """
    paths: list[Path] = []
    share = _MAX_TOLD // (len(graph.routes) + len(graph.hazards))
    most = min(MAX_WAYS, max(3, share)) if apart else 1
    for r, route in enumerate(graph.routes):
        if route.outcome_class != INTENDED or graph.outcomes[r].harm not in never_harmful:
            about = (route.id, None, route.kind, route.claim)
            for way, overlaps in _ways(route, believed, most):
                paths.append(Path(*about, way, (r,), overlaps, _count(route, most)))
    for h, hazard in enumerate(graph.hazards):
        ends = tuple(o for o, outcome in enumerate(graph.outcomes) if outcome.hazard == h)
        for way, overlaps in _ways(hazard, believed, most):
            paths.append(
                Path(
                    INTENDED,
                    hazard.id,
                    None,
                    hazard.claim,
                    way,
                    ends,
                    overlaps,
                    _count(hazard, most),
                )
            )
    return tuple(paths)


def _count(gate: Gate, most: int) -> int | None:
    if gate.ways is None or (most == 1 and gate.ways.count > 1):
        return None
    return gate.ways.count


def _ways(gate: Gate, believed: Mapping[str, float], most: int) -> Iterator[tuple[CutSet, bool]]:
    """Ways to open a gate, each with whether it can hold together with another one."""
    if _count(gate, most) is None or gate.ways is None:
        yield gate.needs, False
        return
    family = gate.ways
    listed = list(islice(family, most + 1))
    if len(listed) > most:
        listed = [cut_set for cut_set, _ in most_probable(family, most, believed)]
    for mine in listed:
        opposite = {(name, not value) for name, value in mine}
        others = any(other is not mine and not other & opposite for other in listed)
        yield mine, others or family.count > len(listed)


def path_queries(paths: Sequence[Path]) -> tuple[Query, ...]:
    """One query per path and outcome: what summaries and rankings of paths need."""
    return tuple(Query((o,), path.literals) for path in paths for o in path.outcomes)


def link_queries(paths: Sequence[Path], order: Mapping[str, int]) -> tuple[Query, ...]:
    """The queries that tell the weakest link of each path.

    Its ending with each single literal; its ending as a whole; and, wherever training ends, its
    literals one after the other.

    Parameters
    ----------
    order : mapping of str to int
        Dependency order of the assumptions.
    """
    endings = [
        Query((outcome,), literals)
        for path in paths
        for outcome in path.outcomes
        for literals in (*map(_single, path.literals), frozenset[Literal]())
    ]
    chains = [Query((), prefix) for path in paths for prefix in prefixes(path.literals, order)]
    return tuple(dict.fromkeys([*endings, *chains]))


def prefixes(literals: CutSet, order: Mapping[str, int]) -> list[CutSet]:
    """The first literal, the first two, and so on, in dependency order.

    Examples
    --------
    >>> [sorted(p) for p in prefixes(frozenset([("b", True), ("a", False)]), {"a": 0, "b": 1})]
    [[('a', False)], [('a', False), ('b', True)]]
    """
    chain = sorted(literals, key=lambda literal: order[literal[0]])
    return [frozenset(chain[: k + 1]) for k in range(len(chain))]


def _single(literal: Literal) -> CutSet:
    return frozenset([literal])


def evaluate(
    compiler: Compiler,
    values: Array,
    likelihoods: LogLikelihoods,
    queries: Sequence[Query] = (),
    rng: np.random.Generator | None = None,
) -> Quantities:
    """Run the engine over all draws.

    Parameters
    ----------
    compiler : Compiler
        Of the whole story, not of its evidence only.
    values : (n_draws, n_numbers) array
    likelihoods : LogLikelihoods
    queries : sequence of Query
    rng : numpy.random.Generator, optional
        Draws a state of the discrete part for every draw of the numbers.

    Returns
    -------
    Quantities
    """
    graph = compiler.graph
    split = [o for o, out in enumerate(graph.outcomes) if _is_split(graph, out)]
    expanded = [v for v in range(len(graph.variables)) if v not in compiler.variables]
    about = [graph.evidence[i].target or 0 for i in compiler.items]
    extra = {
        (v, truth): Query((), frozenset([(graph.variables[v].name, truth)]))
        for v in expanded
        for truth in (False, True)
        if truth or v in about
    }
    reduced = [_reduced(graph, query) for query in queries]
    at_hand = {Query((o,)) for o in range(len(graph.outcomes))} | {EVERYTHING}
    at_hand |= {Query((), frozenset([(name, x)])) for name in graph.order for x in (False, True)}
    rest = [query for query in reduced if query not in at_hand]
    asked = [EVERYTHING, *(Query((o,)) for o in split), *extra.values(), *rest]
    compiled = compile_queries(compiler, asked)
    seeds = np.zeros((1, len(compiled.queries)))
    seeds[0, 0] = 1.0
    found = engine.evaluate(compiled, values, likelihoods, seeds, "won")
    log_evidence = found.log_roots[:, 0]
    finite = np.where(np.isfinite(log_evidence), log_evidence, 0.0)
    joint = np.exp(found.log_roots - finite[:, None])
    true, false = compiled.truths(values, found.usage[:, 0])
    for (v, truth), query in extra.items():
        (true if truth else false)[:, v] = joint[:, compiled.column[query]]
    for v in expanded:
        if v not in about:
            false[:, v] = np.maximum(1 - true[:, v], 0.0)
    routes = np.zeros((len(graph.routes), len(values))).T
    for route, won in zip(compiled.config_routes, found.won[:, 0].T, strict=True):
        routes[:, route] += won
    outcomes = routes[:, [outcome.route for outcome in graph.outcomes]]
    outcomes[:, split] = joint[:, [compiled.column[Query((o,))] for o in split]]
    order = graph.order

    def answer(query: Query) -> Array:
        if query in compiled.column:
            return joint[:, compiled.column[query]]
        if not query.literals:
            return outcomes[:, query.outcomes[0]]
        ((name, truth),) = query.literals
        return (true if truth else false)[:, order[name]]

    truth_drawn, route = np.zeros((0, 0), bool), np.zeros(0, np.intp)
    if rng is not None:
        truth_drawn, route = sample_discrete(compiler, values, likelihoods, rng)
    return Quantities(
        log_evidence=log_evidence,
        assumptions=true,
        assumptions_false=false,
        said=np.stack([false[:, about], true[:, about]], axis=2).reshape(len(values), -1),
        routes=routes,
        outcomes=outcomes,
        queries=np.stack([*map(answer, reduced), np.zeros(len(values))], axis=1)[:, :-1],
        truth=truth_drawn,
        route=route,
    )


def _reduced(graph: StoryGraph, query: Query) -> Query:
    """Drop the literals without which the query's endings are out of reach anyway."""
    implied: list[frozenset[Literal]] = []
    for outcome in (graph.outcomes[o] for o in query.outcomes):
        needed = graph.routes[outcome.route].needs
        if outcome.hazard is not None:
            needed |= graph.hazards[outcome.hazard].needs
        implied.append(needed)
    always = frozenset.intersection(*implied) if implied else frozenset()
    return Query(query.outcomes, query.literals - always)


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
    found = engine.evaluate(compiled, values, likelihoods, seeds, "usage")
    log_evidence = found.log_roots[:, 0]
    finite = np.where(np.isfinite(log_evidence), log_evidence, 0.0)
    joint = np.exp(found.log_roots - finite[:, None])
    asked = joint[:, [compiled.column[unique[q]] for q in place]]
    events = np.einsum("dek,dk->de", weights, asked)
    given = [compiled.truths(values, found.usage[:, e]) for e in range(weights.shape[1])]
    parts = []
    for truth in (True, False):
        part = events[:, :, None] * np.stack([pair[not truth] for pair in given], axis=1)
        for v in expanded:
            of_queries = joint[:, [compiled.column[split[v, truth, unique[q]]] for q in place]]
            part[:, :, v] = np.einsum("dek,dk->de", weights, of_queries)
        parts.append(part)
    return Jointly(events, *parts)


def _is_split(graph: StoryGraph, outcome: Outcome) -> bool:
    """Whether an outcome is a part of what its route ends in."""
    return bool(graph.hazards) and graph.routes[outcome.route].outcome_class == INTENDED


@dataclass(frozen=True)
class Derived:
    """What follows from the outcomes at the same draws: classes, fates, conditional parts.

    All arrays are joint probabilities with the draw first; a conditional probability is the
    ratio of two of them.
    """

    classes: Array  # (n_draws, 4), in the order of CLASSES
    fates: Array  # (n_draws, 5), in the order of FATES
    false_alarm: Array
    hazard_fired: dict[str, Array]  # by criterion
    undetected: Array  # (n_draws, n_outcomes) P(no check flags | outcome)
    harm: Array  # (n_draws, n_outcomes) P(catastrophe | outcome, deployed)


def derive(graph: StoryGraph, values: Array, outcomes: Array) -> Derived:
    """Take outcomes through the checks and to their harm.

    Parameters
    ----------
    values : (n_draws, n_numbers) array
    outcomes : (n_draws, n_outcomes) array

    Returns
    -------
    Derived
    """
    ends, reached = graph.outcomes, np.ascontiguousarray(outcomes.T)  # outcomes first: in one piece
    n = len(values)
    undetected, harm = np.ones((len(ends), n)), values.T[[outcome.harm for outcome in ends]]
    for k in range(len(graph.checks)):
        undetected *= 1 - values.T[[outcome.flags[k] for outcome in ends]]
    deployed = reached * undetected
    harmful, harmless, halted = deployed * harm, deployed * (1 - harm), reached * (1 - undetected)
    classes, fates = np.zeros((len(CLASSES), n)), np.zeros((len(FATES), n))
    false_alarm = np.zeros(n)
    fired = {"alignment": np.zeros(n), "competitiveness": np.zeros(n)}
    of_route = graph.route_classes()
    for o, outcome in enumerate(ends):
        classes[of_route[outcome.route]] += reached[o]
        hazard = None if outcome.hazard is None else graph.hazards[outcome.hazard]
        if graph.routes[outcome.route].outcome_class != INTENDED:
            fate = "benign-failure"
        elif hazard is None:
            fate = "success"
            false_alarm += halted[o] * (1 - harm[o])
        else:
            fired[hazard.criterion] += reached[o]
            fate = "uncompetitive" if hazard.criterion == "competitiveness" else "benign-failure"
        fates[FATES.index(fate)] += harmless[o]
    fates[FATES.index("catastrophe")] = harmful.sum(axis=0)
    fates[FATES.index("halted")] = halted.sum(axis=0)
    classes, fates, undetected, harm = (x.T for x in (classes, fates, undetected, harm))
    return Derived(classes, fates, false_alarm, fired, undetected, harm)


def mean_concern(
    graph: StoryGraph,
    values: Array,
    weights: Array,
    paths: Sequence[Path],
    queries: Sequence[Query],
    quantities: Quantities,
) -> Array:
    """Posterior mean of P(path and catastrophe), by path, (n_paths,).

    Parameters
    ----------
    values : (n_draws, n_numbers) array
    weights : (n_draws,) array
    queries : sequence of Query
        Columns of `quantities.queries`.
    """
    derived = derive(graph, values, quantities.outcomes)
    column = {query: k for k, query in enumerate(queries)}
    harm = derived.undetected * derived.harm
    return np.array(
        [
            sum(
                weights @ (quantities.queries[:, column[Query((o,), path.literals)]] * harm[:, o])
                for o in path.outcomes
            )
            for path in paths
        ]
    )
