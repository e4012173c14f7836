"""What boxes need, drawn: lines into brackets, which nothing flows along."""

from collections.abc import Iterator, Mapping, Set

from markupsafe import Markup

from storyodds.reports.documents.story_graph.conditions import terms_of
from storyodds.reports.documents.story_graph.records import Need, Node, Term
from storyodds.reports.figures.drawing.svg import element
from storyodds.reports.figures.story_graph.boxes import Box, curve
from storyodds.reports.figures.story_graph.marks import worst_look
from storyodds.reports.figures.story_graph.shown import Shown

SLOT = 8.0  # pixels from one line of a bracket to the next

_BRACKET = 13.0  # from one bracket to the one within it
_BEFORE = 8.0  # from a box to its bracket
_DOT = 4.0  # from the end of a line to its bracket
_FEW = 3.0  # that a bracket reaches beyond its outer lines

# A stroke: what it is, whether it is of the worst path, and its data. Those of a kind are one path
# in the end: very many lines are few marks.
Stroke = tuple[str, bool, str]


def draw_needs(picture: Shown, boxes: Mapping[str, Box]) -> Iterator[Markup]:
    """Draw what each box needs, and what some of several routes need.

    Parameters
    ----------
    picture : Shown
    boxes : mapping of str to Box
        By node.
    """
    lit = {(term.node, term.holds) for term in picture.document.worst.terms}
    lit |= {(node.id, True) for node in (*picture.made, *_hazards(picture)) if node.worst}
    strokes = [*_brackets(picture, boxes, lit), *_lines_of_some(picture, boxes)]
    paths: dict[tuple[str, bool], list[str]] = {}
    for kind, worst, data in strokes:
        paths.setdefault((kind, worst), []).append(data)
    for (kind, worst), parts in sorted(paths.items(), key=lambda item: item[0][1]):
        for look in _LOOKS[kind]:
            look = worst_look(look, worst, picture.document)
            yield element("path", d="".join(parts), class_=look)


_LOOKS = {
    "need": ("graph-need",),
    "some": ("graph-need graph-some",),
    "bracket": ("graph-bracket",),
    "so": ("graph-dot",),
    "not": ("graph-dot", "graph-hole"),
}


def _hazards(picture: Shown) -> Iterator[Node]:
    return (node for node in picture.stages[0] if node.stage == "hazard")


def _brackets(
    picture: Shown, boxes: Mapping[str, Box], lit: Set[tuple[str, bool]]
) -> Iterator[Stroke]:
    """The bracket of every box that needs something."""
    for id, need in picture.needs.items():
        if id in boxes and all(term.node in boxes for term in terms_of(need)):
            box, count = boxes[id], len(list(terms_of(need)))
            x, first = box.x - _BEFORE, box.middle - SLOT * (count - 1) / 2
            strokes, top, bottom = _bracket(need, x, first, box, boxes, lit)
            yield from strokes
            start = x - _DOT * (len(need.parts) == 1)
            data = f"M{start:.1f},{(top + bottom) / 2:.1f}H{box.x:.1f}"
            yield "bracket", box.node.worst, data


def _lines_of_some(picture: Shown, boxes: Mapping[str, Box]) -> Iterator[Stroke]:
    """What some of several routes need."""
    for id, terms in picture.loose.items():
        placed = sorted(terms, key=lambda term: boxes[term.node].middle)
        y = boxes[id].middle - SLOT * (len(placed) - 1) / 2
        for term in placed:
            yield from _line(boxes[term.node], boxes[id].x - 6, y, term.holds, False, "some")
            y += SLOT


def _bracket(
    need: Need,
    x: float,
    first: float,
    box: Box,
    boxes: Mapping[str, Box],
    lit: Set[tuple[str, bool]],
    slot: int = 0,
) -> tuple[list[Stroke], float, float]:
    """A bracket with those within it, and from where to where it reaches.

    Parameters
    ----------
    x, first : float
        Where it stands, and where the first line of the whole bracket ends.
    box : Box
        That needs it.
    slot : int
        How many lines of the whole bracket are above its own.
    """
    strokes: list[Stroke] = []
    ends: list[float] = []
    for part in sorted(need.parts, key=lambda part: _height(part, boxes)):
        if isinstance(part, Term):
            y = first + SLOT * slot
            slot += 1
            worst = box.node.worst and (part.node, part.holds) in lit
            strokes += _line(boxes[part.node], x - _DOT, y, part.holds, worst)
        else:
            inner = x - _BRACKET
            within, top, bottom = _bracket(part, inner, first, box, boxes, lit, slot)
            slot += len(list(terms_of(part)))
            y = (top + bottom) / 2
            strokes += within
            strokes.append(("bracket", box.node.worst, f"M{inner:.1f},{y:.1f}H{x:.1f}"))
        ends.append(y)
    top, bottom = min(ends) - _FEW, max(ends) + _FEW
    if len(need.parts) > 1:
        strokes.append(("bracket", box.node.worst, _spine(x, top, bottom, need)))
    return strokes, top, bottom


def _height(part: Term | Need, boxes: Mapping[str, Box]) -> float:
    """How far down the boxes of a part are on average."""
    terms = [part] if isinstance(part, Term) else list(terms_of(part))
    return sum(boxes[term.node].middle for term in terms) / len(terms)


def _line(
    source: Box, x: float, y: float, holds: bool, worst: bool, kind: str = "need"
) -> Iterator[Stroke]:
    """A line from a box to a dot, hollow where it must not be so."""
    line = curve(source.x + source.width, source.middle, x, y)
    yield kind, worst, f"M{line}"
    yield "so" if holds else "not", worst, f"M{x:.1f},{y:.1f}h0"


def _spine(x: float, top: float, bottom: float, need: Need) -> str:
    """A square bracket where all parts are needed, a round one where fewer are."""
    if need.least == len(need.parts):
        return f"M{x - 2:.1f},{top:.1f}L{x + 2:.1f},{top:.1f}L{x + 2:.1f},{bottom:.1f}H{x - 2:.1f}"
    start, out, end = f"{x - 2:.1f},{top:.1f}", f"{x + 4:.1f}", f"{x - 2:.1f},{bottom:.1f}"
    return f"M{start}C{out},{top:.1f} {out},{bottom:.1f} {end}"
