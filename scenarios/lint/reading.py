"""What the rules of the linter read: a story with what it takes from the catalog, and questions."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any, NamedTuple

from storyodds.priors.distributions.forms import Fixed, Form, Kind, Prior
from storyodds.priors.references import without_references
from storyodds.priors.text.errors import Path
from storyodds.scenarios.grammar.formulas import (
    AnyOf,
    AtLeast,
    Formula,
    holds,
    literals,
    parts,
)
from storyodds.scenarios.grammar.names import formulas_in, parts_of
from storyodds.scenarios.grammar.outcomes import DEFAULT, INTENDED, RESIDUAL
from storyodds.scenarios.grammar.parts import BitsByRow, Rate, numbers_of, rows_of
from storyodds.scenarios.grammar.stages import begins_as
from storyodds.scenarios.grammar.states import (
    assumption_and_state,
    chances_in_turn,
    literal_of_state,
)
from storyodds.scenarios.lent_rates import with_lent_rates
from storyodds.scenarios.named_numbers import with_numbers_in_place
from storyodds.scenarios.schema import Assumption, Check, Evidence, Route
from storyodds.scenarios.serialize import to_data
from storyodds.scenarios.shared.catalog import filled
from storyodds.scenarios.story import Story

_MAX_MIXED = 12  # assumptions whose states are tried: 2**12 at the most
_MAX_LITERALS = 200  # in what follows from a state, beyond which a rule gives no answer
# Literals looked at for one story while states are tried, of one or two microseconds each.
_MAX_TRIALS = 300_000
_IMPLIED = (Route(id=INTENDED, class_=INTENDED),)
_NO_PROVENANCE = {"basis": None, "source": None, "note": None}


@dataclass(frozen=True)
class Doubt:
    """What a rule points to.

    Attributes
    ----------
    path : tuple of str or int
        The place in the story.
    sentence : str
    at_key : bool
        Whether the key is meant, not its value.
    also : tuple of paths
        Other places with the same fault.
    """

    path: Path
    sentence: str
    at_key: bool = False
    also: tuple[Path, ...] = ()


class _Alone(NamedTuple):
    """What follows from one formula by itself.

    Attributes
    ----------
    signs : mapping of str to bool
        Whether it requires each assumption that is not composed, or denies it.
    mixed : frozenset of str
        Those that it both requires and denies.
    inside : frozenset of str
        The composed assumptions in it, and in those.
    takes_all : bool
        Whether it holds only where everything in it is as it asks.
    holds : bool
        Whether it holds where every other assumption is as it asks.
    """

    signs: Mapping[str, bool]
    mixed: frozenset[str]
    inside: frozenset[str]
    takes_all: bool
    holds: bool


def _takes_all(formula: Formula) -> bool:
    """Whether a formula joins all its literals by 'and'.

    Examples
    --------
    >>> from storyodds.scenarios.grammar.formulas import AnyOf
    >>> _takes_all(("a", "not b")), _takes_all(AnyOf(any=("b", "c")))
    (True, False)
    """
    if isinstance(formula, str):
        return True
    members, least = parts(formula)
    return least == len(members) and all(map(_takes_all, members))


def _disagreeing(read: Sequence[_Alone]) -> set[str]:
    """The assumptions that formulas ask for by both signs, one of them or two.

    What the longest of them asks for is not walked through, since it is met again and again.
    """
    *short, longest = sorted(read, key=lambda alone: len(alone.signs))
    mixed = set(longest.mixed)
    signs: dict[str, bool] = {}
    for alone in short:
        mixed |= alone.mixed
        for name, sign in alone.signs.items():
            if sign != signs.setdefault(name, sign) or sign != longest.signs.get(name, sign):
                mixed.add(name)
    return mixed


@dataclass(frozen=True)
class Reading:
    """A valid story, read by the rules.

    Attributes
    ----------
    source : Story
        As it is.
    """

    source: Story

    @cached_property
    def story(self) -> Story:
        """The story with the numbers that it names written out wherever they stand."""
        return with_numbers_in_place(self.source)

    @cached_property
    def _findings(self) -> Mapping[str, Evidence]:
        """By its id, every finding with the rates written out that it has of a check."""
        return {item.id: item for item in with_lent_rates(self.story)}

    def table_of(self, item: Evidence) -> Mapping[str, Any] | None:
        """Return the rates or the bits of an evidence item; a forecast has neither."""
        item = self._findings[item.id]
        return item.rates or item.bayes_factor

    @cached_property
    def written(self) -> Mapping[str, Any]:
        """The story as its file writes it, without what the catalog adds."""
        return to_data(self.source)

    @cached_property
    def assumptions(self) -> Mapping[str, Assumption]:
        """Every assumption with what decides it, those that come along included."""
        specs = filled(self.written).get("assumptions") or {}
        assumptions = {name: Assumption.model_validate(spec) for name, spec in specs.items()}
        # The literals that states of an assumption hold are decided by what decides them all.
        for name, assumption in list(assumptions.items()):
            for state in assumption.states.names if assumption.states else ():
                assumptions[literal_of_state(name, state)] = assumption
        # What the model is as a stage begins is open.
        for _, formula in formulas_in(self.written):
            for _, part in parts_of(formula):
                if begins_as(part) is not None:
                    assumptions[str(part).removeprefix("not ")] = Assumption()
        return assumptions

    @property
    def rivals(self) -> Iterator[tuple[int, Route]]:
        """The named rivals of the intended model, with their positions."""
        for index, route in enumerate(self.story.routes):
            if route.id != RESIDUAL and route.class_ != INTENDED:
                yield index, route

    @cached_property
    def outcomes(self) -> tuple[tuple[str, str], ...]:
        """(id, class) of every route, the implied one included."""
        listed = {route.id: route.class_ for route in self.story.routes}
        return ((INTENDED, INTENDED), *((k, v) for k, v in listed.items() if k != INTENDED))

    def moved_by(self, target: str) -> tuple[Route, ...]:
        """The routes that a constraint or a nudge means by a name."""
        return tuple(self._by_target.get(target, ()))

    @cached_property
    def _by_target(self) -> Mapping[str, list[Route]]:
        """The routes that may be moved, by id and by class."""
        routes: dict[str, list[Route]] = {}
        for route in (*_IMPLIED, *self.story.routes):
            if route.id != RESIDUAL:
                for target in {route.id, route.class_}:
                    routes.setdefault(target, []).append(route)
        return routes

    @cached_property
    def used(self) -> frozenset[str]:
        """The assumptions that some route, hazard, constraint, nudge or rate depends on."""
        return self.needed(formula for _, formula in self.ends)

    @property
    def ends(self) -> Iterator[tuple[Path, Formula]]:
        """The formulas by which assumptions act on the odds of endings, with their paths."""
        story = self.story
        for i, route in enumerate(story.routes):
            if route.requires is not None:
                yield ("routes", i, "requires"), route.requires
        for i, hazard in enumerate(story.goal.hazards):
            if hazard.requires is not None:
                yield ("goal", "hazards", i, "requires"), hazard.requires
        for i, constraint in enumerate(story.rationale.constraints):
            yield ("rationale", "constraints", i, "holds"), constraint.holds
        for i, nudge in enumerate(story.rationale.nudges):
            if nudge.when is not None:
                yield ("rationale", "nudges", i, "when"), nudge.when
        for place, rate in _rates(story):
            for j, row in enumerate(rows_of(rate)):
                if row.when is not None:
                    yield (*place, "given", j, "when"), row.when

    def needed(self, formulas: Iterable[Formula]) -> frozenset[str]:
        """The assumptions that formulas depend on, directly or by way of each other."""
        waiting = [name for formula in formulas for name, _ in literals(formula)]
        names_below: set[str] = set()
        while waiting:
            name, _ = assumption_and_state(waiting.pop())
            if name not in names_below:
                names_below.add(name)
                waiting += [
                    inner
                    for formula in deciding(self.assumptions[name])
                    for inner, _ in literals(formula)
                ]
        return frozenset(names_below)

    def can_hold(self, *formulas: Formula | None) -> bool:
        """Return whether formulas may all hold at once.

        What `given` rows or probabilities rule out is not looked into. Formulas only grow more
        likely with each of their literals, so that an assumption asked for by one sign only may
        have that one. Where more than a dozen are asked for by both, or the formulas have hundreds
        of literals, as those of imported fault trees, the answer is yes; so it is once trials
        of states have taken one story as much as `_MAX_TRIALS`.
        """
        conditions = [formula for formula in formulas if formula is not None]
        read = [alone for formula in conditions if (alone := self._alone(formula)) is not None]
        if not conditions or len(read) < len(conditions):
            return True
        exclusive = self._one_state_each(read)
        conditions += exclusive
        read += [alone for formula in exclusive if (alone := self._alone(formula)) is not None]
        mixed = _disagreeing(read)
        if not mixed:
            return all(alone.holds for alone in read)
        # A formula that takes all of its literals leaves no choice; two such may disagree.
        strict = [alone for alone in read if alone.takes_all]
        forced = {k: alone.signs[k] for alone in strict for k in mixed & alone.signs.keys()}
        if any(
            alone.mixed or any(forced[k] != alone.signs[k] for k in mixed & alone.signs.keys())
            for alone in strict
        ):
            return False
        open_to_choice = sorted(mixed - forced.keys())
        if len(open_to_choice) > _MAX_MIXED or self._tried[0] >= _MAX_TRIALS:
            return True
        settled = {name: sign for alone in read for name, sign in alone.signs.items()} | forced
        order = self._inside_first(set().union(*(alone.inside for alone in read)))
        size = sum(len(alone.signs) for alone in read)
        for state in itertools.product((True, False), repeat=len(open_to_choice)):
            self._tried[0] += size
            chosen = dict(zip(open_to_choice, state, strict=True))
            if self._all_hold(conditions, order, settled | chosen):
                return True
        return False

    def _one_state_each(self, read: Sequence[_Alone]) -> list[Formula]:
        """What else holds where formulas name several states of an assumption: one does."""
        named: dict[str, dict[str, None]] = {}
        for alone in read:
            for literal in alone.signs:
                name, state = assumption_and_state(literal)
                if state is not None:
                    named.setdefault(name, {})[literal] = None
        formulas: list[Formula] = []
        for name, listed in named.items():
            states = self.assumptions[name].states
            if len(listed) > 1:
                negations = tuple(f"not {literal}" for literal in listed)
                formulas.append(AtLeast(at_least=len(listed) - 1, of=negations))
            if states is not None and len(listed) == len(states.names):
                formulas.append(AnyOf(any=tuple(listed)))
        return formulas

    def is_ruled_out(self, formula: Formula | None) -> bool:
        """Return whether a formula could hold, were it not for assumptions that are certain."""
        if formula is None or self._certain is None or not self.can_hold(formula):
            return False
        return not self.can_hold(formula, self._certain)

    @cached_property
    def _certain(self) -> Formula | None:
        """What is certain before anything is seen, as one formula; None if nothing is."""
        settled: list[Formula] = []
        for name, assumption in self.assumptions.items():
            numbers = {
                form.fixed if isinstance(form, Fixed) else None for form in chances_of(assumption)
            }
            if numbers in ({0.0}, {1.0}) and assumption.states is None:
                settled.append(name if numbers == {1.0} else f"not {name}")
        return tuple(settled) if settled else None

    @cached_property
    def _tried(self) -> list[int]:
        """How many literals `can_hold` has looked at in trials: one number, counted up."""
        return [0]

    @cached_property
    def _read(self) -> dict[Formula, _Alone | None]:
        """What is known of single formulas: each is read once, though many rules ask."""
        return {}

    def _alone(self, formula: Formula) -> _Alone | None:
        """Read one formula by itself; None if it has too many literals."""
        if formula not in self._read:
            self._read[formula] = self._read_anew(formula)
        return self._read[formula]

    def _read_anew(self, formula: Formula) -> _Alone | None:
        pairs = self._literals([formula])
        if len(pairs) > _MAX_LITERALS:
            return None
        free = {pair for pair in pairs if self.assumptions[pair[0]].holds_when is None}
        signs = dict(free)
        mixed = frozenset(name for name, sign in free if (name, not sign) in free)
        inside = frozenset(name for name, _ in pairs - free)
        best = self._all_hold([formula], self._inside_first(inside), signs)
        return _Alone(signs, mixed, inside, not inside and _takes_all(formula), best)

    @staticmethod
    def _all_hold(
        formulas: Iterable[Formula], order: Iterable[tuple[str, Formula]], free: Mapping[str, bool]
    ) -> bool:
        """Return whether formulas hold in one state of the assumptions that are not composed."""
        truth = dict(free)
        for name, formula in order:
            truth[name] = bool(holds(formula, truth.__getitem__))
        return all(holds(formula, truth.__getitem__) for formula in formulas)

    def composed(self, formulas: Iterable[Formula]) -> set[str]:
        """The names in formulas, and in the `holds_when` of those names, and so on."""
        return {name for name, _ in self._literals(formulas)}

    def _literals(self, formulas: Iterable[Formula]) -> set[tuple[str, bool]]:
        """The literals of formulas, those inside composed assumptions with their sign.

        Not all of them where there are very many.
        """
        waiting = [part for formula in formulas for part in literals(formula)]
        pairs: set[tuple[str, bool]] = set()
        while waiting and len(pairs) <= _MAX_LITERALS:
            name, holds_true = waiting.pop()
            inner = self.assumptions[name].holds_when
            if (name, holds_true) not in pairs and inner is not None:
                waiting += [(part, sign == holds_true) for part, sign in literals(inner)]
            pairs.add((name, holds_true))
        return pairs

    def _inside_first(self, names: Iterable[str]) -> list[tuple[str, Formula]]:
        """Composed assumptions with their formulas, each after those it is composed of."""
        inner = {
            name: formula
            for name in names
            if (formula := self.assumptions[name].holds_when) is not None
        }
        within = {name: {part for part, _ in literals(inner[name])} & set(inner) for name in inner}
        return [(name, inner[name]) for name in TopologicalSorter(within).static_order()]


def _rates(story: Story) -> Iterator[tuple[Path, Rate | BitsByRow | None]]:
    """Return every probability, and all bits, that may depend on assumptions, with its path."""
    for i, hazard in enumerate(story.goal.hazards):
        yield ("goal", "hazards", i, "probability"), hazard.probability
        yield ("goal", "hazards", i, "harm"), hazard.harm
    for i, route in enumerate(story.routes):
        yield ("routes", i, "harm"), route.harm
    for i, check in enumerate(story.checks):
        for key, rate in check.flags.items():
            yield ("checks", i, "flags", key), rate
        for key, rate in (check.retrained_flags or {}).items():
            yield ("checks", i, "retrained_flags", key), rate
    for i, cause in enumerate(story.common_cause):
        for key, rate in cause.share.items():
            yield ("common_cause", i, "share", key), rate
    for i, item in enumerate(story.evidence):
        for table in ("rates", "visibility", "bayes_factor"):
            for key, rate in (getattr(item, table) or {}).items():
                yield ("evidence", i, table, key), rate


def deciding(assumption: Assumption) -> Iterator[Formula]:
    """Return the formulas that an assumption's truth depends on."""
    for row in assumption.given or ():
        if row.when is not None:
            yield row.when
    for state_row in assumption.states.rows if assumption.states else ():
        if state_row.when is not None:
            yield state_row.when
    if assumption.holds_when is not None:
        yield assumption.holds_when


