"""How figures say single numbers that may be missing or have a sign."""

import math

import xarray as xr

from storyodds.reports.figures.drawing.cells import Cell, share_cell, spread_cell
from storyodds.reports.words.numbers import bits, interval, percent, signed

_ENDS = ["mean", "q05", "q95"]


def chance(p: float) -> Cell:
    """A probability, or a dash where there is none.

    Examples
    --------
    >>> chance(0.25), chance(float("nan"))
    ('25%', '–')
    """
    return share_cell(p) if math.isfinite(p) else Cell("–", {})


def change(p: float) -> Cell:
    """A difference of two probabilities in percentage points, without the word.

    Examples
    --------
    >>> change(0.02), change(-0.02), change(0.0)
    ('+2.0', '−2.0', '0')
    """
    return Cell(signed(p) if math.isfinite(p) else "–", {"": 100 * p})


def size(p: float) -> str:
    """How large a difference is, or its error, in percentage points.

    Examples
    --------
    >>> size(-0.02), size(0.0013)
    ('2.0', '0.13')
    """
    return signed(abs(p)).removeprefix("+") if math.isfinite(p) else "–"


def in_bits(x: float) -> Cell:
    """Bits, or a dash where there are none."""
    return Cell(bits(x) if math.isfinite(x) else "–", {"": x})


def tick_bits(x: float) -> str:
    """A round number of bits.

    Examples
    --------
    >>> tick_bits(-0.5), tick_bits(0.0)
    ('−0.5', '0')
    """
    return f"{x + 0.0:.6g}".replace("-", "−")


def tick_change(p: float) -> str:
    """A round difference of probabilities, in points.

    Examples
    --------
    >>> tick_change(-0.05), tick_change(0.05), tick_change(0.0)
    ('−5', '+5', '0')
    """
    return "0" if p == 0 else f"{100 * p:+.6g}".replace("-", "−")


def number(x: float, kind: str) -> Cell:
    """A value of one of the story's numbers, as its kind wants it.

    Examples
    --------
    >>> number(0.25, "probability"), number(-1.5, "bits")
    ('25%', '−1.5 bits')
    """
    if not math.isfinite(x):
        return Cell("–", {})
    if kind == "probability":
        return share_cell(x)
    unit = " bits" if kind == "bits" else ""
    return Cell(f"{round(x, 9) + 0.0:.2g}".replace("-", "−") + unit, {"": x})


def number_range(low: float, high: float, kind: str) -> Cell:
    """From one value of a number to another.

    Examples
    --------
    >>> number_range(0.1, 0.3, "probability"), number_range(0.0, 6.0, "bits")
    ('10% to 30%', '0 to 6 bits')
    """
    words = f"{number(low, kind).removesuffix(' bits')} to {number(high, kind)}"
    return Cell(words, {"low": low, "high": high})


def number_band(mean: float, low: float, high: float, kind: str) -> Cell:
    """A value of one of the story's numbers with its interval, in words.

    Examples
    --------
    >>> number_band(0.2, 0.1, 0.3, "probability"), number_band(1.5, 1.5, 1.5, "bits")
    ('20% (90% interval 10% to 30%)', '1.5 bits')
    """
    text = number(mean, kind)
    if number(low, kind) == number(high, kind) == text:
        return text
    words = f"{text} (90% interval {number_range(low, high, kind)})"
    return Cell(words, {"mean": mean, "q05": low, "q95": high})


def between(low: float, high: float) -> Cell:
    """A 90 percent interval of a probability; a dash where it has no width.

    Examples
    --------
    >>> between(0.1, 0.3), between(0.2, 0.2)
    ('10%–30%', '–')
    """
    finite = math.isfinite(low) and math.isfinite(high)
    wide = finite and percent(low) != percent(high)
    return spread_cell(low, high, interval({"q05": low, "q95": high}) if wide else "–")


def points(summaries: xr.DataArray) -> tuple[float, float, float]:
    """Mean and both ends of the 90 percent interval."""
    mean, low, high = summaries.sel(summary=_ENDS).values.tolist()
    return mean, low, high


def points_along(summaries: xr.DataArray, dimension: str) -> list[tuple[float, float, float]]:
    """Mean and both ends of the 90 percent interval, of each along a dimension."""
    return [
        (mean, low, high)
        for mean, low, high in summaries.sel(summary=_ENDS)
        .transpose(dimension, "summary")
        .values.tolist()
    ]


def band(mean: float, low: float, high: float) -> str:
    """A mean with its interval, in words.

    Examples
    --------
    >>> band(0.2, 0.1, 0.3), band(0.2, 0.2, 0.2)
    ('20% (90% interval 10% to 30%)', '20%')
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return chance(mean)
    ends = f"{percent(low)} to {percent(high)}"
    return (
        percent(mean) if percent(low) == percent(high) else f"{chance(mean)} (90% interval {ends})"
    )
