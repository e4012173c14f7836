"""Rows of a mean with its interval on one shared scale: the picture that most results come to."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from storyodds.reports.figures.drawing.cells import Cell, share_cell, spread_cell
from storyodds.reports.figures.drawing.short_names import short_names
from storyodds.reports.figures.drawing.svg import (
    Scale,
    element,
    grid,
    label,
    mark,
    tick_percent,
    ticks,
)
from storyodds.reports.words.numbers import interval, percent

WIDTH = 540
LEFT = 180  # where the scale begins
RIGHT = 156  # what the numbers take at the right, where they are short
ROW = 34
_LETTER, _SMALL_LETTER = 9.6, 7.3  # pixels of a mean's characters, and of an interval's


@dataclass(frozen=True)
class Row:
    """One line of a picture.

    Attributes
    ----------
    name : str
    mean : float
    low, high : float
        Ends of the 90 percent interval; the mean where there is none.
    before : float, optional
        The same before the evidence.
    worst : bool
        Drawn in the color of warning.
    odds : str, optional
        The event whose chance this is, where a page may change it and its interval.
    median : float
        For the table's file; NaN where it is not at hand.
    """

    name: str
    mean: float
    low: float
    high: float
    before: float | None = None
    worst: bool = False
    odds: str | None = None
    median: float = math.nan

    @property
    def is_certain(self) -> bool:
        """Whether there is no interval worth the name."""
        return len({percent(self.low), percent(self.mean), percent(self.high)}) == 1

    @property
    def band(self) -> str:
        """The interval in words."""
        return "" if self.is_certain else interval({"q05": self.low, "q95": self.high})

    @property
    def words(self) -> str:
        """All of it in words."""
        within = (
            ""
            if self.is_certain
            else f" (90% interval {percent(self.low)} to {percent(self.high)})"
        )
        was = "" if self.before is None else f", before the evidence {percent(self.before)}"
        return f"{self.name}: {percent(self.mean)}{within}{was}"


def draw_rows(
    rows: Sequence[Row],
    *,
    top: float = 6,
    left: float = LEFT,
    width: float = WIDTH,
    tick_label: Callable[[float], str] = tick_percent,
    letters: int = 26,
) -> tuple[list[Markup], float, Scale]:
    """Draw rows of probabilities.

    Returns
    -------
    children : list of str
    height : float
    scale : Scale
        From 0 to a little above what is shown.
    """
    reach = max((max(row.high, row.mean, row.before or 0.0) for row in rows), default=0.0)
    scale = Scale(0.0, min(1.0, reach * 1.08) or 1.0, left, width - room(rows))
    bottom = top + ROW * len(rows)
    children = [grid(scale, top, bottom, ticks(0.0, scale.high, 4), tick_label)]
    names = short_names([row.name for row in rows], letters)
    for k, (row, name) in enumerate(zip(rows, names, strict=True)):
        row = replace(row, name=name)
        children += draw_row(row, scale, top + ROW * (k + 0.5), width, left, letters)
    return children, bottom + 22, scale


def room(rows: Sequence[Row]) -> float:
    """How much the numbers of rows take at the right, so that means and intervals do not meet.

    Examples
    --------
    >>> room([Row("a", 0.2, 0.1, 0.3)]), room([Row("a", 6.4e-6, 3.1e-6, 2.2e-5)]) > 200
    (156, True)
    """
    means = max((len(percent(row.mean)) for row in rows), default=0)
    bands = max((len(row.band) for row in rows), default=0)
    return max(RIGHT, round(14 + _LETTER * means + 10 + _SMALL_LETTER * bands))


def draw_row(
    row: Row, scale: Scale, y: float, width: float, left: float, letters: int
) -> list[Markup]:
    """Draw one row: its name, where it was before, interval and mean, and both as numbers."""
    look = " worst" * row.worst
    line = {"y1": y, "y2": y, "class_": f"interval-90{look}"}
    shapes = [element("rect", x=left, y=y - ROW / 2, width=width - left, height=ROW, class_="hit")]
    if not row.is_certain:
        shapes.append(element("line", x1=scale(row.low), x2=scale(row.high), **line))
    if row.before is not None:
        shapes.append(element("circle", cx=scale(row.before), cy=y, r=5, class_="before-dot"))
    shapes.append(element("circle", cx=scale(row.mean), cy=y, r=6, class_=f"dot{look}"))
    numbers = [
        element(
            "text",
            percent(row.mean),
            x=float(scale.end + 14),
            y=y + 5,
            class_="value",
            data_odds=row.odds,
        ),
        element(
            "text",
            row.band,
            x=width,
            y=y + 4.5,
            class_="tick",
            text_anchor="end",
            data_range=row.odds,
        ),
    ]
    return [label(left - 12, y, row.name, letters), mark(row.words, *shapes), *numbers]


def cells(row: Row, *, before: bool) -> tuple[str, ...]:
    """Give a row of the table under the picture."""
    was = ("–" if row.before is None else share_cell(row.before),) if before else ()
    spread = spread_cell(row.low, row.high, row.band or "–")
    chance = Cell(percent(row.mean), {"mean": row.mean, "median": row.median})
    return (row.name, *was, chance, spread)
