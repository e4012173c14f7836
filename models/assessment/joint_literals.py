"""P(many literals together): by the numbers they stand for, where a query each would take long."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from storyodds.models.posterior.answers import Exact
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.story.queries import Query

Array = NDArray[np.float64]

_COMPILED_LITERALS = 2_000  # of all queries together: some tenths of a second to compile
_BLOCK_CELLS = 2**21  # of float64: numbers at the draws that are asked about together


def split_off(
    prepared: PreparedStory, queries: Sequence[Query]
) -> tuple[tuple[Query, ...], tuple[Query, ...]]:
    """Tell queries to be compiled from those that `together` answers, in their order.

    The latter are about literals alone, each of an assumption with a probability of its own. They
    stand for nothing where all of them are compiled in no time.

    Parameters
    ----------
    prepared : PreparedStory
    queries : sequence of Query
    """
    own = _own_numbers(prepared)
    apart = [
        query
        for query in queries
        if query == Query((), query.literals) and all(name in own for name, _ in query.literals)
    ]
    written_out = sum(len(query.literals) for query in apart)
    if written_out <= _COMPILED_LITERALS or not isinstance(prepared.answers, Exact):
        return tuple(queries), ()
    chosen = frozenset(apart)
    return tuple(query for query in queries if query not in chosen), tuple(apart)


def together(
    prepared: PreparedStory, queries: Sequence[Query], values: Array, rows: NDArray[np.intp]
) -> Array:
    """P(literals | E, numbers) of queries that were split off, (n_draws, n_queries).

    P(literals, E) is linear in each of their probabilities, and is the product of them times what
    P(E) is with all of them certain. So no query is compiled: P(E) is asked at other numbers.

    Parameters
    ----------
    prepared : PreparedStory
    queries : sequence of Query
        From `split_off`.
    values : (n_draws, n_numbers) array
    rows : (n_draws,) int
        Which draws these are of those that the evidence was assembled for.
    """
    own, likelihoods = _own_numbers(prepared), prepared.likelihoods.take(rows)
    whole = prepared.answers.log_evidence(values, likelihoods)
    chances = np.empty((len(queries), len(values)))
    step = max(1, _BLOCK_CELLS // values.size)
    for first in range(0, len(queries), step):
        block = queries[first : first + step]
        changed = np.repeat(values[None], len(block), axis=0)
        factors = np.ones((len(block), len(values)))
        for k, query in enumerate(block):
            for name, truth in sorted(query.literals):
                p = values[:, own[name]]
                factors[k] *= p if truth else 1 - p
                changed[k, :, own[name]] = float(truth)
        lanes = np.tile(np.arange(len(values)), len(block))
        certain = prepared.answers.log_evidence(
            changed.reshape(len(lanes), -1), likelihoods.take(lanes)
        ).reshape(len(block), -1)
        possible = np.isfinite(certain)  # so is the whole, wherever these can come about
        certain[possible] -= np.broadcast_to(whole, certain.shape)[possible]
        chances[first : first + step] = np.where(factors > 0, factors * np.exp(certain), 0.0)
    return chances.T


def with_single_literals(
    prepared: PreparedStory, queries: Sequence[Query], values: Array, rows: NDArray[np.intp]
) -> Array:
    """P(an outcome, and at most one literal | E, numbers), (n_draws, n_queries).

    One pass back from every outcome, where compiling each literal of a story in stages by itself
    would take much longer.

    Parameters
    ----------
    prepared : PreparedStory
        Of a story that is summed exactly.
    queries : sequence of Query
    values : (n_draws, n_numbers) array
    rows : (n_draws,) int
        Which draws these are of those that the evidence was assembled for.
    """
    ends = tuple(dict.fromkeys(query.outcomes for query in queries))
    likelihoods = prepared.likelihoods.take(rows)
    joint = prepared.sums.jointly(values, likelihoods, [Query(outcomes) for outcomes in ends])
    order = prepared.graph.order

    def chance(query: Query) -> Array:
        end = ends.index(query.outcomes)
        if not query.literals:
            return joint.events[:, end]
        ((name, truth),) = query.literals
        return (joint.true if truth else joint.false)[:, end, order[name]]

    return np.stack([chance(query) for query in queries], axis=1)


def _own_numbers(prepared: PreparedStory) -> Mapping[str, int]:
    """The probability of every assumption that has one, and shares it with nothing."""
    numbers = prepared.resolved.numbers
    return {
        variable.name: variable.rows[0][1]
        for variable in prepared.graph.variables
        if len(variable.rows) == 1
        and numbers[variable.rows[0][1]].places == (f"{variable.name}.probability",)
    }
