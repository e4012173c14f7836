"""Circuits against the expressions that they were built from."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from storyodds.models.circuits.circuit import (
    ONE,
    ZERO,
    Circuit,
    CircuitBuilder,
    CircuitTooLargeError,
)
from storyodds.models.engine import arithmetic, row_arithmetic

Array = NDArray[np.float64]

EPS = np.finfo(float).eps
N_LEAVES = 6


@dataclass(frozen=True)
class Expression:
    """A node of a circuit, and the same by a function of the leaves' values."""

    node: int
    value: Callable[[Array], Array]


def random_expressions(seed: int, size: int) -> tuple[CircuitBuilder, list[Expression]]:
    """Sums and products of what is there already, constants among it; repeats are likely."""
    rng, builder = random.Random(seed), CircuitBuilder(10**6)
    made = [
        Expression(ZERO, lambda x: np.zeros(x.shape[1])),
        Expression(ONE, lambda x: np.ones(x.shape[1])),
    ]
    for k in range(N_LEAVES):
        kind = "moving" if k >= N_LEAVES // 2 else "fixed"
        made.append(Expression(builder.leaf(kind, k), lambda x, k=k: x[k]))  # type: ignore[misc]
    for _ in range(size):
        a, b = rng.choice(made), rng.choice(made[-4:])
        if rng.random() < 0.5:
            node = builder.multiply(a.node, b.node)
            made.append(Expression(node, lambda x, a=a, b=b: a.value(x) * b.value(x)))  # type: ignore[misc]
        else:
            node = builder.add(a.node, b.node)
            made.append(Expression(node, lambda x, a=a, b=b: a.value(x) + b.value(x)))  # type: ignore[misc]
    return builder, made


def leaves_of(circuit: Circuit, x: Array) -> Array:
    """The values of a circuit's own leaves."""
    rows = {("zero",): np.zeros(x.shape[1]), ("one",): np.ones(x.shape[1])}
    return np.array(
        [rows[key] if key in rows else x[int(str(key[1]))] for key in circuit.leaf_keys]
    )


def assert_valid(circuit: Circuit) -> None:
    """Children come before parents and are in earlier stages; like nodes stand together."""
    inner = np.flatnonzero(~circuit.is_leaf)
    stage = np.searchsorted(circuit.stage_edges, np.arange(circuit.n_nodes), side="right")
    for child in (circuit.left, circuit.right):
        assert (child[inner] < inner).all()
        assert (stage[child[inner]] < stage[inner]).all()
        # What has one value a draw never depends on what has one a node of the rule.
        fixed = inner[inner < circuit.n_fixed]
        assert (child[fixed] < circuit.n_fixed).all()
    edges = circuit.stage_edges
    assert edges[0] == 0 and edges[-1] == circuit.n_nodes and (np.diff(edges) > 0).all()
    for start, stop in pairwise(edges):
        assert len(set(circuit.op[start:stop].tolist())) == 1
        assert stop <= circuit.n_fixed or start >= circuit.n_fixed
    assert circuit.leaf_keys[:2] == (("zero",), ("one",))
    moving = np.array([key[0] == "moving" for key in circuit.leaf_keys])
    np.testing.assert_array_equal(circuit.leaves >= circuit.n_fixed, moving)


