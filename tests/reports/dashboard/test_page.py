"""A story's page: whole, closed to the network, and the same numbers as the JSON."""

import csv
import io
import json
import math
import re
from dataclasses import replace
from functools import partial
from itertools import pairwise
from urllib.parse import unquote

import pytest
from support.hostile_story import ATTACK, hostile_story
from support.html_pages import (
    Element,
    addresses,
    parsed,
    policy_hash,
    policy_of,
    shape,
    style_addresses,
)
from support.many_routes import many_routes
from support.staged_stories import random_story

from storyodds import load_story
from storyodds.commands.asking import figures_of
from storyodds.models.assessment.assessment import assess
from storyodds.models.engine import sequences
from storyodds.reports.dashboard.figure_names import figure_names, without_number
from storyodds.reports.dashboard.html import story_page
from storyodds.reports.dashboard.levels.depths import DEPTHS, levels_of, sections_of
from storyodds.reports.dashboard.page_data import Dossier, make_dossier
from storyodds.reports.dashboard.parts import Section
from storyodds.reports.documents.sensitivity.structure import summarize_structure
from storyodds.reports.figures.drawing.cells import plain_table
from storyodds.reports.words.endings import FATE_GLOSSES
from storyodds.reports.words.levers import plain_name
from storyodds.reports.words.numbers import about_one_in, band, percent
from storyodds.reports.words.sentences import errors_of
from storyodds.reports.words.sequences import NARROWED
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.story import Story

DRAWS = 256
LIMIT = 350_000  # bytes: what one sends by mail without a thought


def dossier_of(story: Story, **options: object) -> Dossier:
    return make_dossier(assess(resolve(story, standard=True), draws=DRAWS, **options))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def showcase() -> Dossier:
    return dossier_of(load_story("rlhf-assistant"))


@pytest.fixture(scope="module")
def page(showcase: Dossier) -> str:
    return story_page(showcase)


@pytest.fixture(scope="module")
def root(page: str) -> Element:
    return parsed(page)


def by_id(root: Element, id: str) -> Element:
    [found] = [it for it in root.every if it.attributes.get("id") == id]
    return found


def pictures_in(root: Element) -> list[Element]:
    """Of the levels; the parts of one on paper are that picture again, without words."""
    pictures = root.all("main")[0].all("svg")
    return [it for it in pictures if it.attributes.get("aria-hidden") != "true"]


def test_the_page_is_one_whole_document(page: str, root: Element) -> None:
    assert page.startswith('<!doctype html>\n<html lang="en">')
    for tag in ("html", "head", "title", "body", "main", "h1", "style"):
        assert len(root.all(tag)) == (
            1
            if tag != "title"
            else 1
            + len(pictures_in(root))
            + sum(1 for it in root.all("text") for child in it.children if child.tag == "title")
        ), tag
    ids = [it.attributes["id"] for it in root.every if "id" in it.attributes]
    assert len(ids) == len(set(ids))


def test_every_section_is_there_with_a_name_a_finding_and_a_link(
    showcase: Dossier, root: Element
) -> None:
    sections = root.all("section")
    shown = [it for level in levels_of(showcase) for it in level.sections]
    assert [it.attributes["id"] for it in sections] == [it.id for it in shown]
    linked = {it.attributes["href"] for it in root.all("nav")[0].all("a")}
    for section in sections:
        id = section.attributes["id"]
        assert f"#{id}" in linked
        [heading] = section.all("h3")
        assert section.attributes["aria-labelledby"] == heading.attributes["id"]
        [finding] = [it for it in section.all("p") if it.attributes.get("class") == "finding"]
        assert len(finding.text) > 20, id


