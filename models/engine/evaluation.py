"""The exact engine: a program's answers at many draws of the numbers, in one call.

Leaves are filled in for a block of draws; the circuit is run forward for what its roots are
worth, and backward for how they depend on every leaf. Little work is done by numpy, more of it by
numba on every core. The two give the same digits, but not along a quadrature rule: there, which
of them it is depends on the work alone, not on what else the process has done or imported. Draws
in which a sum of products would underflow are taken again in logs.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from storyodds.models.circuits.circuit import Circuit
from storyodds.models.circuits.quadrature import Rule
from storyodds.models.cores import cores
from storyodds.models.engine import arithmetic, numpy_sums, pattern_layout, row_arithmetic
from storyodds.models.engine.leaf_values import (
    SMALLEST,
    Race,
    fill_leaves,
    log_weights,
    lost_by,
    rule_for,
    scaled_items,
    scaled_routes,
    won_by,
)
from storyodds.models.engine.program import Program, without_results
from storyodds.models.memory import amount, memory_left, resident
from storyodds.models.story.likelihoods import LogLikelihoods, Moving
from storyodds.priors.distributions.families import LN2
from storyodds.priors.text.errors import Problem, UnsupportedStoryError

Array = NDArray[np.float64]
Wanted = Literal["usage", "won", "pulls"]

_KERNEL = "storyodds.models.engine.pattern_kernel"  # which imports numba
_NUMBA_WORK = 7.5e7  # node evaluations that are worth loading numba, and what it compiled
_CORE_WORK = 4e6  # those that are worth a thread
# Of float64: what a block of draws may hold, for which a cache has room. Larger arrays are handed
# out page by page, again and again: an estimate with 2**21 faults twice as many pages.
_BLOCK_CELLS = 2**19
_ROW_CELLS = 2**20  # the same where rows are read in place, a step at a time: of more draws each,
_WIDE = 256  # and of so many at least, lest the steps take longer than what they do
_COPIES = 4  # of a block's cells, at most: values, flows, and what they are made from
_UNLIMITED = 2**62  # bytes: more than any machine has
_WIDTH = 64  # draws that go through a kernel side by side,
_SCRATCH_CELLS = 2**25  # unless that would take more of float64 than this, for each core

_much: ContextVar[bool] = ContextVar("much", default=False)


@contextmanager
def much_work() -> Iterator[None]:
    """Announce many questions to come, which are worth loading numba together.

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


def as_whole(program: Program, n_draws: int, seeds: Array) -> AbstractContextManager[None]:
    """Let parts of some draws be evaluated by what would evaluate all of them at once.

    Parameters
    ----------
    program : Program
        Without a quadrature rule, along which digits depend on the draws evaluated together.
    n_draws : int
        How many draws the parts come to.
    seeds : (n_draws, n_seeds, n_roots) array
        As in `evaluate`.
    """
    targets = tuple(np.flatnonzero(seeds.any(axis=(0, 1))).tolist())
    below = program.circuit.below(targets).circuit.n_nodes
    work = n_draws * (program.circuit.n_nodes + 2 * seeds.shape[1] * below)
    return much_work() if _is_fast(program, work) else nullcontext()


def load_numba() -> None:
    """Load numba now, before a first question that is too small to be worth it by itself.

    Examples
    --------
    >>> load_numba()
    """
    import_module(_KERNEL)


