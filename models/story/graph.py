"""StoryGraph: a resolved story as indices and formulas. It knows nothing of PyMC.

Everything here is a fixed, labelled structure; the numbers themselves stay outside, in a vector
ordered as `ResolvedStory.numbers`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from storyodds.models.logic.cut_sets import CutSet, CutSetFamily, cut_set_family, without
from storyodds.models.logic.diagrams import TooManyNodesError
from storyodds.models.logic.forest_odds import part_of
from storyodds.models.logic.gate_sets import forest_family
from storyodds.models.logic.gates import gate_graph
from storyodds.models.story.derived import Derived, RaceShare, ResultReadings
from storyodds.models.story.outcomes import Outcome, flow_outcomes_of, outcomes_of, side_outcomes_of
from storyodds.models.story.rates import CommonCause, Rate
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.scenarios.grammar.formulas import Formula, literals
from storyodds.scenarios.grammar.outcomes import CLASSES, OutcomeClass
from storyodds.scenarios.grammar.rewritten import any_of
from storyodds.scenarios.grammar.stages import is_of_training, unrolled_name
from storyodds.scenarios.schema import CheckResult

if TYPE_CHECKING:
    from storyodds.models.logic.gate_forest import GateForest

_MAX_NODES = 250_000  # of the diagrams of one gate's minimal cut sets: some seconds of work


@dataclass(frozen=True)
class Races:
    """The chance of one state in the races of a stage that begins in one way.

    Attributes
    ----------
    begins : Formula or None
        Where the first of all `Races` whose formula holds counts.
    rows : tuple of (Formula or None, RaceShare or None)
        What else decides, and the chance among all states of the stage, None for none; the first
        row that holds counts.
    """

    begins: Formula | None
    rows: tuple[tuple[Formula | None, RaceShare | None], ...]

    @property
    def conditions(self) -> tuple[Formula | None, ...]:
        """Everything that decides."""
        return (self.begins, *(when for when, _ in self.rows))


@dataclass(frozen=True)
class Variable:
    """An assumption, or one of its states: a table of (when, number) rows, or a formula.

    The last row of a table has no `when`. A state has a table for where none of those before it
    holds, and cannot hold elsewhere; the last state has no table, as it then surely holds.

    Attributes
    ----------
    name : str
        Of a state such as `awareness is high`.
    states : tuple of str
        Of a state, the names of all that its assumption has, in order.
    race : tuple of Races
        In the place of `rows`, of a state that is where a stage of training ends.
    """

    name: str
    rows: tuple[tuple[Formula | None, int], ...] = ()
    formula: Formula | None = None
    states: tuple[str, ...] = ()
    race: tuple[Races, ...] = ()

    @property
    def scope(self) -> frozenset[str]:
        """The assumptions that its truth depends on directly."""
        names = (name for f in self.formulas for name, _ in literals(f))
        return frozenset([*names, *self.earlier])

    @property
    def formulas(self) -> tuple[Formula, ...]:
        """What decides it directly, but for the states before it."""
        if self.formula is not None:
            return (self.formula,)
        whens = [when for when, _ in self.rows]
        whens += [when for races in self.race for when in races.conditions]
        return tuple(when for when in whens if when is not None)

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers of the story that its own chance follows from."""
        return frozenset(n for _, n in self.rows).union(*(share.numbers for share in self.shares))

    @property
    def shares(self) -> tuple[RaceShare, ...]:
        """The chances of its races."""
        shares = (share for races in self.race for _, share in races.rows)
        return tuple(share for share in shares if share is not None)

    @property
    def earlier(self) -> tuple[str, ...]:
        """The states before it, none of which holds where it does."""
        return self.states[: self.states.index(self.name)] if self.states else ()

    @property
    def barred(self) -> Formula | None:
        """The formula that rules a state out: that one before it holds. None for any other."""
        return any_of(self.earlier) if self.earlier else None

    @property
    def is_last_state(self) -> bool:
        """Whether it is the state that holds where none of the others does."""
        return bool(self.states) and self.states[-1] == self.name

    @property
    def can_be_made_so(self) -> bool:
        """Whether one thing decides it that can give way to certainty."""
        return unrolled_name(self.name) is None or (
            bool(self.rows) and not is_of_training(self.name)
        )


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
    bits: int | None  # None where the stages of training before decide
    nudges: tuple[tuple[Formula | None, int], ...]
    harm: Rate
    flags: tuple[Rate, ...]  # one a check

    @property
    def bit_numbers(self) -> tuple[int, ...]:
        """The numbers that its weight adds up from, whether they count in a run or not."""
        own = () if self.bits is None else (self.bits,)
        return (*own, *(number for _, number in self.nudges))


