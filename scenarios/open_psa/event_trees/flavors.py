"""Gates with house events set otherwise along a way: a copy of each that hangs on these."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final, NoReturn

from storyodds.priors.text.errors import Problem, UnsupportedStoryError
from storyodds.scenarios.grammar.loops import bottom_up
from storyodds.scenarios.open_psa.definitions import GATE, Definition
from storyodds.scenarios.open_psa.event_trees.structure import CollectedFormula
from storyodds.scenarios.open_psa.formulas import Connective, Formula, definitions_in

MAX_FLAVORS: Final = 20_000  # copies of gates: ten times what one story may have
MAX_PARTS: Final = 2_000_000  # names in all copied formulas: seconds
_SHOWN_HOUSES = 5  # in a claim
_SHORT = 12  # names in a formula that a person still reads as a part of another one


@dataclass(frozen=True, slots=True)
class Settings:
    """Truths of house events that a way has set, one bit for each house event.

    Attributes
    ----------
    true, false : int
        Those set to true, and those set to false.
    """

    true: int = 0
    false: int = 0


class Flavors:
    """The gates of a file, with house events as ways set them.

    Parameters
    ----------
    gates : mapping of Definition to Formula
    constant : mapping of Definition to bool
        What house events are unless a way sets them.
    houses : iterable of Definition
        Those that some way sets.
    file : str

    Attributes
    ----------
    gates : dict of Definition to Formula
        The copies, each with its formula.
    """

    def __init__(
        self,
        gates: Mapping[Definition, Formula],
        constant: Mapping[Definition, bool],
        houses: Iterable[Definition],
        file: str,
    ) -> None:
        self._originals, self._file = gates, file
        self._houses = list(dict.fromkeys(houses))
        self._bits = {house: 1 << place for place, house in enumerate(self._houses)}
        self._usual = Settings(
            sum(bit for house, bit in self._bits.items() if constant.get(house) is True),
            sum(bit for house, bit in self._bits.items() if constant.get(house) is False),
        )
        self._reach = self._reaches() if self._houses else {}
        self._copies: dict[tuple[Definition, Settings], Definition] = {}
        self._formulas: dict[tuple[int, Settings], Formula] = {}
        self._collected: dict[int, Formula] = {}
        self._parts = 0
        self.gates: dict[Definition, Formula] = {}

    def _reaches(self) -> dict[Definition, int]:
        """Which of the house events the truth of each gate rests on."""
        uses = {
            gate: [part for part in definitions_in(formula) if part in self._originals]
            for gate, formula in self._originals.items()
        }
        reach: dict[Definition, int] = {}
        for gate in bottom_up(uses):
            reach[gate] = self._bits.get(gate, 0)
            for part in definitions_in(self._originals[gate]):
                reach[gate] |= self._bits.get(part, 0) | reach.get(part, 0)
        return reach

    def with_house(self, settings: Settings, house: Definition, truth: bool) -> Settings:
        """Return settings with one more house event set."""
        bit = self._bits[house]
        if truth:
            return Settings(settings.true | bit, settings.false & ~bit)
        return Settings(settings.true & ~bit, settings.false | bit)

    def collected(self, instruction: CollectedFormula, settings: Settings) -> Formula:
        """Return a collected formula with house events as a way has set them.

        A long one becomes a gate of its own, so that many ways can have it.
        """
        formula = self.flavored(instruction.formula, settings)
        key = id(formula)
        if key not in self._collected:
            is_long = sum(1 for _ in islice(definitions_in(formula), _SHORT + 1)) > _SHORT
            self._collected[key] = self._gate_of(instruction, formula) if is_long else formula
        return self._collected[key]

    def _gate_of(self, instruction: CollectedFormula, formula: Formula) -> Definition:
        owner, element = instruction.owner, instruction.element
        name = f"formula of {owner.name} in line {element.line}"
        gate = Definition(GATE, name, owner.scope, True, "", element, None, f"{owner.name}-formula")
        self.gates[gate] = formula
        return gate

    def flavored(self, formula: Formula, settings: Settings) -> Formula:
        """Return a formula in which house events are what a way has set.

        Raises
        ------
        UnsupportedStoryError
            If too many copies of gates are needed.
        """
        if not (settings.true or settings.false):
            return formula
        key = id(formula), settings
        if key not in self._formulas:
            waiting: list[tuple[Definition, Settings]] = []
            self._formulas[key] = self._replaced(formula, settings, waiting)
            while waiting:
                gate, own = waiting.pop()
                copy = self._copies[gate, own]
                self.gates[copy] = self._replaced(self._originals[gate], own, waiting)
        return self._formulas[key]

    def _replaced(
        self, formula: Formula, settings: Settings, waiting: list[tuple[Definition, Settings]]
    ) -> Formula:
        self._parts += 1
        if self._parts > MAX_PARTS:
            self._refuse()
        if isinstance(formula, bool):
            return formula
        if isinstance(formula, Connective):
            parts = tuple(self._replaced(part, settings, waiting) for part in formula.parts)
            return Connective(formula.name, parts, formula.least, formula.most)
        bit = self._bits.get(formula, 0)
        if bit & (settings.true | settings.false):
            return bool(bit & settings.true)
        own = self._of_gate(formula, settings)
        if not (own.true or own.false):
            return formula
        key = formula, own
        if key not in self._copies:
            if len(self._copies) >= MAX_FLAVORS:
                self._refuse()
            self._copies[key] = self._named(formula, own)
            waiting.append(key)
        return self._copies[key]

    def _refuse(self) -> NoReturn:
        sentence = (
            f"found gates that need more than {MAX_FLAVORS:,} copies, or of more than "
            f"{MAX_PARTS:,} parts in all, one for each way in which an event tree sets house "
            "events below them, expected fewer"
        )
        raise UnsupportedStoryError([Problem(sentence, self._file)])

    def _of_gate(self, gate: Definition, settings: Settings) -> Settings:
        """Return what of some settings makes a difference to a gate."""
        reach = self._reach.get(gate, 0)
        return Settings(
            settings.true & reach & ~self._usual.true, settings.false & reach & ~self._usual.false
        )

    def _named(self, gate: Definition, settings: Settings) -> Definition:
        truths = [
            (house.name, bool(self._bits[house] & settings.true))
            for house in self._houses
            if self._bits[house] & (settings.true | settings.false)
        ]
        listed = ", ".join(
            f"{name} {'true' if truth else 'false'}" for name, truth in truths[:_SHOWN_HOUSES]
        )
        more = ", …" if len(truths) > _SHOWN_HOUSES else ""
        label = f"{gate.label or gate.name}, with {listed}{more}"
        changes = "-".join(name if truth else f"not-{name}" for name, truth in truths)
        slug = f"{gate.slug or gate.name}-with-{changes}"
        return Definition(GATE, gate.name, gate.scope, gate.public, label, gate.element, None, slug)
