"""Every way through an event tree: what it collects from its initial state to a sequence."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from storyodds.priors.text.errors import Problem, UnsupportedStoryError
from storyodds.priors.text.phrases import quoted
from storyodds.scenarios.open_psa.definitions import BRANCH, Definition
from storyodds.scenarios.open_psa.event_trees.alternatives import Alternatives
from storyodds.scenarios.open_psa.event_trees.flavors import Flavors, Settings
from storyodds.scenarios.open_psa.event_trees.reader import EventTrees
from storyodds.scenarios.open_psa.event_trees.structure import (
    Block,
    Choice,
    CollectedFormula,
    Fork,
    Fraction,
    HouseSetting,
    Instruction,
    Link,
    Place,
    RuleUse,
)
from storyodds.scenarios.open_psa.formulas import Formula
from storyodds.scenarios.open_psa.tree import Tree

MAX_WAYS: Final = 2_000  # through the event trees of a file: each is a part of a formula
MAX_STEPS: Final = 500_000  # on all ways: a second or so
MAX_FORKS: Final = 500  # on one way, each with an assumption that may be free
_NOTHING_SET: Final = Settings()


@dataclass(frozen=True, slots=True)
class Way:
    """A way from an initial state to a sequence.

    Attributes
    ----------
    sequence : Definition
    states : tuple of (Definition, str)
        Functional events with their states, in order.
    formulas : tuple of Formula
        All that has to hold.
    """

    sequence: Definition
    states: tuple[tuple[Definition, str], ...]
    formulas: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class _Chain:
    """What a way has come by: the last of it, and all before, which other ways share."""

    last: Any
    before: "_Chain | None"

    @staticmethod
    def whole(chain: "_Chain | None") -> tuple[Any, ...]:
        items = []
        while chain is not None:
            items.append(chain.last)
            chain = chain.before
        return tuple(reversed(items))


@dataclass(frozen=True, slots=True)
class _Way:
    """A way as far as it has been walked."""

    initiating: Definition | None
    settings: Settings = _NOTHING_SET
    states: _Chain | None = None
    formulas: _Chain | None = None
    factors: _Chain | None = None
    here: dict[str, str] = field(default_factory=dict)  # in the event tree that it is in

    def collecting(self, formula: Formula) -> "_Way":
        return replace(self, formulas=_Chain(formula, self.formulas))

    def taking(self, fractions: Sequence[Fraction]) -> "_Way":
        factors = self.factors
        for fraction in fractions:
            factors = _Chain(fraction, factors)
        return replace(self, factors=factors)


@dataclass
class _Done:
    """What instructions have done at one place."""

    way: _Way
    fractions: list[Fraction] = field(default_factory=list)
    formulas: bool = False
    link: Link | None = None


class Walk:
    """Walks the event trees of a file.

    Parameters
    ----------
    tree : Tree
        Notes what is wrong on a way.
    event_trees : EventTrees
        Without a loop.
    flavors : Flavors
    alternatives : Alternatives

    Attributes
    ----------
    reached : set of Definition
        Sequences and branches to which a way has led, be it that it goes on from there.
    """

    def __init__(
        self, tree: Tree, event_trees: EventTrees, flavors: Flavors, alternatives: Alternatives
    ) -> None:
        self._tree, self._trees = tree, event_trees
        self._flavors, self._alternatives = flavors, alternatives
        self._steps = self._ways = 0
        self.reached: set[Definition] = set()

    def ways(self, event_tree: Definition, initiating: Definition | None) -> list[Way]:
        """Return every way through an event tree and those that it links to.

        Raises
        ------
        UnsupportedStoryError
            If there are more than 2,000 ways, or more than 500,000 steps on them, in all event
            trees together.
        """
        ways: list[Way] = []
        waiting = list(self._started(event_tree, _Way(initiating)))
        while waiting:
            end, way = waiting.pop()
            if isinstance(end, Fork):
                waiting.extend(reversed(self._forked(end, way)))
            elif end.kind == BRANCH:
                self.reached.add(end)
                waiting.append(self._entered(self._trees.branches[end], way))
            else:
                self.reached.add(end)
                done = self._do(self._trees.sequences[end], way, linking=True)
                way = self._with_factors(done)
                if done.link is not None:
                    waiting.extend(self._started(done.link.tree, replace(way, here={})))
                    continue
                self._count_way()
                self._refuse_repetition(_Chain.whole(way.factors))
                ways.append(Way(end, _Chain.whole(way.states), _Chain.whole(way.formulas)))
        return ways

    def _started(self, event_tree: Definition, way: _Way) -> list[tuple[Fork | Definition, _Way]]:
        initial = self._trees.trees[event_tree].initial
        return [] if initial is None else [self._entered(initial, way)]

    def _entered(self, place: Place, way: _Way) -> tuple[Fork | Definition, _Way]:
        return place.end, self._with_factors(self._do(place.instructions, way))

    def _with_factors(self, done: _Done) -> _Way:
        way = done.way.taking(done.fractions)
        for fraction in done.fractions:
            way = way.collecting(self._alternatives.apart(fraction))
        return way

    def _forked(self, fork: Fork, way: _Way) -> list[tuple[Fork | Definition, _Way]]:
        event = fork.event
        if event.name in way.here:
            self._tree.complain(
                f"found a fork of the functional event {quoted(event.name)} on a way that has come "
                f"by one already, in state {quoted(way.here[event.name])}, expected one fork of "
                "each on a way",
                fork.element,
                fork.owner,
            )
            return []
        if len(way.here) >= MAX_FORKS:
            self._refuse(f"forks on a way, expected at most {MAX_FORKS:,}", MAX_FORKS)
        ends, results = [], []
        for path in fork.paths:
            states = _Chain((event, path.state), way.states)
            here = {**way.here, event.name: path.state}
            results.append(
                self._do(path.place.instructions, replace(way, states=states, here=here))
            )
            ends.append(path.place.end)
        factors = self._alternatives.of_fork(
            fork,
            [tuple(done.fractions) for done in results],
            [done.formulas for done in results],
        )
        taken = [done.way.taking(done.fractions) for done in results]
        return [
            (end, own if factor is True else own.collecting(factor))
            for end, own, factor in zip(ends, taken, factors, strict=True)
        ]

    def _refuse_repetition(self, fractions: Sequence[Fraction]) -> None:
        """Refuse a factor that a way collects twice: its event could come about only once."""
        collected: set[Fraction] = set()
        for fraction in fractions:
            if fraction in collected:
                self._tree.complain(
                    "found an expression that one way collects twice, expected it once: write "
                    "it out where it is collected again",
                    fraction.event.element,
                    fraction.event,
                )
            collected.add(fraction)

    def _do(
        self, instructions: Sequence[Instruction], way: _Way, *, linking: bool = False
    ) -> _Done:
        done = _Done(way)
        waiting = list(reversed(instructions))
        self._count_steps(1)
        while waiting:
            instruction = waiting.pop()
            self._count_steps(1)
            match instruction:
                case HouseSetting():
                    settings = self._flavors.with_house(
                        done.way.settings, instruction.house, instruction.truth
                    )
                    done.way = replace(done.way, settings=settings)
                case CollectedFormula():
                    formula = self._flavors.collected(instruction, done.way.settings)
                    done.way = done.way.collecting(formula)
                    done.formulas = True
                case Fraction():
                    done.fractions.append(instruction)
                case Choice():
                    chosen = self._chosen(instruction, done.way)
                    waiting.extend([] if chosen is None else [chosen])
                case Block():
                    waiting.extend(reversed(instruction.instructions))
                case RuleUse():
                    waiting.extend(reversed(self._trees.rules[instruction.rule]))
                case Link():
                    self._link(instruction, done, linking, is_last=not waiting)
        return done

    def _chosen(self, choice: Choice, way: _Way) -> Instruction | None:
        conditions = self._trees.conditions
        self._count_steps(len(conditions.tests(choice.condition)))
        holds = conditions.holds(choice.condition, choice.owner, way.initiating, way.here)
        return choice.then if holds else choice.otherwise

    def _link(self, link: Link, done: _Done, linking: bool, *, is_last: bool) -> None:
        done.link = link
        if linking and is_last:
            return
        sentence = (
            "found instructions after <event-tree>, with which a way goes on elsewhere, expected "
            "it as the last one"
            if linking
            else "found <event-tree> in a rule that is used before the end of a way, expected it "
            "in what <define-sequence> uses"
        )
        self._tree.complain(sentence, link.element, link.owner)

    def _count_steps(self, steps: int) -> None:
        self._steps += steps
        if self._steps > MAX_STEPS:
            self._refuse(f"steps on their ways, expected at most {MAX_STEPS:,}", MAX_STEPS)

    def _count_way(self) -> None:
        self._ways += 1
        if self._ways > MAX_WAYS:
            self._refuse(f"ways through them, expected at most {MAX_WAYS:,}", MAX_WAYS)

    def _refuse(self, excess: str, most: int) -> None:
        sentence = f"found event trees with more than {most:,} {excess}"
        raise UnsupportedStoryError([Problem(sentence, self._tree.document.file)])
