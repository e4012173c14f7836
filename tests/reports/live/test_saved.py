"""States are kept in the folder, and nowhere else."""

import json
from pathlib import Path

import pytest

from storyodds import InputError
from storyodds.reports.live import saved
from storyodds.reports.live.requests import State
from storyodds.reports.live.saved import save_state, saved_states

STATE = State("sceptic", {"a.probability": "[0.1, 0.2]"}, ("check:b",))


def test_a_state_is_kept_as_it_was(tmp_path: Path) -> None:
    written = save_state(tmp_path, "story", "mine", STATE)
    assert written.parent == tmp_path and [*tmp_path.iterdir()] == [written]
    save_state(tmp_path, "story-2", "other", State())
    assert saved_states(tmp_path, "story") == {"mine": STATE}
    assert saved_states(tmp_path, "story-2") == {"other": State()}


@pytest.mark.parametrize(
    ("story", "name"), [("..", "a"), ("a", "../b"), ("a/b", "c"), ("a", ""), ("a", "b.c")]
)
def test_nothing_is_written_elsewhere(tmp_path: Path, story: str, name: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(InputError):
        save_state(inside, story, name, STATE)
    assert [*tmp_path.rglob("*")] == [inside]
    assert saved_states(inside, "..") == {}


def test_no_state_is_written_over(tmp_path: Path) -> None:
    save_state(tmp_path, "story", "mine", STATE)
    with pytest.raises(InputError, match="taken"):
        save_state(tmp_path, "story", "mine", State())
    outside = tmp_path / "outside.json"
    (tmp_path / "story.link.state.json").symlink_to(outside)
    with pytest.raises(InputError, match="taken"):
        save_state(tmp_path, "story", "link", STATE)
    assert not outside.exists()


def test_a_folder_can_be_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "MAX_STATES", 1)
    save_state(tmp_path, "story", "one", STATE)
    with pytest.raises(InputError, match="fewer"):
        save_state(tmp_path, "story", "two", STATE)


def test_files_that_are_no_states_are_passed_over(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    good = save_state(inside, "story", "good", STATE).read_text("utf-8")
    (tmp_path / "secret").write_text(good, "utf-8")
    (inside / "story.link.state.json").symlink_to(tmp_path / "secret")
    (inside / "story.text.state.json").write_text("no", "utf-8")
    (inside / "story.list.state.json").write_text("[]", "utf-8")
    (inside / "story.UPPER.state.json").write_text(good, "utf-8")
    wrong = {**json.loads(good), "state": {"off": 3}}
    (inside / "story.wrong.state.json").write_text(json.dumps(wrong), "utf-8")
    (inside / "story.long.state.json").write_text(good + " " * 2**18, "utf-8")
    assert saved_states(inside, "story") == {"good": STATE}
