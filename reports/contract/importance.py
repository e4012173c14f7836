"""The document of `storyodds importance --json`."""

from typing import Literal, TypedDict

from storyodds.reports.contract.head import StoryDocument
from storyodds.reports.contract.summaries import OpenSummary, Summary

Measure = Literal[
    "if_true",
    "if_false",
    "birnbaum",
    "criticality",
    "diagnosis",
    "fussell_vesely",
    "risk_achievement_worth",
    "risk_reduction_worth",
]


class Measures(TypedDict):
    """Importance measures; null where the condition has probability 0."""

    if_true: Summary | None
    """P(event | literal)."""
    if_false: Summary | None
    """P(event | not literal)."""
    birnbaum: Summary | None
    """The difference of both: Birnbaum's measure, in probability."""
    criticality: Summary | None
    """Birnbaum's measure times P(literal) over P(event)."""
    diagnosis: Summary | None
    """P(literal | event)."""
    fussell_vesely: Summary | None
    """P(a path with the literal | event), as Fussell and Vesely have it."""
    risk_achievement_worth: OpenSummary | None
    """P(event | literal) over P(event)."""
    risk_reduction_worth: OpenSummary | None
    """P(event) over P(event | not literal)."""


class ImportantLiteral(Measures):
    """How much the event hangs on a literal."""

    literal: str
    """As it stands in a formula."""
    assumption: str
    """The id of the assumption."""
    truth: bool
    """Whether the literal is that it is true."""
    composite: bool
    """Whether the assumption is made up of others by a formula."""
    probability: Summary | None
    """P(literal)."""
    undefined: str | None
    """Why it has no Fussell-Vesely importance though the event can come about."""


class UndefinedCount(TypedDict):
    """A reason why literals have no Fussell-Vesely importance."""

    why: str
    """The reason."""
    count: int
    """Of literals."""


class Importance(StoryDocument):
    """How much an ending hangs on each assumption."""

    of: str
    """The event: a class, a fate, `deployed`, or odds on the day of the decision, such as
    `catastrophe-given-deployed`; of those everything is given that."""
    probability: Summary | None
    """P(event), given the evidence like everything else."""
    literals: list[ImportantLiteral]
    """The literal with the largest criticality first, those without one last."""
    literals_in_all: int
    """How many there are, be they listed or not."""
    undefined: list[UndefinedCount]
    """The reasons why literals have no `fussell_vesely`."""
