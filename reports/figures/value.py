"""What is worth finding out: what each observation would tell, and the most that it could."""

import math

import xarray as xr

from storyodds.reports.figures.figure import Figure
from storyodds.reports.figures.lines import Line, Look, Point, line_figure, nothing
from storyodds.reports.figures.saying import chance

_TWICE = 1.645  # standard errors on each side of a 90 percent interval


def plot_value(proposals: xr.Dataset, *, unit: str = "bits", top: int = 12) -> Figure:
    """Draw how much each observation would tell about success, and its ceiling.

    Parameters
    ----------
    proposals : xarray.Dataset
        The node `proposals` of `datasets`, the best first.
    unit : {"bits", "worth"}
        What they are ranked by.
    top : int

    Returns
    -------
    Figure
    """
    title = "What is worth finding out next"
    columns = ("observation", "about", "gain", "±", "ceiling", "success after it")
    if "proposal" not in proposals.coords or f"{unit}_value" not in proposals:
        return nothing("value", title, "no observation is proposed", columns)
    lines, rows = [], []
    for name in proposals.proposal.values.tolist()[:top]:
        at = proposals.sel(proposal=name)
        gain, error = float(at[f"{unit}_value"]), float(at[f"{unit}_error"])
        ceiling = float(at[f"ceiling_{unit}_value"])
        span = f"{chance(float(at.success_q05))}–{chance(float(at.success_q95))}"
        about = str(at.about.item())
        words = (
            f"{name}, about {about}: {_amount(gain)} {unit}, at most {_amount(ceiling)} if "
            f"learned for sure; success after it {span}"
        )
        ends = (max(0.0, gain - _TWICE * error), gain + _TWICE * error)
        marks = (Point(ceiling, shape="ring"), Point(gain, *ends))
        numbers = (_amount(gain), _amount(ceiling))
        lines.append(Line(name, words, marks, numbers, f"about {about}"))
        half = _amount(_TWICE * error)
        rows.append((name, about, _amount(gain), half, _amount(ceiling), span))
    what = "bits about success" if unit == "bits" else "in the unit of the decision"
    note = (
        f"Filled dot: expected gain, {what}, with its 90% Monte Carlo interval. Hollow dot: its "
        "ceiling, the gain of learning for sure what the observation is about."
    )
    look = Look(("gain", "ceiling"), tick=_tick, low=0.0)
    return line_figure("value", title, lines, look, columns, rows, note)


def _amount(x: float) -> str:
    """Two digits of a gain."""
    if not math.isfinite(x):
        return "–"
    if abs(x) < 5e-5:
        return "~0"
    return f"{x:.2g}" if abs(x) >= 0.001 else f"{x:.1g}"


def _tick(x: float) -> str:
    return f"{x:.6g}"
