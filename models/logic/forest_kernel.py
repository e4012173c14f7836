"""How probable the functions of large diagrams are, compiled by numba.

Numba compiles these loops once per machine. Importing this module imports numba.
"""

import numpy as np
from numpy.typing import NDArray

from storyodds.models.safe_numba import jit

Array = NDArray[np.float64]
Ints = NDArray[np.int32]
Bytes = NDArray[np.int8]

OPEN = -1  # the truth of what is neither true nor false


@jit
def needed(low: Ints, high: Ints, root: int) -> NDArray[np.bool_]:
    """Mark which nodes are under a root, the root and the two ends included, (n_nodes,)."""
    met = np.zeros(len(low), dtype=np.bool_)
    met[:2] = met[root] = True
    for node in range(root, 1, -1):
        if met[node]:
            met[low[node]] = met[high[node]] = True
    return met


@jit
def raise_chances(level: Ints, low: Ints, high: Ints, true: Array, chance: Array) -> None:
    """Compute the chance of every node, from those of the two ends.

    Parameters
    ----------
    level, low, high : (n_nodes,) int
        The two ends first, the others after those that they point to.
    true : (n_levels, n_draws) array
        P(true) of the variable of each level.
    chance : (n_nodes, n_draws) array
        Of the ends; filled in for the others.
    """
    for node in range(2, len(level)):
        v, no, yes = level[node], low[node], high[node]
        for draw in range(true.shape[1]):
            p = true[v, draw]
            chance[node, draw] = p * chance[yes, draw] + (1.0 - p) * chance[no, draw]


@jit
def lower_flows(
    level: Ints, low: Ints, high: Ints, true: Array, chance: Array, flow: Array, met: Array
) -> None:
    """Add up, level by level, what the only root's chance owes to the ways through each.

    Parameters
    ----------
    level, low, high, true : array
        As of `raise_chances`.
    chance : (n_nodes, n_draws) array
        From it.
    flow : (n_nodes, n_draws) array
        1 for the only root and 0 for the others; filled in with the chance that the way through
        the diagram leads there.
    met : (2, n_levels, n_draws) array
        Zeros; filled in with P(function, a node of the level is met, its variable is false), and
        with the same where it is true.
    """
    for node in range(len(level) - 1, 1, -1):
        v, no, yes = level[node], low[node], high[node]
        for draw in range(true.shape[1]):
            p = true[v, draw]
            if_no, if_yes = flow[node, draw] * (1.0 - p), flow[node, draw] * p
            met[0, v, draw] += if_no * chance[no, draw]
            met[1, v, draw] += if_yes * chance[yes, draw]
            flow[no, draw] += if_no
            flow[yes, draw] += if_yes


@jit
def passed_by(
    level: Ints, low: Ints, high: Ints, root: int, n_levels: int, target: int
) -> NDArray[np.bool_]:
    """Say which levels some way from the only root to one of the two ends does not meet.

    Parameters
    ----------
    level, low, high : (n_nodes,) int
        As of `raise_chances`, all of them under the root.
    root, n_levels : int
    target : int
        The end, 0 or 1.

    Returns
    -------
    (n_levels,) bool
    """
    change = np.zeros(n_levels + 1, dtype=np.int64)  # of the number of edges that go past a level
    change[0] += 1
    change[level[root] if root > 1 else n_levels] -= 1
    for node in range(2, len(level)):
        for child in (low[node], high[node]):
            if child > 1 or child == target:
                change[level[node] + 1] += 1
                change[level[child] if child > 1 else n_levels] -= 1
    return np.cumsum(change)[:n_levels] > 0


@jit
def truth(level: Ints, low: Ints, high: Ints, fixed: Bytes, root: int, truths: Bytes) -> int:
    """Return whether a function is true or false whatever the variables are that are left open.

    Parameters
    ----------
    level, low, high : (n_nodes,) int
        As of `raise_chances`.
    fixed : (n_levels,) int
        0 or 1 for a variable that is known to be false or true, OPEN for others.
    root : int
    truths : (n_nodes,) int
        Room to work in.

    Returns
    -------
    int
        0, 1 or OPEN.
    """
    truths[0], truths[1] = 0, 1
    for node in range(2, root + 1):
        value = fixed[level[node]]
        if value == OPEN:
            no, yes = truths[low[node]], truths[high[node]]
            truths[node] = no if no == yes else OPEN
        else:
            truths[node] = truths[high[node]] if value else truths[low[node]]
    return int(truths[root])