@dataclass(frozen=True)
class HazardNode(Gate):
    """A goal hazard, which fires by itself wherever it is open and the intended model comes out."""

    claim: str
    criterion: Literal["alignment", "competitiveness"]
    probability: Rate
    harm: Rate
    flags: tuple[Rate | None, ...]  # one a check; None where the check does not name the hazard


@dataclass(frozen=True)
class CheckNode:
    """A check: `result` is "passed" or "flagged" where it is known, and evidence.

    `within` are the flag rates of one that stands within training, whose rates seen from the end
    are certain.
    """

    id: str
    result: CheckResult | None
    within: frozenset[int] = frozenset()


@dataclass(frozen=True)
class ResultRates:
    """The flag rates by which known results of checks are read.

    Attributes
    ----------
    passed, flagged : tuple of int
        Numbers and readings, of checks that have passed and of those that have flagged.
    readings : ResultReadings
        Those of the whole story.
    """

    passed: tuple[int, ...]
    flagged: tuple[int, ...]
    readings: ResultReadings


@dataclass(frozen=True)
class EvidenceItem:
    """An evidence item over a small set of hypotheses.

    For an assumption the hypotheses are (false, true), or its states where `states` has their
    variables; for the outcome one per route. `keys` has, per hypothesis, the name of the rate or
    of the bits that it uses; `alternatives` lists every key once, among which a finding that does
    not bear on the matter is blind.

    Where numbers depend on assumptions, `rows` has what decides and the item as it then is, of
    which the first that holds counts, and the last has no formula. The hypotheses are pairs, row
    by row, of a row and an alternative: of items about the outcome, one that some route has, as
    `of_routes` lists.
    """

    id: str
    subject: str  # "assumption", "outcome" or "class"
    target: int | None  # index of the assumption (of its first state) or of the class
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
    states: tuple[int, ...] = ()
    rows: tuple[tuple[Formula | None, "EvidenceItem"], ...] = ()
    of_routes: tuple[int, ...] = ()

    @property
    def targets(self) -> tuple[int, ...]:
        """The variables that it speaks of."""
        if self.subject != "assumption" or self.target is None:
            return ()
        return self.states or (self.target,)

    @property
    def pairs(self) -> tuple[int | None, ...]:
        """What has two likelihoods, if false and if true: variables, or pairs of hypotheses."""
        return (None,) * len(self.keys) if self.rows else self.targets

    @property
    def one_of_many(self) -> bool:
        """Whether every hypothesis has two likelihoods, and is true where it is what holds."""
        return bool(self.states or self.rows)

    @property
    def formulas(self) -> tuple[Formula, ...]:
        """What decides which of its rows holds."""
        return tuple(when for when, _ in self.rows if when is not None)

    @property
    def reading(self) -> tuple[int, ...]:
        """The numbers by which the finding is read; those of an exposure can serve several keys."""
        numbers = (*self.numbers.values(), *self.visibilities.values())
        return tuple(
            dict.fromkeys((*numbers, *(() if self.relevance is None else (self.relevance,))))
        )


@dataclass(frozen=True)
class StageRun:
    """One stage of training as it is run, or run once more.

    Attributes
    ----------
    names : tuple of str
        By route, the variable that the run ends there.
    after_flag : str or None
        The variable without which it does not take place.
    """

    names: tuple[str, ...]
    after_flag: str | None


@dataclass(frozen=True)
class StageEnding:
    """Where one stage of training leaves the model for good.

    Attributes
    ----------
    stage : str
    ways : tuple of tuple of CutSet
        By route, sets of literals of which one holds where the stage ends there, and no two.
    """

    stage: str
    ways: tuple[tuple[CutSet, ...], ...]


