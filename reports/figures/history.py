"""Odds over time: those of every make of a story, and small ones for a list of stories."""

from collections.abc import Sequence

from markupsafe import Markup

from storyodds.models.story.events import Headline
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.figures.drawing.cells import with_band
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.lines import Line, Look, Point, line_figure
from storyodds.reports.figures.drawing.svg import Scale, drawing, element, range_words
from storyodds.reports.figures.odds import LOOKS
from storyodds.reports.words.numbers import percent
from storyodds.reports.words.sentences import errors_of

STRIP = (200, 16)  # units of a small picture: what a cell of a table has, and a line of text
DRAWN = 12  # makes in a picture, the newest: of more, a reader compares none


def plot_history(makes: Sequence[tuple[str, Estimate]], fate: Headline) -> Figure:
    """Draw the chance of a fate at every make, the newest first.

    Parameters
    ----------
    makes : sequence of (str, mapping)
        The time of making, and "storyodds/estimate/1"; the oldest first.
    fate : str

    Returns
    -------
    Figure

    Examples
    --------
    >>> entry = {"mean": 0.2, "median": 0.2, "q05": 0.1, "q95": 0.3}
    >>> estimate = {"fates": {"success": entry}, "diagnostics": {}}
    >>> plot_history([("2026-03-01 09:05 UTC", estimate)], "success").rows
    (('2026-03-01 09:05 UTC', '20% (10%–30%)'),)
    """
    lines, rows = [], []
    for time, estimate in reversed(makes):
        entry, errors = estimate["fates"][fate], errors_of(estimate, fate)
        cell = with_band(entry, errors)
        point = Point(entry["mean"], entry["q05"], entry["q95"], look=LOOKS.get(fate, ""))
        mean = percent(entry["mean"], errors.get("mean", 0.0))
        lines.append(Line(time, f"{time}: {fate} {cell}", (point,), (mean,)))
        rows.append((time, cell))
    left_out = len(lines) - DRAWN
    note = "Dot: mean. Line: 90% interval. The newest make stands first."
    if left_out > 0:
        note += f" {left_out} older {'make is' if left_out == 1 else 'makes are'} in the table."
    return line_figure(
        f"history-{fate}",
        f"Chance of {fate}, make by make",
        lines[:DRAWN],
        Look(("mean",), low=0.0),
        ("make", fate),
        rows,
        note,
    )


def strip(estimate: Estimate, fate: Headline, top: float, time: str = "") -> Markup:
    """Draw one chance as a dot and its 90 percent interval, from 0 to a chance that rows share.

    Parameters
    ----------
    estimate : mapping
        "storyodds/estimate/1".
    fate : str
    top : float
        The chance at the right end.
    time : str
        Of making, where there are several of one story.

    Examples
    --------
    >>> entry = {"mean": 0.2, "median": 0.2, "q05": 0.1, "q95": 0.3}
    >>> estimate = {"story": "s", "title": "S", "fates": {"success": entry}}
    >>> strip(estimate, "success", 0.4).count("<circle")
    1
    """
    width, height = STRIP
    scale, y = Scale(0.0, top or 1.0, 6, width - 6), height / 2
    entry, look = estimate["fates"][fate], LOOKS.get(fate, "")
    low, high = scale(entry["q05"]), scale(entry["q95"])
    return drawing(
        width,
        height,
        f"{estimate['story']}{', ' * bool(time)}{time}: {fate} {range_words(entry)}",
        f"On a scale from 0 to {percent(top)}.",
        element("line", x1=scale(0), x2=scale(scale.high), y1=y, y2=y, class_="grid"),
        element("line", x1=low, x2=high, y1=y, y2=y, class_=f"interval-90 {look}"),
        element("circle", cx=scale(entry["mean"]), cy=y, r=5, class_=f"dot {look}"),
    )
