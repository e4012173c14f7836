"""Chances of classes, fates, routes or assumptions, before and after the evidence."""

from collections.abc import Sequence

import xarray as xr

from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.rows import (
    WIDTH,
    Row,
    cells,
    draw_rows,
    draw_rows_key,
)
from storyodds.reports.figures.drawing.svg import drawing, element
from storyodds.reports.figures.saying import points_along

LOOKS = {"success": "best", "catastrophe": "worst"}  # of events; no other has a color of its own


def plot_odds(odds: xr.Dataset, *, title: str = "Where it ends", top: int | None = None) -> Figure:
    """Draw chances with their intervals.

    Parameters
    ----------
    odds : xarray.Dataset
        A node of `datasets`: its first dimension names the rows; `probability`, and `prior` if
        there is one, by `summary`.
    title : str
    top : int, optional
        Only the likeliest so many, likeliest first.

    Returns
    -------
    Figure

    Examples
    --------
    >>> from storyodds import estimate, load_story, summarize
    >>> from storyodds.reports.tables.datasets import datasets
    >>> tree = datasets(summarize(estimate(load_story("carlsmith-six-premises"))))
    >>> plot_odds(tree["fates"].to_dataset()).rows[-1]
    ('catastrophe', '5.1%', '–')
    """
    rows = _rows(odds)
    if top is not None:
        rows = sorted(rows, key=lambda row: -row.mean)[:top]
    children, bottom = draw_rows(rows)
    key, height = draw_rows_key(rows, bottom + 4)
    before = any(row.before is not None for row in rows)
    head = ("ending", *(("before",) if before else ()), "chance", "90% interval")
    return Figure(
        name=title.lower().replace(" ", "-"),
        title=title,
        description="; ".join(row.words for row in rows),
        svg=drawing(WIDTH, height, title, "; ".join(row.words for row in rows), *children, *key),
        columns=head,
        rows=tuple(cells(row, before=before) for row in rows),
    )


def _rows(odds: xr.Dataset) -> list[Row]:
    dimension = str(odds.probability.dims[0])
    names = odds[dimension].values.tolist()
    before = (
        odds.prior.sel(summary="mean").values.tolist() if "prior" in odds else [None] * len(names)
    )
    chances = points_along(odds.probability, dimension)
    medians = odds.probability.sel(summary="median").values.tolist()
    return [
        Row(
            name,
            *interval,
            prior,
            look=LOOKS.get(name, ""),
            odds=name if dimension in ("class", "fate") else None,
            median=median,
        )
        for name, interval, prior, median in zip(names, chances, before, medians, strict=True)
    ]


def plot_views(views: xr.Dataset, events: Sequence[str] = ("success", "catastrophe")) -> Figure:
    """Draw one story under every view, side by side.

    Parameters
    ----------
    views : xarray.Dataset
        `odds` by `view`, `event` and `summary`; the node `views` of a sensitivity analysis.
    events : sequence of str

    Returns
    -------
    Figure
    """
    names = views.view.values.tolist()
    children, lines, rows, top = [], [], [], 0.0
    for event in events:
        chances = points_along(views.odds.sel(event=event), "view")
        medians = views.odds.sel(event=event, summary="median").values.tolist()
        part = [
            Row(name, *interval, look=LOOKS.get(event, ""), median=median)
            for name, interval, median in zip(names, chances, medians, strict=True)
        ]
        children.append(element("text", f"Chance of {event}", x=0, y=top + 14, class_="value"))
        shapes, bottom = draw_rows(part, top + 22)
        key, end = draw_rows_key(part, bottom + 4)
        children += [*shapes, *key]
        top = end + 18
        lines += [f"{event} under {row.words}" for row in part]
        rows += [(row.name, event, *cells(row, before=False)[1:]) for row in part]
    description = "; ".join(lines)
    title = "The same story under every view"
    return Figure(
        name="views",
        title=title,
        description=description,
        svg=drawing(WIDTH, top - 8, title, description, *children),
        columns=("view", "chance of", "chance", "90% interval"),
        rows=tuple(rows),
        note="Each kind of chance has its own scale.",
    )
