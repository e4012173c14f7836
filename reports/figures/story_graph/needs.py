"""What boxes need, drawn: lines into brackets, which nothing flows along."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

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

# Strokes by what they are and whether they are of the worst path, each kind one path in the end:
# very many lines are few marks.
Strokes = dict[tuple[str, bool], list[str]]


def draw_needs(picture: Shown, boxes: Mapping[str, Box]) -> Iterator[Markup]:
    """Draw what each box needs, and what some of several routes need.

    Parameters
    ----------
    picture : Shown
    boxes : mapping of str to Box
        By node.
    """
    strokes: Strokes = {}
    lit = {(term.node, term.holds) for term in picture.document.worst.terms}
    lit |= {(node.id, True) for node in (*picture.made, *_hazards(picture)) if node.worst}
    for id, need in picture.needs.items():
        if id in boxes and all(term.node in boxes for term in terms_of(need)):
            _Bracket(strokes, boxes, boxes[id], lit).draw(need)
    for id, terms in picture.loose.items():
        placed = sorted(terms, key=lambda term: boxes[term.node].middle)
        y = boxes[id].middle - SLOT * (len(placed) - 1) / 2
        for term in placed:
            _line(strokes, boxes[term.node], boxes[id].x - 6, y, term.holds, False, "some")
            y += SLOT
    for (kind, worst), data in sorted(strokes.items(), key=lambda item: item[0][1]):
        for look in _LOOKS[kind]:
            look = worst_look(look, worst, picture.document)
            yield element("path", d="".join(data), class_=look)


_LOOKS = {
    "need": ("graph-need",),
    "some": ("graph-need graph-some",),
    "bracket": ("graph-bracket",),
    "so": ("graph-dot",),
    "not": ("graph-dot", "graph-hole"),
}


def _hazards(picture: Shown) -> Iterator[Node]:
    return (node for node in picture.stages[0] if node.stage == "hazard")


@dataclass
class _Bracket:
    """The bracket of one box, with those within it."""

    strokes: Strokes
    boxes: Mapping[str, Box]
    box: Box
    lit: Set[tuple[str, bool]]
    used: int = 0

    def draw(self, need: Need) -> None:
        """Draw it, from the middle of the box on."""
        x = self.box.x - _BEFORE
        n = len(list(terms_of(need)))
        first = self.box.middle - SLOT * (n - 1) / 2
        top, bottom = self._part(need, x, first)
        start = x - _DOT * (len(need.parts) == 1)
        self._add("bracket", f"M{start:.1f},{(top + bottom) / 2:.1f}H{self.box.x:.1f}")

    def _part(self, need: Need, x: float, first: float) -> tuple[float, float]:
        ends = []
        for part in sorted(need.parts, key=self._height):
            if isinstance(part, Term):
                y = first + SLOT * self.used
                self.used += 1
                source = self.boxes[part.node]
                worst = self.box.node.worst and (part.node, part.holds) in self.lit
                _line(self.strokes, source, x - _DOT, y, part.holds, worst)
                ends.append(y)
            else:
                inner = x - _BRACKET
                y = sum(self._part(part, inner, first)) / 2
                self._add("bracket", f"M{inner:.1f},{y:.1f}H{x:.1f}")
                ends.append(y)
        top, bottom = min(ends) - _FEW, max(ends) + _FEW
        if len(need.parts) > 1:
            self._add("bracket", _spine(x, top, bottom, need))
        return top, bottom

    def _height(self, part: Term | Need) -> float:
        terms = [part] if isinstance(part, Term) else list(terms_of(part))
        return sum(self.boxes[term.node].middle for term in terms) / len(terms)

    def _add(self, kind: str, data: str) -> None:
        self.strokes.setdefault((kind, self.box.node.worst), []).append(data)


def _line(
    strokes: Strokes,
    source: Box,
    x: float,
    y: float,
    holds: bool,
    worst: bool,
    kind: str = "need",
) -> None:
    """Draw a line from a box to a dot, hollow where it must not be so."""
    line = curve(source.x + source.width, source.middle, x, y)
    strokes.setdefault((kind, worst), []).append(f"M{line}")
    dot = f"M{x:.1f},{y:.1f}h0"
    strokes.setdefault(("so" if holds else "not", worst), []).append(dot)


def _spine(x: float, top: float, bottom: float, need: Need) -> str:
    """A square bracket where all parts are needed, a round one where fewer are."""
    if need.least == len(need.parts):
        return f"M{x - 2:.1f},{top:.1f}L{x + 2:.1f},{top:.1f}L{x + 2:.1f},{bottom:.1f}H{x - 2:.1f}"
    start, out, end = f"{x - 2:.1f},{top:.1f}", f"{x + 4:.1f}", f"{x - 2:.1f},{bottom:.1f}"
    return f"M{start}C{out},{top:.1f} {out},{bottom:.1f} {end}"
