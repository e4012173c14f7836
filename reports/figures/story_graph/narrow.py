"""A story's graph for narrow places: from top to bottom, name above, number at the end."""

import re
from itertools import pairwise

from markupsafe import Markup

from storyodds.reports.documents.story_graph.conditions import need_words
from storyodds.reports.documents.story_graph.records import Edge, Node
from storyodds.reports.figures.drawing.svg import LINE, element, lines_of
from storyodds.reports.figures.story_graph.legend import legend
from storyodds.reports.figures.story_graph.marks import (
    HAIR,
    lines_at,
    most_points,
    node_look,
    node_mark,
    outline,
    tips_of,
    worst_look,
)
from storyodds.reports.figures.story_graph.shown import Shown
from storyodds.reports.figures.story_graph.words import WORST, row_order
from storyodds.reports.words.numbers import percent

WIDTH = 300.0  # so that on a phone of 360 its smallest letters have 11 pixels

_GUTTER = 66.0  # where flows run, at the left of what they join
_ARC_SCALE = 26.0  # pixels of the width of a flow that is certain
_BAR = 11.0  # height of a bar
_THICK = 4.0  # pixels of the outline of the node that moves most
_LETTERS = 39  # of a name
_MOST_LINES = 12  # of what a node needs: a list of conditions that is cut is another
_SMALL_LETTERS = 43  # of what is under it, many of them wide
_NUMBER = 54.0  # room of the number at the end
_ROW_GAP = 10.0  # below a bar
_ROOM = re.compile(rf'y="?([0-9.]+)"?[^>]* height="?{_BAR:g}(?:\.0)?"?[ >]')
_HEADS = {
    "assumption": "Assumptions",
    "route": "Routes",
    "kind": "Kinds of model",
    "check": "Stopped by",
    "ending": "Endings",
}


def draw_narrow(picture: Shown, in_page: bool) -> tuple[list[Markup], float, float]:
    """Draw a graph as rows below one another, flows at their left.

    Parameters
    ----------
    picture : Shown
    in_page : bool
        Whether tips are left to a page.

    Returns
    -------
    children : list of Markup
    width, height : float
    """
    document = picture.document
    most = most_points(picture.nodes, document.event)
    key, y = legend(picture, most, _ARC_SCALE, WIDTH, _THICK, lines=False)
    tips, places = tips_of(picture), row_order(document)
    rows: list[Markup] = []
    middles: dict[str, float] = {}
    for stage in ((*picture.free, *picture.made), *picture.stages):
        if not stage:
            continue
        y += 20.0
        rows.append(element("text", _HEADS[stage[0].stage], x=0, y=y, class_="strong"))
        y += 8.0
        for k, node in enumerate(stage):
            if node.stage == "hazard" and stage[k - 1].stage == "route":
                y += 20.0
                head = "Hazards of the goal"
                rows.append(element("text", head, x=_GUTTER, y=y, class_="strong"))
                y += 8.0
            shapes, middle, bottom = _row(picture, node, y, most)
            middles[node.id] = middle
            rows.append(
                node_mark(node, tips[node.id], places[node.id] if in_page else None, *shapes)
            )
            y = bottom
    return [*key, *_arcs(picture, middles), *rows], WIDTH, y + 6.0


def parts_of(svg: str, most: float) -> list[tuple[float, float]]:
    """Part a narrow graph between its rows, for places that are less high than it is.

    Parameters
    ----------
    svg : str
        The picture.
    most : float
        Of its units, that a part may be high; one row may be higher.

    Returns
    -------
    list of (float, float)
        Where each part begins and how high it is; about as high as each other.

    Examples
    --------
    >>> rows = "".join(f'<rect y="{y}" height="11.0" />' for y in (20, 60, 100))
    >>> parts_of(f'<svg viewBox="0 0 300 120">{rows}</svg>', 70)
    [(0.0, 36.0), (36.0, 40.0), (76.0, 44.0)]
    """
    match = re.search(r'viewBox="0 0 [0-9.]+ ([0-9.]+)"', svg)
    whole = float(match[1]) if match else 0.0
    ends = [float(y) + _BAR + _ROW_GAP / 2 for y in _ROOM.findall(svg)][:-1]
    target = whole / max(1, -int(-whole // most))
    cuts = [0.0]
    for end, after in pairwise((*ends, whole)):
        if after - cuts[-1] > most or end - cuts[-1] >= target:
            cuts.append(end)
    return [(a, b - a) for a, b in pairwise((*cuts, whole))]


def _row(picture: Shown, node: Node, y: float, most: float) -> tuple[list[Markup], float, float]:
    """Draw one row from a height on; give its shapes, the middle of its bar, and its end."""
    document = picture.document
    indent = 0.0 if node.stage == "assumption" else _GUTTER
    cut = 0 if node.stage == "assumption" else 9
    name = f"{WORST} {node.label}" if node.worst else node.label
    lines = [(line, "") for line in lines_of(name, _LETTERS - cut)]
    labels = {other.id: other.label for other in document.nodes}
    need = picture.needs.get(node.id)
    if need is not None:
        words = f"needs {need_words(need, labels)}"
        lines += [(line, "sub") for line in lines_of(words, _SMALL_LETTERS - cut, _MOST_LINES)]
    text = lines_at(indent, y + 14.0, lines, "label")
    top = y + 14.0 + LINE * (len(lines) - 1) + 7.0
    room = WIDTH - indent - _NUMBER - 6.0
    stroke = round(outline(node, document.event, most, _THICK), 2)
    look = node_look(node, document)
    bar = f"M{indent:.1f},{top + _BAR / 2:.1f}h{room * node.probability:.1f}"
    shapes = [
        text,
        element(
            "rect", x=indent, y=top, width=room, height=_BAR, rx=2, class_=look, stroke_width=stroke
        ),
        element("path", d=bar, class_="graph-bar"),
        element(
            "text",
            percent(node.probability),
            x=WIDTH,
            y=top + _BAR,
            class_="label",
            text_anchor="end",
        ),
    ]
    return shapes, top + _BAR / 2, top + _BAR + _ROW_GAP


def _arcs(picture: Shown, middles: dict[str, float]) -> list[Markup]:
    """Draw flows as bows in the gutter, those as wide as each other as one mark.

    They have no tips: nobody points at lines so close together, and the table has them all.
    """
    bows: dict[float, list[str]] = {}
    for edge in picture.edges:
        bows.setdefault(_bow_width(edge.probability), []).append(_bow(edge, middles))
    drawn = [
        element("path", d="".join(data), class_="graph-arc", stroke_width=width)
        for width, data in sorted(bows.items(), reverse=True)
    ]
    look = worst_look("graph-arc", True, picture.document)
    worst = [edge for edge in picture.edges if edge.worst > 0]
    return drawn + [
        element("path", d=_bow(e, middles), class_=look, stroke_width=_bow_width(e.worst))
        for e in worst
    ]


def _bow_width(share: float) -> float:
    """The width of a bow, to half a pixel."""
    return max(round(2 * share * _ARC_SCALE) / 2, HAIR)


def _bow(edge: Edge, middles: dict[str, float]) -> str:
    y0, y1 = middles[edge.source], middles[edge.target]
    x = _GUTTER - 5
    out = x - min(_GUTTER, 18 + 0.16 * abs(y1 - y0)) * 1.2
    return f"M{x:.1f},{y0:.1f}C{out:.1f},{y0:.1f} {out:.1f},{y1:.1f} {x:.1f},{y1:.1f}"
