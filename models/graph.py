"""StoryGraph: a resolved story as indices and formulas. It knows nothing of PyMC.

Everything here is a fixed, labelled structure; the numbers themselves stay outside, in a vector
ordered as `ResolvedStory.numbers`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any

from storyodds.models.cut_sets import CutSet, CutSetFamily, cut_set_family, without
from storyodds.priors.errors import UnsupportedStoryError
from storyodds.scenarios.formulas import Formula, literals
from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.schema import CLASSES, DEFAULT, INTENDED, RESIDUAL, Assumption, Check

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
    """

    id: str
    requires: Formula | None
    composites: Mapping[str, Formula] = field(repr=False)

    @cached_property
    def ways(self) -> CutSetFamily | None:
        """The minimal sets of literals that open it; None where they are too many to work out."""
        try:
            return cut_set_family(self.requires, self.composites, self.id, max_nodes=_MAX_NODES)
        except UnsupportedStoryError:
            return None

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

    outcome_class: str
    kind: str | None
    claim: str
    blocked_by: tuple[Formula, ...]
    bits: int
    nudges: tuple[tuple[Formula | None, int], ...]


@dataclass(frozen=True)
class HazardNode(Gate):
    """A goal hazard, in the order in which they are tried."""

    claim: str
    criterion: str
    probability: int


@dataclass(frozen=True)
class Outcome:
    """Where training can end: a route, and for an intended one the hazard that fired, if any.

    `harm` and `flags` are number indices; flags has one per check.
    """

    route: int
    hazard: int | None
    harm: int
    flags: tuple[int, ...]


@dataclass(frozen=True)
class EvidenceItem:
    """An evidence item over a small set of hypotheses.

    For an assumption the hypotheses are (false, true), for the outcome one per route. `keys` has,
    per hypothesis, the name of the rate or of the bits that it uses; `reference` is the key
    that a relevance below one falls back on.
    """

    id: str
    subject: str  # "assumption", "outcome" or "class"
    target: int | None  # index of the assumption or of the class
    form: str  # "counts", "bayes_factor" or "forecast"
    keys: tuple[str, ...]
    numbers: Mapping[str, int]  # number index by key
    reference: str
    relevance: int | None
    hits: int = 0
    trials: int = 0
    forecast: float = 0.5
    sd_bits: float = 1.0


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
        First every route without a hazard, in route order; then intended routes by hazard.
    checks : tuple of str
    evidence : tuple of EvidenceItem
    n_numbers : int
    feasibility : int or None
        Index of the rationale's feasibility.
    forests : dict
        Diagrams of its formulas (`models.gate_forests`), by the memory that they could take.
    """

    variables: tuple[Variable, ...]
    routes: tuple[RouteNode, ...]
    hazards: tuple[HazardNode, ...]
    outcomes: tuple[Outcome, ...]
    checks: tuple[str, ...]
    evidence: tuple[EvidenceItem, ...]
    n_numbers: int
    feasibility: int | None
    forests: dict[int, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def order(self) -> dict[str, int]:
        """Index of every assumption, which is its place in dependency order."""
        return {variable.name: v for v, variable in enumerate(self.variables)}

    def route_classes(self) -> tuple[int, ...]:
        """Index into `CLASSES` for every route."""
        return tuple(CLASSES.index(route.outcome_class) for route in self.routes)


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
    routes = _routes(resolved, composites)
    hazards = tuple(
        HazardNode(
            id=hazard.id,
            claim=hazard.claim,
            criterion=hazard.criterion,
            requires=hazard.requires,
            probability=number[f"{hazard.id}.probability"],
            composites=composites,
        )
        for hazard in story.goal.hazards
    )
    return StoryGraph(
        variables=variables,
        routes=routes,
        hazards=hazards,
        outcomes=_outcomes(routes, hazards, story.checks, number),
        checks=tuple(check.id for check in story.checks),
        evidence=_evidence(resolved, variables, routes),
        n_numbers=len(resolved.numbers),
        feasibility=number.get("rationale.feasibility"),
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


def _routes(resolved: ResolvedStory, composites: Mapping[str, Formula]) -> tuple[RouteNode, ...]:
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
                claim=route.claim,
                requires=route.requires,
                blocked_by=blocked_by,
                bits=number[f"{route.id}.bits"],
                nudges=nudges,
                composites=composites,
            )
        )
    return tuple(nodes)


def _outcomes(
    routes: Sequence[RouteNode],
    hazards: Sequence[HazardNode],
    checks: Sequence[Check],
    number: Mapping[str, int],
) -> tuple[Outcome, ...]:
    def flags(*keys: str) -> tuple[int, ...]:
        return tuple(
            number[f"{check.id}.flags.{_first_present(keys, check.flags)}"] for check in checks
        )

    plain = [
        Outcome(r, None, number[f"{route.id}.harm"], flags(route.id, route.outcome_class))
        for r, route in enumerate(routes)
    ]
    fired = [
        Outcome(r, h, number[f"{hazard.id}.harm"], flags(hazard.id, route.id, route.outcome_class))
        for r, route in enumerate(routes)
        if route.outcome_class == INTENDED
        for h, hazard in enumerate(hazards)
    ]
    return tuple(plain + fired)


def _first_present(keys: Sequence[str], table: Mapping[str, object]) -> str:
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
            for name in ("counts", "bayes_factor", "forecast")
            if getattr(item, name) is not None
        )
        field = "rates" if form == "counts" else form
        table = dict(item.rates or item.bayes_factor or {})
        numbers = {key: number[f"{item.id}.{field}.{key}"] for key in table}
        about = item.about
        target: int | None
        keys: tuple[str, ...]
        if about.assumption is not None:
            subject, target, keys = "assumption", index[about.assumption], ("false", "true")
            reference = "false"
        else:
            subject = "class" if about.class_ is not None else "outcome"
            target = CLASSES.index(about.class_) if about.class_ is not None else None
            keys = tuple(_first_present((route.id, route.outcome_class), table) for route in routes)
            reference = DEFAULT
        items.append(
            EvidenceItem(
                id=item.id,
                subject=subject,
                target=target,
                form=form,
                keys=keys,
                numbers=numbers,
                reference=reference,
                relevance=number.get(f"{item.id}.relevance"),
                hits=item.counts.hits if item.counts else 0,
                trials=item.counts.trials if item.counts else 0,
                forecast=item.forecast if item.forecast is not None else 0.5,
                sd_bits=item.sd_bits if item.sd_bits is not None else 1.0,
            )
        )
    return tuple(items)
