"""What the odds hang on: numbers one at a time, assumptions for sure, and where verdicts flip."""

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from storyodds.reports.figures.drawing.cells import Cell, share_cell
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.lines import Bar, Line, Look, Point, line_figure, nothing
from storyodds.reports.figures.saying import (
    chance,
    change,
    number,
    number_band,
    number_range,
    points,
    points_along,
    size,
)
from storyodds.reports.words.numbers import percent

_ROUNDING = 1e-9  # of the chance as it is, or of what is missing to 1: a smaller swing is rounding
_TOLD = ("kind", "low_mean", "high_mean", "swing", "swing_error", "low_value", "high_value")


def plot_tornado(
    numbers: xr.Dataset,
    event: str,
    *,
    now: float,
    inputs: xr.Dataset | None = None,
    top: int = 12,
) -> Figure:
    """Draw how far each number alone moves an event's chance.

    Parameters
    ----------
    numbers : xarray.Dataset
        The node `local/numbers` of `datasets`.
    event : str
    now : float
        Its probability as the story is, from `local/now`.
    inputs : xarray.Dataset, optional
        The node `global/inputs`: total indices, which have what numbers do together.
    top : int
        Only so many, the largest swing first.

    Returns
    -------
    Figure
    """
    title, name = f"What moves {event}, one number at a time", f"tornado-{event}"
    if "swing" not in numbers or "event" not in numbers.swing.dims:
        return nothing(name, title, "no number is uncertain")
    moves = numbers.sel(event=event)
    reach = _beyond_rounding(moves.swing.values, now)
    order = [int(k) for k in np.argsort(-reach, kind="stable") if reach[k] > 0][:top]
    selection = moves[list(_TOLD)].isel(number=order)
    totals = {} if inputs is None else _totals(inputs, event)
    lines, rows = [], []
    for label, kind, low, high, swing, error, *values in zip(
        selection.number.values.tolist(),
        *(selection[name].values.tolist() for name in _TOLD),
        strict=True,
    ):
        ends = [number(value, kind) for value in values]
        share = () if inputs is None else (totals.get(label, "–"),)
        words = (
            f"{label}: at {ends[0]} {event} is {chance(low)}, at {ends[1]} it is {chance(high)}, "
            f"now {percent(now)}" + "".join(f", total index {s}" for s in share)
        )
        bars = (Bar(now, low, up=True, words=chance(low)), Bar(now, high, False, chance(high)))
        under = number_range(values[0], values[1], kind)
        whole = "".join(f"; total {s}" for s in share)
        lines.append(Line(label, words, bars, under=f"{under}{whole}"))
        moved = change(swing)
        spread = Cell(f"{moved} ± {size(error)}", {**moved.numbers, "error": 100 * error})
        rows.append((label, under, chance(low), chance(high), spread, *share))
    also = () if inputs is None else ("total",)
    note = (
        "Means, with the number known to be at the 5% point of its prior (upper bar) or at its 95% "
        "point (lower bar); both points are under its name. What two numbers do together is in no "
        "bar"
    )
    note += (
        "."
        if inputs is None
        else "; the total index has it: the share of the variance that would be left if all other "
        "numbers were known, with its 90% interval in the table (~0: not distinguishable from 0; "
        "–: not worked out by itself)."
    )
    key = ((Bar(0, 1, up=True), "at its 5% point"), (Bar(0, 1, up=False), "at its 95% point"))
    look = Look(base=now, said=f"now {percent(now)}", key=key)
    columns = ("number", "from, to", "at low", "at high", "swing in points", *also)
    return line_figure(name, title, lines, look, columns, rows, note)


def _beyond_rounding(swings: NDArray[np.float64], now: float) -> NDArray[np.float64]:
    """How large swings are; 0 where that is rounding."""
    sizes = np.nan_to_num(np.abs(swings))
    return np.where(sizes > _ROUNDING * min(now, 1 - now), sizes, 0.0)


def _totals(inputs: xr.Dataset, event: str) -> dict[str, Cell]:
    """By name, the total index of each number that was worked out by itself."""
    if "total_distinguishable" not in inputs or event not in inputs.event.values:
        return {}
    indices = inputs[["total", "total_distinguishable"]].sel(event=event)
    return {
        name: _share_of_variance(mean, (high - low) / 2, distinguishable=distinguishable)
        for name, (mean, low, high), distinguishable in zip(
            indices.input.values.tolist(),
            points_along(indices.total, "input"),
            indices.total_distinguishable.values.tolist(),
            strict=True,
        )
        if math.isfinite(mean)
    }


def _share_of_variance(mean: float, error: float, *, distinguishable: bool) -> Cell:
    """A total index; its estimate may lie a little beyond what a share can be."""
    share = min(max(mean, 0.0), 1.0)
    words = f"{percent(share, error)} ±{float(f'{100 * error:.1g}'):g}" if distinguishable else "~0"
    return Cell(words, {"": share, "error": error})


