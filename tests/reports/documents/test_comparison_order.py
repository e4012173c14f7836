"""What is said of where two sides change order."""

import json
from dataclasses import replace
from typing import Any

import pytest
from support.building import OFF, believe, tell

from storyodds.models.assessment.assessment import assess
from storyodds.reports.documents.comparison.order import summarize_tipping, tipping_sentences
from storyodds.reports.documents.comparison.sides import Side, story_side
from storyodds.reports.documents.comparison.whole import summarize_comparison
from storyodds.reports.terminal.comparison_order import tipping_lines
from storyodds.reports.terminal.layout import wrap
from storyodds.scenarios.grammar.formulas import AllOf
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route


def side(name: str, requires: Any, harm: Any = 0.5, **believed: Any) -> Side:
    schemer = Route(id="scheme", class_="deceptive", requires=requires, bits=60, harm=harm)
    story = tell({name: believe(prior) for name, prior in believed.items()}, [schemer, OFF])
    return story_side(assess(resolve(story), draws=512), name)


@pytest.fixture(scope="module")
def sides() -> list[Side]:
    both = AllOf(all=("b", "not a"))
    return [
        side("plain", "a", a=[0.2, 0.6]),
        side("crossed", both, a=[0.2, 0.6], b=[0.1, 0.7]),
        side("sure", "a", a=0.97),
    ]


def printed(found: Any, width: int = 80) -> str:
    lines = (line for block in tipping_lines(found, width) for line in wrap(block, width))
    return "\n".join(line.plain for line in lines)


def test_neighbors_in_rank_are_compared(sides: list[Side]) -> None:
    tipping = summarize_tipping(sides)
    pairs = [(entry["event"], entry["first"], entry["second"]) for entry in tipping]
    assert len(pairs) == 4
    for event in ("success", "catastrophe"):
        mine = [pair for pair in pairs if pair[0] == event]
        assert mine[0][2] == mine[1][1]
        odds = {side.name: side.odds[event]["mean"] for side in sides}
        for _, first, second in mine:
            assert (odds[first] or 0) > (odds[second] or 0)


def test_the_object_is_plain_and_says_whose_number_it_is(sides: list[Side]) -> None:
    tipping = summarize_tipping(sides[:2])
    assert json.loads(json.dumps(tipping, allow_nan=False)) == tipping
    for entry in tipping:
        assert entry["numbers"] == 2 and entry["why"] is None
        of = {point["number"]: set(point["of"]) for point in entry["points"]}
        if entry["event"] == "catastrophe":
            assert of == {"a.probability": {"plain", "crossed"}, "b.probability": {"crossed"}}
        chances = [point["prior_chance"] for point in entry["points"]]
        assert chances == sorted(chances, reverse=True)
        assert all(0 < p < 1 for p in chances)
        assert all(point["error"] == 0 for point in entry["points"])  # nothing is sampled
    summary = summarize_comparison(sides[:2], draws=256)
    assert summary["tipping"] == tipping
    assert set(tipping_sentences(tipping)) <= set(summary["summary"])


def test_in_words(sides: list[Side]) -> None:
    tipping = summarize_tipping(sides[:2])
    said = " ".join(tipping_sentences(tipping))
    assert "plain has more catastrophe than crossed; it would be the other way round" in said
    text = printed(tipping)
    assert "Where two change order" in text and "In parentheses: the chance of that" in text
    assert "in both at once; both" in text and "in crossed; both" in text
    apart = summarize_tipping([sides[0], sides[2]])
    assert "no number alone, within its prior, changes that" in " ".join(tipping_sentences(apart))
    text = " ".join(printed(apart).split())
    assert "No number alone, within its prior, changes that." in text


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_no_line_is_too_long(sides: list[Side], width: int) -> None:
    for line in printed(summarize_tipping(sides), width).splitlines():
        assert len(line) <= width and line == line.rstrip()


def test_why_nothing_is_looked_for(sides: list[Side]) -> None:
    equal = summarize_tipping([sides[0], replace(sides[0], name="again")])
    assert {entry["why"] for entry in equal} == {"both have the same odds"}
    saved = summarize_tipping([sides[0], replace(sides[1], base=None)])
    assert all("of crossed no story is at hand" in entry["why"] for entry in saved)
    assert all(entry["points"] is None for entry in saved)
    assert printed(saved) == "" and list(tipping_sentences(saved)) == []
