"""What the answers rest on: the derivative of a posterior mean in every number of the story.

If the whole prior of a number moved by a little, on the scale of log2 odds for a probability and
of bits for bits, the posterior mean of an ending would move by so much times as far. With
P(ending, E | θ) and P(E | θ) exact, the posterior mean M = E[P(ending, E | θ)] / E[P(E | θ)] has

    dM/dδ = E_post[ P(ending | E, θ) ∂ log P(ending, E | θ)/∂z ] - M E_post[ ∂ log P(E | θ)/∂z ],

so that a fixed number counts as much as an uncertain one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models import engine
from storyodds.models.assessment import Assessment
from storyodds.models.engine import Evaluation
from storyodds.models.events import FATES
from storyodds.models.evidence import (
    collapsed,
    columns,
    event_likelihoods,
    forecast_slope_at,
)
from storyodds.models.graph import EvidenceItem, Outcome, StoryGraph
from storyodds.models.posterior import PreparedStory
from storyodds.models.program import Program
from storyodds.models.quantities import derive
from storyodds.models.queries import EVERYTHING, Query
from storyodds.models.strategy import compiled as compile_queries
from storyodds.priors.distributions import LN2, Distribution, Point, bits_like, rate_like
from storyodds.scenarios.schema import CLASSES, INTENDED

Array = NDArray[np.float64]

EVENTS = ("success", "catastrophe")


@dataclass(frozen=True)
class Slopes:
    """Derivatives of posterior means in every number.

    Attributes
    ----------
    per_bit : (n_events, n_numbers) array
        In probability per bit: of log2 odds where the number is a probability.
    elasticity : (n_events, n_numbers) array
        Percent by which the mean would move if the probability moved by one percent of itself.
        NaN for bits; for what is 0 or 1, or belongs to one evidence item alone and is uncertain;
        and where the mean is 0.
    at_draws : (n_draws, n_events, n_numbers) array
        In probability per bit, of P(event | E, numbers) at every draw by itself. The mean of it is
        not `per_bit`, which also has the draws' weights move.
    """

    per_bit: Array
    elasticity: Array
    at_draws: Array


def mean_derivatives(assessment: Assessment, of: Sequence[str] = EVENTS) -> Mapping[str, Array]:
    """Derivatives of the posterior means of events in every number.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly, not simulated.
    of : sequence of str
        Classes and fates.

    Returns
    -------
    mapping of str to (n_numbers,) array
        For each event, in probability per bit: of log2 odds where the number is a probability.
        Averaged over the posterior draws at which weakest links are worked out.

    Raises
    ------
    UnsupportedStoryError
        If the story was simulated, or needs more memory for this than for its odds.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessed = assess(resolve(load_story("carlsmith-six-premises")))
    >>> slopes = mean_derivatives(assessed)["catastrophe"]
    >>> index = assessed.prepared.resolved.number_index["aps-feasible.probability"]
    >>> round(float(slopes[index]), 4)  # 0.0514 * (1 - 0.65) * ln 2
    0.0125
    """
    return dict(zip(of, mean_slopes(assessment, of).per_bit, strict=True))


def mean_slopes(
    assessment: Assessment, of: Sequence[str] = EVENTS, rows: NDArray[np.intp] | None = None
) -> Slopes:
    """Derivatives and elasticities of the posterior means of events in every number.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly, not simulated.
    of : sequence of str
        Classes and fates.
    rows : (n,) int, optional
        Posterior draws that all count the same; by default those of the weakest links.

    Returns
    -------
    Slopes

    Raises
    ------
    UnsupportedStoryError
        As `mean_derivatives`.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessed = assess(resolve(load_story("carlsmith-six-premises")))
    >>> of_catastrophe = mean_slopes(assessed, ["catastrophe"]).elasticity[0]
    >>> index = assessed.prepared.resolved.number_index["aps-feasible.probability"]
    >>> round(float(of_catastrophe[index]), 4)  # a product goes up with each of its factors
    1.0
    """
    prepared = assessment.prepared
    rows = assessment.link_rows if rows is None else rows
    graph, values = prepared.graph, assessment.draws.values[rows]
    outcomes = [Query((o,)) for o in range(len(graph.outcomes))]
    compiled = compile_queries(prepared.compiler, [EVERYTHING, *outcomes])
    mixed, through_fates = mixtures(graph, values, of)
    seeds = np.zeros((len(values), 1 + len(of), len(compiled.queries)))
    seeds[:, 0, compiled.column[EVERYTHING]] = 1.0
    for o, query in enumerate(outcomes):
        seeds[:, 1:, compiled.column[query]] += mixed[:, :, o]
    found = engine.evaluate(compiled, values, prepared.likelihoods, seeds)
    slopes = engine.gradient(compiled, values, found)
    log_evidence = found.log_roots[:, compiled.column[EVERYTHING]]
    joint = np.exp(found.log_roots - log_evidence[:, None])
    of_outcomes = joint[:, [compiled.column[query] for query in outcomes]]
    chances = np.einsum("deo,do->de", mixed, of_outcomes)
    slopes += _through_evidence(prepared, compiled, found)
    slopes += _through_forecasts(prepared, values)[:, None, :]
    with np.errstate(invalid="ignore"):
        moved = np.where(chances[:, :, None] > 0, chances[:, :, None] * slopes[:, 1:], 0.0)
    for e, o, number, slope in through_fates:
        moved[:, e, number] += of_outcomes[:, o] * slope
    mean = chances.mean(axis=0)
    per_logit = moved.mean(axis=0) - mean[:, None] * slopes[:, 0].mean(axis=0)
    per_bit = [LN2 if n.kind == "probability" else 1.0 for n in prepared.resolved.numbers]
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.where(_has_elasticity(prepared, values), 1 - values, np.nan)
        relative = (moved / left[:, None]).mean(axis=0)
        relative = relative / mean[:, None] - (slopes[:, 0] / left).mean(axis=0)
    relative[~np.isfinite(relative)] = np.nan
    here = (moved - chances[:, :, None] * slopes[:, :1]) * np.array(per_bit)
    return Slopes(per_logit * np.array(per_bit), relative, here)


def _has_elasticity(prepared: PreparedStory, values: Array) -> NDArray[np.bool_]:
    """By number, whether it is a probability of which every draw says what it is."""
    kinds = np.array([number.kind == "probability" for number in prepared.resolved.numbers])
    known = [
        i not in prepared.own or isinstance(d, Point) for i, d in enumerate(prepared.distributions)
    ]
    return np.asarray(kinds & np.array(known) & ((values > 0) & (values < 1)).all(axis=0))


Touch = tuple[int, int, int, Array]  # event, outcome, number, derivative at every draw


def mixtures(graph: StoryGraph, values: Array, of: Sequence[str]) -> tuple[Array, list[Touch]]:
    """P(event | outcome), (n_draws, n_events, n_outcomes), and what moves it after training.

    The latter per logit of the checks' flags and of harms. Events are classes and fates.
    """
    n_outcomes = len(graph.outcomes)
    derived = derive(graph, values, np.zeros((len(values), n_outcomes)))
    undetected, harm = derived.undetected, derived.harm
    of_route = graph.route_classes()
    out = np.zeros((len(values), len(of), n_outcomes))
    touched: list[Touch] = []
    for e, event in enumerate(of):
        for o, outcome in enumerate(graph.outcomes):
            if event in CLASSES:
                out[:, e, o] = of_route[outcome.route] == CLASSES.index(event)
                continue
            if event not in FATES:
                raise ValueError(f"found {event!r}, expected one of {', '.join(CLASSES + FATES)}")
            deployed, sign = undetected[:, o], -1.0
            if event == "halted":
                out[:, e, o], sign = 1 - deployed, 1.0
            elif event == "catastrophe":
                out[:, e, o] = deployed = deployed * harm[:, o]
                touched.append((e, o, outcome.harm, deployed * (1 - harm[:, o])))
            elif event == _harmless_fate(graph, outcome):
                out[:, e, o] = deployed = deployed * (1 - harm[:, o])
                touched.append((e, o, outcome.harm, -deployed * harm[:, o]))
            else:
                continue
            touched += [(e, o, flag, sign * deployed * values[:, flag]) for flag in outcome.flags]
    return out, touched


def _harmless_fate(graph: StoryGraph, outcome: Outcome) -> str:
    """Where a deployed model ends up that does no harm."""
    if graph.routes[outcome.route].outcome_class != INTENDED:
        return "benign-failure"
    if outcome.hazard is None:
        return "success"
    competitive = graph.hazards[outcome.hazard].criterion == "competitiveness"
    return "uncompetitive" if competitive else "benign-failure"


def _through_evidence(prepared: PreparedStory, compiled: Program, found: Evaluation) -> Array:
    """What the items' own numbers do: (n_draws, n_seeds, n_numbers)."""
    graph, n_numbers = prepared.graph, len(prepared.distributions)
    n, n_seeds = found.usage.shape[:2]
    out = np.zeros((n, n_seeds, n_numbers))
    routes = np.zeros((n, n_seeds, len(graph.routes)))
    np.add.at(routes.transpose(2, 0, 1), compiled.config_routes, found.won.transpose(2, 0, 1))
    first = columns(graph)
    said = np.zeros((n, n_seeds, 2 * len(first)))
    used = found.usage[:, :, compiled.said.leaves]
    np.add.at(said.transpose(2, 0, 1), compiled.said.what, used.transpose(2, 0, 1))
    for i, item in enumerate(graph.evidence):
        if item.form == "forecast":
            continue
        chances = said[:, :, first[i] : first[i] + 2] if i in first else routes
        for number, slope in _item_slopes(item, prepared.distributions):
            out[:, :, number] += chances @ slope
    return out


