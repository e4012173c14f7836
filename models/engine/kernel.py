"""Circuits evaluated by numba: one program compiled once, for every story.

A story is data here. Numba compiles these loops once per machine and then loads them from its
disk cache. Importing this module imports numba. The functions release the GIL.
"""

import math

import numpy as np
from numpy.typing import NDArray

from storyodds.models.safe_numba import jit

Array = NDArray[np.float64]
Ints = NDArray[np.int32]
Bytes = NDArray[np.int8]


@jit
def run(
    op: Bytes,
    left: Ints,
    right: Ints,
    marks: Bytes,
    n_fixed: int,
    roots: Ints,
    leaf_nodes: Ints,
    leaves: Array,
    stays: Ints,
    rates: Array,
    nodes: Array,
    weights: Array,
    omega: int,
    seeds: Array,
    width: int,
    values: Array,
    flows: Array,
    pulls: Array,
) -> None:
    """Evaluate a circuit for many draws, forward and, for every seed, backward.

    Parameters
    ----------
    op : (n_nodes,) int8
        0 a leaf, 1 a product, 2 a sum.
    left, right : (n_nodes,) int32
    marks : (n_nodes,) int8
        Whether any seed depends on the node: what has to be walked back.
    n_fixed : int
        Nodes from this one on have one value for every node of the quadrature rule.
    roots : (n_roots,) int32
    leaf_nodes : (n_fixed_leaves,) int32
    leaves : (n_fixed_leaves, n_draws) array
        What the leaves before n_fixed are worth.
    stays : (n_stays,) int32
        The leaves worth exp(-node * rate).
    rates : (n_stays, n_draws) array
    nodes, weights : (n_quadrature,) array
    omega : int
        The leaf worth the rule's weight; -1 for none.
    seeds : (n_seeds, n_roots, n_draws) array
        Each seed stands for the derivatives of log(sum over roots of seed * root).
    width : int
        How many draws go through the circuit side by side.
    values : (n_roots, n_draws) array
        Filled in: what the roots are worth.
    flows : (n_seeds, n_fixed_leaves, n_draws) array
        Filled in: d log(seed's sum) / d log(leaf).
    pulls : (n_seeds, n_stays, n_draws) array
        Filled in: d log(seed's sum) / d log(rate).
    """
    n_draws, n_lanes, n_moving = leaves.shape[1], len(nodes), len(op) - n_fixed
    v, flow = np.empty((n_fixed, width)), np.empty((n_fixed, width))
    shares, seeded = np.empty((n_fixed, width)), np.empty((len(roots), width))
    row = np.full(n_fixed, -1, np.int32)  # of `seeded`, for every root
    for r in range(len(roots)):
        if roots[r] < n_fixed and row[roots[r]] < 0:
            row[roots[r]] = r
    w, g, ratio = np.empty((n_moving, n_lanes)), np.empty((n_moving, n_lanes)), np.empty(n_lanes)
    sums = np.empty((len(seeds), width))
    moved = np.empty((len(seeds) if n_moving > 0 else 0, n_fixed, width))
    for first in range(0, n_draws, width):
        n = min(width, n_draws - first)
        for j in range(len(leaf_nodes)):
            for d in range(n):
                v[leaf_nodes[j], d] = leaves[j, first + d]
        for i in range(n_fixed):
            a, b = left[i], right[i]
            if op[i] == 1:
                for d in range(n):
                    v[i, d] = v[a, d] * v[b, d]
            elif op[i] == 2:
                for d in range(n):
                    v[i, d] = v[a, d] + v[b, d]
        for r in range(len(roots)):
            if roots[r] < n_fixed:
                for d in range(n):
                    values[r, first + d] = v[roots[r], d]
        if n_moving > 0:
            moved[:] = 0.0
            for d in range(n):
                _moving(
                    op, left, right, marks, n_fixed, roots, v, d, stays, rates[:, first + d],
                    nodes, weights, omega, seeds[:, :, first + d], w, g, ratio,
                    values[:, first + d], moved, pulls[:, :, first + d],
                )  # fmt: skip
        for s in range(len(seeds)):
            for d in range(n):
                sums[s, d] = 0.0
                for r in range(len(roots)):
                    sums[s, d] += seeds[s, r, first + d] * values[r, first + d]
            if n_moving > 0:
                flow[:] = moved[s]
            else:
                flow[:] = 0.0
            seeded[:], shares[:] = 0.0, 0.0
            for r in range(len(roots)):
                if roots[r] < n_fixed:
                    for d in range(n):
                        if sums[s, d] > 0.0:
                            part = seeds[s, r, first + d] * values[r, first + d]
                            seeded[row[roots[r]], d] += part / sums[s, d]
            # Parents are added up as `models.arithmetic` does it.
            for i in range(n_fixed - 1, -1, -1):
                if marks[i] == 0:
                    continue
                a, b = left[i], right[i]
                if row[i] >= 0:
                    for d in range(n):
                        flow[i, d] += seeded[row[i], d]
                for d in range(n):
                    flow[i, d] += v[i, d] * shares[i, d]
                if op[i] == 1:
                    for d in range(n):
                        flow[a, d] += flow[i, d]
                        flow[b, d] += flow[i, d]
                elif op[i] == 2:
                    for d in range(n):
                        share = flow[i, d] / v[i, d] if v[i, d] > 0.0 else 0.0
                        shares[a, d] += share
                        shares[b, d] += share
            for j in range(len(leaf_nodes)):
                for d in range(n):
                    flows[s, j, first + d] = flow[leaf_nodes[j], d]


