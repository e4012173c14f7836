"""Bucket elimination over pairs against enumeration."""

import random
from dataclasses import dataclass
from itertools import combinations, product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storyodds.models.circuits.circuit import ONE, ZERO, CircuitBuilder
from storyodds.models.circuits.elimination import CliqueTooLargeError, Elimination, Pair, lay_out
from storyodds.models.circuits.factors import Diagrams

seeds = st.integers(0, 2**32 - 1)
Table = dict[tuple[bool, ...], tuple[int, int]]


@dataclass(frozen=True)
class Factor:
    """A pair of tables over some levels, and as diagrams."""

    levels: tuple[int, ...]
    table: Table
    pair: Pair

    @property
    def scope(self) -> frozenset[int]:
        return frozenset(self.levels)


class World:
    """Random factors over a few variables."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.n_levels = self.rng.randint(1, 6)
        self.n_kept = self.rng.choice([0, 0, 1, 2, 3]) % (self.n_levels + 1)
        self.diagrams = Diagrams(CircuitBuilder(10**6))

    def factor(self, levels: tuple[int, ...]) -> Factor:
        chooses = self.rng.random() < 0.6  # others never choose a route
        numbers = [0, 1, 1, 2, 3, 5]
        table = {
            key: (self.rng.choice(numbers), self.rng.choice(numbers) * chooses)
            for key in product((False, True), repeat=len(levels))
        }
        halves = [{key: both[k] for key, both in table.items()} for k in range(2)]
        first, second = (self._diagram(levels, half, ()) for half in halves)
        return Factor(levels, table, (first, second))

    def _diagram(
        self, levels: tuple[int, ...], table: dict[tuple[bool, ...], int], at: tuple[bool, ...]
    ) -> int:
        if len(at) == len(levels):
            value = table[at]
            return value if value in (ZERO, ONE) else self.diagrams.circuit.leaf("number", value)
        low, high = (self._diagram(levels, table, (*at, x)) for x in (False, True))
        return self.diagrams.test(levels[len(at)], low, high)

    def scope(self, most: int = 3) -> tuple[int, ...]:
        size = self.rng.randint(0, min(most, self.n_levels))
        return tuple(sorted(self.rng.sample(range(self.n_levels), size)))

    def factors(self) -> list[Factor]:
        return [self.factor(self.scope()) for _ in range(self.rng.randint(0, 6))]


def by_enumeration(world: World, factors: list[Factor]) -> Table:
    """Sum over everything, and add up which one factor chooses."""
    totals: Table = {}
    for state in product((False, True), repeat=world.n_levels):
        neither, chosen = 1, 0
        for factor in factors:
            a, b = factor.table[tuple(state[level] for level in factor.levels)]
            neither, chosen = neither * a, neither * b + chosen * a
        kept = state[: world.n_kept]
        before = totals.get(kept, (0, 0))
        totals[kept] = before[0] + neither, before[1] + chosen
    return totals


def worth(circuit: CircuitBuilder, roots: list[int]) -> list[int]:
    """Nodes at whole numbers for their leaves, which are named by them: exact."""
    values = {node: int(str(key[1])) for key, node in circuit._leaves.items() if len(key) > 1}
    values |= {ZERO: 0, ONE: 1}
    for node in range(2, len(circuit.op)):
        if node not in values:
            a, b = values[circuit.left[node]], values[circuit.right[node]]
            values[node] = a * b if circuit.op[node] == 1 else a + b
    return [values[root] for root in roots]


def read(world: World, pair: Pair) -> Table:
    table: Table = {}
    diagrams = world.diagrams
    for state in product((False, True), repeat=world.n_kept):
        ends = []
        for f in pair:
            while f < 0:
                f = (diagrams.high if state[diagrams.level[~f]] else diagrams.low)[~f]
            ends.append(f)
        first, second = worth(diagrams.circuit, ends)
        table[state] = first, second
    return table


def eliminate(world: World, factors: list[Factor]) -> Elimination:
    buckets = lay_out([factor.scope for factor in factors], world.n_levels, world.n_kept)
    return Elimination(world.diagrams, buckets, [factor.pair for factor in factors])


@given(seeds)
def test_random_factors(seed: int) -> None:
    world = World(seed)
    factors = world.factors()
    found = eliminate(world, factors).exchange({})
    assert read(world, found) == by_enumeration(world, factors)


@example(seed=1394)  # what is added carries a message past the bucket it was meant for
@given(seeds)
def test_exchanges_are_as_good_as_starting_anew(seed: int) -> None:
    """Some factors exchanged, others added (which may link what nothing linked before)."""
    world = World(seed)
    factors = world.factors()
    elimination = eliminate(world, factors)
    for _ in range(4):  # one exchange leaves nothing behind for the next
        changed = {
            i: world.factor(factor.levels)
            for i, factor in enumerate(factors)
            if world.rng.random() < 0.4
        }
        more = [world.factor(world.scope()) for _ in range(world.rng.randint(0, 3))]
        found = elimination.exchange(
            {i: factor.pair for i, factor in changed.items()},
            [(factor.scope, factor.pair) for factor in more],
        )
        now = [changed.get(i, factor) for i, factor in enumerate(factors)] + more
        expected = by_enumeration(world, now)
        assert read(world, found) == expected
        assert read(world, eliminate(world, now).exchange({})) == expected
    assert read(world, elimination.exchange({})) == by_enumeration(world, factors)


@given(seeds)
def test_every_message_arrives_where_it_is_needed(seed: int) -> None:
    world = World(seed)
    scopes = [frozenset(world.scope()) for _ in range(world.rng.randint(0, 8))]
    buckets = lay_out(scopes, world.n_levels, world.n_kept)
    everywhere = [i for found in buckets.members.values() for i in found]
    assert sorted(everywhere) == list(range(len(scopes)))
    for level, found in buckets.members.items():
        for i in found:
            deepest = max(scopes[i], default=-1)
            assert level == (deepest if deepest >= world.n_kept else -1)
    for level, target in buckets.target.items():
        assert target < level
        assert level in buckets.sources[target]
        rest = buckets.scope[level] - {level}
        if target >= 0:
            assert target in rest
            assert rest <= buckets.scope[target]
        else:
            assert all(u < world.n_kept for u in rest)


def test_only_what_was_exchanged_is_worked_through_again() -> None:
    """In a chain of 200, an exchange at the end that is summed out last makes a few nodes."""
    circuit = CircuitBuilder(10**6)
    diagrams, n = Diagrams(circuit), 200
    scopes = [frozenset([k, k + 1]) for k in range(n - 1)]
    pairs: list[Pair] = []
    for k in range(n - 1):
        below = [
            diagrams.test(k + 1, *(circuit.leaf("x", k, a, b) for b in (0, 1))) for a in (0, 1)
        ]
        pairs.append((diagrams.test(k, *below), ZERO))
    elimination = Elimination(diagrams, lay_out(scopes, n, 0), pairs)
    before = circuit.spent
    elimination.exchange({0: (diagrams.multiply(pairs[0][0], diagrams.test(0)), ZERO)})
    assert circuit.spent - before < 20
    elimination.exchange({n - 2: (diagrams.multiply(pairs[-1][0], diagrams.test(n - 1)), ZERO)})
    assert circuit.spent - before > n


def test_too_large_a_clique_is_named() -> None:
    """Ten variables, every pair of them with a factor: all meet when the last is summed out."""
    n = 10
    pairs = list(combinations(range(n), 2))
    sizes = []
    for budget in (450, 10**6):
        circuit = CircuitBuilder(budget)
        diagrams, factors = Diagrams(circuit), []
        for a, b in pairs:
            low = diagrams.test(b, circuit.leaf("x", a, b, 0), circuit.leaf("x", a, b, 1))
            high = diagrams.test(b, circuit.leaf("x", a, b, 2), circuit.leaf("x", a, b, 3))
            factors.append((diagrams.test(a, low, high), ZERO))
        sizes.append(circuit.spent)
        buckets = lay_out([frozenset(pair) for pair in pairs], n, 0)
        if budget < 10**6:
            assert circuit.spent < budget  # so far
            with pytest.raises(CliqueTooLargeError) as caught:
                Elimination(diagrams, buckets, factors)
            assert caught.value.levels == frozenset(range(n))
        else:
            Elimination(diagrams, buckets, factors)
            assert circuit.spent > 2**n
    assert sizes[0] == sizes[1]
