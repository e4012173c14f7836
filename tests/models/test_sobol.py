"""Scrambled Sobol points against SciPy's, and against what makes a Sobol sequence one."""

import numpy as np
import pytest
from scipy.stats import qmc

from storyodds.models.sobol import sobol_points


@pytest.mark.parametrize("n_dimensions", [1, 2, 7, 76, 600])
@pytest.mark.parametrize("exponent", [0, 1, 5, 12])
def test_points_are_scipys_to_the_bit(n_dimensions: int, exponent: int) -> None:
    seed = [n_dimensions, exponent]
    points = sobol_points(n_dimensions, exponent, np.random.default_rng(seed))
    theirs = qmc.Sobol(n_dimensions, rng=np.random.default_rng(seed)).random_base2(exponent)
    assert np.array_equal(points, theirs)


def test_every_dimension_has_one_point_in_every_interval() -> None:
    n = 2**9
    points = sobol_points(40, 9, np.random.default_rng(5))
    assert (np.sort(np.floor(points * n), axis=0) == np.arange(n)[:, None]).all()


def test_more_dimensions_than_there_are_numbers_for_are_refused() -> None:
    with pytest.raises(ValueError, match="found 30000, expected at most"):
        sobol_points(30_000, 1, np.random.default_rng(1))


def test_replicates_are_sequences_of_their_own() -> None:
    """Each is evenly spread, the first is the sequence alone, and no two are alike."""
    alone = sobol_points(3, 5, np.random.default_rng(4))
    points = sobol_points(3, 5, np.random.default_rng(4), replicates=8).reshape(8, 32, 3)
    assert (points[0] == alone).all()
    assert (np.sort((points * 32).astype(int), axis=1) == np.arange(32)[:, None]).all()
    assert len(np.unique(points[:, 0], axis=0)) == 8