@jit
def _moving(
    op: Bytes,
    left: Ints,
    right: Ints,
    marks: Bytes,
    n_fixed: int,
    roots: Ints,
    v: Array,
    d: int,
    stays: Ints,
    rates: Array,
    nodes: Array,
    weights: Array,
    omega: int,
    seeds: Array,
    w: Array,
    g: Array,
    ratio: Array,
    values: Array,
    moved: Array,
    pulls: Array,
) -> None:
    """The part of a circuit that moves along the quadrature rule, for one draw."""
    n_lanes = len(nodes)
    _forward(op, left, right, n_fixed, v, d, stays, rates, nodes, weights, omega, w)
    for r in range(len(roots)):
        if roots[r] >= n_fixed:
            total = 0.0
            for k in range(n_lanes):
                total += w[roots[r] - n_fixed, k]
            values[r] = total
    for s in range(len(seeds)):
        total = 0.0
        for r in range(len(roots)):
            total += seeds[s, r] * values[r]
        if not total > 0.0:
            continue
        g[:] = 0.0
        for r in range(len(roots)):
            share = seeds[s, r] / total
            if roots[r] >= n_fixed and share != 0.0:
                for k in range(n_lanes):
                    g[roots[r] - n_fixed, k] += share * w[roots[r] - n_fixed, k]
        _backward(op, left, right, marks, n_fixed, v, d, w, g, ratio, moved[s])
        for j in range(len(stays)):
            pull, row = 0.0, stays[j] - n_fixed
            for k in range(n_lanes):
                pull -= g[row, k] * nodes[k]
            pulls[s, j] = pull * rates[j]


@jit
def _forward(
    op: Bytes,
    left: Ints,
    right: Ints,
    n_fixed: int,
    v: Array,
    d: int,
    stays: Ints,
    rates: Array,
    nodes: Array,
    weights: Array,
    omega: int,
    w: Array,
) -> None:
    n_lanes = len(nodes)
    for j in range(len(stays)):
        row, rate = stays[j] - n_fixed, rates[j]
        for k in range(n_lanes):
            w[row, k] = math.exp(-nodes[k] * rate)
    if omega >= 0:
        for k in range(n_lanes):
            w[omega - n_fixed, k] = weights[k]
    for i in range(n_fixed, len(op)):
        if op[i] == 0:
            continue
        a, b, row = left[i], right[i], i - n_fixed
        if a < n_fixed:
            a, b = b, a
        a -= n_fixed
        if b < n_fixed:
            x = v[b, d]
            if op[i] == 1:
                for k in range(n_lanes):
                    w[row, k] = w[a, k] * x
            else:
                for k in range(n_lanes):
                    w[row, k] = w[a, k] + x
        else:
            b -= n_fixed
            if op[i] == 1:
                for k in range(n_lanes):
                    w[row, k] = w[a, k] * w[b, k]
            else:
                for k in range(n_lanes):
                    w[row, k] = w[a, k] + w[b, k]