def chances_of(assumption: Assumption) -> Iterator[Prior]:
    """Return the numbers by which an assumption is decided; one with `holds_when` has none."""
    rows = assumption.given or ()
    forms = [assumption.probability, *(f for row in rows for f in (row.probability, row.otherwise))]
    yield from (form for form in forms if form is not None)
    for state_row in assumption.states.rows if assumption.states else ():
        yield from (chance for _, chance, _ in chances_in_turn(state_row.odds))


def bits_of(route: Route) -> tuple[Prior, ...]:
    """Return the numbers that are a route's bits: one, or one for each stage in which it is open.

    Examples
    --------
    >>> len(bits_of(Route(id="r", class_="other", bits={"first": 0, "last": 1}, harm=0)))
    2
    """
    if isinstance(route.bits, dict):
        return tuple(route.bits.values())
    return () if route.bits is None else (route.bits,)


def said_of[V](table: Mapping[str, V], outcome: tuple[str, str]) -> V:
    """Look up what a table of rates or bits says of a route: by id, class or default.

    Examples
    --------
    >>> said_of({"deceptive": 2, "default": 0}, ("schemer", "deceptive"))
    2
    """
    name, class_ = outcome
    return next(table[key] for key in (name, class_, DEFAULT) if key in table)


def same(first: Rate | BitsByRow | Prior, second: Rate | BitsByRow | Prior) -> bool:
    """Return whether two PRIORs are the same numbers, wherever they come from.

    Probabilities that depend on assumptions are the same where all their rows are.

    Examples
    --------
    >>> from storyodds.priors.distributions.forms import Fixed
    >>> same(Fixed(fixed=0.1, source="a guess"), Fixed(fixed=0.1))
    True
    """
    return _bare_rows(first) == _bare_rows(second)


