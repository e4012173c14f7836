"""The document of `storyodds sequences --json`."""

from typing import Literal, TypedDict

from storyodds.reports.contract.importance import ImportantLiteral
from storyodds.reports.contract.summaries import Summary

EndingKind = Literal["sequence", "consequence", "consequence group"]


class FunctionalState(TypedDict):
    """A functional event in one of its states."""

    functional_event: str
    """Its name."""
    state: str
    """As the path of a fork has it."""


class SequenceCutSet(TypedDict):
    """A minimal set of literals with which a sequence comes about."""

    literals: list[str]
    """As they stand in a formula, sorted."""
    probability: float
    """That all of them hold, each at its mean."""


class EndingOdds(TypedDict):
    """How likely a sequence, a consequence or a group of consequences is."""

    name: str
    """As the file has it."""
    label: str | None
    """Its label."""
    kind: EndingKind
    """What it is."""
    sequences: list[str]
    """The sequences that it is made of; of a sequence itself alone."""
    story: str | None
    """The id of its story; null where constants decide it, so that there is none."""
    ways: list[list[FunctionalState]]
    """The states of functional events on every way that leads to it."""
    probability: Summary
    """P(it comes about | the initiating event)."""
    frequency: Summary | None
    """How often it comes about, in the unit of the initiating event's frequency; null without
    one."""
    cut_sets_in_all: int | None
    """How many minimal cut sets there are; null where they cannot be listed."""
    cut_sets: list[SequenceCutSet]
    """The most probable of them."""
    undefined: str | None
    """Why the cut sets cannot be listed."""
    contributors: list[ImportantLiteral]
    """The literals on which most hangs, the event being the sequence: first what has to happen,
    then what must not, each by criticality."""
    ok: bool
    """Whether its computation passed its own checks."""
    messages: list[str]
    """What went wrong with it, and what has to be known."""


class EventTreeOdds(TypedDict):
    """An event tree as one initiating event starts it."""

    initiating_event: str | None
    """The name of the initiating event; null where the file has none for the event tree."""
    label: str | None
    """Its label, or that of the event tree where there is none."""
    event_tree: str
    """The name of the event tree."""
    frequency: Summary | None
    """How often the initiating event happens; null where the file does not say."""
    unit: str | None
    """The unit of frequencies, such as `years-1`; null for numbers without a unit."""
    sequences: list[EndingOdds]
    """Every sequence to which a way leads, in the order of the file."""
    probability_in_all: float
    """The sum of their mean probabilities: 1 where they exclude each other and nothing is left
    out."""
    consequences: list[EndingOdds]
    """The consequences of the initiating event, and groups of them, in the order of the file."""


class SequenceOdds(TypedDict):
    """How likely the sequences of event trees are."""

    schema: str
    """`storyodds/sequences/1`."""
    source: str
    """The file."""
    title: str
    """Its title."""
    draws: int
    """Draws of the uncertain numbers, that intervals are taken over."""
    seed: int
    """Of the random numbers."""
    event_trees: list[EventTreeOdds]
    """One for each initiating event."""
    remarks: list[str]
    """What the stories have otherwise than the file, and what in it comes to nothing."""
    versions: dict[str, str]
    """Of Python and of the packages that took part, by name."""
