"""The exact engine: a program's answers at many draws of the numbers, in one call.

Leaves are filled in for a block of draws; the circuit is run forward for what its roots are
worth, and backward for how they depend on every leaf. Little work is done by numpy, more of it by
numba on every core. The two give the same digits, but not along a quadrature rule: there, which
of them it is depends on the work alone, not on what else the process has done or imported. Draws
in which a sum of products would underflow are taken again in logs.
"""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from storyodds.models import arithmetic
from storyodds.models.arithmetic import log_sum_exp
from storyodds.models.graph import StoryGraph
from storyodds.models.program import Program
from storyodds.models.quadrature import LONGEST, Rule, rule
from storyodds.priors.distributions import LN2
from storyodds.priors.errors import Problem, UnsupportedStoryError

Array = NDArray[np.float64]
Wanted = Literal["usage", "won", "pulls"]

_KERNEL = "storyodds.models.kernel"  # which imports numba
SMALLEST = 1e-150  # below it, parts of a sum of products may have underflowed
_NUMBA_WORK = 1e8  # node evaluations that are worth loading numba, and what it compiled
_CORE_WORK = 1e6  # those that are worth a thread
_BLOCK_CELLS = 2**22  # of float64: what a block of draws may hold,
_FAST_CELLS = 2**19  # or, with numba, one that a cache has room for
_WIDTH = 32  # draws that go through the kernel side by side,
_SCRATCH_CELLS = 2**25  # unless that would take more of float64 than this, for each core

_much: ContextVar[bool] = ContextVar("much", default=False)


@contextmanager
def much_work() -> Iterator[None]:
    """Say that there are many questions to come, which are worth loading numba together.

    Inside, all of them are answered by numba, however small.

    Examples
    --------
    >>> with much_work():
    ...     pass  # ask
    """
    token = _much.set(True)
    try:
        yield
    finally:
        _much.reset(token)


def load_numba() -> None:
    """Load numba now, before a first question that is too small to be worth it by itself.

    Examples
    --------
    >>> load_numba()
    """
    import_module(_KERNEL)


@dataclass(frozen=True)
class LogLikelihoods:
    """What the evidence says, natural logs.

    Attributes
    ----------
    assumptions : (1 or n_draws, 2 * n_items) array
        (false, true) for every item about an assumption.
    routes : (1 or n_draws, n_routes) array
        Of all items about the outcome together.
    """

    assumptions: Array
    routes: Array

    def take(self, draws: slice | NDArray[np.intp]) -> "LogLikelihoods":
        """Those of some draws."""
        return LogLikelihoods(
            *(x if len(x) == 1 else x[draws] for x in (self.assumptions, self.routes))
        )


def no_evidence(graph: StoryGraph) -> LogLikelihoods:
    """Likelihoods of an empty body of evidence."""
    n_items = sum(item.subject == "assumption" for item in graph.evidence)
    return LogLikelihoods(np.zeros((1, 2 * n_items)), np.zeros((1, len(graph.routes))))


@dataclass(frozen=True)
class Evaluation:
    """What a program says at every draw.

    Attributes
    ----------
    log_roots : (n_draws, n_roots) array
        Log P(query, evidence | numbers), in nats; minus infinity where impossible.
    usage : (n_draws, n_seeds, n_fixed_leaves) array
        Derivative of the log of each seed's sum in the log of each leaf, which is the probability
        that the leaf is used, given what the seed asks for and the evidence.
    won : (n_draws, n_seeds, n_configs) array
        Probability that the config is the one in which training ends, likewise.
    pulls : (n_draws, n_seeds, n_configs) array
        Derivative of the same in the log weight of every config.
    """

    log_roots: Array
    usage: Array
    won: Array
    pulls: Array


