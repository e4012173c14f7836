"""Lines of marks on one shared scale, numbers at the right: most comparisons are drawn so."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.short_names import short_names
from storyodds.reports.figures.drawing.svg import (
    Scale,
    drawing,
    element,
    grid,
    lines_of,
    mark,
    tick_percent,
    ticks,
)
from storyodds.reports.words.shortening import negated

WIDTH = 540
LEFT = 190  # where the scale begins
HEIGHT = 38  # of a line
TALL = 50  # of a line whose name takes two, with a third under it
TOP = 24  # heads of the columns
NOT_AVAILABLE = "not available"

_LETTERS = 24  # of a name in a line
_SMALL_LETTERS = 27  # of what is under it
_LETTER = 6.9  # pixels of one
_THICK = 9  # of a bar
_STEP = 15  # from a line of a name to the next
_ROOM = 0.05  # of the scale, beyond the outermost mark


@dataclass(frozen=True)
class Point:
    """One mark of a line.

    Attributes
    ----------
    at : float
        NaN is not drawn, its interval is.
    low, high : float
        Ends of its interval, if it has one.
    shape : {"dot", "ring", "square", "diamond", "tick"}
        Told apart without a color; ring and diamond are hollow, and a tick hides no other mark.
    worst : bool
        In the color of warning.
    """

    at: float
    low: float = math.nan
    high: float = math.nan
    shape: str = "dot"
    worst: bool = False


@dataclass(frozen=True)
class Bar:
    """A bar between two values; `up` is in the upper half of its line, and blue."""

    start: float
    end: float
    up: bool


@dataclass(frozen=True)
class Line:
    """One line of a picture.

    Attributes
    ----------
    name : str
    words : str
        What it says, for those who point at it or cannot see it.
    marks : sequence of Point or Bar
    numbers : sequence of str
        In columns at the right.
    under : str
        A small line under the name.
    claim : str
        As much of it as two small lines hold, under the name too; all of it where one points.
    """

    name: str
    words: str
    marks: Sequence[Point | Bar]
    numbers: Sequence[str] = ()
    under: str = ""
    claim: str = ""

    @property
    def values(self) -> list[float]:
        """Every finite value that is drawn."""
        found: list[float] = []
        for one in self.marks:
            found += [one.start, one.end] if isinstance(one, Bar) else [one.at, one.low, one.high]
        return [x for x in found if math.isfinite(x)]


@dataclass(frozen=True)
class Look:
    """How lines are laid out.

    Attributes
    ----------
    heads : sequence of str
        Of the columns of numbers.
    tick : callable
        From a value to its words.
    base : float, optional
        Where a dashed line stands, and `said` at its top.
    low, high : float, optional
        Ends that the scale has at least.
    """

    heads: Sequence[str] = ()
    tick: Callable[[float], str] = tick_percent
    base: float | None = None
    said: str = ""
    low: float | None = None
    high: float | None = None


def line_figure(
    name: str,
    title: str,
    lines: Sequence[Line],
    look: Look,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    note: str = "",
) -> Figure:
    """Draw lines as a figure; say that there is nothing where there is no line."""
    if not any(line.values for line in lines):
        return nothing(name, title, columns=columns, rows=rows)
    words = "; ".join(line.words for line in lines)
    children, height = draw_lines(lines, look)
    return Figure(
        name=name,
        title=title,
        description=words,
        svg=drawing(WIDTH, height, title, words, *children),
        columns=tuple(columns),
        rows=tuple(tuple(row) for row in rows),
        note=note,
    )


def nothing(
    name: str,
    title: str,
    why: str = "there is nothing to draw",
    columns: Sequence[str] = (),
    rows: Sequence[Sequence[str]] = (),
) -> Figure:
    """Give a figure that says that it is not available, and why.

    Examples
    --------
    >>> nothing("values", "Values").description
    'Not available: there is nothing to draw.'
    """
    words = f"Not available: {why}."
    said = [
        element("text", line, x=0, y=18 + 18 * k, class_="tick")
        for k, line in enumerate(lines_of(words, 76, 3))
    ]
    svg = drawing(WIDTH, 12 + 18 * len(said), title, words, *said)
    return Figure(name, title, words, svg, tuple(columns), tuple(tuple(r) for r in rows))


def draw_lines(lines: Sequence[Line], look: Look, top: float = 0) -> tuple[list[Markup], float]:
    """Draw lines below one another.

    Returns
    -------
    children : list of str
    height : float
        At which the next thing may begin.
    """
    places = _columns(lines, look)
    scale = _scale(lines, look, places)
    tall = any(line.claim or (line.under and len(line.name) > _LETTERS) for line in lines)
    height = TALL if tall else HEIGHT
    height += _STEP * any(line.claim and len(line.name) > _LETTERS for line in lines)
    start = top + TOP
    bottom = start + height * len(lines)
    children = [grid(scale, start, bottom, ticks(scale.low, scale.high, 4), look.tick)]
    if look.base is not None and math.isfinite(look.base):
        x = scale(look.base)
        children.append(element("line", x1=x, x2=x, y1=start, y2=bottom, class_="base"))
        children.append(element("text", look.said, x=x, y=start - 7, class_="tick", **_within(x)))
    for head, x in zip(look.heads, places, strict=True):
        children.append(element("text", head, x=x, y=start - 7, class_="tick", text_anchor="end"))
    names = short_names([line.name for line in lines], _LETTERS)
    for k, (line, name) in enumerate(zip(lines, names, strict=True)):
        children += _line(line, name, scale, start + height * (k + 0.5), height, places)
    return children, bottom + 24


def _columns(lines: Sequence[Line], look: Look) -> list[float]:
    """Where the columns of numbers end, each as wide as what is in it."""
    ends, x = [], float(WIDTH)
    for k in reversed(range(len(look.heads))):
        ends.append(x)
        said = [look.heads[k], *(line.numbers[k] for line in lines if k < len(line.numbers))]
        x -= 14 + _LETTER * max(map(len, said))
    return ends[::-1]


def _within(x: float) -> dict[str, str]:
    """Which way words go from the line they belong to, so that they stay in the picture."""
    return {"text_anchor": "start" if x < LEFT + 30 else "middle"}


def _scale(lines: Sequence[Line], look: Look, places: Sequence[float]) -> Scale:
    values = [x for line in lines for x in line.values]
    values += [x for x in (look.base, look.low, look.high) if x is not None and math.isfinite(x)]
    low, high = min(values), max(values)
    room = _ROOM * (high - low)
    low = low if low == 0 else low - room
    high = high if high == low or high == 1 else high + room
    if high == low:  # one value only: it stands at the start
        high = low + (abs(low) or 1.0)
    return Scale(low, high, LEFT, max(_first(lines, look, places) - 18, LEFT + 60))


def _first(lines: Sequence[Line], look: Look, places: Sequence[float]) -> float:
    """Where the first column of numbers begins."""
    if not places:
        return WIDTH
    said = [look.heads[0], *(line.numbers[0] for line in lines if line.numbers)]
    return places[0] - _LETTER * max(map(len, said))


def _line(
    line: Line, name: str, scale: Scale, y: float, height: float, places: Sequence[float]
) -> list[Markup]:
    area = element(
        "rect", x=LEFT, y=y - height / 2, width=WIDTH - LEFT, height=height, class_="hit"
    )
    shapes = [shape for one in line.marks for shape in _shape(one, scale, y)]
    if not line.values:
        shapes = [element("text", NOT_AVAILABLE, x=LEFT + 6, y=y + 4.5, class_="tick")]
    numbers = [
        element("text", number, x=x, y=y + 4.5, class_="tick", text_anchor="end")
        for number, x in zip(line.numbers, places, strict=True)
    ]
    names = [(words, "label") for words in lines_of(name, _LETTERS)]
    names += [(words, "tick") for words in lines_of(line.under, _SMALL_LETTERS, 1) if words]
    names += [(words, "sub") for words in _claim(line.claim) if words]
    first = y + 4.5 - _STEP * (len(names) - 1) / 2
    whole = element("title", line.claim) if line.claim else Markup("")
    said = [
        element(
            "text",
            Markup("") if k else whole,
            words,
            x=LEFT - 12,
            y=first + _STEP * k,
            class_=look,
            text_anchor="end",
        )
        for k, (words, look) in enumerate(names)
    ]
    return [*said, mark(line.words, area, *shapes), *numbers]


def _claim(words: str) -> list[str]:
    """As much of a claim as fits; nothing of one that would lose a negation."""
    lines = lines_of(words, _SMALL_LETTERS)
    return [] if lines[-1].endswith("…") and negated(words) else lines


def _shape(one: Point | Bar, scale: Scale, y: float) -> list[Markup]:
    if isinstance(one, Bar):
        if not (math.isfinite(one.start) and math.isfinite(one.end)):
            return []
        left, right = sorted((scale(one.start), scale(one.end)))
        return [
            element(
                "rect",
                x=left,
                y=y - _THICK - 0.5 if one.up else y + 0.5,
                width=max(right - left, 1.0),
                height=_THICK,
                class_="low" if one.up else "high",
            )
        ]
    look = " worst" * one.worst
    shapes = []
    if math.isfinite(one.low) and math.isfinite(one.high) and one.low != one.high:
        ends = (scale(one.low), scale(one.high))
        line = element("line", x1=ends[0], x2=ends[1], y1=y, y2=y, class_=f"interval-90{look}")
        shapes.append(line)
    if not math.isfinite(one.at):
        return shapes
    x = scale(one.at)
    if one.shape == "tick":
        size = {"x": x - 1, "y": y - 10, "width": 2, "height": 20}
        return [*shapes, element("rect", **size, class_="node")]
    hollow = one.shape in ("ring", "diamond")
    kind = "before-dot" if hollow else f"dot{look}"
    if one.shape in ("dot", "ring"):
        shapes.append(element("circle", cx=x, cy=y, r=5.5, class_=kind))
    else:
        turn = f"rotate(45 {x:.1f} {y:.1f})" if one.shape == "diamond" else None
        shapes.append(
            element("rect", x=x - 5, y=y - 5, width=10, height=10, transform=turn, class_=kind)
        )
    return shapes
