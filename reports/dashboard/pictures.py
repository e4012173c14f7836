"""Which pictures a section has, drawn from a dossier."""

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import full_prior
from storyodds.models.assessment.datatree import to_datatree
from storyodds.models.changes.what_if import spread_evenly
from storyodds.models.story.events import FATES, Headline
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.dashboard.page_data import Dossier
from storyodds.reports.figures.densities import plot_prior_posterior
from storyodds.reports.figures.diagnostics import plot_ranks, plot_weights
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.evidence import plot_evidence, plot_evidence_sequence
from storyodds.reports.figures.failure import plot_failure, plot_failure_assumptions
from storyodds.reports.figures.odds import plot_odds, plot_views
from storyodds.reports.figures.quantile_dots import plot_dots
from storyodds.reports.figures.stage_moves import plot_stage_moves
from storyodds.reports.figures.stages import plot_stages
from storyodds.reports.figures.story_graph.plot import plot_story_graph
from storyodds.reports.figures.structure import plot_structure
from storyodds.reports.figures.tornado import plot_assumption_effects, plot_tipping, plot_tornado
from storyodds.reports.figures.value import plot_value
from storyodds.reports.words.labels import claims
from storyodds.reports.words.numbers import percent
from storyodds.reports.words.sentences import has_evidence, headline_fates, is_risk_argument

Figures = tuple[Figure, ...]

_ENDS = ("classes", "fates")
BARS = 8  # of a picture: more are a sheet of paper of their own
MOST_DENSITIES = 4  # pictures: two rows of two on paper
MOST_RANKS = 2  # of numbers, beside the events
MOST_SCALED = 4  # numbers in the pictures of power scaling, a panel each
_DIGITS = 9  # significant ones: later digits depend on how sums were done
_LEAST = 20  # different draws, below which a density would be made up
_DRAWS = 1024  # that a density is drawn from


def events_of(estimate: Estimate) -> tuple[Headline, ...]:
    """Give the fates that pictures are of, the worst first."""
    return tuple(reversed(headline_fates(estimate)))


