"""Lines of marks on one shared scale: most comparisons are drawn so.

A line has its name above its marks and its numbers at their end, so that the same picture reads on
a phone and beside another on a wide screen.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.keys import draw_key
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

WIDTH = 340  # of every such picture: a phone's, where its letters come out at least 11 pixels tall
NOT_AVAILABLE = "not available"

_EDGE = 8  # where the scale begins
_LETTERS = 46  # of a name in a line
_SMALL_LETTERS = 50  # of what is under it
_LETTER = 6.9  # pixels of one
_NAME, _SMALL = 16, 15  # pixels of a line of a name, and of what is under it
_LANE, _BAR_LANE = 22, 15  # pixels of a line's marks, and of one of its two bars
_THICK = 11  # of a bar
_APART = 9  # from a line to the next
_HEADS = 18  # of the heads of columns, and of what the dashed line is
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
        Told apart without a color; a ring, which alone is hollow, is what was before the evidence,
        and a tick hides no other mark.
    look : {"", "best", "worst", "low", "high"}
        Of success; of catastrophe; of the low or the high end; otherwise in no color.
    """

    at: float
    low: float = math.nan
    high: float = math.nan
    shape: str = "dot"
    look: str = ""


@dataclass(frozen=True)
class Bar:
    """A bar between two values, with words at its end; `up` is the upper one, of a low end."""

    start: float
    end: float
    up: bool
    words: str = ""


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
        numbers: list[float] = []
        for one in self.marks:
            numbers += [one.start, one.end] if isinstance(one, Bar) else [one.at, one.low, one.high]
        return [x for x in numbers if math.isfinite(x)]


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
    key : sequence of (Point or Bar, str)
        Each kind of mark, at any place, with what it means.
    """

    heads: Sequence[str] = ()
    tick: Callable[[float], str] = tick_percent
    base: float | None = None
    said: str = ""
    low: float | None = None
    high: float | None = None
    key: Sequence[tuple[Point | Bar, str]] = ()


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
    texts = [
        element("text", line, x=0, y=18 + 18 * k, class_="tick")
        for k, line in enumerate(lines_of(words, _SMALL_LETTERS, 4))
    ]
    svg = drawing(WIDTH, 12 + 18 * len(texts), title, words, *texts)
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
    names = short_names([line.name for line in lines], _LETTERS)
    scale = _scale(lines, look, places)
    dashed = look.base is not None and math.isfinite(look.base)
    start = top + _HEADS * (dashed + bool(any(look.heads))) + 4
    children, y = list[Markup](), start
    for line, name in zip(lines, names, strict=True):
        drawn, y = _line(line, name, scale, y, places)
        children += drawn
    bottom = y - _APART + 4
    behind = [grid(scale, start, bottom, ticks(scale.low, scale.high, _most(scale)), look.tick)]
    if dashed and look.base is not None:
        x = scale(look.base)
        behind.append(element("line", x1=x, x2=x, y1=start - 4, y2=bottom, class_="base"))
        place = {"x": x, "y": top + 13, "class_": "tick"}
        behind.append(element("text", look.said, **place, **_within(x, look.said)))
    for head, x in zip(look.heads, places, strict=True):
        behind.append(element("text", head, x=x, y=start - 6, class_="tick", text_anchor="end"))
    samples = Scale(0.0, 1.0, 2, 24)
    entries = [(_sample(one, samples), words) for one, words in look.key]
    key, height = draw_key(entries, bottom + 24, WIDTH)
    return [*behind, *children, *key], height + 4 * bool(entries)


def _sample(one: Point | Bar, scale: Scale) -> Markup:
    """A mark as a key has it."""
    if isinstance(one, Bar):
        return element("rect", x=2, y=-5, width=22, height=10, class_="low" if one.up else "high")
    return Markup("").join(_point(one, scale, 0.0))


def _most(scale: Scale) -> int:
    """How many labels have room side by side."""
    return 4 if scale.end - scale.start > 200 else 3 if scale.end - scale.start > 130 else 2


def _columns(lines: Sequence[Line], look: Look) -> list[float]:
    """Where the columns of numbers end, each as wide as what is in it."""
    ends, x = [], float(WIDTH)
    for k in reversed(range(len(look.heads))):
        ends.append(x)
        texts = [look.heads[k], *(line.numbers[k] for line in lines if k < len(line.numbers))]
        x -= 12 + _LETTER * max(map(len, texts))
    return ends[::-1]


def _within(x: float, words: str) -> dict[str, str]:
    """Which way words go from the line they belong to, so that they stay in the picture."""
    half = _LETTER * len(words) / 2
    return {} if x < half else {"text_anchor": "end" if x > WIDTH - half else "middle"}


def _scale(lines: Sequence[Line], look: Look, places: Sequence[float]) -> Scale:
    values = [x for line in lines for x in line.values]
    values += [x for x in (look.base, look.low, look.high) if x is not None and math.isfinite(x)]
    low, high = min(values), max(values)
    room = _ROOM * (high - low)
    low = low if low == 0 else low - room
    high = high if high == low or high == 1 else high + room
    if high == low:  # one value only: it stands at the start
        high = low + (abs(low) or 1.0)
    words = [m.words for line in lines for m in line.marks if isinstance(m, Bar)]
    beside = _LETTER * max(map(len, words), default=0)  # of the bars, which may end at either side
    end = _first(lines, look, places) - 16 if places else WIDTH - 16 - beside
    return Scale(low, high, _EDGE + 8 + beside, max(end, _EDGE + 60))


def _first(lines: Sequence[Line], look: Look, places: Sequence[float]) -> float:
    """Where the first column of numbers begins."""
    texts = [look.heads[0], *(line.numbers[0] for line in lines if line.numbers)]
    return places[0] - _LETTER * max(map(len, texts))


def _line(
    line: Line, name: str, scale: Scale, top: float, places: Sequence[float]
) -> tuple[list[Markup], float]:
    """Draw a line from a height on, and give where the next begins."""
    names = [(words, "", _NAME) for words in lines_of(name, _LETTERS)]
    names += [(words, "tick", _SMALL) for words in lines_of(line.under, _SMALL_LETTERS) if words]
    names += [(words, "sub", _SMALL) for words in _claim(line.claim) if words]
    whole = element("title", line.claim) if line.claim else Markup("")
    texts, y = list[Markup](), top
    for k, (words, look, tall) in enumerate(names):
        y += tall
        inside = Markup("") if k else whole
        texts.append(element("text", inside, words, x=0, y=y - 4, class_=f"{look} halo".strip()))
    bars = any(isinstance(one, Bar) for one in line.marks)
    tall = 2 * _BAR_LANE if bars else _LANE
    middle = y + tall / 2
    area = element("rect", x=0, y=top, width=WIDTH, height=y + tall - top, class_="hit")
    shapes = [shape for one in line.marks for shape in _shape(one, scale, middle)]
    if not line.values:
        shapes = [element("text", NOT_AVAILABLE, x=_EDGE, y=middle + 4.5, class_="tick")]
    numbers = [
        element("text", number, x=x, y=middle + 4.5, class_="tick", text_anchor="end")
        for number, x in zip(line.numbers, places, strict=True)
    ]
    return [*texts, mark(line.words, area, *shapes), *numbers], y + tall + _APART


def _claim(words: str) -> list[str]:
    """As much of a claim as fits; nothing of one that would lose a negation."""
    lines = lines_of(words, _SMALL_LETTERS)
    return [] if lines[-1].endswith("…") and negated(words) else lines


def _shape(one: Point | Bar, scale: Scale, y: float) -> list[Markup]:
    return _bar(one, scale, y) if isinstance(one, Bar) else _point(one, scale, y)


def _bar(one: Bar, scale: Scale, y: float) -> list[Markup]:
    if not (math.isfinite(one.start) and math.isfinite(one.end)):
        return []
    left, right = sorted((scale(one.start), scale(one.end)))
    middle = y + _BAR_LANE * (-0.5 if one.up else 0.5)
    size = {"x": left, "y": middle - _THICK / 2, "width": max(right - left, 1.0), "height": _THICK}
    rising = one.end >= one.start
    words = element(
        "text",
        one.words,
        x=right + 5 if rising else left - 5,
        y=middle + 4.5,
        class_="tick",
        text_anchor=None if rising else "end",
    )
    return [element("rect", **size, class_="low" if one.up else "high"), words]


def _point(one: Point, scale: Scale, y: float) -> list[Markup]:
    look = f" {one.look}" if one.look else ""
    shapes = []
    if math.isfinite(one.low) and math.isfinite(one.high) and one.low != one.high:
        ends = (scale(one.low), scale(one.high))
        line = element("line", x1=ends[0], x2=ends[1], y1=y, y2=y, class_=f"interval-90{look}")
        shapes.append(line)
    if not math.isfinite(one.at):
        return shapes
    x = scale(one.at)
    if one.shape == "tick":
        size = {"x": x - 1, "y": y - 9, "width": 2, "height": 18}
        return [*shapes, element("rect", **size, class_="node")]
    kind = "before-dot" if one.shape == "ring" else f"dot{look}"
    if one.shape in ("dot", "ring"):
        shapes.append(element("circle", cx=x, cy=y, r=5.5, class_=kind))
    else:
        turn = f"rotate(45 {x:.1f} {y:.1f})" if one.shape == "diamond" else None
        shapes.append(
            element("rect", x=x - 5, y=y - 5, width=10, height=10, transform=turn, class_=kind)
        )
    return shapes
