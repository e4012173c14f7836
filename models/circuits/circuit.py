"""Arithmetic circuits: sums and products over leaves, shared wherever they agree.

A circuit is a straight-line program. Leaves hold numbers (a probability, a likelihood, a route's
share of the race); every other node multiplies or adds two nodes before it. Evaluating one costs
one operation a node, whatever the number of states it sums over (Darwiche 2003, "A differential
approach to inference in Bayesian networks").
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Ints = NDArray[np.int32]
Key = tuple[Hashable, ...]

ZERO, ONE = 0, 1
_LEAF, _MULTIPLY, _ADD = 0, 1, 2
_PARTS = 16  # of a circuit that are kept: a class or a fate each, and everything


class CircuitTooLargeError(Exception):
    """A circuit grew past the number of nodes it may have."""


class CircuitBuilder:
    """Nodes made so far; equal nodes are one node, and zeros and ones fold away.

    Parameters
    ----------
    budget : int
        Most nodes that may be made, diagrams over them included.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.spent = 0
        self.op = [_LEAF, _LEAF]
        self.left = [ZERO, ONE]
        self.right = [ZERO, ONE]
        self._leaves: dict[Key, int] = {("zero",): ZERO, ("one",): ONE}
        self._nodes: dict[tuple[int, int, int], int] = {}
        self._complements: dict[int, int] = {}

    def leaf(self, *key: Hashable) -> int:
        """The leaf of this name."""
        if key not in self._leaves:
            self._leaves[key] = self._append(_LEAF, 0, 0)
        return self._leaves[key]

    def complementary(self, a: int, b: int) -> None:
        """Let two leaves add up to one from now on."""
        self._complements |= {a: b, b: a}

    def multiply(self, a: int, b: int) -> int:
        """A node worth a times b."""
        if a == ZERO or b == ZERO:
            return ZERO
        if a == ONE:
            return b
        if b == ONE:
            return a
        return self._node(_MULTIPLY, a, b)

    def add(self, a: int, b: int) -> int:
        """A node worth a plus b."""
        if a == ZERO:
            return b
        if b == ZERO:
            return a
        if self._complements.get(a) == b:
            return ONE
        return self._node(_ADD, a, b)

    def total(self, nodes: Iterable[int]) -> int:
        """A node worth the sum of several, added pairwise."""
        row = list(nodes) or [ZERO]
        while len(row) > 1:
            odd = [row[-1]] if len(row) % 2 else []
            row = [self.add(a, b) for a, b in zip(row[::2], row[1::2], strict=False)] + odd
        return row[0]

    def spend(self) -> None:
        """Count one more node, of whatever kind."""
        self.spent += 1
        if self.spent > self.budget:
            raise CircuitTooLargeError

    def _node(self, op: int, a: int, b: int) -> int:
        key = (op, a, b) if a < b else (op, b, a)
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = self._append(*key)
        return node

    def _append(self, op: int, a: int, b: int) -> int:
        self.spend()
        self.op.append(op)
        self.left.append(a)
        self.right.append(b)
        return len(self.op) - 1

    def freeze(self, roots: Sequence[int], moving: Iterable[Hashable] = ()) -> "Circuit":
        """Keep what the roots need, laid out for evaluation.

        Parameters
        ----------
        roots : sequence of int
        moving : iterable of str
            Kinds of leaves (first entry of their key) that have a value for every node of a
            quadrature rule instead of one for each draw.

        Returns
        -------
        Circuit
        """
        kinds = set(moving)
        names: dict[int, Key] = {node: key for key, node in self._leaves.items()}
        levels, moving_nodes = self._levels(roots, names, kinds)
        n, kept = len(self.op), np.array(sorted(levels), dtype=np.int64)
        op, left, right = (np.array(x, dtype=np.int64) for x in (self.op, self.left, self.right))
        level, moves = np.zeros(n, np.int64), np.zeros(n, bool)
        level[kept], moves[list(moving_nodes)] = [levels[i] for i in kept.tolist()], True
        kept = kept[np.lexsort((kept, op[kept], level[kept], moves[kept]))]
        place = np.full(n, -1, dtype=np.int64)
        place[kept] = np.arange(len(kept))
        is_leaf = op[kept] == _LEAF
        stages = np.stack([moves[kept], level[kept], op[kept]], axis=1)
        edges = np.flatnonzero(np.any(np.diff(stages, axis=0) != 0, axis=1)) + 1
        return Circuit(
            multiplies=op[kept] == _MULTIPLY,
            left=np.where(is_leaf, 0, place[left[kept]]).astype(np.int32),
            right=np.where(is_leaf, 0, place[right[kept]]).astype(np.int32),
            n_fixed=int((~moves[kept]).sum()),
            leaves=np.flatnonzero(is_leaf).astype(np.int32),
            leaf_keys=tuple(names[i] for i in kept[is_leaf].tolist()),
            roots=place[list(roots)].astype(np.int32),
            stage_edges=np.array([0, *edges, len(kept)], dtype=np.int64),
        )

    def _levels(
        self, roots: Sequence[int], names: dict[int, Key], kinds: set[Hashable]
    ) -> tuple[dict[int, int], set[int]]:
        """The nodes that roots need, each with the longest way down to a leaf; which of them move.

        Levels are those within what moves, or within what does not. Plain lists: an array takes
        three times as long to read one number from.
        """
        op, left, right = self.op, self.left, self.right
        reached = bytearray(len(op))
        for root in (ZERO, ONE, *roots):
            reached[root] = 1
        for i in range(len(op) - 1, ONE, -1):
            if reached[i] and op[i] != _LEAF:
                reached[left[i]] = reached[right[i]] = 1
        levels: dict[int, int] = {}
        moves: set[int] = set()
        for i in range(len(op)):
            if not reached[i]:
                continue
            levels[i] = 0
            if op[i] == _LEAF:
                if names[i][0] in kinds:
                    moves.add(i)
                continue
            a, b = left[i], right[i]
            if a in moves or b in moves:
                moves.add(i)
                levels[i] = 1 + max(levels[x] if x in moves else 0 for x in (a, b))
            else:
                levels[i] = 1 + max(levels[a], levels[b])
        return levels, moves


