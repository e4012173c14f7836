"""What evidence items say: their likelihoods, with their own numbers integrated out.

A rate, relevance or bit count that serves one item alone says how to read that item. It is used
under one hypothesis at a time, so it integrates out per hypothesis: `collapsed_table`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log1p

from storyodds.models.engine.arithmetic import log_sum_exp
from storyodds.models.engine.quantities import Quantities
from storyodds.models.story.graph import EvidenceItem, StoryGraph
from storyodds.models.story.likelihoods import LogLikelihoods, Moving, no_evidence
from storyodds.priors.distributions.families import (
    LN2,
    Distribution,
    Point,
    RateLike,
    bits_like,
    rate_like,
)
from storyodds.priors.distributions.seen_rates import Count, log_marginal

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ItemLikelihood:
    """What one item says, its own numbers integrated out, before it is spread over hypotheses.

    Attributes
    ----------
    log_by_key : dict of str to float
        Natural log of the likelihood under each of the item's alternatives, taken at face value.
    relevance : float
        The chance that the item bears on this setting at all.
    """

    log_by_key: dict[str, float]
    relevance: float

    @property
    def log_blind(self) -> float:
        """Natural log of the likelihood where the item does not bear on the matter.

        The finding then comes from a process that cannot see the hypotheses, in which the
        likelihood of one alternative is as good as that of another: their mean.
        """
        logs = np.array(list(self.log_by_key.values()))
        return float(log_sum_exp(logs, axis=0) - np.log(len(logs)))

    def log_likelihood(self, item: EvidenceItem) -> Array:
        """Spread over the hypotheses, relevance mixed in, (1, n_hypotheses)."""
        if self.relevance == 1.0:
            return np.array([[self.log_by_key[key] for key in item.keys]])
        with np.errstate(divide="ignore"):
            relevant, irrelevant = np.log(self.relevance), np.log1p(-self.relevance)
        blind = irrelevant + self.log_blind
        mixed = {key: np.logaddexp(relevant + on, blind) for key, on in self.log_by_key.items()}
        return np.array([[float(mixed[key]) for key in item.keys]])


def collapsed(item: EvidenceItem, distributions: Sequence[Distribution]) -> ItemLikelihood:
    """Integrate an item's own numbers out of its likelihood.

    Parameters
    ----------
    item : EvidenceItem
        Counts, exposure or a Bayes factor; a forecast speaks of the prior and has no table.
    distributions : sequence of Distribution
        Of every number of the story.

    Returns
    -------
    ItemLikelihood
        Beta-binomial in closed form, logit-normal rates and products by quadrature, bits as
        log-normal means, the relevance by its mean.
    """
    by_key = {}
    for key in item.alternatives:
        if key not in item.numbers:  # the bits of what a Bayes factor compares with, unwritten
            by_key[key] = 0.0
            continue
        distribution = distributions[item.numbers[key]]
        if item.form == "exposure":
            rate, visibility = seen_parts(item, key, distributions)
            by_key[key] = log_marginal(rate, visibility, count_of(item))
        elif item.form == "counts":
            by_key[key] = rate_like(distribution).binomial_log_marginal(item.hits, item.trials)
        else:
            by_key[key] = bits_like(distribution).exp2_log_mean()
    assert item.relevance is not None
    relevance = np.exp(rate_like(distributions[item.relevance]).binomial_log_marginal(1, 1))
    return ItemLikelihood(by_key, float(relevance))


def seen_parts(
    item: EvidenceItem, key: str, distributions: Sequence[Distribution]
) -> tuple[RateLike, RateLike]:
    """Return the rate of an exposure under one alternative, and how much of it shows."""
    number = item.visibilities.get(key)
    visibility = Point(1.0) if number is None else rate_like(distributions[number])
    return rate_like(distributions[item.numbers[key]]), visibility


def count_of(item: EvidenceItem) -> Count:
    """Return what came of an exposure."""
    return Count(item.hits, item.trials, item.time)


def assemble(graph: StoryGraph, tables: Sequence[Array | Moving | None]) -> LogLikelihoods:
    """Put the items' tables where the engine reads them.

    Parameters
    ----------
    tables : sequence of (1 or n_draws, n_hypotheses) array, Moving or None
        One per evidence item; None leaves an item out, as for a forecast.
    """
    n = max([1, *(len(table) for table in tables if isinstance(table, np.ndarray))])
    column, moving = columns(graph), []
    nothing = no_evidence(graph)
    assumptions, routes = (np.repeat(x, n, axis=0) for x in (nothing.assumptions, nothing.routes))
    for i, table in enumerate(tables):
        if table is None:
            continue
        if not isinstance(table, np.ndarray):
            moving.append((column.get(i), _ByTarget(graph.evidence[i], table)))
        elif i in column:
            spread = by_target(graph.evidence[i], table)
            assumptions[:, column[i] : column[i] + spread.shape[1]] += spread
        else:
            routes += table
    return LogLikelihoods(assumptions, routes, moving=tuple(moving))


def columns(graph: StoryGraph) -> dict[int, int]:
    """Where the likelihoods of each item about an assumption, or with rows, begin."""
    first, begins = 0, {}
    for i, item in enumerate(graph.evidence):
        if item.pairs:
            begins[i] = first
            first += 2 * len(item.pairs)
    return begins


@dataclass(frozen=True)
class _ByTarget:
    """A finding that depends on numbers of the story, by its targets; see `by_target`."""

    item: EvidenceItem
    finding: Moving

    def at(self, values: Array) -> Array:
        """Log likelihoods at draws of the numbers, in nats."""
        return by_target(self.item, self.finding.at(values))

    def slopes(self, values: Array) -> list[tuple[int, Array]]:
        """By number, the derivative of `at` per logit or per bit."""
        slopes = self.finding.slopes(values)
        return [(number, by_target(self.item, slope)) for number, slope in slopes]


def by_target(item: EvidenceItem, table: Array) -> Array:
    """Log likelihoods of an item's hypotheses as those of every target, false and then true.

    Of several states, or of pairs of a row and an alternative, one holds: it has the likelihood,
    and that none of the others does has none.

    Parameters
    ----------
    table : (..., n_hypotheses) array
    """
    if not item.one_of_many:
        return table
    out = np.zeros((*table.shape[:-1], 2 * len(item.keys)))
    out[..., 1::2] = table
    return out


def by_hypothesis(item: EvidenceItem, by_target: Array) -> Array:
    """Take the hypotheses of an item from its targets, (..., n_hypotheses): what has happened.

    Parameters
    ----------
    by_target : (..., 2 * n_targets) array
        P(false) and P(true) of each.
    """
    return by_target[..., 1::2] if item.one_of_many else by_target


def collapsed_tables(
    graph: StoryGraph, distributions: Sequence[Distribution]
) -> list[Array | None]:
    """One collapsed table per item; None for forecasts."""
    return [
        None if item.form == "forecast" else collapsed_table(item, distributions)
        for item in graph.evidence
    ]


def collapsed_table(item: EvidenceItem, distributions: Sequence[Distribution]) -> Array:
    """What an item says with its own numbers integrated out, (1, n_hypotheses), in nats.

    Parameters
    ----------
    item : EvidenceItem
        No forecast.
    distributions : sequence of Distribution
        Of every number of the story.
    """
    if not item.rows:
        return collapsed(item, distributions).log_likelihood(item)
    return np.hstack([collapsed_table(row, distributions) for _, row in item.rows])


def event_likelihoods(graph: StoryGraph, item: int, happens: bool) -> LogLikelihoods:
    """Likelihoods that stand for the event a forecast speaks of, or for its complement."""
    evidence, base = graph.evidence[item], no_evidence(graph)
    yes, no = (0.0, -np.inf) if happens else (-np.inf, 0.0)
    if evidence.subject == "assumption":
        assumptions = base.assumptions.copy()
        first = columns(graph)[item]
        assumptions[:, first : first + 2] = [no, yes]
        return LogLikelihoods(assumptions, base.routes, results=False)
    inside = np.array(graph.route_classes()) == evidence.target
    return LogLikelihoods(base.assumptions, np.where(inside, yes, no)[None, :], results=False)


def forecast_log_odds(prior: Quantities, item: int) -> Array:
    """Natural log odds of the event a forecast speaks of, without evidence.

    Parameters
    ----------
    prior : Quantities
        Without evidence.
    item : int
        The forecast.

    Returns
    -------
    (n_draws,) array
    """
    graph = prior.graph
    evidence = graph.evidence[item]
    if evidence.subject == "assumption":
        (v,) = evidence.targets
        no, yes = prior.assumptions_false[:, v], prior.assumptions[:, v]
    else:
        inside = np.array(graph.route_classes()) == evidence.target
        yes = prior.routes[:, inside].sum(axis=1)
        no = prior.routes[:, ~inside].sum(axis=1)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(yes) - np.log(no))


def forecast_log_density_at(item: EvidenceItem, log_odds: Array) -> Array:
    """Log density of a judge's forecast around the model's own prior odds, in nats.

    Minus infinity where the model's prior is 0 or 1.
    """
    forecast = np.log(item.forecast) - log1p(-item.forecast)
    miss = (forecast - log_odds) / LN2 / item.sd_bits
    return np.asarray(-0.5 * miss**2 - np.log(item.sd_bits) - 0.5 * np.log(2 * np.pi))


def forecast_slope_at(item: EvidenceItem, log_odds: Array) -> Array:
    """Derivative of `forecast_log_density_at` in the model's own log odds."""
    forecast = np.log(item.forecast) - log1p(-item.forecast)
    return np.asarray((forecast - log_odds) / (LN2 * item.sd_bits) ** 2)
