"""Circuits whose routes compete by pattern, evaluated by numba: leaves, roots and derivatives.

The same sums in the same order as `models.engine` has them in numpy, and so the same digits,
without an array for every step on the way. Exponentials come from numpy, whose last digits are
its own. Importing this module imports numba; the functions release the GIL.

Numba makes fast loops of rows that start at 0 only, so draws are copied to such rows first.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine.kernel import Array, Bytes, Ints
from storyodds.models.safe_numba import jit

Places = NDArray[np.intp]


class Sums(NamedTuple):
    """Sums over many sets, each begun where another one has got to.

    Sum 0 is 0; every other one is that of its parent and one member more. Members are added in
    the order of the set, so that the digits are those of every set added up by itself.
    """

    parents: Ints
    members: Ints
    ends: Ints  # by set: which sum is that of all of it
    starts: Ints  # the sets themselves, row by row
    rows: Ints


class Steps(NamedTuple):
    """What to do on the way back, parents before children.

    A node whose one parent is a product is used just as often as that parent, and has no flow of
    its own.
    """

    nodes: Ints
    flows: Ints  # which flow is the node's; 0 is that of nodes that nothing depends on
    seed_rows: Ints  # of roots, else -1
    factor_starts: Ints  # flows of the products that the node is a factor of
    factor_flows: Ints
    summand_starts: Ints  # parts of the sums that it is a summand of
    summand_parts: Ints
    parts: Ints  # of sums: which part is the node's own, flow over worth; else -1
    n_flows: int
    n_parts: int


class PatternProgram(NamedTuple):
    """A `Program` whose routes compete by pattern as flat arrays; see `models.patterns`."""

    op: Bytes  # 0 a leaf, 1 a product, 2 a sum
    left: Ints
    right: Ints
    roots: Ints
    seed_rows: Ints  # of the roots; the same where they are the same node
    leaf_nodes: Ints  # which the entries below speak of
    leaf_flows: Ints  # as in `Steps`
    yes: Places
    yes_numbers: Places
    no: Places
    no_numbers: Places
    findings: Places
    finding_columns: Places
    shares: Places
    share_races: Places
    config_routes: Places
    race_sums: Sums
    share_sums: Sums
    steps: Steps


@jit
def run(
    program: PatternProgram,
    numbers: Array,
    items: Array,
    evidence: Array,
    weights: Array,
    seeds: Array,
    smallest: float,
    width: int,
    first: int,
    values: Array,
    risky: NDArray[np.bool_],
    flows: Array,
    won: Array,
    pulls: Array,
) -> None:
    """Evaluate a circuit for a block of draws, forward and, for every seed, backward.

    Parameters
    ----------
    program : PatternProgram
    numbers : (n_block, n_numbers) array
    items : (n_columns, 1 or n_block) array
        Likelihoods of the findings about assumptions.
    evidence : (n_routes, 1 or n_block) array
        Likelihoods of the findings about routes.
    weights : (n_configs, n_block) array
    seeds : (n_seeds, n_roots, 1 or n_block) array
        Each seed stands for the derivatives of log(sum over roots of seed * root).
    smallest : float
        A sum below it is too small to be relied on.
    width : int
        How many draws go through the circuit side by side.
    first : int
        Where the block starts among all draws.
    values : (n_roots, n_block) array
        Filled in: what the roots are worth.
    risky : (n_block,) bool array
        Filled in: where sums are too small to be relied on.
    flows : (n_seeds, n_leaves, n_draws) array
        Filled in: d log(seed's sum) / d log(leaf).
    won, pulls : (n_seeds, n_configs, n_draws) arrays
        Filled in, or empty where they are not asked for: the probability that each config is the
        one in which training ends, and the derivative in its log weight.
    """
    roots, shares, n_configs = program.roots, program.shares, len(weights)
    races, ends, n_block = program.race_sums, program.share_sums.ends, len(numbers)
    v = np.ones((len(program.op), width))
    v[program.leaf_nodes[0]] = 0.0
    flow, part = np.zeros((program.steps.n_flows, width)), np.empty((program.steps.n_parts, width))
    weight, told_weight, spread = np.empty((3, n_configs, width))
    of_races = np.zeros((len(races.parents), width))
    of_shares = np.zeros((len(program.share_sums.parents), width))
    in_race, seed, seeded = np.empty((len(races.ends), width)), v[roots], v[roots]
    row, other = np.empty(width), np.empty(width)
    for start in range(0, n_block, width):
        n = min(width, n_block - start)
        stop, here, there = start + n, first + start, first + start + n
        for c in range(n_configs):
            _copy(weights[c, start:stop], weight[c], n)
            _copy(_at(evidence[program.config_routes[c]], start, stop), told_weight[c], n)
            _multiply(told_weight[c], weight[c], n)
        _add_up(races, weight, of_races, n)
        _add_up(program.share_sums, told_weight, of_shares, n)
        _fill(program, numbers[start:stop], items, start, of_races, of_shares, v, n)
        _forward(program.op, program.left, program.right, v, n)
        row[:], other[:] = np.inf, -np.inf
        for end in races.ends:
            for d in range(n):
                row[d] = min(row[d], of_races[end, d])
        for r in range(len(roots)):
            for d in range(n):
                other[d] = max(other[d], v[roots[r], d])
            _copy(v[roots[r]], values[r, start:stop], n)
        for d in range(n):
            risky[start + d] = not row[d] > smallest or not other[d] > smallest
        for s in range(len(seeds)):
            row[:], seeded[:] = 0.0, 0.0
            for r in range(len(roots)):
                _copy(_at(seeds[s, r], start, stop), seed[r], n)
                _multiply(seed[r], v[roots[r]], n)
                _add(row, seed[r], n)
            for r in range(len(roots)):
                for d in range(n):
                    if row[d] > 0.0:
                        seeded[program.seed_rows[r], d] += seed[r, d] / row[d]
            for d in range(n):
                # What is 0 beside evidence that is not is left at 0: it is, to 150 digits.
                risky[start + d] |= 0.0 < row[d] < smallest
            _backward(program.steps, v, seeded, flow, part, row, n)
            for j in range(len(program.leaf_flows)):
                _copy(flow[program.leaf_flows[j]], flows[s, j, here:there], n)
            if len(won) == 0:
                continue
            spread[:] = 0.0
            for j in range(len(shares)):
                _divide(flow[program.leaf_flows[shares[j]]], of_shares[ends[j]], row, n)
                _spread(program.share_sums, j, row, spread, n)
            for c in range(n_configs):
                _multiply(spread[c], told_weight[c], n)
                _copy(spread[c], won[s, c, here:there], n)
            if len(pulls) == 0:
                continue
            in_race[:], spread[:] = 0.0, 0.0
            for j in range(len(shares)):
                _add(in_race[program.share_races[j]], flow[program.leaf_flows[shares[j]]], n)
            for race in range(len(in_race)):
                _divide(in_race[race], of_races[races.ends[race]], row, n)
                _spread(races, race, row, spread, n)
            for c in range(n_configs):
                _multiply(spread[c], weight[c], n)
                gained, out = won[s, c, here:there], pulls[s, c, here:there]
                for d in range(n):
                    out[d] = gained[d] - spread[c, d]


@jit
def _at(source: Array, start: int, stop: int) -> Array:
    """Likelihoods at some draws, or once for all."""
    return source[start:stop] if len(source) > 1 else source


@jit
def _copy(source: Array, out: Array, n: int) -> None:
    if len(source) >= n:
        for d in range(n):
            out[d] = source[d]
    else:
        for d in range(n):
            out[d] = source[0]


@jit
def _add(out: Array, row: Array, n: int) -> None:
    for d in range(n):
        out[d] += row[d]


@jit
def _multiply(out: Array, row: Array, n: int) -> None:
    for d in range(n):
        out[d] *= row[d]


@jit
def _divide(row: Array, by: Array, out: Array, n: int) -> None:
    for d in range(n):
        out[d] = row[d] / by[d] if by[d] > 0.0 else 0.0


@jit
def _add_up(sets: Sums, weight: Array, sums: Array, n: int) -> None:
    for k in range(1, len(sets.parents)):
        parent, member = sets.parents[k], sets.members[k]
        for d in range(n):
            sums[k, d] = sums[parent, d] + weight[member, d]


@jit
def _spread(sets: Sums, k: int, row: Array, out: Array, n: int) -> None:
    """Add what each member of a set gets."""
    for i in range(sets.starts[k], sets.starts[k + 1]):
        _add(out[sets.rows[i]], row, n)


@jit
def _fill(
    program: PatternProgram,
    numbers: Array,
    items: Array,
    start: int,
    of_races: Array,
    of_shares: Array,
    v: Array,
    n: int,
) -> None:
    """Return the value of every leaf but zero and one."""
    nodes = program.leaf_nodes
    for j in range(len(program.yes)):
        _copy(numbers[:, program.yes_numbers[j]], v[nodes[program.yes[j]]], n)
    for j in range(len(program.no)):
        node = nodes[program.no[j]]
        _copy(numbers[:, program.no_numbers[j]], v[node], n)
        for d in range(n):
            v[node, d] = 1.0 - v[node, d]
    for j in range(len(program.findings)):
        _copy(
            _at(items[program.finding_columns[j]], start, start + n),
            v[nodes[program.findings[j]]],
            n,
        )
    for j in range(len(program.shares)):
        node, own = nodes[program.shares[j]], program.share_sums.ends[j]
        whole = program.race_sums.ends[program.share_races[j]]
        for d in range(n):
            v[node, d] = of_shares[own, d] / of_races[whole, d]


@jit
def _forward(op: Bytes, left: Ints, right: Ints, v: Array, n: int) -> None:
    for i in range(len(op)):
        a, b = left[i], right[i]
        if op[i] == 1:
            for d in range(n):
                v[i, d] = v[a, d] * v[b, d]
        elif op[i] == 2:
            for d in range(n):
                v[i, d] = v[a, d] + v[b, d]


@jit
def _backward(
    steps: Steps, v: Array, seeded: Array, flow: Array, part: Array, row: Array, n: int
) -> None:
    """How the sum that was seeded depends on every node.

    Parents are added up as `models.arithmetic` does it, for the same digits.
    """
    for t in range(len(steps.nodes)):
        i, target, root, own = steps.nodes[t], steps.flows[t], steps.seed_rows[t], steps.parts[t]
        factor, last_factor = steps.factor_starts[t], steps.factor_starts[t + 1]
        summand, last_summand = steps.summand_starts[t], steps.summand_starts[t + 1]
        if factor < last_factor:
            used = steps.factor_flows[factor]
            for d in range(n):
                flow[target, d] = flow[used, d]
            for k in range(factor + 1, last_factor):
                used = steps.factor_flows[k]
                for d in range(n):
                    flow[target, d] += flow[used, d]
            if root >= 0:
                _add(flow[target], seeded[root], n)
        elif root >= 0:
            _copy(seeded[root], flow[target], n)
        if summand < last_summand:
            used = steps.summand_parts[summand]
            for d in range(n):
                row[d] = part[used, d]
            for k in range(summand + 1, last_summand):
                used = steps.summand_parts[k]
                for d in range(n):
                    row[d] += part[used, d]
            if factor < last_factor or root >= 0:
                for d in range(n):
                    flow[target, d] += v[i, d] * row[d]
            else:
                for d in range(n):
                    flow[target, d] = v[i, d] * row[d]
        if own >= 0:
            for d in range(n):
                part[own, d] = flow[target, d] / v[i, d] if v[i, d] > 0.0 else 0.0
