"""All formulas of a story as one sifted decision diagram."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from storyodds.models.decision_diagrams import TooManyNodesError
from storyodds.models.gate_graphs import (
    Gate,
    GateGraph,
    as_written,
    drawn_together,
    gate_graph,
)
from storyodds.models.graph import StoryGraph
from storyodds.models.sifted_diagrams import SharedDiagram, sifted
from storyodds.scenarios.formulas import Formula


@dataclass(frozen=True)
class GateForest:
    """Formulas over the assumptions that no formula decides.

    Attributes
    ----------
    diagram : SharedDiagram
    root : mapping of Formula to int
        The node of what every route, hazard and nudge requires, and of every composite by name.
    """

    diagram: SharedDiagram
    root: Mapping[Formula, int]


def gate_forest(graph: StoryGraph, max_bytes: int) -> GateForest | None:
    """Build the diagram of a story's formulas.

    Parameters
    ----------
    graph : StoryGraph
    max_bytes : int
        Memory that may be taken on the way.

    Returns
    -------
    GateForest or None
        None where that is not enough, or there are no formulas.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.graph import build_graph
    >>> from storyodds.scenarios.resolve import resolve
    >>> forest = gate_forest(build_graph(resolve(load_story("cat-classifier"))), 2**20)
    >>> forest is not None and len(forest.root) == len(forest.diagram.roots)
    True
    """
    composites = {v.name: v.formula for v in graph.variables if v.formula is not None}
    deciding = tuple(dict.fromkeys(_deciding(graph))) or tuple(composites)
    wanted = tuple(dict.fromkeys([*deciding, *composites]))
    if not wanted:
        return None
    whole, apart = gate_graph(deciding, composites), gate_graph(wanted, composites)
    order = tuple(dict.fromkeys([*drawn_together(whole), *as_written(apart)]))
    apart, members = _members(apart, len(wanted))
    try:
        diagram = sifted(apart, order, members, max_bytes)
    except TooManyNodesError:
        return None
    return GateForest(diagram, dict(zip(wanted, diagram.roots, strict=True)))


def _deciding(graph: StoryGraph) -> Iterator[Formula]:
    """Every formula that decides where training ends."""
    for route in graph.routes:
        yield from (f for f in (route.requires, *route.blocked_by) if f is not None)
        yield from (when for when, _ in route.nudges if when is not None)
    yield from (h.requires for h in graph.hazards if h.requires is not None)


def _members(graph: GateGraph, n: int) -> tuple[GateGraph, tuple[int, ...]]:
    """Take formulas apart that `gate_graph` was given together; nobody asks whether all hold."""
    top = graph.places[graph.top >> 1]
    if n == 1 or not isinstance(top, Gate):
        return graph, (graph.top,)
    return GateGraph(graph.places[:-1], top.members[-1]), top.members
