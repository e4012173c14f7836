"""The document of `storyodds sensitivity --json`: every part that was asked for."""

from typing import Annotated, NotRequired, TypedDict

from storyodds.reports.contract.head import StoryDocument
from storyodds.reports.contract.sensitivity.failure import FailurePart
from storyodds.reports.contract.sensitivity.local import LocalPart
from storyodds.reports.contract.sensitivity.spread import GlobalPart
from storyodds.reports.contract.sensitivity.structure import StructurePart
from storyodds.reports.contract.sensitivity.trust import TrustPart
from storyodds.reports.contract.sensitivity.views import ViewsPart

_Parts = TypedDict(
    "_Parts",
    {
        "global": NotRequired[
            Annotated[GlobalPart, "Which uncertain numbers the spread of an answer comes from."]
        ]
    },
)


class SensitivityParts(_Parts):
    """The parts of a sensitivity analysis; each is there if it was asked for."""

    local: NotRequired[LocalPart]
    """One input at a time."""
    structure: NotRequired[StructurePart]
    """What they owe to how the story is written."""
    failure: NotRequired[FailurePart]
    """If it fails: how, by how far, and where."""
    trust: NotRequired[TrustPart]
    """Whether priors and evidence can be trusted, and what each item does."""
    views: NotRequired[ViewsPart]
    """The same story under every view."""


class Sensitivity(StoryDocument, SensitivityParts):
    """What the odds of a story hang on."""
