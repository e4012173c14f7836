"""The posterior density on an unconstrained scale, with its gradient.

A probability is represented by its logit, bits by themselves. Only the numbers on which the
evidence can bear are coordinates: every other number keeps its prior, exactly.

This module lays a story out as flat arrays; `density_kernel` does the arithmetic.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import isfinite, log, pi
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from storyodds.models.circuits.quadrature import longest_rule
from storyodds.models.engine import evaluation
from storyodds.models.engine.program import Program, without_results
from storyodds.models.posterior.evidence import event_likelihoods
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.priors.distributions.beta_functions import log_beta_peak
from storyodds.priors.distributions.bounded import TruncatedLogNormal, TruncatedNormal, Uniform
from storyodds.priors.distributions.families import (
    LN2,
    BetaDistribution,
    Continuous,
    Distribution,
    Mixture,
)
from storyodds.priors.distributions.log_pool import LogPool
from storyodds.priors.text.errors import UnsupportedStoryError

if TYPE_CHECKING:  # it imports numba, which weighting need not pay for
    from storyodds.models.posterior.densities.density_kernel import Target
    from storyodds.models.posterior.densities.evidence_kernel import FlatProgram

Array = NDArray[np.float64]
Ints = NDArray[np.int32]
LogDensity = Callable[[Array], tuple[float, Array]]


def continuous(prepared: PreparedStory) -> tuple[Continuous, ...]:
    """The densities of the active numbers."""
    return tuple(prepared.distributions[i] for i in prepared.active)  # type: ignore[misc]


def to_values(prepared: PreparedStory, z: Array, base: Array) -> Array:
    """Put unconstrained coordinates back into a full vector of numbers.

    Parameters
    ----------
    z : (n_draws, n_active) array
    base : (n_draws or 1, n_numbers) array
        The other numbers.

    Returns
    -------
    (n_draws, n_numbers) array
    """
    values = np.repeat(base, len(z), axis=0) if len(base) == 1 else base.copy()
    numbers = prepared.resolved.numbers
    for column, i in enumerate(prepared.active):
        values[:, i] = z[:, column]
        if numbers[i].kind == "probability":
            low, high = bounds(prepared.distributions[i])
            values[:, i] = low + (high - low) * expit(z[:, column])
    return values


def to_coordinate(prepared: PreparedStory, i: int, x: float) -> float:
    """The unconstrained coordinate of a value of number i."""
    if prepared.resolved.numbers[i].kind != "probability":
        return x
    low, high = bounds(prepared.distributions[i])
    return float(logit(np.clip((x - low) / (high - low), 1e-12, 1 - 1e-12)))


def bounds(distribution: Distribution) -> tuple[float, float]:
    """Between which a probability lies: a sampler cannot see the walls of a uniform number."""
    if isinstance(distribution, Uniform | LogPool):
        return distribution.low, distribution.high
    return 0.0, 1.0


def flatten(program: Program) -> "FlatProgram":
    """Lay a program with one root out flat."""
    from storyodds.models.posterior.densities.evidence_kernel import FlatProgram

    circuit, far = program.circuit, longest_rule()
    nodes = circuit.leaves
    patterns = program.competition == "patterns"
    ends = program.shares if patterns else program.wins
    races = [row[row >= 0] for row in program.races] if patterns else []
    configs = (
        [row[row >= 0] for row in program.share_configs] if patterns else list(ends.what[:, None])
    )
    bits = program.config_bits
    return FlatProgram(
        op=circuit.op,
        left=circuit.left,
        right=circuit.right,
        n_fixed=circuit.n_fixed,
        roots=circuit.roots,
        leaf_nodes=nodes[: program.n_fixed_leaves],
        yes=_ints(program.yes.leaves),
        yes_numbers=_ints(program.yes.what),
        no=_ints(program.no.leaves),
        no_numbers=_ints(program.no.what),
        findings=_ints(program.findings.leaves),
        finding_columns=_ints(program.findings.what),
        ends=_ints(ends.leaves),
        end_starts=_starts(configs),
        end_configs=_ints(np.concatenate([[], *configs])),
        end_races=_ints(ends.what),
        stays=nodes[program.stay_leaves],
        stay_configs=_ints(program.stays.what),
        omega=-1 if patterns else int(nodes[program.omega]),
        constant=_ints([] if patterns else np.flatnonzero(program.constant)),
        config_routes=_ints(program.config_routes),
        config_starts=_ints(bits.indptr),
        config_numbers=_ints(np.repeat(bits.indices, bits.data.astype(int))),
        floor=program.floor.astype(np.int8),
        race_starts=_starts(races),
        race_configs=_ints(np.concatenate([[], *races])),
        nodes=far.nodes,
        weights=far.weights,
        n_near=far.n_near,
        step=far.step,
        reach=far.reach,
        passed=_ints(program.result_rates.passed),
        flagged=_ints(program.result_rates.flagged),
    )


def _ints(x: object) -> Ints:
    return np.array(x, dtype=np.int32, order="C")


def _starts(lists: Sequence[NDArray[np.intp]]) -> Ints:
    return _ints(np.cumsum([0, *(len(x) for x in lists)]))


def target_of(prepared: PreparedStory, base: Array) -> "Target":
    """Lay out what `log_density` needs beside the plan.

    Parameters
    ----------
    prepared : PreparedStory
    base : (1, n_numbers) array
        Values of the numbers that are not coordinates.
    """
    from storyodds.models.posterior.densities.density_kernel import Target

    graph = prepared.graph
    numbers = prepared.resolved.numbers
    densities = [(prior, _unwalled(prior)) for prior in continuous(prepared)]
    priors = [list(_components(prior, 0.0)) for _, prior in densities]
    rows = np.array([row for rows in priors for row in rows], dtype=np.float64)
    forecasts = graph.forecasts
    bodies = [prepared.likelihoods]
    bodies += [event_likelihoods(graph, i, yes) for i in forecasts for yes in (True, False)]
    odds = [(logit(graph.evidence[i].forecast), LN2 * graph.evidence[i].sd_bits) for i in forecasts]
    return Target(
        base=np.array(base[0], dtype=np.float64),
        active=np.array(prepared.active, dtype=np.int32),
        low=np.array([bounds(prepared.distributions[i])[0] for i in prepared.active], dtype=float),
        high=np.array([bounds(prepared.distributions[i])[1] for i in prepared.active], dtype=float),
        is_logit=np.array([numbers[i].kind == "probability" for i in prepared.active], np.int8),
        prior_starts=np.cumsum([0, *map(len, priors)], dtype=np.int32),
        priors=rows.reshape(-1, 5),
        is_stretched=np.array([prior is not own for prior, own in densities], dtype=np.int8),
        assumptions=np.concatenate([likelihoods.assumptions for likelihoods in bodies]),
        routes=np.concatenate([likelihoods.routes for likelihoods in bodies]),
        forecasts=np.array(odds, dtype=np.float64).reshape(-1, 2),
    )


def _components(prior: Continuous, log_weight: float) -> Iterator[tuple[float, ...]]:
    from storyodds.models.posterior.densities import prior_kernel as kinds

    if isinstance(prior, Mixture):
        for weight, part in zip(prior.weights, prior.components, strict=True):
            yield from _components(part, log(weight))  # type: ignore[arg-type]
        yield kinds.SUM, log_weight, float(len(prior.weights)), 0.0, 0.0
        return
    if isinstance(prior, LogPool):
        for weight, part in zip(prior.weights, prior.components, strict=True):
            yield from _components(_unwalled(part), _height(part))
            yield kinds.POWER, 0.0, weight, 0.0, 0.0
        constant = log_weight - prior.log_normalizer
        yield kinds.PRODUCT, constant, float(len(prior.weights)), 0.0, 0.0
        return
    if isinstance(prior, BetaDistribution):
        constant = log_beta_peak(prior.a, prior.b)
        yield kinds.BETA, log_weight + constant, prior.a, prior.b, log(prior.a) - log(prior.b)
    elif isinstance(prior, Uniform):
        constant = -log(prior.high - prior.low)
        yield kinds.UNIFORM, log_weight + constant, prior.low, prior.high, 0.0
    elif isinstance(prior, TruncatedNormal | TruncatedLogNormal):
        kind, peak = kinds.TRUNCATED_NORMAL, prior.window.peak
        if isinstance(prior, TruncatedLogNormal):
            kind = kinds.TRUNCATED_LOG_NORMAL
        constant = float(prior.window.log_density(np.array(peak)))
        yield kind, log_weight + constant, prior.location, 1.0 / prior.scale, peak
    else:
        constant = -log(prior.sd) - 0.5 * log(2 * pi)
        yield kinds.NORMAL, log_weight + constant, prior.location, 1.0 / prior.sd, 0.0


def _unwalled(prior: Continuous) -> Continuous:
    """The uniform density without its walls, between which a coordinate stays by itself."""
    return BetaDistribution(1.0, 1.0) if isinstance(prior, Uniform) else prior


def _height(prior: Continuous) -> float:
    """How much higher, in nats, a density is than without its walls."""
    return -log(prior.high - prior.low) if isinstance(prior, Uniform) else 0.0


def rises(prepared: PreparedStory, z: Array) -> Array:
    """How fast the logit of each active number moves with its coordinate, (n_active,).

    1 but for a probability that lies between walls, whose coordinate is the logit of where it
    stands between them; and for bits, which are their own coordinate.
    """
    out = np.ones(len(z))
    for column, i in enumerate(prepared.active):
        low, high = bounds(prepared.distributions[i])
        if prepared.resolved.numbers[i].kind == "probability" and high - low < 1:
            s, t = expit(z[column]), expit(-z[column])
            width = high - low
            out[column] = width * s * t / ((low + width * s) * (1 - high + width * t))
    return out


def log_density(prepared: PreparedStory, base: Array) -> LogDensity:
    """Return the function z → (log p(z, evidence), its gradient), in nats.

    Parameters
    ----------
    prepared : PreparedStory
    base : (1, n_numbers) array
        Values of the numbers that are not coordinates.

    Returns
    -------
    callable
        On one point of shape (n_active,); minus infinity where the evidence is impossible.
    """
    from storyodds.models.posterior.densities import density_kernel

    target, program = target_of(prepared, base), flatten(prepared.likelihood)
    evaluate = density_kernel.log_density
    if prepared.likelihood.derived:  # which the kernel does not work out by itself
        evaluate = partial(derived_density, prepared)

    def density(z: Array) -> tuple[float, Array]:
        height, slope = evaluate(program, target, z)
        if not isfinite(height):  # underflow, or impossible
            return density_in_logs(prepared, target, z)
        return height, slope

    return density


def derived_density(
    prepared: PreparedStory, program: "FlatProgram", target: "Target", z: Array
) -> tuple[float, Array]:
    """The same by the kernel, where numbers follow from those of the story.

    Returns
    -------
    float, (n_active,) array
        In nats; minus infinity or nan where the evidence is impossible, or sums underflow.
    """
    from storyodds.models.posterior.densities import density_kernel
    from storyodds.models.posterior.densities.evidence_kernel import log_evidence

    if not np.isfinite(z).all():
        return -np.inf, np.zeros(len(z))
    whole = prepared.likelihood
    with np.errstate(all="ignore"):
        values = np.ascontiguousarray(whole.beside(_values_by_set(prepared, target, z)))
        complements, slopes = 1.0 - values, np.empty_like(values)
        by_item, ended = np.empty(target.assumptions.shape[1]), np.empty(target.routes.shape[1])
        fits = np.array(
            [
                log_evidence(program, *point, by_item, ended)
                for point in zip(
                    values, complements, target.assumptions, target.routes, slopes, strict=True
                )
            ]
        )
        own = whole.fold_slopes(slopes.T, values)[: whole.n_numbers].T
        return density_kernel.posterior(target, z, fits, np.ascontiguousarray(own))


def _values_by_set(prepared: PreparedStory, target: "Target", z: Array) -> Array:
    """The numbers at a point, for every body of evidence: the first has the results of checks."""
    program, n_sets = prepared.likelihood, len(target.assumptions)
    at_point = to_values(prepared, z[None], target.base[None])
    with_results = program.readings.beside(at_point)
    prior = np.repeat(without_results(at_point, program.result_rates), n_sets - 1, axis=0)
    # Without a known result, there is nothing to leave out and nothing that reads one.
    return np.vstack([with_results, prior])


def density_in_logs(prepared: PreparedStory, target: "Target", z: Array) -> tuple[float, Array]:
    """The same by the engine: where sums of products underflow."""
    from storyodds.models.posterior.densities import density_kernel

    nowhere = -np.inf, np.zeros(len(z))
    if not np.isfinite(z).all():
        return nowhere
    program, values = prepared.likelihood, _values_by_set(prepared, target, z)
    likelihoods = LogLikelihoods(target.assumptions, target.routes)
    try:
        with np.errstate(all="ignore"):
            evaluated = evaluation.evaluate(program, values, likelihoods, np.ones((1, 1)))
            slopes = evaluation.gradient(program, evaluated)[:, 0]
            height, slope = density_kernel.posterior(target, z, evaluated.log_roots[:, 0], slopes)
    except UnsupportedStoryError:  # further out than a quadrature rule can reach
        return nowhere
    return (height, slope) if np.isfinite(height) and np.isfinite(slope).all() else nowhere
