"""NUTS on the numbers that have to be sampled, through nutpie.

Everything that P(event, evidence) is linear in is integrated out; numbers on which the evidence
cannot bear are drawn from their prior; both is exact. A pool is a mixture that a sampler would have
to cross from one judgment to another: each combination of judgments is sampled by itself, and
weighed by its own P(evidence).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine.arithmetic import log_sum_exp
from storyodds.models.posterior.densities.correlated_density import Whitened, whitened
from storyodds.models.posterior.densities.density import (
    LogDensity,
    log_density,
    to_coordinate,
    to_values,
)
from storyodds.models.posterior.densities.moving_density import moving_log_density
from storyodds.models.posterior.impossible import impossibility
from storyodds.models.posterior.prepared import PreparedStory, from_uniforms
from storyodds.models.posterior.soundness import Strata
from storyodds.models.posterior.weighting import pareto_k
from storyodds.priors.distributions.families import Distribution, Mixture
from storyodds.priors.elsewhere import elsewhere
from storyodds.priors.text.errors import InputError, Problem

Array = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

CHAINS = 4  # enough to see them disagree
TUNE = 500  # steps, after which nutpie's mass matrix has settled on every story tried
MIN_DRAWS = 1000  # of a chain: fewer could not be told sound from unsound
MAX_PARETO_K = 0.7  # of the weights that P(evidence) is a mean of; above it their mean has no error
MAX_STRATA = 32  # combinations of judgments, each of which takes a run of its own

# A kernel call has to be long enough for another thread to take the interpreter over meanwhile:
# below this many nodes of the circuit, chains that run at once only get in each other's way.
_PARALLEL_NODES = 2**14
_PROPOSALS = 4096  # points at which P(evidence) is worked out
_FREEDOM = 7  # degrees of it of these points' distribution: heavier tails than a posterior's


@dataclass(frozen=True)
class Chains:
    """Draws of the sampled numbers from the posterior.

    Attributes
    ----------
    values : (n_draws, n_numbers) array
        What is integrated out stands at its mean.
    weights : (n_draws,) array
        Sum to 1; all the same within one stratum.
    strata : Strata
        Combinations of judgments.
    chains : int
        Of every stratum, one after the other.
    log_evidence, log_evidence_error : float
        Natural log of P(evidence) and its standard error, in nats; NaN where it is refused.
    pareto_k : float or None
        Of the weights that P(evidence) is a mean of, the worst of all strata.
    divergent : (n_draws,) bool
    energy : (n_draws,) array
    messages : tuple of str
    """

    values: Array
    weights: Array
    strata: Strata
    chains: int
    log_evidence: float
    log_evidence_error: float
    pareto_k: float | None
    divergent: NDArray[np.bool_]
    energy: Array
    messages: tuple[str, ...]


@dataclass(frozen=True)
class _Stratum:
    """One combination of judgments, sampled."""

    z: Array  # (n_chains * n_draws, n_active)
    prepared: PreparedStory
    log_mass: float  # of prior and evidence together
    error: float
    pareto_k: float | None
    divergent: NDArray[np.bool_]
    energy: Array


def sample(
    prepared: PreparedStory, draws: int, seed: int, progress: Progress | None = None
) -> Chains:
    """Draw from the posterior by NUTS.

    Parameters
    ----------
    prepared : PreparedStory
    draws : int
        In all; each of the four chains takes its share, 1,000 at least, after 500 steps of tuning.
    seed : int
    progress : callable, optional
        Called with (stage, steps done, steps in all).

    Returns
    -------
    Chains

    Raises
    ------
    InputError
        If there are too many combinations of judgments to sample each by itself, or if the
        evidence cannot have come about.
    """
    per_chain = max(MIN_DRAWS, -(-draws // CHAINS))
    combinations = prod(len(pool.components) for _, pool in _pools(prepared))
    if combinations > MAX_STRATA:
        raise InputError(
            [
                Problem(
                    f"method nuts: found pools with {combinations:,} combinations of judgments, "
                    f"each of which has to be sampled by itself, expected at most {MAX_STRATA}; "
                    "pool fewer judgments of bits, or use --method weighting with more --draws"
                )
            ]
        )
    strata = [
        _sample_stratum(one, log_prior, per_chain, seed + k, progress)
        for k, (log_prior, one) in enumerate(_strata(prepared))
    ]
    possible = [stratum for stratum in strata if np.isfinite(stratum.log_mass)]
    if not possible:
        raise InputError([impossibility(prepared)])
    return _together(prepared, possible, np.random.default_rng([seed, 2]))


def _strata(prepared: PreparedStory) -> Iterator[tuple[float, PreparedStory]]:
    """Every combination of judgments in pools, with the log of its prior probability."""
    judgments = []
    for i, pool in _pools(prepared):
        total = sum(pool.weights)
        parts = zip(pool.weights, pool.components, strict=True)
        judgments.append([(i, weight / total, part) for weight, part in parts])
    for chosen in product(*judgments):
        distributions: list[Distribution] = list(prepared.distributions)
        log_prior = 0.0
        for i, weight, part in chosen:
            distributions[i] = part
            log_prior += float(np.log(weight))
        yield log_prior, replace(prepared, distributions=tuple(distributions))


def _pools(prepared: PreparedStory) -> list[tuple[int, Mixture]]:
    """The pools that are sampled judgment by judgment: all that go together with nothing."""
    apart = (i for i in prepared.active if i not in prepared.correlated)
    pools = ((i, prepared.distributions[i]) for i in apart)
    return [(i, pool) for i, pool in pools if isinstance(pool, Mixture)]


def _sample_stratum(
    prepared: PreparedStory,
    log_prior: float,
    per_chain: int,
    seed: int,
    progress: Progress | None,
) -> _Stratum:
    base = from_uniforms(prepared, (), np.zeros((1, 0)))
    space = whitened(prepared)
    prepared, moves = space.prepared, bool(prepared.likelihoods.moving)
    inner = moving_log_density(prepared, base) if moves else log_density(prepared, base)
    density = space.density(inner)
    n = CHAINS * per_chain
    nothing = np.zeros(n, bool), np.zeros(n)
    if not prepared.active:  # every judgment that was chosen is a fixed value
        log_mass = log_prior + density(np.zeros(0))[0]
        return _Stratum(np.zeros((n, 0)), prepared, log_mass, 0.0, None, *nothing)
    if not _is_possible(space, density, seed):
        empty = np.zeros((n, len(prepared.active)))
        return _Stratum(empty, prepared, -np.inf, 0.0, None, *nothing)
    trace = _run(space, density, per_chain, seed, progress)
    z = np.asarray(trace.posterior["z"].values).reshape(n, -1)
    rng = np.random.default_rng([seed, 2])
    log_evidence, error, k = evidence_by_importance(density, z, rng)
    return _Stratum(
        space.unwhitened(z),
        prepared,
        log_prior + log_evidence,
        error,
        k,
        np.asarray(trace.sample_stats["diverging"].values).ravel(),
        np.asarray(trace.sample_stats["energy"].values).ravel(),
    )


def _together(prepared: PreparedStory, strata: list[_Stratum], rng: np.random.Generator) -> Chains:
    """Draws of all strata, each with the weight that its evidence gives it."""
    log_masses = np.array([stratum.log_mass for stratum in strata])
    log_evidence = float(log_sum_exp(log_masses, axis=0))
    shares = np.exp(log_masses - log_evidence)
    errors = np.array([stratum.error for stratum in strata])
    n = len(strata[0].z)
    idle = [i for i in prepared.sampled if i not in prepared.active]
    values = [
        to_values(
            stratum.prepared,
            stratum.z,
            from_uniforms(stratum.prepared, idle, rng.random((n, len(idle)))),
        )
        for stratum in strata
    ]
    shapes = [stratum.pareto_k for stratum in strata if stratum.pareto_k is not None]
    worst = max(shapes, default=None)
    messages = []
    divergences = int(sum(stratum.divergent.sum() for stratum in strata))
    if divergences:
        messages.append(f"{divergences} divergent transitions")
    refused = worst is not None and worst > MAX_PARETO_K
    if refused and len(strata) > 1:
        messages.append(
            f"how much each combination of judgments weighs is not known: Pareto k is {worst:.2f}, "
            f"above {MAX_PARETO_K}"
        )
    return Chains(
        values=np.concatenate(values),
        weights=np.repeat(shares / shares.sum(), n) / n,
        strata=Strata(np.repeat(np.arange(len(strata)), n), errors),
        chains=CHAINS,
        log_evidence=np.nan if refused else log_evidence,
        log_evidence_error=np.nan if refused else float(np.sqrt(np.sum((shares * errors) ** 2))),
        pareto_k=worst,
        divergent=np.concatenate([stratum.divergent for stratum in strata]),
        energy=np.concatenate([stratum.energy for stratum in strata]),
        messages=tuple(messages),
    )


def _run(
    space: Whitened,
    density: LogDensity,
    per_chain: int,
    seed: int,
    progress: Progress | None,
) -> Any:
    """Run the chains; what comes back does not depend on the number of cores."""
    with elsewhere():  # it brings ArviZ, which reads a configuration
        import nutpie  # over a second that weighting need not pay
        from nutpie.compiled_pyfunc import from_pyfunc

    prepared = space.prepared
    n_active = len(prepared.active)
    model = from_pyfunc(
        ndim=n_active,
        make_logp_fn=lambda: density,
        make_expand_fn=lambda *_: lambda z: {"z": z},
        expanded_dtypes=[np.dtype("float64")],
        expanded_shapes=[(n_active,)],
        expanded_names=["z"],
        make_initial_point_fn=lambda chain_seed: _initial_point(space, chain_seed),
    )

    def report(chains: list[Any]) -> None:
        if progress is not None:
            done = sum(chain.finished_draws for chain in chains)
            progress("NUTS", done, CHAINS * (TUNE + per_chain))

    running = nutpie.sample(
        model,
        draws=per_chain,
        tune=TUNE,
        chains=CHAINS,
        cores=1 if prepared.likelihood.circuit.n_nodes < _PARALLEL_NODES else None,
        seed=seed,
        save_warmup=False,
        progress_bar=False,
        progress_callback=report,
        blocking=False,
    )
    try:
        return running.wait()
    except BaseException:  # Ctrl-C above all, which nutpie alone would answer with half a result
        running.cancel()
        raise


def _is_possible(space: Whitened, density: LogDensity, seed: int) -> bool:
    """Whether chains would find somewhere to start."""
    starts = (_initial_point(space, seed + k) for k in range(100))
    return any(np.isfinite(density(start)[0]) for start in starts)


def _initial_point(space: Whitened, chain_seed: int) -> Array:
    """A draw from the prior, on the unconstrained scale."""
    prepared = space.prepared
    u = np.random.default_rng(chain_seed).uniform(0.05, 0.95, len(prepared.active))
    z = [
        to_coordinate(prepared, i, float(prepared.distributions[i].quantile(np.array([ui]))[0]))
        for i, ui in zip(prepared.active, u, strict=True)
    ]
    return space.to_coordinates(u, np.array(z))


def evidence_by_importance(
    density: LogDensity, z: Array, rng: np.random.Generator
) -> tuple[float, float, float | None]:
    """Estimate log P(evidence) from a heavy-tailed fit to posterior draws.

    Parameters
    ----------
    density : callable
        Log p(z, evidence) and its gradient.
    z : (n_draws, n_active) array
        Posterior draws, on the same coordinates.

    Returns
    -------
    tuple of float
        Log P(evidence) and its standard error in nats, and the Pareto k of the weights.
    """
    from scipy.stats import multivariate_t

    # In units of their own spreads: one narrow number would make the covariance singular.
    center, spread = z.mean(axis=0), z.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    shape = np.atleast_2d(np.cov(((z - center) / spread).T)) * (_FREEDOM - 2) / _FREEDOM
    proposal = multivariate_t(np.zeros(len(center)), shape, df=_FREEDOM, allow_singular=True)
    points = np.atleast_2d(proposal.rvs(_PROPOSALS, random_state=rng)).reshape(_PROPOSALS, -1)
    log_weights = np.array([density(center + spread * point)[0] for point in points])
    log_weights -= np.asarray(proposal.logpdf(points)).reshape(_PROPOSALS)
    log_weights += np.log(spread).sum()
    log_mean = float(log_sum_exp(log_weights, axis=0) - np.log(_PROPOSALS))
    ratios = np.exp(log_weights - log_mean)
    error = float(ratios.std() / np.sqrt(_PROPOSALS))
    return log_mean, error, pareto_k(log_weights)
