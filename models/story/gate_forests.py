"""All formulas of a story as one decision diagram, in a good order of variables."""

from collections.abc import Iterator, Sequence

from storyodds.models.logic.diagrams import TooManyNodesError
from storyodds.models.logic.gate_forest import GateForest
from storyodds.models.logic.gates import (
    Gate,
    GateGraph,
    Order,
    as_written,
    drawn_together,
    gate_graph,
    large_parts_first,
    small_parts_first,
)
from storyodds.models.logic.sifted_diagrams import PLACE_BYTES, SharedDiagram, sifted
from storyodds.models.story.graph import StoryGraph
from storyodds.scenarios.grammar.formulas import Formula

_ORDERS = (drawn_together, as_written, small_parts_first, large_parts_first)
_FIRST_BYTES = PLACE_BYTES << 17  # for each of the orders: a tenth of a second's work
_MORE = 4  # times as much, when no order does with less


def gate_forest(graph: StoryGraph, max_bytes: int, *, small: bool = True) -> GateForest | None:
    """Build the diagram of a story's formulas.

    Orders of variables are tried as they are, all of them with little memory before any has more;
    where none does, the best of them is sifted on the way.

    Parameters
    ----------
    graph : StoryGraph
    max_bytes : int
        Memory that may be taken on the way.
    small : bool
        Whether the diagram is to be made smaller, at some seconds' work, once it is built.

    Returns
    -------
    GateForest or None
        None where that is not enough, or there are no formulas.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.story.building import build_graph
    >>> from storyodds.scenarios.resolve import resolve
    >>> forest = gate_forest(build_graph(resolve(load_story("cat-classifier"))), 2**20)
    >>> forest is not None and len(forest.root) == len(forest.diagram.roots)
    True
    """
    composites = {v.name: v.formula for v in graph.variables if v.formula is not None}
    deciding = deciding_formulas(graph) or tuple(composites)
    formulas = tuple(dict.fromkeys([*deciding, *composites]))
    if not formulas:
        return None
    whole, apart = gate_graph(deciding, composites), gate_graph(formulas, composites)
    rest = as_written(apart)
    orders = [tuple(dict.fromkeys([*make(whole), *rest])) for make in _ORDERS]
    diagram = _smallest(*_members(apart, len(formulas)), orders, max_bytes, small)
    if diagram is None:
        return None
    return GateForest(diagram, dict(zip(formulas, diagram.roots, strict=True)))


def _smallest(
    graph: GateGraph, members: Sequence[int], orders: Sequence[Order], max_bytes: int, small: bool
) -> SharedDiagram | None:
    """The first diagram that does with the least memory."""
    # By how far they came last time, the furthest first.
    ranked = [(0, k) for k in range(len(orders))]
    budget = min(_FIRST_BYTES, max_bytes)
    for on_the_way in (False, True):
        while True:
            for place, (_, k) in enumerate(ranked):
                try:
                    return sifted(
                        graph, orders[k], members, budget, on_the_way=on_the_way, at_the_end=small
                    )
                except TooManyNodesError as error:
                    ranked[place] = -error.built, k
            ranked.sort()
            if budget == max_bytes:
                break
            budget = min(_MORE * budget, max_bytes)
        ranked = ranked[:1]
    return None


def deciding_formulas(graph: StoryGraph) -> tuple[Formula, ...]:
    """Return every formula that decides where training ends, each once."""
    return tuple(dict.fromkeys(_deciding(graph)))


def _deciding(graph: StoryGraph) -> Iterator[Formula]:
    """Every formula that decides where training ends."""
    for route in graph.routes:
        yield from (f for f in (route.requires, *route.blocked_by) if f is not None)
        yield from (when for when, _ in route.nudges if when is not None)
    yield from (h.requires for h in graph.hazards if h.requires is not None)


def _members(graph: GateGraph, n: int) -> tuple[GateGraph, tuple[int, ...]]:
    """Take formulas apart that `gate_graph` was given together; whether all hold is no question."""
    top = graph.places[graph.top >> 1]
    if n == 1 or not isinstance(top, Gate):
        return graph, (graph.top,)
    return GateGraph(graph.places[:-1], top.members[-1]), top.members
