"""Decision diagrams: truth functions, and families of sets, as shared nodes.

A node tests one level: `low` is what remains where it is false (or left out), `high` where it is
true (or taken). Levels grow on the way down, and no two nodes are alike, so that equal functions
are one node. A truth function leaves out a node whose two sides are the same (Bryant 1986); a
family of sets leaves out a node whose high side is empty (Minato 1993).

Nothing here recurses: a diagram may be thousands of levels deep.
"""

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FALSE = EMPTY = 0  # the function that never holds; the family without a set
TRUE = UNIT = 1  # the function that always holds; the family of the empty set alone

MAX_NODES = 2_000_000  # so that a diagram too large ends in an error, not in want of memory

# Two nodes fit into one integer, which is the key of what is remembered about them.
_BITS = 24
_MASK = (1 << _BITS) - 1
_STEPS_PER_NODE = 8  # diagrams of fault trees take 1 to 3, and those put together from sets 8
_BOTTOM = 1 << 60  # the level of FALSE and TRUE, below every other
_CELLS = 1 << 23  # numbers held at a time when a diagram is evaluated

type Draws = npt.NDArray[np.float64]


class TooManyNodesError(Exception):
    """A diagram has passed its budget of nodes.

    Attributes
    ----------
    built : int
        How many places of a graph of gates were built before, where that is known.
    """

    def __init__(self, built: int = 0) -> None:
        super().__init__()
        self.built = built


