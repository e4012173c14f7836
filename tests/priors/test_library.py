"""The packs and the views that ship, and files that are not as they should be."""

from pathlib import Path

import pytest

from storyodds.priors import library
from storyodds.priors.distributions.forms import parse_prior
from storyodds.priors.text.errors import InputError


def test_every_shipped_file_can_be_read() -> None:
    for name in library.pack_names():
        assert library.pack(name).pack == name
    for name in library.view_names():
        assert library.view(name).view == name


def test_an_entry_is_found_by_pack_and_name() -> None:
    entry = library.pack_entry("carlsmith-2022/aps-feasible")
    assert (entry.value, entry.basis, entry.given) == (0.65, "elicited", "nothing")
    assert (entry.who, entry.year, entry.read) == ("Joseph Carlsmith", 2022, "primary")
    assert entry.source.url == "https://arxiv.org/abs/2206.13353"


ENTRIES = {
    f"{name}/{key}": entry
    for name in library.pack_names()
    for key, entry in library.pack(name).entries.items()
}


def test_every_number_of_others_can_be_looked_up() -> None:
    for ref, entry in ENTRIES.items():
        assert parse_prior(entry.value, "probability"), ref
        assert entry.source.url is not None, ref
        assert (entry.basis == "assumed") == (
            entry.source.cite.startswith("storyodds") or "fictional" in entry.who
        ), ref


def test_what_is_no_best_guess_says_so() -> None:
    for ref, entry in ENTRIES.items():
        if "bound" in ref:
            assert entry.note is not None and "bound, not a best guess" in entry.note
        if entry.basis == "measured" and "counts" not in str(entry.value):
            assert entry.note is not None, f"{ref}: a rate without its count, and no word on that"


def test_findings_that_conflict_say_so() -> None:
    here, there = (f"empirical-rates/oversight-off-o1-{name}" for name in ("apollo", "card"))
    assert ENTRIES[here].value != ENTRIES[there].value
    for one, other in ((here, there), (there, here)):
        note = ENTRIES[one].note or ""
        assert other.partition("/")[2] in note and "do not pool" in note


WRONG_PACK = """\
pack: wrong
title: A pack with mistakes
entries:
  a: {claim: It rains., given: nothing, who: Ann, year: 2020, value: 0.3, basis: elicited,
      source: {cite: Ann 2020}, read: hearsay}
  b: {claim: It rains., who: Ann, year: last, value: 30%, basis: guessed, read: primary}
"""


def test_all_mistakes_of_a_pack_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(WRONG_PACK)
    monkeypatch.setattr(library, "_shipped_files", lambda folder: {"wrong": path})
    with pytest.raises(InputError) as caught:
        library.pack.__wrapped__("wrong")
    told = [(p.line, p.key_path, p.message) for p in caught.value.problems]
    assert [line for line, _, _ in told] == [5, 6, 6, 6, 6, 6]
    assert {path for _, path, _ in told} == {
        "entries.a.read",
        "entries.b",
        "entries.b.year",
        "entries.b.value",
        "entries.b.basis",
    }
    missing = {message for _, path, message in told if path == "entries.b"}
    assert missing == {"the key 'given' is missing", "the key 'source' is missing"}


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        ("carlsmith-2022/aps-feasable", "did you mean 'carlsmith-2022/aps-feasible'?"),
        ("carlsmith-2022", "expected an entry of a prior pack"),
        ("../../etc/passwd", "expected an entry of a prior pack"),
        ("", "expected an entry of a prior pack"),
    ],
)
def test_an_unknown_entry_names_the_nearest(ref: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        library.pack_entry(ref)
    assert words in str(caught.value)


def test_an_unknown_pack_or_view_says_so() -> None:
    with pytest.raises(InputError, match="did you mean 'carlsmith-2022'"):
        library.pack("carlsmith-2023")
    with pytest.raises(InputError, match="expected the name of a view"):
        library.view("no-such-view-anywhere")


def test_a_view_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("view: mine\ntitle: My view\nset:\n  aware: [0.1, 0.4]\n  nudge: -3\n")
    assert library.view(path).set == {"aware": [0.1, 0.4], "nudge": -3}
    assert library.view(str(path)) == library.view(path)


def test_all_mistakes_of_a_view_are_told_with_their_places(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("view: Wrong\ntitel: X\nset:\n  aware: 20%\n  other: [0.4, 0.1]\n")
    with pytest.raises(InputError) as caught:
        library.view(path)
    assert [(p.line, p.column, p.key_path) for p in caught.value.problems] == [
        (1, 7, "view"),
        (2, 1, "titel"),
        (4, 10, "set.aware"),
        (5, 10, "set.other"),
    ]
    assert "expected the lower end first" in caught.value.problems[3].message


def test_nothing_shipped_is_no_mistake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(library, "_shipped", lambda folder: tmp_path / folder)
    library._shipped_files.cache_clear()
    try:
        assert library.pack_names() == ()
        assert library.view_names() == ()
    finally:
        library._shipped_files.cache_clear()


def test_a_shipped_file_is_named_after_its_view(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("view: yours\ntitle: A view\nset: {aware: 0.5}\n")
    monkeypatch.setattr(library, "_shipped_files", lambda folder: {"mine": path})
    with pytest.raises(InputError, match="found 'yours', expected 'mine', the name of its file"):
        library._shipped_view.__wrapped__("mine")


def test_a_view_that_has_changed_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    for number in (0.1, 0.2):
        file.write_text(f"view: mine\ntitle: Mine\nset: {{aware: {number}}}\n", "utf-8")
        assert library.view(file).set == library.view(str(file)).set == {"aware": number}
