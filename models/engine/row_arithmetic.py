"""Circuits evaluated by numpy a node at a time, over rows of many draws.

The same sums in the same order as `models.engine.arithmetic`, to the last digit, which takes a
stage of a circuit at a time: that is faster over few draws, and copies every operand. Here an
operation reads rows where they stand, and a row that nobody needs any more has its room taken.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models.circuits.circuit import Circuit

Array = NDArray[np.float64]
Operation = Callable[[Array, Array, Array], object]  # of two rows, into a third
Step = tuple[Operation, int, int, int]


@dataclass(frozen=True)
class Sums:
    """What every root is worth, as operations on rows: of leaves, then of room for the others.

    Attributes
    ----------
    steps : list of Step
        Places of operands and result among the rows.
    n_rows : int
        How many rows there are, the leaves' included.
    place : list of int
        Of every node that is kept, its row.
    roots : list of int
        Their rows.
    order : list of int
        Nodes that are no leaves, children before parents.
    """

    steps: list[Step]
    n_rows: int
    place: list[int]
    roots: list[int]
    order: list[int]


@dataclass(frozen=True)
class Flows:
    """How some roots depend on every leaf, as operations on rows.

    Rows are those of `Sums`, one for each root with what it is of the sum, one for each leaf as the
    result, and then room.

    Attributes
    ----------
    steps : list of Step
    n_rows : int
        How many rows there are, all of these together.
    silent : list of int
        Leaves on which nothing depends: their results are zero, and no step's.
    """

    steps: list[Step]
    n_rows: int
    silent: list[int]


@dataclass(frozen=True)
class Rows:
    """A circuit laid out for both ways.

    Attributes
    ----------
    sums : Sums
    targets : tuple of tuple of int
        Of every weighted sum that is walked back from, places among the roots.
    flows : tuple of Flows
        Of each of them.
    """

    sums: Sums
    targets: tuple[tuple[int, ...], ...]
    flows: tuple[Flows, ...]

    @property
    def n_rows(self) -> int:
        """Most rows that are there at a time."""
        return max([self.sums.n_rows, *(flows.n_rows for flows in self.flows)])


def lay_out(circuit: Circuit, targets: tuple[tuple[int, ...], ...]) -> Rows:
    """Lay out a circuit, and the ways back from weighted sums of roots.

    Parameters
    ----------
    circuit : Circuit
    targets : tuple of tuple of int
        As in `Rows`.
    """
    nodes = np.zeros(circuit.n_nodes, bool)
    for places in targets:
        nodes |= needed(circuit, places)
    forward = sums(circuit, nodes)
    return Rows(forward, targets, tuple(flows(circuit, forward, places) for places in targets))


def run(steps: Sequence[Step], rows: Sequence[Array]) -> None:
    """Take all steps.

    Examples
    --------
    >>> rows = [np.array([2.0, 3.0]), np.array([5.0, 7.0]), np.empty(2)]
    >>> run([(np.multiply, 0, 1, 2)], rows)
    >>> rows[2].tolist()
    [10.0, 21.0]
    """
    for operation, first, second, result in steps:
        operation(rows[first], rows[second], rows[result])


class _Room:
    """Rows that are handed out, and taken again after their last use."""

    def __init__(self, first: int) -> None:
        self.end = first
        self._free: list[int] = []
        self._uses: dict[int, int] = {}

    def take(self) -> int:
        """Hand out a row that will be used once."""
        if self._free:
            row = self._free.pop()
        else:
            row, self.end = self.end, self.end + 1
        self._uses[row] = 1
        return row

    def keep(self, row: int, times: int = 1) -> None:
        """Use a row that often more; rows from elsewhere stay anyway."""
        if row in self._uses:
            self._uses[row] += times

    def use(self, row: int) -> None:
        """Use a row once; what is written next may take its place."""
        uses = self._uses.get(row)
        if uses is None:
            return
        self._uses[row] = uses - 1
        if uses == 1:
            self._free.append(row)


def sums(circuit: Circuit, lasting: NDArray[np.bool_]) -> Sums:
    """Lay out a circuit, with the rows of lasting nodes left as they are in the end.

    Parameters
    ----------
    circuit : Circuit
    lasting : (n_nodes,) bool
    """
    left, right, multiplies = (
        x.tolist() for x in (circuit.left, circuit.right, circuit.multiplies)
    )
    inner = np.flatnonzero(~circuit.is_leaf)
    children = np.concatenate([circuit.left[inner], circuit.right[inner], circuit.roots])
    uses = (np.bincount(children, minlength=circuit.n_nodes) + lasting).tolist()
    place = [-1] * circuit.n_nodes
    for row, leaf in enumerate(circuit.leaves.tolist()):
        place[leaf] = row
    room = _Room(len(circuit.leaves))
    steps: list[Step] = []
    order = list(_depth_first(circuit, left, right))
    for node in order:
        first, second = place[left[node]], place[right[node]]
        room.use(first)
        room.use(second)
        place[node] = room.take()
        room.keep(place[node], uses[node] - 1)
        steps.append((np.multiply if multiplies[node] else np.add, first, second, place[node]))
    return Sums(steps, room.end, place, [place[root] for root in circuit.roots.tolist()], order)


def _depth_first(circuit: Circuit, left: list[int], right: list[int]) -> Iterator[int]:
    """Nodes that are no leaves, each soon after its children: few rows wait at any time."""
    done = circuit.is_leaf.tolist()
    for root in circuit.roots.tolist():
        pending = [root]
        while pending:
            node = pending[-1]
            if done[node]:
                pending.pop()
            elif not done[left[node]]:
                pending.append(left[node])
            elif not done[right[node]]:
                pending.append(right[node])
            else:
                done[node] = True
                pending.pop()
                yield node


def needed(circuit: Circuit, targets: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which nodes are read on the way back from roots: sums, and what they are sums of.

    Parameters
    ----------
    targets : tuple of int
        Places among the roots.
    """
    out = np.zeros(circuit.n_nodes, bool)
    nodes = circuit.below(targets).nodes
    added = nodes[~circuit.multiplies[nodes] & ~circuit.is_leaf[nodes]]
    for group in (added, circuit.left[added], circuit.right[added]):
        out[group] = True
    return out