def plot_assumption_effects(
    assumptions: xr.Dataset, event: str, *, now: float, top: int = 12
) -> Figure:
    """Draw an event's chance if an assumption were found, or made, true or false.

    Parameters
    ----------
    assumptions : xarray.Dataset
        The node `local/assumptions` of `datasets`.
    event : str
    now : float
        Its probability as the story is.
    top : int

    Returns
    -------
    Figure
    """
    ways = (
        ("learned_true", "found true", "dot", "high"),
        ("learned_false", "found false", "dot", "low"),
        ("set_true", "made true", "square", "high"),
        ("set_false", "made false", "square", "low"),
    )
    entries = []
    for label in _names(assumptions, "assumption"):
        entry = assumptions.sel(assumption=label)
        entries.append((label, [_at(entry, f"{way}_mean", event) for way, *_ in ways]))
    swings = [np.ptp([x for x in means if math.isfinite(x)] or [0.0]) for _, means in entries]
    reach = _beyond_rounding(np.array(swings), now)
    order = [int(k) for k in np.argsort(-reach, kind="stable") if reach[k] > 0]
    lines, rows = [], []
    for k in order[:top]:
        label, means = entries[k]
        phrases = [
            f"{head} {chance(mean)}" for (_, head, *_), mean in zip(ways, means, strict=True)
        ]
        marks = [
            Point(x, shape=shape, look=look)
            for (*_, shape, look), x in zip(ways, means, strict=True)
        ]
        lines.append(Line(label, f"{label}: {event} if {', '.join(phrases)}", marks))
        rows.append((label, *(chance(x) for x in means)))
    note = (
        "Means. Found to be true or false: what learning it would tell. Made true or false: what "
        "bringing it about would do, whatever it depends on. One assumption at a time."
    )
    return line_figure(
        f"assumption-effects-{event}",
        f"{event[:1].upper()}{event[1:]}, if an assumption were surely so",
        lines,
        Look(
            base=now,
            said=f"now {percent(now)}",
            key=[(Point(0.5, shape=shape, look=look), head) for _, head, shape, look in ways],
        ),
        ("assumption", *(head for _, head, *_ in ways)),
        rows,
        note,
    )


def plot_tipping(
    tips: xr.Dataset, verdicts: xr.Dataset, numbers: xr.Dataset, *, top: int = 12
) -> Figure:
    """Draw where a verdict flips within the range of one number.

    Parameters
    ----------
    tips, verdicts, numbers : xarray.Dataset
        The nodes `local/tipping_points`, `local/verdicts` and `local/numbers` of `datasets`.
    top : int
        Only so many, the likeliest first.

    Returns
    -------
    Figure
    """
    title = "Where a verdict flips"
    columns = ("number", "verdict", "flips", "prior chance", "now", "range of its prior")
    if not tips.sizes.get("point"):
        return nothing("tipping", title, "no number alone flips a verdict", columns)
    lines, rows = [], []
    order = np.argsort(-tips.prior_chance.values, kind="stable")[:top]
    for k in order.tolist():
        tip = tips.isel(point=k)
        name, value = str(tip.number.item()), float(tip.value)
        low = high = at_now = math.nan
        kind, now = "probability", "–"
        if name in numbers.number.values and "low_value" in numbers:
            entry = numbers.sel(number=name)
            low, high, kind = (
                float(entry.low_value),
                float(entry.high_value),
                str(entry.kind.item()),
            )
            at_now, start, end = points(entry.now)
            now = number_band(at_now, start, end, kind)
        verdict = _verdict(verdicts, int(tip.verdict))
        flips = f"{tip.side.item()} {number(value, kind)}"
        odds = share_cell(float(tip.prior_chance))
        span = number_range(low, high, kind)
        words = (
            f"{name}: {verdict} flips {flips}, prior chance {odds}, now {now}, prior from {span}"
        )
        # Every line has its own scale: 0 is the low end of the prior's interval and 1 the high.
        width = high - low
        place, here = ((x - low) / width if width else math.nan for x in (value, at_now))
        marks = (
            Point(math.nan, 0.0, 1.0),
            Point(place, shape="square"),
            Point(here),
        )
        short = (flips, odds, number(at_now, kind))
        lines.append(Line(name, words, marks, short, f"{verdict}; {span}"))
        where = Cell(flips, {"": value})
        rows.append((name, verdict, where, odds, now, span))
    scale = {0.0: "5%", 0.5: "half", 1.0: "95%"}
    key = (
        (Point(math.nan, 0.0, 1.0), "5% to 95% point of its prior"),
        (Point(0.5, shape="square"), "where the verdict flips"),
        (Point(0.5), "mean now"),
    )
    look = Look(("flips", "chance", "now"), tick=lambda x: scale.get(x, ""), key=key)
    note = (
        "The ends of a number's prior are under its name. Flips: the value at which the verdict "
        "does, if this number alone were known. Now: its mean given the evidence, with its 90% "
        "interval in the table. Chance: that the number is beyond the square, before the evidence."
    )
    return line_figure("tipping", title, lines, look, columns, rows, note)


def _verdict(verdicts: xr.Dataset, k: int) -> str:
    event = str(verdicts.event.values[k])
    threshold = float(verdicts.threshold.values[k])
    return f"{event} {percent(threshold)}" if math.isfinite(threshold) else event


def _names(data: xr.Dataset, dimension: str) -> Sequence[str]:
    return [str(name) for name in data[dimension].values] if dimension in data.coords else []


def _at(data: xr.Dataset, variable: str, event: str) -> float:
    if variable not in data or "event" not in data[variable].dims:
        return math.nan
    return float(data[variable].sel(event=event))
