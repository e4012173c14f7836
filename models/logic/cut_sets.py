"""Minimal cut sets: every minimal set of literals that makes a formula true.

With negation in play these are the prime implicants, which is what "minimal set of literals that
opens it" says. A family of them is a decision diagram: counting, ranking and picking sets takes as
long as the diagram is large, however many sets there are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from storyodds.models.logic.diagrams import (
    EMPTY,
    MAX_NODES,
    UNIT,
    Diagram,
    SetNodes,
    TruthNodes,
    prime_family,
)
from storyodds.models.logic.functions import TruthFunction, build, in_a_good_order, named
from storyodds.models.logic.gates import GateGraph, Order, gate_graph, leanings
from storyodds.scenarios.grammar.formulas import Formula

Literal = tuple[str, bool]
CutSet = frozenset[Literal]


@dataclass(frozen=True)
class CutSetFamily:
    """The minimal cut sets of a formula, or some of them, without a list of them.

    Attributes
    ----------
    owner : str
        Whose they are.
    names : tuple of str
        The assumptions that the formula speaks of, in the order of the diagram.
    sets : Diagram
        Level `2 * v` is `names[v]` being true, `2 * v + 1` its being false.
    formula : TruthFunction or None
        The formula whose sets these are, where they are all of them.

    Examples
    --------
    >>> from storyodds.scenarios.grammar.formulas import AtLeast
    >>> half = AtLeast(at_least=10, of=tuple(f"a{k}" for k in range(20)))
    >>> family = cut_set_family(half, {}, "route")
    >>> family.count, family.counts_by_size, family.is_coherent
    (184756, {10: 184756}, True)
    >>> sorted(next(iter(family)))[:2]
    [('a0', True), ('a1', True)]
    """

    owner: str
    names: Order
    sets: Diagram
    formula: TruthFunction | None = None

    @cached_property
    def count(self) -> int:
        """How many sets there are."""
        return sum(self.counts_by_size.values())

    @cached_property
    def counts_by_size(self) -> dict[int, int]:
        """How many sets there are of each size, in literals."""
        if self.sets.root == EMPTY:
            return {}
        total = [0, 1]
        for _, low, high in self.sets.upwards():
            total.append(total[low] + total[high])
        # One whole number holds the counts of all sizes, each in a field wide enough for any.
        width = total[self.sets.root].bit_length()
        fields = [0, 1]
        for _, low, high in self.sets.upwards():
            fields.append(fields[low] + (fields[high] << width))
        counts = {}
        rest, size = fields[self.sets.root], 0
        while rest:
            count = rest & ((1 << width) - 1)
            if count:
                counts[size] = count
            rest >>= width
            size += 1
        return counts

    @cached_property
    def literals(self) -> frozenset[Literal]:
        """Every literal that is in some set."""
        return frozenset(self.literal(level) for level in set(self.sets.level[2:]))

    @property
    def is_coherent(self) -> bool:
        """Whether no assumption occurs both true and false (the function is unate)."""
        return len({name for name, _ in self.literals}) == len(self.literals)

    def literal(self, level: int) -> Literal:
        """Return the literal of a level of the diagram."""
        return self.names[level >> 1], level & 1 == 0

    def level(self, literal: Literal) -> int:
        """Return the level of a literal in the diagram, or one below all if there is none."""
        name, value = literal
        v = self.names.index(name) if name in self.names else len(self.names)
        return 2 * v + (not value)

    def __iter__(self) -> Iterator[CutSet]:
        """Walk the sets, smaller ones first."""
        return _by_size(self)

    def __contains__(self, cut_set: object) -> bool:
        if not isinstance(cut_set, frozenset):
            return False
        levels = {self.level(literal) for literal in cut_set}
        if len(levels) < len(cut_set):
            return False
        node, n_taken = self.sets.root, 0
        while node > UNIT:
            taken = self.sets.level[node] in levels
            n_taken += taken
            node = self.sets.high[node] if taken else self.sets.low[node]
        return node == UNIT and n_taken == len(levels)


def cut_set_family(
    formula: Formula | None,
    composites: Mapping[str, Formula],
    owner: str,
    max_nodes: int = MAX_NODES,
) -> CutSetFamily:
    """Find the minimal sets of literals that open a route or hazard.

    Parameters
    ----------
    formula : Formula or None
        What it requires; None requires nothing.
    composites : mapping of str to Formula
        The formula of every assumption that is decided by one.
    owner : str
        Who requires it, for the error message.
    max_nodes : int
        How many nodes the diagram of the formula, and that of the sets, may have while they are
        built.

    Returns
    -------
    CutSetFamily
        Literals speak of free and `given` assumptions only. Without a set when the formula can
        never hold.

    Raises
    ------
    UnsupportedStoryError
        If a diagram passes its budget of nodes in every order of variables tried.
    graphlib.CycleError
        If composites depend on each other in a circle.

    Examples
    --------
    >>> family = cut_set_family(("a", "both"), {"both": ("b", "not c")}, "route")
    >>> [sorted(cut_set) for cut_set in family]
    [[('a', True), ('b', True), ('c', False)]]
    """

    def attempt(graph: GateGraph, order: Order, budget: int) -> CutSetFamily:
        truth, sets = TruthNodes(budget), SetNodes(budget)
        function = build(graph, order, truth)
        primes = prime_family(truth, function, sets, leanings(graph, order))
        whole = named(truth, function, order)
        return CutSetFamily(owner, order, sets.diagram(primes), whole)

    if formula is None:
        return CutSetFamily(owner, (), SetNodes().diagram(UNIT))
    return in_a_good_order(gate_graph(formula, composites), attempt, owner, max_nodes)


def _by_size(family: CutSetFamily) -> Iterator[CutSet]:
    diagram = family.sets
    sizes = [0, 1]  # bit s: there is a set of size s
    for _, low, high in diagram.upwards():
        sizes.append(sizes[low] | sizes[high] << 1)
    for size in range(sizes[diagram.root].bit_length()):
        todo: list[tuple[int, int, CutSet]] = [(diagram.root, size, frozenset())]
        while todo:
            node, open_size, taken = todo.pop()
            if open_size < 0 or not sizes[node] >> open_size & 1:
                continue
            if node == UNIT:
                yield taken
                continue
            literal = family.literal(diagram.level[node])
            todo.append((diagram.low[node], open_size, taken))
            todo.append((diagram.high[node], open_size - 1, taken | {literal}))


def containing(family: CutSetFamily, literal: Literal) -> CutSetFamily:
    """Keep the sets that have a literal.

    Examples
    --------
    >>> from storyodds.scenarios.grammar.formulas import AnyOf
    >>> family = cut_set_family(("a", AnyOf(any=("b", "c"))), {}, "route")
    >>> [sorted(cut_set) for cut_set in containing(family, ("b", True))]
    [[('a', True), ('b', True)]]
    """
    return _split(family, literal, keep=True)


def without(family: CutSetFamily, literal: Literal) -> CutSetFamily:
    """Keep the sets that do not have a literal.

    Examples
    --------
    >>> from storyodds.scenarios.grammar.formulas import AnyOf
    >>> family = cut_set_family(("a", AnyOf(any=("b", "c"))), {}, "route")
    >>> [sorted(cut_set) for cut_set in without(family, ("b", True))]
    [[('a', True), ('c', True)]]
    """
    return _split(family, literal, keep=False)


def _split(family: CutSetFamily, literal: Literal, keep: bool) -> CutSetFamily:
    nodes, split_level = SetNodes(2 * family.sets.size + 2), family.level(literal)
    # What lies below the level as it is, and what is left of everything after the split.
    whole, parts = [EMPTY, UNIT], [EMPTY, EMPTY if keep else UNIT]
    for level, low, high in family.sets.upwards():
        whole.append(nodes.family(level, whole[low], whole[high]))
        if level == split_level:
            parts.append(nodes.family(level, EMPTY, whole[high]) if keep else whole[low])
        elif level > split_level:
            parts.append(EMPTY if keep else whole[-1])
        else:
            parts.append(nodes.family(level, parts[low], parts[high]))
    return replace(family, sets=nodes.diagram(parts[family.sets.root]), formula=None)