@jit
def _backward(
    op: Bytes,
    left: Ints,
    right: Ints,
    marks: Bytes,
    n_fixed: int,
    v: Array,
    d: int,
    w: Array,
    g: Array,
    ratio: Array,
    flow: Array,
) -> None:
    n_lanes = w.shape[1]
    for i in range(len(op) - 1, n_fixed - 1, -1):
        if op[i] == 0 or marks[i] == 0:
            continue
        a, b, row = left[i], right[i], i - n_fixed
        if a < n_fixed:
            a, b = b, a
        a -= n_fixed
        if op[i] == 1:
            for k in range(n_lanes):
                g[a, k] += g[row, k]
            if b < n_fixed:
                total = 0.0
                for k in range(n_lanes):
                    total += g[row, k]
                flow[b, d] += total
            else:
                b -= n_fixed
                for k in range(n_lanes):
                    g[b, k] += g[row, k]
        else:
            for k in range(n_lanes):
                ratio[k] = g[row, k] / w[row, k] if w[row, k] > 0.0 else 0.0
                g[a, k] += ratio[k] * w[a, k]
            if b < n_fixed:
                total = 0.0
                for k in range(n_lanes):
                    total += ratio[k]
                flow[b, d] += total * v[b, d]
            else:
                b -= n_fixed
                for k in range(n_lanes):
                    g[b, k] += ratio[k] * w[b, k]


@jit
def walk(
    op: Bytes,
    left: Ints,
    right: Ints,
    n_fixed: int,
    root: int,
    leaf_nodes: Ints,
    leaves: Array,
    stays: Ints,
    rates: Array,
    nodes: Array,
    weights: Array,
    omega: int,
    u: Array,
    rng: np.random.Generator,
    reached: NDArray[np.bool_],
) -> None:
    """Draw one term of the sum that a circuit is, for every draw.

    Parameters
    ----------
    root : int
    u : (n_draws,) array
        Between 0 and 1: which node of the quadrature rule to take.
    rng : numpy.random.Generator
    reached : (n_fixed_leaves, n_draws) bool array
        Filled in: the leaves that the term multiplies.

    Notes
    -----
    The other parameters are as for `run`.
    """
    n_draws, n_lanes, n_moving = leaves.shape[1], len(nodes), len(op) - n_fixed
    v, w = np.empty((n_fixed, 1)), np.empty((n_moving, n_lanes))
    on = np.empty(len(op), dtype=np.bool_)
    for d in range(n_draws):
        for j in range(len(leaf_nodes)):
            v[leaf_nodes[j], 0] = leaves[j, d]
        for i in range(n_fixed):
            if op[i] == 1:
                v[i, 0] = v[left[i], 0] * v[right[i], 0]
            elif op[i] == 2:
                v[i, 0] = v[left[i], 0] + v[right[i], 0]
        lane = 0
        if n_moving > 0:
            _forward(
                op, left, right, n_fixed, v, 0, stays, rates[:, d], nodes, weights, omega, w
            )  # fmt: skip
            total, so_far = 0.0, 0.0
            for k in range(n_lanes):
                total += w[root - n_fixed, k]
            for k in range(n_lanes):
                so_far += w[root - n_fixed, k]
                if u[d] * total < so_far:
                    lane = k
                    break
        on[:] = False
        on[root] = True
        for i in range(len(op) - 1, -1, -1):
            if not on[i] or op[i] == 0:
                continue
            a, b = left[i], right[i]
            if op[i] == 1:
                on[a], on[b] = True, True
                continue
            x = v[a, 0] if a < n_fixed else w[a - n_fixed, lane]
            y = v[b, 0] if b < n_fixed else w[b - n_fixed, lane]
            if rng.random() * (x + y) < x:
                on[a] = True
            else:
                on[b] = True
        for j in range(len(leaf_nodes)):
            reached[j, d] = on[leaf_nodes[j]]
