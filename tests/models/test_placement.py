"""Parts moved from stage to stage, held to enumeration of the story with them there."""

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from support.staged_oracle import StagedOracle
from support.staged_stories import STAGED, random_story

from storyodds.models.assessment.assessment import assess
from storyodds.models.changes.what_if import base_of
from storyodds.models.posterior.prepared import prepare
from storyodds.models.sensitivity.placement import Placement, placements
from storyodds.models.story.events import EVENTS
from storyodds.models.value.by_stage import observations_by_stage
from storyodds.models.value.information import value_of_information
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.story import Story

_LEAST_EVIDENCE = 1e-9  # below it, moving a part may make the evidence impossible


def moved(data: dict[str, Any], part: str, name: str, stage: str | None) -> dict[str, Any]:
    """The story with a part in one stage alone; without it, where there is none."""
    story = deepcopy(data)
    home = story if part == "check" else story["rationale"]
    parts = home[f"{part}s"]
    one = next(one for one in parts if one["id"] == name)
    if stage is None:
        parts.remove(one)
    elif part == "check":
        one["after"] = stage
        if "to" in one:
            one["to"] = min(one["to"], stage, key=story["stages"].index)
    else:
        one["stages"] = [stage]
    return story


def require(placed: Placement, data: dict[str, Any], stage: str | None) -> bool:
    """Hold the odds with a part somewhere to those of the oracle, where it gives any."""
    changed = placed.without if stage is None else placed.by_stage[stage]
    answer = StagedOracle(moved(data, placed.part, placed.id, stage)).solve()
    if answer.evidence < _LEAST_EVIDENCE:
        return False
    assert changed is not None
    for event, mean in zip(EVENTS, changed.means, strict=True):
        table = answer.classes if event in answer.classes else answer.fates
        assert mean == pytest.approx(table[event], abs=1e-10), (placed, stage, event)
    return True


def test_every_placement_is_what_enumeration_gives() -> None:
    tried: set[str] = set()
    for seed in (1, 6, 11, 12, 14):  # of two or three stages: four take long to enumerate
        data = random_story(seed)
        if StagedOracle(data).solve().evidence < _LEAST_EVIDENCE:
            continue
        base = base_of(assess(resolve(Story.model_validate(data)), draws=64))
        for placed in placements(base):
            for stage in (None, *placed.by_stage):
                if require(placed, data, stage):
                    tried.add(placed.part)
    assert tried == {"check", "nudge", "constraint"}


def test_what_cannot_be_moved_stays() -> None:
    data = random_story(2)
    data["checks"] = [
        {"id": "known", "flags": {"default": 0.2}, "result": "passed"},
        {"id": "first", "flags": {"default": 0.2}},
        {"id": "second", "flags": {"default": 0.3}},
        {"id": "free", "flags": {"default": 0.3}},
    ]
    data["common_cause"] = [{"checks": ["first", "second"], "share": {"default": 0.5}}]
    base = base_of(assess(resolve(Story.model_validate(data)), draws=64))
    assert [placed.id for placed in placements(base) if placed.part == "check"] == ["free"]


def test_one_stage_is_sent_back_over_once() -> None:
    data = random_story(1)
    stages = data["stages"]
    back = {"on_flag": "retrain", "flags": {"default": 0.3}}
    data["checks"] = [
        {"id": "first", "after": stages[0], "to": stages[0], **back},
        {"id": "last", "to": stages[-1], **back},
    ]
    base = base_of(assess(resolve(Story.model_validate(data)), draws=64))
    by_id = {placed.id: list(placed.by_stage) for placed in placements(base)}
    assert by_id["first"] == stages[:-1] and by_id["last"] == stages[1:]


def test_an_observation_tells_what_the_story_with_its_result_says() -> None:
    """Mutual information by enumeration: of success, and of each result after each stage."""
    data = random_story(4)
    data["proposals"] = [
        {
            "id": "look",
            "about": {"outcome": True},
            "trials": 1,
            "rates": {"proxy": 0.8, "default": 0.3},
        }
    ]
    whole = StagedOracle(data).solve()
    assessment = assess(resolve(Story.model_validate(data)), draws=64)
    by_stage = observations_by_stage(assessment.prepared)
    assert list(by_stage) == data["stages"]
    bits = []
    for stage, several in by_stage.items():
        value = value_of_information(assessment, several)
        expected = 0.0
        for hits in (0, 1):
            item = {**data["proposals"][0], "after": stage, "counts": {"hits": hits, "trials": 1}}
            seen = StagedOracle({**data, "evidence": [*data["evidence"], item]}).solve()
            chance = seen.evidence / whole.evidence
            for side in (lambda p: p, lambda p: 1 - p):
                now, then = side(whole.fates["success"]), side(seen.fates["success"])
                expected += chance * then * np.log2(then / now) if then > 0 else 0.0
        assert value.bits.proposals.amount[0] == pytest.approx(expected, abs=1e-10)
        bits.append(expected)
    assert max(bits) > 2 * min(bits)  # it does matter when one looks


def test_what_has_not_come_true_yet_cannot_be_looked_at() -> None:
    look = {"id": "ask", "trials": 3, "rates": {"true": 0.6, "false": 0.1}}
    data = {
        **STAGED,
        "assumptions": {"aware": {"from": {"late": 0.4}}},
        "proposals": [{**look, "about": {"assumption": "aware"}}],
    }
    by_stage = observations_by_stage(prepare(resolve(Story.model_validate(data))))
    assert [stage for stage, several in by_stage.items() if several] == ["late"]
