"""The shapes of Goal Structuring Notation, with their text inside."""

from collections.abc import Sequence
from typing import cast

from markupsafe import Markup

from storyodds.reports.contract.summaries import Interval
from storyodds.reports.exports.gsn.records import Node
from storyodds.reports.figures.drawing.svg import element, group, lines_of, mark, path
from storyodds.reports.words.numbers import band, percent
from storyodds.reports.words.shortening import shortened

LETTER = 6.3  # pixels, of the widest usual typeface at 11 pixels
LINE = 13.5  # pixels from one line of words of 11 pixels to the next
_PAD = 9.0  # pixels between words and outline
ROUND = ("solution", "counter_solution")
_SMALL = {"assumption", "justification"}  # told in few words: there are many


class Shape:
    """An element placed in the picture: what it says, and how large it is."""

    def __init__(self, node: Node, width: float, most: int, also: Sequence[str] = ()) -> None:
        self.node, self.width = node, width
        inset = {"strategy": 0.86, "assumption": 0.84, "justification": 0.84}
        room = max(6, int((width * inset.get(node.kind, 1.0) - 2 * _PAD) / LETTER))
        if node.kind in ROUND:
            self.lines = [node.id, *lines_of(node.about, int(0.86 * width / LETTER), most - 1)]
        else:
            claim = node.about if node.kind == "assumption" and node.about else node.claim
            self.lines = whole_lines(f"{node.id} {claim}", room, most)
        self.figures = _figures(node, room) if node.probability else []
        self.figures += lines_of(f"and {', '.join(also)}", room, 2) if also else []
        count = len(self.lines) + len(self.figures)
        self.height = count * LINE + 2 * _PAD
        if node.kind in ROUND:
            self.height = width
        elif node.kind in _SMALL:
            self.height += 4 + 4 * len(self.lines)
        self.x = self.y = 0.0

    def at(self, x: float, y: float) -> "Shape":
        """Put the shape's upper left corner somewhere."""
        self.x, self.y = x, y
        return self

    @property
    def middle(self) -> float:
        """The height of its middle."""
        return self.y + self.height / 2

    @property
    def center(self) -> float:
        """Where its middle is across."""
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        """Where what hangs on it starts, below the diamond if it has one."""
        return self.y + self.height + (16 if self.node.undeveloped else 0)

    def draw(self) -> Markup:
        """Give the shape as a mark that tells its whole text."""
        parts = [self._outline(), self._words()]
        if self.node.undeveloped:
            x, y = self.center, self.y + self.height
            corners = [(x, y), (x + 7, y + 8), (x, y + 16), (x - 7, y + 8)]
            parts.append(path(corners, closed=True, class_="gsn"))
        if self.node.kind in _SMALL:
            letter = "A" if self.node.kind == "assumption" else "J"
            place = {"x": self.x + self.width - 8, "y": self.y + self.height - 1}
            parts.append(element("text", letter, **place, class_="gsn-words", text_anchor="middle"))
        return mark(f"{self.node.id}: {self.node.text}", *parts)

    def _outline(self) -> Markup:
        x, y, w, h = self.x, self.y, self.width, self.height
        if self.node.kind in (*ROUND, *_SMALL):
            size = {"cx": x + w / 2, "cy": y + h / 2, "rx": w / 2, "ry": h / 2}
            return element("ellipse", **size, class_="gsn")
        if self.node.kind == "strategy":
            corners = [(x + 14, y), (x + w, y), (x + w - 14, y + h), (x, y + h)]
            return path(corners, closed=True, class_="gsn")
        round_ = {"rx": h / 2 if h < 50 else 22} if self.node.kind == "context" else {}
        return element("rect", x=x, y=y, width=w, height=h, **round_, class_="gsn")

    def _words(self) -> Markup:
        count = len(self.lines) + len(self.figures)
        first = self.middle - (count - 1) * LINE / 2 + 4
        rows = [(line, "gsn-words") for line in self.lines]
        rows += [(line, "gsn-words strong") for line in self.figures]
        return group(
            *(
                element(
                    "text",
                    line,
                    x=self.center,
                    y=first + k * LINE,
                    class_=look,
                    text_anchor="middle",
                )
                for k, (line, look) in enumerate(rows)
            )
        )


def whole_lines(words: str, width: int, at_most: int) -> list[str]:
    """Break a text; it has more lines where a sentence would lose a negation.

    Examples
    --------
    >>> whole_lines("It acts well if it is not watched by anybody.", 12, 2)
    ['It acts well', 'if it is not', 'watched by', 'anybody.']
    """
    lines = lines_of(words, width, at_most)
    if not lines[-1].endswith("…"):
        return lines
    return lines_of(shortened(words, len(" ".join(lines))), width, len(words))


def _figures(node: Node, room: int) -> list[str]:
    """The probability of what the element says, whole."""
    entry = node.probability
    assert entry is not None  # as the shape has figures
    spread = band(cast(Interval, entry)) if "q05" in entry else ""
    probability = f"= {percent(entry['mean'])}" + (f" ({spread})" if spread else "")
    return lines_of(f"P {probability}", room, 3)


def arrow(points: Sequence[tuple[float, float]], *, hollow: bool = False) -> Markup:
    """A line with a head at its end: filled for support, hollow for context."""
    (x, y), back, *sides = _head(points)
    return path([*points[:-1], back], class_="gsn-line") + path(
        [(x, y), *sides], closed=True, class_="gsn" if hollow else "gsn-head"
    )


def challenge(points: Sequence[tuple[float, float]]) -> Markup:
    """A dashed line with an open head, from what challenges to what is challenged."""
    tip, _, left, right = _head(points)
    return dashed(points) + path([left, tip, right], class_="gsn-line")


def dashed(points: Sequence[tuple[float, float]]) -> Markup:
    """A part of such a line."""
    return path(points, class_="gsn-line base")


def _head(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The tip of an arrow, the middle of its back, and both ends of it."""
    (x0, y0), (x, y) = points[-2], points[-1]
    dx, dy = (x > x0) - (x < x0), (y > y0) - (y < y0)
    back = (x - 8 * dx, y - 8 * dy)
    sides = [(back[0] + 4 * dy, back[1] + 4 * dx), (back[0] - 4 * dy, back[1] - 4 * dx)]
    return [(x, y), back, *sides]
