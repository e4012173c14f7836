"""What the answers rest on: the derivative of a posterior mean in every number of the story.

If the whole prior of a number moved by a little, on the scale of log2 odds for a probability and
of bits for bits, the posterior mean of an event would move by so much times as far. With
P(event, E | θ) exact, the posterior mean M = E[P(event, E | θ)] / E[P(E | θ)] has

    dM/dδ = E_post[ ∂P(event, E | θ)/∂z / P(E | θ) ] - M E_post[ ∂ log P(E | θ)/∂z ],

so that a fixed number counts as much as an uncertain one. What P(event, E) is linear in stands at
its mean m = E[x]; when the whole prior moves by δ on the scale of log odds, that mean moves by
δ E[x(1 - x)], and not by δ m(1 - m) as the number itself would.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.what_if import columns_of
from storyodds.models.engine import evaluation
from storyodds.models.engine.evaluation import Evaluation
from storyodds.models.engine.program import Program
from storyodds.models.engine.strategy import compiled as compile_queries
from storyodds.models.numerics import systematic
from storyodds.models.posterior.evidence import (
    by_hypothesis,
    collapsed,
    columns,
    count_of,
    event_likelihoods,
    forecast_slope_at,
    seen_parts,
)
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.posterior.shared_rates import Shared
from storyodds.models.story.events import FATES, Headline, touches, weights
from storyodds.models.story.graph import EvidenceItem
from storyodds.models.story.likelihoods import item_targets
from storyodds.models.story.queries import EVERYTHING, Query
from storyodds.priors.distributions.families import LN2, Distribution, Point, bits_like, rate_like
from storyodds.priors.distributions.seen_rates import Side, log_marginal
from storyodds.scenarios.grammar.outcomes import CLASSES

Array = NDArray[np.float64]

EVENTS: tuple[Headline, ...] = ("success", "catastrophe")


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
    """

    per_bit: Array
    elasticity: Array


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
        Of `assessment.averaged`, which all count the same; by default those of the weakest links.

    Returns
    -------
    Slopes

    Raises
    ------
    UnsupportedStoryError
        If the story was simulated, or needs more memory for this than for its odds.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessed = assess(resolve(load_story("carlsmith-six-premises")))
    >>> slopes = mean_slopes(assessed, ["catastrophe"])
    >>> index = assessed.prepared.resolved.number_index["aps-feasible.probability"]
    >>> round(float(slopes.per_bit[0, index]), 4)  # 0.0514 * (1 - 0.65) * ln 2
    0.0125
    >>> round(float(slopes.elasticity[0, index]), 4)  # a product goes up with each of its factors
    1.0
    """
    prepared = assessment.prepared
    values = assessment.averaged.values[assessment.link_rows if rows is None else rows]
    pulls = _pulls(prepared, values, of)
    chances = pulls.chances.mean(axis=0)
    per_bit = pulls.conditional(chances, pulls.moved.mean(axis=0)) * _per_bit(prepared)
    defined = _has_elasticity(prepared, values)
    complements = np.where(defined, 1 - values, 1.0)
    relative = pulls.conditional(chances, (pulls.moved / complements[:, None]).mean(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(defined, relative / chances[pulls.places][:, None], np.nan)
    relative[~np.isfinite(relative)] = np.nan
    return Slopes(per_bit * _share_of_spread(prepared), relative)


def slopes_at_draws(assessment: Assessment, of: Sequence[str], draws: int) -> Array:
    """Derivatives of P(event | E, θ) at posterior draws of all numbers, each by itself.

    Their mean is not the slope of the posterior mean, for which the draws' weights move too.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly, not simulated.
    of : sequence of str
        Classes and fates.
    draws : int
        At most so many, which all count the same.

    Returns
    -------
    (n_draws, n_events, n_numbers) array
        In probability per bit.

    Raises
    ------
    UnsupportedStoryError
        As `mean_slopes`.
    """
    exact = assessment.exact
    rows = np.arange(1)
    if len(exact.values) > 1:
        rows = np.sort(systematic(exact.weights, min(draws, len(exact.values))))
    pulls = _pulls(assessment.prepared, exact.values[rows], of)
    return pulls.conditional(pulls.chances, pulls.moved) * _per_bit(assessment.prepared)


def _per_bit(prepared: PreparedStory) -> Array:
    """What a slope per logit, or per bit of bits, has to be multiplied by."""
    return np.array([LN2 if n.kind == "probability" else 1.0 for n in prepared.resolved.numbers])


def _share_of_spread(prepared: PreparedStory) -> Array:
    """E[x(1 - x)] / m(1 - m) for numbers at their means m, (n_numbers,); 1 for all others."""
    out = np.ones(len(prepared.distributions))
    for i in prepared.integrated:
        m = prepared.center[i]
        if 0 < m < 1:
            # Twice E[x(1 - x)] is the chance of one hit in two trials.
            one_of_two = rate_like(prepared.distributions[i]).binomial_log_marginal(1, 2)
            out[i] = np.exp(one_of_two) / 2 / (m * (1 - m))
    return out


def _has_elasticity(prepared: PreparedStory, values: Array) -> NDArray[np.bool_]:
    """By number, whether it is a probability of which every draw says what it is."""
    kinds = np.array([number.kind == "probability" for number in prepared.resolved.numbers])
    stated = [
        i not in prepared.own or isinstance(d, Point) for i, d in enumerate(prepared.distributions)
    ]
    return np.asarray(kinds & np.array(stated) & ((values > 0) & (values < 1)).all(axis=0))


@dataclass(frozen=True)
class _Pulls:
    """How numbers pull at events that are exclusive and exhaustive, group by group.

    Attributes
    ----------
    places : list of int
        Where the requested events stand.
    others : (n_events, n_events) array
        1 for two different events of one group.
    chances : (n_draws, n_events) array
        P(event | E, θ).
    moved : (n_draws, n_events, n_numbers) array
        ∂P(event, E | θ)/∂z / P(E | θ), in nats per logit, or per bit of bits.
    """

    places: list[int]
    others: Array
    chances: Array
    moved: Array

    def conditional(self, chances: Array, moved: Array) -> Array:
        """Derivatives of what events are, given the evidence; with or without draws in front.

        An event gains what it is pulled by, less its share of what all of its group are. Written
        pair by pair, two events exchange no more than the less probable one has, so that rounding
        of an event near 1 does not drown what those near 0 do.
        """
        gained = moved * (chances @ self.others)[..., None]
        lost = chances[..., None] * (self.others @ moved)
        return np.asarray((gained - lost)[..., self.places, :])


def _pulls(prepared: PreparedStory, values: Array, of: Sequence[str]) -> _Pulls:
    columns_of(of)  # an error where an event has another name
    groups = [group for group in (CLASSES, FATES) if not set(group).isdisjoint(of)]
    events = [event for group in groups for event in group]
    chances, moved = joint_slopes(prepared, values, events)
    group_of = np.repeat(range(len(groups)), [len(group) for group in groups])
    rivals = (group_of[:, None] == group_of).astype(float) - np.eye(len(events))
    return _Pulls([list[str](events).index(event) for event in of], rivals, chances, moved)


def joint_slopes(
    prepared: PreparedStory, values: Array, events: Sequence[str]
) -> tuple[Array, Array]:
    """Give P(event | E, θ), and how each number moves P(event, E | θ).

    Parameters
    ----------
    prepared : PreparedStory
    values : (n_draws, n_numbers) array
    events : sequence of str
        Of those that `events.probabilities` takes.

    Returns
    -------
    (n_draws, n_events) array
    (n_draws, n_events, n_numbers) array
        ∂P(event, E | θ)/∂z / P(E | θ), in nats per logit, or per bit of bits.

    Raises
    ------
    UnsupportedStoryError
        If that takes more memory than the odds.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.posterior.prepared import prepare
    >>> from storyodds.scenarios.resolve import resolve
    >>> prepared = prepare(resolve(load_story("carlsmith-six-premises")))
    >>> chances, moved = joint_slopes(prepared, prepared.center[None], ["catastrophe"])
    >>> premise = prepared.resolved.number_index["aps-feasible.probability"]
    >>> float(moved[0, 0, premise] / chances[0, 0])  # of a product: 1 - 0.65
    0.35
    """
    graph = prepared.graph
    outcomes = [Query((o,)) for o in range(len(graph.outcomes))]
    compiled = compile_queries(prepared.compiler, [EVERYTHING, *outcomes])
    mixed = weights(graph, values, events)
    seeds = np.zeros((len(values), len(events), len(compiled.queries)))
    for o, query in enumerate(outcomes):
        seeds[:, :, compiled.column[query]] += mixed[:, :, o]
    evaluated = evaluation.evaluate(compiled, values, prepared.likelihoods, seeds)
    slopes = evaluation.gradient(compiled, evaluated)
    slopes += _through_evidence(prepared, compiled, evaluated)
    slopes += _through_forecasts(prepared, values)[:, None, :]
    log_evidence = evaluated.log_roots[:, compiled.column[EVERYTHING]]
    joint = np.exp(evaluated.log_roots - log_evidence[:, None])
    of_outcomes = joint[:, [compiled.column[query] for query in outcomes]]
    chances = np.einsum("deo,do->de", mixed, of_outcomes)
    with np.errstate(invalid="ignore"):
        moved = np.where(chances[:, :, None] > 0, chances[:, :, None] * slopes, 0.0)
    for touch in touches(graph, values, events):
        moved[:, touch.event, touch.number] += of_outcomes[:, touch.outcome] * touch.slope
    return chances, moved


def _through_evidence(prepared: PreparedStory, compiled: Program, evaluated: Evaluation) -> Array:
    """What the items' own numbers do: (n_draws, n_seeds, n_numbers)."""
    graph, n_numbers = prepared.graph, len(prepared.distributions)
    n, n_seeds = evaluated.usage.shape[:2]
    out = np.zeros((n, n_seeds, n_numbers))
    routes = evaluated.by_route(compiled, len(graph.routes))
    first = columns(graph)
    by_item = evaluated.by_finding(compiled, 2 * len(item_targets(graph)))
    for i, item in enumerate(graph.evidence):
        if item.form == "forecast":
            continue
        chances = routes
        if i in first:
            of_targets = by_item[:, :, first[i] : first[i] + 2 * len(item.pairs)]
            chances = by_hypothesis(item, of_targets)
        table = prepared.tables[i]
        if not isinstance(table, Shared):
            for number, slope in _item_slopes(item, prepared.distributions):
                out[:, :, number] += chances @ slope
            continue
        for row in range(n):  # what its own numbers do depends on those that it shares
            settled = table.settled(prepared.distributions, evaluated.values[row])
            for number, slope in _item_slopes(item, settled):
                if number in prepared.own:
                    out[row, :, number] += chances[row] @ slope
    return out


