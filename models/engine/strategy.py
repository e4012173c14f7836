"""Which way of summing exactly is the cheapest, and whether any is within reach.

Circuits are made symbolically, under a budget of nodes: nothing that depends on the number of
draws exists yet, and a way that outgrows its budget is given up before it has used its memory.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module

from storyodds.models.circuits.elimination import CliqueTooLargeError
from storyodds.models.engine.compiler import Compiler
from storyodds.models.engine.layout import Competition
from storyodds.models.engine.program import Program, program
from storyodds.models.logic.gate_forest import GateForest
from storyodds.models.logic.sifted_diagrams import PLACE_BYTES
from storyodds.models.memory import memory_left
from storyodds.models.story.gate_forests import gate_forest
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.queries import EVERYTHING, Query
from storyodds.priors.text.errors import Problem, UnsupportedStoryError

GIB = 2**30  # bytes
MAX_MEMORY = 2 * GIB  # bytes: a quarter of a small laptop
_BYTES_A_NODE = 300  # of circuits, diagrams and results kept; 170 at most were measured
# What a compiler spends on every node of a story's sifted diagram, at least: 8.5 and 9.4 were
# measured on fault trees. A diagram that would be too large for it is not built to its end.
_SPENT_A_NODE = 8
_BUILDING_BYTES = 6 * PLACE_BYTES  # of a node that stays: sifting has room for four, old and new
KINDS: tuple[Competition, ...] = ("quadrature", "patterns")
_SMALL_NODES = 4_000  # nodes that no other way could make noticeably cheaper
_FIRST_NODES = 20 * _SMALL_NODES  # nodes of first attempts
_OF_FOREST = 0.75  # of the memory that is left: its chances take the rest
_KERNEL = "storyodds.models.logic.sifting_kernel"  # which imports numba, and takes memory by that
_LANES = 40  # typical number of nodes of the quadrature rule


def choose_compiler(
    graph: StoryGraph,
    *,
    evidence_only: bool = False,
    max_memory: int = MAX_MEMORY,
    competition: Competition | None = None,
) -> Compiler:
    """Compile a graph in the cheapest way there is.

    Parameters
    ----------
    graph : StoryGraph
    evidence_only : bool
        Leave out what cannot bear on P(evidence).
    max_memory : int
        Bytes that compiling may take.
    competition : {"patterns", "quadrature"}, optional
        Do not choose how routes compete.

    Returns
    -------
    Compiler

    Raises
    ------
    UnsupportedStoryError
        If every way needs more than `max_memory`; the sentence names the assumptions whose joint
        states are too many.
    """
    room = min(max_memory, memory_left(max_memory))
    most = max(1000, room // _BYTES_A_NODE)
    composites = sum(variable.formula is not None for variable in graph.variables)
    best: tuple[int, Compiler] | None = None
    refused: dict[Competition, tuple[str, ...]] = {}  # what was too much, composites kept
    attempts: set[tuple[Competition, bool, int, bool]] = set()

    def attempt(
        kind: Competition, expand: bool, budget: int, forest: GateForest | None = None
    ) -> None:
        nonlocal best
        if graph.stages and kind == "quadrature":  # whose rule needs a route that is always open
            return
        if competition not in (None, kind) or (kind, expand, budget, forest is None) in attempts:
            return
        attempts.add((kind, expand, budget, forest is None))
        remaining = most - (best[1].builder.spent if best else 0)  # what is kept takes room as well
        try:
            compiler = Compiler(
                graph,
                competition=kind,
                expand=expand,
                evidence_only=evidence_only,
                budget=min(budget, remaining),
                forest=forest,
            )
            cost = _cost(program(compiler, [EVERYTHING]))
            if expand and not evidence_only:  # every composite is then asked for by itself
                cost *= 1 + composites
        except CliqueTooLargeError as error:
            if not expand:
                refused[kind] = error.names
        else:
            compiler.builder.budget = most
            if best is None or cost < best[0]:
                best = cost, compiler
            return
        gc.collect()  # diagrams given up hold on to themselves, through functions that recurse

    # Stages are summed by patterns, with all the room there is unless composites may be in the way.
    alone = bool(graph.stages) and not composites
    attempt("patterns", False, most if alone else _FIRST_NODES)
    if best and (alone or best[0] <= _SMALL_NODES):
        return best[1]
    forest: GateForest | None = None
    budgets = _budgets(_FIRST_NODES, most)
    # Where diagrams are there already, this story was too large for small budgets.
    for budget in (budgets[1:] or budgets) if graph.forests else budgets:
        if budget > _FIRST_NODES and forest is None:
            forest = shared_forest(graph, min(room // 2, most // _SPENT_A_NODE * _BUILDING_BYTES))
            if forest is not None and forest.diagram.size * _SPENT_A_NODE > most:
                forest = None
            for kind in reversed(KINDS):  # diagrams are there: patterns need no rule's many nodes
                if forest is not None and best is None:
                    attempt(kind, True, most, forest)
            if best:
                return best[1]
        for kind in KINDS:
            attempt(kind, False, budget)
            if composites:
                narrow = kind in refused and 2 ** len(refused[kind]) <= most
                attempt(kind, True, budget)
                if best and narrow and not evidence_only:  # worth another try with more room
                    attempt(kind, False, most)
            if best:  # quadrature needs less of everything: patterns only where it fails
                return best[1]
    raise UnsupportedStoryError([Problem(_refusal(min(refused.values(), key=len), max_memory))])


def compiled(compiler: Compiler, queries: Sequence[Query]) -> Program:
    """Compile queries of a story that has been compiled already.

    Raises
    ------
    UnsupportedStoryError
        If they need more memory than the story's sum itself.
    """
    with _refused_by_name(compiler.builder.budget):
        return program(compiler, queries)


def with_marks(compiler: Compiler, marked: tuple[int, ...]) -> Compiler:
    """Compile a story once more in the same way, so that some variables can be ruled out; once.

    Parameters
    ----------
    compiler : Compiler
    marked : tuple of int
        Variables, as for `Compiler`.

    Raises
    ------
    UnsupportedStoryError
        If it needs more memory than the story's sum itself.
    """
    if marked not in compiler.with_marks:
        with _refused_by_name(compiler.builder.budget):
            compiler.with_marks[marked] = Compiler(
                compiler.graph,
                competition=compiler.competition,
                expand=bool(compiler.layout.expanded),
                evidence_only=False,
                budget=compiler.builder.budget,
                marked=marked,
            )
    return compiler.with_marks[marked]


@contextmanager
def _refused_by_name(budget: int) -> Iterator[None]:
    """Refuse what outgrows a budget of nodes in a sentence that names the assumptions."""
    try:
        yield
    except CliqueTooLargeError as error:
        problem = Problem(_refusal(error.names, budget * _BYTES_A_NODE))
        raise UnsupportedStoryError([problem]) from None


def large_forest(graph: StoryGraph, max_memory: int) -> GateForest | None:
    """Build the diagram of a story's formulas if they are too large for a small circuit.

    Parameters
    ----------
    graph : StoryGraph
    max_memory : int
        Bytes that building may take.

    Returns
    -------
    GateForest or None
        None for a story that is compiled in no time, and where memory is not enough.
    """
    budget = min(_FIRST_NODES, max(1000, memory_left(max_memory) // _BYTES_A_NODE))
    try:
        Compiler(graph, competition="patterns", expand=False, evidence_only=False, budget=budget)
    except CliqueTooLargeError:
        gc.collect()
    else:
        return None
    import_module(_KERNEL)
    room = min(max_memory, memory_left(max_memory))
    return shared_forest(graph, int(room * _OF_FOREST), small=False)


def shared_forest(graph: StoryGraph, max_bytes: int, *, small: bool = True) -> GateForest | None:
    """Build the diagram of a story's formulas, once for all that need it.

    Parameters and result are those of `gate_forest`.
    """
    built = next((f for (_, is_small), f in graph.forests.items() if f and is_small == small), None)
    refused = [most for (most, _), forest in graph.forests.items() if forest is None]
    if built is None and max_bytes > max(refused, default=0):
        built = graph.forests[max_bytes, small] = gate_forest(graph, max_bytes, small=small)
    return built


def _budgets(first: int, most: int) -> Sequence[int]:
    budgets = []
    while first < most:
        budgets.append(first)
        first *= 8
    return [*budgets, most]


def _cost(compiled: Program) -> int:
    """Node evaluations for one draw."""
    circuit = compiled.circuit
    return circuit.n_fixed + _LANES * (circuit.n_nodes - circuit.n_fixed)


def _refusal(names: Sequence[str], max_memory: int) -> str:
    listed = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    return (
        f"assumptions: found {len(names)} that have to be summed over together ({listed}), whose "
        f"joint states need more than {max_memory / GIB:.3g} GiB; expected a story whose formulas, "
        "`given` tables and nudges link fewer of them at a time. Ways out: allow more with "
        "--max-memory, or estimate it with --method simulation"
    )
