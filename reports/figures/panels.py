"""Panels of curves side by side, for pictures whose curves somebody else worked out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.short_names import short_names
from storyodds.reports.figures.drawing.svg import Scale, drawing, element, grid, mark, path
from storyodds.reports.figures.drawing.svg import ticks as round_ticks
from storyodds.reports.figures.saying import tick_bits

Array = NDArray[np.float64]
Range = tuple[float, float]

_WIDTH, _GAP, _EDGE = 340, 22, 14
_LABELS = 46  # pixels for those of an upright scale
_HEAD, _TALL, _LANE, _FOOT = 24, 120, 11, 32
_UNDER = 14  # pixels for what is on a scale
_POINTS = 128  # of a curve, which is 250 pixels wide
_LETTER = 7.2  # pixels of one


@dataclass(frozen=True)
class Curve:
    """Points, joined by a line or not.

    Attributes
    ----------
    x, y : (n,) array
    look : str
        Class of the style sheet.
    shape : {"line", "dots", "area"}
    dash : str, optional
        How the line is broken, where its class does not say.
    """

    x: Array
    y: Array
    look: str
    shape: str = "line"
    dash: str | None = None


@dataclass(frozen=True)
class Lane:
    """A mean with its interval, under the curves."""

    mean: float
    low: float
    high: float
    look: str
    dash: str | None = None


@dataclass(frozen=True)
class Panel:
    """One of several small pictures.

    Attributes
    ----------
    title : str
    words : str
        What it shows, for those who point at it or cannot see it.
    curves : sequence of Curve
    across, up : tuple of float
        Ends of the scales; of a curve, what is on the one across is drawn.
    tick : callable
        From a value of the scale across to its words.
    tick_up : callable, optional
        The same of the upright one, which has no labels without it.
    under : str
        What is on the scale across.
    lanes : sequence of Lane
    """

    title: str
    words: str
    curves: Sequence[Curve]
    across: Range
    up: Range
    tick: Callable[[float], str] = tick_bits
    tick_up: Callable[[float], str] | None = None
    under: str = ""
    lanes: Sequence[Lane] = ()


def reach(*arrays: Array, room: float = 0.0) -> Range:
    """Ends of all values, with some room; never the same.

    Examples
    --------
    >>> reach(np.array([1.0, 3.0]), np.array([2.0]), room=0.5)
    (0.0, 4.0)
    """
    values = np.concatenate([np.ravel(a) for a in arrays])
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    wide = (high - low) or abs(low) or 1.0
    return low - room * wide, high + room * wide


def panels_figure(
    name: str,
    title: str,
    panels: Sequence[Panel],
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    note: str,
) -> Figure:
    """Draw panels, one below the other, as a figure."""
    tall = _HEAD + _TALL + _FOOT + _LANE * max(len(panel.lanes) for panel in panels)
    tall += _UNDER if any(panel.under for panel in panels) else 0
    titles = short_names([panel.title for panel in panels], int(_WIDTH / _LETTER), 1)
    children = [
        shape
        for k, (panel, head) in enumerate(zip(panels, titles, strict=True))
        for shape in _panel(panel, head, 0.0, k * (tall + _GAP), _WIDTH)
    ]
    words = f"{title} – {', '.join(panel.title for panel in panels)}"
    height = (tall + _GAP) * len(panels) - _GAP
    svg = drawing(_WIDTH, height, title, words, *children)
    cells = tuple(tuple(row) for row in rows)
    return Figure(name, title, words, svg, tuple(columns), cells, note)


def _panel(panel: Panel, head: str, edge: float, top: float, wide: float) -> list[Markup]:
    start = edge + (_LABELS if panel.tick_up else _EDGE)
    across = Scale(*panel.across, start, edge + wide - _EDGE)
    high, base = top + _HEAD, top + _HEAD + _TALL
    low = base + _LANE * len(panel.lanes)
    up = Scale(*panel.up, base, high)
    shapes = [_drawn(curve, across, up) for curve in panel.curves]
    for k, lane in enumerate(panel.lanes):
        y, ends = base + _LANE * (k + 0.5), (across(lane.low), across(lane.high))
        line = path([(x, y) for x in ends], class_=lane.look, stroke_dasharray=lane.dash)
        shapes += [line, element("circle", cx=across(lane.mean), cy=y, r=3, class_="node")]
    area = element(
        "rect", x=start, y=high, width=across.end - start, height=low - high, class_="hit"
    )
    texts = [element("text", *_cut(head, int(wide / _LETTER)), x=edge, y=top + 14)]
    if panel.under:
        middle = {"x": (start + across.end) / 2, "text_anchor": "middle"}
        texts.append(element("text", panel.under, y=low + 31, class_="tick", **middle))
    upright = [] if panel.tick_up is None else _upright(up, across, panel.tick_up)
    marks = grid(across, high, low, round_ticks(*panel.across, 4), panel.tick)
    return [*texts, marks, *upright, mark(f"{panel.title}: {panel.words}", area, *shapes)]


def _cut(words: str, letters: int) -> tuple[str, ...]:
    """What there is room for, and the whole where there is not for all."""
    if len(words) <= letters:
        return (words,)
    return (element("title", words), f"{words[: letters - 1]}…")


def _upright(up: Scale, across: Scale, tick: Callable[[float], str]) -> list[Markup]:
    marks: list[Markup] = []
    for value in round_ticks(up.low, up.high, 4):
        y = up(value)
        marks.append(
            element(
                "text", tick(value), x=across.start - 6, y=y + 4, class_="tick", text_anchor="end"
            )
        )
        marks.append(element("line", x1=across.start, x2=across.end, y1=y, y2=y, class_="grid"))
    return marks


def _drawn(curve: Curve, across: Scale, up: Scale) -> Markup:
    [there] = np.nonzero((curve.x >= across.low) & (curve.x <= across.high))
    # Every so many points: a curve has more of them than pixels. The ends stay.
    step = -(-len(there) // _POINTS) if curve.shape != "dots" else 1
    kept = [*there[:-1:step], *there[-1:]]
    points = [(across(float(curve.x[k])), up(float(curve.y[k]))) for k in kept]
    if curve.shape == "dots":
        dots = [element("circle", cx=x, cy=y, r=2.6, class_=curve.look) for x, y in points]
        return Markup("").join(dots)
    if not points:
        return Markup()
    if curve.shape == "area":
        points = [(points[0][0], up.start), *points, (points[-1][0], up.start)]
    return path(
        points, closed=curve.shape == "area", class_=curve.look, stroke_dasharray=curve.dash
    )