def flows(circuit: Circuit, forward: Sums, targets: tuple[int, ...]) -> Flows:
    """Lay out the way back from some roots to the leaves.

    Parameters
    ----------
    circuit : Circuit
    forward : Sums
        Of this circuit, which keeps what is `needed`.
    targets : tuple of int
        Places among the roots.
    """
    return _WayBack(circuit, forward, targets).flows()


class _WayBack:
    """Flows in the making."""

    def __init__(self, circuit: Circuit, forward: Sums, targets: tuple[int, ...]) -> None:
        self._circuit, self._forward = circuit, forward
        self._left, self._right, self._multiplies = (
            x.tolist() for x in (circuit.left, circuit.right, circuit.multiplies)
        )
        self._seeds: dict[int, list[int]] = {}  # rows, by root
        for row, target in enumerate(targets, forward.n_rows):
            self._seeds.setdefault(int(circuit.roots[target]), []).append(row)
        self._results = forward.n_rows + len(targets)
        self._room = _Room(self._results + len(circuit.leaves))
        self._steps: list[Step] = []
        self._flow: dict[int, int] = {}  # of products, a row that each factor uses once
        self._share: dict[int, int] = {}  # of sums, flow over worth: as often
        self._factor_of, self._summand_of = self._parents(circuit.below(targets).nodes)

    def _parents(self, nodes: NDArray[np.intp]) -> tuple[dict[int, list[int]], ...]:
        """Of every node, those that it is a factor of and a summand of, the last first."""
        factor_of: dict[int, list[int]] = {}
        summand_of: dict[int, list[int]] = {}
        for parent in nodes[~self._circuit.is_leaf[nodes]][::-1].tolist():
            of = factor_of if self._multiplies[parent] else summand_of
            for child in (self._left[parent], self._right[parent]):
                of.setdefault(child, []).append(parent)
        return factor_of, summand_of

    def flows(self) -> Flows:
        circuit = self._circuit
        leaves = circuit.leaves.tolist()
        result = dict(zip(leaves, range(self._results, self._room.end), strict=True))
        waiting = {
            leaf: len(self._factor_of.get(leaf, ())) + len(self._summand_of.get(leaf, ()))
            for leaf in leaves
        }
        silent = [k for k, x in enumerate(leaves) if not waiting[x] and x not in self._seeds]
        for node in reversed(self._forward.order):
            if not self._reached(node):
                continue
            self._pass_on(node, self._total(node))
            for child in (self._left[node], self._right[node]):
                if child in waiting:
                    waiting[child] -= 1
                    if not waiting[child]:
                        self._finish(child, result[child])
        for leaf in leaves:
            if leaf in self._seeds and leaf not in self._factor_of and leaf not in self._summand_of:
                self._finish(leaf, result[leaf])
        return Flows(self._steps, self._room.end, silent)

    def _reached(self, node: int) -> bool:
        return node in self._seeds or node in self._factor_of or node in self._summand_of

    def _total(self, node: int) -> int:
        """What depends on a node in all: a row, which is there already or the last step's."""
        parts = []
        if node in self._seeds:
            parts.append(self._sum(self._seeds[node]))
        if node in self._factor_of:
            parts.append(self._sum([self._flow[parent] for parent in self._factor_of[node]]))
        if node in self._summand_of:
            shares = self._sum([self._share[parent] for parent in self._summand_of[node]])
            self._room.use(shares)
            row = self._room.take()
            self._steps.append((np.multiply, self._forward.place[node], shares, row))
            parts.append(row)
        return self._sum(parts)

    def _sum(self, rows: list[int]) -> int:
        """Rows added one after the other, each of them used once."""
        total = rows[0]
        for row in rows[1:]:
            self._room.use(total)
            self._room.use(row)
            before, total = total, self._room.take()
            self._steps.append((np.add, before, row, total))
        return total

    def _pass_on(self, node: int, total: int) -> None:
        """Have what depends on a node at hand for its children, twice as one may be both."""
        if self._multiplies[node]:  # what depends on it depends on each factor as much
            self._flow[node] = total
            self._room.keep(total)
            return
        row = self._share[node] = self._room.take()
        self._room.keep(row)
        self._room.use(total)
        self._steps.append((_divided, total, self._forward.place[node], row))

    def _finish(self, leaf: int, result: int) -> None:
        n = len(self._steps)
        total = self._total(leaf)
        self._room.use(total)
        if len(self._steps) > n:  # its own last step, which may as well write there
            operation, first, second, _ = self._steps[-1]
            self._steps[-1] = operation, first, second, result
        else:
            self._steps.append((_copied, total, total, result))


def _divided(flow: Array, worth: Array, out: Array) -> None:
    """Divide where there is something to divide by: elsewhere, nothing depends on it."""
    out.fill(0.0)
    np.divide(flow, worth, out=out, where=worth > 0)


def _copied(row: Array, _: Array, out: Array) -> None:
    out[:] = row
