"""The sentence on checks that fail together says no figure twice."""

from typing import Any

import pytest

from storyodds import load_story
from storyodds.models.assessment.assessment import assess
from storyodds.reports.documents.cards.card import make_card
from storyodds.reports.documents.cards.narrative import narrative
from storyodds.reports.documents.estimate import summarize
from storyodds.reports.figures.card import plot_card
from storyodds.reports.words.checks_together import together_words
from storyodds.scenarios.resolve import resolve

ALL_AT_ONCE = "if whatever escapes the best of them escapes them all"
KEEPING = "each check keeping its own rates."


def sentence(stated: float, independent: float | None, as_one: float | None) -> str | None:
    def odds(mean: float | None) -> dict[str, float] | None:
        return None if mean is None else dict.fromkeys(("mean", "median", "q05", "q95"), mean)

    by_end: Any = {
        "stated": odds(stated),
        "independent": odds(independent),
        "as_one": odds(as_one),
    }
    document: Any = {"check_dependence": {"catastrophe": by_end}, "diagnostics": {}}
    return together_words(document)


@pytest.mark.parametrize(
    ("means", "words"),
    [
        (
            (0.02, 0.02, 0.05),
            "Catastrophe has 2.0% if the checks fail independently, as stated, and would have 5.0% "
            f"{ALL_AT_ONCE}, {KEEPING}",
        ),
        (
            (0.02, 0.02, 0.0201),
            "Catastrophe has 2.0% if the checks fail independently, as stated, and as much "
            f"{ALL_AT_ONCE}, {KEEPING}",
        ),
        (
            (0.03, 0.02, 0.05),
            "Catastrophe has 3.0% with checks that fail together as stated; it would have 2.0% if "
            f"they failed independently, and 5.0% {ALL_AT_ONCE}, {KEEPING}",
        ),
        (
            (0.0201, 0.02, 0.05),
            "Catastrophe has 2.0% with checks that fail together as stated, and as much if they "
            f"failed independently; it would have 5.0% {ALL_AT_ONCE}, {KEEPING}",
        ),
        (
            (0.0499, 0.02, 0.05),
            f"Catastrophe has 5.0% with checks that fail together as stated, and as much "
            f"{ALL_AT_ONCE}; it would have 2.0% if they failed independently, {KEEPING}",
        ),
        (
            (0.0201, 0.02, 0.0202),
            "Catastrophe has 2.0% with checks that fail together as stated, and as much either "
            f"way: if they failed independently, and {ALL_AT_ONCE}, {KEEPING}",
        ),
        ((0.02, None, 0.05), None),
        ((0.02, 0.02, None), None),
    ],
)
def test_figures_that_read_alike_are_given_once(means: Any, words: str | None) -> None:
    assert sentence(*means) == words


def test_the_rlhf_story_says_on_its_card_how_far_it_leans_on_independence() -> None:
    """A schemer may evade all checks at once; the card, its picture and its text say what of it."""
    resolved = resolve(load_story("rlhf-assistant"))
    assessment = assess(resolved, draws=512)
    document = summarize(assessment)
    odds = document["check_dependence"]
    assert odds is not None
    ends = {key: entry["mean"] for key, entry in odds["catastrophe"].items() if entry}
    assert ends["independent"] < ends["stated"] < ends["as_one"]
    card = make_card(document, resolved, {})
    assert card.together == together_words(document)
    assert card.together.startswith("Catastrophe has ")
    assert card.together in narrative(document, card)
    figure = plot_card(card)
    assert "escapes them all" in " ".join(str(figure.svg).split())
    (cause,) = resolved.common_causes
    shares = [n for n in resolved.numbers if n.name.startswith(f"{cause.id}.share")]
    assert {number.basis for number in shares} == {"assumed"}
