"""A story as a whole: its records, and what only all of them together show."""

from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from storyodds.priors.text.errors import key_path
from storyodds.priors.text.records import FileRecord, Record, Slug, SourceField, Text
from storyodds.scenarios.checks.consistency import find_mistakes
from storyodds.scenarios.grammar.correlations import Correlation
from storyodds.scenarios.grammar.stages import MAX_STAGES
from storyodds.scenarios.named_numbers import NamedNumber
from storyodds.scenarios.schema import (
    TRAINING_STORY,
    Assumption,
    Check,
    CommonCause,
    Evidence,
    Goal,
    Proposal,
    Rationale,
    Route,
    StoryKind,
)
from storyodds.scenarios.serialize import to_data

LimitName = Annotated[str, Field(strict=True)]
LimitValue = Annotated[float, Field(strict=True, ge=0, le=1)]


class LintSwitch(Record):
    """A rule of the linter that a story switches off, and why."""

    off: Slug
    reason: Annotated[str, Field(strict=True, min_length=1)]


class Story(FileRecord):
    """A training story: the goal, why training would reach it, its rivals, and the evidence.

    Attributes
    ----------
    story : str
        The id, a lower-case slug.
    title : str
    kind : {"training-story", "risk-argument"}
        An argument that only a catastrophe comes about says nothing of what goes right.
    summary : str
    catastrophe : str, optional
        What counts as a catastrophe: every `harm` of the story is the chance of one.
    limits : dict of str to float
        What its author would put up with, by a fate or a class, also of one of its summaries, as
        in `catastrophe.q95`. They change no odds.
    sources : tuple of Source
    numbers : dict of str to NamedNumber
        Uncertain numbers that stand in several places, each as `{number: id}`.
    correlations : tuple of Correlation
        Uncertain numbers that go together.
    goal : Goal
    rationale : Rationale
    assumptions : dict of str to Assumption or None
        None takes the assumption as the catalog has it.
    stages : tuple of str, optional
        Stages of training in their order; without them training is one step.
    routes : tuple of Route
        The rivals of the intended model, `something-else` among them.
    checks : tuple of Check
    common_cause : tuple of CommonCause
        Checks that fail together, which are independent otherwise.
    evidence : tuple of Evidence
    proposals : tuple of Proposal
        Observations that could be made next; they change no odds.
    lint : tuple of LintSwitch
        Rules of the linter that do not apply here, each with the reason.

    Raises
    ------
    pydantic.ValidationError
        With every mistake of the story.

    Examples
    --------
    >>> story = Story(
    ...     story="coin-flip",
    ...     title="A model that is intended half of the time",
    ...     goal=Goal(specification="Heads.", desirability="Heads are good."),
    ...     routes=[Route(id="something-else", class_="other", bits=0, harm=0.1)],
    ... )
    >>> story.routes[0].bits.fixed
    0.0
    """

    story: Slug
    title: Text
    kind: StoryKind = TRAINING_STORY
    summary: Text = ""
    catastrophe: Text | None = None
    limits: dict[LimitName, LimitValue] = {}
    sources: tuple[SourceField, ...] = ()
    numbers: dict[Slug, NamedNumber] = {}
    correlations: tuple[Correlation, ...] = ()
    goal: Goal
    rationale: Rationale = Rationale()
    assumptions: dict[Slug, Assumption | None] = {}
    stages: Annotated[tuple[Slug, ...], Field(min_length=1, max_length=MAX_STAGES)] | None = None
    routes: Annotated[tuple[Route, ...], Field(min_length=1)]
    checks: tuple[Check, ...] = ()
    common_cause: tuple[CommonCause, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    lint: tuple[LintSwitch, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> "Story":
        mistakes = find_mistakes(to_data(self))
        if mistakes:
            raise PydanticCustomError(
                "story",
                "{sentences}",
                {
                    "sentences": "\n".join(
                        f"{key_path(mistake.path)}: {mistake.sentence}" for mistake in mistakes
                    ),
                    "mistakes": mistakes,
                },
            )
        return self

    def _repr_html_(self) -> str:
        """Return the story's structure as notebooks show it."""
        # Imported here because only notebooks ask.
        from storyodds.scenarios.story_html import story_html

        return story_html(self)


def named_causes(story: Story) -> tuple[CommonCause, ...]:
    """Give the checks of a story that fail together an id, where the story does not."""
    return tuple(
        cause.model_copy(update={"id": cause.id or f"common-cause-{i + 1}"})
        for i, cause in enumerate(story.common_cause)
    )