def test_headings_do_not_skip_a_level(root: Element) -> None:
    levels = [int(it.tag[1]) for it in root.every if it.tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_reference_inside_the_page_leads_somewhere(root: Element) -> None:
    ids = {it.attributes["id"] for it in root.every if "id" in it.attributes}
    for it in root.every:
        for name in ("aria-labelledby", "aria-describedby"):
            assert set(it.attributes.get(name, "").split()) <= ids
        if it.attributes.get("href", "").startswith("#"):
            assert it.attributes["href"][1:] in ids


def test_every_picture_is_named_and_has_its_numbers(showcase: Dossier, root: Element) -> None:
    for_phones = 1  # of the story's graph
    pictures = pictures_in(root)
    drawn = sum(len(it.figures) for it in sections_of(showcase))
    assert len(pictures) == drawn + for_phones > for_phones
    for picture in pictures:
        title, description = picture.children[:2]
        assert (title.tag, description.tag) == ("title", "desc")
        assert title.text and description.text
    for table in root.all("table"):
        assert table.all("caption")[0].text
        assert {it.attributes["scope"] for it in table.all("th")} == {"col", "row"}


def test_the_policy_lets_only_the_own_style_and_script_run(root: Element) -> None:
    policy = policy_of(root)
    [style] = root.all("style")
    scripts = [it for it in root.all("script") if it.attributes.get("type") is None]
    [script] = scripts
    assert policy["style-src"] == policy_hash("".join(style.words))
    assert policy["script-src"] == policy_hash("".join(script.words))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["img-src"] == "data:"
    for it in root.every:
        assert "style" not in it.attributes
        assert not any(name.startswith("on") for name in it.attributes)


def test_nothing_is_loaded_and_links_out_are_https_without_referrer(root: Element) -> None:
    [icon] = root.all("link")
    assert icon.attributes["rel"] == "icon" and icon.attributes["href"].startswith("data:image/")
    for tag, name, value in addresses(root):
        if tag == "link":
            continue
        assert (tag, name) == ("a", "href") or (tag == "use" and value.startswith("#"))
        assert value.startswith(("#", "https://", "data:text/csv;", "data:application/json;"))
    for it in root.all("a"):
        if it.attributes["href"].startswith("https://"):
            assert it.attributes["rel"] == "noreferrer"
        if it.attributes["href"].startswith("data:"):
            assert it.attributes["download"].endswith((".csv", ".json"))
    assert style_addresses("".join(root.all("style")[0].words)) == []


def test_numbers_are_those_of_the_estimate(showcase: Dossier, root: Element) -> None:
    estimate = showcase.estimate
    shown = {
        it.attributes["data-odds"]: it.text for it in root.every if "data-odds" in it.attributes
    }
    assert {"success", "catastrophe"} <= set(shown)
    for name, words in shown.items():
        entry = estimate["classes" if name in CLASSES else "fates"][name]
        assert words == percent(entry["mean"])
    header = root.all("header")[0].text
    for name in ("success", "catastrophe"):
        assert band(estimate["fates"][name], errors_of(estimate, name)) in header
        assert about_one_in(estimate["fates"][name]["mean"]) in header
    provenance = by_id(root, "provenance").all("tbody")[0].all("tr")
    assert [row.all("th")[0].text for row in provenance] == [
        entry["name"] for entry in estimate["provenance"]
    ]
    worst = by_id(root, "failure-paths").all("li")[0].text
    assert percent(estimate["paths"][0]["concern"]["mean"]) in worst
    assert all(literal in worst for literal in estimate["paths"][0]["literals"])


def test_the_script_gets_its_data(showcase: Dossier, root: Element) -> None:
    given = json.loads("".join(by_id(root, "page-data").words))
    assert given["what_if"] == showcase.parts["what_if"]
    assert by_id(root, "what-if-result").attributes["aria-live"] == "polite"
    assert "JavaScript" in by_id(root, "what-if-result").text
    assert by_id(root, "sliders").children == []
    assert "hidden" in by_id(root, "tip").attributes


def test_the_page_is_small_and_the_same_twice(page: str) -> None:
    again = story_page(dossier_of(load_story("rlhf-assistant")))
    assert again == page
    assert len(page.encode()) < LIMIT


def test_every_table_is_a_file_or_is_made_into_one(showcase: Dossier, root: Element) -> None:
    for section in sections_of(showcase):
        if section.tiles:  # small pictures without tables of their own
            continue
        shown = by_id(root, section.id)
        files = [it for it in shown.all("a") if "download" in it.attributes]
        made = [
            it.attributes["data-csv"] for it in shown.all("table") if "data-csv" in it.attributes
        ]
        names = [it.attributes["download"] for it in files] + made
        assert len(names) == len(shown.all("table")) == len(set(names)), section.id
        assert all(name.endswith(".csv") for name in names)
    made = [it.attributes["data-csv"] for it in by_id(root, "how-it-gets-there").all("table")]
    assert made == ["story-graph.csv", "story-graph-flows.csv"]
    [numbers] = by_id(root, "provenance").all("table")
    assert numbers.attributes["data-csv"] == "provenance.csv"


def files_of(dossier: Dossier) -> list[tuple[str, list[list[str]]]]:
    """Every file of a page by its name, read as a program reads it."""
    found = []
    for section in sections_of(dossier):
        for file in section.downloads:
            text = unquote(file.address.partition(",")[2])
            found.append((file.name, list(csv.reader(io.StringIO(text)))))
        found += [
            (table.name, [list(row) for row in plain_table(table.columns, table.rows)])
            for table in section.folded
            if table.name
        ]
    return found


def is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


@pytest.mark.parametrize("name", ["rlhf-assistant", "carlsmith-six-premises"])
def test_files_are_of_plain_numbers(name: str, showcase: Dossier) -> None:
    dossier = showcase if name == "rlhf-assistant" else dossier_of(load_story(name))
    files = files_of(dossier)
    assert len(files) > (20 if name == "rlhf-assistant" else 3)
    for file, (heads, *rows) in files:
        assert len(set(heads)) == len(heads), file
        assert all(len(row) == len(heads) for row in rows), file
        for k, head in enumerate(heads):
            cells = [row[k] for row in rows if row[k]]
            if all(is_number(cell) for cell in cells):
                continue
            # Else it is a text by its column: no cell in it says a number for people.
            said = [cell for cell in cells if re.match(r"[+−~<]?[0-9.]+(%|$)", cell)]
            assert head == "as written" or not said, (file, head)


def test_a_file_has_the_numbers_of_the_estimate(showcase: Dossier) -> None:
    [rows] = [rows for file, rows in files_of(showcase) if file == "how-the-story-ends.csv"]
    assert rows[0] == [
        *("ending", "before", "chance mean", "chance median"),
        *("90% interval q05", "90% interval q95"),
    ]
    for name, _, *cells in rows[1:]:
        entry = showcase.estimate["fates"][name]
        for cell, end in zip(cells, ("mean", "median", "q05", "q95"), strict=True):
            assert float(cell) == pytest.approx(entry[end], rel=5e-4)  # of four digits


def test_every_ending_stands_at_the_top_with_its_meaning(showcase: Dossier, root: Element) -> None:
    head = root.all("header")[0].text
    for name, gloss in FATE_GLOSSES.items():
        assert plain_name(name) in head and gloss in head
        errors = errors_of(showcase.estimate, name)
        assert band(showcase.estimate["fates"][name], errors) in head
    day = showcase.estimate["deployed"]
    for words in (day["success"], day["catastrophe"], day["probability"]):
        assert percent(words["mean"]) in head
    criteria = by_id(root, "criteria").text
    for entry in showcase.estimate["criteria"].values():
        assert percent(entry["mean"]) in criteria
    assert "This is not a claim of safety" in head
    assert "training is carried out at all" in head


def test_a_risk_argument_has_no_word_of_success() -> None:
    text = parsed(story_page(dossier_of(load_story("carlsmith-six-premises")))).all("main")[0].text
    assert "success" not in text.replace("EVENTS", "").lower()


def test_where_nothing_is_observed_no_assumption_moves() -> None:
    dossier = dossier_of(many_routes())
    assert not dossier.estimate["evidence"]["items"]
    [found] = [it for it in sections_of(dossier) if it.id == "assumptions"]
    assert not found.figures
    assert not any("evidence" in head for table in found.tables for head in table.columns)


def test_paths_say_what_their_conditions_claim(showcase: Dossier, root: Element) -> None:
    resolved = showcase.assessment.prepared.resolved
    shown = by_id(root, "failure-paths").all("ol")[0]
    links = [
        li for ul in shown.all("ul") if ul.attributes.get("class") == "links" for li in ul.all("li")
    ]
    paths = showcase.estimate["paths"][:10]
    literals = [literal for path in paths for literal in path["literals"]]
    assert [li.all("a")[0].text for li in links] == literals
    for li, literal in zip(links, literals, strict=True):
        name = literal.removeprefix("not ")
        [claim] = li.all("span")
        start = claim.text.removeprefix("Not so: ").removesuffix("…")
        assert start and resolved.assumptions[name].claim.startswith(start)
        assert claim.text.startswith("Not so: ") == (name != literal)
        there = by_id(root, li.all("a")[0].attributes["href"][1:])
        assert there.tag == "dt" and name in there.text


def test_text_of_a_story_stays_text(root: Element) -> None:
    hostile = parsed(story_page(dossier_of(hostile_story())))
    said = [it.words for it in hostile.all("h1")]
    assert "".join(said[0]) == hostile_story().title  # the attack is there, as words

    def counts(of: Element) -> dict[str, int]:
        return {
            tag: len(of.all(tag))
            for tag in (
                "script",
                "style",
                "section",
                "h1",
                "h2",
                "form",
                "iframe",
                "object",
                "link",
            )
        }

    assert counts(hostile) == counts(root)
    assert hostile.all("img") == []
    assert ATTACK in "".join(word for it in hostile.all("pre") for word in it.words)
    test_the_policy_lets_only_the_own_style_and_script_run(hostile)
    test_nothing_is_loaded_and_links_out_are_https_without_referrer(hostile)


def test_a_quiet_attack_leaves_the_tags_as_they_are() -> None:
    """The same story with words of the same length in the places of an attack."""
    attack = '<b a="1">\'&'
    one, other = (
        parsed(story_page(dossier_of(hostile_story("cat-classifier", attack=it))))
        for it in (attack, "x" * len(attack))
    )
    assert shape(one) == shape(other)


@pytest.mark.parametrize("name", ["carlsmith-six-premises", "cat-classifier"])
def test_stories_without_uncertainty_or_with_little_have_every_section(name: str) -> None:
    dossier = dossier_of(load_story(name))
    root = parsed(story_page(dossier))
    levels = levels_of(dossier)
    assert [it.attributes["id"] for it in root.all("section")] == [
        it.id for level in levels for it in level.sections
    ]
    assert {level.depth.id for level in levels} == {"committee", "reviewer", "technical"}
    no_question = {"criteria", "if-it-fails", "lens"} if name.startswith("carlsmith") else set()
    made = {it.id for it in sections_of(dossier)}
    assert not no_question & made
    # Of a first make there are no odds over time, and of training in one step none by stage.
    assert made.isdisjoint({"stage-by-stage", "from-stage-to-stage"})
    assert len(made) == sum(len(depth.makers) for depth in DEPTHS) - 3 - len(no_question)


def test_what_does_not_apply_is_one_line_that_says_so() -> None:
    dossier = dossier_of(load_story("carlsmith-six-premises"))
    root = parsed(story_page(dossier))
    absent = [it for level in levels_of(dossier) for it in level.absent]
    assert {"evidence", "what-if", "in-cases", "how-it-ends"} <= {it.id for it in absent}
    for section in absent:
        line = by_id(root, section.id)
        assert line.tag == "li" and section.finding in line.text
    folded = [it for it in root.all("details") if it.attributes.get("class") == "absent"]
    assert len(folded) == len(levels_of(dossier))


def test_the_headline_of_a_risk_argument_speaks_of_catastrophe_alone() -> None:
    header = parsed(story_page(dossier_of(load_story("carlsmith-six-premises")))).all("header")[0]
    assert [it.attributes["data-odds"] for it in header.every if "data-odds" in it.attributes] == [
        "catastrophe"
    ]
    assert "Risk argument carlsmith-six-premises" in " ".join(header.text.split())
    assert "success" not in header.text


def test_a_simulated_story_says_what_cannot_be_worked_out(showcase: Dossier) -> None:
    dossier = dossier_of(load_story("cat-classifier"), method="simulation")
    root = parsed(story_page(dossier))
    assert "Simulated, not summed exactly" in root.all("header")[0].text
    for id in ("what-moves-it", "evidence", "value-of-information"):
        assert "simulated" in by_id(root, id).text
    assert set(showcase.reasons) == {"structure"}  # which is for thorough pages


def test_a_doubtful_computation_is_marked_at_the_top(showcase: Dossier) -> None:
    failed = {**showcase.estimate["diagnostics"], "ok": False, "messages": ["too few draws"]}
    doubtful = replace(showcase, estimate={**showcase.estimate, "diagnostics": failed})
    root = parsed(story_page(doubtful))
    assert "NOT RELIABLE" in root.all("header")[0].text
    assert "Too few draws." in root.all("header")[0].text
    assert root.all("body")[0].attributes["class"] == "doubtful"
    assert "(not reliable)" in root.all("header")[0].text
    assert "NOT RELIABLE" not in parsed(story_page(showcase)).all("header")[0].text


def test_what_draws_that_failed_would_say_of_priors_is_not_said(showcase: Dossier) -> None:
    failed = {**showcase.estimate["diagnostics"], "ok": False, "messages": ["too few draws"]}
    doubtful = replace(showcase, estimate={**showcase.estimate, "diagnostics": failed})
    assert "power scaling" in parsed(story_page(showcase)).all("header")[0].text
    head = parsed(story_page(doubtful)).all("header")[0].text
    assert "power scaling" not in head and "What would change it" not in head


def test_assumptions_of_the_catalog_are_told_in_its_words(showcase: Dossier, root: Element) -> None:
    said = by_id(root, "the-story").text
    for name, it in showcase.assessment.prepared.resolved.assumptions.items():
        assert name in said and it.claim in said


def test_fates_are_told_before_and_after_the_evidence(showcase: Dossier) -> None:
    [_, fates] = next(it for it in sections_of(showcase) if it.id == "how-it-ends").figures
    before = showcase.parts["trust"]["evidence_effects"]["prior"]
    told = {row[0]: row[1] for row in fates.rows}
    assert fates.columns[1] == "before"
    assert told["success"] == percent(before["success"])
    assert told["catastrophe"] == percent(before["catastrophe"])


def test_the_pruned_graph_has_its_narrow_one_and_its_fuller_one() -> None:
    root = parsed(story_page(dossier_of(many_routes())))
    pictures = by_id(root, "how-it-gets-there").all("svg")
    marks = [
        sum("data-row" in it.attributes or it.attributes.get("tabindex") == "0" for it in svg.every)
        for svg in pictures
    ]
    wide, narrow, *on_paper, fuller = marks
    assert wide == narrow and fuller > 2 * wide
    assert on_paper and not any(on_paper)  # nothing of paper is stepped through
    [groups] = [
        it for it in by_id(root, "how-it-gets-there").all("table") if "class and kind" in it.text
    ]
    assert "mesa-optimizer" in groups.text


def test_nodes_of_the_graph_have_their_rows_claims_and_numbers(root: Element) -> None:
    section = by_id(root, "how-it-gets-there")
    rows = [
        [*row.all("th"), *row.all("td")]
        for row in section.all("table")[0].all("tbody")[0].all("tr")
    ]
    marks = [it for it in section.every if "data-row" in it.attributes]
    claims = {it.attributes["id"] for it in root.every if "id" in it.attributes}
    for each in marks:
        name, what, chance, *_ = (cell.text for cell in rows[int(each.attributes["data-row"])])
        assert each.attributes["aria-label"] == f"{name}: {chance}"
        if what.startswith(("assumption", "route", "hazard")):
            assert f"is-{name}" in claims
    assert len(marks) > 60


def test_a_picture_of_many_stops_can_be_skipped(root: Element) -> None:
    [skip] = [
        it
        for it in by_id(root, "how-it-gets-there").all("a")
        if it.attributes.get("class") == "skip"
    ]
    assert by_id(root, skip.attributes["href"][1:]).text
    [phone] = [it for it in root.every if it.attributes.get("class") == "narrow"]
    hidden = sum(it.attributes.get("tabindex") == "0" for it in phone.every)  # or the wide one is
    stops = [it for it in root.every if it.attributes.get("tabindex") == "0"]
    assert len(stops) - hidden < 170


def assert_names_of_figures(dossier: Dossier) -> None:
    """A name that a page has is one that is taken before anything is computed."""
    possible = figure_names(dossier.assessment.prepared.graph)
    assert len(set(possible)) == len(possible)
    names = [without_number(name) for name in figures_of(dossier)]
    assert len(names) > 8 and set(names) <= set(possible), set(names) - set(possible)


@pytest.mark.parametrize("name", ["rlhf-assistant", "staged-rlhf-assistant", "many-routes"])
def test_every_figure_can_be_asked_for_by_its_name(name: str, showcase: Dossier) -> None:
    stories = {"many-routes": many_routes}
    assert_names_of_figures(
        showcase
        if name == "rlhf-assistant"
        else dossier_of(stories.get(name, partial(load_story, name))())
    )


def test_a_narrowed_search_is_named_in_page_and_narrative(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story.model_validate(random_story(4))
    with monkeypatch.context() as patch:  # as where there are very many stages and routes
        patch.setattr(sequences, "_MOST_BEGINNINGS", 1)
        patch.setattr(sequences, "_KEPT", 2)
        dossier = dossier_of(story)
        assert any(path["narrowed"] for path in dossier.estimate["paths"])
        root = parsed(story_page(dossier))
    assert NARROWED in by_id(root, "failure-paths").text
    [told] = [it for it in root.every if it.attributes.get("data-copy") == "text"]
    assert "No failure path that was compared is of more concern" in told.text
    whole = story_page(dossier_of(story))
    assert NARROWED not in whole and "path that was compared" not in whole


def test_a_thorough_page_takes_the_story_apart_and_another_says_how_to(showcase: Dossier) -> None:
    def pieces(dossier: Dossier) -> Section:
        [found] = [it for it in sections_of(dossier) if it.id == "piece-by-piece"]
        return found

    assert "--thorough" in pieces(showcase).finding and not pieces(showcase).figures
    assessed = assess(resolve(load_story("gpt-simulator"), standard=True), draws=DRAWS)
    thorough = make_dossier(assessed, thorough=True)
    found = pieces(thorough)
    names = {figure.name for figure in found.figures}
    effects = {f"assumption-effects-{event}" for event in ("catastrophe", "success")}
    tipping = {"tipping"} if thorough.parts["local"]["tipping_points"] else set()
    assert names == {"structure"} | effects | tipping
    whole = summarize_structure(assessed)
    largest = max(
        (it["answer"]["events"]["catastrophe"] for it in whole["leave_one_out"]),
        key=lambda change: abs(change["difference"]),
    )
    assert percent(largest["mean"]) in found.finding
    assert len(thorough.parts["local"]["numbers"]) == len(assessed.prepared.uncertain)
    assert_names_of_figures(thorough)
    assert by_id(parsed(story_page(thorough)), "piece-by-piece").all("svg")
