"""StoryGraph: a resolved story as indices and formulas. It knows nothing of PyMC.

Everything here is a fixed, labelled structure; the numbers themselves stay outside, in a vector
ordered as `ResolvedStory.numbers`.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any, Literal

from storyodds.models.logic.cut_sets import CutSet, CutSetFamily, cut_set_family, without
from storyodds.models.logic.diagrams import TooManyNodesError
from storyodds.models.logic.forest_odds import part_of
from storyodds.models.logic.gate_sets import forest_family
from storyodds.models.logic.gates import gate_graph
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.scenarios.grammar.formulas import Formula, literals
from storyodds.scenarios.grammar.outcomes import CLASSES, DEFAULT, INTENDED, RESIDUAL, OutcomeClass
from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.schema import Assumption, CheckResult, Evidence

if TYPE_CHECKING:
    from storyodds.models.logic.gate_forest import GateForest

_MAX_NODES = 250_000  # of the diagrams of one gate's minimal cut sets: some seconds of work


@dataclass(frozen=True)
class Variable:
    """An assumption: a table of (when, number) rows, or a formula.

    The last row of a table has no `when`.
    """

    name: str
    rows: tuple[tuple[Formula | None, int], ...] = ()
    formula: Formula | None = None

    @property
    def scope(self) -> frozenset[str]:
        """The assumptions that its truth depends on directly."""
        formulas = [when for when, _ in self.rows] if self.formula is None else [self.formula]
        return frozenset(name for f in formulas if f is not None for name, _ in literals(f))


@dataclass(frozen=True)
class Gate:
    """What has to hold for a route to be open or a hazard to fire.

    Attributes
    ----------
    id : str
    requires : Formula or None
    composites : mapping of str to Formula
        Shared by all gates of a story.
    forests : dict
        That of `StoryGraph`: diagrams of all formulas, where they have been built.
    """

    id: str
    requires: Formula | None
    composites: Mapping[str, Formula] = field(repr=False)
    forests: dict[tuple[int, bool], Any] = field(repr=False, compare=False, kw_only=True)

    @cached_property
    def ways(self) -> CutSetFamily | None:
        """The minimal sets of literals that open it; None where they are too many to work out."""
        forest = next((forest for forest in self.forests.values() if forest is not None), None)
        try:
            if forest is not None and self.requires in forest.root:
                return self._from_forest(forest)
            return cut_set_family(self.requires, self.composites, self.id, max_nodes=_MAX_NODES)
        except (UnsupportedStoryError, TooManyNodesError):
            return None

    def _from_forest(self, forest: "GateForest") -> CutSetFamily | None:
        """The same where the diagram of what is required is there already."""
        assert self.requires is not None
        diagram, root = forest.diagram, forest.root[self.requires]
        graph = gate_graph(self.requires, self.composites)
        family = forest_family(diagram, root, graph, self.id, _MAX_NODES)
        if family is None and part_of(diagram, root).size <= _MAX_NODES:
            return cut_set_family(self.requires, self.composites, self.id, max_nodes=_MAX_NODES)
        return family

    @cached_property
    def needs(self) -> CutSet:
        """Literals without which it cannot be open; all of them where the ways are known."""
        if self.ways is None:
            return frozenset()
        if self.ways.count == 1:
            return next(iter(self.ways))
        return frozenset(x for x in self.ways.literals if not without(self.ways, x).count)


@dataclass(frozen=True)
class RouteNode(Gate):
    """A route: when it is open and what its weight adds up from."""

    outcome_class: OutcomeClass
    kind: str | None
    mechanism: str | None
    claim: str
    blocked_by: tuple[Formula, ...]
    bits: int
    nudges: tuple[tuple[Formula | None, int], ...]
    harm: int
    flags: tuple[int, ...]  # number indices, one a check


@dataclass(frozen=True)
class HazardNode(Gate):
    """A goal hazard, which fires by itself wherever it is open and the intended model comes out."""

    claim: str
    criterion: Literal["alignment", "competitiveness"]
    probability: int
    harm: int
    flags: tuple[int | None, ...]  # one a check; None where the check does not name the hazard


@dataclass(frozen=True)
class CheckNode:
    """A check: `result` is "passed" or "flagged" where it is known, and evidence."""

    id: str
    result: CheckResult | None


# What becomes of the hazards of an intended model, all of them together: none fires; no alignment
# hazard fires and a competitiveness hazard does, none of them flagged and none doing harm; an
# alignment hazard fires, none flagged and none doing harm; none that fires is flagged; none is
# flagged and one does harm; one is flagged.
HAZARD_EVENTS = ("spared", "outcompeted", "misaligned", "unflagged", "harmful", "flagged")
# The same of one check: it flags a hazard that fired; without it, none is flagged; that, and one
# does harm.
CHECK_EVENTS = ("flagged-by", "unflagged-without", "harmful-without")
# No hazard of a criterion fires, whatever the others do.
CRITERION_EVENTS = ("free-of-alignment", "free-of-competitiveness")
# Of one hazard: it fires; it fires and no hazard is flagged; that, and it does harm.
SINGLE_HAZARD_EVENTS = ("fired", "fired-unflagged", "fired-harmful")


@dataclass(frozen=True)
class Outcome:
    """Where training ends: a route, and of an intended one what becomes of its hazards.

    Attributes
    ----------
    route : int
    event : str or None
        One of the names above; None for the route as a whole.
    hazard : int or None
        The hazard that a single hazard's event is about.
    check : int or None
        The check that an event of one check is about.
    """

    route: int
    event: str | None = None
    hazard: int | None = None
    check: int | None = None


@dataclass(frozen=True)
class EvidenceItem:
    """An evidence item over a small set of hypotheses.

    For an assumption the hypotheses are (false, true), for the outcome one per route. `keys` has,
    per hypothesis, the name of the rate or of the bits that it uses; `alternatives` lists every
    key once, among which a finding that does not bear on the matter is blind.
    """

    id: str
    subject: str  # "assumption", "outcome" or "class"
    target: int | None  # index of the assumption or of the class
    form: str  # "counts", "exposure", "bayes_factor" or "forecast"
    keys: tuple[str, ...]
    numbers: Mapping[str, int]  # number index by key
    alternatives: tuple[str, ...]
    relevance: int | None
    hits: int = 0
    trials: int = 0
    time: float | None = None  # how long an exposure was, in the unit of its rates
    visibilities: Mapping[str, int] = field(default_factory=dict)  # number index by key
    forecast: float = 0.5
    sd_bits: float = 1.0

    @property
    def reading(self) -> tuple[int, ...]:
        """The numbers by which the finding is read; those of an exposure can serve several keys."""
        numbers = (*self.numbers.values(), *self.visibilities.values())
        return tuple(
            dict.fromkeys((*numbers, *(() if self.relevance is None else (self.relevance,))))
        )


@dataclass(frozen=True)
class StoryGraph:
    """The whole structure.

    Attributes
    ----------
    variables : tuple of Variable
        In dependency order.
    routes : tuple of RouteNode
    hazards : tuple of HazardNode
    outcomes : tuple of Outcome
        First every route as a whole, in route order; then what becomes of the hazards of intended
        ones. They overlap.
    checks : tuple of CheckNode
    evidence : tuple of EvidenceItem
    n_numbers : int
    feasibility : int or None
        Index of the rationale's feasibility.
    forests : dict
        Diagrams of its formulas (`models.gate_forests`), by the memory that they could take and
        whether they were made small.
    """

    variables: tuple[Variable, ...]
    routes: tuple[RouteNode, ...]
    hazards: tuple[HazardNode, ...]
    outcomes: tuple[Outcome, ...]
    checks: tuple[CheckNode, ...]
    evidence: tuple[EvidenceItem, ...]
    n_numbers: int
    feasibility: int | None
    forests: dict[tuple[int, bool], Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def order(self) -> dict[str, int]:
        """Index of every assumption, which is its place in dependency order."""
        return {variable.name: v for v, variable in enumerate(self.variables)}

    def route_classes(self) -> tuple[int, ...]:
        """Index into `CLASSES` for every route."""
        return tuple(CLASSES.index(route.outcome_class) for route in self.routes)

    @cached_property
    def live_checks(self) -> tuple[int, ...]:
        """The checks whose result is not known: those that can still halt the model."""
        return tuple(c for c, check in enumerate(self.checks) if check.result is None)

    def result_numbers(
        self, checks: Iterable[int] | None = None
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The flag rates of checks that have passed, and of those that have flagged the model.

        Parameters
        ----------
        checks : iterable of int, optional
            Of these checks alone.
        """
        among = range(len(self.checks)) if checks is None else frozenset(checks)
        passed: set[int] = set()
        flagged: set[int] = set()
        for c, check in enumerate(self.checks):
            if check.result is not None and c in among:
                side = passed if check.result == "passed" else flagged
                side |= {route.flags[c] for route in self.routes}
                side |= {n for hazard in self.hazards if (n := hazard.flags[c]) is not None}
        return tuple(sorted(passed)), tuple(sorted(flagged))

    @cached_property
    def side_outcomes(self) -> tuple[Outcome, ...]:
        """What no class or fate is made of: what single checks make of hazards, and criteria."""
        naming = [c for c in self.live_checks if any(h.flags[c] is not None for h in self.hazards)]
        intended = [r for r, route in enumerate(self.routes) if route.outcome_class == INTENDED]
        by_check = [
            Outcome(r, event, check=c) for c in naming for r in intended for event in CHECK_EVENTS
        ]
        if not self.hazards:
            return ()
        return (*by_check, *(Outcome(r, event) for r in intended for event in CRITERION_EVENTS))

    @cached_property
    def all_outcomes(self) -> tuple[Outcome, ...]:
        """`outcomes`, then `side_outcomes`: what the outcomes of a query are indices into."""
        return (*self.outcomes, *self.side_outcomes)

    @cached_property
    def outcome_index(self) -> Mapping[Outcome, int]:
        """Where each outcome stands in `all_outcomes`."""
        return {outcome: o for o, outcome in enumerate(self.all_outcomes)}

    @cached_property
    def hazards_are_evidence(self) -> bool:
        """Whether a check with a known result names a hazard, so that evidence bears on it."""
        return any(
            hazard.flags[c] is not None
            for c, check in enumerate(self.checks)
            if check.result is not None
            for hazard in self.hazards
        )

    def route_numbers_after_training(self) -> frozenset[int]:
        """The flag rates and harms of routes, which matter only once training has ended."""
        live = {route.flags[c] for route in self.routes for c in self.live_checks}
        return frozenset(live | {route.harm for route in self.routes}) - self._numbers_of_training

    @cached_property
    def _numbers_of_training(self) -> frozenset[int]:
        """The numbers of assumptions, routes' odds, hazards, known results and findings."""
        numbers = {number for variable in self.variables for _, number in variable.rows}
        for route in self.routes:
            numbers |= {route.bits, *(number for _, number in route.nudges)}
        for hazard in self.hazards:
            numbers |= {hazard.probability, hazard.harm}
            numbers |= {number for number in hazard.flags if number is not None}
        for item in self.evidence:
            numbers |= set(item.reading)
        return frozenset(numbers.union(*self.result_numbers()))

    @property
    def forecasts(self) -> tuple[int, ...]:
        """The evidence items that are opinions of the story before its evidence."""
        return tuple(i for i, item in enumerate(self.evidence) if item.form == "forecast")

    def numbers_behind(self, item: EvidenceItem) -> frozenset[int]:
        """The numbers on which the prior probability of a forecast's event depends."""
        if item.subject == "assumption":
            names = {self.variables[item.target or 0].name}
        else:
            formulas = [f for r in self.routes for f in (r.requires, *r.blocked_by)]
            formulas += [when for route in self.routes for when, _ in route.nudges]
            names = {name for f in formulas if f is not None for name, _ in literals(f)}
        numbers: set[int] = set()
        if item.subject != "assumption":
            for route in self.routes:
                numbers |= {route.bits, *(number for _, number in route.nudges)}
        order, pending, reached = self.order, list(names), set(names)
        while pending:
            variable = self.variables[order[pending.pop()]]
            numbers |= {number for _, number in variable.rows}
            pending += variable.scope - reached
            reached |= variable.scope
        return frozenset(numbers)


