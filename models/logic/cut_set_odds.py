"""How probable cut sets are: the most probable ones, and at least one of them.

Everything here takes as long as the diagrams are large, however many sets there are.
"""

import heapq
import math
from collections.abc import Iterator, Mapping
from itertools import islice

from storyodds.models.logic.cut_sets import CutSet, CutSetFamily, Literal
from storyodds.models.logic.diagrams import (
    MAX_NODES,
    UNIT,
    TooManyNodesError,
    TruthNodes,
    union_of,
)
from storyodds.models.logic.functions import (
    TruthFunction,
    named,
    too_many_nodes,
)

# Sets are ranked by whole numbers, so that sums do not depend on their order: bits of surprise,
# -log2 P, on a grid so fine that its steps are a relative 2e-13 of a probability.
_BITS = 42


def most_probable(
    family: CutSetFamily, k: int, probability: Mapping[str, float]
) -> tuple[tuple[CutSet, float], ...]:
    """Find the most probable sets when assumptions are independent.

    Parameters
    ----------
    family : CutSetFamily
    k : int
        How many.
    probability : mapping of str to float
        P(true) of assumptions.

    Returns
    -------
    tuple of (frozenset of (str, bool), float)
        At most `k` sets, each with the probability that all of it holds. Those of the same
        probability are sorted by size, then by name; probabilities that differ by less than a
        relative 1e-12 per literal may count as the same.

    Raises
    ------
    KeyError
        If an assumption has no probability.
    ValueError
        If something used is not a probability.

    Examples
    --------
    >>> from storyodds.models.logic.cut_sets import cut_set_family
    >>> from storyodds.scenarios.grammar.formulas import AnyOf
    >>> family = cut_set_family(AnyOf(any=(("a", "not b"), "c")), {}, "route")
    >>> ((first, p),) = most_probable(family, 1, {"a": 0.5, "b": 0.25, "c": 0.125})
    >>> sorted(first), p
    ([('a', True), ('b', False)], 0.375)
    """
    chance = {}
    for name, value in sorted(family.literals):
        p = float(probability[name])
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"expected a probability of '{name}' from 0 to 1, found {p}")
        chance[name, value] = p if value else 1.0 - p
    possible = {literal: round(-math.log2(p) * 2**_BITS) for literal, p in chance.items() if p > 0}
    ranked = list(islice(_ranked(family, possible), k))
    if len(ranked) < k:
        # The others cannot come about: they are all alike.
        anyhow = _ranked(family, dict.fromkeys(chance, 0))
        impossible = (cut_set for cut_set in anyhow if not cut_set <= possible.keys())
        ranked += islice(impossible, k - len(ranked))
    return tuple((s, math.prod(sorted(chance[literal] for literal in s))) for s in ranked)


def _ranked(family: CutSetFamily, surprise: Mapping[Literal, int]) -> Iterator[CutSet]:
    """Walk the sets whose literals have a surprise: less of it first, then by size and name.

    Every set is a way through the diagram, and what ranks it is one whole number, the sum of what
    its literals add: surprise in the highest digits; then size; then one bit per literal, taken
    off, earlier names before later ones, so that of two sets the one with the first name that
    they do not share comes first. The shortest way from every node being known, the ways come
    out in order with nothing tried in vain (Lawler 1972).
    """
    diagram = family.sets
    rank = {literal: r for r, literal in enumerate(sorted(family.literals, reverse=True))}
    width = len(rank)  # bits that tell a set from every other
    above = width + width.bit_length()  # and those of its size
    never = 1 << above + width + 1 + sum(surprise.values()).bit_length()
    length = {
        family.level(literal): (more << above) + (1 << width) - (1 << rank[literal])
        for literal, more in surprise.items()
    }
    shortest = [never, 0]
    for level, low, high in diagram.upwards():
        shortest.append(min(shortest[low], length.get(level, never) + shortest[high]))
    by_rank = sorted(rank, key=rank.__getitem__)
    # Ways left to go: how long the whole is, the node it has come to, how long it was so far.
    todo = [(shortest[diagram.root], diagram.root, 0)]
    while todo and todo[0][0] < never:
        _, node, so_far = heapq.heappop(todo)
        while node != UNIT:
            low, high = diagram.low[node], diagram.high[node]
            then = so_far + length.get(diagram.level[node], never)
            if so_far + shortest[low] < then + shortest[high]:
                other = (then + shortest[high], high, then)
                node = low
            else:
                other = (so_far + shortest[low], low, so_far)
                node, so_far = high, then
            if other[0] < never:
                heapq.heappush(todo, other)
        bits = -so_far & ((1 << width) - 1)
        yield frozenset(literal for r, literal in enumerate(by_rank) if bits >> r & 1)


def union_function(family: CutSetFamily, max_nodes: int = MAX_NODES) -> TruthFunction:
    """Return the function that holds where at least one set does.

    Parameters
    ----------
    family : CutSetFamily
    max_nodes : int
        How many nodes the diagram may have while it is built.

    Raises
    ------
    UnsupportedStoryError
        If the diagram passes its budget of nodes.

    Examples
    --------
    >>> from storyodds.models.logic.cut_sets import cut_set_family
    >>> union_function(cut_set_family(("a", "not b"), {}, "route")).names
    ('a', 'b')
    """
    if family.formula is not None:
        return family.formula
    truth = TruthNodes(max_nodes)
    try:
        return named(truth, union_of(family.sets, truth), family.names)
    except TooManyNodesError:
        raise too_many_nodes(family.names, family.owner, max_nodes) from None
