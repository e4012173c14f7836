"""NUTS on the collapsed posterior, through nutpie.

The evidence items' own numbers are integrated out (a rate that is used under one hypothesis only
has a spike-and-slab posterior that no gradient sampler crosses), and numbers on which the
evidence cannot bear are drawn from their prior; both is exact.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storyodds.models.arithmetic import log_sum_exp
from storyodds.models.density import LogDensity, log_density, to_coordinate, to_values
from storyodds.models.posterior import Draws, PreparedStory, from_uniforms, impossible_evidence
from storyodds.priors.errors import InputError, Problem

Array = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

CHAINS = 4
TUNE = 500
MIN_DRAWS = 1000  # of a chain: fewer could not be told sound from unsound
MAX_R_HAT = 1.01
MIN_ESS = 400

# A kernel call has to be long enough for another thread to take the interpreter over meanwhile:
# below this many nodes of the circuit, chains that run at once only get in each other's way.
_PARALLEL_NODES = 2**14


def sample(
    prepared: PreparedStory, draws: int, seed: int, progress: Progress | None = None
) -> Draws:
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
    Draws
        `ok` is False where R-hat, the effective sample sizes or divergences say so.

    Raises
    ------
    InputError
        If a number the evidence bears on is a pool of fixed values, or if the evidence cannot
        have come about.
    """
    rng = np.random.default_rng([seed, 2])
    base = from_uniforms(prepared, (), np.zeros((1, 0)))
    density = log_density(prepared, base)
    _require_possible(prepared, density, seed)
    trace = _run(prepared, density, max(MIN_DRAWS, -(-draws // CHAINS)), seed, progress)
    z = np.asarray(trace.posterior["z"].values)
    divergent = np.asarray(trace.sample_stats["diverging"].values).ravel()
    flat = z.reshape(-1, z.shape[2])
    others = [i for i in prepared.core if i not in prepared.active]
    values = to_values(
        prepared, flat, from_uniforms(prepared, others, rng.random((len(flat), len(others))))
    )
    diagnostics, messages = _diagnose(z, int(divergent.sum()))
    log_evidence, pareto_k = evidence_by_importance(density, flat, rng)
    return Draws(
        values=values,
        weights=np.full(len(flat), 1.0 / len(flat)),
        chains=CHAINS,
        method="nuts",
        log_evidence=log_evidence,
        diagnostics={"draws": len(flat), "pareto_k": pareto_k, **diagnostics},
        messages=messages,
        ok=not messages,
        statistics={
            "diverging": divergent.astype(float),
            "energy": np.asarray(trace.sample_stats["energy"].values).ravel(),
        },
    )


def _run(
    prepared: PreparedStory,
    density: LogDensity,
    per_chain: int,
    seed: int,
    progress: Progress | None,
) -> Any:
    """Run the chains; what comes back does not depend on the number of cores."""
    import nutpie  # over a second that weighting need not pay
    from nutpie.compiled_pyfunc import from_pyfunc

    n_active = len(prepared.active)
    model = from_pyfunc(
        ndim=n_active,
        make_logp_fn=lambda: density,
        make_expand_fn=lambda *_: lambda z: {"z": z},
        expanded_dtypes=[np.dtype("float64")],
        expanded_shapes=[(n_active,)],
        expanded_names=["z"],
        make_initial_point_fn=lambda chain_seed: _initial_point(prepared, chain_seed),
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


def _require_possible(prepared: PreparedStory, density: LogDensity, seed: int) -> None:
    """Complain where chains would find nowhere to start."""
    starts = (_initial_point(prepared, seed + k) for k in range(100))
    if not any(np.isfinite(density(start)[0]) for start in starts):
        raise InputError([Problem(impossible_evidence(prepared))])


def _initial_point(prepared: PreparedStory, chain_seed: int) -> Array:
    """A draw from the prior, on the unconstrained scale."""
    u = np.random.default_rng(chain_seed).uniform(0.05, 0.95, len(prepared.active))
    return np.array(
        [
            to_coordinate(prepared, i, float(prepared.distributions[i].quantile(np.array([ui]))[0]))
            for i, ui in zip(prepared.active, u, strict=True)
        ]
    )


def _diagnose(z: Array, divergences: int) -> tuple[dict[str, float | int], tuple[str, ...]]:
    """R-hat and effective sample sizes of every coordinate, the worst of each."""
    from arviz_stats.base import array_stats

    columns = [z[:, :, k] for k in range(z.shape[2])]
    r_hat = max(float(array_stats.rhat(column)) for column in columns)
    bulk = min(float(array_stats.ess(column, method="bulk")) for column in columns)
    tail = min(float(array_stats.ess(column, method="tail", prob=0.9)) for column in columns)
    messages = []
    if not r_hat <= MAX_R_HAT:
        messages.append(f"chains disagree: R-hat is {r_hat:.3f}, above {MAX_R_HAT}")
    if not min(bulk, tail) >= MIN_ESS:
        messages.append(f"effective sample size is {min(bulk, tail):.0f}, below {MIN_ESS}")
    if divergences:
        messages.append(f"{divergences} divergent transitions")
    diagnostics: dict[str, float | int] = {
        "ess": bulk,
        "r_hat_max": r_hat,
        "ess_bulk_min": bulk,
        "ess_tail_min": tail,
        "divergences": divergences,
    }
    return diagnostics, tuple(messages)


def evidence_by_importance(
    density: LogDensity, z: Array, rng: np.random.Generator, draws: int = 2048
) -> tuple[float, float | None]:
    """Estimate log P(evidence) from a heavy-tailed fit to posterior draws.

    Parameters
    ----------
    density : callable
        Log p(z, evidence) and its gradient.
    z : (n_draws, n_active) array
        Posterior draws.

    Returns
    -------
    tuple of float
        Log P(evidence) in nats, and the Pareto k of the importance weights.
    """
    from arviz_stats.base import array_stats
    from scipy.stats import multivariate_t

    mean, cov = z.mean(axis=0), np.atleast_2d(np.cov(z.T))
    freedom = 7
    proposal = multivariate_t(mean, cov * (freedom - 2) / freedom, df=freedom, allow_singular=True)
    points = np.atleast_2d(proposal.rvs(draws, random_state=rng)).reshape(draws, z.shape[1])
    log_weights = np.array([density(point)[0] for point in points])
    log_weights -= np.asarray(proposal.logpdf(points)).reshape(draws)
    _, pareto_k = array_stats.psislw(-np.maximum(log_weights, log_weights.max() - 700.0))
    log_mean = float(log_sum_exp(log_weights, axis=0) - np.log(draws))
    return log_mean, float(pareto_k) if np.isfinite(pareto_k) else None
