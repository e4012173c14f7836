"""Which pictures a section has, drawn from a dossier."""

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest

import numpy as np
import xarray as xr

from storyodds.models.assessment import full_prior
from storyodds.models.datatree import to_datatree
from storyodds.models.events import FATES
from storyodds.models.flows import merged
from storyodds.models.what_if import spread_evenly
from storyodds.reports.dashboard.dossier import Dossier
from storyodds.reports.dashboard.number_labels import claims
from storyodds.reports.figures.densities import plot_prior_posterior
from storyodds.reports.figures.diagnostics import plot_ranks, plot_weights
from storyodds.reports.figures.dots import plot_dots
from storyodds.reports.figures.evidence import plot_evidence, plot_evidence_sequence
from storyodds.reports.figures.failure import plot_failure, plot_failure_assumptions
from storyodds.reports.figures.figure import Figure
from storyodds.reports.figures.flow import plot_flow
from storyodds.reports.figures.odds import plot_odds, plot_views
from storyodds.reports.figures.structure import plot_structure
from storyodds.reports.figures.tornado import plot_assumption_effects, plot_tipping, plot_tornado
from storyodds.reports.figures.value import plot_value
from storyodds.reports.frame import has_evidence

Figures = tuple[Figure, ...]

EVENTS = ("catastrophe", "success")
_ENDS = ("classes", "fates")
BARS = 8  # of a tornado
MOST_DENSITIES = 4
MOST_RANKS = 2  # of numbers, beside the events
MOST_SCALED = 4
_DIGITS = 9
_LEAST = 20  # different draws, below which a density would be made up
_DRAWS = 1024  # that a density is drawn from


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
    assessment, told = dossier.assessment, (dossier.table(n, "estimate") for n in _ENDS)
    classes, fates = (found for found in told if found is not None)
    if has_evidence(dossier.estimate):
        averaged, _ = full_prior(assessment)
        before = averaged.mean(averaged.fates)
        means = before[[FATES.index(name) for name in fates.fate.values.tolist()]]
        known = np.where(fates.summary.values == "mean", means[:, None], np.nan)
        fates = fates.assign(prior=(("fate", "summary"), known)).round(_DIGITS)
    else:
        classes = classes.drop_vars("prior", errors="ignore")
    return (
        plot_odds(classes, title="Where training ends"),
        plot_odds(fates, title="How the story ends"),
    )


def _dots(dossier: Dossier) -> Figures:
    exact = dossier.assessment.exact
    fates, weights = exact.fates.round(_DIGITS), xr.DataArray(exact.weights, dims="draw")
    return tuple(
        plot_dots(
            xr.DataArray(fates[:, FATES.index(event)], dims="draw", name=event), weights=weights
        )
        for event in EVENTS
    )


def _flow(dossier: Dossier) -> Figures:
    resolved = dossier.assessment.prepared.resolved
    return (plot_flow(dossier.parts["flows"], claims=claims(resolved)),)


def _whole_flow(dossier: Dossier) -> Figures:
    """The fuller picture, where the first leaves something out."""
    found = dossier.parts["flows"]
    if len(merged(found).steps) == len(found.steps):
        return ()
    return (plot_flow(found, full=True, claims=claims(dossier.assessment.prepared.resolved)),)


def _tornado(dossier: Dossier) -> Figures:
    numbers, now = dossier.table("local/numbers"), dossier.parts["local"]["now"]
    if numbers is None:
        return ()
    inputs = dossier.table("global/inputs")
    return tuple(
        plot_tornado(numbers, event, now=now[event], inputs=inputs, top=BARS) for event in EVENTS
    )


def _pieces(dossier: Dossier) -> Figures:
    """The story without each part, given each assumption, and where a verdict flips."""
    now = dossier.parts["local"]["now"] if "local" in dossier.parts else None
    figures: list[Figure] = []
    parts, assumptions = (
        dossier.table(node) for node in ("structure/leave_one_out", "local/assumptions")
    )
    if parts is not None:
        figures.append(plot_structure(parts, EVENTS))
    if assumptions is not None and now is not None:
        figures += [plot_assumption_effects(assumptions, e, now=now[e], top=BARS) for e in EVENTS]
    nodes = ("local/tipping_points", "local/verdicts", "local/numbers")
    tipping = [found for node in nodes if (found := dossier.table(node)) is not None]
    if len(tipping) == len(nodes):
        figures.append(plot_tipping(*tipping, top=BARS))
    return tuple(figures)


def _failure(dossier: Dossier) -> Figures:
    given = dossier.parts["failure"]["given_failure"]["catastrophe"]
    assumptions = dossier.table("failure/assumptions")
    whole = plot_failure(dossier.table("failure/given_failure"))
    if assumptions is None or given is None:
        return (whole,)
    told = claims(dossier.assessment.prepared.resolved)
    return (whole, plot_failure_assumptions(assumptions, now=given["mean"], claims=told))


