"""The classical model against its definitions, worked out anew in plain loops."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.integrate import quad

from storyodds.priors.panels.classical_model import (
    Calibration,
    Performance,
    calibration,
    information,
    mixture_quantiles,
    performance,
)
from storyodds.priors.text.errors import InputError

Array = NDArray[np.float64]
P = (0.05, 0.45, 0.45, 0.05)

relaxed = settings(max_examples=40, deadline=None, derandomize=True)


def uniform(answers: Any, quantiles: Any) -> Calibration:
    answers = np.asarray(answers, dtype=float)
    return Calibration(answers, np.asarray(quantiles, float), np.zeros(len(answers), dtype=bool))


def in_bins(counts: tuple[int, int, int, int]) -> Calibration:
    """One expert, so many of whose answers fall into each bin."""
    answers = [
        place for place, n in zip((0.5, 1.5, 2.5, 3.5), counts, strict=True) for _ in range(n)
    ]
    return uniform(answers, [[[1.0, 2.0, 3.0]] * len(answers)])


@st.composite
def panels(draw: st.DrawFn) -> Calibration:
    """Draw two to four experts who answer four to twelve questions, on both scales."""
    n_experts, n = draw(st.integers(2, 4)), draw(st.integers(4, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    logs = rng.normal(size=n)
    middles = logs + rng.normal(scale=0.5, size=(n_experts, n))
    below, above = rng.gamma(2.0, 0.4, size=(2, n_experts, n)) + 0.01
    said = np.exp(np.stack([middles - below, middles, middles + above], axis=2))
    return Calibration(np.exp(logs), said, rng.random(n) < 0.5)


# --- by definition ------------------------------------------------------------------------------


def test_answers_where_the_quantiles_say() -> None:
    assert calibration(in_bins((1, 9, 9, 1))) == pytest.approx([1.0])


@pytest.mark.parametrize("counts", [(0, 5, 5, 0), (2, 3, 4, 1), (10, 0, 0, 0), (0, 20, 0, 0)])
def test_calibration_is_a_chi_square_probability(counts: tuple[int, int, int, int]) -> None:
    n = sum(counts)
    relative = sum(k / n * math.log(k / n / p) for k, p in zip(counts, P, strict=True) if k)
    expected = stats.chi2(3).sf(2 * n * relative)
    assert calibration(in_bins(counts)) == pytest.approx([expected], rel=1e-10)


def test_all_answers_in_one_half() -> None:
    """By hand: 20 answers in a bin of 0.45 give 40 ln(1 / 0.45) = 31.9404."""
    found = calibration(in_bins((0, 20, 0, 0)))[0]
    assert found == pytest.approx(stats.chi2(3).sf(40 * math.log(1 / 0.45)), rel=1e-10)
    assert found == pytest.approx(5.4e-7, rel=0.02)


def test_an_answer_on_a_quantile_falls_below_it() -> None:
    on_lowest = uniform([1.0] * 4, [[[1.0, 2.0, 3.0]] * 4])
    assert calibration(on_lowest) == calibration(in_bins((4, 0, 0, 0)))
    assert calibration(on_lowest) != calibration(in_bins((0, 4, 0, 0)))
    # 0.1 + 0.2 is not 0.3, but it is meant.
    rounded = uniform([0.1 + 0.2] * 4, [[[0.3, 2.0, 3.0]] * 4])
    assert calibration(rounded) == calibration(on_lowest)


@relaxed
@given(panels())
def test_information_is_that_of_the_density_over_its_background(seen: Calibration) -> None:
    found = information(seen)
    for e, q in itertools.product(range(len(seen.quantiles)), range(len(seen.answers))):
        said = np.log(seen.quantiles[:, q]) if seen.log[q] else seen.quantiles[:, q]
        answer = math.log(seen.answers[q]) if seen.log[q] else seen.answers[q]
        low, high = min(said.min(), answer), max(said.max(), answer)
        reach = 0.1 * (high - low)
        edges = [low - reach, *said[e], high + reach]
        whole = edges[-1] - edges[0]
        expected = 0.0
        for p, (a, b) in zip(P, itertools.pairwise(edges), strict=True):
            height = p / (b - a)
            expected += quad(lambda x, h=height, w=whole: h * math.log(h * w), a, b)[0]
        assert found[e, q] == pytest.approx(expected, rel=1e-9, abs=1e-12)


@relaxed
@given(panels(), st.integers(0, 2**32 - 1))
def test_quantiles_of_a_mixture_by_bisection(seen: Calibration, seed: int) -> None:
    n_experts, n = len(seen.quantiles), len(seen.answers)
    weights = np.random.default_rng(seed).dirichlet(np.ones(n_experts), size=n).T
    found = mixture_quantiles(seen, weights)
    for q in range(n):
        take: Any = math.log if seen.log[q] else float
        said = [[take(x) for x in row] for row in seen.quantiles[:, q]]
        answer = take(seen.answers[q])
        low, high = min(answer, *map(min, said)), max(answer, *map(max, said))
        reach = 0.1 * (high - low)

        outer = (low - reach, high + reach)

        def below(x: float, said: Any = said, q: int = q, ends: Any = outer) -> float:
            total = 0.0
            for w, row in zip(weights[:, q], said, strict=True):
                edges = [ends[0], *row, ends[1]]
                for p, (a, b) in zip(P, itertools.pairwise(edges), strict=True):
                    total += w * p * min(max((x - a) / (b - a), 0.0), 1.0)
            return total

        for level, x in zip((0.05, 0.5, 0.95), found[q], strict=True):
            assert below(take(x)) == pytest.approx(level, abs=1e-9)


# --- weights ------------------------------------------------------------------------------------


@relaxed
@given(panels())
def test_the_cutoff_serves_the_mixture_best(seen: Calibration) -> None:
    found = performance(seen)
    scores, informations = calibration(seen), information(seen)
    for item, weighing in ((False, found.whole), (True, found.item)):
        best = 0.0
        for cutoff in [0.0, *(scores - 1e-15), *np.linspace(0.0, 0.99, 40)]:
            kept = np.where(scores >= cutoff, scores, 0.0)[:, None]
            weights = kept * (informations if item else informations.mean(axis=1)[:, None])
            weights = np.broadcast_to(weights, informations.shape)
            if not weights.sum(axis=0).all():
                continue
            made = mixture_quantiles(seen, weights / weights.sum(axis=0))
            maker = Calibration(seen.answers, made[None], seen.log)
            score = calibration(maker)[0] * information(maker, seen).mean()
            best = max(best, score)
        assert weighing.decision_maker.combined == pytest.approx(best, rel=1e-9)


@relaxed
@given(panels())
def test_weights_are_calibration_times_information(seen: Calibration) -> None:
    scores = performance(seen)
    assert scores.whole.cutoff is not None
    expected = np.array(
        [
            score.combined if score.calibration >= scores.whole.cutoff * (1 - 1e-9) else 0.0
            for score in scores.experts
        ]
    )
    np.testing.assert_allclose(scores.whole.weights, expected / expected.sum(), rtol=1e-12)
    for weighing in (scores.equal, scores.whole, scores.item):
        assert weighing.weights.sum() == pytest.approx(1.0)


def told(found: Performance) -> Array:
    rows = [(score.calibration, score.information) for score in found.experts]
    makers = [way.decision_maker for way in (found.equal, found.whole, found.item)]
    return np.array([*rows, *((maker.calibration, maker.information) for maker in makers)])


@relaxed
@given(panels())
def test_a_log_scale_is_a_uniform_one_of_logarithms(seen: Calibration) -> None:
    logs = Calibration(seen.answers, seen.quantiles, np.ones(len(seen.answers), dtype=bool))
    plain = uniform(np.log(seen.answers), np.log(seen.quantiles))
    np.testing.assert_allclose(told(performance(logs)), told(performance(plain)), rtol=1e-9)


@relaxed
@given(panels(), st.sampled_from([1e-3, 7.0, 1e6]))
def test_units_do_not_matter(seen: Calibration, factor: float) -> None:
    scaled = Calibration(seen.answers * factor, seen.quantiles * factor, seen.log)
    np.testing.assert_allclose(told(performance(scaled)), told(performance(seen)), rtol=1e-7)


@relaxed
@given(panels(), st.randoms(use_true_random=False))
def test_the_order_of_experts_does_not_matter(seen: Calibration, random: Any) -> None:
    order = list(range(len(seen.quantiles)))
    random.shuffle(order)
    shuffled = Calibration(seen.answers, seen.quantiles[order], seen.log)
    expected = performance(seen).whole.weights[order]
    np.testing.assert_allclose(performance(shuffled).whole.weights, expected, rtol=1e-9, atol=1e-15)


def test_equals_stay_together() -> None:
    """Two who did equally well are in or out together, whatever rounding makes of their scores."""
    answers = np.repeat([0.5, 1.5, 2.5, 3.5], [2, 8, 9, 1])
    said = np.tile([1.0, 2.0, 3.0], (len(answers), 1))
    mirrored = 4.0 - said[:, ::-1]
    other = np.where(np.isin(answers, [0.5, 3.5])[:, None], mirrored, said)
    seen = uniform(answers, [said, other + 1e-3, said * 1.0])
    scores = performance(seen)
    assert scores.whole.weights[0] == pytest.approx(scores.whole.weights[2])


def test_sure_and_wrong_counts_for_nothing() -> None:
    answers = np.arange(10.0)
    good = np.stack([answers - 2, answers + 0.1, answers + 2], axis=1)
    good[::2] -= 0.2
    sure = np.stack([answers + 5, answers + 5.1, answers + 5.2], axis=1)
    scores = performance(uniform(answers, [good, sure]))
    assert scores.experts[1].information > scores.experts[0].information
    np.testing.assert_allclose(scores.whole.weights, [1.0, 0.0], atol=1e-6)
    assert scores.whole.decision_maker.combined > scores.equal.decision_maker.combined


def test_too_few_questions() -> None:
    with pytest.raises(InputError, match="found 3 calibration questions, expected at least 4"):
        uniform([1.0, 2.0, 3.0], [[[0.0, 1.0, 2.0]] * 3])


def test_nobody_fits_at_all() -> None:
    n = 2000  # so many that the probability has no digits left
    seen = uniform(np.zeros(n), [[[1.0, 2.0, 3.0]] * n])
    assume_zero = calibration(seen)[0]
    assert assume_zero == 0.0
    with pytest.raises(InputError, match="no expert whose quantiles fit the answers"):
        performance(seen)
