"""`storyodds placement` as a stranger meets it."""

from pathlib import Path

import pytest
from support.command_line import Run, document
from support.staged_stories import STAGED

from storyodds import load_story, placement, to_yaml
from storyodds.scenarios.story import Story

COMMAND = "placement"

DONE, WRONG_INPUT = 0, 2


@pytest.fixture
def staged(tmp_path: Path) -> Path:
    nudge = {"id": "pull", "bits": {"proxy": 1}}
    path = tmp_path / "staged.yaml"
    story = {**STAGED, "rationale": {"nudges": [nudge]}}
    path.write_text(to_yaml(Story.model_validate(story)), encoding="utf-8")
    return path


def test_the_answer_comes_first(run: Run, staged: Path) -> None:
    code, out, err = run(str(staged), "--draws", "128")
    assert (code, err) == (DONE, "")
    words = " ".join(out.split())
    assert "Check audit is worth most against catastrophe after late, where it stands" in words
    assert "as written: all" in words and "after late (as written)" in words
    assert "bits about success, by the stage after which it is made" in words


def test_json_is_what_the_call_gives(run: Run, staged: Path) -> None:
    code, out, err = run(str(staged), "--no-standard", "--json")
    assert (code, err) == (DONE, "")
    printed = document(out)
    called = placement(load_story(str(staged)), standard=False)
    assert printed["schema"] == "storyodds/placement/1" and printed["observations"] == []
    by_id = {part["id"]: part for part in called["parts"]}
    assert [part["id"] for part in printed["parts"]] == list(by_id)
    for part in printed["parts"]:
        for row, same in zip(part["by_stage"], by_id[part["id"]]["by_stage"], strict=True):
            assert abs(row["odds"]["success"]["mean"] - same["odds"]["success"]["mean"]) < 1e-9
        written = [row["odds"] for row in part["by_stage"] if part["stages"] == [row["stage"]]]
        assert all(odds == printed["now"] for odds in written)


def test_a_story_in_one_step_is_refused(run: Run, tmp_path: Path) -> None:
    code, out, err = run("cat-classifier")
    assert (code, out) == (WRONG_INPUT, "")
    assert err.startswith("cat-classifier: found training in one step, expected `stages`")