def build_graph(resolved: ResolvedStory) -> StoryGraph:
    """Build the graph of a resolved story.

    Parameters
    ----------
    resolved : ResolvedStory

    Returns
    -------
    StoryGraph

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> graph = build_graph(resolve(load_story("cat-classifier")))
    >>> graph.routes[0].id
    'intended'
    """
    story, number = resolved.story, resolved.number_index
    composites = {
        name: assumption.holds_when
        for name, assumption in resolved.assumptions.items()
        if assumption.holds_when is not None
    }
    variables = _variables(resolved.assumptions, number)
    forests: dict[tuple[int, bool], Any] = {}
    routes = _routes(resolved, composites, forests)
    hazards = tuple(
        HazardNode(
            id=hazard.id,
            claim=hazard.claim,
            criterion=hazard.criterion,
            requires=hazard.requires,
            probability=number[f"{hazard.id}.probability"],
            harm=number[f"{hazard.id}.harm"],
            flags=tuple(number.get(f"{check.id}.flags.{hazard.id}") for check in story.checks),
            composites=composites,
            forests=forests,
        )
        for hazard in story.goal.hazards
    )
    return StoryGraph(
        variables=variables,
        routes=routes,
        hazards=hazards,
        outcomes=_outcomes(routes, len(hazards)),
        checks=tuple(CheckNode(check.id, check.result) for check in story.checks),
        evidence=_evidence(resolved, variables, routes),
        n_numbers=len(resolved.numbers),
        feasibility=number.get("rationale.feasibility"),
        forests=forests,
    )


