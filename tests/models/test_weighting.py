"""Smoothed weights where there is nothing to smooth."""

import numpy as np
import pytest

from storyodds.models.weighting import smooth


@pytest.mark.parametrize("spread", [0.0, 1e-15, 1e-14, 1e-13])
def test_weights_that_rounding_alone_tells_apart_are_all_the_same(spread: float) -> None:
    given = spread * np.random.default_rng(1).standard_normal(1024)
    weights, pareto_k = smooth(given)
    assert pareto_k is None
    np.testing.assert_array_equal(weights, given)


def test_a_real_tail_has_a_shape() -> None:
    given = np.random.default_rng(1).standard_normal(1024)
    weights, pareto_k = smooth(given)
    assert pareto_k is not None and np.isfinite(weights).all()
    assert weights.max() <= given.max() - np.log(np.exp(given).sum()) + 1e-12
