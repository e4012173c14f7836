"""A story's graph for wide places: columns from left to right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from storyodds.reports.documents.story_graph.conditions import terms_of
from storyodds.reports.documents.story_graph.records import Edge, Node
from storyodds.reports.figures.drawing.short_names import short_names
from storyodds.reports.figures.drawing.svg import LINE, element, group, lines_of, mark
from storyodds.reports.figures.story_graph.boxes import Box, curve
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
from storyodds.reports.figures.story_graph.needs import SLOT, draw_needs
from storyodds.reports.figures.story_graph.order import ordered
from storyodds.reports.figures.story_graph.shown import Shown
from storyodds.reports.figures.story_graph.words import WORST, edge_tip, needed_by, row_order
from storyodds.reports.words.numbers import percent
from storyodds.reports.words.shortening import negated

WIDTH = 1060.0  # so that on a screen of some 1,180 its smallest letters have 11 pixels
SCALE = 400.0  # pixels that stand for certainty, where the nodes of no column need more

_THICK = 6.0  # pixels of the outline of the node that moves most
_TOP = 92.0  # below the legend, heads of columns
_LETTER = 7.5  # pixels of a usual letter of a label
_PAD = 7.0  # between a box and its words
_HEAD = 18.0  # of words above a box
_GAP = 9.0  # between boxes, at least
_WIDEST_GAP = 40.0  # between boxes, at most: a column stays together
_EDGE = 4.0  # of the picture, for half of the thickest outline
_WIDTHS = {  # of boxes, where all columns are there; the longest ending and class in one line
    "free": 139.0,
    "made": 117.0,
    "route": 144.0,
    "kind": 112.0,
    "check": 113.0,
    "ending": 117.0,
}
_GAPS = {"free": 54.0, "made": 80.0, "route": 58.0, "kind": 58.0, "check": 58.0}
_WIDER = 1.4  # times as wide, at most
_CLASS_RANKS = ("deceptive", "mesa-optimizer", "other", "hazard", "intended")
_HEADS = {
    "route": "route",
    "kind": "kind of model",
    "check": "stopped by",
    "ending": "ending",
}


@dataclass(frozen=True)
class Layout:
    """Where everything goes."""

    boxes: Mapping[str, Box]
    heads: tuple[tuple[str, float, float], ...]
    scale: float
    height: float


def draw_wide(picture: Shown, in_page: bool) -> tuple[list[Markup], float, float]:
    """Draw a graph in columns.

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
    layout = layout_of(picture)
    document = picture.document
    most = most_points(picture.nodes, document.event)
    tips, rows = tips_of(picture), row_order(document)
    heads = [element("text", words, x=x, y=y, class_="tick") for words, x, y in layout.heads]
    boxes = [
        node_mark(
            box.node,
            tips[id],
            rows[id] if in_page else None,
            element(
                "rect",
                x=box.x,
                y=box.y,
                width=box.width,
                height=box.height,
                rx="4",
                class_=node_look(box.node, document),
                stroke_width=round(outline(box.node, document.event, most, _THICK), 2),
            ),
            lines_at(
                box.x + _PAD,
                box.middle + 4.5 - LINE * (len(box.words) - 1) / 2,
                box.words,
                "label",
            ),
        )
        for id, box in layout.boxes.items()
    ]
    children = [
        *legend(picture, most, layout.scale, WIDTH, _THICK, lines=True)[0],
        *heads,
        *_flows(picture, layout, in_page),
        *draw_needs(picture, layout.boxes),
        *boxes,
    ]
    return children, WIDTH, layout.height


# Where everything goes


