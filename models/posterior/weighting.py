"""Weighting: draw the numbers from the prior, weight each draw by P(evidence | draw).

Draws are scrambled Sobol sequences (randomized quasi-Monte Carlo), independent ones, so that how
far they part says how far the answer may be off. What can be integrated out of
the evidence is, so that weights depend on few numbers and are bounded: no draw can explain the
evidence better than its best-fitting hypotheses do. Where that bound does not settle that the
weights are good, the shape k of a Pareto tail fitted to them does (Vehtari, Simpson, Gelman, Yao
and Gabry 2024, JMLR 25:72). Weights are used as they are: smoothing would cut real ones.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine.arithmetic import log_sum_exp
from storyodds.models.posterior.impossible import impossibility
from storyodds.models.posterior.prepared import PreparedStory, from_uniforms
from storyodds.models.sobol import sobol_points
from storyodds.models.story.correlated_numbers import draw_correlated
from storyodds.priors.distributions.families import Distribution, Mixture
from storyodds.priors.text import errors

Array = NDArray[np.float64]

_ROUNDING = 1e-12  # nats: weights that differ by less are all the same
MAX_PARETO_K = 0.5  # from which on raw weights have no finite variance, and no error to state
# Independent sequences, as many as let errors be known to an eighth (1 / sqrt(2 * 31)).
REPLICATES = 32
MIN_ESS = 400  # independent draws, of which a 5% point is known to about a percent
MIN_ESS_SHARE = 0.1  # of a run so short that MIN_ESS is out of its reach


@dataclass(frozen=True)
class Weights:
    """Weights of draws, and whether they can be relied on.

    Attributes
    ----------
    weights : (n_draws,) array
        Sum to 1.
    log_evidence : float
        Natural log of P(evidence).
    log_evidence_error : float
        Its standard error, in nats.
    ess : float
        How many independent draws the weighted ones count as.
    bound : float
        The most that any weight could be, as a multiple of the mean weight.
    pareto_k : float or None
        Shape of the tail of the weights; None where the bound settles that they are good.
    messages : tuple of str
        What speaks against them.
    """

    weights: Array
    log_evidence: float
    log_evidence_error: float
    ess: float
    bound: float
    pareto_k: float | None
    messages: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the weights can be relied on."""
        return not self.messages


@lru_cache(maxsize=1)
def uniforms(n_numbers: int, draws: int, seed: int) -> Array:
    """Return the uniform draws behind numbers, (n_draws, n_numbers), strictly inside 0 and 1.

    They cannot be written to: they are kept for the next story with the same.

    Parameters
    ----------
    n_numbers : int
    draws : int
        Rounded up to a power of two, as Sobol sequences need.
    seed : int

    Examples
    --------
    >>> uniforms(2, 100, seed=1).shape
    (128, 2)
    """
    exponent = max(1, int(np.ceil(np.log2(draws))))
    sequences = min(REPLICATES, 2**exponent)
    length = exponent - int(np.log2(sequences))
    points = sobol_points(n_numbers, length, np.random.default_rng([seed, 1]), sequences)
    points = np.clip(points, 1e-12, 1 - 1e-12)
    points.flags.writeable = False
    return np.asarray(points)


def prior_draws(prepared: PreparedStory, draws: int, seed: int) -> Array:
    """Draw every uncertain number of a story from the prior.

    Parameters
    ----------
    prepared : PreparedStory
    draws : int
        Rounded up to a power of two, as Sobol sequences need.
    seed : int

    Returns
    -------
    (n_draws, n_numbers) array
        Findings' own numbers stand at their medians.
    """
    return from_uniforms(prepared, prepared.core, uniforms(len(prepared.core), draws, seed))


def sampled_draws(prepared: PreparedStory, draws: int, seed: int) -> tuple[Array, Array]:
    """Draw the numbers that have to be sampled, and leave the others at their means.

    Of a pool every judgment gets its draws, however little it weighs: a finding may speak for it.

    Parameters
    ----------
    prepared : PreparedStory
    draws : int
        Rounded up to a power of two.
    seed : int

    Returns
    -------
    values : (n_draws, n_numbers) array
        One draw where no number has to be sampled.
    log_weights : (n_draws,) array
        What every draw counts, in nats, before the evidence.
    """
    if not prepared.sampled:
        return prepared.center[None].copy(), np.zeros(1)
    return sampled_at(prepared, uniforms(len(prepared.core), draws, seed))


