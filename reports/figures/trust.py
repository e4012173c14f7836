"""How far the answer hangs on each prior and likelihood, and what failures hang on."""

import math

import numpy as np
import xarray as xr

from storyodds.reports.figures.drawing.cells import Cell, spread_cell
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.lines import Line, Look, Point, line_figure, nothing
from storyodds.reports.figures.drawing.svg import tick_percent
from storyodds.reports.figures.odds import LOOKS
from storyodds.reports.figures.saying import band, chance, points
from storyodds.reports.words.numbers import marked

THRESHOLD = 0.05  # of a sensitivity; above it, a prior or likelihood is worth a look

_NONE = 1e-9  # an importance that is rounding

_MEASURES = {
    "fussell_vesely": "Fussell-Vesely: the share of the event's chance on paths with it",
    "criticality": "criticality: the part of the event's chance that would go without it",
    "birnbaum": "Birnbaum: the event's chance if it is so, less that if it is not",
    "diagnosis": "diagnosis: how probable it is, given the event",
}


def plot_power_scaling(
    scaled: xr.Dataset, event: str, *, threshold: float = THRESHOLD, top: int = 12
) -> Figure:
    """Draw how sensitive an event's posterior is to each prior, or each piece of evidence.

    Parameters
    ----------
    scaled : xarray.Dataset
        The node `trust/priors` or `trust/evidence` of `datasets`.
    event : {"success", "catastrophe"}
    threshold : float
        Above which a sensitivity is marked.
    top : int
        Only so many, the most sensitive first.

    Returns
    -------
    Figure
    """
    kind = str(next(iter(scaled.dims), "number"))
    subject = {"number": "priors", "evidence": "evidence"}.get(kind, kind)
    title, name = f"How {event} follows {subject}", f"power-scaling-{subject}-{event}"
    columns = (kind, "sensitivity", "if halved", "if doubled")
    key = f"{event}_sensitivity"
    if key not in scaled or not np.isfinite(scaled[key].values).any():
        return nothing(name, title, "nothing uncertain bears on it", columns)
    sizes = np.nan_to_num(scaled[key].values, nan=-1.0)
    lines, rows = [], []
    for k in np.argsort(-sizes, kind="stable")[:top].tolist():
        entry = scaled.isel({kind: k})
        opinion = "opinion" in scaled and bool(entry.opinion)
        label, value = marked(str(entry[kind].item()), opinion), float(entry[key])
        ends = [chance(float(entry[f"{event}_at_{way}"])) for way in ("half", "double")]
        over = value > threshold
        text = f"{value:.2g}" if math.isfinite(value) else "–"
        words = f"{label}: sensitivity {text}, {event} {ends[0]} if halved, {ends[1]} if doubled"
        marks = (Point(value, look="high" if over else "low"),)
        lines.append(Line(label, words, marks, (text, *ends)))
        rows.append((label, Cell(text, {"": value}), *ends))
    note = (
        "Power-scaling: how far the posterior of the chance moves, in units of its distance "
        f"measure, when the {subject} count a little more or less. Halved and doubled: the mean "
        "chance if they count half or twice."
    )
    look = Look(
        ("size", "halved", "doubled"),
        tick=lambda x: f"{x:.6g}",
        base=threshold,
        said=f"{threshold:g}",
        low=0.0,
        key=(
            (Point(0.5, look="high"), f"above {threshold:g}, worth a look"),
            (Point(0.5, look="low"), "below"),
        ),
    )
    return line_figure(name, title, lines, look, columns, rows, note)


def plot_importance(
    literals: xr.Dataset, of: str, *, measure: str = "fussell_vesely", top: int = 15
) -> Figure:
    """Draw an importance measure of every literal.

    Parameters
    ----------
    literals : xarray.Dataset
        The node `literals` of `datasets` of an importance document.
    of : str
        The event that they are important for.
    measure : {"fussell_vesely", "criticality", "birnbaum", "diagnosis"}
    top : int
        Only so many, the largest first.

    Returns
    -------
    Figure
    """
    words_of = _MEASURES[measure]
    head = words_of.split(":")[0]
    title, name = f"{head} importance for {of}", f"importance-{measure}-{of}"
    title = title[:1].upper() + title[1:]
    columns = ("literal", head, "90% interval")
    if measure not in literals or "summary" not in literals[measure].dims:
        return nothing(name, title, f"{of} hangs on no assumption", columns)
    entries = [
        (str(literal), *points(literals[measure].sel(literal=literal)))
        for literal in literals.literal.values
    ]
    entries = [entry for entry in entries if math.isfinite(entry[1]) and abs(entry[1]) > _NONE]
    entries.sort(key=lambda entry: -abs(entry[1]))
    lines, rows = [], []
    for literal, mean, low, high in entries[:top]:
        words = f"{literal}: {band(mean, low, high) if mean >= 0 else _signed(mean)}"
        between = " to " if low < 0 else "–"
        spread = f"{_signed(low)}{between}{_signed(high)}" if low != high else ""
        marks = (Point(mean, low, high, look=LOOKS.get(of, "")),)
        lines.append(Line(literal, words, marks, (_signed(mean),), spread))
        value = Cell(_signed(mean), {"": mean})
        rows.append((literal, value, spread_cell(low, high, spread or "–")))
    missing = literals.sizes.get("literal", 0) - len(entries)
    tick = _tick_signed if measure == "birnbaum" else tick_percent
    look_of = LOOKS.get(of, "")
    key = (
        (Point(0.5, look=look_of), "mean"),
        (Point(math.nan, 0, 1, look=look_of), "90% interval"),
    )
    base = 0.0 if measure == "birnbaum" else None
    look = Look((head,), tick=tick, base=base, low=0.0, key=key)
    note = f"{words_of}. The interval is under the name."
    note += f" {missing} of none, or without a value, are not shown." * bool(missing)
    return line_figure(name, title, lines, look, columns, rows, note)


def _signed(x: float) -> str:
    if not math.isfinite(x):
        return "–"
    return chance(x) if x >= 0 else f"−{chance(-x)}"


def _tick_signed(x: float) -> str:
    """A round share that may be below 0."""
    return tick_percent(x) if x >= 0 else f"−{tick_percent(-x)}"
