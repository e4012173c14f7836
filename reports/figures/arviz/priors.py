"""ArviZ's plots of priors and posteriors: what reweighting the draws does to them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from storyodds.models.posterior.weighting import MAX_PARETO_K, pareto_k
from storyodds.models.safe_arviz import load_arviz
from storyodds.reports.figures.arviz.draws import (
    COVER,
    DENSITY,
    DIMS,
    EVENTS,
    Array,
    Kinds,
    points,
    quietly,
    say,
    seen,
    tick_of,
    varying,
)
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.lines import nothing
from storyodds.reports.figures.panels import Curve, Lane, Panel, panels_figure

ALPHAS = (0.8, 1.25)
_LOOKS = {0.8: ("prior", None), 1.0: ("after", None), 1.25: ("thin", "1.5 3")}
_HEADS = ("× 0.8", "as it is", "× 1.25")
_COLUMNS = ("quantity", *_HEADS)
_GROUPS = ("log_prior", "log_likelihood")
_STILL = 1e-9  # a spread that is rounding
_TITLE = {
    "prior": "ArviZ plot_psense_dist: if priors counted less or more",
    "likelihood": "ArviZ plot_psense_dist: if the evidence counted less or more",
}
_NOTE = {
    "prior": "plot_psense_dist: posteriors if the priors of the numbers shown, as densities of "
    "these numbers, counted 0.8 times (dashed), once (solid) or 1.25 times (dotted); below, means "
    "and 90% intervals. Curves that lie on each other: little hangs on it. Draws are reweighted "
    f"for this: to be relied on where the Pareto k of their weights is below {MAX_PARETO_K}.",
    "likelihood": "The second plot_psense_dist: the same if all that the evidence says of numbers "
    "counted less or more. A number whose curves part in both is held by its prior and by the "
    "evidence, which may disagree. Success and catastrophe are in the first only: ArviZ "
    "reweights draws, in each of which their chance holds given the evidence as it is.",
}


def arviz_power_scaling(tree: xr.DataTree, kinds: Kinds) -> tuple[Figure, ...]:
    """Draw ArviZ's `plot_psense_dist`: posteriors if priors or evidence counted less or more.

    Parameters
    ----------
    tree : xarray.DataTree
        From `to_datatree`, of a story whose states are summed exactly.
    kinds : mapping of str to str
        By name, the kind of each number whose prior is scaled; those without a density are not.

    Returns
    -------
    tuple of Figure
        For priors, and for the evidence where there is any. Success and catastrophe are in the
        first only: their chance at every draw holds given the evidence as it is.
    """
    az = load_arviz()

    groups = {name: tree[name].to_dataset() for name in _GROUPS if name in tree.children}
    priors = [name for name in kinds if name in groups.get("log_prior", ())]
    draws = varying(tree, [*EVENTS, *priors])
    if not priors or not draws.data_vars:
        return (nothing("arviz-psense-prior", _TITLE["prior"], "no number here has a density"),)
    totals = {"prior": _total(groups["log_prior"][priors])}
    evidence = _total(groups.get("log_likelihood", xr.Dataset()))
    if float(np.ptp(evidence)) > _STILL:
        totals["likelihood"] = evidence
    else:  # ArviZ asks for one; what it makes of it is not shown
        groups["log_likelihood"] = groups["log_prior"]
    with quietly():
        plot = az.plot_psense_dist(
            xr.DataTree.from_dict({"posterior": draws, **groups}),
            prior_var_names=priors,
            alphas=ALPHAS,
            point_estimate="mean",
            ci_kind="eti",
            ci_prob=COVER,
            **DENSITY,
        )
    names = {"prior": list(map(str, draws.data_vars)), "likelihood": priors}
    return tuple(
        _scaled(plot, part, [n for n in names[part] if n in draws], total, kinds)
        for part, total in totals.items()
    )


def _scaled(plot: Any, part: str, names: Sequence[str], total: Array, kinds: Kinds) -> Figure:
    """The posteriors if one part counted less, as it does, or more."""
    panels, rows = [], []
    for name in names:
        curves, lanes, cells = [], [], []
        for alpha, (look, dash) in _LOOKS.items():
            labels = {"component_group": part, "alpha": alpha}
            curves.append(Curve(*points(plot, "dist", name, **labels), look, dash=dash))
            [mean], _ = points(plot, "point_estimate", name, **labels)
            (low, high), _ = points(plot, "credible_interval", name, **labels)
            lanes.append(Lane(float(mean), float(low), float(high), look, dash))
            cells.append(_range(float(mean), float(low), float(high), name, kinds))
        pairs = zip(cells, _HEADS, strict=True)
        words = "; ".join(f"{cell} {head}" for cell, head in pairs)
        bounds = [end for lane in lanes for end in (lane.low, lane.high)]
        ends = seen([(curve.x, curve.y) for curve in curves], *bounds)
        panels.append(Panel(name, words, curves, *ends, tick_of(name, kinds), lanes=lanes))
        rows.append((name, *cells))
    shapes = [pareto_k((alpha - 1) * total) for alpha in ALPHAS]
    low, high = ("no tail" if k is None else f"{k:.2f}".replace("-", "−") for k in shapes)
    rows.append(("Pareto k of the weights", low, "–", high))
    doubtful = any(k is not None and k > MAX_PARETO_K for k in shapes)
    note = _NOTE[part] + (" NOT RELIABLE here: a Pareto k is above." if doubtful else "")
    return panels_figure(f"arviz-psense-{part}", _TITLE[part], panels, _COLUMNS, rows, note)


def arviz_prior_posterior(tree: xr.DataTree, kinds: Kinds, top: int = 4) -> Figure:
    """Draw ArviZ's `plot_prior_posterior`: where draws were made, and where the evidence has them.

    Parameters
    ----------
    tree : xarray.DataTree
        From `to_datatree`, of weighted draws.
    kinds : mapping of str to str
        By name, the kind of each number that the weights hang on.
    top : int
        Only so many, those that moved most.

    Returns
    -------
    Figure
    """
    az = load_arviz()

    name = "arviz-prior-posterior"
    title = "ArviZ plot_prior_posterior: draws before and after weighting"
    columns = ("number", "drawn", "weighted", "moved by")
    drawn, weighted = (varying(tree, list(kinds), group) for group in ("prior", "posterior"))
    variables = [str(n) for n in drawn.data_vars if n in weighted]
    moved = {n: float((weighted[n].mean() - drawn[n].mean()) / drawn[n].std()) for n in variables}
    names = sorted(variables, key=lambda n: -abs(moved[n]))[:top]
    if not names:
        return nothing(name, title, "the evidence bears on no number", columns)
    groups = {"prior": drawn[names], "posterior": weighted[names]}
    with quietly():
        plot = az.plot_prior_posterior(xr.DataTree.from_dict(groups), **DENSITY)
    panels, rows = [], []
    for variable in names:
        curves = [
            Curve(*points(plot, "dist", variable, group=group), look)
            for group, look in (("prior", "prior"), ("posterior", "after"))
        ]
        summaries = [_summary(draws[variable].values, variable, kinds) for draws in groups.values()]
        off = f"{moved[variable]:+.1f} sd".replace("-", "−")
        panels.append(
            Panel(
                variable,
                f"drawn {summaries[0]}, weighted {summaries[1]}, moved by {off}",
                curves,
                *seen([(curve.x, curve.y) for curve in curves]),
                tick_of(variable, kinds),
            )
        )
        rows.append((variable, *summaries, off))
    note = (
        "plot_prior_posterior: numbers are drawn from their priors (dashed), and weighted by the "
        "evidence (solid); the numbers that moved most, in standard deviations of the draws. "
        "Good: the solid curve is within the dashed one. Where it stands in a tail of it, few "
        "draws carry the answer."
    )
    return panels_figure(name, title, panels, columns, rows, note)


def _total(logs: xr.Dataset) -> Array:
    """The sum of logarithms, at every draw."""
    columns = [
        np.asarray(column.transpose(*DIMS).values, float).ravel()
        for column in logs.data_vars.values()
    ]
    return np.sum(columns, axis=0) if columns else np.zeros(1)


def _summary(values: Array, name: str, kinds: Kinds) -> str:
    low, high = np.quantile(values, [(1 - COVER) / 2, (1 + COVER) / 2])
    return _range(float(values.mean()), float(low), float(high), name, kinds)


def _range(mean: float, low: float, high: float, name: str, kinds: Kinds) -> str:
    middle, start, end = (say(x, name, kinds) for x in (mean, low, high))
    return f"{middle} ({start} to {end})"
