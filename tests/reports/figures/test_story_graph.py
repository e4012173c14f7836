"""The picture of a story as a graph, read back from what is drawn."""

import re
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree

import pytest
from support.building import OFF, believe, tell
from support.many_routes import many_routes

from storyodds import load_story
from storyodds.models.assessment.assessment import assess
from storyodds.reports.documents.estimate import summarize
from storyodds.reports.documents.story_graph.build import summarize_story_graph
from storyodds.reports.documents.story_graph.records import GraphDocument
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.story_graph.marks import HAIR, THIN
from storyodds.reports.figures.story_graph.order import crossings, ordered
from storyodds.reports.figures.story_graph.plot import plot_story_graph
from storyodds.reports.figures.story_graph.shown import MOST_ASSUMPTIONS, shown
from storyodds.reports.figures.story_graph.wide import layout_of
from storyodds.reports.figures.story_graph.words import WORST, row_order
from storyodds.reports.words.numbers import percent
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route
from storyodds.scenarios.story import Story

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>alert(1)</script>\"'&"
NAMES = (
    "rlhf-assistant",
    "amplification-alongside-rl",
    "carlsmith-six-premises",
    "residual-only",
    "harmless",
    "gates",
    "many-routes",
)


def gates(n: int = 4) -> Story:
    """A route that needs gates of gates, as the top event of a fault tree does."""
    free = {f"e{k}": believe(0.5) for k in range(n + 1)}
    made = {
        f"g{k}": {
            "claim": f"Gate {k}.",
            "holds_when": [f"e{k}", f"g{k + 1}" if k + 1 < n else f"e{n}"],
        }
        for k in range(n)
    }
    top = Route(id="top", class_="other", bits=3, harm=1, requires=("g0",))
    return tell({**free, **made}, [top, OFF])


def story_of(name: str) -> Story:
    match name:
        case "many-routes":
            return many_routes()
        case "residual-only":
            return tell({}, [OFF])
        case "harmless":
            return tell({}, [Route(id="scheme", class_="deceptive", bits=0, harm=0), OFF])
        case "gates":
            return gates()
        case _:
            return load_story(name)


@pytest.fixture(scope="module")
def documents() -> dict[str, GraphDocument]:
    found = {}
    for name in NAMES:
        assessment = assess(resolve(story_of(name)), draws=128)
        found[name] = summarize_story_graph(assessment, summarize(assessment))
    return found


def parsed(figure: Figure) -> ElementTree.Element:
    return ElementTree.fromstring(str(figure.svg))


def with_look(figure: Figure, look: str) -> list[ElementTree.Element]:
    return [each for each in parsed(figure).iter() if look in each.get("class", "").split()]


def nodes(figure: Figure) -> list[tuple[ElementTree.Element, list[ElementTree.Element]]]:
    """Boxes that are nodes, with the lines of their words."""
    found = []
    for each in parsed(figure).iter(f"{SVG}g"):
        box, words = each.find(f"{SVG}rect"), each.find(f"{SVG}text")
        if each.get("tabindex") == "0" and box is not None and words is not None:
            found.append((box, list(words)))
    return found


def numbers(data: str) -> list[float]:
    return [float(x) for x in re.findall(r"-?\d+(?:\.\d+)?", data)]


@pytest.mark.parametrize("name", NAMES)
def test_boxes_hold_their_words_and_none_meet(
    documents: dict[str, GraphDocument], name: str
) -> None:
    for full in (False, True):
        figure = plot_story_graph(documents[name], full=full)
        _, _, width, height = map(float, parsed(figure).attrib["viewBox"].split())
        boxes = []
        for box, words in nodes(figure):
            x, y, w, h = (float(box.attrib[key]) for key in ("x", "y", "width", "height"))
            assert x > 0 and x + w < width and y > 0 and y + h < height
            boxes.append((x, y, x + w, y + h))
            for line in words:
                # A letter of 13 pixels is some 7.5 wide, one of 11 pixels some 6.4.
                letter = 6.4 if line.get("class") == "sub" else 7.5
                assert float(line.attrib["x"]) + letter * len(line.text or "") <= x + w
                assert y + 10 <= float(line.attrib["y"]) <= y + h
        for one, other in combinations(boxes, 2):
            apart = one[2] <= other[0] or other[2] <= one[0]
            assert apart or one[3] <= other[1] or other[3] <= one[1]


