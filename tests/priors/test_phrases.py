"""Suggestions of the nearest name: which one, and how much may be spent on it."""

import difflib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyodds.priors.text import phrases
from storyodds.priors.text.phrases import SLUG_LIMIT, Suggestions, did_you_mean

NAMES = [f"{a}-{b}" for a in ("goal", "reward", "model") for b in ("guarding", "hacking", "aware")]
NAMES += ["bits", "harm", "rates", "trials", "situational-awareness", "deceptive-alignment"]


@given(st.sampled_from(NAMES), st.data())
def test_one_slip_of_the_pen_is_seen_through(name: str, data: st.DataObject) -> None:
    """As by comparing letter by letter with every name, which costs too much where many are."""
    place = data.draw(st.integers(0, len(name) - 1))
    slips = [name[:place] + name[place + 1 :], name[:place] + "x" + name[place:]]
    slips.append(name[:place] + name[place : place + 2][::-1] + name[place + 2 :])
    word = data.draw(st.sampled_from(slips))
    expected = difflib.get_close_matches(word, NAMES, 1)
    hint = did_you_mean(word, NAMES)
    assert hint == ("" if expected == [word] else f"; did you mean '{expected[0]}'?")


@pytest.fixture
def comparisons(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every name that is compared letter by letter."""
    compared: list[str] = []

    class Counting(difflib.SequenceMatcher[str]):
        def set_seq1(self, a: str) -> None:  # type: ignore[override]
            if a:
                compared.append(a)
            super().set_seq1(a)

    monkeypatch.setattr(difflib, "SequenceMatcher", Counting)
    return compared


def long_names(count: int, seed: int) -> list[str]:
    letters = random.Random(seed)
    return ["".join(letters.choices("abcdefgh", k=90)) for _ in range(count)]


def test_few_of_many_names_are_compared_letter_by_letter(comparisons: list[str]) -> None:
    names = long_names(490, 1)
    slip = names[300][:40] + names[300][41:]
    assert did_you_mean(slip, names) == f"; did you mean '{names[300]}'?"
    assert 0 < len(comparisons) <= phrases._SHORTLIST


@pytest.mark.parametrize("count", [3, 490, 6500])
def test_a_file_that_is_wrong_everywhere_costs_no_more(comparisons: list[str], count: int) -> None:
    names, suggestions = long_names(count, 1), Suggestions()
    hints = [suggestions.nearest(names[0][:-i], names) for i in range(1, 6)]
    assert hints[0] == f"; did you mean '{names[0]}'?"
    for word in long_names(1000, 2):
        suggestions.nearest(word, names)
    assert len(comparisons) <= phrases._WORDS * phrases._SHORTLIST
    assert suggestions.nearest(names[0][:-1], names) == ""


def test_names_of_any_length_are_no_suggestion(comparisons: list[str]) -> None:
    assert did_you_mean("x" * SLUG_LIMIT, ["x" * (SLUG_LIMIT + 1)]) == ""
    assert comparisons == []
