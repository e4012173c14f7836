"""What each item of the evidence does to an event's odds, in its turn and on average."""

import math
from collections.abc import Collection, Sequence

import numpy as np
import xarray as xr
from markupsafe import Markup
from numpy.typing import NDArray

from storyodds.reports.figures.drawing.cells import Cell
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.keys import bar_sample, dot_sample, draw_key, ring_sample
from storyodds.reports.figures.drawing.lines import WIDTH, Line, Look, Point, line_figure, nothing
from storyodds.reports.figures.drawing.short_names import short_names
from storyodds.reports.figures.drawing.svg import (
    Scale,
    drawing,
    element,
    grid,
    group,
    mark,
    ticks,
)
from storyodds.reports.figures.odds import LOOKS
from storyodds.reports.figures.saying import band, chance, change, in_bits, tick_bits
from storyodds.reports.words.numbers import interval, marked, percent

Array = NDArray[np.float64]

_TWICE = 1.645  # standard errors on each side of a 90 percent interval
_WAYS = ("alone", "left_out", "average")
_EDGE = 6  # where the pictures of the events begin
_ROW = 38  # pixels of a finding: its name, and under it its part of the bands
_TOP = 30  # pixels above the first finding, for heads
_APART = 22  # pixels between two events
_LETTERS = 46  # of a finding's name
_DOWN = 9  # pixels from the middle of a finding to its dot, under its name


def plot_evidence(effects: xr.Dataset, event: str, opinions: Collection[str] = ()) -> Figure:
    """Draw the effect of each item in bits of log2 odds, in the order in which they are written.

    Parameters
    ----------
    effects : xarray.Dataset
        The node `trust/evidence_effects` of `datasets`.
    event : str
    opinions : collection of str
        Items that are forecasts, which is said of them.

    Returns
    -------
    Figure
    """
    title, name = f"What the evidence does to {event}", f"evidence-{event}"
    columns = ("evidence", "share of the whole", "alone", "last")
    if "evidence" not in effects.coords or "bits_average_mean" not in effects:
        return nothing(name, title, "the story has no evidence, or its odds are 0 or 1", columns)
    of_event = effects.sel(event=event)
    items = [marked(item, item in opinions) for item in effects.evidence.values.tolist()]
    means = [
        of_event[name].values.tolist() if name in of_event else [math.nan] * len(items)
        for name in (f"bits_{way}_mean" for way in _WAYS)
    ]
    lines, rows = [], []
    for item, alone, last, average, error in zip(
        items, *means, of_event.bits_average_error.values.tolist(), strict=True
    ):
        words = (
            f"{item}: {in_bits(average)} bits as its share of the whole, {in_bits(alone)} alone, "
            f"{in_bits(last)} after all others"
        )
        marks = (
            Point(alone, shape="diamond", look="low"),
            Point(average, average - _TWICE * error, average + _TWICE * error),
        )
        lines.append(Line(item, words, marks, (in_bits(average),)))
        rows.append((item, *(in_bits(x) for x in (average, alone, last))))
    note = (
        "Bits of log2 odds: +1 doubles the odds. Its share: the item's effect averaged over all "
        "orders in which the evidence could have come in, with its 90% Monte Carlo interval."
    )
    key = ((Point(0.5, 0, 1), "its share"), (Point(0.5, shape="diamond", look="low"), "alone"))
    look = Look(("its share",), tick=tick_bits, base=0.0, said="no effect", key=key)
    return line_figure(name, title, lines, look, columns, rows, note)


