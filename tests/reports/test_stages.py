"""Stories in stages in reports: page, pictures, annex, datasets and graph."""

import io
import math
import re
from functools import cache
from itertools import pairwise

from rich.console import Console
from support.pipeline import pipeline, pipeline_estimate, pipeline_text

from storyodds import load_story, load_text
from storyodds.models.assessment.assessment import assess
from storyodds.reports.dashboard.levels.reasons import constraints_and_nudges
from storyodds.reports.dashboard.page_data import Dossier, make_dossier
from storyodds.reports.dashboard.sections_movers import assumptions, basis_of
from storyodds.reports.dashboard.sections_stages import from_stage_to_stage, stage_by_stage
from storyodds.reports.dashboard.sections_story import as_given
from storyodds.reports.documents.cards.card import make_card
from storyodds.reports.documents.cards.narrative import narrative
from storyodds.reports.documents.estimate import summarize
from storyodds.reports.documents.story_graph.build import summarize_story_graph
from storyodds.reports.documents.story_graph.conditions import need_words
from storyodds.reports.exports.gsn.argument import argument
from storyodds.reports.exports.markdown.annex import markdown_report
from storyodds.reports.figures.drawing.cells import Cell
from storyodds.reports.figures.stage_moves import plot_stage_moves
from storyodds.reports.figures.stages import plot_stages
from storyodds.reports.figures.story_graph.plot import plot_story_graph
from storyodds.reports.tables.datasets import SUMMARY, dataset, datasets
from storyodds.reports.terminal.estimate import print_report
from storyodds.reports.words.numbers import percent, signed
from storyodds.reports.words.recipe import Recipe
from storyodds.reports.words.stages import Loss, loss_words, losses
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.story import Story

ROUTES = ["intended", "simulator", "flatterer", "schemer", "something-else"]


@cache
def dossier() -> Dossier:
    return make_dossier(pipeline(), only=("graph",))


def story() -> Story:
    return pipeline().prepared.resolved.story


def test_the_datasets_have_every_stage() -> None:
    document = pipeline_estimate()
    tree = datasets(document)
    for part, dimension in (("routes", "route"), ("classes", "class")):
        odds = tree[f"stages/{part}"].to_dataset().probability
        assert odds.stage.values.tolist() == [entry["stage"] for entry in document["stages"]]
        for entry in document["stages"]:
            for name, summary in entry[part].items():
                cell = odds.sel({"stage": entry["stage"], dimension: name})
                assert {s: float(cell.sel(summary=s)) for s in SUMMARY} == {
                    s: summary[s] for s in SUMMARY
                }
    assert not any("stage" in str(name) for name in tree["overall"].to_dataset().data_vars)


def test_the_page_has_a_picture_a_route_and_two_tables() -> None:
    section = stage_by_stage(dossier())
    assert section is not None and section.columns == "tiles"
    assert [figure.name for figure in section.figures] == [f"stages-{name}" for name in ROUTES]
    last = pipeline_estimate()["stages"][-1]
    for figure in section.figures:
        name = figure.name.removeprefix("stages-")
        assert figure.svg.count('class="dot"') == 3 + 1  # one of them in the key
        assert figure.rows[-1][:2] == ("reinforcement", percent(last["routes"][name]["mean"]))
        assert figure.note and figure.svg.count("90% interval") >= 1
    routes, classes = section.tables
    assert [row[0] for row in routes.rows] == ROUTES
    assert routes.columns == ("route", "class", *(story().stages or ()))
    assert [row[0] for row in classes.rows] == ["intended", "mesa-optimizer", "deceptive", "other"]
    assert len(section.downloads) == 2
    assert section.finding.startswith("The model is most likely “simulator” after pre-training (99")


def test_the_likeliest_routes_are_drawn_on_one_scale() -> None:
    odds = dataset(pipeline_estimate(), "stages/routes")
    assert odds is not None
    figures = plot_stages(odds, top=2)
    assert [figure.name for figure in figures] == ["stages-intended", "stages-simulator"]
    labels = [re.findall(r">(\d+%)</text>", figure.svg.split("mean")[0]) for figure in figures]
    assert all({"0%", "50%", "100%"} <= set(label) for label in labels)


def _moves(key: str = "moves") -> dict[str, dict[str, dict[str, float]]]:
    """By stage, class before and route after."""
    return {entry["stage"]: entry[key] for entry in pipeline_estimate()["stages"][1:]}


