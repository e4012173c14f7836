"""The part `global`: which uncertain numbers the spread of an answer comes from."""

from typing import TypedDict

from storyodds.models.story.events import Event


class VarianceShare(TypedDict):
    """A share of the variance, and its interval of estimation."""

    mean: float
    """The estimate."""
    q05: float
    """The lower end of its interval."""
    q95: float
    """The upper end of its interval."""
    distinguishable: bool
    """Whether it is told apart from 0."""


class SpreadInput(TypedDict):
    """What share of the variance an uncertain number has; null where the event does not vary."""

    name: str
    """Of the number, or `all others together`."""
    first: VarianceShare | None
    """The first-order index: what it does by itself."""
    total: VarianceShare | None
    """The total index: what it does by itself and together with others."""
    shapley: VarianceShare | None
    """The Shapley effect: what is done together is shared out; they sum to 1."""


class EventSpread(TypedDict):
    """Where the spread of P(event) comes from."""

    event: Event
    """A class or a fate."""
    sd: float
    """The standard deviation of P(event | evidence, numbers) over independent numbers."""
    posterior_sd: float
    """The same over their posterior as it is."""
    additive: VarianceShare | None
    """The sum of the first-order indices."""
    inputs: list[SpreadInput]
    """The largest Shapley effect first."""


class GlobalPart(TypedDict):
    """Which uncertain numbers the spread of an answer comes from."""

    events: list[EventSpread]
    """One entry for each event."""
    others: int
    """How many numbers the input `all others together` stands for."""
    idle: list[str]
    """Names of numbers that move none of the events."""
    averaged_over: list[str]
    """Names of uncertain numbers that say how to read one evidence item: no numbers of the story,
    they are integrated out."""
    evaluations: int
    """How often the story was evaluated for the indices."""
