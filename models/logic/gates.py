"""Formulas as graphs of gates: composites expanded once each, and orders of their variables."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import NamedTuple

import numpy as np

from storyodds.scenarios.grammar.formulas import Formula, parts

type Order = tuple[str, ...]

_SORTING_ROUNDS = 50  # of moving what hangs together closer together


class Gate(NamedTuple):
    """At least `needed` of the members hold. A member is `2 * place + negated`."""

    needed: int
    members: tuple[int, ...]


@dataclass(frozen=True)
class GateGraph:
    """A formula with its composites expanded and nothing written twice.

    Attributes
    ----------
    places : tuple of str or Gate
        Assumptions and gates, each after its members.
    top : int
        The whole formula, as a member of a gate would be.
    """

    places: tuple[str | Gate, ...]
    top: int


class _Close(NamedTuple):
    """The members of a gate have been placed."""

    needed: int
    n_members: int


def gate_graph(formula: Formula, composites: Mapping[str, Formula]) -> GateGraph:
    """Expand composites, each once, and share gates that are alike.

    Raises
    ------
    graphlib.CycleError
        If composites depend on each other in a circle.

    Examples
    --------
    >>> gate_graph(("a", "not both"), {"both": ("b", "c")}).places
    ('b', 'c', Gate(needed=2, members=(0, 2)), 'a', Gate(needed=2, members=(6, 5)))
    """
    places: dict[str | Gate, int] = {}
    composed: dict[str, int] = {}

    def place(part: str | Gate) -> int:
        return 2 * places.setdefault(part, len(places))

    def wire(formula: Formula) -> int:
        todo: list[Formula | _Close] = [formula]
        done: list[int] = []
        while todo:
            part = todo.pop()
            if isinstance(part, str):
                name = part.removeprefix("not ")
                place_of_name = composed[name] if name in composed else place(name)
                done.append(place_of_name ^ part.startswith("not "))
            elif isinstance(part, _Close):
                members = tuple(done[-part.n_members :])
                del done[-part.n_members :]
                alone = len(members) == part.needed == 1
                done.append(members[0] if alone else place(Gate(part.needed, members)))
            else:
                members_of_part, least = parts(part)
                todo.append(_Close(least, len(members_of_part)))
                todo += reversed(members_of_part)
        return done[0]

    for name in _inner_first(formula, composites):
        composed[name] = wire(composites[name])
    top = wire(formula)
    return GateGraph(tuple(places), top)


def _inner_first(formula: Formula, composites: Mapping[str, Formula]) -> Iterator[str]:
    """Every composite that a formula depends on, after those that it depends on itself."""
    needs: dict[str, list[str]] = {}
    todo = _names(formula)
    while todo:
        name = todo.pop()
        if name in composites and name not in needs:
            needs[name] = [inner for inner in _names(composites[name]) if inner in composites]
            todo += needs[name]
    return iter(TopologicalSorter(needs).static_order())


def _names(formula: Formula) -> list[str]:
    """What a formula speaks of, in the order written."""
    names: dict[str, None] = {}
    todo = [formula]
    while todo:
        part = todo.pop()
        if isinstance(part, str):
            names[part.removeprefix("not ")] = None
        else:
            todo += reversed(parts(part)[0])
    return list(names)


def leanings(graph: GateGraph, order: Order) -> dict[int, bool]:
    """Find the levels whose variable stands without negation everywhere, or with it everywhere.

    Returns
    -------
    dict of int to bool
        True for those without.

    Examples
    --------
    >>> both = {"both": ("a", "not b")}
    >>> leanings(gate_graph(("c", "both"), both), ("a", "b", "c"))
    {0: True, 1: False, 2: True}
    >>> leanings(gate_graph(("b", "not both"), both), ("a", "b"))
    {0: False, 1: True}
    >>> leanings(gate_graph(("not b", "not both"), both), ("a", "b"))
    {0: False}
    """
    met = {graph.top}
    todo = [graph.top]
    while todo:
        member = todo.pop()
        part = graph.places[member >> 1]
        if not isinstance(part, str):
            fresh = {inner ^ (member & 1) for inner in part.members} - met
            met |= fresh
            todo += fresh
    place = {part: k for k, part in enumerate(graph.places)}
    return {
        v: 2 * place[name] in met
        for v, name in enumerate(order)
        if (2 * place[name] in met) != (2 * place[name] + 1 in met)
    }


# --- orders of variables -----------------------------------------------------------------------


def as_written(graph: GateGraph) -> Order:
    """Order variables as they are met from the top, leftmost first.

    Examples
    --------
    >>> as_written(gate_graph((("a", "both"), "c"), {"both": ("b", "d")}))
    ('a', 'b', 'd', 'c')
    """
    return _met(graph, [0] * len(graph.places))


def small_parts_first(graph: GateGraph) -> Order:
    """Order variables as they are met from the top, those of small parts first."""
    return _met(graph, _sizes(graph))


def large_parts_first(graph: GateGraph) -> Order:
    """Order variables as they are met from the top, those of large parts first."""
    return _met(graph, [-size for size in _sizes(graph)])


def _sizes(graph: GateGraph) -> list[int]:
    """How many literals every place would take if it were written out."""
    sizes: list[int] = []
    for part in graph.places:
        members = () if isinstance(part, str) else part.members
        sizes.append(sum(sizes[member >> 1] for member in members) or 1)
    return sizes


def _met(graph: GateGraph, weight: Sequence[int]) -> Order:
    return tuple(part for _, part in _walk(graph, weight) if isinstance(part, str))


def _walk(graph: GateGraph, weight: Sequence[int]) -> Iterator[tuple[int, str | Gate]]:
    visited: set[int] = set()
    todo = [graph.top >> 1]
    while todo:
        k = todo.pop()
        if k not in visited:
            visited.add(k)
            part = graph.places[k]
            yield k, part
            if not isinstance(part, str):
                todo += sorted((m >> 1 for m in part.members), key=weight.__getitem__)[::-1]


def drawn_together(graph: GateGraph) -> Order:
    """Order variables so that what one gate speaks of is close together (Aloul et al. 2003).

    Everything moves to the middle of the gates that it belongs to, again and again; the order
    in which gates span least is kept. It is good where parts of a formula share many variables.
    """
    n_places = len(graph.places)
    gates = [
        [k, *(member >> 1 for member in part.members)]
        for k, part in enumerate(graph.places)
        if not isinstance(part, str)
    ]
    start = {k: position for position, (k, _) in enumerate(_walk(graph, [0] * n_places))}
    position = np.array([start.get(k, n_places) for k in range(n_places)], dtype=np.float64)
    if not gates:
        return as_written(graph)
    places = np.concatenate([np.array(gate) for gate in gates])
    lengths = np.array([len(gate) for gate in gates])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    of_gate = np.repeat(np.arange(len(gates)), lengths)
    belongs = np.maximum(np.bincount(places, minlength=n_places), 1)
    best, least = position, math.inf
    for _ in range(_SORTING_ROUNDS):
        there = position[places]
        span = (np.maximum.reduceat(there, starts) - np.minimum.reduceat(there, starts)).sum()
        if span < least:
            best, least = position, span
        middle = np.add.reduceat(there, starts) / lengths
        moved = np.bincount(places, weights=middle[of_gate], minlength=n_places) / belongs
        position = np.empty(n_places)
        position[np.argsort(moved, kind="stable")] = np.arange(n_places)
    names = [(best[k], part) for k, part in enumerate(graph.places) if isinstance(part, str)]
    return tuple(name for _, name in sorted(names))
