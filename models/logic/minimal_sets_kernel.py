"""The minimal solutions of large truth functions, compiled by numba.

As `decision_diagrams.prime_family`, for functions of which every variable leans one way: then one
pass over the function, its deepest nodes first, is enough (Rauzy 1993). Numba compiles these loops
once per machine. Importing this module imports numba.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from storyodds.models.safe_numba import jit

Ints = NDArray[np.int32]

EMPTY, UNIT = 0, 1
FULL = -1  # what a family is that there was no room for
LEVEL, LOW, HIGH, CHAIN = range(4)


class Families(NamedTuple):
    """Families of sets under construction, each node once.

    Attributes
    ----------
    nodes : (n, 4) int
        EMPTY and UNIT first. LEVEL, LOW and HIGH as in `decision_diagrams`; CHAIN is the next
        node of the same bucket, -1 for none.
    buckets : (a power of 2,) int
        The first node of every bucket.
    results : (a power of 2, 3) int
        Differences made lately: of what, less what, and what is left.
    state : (1,) int
        How many nodes there are.
    """

    nodes: Ints
    buckets: Ints
    results: Ints
    state: Ints


def families(places: int, bottom: int) -> Families:
    """Make an empty store.

    Parameters
    ----------
    places : int
        Room for so many nodes, EMPTY and UNIT included.
    bottom : int
        A level below every other.
    """
    width = 1 << max(places - 1, 1).bit_length()
    store = Families(
        nodes=np.full((places, 4), -1, dtype=np.int32),
        buckets=np.full(width, -1, dtype=np.int32),
        results=np.full((width, 3), -1, dtype=np.int32),
        state=np.array([2], dtype=np.int32),
    )
    store.nodes[:2, LEVEL] = bottom
    store.nodes[:2, LOW] = store.nodes[:2, HIGH] = EMPTY, UNIT
    return store


@jit
def _mixed(a: int, b: int, c: int, width: int) -> int:
    mixed = np.uint64(a) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= np.uint64(b) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= np.uint64(c) * np.uint64(0x165667B19E3779F9)
    return int(np.int64((mixed >> np.uint64(29)) & np.uint64(width - 1)))


@jit
def family(s: Families, level: int, low: int, high: int) -> int:
    """Return the sets of `low`, and those of `high` with one more member; or FULL."""
    if high == EMPTY:
        return low
    bucket = _mixed(level, low, high, len(s.buckets))
    node = s.buckets[bucket]
    while node >= 0:
        if (
            s.nodes[node, LOW] == low
            and s.nodes[node, HIGH] == high
            and s.nodes[node, LEVEL] == level
        ):
            return int(node)
        node = s.nodes[node, CHAIN]
    node = s.state[0]
    if node == len(s.nodes):
        return FULL
    s.state[0] += 1
    s.nodes[node, LEVEL], s.nodes[node, LOW], s.nodes[node, HIGH] = level, low, high
    s.nodes[node, CHAIN] = s.buckets[bucket]
    s.buckets[bucket] = node
    return int(node)


@jit
def refill(old: Families, new: Families) -> None:
    """Move all nodes to a store with more room; every one keeps its place."""
    for node in range(2, old.state[0]):
        level, low, high = old.nodes[node, LEVEL], old.nodes[node, LOW], old.nodes[node, HIGH]
        family(new, level, low, high)


@jit
def difference(s: Families, one: int, other: int, todo: Ints) -> int:
    """Return the sets of one family that the other does not have, or FULL.

    Parameters
    ----------
    s : Families
    one, other : int
    todo : (1 + the number of levels, 4) int array
        Room to work in: two families, how far they are, and what their low sides have left.
    """
    done = EMPTY
    depth = 0
    todo[0, 0], todo[0, 1], todo[0, 2] = one, other, 0
    while depth >= 0:
        f, g, step = todo[depth, 0], todo[depth, 1], todo[depth, 2]
        level = s.nodes[f, LEVEL]
        if step == 0:  # met for the first time
            while s.nodes[g, LEVEL] < level:  # none of these sets is in f
                g = s.nodes[g, LOW]
            todo[depth, 1] = g
            if f == g:
                done, depth = EMPTY, depth - 1
                continue
            if EMPTY in (f, g):
                done, depth = f, depth - 1
                continue
            k = _mixed(f, g, 0, len(s.results))
            if s.results[k, 0] == f and s.results[k, 1] == g:
                done, depth = s.results[k, 2], depth - 1
                continue
            todo[depth, 2] = 1
            depth += 1
            todo[depth, 0], todo[depth, 2] = s.nodes[f, LOW], 0
            todo[depth, 1] = s.nodes[g, LOW] if s.nodes[g, LEVEL] == level else g
            continue
        if step == 1:  # the low side is done
            todo[depth, 2], todo[depth, 3] = 2, done
            done = s.nodes[f, HIGH]
            if s.nodes[g, LEVEL] == level:
                depth += 1
                todo[depth, 0], todo[depth, 1], todo[depth, 2] = done, s.nodes[g, HIGH], 0
                continue
        done = family(s, level, todo[depth, 3], done)
        if done == FULL:
            return FULL
        k = _mixed(f, g, 0, len(s.results))
        s.results[k, 0], s.results[k, 1], s.results[k, 2] = f, g, done
        depth -= 1
    return int(done)


@jit
def minimal(
    s: Families,
    level: Ints,
    low: Ints,
    high: Ints,
    down: NDArray[np.bool_],
    results: Ints,
    first: int,
) -> int:
    """Compute the minimal solutions of every node of a function, from one node on.

    Parameters
    ----------
    s : Families
        Takes them up; level `2 * v` is variable `v` being true, `2 * v + 1` its being false.
    level, low, high : (n_nodes,) int
        The function, FALSE and TRUE first, the others after those that they point to.
    down : (n_variables,) bool
        Whether the function leans towards the variable's being false.
    results : (n_nodes,) int
        The family of every node; filled in.
    first : int
        The first node that is to be filled in.

    Returns
    -------
    int
        The first node for which there was no room; as many as there are when all are done.
    """
    todo = np.empty((2 * len(down) + 2, 4), dtype=np.int32)
    for node in range(first, len(level)):
        v = level[node]
        rest, whole = (
            results[low[node]],
            results[high[node]],
        )  # where the variable does not help, does
        if down[v]:
            rest, whole = whole, rest
        more = difference(s, whole, rest, todo)
        if more == FULL:
            return node
        results[node] = family(s, 2 * v + down[v], rest, more)
        if results[node] == FULL:
            return node
    return len(level)
