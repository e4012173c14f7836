"""Formulas as decision diagrams, and how probable they are."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from storyodds.models.logic.diagrams import (
    FALSE,
    MAX_NODES,
    TRUE,
    Diagram,
    Draws,
    TooManyNodesError,
    TruthNodes,
    probability_of,
)
from storyodds.models.logic.gates import (
    GateGraph,
    Order,
    as_written,
    drawn_together,
    gate_graph,
    large_parts_first,
    small_parts_first,
)
from storyodds.priors.text.errors import Problem, UnsupportedStoryError
from storyodds.scenarios.grammar.formulas import Formula

_ORDERS = (as_written, drawn_together, small_parts_first, large_parts_first)
# Every order of variables is tried on a small budget of nodes before any is on a larger one.
_BUDGETS = (1 << 12, 1 << 15)
_SIFTING_PLACES = 4  # for every node of the largest budget: sifting passes through larger diagrams
_SHOWN_NAMES = 8  # of assumptions, that a message lists


@dataclass(frozen=True)
class TruthFunction:
    """A function of assumptions.

    Attributes
    ----------
    names : tuple of str
        The assumption of every level of the diagram, without any that makes no difference.
    diagram : Diagram
    """

    names: Order
    diagram: Diagram


def formula_function(
    formula: Formula | None,
    composites: Mapping[str, Formula],
    owner: str,
    max_nodes: int = MAX_NODES,
) -> TruthFunction:
    """Compile a formula, composites expanded.

    Parameters
    ----------
    formula : Formula or None
        None always holds.
    composites : mapping of str to Formula
        The formula of every assumption that is decided by one.
    owner : str
        Whose formula it is, for the error message.
    max_nodes : int
        How many nodes the diagram may have while it is built.

    Returns
    -------
    TruthFunction

    Raises
    ------
    UnsupportedStoryError
        If the diagram passes its budget of nodes in every order of variables tried.
    graphlib.CycleError
        If composites depend on each other in a circle.

    Examples
    --------
    >>> formula_function(("a", "not both"), {"both": ("a", "b")}, "route").names
    ('a', 'b')
    """

    def attempt(graph: GateGraph, order: Order, budget: int) -> TruthFunction:
        truth = TruthNodes(budget)
        return named(truth, build(graph, order, truth), order)

    if formula is None:
        return TruthFunction((), TruthNodes().diagram(TRUE))
    return in_a_good_order(gate_graph(formula, composites), attempt, owner, max_nodes)


def named(truth: TruthNodes, root: int, order: Order) -> TruthFunction:
    """Keep what a function needs, variables included."""
    diagram = truth.diagram(root)
    used = sorted(set(diagram.level[2:]))
    level = {old: new for new, old in enumerate(used)}
    return TruthFunction(
        tuple(order[v] for v in used),
        replace(diagram, level=tuple(level.get(v, v) for v in diagram.level)),
    )


def function_probability(
    function: TruthFunction, probability: Mapping[str, npt.ArrayLike]
) -> Draws:
    """Return the probability that a function holds when assumptions are independent.

    Parameters
    ----------
    function : TruthFunction
    probability : mapping of str to array_like
        P(true) of assumptions, each a number or one per draw: shapes that go together.

    Returns
    -------
    numpy.ndarray
        Of the shape that all of `probability` take together.

    Raises
    ------
    KeyError
        If the function depends on an assumption that has no probability.
    ValueError
        If something used is not a probability.

    Examples
    --------
    >>> one = formula_function(("a", "not b"), {}, "route")
    >>> function_probability(one, {"a": 0.5, "b": [0.5, 0.25, 1.0]})
    array([0.25 , 0.375, 0.   ])
    """
    used = [np.asarray(probability[name], dtype=np.float64) for name in function.names]
    if not all(((p >= 0.0) & (p <= 1.0)).all() for p in used):
        raise ValueError("expected probabilities, numbers from 0 to 1")
    shape = np.broadcast_shapes(*(np.shape(p) for p in probability.values()))
    true = np.empty((len(used), math.prod(shape)))
    for row, p in zip(true, used, strict=True):
        row[:] = np.broadcast_to(p, shape).ravel()
    return probability_of(function.diagram, true).reshape(shape)


def in_a_good_order[T](
    graph: GateGraph,
    attempt: Callable[[GateGraph, Order, int], T],
    owner: str,
    max_nodes: int = MAX_NODES,
) -> T:
    """Return the first attempt that stays within the smallest budget.

    Parameters
    ----------
    graph : GateGraph
    attempt : callable
        Takes the graph, an order of its variables and a budget of nodes.
    owner : str
        Whose formula it is, for the error message.
    max_nodes : int
        The largest budget.

    Raises
    ------
    UnsupportedStoryError
        If every order passes the largest budget.
    """
    orders: list[Order] = []
    sifted_order: Order | None = None
    for budget in (*(small for small in _BUDGETS if small < max_nodes), max_nodes):
        for k, make in enumerate(_ORDERS):
            if k == len(orders):
                orders.append(make(graph))
            try:
                return attempt(graph, orders[k], budget)
            except TooManyNodesError:
                continue
        if budget == _BUDGETS[-1] < max_nodes:
            # Seconds of work from here on: one good order, or none.
            sifted_order = _sifted_order(graph, orders[1], max_nodes)
            break
    if sifted_order is not None:
        try:
            return attempt(graph, sifted_order, max_nodes)
        except TooManyNodesError:
            pass
    raise too_many_nodes(orders[0], owner, max_nodes)


def _sifted_order(graph: GateGraph, start: Order, max_nodes: int) -> Order | None:
    """The order that sifting ends with; None where even that takes too much."""
    from storyodds.models.logic.sifted_diagrams import PLACE_BYTES, sifted

    try:
        return sifted(graph, start, [graph.top], _SIFTING_PLACES * max_nodes * PLACE_BYTES).names
    except TooManyNodesError:
        return None


def too_many_nodes(names: Sequence[str], owner: str, max_nodes: int) -> UnsupportedStoryError:
    """Return the error of a diagram that is too large."""
    listed = ", ".join(sorted(names)[:_SHOWN_NAMES]) + (", …" if len(names) > _SHOWN_NAMES else "")
    return UnsupportedStoryError(
        [
            Problem(
                f"what '{owner}' requires takes a decision diagram of more than {max_nodes:,} "
                f"nodes over {len(names):,} assumptions ({listed}); state it with fewer "
                "assumptions, or so that fewer of them return in several places"
            )
        ]
    )


def build(graph: GateGraph, order: Sequence[str], truth: TruthNodes) -> int:
    """Build the function of a graph.

    Parameters
    ----------
    graph : GateGraph
    order : sequence of str
        The assumption of every level.
    truth : TruthNodes
        Takes up the function.
    """
    level = {name: v for v, name in enumerate(order)}
    built: dict[int, int] = {}

    def function(member: int) -> int:
        if member not in built:  # places are built before they are needed: only negations are not
            built[member] = truth.negation(built[member ^ 1])
        return built[member]

    for k, part in enumerate(graph.places):
        if isinstance(part, str):
            built[2 * k] = truth.variable(level[part], True)
        else:
            # What decides late comes first, so that the rest is put on top of it.
            members = sorted(map(function, part.members), key=lambda f: -truth.level[f])
            built[2 * k] = _at_least(part.needed, members, truth)
    return function(graph.top)


def _at_least(least: int, members: Sequence[int], truth: TruthNodes) -> int:
    # reached[j]: at least j of the members seen so far.
    reached = [TRUE] + [FALSE] * least
    for rest, member in zip(range(len(members) - 1, -1, -1), members, strict=True):
        # With so few members left, what holds for fewer now can never become enough.
        for j in range(least, max(least - rest, 1) - 1, -1):
            reached[j] = truth.either(reached[j], truth.both(member, reached[j - 1]))
    return reached[least]
