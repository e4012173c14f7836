"""Notebooks show results and stories, and nothing that stands in them runs there."""

import copy
import json
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest
from support.features import features
from support.hostile_story import ATTACK, hostile_story

from storyodds import Story, estimate, load_story, summarize
from storyodds.models.assessment.assessment import assess
from storyodds.reports.documents.estimate import summarize as summary_of
from storyodds.reports.documents.sensitivity.whole import summarize_sensitivity
from storyodds.reports.documents.value import summarize_value
from storyodds.reports.notebook.document import Document
from storyodds.reports.words.numbers import percent
from storyodds.scenarios.loader import bundled_stories
from storyodds.scenarios.resolve import resolve

SMALL = "cat-classifier"
ALLOWED = {"div", "p", "strong", "code", "table", "thead", "tbody", "tr", "th", "td"}

DRAWN = {"svg", "style", "title", "desc", "g", "rect", "circle", "line", "path", "text", "tspan"}
METADATA = {"metadata", "rdf:rdf", "rdf:description", "dc:title", "dc:creator", "dc:description"}
METADATA |= {"dc:source"}


class Read(HTMLParser):
    """The elements, attributes, text and rows of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.rows: list[list[str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {f"{name}={value}" for name, value in attrs}
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


@cache
def documents() -> dict[str, Any]:
    assessed = assess(resolve(hostile_story(SMALL), standard=True), draws=256)
    return {
        "estimate": summary_of(assessed),
        "sensitivity": summarize_sensitivity(assessed, ["local", "failure"]),
        "value": summarize_value(assessed),
        "unknown": {"schema": f"storyodds/{ATTACK}/1", "title": ATTACK, "story": ATTACK},
        "bare": {"schema": ATTACK},
        "empty": {},
    }


def harmless(html: str) -> Read:
    read = Read(html)
    if "svg" in read.tags:
        assert read.tags <= ALLOWED | DRAWN | METADATA
        assert not any(name.startswith(("on", "href", "src")) for name in read.attributes)
    else:
        assert read.tags <= ALLOWED
        assert read.attributes <= {"class=tex2jax_ignore mathjax_ignore"}
    return read


@pytest.mark.parametrize("name", ["estimate", "sensitivity", "value", "unknown", "bare", "empty"])
def test_hostile_text_is_text(name: str) -> None:
    document = documents()[name]
    read = harmless(Document(document)._repr_html_())
    assert document.get("title", "") in read.text


def test_an_estimate_shows_its_odds() -> None:
    document = documents()["estimate"]
    rows = Read(Document(document)._repr_html_()).rows
    for name, entry in document["fates"].items():
        assert any(row[:2] == [name, percent(entry["mean"])] for row in rows)
    assert "<svg" in Document(document)._repr_html_()
    first = document["paths"][0]
    assert any(row[0] == (first["hazard"] or first["route"]) for row in rows)


@pytest.mark.parametrize("name", ["estimate", "sensitivity", "value"])
def test_every_row_is_as_wide_as_its_head(name: str) -> None:
    width = 0
    for table in Document(documents()[name])._repr_html_().split("<table>")[1:]:
        for row in Read(f"<table>{table}").rows:
            width = width if len(row) == width else len(row)
        assert {len(row) for row in Read(f"<table>{table}").rows} == {width}


def test_what_is_not_reliable_says_so() -> None:
    document = copy.deepcopy(documents()["estimate"])
    assert "NOT RELIABLE" not in Document(document)._repr_html_()
    document["diagnostics"] |= {"ok": False, "messages": ["too <i>few</i> draws"]}
    read = harmless(Document(document)._repr_html_())
    assert "NOT RELIABLE" in read.text and "too <i>few</i> draws" in read.text


def test_summarize_gives_a_dict_that_shows_itself() -> None:
    story = load_story("carlsmith-six-premises")
    doc = summarize(estimate(story))
    assert isinstance(doc, Document)
    plain = json.loads(json.dumps(doc))
    assert doc == plain and plain == doc and type(plain) is dict
    harmless(doc._repr_html_())


@pytest.mark.parametrize("name", bundled_stories())
def test_every_story_shows_itself(name: str) -> None:
    story = load_story(name)
    read = harmless(story._repr_html_())
    assert [row[0] for row in read.rows[1:]] == [route.id for route in story.routes]
    assert " ".join(story.title.split()) in read.text


def test_results_and_mechanisms_are_shown_where_there_are_any() -> None:
    plain = load_story("coinrun-agent")
    assert "Mechanism" not in harmless(plain._repr_html_()).text
    route, check = plain.routes[0], plain.checks[0]
    story = plain.model_copy(
        update={
            "routes": (route.model_copy(update={"mechanism": "wrong-proxy"}), *plain.routes[1:]),
            "checks": (check.model_copy(update={"result": "passed"}), *plain.checks[1:]),
        }
    )
    read = harmless(story._repr_html_())
    assert [row[3] for row in read.rows] == [
        "Mechanism",
        "wrong-proxy",
        *[""] * len(plain.routes[1:]),
    ]
    assert f"Checks with a result: {check.id} passed." in read.text


def test_a_hostile_story_is_text() -> None:
    story: Story = hostile_story()
    assert ATTACK in harmless(story._repr_html_()).text


def test_an_estimate_tells_the_decision_day_and_what_is_an_opinion() -> None:
    doc = features("flagged")
    read = Read(Document(doc)._repr_html_())
    assert "A check flagged this model (probe)" in read.text
    assert "Forecasts are opinions, not findings" in read.text
    rows = {row[0]: row for row in read.rows}
    assert rows["deployed"][1] == percent(doc["deployed"]["probability"]["mean"])
    assert "Without forecasts" in rows["Fate"]
    assert rows["halted"][-1] == percent(doc["opinions"]["fates"]["halted"]["mean"])
