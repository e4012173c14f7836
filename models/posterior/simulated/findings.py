"""What findings say at simulated states, whose rows and alternatives are seen there."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from storyodds.models.posterior.evidence import columns
from storyodds.models.posterior.simulated.uses import holds
from storyodds.models.story.graph import EvidenceItem, StoryGraph

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]


def log_likelihoods_of_states(
    graph: StoryGraph, logs: Array, truth: Bools, by_name: Mapping[str, Bools]
) -> Array:
    """Return what findings about assumptions say of states, (n_draws, n_states), in nats.

    Parameters
    ----------
    graph : StoryGraph
    logs : (1 or n_draws, n_columns) array
        As `LogLikelihoods.assumptions`.
    truth : (n_draws, n_variables, n_states) bool array
    by_name : mapping of str to (n_draws, n_states) bool array
        The same by assumption.
    """
    total = np.zeros((len(truth), truth.shape[2]))
    for i, first in columns(graph).items():
        item = graph.evidence[i]
        if not item.rows:
            for k, v in enumerate(item.targets):
                pair = logs[:, first + 2 * k : first + 2 * k + 2, None]
                total += np.where(truth[:, v], pair[:, 1], pair[:, 0])
        elif item.targets:
            # Of (false, true) the truth is the place; of states it is where the true one stands.
            alternative = truth[:, list(item.targets)].argmax(axis=1)
            if not item.states:
                alternative = truth[:, item.targets[0]].astype(np.intp)
            total += _at(item, logs[:, first:], alternative, by_name)
    return total


def log_likelihoods_of_routes(
    graph: StoryGraph, logs: Array, by_name: Mapping[str, Bools]
) -> Iterator[tuple[int, Array]]:
    """Yield by route what findings with rows say of it in each state, (n_draws, n_states)."""
    for i, first in columns(graph).items():
        item = graph.evidence[i]
        for route, alternative in enumerate(item.of_routes):
            yield route, _at(item, logs[:, first:], np.intp(alternative), by_name)


def _at(
    item: EvidenceItem, logs: Array, alternative: Ints | np.intp, by_name: Mapping[str, Bools]
) -> Array:
    """The likelihood of the pair that holds in each state."""
    shape = next(iter(by_name.values())).shape
    row = np.full(shape, len(item.rows) - 1, dtype=np.intp)
    for k, when in reversed(list(enumerate(item.formulas))):
        row = np.where(holds(when, by_name), k, row)
    pair = row * (len(item.keys) // len(item.rows)) + alternative
    of_draws = np.repeat(logs, len(row) // len(logs), axis=0)
    return np.asarray(np.take_along_axis(of_draws, 2 * pair + 1, axis=1))
