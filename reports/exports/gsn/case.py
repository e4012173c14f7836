"""What an argument is made from: a story, and what was computed of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from storyodds.reports.contract.estimate import Estimate, EvidenceItem, FailurePath
from storyodds.reports.exports.gsn.words import Numbers
from storyodds.scenarios.bearing import bearing
from storyodds.scenarios.lent_rates import with_lent_rates
from storyodds.scenarios.schema import Evidence
from storyodds.scenarios.story import Story


@dataclass(frozen=True)
class Case:
    """A story, and what was computed of it.

    Attributes
    ----------
    doc : mapping
        The object of `estimate --json` of the story.
    story : Story
    most : int or None
        The most routes told one by one in each class.
    """

    doc: Estimate
    story: Story
    most: int | None

    @cached_property
    def numbers(self) -> Numbers:
        """What the numbers of the story rest on."""
        return Numbers(self.doc)

    @cached_property
    def bears(self) -> Mapping[str, tuple[str, ...]]:
        """Which assumptions bear on a route."""
        return bearing(self.story)

    @cached_property
    def items(self) -> Mapping[str, EvidenceItem]:
        """The evidence by its id, without results: they belong to checks, which stand alone."""
        items = self.doc["evidence"]["items"]
        return {item["id"]: item for item in items if item.get("result") is None}

    @cached_property
    def findings(self) -> tuple[Evidence, ...]:
        """The evidence as the story has it, the rates that it has of checks written out."""
        return with_lent_rates(self.story)

    def worst(self, key: Literal["route", "hazard"], name: str) -> FailurePath | None:
        """The path of most concern along a route or hazard."""
        paths = (p for p in self.doc["paths"] if key == "hazard" or p["hazard"] is None)
        return next((p for p in paths if p[key] == name), None)

    def weight(self, route: str) -> tuple[float, float]:
        """How much a route weighs: by the concern of its worst path, then by its probability."""
        worst = self.worst("route", route)
        concern = 0.0 if worst is None else float(worst["concern"]["mean"])
        return concern, float(self.doc["routes"][route]["mean"])