def layout_of(picture: Shown) -> Layout:
    """Place boxes so that none meet, and order them so that few lines cross."""
    columns = [column for column in (picture.free, picture.made, *picture.stages) if column]
    starts, widths = _places(picture)
    by_id = {node.id: node for column in columns for node in column}
    order = _order(picture, columns)
    words = {}
    heights = {}
    flowing = {node.id for node in by_id.values() if node.stage not in ("assumption", "hazard")}
    scale = SCALE
    for column, width in zip(order, widths, strict=True):
        letters = int((width - 2 * _PAD) / _LETTER)
        names = short_names([by_id[id].label for id in column], letters - 2)
        for id, name in zip(column, names, strict=True):
            node = by_id[id]
            bar = node.probability * scale if id in flowing else 0.0
            words[id] = _words(node, name, letters, bar)
            lines = LINE * len(words[id]) + 6.0
            brackets = SLOT * (_slots(picture, id) + 1)
            heights[id] = max(bar, lines, brackets)
    above = _heads_within(picture, order)
    tall = max(sum(heights[id] + _GAP + _HEAD * (id in above) for id in column) for column in order)
    boxes: dict[str, Box] = {}
    within: list[tuple[str, float, float]] = []
    for column, x, width in zip(order, starts, widths, strict=True):
        taken = sum(heights[id] + _HEAD * (id in above) for id in column)
        gap = min(_WIDEST_GAP, (tall - taken) / max(1, len(column)))
        used = taken + gap * (len(column) - 1)
        y = _TOP + max(0.0, (tall - used) / 2)
        for id in column:
            if id in above:
                y += _HEAD
                within.append((above[id], x, y - 6.0))
            boxes[id] = Box(by_id[id], x, y, width, heights[id], words[id])
            y += heights[id] + gap
    names = ["assumption"] * bool(picture.free) + ["made up of these"] * bool(picture.made)
    names += [_HEADS[stage[0].stage] for stage in picture.stages]
    heads = [(name, x, _TOP - 10.0) for name, x in zip(names, starts, strict=True)]
    return Layout(boxes, (*heads, *within), scale, _TOP + tall + 6.0)


def _heads_within(picture: Shown, order: Sequence[Sequence[str]]) -> dict[str, str]:
    """Give what stands above some boxes: the first hazard, and the first that nothing needs."""
    used, free = needed_by(picture), {node.id for node in picture.free}
    hazards = [id for column in order for id in column if id.startswith("hazard:")]
    unused = [id for column in order for id in column if id in free and id not in used]
    above = dict.fromkeys(hazards[:1], "hazards of the goal")
    return above | dict.fromkeys(unused[:1], "needed by none of these")


def _places(picture: Shown) -> tuple[list[float], list[float]]:
    """Give where columns begin and how wide they are; wider, and further apart, if there are few.

    Of the room that is left over, a half is for boxes and a half for what runs between them.
    """
    names = ["free"] * bool(picture.free) + ["made"] * bool(picture.made)
    names += [stage[0].stage for stage in picture.stages]
    widths = [_WIDTHS[name] for name in names]
    gaps = [_GAPS[name] for name in names[:-1]]
    spare = WIDTH - 2 * _EDGE - sum(widths) - sum(gaps)
    wider = min(1 + spare / 2 / sum(widths), _WIDER)
    apart = (WIDTH - 2 * _EDGE - wider * sum(widths)) / sum(gaps)
    starts = [_EDGE]
    for width, gap in zip(widths, gaps, strict=False):
        starts.append(starts[-1] + wider * width + apart * gap)
    return starts, [wider * width for width in widths]


def _order(picture: Shown, columns: Sequence[Sequence[Node]]) -> list[list[str]]:
    """Order boxes; routes stay together by class, as kinds do, and assumptions without use last."""
    pairs = [(term.node, id) for id, need in picture.needs.items() for term in terms_of(need)]
    pairs += [(term.node, id) for id, terms in picture.loose.items() for term in terms]
    pairs += [(edge.source, edge.target) for edge in picture.edges]
    there = {node.id for column in columns for node in column}
    pairs = [(a, b) for a, b in pairs if a in there and b in there and a != b]
    fixed: dict[str, int] = {}
    for column in columns:
        for k, node in enumerate(column):
            of_class = (node.group or node.id).split(":")[1]
            if node.stage in ("route", "kind") and of_class in _CLASS_RANKS:
                fixed[node.id] = _CLASS_RANKS.index(of_class)
            elif node.stage == "hazard":
                fixed[node.id] = _CLASS_RANKS.index("hazard")
            elif node.stage in ("check", "ending"):
                fixed[node.id] = k
    used = needed_by(picture)
    fixed |= {n.id: 1 for n in columns[0] if n.stage == "assumption" and n.id not in used}
    return ordered([[node.id for node in column] for column in columns], pairs, fixed)


