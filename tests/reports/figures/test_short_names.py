"""Names in pictures can be told apart, and no negation is cut off."""

import re

import pytest
import xarray as xr

from storyodds.reports.figures.drawing.short_names import short_names
from storyodds.reports.figures.drawing.svg import lines_of, tick_percent, ticks
from storyodds.reports.figures.odds import plot_odds
from storyodds.reports.words.shortening import negated, shortened

STAGES = [
    f"oversight-of-training-run-by-people-who-read-the-traces-at-stage-{k}.probability"
    for k in range(1, 9)
]
PREFIXED = [f"{k}-oversight-of-training-run-by-people-who-read-the-traces" for k in range(1, 9)]
MIDDLE = [f"oversight-of-training-run-{k}-by-people-who-read-the-traces-at-last" for k in "abcd"]


@pytest.mark.parametrize("names", [STAGES, PREFIXED, MIDDLE, ["a" * 90 + str(k) for k in (1, 2)]])
@pytest.mark.parametrize(("width", "lines"), [(24, 2), (24, 1), (36, 1)])
def test_names_that_differ_look_different(names: list[str], width: int, lines: int) -> None:
    short = short_names(names, width, lines)
    shown = [tuple(lines_of(name, width, lines)) for name in short]
    assert len(set(shown)) == len(names)
    assert all(len(line) <= width for name in shown for line in name)


def test_rows_of_a_picture_can_be_told_apart() -> None:
    odds = xr.Dataset(
        {"probability": (("fate", "summary"), [[0.1, 0.1, 0.1, 0.1]] * len(STAGES))},
        coords={"fate": STAGES, "summary": ["mean", "median", "q05", "q95"]},
    )
    svg = plot_odds(odds).svg
    labels = re.findall(r'<text[^>]*class="halo"[^>]*>(?:<title>.*?</title>)?(.*?)</text>', svg)
    assert len(labels) == len(set(labels)) == len(STAGES)


@pytest.mark.parametrize(
    "words",
    [
        "The model keeps to what it was trained to do wherever it cannot tell that it is watched.",
        "Training shapes what the model wants, unless a goal of its own came before.",
        "It doesn't hold that the model is trained away from what it was.",
    ],
)
@pytest.mark.parametrize("longest", [12, 20, 40, 60, 80])
def test_a_sentence_with_a_negation_is_whole_or_not_there(words: str, longest: int) -> None:
    whole = f"First there is a sentence that says so. {words} Then comes another one."
    short = shortened(whole, longest)
    if negated(short):
        assert words.rstrip(".") in short
    assert shortened(words, longest) == words.rstrip(".") or shortened(words, longest) == words


def test_small_probabilities_can_be_read_on_an_axis() -> None:
    at = ticks(3e-9, 8e-9, 4)
    assert [tick_percent(p) for p in at] == ["4e-9", "6e-9", "8e-9"]
    near = [tick_percent(1 - p) for p in at]
    assert near == ["1 − 4e-9", "1 − 6e-9", "1 − 8e-9"]
    assert [tick_percent(p) for p in ticks(0.0, 0.3, 3)] == ["0%", "10%", "20%", "30%"]