def _item_slopes(
    item: EvidenceItem, distributions: Sequence[Distribution]
) -> list[tuple[int, Array]]:
    """By own number, the derivative of the item's log likelihoods, (n_hypotheses,).

    The numbers are integrated out, so that what is moved is the whole of a number's prior. An
    alternative's number acts under the hypotheses that use it and, by way of the blind mean, under
    all. For a rate r, d/dlogit r of Binomial(k | n, r) is (k - n r) Binomial(k | n, r), and r times
    a binomial probability is one with a hit more in a trial more.
    """
    if item.rows:
        return list(_slopes_by_row(item, distributions))
    likelihood = collapsed(item, distributions)
    log_total = likelihood.log_likelihood(item)[0]
    relevance, possible = likelihood.relevance, np.isfinite(log_total)
    log_total = np.where(possible, log_total, 0.0)
    slopes = []
    for key, number, terms in _own_terms(item, distributions):
        on = np.array([hypothesis == key for hypothesis in item.keys])
        share = np.where(on, relevance, 0.0) + (1 - relevance) / len(item.alternatives)
        with np.errstate(divide="ignore"):  # in logs: L(key) may be vastly more than L(h)
            log_shares = np.where(possible, np.log(share), -np.inf) - log_total
        slope = sum(factor * np.exp(log + log_shares) for factor, log in terms)
        slopes.append((number, np.asarray(slope)))
    assert item.relevance is not None
    spread = np.exp(rate_like(distributions[item.relevance]).binomial_log_marginal(1, 2)) / 2
    face = np.array([likelihood.log_by_key[key] for key in item.keys])
    if spread == 0:  # and what is fixed at 1 may stand for an infinite ratio
        return [*slopes, (item.relevance, np.zeros(len(face)))]
    gained = np.exp(face - log_total) - np.exp(likelihood.log_blind - log_total)
    return [*slopes, (item.relevance, np.where(possible, spread * gained, 0.0))]


