"""What each item of the evidence does to an event's odds."""

import math

import numpy as np
import xarray as xr

from storyodds.reports.figures.figure import Figure
from storyodds.reports.figures.lines import Line, Look, Point, line_figure, nothing
from storyodds.reports.figures.saying import chance, in_bits, tick_bits

_TWICE = 1.645  # standard errors on each side of a 90 percent interval
_WAYS = ("alone", "left_out", "average")


def plot_evidence(
    effects: xr.Dataset,
    event: str,
    *,
    before: float = math.nan,
) -> Figure:
    """Draw the effect of each item in bits of log2 odds, in the order in which they are written.

    Parameters
    ----------
    effects : xarray.Dataset
        The node `trust/evidence_effects` of `datasets`.
    event : str
    before : float
        Its probability without evidence, from `trust/before`.

    Returns
    -------
    Figure
    """
    title, name = f"What the evidence does to {event}", f"evidence-{event}"
    columns = ("evidence", "share of the whole", "alone", "last", "so far")
    if "evidence" not in effects.coords or "bits_average_mean" not in effects:
        return nothing(name, title, "the story has no evidence, or its odds are 0 or 1", columns)
    so_far = _log_odds(before)
    lines, rows = [], []
    for item in effects.evidence.values.tolist():
        at = effects.sel(evidence=item, event=event)
        alone, last, average = (
            float(at[f"bits_{way}_mean"]) if f"bits_{way}_mean" in at else math.nan for way in _WAYS
        )
        error = float(at.bits_average_error)
        so_far += average
        reached = _chance(so_far)
        words = (
            f"{item}: {in_bits(average)} bits as its share of the whole, {in_bits(alone)} alone, "
            f"{in_bits(last)} after all others"
        )
        marks = (
            Point(alone, shape="ring"),
            Point(average, average - _TWICE * error, average + _TWICE * error),
        )
        numbers = (in_bits(average), reached)
        lines.append(Line(item, words, marks, numbers))
        rows.append((item, *(in_bits(x) for x in (average, alone, last)), reached))
    note = (
        "Bits of log2 odds: +1 doubles the odds. Filled dot: the item's effect averaged over all "
        "orders in which the evidence could have come in, with its 90% Monte Carlo interval. "
        "Hollow dot: the item alone. So far: the chance once the averaged effects down to this "
        "line are added up, which ends at the chance given all of it."
    )
    look = Look(("effect", "so far"), tick=tick_bits, base=0.0, said=f"before {chance(before)}")
    return line_figure(name, title, lines, look, columns, rows, note)


def _log_odds(p: float) -> float:
    return float(np.log2(p) - np.log2(1 - p)) if 0 < p < 1 else math.nan


def _chance(log_odds: float) -> str:
    return chance(1 / (1 + 2.0**-log_odds)) if math.isfinite(log_odds) else "–"