@dataclass(frozen=True)
class Diagram:
    """A finished diagram.

    Attributes
    ----------
    level, low, high : tuple of int
        One entry per node, those of FALSE and TRUE (or EMPTY and UNIT) first. Nodes come after
        those that they point to.
    root : int
        The node that stands for the whole.
    """

    level: tuple[int, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    root: int

    @property
    def size(self) -> int:
        """How many nodes there are, FALSE and TRUE aside."""
        return len(self.level) - 2

    def upwards(self) -> Iterator[tuple[int, int, int]]:
        """Walk (level, low, high) of every inner node, each after those that it points to."""
        return zip(self.level[2:], self.low[2:], self.high[2:], strict=True)


class Nodes:
    """Nodes under construction: each (level, low, high) once.

    Parameters
    ----------
    budget : int
        How many nodes there may be, those no longer in use included. Of steps on the way there
        may be `_STEPS_PER_NODE` times as many: their results are remembered.
    """

    def __init__(self, budget: int = MAX_NODES) -> None:
        self.budget = min(budget, _MASK)
        self.most_steps = _STEPS_PER_NODE * self.budget
        self.level = [_BOTTOM, _BOTTOM]
        self.low = [FALSE, TRUE]
        self.high = [FALSE, TRUE]
        self.known: defaultdict[int, dict[int, int]] = defaultdict(dict)

    def node(self, level: int, low: int, high: int) -> int:
        """Return the node of these three, whether it is needed or not."""
        nodes, key = self.known[level], low << _BITS | high
        node = nodes.get(key)
        if node is None:
            node = nodes[key] = self._add(level, low, high)
        return node

    def _add(self, level: int, low: int, high: int) -> int:
        added = len(self.level)
        if added > self.budget:
            raise TooManyNodesError
        self.level.append(level)
        self.low.append(low)
        self.high.append(high)
        return added

    def reachable(self, root: int, stops: Container[int] = (FALSE, TRUE)) -> list[int]:
        """List a root and what is under it, down to the known, each after what it points to."""
        visited: set[int] = set()
        todo = [root]
        while todo:
            node = todo.pop()
            if node not in visited and node not in stops:
                visited.add(node)
                todo += (self.low[node], self.high[node])
        return sorted(visited)

    def diagram(self, root: int) -> Diagram:
        """Keep what a root needs and nothing else."""
        kept = self.reachable(root)
        place = {FALSE: FALSE, TRUE: TRUE} | {node: i for i, node in enumerate(kept, start=2)}
        return Diagram(
            (_BOTTOM, _BOTTOM, *(self.level[node] for node in kept)),
            (FALSE, TRUE, *(place[self.low[node]] for node in kept)),
            (FALSE, TRUE, *(place[self.high[node]] for node in kept)),
            place[root],
        )


class TruthNodes(Nodes):
    """Truth functions under construction; a level is a variable."""

    def __init__(self, budget: int = MAX_NODES) -> None:
        super().__init__(budget)
        # What "both" (false absorbs) and "either" (true absorbs) have given so far.
        self.combined: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.opposites = {FALSE: TRUE, TRUE: FALSE}

    def variable(self, level: int, value: bool) -> int:
        """Return the function that holds where a variable has a value."""
        return self.node(level, FALSE, TRUE) if value else self.node(level, TRUE, FALSE)

    def both(self, one: int, other: int) -> int:
        """Return the function that holds where both do."""
        return self._combine(one, other, FALSE)

    def either(self, one: int, other: int) -> int:
        """Return the function that holds where one of the two does."""
        return self._combine(one, other, TRUE)

    def negation(self, root: int) -> int:
        """Return the function that holds where this one does not."""
        opposite = self.opposites
        for node in self.reachable(root, opposite):
            low, high = opposite[self.low[node]], opposite[self.high[node]]
            opposite[node] = self.node(self.level[node], low, high)
            opposite[opposite[node]] = node
        return opposite[root]

    def _combine(self, one: int, other: int, absorbing: int) -> int:
        level, low, high, nodes_of = self.level, self.low, self.high, self.known
        combined = self.combined[absorbing]
        # A key waits to be combined; its complement, to be put together from its two sides, the
        # last two that are done.
        todo, done = [one << _BITS | other], list[int]()
        while todo:
            key = todo.pop()
            if key >= 0:
                f, g = key >> _BITS, key & _MASK
                if f > g:
                    f, g = g, f
                    key = f << _BITS | g
                if f <= TRUE:
                    done.append(f if f == absorbing else g)
                elif f == g:
                    done.append(f)
                elif (result := combined.get(key)) is not None:
                    done.append(result)
                else:
                    todo.append(~key)
                    if level[f] == level[g]:
                        todo.append(high[f] << _BITS | high[g])
                        todo.append(low[f] << _BITS | low[g])
                    elif level[f] < level[g]:
                        todo.append(high[f] << _BITS | g)
                        todo.append(low[f] << _BITS | g)
                    else:
                        todo.append(f << _BITS | high[g])
                        todo.append(f << _BITS | low[g])
                continue
            key = ~key
            above = done.pop()
            below = done[-1]
            if below != above:
                top = min(level[key >> _BITS], level[key & _MASK])
                same_level, pair = nodes_of[top], below << _BITS | above
                result = same_level.get(pair)
                if result is None:
                    result = same_level[pair] = self._add(top, below, above)
                done[-1] = result
            combined[key] = done[-1]
            if len(combined) > self.most_steps:
                raise TooManyNodesError
        return done[0]


class SetNodes(Nodes):
    """Families of sets under construction; a level is a possible member."""

    def __init__(self, budget: int = MAX_NODES) -> None:
        super().__init__(budget)
        self.differences: dict[int, int] = {}

    def family(self, level: int, low: int, high: int) -> int:
        """Return the sets of `low`, and those of `high` with one more member."""
        return low if high == EMPTY else self.node(level, low, high)

    def difference(self, one: int, other: int) -> int:
        """Return the sets of one family that the other does not have."""
        level, low, high, memo = self.level, self.low, self.high, self.differences
        todo, done = [one << _BITS | other], list[int]()
        while todo:
            key = todo.pop()
            if key >= 0:
                f, g = key >> _BITS, key & _MASK
                while level[g] < level[f]:  # none of these sets is in f
                    g = low[g]
                key = f << _BITS | g
                if f in (EMPTY, g):
                    done.append(EMPTY)
                elif g == EMPTY:
                    done.append(f)
                elif (result := memo.get(key)) is not None:
                    done.append(result)
                elif level[f] < level[g]:
                    todo += (~key, low[f] << _BITS | g)
                else:
                    todo += (~key, high[f] << _BITS | high[g], low[f] << _BITS | low[g])
                continue
            key = ~key
            f, g = key >> _BITS, key & _MASK
            above = done.pop() if level[f] == level[g] else high[f]
            done[-1] = memo[key] = self.family(level[f], done[-1], above)
            if len(memo) > self.most_steps:
                raise TooManyNodesError
        return done[0]


def prime_family(truth: TruthNodes, root: int, sets: SetNodes, leaning: Mapping[int, bool]) -> int:
    """Return the family of all prime implicants of a function (Coudert and Madre 1993).

    A prime implicant of a function either leaves its first variable open, and is one of "both
    sides"; or it fixes the variable, and is one of that side alone. Where the function leans one
    way in the variable, "both sides" is one of the sides, and these are the minimal solutions of
    Rauzy (1993).

    Parameters
    ----------
    truth : TruthNodes
    root : int
        The function, a node of `truth`.
    sets : SetNodes
        Takes up the family. Level `2 * v` is variable `v` being true, `2 * v + 1` its being false.
    leaning : mapping of int to bool
        The variables known to make the function hold, if anything, when true (True) or when
        false (False).

    Returns
    -------
    int
        A node of `sets`.

    Raises
    ------
    TooManyNodesError
        If either passes its budget.
    """
    primes = {FALSE: EMPTY, TRUE: UNIT}
    todo = [root]
    while todo:
        node = todo[-1]
        if node in primes:
            todo.pop()
            continue
        variable, low, high = truth.level[node], truth.low[node], truth.high[node]
        sign = leaning.get(variable)
        shared = truth.both(low, high) if sign is None else low if sign else high
        missing = [side for side in (low, high, shared) if side not in primes]
        if missing:
            todo += missing
            continue
        of_both = primes[shared]
        if_false = sets.difference(primes[low], of_both)
        if_true = sets.difference(primes[high], of_both)
        primes[node] = sets.family(
            2 * variable, sets.family(2 * variable + 1, of_both, if_false), if_true
        )
        todo.pop()
    return primes[root]


def union_of(sets: Diagram, truth: TruthNodes) -> int:
    """Return the function that holds where at least one set of literals does.

    Parameters
    ----------
    sets : Diagram
        With the levels of `prime_family`.
    truth : TruthNodes
        Takes up the function.
    """
    union = [FALSE, TRUE]
    for level, low, high in sets.upwards():
        literal = truth.variable(level >> 1, level & 1 == 0)
        union.append(truth.either(union[low], truth.both(literal, union[high])))
    return union[sets.root]


def probability_of(diagram: Diagram, true: Draws) -> Draws:
    """Return the probability that a function holds when its variables are independent.

    Parameters
    ----------
    diagram : Diagram
        Of a truth function.
    true : numpy.ndarray, shape (n_levels, n_draws)
        P(true) of the variable of each level.

    Returns
    -------
    numpy.ndarray, shape (n_draws,)
        Exact but for rounding: sums and products of probabilities and of 1 less a probability.

    Examples
    --------
    >>> nodes = TruthNodes()
    >>> one = nodes.either(nodes.variable(0, True), nodes.variable(1, False))
    >>> probability_of(nodes.diagram(one), np.array([[0.5, 0.5], [0.5, 0.25]]))
    array([0.75 , 0.875])
    """
    held = np.empty(true.shape[1])
    step = max(_CELLS // len(diagram.level), 1)
    for start in range(0, len(held), step):
        held[start : start + step] = _probability_of(diagram, true[:, start : start + step])
    return held


def _probability_of(diagram: Diagram, true: Draws) -> Draws:
    """Go up level by level, all nodes of a level and all draws at once."""
    level, low, high = (np.array(part) for part in (diagram.level, diagram.low, diagram.high))
    held = np.empty((len(level), true.shape[1]))
    held[FALSE], held[TRUE] = 0.0, 1.0
    upwards = np.argsort(-level[2:], kind="stable") + 2
    for nodes in np.split(upwards, np.flatnonzero(np.diff(level[upwards])) + 1):
        if len(nodes):
            p = true[level[nodes[0]]]
            held[nodes] = p * held[high[nodes]] + (1.0 - p) * held[low[nodes]]
    return np.asarray(held[diagram.root])


def paths(diagram: Diagram) -> Iterator[list[tuple[int, bool]]]:
    """Walk the ways to TRUE as (level, side taken) from the top; no two can hold together.

    Examples
    --------
    >>> nodes = TruthNodes()
    >>> one = nodes.either(nodes.variable(0, True), nodes.variable(1, True))
    >>> list(paths(nodes.diagram(one)))
    [[(0, False), (1, True)], [(0, True)]]
    """
    taken: list[tuple[int, bool]] = []
    todo = [(diagram.root, 0)]
    while todo:
        node, depth = todo.pop()
        if node < 0:  # the high side of a node whose low side is done
            node = ~node
            del taken[depth:]
            taken.append((diagram.level[node], True))
            todo.append((diagram.high[node], depth + 1))
        elif node == TRUE:
            yield taken[:depth]
        elif node != FALSE:
            todo.append((~node, depth))
            del taken[depth:]
            taken.append((diagram.level[node], False))
            todo.append((diagram.low[node], depth + 1))
