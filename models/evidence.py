"""What evidence items say: likelihoods with their rates integrated out, or at given rates.

A rate, relevance or bit count that serves one item alone is used under one hypothesis at a time,
so it integrates out per hypothesis. `collapsed` gives that table; `explicit` gives the same table
at given values of the rates; `recover_rates` draws the rates afterwards from their exact
conditional.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log1p, xlog1py, xlogy

from storyodds.models.graph import EvidenceItem, StoryGraph
from storyodds.models.likelihoods import LogLikelihoods, no_evidence
from storyodds.priors.distributions import (
    LN2,
    Distribution,
    bits_like,
    log_binomial_coefficient,
    rate_like,
)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ItemLikelihood:
    """What one item says, natural logs, before it is spread over hypotheses.

    Attributes
    ----------
    log_by_key : dict of str to (1 or n_draws,) array
        Under each of the item's own hypotheses, taken at face value.
    relevance : (1 or n_draws,) array
        The chance that the item bears on this setting at all.
    """

    log_by_key: dict[str, Array]
    relevance: Array

    def log_likelihood(self, item: EvidenceItem) -> Array:
        """Spread over the hypotheses, relevance mixed in, (1 or n_draws, n_hypotheses)."""
        off = self.log_by_key[item.reference]
        columns = []
        for key in item.keys:
            on = self.log_by_key[key]
            if key == item.reference:
                columns.append(np.broadcast_arrays(on, self.relevance)[0])
                continue
            with np.errstate(divide="ignore"):
                relevant, irrelevant = np.log(self.relevance), np.log1p(-self.relevance)
            columns.append(np.logaddexp(relevant + on, irrelevant + off))
        return np.stack(np.broadcast_arrays(*columns), axis=1)


def collapsed(item: EvidenceItem, distributions: Sequence[Distribution]) -> ItemLikelihood:
    """Integrate an item's own numbers out of its likelihood.

    Parameters
    ----------
    item : EvidenceItem
        Counts or a Bayes factor; a forecast speaks of the prior and has no table.
    distributions : sequence of Distribution
        Of every number of the story.

    Returns
    -------
    ItemLikelihood
        Beta-binomial in closed form, logit-normal rates by quadrature, bits as log-normal means,
        the relevance by its mean.
    """
    by_key = {}
    for key in {*item.keys, item.reference}:
        if key not in item.numbers:  # a Bayes factor's reference need not be written
            by_key[key] = np.zeros(1)
            continue
        distribution = distributions[item.numbers[key]]
        if item.form == "counts":
            log_mean = rate_like(distribution).binomial_log_marginal(item.hits, item.trials)
        else:
            log_mean = bits_like(distribution).exp2_log_mean()
        by_key[key] = np.array([log_mean])
    assert item.relevance is not None
    relevance = np.exp(rate_like(distributions[item.relevance]).binomial_log_marginal(1, 1))
    return ItemLikelihood(by_key, np.array([relevance]))


def explicit(item: EvidenceItem, values: Array) -> ItemLikelihood:
    """Give an item's likelihood at given rates, relevance and bits.

    Parameters
    ----------
    values : (n_draws, n_numbers) array
    """
    by_key = {}
    for key in {*item.keys, item.reference}:
        if key not in item.numbers:
            by_key[key] = np.zeros(1)
            continue
        x = values[:, item.numbers[key]]
        if item.form == "counts":
            misses = item.trials - item.hits
            coefficient = log_binomial_coefficient(item.trials, item.hits)
            by_key[key] = coefficient + xlogy(item.hits, x) + xlog1py(misses, -x)
        else:
            by_key[key] = LN2 * x
    assert item.relevance is not None
    return ItemLikelihood(by_key, values[:, item.relevance])


def assemble(graph: StoryGraph, tables: Sequence[Array | None]) -> LogLikelihoods:
    """Put the items' tables where the engine reads them.

    Parameters
    ----------
    tables : sequence of (1 or n_draws, n_hypotheses) array or None
        One per evidence item; None leaves an item out, as for a forecast.
    """
    n = max([1, *(len(table) for table in tables if table is not None)])
    column = columns(graph)
    assumptions, routes = np.zeros((n, 2 * len(column))), np.zeros((n, len(graph.routes)))
    for i, table in enumerate(tables):
        if table is None:
            continue
        if i in column:
            assumptions[:, column[i] : column[i] + 2] += table
        else:
            routes += table
    return LogLikelihoods(assumptions, routes)


def columns(graph: StoryGraph) -> dict[int, int]:
    """Where the likelihoods of each item about an assumption begin."""
    about = [i for i, item in enumerate(graph.evidence) if item.subject == "assumption"]
    return {i: 2 * k for k, i in enumerate(about)}


def collapsed_tables(
    graph: StoryGraph, distributions: Sequence[Distribution]
) -> list[Array | None]:
    """One collapsed table per item; None for forecasts."""
    return [
        None if item.form == "forecast" else collapsed(item, distributions).log_likelihood(item)
        for item in graph.evidence
    ]


def explicit_tables(graph: StoryGraph, values: Array) -> list[Array | None]:
    """One table per item at given values; None for forecasts."""
    return [
        None if item.form == "forecast" else explicit(item, values).log_likelihood(item)
        for item in graph.evidence
    ]


def event_likelihoods(graph: StoryGraph, item: int, happens: bool) -> LogLikelihoods:
    """Likelihoods that stand for the event a forecast speaks of, or for its complement."""
    evidence, base = graph.evidence[item], no_evidence(graph)
    yes, no = (0.0, -np.inf) if happens else (-np.inf, 0.0)
    if evidence.subject == "assumption":
        assumptions = base.assumptions.copy()
        first = columns(graph)[item]
        assumptions[:, first : first + 2] = [no, yes]
        return LogLikelihoods(assumptions, base.routes)
    inside = np.array(graph.route_classes()) == evidence.target
    return LogLikelihoods(base.assumptions, np.where(inside, yes, no)[None, :])


def forecast_log_odds(graph: StoryGraph, item: int, routes: Array, said: Array) -> Array:
    """Natural log odds of the event a forecast speaks of, from the prior's marginals.

    Parameters
    ----------
    routes : (n_draws, n_routes) array
        Without evidence.
    said : (n_draws, 2 * n_items) array
        P(false) and P(true) by item about an assumption, without evidence.
    """
    evidence = graph.evidence[item]
    if evidence.subject == "assumption":
        first = columns(graph)[item]
        no, yes = said[:, first], said[:, first + 1]
    else:
        inside = np.array(graph.route_classes()) == evidence.target
        yes, no = routes[:, inside].sum(axis=1), routes[:, ~inside].sum(axis=1)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(yes) - np.log(no))


def forecast_log_density_at(item: EvidenceItem, log_odds: Array) -> Array:
    """Log density of a judge's forecast around the model's own prior odds, in nats.

    Minus infinity where the model's prior is 0 or 1.
    """
    said = np.log(item.forecast) - log1p(-item.forecast)
    miss = (said - log_odds) / LN2 / item.sd_bits
    return np.asarray(-0.5 * miss**2 - np.log(item.sd_bits) - 0.5 * np.log(2 * np.pi))


def forecast_slope_at(item: EvidenceItem, log_odds: Array) -> Array:
    """Derivative of `forecast_log_density_at` in the model's own log odds."""
    said = np.log(item.forecast) - log1p(-item.forecast)
    return np.asarray((said - log_odds) / (LN2 * item.sd_bits) ** 2)