def test_what_moves_is_in_the_document_and_its_dataset() -> None:
    document = pipeline_estimate()
    assert document["stages"][0]["moves"] is None
    data = dataset(document, "stages/moves")
    assert data is not None and data.moves.units == "probability"
    for before, entry in pairwise(document["stages"]):
        moves = entry["moves"]
        assert moves is not None and list(moves) == list(CLASSES)
        for name, routes in moves.items():
            assert list(routes) == ROUTES
            whole = sum(routes.values())
            assert math.isclose(whole, before["classes"][name]["mean"], abs_tol=1e-12)
            cells = data.moves.sel({"stage": entry["stage"], "class": name})
            assert cells.values.tolist() == list(routes.values())
        for route in ROUTES:
            whole = sum(routes[route] for routes in moves.values())
            assert math.isclose(whole, entry["routes"][route]["mean"], abs_tol=1e-12)
    missing = {"moves", "move_errors"}
    earlier = [{k: x for k, x in e.items() if k not in missing} for e in document["stages"]]
    assert dataset({**document, "stages": earlier}, "stages/moves") is None


def test_losses_are_what_moves_from_intended_to_others() -> None:
    (loss,) = losses(pipeline_estimate())  # nothing was intended before fine-tuning
    assert (loss.before, loss.stage) == ("fine-tuning", "reinforcement")
    gone = {n: p for n, p in _moves()["reinforcement"]["intended"].items() if n != "intended"}
    assert {name: p for name, p, _ in loss.to} == {name: p for name, p in gone.items() if p > 0}
    assert [p for _, p, _ in loss.to] == sorted((p for _, p, _ in loss.to), reverse=True)
    assert all(0 < error < p for _, p, error in loss.to)
    words = loss_words(loss)
    assert words.startswith(
        f"Of the {percent(loss.intended)} chance that fine-tuning leaves an int"
    )
    whole = signed(loss.lost, sum(error for *_, error in loss.to)).removeprefix("+")
    assert f"reinforcement loses {whole} points: " in words
    chances = {entry["stage"]: entry for entry in pipeline_estimate()["stages"]}
    assert loss.intended == chances["fine-tuning"]["classes"]["intended"]["mean"]
    moves = (("w", 0.2), ("x", 0.1), ("y", 0.05), ("z", 0.02), ("q", 0.01))
    many = Loss("a", "b", 0.5, tuple((name, p, 0.0) for name, p in moves))
    assert loss_words(many).endswith("b loses 38 points: 20 to w, 10 to x, 5.0 to y and 3.0 to 2 "
                                     "other routes.")  # fmt: skip
    one = loss_words(Loss("a", "b", 0.5, (("x", 0.01, 0.0),)))
    assert one.endswith("b loses 1.0 point, all to x.")
    unsure = loss_words(Loss("a", "b", 0.5, (("y", 0.2, 0.0), ("x", 0.034, 0.02))))
    assert unsure.endswith("b loses 23 points: 20 to y and 3 to x.")  # 3.4 if it were sure


def test_every_report_lists_the_losses() -> None:
    (loss,) = losses(pipeline_estimate())
    words = loss_words(loss)
    assert words in markdown_report(pipeline_estimate())
    console = Console(width=200, record=True, file=io.StringIO())
    print_report(console, pipeline_estimate(), Recipe("pipeline"))
    printed = console.export_text()
    assert words in printed.split("Where the odds were lost")[1].split("What becomes of")[0]
    card = make_card(pipeline_estimate(), pipeline().prepared.resolved, {})
    assert words in narrative(pipeline_estimate(), card)
    section = from_stage_to_stage(dossier())
    assert section is not None and section.finding == words


def test_bands_are_as_wide_as_their_chance_and_level_where_nothing_changes() -> None:
    document = pipeline_estimate()
    tables = dataset(document, "stages/moves"), dataset(document, "stages/classes")
    assert tables[0] is not None and tables[1] is not None
    class_of = {name: route["class"] for name, route in document["routes"].items()}
    for narrow, tall in ((False, 230), (True, 120)):
        figure = plot_stage_moves(tables[0], tables[1], class_of, narrow=narrow)
        bands = re.findall(
            r'aria-label="([^"]+)"[^>]*><path d="M[\d.]+,([\d.]+)C\S+ \S+ [\d.]+,([\d.]+)'
            r'L[\d.]+,([\d.]+)C[^"]+" class="([^"]+)"',
            figure.svg,
        )
        assert len(bands) == len(figure.rows)
        by_words = {words: (float(a), float(b), float(c), look) for words, a, b, c, look in bands}
        for stage, source, target, chance in figure.rows:
            stays = source == target
            words = f"{chance} {f'stays {source}' if stays else f'from {source} to {target}'}"
            begins, ends, below, look = by_words[f"{stage}: {words}"]
            assert (begins == ends) == stays == look.endswith(" stays")
            assert look.startswith(f"moves moves-{source}")
            assert isinstance(chance, Cell)
            wide = max(0.8, tall * chance.numbers[""])  # a hair at least
            assert math.isclose(below - ends, wide, abs_tol=0.101)  # rounded to tenths, both ends
        assert figure.svg.count("<rect") >= 4  # bars, and the key
        assert "worst" not in figure.svg


