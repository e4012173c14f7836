"""Where in training a part is worth most: the odds with it in one stage alone, in each in turn.

A check, a nudge or a constraint is taken out of the stages that the story has it in and put into
one. Everything else stays, the evidence included.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from storyodds.models.assessment.assessment import Progress
from storyodds.models.changes.what_if import Base, Changed
from storyodds.models.sensitivity.structure import leave_one_out, reworded
from storyodds.models.story.events import EVENTS
from storyodds.scenarios.schema import Check
from storyodds.scenarios.story import Story

PlacedPart = Literal["check", "nudge", "constraint"]


@dataclass(frozen=True)
class Placement:
    """A part of a story, and the odds with it in one stage or another.

    Attributes
    ----------
    part : {"check", "nudge", "constraint"}
    id : str
    stages : tuple of str
        Where the story has it: of a check, the stage that it follows.
    without : Changed or None
        The odds without the part; None where they are out of reach.
    by_stage : mapping of str to Changed or None
        The odds with the part in that stage alone. A stage that it cannot stand in is left out.
    """

    part: PlacedPart
    id: str
    stages: tuple[str, ...]
    without: Changed | None
    by_stage: Mapping[str, Changed | None]


def placements(base: Base, progress: Progress | None = None) -> tuple[Placement, ...]:
    """Compute the odds with each check, nudge and constraint in every stage of training.

    Checks whose result is known, that fail together with others or that tell hazards apart stay
    where they are.

    Parameters
    ----------
    base : Base
        Of a story in stages.
    progress : callable, optional
        Called with (stage, steps done, steps in all).

    Returns
    -------
    tuple of Placement
        In the order of the story.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.models.changes.what_if import base_of
    >>> from storyodds.scenarios.resolve import resolve
    >>> base = base_of(assess(resolve(load_story("staged-rlhf-assistant")), draws=64))
    >>> audit = placements(base)[-1]
    >>> harm = EVENTS.index("catastrophe")
    >>> early, late = (audit.by_stage[s].means[harm] for s in ("fine-tuning", "reinforcement"))
    >>> audit.id, audit.stages, bool(late < early < audit.without.means[harm])
    ('blind-audit', ('reinforcement',), True)
    """
    resolved = base.prepared.resolved
    parts = list(_placed_parts(resolved.story))
    report = progress or (lambda stage, done, total: None)
    left_out = {(without.part, without.id): without.changed for without in leave_one_out(base)}
    as_written = Changed(base.means, np.zeros(len(EVENTS)), None, float(len(base.values)), False)
    placed = []
    for k, (part, name, stages) in enumerate(parts):
        report("moving parts from stage to stage", k, len(parts))
        by_stage = {
            stage: as_written
            if stages == (stage,)
            else reworded(base, replace(resolved, story=story))
            for stage, story in _moved(resolved.story, part, name)
        }
        placed.append(Placement(part, name, stages, left_out[part, name], by_stage))
    return tuple(placed)


def _placed_parts(story: Story) -> Iterator[tuple[PlacedPart, str, tuple[str, ...]]]:
    """The parts that may stand elsewhere, and where they stand."""
    stages = story.stages or ()
    for constraint in story.rationale.constraints:
        yield "constraint", constraint.id, constraint.stages or stages
    for nudge in story.rationale.nudges:
        yield "nudge", nudge.id, nudge.stages or stages
    tied = {name for cause in story.common_cause for name in cause.checks}
    hazards = {hazard.id for hazard in story.goal.hazards}
    for check in story.checks:
        if check.result is None and check.id not in tied and hazards.isdisjoint(check.flags):
            yield "check", check.id, (check.after or stages[-1],)


def _moved(story: Story, part: PlacedPart, name: str) -> Iterator[tuple[str, Story]]:
    """The story with a part in one stage alone, for each stage in which it can be."""
    for stage in story.stages or ():
        if part == "check":
            check = next(check for check in story.checks if check.id == name)
            moved = _after(story, check, stage)
            if moved is not None:
                checks = tuple(moved if c is check else c for c in story.checks)
                yield stage, story.model_copy(update={"checks": checks})
            continue
        field = f"{part}s"
        acting = tuple(
            one.model_copy(update={"stages": (stage,)}) if one.id == name else one
            for one in getattr(story.rationale, field)
        )
        rationale = story.rationale.model_copy(update={field: acting})
        yield stage, story.model_copy(update={"rationale": rationale})


def _after(story: Story, check: Check, stage: str) -> Check | None:
    """A check after another stage; None where two checks would send back over one stage."""
    moved = check.model_copy(update={"after": stage})
    if check.on_flag != "retrain":
        return moved
    place = (story.stages or ()).index
    moved = moved.model_copy(update={"to": min(str(check.to), stage, key=place)})

    def span(one: Check) -> range:
        last = (story.stages or ())[-1] if one.after is None else one.after
        return range(place(str(one.to)), place(last) + 1)

    apart = all(
        set(span(moved)).isdisjoint(span(one))
        for one in story.checks
        if one is not check and one.on_flag == "retrain"
    )
    return moved if apart else None
