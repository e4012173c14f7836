"""ArviZ's plots of chains: whether they agree, and how much their draws are worth."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from storyodds.models.safe_arviz import load_arviz
from storyodds.reports.figures.arviz.draws import (
    COVER,
    DENSITY,
    DIMS,
    EVENTS,
    points,
    quietly,
    varying,
)
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.lines import nothing
from storyodds.reports.figures.drawing.svg import tick_percent
from storyodds.reports.figures.panels import Curve, Panel, panels_figure, reach
from storyodds.reports.figures.saying import chance, tick_bits

ENVELOPE = 0.99  # chance that chains which agree pass for such
MIN_ESS = 400  # as Vehtari et al. 2021 recommend for four chains
MIN_BFMI = 0.3  # below which Stan warns
_SAME = "the chances of success and catastrophe are the same at every draw"
_SMALL = 0.001  # of a p, below which how small does not matter
_DOTTED = "1.5 3"


def arviz_rank(tree: xr.DataTree, numbers: Sequence[str] = ()) -> Figure:
    """Draw ArviZ's `plot_rank` of success, catastrophe and some numbers.

    Parameters
    ----------
    tree : xarray.DataTree
        From `to_datatree`, with several chains.
    numbers : sequence of str

    Returns
    -------
    Figure
        With the chance that chains which agree differ as much, and R-hat.
    """
    az = load_arviz()

    name, title = "arviz-rank", "ArviZ plot_rank: do the chains agree?"
    columns = ("quantity", "p", "R-hat", "largest difference")
    draws = varying(tree, [*EVENTS, *numbers])
    if not draws.data_vars or draws.sizes["chain"] < 2:
        return nothing(name, title, "there are no several chains that vary", columns)
    with quietly():
        plot = az.plot_rank(
            xr.DataTree.from_dict({"posterior": draws}),
            envelope_prob=ENVELOPE,
            method="mtc_c",
            sample_dims=DIMS,
            backend="none",
        )
        ranks = draws.azstats.compute_ranks(dim=DIMS, relative=True)
        chances = ranks.azstats.mchain_uniformity_test(dim=DIMS)[0]
        r_hats = draws.azstats.rhat(sample_dims=DIMS)
    entries, rows = [], []
    for variable in map(str, draws.data_vars):
        lines = [points(plot, "ecdf_lines", variable, chain=c) for c in draws.chain.values]
        odd = points(plot, "suspicious_points", variable)
        largest = max(float(np.abs(y).max()) for _, y in lines)
        p, r_hat = float(chances[variable]), float(r_hats[variable])
        agree = "agree" if p >= 1 - ENVELOPE else "differ"
        words = f"chains {agree}, p {_p(p)}; R-hat {r_hat:.3f}; largest difference {largest:.3f}"
        curves = [*(Curve(*line, "thin") for line in lines), Curve(*odd, "warning", "dots")]
        entries.append((variable, words, curves, largest))
        rows.append((variable, f"{_p(p)}, {agree}", f"{r_hat:.3f}", f"{largest:.3f}"))
    tall = 1.1 * max(largest for *_, largest in entries)
    panels = [
        Panel(variable, words, curves, (0.0, 1.0), (-tall, tall), tick_percent, tick_bits)
        for variable, words, curves, _ in entries
    ]
    note = (
        "plot_rank: a line for each chain. Across: rank of a draw among those of all chains. Up: "
        "how many more of the chain's draws rank below than if chains agreed, as a share. Good: "
        f"lines that stay near 0, and p above {1 - ENVELOPE:.2g}: of chains that agree, 1 test in "
        "100 finds less. Red dots: where chains that do not agree part. The numbers are those "
        "with the largest R-hat."
    )
    return panels_figure(name, title, panels, columns, rows, note)


def least_mixed(tree: xr.DataTree, numbers: Sequence[str], most: int) -> list[str]:
    """Give the numbers whose R-hat is largest, those that vary."""
    draws = varying(tree, numbers)
    r_hats = draws.azstats.rhat(sample_dims=DIMS) if draws.data_vars else {}
    by_name = {str(name): float(r_hats[name]) for name in draws.data_vars}
    return sorted(by_name, key=lambda name: -by_name[name])[:most]


def arviz_ess_evolution(tree: xr.DataTree) -> Figure:
    """Draw ArviZ's `plot_ess_evolution` of success and catastrophe.

    Parameters
    ----------
    tree : xarray.DataTree
        From `to_datatree`, with several chains.

    Returns
    -------
    Figure
    """
    az = load_arviz()

    name, title = "arviz-ess-evolution", "ArviZ plot_ess_evolution: what the draws are worth"
    draws = varying(tree, EVENTS)
    whats = [(str(event), part) for event in draws.data_vars for part in ("bulk", "tail")]
    columns = ("draws", *(f"{event}, {part}" for event, part in whats))
    if not draws.data_vars:
        return nothing(name, title, _SAME)
    with quietly():
        plot = az.plot_ess_evolution(
            xr.DataTree.from_dict({"posterior": draws}),
            sample_dims=DIMS,
            min_ess=MIN_ESS,
            stats={"ess_tail": {"prob": COVER}},
            backend="none",
        )
    curves = {key: points(plot, f"ess_{key[1]}_line", key[0]) for key in whats}
    most = float(draws.sizes["chain"] * draws.sizes["draw"])
    top = 1.05 * max(float(MIN_ESS), *(float(y.max()) for _, y in curves.values()))
    panels = []
    for event in map(str, draws.data_vars):
        bulk, tail = curves[event, "bulk"], curves[event, "tail"]
        x, least = points(plot, "min_ess", event)
        panels.append(
            Panel(
                event,
                f"{bulk[1][-1]:,.0f} in the bulk, {tail[1][-1]:,.0f} in the tails",
                (Curve(*bulk, "after"), Curve(*tail, "prior"), Curve(x, least, "base")),
                (0.0, most),
                (0.0, top),
                _count,
                _count,
                "draws of all chains",
            )
        )
    tables = [dict(zip(x.tolist(), y.tolist(), strict=True)) for x, y in curves.values()]
    rows = [
        (_count(n), *(_count(line[n]) if n in line else "–" for line in tables))
        for n in sorted({n for line in tables for n in line})
    ]
    note = (
        "plot_ess_evolution: how many independent draws (ESS) so many draws of the chains are "
        "worth. Solid: for the mean and the bulk. Dashed: for the tails, so for the ends of "
        f"intervals. Good: straight upward, and at the end above the level line, {MIN_ESS}. More "
        "than there are draws is no mistake: one draw of NUTS can make up for the last."
    )
    return panels_figure(name, title, panels, columns, rows, note)


def arviz_mcse(tree: xr.DataTree) -> Figure:
    """Draw ArviZ's `plot_mcse` of success and catastrophe.

    Parameters
    ----------
    tree : xarray.DataTree
        From `to_datatree`, with several chains.

    Returns
    -------
    Figure
    """
    az = load_arviz()

    name, title = "arviz-mcse", "ArviZ plot_mcse: how exactly quantiles are known"
    draws = varying(tree, EVENTS)
    if not draws.data_vars:
        return nothing(name, title, _SAME)
    with quietly():
        plot = az.plot_mcse(
            xr.DataTree.from_dict({"posterior": draws}),
            sample_dims=DIMS,
            rug=False,
            backend="none",
        )
    lines = {str(event): points(plot, "mcse", str(event)) for event in draws.data_vars}
    panels, cells = [], []
    for event, (x, y) in lines.items():
        worst = int(np.argmax(y))
        words = f"at most {chance(float(y[worst]))}, of the {100 * x[worst]:.3g}% quantile"
        curves = (Curve(x, y, "prior"), Curve(x, y, "dot", "dots"))
        ends = ((0.0, 1.0), (0.0, 1.05 * float(y[worst])))
        panels.append(Panel(event, words, curves, *ends, tick_percent, tick_percent, "quantile"))
        values = np.quantile(draws[event].values, x)
        cells.append(
            [(chance(float(v)), f"± {chance(float(e))}") for v, e in zip(values, y, strict=True)]
        )
    quantiles = next(iter(lines.values()))[0]
    columns = ("quantile", *(head for event in lines for head in (event, "standard error")))
    rows = [
        (f"{100 * x:.3g}%", *(cell for event in cells for cell in event[k]))
        for k, x in enumerate(quantiles)
    ]
    note = (
        "plot_mcse: the Monte Carlo standard error of quantiles, by which they would differ if "
        "other chains were run. Good: small beside the width of the interval whose ends they are, "
        "so beside the way from the 5% to the 95% quantile. Each picture has its own scale."
    )
    return panels_figure(name, title, panels, columns, rows, note)


def arviz_energy(tree: xr.DataTree) -> Figure:
    """Draw ArviZ's `plot_energy` of NUTS.

    Parameters
    ----------
    tree : xarray.DataTree
        From `to_datatree`, with `energy` in `sample_stats`.

    Returns
    -------
    Figure
        With the Bayesian fraction of missing information (BFMI) of each chain.
    """
    az = load_arviz()

    name, title = "arviz-energy", "ArviZ plot_energy: does NUTS reach every level of density?"
    energy = tree["sample_stats"].to_dataset()[["energy"]]
    with quietly():
        plot = az.plot_energy(
            xr.DataTree.from_dict({"sample_stats": energy}), threshold=MIN_BFMI, **DENSITY
        )
    whats = ("marginal", "transition")
    curves = {kind: points(plot, "dist", "Energy", energy=kind) for kind in whats}
    values, _ = points(plot, "bfmi_points", "bfmi")
    across = reach(*(x for x, _ in curves.values()))
    top = 1.05 * max(float(y.max()) for _, y in curves.values())
    rows = [
        (str(chain), f"{value:.2f}, {'good' if value >= MIN_BFMI else 'too low'}")
        for chain, value in zip(energy.chain.values, values, strict=True)
    ]
    words = "BFMI by chain " + ", ".join(f"{value:.2f}" for value in values)
    drawn = [
        Curve(*curves["marginal"], "band", "area"),
        Curve(*curves["marginal"], "after"),
        Curve(*curves["transition"], "thin", dash=_DOTTED),
    ]
    panel = Panel("energy", words, drawn, across, (0.0, top), under="energy, less its mean")
    note = (
        "plot_energy: solid and shaded, the energies of all draws (minus the log density of "
        "numbers and momenta); dotted, their changes from draw to draw. Good: the dotted curve is "
        "about as wide as the solid one, and the BFMI of every chain, which compares the two, "
        f"above {MIN_BFMI}."
    )
    return panels_figure(name, title, [panel], ("chain", "BFMI"), rows, note)


def _p(p: float) -> str:
    return f"{p:.2g}" if p >= _SMALL else f"<{_SMALL:g}"


def _count(x: float) -> str:
    return f"{x:,.0f}"