def _slopes_by_row(
    item: EvidenceItem, distributions: Sequence[Distribution]
) -> Iterator[tuple[int, Array]]:
    """The same of an item with rows: in each row its numbers act alone."""
    first = 0
    for _, row in item.rows:
        for number, slope in _item_slopes(row, distributions):
            whole = np.zeros(len(item.keys))
            whole[first : first + len(slope)] = slope
            yield number, whole
        first += len(row.keys)


def _own_terms(
    item: EvidenceItem, distributions: Sequence[Distribution]
) -> Iterator[tuple[str, int, list[tuple[float, float]]]]:
    """By alternative and number, the slope of the alternative's likelihood as terms to add up.

    The logit of a factor x of the rate r moves an exposure's likelihood by
    (1 - x) (k P(k | r) - (k + 1) P(k + 1 | r)), of episodes as of time.
    """
    for key, number in item.numbers.items():
        if item.form != "exposure":
            yield key, number, _likelihood_terms(item, distributions[number])
            continue
        count, parts = count_of(item), seen_parts(item, key, distributions)
        factors: list[tuple[int | None, Side]]
        factors = [(number, "rate"), (item.visibilities.get(key), "visibility")]
        for factor, side in factors:
            if factor is not None:
                logs = [log_marginal(*parts, c, unlike=side) for c in (count, count.with_another())]
                steps = (float(count.hits), -float(count.hits + 1))
                yield key, factor, list(zip(steps, logs, strict=True))


