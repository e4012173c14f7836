"""Answers without their derivatives: what many changed stories are asked, in little time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine import evaluation
from storyodds.models.engine.strategy import compiled as compile_queries
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.models.story.queries import EVERYTHING, Query

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Forward:
    """What the engine says at every draw.

    Attributes
    ----------
    log_evidence : (n_draws,) array, nats
        Without forecasts.
    outcomes : (n_draws, n_outcomes) array
        P(outcome | E, θ), before the checks.
    queries : (n_draws, n_queries) array
        P(query | E, θ).
    """

    log_evidence: Array
    outcomes: Array
    queries: Array


def forward(
    prepared: PreparedStory,
    values: Array,
    said: LogLikelihoods | None = None,
    queries: Sequence[Query] = (),
) -> Forward:
    """Ask for where training ends, and for some queries.

    Parameters
    ----------
    prepared : PreparedStory
    values : (n_draws, n_numbers) array
    said : LogLikelihoods, optional
        By default the evidence with its own numbers integrated out.
    queries : sequence of Query

    Returns
    -------
    Forward

    Raises
    ------
    UnsupportedStoryError
        If the queries need more memory than the story's sum itself.
    """
    outcomes = [Query((o,)) for o in range(len(prepared.graph.outcomes))]
    program = compile_queries(prepared.compiler, [EVERYTHING, *outcomes, *queries])
    likelihoods = prepared.likelihoods if said is None else said
    log_roots = evaluation.evaluate(program, values, likelihoods).log_roots
    log_evidence = log_roots[:, program.column[EVERYTHING]]
    joint = np.exp(log_roots - np.where(np.isfinite(log_evidence), log_evidence, 0.0)[:, None])
    return Forward(
        log_evidence,
        joint[:, [program.column[query] for query in outcomes]],
        joint[:, np.array([program.column[query] for query in queries], dtype=np.intp)],
    )


def some(values: Array, most: int) -> Array:
    """Some of the rows, picked blindly: every n-th of a Sobol sequence would not be balanced.

    Examples
    --------
    >>> some(np.arange(6.0)[:, None], 3).shape, some(np.zeros((2, 1)), 3).shape
    ((3, 1), (2, 1))
    """
    if len(values) <= most:
        return values
    return values[np.sort(np.random.default_rng(len(values)).permutation(len(values))[:most])]
