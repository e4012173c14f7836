"""What each evidence item does to the odds: alone, left out, and averaged over all orders.

With v(S) the log2 odds of an event's posterior probability given the items in S, an item's effect
alone is v({item}) - v({}), left out v(all) - v(all but it), and on average the mean of
v(S and item) - v(S) over all orders in which the items could have come: its Shapley value, so that
the averages add up to v(all) - v({}), interactions divided evenly.

All v(S) are computed at the same draws of the numbers that have to be sampled, weighted for each S;
everything else is integrated out, so that they are exact where no number has to be sampled. The
known results of checks are one item.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment, full_prior
from storyodds.models.changes.evidence_draws import draws_of_numbers
from storyodds.models.changes.evidence_versions import answer_versions, findings_of, opinions_of
from storyodds.models.changes.what_if import columns_of
from storyodds.models.posterior.weighting import pareto_k, spread_of_sums
from storyodds.models.story.events import Event
from storyodds.models.story.graph import StoryGraph
from storyodds.scenarios.grammar.outcomes import CLASSES

Array = NDArray[np.float64]
Subset = frozenset[int]

ASKED: tuple[Event, ...] = (*CLASSES, "success", "catastrophe")
ALL_ORDERS = 10  # items of which every order is gone through; of more, some
ORDERS = 64  # drawn, in pairs of an order and its reverse
_EVALUATIONS = 2**14  # of the engine, to which the number of draws is cut down
_MOST_DRAWS, _LEAST_DRAWS = 1024, 128
_SMALLEST = 1e-300  # chances below it have no log odds to speak of


@dataclass(frozen=True)
class Effect:
    """Bits of each item about each event, (n_items, n_events), and their standard errors.

    NaN where a probability of 0 or 1 leaves the odds undefined.
    """

    bits: Array
    error: Array


@dataclass(frozen=True)
class EvidenceEffects:
    """What evidence does to the log2 odds of events.

    Attributes
    ----------
    items : tuple of str
        As `evidence_versions.findings_of` has them.
    opinions : tuple of str
        Those of them that are forecasts.
    events : tuple of str
    alone, left_out, average : Effect
    total, total_error : (n_events,) array
        Of all evidence.
    findings, findings_error : (n_events,) array
        Of all of it but the opinions.
    prior, posterior : (n_events,) array
        Probability without evidence and with all of it, as the assessment has them.
    orders : int or None
        How many orders were drawn; None where every one is taken.
    draws : int
    ess : float
        What the draws are worth with all evidence.
    pareto_k : float or None
        Of their weights then; None where there is no tail.
    """

    items: tuple[str, ...]
    opinions: tuple[str, ...]
    events: tuple[Event, ...]
    alone: Effect
    left_out: Effect
    average: Effect
    total: Array
    total_error: Array
    findings: Array
    findings_error: Array
    prior: Array
    posterior: Array
    orders: int | None
    draws: int
    ess: float
    pareto_k: float | None


def evidence_effects(
    assessment: Assessment, of: Sequence[Event] = ASKED, *, all_orders: int = ALL_ORDERS
) -> EvidenceEffects:
    """Divide what the evidence does to the odds of events among its items.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly, not simulated.
    of : sequence of str
        Classes and fates, by `events.EVENTS`.
    all_orders : int
        Up to so many items, every order is taken; of more, orders are drawn, and the error says
        so.

    Returns
    -------
    EvidenceEffects

    Raises
    ------
    UnsupportedStoryError
        If the story was simulated.
    ValueError
        If an event has another name.

    References
    ----------
    L. S. Shapley (1953), "A value for n-person games", in Contributions to the Theory of Games II,
    Princeton University Press.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> effects = evidence_effects(assess(resolve(load_story("rlhf-assistant"))), ["deceptive"])
    >>> bool(np.isclose(effects.average.bits.sum(), effects.total[0]))
    True
    """
    columns = columns_of(of)
    prepared = assessment.prepared
    graph = prepared.compiler.graph  # refuses simulated stories
    items = findings_of(graph)
    n = len(items)
    opinions = opinions_of(graph)
    nothing, everything = frozenset[int](), frozenset(range(n))
    findings = frozenset(i for i in everything if items[i] not in opinions)
    orders = None if n <= all_orders else _drawn_orders(n, assessment.seed)
    subsets = list(dict.fromkeys([*_subsets(n, orders), findings]))
    drawn = draws_of_numbers(assessment, _most(graph, subsets))
    powers = np.array([[float(i in subset) for i in range(n)] for subset in subsets])
    answers = answer_versions(prepared, drawn.values, powers, columns)
    log_weights = answers.log_evidence + drawn.log_weights[:, None]
    odds = _Odds.of(subsets, log_weights, answers.events)
    whole_weights = log_weights[:, subsets.index(everything)]
    weights = np.exp(whole_weights - whole_weights.max())
    average = odds.over_all_orders(n) if orders is None else odds.over_orders(orders)
    before, after = full_prior(assessment)[0], assessment.averaged
    whole = odds.differences([everything, findings], [nothing] * 2)
    alone, rest = [frozenset([i]) for i in range(n)], [everything - {i} for i in range(n)]
    return EvidenceEffects(
        items=items,
        opinions=opinions,
        events=tuple(of),
        alone=odds.differences(alone, [nothing] * n),
        left_out=odds.differences([everything] * n, rest),
        average=average,
        total=whole.bits[0],
        total_error=whole.error[0],
        findings=whole.bits[1],
        findings_error=whole.error[1],
        prior=before.mean(before.events[:, columns]),
        posterior=after.mean(after.events[:, columns]),
        orders=None if orders is None else len(orders),
        draws=len(drawn.values),
        ess=float(weights.sum() ** 2 / (weights**2).sum()),
        pareto_k=pareto_k(whole_weights),
    )


@dataclass(frozen=True)
class _Odds:
    """Log2 odds of the events given each subset, and what each draw adds to their error.

    Attributes
    ----------
    place : dict of frozenset to int
    bits : (n_subsets, n_events) array
    pulls : (n_draws, n_subsets, n_events) array
    """

    place: dict[Subset, int]
    bits: Array
    pulls: Array

    @staticmethod
    def of(subsets: Sequence[Subset], log_weights: Array, chances: Array) -> "_Odds":
        """Take P(event | subset, θ), (n_draws, n_subsets, n_events), at draws with weights."""
        weights = np.exp(log_weights - log_weights.max(axis=0))[:, :, None]
        yes = weights * chances
        no = weights - yes
        yeses, noes = yes.mean(axis=0), no.mean(axis=0)
        defined = np.minimum(yeses, noes) > _SMALLEST
        yeses, noes = np.where(defined, yeses, np.nan), np.where(defined, noes, np.nan)
        pulls = (yes / yeses - no / noes) / np.log(2)
        place = {subset: k for k, subset in enumerate(subsets)}
        return _Odds(place, np.log2(yeses) - np.log2(noes), pulls)

    def differences(self, after: Sequence[Subset], before: Sequence[Subset]) -> Effect:
        """Bits from one subset to another, pair by pair."""
        here, there = ([self.place[subset] for subset in side] for side in (after, before))
        return Effect(
            self.bits[here] - self.bits[there],
            _error(self.pulls[:, here] - self.pulls[:, there]),
        )

    def over_all_orders(self, n: int) -> Effect:
        """Shapley values, exact over orders."""
        shares = np.zeros((n, len(self.place)))
        for subset, k in self.place.items():
            size = len(subset)
            for i in range(n):
                before = size - (i in subset)  # how many items stand before this one
                share = factorial(before) * factorial(n - before - 1) / factorial(n)
                shares[i, k] = share if i in subset else -share
        return Effect(shares @ self.bits, _error(shares @ self.pulls))

    def over_orders(self, orders: Sequence[tuple[int, ...]]) -> Effect:
        """Shapley values from some orders, pairs of which mirror each other."""
        n = len(orders[0])
        steps = np.zeros((len(orders), n, self.bits.shape[1]))
        shares = np.zeros((n, len(self.place)))
        for o, order in enumerate(orders):
            for k, item in enumerate(order):
                after = self.place[frozenset(order[: k + 1])]
                before = self.place[frozenset(order[:k])]
                steps[o, item] = self.bits[after] - self.bits[before]
                shares[item, after] += 1 / len(orders)
                shares[item, before] -= 1 / len(orders)
        pairs = steps.reshape(-1, 2, *steps.shape[1:]).mean(axis=1)
        of_orders = pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs))
        of_draws = _error(shares @ self.pulls)
        return Effect(steps.mean(axis=0), np.hypot(of_orders, of_draws))


def _error(pulls: Array) -> Array:
    """Standard error of a mean to which every draw adds so much."""
    return spread_of_sums(pulls / len(pulls))


def _drawn_orders(n: int, seed: int) -> list[tuple[int, ...]]:
    """Random orders, each followed by its reverse."""
    rng = np.random.default_rng([seed, 9])
    halves = [tuple(int(i) for i in rng.permutation(n)) for _ in range(ORDERS // 2)]
    return [order for half in halves for order in (half, half[::-1])]


def _subsets(n: int, orders: Sequence[tuple[int, ...]] | None) -> list[Subset]:
    """Every subset that some order or difference needs, each once."""
    if orders is None:
        return [frozenset(i for i in range(n) if mask >> i & 1) for mask in range(2**n)]
    everything = frozenset(range(n))
    subsets = [frozenset(order[:k]) for order in orders for k in range(n + 1)]
    subsets += [subset for i in range(n) for subset in (frozenset([i]), everything - {i})]
    return list(dict.fromkeys(subsets))


def _most(graph: StoryGraph, subsets: Sequence[Subset]) -> int:
    """How many draws to take, a power of two: fewer where more findings are about assumptions."""
    about = frozenset(
        i for i, item in enumerate(graph.evidence) if item.pairs and item.form != "forecast"
    )
    targets = {v for i in about for v in graph.evidence[i].pairs}
    calls = len({subset & about for subset in subsets})
    if None not in targets:
        calls = min(calls, 2 ** len(targets))
    most = max(_LEAST_DRAWS, min(_MOST_DRAWS, _EVALUATIONS // calls))
    return int(2 ** int(np.log2(most)))
