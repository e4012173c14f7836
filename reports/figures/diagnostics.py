"""Whether the draws can be relied on: where their weight sits, and whether chains agree."""

import math
from collections.abc import Callable

import numpy as np
import xarray as xr
from markupsafe import Markup
from numpy.typing import NDArray

from storyodds.reports.figures.drawing.cells import Cell
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.keys import bar_sample, draw_key, path_sample
from storyodds.reports.figures.drawing.lines import nothing
from storyodds.reports.figures.drawing.svg import (
    Scale,
    drawing,
    element,
    grid,
    mark,
    path,
    tick_percent,
)
from storyodds.reports.figures.drawing.svg import ticks as round_ticks

Array = NDArray[np.float64]

GOOD_K = 0.7  # a Pareto k above this is not to be relied on

_WIDTH, _LEFT, _TOP, _BOTTOM, _SIDE = 340, 52, 10, 180, 20
_POINTS = 200  # of a curve, less than two pixels apart
_SIMULATED = 500  # sets of chains that a band is made of
_COVER = 0.94  # chance that all of a chain stays within the band: as ArviZ's intervals have


def plot_weights(
    weights: xr.DataArray, *, ess: float = math.nan, pareto_k: float = math.nan
) -> Figure:
    """Draw which share of the draws carries which share of the weight.

    Parameters
    ----------
    weights : xarray.DataArray
        Of the draws, not negative; they need not sum to 1.
    ess : float
        What the draws are worth; worked out from the weights unless stated.
    pareto_k : float

    Returns
    -------
    Figure

    Examples
    --------
    >>> plot_weights(xr.DataArray([1.0, 1.0, 1.0, 1.0], dims="draw")).rows[0]
    ('draws', '4')
    """
    title, columns = "Where the weight of the draws sits", ("measure", "value")
    shares = np.sort(np.asarray(weights.values, dtype=float).ravel())[::-1]
    if not len(shares) or not np.isfinite(shares).all() or shares.sum() <= 0:
        return nothing("weights", title, "there are no weights", columns)
    count = len(shares)
    carried = np.concatenate([[0.0], np.cumsum(shares) / shares.sum()])
    half = int(np.searchsorted(carried, 0.5))
    worth = ess if math.isfinite(ess) else float(shares.sum() ** 2 / (shares**2).sum())
    fit = "" if not math.isfinite(pareto_k) else _fit(pareto_k)
    words = (
        f"Half of the weight is on {100 * half / count:.0f}% of the {count:,} draws; they are "
        f"worth {worth:,.0f} independent ones" + (f"; Pareto k {fit}" if fit else "")
    )
    across, up = Scale(0.0, 1.0, _LEFT, _WIDTH - _SIDE), Scale(0.0, 1.0, _BOTTOM, _TOP)
    indices = np.unique(np.linspace(0, count, min(_POINTS, count) + 1).astype(int))
    curve = [(across(k / count), up(float(carried[k]))) for k in indices.tolist()]
    even = path([(across(0.0), up(0.0)), (across(1.0), up(1.0))], class_="base")
    key, height = draw_key(
        [(path_sample("after"), "these draws"), (path_sample("base"), "if all weighed the same")],
        _BOTTOM + 40,
        _WIDTH,
    )
    children = [
        *key,
        grid(across, _TOP, _BOTTOM),
        *_side(up, tick_percent),
        even,
        mark(words, path(curve, class_="after")),
        element(
            "text",
            "share of the draws, the heaviest first",
            x=(_LEFT + _WIDTH - _SIDE) / 2,
            y=_BOTTOM + 34,
            class_="tick",
            text_anchor="middle",
        ),
    ]
    rows = [
        ("draws", Cell(f"{count:,}", {"": count})),
        ("worth", Cell(f"{worth:,.0f}", {"": worth})),
    ]
    rows += [("Pareto k", Cell(fit, {"": pareto_k}))] if fit else []
    return Figure(
        "weights",
        title,
        words,
        drawing(_WIDTH, height + 4, title, words, *children),
        columns,
        tuple(rows),
        "Up: share of the weight that draws up to there carry.",
    )


def _fit(k: float) -> str:
    return f"{k:.2f}, ".replace("-", "−") + ("good" if k < GOOD_K else "not to be relied on")


