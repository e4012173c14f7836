"""Before and after the evidence: densities of assumptions and numbers."""

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from markupsafe import Markup
from numpy.typing import NDArray

from storyodds.reports.contract.summaries import Interval
from storyodds.reports.figures.drawing.cells import Cell, spread_cell
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.keys import bar_sample, draw_key, path_sample
from storyodds.reports.figures.drawing.lines import nothing
from storyodds.reports.figures.drawing.short_names import middle_cut
from storyodds.reports.figures.drawing.svg import (
    Scale,
    drawing,
    element,
    lines_of,
    mark,
    path,
    tick_percent,
)
from storyodds.reports.figures.drawing.svg import ticks as round_ticks
from storyodds.reports.figures.quantile_dots import quantile_dots
from storyodds.reports.figures.saying import tick_bits
from storyodds.reports.words.numbers import percent

Array = NDArray[np.float64]

_WIDTH, _SIDE = 262, 10
_TOP, _BOTTOM = 48, 126
_EVEN = 2000  # draws of equal weight that a density is made of
_POINTS = 64  # of a curve, which is narrower than 262 pixels
_ENDS = (0.05, 0.95)


def plot_prior_posterior(
    prior: xr.DataArray,
    posterior: xr.DataArray,
    *,
    name: str = "",
    weights: xr.DataArray | None = None,
    probability: bool = True,
    under: str = "",
    summaries: tuple[Interval, Interval] | None = None,
) -> Figure:
    """Draw the density of one quantity before and after the evidence.

    Parameters
    ----------
    prior, posterior : xarray.DataArray
        Draws of it; the posterior's may have weights.
    name : str
        What it is called; the name of the posterior unless stated.
    weights : xarray.DataArray, optional
        Of the posterior draws.
    probability : bool
        Whether it is one: then its axis goes from 0 to 1, and no density leaves it.
    under : str
        A line below the name, such as what the number rests on.
    summaries : tuple of mapping, optional
        `mean`, `q05` and `q95` before and after, where they are better known than from the draws.

    Returns
    -------
    Figure
    """
    name = name or str(posterior.name or "")
    columns = ("when", "mean", "90% interval")
    before, after = (quantile_dots(x, w, _EVEN) for x, w in ((prior, None), (posterior, weights)))
    if not len(before) or not len(after):
        return nothing(f"density-{name}", name, "there are no draws", columns)

    def say(x: float) -> str:
        return percent(x) if probability else tick_bits(float(f"{x:.2g}"))

    ends = [np.quantile(x, _ENDS) for x in (before, after)]
    values = [(float(x.mean()), *map(float, q)) for x, q in zip((before, after), ends, strict=True)]
    if summaries is not None:
        values = [(of["mean"], of["q05"], of["q95"]) for of in summaries]
    rows = tuple(
        _row(when, say, *row) for when, row in zip(("before", "after"), values, strict=True)
    )
    words = f"{name}: " + ", ".join(f"{r[0]} {r[1]} (90% interval {r[2]})" for r in rows)
    whole = (0.0, 1.0) if probability else _span(before, after)
    across = Scale(*whole, _SIDE, _WIDTH - _SIDE)
    curves = [_density(x, whole) for x in (before, after)]
    # A spike would flatten everything else: curves are cut at a few times the broader one.
    heights = [float(y.max()) for _, y in curves if len(y)]
    top = min(max(heights), 4 * min(heights)) if heights else 1.0
    up = Scale(0.0, top, _BOTTOM, _TOP)
    shapes: list[Markup] = []
    for (x, y), quantiles, draws, after_it in zip(
        curves, ends, (before, after), (False, True), strict=True
    ):
        look = "after" if after_it else "prior"
        if not len(x):  # one value only
            spike = across(float(draws[0]))
            shapes.append(path([(spike, _BOTTOM), (spike, _TOP)], class_=look))
            continue
        points = [(across(float(a)), up(min(float(b), top))) for a, b in zip(x, y, strict=True)]
        if after_it:
            low, high = (across(float(q)) for q in quantiles)
            inside = [p for p in points if low <= p[0] <= high]
            if inside:
                edge = [(inside[0][0], _BOTTOM), *inside, (inside[-1][0], _BOTTOM)]
                shapes.append(path(edge, closed=True, class_="band"))
        shapes.append(path(points, class_=look))
    shapes.sort(key=lambda shape: "band" not in shape)
    texts = [
        element("text", line, x=_SIDE, y=14 + 15 * k, class_="strong")
        for k, line in enumerate(
            lines_of(middle_cut(name, 32 if under else 60), 34, 1 if under else 2)
        )
    ]
    if under:
        texts.append(element("text", lines_of(under, 38, 1)[0], x=_SIDE, y=30, class_="tick"))
    axis = _axis(across, probability)
    key, height = draw_key(
        [
            (path_sample("prior"), "before"),
            (path_sample("after"), "after"),
            (bar_sample("band"), "90%"),
        ],
        _BOTTOM + 24,
        _WIDTH,
    )
    marks = mark(words, *shapes)
    picture = drawing(_WIDTH, height + 4, name, words, *texts, *axis, marks, *key)
    note = (
        "Across: the chance, before the evidence and after it, with the 90% interval after it. "
        "Areas are 1; spikes are cut off."
    )
    return Figure(f"density-{name}", name, words, picture, columns, rows, note)


def _row(
    when: str, say: Callable[[float], str], mean: float, low: float, high: float
) -> tuple[str, Cell, Cell]:
    between = " to " if "−" in say(low) + say(high) else "–"
    spread = spread_cell(low, high, f"{say(low)}{between}{say(high)}")
    return when, Cell(say(mean), {"": mean}), spread


def _axis(across: Scale, probability: bool) -> list[Markup]:
    marks = [0.0, 0.5, 1.0] if probability else round_ticks(across.low, across.high, 3)
    tick: Callable[[float], str] = tick_percent if probability else tick_bits
    line = element("line", x1=across.start, x2=across.end, y1=_BOTTOM, y2=_BOTTOM, class_="axis")
    return [
        line,
        *(
            element(
                "text",
                tick(m),
                x=across(m),
                y=_BOTTOM + 16,
                class_="tick",
                text_anchor="start"
                if across(m) < _SIDE + 12
                else "end"
                if across(m) > _WIDTH - _SIDE - 12
                else "middle",
            )
            for m in marks
        ),
    ]


def _span(*draws: Array) -> tuple[float, float]:
    """Where nearly all draws are."""
    ends = np.concatenate([np.quantile(x, [0.005, 0.995]) for x in draws])
    return float(ends.min()), float(max(ends.max(), ends.min() + 1e-6))


def _density(draws: Array, whole: Sequence[float]) -> tuple[Array, Array]:
    """Points of a density, mirrored at the ends where draws are bounded; none for one value."""
    from storyodds.models.safe_arviz import array_stats

    low, high = whole
    inside = draws[(draws >= low) & (draws <= high)]
    if len(inside) < 2 or float(np.ptp(inside)) < 1e-6 * (high - low):
        return np.array([]), np.array([])
    x, y, _ = array_stats.kde(inside, grid_len=512, custom_lims=(low, high), bound_correction=True)
    x, y = np.asarray(x, float), np.asarray(y, float)
    kept = np.isfinite(x) & np.isfinite(y)
    x, y = x[kept][:: max(1, len(x) // _POINTS)], y[kept][:: max(1, len(x) // _POINTS)]
    return x, y
