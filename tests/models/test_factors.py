"""Factors as diagrams against truth tables."""

import random
from itertools import product
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyodds.models.circuits.circuit import ONE, ZERO, CircuitBuilder, CircuitTooLargeError
from storyodds.models.circuits.factors import Diagrams

N = 4  # variables
ASSIGNMENTS = list(product((False, True), repeat=N))
seeds = st.integers(0, 2**32 - 1)

Table = dict[tuple[bool, ...], int]


def worth(circuit: CircuitBuilder, node: int) -> int:
    """A circuit node at whole numbers for its leaves, which are named by them."""
    names = {found: key for key, found in circuit._leaves.items()}
    if node in (ZERO, ONE):
        return node
    if node in names:
        return int(str(names[node][1]))
    a, b = worth(circuit, circuit.left[node]), worth(circuit, circuit.right[node])
    return a * b if circuit.op[node] == 1 else a + b


def read(diagrams: Diagrams, f: int) -> Table:
    """A diagram as a table."""
    table = {}
    for assignment in ASSIGNMENTS:
        g, last = f, -1
        while g < 0:
            level = diagrams.level[~g]
            assert level > last  # in order, each tested once
            g, last = (diagrams.high if assignment[level] else diagrams.low)[~g], level
        table[assignment] = worth(diagrams.circuit, g)
    return table


def random_factor(diagrams: Diagrams, rng: random.Random, values: list[int], level: int = 0) -> int:
    """A diagram of random numbers; some of what it could test makes no difference."""
    if level == N:
        value = rng.choice(values)
        return value if value in (ZERO, ONE) else diagrams.circuit.leaf("number", value)
    if rng.random() < 0.3:
        return random_factor(diagrams, rng, values, level + 1)
    low, high = (random_factor(diagrams, rng, values, level + 1) for _ in range(2))
    return diagrams.test(level, low, high)


def some(seed: int, count: int) -> tuple[Diagrams, list[int]]:
    rng, diagrams = random.Random(seed), Diagrams(CircuitBuilder(10**6))
    return diagrams, [random_factor(diagrams, rng, [0, 0, 1, 2, 3, 5]) for _ in range(count)]


@given(seeds)
def test_products_and_sums(seed: int) -> None:
    diagrams, (f, g) = some(seed, 2)
    left, right = read(diagrams, f), read(diagrams, g)
    multiplied, added = diagrams.multiply(f, g), diagrams.add(f, g)
    assert read(diagrams, multiplied) == {a: left[a] * right[a] for a in ASSIGNMENTS}
    assert read(diagrams, added) == {a: left[a] + right[a] for a in ASSIGNMENTS}
    # Either way round they are the same diagram.
    assert diagrams.multiply(g, f) == multiplied
    assert diagrams.add(g, f) == added


@given(seeds)
def test_choices(seed: int) -> None:
    diagrams, (yes, no) = some(seed, 2)
    condition = random_factor(diagrams, random.Random(seed + 1), [0, 1])
    tables = [read(diagrams, f) for f in (condition, yes, no)]
    chosen = read(diagrams, diagrams.choose(condition, yes, no))
    assert chosen == {a: tables[1][a] if tables[0][a] else tables[2][a] for a in ASSIGNMENTS}
    assert diagrams.choose(diagrams.choose(condition, ZERO, ONE), no, yes) == diagrams.choose(
        condition, yes, no
    )


@given(seeds)
def test_level_sets(seed: int) -> None:
    """Each is one where the factor has its value, and zero elsewhere; zero has none."""
    diagrams, (f,) = some(seed, 1)
    table, sets = read(diagrams, f), diagrams.level_sets(f)
    assert set(sets) == diagrams.ends(f) - {ZERO}
    values = {worth(diagrams.circuit, end): read(diagrams, one) for end, one in sets.items()}
    assert set(values) == set(table.values()) - {0}
    for value, ones in values.items():
        assert ones == {a: int(x == value) for a, x in table.items()}


@given(seeds)
def test_sums_over_a_variable(seed: int) -> None:
    """From the deepest variable up; where it makes no difference it counts twice."""
    diagrams, (f,) = some(seed, 1)
    for level in range(N - 1, -1, -1):
        before = read(diagrams, f)
        f = diagrams.sum_out(f, level)
        flipped = {a: (*a[:level], not a[level], *a[level + 1 :]) for a in ASSIGNMENTS}
        assert read(diagrams, f) == {a: before[a] + before[flipped[a]] for a in ASSIGNMENTS}
    assert f >= 0


@given(seeds)
def test_cells(seed: int) -> None:
    diagrams, (f,) = some(seed, 1)
    items = list(diagrams.cells(f, range(N)))
    assert len({values for values, _ in items}) == len(items)
    table = {values: worth(diagrams.circuit, node) for values, node in items}
    assert table == {a: x for a, x in read(diagrams, f).items() if x}


def test_cells_of_no_variables() -> None:
    diagrams = Diagrams(CircuitBuilder(10))
    assert list(diagrams.cells(ONE, [])) == [((), ONE)]
    assert list(diagrams.cells(ZERO, [])) == []


def test_equal_factors_are_one_reference() -> None:
    diagrams = Diagrams(CircuitBuilder(100))
    assert diagrams.test(0, ONE, ONE) == ONE
    assert diagrams.test(0) == diagrams.test(0)
    a, b = diagrams.test(0), diagrams.test(1)
    assert diagrams.multiply(a, b) == diagrams.test(0, ZERO, b)
    assert diagrams.choose(a, ONE, ZERO) == a
    assert diagrams.multiply(a, a) == a


@pytest.mark.parametrize(("n", "k"), [(40, 10), (40, 1), (40, 40), (200, 100)])
def test_at_least_k_of_n_takes_polynomial_room(n: int, k: int) -> None:
    """k (n - k + 1) tests at the end, and each counter on the way is part of a later one.

    A test counts twice: as a node, and as a result that is kept.
    """
    circuit = CircuitBuilder(10**6)
    diagrams = Diagrams(circuit)
    reached = [ONE] + [ZERO] * k
    for level in range(n - 1, -1, -1):
        for j in range(k, 0, -1):
            reached[j] = diagrams.choose(diagrams.test(level), reached[j - 1], reached[j])
    assert circuit.spent <= 2 * (n * k + n)
    # With probability one half each: the number of ways, summed out in whole numbers.
    ways = {ZERO: (0, n), ONE: (1, n)}

    def count(f: int) -> tuple[int, int]:
        if f not in ways:
            level, total = diagrams.level[~f], 0
            for child in (diagrams.low[~f], diagrams.high[~f]):
                found, depth = count(child)
                total += found << (depth - level - 1)
            ways[f] = total, level
        return ways[f]

    found, depth = count(reached[k])
    assert found << depth == sum(comb(n, j) for j in range(k, n + 1))


def test_diagrams_count_towards_the_budget() -> None:
    diagrams = Diagrams(CircuitBuilder(5))
    for level in range(5):
        diagrams.test(level)
    with pytest.raises(CircuitTooLargeError):
        diagrams.test(5)
