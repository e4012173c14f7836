"""States are kept in the folder, and nowhere else."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from storyodds import InputError
from storyodds.priors.library import view_names
from storyodds.priors.text import file_batches
from storyodds.reports.live import saved_states as module
from storyodds.reports.live.requests import State
from storyodds.reports.live.saved_states import own_id, saved_states

STATE = State("sceptic", {"a.probability": "[0.1, 0.2]"}, ("check:b",))
YAML = "story: ä\n"


def save_state(folder: Path, story: str, name: str, state: State) -> Path:
    return module.save_state(folder, story, name, state, YAML)[0]


def test_a_state_is_kept_as_it_was(tmp_path: Path) -> None:
    written, yaml = module.save_state(tmp_path, "story", "mine", STATE, YAML)
    assert written.parent == tmp_path and set(tmp_path.iterdir()) == {written, yaml}
    assert yaml.read_bytes() == YAML.encode() and yaml.name == "story.mine.yaml"
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
    assert saved_states(tmp_path, "story") == {"mine": STATE}


@pytest.mark.parametrize("ending", ["state.json", "yaml"])
def test_no_link_and_no_other_file_is_written_over(tmp_path: Path, ending: str) -> None:
    outside = tmp_path / "outside"
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / f"story.link.{ending}").symlink_to(outside)
    (inside / f"story.file.{ending}").write_text("mine", "utf-8")
    (inside / f"story.folder.{ending}").mkdir()
    before = set(inside.iterdir())
    for name in ("link", "file", "folder"):
        with pytest.raises(InputError, match="taken"):
            save_state(inside, "story", name, STATE)
    assert set(inside.iterdir()) == before and not outside.exists()
    assert (inside / f"story.file.{ending}").read_text("utf-8") == "mine"


def test_of_all_who_save_under_one_name_one_does(tmp_path: Path) -> None:
    many = 8
    start = threading.Barrier(many)

    def save(view: str) -> bool:
        start.wait()
        try:
            module.save_state(tmp_path, "story", "mine", State(view), f"{view}\n")
        except InputError:
            return False
        return True

    views = [view_names()[k % len(view_names())] for k in range(many)]
    with ThreadPoolExecutor(many) as pool:
        (done,) = [view for view, it in zip(views, pool.map(save, views), strict=True) if it]
    assert saved_states(tmp_path, "story") == {"mine": State(done)}
    assert (tmp_path / "story.mine.yaml").read_text("utf-8") == f"{done}\n"
    assert len([*tmp_path.iterdir()]) == 2


def test_what_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = file_batches.write_part

    def full(part: Path, target: Path, content: bytes) -> None:
        if target.suffix == ".yaml":
            raise OSError(28, "No space left on device")
        written(part, target, content)

    monkeypatch.setattr(file_batches, "write_part", full)
    with pytest.raises(OSError, match="space"):
        save_state(tmp_path, "story", "mine", STATE)
    assert [*tmp_path.iterdir()] == []


def test_a_folder_can_be_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_STATES", 1)
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


def test_the_story_of_a_state_has_an_id_that_no_other_has(tmp_path: Path) -> None:
    assert own_id(tmp_path, "mine", "dire") == "mine-dire"
    (tmp_path / "a.yaml").write_text("# one\nstory: mine-dire  # taken\n", "utf-8")
    (tmp_path / "b.yml").write_text("title: T\n'story': \"mine-dire-2\"\n", "utf-8")
    assert own_id(tmp_path, "mine", "dire") == "mine-dire-3"
    assert own_id(tmp_path, "coinrun", "agent") == "coinrun-agent-2"  # a bundled one
    long = own_id(tmp_path, "m" * 100, "n" * 64)
    assert len(long) == 100 and long.endswith("n" * 64)


def test_all_states_are_listed_with_the_odds_they_were_saved_with(tmp_path: Path) -> None:
    odds = {"success": "12%", "catastrophe": "<b>1%</b>"}
    module.save_state(tmp_path, "story", "mine", STATE, YAML, odds)
    module.save_state(tmp_path, "story-2", "bare", State(), YAML)
    (tmp_path / "story.odd.state.json").write_text(
        '{"schema": "storyodds/state/1", "state": {}, "odds": {"success": 3, "x": "y"}}', "utf-8"
    )
    listed = module.listed_states(tmp_path)
    assert [(it["story"], it["name"], it["odds"]) for it in listed] == [
        ("story-2", "bare", {}),
        ("story", "mine", odds),
        ("story", "odd", {}),
    ]
    pairs = parse_qsl(listed[1]["fragment"])
    assert dict(pairs).get("view") == STATE.view
    assert [part for key, part in pairs if key == "off"] == list(STATE.off)
    assert {key[4:]: text for key, text in pairs if key.startswith("set.")} == STATE.set
    assert saved_states(tmp_path, "story") == {"mine": STATE, "odd": State()}
