"""Decision diagrams in flat arrays, compiled by numba: combined, collected, and sifted.

For diagrams that plain Python is too slow for. Nodes test a *variable*; where variables stand is
said by `level_of`, which sifting changes in place (Rudell 1993): a variable is moved through all
levels, two neighbors changing places at a time, and left where the diagram is smallest. Numba
compiles these loops once per machine. Importing this module imports numba.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from storyodds.models.safe_numba import jit

Ints = NDArray[np.int32]

FALSE, TRUE = 0, 1
FULL = -1  # what a function is that there was no room for
VARIABLE, LOW, HIGH, CHAIN, BEFORE, AFTER, USES = range(7)
FIRST, COUNT, LEVEL_OF, AT_LEVEL = range(4)
_ROW = 8  # numbers of a node: half a line of a cache
_GROWTH = 1.2  # times what it was, that a diagram may grow on the way of a variable (CUDD's, too)


class Store(NamedTuple):
    """Nodes, two of them FALSE and TRUE, and the free places among them.

    Attributes
    ----------
    nodes : (n, 8) int
        VARIABLE is what a node tests: -1 for a free place, the number of variables for the two
        ends. LOW and HIGH are what remains where it is false, and true. CHAIN is the next node of
        the same bucket, or the next free place; BEFORE and AFTER are its neighbors among the
        nodes of the same variable; -1 for none. USES is how often it is pointed at, and kept
        while sifting only.
    buckets : (a power of 2,) int
        The first node of every bucket.
    levels : (n_variables + 1, 4) int
        FIRST node of every variable, and their COUNT; LEVEL_OF, where a variable stands; and, by
        level, the variable AT_LEVEL.
    results : (a power of 2, 4) int
        What was combined lately, by what and to what.
    state : (2,) int
        The first free place, and how many there are.
    """

    nodes: Ints
    buckets: Ints
    levels: Ints
    results: Ints
    state: Ints


def store(level_of: Ints, places: int) -> Store:
    """Make an empty store.

    Parameters
    ----------
    level_of : (n_variables,) int
    places : int
        Room for so many nodes, the two ends included.
    """
    n = len(level_of)
    width = 1 << max(places - 1, 1).bit_length()
    empty = Store(
        nodes=np.full((places, _ROW), -1, dtype=np.int32),
        buckets=np.full(width, -1, dtype=np.int32),
        levels=np.full((n + 1, 4), n, dtype=np.int32),
        results=np.full((max(width // 2, 1 << 10), 4), -1, dtype=np.int32),
        state=np.array([2, places - 2], dtype=np.int32),
    )
    empty.nodes[:2, VARIABLE] = n
    empty.nodes[:2, LOW] = empty.nodes[:2, HIGH] = FALSE, TRUE
    empty.nodes[2:, CHAIN] = np.append(np.arange(3, places), -1)
    empty.levels[:, FIRST], empty.levels[:, COUNT] = -1, 0
    empty.levels[:n, LEVEL_OF], empty.levels[:n, AT_LEVEL] = level_of, np.argsort(level_of)
    return empty


@jit
def _bucket(s: Store, variable: int, low: int, high: int) -> int:
    mixed = np.uint64(low) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= np.uint64(high) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= np.uint64(variable) * np.uint64(0x165667B19E3779F9)
    return int(np.int64((mixed >> np.uint64(29)) & np.uint64(len(s.buckets) - 1)))


@jit
def _enter(s: Store, node: int, variable: int, low: int, high: int) -> None:
    """Make a place a node."""
    s.nodes[node, VARIABLE], s.nodes[node, LOW], s.nodes[node, HIGH] = variable, low, high
    bucket = _bucket(s, variable, low, high)
    s.nodes[node, CHAIN] = s.buckets[bucket]
    s.buckets[bucket] = node
    s.nodes[node, BEFORE], s.nodes[node, AFTER] = -1, s.levels[variable, FIRST]
    if s.levels[variable, FIRST] >= 0:
        s.nodes[s.levels[variable, FIRST], BEFORE] = node
    s.levels[variable, FIRST] = node
    s.levels[variable, COUNT] += 1


@jit
def _leave(s: Store, node: int) -> None:
    """Take a node out of its bucket and from among those of its variable."""
    variable = s.nodes[node, VARIABLE]
    bucket = _bucket(s, variable, s.nodes[node, LOW], s.nodes[node, HIGH])
    one = s.buckets[bucket]
    if one == node:
        s.buckets[bucket] = s.nodes[node, CHAIN]
    else:
        while s.nodes[one, CHAIN] != node:
            one = s.nodes[one, CHAIN]
        s.nodes[one, CHAIN] = s.nodes[node, CHAIN]
    if s.nodes[node, BEFORE] >= 0:
        s.nodes[s.nodes[node, BEFORE], AFTER] = s.nodes[node, AFTER]
    else:
        s.levels[variable, FIRST] = s.nodes[node, AFTER]
    if s.nodes[node, AFTER] >= 0:
        s.nodes[s.nodes[node, AFTER], BEFORE] = s.nodes[node, BEFORE]
    s.levels[variable, COUNT] -= 1


@jit
def _free(s: Store, node: int) -> None:
    s.nodes[node, VARIABLE] = -1
    s.nodes[node, CHAIN] = s.state[0]
    s.state[0] = node
    s.state[1] += 1


@jit
def make(s: Store, variable: int, low: int, high: int) -> int:
    """Return the node of these three, or FULL."""
    if low == high:
        return low
    node = s.buckets[_bucket(s, variable, low, high)]
    while node >= 0:
        if (
            s.nodes[node, LOW] == low
            and s.nodes[node, HIGH] == high
            and s.nodes[node, VARIABLE] == variable
        ):
            return int(node)
        node = s.nodes[node, CHAIN]
    node = s.state[0]
    if node < 0:
        return FULL
    s.state[0] = s.nodes[node, CHAIN]
    s.state[1] -= 1
    s.nodes[node, USES] = 0
    _enter(s, node, variable, low, high)
    return int(node)


@jit
def combine(s: Store, one: int, other: int, absorbing: int) -> int:
    """Return "both" (FALSE absorbs) or "either" (TRUE absorbs) of two functions, or FULL."""
    n = len(s.levels) - 1
    todo = np.empty((2 * n + 2, 4), dtype=np.int32)  # two functions, a variable, the low result
    done = FULL
    depth = 0
    todo[0, 0], todo[0, 1], todo[0, 2] = one, other, -1
    while depth >= 0:
        f, g, variable = todo[depth, 0], todo[depth, 1], todo[depth, 2]
        if variable == -1:  # met for the first time
            done = FULL
            if f == absorbing or g == absorbing:
                done = absorbing
            elif f == 1 - absorbing or f == g:
                done = g
            elif g == 1 - absorbing:
                done = f
            else:
                if f > g:
                    f, g = g, f
                    todo[depth, 0], todo[depth, 1] = f, g
                k = _result(s, f, g, absorbing)
                if s.results[k, 0] == f and s.results[k, 1] == g and s.results[k, 2] == absorbing:
                    done = s.results[k, 3]
            if done != FULL:
                depth -= 1
                continue
            at_f, at_g = s.nodes[f, VARIABLE], s.nodes[g, VARIABLE]
            variable = at_f if s.levels[at_f, LEVEL_OF] <= s.levels[at_g, LEVEL_OF] else at_g
            todo[depth, 2], todo[depth, 3] = variable, FULL
            depth += 1
            todo[depth, 0] = s.nodes[f, LOW] if at_f == variable else f
            todo[depth, 1] = s.nodes[g, LOW] if at_g == variable else g
            todo[depth, 2] = -1
        elif todo[depth, 3] == FULL:  # the low side is done
            todo[depth, 3] = done
            depth += 1
            todo[depth, 0] = s.nodes[f, HIGH] if s.nodes[f, VARIABLE] == variable else f
            todo[depth, 1] = s.nodes[g, HIGH] if s.nodes[g, VARIABLE] == variable else g
            todo[depth, 2] = -1
        else:
            done = make(s, variable, todo[depth, 3], done)
            if done == FULL:
                return FULL
            k = _result(s, f, g, absorbing)
            s.results[k, 0], s.results[k, 1], s.results[k, 2] = f, g, absorbing
            s.results[k, 3] = done
            depth -= 1
    return done


@jit
def _result(s: Store, f: int, g: int, absorbing: int) -> int:
    mixed = np.uint64(f) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= np.uint64(g) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed += np.uint64(absorbing)
    mixed ^= mixed >> np.uint64(31)
    return int(np.int64(mixed & np.uint64(len(s.results) - 1)))


@jit
def negate(s: Store, root: int) -> int:
    """Return the function that holds where this one does not, or FULL."""
    opposite = np.full(len(s.nodes), -1, dtype=np.int32)
    opposite[FALSE], opposite[TRUE] = TRUE, FALSE
    todo = np.empty(2 * (len(s.levels) - 1) + 2, dtype=np.int32)
    todo[0], depth = root, 0
    while depth >= 0:
        node = todo[depth]
        low, high = s.nodes[node, LOW], s.nodes[node, HIGH]
        if opposite[node] >= 0:
            depth -= 1
        elif opposite[low] < 0 or opposite[high] < 0:
            depth += 1
            todo[depth] = low if opposite[low] < 0 else high
        else:
            opposite[node] = make(s, s.nodes[node, VARIABLE], opposite[low], opposite[high])
            if opposite[node] == FULL:
                return FULL
            depth -= 1
    return int(opposite[root])


@jit
def collect(s: Store, roots: Ints) -> None:
    """Free what no root needs, forget all results, and count how often nodes are pointed at."""
    s.results[:] = -1
    s.nodes[:, USES] = 0
    todo = np.empty(len(s.nodes) + 2, dtype=np.int32)
    depth = 0
    for root in roots:
        if s.nodes[root, USES] == 0:
            todo[depth] = root
            depth += 1
        s.nodes[root, USES] += 1
        while depth > 0:
            depth -= 1
            node = todo[depth]
            if node > TRUE:
                for side in (s.nodes[node, LOW], s.nodes[node, HIGH]):
                    if s.nodes[side, USES] == 0:
                        todo[depth] = side
                        depth += 1
                    s.nodes[side, USES] += 1
    for node in range(TRUE + 1, len(s.nodes)):
        if s.nodes[node, VARIABLE] >= 0 and s.nodes[node, USES] == 0:
            _leave(s, node)
            _free(s, node)


@jit
def refill(old: Store, new: Store) -> None:
    """Move all nodes to a store with more room; every one keeps its place."""
    places, free = len(new.nodes), -1
    for node in range(places - 1, TRUE, -1):
        if node < len(old.nodes) and old.nodes[node, VARIABLE] >= 0:
            new.nodes[node, USES] = old.nodes[node, USES]
            _enter(
                new, node, old.nodes[node, VARIABLE], old.nodes[node, LOW], old.nodes[node, HIGH]
            )
        else:
            new.nodes[node, CHAIN] = free
            free = node
    new.nodes[:2, USES] = old.nodes[:2, USES]
    new.state[0] = free
    new.state[1] = old.state[1] + places - len(old.nodes)


@jit
def _shared(s: Store, variable: int, low: int, high: int) -> int:
    """`make` while sifting: one more use of the node."""
    node = make(s, variable, low, high)
    if s.nodes[node, USES] == 0 and node > TRUE:
        s.nodes[low, USES] += 1
        s.nodes[high, USES] += 1
    s.nodes[node, USES] += 1
    return node


@jit
def _drop(s: Store, node: int) -> None:
    """One use less of a node, which goes when that was the last.

    Its two sides are used by what takes its place.
    """
    s.nodes[node, USES] -= 1
    if s.nodes[node, USES] == 0 and node > TRUE:
        s.nodes[s.nodes[node, LOW], USES] -= 1
        s.nodes[s.nodes[node, HIGH], USES] -= 1
        _leave(s, node)
        _free(s, node)


@jit
def swap(s: Store, level: int) -> None:
    """Let the variables of a level and the next change places; functions stay where they are."""
    above, below = s.levels[level, AT_LEVEL], s.levels[level + 1, AT_LEVEL]
    node = s.levels[above, FIRST]
    # New nodes of the variable are entered before the first one: the walk does not meet them.
    while node >= 0:
        after = s.nodes[node, AFTER]
        low, high = s.nodes[node, LOW], s.nodes[node, HIGH]
        if s.nodes[low, VARIABLE] == below or s.nodes[high, VARIABLE] == below:
            _leave(s, node)
            low_low, low_high, high_low, high_high = low, low, high, high
            if s.nodes[low, VARIABLE] == below:
                low_low, low_high = s.nodes[low, LOW], s.nodes[low, HIGH]
            if s.nodes[high, VARIABLE] == below:
                high_low, high_high = s.nodes[high, LOW], s.nodes[high, HIGH]
            new_low = _shared(s, above, low_low, high_low)
            new_high = _shared(s, above, low_high, high_high)
            _enter(s, node, below, new_low, new_high)
            _drop(s, low)
            _drop(s, high)
        node = after
    s.levels[level, AT_LEVEL], s.levels[level + 1, AT_LEVEL] = below, above
    s.levels[above, LEVEL_OF], s.levels[below, LEVEL_OF] = level + 1, level


@jit
def _move(s: Store, variable: int, target: int, limit: int, best: Ints) -> int:
    """Move a variable towards a level, noting where the diagram is smallest; nodes met."""
    work = 0
    while s.levels[variable, LEVEL_OF] != target:
        level = s.levels[variable, LEVEL_OF]
        upper = level if level < target else level - 1
        met = s.levels[s.levels[upper, AT_LEVEL], COUNT]
        if s.state[1] < 2 * met:
            return work
        swap(s, upper)
        work += met
        size = len(s.nodes) - s.state[1]
        if size < best[0]:
            best[0], best[1] = size, s.levels[variable, LEVEL_OF]
        if size > limit:
            return int(work)
    return work


@jit
def sift(s: Store, most: int) -> int:
    """Move variables to where they make the diagram smallest, those of most nodes first.

    After `collect`. A quarter of the places at most may be taken: a variable passes through
    larger diagrams on its way.

    Parameters
    ----------
    s : Store
    most : int
        How many nodes to meet on the way: no more variables are moved when it is spent.

    Returns
    -------
    int
        How many were met.
    """
    n = len(s.levels) - 1
    best = np.empty(2, dtype=np.int32)
    work = 0
    for variable in np.argsort(-s.levels[:-1, COUNT]):
        if s.levels[variable, COUNT] == 0 or work > most:
            break
        best[0] = len(s.nodes) - s.state[1]
        best[1] = s.levels[variable, LEVEL_OF]
        limit = int(_GROWTH * best[0]) + s.levels[variable, COUNT]
        ends = (0, n - 1) if best[1] < n // 2 else (n - 1, 0)
        for end in ends:
            work += _move(s, variable, end, limit, best)
        work += _move(s, variable, best[1], len(s.nodes), best)
    return work
