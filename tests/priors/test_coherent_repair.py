"""The nearest coherent probabilities against closed forms, brute force and random rivals."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from storyodds.priors.panels.coherence import Statement, atoms, is_coherent
from storyodds.priors.panels.repair import repair
from storyodds.priors.text.errors import InputError

LN2 = np.log(2.0)
WAYS = atoms(2)
A, B = WAYS.T
SURE = np.ones(4, dtype=bool)

relaxed = settings(max_examples=15, deadline=None, derandomize=True)


def says(event: Any, probability: float, given: Any = SURE, weight: float = 1.0) -> Statement:
    return Statement("P(…)", event, given, probability, weight)


def cost(said: list[Statement], x: Any) -> float:
    """Weighted squared bits between what is said and what is true of a distribution."""
    total = 0.0
    for s in said:
        p = x @ (s.event & s.given) / (x @ s.given)
        if not 0 < p < 1:
            return np.inf
        total += s.weight * ((logit(p) - logit(s.probability)) / LN2) ** 2
    return float(total)


@relaxed
@given(st.integers(1, 99), st.integers(1, 99), st.integers(1, 9), st.integers(1, 9))
def test_two_values_of_one_probability(first: int, second: int, u: int, v: int) -> None:
    """Their log-odds average by weight."""
    said = [says(A, first / 100, weight=float(u)), says(A, second / 100, weight=float(v))]
    found = repair(said)
    expected = float(expit(np.average(logit([first / 100, second / 100]), weights=[u, v])))
    assert found.probabilities == pytest.approx((expected, expected), rel=1e-5)
    bits = (logit(second / 100) - logit(first / 100)) / LN2
    assert found.change == pytest.approx(u * v / (u + v) * bits**2, rel=1e-6, abs=1e-12)


def test_what_is_coherent_stays() -> None:
    said = [says(A, 0.3), says(B, 0.5, A), says(A & B, 0.15)]
    found = repair(said)
    assert found.probabilities == pytest.approx((0.3, 0.5, 0.15), rel=1e-12)
    assert found.change == 0.0


def test_what_has_no_part_in_it_stays() -> None:
    ways = atoms(3)
    a, b, c = ways.T
    sure = np.ones(8, dtype=bool)
    said = [
        Statement("P(a)", a, sure, 0.2),
        Statement("P(a and b)", a & b, sure, 0.4),
        Statement("P(c)", c, sure, 0.123456),
    ]
    assert repair(said).probabilities[2] == 0.123456


def test_at_the_edge_of_what_is_possible() -> None:
    """P(a) and P(b) of 0.7 leave at least 0.4 for both: the optimum has an atom of 0."""
    found = repair([says(A, 0.7), says(B, 0.7), says(A & B, 0.2)])

    def along(p: float) -> float:  # by symmetry P(a) = P(b) = p, P(a and b) = 2 p - 1
        moved = 2 * (logit(p) - logit(0.7)) ** 2 + (logit(2 * p - 1) - logit(0.2)) ** 2
        return float(moved / LN2**2)

    best = minimize_scalar(along, bounds=(0.5001, 0.9), method="bounded", options={"xatol": 1e-10})
    expected = (best.x, best.x, 2 * best.x - 1)
    assert found.probabilities == pytest.approx(expected, abs=1e-5)
    assert found.change == pytest.approx(best.fun, rel=1e-8)


@pytest.mark.parametrize(
    "said",
    [
        [says(A, 0.3), says(B, 0.5, A), says(B, 0.2, ~A), says(B, 0.4)],
        [says(A, 0.9), says(B, 0.9, A), says(B, 0.2)],
        [says(A, 0.2), says(B, 0.6), says(A, 0.1, B), says(A, 0.3, ~B)],
        [says(A | B, 0.3), says(A, 0.5), says(A & B, 0.4), says(B, 0.8, A)],
    ],
)
def test_against_a_grid(said: list[Statement]) -> None:
    """No distribution on a grid of hundredths is nearer, and some is nearly as near."""
    found = repair(said)
    steps = np.arange(0.0, 1.0001, 0.02)
    grid = (
        np.array([pa * pb, pa * (1 - pb), (1 - pa) * pc, (1 - pa) * (1 - pc)])[::-1]
        for pa, pb, pc in itertools.product(steps, repeat=3)
    )
    best = min(cost(said, x) for x in grid)
    assert found.change <= best + 1e-9
    assert best - found.change < 0.05
    pairs = zip(said, found.probabilities, strict=True)
    assert is_coherent([says(s.event, p, s.given) for s, p in pairs], 1e-6)


@relaxed
@given(st.integers(0, 2**32 - 1))
def test_no_random_rival_is_nearer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ways = atoms(3)
    said = []
    while len(said) < 5:
        event, given = rng.random((2, len(ways))) < 0.5
        given = given | (rng.random() < 0.5)
        if (event & given).any() and (~event & given).any():
            said.append(
                Statement("P(…)", event, given, rng.uniform(0.05, 0.95), rng.uniform(0.5, 4))
            )
    found = repair(said)
    after = [
        Statement("P(…)", s.event, s.given, p)
        for s, p in zip(said, found.probabilities, strict=True)
    ]
    assert is_coherent(after, 1e-6)
    moved = [
        s.weight * ((logit(p) - logit(s.probability)) / LN2) ** 2
        for s, p in zip(said, found.probabilities, strict=True)
    ]
    assert found.change == pytest.approx(sum(moved), rel=1e-6, abs=1e-9)
    rivals = rng.dirichlet(np.full(len(ways), 0.5), size=3000)
    assert found.change <= min(cost(said, x) for x in rivals) + 1e-9


def test_certainties_stay() -> None:
    found = repair([says(B, 1.0, A), says(A, 0.6), says(B, 0.3)])
    assert found.probabilities[0] == 1.0
    assert found.probabilities[1] <= found.probabilities[2] + 1e-9
    middle = float(expit((logit(0.6) + logit(0.3)) / 2))
    assert found.probabilities[1:] == pytest.approx((middle, middle), abs=1e-5)


@pytest.mark.parametrize(
    "said",
    [
        [says(A, 0.0), says(B, 0.5, A)],
        [says(A, 0.0), says(A & B, 0.2)],
        [says(A, 1.0), says(A, 0.0)],
    ],
)
def test_certainties_that_leave_no_room(said: list[Statement]) -> None:
    with pytest.raises(InputError, match="the probabilities of 0 and 1 leave no room"):
        repair(said)