def _item_slopes(
    item: EvidenceItem, distributions: Sequence[Distribution]
) -> list[tuple[int, Array]]:
    """By own number, the derivative of the item's log likelihoods, (n_hypotheses,).

    The numbers are integrated out, so that what is moved is the whole of a number's prior. For a
    rate r, d/dlogit r of Binomial(k | n, r) is (k - n r) Binomial(k | n, r), and r times a
    binomial probability is one with a hit more in a trial more.
    """
    likelihood = collapsed(item, distributions)
    log_total = likelihood.log_likelihood(item)[0]
    relevance = float(likelihood.relevance[0])
    slopes = {number: np.zeros(len(item.keys)) for number in item.numbers.values()}
    of_relevance = np.zeros(len(item.keys))
    assert item.relevance is not None
    spread = relevance - np.exp(_log_moment(distributions[item.relevance], 2, 2))
    for h, key in enumerate(item.keys):
        if not np.isfinite(log_total[h]):
            continue
        parts = [(key, 1.0)]
        if key != item.reference:
            parts = [(key, relevance), (item.reference, 1 - relevance)]
        for part, weight in parts:
            if part in item.numbers and weight:  # or the ratio may be infinite
                number = item.numbers[part]
                slope = _likelihood_slope(item, distributions[number], log_total[h])
                slopes[number][h] += weight * slope
        if key != item.reference and spread:
            on, off = (float(likelihood.log_by_key[k][0]) for k in (key, item.reference))
            of_relevance[h] = spread * (np.exp(on - log_total[h]) - np.exp(off - log_total[h]))
    return [*slopes.items(), (item.relevance, of_relevance)]