@given(st.integers(0, 2**32 - 1), st.integers(1, 25), st.integers(1, 5))
def test_random_expressions(seed: int, size: int, n_roots: int) -> None:
    builder, made = random_expressions(seed, size)
    roots = random.Random(seed).choices(made, k=n_roots)
    circuit = builder.freeze([root.node for root in roots], moving=["moving"])
    assert_valid(circuit)
    # At most 2, so that 25 squarings on end stay finite only where values are below 1.
    x = np.random.default_rng(seed).uniform(0.0, 1.0, (N_LEAVES, 4))
    with np.errstate(over="ignore", under="ignore"):
        expected = np.array([root.value(x) for root in roots])
        found = arithmetic.forward(circuit, leaves_of(circuit, x), logs=False)[circuit.roots]
        # Positive terms only: each of at most 2**size operations on a path rounds once, and the
        # factors of one product round together. Both sides round, in another order.
        usual = (expected < 1e200) & (expected > 1e-200) | (expected == 0)
        np.testing.assert_allclose(found[usual], expected[usual], rtol=1e-10)
    with np.errstate(divide="ignore"):
        logs = arithmetic.forward(circuit, np.log(leaves_of(circuit, x)), logs=True)
    np.testing.assert_allclose(
        np.exp(logs[circuit.roots][usual]), expected[usual], rtol=1e-9, atol=0
    )


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_derivatives(seed: int, size: int) -> None:
    """Of the log of a weighted sum of roots, in the log of every leaf, by complex steps."""
    builder, made = random_expressions(seed, size)
    rng = np.random.default_rng(seed)
    roots = random.Random(seed).choices(made, k=3)
    circuit = builder.freeze([root.node for root in roots], moving=["moving"])
    x, weights = rng.uniform(0.1, 1.0, (N_LEAVES, 2)), rng.uniform(0.0, 1.0, (3, 2))
    total = np.array([root.value(x) for root in roots])
    sums = (weights * total).sum(axis=0)
    usual = (sums > 1e-100) & (sums < 1e100)
    for logs in (False, True):
        with np.errstate(divide="ignore", over="ignore"):
            leaves = leaves_of(circuit, x)
            v = arithmetic.forward(circuit, np.log(leaves) if logs else leaves, logs=logs)
            share = weights * total / np.where(sums > 0, sums, 1.0)
            flow = arithmetic.backward(circuit, v, share, logs=logs)[circuit.leaves]
        by_leaf = dict(zip(circuit.leaf_keys, flow, strict=True))
        for k in range(N_LEAVES):
            kind = "moving" if k >= N_LEAVES // 2 else "fixed"
            step = x.astype(complex)
            step[k] *= 1 + 1e-30j
            with np.errstate(all="ignore"):
                moved = sum(w * root.value(step) for w, root in zip(weights, roots, strict=True))
                expected = np.imag(moved) / 1e-30 / np.where(sums > 0, sums, 1.0)
            found = by_leaf.get((kind, k), np.zeros(2))
            np.testing.assert_allclose(found[usual], expected[usual], rtol=1e-9, atol=1e-12)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_rows_have_the_digits_of_stages(seed: int, size: int) -> None:
    """Values and flows, zeros among them, of roots that may be leaves, or one and the same node."""
    builder, made = random_expressions(seed, size)
    rng = np.random.default_rng(seed)
    roots = random.Random(seed).choices(made, k=4)
    circuit = builder.freeze([root.node for root in roots], moving=["moving"])
    leaves = leaves_of(circuit, rng.uniform(size=(N_LEAVES, 3)) * (rng.random((N_LEAVES, 3)) > 0.2))
    targets = ((0, 1, 2), (3,))
    layout = row_arithmetic.lay_out(circuit, targets)
    rows = [*leaves, *np.full((layout.sums.n_rows - len(leaves), 3), np.nan)]
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        v = arithmetic.forward(circuit, leaves, logs=False)
        row_arithmetic.run(layout.sums.steps, rows)
        np.testing.assert_array_equal([rows[k] for k in layout.sums.roots], v[circuit.roots])
        for places, flows in zip(targets, layout.flows, strict=True):
            part = circuit.below(places)
            share = rng.uniform(size=(len(places), 3)) * (v[circuit.roots[list(places)]] > 0)
            expected = arithmetic.backward(part.circuit, v[part.nodes], share, logs=False)
            results = np.full((len(leaves), 3), np.nan)
            room = np.full((flows.n_rows - len(rows) - len(share) - len(results), 3), np.nan)
            row_arithmetic.run(flows.steps, [*rows, *share, *results, *room])
            assert np.isnan(results[flows.silent]).all()
            results[flows.silent] = 0.0
            np.testing.assert_array_equal(results, expected[part.circuit.leaves])


def test_zeros_and_ones_fold_away() -> None:
    builder = CircuitBuilder(100)
    a, b = builder.leaf("a"), builder.leaf("b")
    assert builder.multiply(a, ZERO) == builder.multiply(ZERO, a) == ZERO
    assert builder.multiply(a, ONE) == builder.multiply(ONE, a) == a
    assert builder.add(a, ZERO) == builder.add(ZERO, a) == a
    assert builder.multiply(a, b) == builder.multiply(b, a)
    assert builder.add(a, b) == builder.add(b, a) != builder.multiply(a, b)
    assert builder.add(ONE, ONE) not in (ZERO, ONE)
    assert builder.leaf("a") == a != builder.leaf("a", 1)
    assert builder.total([]) == ZERO
    assert builder.total([a]) == a
    assert builder.spent == 6  # a, b, their product and sum, two, and the other a


def test_freezing_keeps_what_is_needed_and_nothing_else() -> None:
    builder = CircuitBuilder(100)
    a, b, c = (builder.leaf("fixed", k) for k in range(3))
    wanted = builder.multiply(builder.add(a, b), a)
    builder.multiply(c, wanted)
    circuit = builder.freeze([wanted])
    assert set(circuit.leaf_keys) == {("zero",), ("one",), ("fixed", 0), ("fixed", 1)}
    assert circuit.n_nodes == 6
    assert circuit.n_fixed == 6
    constants = builder.freeze([ZERO, ONE])
    assert constants.n_nodes == 2
    assert constants.roots.tolist() == [0, 1]
    # What was frozen before stays, and the same again is the same.
    again = builder.freeze([wanted])
    np.testing.assert_array_equal(again.left, circuit.left)


def test_a_long_sum_is_shallow() -> None:
    """A thousand terms in ten stages: rounding grows with the depth."""
    builder = CircuitBuilder(10**4)
    circuit = builder.freeze([builder.total(builder.leaf("fixed", k) for k in range(1000))])
    assert len(circuit.stage_edges) - 1 == 1 + 10
    x = np.random.default_rng(1).uniform(size=(1000, 1))
    found = arithmetic.forward(circuit, leaves_of(circuit, x), logs=False)[circuit.roots[0], 0]
    assert found == pytest.approx(x.sum(), rel=20 * EPS)


def test_the_budget_is_the_budget() -> None:
    builder = CircuitBuilder(3)
    a, b = builder.leaf("a"), builder.leaf("b")
    product = builder.multiply(a, b)
    assert builder.multiply(b, a) == product  # costs nothing
    with pytest.raises(CircuitTooLargeError):
        builder.add(a, b)


def test_log_sum_exp() -> None:
    x = np.array([[-np.inf, -1e4, 0.0], [-np.inf, -1e4, -np.inf]])
    np.testing.assert_allclose(
        arithmetic.log_sum_exp(x, axis=0), [-np.inf, np.log(2) - 1e4, 0.0], rtol=EPS
    )