def _evidence(dossier: Dossier) -> Figures:
    effects = dossier.table("trust/evidence_effects")
    if effects is None:
        return ()
    sequence = dossier.table("trust/evidence_sequence")
    return (
        *(() if sequence is None else (plot_evidence_sequence(sequence),)),
        *(plot_evidence(effects, event) for event in EVENTS),
    )


def _densities(dossier: Dossier) -> Figures:
    """Assumptions before and after the evidence, those that moved most first."""
    assessment = dossier.assessment
    # Without the last digits, which depend on how the sums were done, and make other pictures.
    before = assessment.prior.assumptions[:_DRAWS].round(_DIGITS)
    even = spread_evenly(assessment.exact, _DRAWS, assessment.seed)
    after = assessment.exact.assumptions[even].round(_DIGITS)
    moved = np.abs(after.mean(axis=0) - before.mean(axis=0))
    names = [variable.name for variable in assessment.prepared.graph.variables]
    return tuple(
        plot_prior_posterior(
            xr.DataArray(before[:, v], dims="draw"),
            xr.DataArray(after[:, v], dims="draw", name=names[v]),
        )
        for v in np.argsort(-moved, kind="stable")[:MOST_DENSITIES].tolist()
        if len(np.unique(after[:, v])) >= _LEAST
    )


def _value(dossier: Dossier) -> Figures:
    proposals = dossier.table("proposals", "value")
    return () if proposals is None else (plot_value(proposals),)


def _views(dossier: Dossier) -> Figures:
    found = dossier.table("views")
    return () if found is None else (plot_views(found),)


def _diagnostics(dossier: Dossier) -> Figures:
    """What ArviZ draws too, on a thorough page; there, its ranks take the place of ours."""
    draws, found = dossier.assessment.draws, dossier.estimate["diagnostics"]
    averaged = dossier.assessment.averaged
    if _of_chains(dossier):
        if dossier.thorough:
            return arviz_figures(dossier)
        chains = averaged.fates.round(_DIGITS).reshape(draws.chains, -1, len(FATES))
        return tuple(
            plot_ranks(
                xr.DataArray(chains[:, :, FATES.index(event)], dims=("chain", "draw")), name=event
            )
            for event in EVENTS
        )
    if found["means"] == "exact" or draws.method == "simulation":  # no draw weighs more
        return arviz_figures(dossier) if dossier.thorough else ()
    shape = found["pareto_k"]
    return (
        plot_weights(
            xr.DataArray(averaged.weights.round(_DIGITS + 6), dims="draw"),
            ess=found["ess"],
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
    from storyodds.reports.figures import arviz_chains, arviz_priors

    tree, numbers = to_datatree(assessment, {}), prepared.resolved.numbers
    active = {numbers[i].name: numbers[i].kind for i in prepared.active}
    scaled = arviz_priors.arviz_power_scaling(tree, _hanging(dossier, list(active)))
    if not _of_chains(dossier):
        if not active or not has_evidence(dossier.estimate):
            return scaled
        return (arviz_priors.arviz_prior_posterior(tree, active), *scaled)
    return (
        arviz_chains.arviz_rank(tree, arviz_chains.least_mixed(tree, list(active), MOST_RANKS)),
        arviz_chains.arviz_ess_evolution(tree),
        arviz_chains.arviz_mcse(tree),
        arviz_chains.arviz_energy(tree),
        *scaled,
    )


def _hanging(dossier: Dossier, active: Sequence[str]) -> dict[str, str]:
    """By name, the kind of each number that the answer hangs on most, and evidence bears on most.

    The first number moves success or catastrophe most; and so does the second, of those that the
    evidence bears on; and so on.
    """
    numbers = dossier.parts.get("local", {}).get("numbers", ())
    ranked = sorted(numbers, key=lambda n: -max(abs(n["swing"][event]) for event in EVENTS))
    kinds = {number["name"]: number["kind"] for number in ranked}
    borne = [name for name in kinds if name in active]
    mixed = [name for pair in zip_longest(kinds, borne) for name in pair if name is not None]
    return {name: kinds[name] for name in list(dict.fromkeys(mixed))[:MOST_SCALED]}


PICTURES: Mapping[str, Callable[[Dossier], Figures]] = {
    "odds": _odds,
    "dots": _dots,
    "flow": _flow,
    "whole_flow": _whole_flow,
    "tornado": _tornado,
    "pieces": _pieces,
    "failure": _failure,
    "evidence": _evidence,
    "densities": _densities,
    "value": _value,
    "views": _views,
    "diagnostics": _diagnostics,
}
