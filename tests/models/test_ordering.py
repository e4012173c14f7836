"""Elimination orders: what they cost, and that they are orders."""

import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyodds.models.circuits.ordering import by_appearance, min_fill


def width(scopes: list[frozenset[int]], order: list[int]) -> int:
    """How many variables meet at most, by summing out one after the other."""
    left, widest = list(scopes), 0
    for v in order:
        met = frozenset[int]().union(*(scope for scope in left if v in scope)) | {v}
        widest = max(widest, len(met))
        left = [scope for scope in left if v not in scope] + [met - {v}]
    return widest


def plain_min_fill(scopes: list[frozenset[int]], last: list[int]) -> list[int]:
    """The same greedy choice with every cost worked out anew each time."""
    near: dict[int, set[int]] = {v: set() for scope in scopes for v in scope}
    for scope in scopes:
        for v in scope:
            near[v] |= scope - {v}
    order = []
    while left := sorted(set(near) - set(last)):

        def cost(v: int) -> tuple[int, int, int]:
            fill = sum(b not in near[a] for a, b in combinations(sorted(near[v]), 2))
            return fill, len(near[v]), v

        v = min(left, key=cost)
        order.append(v)
        neighbors = near.pop(v)
        for u in neighbors:
            near[u] = (near[u] | neighbors) - {u, v}
    return order


def random_scopes(seed: int, n: int, count: int, most: int) -> list[frozenset[int]]:
    rng = random.Random(seed)
    return [frozenset(rng.sample(range(n), rng.randint(0, min(most, n)))) for _ in range(count)]


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(0, 15))
def test_it_is_the_greedy_order(seed: int, n: int, count: int) -> None:
    scopes = random_scopes(seed, n, count, 4)
    last = random.Random(seed).sample(range(n), random.Random(seed).randint(0, n // 2))
    assert min_fill(scopes, last) == plain_min_fill(scopes, last)


@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
def test_every_variable_once_and_none_that_is_kept(seed: int, n: int) -> None:
    scopes = [*random_scopes(seed, n, 10, 3), *random_scopes(seed + 1, n, 2, 50)]
    rng = random.Random(seed)
    last = rng.sample(range(n), rng.randint(0, n))
    there = {v for scope in scopes for v in scope}
    for order in (min_fill(scopes, last), by_appearance([sorted(s) for s in scopes], last)):
        assert sorted(order) == sorted(there - set(last))


@pytest.mark.parametrize("n", [2, 10, 100])
def test_trees_cost_what_an_edge_costs(n: int) -> None:
    rng = random.Random(n)
    edges = [frozenset([k, rng.randrange(k)]) for k in range(1, n)]
    assert width(edges, min_fill(edges, [])) == 2


def test_a_cycle_and_a_grid() -> None:
    n = 30
    cycle = [frozenset([k, (k + 1) % n]) for k in range(n)]
    assert width(cycle, min_fill(cycle, [])) == 3
    side = 6
    grid = [
        frozenset([side * i + j, side * i + j + 1]) for i in range(side) for j in range(side - 1)
    ]
    grid += [
        frozenset([side * j + i, side * (j + 1) + i]) for i in range(side) for j in range(side - 1)
    ]
    assert width(grid, min_fill(grid, [])) <= side + 2


def test_wide_factors_are_not_counted_pair_by_pair() -> None:
    """A clique of 200 with a leaf on every member: leaves first, then the clique in any order."""
    n = 200
    scopes = [frozenset(range(n)), *(frozenset([k, n + k]) for k in range(n))]
    order = min_fill(scopes, [])
    assert sorted(order[:n]) == list(range(n, 2 * n))
    assert width(scopes, order) == n


def test_what_is_written_first_is_summed_out_last() -> None:
    assert by_appearance([[4, 2], [2, 9, 7]], last=[]) == [7, 9, 2, 4]
    assert by_appearance([], last=[]) == []