def _bare_rows(rate: Rate | BitsByRow | Prior) -> list[tuple[Formula | None, Form]]:
    """What decides each row of a rate, and its number without provenance."""
    whens = [row.when for row in rows_of(rate)] or [None]
    forms: list[Form] = [form.model_copy(update=_NO_PROVENANCE) for form in numbers_of(rate)]
    return list(zip(whens, forms, strict=True))


def is_nought(rate: Rate | Prior) -> bool:
    """Return whether a PRIOR is the number 0 and nothing else, in every row if it has rows.

    Examples
    --------
    >>> from storyodds.priors.distributions.forms import Fixed
    >>> is_nought(Fixed(fixed=0.0, source="a toy")), is_nought(Fixed(fixed=0.1))
    (True, False)
    """
    return all(isinstance(form, Fixed) and form.fixed == 0 for form in numbers_of(rate))


def is_fixed(form: Prior, kind: Kind) -> bool:
    """Return whether a PRIOR is one number that is taken as known, here or in a pack.

    Examples
    --------
    >>> from storyodds.priors.distributions.forms import Interval, Ref
    >>> is_fixed(Fixed(fixed=0.3), "bits"), is_fixed(Interval(interval=(-1, 1)), "bits")
    (True, False)
    >>> is_fixed(Ref(ref="carlsmith-2022/aps-feasible"), "probability")
    True
    """
    return isinstance(without_references(form, kind), Fixed)


def spoiled_checks(story: Story) -> Mapping[str, Check]:
    """Return the checks whose detectors are part of the training signal, by id."""
    return {check.id: check for check in story.checks if check.role == "in-the-loss"}