def plot_evidence_sequence(
    sequence: xr.Dataset, events: Sequence[str] = ("success", "catastrophe")
) -> Figure:
    """Draw the odds before the evidence and after each item of it, in the order of the story.

    Parameters
    ----------
    sequence : xarray.Dataset
        The node `trust/evidence_sequence` of `datasets`.
    events : sequence of str
        One picture each, side by side.

    Returns
    -------
    Figure
    """
    title, name = "The odds as each finding came in", "evidence-sequence"
    heads = (head for event in events for head in (event, f"{event}, step in points"))
    columns = ["given", *heads]
    if "odds" not in sequence or sequence.sizes["step"] < 2:
        return nothing(name, title, "the story has no evidence", columns)
    trusted = sequence.ok.values.astype(bool).tolist()
    items = sequence.item.values.tolist()
    opinions = sequence.opinion.values.astype(bool).tolist()
    rows: list[list[str]] = [
        [marked(item, opinion) if item else "before"]
        for item, opinion in zip(items, opinions, strict=True)
    ]
    height, words, children = _TOP + _ROW * len(items), list[str](), list[Markup]()
    wide = (WIDTH - _EDGE - _APART * (len(events) - 1)) / len(events)
    for k, event in enumerate(events):
        mean, low, high = (
            sequence.odds.sel(event=event, summary=end).values for end in ("mean", "q05", "q95")
        )
        cells = [
            Cell(
                f"{chance(p)}{'?' * (not ok)} ({interval({'q05': a, 'q95': b})})",
                {"mean": p, "q05": a, "q95": b},
            )
            for p, a, b, ok in zip(mean.tolist(), low.tolist(), high.tolist(), trusted, strict=True)
        ]
        steps = _steps(mean, sequence.odds_change_error.sel(event=event).values[1:])
        for row, p, step in zip(rows, cells, steps, strict=True):
            row += [p, step]
        first, last = (band(*(float(x[i]) for x in (mean, low, high))) for i in (0, -1))
        words.append(f"{event}: {first} before the evidence, {last} after all of it")
        start = _EDGE + k * (wide + _APART)
        scale = Scale(0.0, min(1.0, float(high.max()) * 1.05) or 1.0, start, start + wide - 14)
        look = LOOKS.get(event, "")
        children += [
            element("text", event, x=start, y=_TOP - 10, class_="strong"),
            grid(scale, _TOP, height, ticks(0.0, scale.high, 2)),
            mark(words[-1], *_course(scale, mean, low, high, look)),
        ]
    labels = [
        element("text", marked(name or "before", opinion) + "?" * (not ok), x=_EDGE, y=y)
        for name, opinion, ok, y in zip(
            _short(items, opinions), opinions, trusted, _middles(len(items), -6), strict=True
        )
    ]
    description = f"{title}: {' and '.join(events)} before the evidence and after each finding."
    note = (
        "Each line is given its finding and all above it, in the order in which the story gives "
        "them; another order gives other steps, but the same end. The first and the last are "
        "those of the estimate." + _errors(sequence, events)
    )
    if not all(trusted):
        note += " Not to be relied on: ?, where too few draws carry the answer."
    key, end = draw_key(
        [
            (dot_sample(""), "mean"),
            (bar_sample("band"), "90% interval"),
            (ring_sample(), "before the evidence"),
        ],
        height + 24,
        WIDTH,
    )
    names = group(*labels, class_="halo")
    svg = drawing(WIDTH, end + 4, title, description, *children, names, *key)
    return Figure(name, title, description, svg, tuple(columns), tuple(map(tuple, rows)), note)


def _steps(mean: Array, error: Array) -> list[str]:
    """What each finding adds, where that is more than the error of it, (n_steps - 1,)."""
    steps, noise = np.diff(mean).tolist(), (_TWICE * error).tolist()
    return [
        "",
        *(
            change(x) if abs(x) >= least else Cell("~0", {"": 100 * x})
            for x, least in zip(steps, noise, strict=True)
        ),
    ]


def _short(names: Sequence[str], opinions: Sequence[bool]) -> list[str]:
    """Names on one line, where those of opinions leave room to say so."""
    short = short_names(names, _LETTERS, 1)
    rooms = (_LETTERS - len(marked("", opinion)) for opinion in opinions)
    return [
        name if len(name) <= room else f"{name[: room - 1]}…"
        for name, room in zip(short, rooms, strict=True)
    ]


def _middles(n: int, below: float = 0.0) -> list[float]:
    return [_TOP + _ROW * (k + 0.5) + below for k in range(n)]


def _course(scale: Scale, mean: Array, low: Array, high: Array, look: str) -> tuple[Markup, ...]:
    """The band and the mean after each finding, under its name; a ring where it starts."""
    middles = _middles(len(mean), _DOWN)
    ends = [(scale(float(a)), scale(float(b))) for a, b in zip(low, high, strict=True)]
    bands = [
        element("rect", x=a, y=y - 7, width=b - a, height=14, class_="band")
        for (a, b), y in zip(ends, middles, strict=True)
    ]
    looks = ["before-dot", *[f"dot {look}".strip()] * (len(mean) - 1)]
    dots = [
        element("circle", cx=scale(float(x)), cy=y, r=4.5, class_=kind)
        for x, y, kind in zip(mean, middles, looks, strict=True)
    ]
    return (*bands, *dots)


def _errors(sequence: xr.Dataset, events: Sequence[str]) -> str:
    """How well the steps are known."""
    most = [float(sequence.odds_error.sel(event=event).max()) for event in events]
    if not any(most):
        return ""
    shares = ", ".join(f"{percent(x)} of {event}" for x, event in zip(most, events, strict=True))
    return (
        f" Monte Carlo standard errors of the means: at most {shares}, and steps within their 90% "
        "noise are ~0; small jumps of a band's ends are such errors too."
    )