def _variables(
    assumptions: Mapping[str, Assumption], number: Mapping[str, int]
) -> tuple[Variable, ...]:
    built = {}
    for name, assumption in assumptions.items():
        if assumption.holds_when is not None:
            built[name] = Variable(name, formula=assumption.holds_when)
        elif assumption.given is not None:
            rows = tuple(
                (row.when, number[f"{name}.otherwise" if row.when is None else f"{name}.given.{i}"])
                for i, row in enumerate(assumption.given)
            )
            built[name] = Variable(name, rows=rows)
        else:
            built[name] = Variable(name, rows=((None, number[f"{name}.probability"]),))
    order = TopologicalSorter({name: sorted(built[name].scope) for name in built}).static_order()
    return tuple(built[name] for name in order)


def _routes(
    resolved: ResolvedStory,
    composites: Mapping[str, Formula],
    forests: dict[tuple[int, bool], Any],
) -> tuple[RouteNode, ...]:
    story, number = resolved.story, resolved.number_index
    nodes = []
    for route in resolved.routes:
        names = {route.id, route.class_} if route.id != RESIDUAL else set()
        nudges = tuple(
            (nudge.when, number[f"{nudge.id}.bits.{target}"])
            for nudge in story.rationale.nudges
            # `intended` is a route and a class under one name: it is added once.
            for target in nudge.bits
            if target in names
        )
        blocked_by = tuple(
            constraint.holds
            for constraint in story.rationale.constraints
            if names.intersection(constraint.rules_out)
        )
        nodes.append(
            RouteNode(
                id=route.id,
                outcome_class=route.class_,
                kind=route.kind,
                mechanism=route.mechanism,
                claim=route.claim,
                requires=route.requires,
                blocked_by=blocked_by,
                bits=number[f"{route.id}.bits"],
                nudges=nudges,
                harm=number[f"{route.id}.harm"],
                flags=tuple(
                    number[f"{c.id}.flags.{_first_present((route.id, route.class_), c.flags)}"]
                    for c in story.checks
                ),
                composites=composites,
                forests=forests,
            )
        )
    return tuple(nodes)