def _likelihood_slope(item: EvidenceItem, distribution: Distribution, log_total: float) -> float:
    """The slope over exp(log_total), which may be too small for a number of its own."""
    if item.form != "counts":
        return float(LN2 * np.exp(bits_like(distribution).exp2_log_mean() - log_total))
    k, n = item.hits, item.trials
    log_ratio = _log_moment(distribution, k, n) - log_total
    log_one_more = _log_moment(distribution, k + 1, n + 1) - log_total
    return float(k * np.exp(log_ratio) - n * np.exp(log_one_more) * (k + 1) / (n + 1))


def _log_moment(distribution: Distribution, hits: int, trials: int) -> float:
    return float(rate_like(distribution).binomial_log_marginal(hits, trials))


def _through_forecasts(prepared: PreparedStory, values: Array) -> Array:
    """What moves the odds that forecasts are compared with: (n_draws, n_numbers)."""
    graph, out = prepared.graph, np.zeros(values.shape)
    for i, item in enumerate(graph.evidence):
        if item.form != "forecast":
            continue
        sides = [
            engine.evaluate(
                prepared.likelihood, values, event_likelihoods(graph, i, yes), np.ones((1, 1))
            )
            for yes in (True, False)
        ]
        slopes = [engine.gradient(prepared.likelihood, values, side)[:, 0] for side in sides]
        log_odds = sides[0].log_roots[:, 0] - sides[1].log_roots[:, 0]
        out += forecast_slope_at(item, log_odds)[:, None] * (slopes[0] - slopes[1])
    return out
