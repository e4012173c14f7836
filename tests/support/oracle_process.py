"""The prior half of the oracle: every run of a story that can happen, one by one.

`prior_runs` walks every truth assignment, every route and every set of hazards that fire. It
shares no code with `models/`; only the records of a `Story` are common to both.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from storyodds.priors.text.records import Record
from storyodds.scenarios.grammar.formulas import AllOf, AnyOf, AtLeast
from storyodds.scenarios.grammar.parts import BitsRow, BitsTable, GivenTable
from storyodds.scenarios.schema import Assumption, Check, CommonCause, Hazard, Route
from storyodds.scenarios.story import Story
from support.oracle_evidence import number

type Truth = dict[str, bool]
type Literals = frozenset[tuple[str, bool]]
type Fired = tuple[Hazard, ...]

FATES = ("success", "uncompetitive", "halted", "benign-failure", "catastrophe")


@dataclass(frozen=True)
class Run:
    """One way in which a training run can go, up to checks and harm.

    Both P(event) and P(no event) of flags and of harm are kept: 1 less the one has no digits left
    where the other is next to nothing.
    """

    truth: Truth
    route: Route
    fired: Fired
    flagged: float
    passed: float
    harm: float
    unharmed: float
    weight: float
    story: Story  # with every probability as it is where these assumptions hold

    def check(self, name: str) -> Check:
        """Give a check with the rates that it has in this run."""
        return next(check for check in self.story.checks if check.id == name)

    def rates(self, checks: Iterable[Check], read: Callable[[Any], float] = number) -> list[float]:
        """Chances with which some checks flag in this run, as of `flag_rates`."""
        named = [self.check(check.id) for check in checks]
        return flag_rates(named, self.route, self.fired, read, self.story.common_cause)

    @property
    def intended(self) -> bool:
        return self.route.class_ == "intended"

    @property
    def good(self) -> bool:
        """Whether it succeeds if it is deployed and no harm comes about."""
        return self.intended and not self.fired

    def fires(self, hazard: Hazard) -> bool:
        return any(other.id == hazard.id for other in self.fired)

    def is_free_of(self, criterion: str) -> bool:
        """Whether no hazard of a criterion fired."""
        return all(hazard.criterion != criterion for hazard in self.fired)

    def fate(self, name: str) -> float:
        """P(fate | this run)."""
        if name == "halted":
            return self.flagged
        if name == "catastrophe":
            return self.passed * self.harm
        if self.good:
            kept = "success"
        elif self.intended and self.is_free_of("alignment"):
            kept = "uncompetitive"
        else:
            kept = "benign-failure"
        return self.passed * self.unharmed if name == kept else 0.0


# --- formulas ----------------------------------------------------------------------------------


def members(formula: Any) -> tuple[tuple[Any, ...], int]:
    """Give the parts of a compound formula, and how many of them must hold."""
    match formula:
        case AllOf():
            return formula.all, len(formula.all)
        case AnyOf():
            return formula.any, 1
        case AtLeast():
            return formula.of, formula.at_least
    return formula, len(formula)


def true_in(formula: Any, value: Callable[[str], bool]) -> bool:
    """Say whether a formula holds."""
    if isinstance(formula, str):
        name = formula.removeprefix("not ")
        return value(name) if name == formula else not value(name)
    parts, needed = members(formula)
    return sum(true_in(part, value) for part in parts) >= needed


def names_in(formula: Any) -> set[str]:
    """Collect the assumption ids that a formula names."""
    if isinstance(formula, str):
        return {formula.removeprefix("not ")}
    return set().union(*(names_in(part) for part in members(formula)[0]))


def spec_of(story: Story, name: str) -> Assumption:
    """Give the spec of an assumption, which must be written out in the story itself."""
    spec = story.assumptions[name.split(" is ")[0]]
    if spec is None or not (spec.probability or spec.given or spec.holds_when or spec.states):
        raise ValueError(f"{name} has no numbers of its own: resolve the catalog first")
    return spec


def valuation(story: Story, chosen: Truth) -> Callable[[str], bool]:
    """Extend the truth of the free and `given` assumptions to composites."""

    def value(name: str) -> bool:
        composite = spec_of(story, name).holds_when
        return chosen[name] if composite is None else true_in(composite, value)

    return value


def minimal_literal_sets(story: Story, requires: Any) -> set[Literals]:
    """Find the prime implicants of a formula by trying every partial assignment, smallest first.

    Examples
    --------
    `(a and b) or (not a and c)` has three: `ab`, `(not a)c` and the consensus term `bc`.
    """
    if requires is None:
        return {frozenset()}
    pending, variables = names_in(requires), set()
    while pending:
        name = pending.pop()
        composite = spec_of(story, name).holds_when
        if composite is None:
            variables.add(name)
        else:
            pending |= names_in(composite)
    order = sorted(variables)

    def suffices(fixed: Truth) -> bool:
        rest = [name for name in order if name not in fixed]
        return all(
            true_in(requires, valuation(story, fixed | dict(zip(rest, values, strict=True))))
            for values in itertools.product((False, True), repeat=len(rest))
        )

    minimal: set[Literals] = set()
    for size in range(len(order) + 1):
        for chosen in itertools.combinations(order, size):
            for values in itertools.product((False, True), repeat=size):
                candidate = frozenset(zip(chosen, values, strict=True))
                if not any(found <= candidate for found in minimal) and suffices(dict(candidate)):
                    minimal.add(candidate)
    return minimal


# --- the generative process -------------------------------------------------------------------


def all_routes(story: Story) -> list[Route]:
    """List the routes, `intended` first if the story leaves it implied."""
    if any(route.id == "intended" for route in story.routes):
        return list(story.routes)
    return [Route(id="intended", class_="intended"), *story.routes]


def truths(story: Story) -> Iterator[tuple[Truth, float]]:
    """Walk every truth assignment (composites and states included) with its probability."""
    specs = {name: spec_of(story, name) for name in story.assumptions}
    basic = {name: spec for name, spec in specs.items() if spec.holds_when is None}
    values_of = (spec.states.names if spec.states else (False, True) for spec in basic.values())
    for values in itertools.product(*values_of):
        held: dict[str, Any] = dict(zip(basic, values, strict=True))
        value = valuation(story, as_literals(basic, held))
        truth = as_literals(specs, {name: held.get(name) for name in specs})
        truth = {name: value(name) for name in truth}
        chance = 1.0
        for name, spec in basic.items():
            if spec.states:
                chance *= chances_of_states(spec, value)[held[name]]
            else:
                yes = chance_of_true(spec, value)
                chance *= yes if truth[name] else 1.0 - yes
        yield truth, chance


def as_literals(specs: dict[str, Assumption], held: dict[str, Any]) -> dict[str, Any]:
    """Give the literals of assumptions: one each, or of one with states one for each state."""
    literals: dict[str, Any] = {}
    for name, spec in specs.items():
        if spec.states:
            literals |= {f"{name} is {state}": held[name] == state for state in spec.states.names}
        else:
            literals[name] = held[name]
    return literals


def chances_of_states(spec: Assumption, value: Callable[[str], bool]) -> dict[str, float]:
    """P(state) by the first row whose `when` holds, from chances or from chances in turn."""
    assert spec.states is not None
    rows = [(row.when, row.states or row.otherwise) for row in spec.states.given or ()]
    odds = next((o for when, o in rows if when is None or true_in(when, value)), spec.states)
    if odds.fixed is not None:
        return dict(odds.fixed)
    if odds.in_turn is None or odds.rest is None:
        raise TypeError("the oracle enumerates fixed numbers only")
    chances: dict[str, float] = {}
    left = 1.0
    for state, form in odds.in_turn.items():
        chances[state] = left * number(form)
        left *= 1.0 - number(form)
    return {**chances, odds.rest: left}


def chance_of_true(spec: Assumption, value: Callable[[str], bool]) -> float:
    """P(true) of a free assumption, or by the first row whose `when` holds."""
    if spec.given is None:
        return number(spec.probability)
    for row in spec.given:
        if row.otherwise is not None:
            return number(row.otherwise)
        if true_in(row.when, value):
            return number(row.probability)
    raise ValueError("no row of `given` applies: the last must say `otherwise`")


def route_chances(story: Story, truth: Truth) -> list[tuple[Route, float]]:
    """P(route | assumptions): open routes compete with weight 2 ** bits."""
    bits_of_open: list[tuple[Route, float]] = []
    for route in all_routes(story):
        touched = {route.id, route.class_} if route.id != "something-else" else set()
        ruled_out = any(
            touched & set(constraint.rules_out) and true_in(constraint.holds, truth.__getitem__)
            for constraint in story.rationale.constraints
        )
        bits = [number(route.bits) if route.bits else 0.0]
        for nudge in story.rationale.nudges:
            if nudge.when is None or true_in(nudge.when, truth.__getitem__):
                bits += [number(nudge.bits[name]) for name in nudge.bits if name in touched]
        if is_open(route, truth) and not ruled_out:
            bits_of_open.append((route, math.fsum(bits)))
    top = max(bits for _, bits in bits_of_open)
    total = math.fsum(2.0 ** (bits - top) for _, bits in bits_of_open)
    return [(route, 2.0 ** (bits - top) / total) for route, bits in bits_of_open]


def hazard_chances(story: Story, truth: Truth, route: Route) -> list[tuple[Fired, float]]:
    """P(exactly these hazards fire | assumptions, route), for every set of them."""
    able = [hazard for hazard in story.goal.hazards if is_open(hazard, truth)]
    if route.class_ != "intended":
        able = []
    chances: list[tuple[Fired, float]] = []
    for fires in itertools.product((False, True), repeat=len(able)):
        both = list(zip(able, fires, strict=True))
        parts = [number(h.probability) if yes else 1.0 - number(h.probability) for h, yes in both]
        chances.append((tuple(hazard for hazard, yes in both if yes), math.prod(parts)))
    return chances


def is_open(gate: Route | Hazard, truth: Truth) -> bool:
    """Whether what a route or hazard requires holds."""
    return gate.requires is None or true_in(gate.requires, truth.__getitem__)


def settled(story: Story, truth: Truth) -> Story:
    """Put in the place of every probability that depends on assumptions the one that it is."""

    def plain(rate: Any) -> Any:
        if not isinstance(rate, GivenTable | BitsTable):
            return rate
        for row in rate.given:
            if row.otherwise is not None:
                return row.otherwise
            if true_in(row.when, truth.__getitem__):
                return row.bits if isinstance(row, BitsRow) else row.probability
        raise ValueError("no row of `given` applies: the last must say `otherwise`")

    def with_plain[T: Record](record: T, *fields: str) -> T:
        parts = {field: getattr(record, field) for field in fields}
        return record.model_copy(
            update={
                field: {key: plain(rate) for key, rate in part.items()}
                if isinstance(part, dict)
                else plain(part)
                for field, part in parts.items()
            }
        )

    hazards = tuple(with_plain(hazard, "probability", "harm") for hazard in story.goal.hazards)
    return story.model_copy(
        update={
            "goal": story.goal.model_copy(update={"hazards": hazards}),
            "routes": tuple(with_plain(route, "harm") for route in story.routes),
            "checks": tuple(with_plain(check, "flags") for check in story.checks),
            "common_cause": tuple(with_plain(cause, "share") for cause in story.common_cause),
            "evidence": tuple(
                with_plain(item, "rates", "visibility", "bayes_factor") for item in story.evidence
            ),
        }
    )


# --- checks and harm ---------------------------------------------------------------------------


def chance_of_any(chances: Iterable[float]) -> float:
    """P(at least one of independent events), summed over the first that comes about."""
    some, none = 0.0, 1.0
    for chance in chances:
        some += none * chance
        none *= 1.0 - chance
    return some


def chance_of_none(chances: Iterable[float]) -> float:
    """P(none of independent events)."""
    return math.prod(1.0 - chance for chance in chances)


def flag_rates(
    checks: Iterable[Check],
    route: Route,
    fired: Fired,
    read: Callable[[Any], float] = number,
    causes: Iterable[CommonCause] = (),
) -> list[float]:
    """Chances with which something flags, each by itself: for the route, and for hazards named.

    Checks that fail together are one thing that flags. Where one draw decides for them, some of
    them flag wherever it is below the largest of their rates.
    """
    rates: list[float] = []
    by_id = {check.id: check for check in checks}
    for names in ((route.id, route.class_, "default"), *((hazard.id,) for hazard in fired)):
        of_checks = {
            key: read(next(check.flags[name] for name in names if name in check.flags))
            for key, check in by_id.items()
            if any(name in check.flags for name in names)
        }
        for cause in causes:
            together = [of_checks.pop(name) for name in cause.checks if name in of_checks]
            keys = (*names, "default")
            share = read(next(cause.share[name] for name in keys if name in cause.share))
            rates += [share * max(together, default=0.0) + (1.0 - share) * chance_of_any(together)]
        rates += of_checks.values()
    return rates


def chance_of_flag(checks: Iterable[Check], route: Route, fired: Fired) -> float:
    """P(any of these checks flags)."""
    return chance_of_any(flag_rates(checks, route, fired))


def live_checks(story: Story) -> list[Check]:
    """List the checks whose result is not known yet: only they can halt."""
    return [check for check in story.checks if check.result is None]


def harm_of(cause: Route | Hazard) -> float:
    """P(a route or hazard does its harm | deployed)."""
    return 0.0 if cause.harm is None else number(cause.harm)


def prior_runs(story: Story) -> list[Run]:
    """List every possible run with its prior probability."""
    runs: list[Run] = []
    for truth, p_truth in truths(story):
        here = settled(story, truth)
        checks = live_checks(here)
        for route, p_route in route_chances(here, truth):
            for fired, p_fired in hazard_chances(here, truth, route):
                weight = p_truth * p_route * p_fired
                rates = flag_rates(checks, route, fired, number, here.common_cause)
                harms = [harm_of(cause) for cause in (route, *fired)]
                run = Run(
                    truth=truth,
                    route=route,
                    fired=fired,
                    flagged=chance_of_any(rates),
                    passed=chance_of_none(rates),
                    harm=chance_of_any(harms),
                    unharmed=chance_of_none(harms),
                    weight=weight,
                    story=here,
                )
                runs += [run] if weight > 0.0 else []
    return runs