@dataclass(frozen=True)
class Evaluation:
    """What a program computes at every draw.

    Attributes
    ----------
    values : (n_draws, n_numbers + n_derived) array
        The numbers it is taken at: without known results of checks where they were left out, and
        with what follows from them.
    log_roots : (n_draws, n_roots) array
        Log P(query, evidence | numbers), in nats; minus infinity where impossible.
    usage : (n_draws, n_seeds, n_fixed_leaves) array
        Derivative of the log of each seed's sum in the log of each leaf, which is the probability
        that the leaf is used, given the seed's sum and the evidence.
    won : (n_draws, n_seeds, n_configs) array
        Probability that the config is the one in which training ends, likewise.
    pulls : (n_draws, n_seeds, n_configs) array
        Derivative of the same in the log weight of every config.
    moving : tuple of (int or None, Moving)
        The findings that depend on numbers, as in `LogLikelihoods`.
    """

    values: Array
    log_roots: Array
    usage: Array
    won: Array
    pulls: Array
    moving: tuple[tuple[int | None, Moving], ...] = ()

    def by_finding(self, program: Program, n_columns: int) -> Array:
        """Derivatives in the log likelihoods of items, (n_draws, n_seeds, n_columns)."""
        out = np.zeros((*self.usage.shape[:2], n_columns))
        used = self.usage[:, :, program.findings.leaves]
        np.add.at(out.transpose(2, 0, 1), program.findings.what, used.transpose(2, 0, 1))
        return out

    def by_route(self, program: Program, n_routes: int) -> Array:
        """Derivatives in the log likelihoods of routes, (n_draws, n_seeds, n_routes)."""
        out = np.zeros((*self.usage.shape[:2], n_routes))
        np.add.at(out.transpose(2, 0, 1), program.config_routes, self.won.transpose(2, 0, 1))
        return out


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
        Probabilities and bits, in the order of `ResolvedStory.numbers`; or with readings, as
        `without_results` returns them.
    likelihoods : LogLikelihoods
    seeds : (n_seeds, n_roots) or (n_draws, n_seeds, n_roots) array, optional
        Weighted sums of roots that get derivatives; nonnegative.
    upto : {"usage", "won", "pulls"}
        The last of these to fill in, in this order; those after it are left empty.

    Returns
    -------
    Evaluation

    Raises
    ------
    UnsupportedStoryError
        If the weights of routes are further apart than a quadrature rule can span.
    """
    moving, likelihoods = likelihoods.moving, likelihoods.at(values)
    if not likelihoods.results:
        values = without_results(values, program.result_rates)
    values = program.beside(values)
    n, n_roots = len(values), len(program.circuit.roots)
    weights = np.zeros((0, n_roots)) if seeds is None else np.asarray(seeds, dtype=float)
    weights = weights if weights.ndim == 3 else weights[None]
    n_seeds = weights.shape[1]
    targets = tuple(np.flatnonzero(weights.any(axis=(0, 1))).tolist())
    along = rule_for(program, values)
    n_lanes = len(along.nodes) if along is not None else 1
    cells_there = _cells(program.circuit, n_lanes)
    cells_below = _cells(program.circuit.below(targets).circuit, n_lanes)
    cells_back = n_seeds * cells_below
    work = n * (cells_there + 2 * cells_back)
    fast = _is_fast(program, work)
    n_leaves = len(program.circuit.leaves)
    cells = n_leaves * (1 + n_seeds) if fast else cells_there + cells_back
    most = memory_left(_UNLIMITED) // (_COPIES * 8)
    if most < cells:
        raise UnsupportedStoryError([Problem(_too_little(cells, _COPIES * 8 * cells))])
    threads = max(1, min(cores(), int(work / _CORE_WORK), most // max(1, cells))) if fast else 1
    # Numpy walks back one seed after the other, in the same scratch.
    held = cells if fast else cells_there + min(n_seeds, 1) * cells_below
    rows = None if fast or n * n_lanes < _WIDE else _laid_out(program, weights)
    step = int(np.clip(_BLOCK_CELLS // max(1, held), 16, 2048))
    if rows is not None:
        step = max(step, max(_WIDE, _ROW_CELLS // rows.n_rows) // n_lanes)
    step = min(step, max(1, most // (max(1, cells) * threads)))
    step = max(1, min(step, -(-n // threads)))
    blocks = [slice(first, min(first + step, n)) for first in range(0, n, step)]
    n_configs = len(program.config_routes)
    out = Evaluation(
        values,
        np.empty((n_roots, n)).T,
        np.empty((n_seeds, program.n_fixed_leaves, n)).transpose(2, 0, 1),
        np.empty((n_seeds if upto != "usage" else 0, n_configs, n)).transpose(2, 0, 1),
        np.empty((n_seeds if upto == "pulls" else 0, n_configs, n)).transpose(2, 0, 1),
        moving,
    )

    if fast and program.competition == "patterns":
        pattern_layout.flat(program, targets)  # laid out before threads share it

    scratch = None if fast else arithmetic.Scratch()  # threads would need one each

    def work_on(block: slice) -> None:
        _block(
            program, values, likelihoods, weights, targets, along, block, out, scratch, rows,
            fast=fast,
        )  # fmt: skip

    if len(blocks) > 1 and threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work_on, blocks))
    else:
        for block in blocks:
            work_on(block)
    return out


def _too_little(cells: int, n_bytes: float) -> str:
    return (
        f"assumptions: found sums of {cells:,} numbers, which take {amount(n_bytes)} at a single "
        f"draw, more than is left beside the {amount(resident())} that the process holds; "
        "expected fewer, as of a story whose formulas share less. "
        "Ways out: allow more with --max-memory, or estimate it with --method simulation"
    )


def _cells(circuit: Circuit, n_lanes: int) -> int:
    """How many values the nodes of a circuit have at one draw."""
    return circuit.n_fixed + (circuit.n_nodes - circuit.n_fixed) * n_lanes


def _is_fast(program: Program, work: float) -> bool:
    """Whether numba answers."""
    loaded = _KERNEL in sys.modules and program.competition == "patterns"
    return work > _NUMBA_WORK or loaded or _much.get()


def _laid_out(program: Program, seeds: Array) -> row_arithmetic.Rows:
    """The program for rows of draws, kept with it."""
    targets = tuple(tuple(np.flatnonzero(used).tolist()) for used in seeds.any(axis=0))
    if targets not in program.rows:
        program.rows[targets] = row_arithmetic.lay_out(program.circuit, targets)
    return program.rows[targets]


def gradient(program: Program, evaluation: Evaluation) -> Array:
    """Derivatives of the log of every seed's sum in every number.

    Parameters
    ----------
    program : Program
    evaluation : Evaluation
        Of this program.

    Returns
    -------
    (n_draws, n_seeds, n_numbers) array
        In nats per unit of logit for a probability, per bit for bits; 0 for numbers that the
        seeds do not depend on, as the flag rates of results that were left out.
    """
    values = evaluation.values
    usage, pulls = evaluation.usage.transpose(1, 2, 0), evaluation.pulls.transpose(1, 2, 0)
    yes, no = values.T[program.yes.what], values.T[program.no.what]
    out = np.empty((len(usage), program.n_numbers, len(values)))
    for s in range(len(usage)):
        slopes = program.yes_numbers @ (usage[s][program.yes.leaves] * (1 - yes))
        slopes -= program.no_numbers @ (usage[s][program.no.leaves] * no)
        out[s] = LN2 * (program.config_bits.T @ pulls[s])
        out[s] += program.fold_slopes(slopes, values)
    for first, finding in evaluation.moving:
        for number, slope in finding.slopes(values):
            n_hypotheses = slope.shape[1]
            if first is None:
                chances = evaluation.by_route(program, n_hypotheses)
            else:
                last = first + n_hypotheses
                n_columns = max(last, int(program.findings.what.max(initial=-1)) + 1)
                chances = evaluation.by_finding(program, n_columns)[:, :, first:last]
            out[:, number] += np.einsum("dsh,dh->sd", chances, slope)
    return out.transpose(2, 0, 1)


def _block(
    program: Program,
    values: Array,
    likelihoods: LogLikelihoods,
    seeds: Array,
    targets: tuple[int, ...],
    along: Rule | None,
    block: slice,
    out: Evaluation,
    scratch: arithmetic.Scratch | None,
    rows: row_arithmetic.Rows | None,
    *,
    fast: bool,
) -> None:
    """Fill in the answers of some draws; those that underflow once more, in logs."""
    n = block.stop - block.start
    weights = np.broadcast_to(seeds, (len(values), *seeds.shape[1:]))
    task = program, values, likelihoods, weights, targets, along
    if fast and program.competition == "patterns" and n > 1:
        risky = _by_patterns(program, values, likelihoods, seeds, targets, block, out)
    else:
        # Numpy adds up a single column in another order than several: none is evaluated alone.
        draws = block if n > 1 else np.repeat(block.start, 2)
        fast = fast and program.competition == "quadrature"
        risky = _attempt(*task, draws, out, scratch, rows, fast=fast, logs=False)
    again = np.flatnonzero(risky[:n]) + block.start
    for batch in np.array_split(again, -(-len(again) // 64)) if len(again) else []:
        batch = batch if len(batch) > 1 else np.repeat(batch, 2)
        _attempt(*task, batch, out, scratch, None, fast=False, logs=True)


def _by_patterns(
    program: Program,
    values: Array,
    likelihoods: LogLikelihoods,
    seeds: Array,
    targets: tuple[int, ...],
    block: slice,
    out: Evaluation,
) -> NDArray[np.bool_]:
    """`_attempt` by numba where routes compete by pattern, in plain numbers."""
    from storyodds.models.engine import pattern_kernel

    circuit, rows, evidence = program.circuit, values[block], likelihoods.take(block)
    log_of = log_weights(program, rows)
    weights = np.exp(log_of - log_of.max(axis=0))
    items, scale = scaled_items(program, evidence.assumptions)
    routes, top = scaled_routes(evidence.routes)
    own_seeds = seeds if len(seeds) == 1 else seeds[block]
    width = _width(3 * circuit.n_nodes, len(rows))
    roots, risky = np.empty((len(circuit.roots), len(rows))), np.empty(len(rows), bool)
    pattern_kernel.run(
        pattern_layout.flat(program, targets),
        np.ascontiguousarray(rows), np.exp(items), np.exp(routes), weights,
        np.ascontiguousarray(own_seeds.transpose(1, 2, 0)), SMALLEST, width, block.start,
        roots, risky,
        *(x.transpose(1, 2, 0) for x in (out.usage, out.won, out.pulls)),
    )  # fmt: skip
    with np.errstate(divide="ignore"):
        out.log_roots[block] = (np.log(roots) + (scale + top)).T
    return risky


def _attempt(
    program: Program,
    values: Array,
    likelihoods: LogLikelihoods,
    seeds: Array,
    targets: tuple[int, ...],
    along: Rule | None,
    draws: slice | NDArray[np.intp],
    out: Evaluation,
    scratch: arithmetic.Scratch | None,
    rows: row_arithmetic.Rows | None,
    *,
    fast: bool,
    logs: bool,
) -> NDArray[np.bool_]:
    """Fill in the answers of some draws in one arithmetic; in which it was not good enough."""
    leaves, race, log_scale = fill_leaves(
        program, values[draws], likelihoods.take(draws), along, logs=logs, scratch=scratch
    )
    weights = np.ascontiguousarray(seeds[draws].transpose(1, 2, 0))
    if fast:
        log_values, usage, stay_pulls = _run_numba(program, leaves, race, weights, targets)
    else:
        # A view where the draws are a block of them.
        usage = out.usage.transpose(1, 2, 0)[:, :, draws]
        log_values, stay_pulls = numpy_sums.run(
            program, leaves, race, weights, usage, scratch or arithmetic.Scratch(), rows, logs=logs
        )
    risky = race.risky | ~(log_values.max(axis=0) > np.log(SMALLEST))
    if len(weights) and not logs:
        sums = np.einsum("srd,rd->sd", weights, np.exp(log_values))
        # What is 0 beside evidence that is not is left at 0: it is, to 150 digits.
        risky |= ((sums < SMALLEST) & (sums > 0)).any(axis=0)
        risky |= ~np.isfinite(usage).all(axis=(0, 1))  # a subnormal sum on the way
    out.log_roots[draws] = (log_values + log_scale).T
    if usage.base is None or not np.shares_memory(usage, out.usage):
        out.usage[draws] = usage.transpose(2, 0, 1)
    if not out.won.shape[1]:
        return np.asarray(risky)
    won = won_by(program, race, usage, logs=logs)
    out.won[draws] = won.transpose(2, 0, 1)
    if not out.pulls.shape[1]:
        return np.asarray(risky)
    losses = lost_by(program, race, usage, stay_pulls, logs=logs)
    with np.errstate(invalid="ignore"):
        pulls = won + losses
    out.pulls[draws] = pulls.transpose(2, 0, 1)
    return np.asarray(risky)


def _width(rows: int, n: int) -> int:
    """How many of n draws go through a kernel side by side, that has so many rows of them."""
    cells = min(_SCRATCH_CELLS, memory_left(_UNLIMITED) // (8 * _COPIES * cores()))
    return int(np.clip(cells // rows, 1, min(n, _WIDTH)))


def _run_numba(
    program: Program,
    leaves: Array,
    race: Race,
    seeds: Array,
    targets: tuple[int, ...],
) -> tuple[Array, Array, Array]:
    from storyodds.models.engine import kernel

    circuit, n = program.circuit, leaves.shape[1]
    stays = circuit.leaves[program.stay_leaves]
    omega = circuit.leaves[program.omega] if program.omega >= 0 else -1
    nodes, weights = (race.rule.nodes, race.rule.weights) if race.rule else (np.zeros(0),) * 2
    values = np.zeros((len(circuit.roots), n))
    flows = np.zeros((len(seeds), program.n_fixed_leaves, n))
    pulls = np.zeros((len(seeds), len(stays), n))
    width = _width(circuit.n_fixed * (3 + len(seeds) * (race.rule is not None)), n)
    marks = np.zeros(circuit.n_nodes, np.int8)
    marks[circuit.below(targets).nodes] = 1
    kernel.run(
        circuit.op, circuit.left, circuit.right, marks, circuit.n_fixed, circuit.roots,
        circuit.leaves[: program.n_fixed_leaves], leaves, stays, race.rates, nodes, weights,
        int(omega), seeds, width, values, flows, pulls,
    )  # fmt: skip
    with np.errstate(divide="ignore"):
        return np.log(values), flows, pulls
