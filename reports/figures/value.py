"""What is worth finding out: what each observation would tell, and the most that it could."""

import math

import xarray as xr

from storyodds.reports.figures.drawing.cells import Cell, spread_cell
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.lines import Line, Look, Point, line_figure, nothing
from storyodds.reports.figures.saying import between
from storyodds.reports.words.numbers import odds_words, percent

_LEAST = 0.0001  # that is written as a number
_TWICE = 1.645  # standard errors on each side of a 90 percent interval


def plot_value(
    proposals: xr.Dataset, *, unit: str = "bits", of: str = "success", top: int = 12
) -> Figure:
    """Draw how much each observation would tell, and its ceiling.

    Parameters
    ----------
    proposals : xarray.Dataset
        The node `proposals` of `datasets`, the best first.
    unit : {"bits", "worth"}
        What they are ranked by.
    of : str
        What bits are about, of `storyodds.models.story.events.ODDS`.
    top : int

    Returns
    -------
    Figure
    """
    title = "What is worth finding out next"
    columns = ("observation", "about", "gain", "±", "ceiling", f"{odds_words(of)} after it")
    if "proposal" not in proposals.coords or f"{unit}_value" not in proposals:
        return nothing("value", title, "no observation is proposed", columns)
    arrays = [
        proposals[variable].values[:top].tolist()
        for variable in (
            *("proposal", "about", "then_q05", "then_q95"),
            *(f"{unit}_value", f"{unit}_error", f"ceiling_{unit}_value"),
        )
    ]
    lines, rows = [], []
    for name, about, low, high, gain, error, ceiling in zip(*arrays, strict=True):
        span = between(low, high)
        if span == "–" and math.isfinite(low):  # it would stay where it is
            span = spread_cell(low, high, percent(low))
        words = (
            f"{name}, about {about}: {amount(gain)} {unit}, at most {amount(ceiling)} if "
            f"learned for sure; {odds_words(of)} after it {span}"
        )
        ends = (max(0.0, gain - _TWICE * error), gain + _TWICE * error)
        marks = (Point(ceiling, shape="tick"), Point(gain, *ends))
        numbers = (amount(gain), amount(ceiling))
        lines.append(Line(name, words, marks, numbers, f"about {about}"))
        cells = [Cell(amount(x), {"": x}) for x in (gain, _TWICE * error, ceiling)]
        rows.append((name, about, *cells, span))
    gain_unit = f"bits about {odds_words(of)}" if unit == "bits" else "in the unit of the decision"
    note = (
        f"Gain: expected, {gain_unit}, with its 90% Monte Carlo interval. Ceiling: the gain of "
        "learning for sure what the observation is about, or where its rates depend on "
        "assumptions, which rate applies."
    )
    key = ((Point(0.5, 0, 1), "expected gain"), (Point(0.5, shape="tick"), "ceiling"))
    look = Look(("gain", "ceiling"), tick=_tick, low=0.0, key=key)
    return line_figure("value", title, lines, look, columns, rows, note)


def amount(x: float) -> str:
    """Two digits of a gain, never in powers of ten.

    Examples
    --------
    >>> amount(0.0567), amount(0.00023), amount(6e-5), amount(-1e-9), amount(0.0)
    ('0.057', '0.00023', '<0.0001', '>−0.0001', '0')
    >>> amount(1.25), amount(12345.0), amount(-0.5), amount(float("nan"))
    ('1.2', '12,000', '−0.50', '–')
    """
    if not math.isfinite(x):
        return "–"
    if abs(x) < _LEAST:
        return "0" if x == 0 else f"<{_LEAST:g}" if x > 0 else f">−{_LEAST:g}"
    rounded = float(f"{x:.1e}")
    digits = max(0, 1 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:,.{digits}f}".replace("-", "−")


def gain_words(value: float, error: float) -> str:
    """A gain and its Monte Carlo standard error, to the place of the error's first digit.

    Examples
    --------
    >>> gain_words(0.0175, 0.0009), gain_words(2.5e-6, 1e-6), gain_words(0.25, 0.0)
    ('0.018 ± 0.001', '<0.0001', '0.25')
    """
    if abs(value) < _LEAST or error <= 0:
        return amount(value)
    digits = max(0, -math.floor(math.log10(error)))
    digits = min(digits, 1 - math.floor(math.log10(abs(value))))  # no more than two of the gain
    least = max(error, 10.0**-digits)
    return f"{value:.{digits}f} ± {least:.{digits}f}"


def _tick(x: float) -> str:
    return f"{x:.6g}"
