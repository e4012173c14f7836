"""The strict reader: what it reads, where it says things stand, and what it refuses."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from storyodds.priors.text import yaml_reader
from storyodds.priors.text.errors import UNSAFE, InputError
from storyodds.priors.text.yaml_reader import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_NODES,
    read_document,
    read_file,
)


def refusals(text: str) -> list[tuple[int | None, int | None, str]]:
    """Give line, column and sentence of every problem of a text."""
    with pytest.raises(InputError) as caught:
        read_document(text, "a.yaml")
    return [(problem.line, problem.column, problem.message) for problem in caught.value.problems]


def test_the_fast_parser_is_there() -> None:
    assert yaml_reader._LOADER is yaml.CSafeLoader


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("tRue", "tRue"),
        ("null", None),
        ("~", None),
        ("", None),
        ("'null'", "null"),
        ("'1'", "1"),
        ("1", 1),
        ("+1", 1),
        ("-17", -17),
        ("0", 0),
        ("-0.5", -0.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2026-11-23", "2026-11-23"),
        (".inf", ".inf"),
        ("-.inf", "-.inf"),
        (".nan", ".nan"),
        ("<<", "<<"),
        ("=", "="),
        ("999999999999999999", 10**18 - 1),
        ('"a\\tb\\u00e9"', "a\tbé"),
        ("|\n  two\n  lines\n", "two\nlines\n"),
        (">-\n  one\n  line\n", "one line"),
        ("[]", []),
        ("{}", {}),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: Any) -> None:
    read = read_document(f"key: {text}", "a.yaml").data["key"]
    assert read == value
    assert type(read) is type(value)


def test_keys_are_text() -> None:
    document = read_document("{1: a, true: b, null: c, ~: d, 1.5: e, 010: f, no: g}", "a.yaml")
    assert list(document.data) == ["1", "true", "null", "~", "1.5", "010", "no"]


def test_keys_named_as_merges_and_classes_are_only_text() -> None:
    assert read_document("<<: {a: 1}", "a.yaml").data == {"<<": {"a": 1}}
    assert read_document("__class__: x", "a.yaml").data == {"__class__": "x"}


def test_every_value_and_key_has_its_place() -> None:
    text = "a: 1\nb:\n  - x\n  - {c: 2, d: [3,  4]}\ne: |\n  text\nf:\n"
    document = read_document(text, "a.yaml")
    assert document.place(()) == (1, 1)
    assert document.place(("a",), key=True) == (1, 1)
    assert document.place(("a",)) == (1, 4)
    assert document.place(("b",)) == (3, 3)
    assert document.place(("b", 0)) == (3, 5)
    assert document.place(("b", 1, "d"), key=True) == (4, 12)
    assert document.place(("b", 1, "d", 1)) == (4, 20)
    assert document.place(("e",)) == (5, 4)
    assert document.place(("f",), key=True) == (7, 1)
    assert document.place(("f",)) == (7, 3)


def test_what_is_not_there_has_the_place_around_it() -> None:
    document = read_document("a:\n  b: 1\n", "a.yaml")
    assert document.place(("a", "zzz", 5)) == (2, 3)
    assert document.place(("a", "zzz"), key=True) == (2, 3)
    assert read_document("", "a.yaml").place(("a",)) == (1, 1)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_places_do_not_depend_on_the_kind_of_line_break(line_break: str) -> None:
    text = line_break.join(["a: 1", "é😀: 2", "c: {d: 3}"])
    document = read_document(text, "a.yaml")
    assert document.place(("é😀",)) == (2, 5)
    assert document.place(("c", "d")) == (3, 8)


def test_a_byte_order_mark_at_the_start_is_passed_over() -> None:
    document = read_document("\ufeffa: 1\n", "a.yaml")
    assert document.data == {"a": 1}
    assert document.place(("a",)) == (1, 4)


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, "'a' a second time"),
        ("a: &x 1\n", 1, 4, "anchor '&x'"),
        ("a: [*x]\n", 1, 5, "alias '*x'"),
        (
            "a: !!python/object/apply:os.system [ls]\n",
            1,
            4,
            "tag '!!python/object/apply:os.system'",
        ),
        ("a: !local 1\n", 1, 4, "tag '!local'"),
        ("a: !!int 1\n", 1, 4, "tag '!!int'"),
        ("a: ! 1\n", 1, 4, "tag '!'"),
        ("a: 1\n---\nb: 2\n", 2, 1, "second document"),
        ("? [a]\n: 1\n", 1, 3, "a list as a key"),
        ("? {a: b}\n: 1\n", 1, 3, "a mapping as a key"),
        ("a: " + "1" * 5000, 1, 4, "whole number of 5000 digits"),
        ("a: 010\n", 1, 4, "octal"),
        ("a: 0o17\n", 1, 4, "decimal digits"),
        ("a: 0x1F\n", 1, 4, "decimal digits"),
        ("a: 1e999\n", 1, 4, "below 1.8e308"),
        ("a: x\u202ey\n", 1, 5, "U+202E"),
        ("a: x\u2066y\n", 1, 5, "U+2066"),
        ("a: x\u200fy\n", 1, 5, "U+200F"),
        ("a: x\u061cy\n", 1, 5, "U+061C"),
        ("a: x\ufeffy\n", 1, 5, "U+FEFF"),
        ("a: x\x00y\n", 1, 5, "U+0000"),
        ("a: x\x1by\n", 1, 5, "U+001B"),
        ("a: x\x7fy\n", 1, 5, "U+007F"),
        ("a: x\x85y\n", 1, 5, "U+0085"),
        ("a: x\u2028y\n", 1, 5, "U+2028"),
        ("a: x\ud800y\n", 1, 5, "U+D800"),
        ("# a comment\x07\na: 1\n", 1, 12, "U+0007"),
        ('a: "x\\x1by"\n', 1, 6, "U+001B"),
        ('a: "x\\ey"\n', 1, 6, "U+001B"),
        ('a: "x\n  \\u202e"\n', 2, 3, "U+202E"),
        ('a: "\\U0000200E"\n', 1, 5, "U+200E"),
        ('"\\0": 1\n', 1, 2, "U+0000"),
        ("a:\n\tb: 1\n", 2, 1, "tab"),
        ("a: b: c\n", 1, 5, "': ' inside a value"),
        ("a: 'x\n", 1, 4, "quote that is never closed"),
        ("a: [1, 2\nb: 3\n", 1, 4, "list that goes wrong"),
        ("a: {b: 2\n", 1, 4, "mapping that goes wrong"),
        ("a: @x\n", 1, 4, "cannot begin a value"),
        ("a: 1\n b: 2\n", 2, 3, "': ' inside a value"),
        ("a:\n  - 1\n b: 2\n", 3, 2, "out of line"),
    ],
)
def test_refusals_name_the_place(text: str, line: int, column: int, words: str) -> None:
    (first, *_) = refusals(text)
    assert first[:2] == (line, column)
    assert words in first[2]


def test_an_escaped_backslash_hides_nothing() -> None:
    assert read_document('a: "\\\\x1b"', "a.yaml").data == {"a": "\\x1b"}


def test_all_that_can_be_found_is_told_in_order() -> None:
    text = "a: 1\na: &x 2\nb: *x\nc: !t 3\nd: 010\ne: \u202ex\nf: [1, {a: 1, a: 2}]\n"
    messages = refusals(text)
    assert [(line, column) for line, column, _ in messages] == [
        (2, 1),
        (2, 4),
        (3, 4),
        (4, 4),
        (5, 4),
        (6, 4),
        (7, 15),
    ]


def test_what_is_found_before_a_syntax_error_is_told_as_well() -> None:
    messages = refusals("a: 1\na: 2\nb: [1 2: 3: 4]\n")
    assert [line for line, _, _ in messages] == [2, 3]


def test_the_first_of_two_keys_is_named_by_its_line() -> None:
    assert "the first is on line 2" in refusals("x: 0\na: 1\nb: 2\na: 3\n")[0][2]


def test_depth() -> None:
    deep = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert read_document(deep, "a.yaml").data == eval(deep)
    assert refusals("[" + deep + "]")[0][:2] == (1, MAX_DEPTH + 1)


def test_a_file_of_too_many_entries_is_refused_where_they_become_too_many() -> None:
    """By one sentence: what is wrong with so many entries is not looked for."""
    ((line, _, sentence),) = refusals("a:\n" + "- {}\n" * MAX_NODES)
    assert sentence == f"found more than {MAX_NODES:,} entries, expected fewer"
    assert MAX_NODES // 2 - 10 < line <= MAX_NODES // 2  # a start and an end each


FLOWS = ["[", "{", "{a: ", "{? ", "[{", "{[a: ", "{'[': {'{': "]
BLOCKS = ["- ", "? ", "- ? ", "'a': [", "? ["]


@pytest.mark.parametrize("opening", FLOWS + BLOCKS)
@pytest.mark.parametrize("lead", ["", "top:\n  ", "# [[[ '{{' \n---\n- "])
def test_the_deepest_nesting_is_refused_at_once(opening: str, lead: str) -> None:
    """In our own words, at the first level too many, whatever cap the parser has of its own."""
    start = time.perf_counter()
    line, column, sentence = refusals(lead + opening * 100_000)[-1]
    assert sentence == f"found more than {MAX_DEPTH} levels of nesting, expected fewer"
    assert line == lead.count("\n") + 1
    assert column is not None and column <= len(lead) + (MAX_DEPTH + 1) * len(opening)
    assert time.perf_counter() - start < 1


def test_deep_mappings_on_lines_of_their_own_are_refused() -> None:
    deep = "\n".join(" " * level + "a:" for level in range(1500))
    assert refusals(deep)[-1] == (
        MAX_DEPTH + 1,
        MAX_DEPTH + 1,
        f"found more than {MAX_DEPTH} levels of nesting, expected fewer",
    )


class LowCap(yaml.CSafeLoader):
    """A parser that gives up just above our own cap, before it hands anything over."""

    def check_event(self, *choices: Any) -> bool:
        if "[" * (MAX_DEPTH + 2) in self.text:
            mark = yaml.Mark("", MAX_DEPTH + 1, 0, MAX_DEPTH + 1, None, None)
            raise yaml.scanner.ScannerError(None, None, "some words", mark)
        return super().check_event(*choices)

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(text)


def test_a_parser_with_a_lower_cap_in_other_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_reader, "_LOADER", LowCap)
    ((line, column, sentence),) = refusals("[" * 2000)
    assert (line, column) == (1, MAX_DEPTH + 1)
    assert "levels of nesting" in sentence


def test_an_error_after_little_nesting_stays_what_it_is() -> None:
    assert "quote" in refusals("[" * (MAX_DEPTH - 1) + "'x")[-1][2]


def test_a_bomb_of_aliases_is_refused() -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    messages = refusals("a0: &a0 [x]\n" + "\n".join(levels))
    assert "anchor" in messages[0][2]


def test_size_is_refused_before_parsing() -> None:
    assert refusals("x" * (MAX_BYTES + 1))[0][2] == "found more than 4 MiB, expected a smaller file"
    assert "4 MiB" in refusals("é" * (MAX_BYTES // 2 + 1))[0][2]


def test_too_many_entries_are_refused() -> None:
    assert "entries" in refusals("[" + "1," * 300_000 + "]")[0][2]


def test_a_file_of_hidden_characters_is_refused_in_time() -> None:
    start = time.perf_counter()
    assert len(refusals("\x01" * 4_000_000)) == yaml_reader.MAX_PROBLEMS
    assert time.perf_counter() - start < 5


def test_a_byte_that_is_not_utf_8_has_a_place(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("ok: é\r\nname: caf".encode() + b"\xe9\n")
    with pytest.raises(InputError) as caught:
        read_file(path)
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (2, 10)
    assert problem.message == "found the byte 0xe9, expected text encoded as UTF-8"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, words in [(tmp_path / "no.yaml", "no such file"), (tmp_path, "directory")]:
        with pytest.raises(InputError, match=words):
            read_file(path)
    large = tmp_path / "large.yaml"
    large.write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(InputError, match="more than 4 MiB"):
        read_file(large)


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_junk_is_read_or_refused(text: str) -> None:
    try:
        document = read_document(text, "junk.yaml")
    except InputError as error:
        assert error.problems
        assert str(error)
    else:
        assert not UNSAFE.search(text.removeprefix("\ufeff"))
        assert document.place(()) >= (1, 1)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**17), 10**17),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])),
)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner),
    max_leaves=20,
)


@given(DATA)
@settings(max_examples=200, deadline=None)
def test_what_json_writes_is_read_back(data: Any) -> None:
    """JSON is YAML 1.2, and every value in it has a place that holds it."""
    text = json.dumps({"top": data}, ensure_ascii=False)
    if UNSAFE.search(text):
        return
    document = read_document(text, "a.json")
    assert document.data == {"top": data}
    line, column = document.place(("top",))
    assert (line, text[column - 1]) == (1, json.dumps(data, ensure_ascii=False)[0])
