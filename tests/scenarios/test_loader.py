"""Finding stories, and telling every mistake of a file at once."""

import subprocess
import sys
from pathlib import Path

import pytest

from storyodds.priors.text.errors import InputError, UnknownStoryError
from storyodds.scenarios.loader import bundled_stories, load_story, load_text, story_text

SMALL = """\
story: small
title: A small story
goal: {specification: It does the task., desirability: The task is good.}
assumptions:
  aware: {claim: It knows., probability: 0.3}
routes:
  - {id: schemer, class: deceptive, requires: aware, bits: [-2, 2], harm: 0.1}
  - {id: something-else, class: other, bits: 0, harm: 0.05}
"""


def problems(text: str) -> list[tuple[int | None, int | None, str | None, str]]:
    """Give place, key path and sentence of every problem of a text."""
    with pytest.raises(InputError) as caught:
        load_text(text)
    return [(p.line, p.column, p.key_path, p.message) for p in caught.value.problems]


def test_a_story_from_text() -> None:
    story = load_text(SMALL)
    assert [route.id for route in story.routes] == ["schemer", "something-else"]


@pytest.mark.parametrize("name", bundled_stories())
def test_a_bundled_story_is_found_by_its_id(name: str) -> None:
    assert load_story(name).story == name
    assert load_story(bundled_stories()[name]) == load_story(name)
    assert story_text(name) == bundled_stories()[name].read_text(encoding="utf-8")


def test_an_unknown_id_names_the_nearest_and_the_way_to_all() -> None:
    with pytest.raises(UnknownStoryError) as caught:
        load_story("rlhf-asistant")
    assert str(caught.value) == (
        "found 'rlhf-asistant', expected the id of a bundled story or the path of a file; "
        "did you mean 'rlhf-assistant'?; 'storyodds list' shows every bundled story"
    )


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(SMALL)
    for source in (tmp_path / "mien.yaml", str(tmp_path / "mien.yaml")):
        with pytest.raises(UnknownStoryError, match="no such file; did you mean 'mine"):
            load_story(source)


@pytest.mark.parametrize("source", ["", "a\0b", "x" * 5000, "a\nb: c", "../nowhere", "~"])
def test_no_source_is_worse_than_unknown(source: str) -> None:
    with pytest.raises(InputError):
        load_story(source)


def test_a_file_without_a_suffix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").write_text(SMALL)
    monkeypatch.chdir(tmp_path)
    assert load_story("mine") == load_text(SMALL)


def test_a_folder_is_no_story(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="directory"):
        load_story(tmp_path)


def test_a_library_file_is_named_after_its_story(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.yaml"
    path.write_text(SMALL)
    monkeypatch.setattr("storyodds.scenarios.loader.bundled_stories", lambda: {"large": path})
    with pytest.raises(InputError, match="found 'small', expected 'large', the name of its file"):
        load_story("large")


def test_an_error_shows_file_line_and_caret() -> None:
    with pytest.raises(InputError) as caught:
        load_text(SMALL.replace("0.3", "30%"), "mine.yaml")
    assert str(caught.value) == (
        "mine.yaml:5:42: assumptions.aware.probability: found '30%', expected a probability "
        "from 0 to 1; write 0.3\n"
        "    5 |   aware: {claim: It knows., probability: 30%}\n"
        "      |                                          ^"
    )


def test_reading_shape_and_name_mistakes_come_together_in_order() -> None:
    text = SMALL.replace("title:", "titel:").replace("0.3", "3").replace("requires: aware", "x: 1")
    text += "checks:\n- {id: audit, flags: {schmer: 0.1, default: 010}}\n"
    assert [(line, column) for line, column, _, _ in problems(text)] == [
        (2, 1),
        (5, 42),
        (7, 37),
        (10, 23),
        (10, 45),
    ]


def test_the_first_of_two_documents_is_still_looked_at() -> None:
    found = problems(SMALL.replace("0.3", "30%") + "---\nstory: second\n")
    assert [(line, column) for line, column, _, _ in found] == [(5, 42), (9, 1)]


def test_a_part_of_the_wrong_shape_starts_no_flood() -> None:
    """Where the assumptions cannot be read, no formula is told that its names are unknown."""
    text = SMALL.replace("  aware: {claim: It knows., probability: 0.3}", "  - aware")
    assert [path for _, _, path, _ in problems(text)] == ["assumptions"]
    text = SMALL.replace("- {id: something-else, class: other, bits: 0, harm: 0.05}", "- other")
    text += "checks:\n- {id: audit, flags: {anything: 0.1, default: 0.1}}\n"
    assert [path for _, _, path, _ in problems(text)] == ["routes", "routes[1]"]


def test_one_slip_of_the_pen_is_one_mistake() -> None:
    for right, wrong in [
        ("title:", "titel:"),
        ("probability:", "probabilty:"),
        ("harm: 0.1", "hrm: 0.1"),
        ("desirability:", "desireability:"),
        ("bits: [", "bit: ["),
    ]:
        (problem,) = problems(SMALL.replace(right, wrong))
        assert "did you mean" in problem[3]


def test_a_value_that_cannot_be_read_is_not_called_missing() -> None:
    for value in ("&x 0.3", "*x", "!t 0.3", "010", '"\\x1b"'):
        (found,) = problems(SMALL.replace("bits: 0", f"bits: {value}"))
        assert found[2] == "routes[1].bits"


def test_two_keys_missing_from_one_place_are_both_told() -> None:
    found = problems(SMALL.replace("bits: [-2, 2], harm: 0.1", "kind: schemer"))
    assert [message.split(":")[0] for *_, message in found] == [
        "the key 'bits' is missing",
        "the key 'harm' is missing",
    ]


def test_python_names_are_not_file_keys() -> None:
    (problem,) = problems(SMALL.replace("class: deceptive", "class_: deceptive"))
    assert problem[3] == "found the unknown key 'class_'; did you mean 'class'?"


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, storyodds.scenarios.loader as l; l.load_story('rlhf-assistant');"
        "heavy = {'pymc', 'arviz', 'scipy', 'xarray', 'numpy', 'pytensor'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