@dataclass(frozen=True)
class StoryGraph:
    """The whole structure.

    Attributes
    ----------
    variables : tuple of Variable
        In dependency order.
    routes : tuple of RouteNode
    hazards : tuple of HazardNode
    checks : tuple of CheckNode
    common_causes : tuple of CommonCause
        Checks that fail together.
    evidence : tuple of EvidenceItem
    n_numbers : int
    feasibility : int or None
        Index of the rationale's feasibility.
    forests : dict
        Diagrams of its formulas (`models.gate_forests`), by the memory that they could take and
        whether they were made small.
    derived : Derived
        Numbers that follow from those of the story.
    repeated : frozenset of int
        Numbers that one run uses more than once.
    stages : tuple of StageEnding
        Stages of training, where it has several.
    steps : tuple of StageRun
        Their runs in order.
    """

    variables: tuple[Variable, ...]
    routes: tuple[RouteNode, ...]
    hazards: tuple[HazardNode, ...]
    checks: tuple[CheckNode, ...]
    common_causes: tuple[CommonCause, ...]
    evidence: tuple[EvidenceItem, ...]
    n_numbers: int
    feasibility: int | None
    forests: dict[tuple[int, bool], Any] = field(default_factory=dict, repr=False, compare=False)
    derived: Derived = field(default_factory=lambda: Derived(0), repr=False, compare=False)
    repeated: frozenset[int] = frozenset()
    stages: tuple[StageEnding, ...] = ()
    steps: tuple[StageRun, ...] = ()

    @property
    def order(self) -> dict[str, int]:
        """Index of every assumption, which is its place in dependency order."""
        return {variable.name: v for v, variable in enumerate(self.variables)}

    @cached_property
    def assumptions(self) -> tuple[int, ...]:
        """The variables that are assumptions, and not of the course of training."""
        return tuple(v for v, x in enumerate(self.variables) if not is_of_training(x.name))

    def route_classes(self) -> tuple[int, ...]:
        """Index into `CLASSES` for every route."""
        return tuple(CLASSES.index(route.outcome_class) for route in self.routes)

    @cached_property
    def n_sequences(self) -> tuple[int, ...]:
        """By route, how many sequences of routes end there that some race allows."""
        order, ways = self.order, [1] * len(self.routes)
        before: dict[str, list[int]] = {}  # by the flag that is not raised, the ways till then
        for step in self.steps:
            if step.after_flag is not None:
                before.setdefault(step.after_flag, ways)
            races = [self.variables[order[name]].race for name in step.names]
            allowed = [
                [any(share is not None for _, share in of_state[j].rows) for of_state in races]
                for j in range(-len(self.routes), 0)  # the last are by where the step begins
                if -j <= len(races[0])
            ]
            if len(allowed) == 1:
                ways = [int(possible) for possible in allowed[0]]
            else:
                ways = [
                    sum(w for w, row in zip(ways, allowed, strict=True) if row[k])
                    for k in range(len(self.routes))
                ]
            last = step is self.steps[-1] or self.steps[self.steps.index(step) + 1].after_flag
            if step.after_flag is not None and last != step.after_flag:
                skipped = before.pop(step.after_flag)
                ways = [run + not_run for run, not_run in zip(ways, skipped, strict=True)]
        return tuple(ways)

    @cached_property
    def live_checks(self) -> tuple[int, ...]:
        """The checks whose result is not known, which can still halt the model, in time."""
        live = (c for c, check in enumerate(self.checks) if check.result is None)
        return tuple(sorted(live, key=lambda c: not self.checks[c].within))

    @cached_property
    def final_checks(self) -> tuple[int, ...]:
        """Those of them that see the model as training leaves it."""
        return tuple(c for c in self.live_checks if not self.checks[c].within)

    @cached_property
    def summed(self) -> frozenset[int]:
        """The routes whose checks and harm the engine has to sum over assumptions."""
        live = frozenset(self.live_checks)
        together = [
            cause
            for cause in self.common_causes
            if len(cause.checks) > 1 and not live.isdisjoint(cause.checks)
        ]
        return frozenset(
            r
            for r, route in enumerate(self.routes)
            if not route.harm.is_plain
            or not all(route.flags[c].is_plain for c in live)
            or any(cause.of_routes[r] is not None for cause in together)
        )

    @cached_property
    def causes_of_results(self) -> tuple[CommonCause, ...]:
        """The common causes of two or more checks whose results are known."""
        run = frozenset(range(len(self.checks))).difference(self.live_checks)
        return tuple(c for c in self.common_causes if len(run.intersection(c.checks)) > 1)

    def rate_formulas(self, *, evidence_only: bool) -> tuple[Formula, ...]:
        """What decides the probabilities that the engine sums over assumptions.

        Parameters
        ----------
        evidence_only : bool
            Only those that bear on P(evidence): known results of checks.
        """
        of_results = [c for c, check in enumerate(self.checks) if check.result is not None]
        checks = of_results if evidence_only else range(len(self.checks))
        rates = [route.flags[c] for route in self.routes for c in checks]
        rates += [rate for h in self.hazards for c in checks if (rate := h.flags[c]) is not None]
        if self.hazards_are_evidence or not evidence_only:
            rates += [hazard.probability for hazard in self.hazards]
        # What is read by route is a factor of the route, as what checks say of it is.
        by_route = [item for item in self.evidence if item.subject == "outcome"]
        if not evidence_only:
            rates += [route.harm for route in self.routes]
            rates += [hazard.harm for hazard in self.hazards]
        causes = self.causes_of_results if evidence_only else self.common_causes
        shares = [share for c in causes for share in (*c.of_routes, *c.of_hazards)]
        rates += [share for share in shares if isinstance(share, Rate)]
        return tuple(dict.fromkeys(f for part in (*rates, *by_route) for f in part.formulas))

    def result_rates(self, checks: Iterable[int] | None = None) -> ResultRates:
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
                side.update(*(route.flags[c].numbers for route in self.routes))
                side.update(*(rate.numbers for h in self.hazards if (rate := h.flags[c])))
        return ResultRates(tuple(sorted(passed)), tuple(sorted(flagged)), self.derived.readings)

    @cached_property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What classes, fates and failure paths are made of, every route as a whole first."""
        classes = [route.outcome_class for route in self.routes]
        return outcomes_of(classes, self.summed, len(self.hazards), self.live_checks)

    @cached_property
    def side_outcomes(self) -> tuple[Outcome, ...]:
        """What no class or fate is made of: what single checks make of models, and criteria."""
        naming = [c for c in self.live_checks if any(h.flags[c] is not None for h in self.hazards)]
        classes = [route.outcome_class for route in self.routes]
        outcomes = side_outcomes_of(
            classes, self.summed, len(self.hazards), self.live_checks, naming
        )
        listed = frozenset(self.outcomes)
        return tuple(outcome for outcome in outcomes if outcome not in listed)

    @cached_property
    def _flow_outcomes(self) -> tuple[Outcome, ...]:
        """What only the flow of models from check to check is made of."""
        classes = [route.outcome_class for route in self.routes]
        outcomes = flow_outcomes_of(classes, self.summed, len(self.hazards), self.live_checks)
        listed = frozenset((*self.outcomes, *self.side_outcomes))
        return tuple(outcome for outcome in outcomes if outcome not in listed)

    @cached_property
    def all_outcomes(self) -> tuple[Outcome, ...]:
        """`outcomes`, `side_outcomes` and more: what the outcomes of a query are indices into."""
        return (*self.outcomes, *self.side_outcomes, *self._flow_outcomes)

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

    @cached_property
    def numbers_of_common_causes(self) -> frozenset[int]:
        """The numbers in which odds are not linear because checks fail together.

        Flag rates, as the largest counts; and shares wherever hazards are flagged, each of which
        uses its own or the same once more.
        """
        numbers: set[int] = set()
        for cause in self.common_causes:
            flags: list[tuple[Rate | None, ...]] = [route.flags for route in self.routes]
            flags += [hazard.flags for hazard in self.hazards]
            shares = (*cause.of_routes, *cause.of_hazards)
            for share, of_part in zip(shares, flags, strict=True):
                rates = [rate for c in cause.checks if (rate := of_part[c]) is not None]
                if share is not None and len(rates) > 1:
                    numbers.update(*(rate.numbers for rate in rates))
                    numbers.update(share.numbers if self.hazards and share is not True else ())
        return frozenset(map(self.derived.readings.number_of, numbers))

    def route_numbers_after_training(self) -> frozenset[int]:
        """The flag rates and harms of routes that matter only once training has ended."""
        plain = [route for r, route in enumerate(self.routes) if r not in self.summed]
        summed = [self.routes[r] for r in self.summed]
        sums = {n for route in summed for rate in (route.harm, *route.flags) for n in rate.numbers}
        live = {route.flags[c].number for route in plain for c in self.live_checks}
        late = frozenset(live | {route.harm.number for route in plain})
        return late - sums - self.numbers_of_training

    @cached_property
    def numbers_of_training(self) -> frozenset[int]:
        """The numbers of assumptions, routes' odds, hazards, known results and findings."""
        numbers = {number for variable in self.variables for number in variable.numbers}
        for route in self.routes:
            numbers |= set(route.bit_numbers)
        for hazard in self.hazards:
            for rate in (hazard.probability, hazard.harm, *hazard.flags):
                numbers |= set() if rate is None else set(rate.numbers)
        for item in self.evidence:
            numbers |= set(item.reading)
        for cause in self.causes_of_results:
            for share in (*cause.of_routes, *cause.of_hazards):
                numbers |= set(share.numbers) if isinstance(share, Rate) else set()
        rates = self.result_rates()
        return frozenset(numbers.union(rates.passed, rates.flagged, rates.readings.numbers))

    @property
    def forecasts(self) -> tuple[int, ...]:
        """The evidence items that are opinions of the story before its evidence."""
        return tuple(i for i, item in enumerate(self.evidence) if item.form == "forecast")

    def numbers_behind(self, item: EvidenceItem) -> frozenset[int]:
        """The numbers on which the prior probability of a forecast's event depends."""
        if item.subject == "assumption":
            names = {self.variables[v].name for v in item.targets}
        else:
            formulas = [f for r in self.routes for f in (r.requires, *r.blocked_by)]
            formulas += [when for route in self.routes for when, _ in route.nudges]
            names = {name for f in formulas if f is not None for name, _ in literals(f)}
        numbers: set[int] = set()
        if item.subject != "assumption":
            for route in self.routes:
                numbers |= set(route.bit_numbers)
        order, pending, reached = self.order, list(names), set(names)
        while pending:
            variable = self.variables[order[pending.pop()]]
            numbers |= variable.numbers
            pending += variable.scope - reached
            reached |= variable.scope
        return frozenset(numbers)
