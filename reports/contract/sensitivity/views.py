"""The part `views`: the same story under every view that says something about it."""

from typing import TypedDict

from storyodds.models.story.events import Headline
from storyodds.reports.contract.by_event import ByEvent
from storyodds.reports.contract.comparison import Difference, SideRank
from storyodds.reports.contract.summaries import Summary


class ViewedStory(TypedDict):
    """The story under a view."""

    name: str
    """Of the view, or `as assessed`."""
    title: str | None
    """Of the view; null for the story as it was assessed."""
    odds: ByEvent[Summary]
    """P(event), of every class and fate."""
    differences: ByEvent[Difference] | None
    """From the story as it was assessed; null for that one."""
    changed: int
    """How many of the story's numbers the view changes."""
    bits: float | None
    """By which it explains the findings worse than the view that explains them best: log2 of the
    ratio, 0 or below; null without findings. Forecasts are opinions and weigh no view."""
    weight: float | None
    """Its probability given the findings, if all were equally probable before them; null without
    findings."""


class ViewsPart(TypedDict):
    """The same story under every view that says something about it, side by side."""

    views: list[ViewedStory]
    """The story as it was assessed first."""
    odds: ByEvent[Summary] | None
    """P(event) on average by weight; null without findings."""
    numbers: int
    """How many the story has."""
    silent: list[str]
    """Views that change no number of the story."""
    impossible: list[str]
    """Views under which the evidence cannot have come about."""
    ranks: dict[Headline, list[SideRank]] | None
    """How often each comes first, which is safest; null where there is nothing to compare."""
    draws: int
    """How many rows stand beside each other."""
    ok: bool
    """Whether all computations can be relied on."""