def _likelihood_terms(item: EvidenceItem, distribution: Distribution) -> list[tuple[float, float]]:
    """The slope of an alternative's likelihood as (factor, log) terms to add up.

    Either of them may be too small for a number of its own.
    """
    if item.form != "counts":
        return [(LN2, bits_like(distribution).exp2_log_mean())]
    k, n = item.hits, item.trials
    moment = rate_like(distribution).binomial_log_marginal
    return [(float(k), moment(k, n)), (-n * (k + 1) / (n + 1), moment(k + 1, n + 1))]


def _through_forecasts(prepared: PreparedStory, values: Array) -> Array:
    """What moves the odds that forecasts are compared with: (n_draws, n_numbers)."""
    graph, out = prepared.graph, np.zeros(values.shape)
    for i in graph.forecasts:
        sides = [
            evaluation.evaluate(
                prepared.likelihood, values, event_likelihoods(graph, i, yes), np.ones((1, 1))
            )
            for yes in (True, False)
        ]
        slopes = [evaluation.gradient(prepared.likelihood, side)[:, 0] for side in sides]
        log_odds = sides[0].log_roots[:, 0] - sides[1].log_roots[:, 0]
        out += forecast_slope_at(graph.evidence[i], log_odds)[:, None] * (slopes[0] - slopes[1])
    return out