def _outcomes(routes: Sequence[RouteNode], n_hazards: int) -> tuple[Outcome, ...]:
    wholes = [Outcome(r) for r in range(len(routes))]
    intended = [r for r, route in enumerate(routes) if route.outcome_class == INTENDED]
    if not n_hazards:
        return tuple(wholes)
    together = [Outcome(r, event) for r in intended for event in HAZARD_EVENTS]
    single = [
        Outcome(r, event, h)
        for r in intended
        for h in range(n_hazards)
        for event in SINGLE_HAZARD_EVENTS
    ]
    return (*wholes, *together, *single)


def _first_present(keys: Sequence[str], table: Container[str]) -> str:
    return next((key for key in keys if key in table), DEFAULT)


def _evidence(
    resolved: ResolvedStory, variables: Sequence[Variable], routes: Sequence[RouteNode]
) -> tuple[EvidenceItem, ...]:
    number = resolved.number_index
    index = {variable.name: i for i, variable in enumerate(variables)}
    items = []
    for item in resolved.story.evidence:
        form = next(
            name
            for name in ("counts", "exposure", "bayes_factor", "forecast")
            if getattr(item, name) is not None
        )
        table_name = "rates" if form in ("counts", "exposure") else form
        table = dict(item.rates or item.bayes_factor or {})
        numbers = {key: number[f"{item.id}.{table_name}.{key}"] for key in table}
        seen = {key: number[f"{item.id}.visibility.{key}"] for key in item.visibility or {}}
        visibilities: dict[str, int] = {}
        about = item.about
        target: int | None
        keys: tuple[str, ...]
        if about.assumption is not None:
            subject, target, keys = "assumption", index[about.assumption], ("false", "true")
            alternatives: tuple[str, ...] = keys
        else:
            subject = "class" if about.class_ is not None else "outcome"
            target = CLASSES.index(about.class_) if about.class_ is not None else None
            keys = tuple(_first_present((route.id, route.outcome_class), table) for route in routes)
            alternatives = tuple(dict.fromkeys([*table, DEFAULT]))
            if seen:
                alternatives = tuple(dict.fromkeys([*table, *seen, DEFAULT]))
                keys = tuple(_first_present((r.id, r.outcome_class), alternatives) for r in routes)
                classes = {route.id: route.outcome_class for route in routes}
                numbers, visibilities = (
                    {
                        key: by_key[name]
                        for key in alternatives
                        if (name := _first_present((key, classes.get(key, key)), by_key)) in by_key
                    }
                    for by_key in (numbers, seen)
                )
        items.append(
            EvidenceItem(
                id=item.id,
                subject=subject,
                target=target,
                form=form,
                keys=keys,
                numbers=numbers,
                alternatives=alternatives,
                relevance=number.get(f"{item.id}.relevance"),
                **_observed(item),
                visibilities=visibilities,
                forecast=item.forecast if item.forecast is not None else 0.5,
                sd_bits=item.sd_bits if item.sd_bits is not None else 1.0,
            )
        )
    return tuple(items)


def _observed(item: Evidence) -> dict[str, Any]:
    """How often something was seen, and how often or for how long it could have been."""
    if item.counts is not None:
        return {"hits": item.counts.hits, "trials": item.counts.trials}
    if item.exposure is None:
        return {}
    exposure = item.exposure
    if exposure.time is not None:
        return {"hits": exposure.incidents, "time": exposure.time}
    return {"hits": exposure.incidents, "trials": exposure.episodes}
