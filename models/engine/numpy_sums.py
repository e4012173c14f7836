"""A program run by numpy: what its roots are worth, and how sums of them use its leaves."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from storyodds.models.circuits.circuit import Circuit
from storyodds.models.engine import arithmetic, row_arithmetic
from storyodds.models.engine.arithmetic import log_sum_exp
from storyodds.models.engine.leaf_values import Race, moving_leaves
from storyodds.models.engine.program import Program

Array = NDArray[np.float64]
Targets = tuple[int, ...]  # places among the roots


class _Walk(Protocol):
    """A circuit evaluated, to be walked back."""

    roots: Array  # (n_roots, n_lanes)

    def targets(self, s: int, seed: Array) -> Targets:
        """Which roots a weighted sum is of."""

    def back(self, s: int, targets: Targets, share: Array, out: Array | None) -> Array:
        """How that sum depends on the leaves, (n_leaves, n_lanes), from the roots' shares of it."""


class _ByStages:
    """A stage of the circuit at a time: over few draws, and in logs."""

    def __init__(
        self, circuit: Circuit, leaves: Array, scratch: arithmetic.Scratch, *, logs: bool
    ) -> None:
        self._circuit, self._scratch, self._logs = circuit, scratch, logs
        self._worth = arithmetic.forward(circuit, leaves, logs=logs, scratch=scratch)
        self.roots = self._worth[circuit.roots]

    def targets(self, s: int, seed: Array) -> Targets:
        return tuple(np.flatnonzero(seed.any(axis=1)).tolist())

    def back(self, s: int, targets: Targets, share: Array, out: Array | None) -> Array:
        part = self._circuit.below(targets)  # the others' parts stay 0
        worth = self._scratch.rows("part", len(part.nodes), self._worth.shape[1])
        np.take(self._worth, part.nodes, axis=0, out=worth, mode="clip")
        flow = arithmetic.backward(
            part.circuit, worth, share, logs=self._logs, scratch=self._scratch
        )
        return flow[part.circuit.leaves]


class _ByRows:
    """A node of the circuit at a time: over many draws."""

    def __init__(
        self, layout: row_arithmetic.Rows, leaves: Array, scratch: arithmetic.Scratch
    ) -> None:
        self._layout, self._scratch, (self._n_leaves, self._n) = layout, scratch, leaves.shape
        sums = layout.sums
        room = scratch.rows("room", sums.n_rows - self._n_leaves, self._n)
        self._rows = [*leaves, *room]
        row_arithmetic.run(sums.steps, self._rows)
        self.roots = np.stack([self._rows[row] for row in sums.roots])

    def targets(self, s: int, seed: Array) -> Targets:
        return self._layout.targets[s]

    def back(self, s: int, targets: Targets, share: Array, out: Array | None) -> Array:
        flows = self._layout.flows[s]
        out = self._scratch.rows("flow", self._n_leaves, self._n) if out is None else out
        rows = [*self._rows, *share, *out]
        rows.extend(self._scratch.rows("way back", flows.n_rows - len(rows), self._n))
        with np.errstate(over="ignore", invalid="ignore"):  # subnormal sums: taken again in logs
            row_arithmetic.run(flows.steps, rows)
        out[flows.silent] = 0.0
        return out


def run(
    program: Program,
    leaves: Array,
    race: Race,
    seeds: Array,
    usage: Array,
    scratch: arithmetic.Scratch,
    layout: row_arithmetic.Rows | None,
    *,
    logs: bool,
) -> tuple[Array, Array]:
    """Run a program over some draws.

    Parameters
    ----------
    program : Program
    leaves : (n_fixed_leaves, n_draws) array
    race : Race
    seeds : (n_seeds, n_roots, n_draws) array
    usage : (n_seeds, n_fixed_leaves, n_draws) array
        To be filled: how often each leaf is used in each weighted sum.
    scratch : Scratch
    layout : Rows, optional
        Of the program's circuit and these sums: for many draws, in plain numbers.
    logs : bool
        Whether leaves and race are in logs.

    Returns
    -------
    (n_roots, n_draws) array
        Logs of the roots.
    (n_seeds, n_stays, n_draws) array
        How the sums are pulled by what decays along the quadrature rule.
    """
    circuit, n = program.circuit, leaves.shape[1]
    n_lanes = len(race.rule.nodes) if race.rule else 1
    wide = leaves if n_lanes == 1 else np.repeat(leaves, n_lanes, axis=1)
    slopes = np.zeros((0, n * n_lanes))
    if race.rule is not None:
        lanes, weights = (np.tile(x, (n, 1)) for x in (race.rule.nodes, race.rule.weights))
        moving = moving_leaves(program, race, lanes, weights, logs=logs)
        wide = np.concatenate([wide, moving])
        slopes = -(race.rates[:, :, None] * lanes).reshape(-1, n * n_lanes)
    walk: _Walk
    if layout is None:
        walk = _ByStages(circuit, wide, scratch, logs=logs)
    else:
        walk = _ByRows(layout, wide, scratch)
    log_roots = walk.roots
    if not logs:
        with np.errstate(divide="ignore"):
            log_roots = np.log(walk.roots)
    log_values = log_roots
    if race.rule is not None:
        # A root without moving leaves (one that is always zero) has the same value in every lane.
        by_lane = log_roots.reshape(-1, n, n_lanes)
        fixed = (circuit.roots < circuit.n_fixed)[:, None]
        log_values = np.where(fixed, by_lane[:, :, 0], log_sum_exp(by_lane, axis=2))
    pulls = np.zeros((len(seeds), len(slopes), n))
    for s, seed in enumerate(seeds):  # each by itself
        targets = walk.targets(s, seed)
        own = list(targets)
        if race.rule is None and not logs:
            share = _shares(seed[own], walk.roots[own])
        else:
            share = _shares_by_lane(seed[own], log_roots[own], log_values[own])
        if n_lanes == 1:
            flow = walk.back(s, targets, share, usage[s])
            if flow is not usage[s]:
                usage[s] = flow
            continue
        flow = walk.back(s, targets, share, None)
        usage[s] = flow[: program.n_fixed_leaves].reshape(-1, n, n_lanes).sum(axis=2)
        with np.errstate(invalid="ignore"):  # flows without end, of subnormal sums
            moved = flow[program.stay_leaves] * slopes
        pulls[s] = moved.reshape(-1, n, n_lanes).sum(axis=2)
    return log_values, pulls


def _shares(seed: Array, values: Array) -> Array:
    """What each root is of a weighted sum of them, (n_roots, n_draws)."""
    parts = seed * values
    total = sum(parts, np.zeros(parts.shape[1]))  # one by one, as the kernel does
    return np.divide(parts, total, out=np.zeros_like(parts), where=total > 0)


def _shares_by_lane(seed: Array, log_roots: Array, log_values: Array) -> Array:
    """The same of every lane by itself, (n_roots, n_draws * n_lanes).

    In logs until the end: a root that the seed leaves out may be vastly more probable.
    """
    if not len(seed):
        return np.zeros(log_roots.shape)
    by_lane = log_roots.reshape(*log_values.shape, -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_seed = np.log(seed)
        log_sums = log_sum_exp(log_seed + log_values, axis=0)
        by_root = np.exp(log_seed[:, :, None] + by_lane - log_sums[:, None])
    by_root = np.where(np.isfinite(log_sums)[None, :, None], by_root, 0.0)
    return np.asarray(by_root.reshape(len(seed), -1))