@pytest.mark.parametrize("name", NAMES)
def test_flows_are_as_wide_as_they_are_likely(
    documents: dict[str, GraphDocument], name: str
) -> None:
    picture = shown(documents[name])
    figure, scale = plot_story_graph(documents[name]), layout_of(picture).scale
    bands = [each for each in with_look(figure, "graph-flow") if each.tag == f"{SVG}path"]
    widths = []
    for each in bands:
        points = numbers(each.attrib["d"])
        widths += [points[-1] - points[1]]
    expected = [edge.probability for edge in picture.edges]
    expected += [edge.worst for edge in picture.edges if edge.worst > 0]
    drawn = sorted(max(scale * p, HAIR) for p in expected)
    assert sorted(widths) == pytest.approx(drawn, abs=0.011)


@pytest.mark.parametrize("name", NAMES)
def test_outlines_are_as_thick_as_nodes_move_the_ending(
    documents: dict[str, GraphDocument], name: str
) -> None:
    document = documents[name]
    picture = shown(document)
    points = [
        node.influence[document.event].points if document.event in node.influence else None
        for node in picture.nodes
    ]
    most = max((x for x in points if x is not None), default=0.0)
    for narrow in (False, True):
        figure = plot_story_graph(document, narrow=narrow)
        boxes = [box for box, _ in nodes(figure)]
        strokes = sorted(float(box.attrib["stroke-width"]) for box in boxes)
        assert len(boxes) == len(points)
        thick = max(strokes)
        rated = [THIN + (thick - THIN) * x / most if x and most else THIN for x in points]
        assert strokes == pytest.approx(sorted(rated), abs=0.06)
        dashed = [box for box in boxes if "graph-unrated" in box.attrib["class"]]
        assert len(dashed) == points.count(None)


@pytest.mark.parametrize("name", NAMES)
def test_the_worst_path_is_marked_by_more_than_its_color(
    documents: dict[str, GraphDocument], name: str
) -> None:
    document = documents[name]
    look = "worst" if document.worst.is_catastrophe else "likeliest"
    marked = [node for node in shown(document).nodes if node.worst]
    for narrow in (False, True):
        figure = plot_story_graph(document, narrow=narrow)
        signed = [box for box, words in nodes(figure) if (words[0].text or "").startswith(WORST)]
        assert len(signed) == len(marked) > 0
        assert all(look in box.attrib["class"].split() for box in signed)
        assert document.worst.label in figure.description
        red = {
            each.get("class") for each in parsed(figure).iter() if "worst" in each.get("class", "")
        }
        assert bool(red) == document.worst.is_catastrophe


@pytest.mark.parametrize("name", NAMES)
def test_every_node_gives_its_claim_number_and_source(
    documents: dict[str, GraphDocument], name: str
) -> None:
    document = documents[name]
    for narrow in (False, True):
        figure = plot_story_graph(document, narrow=narrow, full=True)
        tips = [g.attrib["data-tip"] for g in parsed(figure).iter(f"{SVG}g") if g.get("tabindex")]
        for node in shown(document, full=True).nodes:
            start = f"{node.label}: {percent(node.probability)}"
            assert any(
                tip.startswith(start)
                and node.claim in tip
                and (not node.numbers or f"As written: {node.numbers[0].words}" in tip)
                for tip in tips
            )


def test_a_page_takes_tips_from_the_rows_of_the_table(documents: dict[str, GraphDocument]) -> None:
    for document in documents.values():
        rows = row_order(document)
        for narrow in (False, True):
            figure = plot_story_graph(document, narrow=narrow, in_page=True)
            marks = [g for g in parsed(figure).iter(f"{SVG}g") if "data-row" in g.attrib]
            assert len(marks) == len(list(shown(document).nodes))
            for each in marks:
                row = figure.rows[int(each.attrib["data-row"])]
                assert each.attrib["aria-label"] == f"{row[0]}: {row[2]}"
        assert len(figure.rows) == len(rows)


def test_what_is_needed_is_no_arrow(documents: dict[str, GraphDocument]) -> None:
    figure = plot_story_graph(documents["rlhf-assistant"])
    assert not any("marker" in key for each in parsed(figure).iter() for key in each.attrib)
    lines = [m for each in with_look(figure, "graph-need") for m in each.attrib["d"].split("M")[1:]]
    picture = shown(documents["rlhf-assistant"])
    terms = [part for need in picture.needs.values() for part in need.parts]
    assert len(lines) == len(terms)
    holes = [each.attrib["d"].count("M") for each in with_look(figure, "graph-hole")]
    assert sum(holes) == 1 + sum(not term.holds for term in terms)  # one in the key