def plot_ranks(draws: xr.DataArray, *, name: str = "") -> Figure:
    """Draw how the ranks of each chain's draws differ from uniform.

    Parameters
    ----------
    draws : (chain, draw) DataArray
        Of one quantity, from several chains.
    name : str
        Of the quantity; that of the draws unless stated.

    Returns
    -------
    Figure
        Lines are the cumulative share of a chain's ranks less what it would be if chains agreed;
        the band holds all of a chain's line with probability 0.94, by simulation with a fixed
        seed.
    """
    name = name or str(draws.name or "draws")
    title = f"Do the chains agree: {name}"
    columns = ("chain", "largest difference", "within the band")
    if set(draws.dims) != {"chain", "draw"} or draws.sizes["chain"] < 2:
        return nothing(f"ranks-{name}", title, "there are no several chains", columns)
    values = draws.transpose("chain", "draw").values
    chains, length = values.shape
    if length < 2 or not np.isfinite(values).all() or np.ptp(values) == 0:
        return nothing(f"ranks-{name}", title, "the draws do not vary", columns)
    places = np.linspace(0, 1, _POINTS // 4 + 1)[1:-1]
    gaps = _gaps(values, places)
    rng = np.random.default_rng(1)
    # Chains that agree are pieces of one random order.
    simulations = np.array(
        [
            _gaps(rng.permutation(chains * length).reshape(chains, length).astype(float), places)[0]
            for _ in range(_SIMULATED)
        ]
    )
    spread = np.maximum(simulations.std(axis=0), 1e-12)
    wide = float(np.quantile(np.abs(simulations / spread).max(axis=1), _COVER)) * spread
    reach = float(max(wide.max(), np.abs(gaps).max())) * 1.1
    across, up = Scale(0.0, 1.0, _LEFT, _WIDTH - _SIDE), Scale(-reach, reach, _BOTTOM, _TOP)
    xs = [across(float(x)) for x in places]
    edge = [(x, up(float(w))) for x, w in zip(xs, wide, strict=True)]
    edge += [(x, up(-float(w))) for x, w in reversed(list(zip(xs, wide, strict=True)))]
    lines: list[Markup] = []
    rows, sentences = [], []
    for c, gap in enumerate(gaps):
        inside = bool((np.abs(gap) <= wide).all())
        furthest = float(np.abs(gap).max())
        largest = Cell(f"{furthest:.3f}", {"": furthest})
        rows.append((str(draws.chain.values[c]), largest, "yes" if inside else "no"))
        sentences.append(
            f"chain {rows[-1][0]}: {largest}, {'within' if inside else 'outside'} the band"
        )
        line = [(x, up(float(g))) for x, g in zip(xs, gap, strict=True)]
        lines.append(mark(sentences[-1], path(line, class_="thin" if inside else "off-line")))
    words = f"{title}. " + "; ".join(sentences)
    key, height = draw_key(
        [
            (path_sample("thin"), "a chain"),
            (path_sample("off-line"), "one that leaves the band"),
            (bar_sample("band"), "where chains that agree stay"),
        ],
        _BOTTOM + 24,
        _WIDTH,
    )
    children = [
        path(edge, closed=True, class_="band"),
        grid(across, _TOP, _BOTTOM),
        *_side(up, lambda x: f"{x:.2g}".replace("-", "−")),
        element("line", x1=_LEFT, x2=_WIDTH - _SIDE, y1=up(0.0), y2=up(0.0), class_="base"),
        *lines,
    ]
    return Figure(
        f"ranks-{name}",
        title,
        words,
        drawing(_WIDTH, height + 4, title, words, *children, *key),
        columns,
        tuple(rows),
        "Across: rank of a draw among those of all chains. Up: how many more of a chain's draws "
        "rank below than if chains agreed, as a share. A chain that agrees stays within the band "
        "with a probability of 94%; a dashed line leaves it.",
    )


def _gaps(values: Array, places: Array) -> Array:
    """Cumulative share of each chain's ranks, less the share of all."""
    flat = values.ravel()
    ranks = np.empty(len(flat))
    ranks[np.argsort(flat, kind="stable")] = (np.arange(len(flat)) + 0.5) / len(flat)
    chains = np.sort(ranks.reshape(values.shape), axis=1)
    shares = np.array([np.searchsorted(chain, places, side="right") for chain in chains])
    gaps: Array = shares / values.shape[1] - places
    return gaps


def _side(up: Scale, tick: Callable[[float], str]) -> list[Markup]:
    """Labels of the vertical scale."""
    return [
        element("text", tick(t), x=_LEFT - 8, y=up(t) + 4, class_="tick", text_anchor="end")
        for t in round_ticks(up.low, up.high, 4)
    ]