def evaluate(
    program: Program,
    values: Array,
    likelihoods: LogLikelihoods,
    seeds: Array | None = None,
    upto: Wanted = "pulls",
) -> Evaluation:
    """Run a program over all draws.

    Parameters
    ----------
    program : Program
    values : (n_draws, n_numbers) array
        Probabilities and bits, in the order of `ResolvedStory.numbers`.
    likelihoods : LogLikelihoods
    seeds : (n_seeds, n_roots) or (n_draws, n_seeds, n_roots) array, optional
        Weighted sums of roots that derivatives are wanted of; nonnegative.
    upto : {"usage", "won", "pulls"}
        The last that is wanted of these, in this order; those after it are left empty.

    Returns
    -------
    Evaluation

    Raises
    ------
    UnsupportedStoryError
        If the weights of routes are further apart than a quadrature rule can span.
    """
    n, n_roots = len(values), len(program.circuit.roots)
    wanted = np.zeros((0, n_roots)) if seeds is None else np.asarray(seeds, dtype=float)
    if wanted.ndim == 2:
        wanted = np.broadcast_to(wanted, (n, *wanted.shape))
    n_seeds = wanted.shape[1]
    along = rule_for(program, values)
    n_lanes = len(along.nodes) if along is not None else 1
    n_fixed = program.circuit.n_fixed
    n_moving = program.circuit.n_nodes - n_fixed
    work = n * (n_fixed + n_moving * n_lanes) * (1 + 2 * n_seeds)
    loaded = _KERNEL in sys.modules and program.competition == "patterns"
    fast = work > _NUMBA_WORK or loaded or _much.get()
    cells = (len(program.circuit.leaves) if fast else n_fixed + n_moving * n_lanes) * (1 + n_seeds)
    step = int(np.clip((_FAST_CELLS if fast else _BLOCK_CELLS) // max(1, cells), 16, 2048))
    cores = (os.process_cpu_count() if sys.version_info >= (3, 13) else os.cpu_count()) or 1
    cores = max(1, min(cores, int(work / _CORE_WORK))) if fast else 1
    step = max(1, min(step, -(-n // cores)))
    blocks = [slice(first, min(first + step, n)) for first in range(0, n, step)]
    n_configs = len(program.config_routes)
    out = Evaluation(
        np.empty((n_roots, n)).T,
        np.empty((n_seeds, program.n_fixed_leaves, n)).transpose(2, 0, 1),
        np.empty((n_seeds if upto != "usage" else 0, n_configs, n)).transpose(2, 0, 1),
        np.empty((n_seeds if upto == "pulls" else 0, n_configs, n)).transpose(2, 0, 1),
    )

    def work_on(block: slice) -> None:
        _block(program, values, likelihoods, wanted, along, block, out, fast=fast)

    if len(blocks) > 1 and cores > 1:
        with ThreadPoolExecutor(cores) as pool:
            list(pool.map(work_on, blocks))
    else:
        for block in blocks:
            work_on(block)
    return out


def gradient(program: Program, values: Array, evaluation: Evaluation) -> Array:
    """Derivatives of the log of every seed's sum in every number.

    Parameters
    ----------
    program : Program
    values : (n_draws, n_numbers) array
    evaluation : Evaluation
        Of this program at these values.

    Returns
    -------
    (n_draws, n_seeds, n_numbers) array
        In nats per unit of logit for a probability, per bit for bits; 0 for numbers that the
        seeds do not depend on.
    """
    usage, pulls = evaluation.usage.transpose(1, 2, 0), evaluation.pulls.transpose(1, 2, 0)
    yes, no = values.T[program.yes.what], values.T[program.no.what]
    out = np.empty((len(usage), program.n_numbers, len(values)))
    for s in range(len(usage)):
        out[s] = LN2 * (program.config_bits.T @ pulls[s])
        out[s] += program.yes_numbers @ (usage[s][program.yes.leaves] * (1 - yes))
        out[s] -= program.no_numbers @ (usage[s][program.no.leaves] * no)
    return out.transpose(2, 0, 1)


def _log_weights(program: Program, values: Array) -> Array:
    """Natural log of every config's weight, (n_configs, n_draws)."""
    return np.asarray(LN2 * (program.config_bits @ values.T))


def _log_ratios(program: Program, log_weights: Array) -> Array:
    """Log of the largest over the smallest sum of weights that can race, (n_draws,)."""
    most, least = [], []
    for r in np.unique(program.config_routes):
        mine = program.config_routes == r
        most.append(log_weights[mine].max(axis=0))
        if program.floor[mine].any():
            least.append(log_weights[mine].min(axis=0))
    return np.asarray(log_sum_exp(np.array(most), axis=0) - log_sum_exp(np.array(least), axis=0))


@dataclass(frozen=True)
class Race:
    """Leaves of the competition at a block of draws, and what their pull needs again.

    Attributes
    ----------
    leaves : (n_share or n_win leaves, n_draws) array
        In logs where the arithmetic is.
    weights : (n_configs, n_draws) array
        Up to a factor for each draw; in logs where the arithmetic is.
    told_weights : (n_configs, n_draws) array
        Patterns: the same times what the evidence says of the route.
    totals : (n_races, n_draws) array
        Patterns: sums of weights over the open routes.
    sums : (n_shares, n_draws) array
        Patterns: sums of `told_weights` over the routes of each share leaf.
    rates : (n_stays, n_draws) array
        Quadrature: what stays decay with.
    rule : Rule or None
    risky : (n_draws,) bool
        Where these sums themselves underflow.
    log_scale : (n_draws,) array
        What every root has to be scaled by.
    """

    leaves: Array
    weights: Array
    told_weights: Array
    totals: Array
    sums: Array
    rates: Array
    rule: Rule | None
    risky: NDArray[np.bool_]
    log_scale: Array


def _block(
    program: Program,
    values: Array,
    likelihoods: LogLikelihoods,
    seeds: Array,
    along: Rule | None,
    block: slice,
    out: Evaluation,
    *,
    fast: bool,
) -> None:
    """Fill in the answers of some draws; those that underflow once more, in logs."""
    asked = program, values, likelihoods, seeds, along
    n = block.stop - block.start
    # Numpy adds up a single column in another order than several: none is asked about alone.
    draws = block if n > 1 else np.repeat(block.start, 2)
    risky = _attempt(*asked, draws, out, fast=fast, logs=False)
    again = np.flatnonzero(risky[:n]) + block.start
    for some in np.array_split(again, -(-len(again) // 64)) if len(again) else []:
        some = some if len(some) > 1 else np.repeat(some, 2)
        _attempt(*asked, some, out, fast=False, logs=True)


def _attempt(
    program: Program,
    values: Array,
    likelihoods: LogLikelihoods,
    seeds: Array,
    along: Rule | None,
    draws: slice | NDArray[np.intp],
    out: Evaluation,
    *,
    fast: bool,
    logs: bool,
) -> NDArray[np.bool_]:
    """Fill in the answers of some draws in one arithmetic; in which it was not good enough."""
    leaves, race, log_scale = fill_leaves(
        program, values[draws], likelihoods.take(draws), along, logs=logs
    )
    run = _run_numba if fast else _run_numpy
    wanted = np.ascontiguousarray(seeds[draws].transpose(1, 2, 0))
    log_values, usage, stay_pulls = run(program, leaves, race, wanted, logs)
    risky = race.risky | ~(log_values.max(axis=0) > np.log(SMALLEST))
    if len(wanted) and not logs:
        sums = np.einsum("srd,rd->sd", wanted, np.exp(log_values))
        # What is 0 beside evidence that is not is left at 0: it is, to 150 digits.
        risky |= ((sums < SMALLEST) & (sums > 0)).any(axis=0)
    out.log_roots[draws] = (log_values + log_scale).T
    out.usage[draws] = usage.transpose(2, 0, 1)
    if not out.won.shape[1]:
        return np.asarray(risky)
    won = _won(program, race, usage, logs=logs)
    out.won[draws] = won.transpose(2, 0, 1)
    if not out.pulls.shape[1]:
        return np.asarray(risky)
    losses = _losses(program, race, usage, stay_pulls, logs=logs)
    with np.errstate(invalid="ignore"):
        pulls = won + losses
    out.pulls[draws] = pulls.transpose(2, 0, 1)
    return np.asarray(risky)


def rule_for(program: Program, values: Array) -> Rule | None:
    """The quadrature rule that spans the races of all draws; None for a program without one.

    Raises
    ------
    UnsupportedStoryError
        If the weights of routes are further apart than a rule can span.
    """
    if program.competition != "quadrature":
        return None
    widest = float(_log_ratios(program, _log_weights(program, values)).max())
    if not widest <= LONGEST:
        raise UnsupportedStoryError(
            [
                Problem(
                    f"bits: found routes whose weights lie 2**{widest / LN2:.0f} apart, expected "
                    f"at most 2**{LONGEST / LN2:.0f} where routes compete by quadrature"
                )
            ]
        )
    return rule(widest)


def fill_leaves(
    program: Program,
    values: Array,
    likelihoods: LogLikelihoods,
    along: Rule | None,
    *,
    logs: bool,
) -> tuple[Array, Race, Array]:
    """Give every leaf that does not move along the quadrature rule its value.

    Parameters
    ----------
    along : Rule or None
        From `rule_for`.

    Returns
    -------
    tuple
        Leaves, (n_fixed_leaves, n_draws), in logs if asked; the race; and the log of what every
        root has to be scaled by, (n_draws,).
    """
    leaves, log_scale = _fixed_leaves(program, values, likelihoods.assumptions, logs=logs)
    race = _race(program, values, likelihoods.routes, along, logs=logs)
    places = program.shares if program.competition == "patterns" else program.wins
    leaves[places.leaves] = race.leaves
    return leaves, race, log_scale + race.log_scale


def moving_leaves(
    program: Program, race: Race, lanes: Array, weights: Array, *, logs: bool
) -> Array:
    """Give the leaves that move along the rule their values.

    Parameters
    ----------
    lanes, weights : (n_draws, n_lanes) array
        Nodes of the rule and their weights.

    Returns
    -------
    (n_moving_leaves, n_draws * n_lanes) array
    """
    n_fixed = program.n_fixed_leaves
    out = np.zeros((len(program.circuit.leaves) - n_fixed, lanes.size))
    slopes = -(race.rates[:, :, None] * lanes).reshape(len(race.rates), lanes.size)
    out[program.stay_leaves - n_fixed] = slopes if logs else np.exp(slopes)
    if program.omega >= 0:
        flat = weights.ravel()
        out[program.omega - n_fixed] = np.log(flat) if logs else flat
    return out


def _fixed_leaves(
    program: Program, values: Array, said: Array, *, logs: bool
) -> tuple[Array, Array]:
    """Leaves that have one value for each draw, but for those of the race; and their scale."""
    n = len(values)
    leaves = np.ones((program.n_fixed_leaves, n))
    leaves[0] = 0.0
    leaves[program.yes.leaves] = values.T[program.yes.what]
    no = values.T[program.no.what]
    pairs = np.broadcast_to(said, (n, said.shape[1])).reshape(n, -1, 2)
    top = pairs.max(axis=2, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0.0)
    scaled = (pairs - top[:, :, None]).reshape(n, -1).T[program.said.what]
    if logs:
        with np.errstate(divide="ignore"):
            leaves = np.log(leaves)
            leaves[program.no.leaves] = np.log1p(-no)
        leaves[program.said.leaves] = scaled
    else:
        leaves[program.no.leaves] = 1.0 - no
        leaves[program.said.leaves] = np.exp(scaled)
    used = np.unique(program.said.what // 2)
    return leaves, top[:, used].sum(axis=1)


def _race(program: Program, values: Array, said: Array, along: Rule | None, *, logs: bool) -> Race:
    """Leaves of the competition between routes."""
    n = len(values)
    log_weights = _log_weights(program, values)
    told = np.broadcast_to(said, (n, said.shape[1])).T
    top = told.max(axis=0)
    top = np.where(np.isfinite(top), top, 0.0)
    told = told - top
    if program.competition == "patterns":
        return _race_by_patterns(program, log_weights, told, top, logs=logs)
    by_route = [
        log_weights[program.config_routes == r].max(axis=0)
        for r in np.unique(program.config_routes)
    ]
    log_rates = log_weights - log_sum_exp(np.array(by_route), axis=0)
    wins = log_rates[program.wins.what] + told[program.config_routes[program.wins.what]]
    rates = np.exp(log_rates)
    stays = [rates[program.stays.what]]
    if program.rest >= 0:
        stays.append(rates[program.constant].sum(axis=0)[None])
    return Race(
        leaves=wins if logs else np.exp(wins),
        weights=rates,
        told_weights=rates,
        totals=np.zeros((0, n)),
        sums=np.zeros((0, n)),
        rates=np.concatenate(stays),
        rule=along,
        risky=np.zeros(n, bool),
        log_scale=top,
    )


def _race_by_patterns(
    program: Program, log_weights: Array, told: Array, top: Array, *, logs: bool
) -> Race:
    n = log_weights.shape[1]
    log_told = log_weights + told[program.config_routes]
    risky = np.zeros(n, bool)
    if logs:
        weights, told_weights = log_weights, log_told
        totals = log_sum_exp(_at(weights, program.races), axis=1)
        sums = log_sum_exp(_at(log_told, program.share_configs), axis=1)
        leaves = sums - totals[program.shares.what]
    else:
        weights = np.exp(log_weights - log_weights.max(axis=0))
        told_weights = np.exp(log_told - log_weights.max(axis=0))
        totals, sums = program.open_configs @ weights, program.sharing @ told_weights
        risky = ~(totals.min(axis=0, initial=np.inf) > SMALLEST)
        with np.errstate(divide="ignore", invalid="ignore"):
            leaves = sums / totals[program.shares.what]
    return Race(leaves, weights, told_weights, totals, sums, np.zeros((0, n)), None, risky, top)


def _at(log_weights: Array, configs: NDArray[np.intp]) -> Array:
    """Log weights at an array of configs; minus infinity where there is none."""
    closed = np.full((1, log_weights.shape[1]), -np.inf)
    return np.concatenate([log_weights, closed])[configs]


def _run_numba(
    program: Program, leaves: Array, race: Race, seeds: Array, logs: bool
) -> tuple[Array, Array, Array]:
    from storyodds.models import kernel

    circuit, n = program.circuit, leaves.shape[1]
    stays = circuit.leaves[program.stay_leaves]
    omega = circuit.leaves[program.omega] if program.omega >= 0 else -1
    nodes, weights = (race.rule.nodes, race.rule.weights) if race.rule else (np.zeros(0),) * 2
    values = np.zeros((len(circuit.roots), n))
    flows = np.zeros((len(seeds), program.n_fixed_leaves, n))
    pulls = np.zeros((len(seeds), len(stays), n))
    columns = circuit.n_fixed * (3 + len(seeds) * (race.rule is not None)) + len(circuit.roots)
    width = int(np.clip(_SCRATCH_CELLS // columns, 1, min(n, _WIDTH)))
    kernel.run(
        circuit.op, circuit.left, circuit.right, circuit.n_fixed, circuit.roots,
        circuit.leaves[: program.n_fixed_leaves], leaves, stays, race.rates, nodes, weights,
        int(omega), seeds, width, values, flows, pulls,
    )  # fmt: skip
    with np.errstate(divide="ignore"):
        return np.log(values), flows, pulls


def _run_numpy(
    program: Program, leaves: Array, race: Race, seeds: Array, logs: bool
) -> tuple[Array, Array, Array]:
    circuit, n = program.circuit, leaves.shape[1]
    n_lanes = len(race.rule.nodes) if race.rule else 1
    wide = np.repeat(leaves, n_lanes, axis=1)
    slopes = np.zeros((0, n * n_lanes))
    if race.rule is not None:
        lanes, weights = (np.tile(x, (n, 1)) for x in (race.rule.nodes, race.rule.weights))
        moving = moving_leaves(program, race, lanes, weights, logs=logs)
        wide = np.concatenate([wide, moving])
        slopes = -(race.rates[:, :, None] * lanes).reshape(-1, n * n_lanes)
    v = arithmetic.forward(circuit, wide, logs=logs)
    with np.errstate(divide="ignore"):
        log_roots = v[circuit.roots] if logs else np.log(v[circuit.roots])
    by_lane = log_roots.reshape(-1, n, n_lanes)
    # A root without moving leaves (one that is always zero) has the same value in every lane.
    log_values = np.where(
        (circuit.roots < circuit.n_fixed)[:, None], by_lane[:, :, 0], log_sum_exp(by_lane, axis=2)
    )
    usage = np.zeros((len(seeds), program.n_fixed_leaves, n))
    pulls = np.zeros((len(seeds), len(slopes), n))
    for s, seed in enumerate(seeds):
        if race.rule is None and not logs:
            share = _shares(seed, v[circuit.roots])
        else:
            # In logs until the end: a root that the seed leaves out may be vastly more probable.
            with np.errstate(divide="ignore", invalid="ignore"):
                log_seed = np.log(seed)
                log_sums = log_sum_exp(log_seed + log_values, axis=0)
                by_root = np.exp(log_seed[:, :, None] + by_lane - log_sums[:, None])
            by_root = np.where(np.isfinite(log_sums)[None, :, None], by_root, 0.0)
            share = by_root.reshape(len(seed), -1)
        flow = arithmetic.backward(circuit, v, share, logs=logs)
        of_leaves = flow[circuit.leaves[: program.n_fixed_leaves]]
        usage[s] = of_leaves.reshape(-1, n, n_lanes).sum(axis=2)
        if len(slopes):
            moved = flow[circuit.leaves[program.stay_leaves]] * slopes
            pulls[s] = moved.reshape(-1, n, n_lanes).sum(axis=2)
    return log_values, usage, pulls


def _shares(seed: Array, values: Array) -> Array:
    """What each root is of a weighted sum of them, (n_roots, n_draws)."""
    parts = seed * values
    total = sum(parts, np.zeros(parts.shape[1]))  # one by one, as the kernel does
    return np.divide(parts, total, out=np.zeros_like(parts), where=total > 0)


def _won(program: Program, race: Race, usage: Array, *, logs: bool) -> Array:
    """In which config training ends, (n_seeds, n_configs, n_draws)."""
    out = np.zeros((len(usage), len(program.config_routes), usage.shape[2]))
    if program.competition == "quadrature":
        out[:, program.wins.what] = usage[:, program.wins.leaves]
        return out
    for s, used in enumerate(usage[:, program.shares.leaves]):
        if logs:
            _spread(out[s], used, race.told_weights, race.sums, program.share_configs)
        else:
            # Subnormal sums overflow here: such draws are taken again in logs.
            with np.errstate(over="ignore", invalid="ignore"):
                each = np.divide(used, race.sums, out=np.zeros_like(used), where=race.sums > 0)
                out[s] = race.told_weights * (program.sharing.T @ each)
    return out


def _losses(program: Program, race: Race, usage: Array, stay_pulls: Array, *, logs: bool) -> Array:
    """What a config takes from the others by its weight, (n_seeds, n_configs, n_draws)."""
    out = np.zeros((len(usage), len(program.config_routes), usage.shape[2]))
    if program.competition == "quadrature":
        out[:, program.stays.what] = stay_pulls[:, : len(program.stays.what)]
        if program.rest >= 0:
            constant = race.weights[program.constant]
            total = constant.sum(axis=0)
            parts = np.divide(constant, total, out=np.zeros_like(constant), where=total > 0)
            out[:, program.constant] = stay_pulls[:, -1:] * parts
        return out
    for s, used in enumerate(usage[:, program.shares.leaves]):
        in_race = program.share_races @ used
        if logs:
            _spread(out[s], in_race, race.weights, race.totals, program.races)
        else:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # as above
                out[s] = race.weights * (program.open_configs.T @ (in_race / race.totals))
    return -out


def _spread(
    out: Array, used: Array, log_weights: Array, log_sums: Array, configs: NDArray[np.intp]
) -> None:
    """Share out what is used of each row among its configs, in proportion to their weights."""
    with np.errstate(invalid="ignore"):
        parts = used[:, None] * np.exp(_at(log_weights, configs) - log_sums[:, None])
    there = configs >= 0
    np.add.at(out, configs[there], np.where(np.isfinite(parts), parts, 0.0)[there])
