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
from storyodds.scenarios.schema import Assumption, Check, Hazard, Route
from storyodds.scenarios.story import Story
from support.oracle_evidence import mean_rate, number

type Truth = dict[str, bool]
type Literals = frozenset[tuple[str, bool]]
type Fired = tuple[Hazard, ...]
type Verdicts = dict[frozenset[str], float]

FATES = ("success", "uncompetitive", "halted", "benign-failure", "catastrophe")


@dataclass(frozen=True)
class Run:
    """One way in which a training run can go, up to checks and harm.

    `verdicts` is how likely each set of checks is to be the one that flags, among the live ones
    and, before the run is conditioned on them, those whose results are known.

    Both P(harm) and P(no harm) are kept: 1 less the one has no digits left where the other is next
    to nothing.
    """

    truth: Truth
    route: Route
    fired: Fired
    verdicts: Verdicts
    harm: float
    unharmed: float
    weight: float
    story: Story  # with every probability as it is where these assumptions hold

    @property
    def flagged(self) -> float:
        """P(some live check flags)."""
        return self.flagged_by(live_checks(self.story))

    @property
    def passed(self) -> float:
        """P(no live check flags)."""
        return self.passed_by(live_checks(self.story))

    def flagged_by(self, checks: Iterable[Check]) -> float:
        """P(one of some checks flags)."""
        names = {check.id for check in checks}
        return math.fsum(p for flags, p in self.verdicts.items() if flags & names)

    def passed_by(self, checks: Iterable[Check]) -> float:
        """P(none of some checks flags)."""
        names = {check.id for check in checks}
        return math.fsum(p for flags, p in self.verdicts.items() if not flags & names)

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


def flags_of_one(
    story: Story, names: tuple[str, ...], read: Callable[[Check, Any], float]
) -> Verdicts:
    """How likely one thing that checks flag, a route or a fired hazard, is flagged by which.

    Where one draw decides for several checks, walk the intervals that their rates cut it into:
    in each, the checks flag whose rate is above it.

    Parameters
    ----------
    names : tuple of str
        Of its rate, the first that a check has; a check without any cannot flag it.
    """
    rates = {
        check.id: read(check, next(check.flags[name] for name in names if name in check.flags))
        for check in story.checks
        if any(name in check.flags for name in names)
    }
    groups: list[Verdicts] = []
    for cause in story.common_cause:
        together = {name: rates.pop(name) for name in cause.checks if name in rates}
        key = next(name for name in (*names, "default") if name in cause.share)
        share = number(cause.share[key])
        edges = [0.0, *sorted(together.values()), 1.0]
        mixed = {flags: (1.0 - share) * p for flags, p in apart(together).items()}
        for low, high in itertools.pairwise(edges):
            flags = frozenset(name for name, rate in together.items() if rate > low)
            mixed[flags] = mixed.get(flags, 0.0) + share * (high - low)
        groups.append(mixed)
    return combined([*groups, apart(rates)])


def apart(rates: dict[str, float]) -> Verdicts:
    """How likely independent checks are to be those that flag, set by set."""
    return combined(
        {frozenset[str](): 1.0 - rate, frozenset([name]): rate} for name, rate in rates.items()
    )


def combined(parts: Iterable[Verdicts]) -> Verdicts:
    """What several independent parts come to, where a flag of any of them is a flag."""
    whole: Verdicts = {frozenset(): 1.0}
    for part in parts:
        before, whole = whole, {}
        for (flags, p), (more, q) in itertools.product(before.items(), part.items()):
            whole[flags | more] = whole.get(flags | more, 0.0) + p * q
    return whole


def verdicts_of(
    story: Story, route: Route, fired: Fired, read: Callable[[Check, Any], float]
) -> Verdicts:
    """How likely each set of checks is to be the one that flags: for the route, and for hazards."""
    things = [(route.id, route.class_, "default"), *((hazard.id,) for hazard in fired)]
    return combined(flags_of_one(story, names, read) for names in things)


def read_of(story: Story, collapse: bool) -> Callable[[Check, Any], float]:
    """How to read a flag rate: as fixed, or, of a known result, its mean where one averages.

    The chance of a result is linear in the rates of a check that decides by itself.
    """
    together = {name for cause in story.common_cause for name in cause.checks}

    def read(check: Check, rate: Any) -> float:
        averaged = collapse and check.result is not None and check.id not in together
        return mean_rate(rate) if averaged else number(rate)

    return read


def live_checks(story: Story) -> list[Check]:
    """List the checks whose result is not known yet: only they can halt."""
    return [check for check in story.checks if check.result is None]


def harm_of(cause: Route | Hazard) -> float:
    """P(a route or hazard does its harm | deployed)."""
    return 0.0 if cause.harm is None else number(cause.harm)


def prior_runs(story: Story, collapse: bool = False) -> list[Run]:
    """List every possible run with its prior probability.

    Flag rates of checks whose result is known need not be fixed where they are averaged
    (`collapse`), as one sums over each of them once.
    """
    runs: list[Run] = []
    for truth, p_truth in truths(story):
        here = settled(story, truth)
        for route, p_route in route_chances(here, truth):
            for fired, p_fired in hazard_chances(here, truth, route):
                weight = p_truth * p_route * p_fired
                harms = [harm_of(cause) for cause in (route, *fired)]
                run = Run(
                    truth=truth,
                    route=route,
                    fired=fired,
                    verdicts=verdicts_of(here, route, fired, read_of(here, collapse)),
                    harm=chance_of_any(harms),
                    unharmed=chance_of_none(harms),
                    weight=weight,
                    story=here,
                )
                runs += [run] if weight > 0.0 else []
    return runs
