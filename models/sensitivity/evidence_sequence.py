"""The odds as the evidence came in: given nothing, the first finding, the first two, to all of it.

Unlike the averages of `evidence_effects`, this is one order, the one in which the story gives its
findings (known results of checks come last, as one); another order has other steps between the same
ends. Both ends are those of the assessment itself.

Every step is worked out as the assessment is: means at draws of the numbers that have to be
sampled, weighted by P(the findings so far | these numbers), with everything else integrated out;
intervals at draws of all numbers, those that were integrated out drawn given these findings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment, full_prior
from storyodds.models.changes.evidence_draws import DrawsOfNumbers, draws_of_numbers
from storyodds.models.changes.evidence_versions import answer_versions, findings_of, opinions_of
from storyodds.models.changes.what_if import columns_of
from storyodds.models.engine.quantities import Quantities
from storyodds.models.numerics import weighted_quantile
from storyodds.models.posterior.evidence import assemble
from storyodds.models.posterior.integrated_draws import draw_integrated
from storyodds.models.posterior.soundness import LEVELS
from storyodds.models.posterior.weighting import spread_of_sums, weigh
from storyodds.models.story.events import Event, Headline

Array = NDArray[np.float64]

HEADLINE: tuple[Headline, ...] = ("success", "catastrophe")
DRAWS = 4096  # of the sampled numbers, for means: as many as an estimate takes by default
_EVALUATIONS = 2**14  # of the engine, for intervals, to which the number of draws is cut down
_LEAST_DRAWS = 1024  # at which a 5% point is known to within 0.7% of the draws


@dataclass(frozen=True)
class EvidenceSequence:
    """Probabilities of events before the evidence and after each item of it.

    Attributes
    ----------
    items : tuple of str
        In the order of the story; step k is given the first k of them.
    opinions : tuple of str
        Those of them that are forecasts.
    events : tuple of str
    mean : (n_items + 1, n_events) array
    error : (n_items + 1, n_events) array
        Monte Carlo standard error of the mean.
    change_error : (n_items, n_events) array
        The same of what each item changes, which is less where both means are of the same draws.
    quantiles : (n_items + 1, n_events, 3) array
        At `soundness.LEVELS`.
    draws : int
        Of the sampled numbers, for the steps between the ends.
    ess : (n_items + 1,) array
        What the draws behind a step are worth.
    pareto_k : tuple of (float or None)
        Of their weights; None where there is no tail.
    trusted : tuple of bool
        Whether a step's draws can be relied on.
    """

    items: tuple[str, ...]
    opinions: tuple[str, ...]
    events: tuple[Event, ...]
    mean: Array
    error: Array
    change_error: Array
    quantiles: Array
    draws: int
    ess: Array
    pareto_k: tuple[float | None, ...]
    trusted: tuple[bool, ...]


@dataclass(frozen=True)
class _Step:
    """Answers given a part of the evidence.

    Attributes
    ----------
    mean, error : (n_events,) array
    quantiles : (n_events, n_levels) array
    ess : float
    pareto_k : float or None
    trusted : bool
    pulls : (n_draws, n_events) array, optional
        What each draw adds to the error, where other steps have the same draws.
    """

    mean: Array
    error: Array
    quantiles: Array
    ess: float
    pareto_k: float | None
    trusted: bool
    pulls: Array | None = None


def evidence_sequence(assessment: Assessment, of: Sequence[Event] = HEADLINE) -> EvidenceSequence:
    """Return the probabilities of events as the evidence came in, in the order of the story.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly, not simulated.
    of : sequence of str
        Classes and fates, by `events.EVENTS`.

    Returns
    -------
    EvidenceSequence

    Raises
    ------
    UnsupportedStoryError
        If the story was simulated.
    ValueError
        If an event has another name.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessed = assess(resolve(load_story("rlhf-assistant")))
    >>> sequence = evidence_sequence(assessed, ["catastrophe"])
    >>> len(sequence.items), sequence.mean.shape
    (9, (10, 1))
    """
    columns = columns_of(of)
    graph = assessment.prepared.compiler.graph  # refuses simulated stories
    items = findings_of(graph)
    steps, count = [_last(assessment, columns)], 0
    if items:
        steps.insert(0, _first(assessment, columns))
    if len(items) > 1:
        drawn = draws_of_numbers(assessment, DRAWS)
        count = len(drawn.values)
        steps[1:1] = _between(assessment, drawn, len(items), columns)
        if np.array_equal(drawn.values, assessment.averaged.values):
            steps[-1] = replace(steps[-1], pulls=_pulls(assessment.averaged, columns))
    changes = [_change_error(*pair) for pair in pairwise(steps)]
    return EvidenceSequence(
        items=items,
        opinions=opinions_of(graph),
        events=tuple(of),
        mean=np.stack([step.mean for step in steps]),
        error=np.stack([step.error for step in steps]),
        change_error=np.reshape(changes, (len(items), len(columns))),
        quantiles=np.stack([step.quantiles for step in steps]),
        draws=count,
        ess=np.array([step.ess for step in steps]),
        pareto_k=tuple(step.pareto_k for step in steps),
        trusted=tuple(step.trusted for step in steps),
    )


def _change_error(before: _Step, after: _Step) -> Array:
    if before.pulls is None or after.pulls is None:
        return np.hypot(before.error, after.error)
    return spread_of_sums(after.pulls - before.pulls)


def _pulls(averaged: Quantities, columns: Sequence[int]) -> Array:
    """What each draw adds to the errors of means, (n_draws, n_events)."""
    events = averaged.events[:, columns]
    return averaged.weights[:, None] * (events - averaged.mean(events))


def _first(assessment: Assessment, columns: Sequence[int]) -> _Step:
    """Before the evidence, as the assessment has it."""
    averaged, whole = full_prior(assessment)
    mean = averaged.mean(averaged.events[:, columns])
    error = spread_of_sums(_pulls(averaged, columns))
    n = len(whole.values)
    return _Step(mean, error, _quantiles(whole, columns), float(n), None, trusted=True)


def _last(assessment: Assessment, columns: Sequence[int]) -> _Step:
    """Given all of it, likewise."""
    averaged, posterior = assessment.averaged, assessment.draws
    diagnostics = posterior.diagnostics
    return _Step(
        averaged.mean(averaged.events[:, columns]),
        assessment.errors.mean[columns],  # whose answers begin with all events
        _quantiles(assessment.exact, columns),
        float(diagnostics["ess"] or len(posterior.weights)),
        diagnostics["pareto_k"],
        posterior.ok,
    )


def _quantiles(quantities: Quantities, columns: Sequence[int]) -> Array:
    """By event, (n_events, n_levels)."""
    levels = np.array(LEVELS)
    events = quantities.events[:, columns].T
    return np.stack([weighted_quantile(x, levels, quantities.weights) for x in events])


def _between(
    assessment: Assessment, drawn: DrawsOfNumbers, n_items: int, columns: Sequence[int]
) -> list[_Step]:
    """Given the first item, the first two, and so on, but not all of them."""
    prepared, alone = assessment.prepared, len(drawn.values) == 1
    n = max(_LEAST_DRAWS, _EVALUATIONS // (n_items - 1))
    powers = np.tril(np.ones((n_items - 1, n_items)))
    answers = answer_versions(prepared, drawn.values, powers, columns)
    steps = []
    for k in range(n_items - 1):
        weighed = weigh(prepared, answers.log_evidence[:, k] + drawn.log_weights)
        events = answers.events[:, k]
        mean = weighed.weights @ events
        pulls = weighed.weights[:, None] * (events - mean)
        whole = _at_all_numbers(assessment, drawn.values[:n], weighed.weights[:n], k + 1)
        steps.append(
            _Step(
                mean,
                spread_of_sums(pulls),
                _quantiles(whole, columns),
                float(len(whole.values)) if alone else weighed.ess,
                weighed.pareto_k,
                alone or weighed.ok,
                pulls,
            )
        )
    return steps


def _at_all_numbers(
    assessment: Assessment, values: Array, weights: Array, n_items: int
) -> Quantities:
    """Answers given some of the items, at draws of all numbers given the same."""
    prepared, graph = assessment.prepared, assessment.prepared.graph
    tables = [table if i < n_items else None for i, table in enumerate(prepared.tables)]
    likelihoods = replace(assemble(graph, tables), results=n_items > len(tables))
    if prepared.integrated:
        n = len(assessment.exact.values)
        values = draw_integrated(prepared, values, likelihoods, n, assessment.seed)
    if len(weights) < len(values):
        weights = np.ones(len(values))
    return prepared.answers.evaluate(values, likelihoods, weights=weights / weights.sum())
