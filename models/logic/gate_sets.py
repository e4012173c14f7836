"""The minimal cut sets of a formula whose decision diagram is there already."""

import numpy as np

from storyodds.models.logic.cut_sets import CutSetFamily
from storyodds.models.logic.diagrams import EMPTY, UNIT, Diagram, TooManyNodesError
from storyodds.models.logic.forest_odds import part_of
from storyodds.models.logic.functions import TruthFunction
from storyodds.models.logic.gates import GateGraph, Order, leanings
from storyodds.models.logic.sifted_diagrams import SharedDiagram
from storyodds.models.memory import memory_left

_FIRST_PLACES = 1 << 16  # for nodes, before the store doubles
# A node, two buckets and two results at most, once more while they move to twice as many places.
_PLACE_BYTES = (4 * 4 + 2 * 4 + 2 * 3 * 4) * 3 // 2
_BOTTOM = 1 << 60  # the level of EMPTY and UNIT in a finished diagram


def forest_family(
    diagram: SharedDiagram, root: int, graph: GateGraph, owner: str, max_nodes: int
) -> CutSetFamily | None:
    """Find the minimal sets of literals that make a formula true.

    Parameters
    ----------
    diagram : SharedDiagram
        Of the formula, among others.
    root : int
        Its node.
    graph : GateGraph
        The formula.
    owner : str
        Whose they are.
    max_nodes : int
        How many nodes the diagram of the sets may have.

    Returns
    -------
    CutSetFamily or None
        None where an assumption helps in one place by being true and in another by being false;
        without `formula` where that has more nodes.

    Raises
    ------
    TooManyNodesError
        If the sets have more, or take more memory than is left.

    Examples
    --------
    >>> from storyodds.models.logic.gates import gate_graph
    >>> from storyodds.models.logic.sifted_diagrams import sifted
    >>> graph = gate_graph(("a", "both"), {"both": ("b", "not c")})
    >>> whole = sifted(graph, ("a", "b", "c"), [graph.top], 2**20)
    >>> family = forest_family(whole, whole.roots[0], graph, "route", 100)
    >>> [sorted(cut_set) for cut_set in family]
    [[('a', True), ('b', True), ('c', False)]]
    """
    function = _without_gaps(part_of(diagram, root))
    leaning = leanings(graph, function.names)
    if len(leaning) < len(function.names):
        return None
    down = np.array([not leaning[v] for v in range(len(function.names))], dtype=np.bool_)
    sets = _finished(*_minimal(function, down), max_nodes)
    whole = None
    if function.size <= max_nodes:
        whole = TruthFunction(function.names, _plain(function))
    return CutSetFamily(owner, function.names, sets, whole)


def _without_gaps(diagram: SharedDiagram) -> SharedDiagram:
    """Keep only the assumptions that make a difference."""
    used, level = np.unique(diagram.level[2:], return_inverse=True)
    names: Order = tuple(diagram.names[v] for v in used.tolist())
    ends = np.full(2, len(used))
    return SharedDiagram(
        names,
        np.concatenate([ends, level]).astype(np.int32),
        diagram.low,
        diagram.high,
        diagram.roots,
    )


def _minimal(
    function: SharedDiagram, down: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.int32]], int]:
    """The nodes of families, and which of them is the function's."""
    from storyodds.models.logic import minimal_sets_kernel as kernel

    n = len(function.level)
    results = np.full(n, EMPTY, dtype=np.int32)
    results[1] = UNIT
    store = kernel.families(_FIRST_PLACES, 2 * len(down) + 2)
    first = 2
    while (
        first := kernel.minimal(
            store, function.level, function.low, function.high, down, results, first
        )
    ) < n:
        places = 2 * len(store.nodes)
        if places * _PLACE_BYTES > memory_left(places * _PLACE_BYTES):
            raise TooManyNodesError
        larger = kernel.families(places, 2 * len(down) + 2)
        kernel.refill(store, larger)
        store = larger
    return store.nodes, int(results[function.roots[0]])


def _finished(
    nodes: np.ndarray[tuple[int, int], np.dtype[np.int32]], root: int, max_nodes: int
) -> Diagram:
    from storyodds.models.logic import forest_kernel

    level, low, high, _ = nodes.T
    kept = np.flatnonzero(forest_kernel.needed(low.copy(), high.copy(), root))
    if len(kept) - 2 > max_nodes:
        raise TooManyNodesError
    place = np.zeros(len(nodes), dtype=np.int64)
    place[kept] = np.arange(len(kept))
    return Diagram(
        (_BOTTOM, _BOTTOM, *level[kept[2:]].tolist()),
        (EMPTY, UNIT, *place[low[kept[2:]]].tolist()),
        (EMPTY, UNIT, *place[high[kept[2:]]].tolist()),
        int(place[root]),
    )


def _plain(function: SharedDiagram) -> Diagram:
    return Diagram(
        (_BOTTOM, _BOTTOM, *function.level[2:].tolist()),
        tuple(function.low.tolist()),
        tuple(function.high.tolist()),
        function.roots[0],
    )
