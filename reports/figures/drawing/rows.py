"""Rows of a mean with its interval on one shared scale: the picture that most results come to."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from storyodds.reports.figures.drawing.cells import Cell, share_cell, spread_cell
from storyodds.reports.figures.drawing.keys import (
    dot_sample,
    draw_key,
    line_sample,
    ring_sample,
)
from storyodds.reports.figures.drawing.short_names import short_names
from storyodds.reports.figures.drawing.svg import (
    Scale,
    element,
    grid,
    lines_of,
    mark,
    tick_percent,
    ticks,
)
from storyodds.reports.words.numbers import interval, percent

WIDTH = 340  # of a phone, as in `lines`
LEFT = 14  # where the scale begins
RIGHT = 138  # what the numbers take at the right, where they are short
ROW = 42  # pixels of a row: its name, and under it its marks and numbers
_NAME = 15  # pixels of the name
_LETTERS = 46  # of the name
_LETTER, _SMALL_LETTER = 9.2, 6.9  # pixels of a mean's characters, and of an interval's


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
    look : {"", "best", "worst"}
        Of success, of catastrophe, or of anything else.
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
    look: str = ""
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
        prior = "" if self.before is None else f", before the evidence {percent(self.before)}"
        return f"{self.name}: {percent(self.mean)}{within}{prior}"


def draw_rows(rows: Sequence[Row], top: float = 6) -> tuple[list[Markup], float]:
    """Draw rows of probabilities, on a scale from 0 to a little above what is shown.

    Parameters
    ----------
    rows : sequence of Row
    top : float
        Where they begin.

    Returns
    -------
    children : list of str
    bottom : float
        Under the labels of the scale.
    """
    reach = max((max(row.high, row.mean, row.before or 0.0) for row in rows), default=0.0)
    scale = Scale(0.0, min(1.0, reach * 1.08) or 1.0, LEFT, WIDTH - room(rows))
    bottom = top + ROW * len(rows)
    children = [grid(scale, top, bottom, ticks(0.0, scale.high, 3), tick_percent)]
    names = short_names([row.name for row in rows], _LETTERS, 1)
    for k, (row, name) in enumerate(zip(rows, names, strict=True)):
        children += _draw_row(row, name, scale, top + ROW * k)
    return children, bottom + 22


def draw_rows_key(rows: Sequence[Row], top: float) -> tuple[list[Markup], float]:
    """Draw the key of rows.

    Returns
    -------
    children : list of str
    bottom : float
    """
    looks = [row.look for row in rows]
    main = next((look for look in ("", "best", "worst") if look in looks), "")
    entries = [(dot_sample(main, 6), "mean")]
    if not all(row.is_certain for row in rows):
        entries.append((line_sample(main), "90% interval"))
    if any(row.before is not None for row in rows):
        entries.append((ring_sample(), "mean before the evidence"))
    return draw_key(entries, top, WIDTH)


def room(rows: Sequence[Row]) -> float:
    """How much the numbers of rows take at the right, so that means and intervals do not meet.

    Examples
    --------
    >>> room([Row("a", 0.2, 0.1, 0.3)]), room([Row("a", 6.4e-6, 3.1e-6, 2.2e-5)]) > 180
    (138, True)
    """
    means = max((len(percent(row.mean)) for row in rows), default=0)
    bands = max((len(row.band) for row in rows), default=0)
    return max(RIGHT, round(14 + _LETTER * means + 8 + _SMALL_LETTER * bands))


def _draw_row(row: Row, name: str, scale: Scale, top: float) -> list[Markup]:
    """Draw one row: its name, where it was before, interval and mean, and both as numbers."""
    y, look = top + _NAME + 13, f" {row.look}" if row.look else ""
    line = {"y1": y, "y2": y, "class_": f"interval-90{look}"}
    shapes = [element("rect", x=0, y=top, width=WIDTH, height=ROW, class_="hit")]
    if not row.is_certain:
        shapes.append(element("line", x1=scale(row.low), x2=scale(row.high), **line))
    if row.before is not None:
        shapes.append(element("circle", cx=scale(row.before), cy=y, r=5, class_="before-dot"))
    shapes.append(element("circle", cx=scale(row.mean), cy=y, r=6, class_=f"dot{look}"))
    number = {"x": float(scale.end + 14), "y": y + 5, "data_odds": row.odds}
    band = {"x": WIDTH, "y": y + 4.5, "text_anchor": "end", "data_range": row.odds}
    [cut] = lines_of(name, _LETTERS, 1)
    whole = element("title", row.name) if cut != row.name else Markup("")
    return [
        element("text", whole, cut, x=0, y=top + 13, class_="halo"),
        mark(row.words, *shapes),
        element("text", percent(row.mean), class_="value", **number),
        element("text", row.band, class_="tick", **band),
    ]


def cells(row: Row, *, before: bool) -> tuple[str, ...]:
    """Give a row of the table under the picture."""
    prior = ("–" if row.before is None else share_cell(row.before),) if before else ()
    spread = spread_cell(row.low, row.high, row.band or "–")
    chance = Cell(percent(row.mean), {"mean": row.mean, "median": row.median})
    return (row.name, *prior, chance, spread)
