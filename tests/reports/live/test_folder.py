"""Which files have an address, and that nothing outside the folder has one."""

import os
from pathlib import Path

import pytest
from support.command_line import SMALL

from storyodds.reports.live import folder
from storyodds.reports.live.folder import find, is_name, look, read_inside
from storyodds.scenarios.loader import bundled_stories

BAD = ["..", ".", "", "a/b", "a\\b", "a\x00", "a\n", "A", "-a", "a.yaml", "a" * 65, "ä", "%2e"]


@pytest.mark.parametrize("name", BAD)
def test_no_address_leads_elsewhere(tmp_path: Path, name: str) -> None:
    (tmp_path.parent / "secret.yaml").write_text(SMALL, "utf-8")
    assert not is_name(name)
    assert find(tmp_path, name) is None
    assert find(tmp_path, "../secret") is None


def test_own_stories_stand_before_bundled_ones_of_their_name(tmp_path: Path) -> None:
    (tmp_path / "coinrun-agent.yaml").write_text(SMALL, "utf-8")
    found = find(tmp_path, "coinrun-agent")
    assert found is not None and found.own and found.path == tmp_path / "coinrun-agent.yaml"
    entries, _ = look(tmp_path)
    assert sorted(entry.id for entry in entries) == sorted(bundled_stories())


def test_files_without_an_address_are_told_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "MAX_STORY_BYTES", 1000)
    (tmp_path / "Upper Case.yaml").write_text(SMALL, "utf-8")
    (tmp_path / "twice.yaml").write_text(SMALL, "utf-8")
    (tmp_path / "twice.yml").write_text(SMALL, "utf-8")
    (tmp_path / "large.yaml").write_text(SMALL + "#" * 1000, "utf-8")
    (tmp_path / "notes.txt").write_text("no story", "utf-8")
    (tmp_path / "folder.yaml").mkdir()
    entries, refused = look(tmp_path)
    assert [entry.id for entry in entries if entry.own] == ["twice"]
    assert {item.name: item.reason.split()[0] for item in refused} == {
        "Upper Case.yaml": "its",
        "large.yaml": "it",
        "twice.yml": "'twice.yaml'",
    }


def test_links_out_of_the_folder_have_no_address(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "secret.yaml"
    inside.mkdir()
    outside.write_text(SMALL, "utf-8")
    (inside / "link.yaml").symlink_to(outside)
    (inside / "circle.yaml").symlink_to("circle.yaml")
    entries, refused = look(inside)
    assert not any(entry.own for entry in entries)
    assert {item.name for item in refused} == {"link.yaml", "circle.yaml"}


def test_a_folder_that_has_gone_has_no_stories(tmp_path: Path) -> None:
    entries, refused = look(tmp_path / "gone")
    assert {entry.own for entry in entries} == {False} and not refused


def test_the_story_of_a_saved_state_is_no_story_of_the_list(tmp_path: Path) -> None:
    kept = ("mine.a", "mine.b", "other", "mine.a.b", "mine.B")
    for name in kept:
        (tmp_path / f"{name}.yaml").write_text(SMALL, "utf-8")
    for name in set(kept) - {"mine.b"}:
        (tmp_path / f"{name}.state.json").write_text("{}", "utf-8")
    entries, refused = look(tmp_path)
    assert [entry.id for entry in entries if entry.own] == ["other"]
    assert {item.name for item in refused} == {"mine.b.yaml", "mine.a.b.yaml", "mine.B.yaml"}


def test_what_was_put_in_the_place_of_a_file_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "secret.yaml"
    inside.mkdir()
    outside.write_text("secret", "utf-8")
    path = inside / "mine.yaml"
    path.write_text("mine", "utf-8")
    assert read_inside(inside, path, 10) == b"mine"
    with pytest.raises(OSError, match="more than 3"):
        read_inside(inside, path, 3)
    opened = os.open

    def swapped_for_a_moment(name: Path, *options: int) -> int:
        path.rename(inside / "kept")
        path.symlink_to(outside)
        try:
            return opened(name, *options)
        finally:
            path.unlink()
            (inside / "kept").rename(path)

    monkeypatch.setattr(os, "open", swapped_for_a_moment)
    with pytest.raises(OSError, match="no regular file of the folder"):
        read_inside(inside, path, 10)
    monkeypatch.undo()
    path.unlink()
    path.symlink_to(outside)
    with pytest.raises(OSError, match="no regular file of the folder"):
        read_inside(inside, path, 10)
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError, match="no regular file of the folder"):
        read_inside(inside, path, 10)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes with names")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(OSError, match="no regular file"):
        read_inside(tmp_path, tmp_path / "pipe.yaml", 10)
