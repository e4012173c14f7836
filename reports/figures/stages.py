"""Where each stage of training leaves the model, one small picture a route."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from markupsafe import Markup

from storyodds.reports.figures.drawing.cells import Cell, spread_cell
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.keys import dot_sample, draw_key, line_sample
from storyodds.reports.figures.drawing.rows import Row
from storyodds.reports.figures.drawing.short_names import middle_cut, short_names
from storyodds.reports.figures.drawing.svg import (
    Scale,
    drawing,
    element,
    grid,
    lines_of,
    mark,
    path,
    tick_percent,
    ticks,
)
from storyodds.reports.figures.saying import points_along
from storyodds.reports.words.numbers import percent

_WIDTH, _SIDE = 262, 17  # of a phone, and of a third of a page
_TOP = 26  # under the name of the route
_ROW = 40  # pixels of a stage: its name and numbers, and under them its marks
_LETTER, _SMALL = 9.6, 7.2  # pixels of a mean's characters, and of other texts'
_NAME_LETTERS = 34  # of a route
_NOTE = (
    "A picture for each route, down its stages: the chance that the model is on it as the stage "
    "ends, all on one scale. The line joins the means."
)


def plot_stages(odds: xr.Dataset, *, top: int | None = None) -> tuple[Figure, ...]:
    """Draw the chance of every route after each stage, with its interval.

    Parameters
    ----------
    odds : xarray.Dataset
        The node `stages/routes` of an estimate: `probability` by `stage`, `route` and `summary`.
    top : int, optional
        Only the so many routes that are likeliest after any stage; all in the order given.

    Returns
    -------
    tuple of Figure
        One a route that any stage may leave the model on.

    Examples
    --------
    >>> odds = xr.Dataset(
    ...     {"probability": (("stage", "route", "summary"), np.full((2, 1, 4), 0.25))},
    ...     {"stage": ["first", "last"], "route": ["proxy"],
    ...      "summary": ["mean", "median", "q05", "q95"]},
    ... )
    >>> [figure.name for figure in plot_stages(odds)], plot_stages(odds)[0].rows[0]
    (['stages-proxy'], ('first', '25%', '–'))
    """
    most = odds.probability.sel(summary="mean").max("stage")
    names = [str(name) for name in most.route.values[most.values > 0]]
    if top is not None and len(names) > top:
        likeliest = sorted(names, key=lambda name: -float(most.sel(route=name)))[:top]
        names = [name for name in names if name in likeliest]
    probability = odds.probability.sel(route=names)
    reach = float(np.nanmax(probability.sel(summary=["mean", "q95"]).values, initial=0.0))
    scale = Scale(0.0, min(1.0, reach * 1.08) or 1.0, _SIDE, _WIDTH - _SIDE)
    return tuple(_of_route(probability.sel(route=name), name, scale) for name in names)


def _of_route(probability: xr.DataArray, name: str, scale: Scale) -> Figure:
    rows = [
        Row(str(stage), *interval, median=median)
        for stage, interval, median in zip(
            probability.stage.values.tolist(),
            points_along(probability, "stage"),
            probability.sel(summary="median").values.tolist(),
            strict=True,
        )
    ]
    title = f"{name}, stage by stage"
    words = f"{name}, after each stage: {'; '.join(row.words for row in rows)}"
    bottom = _TOP + _ROW * len(rows)
    means = [(scale(row.mean), _height(k)) for k, row in enumerate(rows)]
    shapes = [
        element("text", middle_cut(name, _NAME_LETTERS), x=0, y=14, class_="strong"),
        grid(scale, _TOP, bottom, ticks(0.0, scale.high, 4), tick_percent),
        path(means, class_="thin"),
        *_stages(rows, scale),
    ]
    samples = [(dot_sample(""), "mean")]
    if not all(row.is_certain for row in rows):
        samples.append((line_sample(), "90% interval"))
    key, height = draw_key(samples, bottom + 22, _WIDTH)
    return Figure(
        name=f"stages-{name}",
        title=title,
        description=words,
        svg=drawing(_WIDTH, height + 4, title, words, *shapes, *key),
        columns=("after the stage", "chance", "90% interval"),
        rows=tuple(
            (
                row.name,
                Cell(percent(row.mean), {"mean": row.mean, "median": row.median}),
                spread_cell(row.low, row.high, row.band or "–"),
            )
            for row in rows
        ),
        note=_NOTE,
    )


def _height(k: int) -> float:
    """Where the marks of a stage are, in pixels from the top."""
    return float(_TOP + _ROW * k + 27)


def _stages(rows: Sequence[Row], scale: Scale) -> list[Markup]:
    """Draw the stages of one route, one under the other."""
    room = _room(rows)
    letters = max(8, int((_WIDTH - room.numbers) / _SMALL))
    names = short_names([row.name for row in rows], letters, 1)
    return [
        _stage(row, lines_of(name, letters, 1)[0], k, scale, room)
        for k, (row, name) in enumerate(zip(rows, names, strict=True))
    ]


@dataclass(frozen=True)
class _Room:
    """Pixels that the numbers of a picture take at the right, and intervals of these."""

    numbers: float
    bands: float


def _room(rows: Sequence[Row]) -> _Room:
    bands = _SMALL * max(len(row.band) for row in rows)
    means = _LETTER * max(len(percent(row.mean)) for row in rows)
    return _Room(means + bands + 26, bands + 14 if bands else 0.0)


def _stage(row: Row, name: str, k: int, scale: Scale, room: _Room) -> Markup:
    """Draw one stage: its name, its numbers, and under them interval and mean."""
    top, y = float(_TOP + _ROW * k), _height(k)
    shapes = [element("rect", x=0, y=top, width=_WIDTH, height=_ROW, class_="hit")]
    if not row.is_certain:
        line = {"y1": y, "y2": y, "class_": "interval-90"}
        shapes.append(element("line", x1=scale(row.low), x2=scale(row.high), **line))
    shapes.append(element("circle", cx=scale(row.mean), cy=y, r=5, class_="dot"))
    whole = element("title", row.name) if name != row.name else Markup("")
    right = {"y": top + 14, "text_anchor": "end"}
    return Markup("").join(
        [
            element("text", whole, name, x=0, y=top + 14, class_="halo"),
            mark(row.words, *shapes),
            element("text", percent(row.mean), x=_WIDTH - room.bands, class_="value halo", **right),
            element("text", row.band, x=_WIDTH, class_="tick halo", **right),
        ]
    )