def sampled_at(prepared: PreparedStory, points: Array) -> tuple[Array, Array]:
    """Return the draws that are behind uniform ones, as `sampled_draws`.

    Parameters
    ----------
    prepared : PreparedStory
    points : (n_draws, n_core) array
        Uniform draws, a column for each uncertain number of the story.
    """
    if not prepared.sampled:
        return prepared.center[None].copy(), np.zeros(1)
    values = np.tile(prepared.center, (len(points), 1))
    log_weights, active = np.zeros(len(points)), set(prepared.active)
    together = draw_correlated(prepared.blocks, prepared.distributions, prepared.core, points)
    for column, i in enumerate(prepared.core):
        if i in together:  # pools too: another way to draw them would not keep what goes together
            values[:, i] = together[i]
        elif i in prepared.sampled:
            distribution = prepared.distributions[i]
            if i in active and isinstance(distribution, Mixture):
                values[:, i], log_ratio = stratified(distribution, points[:, column])
                log_weights = log_weights + log_ratio
            else:
                values[:, i] = distribution.quantile(points[:, column])
    return values, log_weights


def stratified(pool: Mixture, u: Array) -> tuple[Array, Array]:
    """Draw from a pool, half of the draws from its judgments evenly and half by their weights.

    Parameters
    ----------
    pool : Mixture
    u : (n_draws,) array
        Uniform draws.

    Returns
    -------
    values, log_weights : (n_draws,) arrays
        The latter in nats, at most log 2: the density of the pool over that of these draws.

    Examples
    --------
    >>> from storyodds.priors.distributions.families import Point
    >>> values, log_weights = stratified(Mixture((0.9, 0.1), (Point(1.0), Point(2.0))), np.array([
    ...     0.1, 0.8]))
    >>> values.tolist(), np.exp(log_weights).round(3).tolist()
    ([1.0, 2.0], [1.286, 0.333])
    """
    prior = np.asarray(pool.weights) / np.sum(pool.weights)
    proposal = (prior + 1 / len(prior)) / 2
    edges = np.concatenate([[0.0], np.cumsum(proposal)])
    chosen = np.clip(np.searchsorted(edges, u, side="right") - 1, 0, len(prior) - 1)
    place = np.clip((u - edges[chosen]) / proposal[chosen], 1e-12, 1 - 1e-12)
    values = np.empty(len(u))
    for k, component in enumerate(pool.components):
        here = chosen == k
        values[here] = _quantiles(component, place[here])
    with np.errstate(divide="ignore"):
        return values, np.log(prior / proposal)[chosen]


def _quantiles(component: Distribution, u: Array) -> Array:
    return component.quantile(u) if len(u) else np.zeros(0)


def weigh(prepared: PreparedStory, log_weights: Array, log_bound: float = np.inf) -> Weights:
    """Weight draws by the logs of their weights.

    Parameters
    ----------
    prepared : PreparedStory
    log_weights : (n_draws,) array
        Natural logs of P(evidence | draw) times prior over proposal density.
    log_bound : float
        The most that any of them could be.

    Raises
    ------
    InputError
        If no draw can explain the evidence.
    """
    n, top = len(log_weights), log_weights.max()
    if not np.isfinite(top):
        raise errors.InputError([impossibility(prepared)])
    log_mean = float(log_sum_exp(log_weights, axis=0) - np.log(n))
    if np.ptp(log_weights) <= _ROUNDING:
        return Weights(np.full(n, 1.0 / n), log_mean, 0.0, float(n), 1.0, None, ())
    weights = np.exp(log_weights - log_mean) / n
    ess = float(1.0 / np.sum(weights**2))
    error = float(spread_of_sums(weights - 1.0 / n))
    bound = float(np.exp(min(log_bound - log_mean, 700.0)))
    # No weight can be more than the bound, so that their ESS is at least n over it, whatever the
    # draws missed.
    pareto_k = None if n >= MIN_ESS * bound else _pareto_k(log_weights - top)
    return Weights(weights, log_mean, error, ess, bound, pareto_k, complaints(n, ess, pareto_k))


