"""The odds as the evidence came in: given nothing, the first finding, the first two, to all of it.

Unlike the averages of `evidence_effects`, this is one order, the one in which the story gives its
findings; another order has other steps between the same ends. Both ends are those of the
assessment itself. The steps between them are worked out at fewer draws of the numbers, half from
the prior and half from the posterior, weighted as draws from the mixture of the two; and since
both ends are worked out at these draws too, what these miss there corrects the steps (control
variates; Hesterberg and Nelson 1998 for the quantiles).

As in an estimate, the discrete part is summed exactly, means are taken with the findings' own
rates integrated out, and intervals at draws of them. Given a state, these rates have exact
conditionals; the state is drawn from the margins of what each finding is about, and weights make
up for what that leaves out of how they hang together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from storyodds.models.arithmetic import log_sum_exp
from storyodds.models.assessment import Assessment
from storyodds.models.control_variates import Weighted, corrected, summary
from storyodds.models.events import probabilities
from storyodds.models.evidence import (
    assemble,
    explicit_tables,
    forecast_log_density_at,
    forecast_log_odds,
    recover_rates,
)
from storyodds.models.evidence_effects import from_both_ends, log_scale_of
from storyodds.models.graph import StoryGraph
from storyodds.models.likelihoods import LogLikelihoods
from storyodds.models.posterior import PreparedStory
from storyodds.models.quantities import Quantities
from storyodds.models.weighting import MAX_PARETO_K, smooth
from storyodds.models.what_if import MIN_SHARE, columns_of

Array = NDArray[np.float64]

HEADLINE = ("success", "catastrophe")
_EVALUATIONS = 2**13  # of the engine, to which the number of draws is cut down
_MOST_DRAWS, _LEAST_DRAWS = 1024, 256


@dataclass(frozen=True)
class EvidenceSequence:
    """Probabilities of events before the evidence and after each item of it.

    Attributes
    ----------
    items : tuple of str
        In the order of the story; step k is given the first k of them.
    events : tuple of str
    mean : (n_items + 1, n_events) array
    error : (n_items + 1, n_events) array
        Monte Carlo standard error of the mean as against both ends; 0 at the ends, whose own
        error is that of the assessment.
    quantiles : (n_items + 1, n_events, 3) array
        At `control_variates.LEVELS`.
    draws : int
        Of the steps between the ends.
    ess : (n_items + 1,) array
        What the draws behind a step are worth.
    pareto_k : tuple of (float or None)
        Of their weights; None where there is no tail.
    trusted : tuple of bool
        Whether a step's draws can be relied on.
    """

    items: tuple[str, ...]
    events: tuple[str, ...]
    mean: Array
    error: Array
    quantiles: Array
    draws: int
    ess: Array
    pareto_k: tuple[float | None, ...]
    trusted: tuple[bool, ...]


def evidence_sequence(assessment: Assessment, of: Sequence[str] = HEADLINE) -> EvidenceSequence:
    """Give the probabilities of events as the evidence came in, in the order of the story.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly, not simulated.
    of : sequence of str
        Classes and fates, by `what_if.EVENTS`.

    Returns
    -------
    EvidenceSequence

    Raises
    ------
    UnsupportedStoryError
        If the story was simulated.
    ValueError
        If an event is not known.

    References
    ----------
    T. C. Hesterberg and B. L. Nelson (1998), "Control variates for probability and quantile
    estimation", Management Science 44(9), 1295-1312.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessed = assess(resolve(load_story("rlhf-assistant")))
    >>> found = evidence_sequence(assessed, ["catastrophe"])
    >>> len(found.items), found.mean.shape
    (7, (8, 1))
    >>> [round(float(found.mean[k, 0]), 3) for k in (0, -1)]
    [0.018, 0.02]
    """
    columns = columns_of(of)
    graph = assessment.prepared.compiler.graph  # refuses simulated stories
    n = len(graph.evidence)
    first, last = _ends(assessment, columns)
    ends, count = (first, last), 0
    steps = [summary(first), summary(last)] if n else [summary(last)]
    draws = list(ends if n else [last])
    if n > 1:
        at_hand = _prefixes(assessment, columns)
        count = len(at_hand[0].weights)
        near = (at_hand[0], at_hand[-1])
        steps[1:1] = corrected(at_hand[1:-1], near, ends)
        draws[1:1] = at_hand[1:-1]
    return EvidenceSequence(
        items=tuple(item.id for item in graph.evidence),
        events=tuple(of),
        mean=np.stack([mean for mean, _, _ in steps]),
        error=np.stack([error for _, error, _ in steps]),
        quantiles=np.stack([quantiles for _, _, quantiles in steps]),
        draws=count,
        ess=np.array([step.ess for step in draws]),
        pareto_k=tuple(step.pareto_k for step in draws),
        trusted=tuple(step.trusted for step in draws),
    )


def _ends(assessment: Assessment, columns: Sequence[int]) -> tuple[Weighted, Weighted]:
    """The prior and the posterior, as the assessment has them."""
    graph, posterior = assessment.prepared.graph, assessment.draws
    before = _chances(graph, assessment.prior_values, assessment.prior.outcomes, columns)
    after = _chances(graph, posterior.values, assessment.averaged.outcomes, columns)
    exact = _chances(graph, posterior.values, assessment.exact.outcomes, columns)
    n = len(assessment.prior_values)
    even, found = np.full(n, 1 / n), posterior.diagnostics
    ess = float(found["ess"] or len(posterior.weights))
    weights, trusted = posterior.weights, posterior.ok
    return (
        Weighted(even, before, even, before, float(n), None, True),
        Weighted(weights, after, weights, exact, ess, found["pareto_k"], trusted),
    )


def _chances(
    graph: StoryGraph, values: Array, outcomes: Array, columns: Sequence[int]
) -> tuple[Array, ...]:
    """P(event) at every draw, by event."""
    events = probabilities(graph, values, outcomes)
    return tuple(events[:, column] for column in columns)


# Given the first of the items


def _prefixes(assessment: Assessment, columns: Sequence[int]) -> list[Weighted]:
    """Weighted draws given none of the items, the first, the first two, and so on, to all."""
    prepared, graph = assessment.prepared, assessment.prepared.graph
    items = graph.evidence
    calls = 2 * (len(items) + 1)
    most = max(_LEAST_DRAWS, min(_MOST_DRAWS, _EVALUATIONS // calls))
    values, share = from_both_ends(assessment, most)
    n, parts = len(values), range(len(items) + 1)
    # A forecast says nothing of the discrete part: it weighs the draws as they stand.
    asked = [k for k in parts if k == 0 or items[k - 1].form != "forecast"]
    said = [
        assemble(graph, [t if i < k else None for i, t in enumerate(prepared.tables)])
        for k in asked
    ]
    found = prepared.answers.evaluate(np.tile(values, (len(said), 1)), _repeated(said, n))
    events = _chances(graph, np.tile(values, (len(said), 1)), found.outcomes, columns)
    blocks = _in_blocks(found, n)
    forecasts = np.zeros((len(parts), n))
    for i, item in enumerate(items):
        if item.form == "forecast":
            odds = forecast_log_odds(graph, i, blocks[0].routes, blocks[0].said)
            forecasts[i + 1 :] += forecast_log_density_at(item, odds)
    log_ratio = blocks[-1].log_evidence + forecasts[-1] - assessment.draws.log_evidence
    log_scale = log_scale_of(log_ratio, share)
    rates = _at_rates(assessment, values, asked, blocks, columns)
    draws, place = [], -1
    for k in parts:
        place += k in asked
        averaged = tuple(x[place * n : (place + 1) * n] for x in events)
        log_weights = blocks[place].log_evidence + forecasts[k] + log_scale
        weights, ess, pareto_k = _weights(log_weights)
        own_weights, exact = weights, averaged
        if rates is not None and place:
            log_share, exact = rates[place - 1]
            own_weights, own_ess, own_k = _weights(log_weights + log_share)
            ess = min(ess, own_ess)
            pareto_k = max((x for x in (pareto_k, own_k) if x is not None), default=None)
        trusted = ess >= MIN_SHARE * n and (pareto_k is None or pareto_k <= MAX_PARETO_K)
        draws.append(Weighted(weights, averaged, own_weights, exact, ess, pareto_k, trusted))
    return draws


def _repeated(said: Sequence[LogLikelihoods], n: int) -> LogLikelihoods:
    """What parts of the evidence say, each at n draws, one part after the other."""
    assumptions, routes = (
        np.concatenate([np.broadcast_to(x, (n, x.shape[1])) for x in side])
        for side in ([part.assumptions for part in said], [part.routes for part in said])
    )
    return LogLikelihoods(assumptions, routes)


def _in_blocks(found: Quantities, n: int) -> list[Quantities]:
    """Answers at n draws each."""
    names = ("log_evidence", "assumptions", "assumptions_false", "said", "routes", "outcomes")
    return [
        replace(found, **{name: getattr(found, name)[first : first + n] for name in names})
        for first in range(0, len(found.log_evidence), n)
    ]


def _weights(log_weights: Array) -> tuple[Array, float, float | None]:
    """Weights that sum to 1, what they are worth, and the Pareto k of their tail.

    Not smoothed: those of a mixture have hardly a tail, and smoothing it would shift the ends.
    """
    log_weights = np.maximum(log_weights - log_weights.max(), -700.0)
    weights = np.exp(log_weights - log_sum_exp(log_weights, axis=0))
    return weights, float(1 / np.sum(weights**2)), smooth(log_weights)[1]


# At draws of the items' own numbers


def _at_rates(
    assessment: Assessment,
    values: Array,
    asked: Sequence[int],
    found: Sequence[Quantities],
    columns: Sequence[int],
) -> list[tuple[Array, tuple[Array, ...]]] | None:
    """Log of what a draw of the rates counts, and P(event) by event, (n_draws,) each.

    By prefix but the empty one; None where no item has an uncertain number of its own.
    """
    prepared, graph = assessment.prepared, assessment.prepared.graph
    if prepared.own.isdisjoint(prepared.uncertain):
        return None
    n, rng = len(values), np.random.default_rng([assessment.seed, 11])
    u_truth, u_route = rng.random((n, len(graph.variables))), rng.random((n, 1))
    recovered = [_recovered(prepared, i, values, rng) for i in range(len(graph.evidence))]
    drawn, said, log_drawn = [], [], []
    for k, part in zip(asked[1:], found[1:], strict=True):
        edges = np.cumsum(part.routes, axis=1)
        route = (edges <= u_route * edges[:, -1:]).sum(axis=1).clip(max=edges.shape[1] - 1)
        truth = u_truth < part.assumptions
        at = values.copy()
        for item, by_key in zip(graph.evidence[:k], recovered[:k], strict=True):
            if not by_key:
                continue
            which = route if item.target is None else truth[:, item.target]
            keys = np.array(item.keys)[which.astype(int)]
            for key, (numbers, told) in by_key.items():
                here = np.flatnonzero(keys == key)
                at[np.ix_(here, numbers)] = told[here]
        tables = explicit_tables(replace(graph, evidence=graph.evidence[:k]), at)
        drawn.append(at)
        said.append(assemble(graph, [*tables, *[None] * (len(graph.evidence) - k)]))
        log_drawn.append(_log_drawn(prepared, part, tables))
    whole = np.concatenate(drawn)
    exact = prepared.answers.evaluate(whole, _repeated(said, n))
    events = _chances(graph, whole, exact.outcomes, columns)
    log_exact = exact.log_evidence.reshape(-1, n)
    rates = []
    for k, (part, log_q) in enumerate(zip(found[1:], log_drawn, strict=True)):
        possible = np.isfinite(part.log_evidence)  # others count for nothing anyway
        with np.errstate(invalid="ignore"):
            log_share = np.where(possible, log_exact[k] - part.log_evidence - log_q, 0.0)
        rates.append((log_share, tuple(x[k * n : (k + 1) * n] for x in events)))
    return rates


def _recovered(
    prepared: PreparedStory, i: int, values: Array, rng: np.random.Generator
) -> dict[str, tuple[list[int], Array]]:
    """By hypothesis, an item's own numbers and draws of them given that it holds."""
    item, n = prepared.graph.evidence[i], len(values)
    if item.form == "forecast":
        return {}
    alone = replace(prepared.graph, evidence=(item,))
    numbers = sorted(
        {*item.numbers.values(), *([] if item.relevance is None else [item.relevance])}
    )
    found = {}
    for key in dict.fromkeys(item.keys):
        which = item.keys.index(key)
        truth = np.full((n, len(prepared.graph.variables)), which == 1)
        route = np.full(n, which)
        at = recover_rates(alone, prepared.distributions, values, truth, route, rng)
        found[key] = (numbers, at[:, numbers])
    return found


def _log_drawn(prepared: PreparedStory, part: Quantities, tables: Sequence[Array | None]) -> Array:
    """Log density of the rates as drawn, over their prior's, (n_draws,), in nats."""
    graph = prepared.graph
    with np.errstate(divide="ignore"):
        margins = {
            v: np.log(np.stack([part.assumptions_false[:, v], part.assumptions[:, v]], axis=1))
            for v in _targets(graph)
        }
        of_routes = np.log(part.routes)
    for item, table, whole in zip(graph.evidence, tables, prepared.tables, strict=False):
        if table is None or whole is None:
            continue
        with np.errstate(invalid="ignore"):
            more = np.where(np.isfinite(whole), table - whole, -np.inf)
        if item.subject == "assumption" and item.target is not None:
            margins[item.target] = margins[item.target] + more
        else:
            of_routes = of_routes + more
    logs = [log_sum_exp(margin, axis=1) for margin in (*margins.values(), of_routes)]
    return np.asarray(np.sum(logs, axis=0))


def _targets(graph: StoryGraph) -> set[int]:
    """The assumptions that items speak of."""
    return {
        item.target
        for item in graph.evidence
        if item.subject == "assumption" and item.target is not None
    }
