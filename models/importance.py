"""How much an ending hangs on each assumption: the importance measures of fault-tree practice.

All are conditional probabilities at each draw of the numbers, given the evidence: what learning
that an assumption is true or false would say of the event. They are no interventions: where two
assumptions depend on each other, or on one finding, learning of one tells of the other.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from storyodds.models import engine
from storyodds.models.assessment import Assessment
from storyodds.models.buckets import CliqueTooLargeError
from storyodds.models.cut_set_odds import union_function
from storyodds.models.cut_sets import CutSet, CutSetFamily, Literal, containing
from storyodds.models.decision_diagrams import paths
from storyodds.models.evidence import assemble, explicit_tables
from storyodds.models.graph import Gate, StoryGraph
from storyodds.models.likelihoods import LogLikelihoods
from storyodds.models.posterior import PreparedStory
from storyodds.models.program import program
from storyodds.models.quantities import Quantities, derive, jointly
from storyodds.models.queries import EVERYTHING, Query
from storyodds.priors.errors import UnsupportedStoryError
from storyodds.scenarios.formulas import literals
from storyodds.scenarios.schema import CLASSES

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]

CATASTROPHE = "catastrophe"
EVENTS = (*CLASSES, CATASTROPHE)
POINTS = ("mean", "median", "q05", "q95")
MEASURES = (
    "if_true",
    "if_false",
    "birnbaum",
    "criticality",
    "diagnosis",
    "fussell_vesely",
    "risk_achievement_worth",
    "risk_reduction_worth",
)

MAX_CUBES = 64  # disjoint parts of "some path with the literal holds", for one literal
MAX_CUBES_IN_ALL = 2_000
_MAX_NODES = 20_000  # of the diagram that they are read from
_BLOCK_CELLS = 2**21  # draws times assumptions, of one call of the engine
_COLUMNS = 64  # literals whose draws are ranked at a time

WHY_MISSING = (
    f"a path with the literal takes more than {MAX_CUBES} disjoint parts to add up, or all of "
    f"them together more than {MAX_CUBES_IN_ALL:,}, or the paths of a gate are out of reach"
)


@dataclass(frozen=True)
class Importance:
    """The importance of every literal for some events.

    Attributes
    ----------
    events : tuple of str
    literals : tuple of (str, bool)
        Every assumption true, then false, in dependency order.
    event_probability : (n_events, 4) array
        P(event), at the points of `POINTS`.
    probability : (n_literals, 4) array
        P(literal).
    measures : mapping of str to (n_events, n_literals, 4) array
        By the names of `MEASURES`; NaN where undefined.
    missing : mapping of str to tuple of (str, bool)
        By event, the literals whose Fussell-Vesely importance was not worked out.
    """

    events: tuple[str, ...]
    literals: tuple[Literal, ...]
    event_probability: Array
    probability: Array
    measures: Mapping[str, Array]
    missing: Mapping[str, tuple[Literal, ...]]


def importance(assessment: Assessment, of: Sequence[str] = EVENTS) -> "xr.Dataset":
    """Measure how much events hang on each literal, with bands over the uncertain numbers.

    With C the event and l the literal, everything given the evidence:

    ========================  ===================================================
    `if_true`, `if_false`     P(C | l) and P(C | not l)
    `birnbaum`                P(C | l) - P(C | not l)
    `criticality`             birnbaum * P(l) / P(C), which is 1 - P(C | not l) / P(C)
    `diagnosis`               P(l | C)
    `fussell_vesely`          P(C and a minimal set of literals with l holds) / P(C)
    `risk_achievement_worth`  P(C | l) / P(C)
    `risk_reduction_worth`    P(C) / P(C | not l)
    ========================  ===================================================

    Parameters
    ----------
    assessment : Assessment
    of : sequence of str
        Events: classes of outcome, or `catastrophe`.

    Returns
    -------
    xarray.Dataset
        One variable for each measure, over (event, literal, summary); `probability` of each
        literal; `event_probability`; and `not_worked_out`, by event the number of literals whose
        `fussell_vesely` is missing, with the reason in its attributes.

    Raises
    ------
    ValueError
        If an event is not known.
    UnsupportedStoryError
        If the story can be summed, but not together with every assumption.

    Notes
    -----
    The mean is the measure of the posterior means of the joint probabilities, so that `if_true`
    is a posterior probability and not an average of ratios. Median, `q05` and `q95` are weighted
    quantiles over the posterior draws at which the measure is defined.

    A measure whose condition has probability 0 is NaN. A risk reduction worth is infinite where
    the event cannot come about without the literal.

    Minimal sets are those of the route that training ended at or, for a catastrophe through a
    hazard of the goal, of that hazard. They speak of what composites are made of, so that the
    Fussell-Vesely importance of a composite is NaN.

    References
    ----------
    Z. W. Birnbaum (1969), "On the importance of different components in a multicomponent
    system", in P. R. Krishnaiah (ed.), Multivariate Analysis II, Academic Press.

    W. E. Vesely, T. C. Davis, R. S. Denning and N. Saltos (1983), Measures of Risk Importance
    and Their Applications, NUREG/CR-3385.

    M. van der Borst and H. Schoonakker (2001), "An overview of PSA importance measures",
    Reliability Engineering & System Safety 72(3), 241-245.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> found = importance(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> mean = found.sel(event="catastrophe", literal="alignment-much-harder", summary="mean")
    >>> round(float(mean["if_true"]), 4), round(float(mean["fussell_vesely"]), 4)
    (0.247, 1.0)
    """
    import xarray as xr  # slow to import, and the command line does without

    found = measure(assessment, of)
    by_event = ("event", "literal", "summary")
    missing = [len(found.missing[event]) for event in found.events]
    return xr.Dataset(
        {
            "event_probability": (("event", "summary"), found.event_probability),
            "probability": (("literal", "summary"), found.probability),
            **{name: (by_event, values) for name, values in found.measures.items()},
            "not_worked_out": (("event",), missing, {"why": WHY_MISSING}),
        },
        coords={
            "event": list(found.events),
            "literal": [literal_text(literal) for literal in found.literals],
            "summary": list(POINTS),
            "assumption": ("literal", [name for name, _ in found.literals]),
            "truth": ("literal", [truth for _, truth in found.literals]),
        },
    )


def literal_text(literal: Literal) -> str:
    """Write a literal as it stands in a formula."""
    name, truth = literal
    return name if truth else f"not {name}"


def measure(assessment: Assessment, of: Sequence[str] = EVENTS) -> Importance:
    """Give what `importance` gives, as plain arrays.

    Parameters
    ----------
    assessment : Assessment
    of : sequence of str

    Returns
    -------
    Importance
    """
    unknown = [name for name in of if name not in EVENTS]
    if unknown:
        raise ValueError(f"found {unknown[0]!r}, expected one of {', '.join(EVENTS)}")
    graph, weights = assessment.prepared.graph, assessment.draws.weights
    said = [(name, value) for name in graph.order for value in (True, False)]
    roads = _roads(assessment)
    ways = _Ways(graph, said)
    tables, missing, wholes = [], {}, []
    joints = [(event, _joints(roads, event)) for event in _events(assessment, of)]
    chances = [_interleaved(r.found.assumptions, r.found.assumptions_false) for r in roads]
    means = [weights @ chance for chance in chances]
    for event, (averaged, exact) in joints:
        numerators, absent = _fussell_vesely(roads, event, ways)
        missing[event.name] = absent
        middle = _measures(
            (weights @ averaged.event)[None],
            (weights @ averaged.parts)[None],
            means[0][None],
            (weights @ numerators[0])[None],
        )
        points = np.empty((len(MEASURES), len(said), len(POINTS)))
        points[:, :, 0] = middle[:, 0]
        for first in range(0, len(said), _COLUMNS):
            some = slice(first, first + _COLUMNS)
            drawn = _measures(
                exact.event, exact.parts[:, some], chances[1][:, some], numerators[1][:, some]
            )
            for k, of_measure in enumerate(drawn):
                points[k, some, 1:] = _band(of_measure, weights)
        tables.append(points)
        wholes.append([*(weights @ averaged.event), *_band(exact.event, weights)[0]])
    return Importance(
        events=tuple(of),
        literals=tuple(said),
        event_probability=np.array(wholes).reshape(len(of), len(POINTS)),
        probability=np.column_stack([means[0], _band(chances[1], weights)]),
        measures={
            name: np.array([table[k] for table in tables]) for k, name in enumerate(MEASURES)
        },
        missing=missing,
    )


@dataclass(frozen=True)
class _Road:
    """The evidence as means or as bands take it, and what was found with it."""

    prepared: PreparedStory
    values: Array
    said: LogLikelihoods
    found: Quantities

    def blocks(self, width: int) -> Iterator[slice]:
        """Cut the draws so that a block holds a bounded number of cells."""
        step = max(64, _BLOCK_CELLS // max(1, width))
        for first in range(0, len(self.values), step):
            yield slice(first, first + step)


@dataclass(frozen=True)
class _Ending:
    """Some outcomes of one route, and the gate whose minimal sets they count by."""

    outcomes: tuple[int, ...]
    gate: Gate
    share: Array  # (n_draws,) P(event | one of these outcomes)


@dataclass(frozen=True)
class _Event:
    """An event as a weighted sum of queries, and the endings that it consists of."""

    name: str
    queries: tuple[Query, ...]
    shares: Array  # (n_draws, n_queries)
    endings: tuple[_Ending, ...]


@dataclass(frozen=True)
class _Joint:
    """An event at every draw: P(event), (n_draws, 1), and with each literal."""

    event: Array
    parts: Array


def _roads(assessment: Assessment) -> tuple[_Road, _Road]:
    prepared, values = assessment.prepared, assessment.draws.values
    averaged = _Road(prepared, values, prepared.likelihoods, assessment.averaged)
    if assessment.exact is assessment.averaged:
        return averaged, averaged
    said = assemble(prepared.graph, explicit_tables(prepared.graph, values))
    return averaged, _Road(prepared, values, said, assessment.exact)


def _events(assessment: Assessment, names: Sequence[str]) -> list[_Event]:
    graph, values = assessment.prepared.graph, assessment.draws.values
    derived = derive(graph, values, assessment.exact.outcomes)
    harm = derived.undetected * derived.harm
    always = np.ones(len(values))
    of_route = graph.route_classes()
    events = []
    for name in names:
        if name == CATASTROPHE:
            harmful = [o for o in range(len(graph.outcomes)) if harm[:, o].any()]
            queries = tuple(Query((o,)) for o in harmful)
            endings = tuple(_Ending((o,), _gate(graph, o), harm[:, o]) for o in harmful)
            events.append(_Event(name, queries, harm[:, harmful], endings))
            continue
        by_route: dict[int, tuple[int, ...]] = {}
        for o, outcome in enumerate(graph.outcomes):
            if of_route[outcome.route] == CLASSES.index(name):
                by_route[outcome.route] = (*by_route.get(outcome.route, ()), o)
        every = tuple(sorted(o for outcomes in by_route.values() for o in outcomes))
        queries = (Query(every),) if every else ()
        endings = tuple(_Ending(o, graph.routes[r], always) for r, o in by_route.items())
        events.append(_Event(name, queries, np.ones((len(values), len(queries))), endings))
    return events


def _gate(graph: StoryGraph, outcome: int) -> Gate:
    """What has to hold for an ending: the hazard's conditions where one fired, else the route's."""
    node = graph.outcomes[outcome]
    return graph.routes[node.route] if node.hazard is None else graph.hazards[node.hazard]


def _joints(roads: tuple[_Road, _Road], event: _Event) -> tuple[_Joint, _Joint]:
    """An event by both roads, worked out once where they are the same."""
    averaged = _joint(roads[0], event)
    return averaged, averaged if roads[1] is roads[0] else _joint(roads[1], event)


def _joint(road: _Road, event: _Event) -> _Joint:
    n, n_variables = len(road.values), len(road.prepared.graph.variables)
    out = _Joint(np.zeros((n, 1)), np.zeros((n, 2 * n_variables)))
    if not event.queries:
        return out
    for block in road.blocks(n_variables):
        found = jointly(
            road.prepared.compiler,
            road.values[block],
            road.said.take(block),
            event.queries,
            event.shares[block, None, :],
        )
        out.event[block] = found.events
        out.parts[block] = _interleaved(found.true[:, 0], found.false[:, 0])
    return out


def _interleaved(true: Array, false: Array) -> Array:
    """One column for each literal, from one for each assumption."""
    return np.stack([true, false], axis=2).reshape(len(true), -1)


def _opposite(columns: Array) -> Array:
    """The same with every literal negated."""
    return columns.reshape(len(columns), -1, 2)[:, :, ::-1].reshape(columns.shape)


def _measures(event: Array, parts: Array, chances: Array, numerators: Array) -> Array:
    """Every measure, (n_measures, n, n_literals), from probabilities.

    Parameters
    ----------
    event : (n, 1) array
    parts, chances, numerators : (n, n_literals) array
        P(event and literal), P(literal), P(event and a minimal set with the literal). Columns
        come in pairs, a literal and its opposite.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if_true = np.minimum(parts / chances, 1)
        if_false = _opposite(if_true)
        birnbaum = if_true - if_false
        return np.stack(
            [
                if_true,
                if_false,
                birnbaum,
                birnbaum * chances / event,
                np.minimum(parts / event, 1),
                np.minimum(numerators / event, 1),
                if_true / event,
                event / if_false,
            ]
        )


def _band(draws: Array, weights: Array) -> Array:
    """Median, 5 and 95 percent points of every column, (n_columns, 3)."""
    return weighted_quantiles(draws, weights, (0.5, 0.05, 0.95)).T


def weighted_quantiles(draws: Array, weights: Array, levels: Sequence[float]) -> Array:
    """Quantiles of weighted draws, column by column.

    As `numpy.quantile` with weights and the method `inverted_cdf`, but draws that are NaN are
    left out.

    Parameters
    ----------
    draws : (n_draws, n_columns) array
    weights : (n_draws,) array
    levels : sequence of float

    Returns
    -------
    (n_levels, n_columns) array
        NaN where no draw with a weight is left.

    Examples
    --------
    >>> draws = np.array([[3.0], [1.0], [2.0], [np.nan]])
    >>> weighted_quantiles(draws, np.array([0.1, 0.1, 0.2, 0.6]), [0.05, 0.5, 0.95])
    array([[1.],
           [2.],
           [3.]])
    """
    order = np.argsort(draws, axis=0, kind="stable")
    ranked = np.take_along_axis(draws, order, axis=0)
    share = np.cumsum(np.where(np.isnan(ranked), 0.0, weights[order]), axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share /= share[-1]
    share[share == 0] = -1  # draws without weight come before every level
    out = np.full((len(levels), draws.shape[1]), np.nan)
    left = ~np.isnan(share[-1])
    for k, level in enumerate(levels):
        place = (share[:, left] < level).sum(axis=0)
        out[k, left] = np.take_along_axis(ranked[:, left], place[None], axis=0)[0]
    return out


# Fussell and Vesely's measure


class _Ways:
    """The paths of gates that a literal is part of, as disjoint cubes."""

    def __init__(self, graph: StoryGraph, said: Sequence[Literal]) -> None:
        self.literals = said
        self.composites = {v.name for v in graph.variables if v.formula is not None}
        self.cubes: dict[tuple[str, Literal], tuple[CutSet, ...] | None] = {}

    def of(self, gate: Gate, literal: Literal) -> tuple[CutSet, ...] | None:
        """Cubes that together are "some way with the literal holds"; None if out of reach."""
        key = gate.id, literal
        if key not in self.cubes:
            self.cubes[key] = self._work_out(gate, literal)
        return self.cubes[key]

    def _work_out(self, gate: Gate, literal: Literal) -> tuple[CutSet, ...] | None:
        if gate.ways is None:
            return None if literal[0] in _names(gate) else ()
        if literal not in gate.ways.literals:
            return ()
        if literal in gate.needs:
            return (frozenset(),)  # the gate is not open without it
        return _cubes(containing(gate.ways, literal))


def _names(gate: Gate) -> set[str]:
    """The assumptions that a gate speaks of, those in its composites too."""
    seen: set[str] = set()
    todo = [gate.requires] if gate.requires is not None else []
    while todo:
        for name, _ in literals(todo.pop()):
            if name not in seen:
                seen.add(name)
                todo += [gate.composites[name]] if name in gate.composites else []
    return seen


def _cubes(family: CutSetFamily) -> tuple[CutSet, ...] | None:
    """Disjoint cubes of "some set holds", as `disjoint_cubes`; None if they are too many."""
    try:
        union = union_function(family, _MAX_NODES)
    except UnsupportedStoryError:
        return None
    found = list(islice(paths(union.diagram), MAX_CUBES + 1))
    if len(found) > MAX_CUBES:
        return None
    return tuple(frozenset((union.names[level], value) for level, value in path) for path in found)


def _fussell_vesely(
    roads: Sequence[_Road], event: _Event, ways: _Ways
) -> tuple[list[Array], tuple[Literal, ...]]:
    """P(event and some minimal set with the literal holds), by road, (n_draws, n_literals).

    Also the literals for which it was not worked out; those and composites are NaN.
    """
    told = [k for k, literal in enumerate(ways.literals) if literal[0] not in ways.composites]
    plan: dict[int, list[tuple[_Ending, CutSet]]] = {}
    for k in told:
        terms = []
        for ending in event.endings:
            cubes = ways.of(ending.gate, ways.literals[k])
            if cubes is None:
                break
            terms += [(ending, cube) for cube in cubes]
        else:
            plan[k] = terms
    queries: dict[Query, None] = {}
    for k in sorted(plan, key=lambda k: len(plan[k])):  # those of few parts first
        mine = dict.fromkeys(Query(e.outcomes, cube) for e, cube in plan[k] if cube)
        if len(queries | mine) <= MAX_CUBES_IN_ALL and _compiles(roads[0], mine):
            queries |= mine
        else:
            del plan[k]
    missing = tuple(ways.literals[k] for k in told if k not in plan)
    tables = [_numerators(roads[0], plan, tuple(queries), len(ways.literals))]
    if roads[1] is not roads[0]:
        tables.append(_numerators(roads[1], plan, tuple(queries), len(ways.literals)))
    return [tables[0], tables[-1]], missing


def _compiles(road: _Road, queries: Iterable[Query]) -> bool:
    """Whether queries are within the compiler's budget."""
    try:
        for query in queries:
            road.prepared.compiler.root(query)
    except CliqueTooLargeError:
        return False
    return True


def _numerators(
    road: _Road,
    plan: Mapping[int, Sequence[tuple[_Ending, CutSet]]],
    queries: tuple[Query, ...],
    n_literals: int,
) -> Array:
    out = np.full((len(road.values), n_literals), np.nan)
    out[:, list(plan)] = 0.0
    for k, terms in plan.items():
        for ending, cube in terms:
            if not cube:
                whole = road.found.outcomes[:, ending.outcomes].sum(axis=1)
                out[:, k] += ending.share * whole
    if not queries:
        return out
    compiled = program(road.prepared.compiler, [EVERYTHING, *queries])
    for block in road.blocks(len(queries)):
        found = engine.evaluate(compiled, road.values[block], road.said.take(block))
        log_evidence = found.log_roots[:, :1]
        joint = np.exp(found.log_roots - np.where(np.isfinite(log_evidence), log_evidence, 0.0))
        for k, terms in plan.items():
            for ending, cube in terms:
                if cube:
                    column = compiled.column[Query(ending.outcomes, cube)]
                    out[block, k] += ending.share[block] * joint[:, column]
    return out
