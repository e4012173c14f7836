"""If a story fails: how often that is a catastrophe, and which assumptions that hangs on."""

import math
from collections.abc import Mapping

import numpy as np
import xarray as xr

from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.lines import Line, Look, Point, line_figure, nothing
from storyodds.reports.figures.odds import LOOKS
from storyodds.reports.figures.saying import band, between, chance, points_along

_TOLD = ("catastrophe", "safe", "deceptive")
_KEY = ((Point(0.5), "mean"), (Point(math.nan, 0, 1), "90% interval"))
_SHARES = {"safe": "no catastrophe", "deceptive": "deceptive model"}  # of failures, to read


def plot_failure(shares: xr.Dataset | None) -> Figure:
    """Draw what a failure is, given that there is one: a catastrophe, safe, or deceptive.

    Parameters
    ----------
    shares : xarray.Dataset or None
        The node `failure/given_failure` of `datasets`; None where failure is impossible.

    Returns
    -------
    Figure
    """
    title, columns = "If it fails", ("given failure", "chance", "90% interval")
    if shares is None or "probability" not in shares:
        return nothing("failure", title, "failure is impossible", columns)
    lines, rows = [], []
    chances = points_along(shares.probability, "share")
    for share, (mean, low, high) in zip(shares.share.values.tolist(), chances, strict=True):
        named = _SHARES.get(share, share)
        words = f"{named}, given failure: {band(mean, low, high)}"
        look = LOOKS.get(share, "")
        spread = between(low, high)
        marks = (Point(mean, low, high, look=look),)
        lines.append(Line(named, words, marks, (chance(mean),), spread))
        rows.append((named, chance(mean), spread))
    note = (
        "Of deployed failures only. Deceptive model: training ended in one, which is a "
        "catastrophe or not. The interval is under the name."
    )
    return line_figure(
        "failure", title, lines, Look(("mean",), low=0.0, high=1.0, key=_KEY), columns, rows, note
    )


def plot_failure_assumptions(
    assumptions: xr.Dataset,
    *,
    now: float = math.nan,
    of: str = "catastrophe",
    top: int = 12,
    claims: Mapping[str, str] | None = None,
) -> Figure:
    """Draw how a share of failures hangs on each assumption.

    Parameters
    ----------
    assumptions : xarray.Dataset
        The node `failure/assumptions` of `datasets`.
    now : float
        The share as the story is, from `failure/given_failure`.
    of : {"catastrophe", "safe", "deceptive"}
    top : int
        Only so many, the largest difference first.
    claims : mapping of str to str, optional
        By name, what assumptions claim: its start under the name, the whole where one points.

    Returns
    -------
    Figure
    """
    claim_of = claims or {}
    kind = {"catastrophe": "catastrophes", "safe": "no catastrophe", "deceptive": "deceptive"}[of]
    title = f"Share of failures that are {kind}, by assumption"
    columns = ("assumption", "if true", "its interval", "if false", "interval of that")
    if "assumption" not in assumptions.coords:
        return nothing(f"failure-{of}", title, "the story makes no assumption", columns)
    names = assumptions.assumption.values.tolist()
    unknown = [(math.nan,) * 3] * len(names)
    chances = [
        points_along(assumptions[side], "assumption")
        if side in assumptions and "summary" in assumptions[side].dims
        else unknown
        for side in (f"if_{end}_given_failure_{of}" for end in ("true", "false"))
    ]
    entries = list(zip(names, *chances, strict=True))
    gaps = np.array([abs(true[0] - false[0]) for _, true, false in entries])
    order = np.argsort(-np.nan_to_num(gaps, nan=-1.0), kind="stable")[:top]
    lines, rows = [], []
    for k in order.tolist():
        name, true, false = entries[k]
        words = f"{name}: if true {band(*true)}, if false {band(*false)}"
        marks = (Point(false[0], look="low"), Point(true[0], look="high"))
        claim = claim_of.get(name, "")
        lines.append(Line(name, words, marks, (chance(true[0]), chance(false[0])), claim=claim))
        cells = [(chance(p[0]), between(p[1], p[2])) for p in (true, false)]
        rows.append((name, *cells[0], *cells[1]))
    note = (
        "Means, if the assumption is found to be true or false; intervals are in the table. One "
        "assumption at a time."
    )
    reference = f"now {chance(now)}" if math.isfinite(now) else ""
    key = ((Point(0.5, look="high"), "if true"), (Point(0.5, look="low"), "if false"))
    look = Look(
        ("if true", "if false"), base=now if reference else None, said=reference, low=0.0, key=key
    )
    return line_figure(f"failure-{of}", title, lines, look, columns, rows, note)
