"""What event trees are made of: places, forks, and the instructions that stand at them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from storyodds.priors.text.xml_reader import Element
from storyodds.scenarios.open_psa.definitions import Definition
from storyodds.scenarios.open_psa.formulas import Formula
from storyodds.scenarios.open_psa.numbers import Estimate


@dataclass(frozen=True, slots=True, eq=False)
class HouseSetting:
    """A house event gets a truth, for what comes after it."""

    house: Definition
    truth: bool


@dataclass(frozen=True, slots=True, eq=False)
class CollectedFormula:
    """A formula that has to hold as well."""

    formula: Formula
    element: Element
    owner: Definition


@dataclass(frozen=True, slots=True, eq=False)
class Fraction:
    """A factor of the probability of all that comes after it, as an event of its own.

    Attributes
    ----------
    event : Definition
    estimate : Estimate
        Of the event.
    complement : bool
        Whether the factor is the probability that the event does not happen: what is 1 less an
        uncertain number moves with that number.
    """

    event: Definition
    estimate: Estimate
    complement: bool


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One instruction where a condition holds, and another one or none where it does not."""

    condition: Element
    owner: Definition
    then: "Instruction"
    otherwise: "Instruction | None"


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Instructions in order."""

    instructions: tuple["Instruction", ...]


@dataclass(frozen=True, slots=True, eq=False)
class RuleUse:
    """The instructions of a rule."""

    rule: Definition


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """The way goes on in another event tree."""

    tree: Definition
    element: Element
    owner: Definition


Instruction = HouseSetting | CollectedFormula | Fraction | Choice | Block | RuleUse | Link


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A place in an event tree: what is done there, and how the way goes on.

    Attributes
    ----------
    instructions : tuple of Instruction
    end : Fork or Definition
        A fork, a branch, or the sequence that the way ends in.
    """

    instructions: tuple[Instruction, ...]
    end: "Fork | Definition"


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """One way to go on from a fork: the functional event is in this state."""

    state: str
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Fork:
    """Where the way goes on by the state of a functional event."""

    event: Definition
    element: Element
    owner: Definition
    paths: tuple[Path, ...]


@dataclass(frozen=True)
class EventTree:
    """An event tree.

    Attributes
    ----------
    definition : Definition
    initial : Place or None
        None where something is wrong with it.
    branches : mapping of Definition to Place
    sequences : mapping of Definition to tuple of Instruction
        What is done at the end of each, by the sequences that it defines.
    """

    definition: Definition
    initial: Place | None
    branches: Mapping[Definition, Place]
    sequences: Mapping[Definition, tuple[Instruction, ...]]

    def places(self) -> Iterator[Place]:
        """Return every place of it."""
        for start in ([] if self.initial is None else [self.initial], self.branches.values()):
            for first in start:
                yield from places(first)


def inner(instructions: Sequence[Instruction]) -> Iterator[Instruction]:
    """Return instructions and those within them, but for those of rules."""
    waiting = list(reversed(instructions))
    while waiting:
        instruction = waiting.pop()
        yield instruction
        if isinstance(instruction, Block):
            waiting.extend(reversed(instruction.instructions))
        elif isinstance(instruction, Choice):
            alternatives = () if instruction.otherwise is None else (instruction.otherwise,)
            waiting.extend(reversed((instruction.then, *alternatives)))


def places(start: Place) -> Iterator[Place]:
    """Return a place and those that its forks lead to, but for those of branches."""
    waiting = [start]
    while waiting:
        place = waiting.pop()
        yield place
        if isinstance(place.end, Fork):
            waiting.extend(path.place for path in reversed(place.end.paths))
