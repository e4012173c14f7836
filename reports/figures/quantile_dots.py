"""A posterior as fifty dots to count."""

import math

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from storyodds.reports.figures.drawing.cells import Cell, share_cell
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.keys import dot_sample, draw_key, path_sample
from storyodds.reports.figures.drawing.lines import nothing
from storyodds.reports.figures.drawing.svg import Scale, drawing, element, grid, mark, ticks
from storyodds.reports.words.numbers import about_one_in, percent

Array = NDArray[np.float64]

DOTS = 50  # that can still be counted by eye

_WIDTH, _SIDE = 340, 18
_COLUMNS = 22  # side by side
_RIM = 1.5  # between dots that touch


def quantile_dots(draws: xr.DataArray, weights: xr.DataArray | None, count: int) -> Array:
    """Give draws that stand for equal shares of a posterior.

    Parameters
    ----------
    draws : (n_draws,) DataArray
    weights : (n_draws,) DataArray, optional
    count : int

    Returns
    -------
    (count,) array

    Examples
    --------
    >>> quantile_dots(xr.DataArray([0.1, 0.2, 0.3, 0.4]), None, 2).tolist()
    [0.1, 0.3]
    """
    values = np.asarray(draws.values, dtype=float).ravel()
    shares = np.ones(len(values)) if weights is None else np.asarray(weights.values, float).ravel()
    kept = np.isfinite(values) & np.isfinite(shares) & (shares > 0)
    if not kept.any():
        return np.array([])
    middles = (np.arange(count) + 0.5) / count
    dots: Array = np.quantile(values[kept], middles, weights=shares[kept], method="inverted_cdf")
    return dots


def plot_dots(
    draws: xr.DataArray, *, event: str = "", weights: xr.DataArray | None = None
) -> Figure:
    """Draw one event's posterior as 50 dots, each a fiftieth of it.

    Parameters
    ----------
    draws : xarray.DataArray
        The event's probability at posterior draws, in any number of dimensions.
    event : str
        Its name; that of the draws unless stated.
    weights : xarray.DataArray, optional
        Of the draws; equal unless stated.

    Returns
    -------
    Figure

    Examples
    --------
    >>> plot_dots(xr.DataArray([0.1, 0.2], dims="draw"), event="success").rows[0]
    ('5%', '10%')
    """
    event = event or str(draws.name or "the event")
    title, name = f"How sure: chance of {event}", f"dots-{event}"
    columns = ("share of the draws below", "chance")
    dots = quantile_dots(draws, weights, DOTS)
    if not len(dots):
        return nothing(name, title, "there are no draws", columns)
    low, high = float(dots.min()), float(dots.max())
    low = 0.0 if low < 0.3 * high else low
    scale = Scale(low, high if high > low else low + 0.01, _SIDE, _WIDTH - _SIDE)
    step = (scale.end - scale.start) / _COLUMNS
    columns_of = np.minimum(
        ((np.array([scale(x) for x in dots]) - scale.start) // step), _COLUMNS - 1
    )
    tallest = int(np.unique(columns_of, return_counts=True)[1].max())
    radius = min(step / 2 - 0.4, 90.0 / tallest)
    bottom = 14 + 2 * radius * max(tallest, 8)
    look = {"success": " best", "catastrophe": " worst"}.get(event, "")
    places, heights = "", dict[float, int]()
    for column in columns_of.tolist():
        height = heights[column] = heights.get(column, 0) + 1
        x = scale.start + step * (column + 0.5)
        y = bottom - radius * (2 * height - 1)
        places += f"M{x:.1f},{y:.1f}h0"
    # One line of lengths 0 with round ends: fifty circles would take five times the characters.
    shapes = element("path", d=places, stroke_width=2 * radius - _RIM, class_=f"dots{look}")
    middle = float(np.median(dots))
    ends = [float(x) for x in np.quantile(dots, [0.05, 0.95], method="inverted_cdf")]
    words = (
        f"Chance of {event}: half of the {DOTS} dots are below {percent(middle)} "
        f"({about_one_in(middle)}), and nine in ten between {percent(ends[0])} and "
        f"{percent(ends[1])}"
    )
    labels = [t for t in ticks(scale.low, scale.high, 4) if math.isfinite(t)]
    place = scale(middle)
    key, end = draw_key(
        [(dot_sample(look.strip()), "a fiftieth of the draws"), (path_sample("median"), "median")],
        bottom + 26,
        _WIDTH,
    )
    line = element("line", x1=place, x2=place, y1=8, y2=bottom, class_="median")
    children = [grid(scale, 8, bottom, labels), mark(words, shapes), line, *key]
    levels = (0.05, 0.25, 0.5, 0.75, 0.95)
    quantiles = np.quantile(dots, levels, method="inverted_cdf")
    return Figure(
        name,
        title,
        words,
        drawing(_WIDTH, end + 4, title, words, *children),
        columns,
        tuple(
            (Cell(f"{100 * p:g}%", {"": p}), share_cell(float(x)))
            for p, x in zip(levels, quantiles, strict=True)
        ),
        "Each dot is one of fifty equally probable values of the chance.",
    )
