"""Circuits evaluated by numpy: for little work, and in logs where products underflow.

The same sums as `models.kernel` and `models.pattern_kernel`, which are faster where there is much
to do but take a while to load. Every node has one value for each lane; a lane is a draw, or a draw
at one node of the quadrature rule.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from storyodds.models.circuits.circuit import Circuit

Array = NDArray[np.float64]


class Scratch:
    """Room for arrays that many blocks of draws need in turn.

    The system hands out memory of this size page by page and takes it back each time, which takes
    longer than the arithmetic does.
    """

    def __init__(self) -> None:
        self._cells: dict[str, Array] = {}

    def rows(self, name: str, n_rows: int, n_columns: int) -> Array:
        """An array whose cells may hold anything, the same as last time under this name.

        Examples
        --------
        >>> Scratch().rows("worth", 2, 3).shape
        (2, 3)
        """
        cells = self._cells.get(name)
        if cells is None or cells.size < n_rows * n_columns:
            cells = self._cells[name] = np.empty(n_rows * n_columns)
        return cells[: n_rows * n_columns].reshape(n_rows, n_columns)


def log_sum_exp(x: Array, axis: int) -> Array:
    """Log of a sum of exponentials; minus infinity where every term is."""
    top = x.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        total = np.log(np.exp(x - top).sum(axis=axis, keepdims=True)) + top
    return np.asarray(total.squeeze(axis))


def forward(
    circuit: Circuit, leaves: Array, *, logs: bool, scratch: Scratch | None = None
) -> Array:
    """What every node is worth.

    Parameters
    ----------
    circuit : Circuit
    leaves : (n_leaves, n_lanes) array
    logs : bool
        Whether leaves, and what comes back, are natural logs.
    scratch : Scratch, optional
        Where to put what comes back, which is good until the next call with it.

    Returns
    -------
    (n_nodes, n_lanes) array
    """
    scratch, n_lanes, stages = scratch or Scratch(), leaves.shape[1], _stages(circuit)
    v = scratch.rows("worth", circuit.n_nodes, n_lanes)
    v[circuit.leaves] = leaves
    multiply, add = (np.add, np.logaddexp) if logs else (np.multiply, np.add)
    longest = max((stop - start for start, stop in stages), default=0)
    left, right = (scratch.rows(name, longest, n_lanes) for name in ("left", "right"))
    for start, stop in stages:
        combine = multiply if circuit.multiplies[start] else add
        here, n = slice(start, stop), stop - start
        # Without a mode of its own, `take` makes a copy first.
        np.take(v, circuit.left[here], axis=0, out=left[:n], mode="clip")
        np.take(v, circuit.right[here], axis=0, out=right[:n], mode="clip")
        combine(left[:n], right[:n], out=v[here])
    return v


def backward(
    circuit: Circuit, v: Array, seeds: Array, *, logs: bool, scratch: Scratch | None = None
) -> Array:
    """How a weighted sum of roots depends on every node.

    Parameters
    ----------
    circuit : Circuit
    v : (n_nodes, n_lanes) array
        From `forward`.
    seeds : (n_roots, n_lanes) array
        Derivatives of the logarithm of that sum in the logarithm of every root.
    logs : bool
    scratch : Scratch, optional
        As for `forward`.

    Returns
    -------
    (n_nodes, n_lanes) array
        Derivatives of the logarithm of that sum in the logarithm of every node.
    """
    scratch = scratch or Scratch()
    flow = scratch.rows("flow", *v.shape)
    flow[:] = 0.0
    np.add.at(flow, circuit.roots, seeds)
    if logs:
        _push(circuit, v, flow)
        return flow
    share = scratch.rows("share", *v.shape)  # of sums only: flow over worth
    share[:] = 0.0
    # Subnormal sums give shares without end, and these times 0 no number: taken again in logs.
    with np.errstate(over="ignore", invalid="ignore"):
        for start, stop, factor, summand in circuit.pulls:
            here = slice(start, stop)
            if factor is not None:
                flow[here] += factor @ flow
            if summand is not None:
                flow[here] += v[here] * (summand @ share)
            if not circuit.multiplies[start] and not circuit.is_leaf[start]:
                np.divide(flow[here], v[here], out=share[here], where=v[here] > 0)
    return flow


def _push(circuit: Circuit, v: Array, flow: Array) -> None:
    """The same in logs, where a child's share of a sum has to be taken edge by edge."""
    for start, stop in reversed(_stages(circuit)):
        here = slice(start, stop)
        for children in (circuit.left[here], circuit.right[here]):
            parts = flow[here]
            if not circuit.multiplies[start]:
                with np.errstate(invalid="ignore"):
                    parts = np.where(parts > 0, parts * np.exp(v[children] - v[here]), 0.0)
            np.add.at(flow, children, parts)


def _stages(circuit: Circuit) -> list[tuple[int, int]]:
    """Stretches of products or of sums, children before parents."""
    pairs = pairwise(circuit.stage_edges.tolist())
    return [(start, stop) for start, stop in pairs if not circuit.is_leaf[start]]
