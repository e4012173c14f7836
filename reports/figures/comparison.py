"""Two or more stories side by side: their differences, and who comes first."""

import math

import xarray as xr
from markupsafe import Markup

from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.lines import (
    WIDTH,
    Line,
    Look,
    Point,
    line_figure,
    nothing,
)
from storyodds.reports.figures.drawing.svg import Scale, drawing, element, grid, lines_of, mark
from storyodds.reports.figures.odds import LOOKS
from storyodds.reports.figures.saying import chance
from storyodds.reports.words.numbers import points, signed

_ROW = 46  # pixels of a side: its name, its bar and the space below
_NAMES = 16  # pixels of a side's name, above its bar
_LETTERS = 46  # of it


def _tick(p: float) -> str:
    """A round number of points."""
    return "0" if p == 0 else f"{100 * p:+.6g}".replace("-", "−")


def plot_comparison(pairs: xr.Dataset, event: str) -> Figure:
    """Draw the differences of an event's chance between every two sides.

    Parameters
    ----------
    pairs : xarray.Dataset
        The node `pairs` of `datasets` of a comparison.
    event : str

    Returns
    -------
    Figure
    """
    title, name = f"Differences of {event}", f"comparison-{event}"
    columns = ("second less first", "points", "90% interval", "rows", "clear")
    if "differences" not in pairs or "summary" not in pairs.differences.dims:
        return nothing(name, title, "there are no two sides with draws", columns)
    lines, rows = [], []
    for k in range(pairs.sizes["pair"]):
        entry = pairs.isel(pair=k)
        difference = entry.differences.sel(event=event)
        mean, low, high = (float(difference.sel(summary=s)) for s in ("mean", "q05", "q95"))
        pair = f"{entry.second.item()} less {entry['first'].item()}"
        how = str(entry.how.item()) or "no draws"
        sure = (
            float(entry.differences_clear.sel(event=event)) if "differences_clear" in entry else 0.0
        )
        clear = "clear" if sure == 1 else "not clear"
        ends = f"{signed(low)} to {signed(high)}" if math.isfinite(low) else "–"
        words = f"{pair}: {points(mean)} ({ends}), {how}, {clear}"
        marks = (Point(mean, low, high, look=LOOKS.get(event, "")),)
        lines.append(Line(pair, words, marks, (signed(mean), clear), f"{how}: {ends}"))
        rows.append((pair, signed(mean), ends, how, clear))
    note = (
        "Difference of the chances, in points; paired: at the same numbers. Clear: on one side of "
        "0 in at least 95% of the rows."
    )
    of = LOOKS.get(event, "")
    key = ((Point(0.5, look=of), "mean"), (Point(math.nan, 0, 1, look=of), "90% interval"))
    look = Look(("points", ""), tick=_tick, base=0.0, said="equal", key=key)
    return line_figure(name, title, lines, look, columns, rows, note)


def plot_ranks_of_sides(ranks: xr.Dataset, event: str) -> Figure:
    """Draw how often each side takes each place, the safest first.

    Parameters
    ----------
    ranks : xarray.Dataset
        The node `ranks` of `datasets` of a comparison: `share` by `event`, `side` and `place`.
    event : {"success", "catastrophe"}

    Returns
    -------
    Figure
    """
    title = f"Who comes first: {'most' if event == 'success' else 'least'} {event}"
    name = f"places-{event}"
    if "share" not in ranks or event not in ranks.event.values:
        return nothing(name, title, "there are no two sides with draws", ("side",))
    by_side = ranks.share.sel(event=event)
    places = [int(p) for p in by_side.place.values]
    scale = Scale(0.0, 1.0, 12, WIDTH - 20)
    bottom = 8 + _ROW * by_side.sizes["side"]
    children: list[Markup] = [grid(scale, 8, bottom)]
    rows, sentences = [], []
    for k, side in enumerate(by_side.side.values.tolist()):
        y = 8 + _ROW * k + _NAMES + 14
        shares = [float(x) for x in by_side.sel(side=side)]
        phrases = [f"{chance(x)} place {p}" for x, p in zip(shares, places, strict=True)]
        sentences.append(f"{side}: {', '.join(phrases)}")
        bars: list[Markup] = []
        start = 0.0
        for place, share in zip(places, shares, strict=True):
            if not (math.isfinite(share) and share > 0):
                continue
            x, width = scale(start), scale(start + share) - scale(start)
            look = "low" if place == 1 else "high" if place == places[-1] else "band"
            bars.append(
                element("rect", x=x, y=y - 10, width=max(width - 1, 0.5), height=20, class_=look)
            )
            if width > 22:
                bars.append(
                    element(
                        "text",
                        str(place),
                        x=x + width / 2,
                        y=y + 4.5,
                        class_="tick halo",
                        text_anchor="middle",
                    )
                )
            start += share
        heading = element("text", *lines_of(side, _LETTERS, 1), x=0, y=y - 16, class_="halo")
        children += [heading, mark(sentences[-1], *bars)]
        rows.append((side, *(chance(x) for x in shares)))
    words = "; ".join(sentences)
    return Figure(
        name,
        title,
        words,
        drawing(WIDTH, bottom + 24, title, words, *children),
        ("side", *(f"place {p}" for p in places)),
        tuple(rows),
        "Share of the rows in which a side takes each place, written in the bar; ties are shared.",
    )