def test_the_page_has_the_flow_for_wide_places_and_for_phones() -> None:
    section = from_stage_to_stage(dossier())
    assert section is not None
    (wide,) = section.figures
    picture = str(section.data["picture"])
    assert wide.name == "stage-moves" and wide.columns == ("in the stage", "from", "to", "chance")
    ids = [re.findall(r'id="?(figure-\w+)', svg) for svg in (str(wide.svg), picture)]
    assert not set(ids[0]) & set(ids[1])
    # Two stages side by side, and the next two under them: the one in the middle stands twice.
    assert wide.svg.count(">fine-tuning<") == 1 and picture.count(">fine-tuning<") == 2
    (by_route,) = section.extra
    moves, errors = _moves(), _moves("move_errors")
    for stage, name, route, chance in by_route.rows:
        assert chance == percent(moves[stage][name][route], errors[stage][name][route])
    plain = assess(resolve(load_story("cat-classifier"), standard=True), draws=64)
    assert from_stage_to_stage(make_dossier(plain, only=())) is None


def test_a_story_without_stages_has_no_section_of_them() -> None:
    plain = assess(resolve(load_story("cat-classifier"), standard=True), draws=64)
    assert stage_by_stage(make_dossier(plain, only=())) is None
    assert "Stage by stage" not in markdown_report(summarize(plain))


def test_the_graph_says_what_routes_need_where_they_are_entered() -> None:
    document = summarize_story_graph(pipeline(), pipeline_estimate())
    needs = {c.target: need_words(c.needs, {}) for c in document.conditions}
    assert needs == {"route:schemer": "aware by reinforcement"}
    assert document.training == ("pre-training", "fine-tuning", "reinforcement")
    note = plot_story_graph(document).note
    assert note.startswith("Routes are where the last of the 3 stages leaves the model")


def test_a_route_that_is_open_in_two_stages_needs_what_either_needs() -> None:
    text = pipeline_text().replace("requires: [aware, at flatterer]", "requires: [aware]")
    text = text.replace("bits: {reinforcement: [-3, 1]}", "bits: [-3, 1]")
    assessment = assess(resolve(load_text(text), standard=True), draws=64)
    document = summarize_story_graph(assessment, summarize(assessment))
    needs = {c.target: need_words(c.needs, {}) for c in document.conditions}
    assert needs["route:schemer"] == "any of aware by fine-tuning, aware by reinforcement"


def test_the_annex_lists_stages_and_what_parts_say_of_them() -> None:
    report = markdown_report(pipeline_estimate(), story=story())
    chances = report[report.index("## Stage by stage") : report.index("## What becomes of")]
    for entry in pipeline_estimate()["stages"]:
        for name in ROUTES:
            assert percent(entry["routes"][name]["mean"]) in chances
    for words in (
        "Stages of training, in order: `pre-training`, `fine-tuning`, `reinforcement`",
        "It acts in reinforcement.",
        "It stands after fine-tuning, and a flag sends training back to fine-tuning, once.",
        "4 of 20, after fine-tuning.",
        "| `aware` | `fine-tuning` | 10% to 40% (90% interval) |",
        "| `aware by reinforcement` | The model knows that it is being trained, and how. |",
    ):
        assert words in report, words


def test_the_page_lists_what_parts_say_of_stages() -> None:
    (nudges,) = constraints_and_nudges(dossier()).tables
    assert nudges.rows[0][3] == "proxies-pay, in reinforcement"
    groups = as_given(dossier()).data["groups"]
    assert isinstance(groups, list)
    names = {entry["id"] or entry["name"]: entry for group in groups for entry in group["entries"]}
    assert names["Stages of training"]["words"] == (
        "pre-training, then fine-tuning, then reinforcement."
    )
    assert names["raters-are-fooled"]["name"] == "Nudge, in reinforcement"
    assert names["asked-twice"]["name"] == "Finding, after fine-tuning"
    assert names["sycophancy-test"]["name"].startswith("Check, after fine-tuning, and a flag")
    assert assumptions(dossier()).tables[-1].rows[0] == (
        "aware", "fine-tuning", "10% to 40% (90% interval)"
    )  # fmt: skip
    assert basis_of(dossier(), "aware by reinforcement") == "assumed"


def test_the_goal_structure_says_where_its_parts_stand() -> None:
    texts = [node.text for node in argument(pipeline_estimate(), story()).nodes]
    assert any(text.startswith("Nudge raters-are-fooled, in reinforcement:") for text in texts)
    assert any("kept out of training, after fine-tuning, and a flag sends" in t for t in texts)
    aware = next(text for text in texts if text.startswith("aware by reinforcement:"))
    assert "The model knows that it is being trained" in aware
