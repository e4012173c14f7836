"""Many formulas as one decision diagram, in an order of variables found by sifting.

The road for formulas that are too large for `models.formula_diagrams`: nodes that are no longer
needed are collected. Where an order of variables is worth trying as it is, they are sifted to
where they are best only once everything is built; where no such order does, whenever what is
needed has doubled.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models.logic.diagrams import FALSE, TRUE, TooManyNodesError
from storyodds.models.logic.gates import Gate, GateGraph, Order

Ints = NDArray[np.int32]

# A node, up to two buckets, and up to one remembered result: their numbers are powers of 2.
PLACE_BYTES = 8 * 4 + 2 * 4 + 4 * 4
_OLD = 1.5  # what moving to twice as many places takes, beside them
_FIRST_PLACES = 1 << 13
_FIRST_SIFT = 1 << 11  # nodes below which no order is worth looking for
# Nodes that sifting may meet, some seconds' work at most: every variable can be moved all the way
# while diagrams are small, and where they are large those of most nodes.
_SIFT_WORK, _SIFT_SHARE = 3_000_000, 3
_SETTLING_WORK = 30_000_000  # the same once everything is built: what comes after is shorter then
_SETTLING_NODES = 300_000  # of which only few variables could be moved with so much work
_STILL_BETTER = 0.95  # times as many nodes: sifting goes on as long as it gives less than that
_ROOM = 4  # times the nodes in use: what sifting is given


@dataclass(frozen=True)
class SharedDiagram:
    """Finished functions over the same variables, every node once.

    Attributes
    ----------
    names : tuple of str
        The assumption of every level, some of which may make no difference.
    level, low, high : (n_nodes,) int
        FALSE and TRUE first; the others after those that they point to.
    roots : tuple of int
        The node of every function.
    """

    names: Order
    level: Ints
    low: Ints
    high: Ints
    roots: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many nodes there are, FALSE and TRUE aside."""
        return len(self.level) - 2


def sifted(
    graph: GateGraph,
    order: Order,
    members: Sequence[int],
    max_bytes: int,
    *,
    on_the_way: bool = True,
    at_the_end: bool = True,
) -> SharedDiagram:
    """Build functions of a graph.

    Parameters
    ----------
    graph : GateGraph
    order : tuple of str
        Of all the graph's assumptions, to begin with.
    members : sequence of int
        The functions, as members of a gate would be.
    max_bytes : int
        Memory that nodes may take while they are built.
    on_the_way, at_the_end : bool
        Whether to sift before everything is built, and once it is.

    Raises
    ------
    TooManyNodesError
        If they take more; it says how many of the graph's places were built.

    Examples
    --------
    >>> from storyodds.models.logic.gates import as_written, gate_graph
    >>> graph = gate_graph(("a", "not both"), {"both": ("b", "c")})
    >>> made = sifted(graph, as_written(graph), [graph.top], 2**20)
    >>> made.size, len(made.roots)
    (3, 1)
    """
    # What decides late comes first, so that the rest is put on top of it.
    nodes = _Nodes(len(order), max_bytes, on_the_way=on_the_way)
    variable = {name: v for v, name in enumerate(order)}
    uses = Counter(
        member >> 1 for part in graph.places if not isinstance(part, str) for member in part.members
    )
    kept = {member >> 1 for member in members}
    built = nodes.held
    for k, part in enumerate(graph.places):
        if isinstance(part, str):
            built[k] = nodes.variable(variable[part])
            continue
        try:
            built[k] = _gate(nodes, part)
        except TooManyNodesError:
            raise TooManyNodesError(k) from None
        for member in part.members:
            uses[member >> 1] -= 1
            if uses[member >> 1] == 0 and member >> 1 not in kept:
                built.pop(member >> 1, None)
    for member in members:
        if member & 1:
            nodes.temporary.append(nodes.negation(built[member >> 1]))
    if at_the_end:
        nodes.settle()
    opposite = iter(nodes.temporary)
    roots = [next(opposite) if member & 1 else built[member >> 1] for member in members]
    return nodes.finished(order, roots)


def _gate(nodes: "_Nodes", gate: Gate) -> int:
    members = []
    for member in gate.members:
        function = nodes.held[member >> 1]
        if member & 1:
            function = nodes.negation(function)
            nodes.temporary.append(function)
        members.append(function)
    members.sort(key=nodes.level, reverse=True)
    # reached[j]: at least j of the members seen so far.
    reached = [TRUE] + [FALSE] * gate.needed
    start = len(nodes.temporary)
    for rest, member in zip(range(len(members) - 1, -1, -1), members, strict=True):
        # With so few members left, what holds for fewer now can never become enough.
        for j in range(gate.needed, max(gate.needed - rest, 1) - 1, -1):
            nodes.temporary[start:] = reached
            more = nodes.both(member, reached[j - 1])
            nodes.temporary.append(more)
            reached[j] = nodes.either(reached[j], more)
    nodes.temporary.clear()
    return reached[gate.needed]


