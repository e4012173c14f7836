"""What is known where draws are few corrects what is asked of them."""

import numpy as np
import pytest

from storyodds.models.control_variates import LEVELS, Weighted, corrected, summary


def draws(n: int, seed: int, **change: float) -> Weighted:
    """Beta draws, weighted unevenly; `power` and `times` change what they say."""
    rng = np.random.default_rng(seed)
    x = rng.beta(2, 5, n)
    weights = rng.uniform(0.5, 1.5, n)
    weights /= weights.sum()
    chances = (change.get("times", 1.0) * x ** change.get("power", 1.0),)
    return Weighted(weights, chances, weights, chances, float(n), None, True)


def test_an_end_is_corrected_to_what_it_is_known_to_be() -> None:
    ends = draws(50_000, 1), draws(50_000, 1, power=2)
    near = draws(400, 2), draws(400, 2, power=2)
    for few, all_of_it in zip(near, ends, strict=True):
        [(mean, error, quantiles)] = corrected([few], near, ends)
        known, _, known_quantiles = summary(all_of_it)
        assert mean[0] == pytest.approx(known[0], rel=1e-6)
        assert error[0] < 1e-9
        for k, level in enumerate(LEVELS):
            reached, known_level = (
                float(few.weights @ (few.chances[0] <= q[0, k]))
                for q in (quantiles, known_quantiles)
            )
            # Draws weigh up to 1.5 / 400, and one may lie on either side.
            assert reached == pytest.approx(known_level, abs=3 * 1.5 / 400), level


def test_a_step_between_them_errs_less_and_says_by_how_much() -> None:
    ends = draws(50_000, 1), draws(50_000, 1, power=2)
    known, _, known_quantiles = summary(draws(50_000, 1, power=1.5))
    raw, better, errors, levels = [], [], [], []
    for seed in range(2, 62):
        near = draws(400, seed), draws(400, seed, power=2)
        step = draws(400, seed, power=1.5)
        [(mean, error, quantiles)] = corrected([step], near, ends)
        raw.append(summary(step)[0][0] - known[0])
        better.append(mean[0] - known[0])
        errors.append(error[0])
        levels.append([summary(step)[2][0] - known_quantiles[0], quantiles[0] - known_quantiles[0]])
    before, after = (np.sqrt(np.mean(np.square(x))) for x in (raw, better))
    assert after < before / 3
    # Of 60 draws a standard deviation is known to a tenth; 4.5 of these.
    assert after == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=0.45)
    spread = np.sqrt(np.mean(np.square(levels), axis=0))
    assert (spread[1] < spread[0]).all()


def test_where_the_odds_are_not_defined_there_is_no_correction() -> None:
    ends = draws(1000, 1, times=0), draws(1000, 1)
    near = draws(100, 2, times=0), draws(100, 2)
    never, always = draws(100, 2, times=0), draws(100, 2, power=0)
    found = corrected([never, always], near, ends)
    assert [mean[0] for mean, _, _ in found] == [0, pytest.approx(1)]
    assert [error[0] for _, error, _ in found] == [0, 0]
