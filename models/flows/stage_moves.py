"""How much of the model moves from what to what in each stage of training, beside the evidence."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.engine.sequences import sequence_compiler
from storyodds.models.engine.stage_moves import questions_of, stage_moves
from storyodds.models.numerics import systematic
from storyodds.models.posterior.answers import Exact
from storyodds.models.story.queries import Query
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.scenarios.grammar.outcomes import CLASSES

Array = NDArray[np.float64]

# Evaluations of the circuit: half as many as an estimate has draws, so that the moves take a small
# part of its time however many stages there are.
_EVALUATIONS = 2048
_FEWEST_DRAWS = 32  # all the same, of which the moves are taken
_CLOSE = 1e-13  # of what adds up: hardly more than rounding
_MOST_ROUNDS = 500  # of fitting, each of which leaves a part of what is missing


class Moves(NamedTuple):
    """P(a stage leaves a class, and the next one a route | evidence).

    Attributes
    ----------
    means : (n_stages - 1, n_classes, n_routes) array
    errors : (n_stages - 1, n_classes, n_routes) array
        Monte Carlo standard errors of the means before they are fitted.
    """

    means: Array
    errors: Array


def moves_by_stage(assessment: Assessment) -> Moves | None:
    """P(a stage leaves a class, and the next one a route | evidence), posterior means.

    Exact where no number has to be sampled. Elsewhere they are means over some of the draws, fitted
    to what is given more exactly: they add up to the odds of each class as the one stage ends,
    and to those of each route as the next one does.

    Parameters
    ----------
    assessment : Assessment

    Returns
    -------
    Moves or None
        None of training in one step, where states are simulated instead of summed, and where there
        is no room for it.
    """
    prepared, averaged = assessment.prepared, assessment.averaged
    if len(prepared.graph.stages) < 2 or not isinstance(prepared.answers, Exact):
        return None
    ends = _odds_by_stage(assessment)
    of_class = np.array([route.outcome_class for route in prepared.graph.routes])
    classes = np.stack([ends[:, of_class == name].sum(axis=1) for name in CLASSES], axis=1)
    questions = [q for q in questions_of(prepared.graph) if classes[q.pair, q.model] > 0]
    try:
        compiler = sequence_compiler(prepared.compiler)
    except UnsupportedStoryError:
        return None
    rows = np.arange(1)
    if len(averaged.values) > 1:
        draws = max(_FEWEST_DRAWS, _EVALUATIONS // max(1, len(questions)))
        rows = np.sort(systematic(averaged.weights, min(draws, len(averaged.values))))
    moves = stage_moves(
        compiler,
        averaged.values[rows],
        prepared.likelihoods.take(rows),
        averaged.log_evidence[rows],
        questions,
    )
    sums = zip(moves.mean(axis=0), classes[:-1], ends[1:], strict=True)
    errors = moves.std(axis=0) / np.sqrt(len(moves))  # of a single draw, which is exact, none
    return Moves(np.stack([_fitted(*x) for x in sums]), errors)


def _odds_by_stage(assessment: Assessment) -> Array:
    """P(a stage leaves a route | evidence), (n_stages, n_routes)."""
    means = assessment.averaged.mean(assessment.averaged.queries)
    column = {query: k for k, query in enumerate(assessment.queries)}
    return np.array(
        [
            [sum(means[column[Query((), way)]] for way in ways) for ways in ending.ways]
            for ending in assessment.prepared.graph.stages
        ]
    )


def _fitted(table: Array, rows: Array, columns: Array) -> Array:
    """Scale rows and columns of a table in turn until they add up to what they should.

    Iterative proportional fitting: of all tables that add up so, the nearest one by relative
    entropy, in which what cannot be stays 0.

    Examples
    --------
    >>> _fitted(np.array([[0.2, 0.2], [0.3, 0.3]]), np.array([0.5, 0.5]), np.array([0.5, 0.5]))
    array([[0.25, 0.25],
           [0.25, 0.25]])
    """
    table = table.copy()
    for _ in range(_MOST_ROUNDS):
        table *= _ratio(rows, table.sum(axis=1))[:, None]
        table *= _ratio(columns, table.sum(axis=0))
        if abs(table.sum(axis=1) - rows).max() <= _CLOSE:
            break
    return table


def _ratio(sums: Array, present: Array) -> Array:
    return np.divide(sums, present, out=np.zeros_like(sums), where=present > 0)
