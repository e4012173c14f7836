"""Weighting: draw the numbers from the prior, weight each draw by P(evidence | draw).

Draws are a scrambled Sobol sequence (randomized quasi-Monte Carlo), weights are Pareto-smoothed
(PSIS; Vehtari, Simpson, Gelman, Yao and Gabry 2024, JMLR 25:72), whose shape k says whether they
can be relied on.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from storyodds.models.arithmetic import log_sum_exp
from storyodds.models.posterior import (
    Draws,
    PreparedStory,
    from_uniforms,
    impossible_evidence,
    log_likelihood,
)
from storyodds.models.quantities import Quantities
from storyodds.priors import errors

Array = NDArray[np.float64]

_ROUNDING = 1e-12  # nats: weights that differ by less are all the same
MAX_PARETO_K = 0.7
MIN_ESS = 400
MIN_ESS_SHARE = 0.1  # of a run so short that MIN_ESS is out of its reach


def prior_draws(prepared: PreparedStory, draws: int, seed: int) -> Array:
    """Draw every uncertain number from the prior.

    Parameters
    ----------
    draws : int
        Rounded up to a power of two, as Sobol sequences need.
    seed : int

    Returns
    -------
    (n_draws, n_numbers) array
    """
    return from_uniforms(
        prepared, prepared.uncertain, uniforms(len(prepared.uncertain), draws, seed)
    )


@lru_cache(maxsize=1)
def uniforms(n_numbers: int, draws: int, seed: int) -> Array:
    """Give the uniform draws behind `prior_draws`, (n_draws, n_numbers), strictly inside 0 and 1.

    They cannot be written to: they are kept for the next story that asks for the same.

    Examples
    --------
    >>> uniforms(2, 100, seed=1).shape
    (128, 2)
    """
    from scipy.stats import qmc  # half a second that exact stories need not pay

    exponent = max(1, int(np.ceil(np.log2(draws))))
    engine = qmc.Sobol(n_numbers, rng=np.random.default_rng([seed, 1]))
    found = np.clip(engine.random_base2(exponent), 1e-12, 1 - 1e-12)
    found.flags.writeable = False
    return np.asarray(found)


def weigh(prepared: PreparedStory, values: Array, prior: Quantities) -> Draws:
    """Weight prior draws by what the evidence says.

    Parameters
    ----------
    prepared : PreparedStory
    values : (n_draws, n_numbers) array
        From `prior_draws`.
    prior : Quantities
        At these draws, without evidence.

    Returns
    -------
    Draws
        `ok` is False where the largest weights carry the answer.

    Raises
    ------
    InputError
        If no draw can explain the evidence.
    """
    return weigh_by(prepared, values, log_likelihood(prepared, values, prior))


def weigh_by(prepared: PreparedStory, values: Array, log_weights: Array) -> Draws:
    """Weight prior draws by log P(evidence | draw), (n_draws,), which is known already.

    Raises
    ------
    InputError
        If no draw can explain the evidence.
    """
    n = len(values)
    top = log_weights.max()
    if not np.isfinite(top):
        raise errors.InputError([errors.Problem(impossible_evidence(prepared))])
    log_mean = float(log_sum_exp(log_weights, axis=0) - np.log(n))
    pareto_k: float | None = None
    if np.ptp(log_weights) > 1e-12:
        smoothed, pareto_k = smooth(np.maximum(log_weights - top, -700.0))
        weights = np.exp(smoothed - log_sum_exp(smoothed, axis=0))
    else:
        weights = np.full(n, 1.0 / n)
    ess = float(1.0 / np.sum(weights**2))
    messages = _complaints(n, ess, pareto_k)
    return Draws(
        values=values,
        weights=weights,
        chains=1,
        method="weighting",
        log_evidence=log_mean,
        diagnostics={"draws": n, "ess": ess, "pareto_k": pareto_k},
        messages=messages,
        ok=not messages,
        statistics={"log_weight": np.log(np.maximum(weights, 1e-300))},
    )


def smooth(log_weights: Array) -> tuple[Array, float | None]:
    """Smooth log weights by a Pareto tail; its shape k is None where there is no tail to fit."""
    if np.ptp(log_weights) < _ROUNDING:
        return log_weights, None
    from arviz_stats.base import array_stats  # over a second; only uncertain stories need it

    try:
        smoothed, k = array_stats.psislw(-log_weights)
    except ValueError:  # the largest weights are all the same: there is no tail to smooth
        return log_weights, None
    # Too few distinct weights in the tail to fit a shape to: nothing is known of it.
    return np.asarray(smoothed, float), float(k) if np.isfinite(k) else None


def _complaints(n: int, ess: float, pareto_k: float | None) -> tuple[str, ...]:
    messages = []
    limit = min(MAX_PARETO_K, 1 - 1 / np.log10(n))
    if pareto_k is not None and pareto_k > limit:
        messages.append(
            f"a few draws carry the answer: Pareto k is {pareto_k:.2f}, above {limit:.2f}"
        )
    needed = min(MIN_ESS, MIN_ESS_SHARE * n)
    if ess < needed:
        messages.append(
            f"the weighted draws count for {ess:.0f} independent draws; {needed:.0f} are needed"
        )
    return tuple(messages)
