"""Weights of a few draws with the means of many."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from storyodds.models.changes.balancing import balance, weights_of


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), n_columns=st.integers(1, 12), scale=st.floats(-6, 6))
def test_means_are_those_asked_for(seed: int, n_columns: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(n_columns, n_columns))
    assume(np.linalg.cond(mixed) < 1e3)  # else columns say the same, but for rounding
    many = 10**scale * rng.normal(size=(2000, n_columns)) @ mixed
    few, means = many[:400] + 3 * 10**scale, many.mean(axis=0) + 3 * 10**scale
    pull = balance(few, means)
    assert pull is not None
    weights = weights_of(few, pull)
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(weights @ few, means, atol=1e-9 * few.std(axis=0).max())


def test_no_weights_are_as_even() -> None:
    """Of all weights with these means, those found have the largest entropy."""
    rng = np.random.default_rng(3)
    columns = rng.normal(size=(40, 2))
    means = np.array([0.3, -0.2])
    pull = balance(columns, means)
    assert pull is not None
    weights = weights_of(columns, pull)
    # Directions along which weights can go and keep their sum and the means.
    kept = np.column_stack([np.ones(40), columns])
    free = np.linalg.svd(kept.T)[2][3:]
    slope = free @ (np.log(weights) + 1)
    np.testing.assert_allclose(slope, 0, atol=1e-7)


def test_columns_that_say_the_same_and_columns_that_say_nothing() -> None:
    x = np.random.default_rng(4).normal(size=200)
    columns = np.column_stack([x, 2 * x + 1, np.full(200, 0.7), -x])
    means = np.array([0.1, 1.2, 0.7, -0.1])
    pull = balance(columns, means)
    assert pull is not None and pull[2] == 0
    np.testing.assert_allclose(weights_of(columns, pull) @ columns, means, atol=1e-9)


@pytest.mark.parametrize("means", [[1.5, 0.0], [0.5, 0.9]])
def test_means_out_of_reach(means: list[float]) -> None:
    """Outside of what the draws span, or of a line on which they lie."""
    x = np.linspace(0, 1, 50)
    assert balance(np.column_stack([x, x / 2]), np.array(means)) is None
