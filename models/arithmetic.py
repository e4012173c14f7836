"""Circuits evaluated by numpy: for little work, and in logs where products underflow.

The same sums as `models.kernel` and `models.pattern_kernel`, which are faster where there is much
to do but take a while to load. Every node has one value for each lane; a lane is a draw, or a draw
at one node of the quadrature rule.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from storyodds.models.circuit import Circuit

Array = NDArray[np.float64]


def log_sum_exp(x: Array, axis: int) -> Array:
    """Log of a sum of exponentials; minus infinity where every term is."""
    top = x.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        total = np.log(np.exp(x - top).sum(axis=axis, keepdims=True)) + top
    return np.asarray(total.squeeze(axis))


def forward(circuit: Circuit, leaves: Array, *, logs: bool) -> Array:
    """What every node is worth.

    Parameters
    ----------
    circuit : Circuit
    leaves : (n_leaves, n_lanes) array
    logs : bool
        Whether leaves, and what comes back, are natural logs.

    Returns
    -------
    (n_nodes, n_lanes) array
    """
    v = np.empty((circuit.n_nodes, leaves.shape[1]))
    v[circuit.leaves] = leaves
    multiply, add = (np.add, np.logaddexp) if logs else (np.multiply, np.add)
    for start, stop in _stages(circuit):
        combine = multiply if circuit.multiplies[start] else add
        here = slice(start, stop)
        combine(v[circuit.left[here]], v[circuit.right[here]], out=v[here])
    return v


def backward(circuit: Circuit, v: Array, seeds: Array, *, logs: bool) -> Array:
    """How a weighted sum of roots depends on every node.

    Parameters
    ----------
    circuit : Circuit
    v : (n_nodes, n_lanes) array
        From `forward`.
    seeds : (n_roots, n_lanes) array
        Derivatives of the logarithm of that sum in the logarithm of every root.
    logs : bool

    Returns
    -------
    (n_nodes, n_lanes) array
        Derivatives of the logarithm of that sum in the logarithm of every node.
    """
    flow = np.zeros_like(v)
    np.add.at(flow, circuit.roots, seeds)
    if logs:
        _push(circuit, v, flow)
        return flow
    share = np.zeros_like(v)  # of sums only: flow over worth
    for start, stop, factor, summand in circuit.pulls:
        here = slice(start, stop)
        if factor.nnz:
            flow[here] += factor @ flow
        if summand.nnz:
            flow[here] += v[here] * (summand @ share)
        if not circuit.multiplies[start] and not circuit.is_leaf[start]:
            with np.errstate(over="ignore"):  # subnormal sums: taken again in logs
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
