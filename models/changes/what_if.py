"""The same questions with one input changed, on the same draws.

What P(event, evidence) is linear in stays integrated out. Posterior draws θ of the numbers that
have to be sampled stand in for those of the changed story, at θ' which differs from θ in what was
changed, with weights P'(E | θ') / P(E | θ). So every difference is one between pairs, and its Monte
Carlo error is small; of a story of which no number has to be sampled it is exact. Where the weights
cannot be relied on, the changed story is assessed afresh.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.engine.arithmetic import log_sum_exp
from storyodds.models.engine.quantities import Quantities
from storyodds.models.posterior import questions
from storyodds.models.posterior.evidence import assemble
from storyodds.models.posterior.prepared import PreparedStory, prepare
from storyodds.models.posterior.shared_rates import Table, table_at
from storyodds.models.posterior.weighted_answers import weigh_at
from storyodds.models.posterior.weighting import (
    MAX_PARETO_K,
    pareto_k,
    sampled_at,
    sampled_draws,
    sequence_of,
    spread_between,
    sums_by_sequence,
    uniforms,
)
from storyodds.models.story.events import EVENTS, probabilities
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.priors.distributions.families import Point
from storyodds.priors.text.errors import InputError
from storyodds.scenarios.resolve import ResolvedStory

Array = NDArray[np.float64]
Tables = Sequence[Table]

DRAWS = 1024  # of the sampled numbers, on which stories are compared in pairs: a power of two
MIN_SHARE = 0.1  # of the draws, that weighted ones have to be worth
_STARTS = 32  # of systematic rows; of more, the best is hardly any better
_STRATA = 8  # of P(success), each of which is spread over P(catastrophe)
_CELLS = 2**22  # of float64: the numbers of as many changed stories as are evaluated at once


@dataclass(frozen=True)
class Base:
    """The story as it is, at draws from its posterior that all count the same.

    Attributes
    ----------
    prepared : PreparedStory
    values : (n_draws, n_numbers) array
        Of the numbers that have to be sampled; the others stand at their prior means. One draw
        where no number has to be sampled.
    log_evidence : (n_draws,) array
        Of P(E | θ), forecasts included.
    events : (n_draws, n_events) array
        P(event | E, θ), by `EVENTS`.
    method, seed
        Of the assessment, for the case that one has to be made again.
    outcomes : (n_draws, n_outcomes) array
        P(outcome | E, θ), before the checks.
    sequences : (n_draws,) int array
        Which independent sequence each draw is of: what these differ by is the Monte Carlo error.
    before : (REPLICATES, n_events) array, optional
        By how much each sequence pulls the means that changes are compared with, where these are
        not means of the draws at hand.
    """

    prepared: PreparedStory
    values: Array
    log_evidence: Array
    events: Array
    method: str
    seed: int
    outcomes: Array
    sequences: NDArray[np.intp]
    before: Array | None = None

    @property
    def means(self) -> Array:
        """Posterior means by event."""
        return np.asarray(self.events.mean(axis=0))

    @cached_property
    def pulls(self) -> Array:
        """By how much each sequence pulls the means, (REPLICATES, n_events)."""
        if self.before is not None:
            return self.before
        return sums_by_sequence((self.events - self.means) / len(self.events), self.sequences)

    def errors_beside(self, terms: Array) -> Array:
        """Standard errors of differences from the means, (n_events,).

        Parameters
        ----------
        terms : (n_draws, n_events) array
            What every draw adds to a changed mean, beyond its share of that mean.
        """
        return spread_between(sums_by_sequence(terms, self.sequences) - self.pulls)


@dataclass(frozen=True)
class Changed:
    """Answers of the story with something changed.

    Attributes
    ----------
    means : (n_events,) array
        Posterior means, by `EVENTS`.
    errors : (n_events,) array
        Monte Carlo standard errors of their differences from the base.
    pareto_k : float or None
        Of the weights; None where they are all alike, or the story was assessed afresh.
    ess : float
        What the weighted draws are worth.
    refitted : bool
        Whether the changed story was assessed afresh.
    weights : (n_draws,) array, optional
        Of the draws, which sum to 1; where draws at hand were weighted.
    events : (n_draws, n_events) array, optional
        P(event | E, θ') at them.
    """

    means: Array
    errors: Array
    pareto_k: float | None
    ess: float
    refitted: bool
    weights: Array | None = None
    events: Array | None = None


def base_of(assessment: Assessment, draws: int = DRAWS) -> Base:
    """Take the draws on which changes are compared.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly.
    draws : int
        At most so many.

    Raises
    ------
    UnsupportedStoryError
        If it was simulated.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> base = base_of(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> round(float(base.means[EVENTS.index("catastrophe")]), 4)
    0.0514
    """
    prepared = assessment.prepared
    _ = prepared.compiler  # an error where states were simulated: they are no base
    averaged = assessment.averaged
    sequences = sequence_of(len(averaged.values))
    rows = spread_evenly(averaged, draws, assessment.seed, sequences)
    values = averaged.values[rows]
    answer = questions.ask(prepared, values)
    return Base(
        prepared,
        values,
        answer.log_evidence,
        answer.events,
        assessment.draws.method,
        assessment.seed,
        answer.outcomes,
        sequences[rows],
    )


def even_rows(assessment: Assessment, draws: int) -> NDArray[np.intp]:
    """Rows of `averaged` that all count the same, as `spread_evenly`."""
    return spread_evenly(assessment.averaged, draws, assessment.seed)


def spread_evenly(
    quantities: Quantities, draws: int, seed: int, sequences: NDArray[np.intp] | None = None
) -> NDArray[np.intp]:
    """Rows that all count the same, spread evenly over P(success) and P(catastrophe).

    So that a few hundred of them have almost the means of all.

    Parameters
    ----------
    quantities : Quantities
        At weighted draws.
    draws : int
        At most so many rows.
    seed : int
    sequences : (n_draws,) int array, optional
        Independent sequences, of which each has its share of the rows, spread evenly within it.
    """
    weights, events = quantities.weights, quantities.events
    if len(weights) <= draws and np.ptp(weights) == 0:
        return np.arange(len(weights))
    success, harm = (np.round(events[:, EVENTS.index(e)], 12) for e in ("success", "catastrophe"))
    # What ties is in no order: every so many points of a Sobol sequence lie in one corner.
    order = np.random.default_rng([seed, 5]).permutation(len(weights))
    order = order[np.argsort(success[order], kind="stable")]
    stratum = np.floor(_STRATA * np.cumsum(weights[order]) / weights.sum())
    up_and_down = np.where(stratum % 2, -1.0, 1.0)
    within = np.zeros(len(order)) if sequences is None else sequences[order]
    order = order[np.lexsort((up_and_down * harm[order], stratum, within))]
    edges = np.cumsum(weights[order]) / weights.sum()
    # Where the first row stands is open: that which has the means of all best is taken.
    starts = (np.arange(_STARTS)[:, None] + 0.5) / _STARTS
    chosen = np.searchsorted(edges, (np.arange(draws) + starts) / draws)
    rows = order[chosen.clip(max=len(weights) - 1)]
    means = quantities.mean(events)
    spread = np.sqrt(quantities.mean((events - means) ** 2))
    moving = spread > 0
    off = abs(events[:, moving][rows].mean(axis=1) - means[moving]) / spread[moving]
    return np.sort(rows[off.max(axis=1, initial=0.0).argmin()])


def columns_of(events: Sequence[str]) -> list[int]:
    """Where classes and fates stand in `EVENTS`.

    Raises
    ------
    ValueError
        If an event has another name.

    Examples
    --------
    >>> columns_of(["intended", "deceptive"])
    [0, 2]
    """
    unknown = [name for name in events if name not in EVENTS]
    if unknown:
        raise ValueError(f"found {unknown[0]!r}, expected one of {', '.join(EVENTS)}")
    return [EVENTS.index(name) for name in events]


def ask(base: Base, numbers: Mapping[int, float]) -> Changed:
    """Answer with some numbers fixed.

    Parameters
    ----------
    base : Base
    numbers : mapping of int to float
        Index in `ResolvedStory.numbers` and the value that it is taken to have.

    Returns
    -------
    Changed

    Raises
    ------
    InputError
        If the changed story has to be assessed afresh and makes its evidence impossible.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> base = base_of(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> premise = base.prepared.resolved.number_index["aps-feasible.probability"]
    >>> round(float(ask(base, {premise: 1.0}).means[EVENTS.index("catastrophe")]), 4)
    0.079
    """
    return ask_many(base, [numbers])[0]


def ask_many(base: Base, changes: Sequence[Mapping[int, float]]) -> list[Changed]:
    """Answer many times, each time with other numbers fixed, in few calls of the engine.

    Parameters
    ----------
    base : Base
    changes : sequence of mapping of int to float
        As in `ask`.

    Returns
    -------
    list of Changed
        In the order of the changes.

    Raises
    ------
    InputError
        As `ask`.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> base = base_of(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> premise = base.prepared.resolved.number_index["aps-feasible.probability"]
    >>> answers = ask_many(base, [{premise: 0.5}, {premise: 1.0}])
    >>> [round(float(changed.means[EVENTS.index("catastrophe")]), 4) for changed in answers]
    [0.0395, 0.079]
    """
    answered: list[Changed] = []
    at_once = max(1, _CELLS // max(1, base.values.size))
    for first in range(0, len(changes), at_once):
        answered += _changed_at_once(base, changes[first : first + at_once])
    return answered


def _changed_at_once(base: Base, changes: Sequence[Mapping[int, float]]) -> list[Changed]:
    n, prepared = len(base.values), base.prepared
    bearing = numbers_of_training(prepared)
    early = [change for change in changes if not bearing.isdisjoint(change)]
    if early:
        values = np.concatenate([moved(base.values, change) for change in early])
        answer = questions.ask(prepared, values, likelihoods=_likelihoods(prepared, early, values))
    answered, done = [], 0
    for change in changes:
        if bearing.isdisjoint(change):  # it only matters after training
            values = moved(base.values, change)
            answered.append(
                weighted(base, np.zeros(n), probabilities(prepared.graph, values, base.outcomes))
            )
            continue
        rows = slice(done * n, (done + 1) * n)
        done += 1
        log_weights = answer.log_evidence[rows] - base.log_evidence
        if np.isfinite(log_weights).any():
            changed = weighted(base, log_weights, answer.events[rows])
            if is_trusted(changed, n):
                answered.append(changed)
                continue
        answered.append(_afresh(base, with_numbers(prepared, change)))
    return answered


def numbers_of_training(prepared: PreparedStory) -> frozenset[int]:
    """The numbers on which the evidence, or the engine's own sums, can depend."""
    every = frozenset(range(prepared.graph.n_numbers))
    return every - prepared.graph.route_numbers_after_training()


def is_trusted(changed: Changed, n_draws: int) -> bool:
    """Whether weighted draws can be relied on."""
    shaped = changed.pareto_k is None or changed.pareto_k <= MAX_PARETO_K
    return shaped and changed.ess >= MIN_SHARE * n_draws


def moved(values: Array, change: Mapping[int, float]) -> Array:
    """Draws with some numbers changed."""
    out = values.copy()
    for index, value in change.items():
        out[:, index] = value
    return out


def _likelihoods(
    prepared: PreparedStory, changes: Sequence[Mapping[int, float]], values: Array
) -> LogLikelihoods:
    """What the evidence says at draws for every change, one change after the other."""
    if all(prepared.own.isdisjoint(change) for change in changes):
        return prepared.likelihoods
    return stacked(prepared.graph, [with_numbers(prepared, c).tables for c in changes], values)


def stacked(graph: StoryGraph, tables: Sequence[Tables], values: Array) -> LogLikelihoods:
    """Put tables where the engine reads them, each for its part of the draws.

    Parameters
    ----------
    graph : StoryGraph
    tables : sequence of tables
    values : (n_parts * n_draws, n_numbers) array
        Draws for each of the tables, one part after the other.
    """
    parts = np.split(values, len(tables))

    def rows(of_item: Sequence[Table]) -> Array | None:
        blocks = []
        for table, part in zip(of_item, parts, strict=True):
            if table is None:
                return None
            block = table_at(table, part)
            blocks.append(np.broadcast_to(block, (len(part), block.shape[1])))
        return np.concatenate(blocks)

    return assemble(graph, [rows(of_item) for of_item in zip(*tables, strict=True)])


def compare(base: Base, prepared: PreparedStory, values: Array) -> Changed:
    """Evaluate a changed story at changed draws, which stand row by row for those of the base."""
    answer = questions.ask(prepared, values)
    return weighted(base, answer.log_evidence - base.log_evidence, answer.events)


def weighted(base: Base, log_weights: Array, events: Array) -> Changed:
    """Average changed answers with weights relative to the base."""
    shape = pareto_k(log_weights)
    weights = np.exp(log_weights - log_sum_exp(log_weights, axis=0))
    means = weights @ events
    errors = base.errors_beside(weights[:, None] * (events - means))
    ess = float(1.0 / np.sum(weights**2))
    return Changed(means, errors, shape, ess, False, weights, events)


def refit(base: Base, resolved: ResolvedStory) -> Changed:
    """Assess a changed story afresh.

    Raises
    ------
    InputError
        If the change makes the evidence impossible.
    """
    return _afresh(base, prepare(resolved))


def _afresh(base: Base, prepared: PreparedStory) -> Changed:
    """Weight draws from the prior of a changed story; where that is not enough, assess it."""
    averaged, draws, _ = weigh_at(prepared, *_drawn_beside(base, prepared))
    if draws.ok:
        weights, means = averaged.weights, averaged.mean(averaged.events)
        pulls = sums_by_sequence(
            weights[:, None] * (averaged.events - means), sequence_of(len(weights))
        )
        ess = float(1 / np.sum(weights**2))
        return Changed(means, spread_between(pulls - base.pulls), None, ess, refitted=True)
    again = fixed(prepared.resolved, _points(prepared))
    afresh = base_of(assess(again, draws=4 * DRAWS, seed=base.seed), 4 * DRAWS)
    errors = spread_between(afresh.pulls - base.pulls)
    return Changed(afresh.means, errors, None, float(len(afresh.events)), refitted=True)


def _drawn_beside(base: Base, prepared: PreparedStory) -> tuple[Array, Array]:
    """Draw from the prior of a changed story, by the uniform draws that the base comes from.

    Noise that is common to both cancels out. A story with other numbers has draws of its own.
    """
    core = [base.prepared.resolved.numbers[i].name for i in base.prepared.core]
    names = [prepared.resolved.numbers[i].name for i in prepared.core]
    if not set(names) <= set(core):
        return sampled_draws(prepared, 4 * DRAWS, base.seed)
    points = uniforms(len(core), 4 * DRAWS, base.seed)
    return sampled_at(prepared, points[:, [core.index(name) for name in names]])


def _points(prepared: PreparedStory) -> dict[int, float]:
    """The numbers that are fixed, though the story as resolved may not say so."""
    return {i: d.value for i, d in enumerate(prepared.distributions) if isinstance(d, Point)}


def with_numbers(prepared: PreparedStory, numbers: Mapping[int, float]) -> PreparedStory:
    """Fix numbers of a prepared story; what they were compiled into does not change."""
    distributions = tuple(
        Point(float(numbers[i])) if i in numbers else distribution
        for i, distribution in enumerate(prepared.distributions)
    )
    tables = prepared.tables
    if prepared.own & set(numbers):
        tables = prepared.tables_of(distributions)
    return replace(prepared, distributions=distributions, tables=tables)


def fixed(resolved: ResolvedStory, numbers: Mapping[int, float]) -> ResolvedStory:
    """Fix numbers of a resolved story."""
    changed = tuple(
        replace(number, distribution=Point(float(numbers[i]))) if i in numbers else number
        for i, number in enumerate(resolved.numbers)
    )
    return replace(resolved, numbers=changed)


def settled(
    base: Base, log_evidence: Array, events: Array, edited: Callable[[], ResolvedStory]
) -> Changed | None:
    """Compare a changed story on the same draws, or assess it afresh where they do not serve.

    Parameters
    ----------
    base : Base
    log_evidence : (n_draws,) array
        Of the changed story.
    events : (n_draws, n_events) array
        Of the changed story, given its evidence.
    edited : callable
        Gives the changed story.

    Returns
    -------
    Changed or None
        None where the changed story is out of reach, or makes its evidence impossible.
    """
    try:
        if not np.isfinite(log_evidence).any():
            return refit(base, edited())
        changed = weighted(base, log_evidence - base.log_evidence, events)
        return changed if is_trusted(changed, len(events)) else refit(base, edited())
    except InputError:
        return None