@dataclass(frozen=True)
class Circuit:
    """A circuit ready to be evaluated: children before parents, like operations together.

    Attributes
    ----------
    multiplies : (n_nodes,) bool
        Whether a node is a product; otherwise a sum, unless it is a leaf.
    left, right : (n_nodes,) int
        Its two children; 0 for leaves.
    n_fixed : int
        The nodes before this one have one value for each draw; those from it on have one for
        each node of the quadrature rule.
    leaves : (n_leaves,) int
        Which nodes are leaves, in order: first zero and one, then the named ones.
    leaf_keys : tuple
        Their names.
    roots : (n_roots,) int
    stage_edges : (n_stages + 1,) int
        Stretches of nodes of one kind that do not depend on each other.
    """

    multiplies: NDArray[np.bool_]
    left: Ints
    right: Ints
    n_fixed: int
    leaves: Ints
    leaf_keys: tuple[Key, ...]
    roots: Ints
    stage_edges: NDArray[np.int64]

    @cached_property
    def op(self) -> NDArray[np.int8]:
        """0 for a leaf, 1 for a product, 2 for a sum, (n_nodes,)."""
        return np.where(self.is_leaf, 0, np.where(self.multiplies, 1, 2)).astype(np.int8)

    @property
    def n_nodes(self) -> int:
        """Number of nodes, leaves included."""
        return len(self.left)

    @cached_property
    def is_leaf(self) -> NDArray[np.bool_]:
        """Which nodes are leaves, (n_nodes,)."""
        out = np.zeros(self.n_nodes, bool)
        out[self.leaves] = True
        return out

    @cached_property
    def pulls(self) -> tuple[tuple[int, int, csr_array | None, csr_array | None], ...]:
        """Stages, parents before children: where each starts and stops, and its nodes' parents.

        Two matrices (nodes of the stage by all nodes) say how often a node is a factor, and how
        often it is a summand, of another; None where no node is.
        """
        edges = self.stage_edges.tolist()

        def rows(table: csr_array, start: int, stop: int) -> csr_array | None:
            return table[start:stop] if table.indptr[start] < table.indptr[stop] else None

        return tuple(
            (start, stop, *(rows(table, start, stop) for table in self.parents))
            for start, stop in zip(edges[-2::-1], edges[:0:-1], strict=True)
        )

    @cached_property
    def parents(self) -> tuple[csr_array, csr_array]:
        """How often every node is a factor, and how often a summand, of every other one."""
        factor = self._parents(self.multiplies)
        return factor, self._parents(~self.multiplies & ~self.is_leaf)

    def below(self, roots: tuple[int, ...]) -> "Part":
        """What some roots depend on: all that has to be walked back from them.

        Parameters
        ----------
        roots : tuple of int
            Places among `roots`.
        """
        part = self._parts.get(roots)
        if part is None:
            if len(self._parts) >= _PARTS:
                self._parts.pop(next(iter(self._parts)), None)
            part = self._parts[roots] = self._below(roots)
        return part

    @cached_property
    def _parts(self) -> "dict[tuple[int, ...], Part]":
        return {}

    def _below(self, roots: tuple[int, ...]) -> "Part":
        marked = self.is_leaf.copy()
        marked[self.roots[list(roots)]] = True
        for start, stop in zip(self.stage_edges[-2::-1], self.stage_edges[:0:-1], strict=True):
            inner = start + np.flatnonzero(marked[start:stop] & ~self.is_leaf[start:stop])
            marked[self.left[inner]] = marked[self.right[inner]] = True
        nodes = np.flatnonzero(marked)
        place = np.cumsum(marked, dtype=np.int32) - 1
        is_leaf = self.is_leaf[nodes]
        return Part(
            nodes,
            Circuit(
                multiplies=self.multiplies[nodes],
                left=np.where(is_leaf, 0, place[self.left[nodes]]),
                right=np.where(is_leaf, 0, place[self.right[nodes]]),
                n_fixed=int(marked[: self.n_fixed].sum()),
                leaves=np.flatnonzero(is_leaf).astype(np.int32),
                leaf_keys=self.leaf_keys,
                roots=place[self.roots[list(roots)]],
                stage_edges=np.unique(np.searchsorted(nodes, self.stage_edges)),
            ),
        )

    def _parents(self, inner: NDArray[np.bool_]) -> csr_array:
        """Parents of every node, the last first: the order in which kernels add them, too."""
        parents = np.flatnonzero(inner)[::-1]
        rows = np.stack([self.left[parents], self.right[parents]], axis=1).ravel()
        order = np.argsort(rows, kind="stable")
        starts = np.searchsorted(rows[order], np.arange(self.n_nodes + 1))
        cells = (np.ones(len(rows)), np.repeat(parents, 2)[order], starts)
        return csr_array(cells, shape=(self.n_nodes, self.n_nodes))


@dataclass(frozen=True)
class Part:
    """What some roots of a circuit depend on, and all of its leaves.

    Attributes
    ----------
    nodes : (n_nodes of `circuit`,) int
        Which nodes of the whole circuit they are.
    circuit : Circuit
        The same by themselves, with these roots only.
    """

    nodes: NDArray[np.intp]
    circuit: Circuit
