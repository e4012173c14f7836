"""Answers given many versions of the evidence, all at the same draws of the numbers.

Only what differs is asked of the engine. What a version says of the outcome multiplies the routes
of its answers, which can be done afterwards. What it says of assumptions tells their joint states
apart and nothing else, so that where states are few beside versions, each state is asked once, and
every version mixes their answers.

Known results of checks are evidence too. They are part of the sums that a story is compiled to, so
that a version has all of them or none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from storyodds.models.posterior.evidence import assemble
from storyodds.models.posterior.forecasts import forecast_densities, forecast_sides
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.posterior.questions import ask
from storyodds.models.posterior.shared_rates import table_at
from storyodds.models.story.events import EVENTS, weights
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.likelihoods import LogLikelihoods, item_targets

Array = NDArray[np.float64]

_EVALUATIONS = 2**14  # of the engine in one call, so that memory stays small
_CELLS = 2**20  # of what versions are mixed by, for the same reason
_STATES = 128  # more of them take longer to mix than the versions to ask

RESULTS = "results of checks"


@dataclass(frozen=True)
class Versions:
    """Answers given each version of the evidence.

    Attributes
    ----------
    log_evidence : (n_draws, n_versions) array
        Log P(version | θ), in nats; minus infinity where impossible.
    events : (n_draws, n_versions, n_events) array
        P(event | version, θ); 0 where the version is impossible.
    """

    log_evidence: Array
    events: Array


def findings_of(graph: StoryGraph) -> tuple[str, ...]:
    """Name what a version of the evidence can leave out: its items, then the results of checks.

    A check whose result is the only one goes by its own name; several go together.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.story.building import build_graph
    >>> from storyodds.scenarios.resolve import resolve
    >>> findings_of(build_graph(resolve(load_story("cat-classifier"))))
    ('adversarial-examples',)
    """
    results = [check.id for check in graph.checks if check.result is not None]
    names = results if len(results) < 2 else [RESULTS]
    return (*(item.id for item in graph.evidence), *names)


def opinions_of(graph: StoryGraph) -> tuple[str, ...]:
    """Name the findings that are forecasts, and so opinions."""
    return tuple(graph.evidence[i].id for i in graph.forecasts)


def answer_versions(
    prepared: PreparedStory, values: Array, powers: Array, of: Sequence[int]
) -> Versions:
    """Return log P(version | θ) and P(event | version, θ) at given draws.

    Parameters
    ----------
    prepared : PreparedStory
        Computed exactly, not simulated.
    values : (n_draws, n_numbers) array
    powers : (n_versions, n_findings) array
        To which each version raises what each of `findings_of` says, its own rates integrated out:
        0 leaves it out, and 1 takes it as it is. Results of checks have no other power.
    of : sequence of int
        Columns of `events.EVENTS`.

    Returns
    -------
    Versions

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.models.changes.what_if import columns_of
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessed = assess(resolve(load_story("cat-classifier")))
    >>> prepared, values = assessed.prepared, assessed.draws.values[:4]
    >>> powers = np.array([[0.0], [0.5], [1.0]])
    >>> versions = answer_versions(prepared, values, powers, columns_of(["success"]))
    >>> versions.log_evidence.shape, versions.events.shape
    ((4, 3), (4, 3, 1))
    """
    n_items = len(prepared.graph.evidence)
    results = powers[:, n_items:].all(axis=1)  # no column of them: nothing to leave out
    log_evidence = np.empty((len(values), len(powers)))
    events = np.empty((*log_evidence.shape, len(of)))
    for counted in np.unique(results).tolist():
        columns = results == counted
        versions = _answer(prepared, values, powers[columns, :n_items], of, results=counted)
        log_evidence[:, columns], events[:, columns] = versions.log_evidence, versions.events
    densities = forecast_densities(prepared.graph, forecast_sides(prepared, values))
    for i, log_density in densities.items():
        log_evidence += _powered(powers[:, i], log_density[:, None])
    return Versions(log_evidence, events)


def _answer(
    prepared: PreparedStory, values: Array, powers: Array, of: Sequence[int], *, results: bool
) -> Versions:
    """Answers but for forecasts, given the results of checks or not."""
    if prepared.likelihoods.moving:  # what findings say differs from draw to draw
        by_draw = [
            _answer(at_draw(prepared, row), row[None], powers, of, results=results)
            for row in values
        ]
        return Versions(
            np.concatenate([versions.log_evidence for versions in by_draw]),
            np.concatenate([versions.events for versions in by_draw]),
        )
    graph = prepared.graph
    likelihoods = _likelihoods(prepared, powers)
    parts, part = np.unique(likelihoods.assumptions, axis=0, return_inverse=True)
    states, log_mix = _states_of(graph, parts)
    log_asked, outcomes = _outcomes_given(prepared, values, states, results=results)
    factors_of_routes, route = np.unique(likelihoods.routes, axis=0, return_inverse=True)
    of_outcome = factors_of_routes[:, [outcome.route for outcome in graph.outcomes]]
    top = of_outcome.max(axis=1)
    shares = _event_shares(graph, values, of)
    log_evidence = np.empty((len(values), len(powers)))
    events = np.empty((*log_evidence.shape, len(of)))
    step = max(
        1, _CELLS // (len(parts) * (len(graph.outcomes) if log_mix is None else len(states)))
    )
    for block in (slice(first, first + step) for first in range(0, len(values), step)):
        log_scale, mix = _mixture(log_asked[block], log_mix)
        for r, factors in enumerate(np.exp(of_outcome - top[:, None])):
            columns = np.flatnonzero(route == r)
            joint = outcomes[block] @ (factors[:, None] * shares[block])
            joint = (joint if mix is None else mix @ joint)[:, part[columns]]
            mass = joint[:, :, -1]
            with np.errstate(divide="ignore"):
                log_evidence[block, columns] = log_scale[:, part[columns]] + np.log(mass) + top[r]
            events[block, columns] = joint[:, :, :-1] / np.where(mass > 0, mass, 1.0)[:, :, None]
    return Versions(log_evidence, events)


def at_draw(prepared: PreparedStory, row: Array) -> PreparedStory:
    """Settle what findings say at one draw of the numbers, (n_numbers,)."""
    tables = [None if t is None else table_at(t, row[None]) for t in prepared.tables]
    return replace(prepared, tables=tables)


def _powered(powers: Array, logs: Array) -> Array:
    """Logs times powers; nothing where the power is 0, though the log may be infinite."""
    with np.errstate(invalid="ignore"):
        return np.where(powers == 0, 0.0, powers * logs)


def _likelihoods(prepared: PreparedStory, powers: Array) -> LogLikelihoods:
    """What the versions say but for forecasts, a row for each of them."""
    tables = [
        None if table is None else _powered(powers[:, i : i + 1], np.asarray(table))
        for i, table in enumerate(prepared.tables)
    ]
    likelihoods = assemble(prepared.graph, tables)
    assumptions, routes = (
        np.broadcast_to(x, (len(powers), x.shape[1]))
        for x in (likelihoods.assumptions, likelihoods.routes)
    )
    return LogLikelihoods(assumptions, routes)


def _states_of(graph: StoryGraph, parts: Array) -> tuple[Array, Array | None]:
    """What to ask the engine of assumptions, and the log of how much of it is in every part.

    The parts themselves, and None, unless there are few joint states of what they speak of.
    """
    about: dict[int, list[int]] = {}  # by assumption, where what is said of it begins
    for k, target in enumerate(item_targets(graph)):
        if parts[:, 2 * k : 2 * k + 2].any():
            if target is None:  # a row and an alternative, of which no state is made up
                return parts, None
            about.setdefault(target, []).append(2 * k)
    if 2 ** len(about) > min(len(parts) // 2, _STATES):
        return parts, None
    states = list(product((0, 1), repeat=len(about)))
    likelihoods = np.zeros((len(states), parts.shape[1]))
    log_mix = np.zeros((len(parts), len(states)))
    for s, state in enumerate(states):
        for truth, begins in zip(state, about.values(), strict=True):
            likelihoods[s, begins[0] + 1 - truth] = -np.inf
            log_mix[:, s] += parts[:, [begin + truth for begin in begins]].sum(axis=1)
    return likelihoods, log_mix


def _outcomes_given(
    prepared: PreparedStory, values: Array, states: Array, *, results: bool
) -> tuple[Array, Array]:
    """Log P(asked | θ), (n_draws, n_asked), and P(outcome | asked, θ), with one axis more."""
    n, graph = len(values), prepared.graph
    log_evidence = np.empty((n, len(states)))
    outcomes = np.empty((*log_evidence.shape, len(graph.outcomes)))
    step = max(1, _EVALUATIONS // n)
    for begin in range(0, len(states), step):
        part = states[begin : begin + step]
        likelihoods = LogLikelihoods(
            np.repeat(part, n, axis=0), np.zeros((1, len(graph.routes))), results=results
        )
        answer = ask(prepared, np.tile(values, (len(part), 1)), likelihoods=likelihoods)
        block = slice(begin, begin + len(part))
        log_evidence[:, block] = answer.log_findings.reshape(len(part), n).T
        outcomes[:, block] = answer.outcomes.reshape(len(part), n, -1).transpose(1, 0, 2)
    return log_evidence, outcomes


def _mixture(log_asked: Array, log_mix: Array | None) -> tuple[Array, Array | None]:
    """How much of what was asked is in every part, (n_draws, n_parts, n_asked), but for a scale.

    With the log of that scale, (n_draws, n_parts).
    """
    if log_mix is None:
        return log_asked, None
    logs = log_asked[:, None] + log_mix
    top = logs.max(axis=2)
    top = np.where(np.isfinite(top), top, 0.0)
    return top, np.exp(logs - top[:, :, None])


def _event_shares(graph: StoryGraph, values: Array, of: Sequence[int]) -> Array:
    """P(event | outcome), (n_draws, n_outcomes, n_events + 1), the last of which is anything.

    Outcomes overlap, and only routes as a whole add up to anything.
    """
    shares = weights(graph, values, [EVENTS[e] for e in of]).transpose(0, 2, 1)
    whole = (np.arange(len(graph.outcomes)) < len(graph.routes)).astype(float)
    anything = np.broadcast_to(whole[:, None], (*shares.shape[:2], 1))
    return np.concatenate([shares, anything], axis=2)