def steady(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give probabilities without their last digits, which depend on how the sums were done.

    Close to 1, the digits that stay are those of what is missing.

    Examples
    --------
    >>> steady(np.array([0.1 + 0.2, 5.0000000001e-9])).tolist()
    [0.3, 5e-09]
    """
    near = shares > 0.5
    least = np.where(near, 1 - shares, shares)
    with np.errstate(divide="ignore"):
        power = np.floor(np.log10(np.where(least > 0, least, 1.0)))
    unit = 10.0 ** (_DIGITS - 1 - power)
    kept = np.round(least * unit) / unit
    return np.where(near, 1 - kept, kept)


def drawn(dossier: Dossier, section: str) -> Figures:
    """Draw the pictures of a section.

    Parameters
    ----------
    dossier : Dossier
        With what the section is about.
    section : str
        A key of `PICTURES`.

    Returns
    -------
    tuple of Figure
    """
    return PICTURES[section](dossier)


def _odds(dossier: Dossier) -> Figures:
    """Classes and fates, with what they were before the evidence where there is any."""
    assessment, tables = dossier.assessment, (dossier.table(n, "estimate") for n in _ENDS)
    classes, fates = (data for data in tables if data is not None)
    if is_risk_argument(dossier.estimate):
        classes = fates = fates.sel(fate=["catastrophe"])
    if has_evidence(dossier.estimate):
        averaged, _ = full_prior(assessment)
        before = averaged.mean(averaged.fates)
        means = before[[FATES.index(name) for name in fates.fate.values.tolist()]]
        prior = np.where(fates.summary.values == "mean", means[:, None], np.nan)
        fates = fates.assign(prior=(("fate", "summary"), prior)).round(_DIGITS)
    else:
        classes = classes.drop_vars("prior", errors="ignore")
    if is_risk_argument(dossier.estimate):
        return (plot_odds(fates, title="How the story ends"),)
    return (
        plot_odds(classes, title="Where training ends"),
        plot_odds(fates, title="How the story ends"),
    )


def _stages(dossier: Dossier) -> Figures:
    """The routes that training is likeliest to be on after any stage, one a picture."""
    routes = dossier.table("stages/routes", "estimate")
    return () if routes is None else plot_stages(routes.round(_DIGITS), top=BARS)


def _stage_moves(dossier: Dossier, *, narrow: bool = False) -> Figures:
    """What moves between classes from stage to stage, where that was worked out."""
    moves = dossier.table("stages/moves", "estimate")
    classes = dossier.table("stages/classes", "estimate")
    if moves is None or classes is None:
        return ()
    class_of = {name: route["class"] for name, route in dossier.estimate["routes"].items()}
    # Moves are fitted until hardly more than rounding is left: fewer digits are the same always.
    whole, odds = moves.round(_DIGITS), classes.round(_DIGITS)
    return (plot_stage_moves(whole, odds, class_of, narrow=narrow),)


def _narrow_stage_moves(dossier: Dossier) -> Figures:
    """The same for phones."""
    return _stage_moves(dossier, narrow=True)


def _dots(dossier: Dossier) -> Figures:
    exact = dossier.assessment.exact
    fates, weights = steady(exact.fates), xr.DataArray(exact.weights, dims="draw")
    return tuple(
        plot_dots(
            xr.DataArray(fates[:, FATES.index(event)], dims="draw", name=event), weights=weights
        )
        for event in events_of(dossier.estimate)
        if np.ptp(fates[:, FATES.index(event)]) > 0
    )


def _story_graph(dossier: Dossier) -> Figures:
    return (plot_story_graph(dossier.parts["graph"], in_page=True),)


def _narrow_story_graph(dossier: Dossier) -> Figures:
    """The same for phones."""
    return (plot_story_graph(dossier.parts["graph"], narrow=True, in_page=True),)


def _whole_story_graph(dossier: Dossier) -> Figures:
    """The fuller picture, where the first takes routes together."""
    document = dossier.parts["graph"]
    return (plot_story_graph(document, full=True),) if document.crowd else ()


def _tornado(dossier: Dossier) -> Figures:
    numbers, now = dossier.table("local/numbers"), dossier.parts["local"]["now"]
    if numbers is None:
        return ()
    inputs = dossier.table("global/inputs")
    return tuple(
        plot_tornado(numbers, event, now=now[event], inputs=inputs, top=BARS)
        for event in events_of(dossier.estimate)
    )


def _pieces(dossier: Dossier) -> Figures:
    """The story without each part, given each assumption, and where a verdict flips."""
    now = dossier.parts["local"]["now"] if "local" in dossier.parts else None
    figures: list[Figure] = []
    events = events_of(dossier.estimate)
    parts, assumptions = (
        dossier.table(node) for node in ("structure/leave_one_out", "local/assumptions")
    )
    if parts is not None:
        figures.append(plot_structure(parts, events))
    if assumptions is not None and now is not None:
        figures += [plot_assumption_effects(assumptions, e, now=now[e], top=BARS) for e in events]
    nodes = ("local/tipping_points", "local/verdicts", "local/numbers")
    tipping = [table for node in nodes if (table := dossier.table(node)) is not None]
    if len(tipping) == len(nodes):
        figures.append(plot_tipping(*tipping, top=BARS))
    return tuple(figures)


def _failure(dossier: Dossier) -> Figures:
    share = dossier.parts["failure"]["given_failure"]["catastrophe"]
    assumptions = dossier.table("failure/assumptions")
    whole = plot_failure(dossier.table("failure/given_failure"))
    if assumptions is None or share is None:
        return (whole,)
    claim_of = claims(dossier.assessment.prepared.resolved)
    return (
        whole,
        plot_failure_assumptions(assumptions, now=share["mean"], top=BARS, claims=claim_of),
    )


def _evidence(dossier: Dossier) -> Figures:
    effects = dossier.table("trust/evidence_effects")
    if effects is None:
        return ()
    sequence = dossier.table("trust/evidence_sequence")
    events = events_of(dossier.estimate)
    opinions = [item["id"] for item in dossier.estimate["evidence"]["items"] if item["opinion"]]
    return (
        *(() if sequence is None else (plot_evidence_sequence(sequence, events[::-1]),)),
        *(plot_evidence(effects, event, opinions) for event in events),
    )


def _densities(dossier: Dossier) -> Figures:
    """Assumptions that the evidence moved, before and after it, those that moved most first."""
    assessment, entries = dossier.assessment, dossier.estimate["assumptions"]
    if not has_evidence(dossier.estimate):
        return ()
    # Without the last digits, which depend on how the sums were done, and make other pictures.
    before = steady(assessment.prior.assumptions[:_DRAWS])
    even = spread_evenly(assessment.exact, _DRAWS, assessment.seed)
    after = steady(assessment.exact.assumptions[even])
    graph = assessment.prepared.graph
    before, after = before[:, graph.assumptions], after[:, graph.assumptions]
    names = [graph.variables[v].name for v in graph.assumptions]
    # Of the estimate, whose means are more exact than those of these draws.
    means = [(entries[name]["prior"]["mean"], entries[name]["mean"]) for name in names]
    moved = np.array(
        [abs(new - old) if percent(old) != percent(new) else 0.0 for old, new in means]
    )
    return tuple(
        plot_prior_posterior(
            xr.DataArray(before[:, v], dims="draw"),
            xr.DataArray(after[:, v], dims="draw", name=names[v]),
            summaries=(entries[names[v]]["prior"], entries[names[v]]),
        )
        for v in np.argsort(-moved, kind="stable")[:MOST_DENSITIES].tolist()
        if moved[v] > 0 and len(np.unique(after[:, v])) >= _LEAST
    )


def _value(dossier: Dossier) -> Figures:
    proposals = dossier.table("proposals", "value")
    return () if proposals is None else (plot_value(proposals, of=events_of(dossier.estimate)[-1]),)


def _views(dossier: Dossier) -> Figures:
    table = dossier.table("views")
    return () if table is None else (plot_views(table, headline_fates(dossier.estimate)),)


def _diagnostics(dossier: Dossier) -> Figures:
    """What ArviZ draws too, on a thorough page; there, its ranks take the place of ours."""
    draws, diagnostics = dossier.assessment.draws, dossier.estimate["diagnostics"]
    averaged = dossier.assessment.averaged
    if _of_chains(dossier):
        if dossier.thorough:
            return arviz_figures(dossier)
        chains = steady(averaged.fates).reshape(draws.chains, -1, len(FATES))
        return tuple(
            plot_ranks(
                xr.DataArray(chains[:, :, FATES.index(event)], dims=("chain", "draw")), name=event
            )
            for event in events_of(dossier.estimate)
        )
    if diagnostics["means"] == "exact" or draws.method == "simulation":  # no draw weighs more
        return arviz_figures(dossier) if dossier.thorough else ()
    shape = diagnostics["pareto_k"]
    return (
        plot_weights(
            xr.DataArray(averaged.weights.round(_DIGITS + 6), dims="draw"),
            ess=float(diagnostics["ess"] or diagnostics["draws"]),
            pareto_k=np.nan if shape is None else shape,
        ),
        *(arviz_figures(dossier) if dossier.thorough else ()),
    )


def _of_chains(dossier: Dossier) -> bool:
    """Whether the draws are those of chains from one start to one end, not of several runs."""
    draws = dossier.assessment.draws
    return draws.chains > 1 and float(np.ptp(draws.weights)) == 0


def arviz_figures(dossier: Dossier) -> Figures:
    """Draw ArviZ's plots, those that mean something for how the draws were made.

    None where there is nothing uncertain, or states are simulated. What tells of chains is for
    chains only: weighted draws are independent, and ArviZ would take those that were drawn once
    and count twice for two.
    """
    assessment = dossier.assessment
    draws, prepared = assessment.draws, assessment.prepared
    if draws.method not in ("weighting", "nuts"):
        return ()
    from storyodds.reports.figures.arviz import chains, priors

    tree, numbers = to_datatree(assessment, {}), prepared.resolved.numbers
    active = {numbers[i].name: numbers[i].kind for i in prepared.active}
    scaled = priors.arviz_power_scaling(tree, _hanging(dossier, list(active)))
    if not _of_chains(dossier):
        if not active or not has_evidence(dossier.estimate):
            return scaled
        return (priors.arviz_prior_posterior(tree, active), *scaled)
    return (
        chains.arviz_rank(tree, chains.least_mixed(tree, list(active), MOST_RANKS)),
        chains.arviz_ess_evolution(tree),
        chains.arviz_mcse(tree),
        chains.arviz_energy(tree),
        *scaled,
    )


def _hanging(dossier: Dossier, active: Sequence[str]) -> dict[str, str]:
    """By name, the kind of each number that the answer hangs on most, and evidence bears on most.

    The first number moves success or catastrophe most; and so does the second, of those that the
    evidence bears on; and so on.
    """
    numbers = dossier.parts.get("local", {}).get("numbers", ())
    ranked = sorted(numbers, key=lambda n: -max(abs(x) for x in n["swing"].values()))
    kinds = {number["name"]: number["kind"] for number in ranked}
    borne = [name for name in kinds if name in active]
    mixed = [name for pair in zip_longest(kinds, borne) for name in pair if name is not None]
    return {name: kinds[name] for name in list(dict.fromkeys(mixed))[:MOST_SCALED]}


PICTURES: Mapping[str, Callable[[Dossier], Figures]] = {
    "odds": _odds,
    "stages": _stages,
    "stage_moves": _stage_moves,
    "narrow_stage_moves": _narrow_stage_moves,
    "dots": _dots,
    "story_graph": _story_graph,
    "narrow_story_graph": _narrow_story_graph,
    "whole_story_graph": _whole_story_graph,
    "tornado": _tornado,
    "pieces": _pieces,
    "failure": _failure,
    "evidence": _evidence,
    "densities": _densities,
    "value": _value,
    "views": _views,
    "diagnostics": _diagnostics,
}
