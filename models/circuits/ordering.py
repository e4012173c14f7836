"""In which order variables are summed out: the order decides what an exact sum costs."""

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush
from itertools import combinations

_WIDE = 40  # neighbors from which on pairs are not counted one by one


def min_fill(scopes: Iterable[frozenset[int]], last: Sequence[int]) -> list[int]:
    """Order variables so that summing them out links few others.

    Greedy minimum fill (Kjaerulff 1990), ties by number of neighbors, then by index.

    Parameters
    ----------
    scopes : iterable of frozenset of int
        Variables that have a factor in common.
    last : sequence of int
        Variables that are never summed out.

    Returns
    -------
    list of int
        All variables in the scopes but those of `last`, first to be summed out first.

    Examples
    --------
    >>> min_fill([frozenset({0, 1}), frozenset({1, 2}), frozenset({2, 3})], last=[1])
    [0, 3, 2]
    """
    near: dict[int, set[int]] = {}
    for scope in scopes:
        for v in scope:
            near.setdefault(v, set()).update(scope)
    for v, neighborhood in near.items():
        neighborhood.discard(v)
    kept = set(last)

    cliques: dict[frozenset[int], bool] = {}  # of wide neighborhoods, which many may share

    def cost(v: int) -> tuple[int, int]:
        n = len(near[v])
        if n <= _WIDE:
            return sum(b not in near[a] for a, b in combinations(near[v], 2)), n
        closed = frozenset(near[v] | {v})
        if closed not in cliques:
            cliques[closed] = all(closed <= near[u] | {u} for u in near[v])
        return (0 if cliques[closed] else n * n), n

    def after(u: int, fills: bool) -> tuple[int, int]:
        """Its cost after a neighbor is gone."""
        n = len(near[u])
        if costs[u][0] == 0 and not fills:  # what was a clique still is one
            return 0, n
        return (n * n, n) if n > _WIDE else cost(u)

    costs = {v: cost(v) for v in near if v not in kept}
    heap = [(*costs[v], v) for v in costs]
    heapify(heap)
    order: list[int] = []
    while heap:
        *cost_then, v = heappop(heap)
        if v not in costs or costs[v] != tuple(cost_then):
            continue
        del costs[v]
        order.append(v)
        neighbors = near.pop(v)
        changed, fills = set(neighbors), False
        for u in neighbors:
            near[u].discard(v)
            new = neighbors - near[u] - {u}
            if new:
                near[u] |= new
                changed |= near[u]
                fills = True
        for u in changed:
            if u in costs:
                fresh = after(u, fills)
                if fresh != costs[u]:
                    costs[u] = fresh
                    heappush(heap, (*fresh, u))
    return order


def by_appearance(scopes: Iterable[Sequence[int]], last: Sequence[int]) -> list[int]:
    """Order variables so that what is written first is summed out last.

    The classic order for diagrams of fault trees: formulas are read from the top, left to right.

    Examples
    --------
    >>> by_appearance([[3, 1], [1, 2]], last=[1])
    [2, 3]
    """
    appearances = dict.fromkeys(v for scope in scopes for v in scope)
    return [v for v in reversed(list(appearances)) if v not in set(last)]
