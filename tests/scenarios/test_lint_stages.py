"""Rules about training in stages."""

from typing import Any

from support.clean_story import SPOILED, assert_one_question, codes, found
from support.pipeline import pipeline_text

CLEAN_STAGES = ["first", "middle", "last"]
INTENDED = {"id": "intended", "class": "intended", "claim": "As meant.", "bits": 0}
SCHEMER = {
    "id": "schemer", "class": "deceptive", "claim": "It hides.", "mechanism": "scheming",
    "harm": 0.1,
}  # fmt: skip
PROXY = {"id": "proxy-seeker", "class": "mesa-optimizer", "claim": "A proxy.", "harm": 0.1}
NEEDS = ["aware", "optimizes"]


def staged(*routes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"stages": CLEAN_STAGES, "routes": [INTENDED, *routes], **more}


def proxy(*stages: str) -> dict[str, Any]:
    return {**PROXY, "requires": NEEDS, "bits": dict.fromkeys(stages, 1)}


def test_the_guide_has_nothing_that_these_rules_ask_about() -> None:
    assert not {"stuck-stage", "never-begins", "spoiled-detector"} & {
        finding.code for finding in found(pipeline_text())
    }


def test_a_stage_whose_routes_need_what_cannot_be_is_stuck() -> None:
    late = {**proxy("last"), "requires": [*NEEDS, "at deceptive"]}
    early = {**INTENDED, "bits": {"first": 0, "middle": 0}}
    parts = {"stages": CLEAN_STAGES, "routes": [early, late]}
    assert codes(parts) == {"stuck-stage", "never-begins"}
    parts["routes"] = [early, {**late, "requires": [*NEEDS, "not at deceptive"]}]
    assert codes(parts) == set()


def test_what_comes_about_in_the_same_stage_is_too_late() -> None:
    schemer = {**SCHEMER, "requires": "at proxy-seeker", "bits": {"middle": 1}}
    said = "the model cannot be 'proxy-seeker' as 'middle' begins"
    parts = staged(proxy("middle"), schemer)
    assert_one_question("never-begins", "routes[2].requires", parts, said)
    assert codes(staged(proxy("first"), schemer)) == set()


def test_a_check_that_sends_back_brings_what_came_later() -> None:
    schemer = {**SCHEMER, "requires": "at proxy-seeker", "bits": {"middle": 1}}
    test = {
        "id": "test", "claim": "A test.", "flags": {"deceptive": 0.5, "default": 0.1},
        "after": "last", "on_flag": "retrain", "to": "middle",
    }  # fmt: skip
    assert codes(staged(proxy("last"), schemer)) == {"never-begins"}
    assert codes(staged(proxy("last"), schemer, checks=[test])) == set()


def test_a_nudge_is_read_in_its_stages() -> None:
    nudge = {
        "id": "n", "claim": "It is near.", "when": "at proxy-seeker", "bits": {"intended": 1},
        "stages": ["first"],
    }  # fmt: skip
    parts = staged(proxy("first"), rationale={"nudges": [nudge]})
    said = "cannot be 'proxy-seeker' as 'first' begins"
    assert_one_question("never-begins", "rationale.nudges[0].when", parts, said)
    parts["rationale"] = {"nudges": [{**nudge, "stages": ["first", "last"]}]}
    assert codes(parts) == set()


def test_a_detector_says_what_it_saw_before_it_was_trained_against() -> None:
    probe = {**SPOILED, "after": "middle", "flags": {"default": 0.1}}
    schemer = {**SCHEMER, "requires": NEEDS, "bits": 1}

    def seen(after: str) -> dict[str, Any]:
        item = {
            "id": "e", "claim": "Seen.", "about": {"outcome": True}, "instrument": "probe",
            "after": after, "counts": {"hits": 1, "trials": 9},
            "rates": {"deceptive": 0.6, "default": 0.1},
            "source": {"cite": "a report", "note": "read in full"},
        }  # fmt: skip
        return staged(schemer, checks=[probe], evidence=[item])

    assert "spoiled-detector" not in codes(seen("first"))
    assert_one_question(
        "spoiled-detector", "evidence[0].instrument", seen("last"),
        "part of the training signal since 'middle'",
    )  # fmt: skip