def _pareto_k(log_weights: Array) -> float | None:
    """Shape of the tail of weights; None where there is no tail to fit it to."""
    from storyodds.models.safe_arviz import array_stats  # slow; only weights in doubt need it

    try:
        _, k = array_stats.psislw(-np.maximum(log_weights, -700.0))
    except ValueError:  # the largest weights are all the same: there is no tail
        return None
    return float(k) if np.isfinite(k) else None


def pareto_k(log_weights: Array) -> float | None:
    """Shape of the tail of weights, from their natural logs; None where they have no tail.

    Examples
    --------
    >>> pareto_k(np.zeros(100)) is None
    True
    """
    if np.ptp(log_weights) <= _ROUNDING:
        return None
    return _pareto_k(log_weights - log_weights.max())


def sequence_of(draws: int) -> NDArray[np.intp]:
    """Tell which independent sequence every draw is of, as `uniforms` orders them; (n_draws,).

    Of draws of a chain, or in random order, any stretch will do for one.

    Examples
    --------
    >>> sequence_of(64)[:4].tolist(), sequence_of(3).tolist()
    ([0, 0, 1, 1], [0, 1, 2])
    """
    sequences = min(REPLICATES, draws)
    starts = np.arange(sequences) * draws // sequences
    return np.searchsorted(starts, np.arange(draws), side="right") - 1


def sums_by_sequence(terms: Array, sequences: NDArray[np.intp]) -> Array:
    """Add up what draws add to sums over all of them, sequence by sequence.

    Parameters
    ----------
    terms : (n_draws, ...) array
    sequences : (n_draws,) int array
        Which sequence each draw is of, as `sequence_of` has it.

    Returns
    -------
    (REPLICATES, ...) array
        0 for sequences without draws.

    Examples
    --------
    >>> sums_by_sequence(np.array([1.0, 2.0, 4.0]), np.array([0, 1, 1]))[:3].tolist()
    [1.0, 6.0, 0.0]
    """
    sums = np.zeros((REPLICATES, *terms.shape[1:]))
    np.add.at(sums, sequences, terms)
    return sums


def spread_between(sums: Array) -> Array:
    """Give the standard error of sums over draws, from `sums_by_sequence` that are about 0."""
    return np.asarray(np.sqrt(REPLICATES * sums.var(axis=0, ddof=1)))


def spread_of_sums(terms: Array) -> Array:
    """Return the standard error of sums over draws, from sums over each of their sequences.

    Parameters
    ----------
    terms : (n_draws, ...) array
        What every draw adds to sums that are expected to be 0; draws as `uniforms` orders them.

    Returns
    -------
    (...) array

    Examples
    --------
    >>> float(spread_of_sums(np.repeat([1.0, -1.0], 32)).round(3))  # 32 sums, half of them 2
    11.495
    """
    if len(terms) == 1:
        return np.zeros(terms.shape[1:])
    sequences = min(REPLICATES, len(terms))
    starts = np.arange(sequences) * len(terms) // sequences
    sums = np.add.reduceat(terms, starts, axis=0)
    return np.asarray(np.sqrt(sequences * sums.var(axis=0, ddof=1)))


def complaints(n: int, ess: float, pareto_k: float | None) -> tuple[str, ...]:
    """What speaks against n weighted draws that count as so many independent ones."""
    messages = []
    if pareto_k is not None and pareto_k > MAX_PARETO_K:
        messages.append(
            f"a few draws carry the answer: Pareto k is {pareto_k:.2f}, above {MAX_PARETO_K}"
        )
    least = min(MIN_ESS, MIN_ESS_SHARE * n)
    if ess < least:
        messages.append(
            f"the weighted draws count for {ess:.0f} independent draws; {least:.0f} are needed"
        )
    return tuple(messages)
