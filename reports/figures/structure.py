"""What the odds owe to the parts of a story: each left out in turn."""

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr

from storyodds.reports.figures.drawing.cells import Cell
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.lines import Line, Look, Point, line_figure, nothing
from storyodds.reports.figures.odds import LOOKS
from storyodds.reports.figures.saying import chance, change, size, tick_change
from storyodds.reports.words.numbers import points

_TWICE = 1.645  # standard errors on each side of a 90 percent interval


def plot_structure(
    parts: xr.Dataset,
    events: Sequence[str] = ("success", "catastrophe"),
    *,
    top: int = 15,
) -> Figure:
    """Draw how success and catastrophe change without each part of a story.

    Parameters
    ----------
    parts : xarray.Dataset
        The node `structure/leave_one_out` of `datasets`.
    events : sequence of str
        At most two: the first as dots, the second as diamonds.
    top : int
        Only so many, the largest change first.

    Returns
    -------
    Figure
    """
    title = "Without each part of the story, in points"
    columns = (
        "without",
        "kind",
        *(c for e in events for c in (e, f"{e}, change in points", f"{e}, ± points")),
    )
    if "without" not in parts.coords or "answer_events_difference" not in parts:
        return nothing("structure", title, "the story has no part to leave out", columns)
    changes = parts.answer_events_difference.sel(event=list(events)).values
    largest = np.nan_to_num(np.abs(changes), nan=-1.0).max(axis=1)
    lines, rows = [], []
    for k in np.argsort(-largest, kind="stable")[:top].tolist():
        part = parts.isel(without=k)
        name, kind = str(part["without"].item()), str(part.part.item())
        marks, phrases, cells = [], [], []
        for event, shape in zip(events, ("dot", "diamond"), strict=False):
            one = part.sel(event=event)
            mean, moved, error = (
                float(one[f"answer_events_{statistic}"])
                for statistic in ("mean", "difference", "error")
            )
            half = _TWICE * error
            marks.append(Point(moved, moved - half, moved + half, shape, LOOKS.get(event, "")))
            phrases.append(
                f"{event} {chance(mean)} ({points(moved)})" if math.isfinite(moved) else event
            )
            cells += [chance(mean), change(moved), Cell(size(half), {"": 100 * half})]
        words = f"without {name}: {', '.join(phrases)}"
        lines.append(Line(name, words, marks, (cells[1], *cells[4:5]), kind))
        rows.append((name, kind, *cells))
    note = (
        "Change of the mean chance, in points, if the part were not there; lines: 90% Monte Carlo "
        "interval of the change. The kind of part is under its name. One part at a time."
    )
    key = [
        (Point(0.5, shape=shape, look=LOOKS.get(event, "")), event)
        for event, shape in zip(events, ("dot", "diamond"), strict=False)
    ]
    look = Look(events, tick=tick_change, base=0.0, said="as told", key=key)
    return line_figure("structure", title, lines, look, columns, rows, note)
