"""What is said of evidence that does nothing, and of how much of a story a view changes."""

import io
from typing import Any

import pytest
from rich.console import Console
from support.building import OFF, believe, item, tell

from storyodds.models.assessment.assessment import assess
from storyodds.priors.library import View
from storyodds.reports.documents.estimate import summarize
from storyodds.reports.documents.head import head
from storyodds.reports.documents.importance import summarize_importance
from storyodds.reports.documents.opinions import ALIKE, CERTAIN, FIXED, opinion_totals
from storyodds.reports.documents.value import summarize_value
from storyodds.reports.terminal.estimate import print_report
from storyodds.reports.terminal.importance import print_importance
from storyodds.reports.terminal.value import print_value
from storyodds.reports.words.recipe import Recipe
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Evidence, Route
from storyodds.scenarios.story import Story

SCHEMER = Route(id="scheme", class_="deceptive", requires="a", bits=1, harm=0.5)
RATES = {"true": 0.9, "false": 0.3}
SAME = {"true": 0.4, "false": 0.4}


def with_evidence(*evidence: Evidence) -> Story:
    chances = {"a": believe({"beta": [2, 3]}), "fixed": believe(0.5), "sure": believe(1)}
    return tell(chances, (SCHEMER, OFF), evidence=list(evidence))


def seen(name: str, about: str, **says: Any) -> Evidence:
    return item(name, {"assumption": about}, **says)


COUNTS = {"hits": 2, "trials": 3}


@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        (seen("e", "a", counts=COUNTS, rates=RATES), None),
        (seen("e", "a", forecast=0.7, sd_bits=1.0), None),
        (seen("e", "fixed", forecast=0.7, sd_bits=1.0), FIXED),
        (seen("e", "sure", counts=COUNTS, rates=RATES), CERTAIN),
        (seen("e", "a", counts=COUNTS, rates=SAME), ALIKE),
        (seen("e", "a", counts=COUNTS, rates=RATES, relevance=0), ALIKE),
    ],
)
def test_evidence_that_does_nothing_is_named(evidence: Evidence, why: str | None) -> None:
    assessment = assess(resolve(with_evidence(evidence)), draws=128)
    expected = {} if why is None else {"e": why}
    assert head(assessment, "x")["idle_evidence"] == expected
    summary = summarize(assessment)
    assert summary["evidence"]["items"][0]["why_idle"] == why
    bare = summarize(assess(resolve(with_evidence()), draws=128))
    moves = summary["fates"]["success"]["mean"] != pytest.approx(bare["fates"]["success"]["mean"])
    assert moves == (why is None)


def printed(show: Any, summary: dict[str, Any]) -> str:
    file = io.StringIO()
    show(Console(file=file, width=100, highlight=False), summary)
    return " ".join(file.getvalue().split())


def test_every_answer_has_totals_without_opinions() -> None:
    story = with_evidence(
        seen("judge", "a", forecast=0.9, sd_bits=0.5),
        seen("idler", "fixed", forecast=0.9, sd_bits=0.5),
    )
    assessment = assess(resolve(story, standard=True), draws=256)
    totals = opinion_totals(assessment)
    assert totals is not None and (totals["forecasts"], totals["idle"]) == (
        ["judge", "idler"],
        ["idler"],
    )
    bare = summarize(assess(resolve(with_evidence()), draws=256))
    for fate, entry in totals["fates"].items():
        assert entry["mean"] == pytest.approx(bare["fates"][fate]["mean"], rel=0.05)
    for show, summary in (
        (print_report, summarize(assessment)),
        (print_importance, summarize_importance(assessment)),
        (print_value, summarize_value(assessment)),
    ):
        assert summary["opinions"] == totals
        if show is print_report:
            text = printed(lambda console, doc: print_report(console, doc, Recipe("x")), summary)
        else:
            text = printed(show, summary)
        assert "Forecasts are opinions, not findings; without them: success" in text
        assert "idler does nothing: it is about a number that is fixed." in text


@pytest.mark.parametrize(
    ("settings", "count", "words"),
    [
        ({"a": 0.3, "fixed": 0.6}, 2, "View mine changes 2 of the 6 numbers of the story."),
        ({"a": 0.3, "fixed": 0.5}, 1, "View mine changes 1 of the 6 numbers of the story."),
        ({"elsewhere": 0.3}, 0, "View mine changes none of the 6 numbers of the story"),
    ],
)
def test_how_much_of_a_story_a_view_changes(
    settings: dict[str, float], count: int, words: str
) -> None:
    view = View(view="mine", title="Mine", set=settings)
    summary = summarize(assess(resolve(with_evidence(), view=view), draws=64))
    total = summary["number_counts"]["in_all"]
    assert summary["number_counts"]["changed_by_view"] == count
    text = printed(lambda console, doc: print_report(console, doc, Recipe("x")), summary)
    assert words.replace("6", str(total)) in text


def test_a_risk_argument_is_asked_about_catastrophe() -> None:
    story = with_evidence().model_copy(update={"kind": "risk-argument"})
    assessment = assess(resolve(story), draws=64)
    summary = summarize(assessment)
    text = printed(lambda console, doc: print_report(console, doc, Recipe("x")), summary)
    assert "success" not in text and "four criteria" not in text
    value = summarize_value(assessment)
    assert value["of"] == "catastrophe" and "success" not in printed(print_value, value)