def recover_rates(
    graph: StoryGraph,
    distributions: Sequence[Distribution],
    values: Array,
    truth: NDArray[np.bool_],
    route: NDArray[np.intp],
    rng: np.random.Generator,
) -> Array:
    """Draw the evidence items' own numbers from their exact conditional.

    Parameters
    ----------
    values : (n_draws, n_numbers) array
        Draws of the other numbers.
    truth, route : arrays
        A draw of the discrete part given those numbers and the evidence.
    rng : numpy.random.Generator

    Returns
    -------
    (n_draws, n_numbers) array
        `values` with the items' own numbers replaced.
    """
    values = values.copy()
    for item in graph.evidence:
        if item.form == "forecast":
            continue
        keys = np.array(item.keys)
        hypothesis = (
            keys[truth[:, item.target].astype(int)] if item.target is not None else keys[route]
        )
        _recover_item(item, distributions, values, hypothesis, rng)
    return values


def _recover_item(
    item: EvidenceItem,
    distributions: Sequence[Distribution],
    values: Array,
    hypothesis: NDArray[np.str_],
    rng: np.random.Generator,
) -> None:
    """Fill one item's columns: is it relevant, which number was used, what that says of it."""
    said = collapsed(item, distributions)
    n, mean = len(values), float(said.relevance[0])
    relevant = np.ones(n, bool)
    for key in dict.fromkeys(key for key in item.keys if key != item.reference):
        with np.errstate(divide="ignore"):
            on = np.log(mean) + said.log_by_key[key][0]
            off = np.log1p(-mean) + said.log_by_key[item.reference][0]
        chance = np.exp(on - np.logaddexp(on, off)) if np.isfinite(max(on, off)) else mean
        here = hypothesis == key
        relevant[here] = rng.random(here.sum()) < chance
    used = np.where(relevant, hypothesis, item.reference)
    for key, number in item.numbers.items():
        distribution, u = distributions[number], rng.random(n)
        column, here = distribution.quantile(u), used == key
        if item.form == "counts":
            rate = rate_like(distribution)
            if np.isfinite(rate.binomial_log_marginal(item.hits, item.trials)):
                column[here] = rate.draw_given_binomial(u[here], item.hits, item.trials)
        else:
            column[here] = bits_like(distribution).draw_given_exp2(u[here])
        values[:, number] = column
    assert item.relevance is not None
    relevance, u = rate_like(distributions[item.relevance]), rng.random(n)
    column = relevance.quantile(u)
    told = hypothesis != item.reference
    for bears, hits in ((relevant, 1), (~relevant, 0)):
        here = told & bears
        if here.any():
            column[here] = relevance.draw_given_binomial(u[here], hits, 1)
    values[:, item.relevance] = column
