"""Training in stages, unrolled: where each stage ends is a state, as an assumption has states.

A stage is a race like that of training in one step, in which what the model already is takes part
with the weight 1. Which race is run depends on where the stage before ended and on what of the
routes' conditions holds; given that, the chance of every route is a `RaceShare`. So the states of
a stage are variables among the assumptions, and whatever is asked of assumptions can be asked of
them. The last race of the graph then only copies where the last stage ended.

A check within training is a variable too: once it flags, every later stage leaves the model as it
is. Where it sends back instead, the stages that are repeated follow once more, and leave the model
as it is unless it was flagged.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

from storyodds.models.logic.cut_sets import CutSet
from storyodds.models.story.derived import Derived, RaceShare
from storyodds.models.story.graph import Races, StageEnding, StageRun, Variable
from storyodds.models.story.races import Runner
from storyodds.models.story.rates import Rate
from storyodds.models.story.written_rates import first_present, rate_of
from storyodds.priors.text.errors import Problem, UnsupportedStoryError
from storyodds.scenarios.grammar.formulas import Formula, literals
from storyodds.scenarios.grammar.outcomes import RESIDUAL
from storyodds.scenarios.grammar.rewritten import (
    ALWAYS,
    NEVER,
    all_of,
    any_of,
    mapped,
    simplified,
)
from storyodds.scenarios.grammar.stages import (
    begins_as,
    comes_true_in,
    flags_after,
    holds_in,
    route_after,
    sends_back_after,
    true_by,
)
from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.schema import Check, Route
from storyodds.scenarios.story import Story

STAYS = RaceShare(((),), (0,))  # the only runner: certain
NOT = RaceShare(((),), ())  # impossible

type _Row = tuple[Formula | None, list[RaceShare | None]]  # what decides, and a chance by route

_RUNS = ("first", "second", "third", "fourth")
_MAX_RACES = 4096  # of one stage: some seconds of work at some thousand draws


def is_staged(story: Story) -> bool:
    """Whether training has several steps: a single stage is none, unless it is repeated."""
    return len(story.stages or ()) > 1 or any(c.on_flag == "retrain" for c in story.checks)


@dataclass(frozen=True)
class Step:
    """One stage of training as it is run, or run once more.

    Attributes
    ----------
    stage : str
    name : str
        The stage's own, or with a number where it may be repeated.
    first : int
        The place of the stage's first run among the steps.
    after_flag : str or None
        Of a repetition, the literal without which it does not take place.
    ends : bool
        Whether the stage cannot be run once more.
    reached : str
        The furthest stage that has begun.
    """

    stage: str
    name: str
    first: int
    after_flag: str | None
    ends: bool
    reached: str


class Unrolled:
    """The variables that stages of training come to, and how formulas read them.

    Parameters
    ----------
    resolved : ResolvedStory

    Attributes
    ----------
    steps : tuple of Step
    variables : list of Variable
        Those that stand for stages.
    repeated : set of int
        Numbers that one run uses more than once.
    """

    def __init__(self, resolved: ResolvedStory) -> None:
        self._resolved, self._number = resolved, resolved.number_index
        self._routes = resolved.routes
        self._sending = {
            check.after or self.stages[-1]: check
            for check in resolved.story.checks
            if check.on_flag == "retrain"
        }
        self.steps = tuple(self._timeline())
        self.variables: list[Variable] = []
        self.repeated: set[int] = set()
        self._halts: list[tuple[int, str, str]] = []  # step, check, literal that it halts
        self._flag_uses: set[int] = set()
        self._flags_of: dict[str, frozenset[int]] = {}
        self._unroll_assumptions()
        for t, step in enumerate(self.steps):
            self.variables += self._states(t)
            for check in self._checks_at(step.stage):
                self._unroll_check(t, check)
            self.variables += self._sent_back(t)

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages of training, in order."""
        return self._resolved.story.stages or ()

    def _timeline(self) -> Iterator[Step]:
        first: dict[str, int] = {}
        n = 0
        for s, stage in enumerate(self.stages):
            first[stage] = n
            yield Step(stage, self._run(stage, 0), n, None, self._sender(stage) is None, stage)
            n += 1
            check = self._sending.get(stage)
            if check is None:
                continue
            repeated = self.stages[self.stages.index(str(check.to)) : s + 1]
            for k in range(1, check.times + 1):
                flag = sends_back_after(check.id, self._run(stage, k - 1))
                for again in repeated:
                    ends = k == check.times
                    yield Step(again, self._run(again, k), first[again], flag, ends, stage)
                    n += 1

    def _sender(self, stage: str) -> Check | None:
        """The check that sends back over a stage."""
        place = self.stages.index
        over = (
            check
            for end, check in self._sending.items()
            if place(str(check.to)) <= place(stage) <= place(end)
        )
        return next(over, None)

    def _run(self, stage: str, k: int) -> str:
        """Name a run of a stage: the stage's own name where there is but one."""
        return stage if self._sender(stage) is None else f"{stage}, {_RUNS[k]} run"

    def last_step(self, stage: str) -> int:
        """The place of the last step that may run a stage."""
        return next(t for t, step in enumerate(self.steps) if step.stage == stage and step.ends)

    # Assumptions

    def _unroll_assumptions(self) -> None:
        for name, assumption in self._resolved.assumptions.items():
            by = assumption.from_
            if by is None:
                continue
            before: str | None = None
            for stage in self.stages:
                if stage not in by:
                    continue
                row = ((None, self._number[f"{name}.from.{stage}"]),)
                here = true_by(name, stage)
                if before is None:
                    self.variables.append(Variable(here, rows=row))
                else:
                    comes = comes_true_in(name, stage)
                    self.variables.append(Variable(comes, rows=row))
                    self.variables.append(Variable(here, formula=any_of((before, comes))))
                before = here
        for t, step in enumerate(self.steps):
            for name in self._changing:
                formula = self._resolved.assumptions[name].holds_when
                if formula is not None:
                    here = holds_in(name, step.name)
                    self.variables.append(Variable(here, formula=self.at(t)(formula)))

    @cached_property
    def _changing(self) -> frozenset[str]:
        """The assumptions that may differ between stages."""
        assumptions = self._resolved.assumptions
        changing = {name for name, assumption in assumptions.items() if assumption.from_}
        grown = True
        while grown:
            more = {
                name
                for name, assumption in assumptions.items()
                if assumption.holds_when is not None
                and any(
                    literal in changing or begins_as(literal) is not None
                    for literal, _ in literals(assumption.holds_when)
                )
            }
            grown = not more <= changing
            changing |= more
        return frozenset(changing)

    def is_unrolled(self, name: str) -> bool:
        """Whether an assumption stands for several variables, one or more a stage."""
        return name in self._changing

    # Formulas

    def at(self, t: int) -> Callable[[Formula], Formula]:
        """Read formulas as they are where a step begins."""
        return lambda formula: mapped(formula, lambda name: self._literal(name, t))

    def _literal(self, name: str, t: int) -> Formula:
        target = begins_as(name)
        if target is not None:
            return self._begins(target, t)
        if name not in self._changing:
            return name
        if self._resolved.assumptions[name].from_ is None:
            return holds_in(name, self.steps[t].name)
        return self._true_by(name, self.steps[t].reached)

    def _true_by(self, name: str, stage: str) -> Formula:
        by = self._resolved.assumptions[name].from_ or {}
        past = [s for s in self.stages[: self.stages.index(stage) + 1] if s in by]
        return true_by(name, past[-1]) if past else NEVER

    def _begins(self, target: str, t: int) -> Formula:
        """`at X` where a step begins."""
        if t == 0:
            return NEVER
        before = self.steps[t - 1].name
        states = [route_after(r.id, before) for r in self._routes if target in _names(r)]
        return any_of(tuple(states)) if states else NEVER

    @property
    def last(self) -> Callable[[Formula], Formula]:
        """Read formulas as they are where the last stage begins."""
        return self.at(self.steps[self.last_step(self.stages[-1])].first)

    # Races

    def _states(self, t: int) -> Iterator[Variable]:
        """Where a step ends, by route."""
        step = self.steps[t]
        names = tuple(route_after(route.id, step.name) for route in self._routes)
        races = list(self._races(t))
        for k, name in enumerate(names):
            race = tuple(
                Races(begins, tuple((when, shares[k]) for when, shares in rows))
                for begins, rows in races
            )
            yield Variable(name, states=names, race=race)

    def _races(self, t: int) -> Iterator[tuple[Formula | None, list[_Row]]]:
        """How a step may begin, and for each way what decides the chances of all routes."""
        frozen = self._frozen(t)
        if frozen is not None:
            rows: list[_Row] = []
            for j, route in enumerate(self._routes):
                here = route_after(route.id, self.steps[t - 1].name)
                rows.append((here, [STAYS if k == j else None for k in range(len(self._routes))]))
            yield frozen, rows
        before: list[str | None] = [None] if t == 0 else [r.id for r in self._routes]
        for start in before:
            runners = [self._runner(k, t, start) for k in range(len(self._routes))]
            gates = list(dict.fromkeys(g for runner in runners for g in runner.gates))
            self._hold_to_limit(t, len(before) * 2 ** len(gates))
            rows = [
                (conjunction(true), list(self._shares(runners, set(true), start)))
                for n in range(len(gates), -1, -1)  # the first row that holds has all that hold
                for true in combinations(gates, n)
            ]
            begins = None if start is None else route_after(start, self.steps[t - 1].name)
            yield begins, rows

    def _frozen(self, t: int) -> Formula | None:
        """What leaves the model as it is in a step."""
        reasons: list[Formula] = [literal for s, _, literal in self._halts if s < t]
        flag = self.steps[t].after_flag
        if flag is not None:
            reasons.append(f"not {flag}")
        return any_of(tuple(reasons)) if reasons else None

    def _runner(self, k: int, t: int, j: str | None) -> "Runner":
        """A route as it takes part in a step, the model being on another as that begins."""
        route, stage, story = self._routes[k], self.steps[t].stage, self._resolved.story
        bits = self._bits(route, stage)
        if bits is None:
            return Runner((NEVER,), (), ())
        names = {route.id, route.class_} if route.id != RESIDUAL else set()

        def read(formula: Formula) -> Formula:
            return simplified(self._given(self.at(t)(formula), t, j))

        opens = [] if route.requires is None else [read(route.requires)]
        closes = [
            read(constraint.holds)
            for constraint in story.rationale.constraints
            if names.intersection(constraint.rules_out) and _acts(constraint.stages, stage)
        ]
        nudges = [
            (
                ALWAYS if nudge.when is None else read(nudge.when),
                self._number[f"{nudge.id}.bits.{target}"],
            )
            for nudge in story.rationale.nudges
            if _acts(nudge.stages, stage)
            for target in nudge.bits
            if target in names
        ]
        if NEVER in opens or ALWAYS in closes:
            return Runner((NEVER,), (), ())
        return Runner(
            tuple(f for f in opens if f != ALWAYS),
            tuple(f for f in closes if f != NEVER),
            ((ALWAYS, bits), *(nudge for nudge in nudges if nudge[0] != NEVER)),
        )

    def _given(self, formula: Formula, t: int, j: str | None) -> Formula:
        """A formula where it is known on which route a step begins."""
        if j is None:
            return formula
        before = {route_after(r.id, self.steps[t - 1].name): r.id == j for r in self._routes}

        def known(name: str) -> Formula:
            if name not in before:
                return name
            return ALWAYS if before[name] else NEVER

        return mapped(formula, known)

    def entries(self) -> tuple[tuple[Formula, ...], ...]:
        """Give by route what has to hold in each step in which training may enter it."""
        steps = range(len(self.steps))
        return tuple(
            tuple(
                formula
                for runner in (self._runner(k, t, None) for t in steps)
                if (formula := runner.condition) != NEVER
            )
            for k in range(len(self._routes))
        )

    def _bits(self, route: Route, stage: str) -> int | None:
        """The number that is a route's bits in a stage; None where it is closed."""
        if isinstance(route.bits, dict):
            return self._number[f"{route.id}.bits.{stage}"] if stage in route.bits else None
        return self._number[f"{route.id}.bits"]

    def _shares(
        self, runners: Sequence["Runner"], true: set[Formula], j: str | None
    ) -> Iterator[RaceShare | None]:
        """By route, its chance in one race."""
        staying: list[tuple[int, ...]] = [] if j is None else [()]
        running = {k: runner.bits(true) for k, runner in enumerate(runners) if runner.is_open(true)}
        everyone = (*staying, *running.values())
        place = {k: n + len(staying) for n, k in enumerate(running)}
        for k, route in enumerate(self._routes):
            winners = [0] if route.id == j else []
            winners += [place[k]] if k in place else []
            yield RaceShare(everyone, tuple(winners)) if winners else None

    def _hold_to_limit(self, t: int, n: int) -> None:
        if n > _MAX_RACES:
            message = (
                f"stages: found {n:,} races that '{self.steps[t].stage}' may come to, by where it "
                f"begins and which conditions of its routes and nudges hold; expected at most "
                f"{_MAX_RACES:,}. Way out: fewer conditions in one stage"
            )
            raise UnsupportedStoryError([Problem(message)])

    # Checks within training

    def is_within(self, check: Check) -> bool:
        """Whether a check stands within training, and is a variable."""
        return check.on_flag == "retrain" or (
            check.after is not None and check.after != self.stages[-1]
        )

    def _checks_at(self, stage: str) -> list[Check]:
        """The checks within training that follow a stage."""
        return [
            check
            for check in self._resolved.story.checks
            if self.is_within(check) and (check.after or self.stages[-1]) == stage
        ]

    def _unroll_check(self, t: int, check: Check) -> None:
        step = self.steps[t]
        again = step.after_flag is not None and check.on_flag == "retrain"
        table_name = "retrained_flags" if again and check.retrained_flags else "flags"
        table = check.retrained_flags if table_name == "retrained_flags" else check.flags
        assert table is not None
        rows: list[tuple[Formula | None, int]] = []
        for route in self._routes:
            here = route_after(route.id, step.name)
            key = first_present((route.id, route.class_), table)
            rate = rate_of(self._number, f"{check.id}.{table_name}.{key}", table[key], self.at(t))
            rows += [
                (here if when is None else conjunction([here, when]), n) for when, n in rate.rows
            ]
        numbers = {number for _, number in rows}
        self.repeated |= numbers & self._flag_uses
        self._flag_uses |= numbers
        self._flags_of[check.id] = self._flags_of.get(check.id, frozenset()) | numbers
        rows[-1] = (None, rows[-1][1])  # on whichever route is left
        literal = flags_after(check.id, step.name)
        if step.after_flag is None:
            self.variables.append(Variable(literal, rows=tuple(rows)))
        else:
            coin = f"{literal} if it takes place"
            self.variables.append(Variable(coin, rows=tuple(rows)))
            self.variables.append(Variable(literal, formula=all_of((coin, step.after_flag))))
        if check.on_flag == "halt" or step.ends:
            self._halts.append((t, check.id, literal))

    def flag_numbers(self, check: Check) -> frozenset[int]:
        """The flag rates of a check within training; none of another."""
        return self._flags_of.get(check.id, frozenset())

    def _sent_back(self, t: int) -> Iterator[Variable]:
        """Whether training is taken back after a step: a check flags, and nothing halts."""
        step = self.steps[t]
        check = self._sending.get(step.stage)
        if check is not None and not step.ends:
            flag = flags_after(check.id, step.name)
            going_on = [f"not {literal}" for _, _, literal in self._halts]
            name = sends_back_after(check.id, step.name)
            yield Variable(name, formula=all_of([flag, *going_on]))

    def halting_rate(self, check: Check, derived: Derived) -> Rate:
        """The rate of a check within training, seen from the end: certain where it has halted."""
        halts = tuple(literal for _, name, literal in self._halts if name == check.id)
        return Rate(((any_of(halts), derived.index(STAYS)), (None, derived.index(NOT))))

    # What the graph takes from it

    def copied(self, route: Route) -> dict[str, Any]:
        """A route of the graph, open exactly where the last stage ended on it."""
        literal = route_after(route.id, self.steps[-1].name)
        return {"requires": literal, "blocked_by": (), "bits": None, "nudges": ()}

    def runs(self) -> tuple[StageRun, ...]:
        """The steps, by the variables that they end in."""
        return tuple(
            StageRun(tuple(route_after(r.id, step.name) for r in self._routes), step.after_flag)
            for step in self.steps
        )

    def endings(self) -> tuple[StageEnding, ...]:
        """Every stage, and by route the ways in which that is what it leaves for good."""
        return tuple(
            StageEnding(stage, tuple(tuple(self.ways(stage, r.id)) for r in self._routes))
            for stage in self.stages
        )

    def ways(self, stage: str, route: str) -> Iterator[CutSet]:
        """Literals of which one set holds where a stage leaves a route, one set for each run."""
        runs = [step for step in self.steps if step.stage == stage]
        if stage in self._sending:  # a run that does not take place leaves what there is
            runs = runs[-1:]
        for step, later in zip(runs, [*runs[1:], None], strict=True):
            literals = {(route_after(route, step.name), True)}
            if step.after_flag is not None and len(runs) > 1:
                literals.add((step.after_flag, True))
            if later is not None:
                literals.add((str(later.after_flag), False))
            yield frozenset(literals)


def _names(route: Route) -> set[str]:
    """What `at X` may call a route."""
    return {name for name in (route.id, route.class_, route.kind) if name is not None}


def _acts(stages: Sequence[str] | None, stage: str) -> bool:
    return stages is None or stage in stages


def conjunction(formulas: Sequence[Formula]) -> Formula | None:
    """Return the formula that holds where all of some do; None of none, which always holds."""
    if not formulas:
        return None
    return formulas[0] if len(formulas) == 1 else all_of(tuple(formulas))


def single_stage(formula: Formula) -> Formula:
    """Read a formula where training has one stage, as which nothing has begun."""
    return mapped(formula, lambda name: NEVER if begins_as(name) is not None else name)