def test_of_many_gates_only_the_worst_path_is_drawn(documents: dict[str, GraphDocument]) -> None:
    picture = shown(documents["gates"])
    assert {node.label for node in picture.free} == {f"e{k}" for k in range(5)}
    assert not picture.made and "4 gates over several stages" in picture.notes[0]
    document = documents["rlhf-assistant"]
    crowd = [
        replace(document.nodes[0], id=f"assumption:x{k}", worst=False)
        for k in range(MOST_ASSUMPTIONS)
    ]
    picture = shown(replace(document, nodes=(*crowd, *document.nodes)))
    assert all(node.worst for node in picture.free)
    assert not shown(document).notes


def test_fifty_routes_stand_together_unless_all_are_wanted(
    documents: dict[str, GraphDocument],
) -> None:
    document = documents["many-routes"]
    few, full = plot_story_graph(document), plot_story_graph(document, full=True)
    assert "more other routes" in few.description + str(few.svg)
    assert "stand together" in few.note and "stand together" not in full.note
    routes = [node for node in document.nodes if node.stage == "route"]
    assert len(nodes(full)) - len(nodes(few)) == len(routes) - 7 - len(document.crowd)
    assert parsed(few).attrib["aria-labelledby"] != parsed(full).attrib["aria-labelledby"]
    for picture in (shown(document), shown(document, full=True)):
        chances = [n.probability for n in picture.stages[0] if n.stage == "route"]
        assert sum(chances) == pytest.approx(1, abs=1e-9)


def test_narrow_rows_stand_below_one_another_with_the_number_at_the_end(
    documents: dict[str, GraphDocument],
) -> None:
    for document in documents.values():
        figure = plot_story_graph(document, narrow=True)
        _, _, width, height = map(float, parsed(figure).attrib["viewBox"].split())
        last = 0.0
        for row in parsed(figure).iter(f"{SVG}g"):
            if row.get("tabindex") != "0":
                continue
            name, number = row.findall(f"{SVG}text")
            top = float(name[0].attrib["y"])
            bar = row.find(f"{SVG}rect")
            assert bar is not None and last < top - 10
            last = float(bar.attrib["y"]) + float(bar.attrib["height"])
            assert float(name[-1].attrib["y"]) < float(bar.attrib["y"]) and last < height
            assert float(number.attrib["x"]) == width and number.get("text-anchor") == "end"
            begins = width - 7.5 * len(number.text or "")
            assert float(bar.attrib["x"]) + float(bar.attrib["width"]) <= begins


def test_the_order_lessens_crossings() -> None:
    columns = [["a", "b", "c"], ["x", "y", "z"]]
    pairs = [("a", "z"), ("b", "y"), ("c", "x")]
    assert crossings(columns, pairs) == 3
    assert crossings(ordered(columns, pairs, {}), pairs) == 0
    held = ordered(columns, pairs, {"x": 0, "y": 1, "z": 2, "a": 0, "b": 1, "c": 2})
    assert held == columns


def test_hostile_names_are_text(documents: dict[str, GraphDocument]) -> None:
    document = documents["rlhf-assistant"]
    hostile = replace(
        document,
        nodes=tuple(
            replace(node, label=HOSTILE + node.label, claim=HOSTILE + node.claim)
            for node in document.nodes
        ),
        worst=replace(document.worst, name=HOSTILE, label=HOSTILE),
    )
    for kind in ({}, {"narrow": True}, {"in_page": True}):
        figure = plot_story_graph(hostile, **kind)
        tags = {each.tag.removeprefix(SVG) for each in parsed(figure).iter()}
        assert tags <= {"svg", "title", "desc", "g", "path", "rect", "text", "tspan"}
        assert not any("style" in each.attrib for each in parsed(figure).iter())


def test_the_same_bytes_again(documents: dict[str, GraphDocument]) -> None:
    assessment = assess(resolve(story_of("rlhf-assistant")), draws=128)
    again = summarize_story_graph(assessment, summarize(assessment))
    assert plot_story_graph(again) == plot_story_graph(documents["rlhf-assistant"])
