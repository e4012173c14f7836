"""Draws of the numbers that are integrated out, given those that are not and the evidence.

Given a state of the story, drawn from its exact conditional, each of these numbers follows its
prior times whether what it is the chance of came about; and they are independent of each other.
"""

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine.state_draws import Uses
from storyodds.models.posterior import weighting
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.priors.distributions.families import rate_like

Array = NDArray[np.float64]


def draw_integrated(
    prepared: PreparedStory, values: Array, likelihoods: LogLikelihoods, draws: int, seed: int
) -> Array:
    """Draw the integrated numbers, one draw at every draw of the sampled ones.

    Parameters
    ----------
    prepared : PreparedStory
    values : (1 or n_draws, n_numbers) array
        Of the sampled numbers, the integrated ones at their means. One draw, where there is
        nothing to sample, serves for all.
    likelihoods : LogLikelihoods
        The evidence, or a part of it.
    draws : int
        How many, where there is one draw of the sampled numbers; rounded up to a power of two.
    seed : int

    Returns
    -------
    (n_draws, n_numbers) array

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.posterior.prepared import prepare
    >>> from storyodds.scenarios.resolve import resolve
    >>> prepared = prepare(resolve(load_story("cat-classifier")))
    >>> values = np.repeat(prepared.center[None], 4, axis=0)
    >>> drawn = draw_integrated(prepared, values, prepared.likelihoods, 4, seed=1)
    >>> sorted(np.flatnonzero(np.ptp(drawn, axis=0)).tolist()) == sorted(prepared.integrated)
    True
    """
    n = draws if len(values) == 1 else len(values)
    u = weighting.uniforms(len(prepared.core), n, seed)
    return integrated_at(prepared, values, likelihoods, u, seed)


def integrated_at(
    prepared: PreparedStory, values: Array, likelihoods: LogLikelihoods, u: Array, seed: int
) -> Array:
    """Draw the integrated numbers as `draw_integrated`, from given uniform draws.

    Parameters
    ----------
    prepared, values, likelihoods, seed
        As of `draw_integrated`.
    u : (n_draws, n_core) array
        Uniform draws, a column for each uncertain number of the story; as many are made, or one at
        every draw of the sampled numbers.

    Returns
    -------
    (n_draws, n_numbers) array
    """
    single = len(values) == 1
    n = len(u) if single else len(values)
    uses = Uses.none(n, len(prepared.distributions))
    if prepared.has_evidence:
        uses = prepared.answers.uses(values, likelihoods, np.random.default_rng([seed, 3]), n)
    drawn = np.repeat(values, n, axis=0) if single else values.copy()
    for column, i in enumerate(prepared.core):
        if i in prepared.integrated:
            drawn[:, i] = _given_uses(prepared, i, uses, u[:n, column])
    return drawn


def _given_uses(prepared: PreparedStory, i: int, uses: Uses, u: Array) -> Array:
    """Draw one number given whether what it is the chance of came about."""
    distribution, drawn = rate_like(prepared.distributions[i]), np.empty(len(u))
    happened, failed = uses.happened[:, i], uses.failed[:, i]
    for rows, hits, trials in (
        (happened, 1, 1),
        (failed, 0, 1),
        (~happened & ~failed, 0, 0),
    ):
        if rows.any():
            drawn[rows] = (
                distribution.draw_given_binomial(u[rows], hits, trials)
                if trials
                else distribution.quantile(u[rows])
            )
    return drawn
