"""The document of `storyodds placement --json`."""

from typing import Literal, TypedDict

from storyodds.reports.contract.head import StoryDocument
from storyodds.reports.contract.value import Gain

Placed = Literal["check", "nudge", "constraint"]


class PlacedOdds(TypedDict):
    """The odds with a part somewhere else than the story has it."""

    mean: float
    """The posterior mean, a probability."""
    change: float
    """How much more that is than in the story as it is written, in probability."""
    error: float
    """Monte Carlo standard error of the change."""


class PlacementOdds(TypedDict):
    """Both odds that a placement is judged by."""

    success: PlacedOdds
    """Of P(success)."""
    catastrophe: PlacedOdds
    """Of P(catastrophe)."""


class BestStage(TypedDict):
    """The stage in which a part does most good, by more than three errors of every other place."""

    success: str | None
    """In which P(success) is largest; null where none is for sure."""
    catastrophe: str | None
    """In which P(catastrophe) is smallest; null where none is for sure."""


class StagePlacement(TypedDict):
    """A part in one stage alone."""

    stage: str
    """Of a check, the stage that it follows."""
    odds: PlacementOdds | None
    """Null where the story with it there is out of reach, or makes its evidence impossible."""


class PlacedPart(TypedDict):
    """A check, a nudge or a constraint, moved from stage to stage."""

    part: Placed
    """Which of the three it is."""
    id: str
    """Its id."""
    claim: str
    """What the story says of it."""
    stages: list[str]
    """Where the story has it; of a check, the stage that it follows."""
    without: PlacementOdds | None
    """The odds without it; null where they are out of reach."""
    by_stage: list[StagePlacement]
    """Every stage in which it can be, in order."""
    best: BestStage
    """Where it does most good, be it where the story has it or not."""


class StageGain(TypedDict):
    """An observation after one stage."""

    stage: str
    """The stage that it follows."""
    bits: Gain
    """Expected information about what `of` says."""


class PlacedObservation(TypedDict):
    """A proposed observation, made after one stage or another."""

    id: str
    """Of the proposal."""
    claim: str
    """What would be looked at."""
    by_stage: list[StageGain]
    """Every stage after which what it is about is there, in order."""
    best: str | None
    """The stage after which it tells most, by more than three errors; null where there is none."""


class Placements(StoryDocument):
    """Where in training each part of a story is worth most."""

    training: list[str]
    """The stages of training."""
    now: PlacementOdds
    """The odds of the story as it is written."""
    of: str
    """What `bits` are about."""
    parts: list[PlacedPart]
    """Constraints, nudges and checks, in the order of the story. Checks whose result is known, that
    fail together with others or that tell hazards apart stay where they are."""
    observations: list[PlacedObservation]
    """What could be observed, in the order of the story, then of the catalog."""