def _words(node: Node, name: str, letters: int, bar: float) -> tuple[tuple[str, str], ...]:
    """A node's name in at most two lines, its number, and what fits of its claim."""
    lines = lines_of(f"{WORST} {name}" if node.worst else name, letters)
    number = percent(node.probability)
    if len(lines[-1]) + 1 + len(number) <= letters:
        lines[-1] += f" {number}"
    else:
        lines.append(number)
    free = min(4, int((bar - 8.0) / LINE) - len(lines))
    claim = lines_of(node.claim, int(letters * 1.15), free) if node.claim and free > 1 else []
    if claim and claim[-1].endswith("…") and negated(node.claim):
        claim = []  # a negation that is cut off would say the opposite
    return (*((line, "") for line in lines), *((line, "sub") for line in claim))


def _slots(picture: Shown, id: str) -> int:
    need = picture.needs.get(id)
    return len(list(terms_of(need))) if need is not None else len(picture.loose.get(id, ()))


# What flows


def _flows(picture: Shown, layout: Layout, in_page: bool) -> list[Markup]:
    """Draw all flows, each stacked at both of its ends; the worst path's part lies on top."""
    labels = {node.id: node.label for node in picture.nodes}
    document = picture.document
    left, right = (_stacked(picture.edges, layout, side) for side in ("source", "target"))
    rows = {(edge.source, edge.target): k for k, edge in enumerate(document.edges)}
    drawn = []
    for edge in sorted(picture.edges, key=lambda edge: edge.worst > 0):
        source, target = layout.boxes[edge.source], layout.boxes[edge.target]
        x0, x1 = source.x + source.width, target.x
        y0, y1 = left[edge.source, edge.target], right[edge.source, edge.target]
        width = max(edge.probability * layout.scale, HAIR)
        shapes = [element("path", d=_band(x0, y0, x1, y1, width), class_="graph-flow")]
        if edge.worst > 0:
            part = max(edge.worst * layout.scale, HAIR)
            look = worst_look("graph-flow", True, document)
            shapes.append(element("path", d=_band(x0, y0, x1, y1, part), class_=look))
        row = rows.get((edge.source, edge.target)) if in_page else None
        if row is None:
            drawn.append(mark(edge_tip(edge, labels, document), *shapes, stop=False))
        else:
            drawn.append(group(*shapes, data_flow=row))
    return drawn


def _stacked(edges: Sequence[Edge], layout: Layout, side: str) -> dict[tuple[str, str], float]:
    """Give the upper edge of each flow where it leaves, or where it arrives."""
    other = "target" if side == "source" else "source"
    by_box: dict[str, list[Edge]] = {}
    for edge in edges:
        by_box.setdefault(getattr(edge, side), []).append(edge)
    upper = {}
    for id, stack in by_box.items():
        total = sum(edge.probability for edge in stack) * layout.scale
        y = layout.boxes[id].middle - total / 2
        for edge in sorted(stack, key=lambda edge: layout.boxes[getattr(edge, other)].y):
            upper[edge.source, edge.target] = y
            y += edge.probability * layout.scale
    return upper


def _band(x0: float, y0: float, x1: float, y1: float, width: float) -> str:
    """A band that is as high everywhere as it is likely."""
    return f"M{curve(x0, y0, x1, y1)}L{curve(x1, y1 + width, x0, y0 + width)}Z"