class _Nodes:
    """Functions under construction; what is neither held nor temporary may be collected."""

    def __init__(self, n_variables: int, max_bytes: int, *, on_the_way: bool) -> None:
        from storyodds.models.logic import sifting_kernel

        self.kernel = sifting_kernel
        self.most = int(max_bytes / (PLACE_BYTES * _OLD))
        if self.most < _FIRST_PLACES:
            raise TooManyNodesError
        self.store = sifting_kernel.store(np.arange(n_variables, dtype=np.int32), _FIRST_PLACES)
        self.held: dict[int, int] = {}
        self.temporary: list[int] = []
        self._next_sift = _FIRST_SIFT if on_the_way else self.most

    def level(self, function: int) -> int:
        """Where the first variable stands that a function depends on."""
        kernel, store = self.kernel, self.store
        return int(store.levels[store.nodes[function, kernel.VARIABLE], kernel.LEVEL_OF])

    def variable(self, v: int) -> int:
        """Return the function that holds where a variable does."""
        return self._made(lambda: self.kernel.make(self.store, v, FALSE, TRUE))

    def both(self, one: int, other: int) -> int:
        """Return the function that holds where both do; they are held or temporary."""
        return self._made(lambda: self.kernel.combine(self.store, one, other, FALSE))

    def either(self, one: int, other: int) -> int:
        """Return the function that holds where one does; they are held or temporary."""
        return self._made(lambda: self.kernel.combine(self.store, one, other, TRUE))

    def negation(self, one: int) -> int:
        """Return the function that holds where this one, held or temporary, does not."""
        return self._made(lambda: self.kernel.negate(self.store, one))

    def _made(self, attempt: Callable[[], int]) -> int:
        again = False
        while (function := int(attempt())) == self.kernel.FULL:
            self._make_room(again)
            again = True
        return function

    @property
    def _in_use(self) -> int:
        return len(self.store.nodes) - int(self.store.state[1])

    def _make_room(self, again: bool) -> None:
        """Collect, sift where that is due, and take more memory where that did not help."""
        places = len(self.store.nodes)
        self._collect()
        if self._in_use > self._next_sift:
            self._sift(_SIFT_WORK + _SIFT_SHARE * self._in_use)
        if again or 2 * self._in_use > places:
            if places >= self.most and (again or 4 * self._in_use > 3 * places):
                raise TooManyNodesError
            self._grow(2 * places)

    def settle(self) -> None:
        """Sift as long as it helps, now that everything is built."""
        self._collect()
        work, before = _SETTLING_WORK, _SETTLING_NODES
        while work > 0 and _FIRST_SIFT < self._in_use < _STILL_BETTER * before:
            before = self._in_use
            work -= self._sift(work)

    def _sift(self, work: int) -> int:
        self._grow(_ROOM * self._in_use)
        met = int(self.kernel.sift(self.store, work))
        self.store.results[:] = -1
        self._next_sift = max(_FIRST_SIFT, 2 * self._in_use)
        return met

    def _grow(self, places: int) -> None:
        places = min(places, self.most)
        if places > len(self.store.nodes):
            level_of = self.store.levels[:-1, self.kernel.LEVEL_OF]
            larger = self.kernel.store(level_of, places)
            self.kernel.refill(self.store, larger)
            self.store = larger

    def _collect(self) -> None:
        roots = np.array([*self.held.values(), *self.temporary], dtype=np.int32)
        self.kernel.collect(self.store, roots)

    def finished(self, order: Order, roots: Sequence[int]) -> SharedDiagram:
        """Keep what some functions need and nothing else."""
        kernel, store = self.kernel, self.store
        kernel.collect(store, np.array(roots, dtype=np.int32))
        variable, low, high = store.nodes[:, : kernel.CHAIN].T
        level_of, at_level = store.levels[:, kernel.LEVEL_OF], store.levels[:-1, kernel.AT_LEVEL]
        nodes = np.flatnonzero(variable[2:] >= 0) + 2
        nodes = nodes[np.argsort(-level_of[variable[nodes]], kind="stable")]
        nodes = np.concatenate([[FALSE, TRUE], nodes])
        place = np.zeros(len(variable), dtype=np.int32)
        place[nodes] = np.arange(len(nodes))
        return SharedDiagram(
            tuple(order[v] for v in at_level.tolist()),
            level_of[variable[nodes]],
            place[low[nodes]],
            place[high[nodes]],
            tuple(place[list(roots)].tolist()),
        )
