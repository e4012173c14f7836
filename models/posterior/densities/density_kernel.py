"""Log p(numbers, evidence) at one point of an unconstrained scale, with its gradient, by numba.

Importing this module imports numba. The functions release the GIL.
"""

import math
from typing import NamedTuple

import numpy as np

from storyodds.models.engine.kernel import Array, Bytes, Ints
from storyodds.models.posterior.densities.evidence_kernel import FlatProgram, log_evidence
from storyodds.models.posterior.densities.prior_kernel import log_expit, prior_density
from storyodds.models.safe_numba import jit
from storyodds.priors.distributions.families import LN2


class Target(NamedTuple):
    """What makes a program a density over unconstrained coordinates."""

    base: Array  # values of the numbers that are not coordinates
    active: Ints  # the number that each coordinate is
    is_logit: Bytes  # or bits
    low: Array  # a logit is that of where a probability stands between low and high
    high: Array
    prior_starts: Ints
    priors: Array  # by component: its kind, log weight and constant, up to three parameters
    is_stretched: Bytes  # whether a coordinate's prior is that of the logit between low and high
    assumptions: Array  # log likelihoods of the evidence, then of each forecast's event and its
    routes: Array  # complement, (1 + 2 * n_forecasts, ...)
    forecasts: Array  # stated log odds and their sd, in nats


@jit
def log_density(program: FlatProgram, target: Target, z: Array) -> tuple[float, Array]:
    """Return log p(z, evidence) and its gradient.

    Parameters
    ----------
    program : FlatProgram
    target : Target
    z : (n_active,) array
        Logits and bits.

    Returns
    -------
    float, (n_active,) array
        In nats; minus infinity and 0 where the evidence is impossible, nan where sums underflow.
    """
    values = target.base.copy()
    complements = 1.0 - values
    for i in range(len(z)):
        number = target.active[i]
        if target.is_logit[i]:  # near p = 1, 1 - p would have lost its digits
            low, width = target.low[i], target.high[i] - target.low[i]
            values[number] = low + width * math.exp(log_expit(z[i]))
            complements[number] = (1.0 - target.high[i]) + width * math.exp(log_expit(-z[i]))
        else:
            values[number] = z[i]
    n_sets = len(target.assumptions)
    fits, slopes = np.empty(n_sets), np.empty((n_sets, len(values)))
    by_item, ended = np.empty(target.assumptions.shape[1]), np.empty(target.routes.shape[1])
    for s in range(n_sets):
        if s == 1:  # the prior, of which forecasts speak, knows no results of checks
            for number in program.passed:
                values[number], complements[number] = 0.0, 1.0
            for number in program.flagged:
                values[number], complements[number] = 1.0, 0.0
        fits[s] = log_evidence(
            program, values, complements, target.assumptions[s], target.routes[s],
            slopes[s], by_item, ended,
        )  # fmt: skip
    return posterior(target, z, fits, slopes)


@jit
def posterior(target: Target, z: Array, fits: Array, slopes: Array) -> tuple[float, Array]:
    """Put prior, evidence and forecasts together.

    Parameters
    ----------
    target : Target
    z : (n_active,) array
    fits, slopes : (n_sets,) and (n_sets, n_numbers) arrays
        Log P(body of evidence | numbers) and its derivatives.

    Returns
    -------
    float, (n_active,) array
        Log density in nats, and its gradient.
    """
    total = fits[0]
    pull = slopes[0].copy()
    for k in range(len(target.forecasts)):
        odds, sd, yes, no = target.forecasts[k, 0], target.forecasts[k, 1], 1 + 2 * k, 2 + 2 * k
        miss = (odds - (fits[yes] - fits[no])) / sd
        total -= 0.5 * miss * miss + math.log(sd / LN2) + 0.5 * math.log(2 * math.pi)
        for i in target.active:
            pull[i] += miss / sd * (slopes[yes, i] - slopes[no, i])
    slope = np.empty(len(z))
    for i in range(len(z)):
        height, tilt = _prior(target, i, z[i])
        total += height
        low, width = target.low[i], target.high[i] - target.low[i]
        if target.is_logit[i] and width < 1.0:  # from the probability's own logit to this one
            s, t = math.exp(log_expit(z[i])), math.exp(log_expit(-z[i]))
            p, q = low + width * s, (1.0 - target.high[i]) + width * t
            pull[target.active[i]] *= width * s * t / (p * q)
        slope[i] = pull[target.active[i]] + tilt
    return total, slope


@jit
def _prior(target: Target, i: int, z: float) -> tuple[float, float]:
    """Log density and slope of coordinate i's prior."""
    rows, first, last = target.priors, target.prior_starts[i], target.prior_starts[i + 1]
    width = target.high[i] - target.low[i]
    if width == 1.0 or not target.is_logit[i] or target.is_stretched[i]:
        return prior_density(rows, first, last, z)
    # The rows speak of the probability's own logit, y.
    s, t = math.exp(log_expit(z)), math.exp(log_expit(-z))
    p, q = target.low[i] + width * s, (1.0 - target.high[i]) + width * t
    rise = width * s * t / (p * q)
    height, slope = prior_density(rows, first, last, math.log(p) - math.log(q))
    return height + math.log(rise), slope * rise + t - s - width * s * t * (1.0 / p - 1.0 / q)
