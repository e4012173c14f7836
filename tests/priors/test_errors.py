"""How a problem looks on a screen."""

import pickle

import pytest

from storyodds.priors.text.errors import (
    InputError,
    Problem,
    UnknownStoryError,
    printable,
    render,
    shown,
)


def caret(problem: Problem) -> tuple[str, str]:
    """Give the source line and the caret line of a problem, without their margins."""
    _, source, mark = render(problem).split("\n")
    return source.split(" | ", 1)[1], mark.split(" | ", 1)[1]


def test_parts_that_are_not_known_are_left_out() -> None:
    assert render(Problem("no")) == "no"
    assert render(Problem("no", key_path="a.b")) == "a.b: no"
    assert render(Problem("no", "f", 3)) == "f:3: no"


def test_the_caret_stands_under_the_column() -> None:
    assert caret(Problem("no", "f", 1, 4, source_line="a: b")) == ("a: b", "   ^")
    assert caret(Problem("no", "f", 1, 3, source_line="\tab")) == ("    ab", "     ^")


def test_wide_and_joined_letters_are_counted_in_cells() -> None:
    assert caret(Problem("no", "f", 1, 3, source_line="漢字x"))[1] == "    ^"
    assert caret(Problem("no", "f", 1, 3, source_line="e\u0301x"))[1] == " ^"


def test_a_column_past_the_end_is_held_to_the_line() -> None:
    assert caret(Problem("no", "f", 1, 99, source_line="ab"))[1] == "  ^"
    assert caret(Problem("no", "f", 1, 1, source_line=""))[1] == "^"


def test_long_lines_are_cut_around_the_caret() -> None:
    line = "a" * 5000 + "X" + "b" * 5000
    source, mark = caret(Problem("no", "f", 1, 5001, source_line=line))
    assert len(source) < 110
    assert source[len(mark) - 1] == "X"
    assert source.startswith("… ")
    assert source.endswith(" …")


def test_nothing_that_a_terminal_obeys_gets_through() -> None:
    problem = Problem("found '\x1b[2J'", "a\x07.yaml", 1, 1, "k\u202e", "\x1b[31m\u202e\x00\x9b")
    shown = render(problem)
    assert not any(letter in shown for letter in "\x1b\x07\u202e\x00\x9b")
    assert printable("a\u202eb") == "a\\u202eb"


def test_an_error_survives_a_trip_between_processes() -> None:
    error = UnknownStoryError([Problem("one", "f", 1, 2), Problem("two")])
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is UnknownStoryError
    assert again.problems == error.problems
    assert str(again) == "f:1:2: one\ntwo"


def test_very_many_problems_are_counted() -> None:
    assert str(InputError([Problem("no")] * 60)).endswith("\n… and 10 more")
    assert str(InputError("plain")) == "plain"


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f469\u200d\U0001f680",  # an astronaut: a woman joined to a rocket
        "\u2714\ufe0f 1\ufe0f\u20e3",  # a check mark and a key, as pictures
        "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian, a letter kept apart
        "\u0915\u094d\u200d\u0937",  # Devanagari, a half letter
        "e\u0301 \u6f22\u5b57 \u2013 \u2212 \xa0",
    ],
)
def test_what_is_seen_stays(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    "letter",
    "\x1b\x07\x08\x00\x7f\x9b\x85\u2028\u202e\u2066\u061c\u200b\u200c\u200d\u2060\u2063\xad\u034f"
    "\u115f\u3164\uffa0\ufe0f\ufe0e\ufe01\ufeff\U000e0001\U000e0041\U000e0100\ufff9\uffff\r",
    ids=lambda letter: f"U+{ord(letter):04X}",
)
def test_what_nobody_sees_is_written_out(letter: str) -> None:
    """Between Latin letters, where none of them has anything to do."""
    assert printable(f"pay{letter}ment").isascii()
    assert printable(letter).isascii()


def test_a_name_stays_on_its_line() -> None:
    assert shown("a\nb\tc\rd") == "a\\nb\\tc\\rd"
    assert render(Problem("found 'x\ny'", "a\nb.yaml", key_path="k\ty")).count("\n") == 0
