"""Coherence against closed forms and brute force."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from storyodds.priors.panels import coherence
from storyodds.priors.panels.coherence import (
    MAX_EVENTS,
    Statement,
    atoms,
    bounds,
    conflicts,
    is_coherent,
    linked,
)
from storyodds.priors.text.errors import InputError

Array = NDArray[np.float64]

relaxed = settings(max_examples=60, deadline=None, derandomize=True)

WAYS = atoms(3)
A, B, C = WAYS.T
SURE = np.ones(len(WAYS), dtype=bool)


def says(event: Any, probability: float, given: Any = SURE) -> Statement:
    return Statement("P(…)", event, given, probability)


def total_probability(a: float, b_if: float, b_else: float, b: float) -> list[Statement]:
    return [says(A, a), says(B, b_if, A), says(B, b_else, ~A), says(B, b)]


# --- closed forms -------------------------------------------------------------------------------


def test_the_law_of_total_probability() -> None:
    right = 0.3 * 0.5 + 0.7 * 0.2
    assert is_coherent(total_probability(0.3, 0.5, 0.2, right), 0.0)
    wrong = total_probability(0.3, 0.5, 0.2, 0.4)
    assert not is_coherent(wrong)
    assert bounds(wrong, 3, 0.0) == pytest.approx((right, right), abs=1e-7)
    # Each of the others, worked out from P(b) = a b_if + (1 - a) b_else.
    assert bounds(wrong, 0, 0.0) == pytest.approx(((0.4 - 0.2) / 0.3,) * 2, abs=1e-7)
    assert bounds(wrong, 1, 0.0) == pytest.approx(((0.4 - 0.7 * 0.2) / 0.3,) * 2, abs=1e-7)
    assert bounds(wrong, 2, 0.0) == pytest.approx(((0.4 - 0.3 * 0.5) / 0.7,) * 2, abs=1e-7)


@relaxed
@given(st.integers(1, 99), st.integers(1, 99))
def test_frechet_bounds(first: int, second: int) -> None:
    a, b = first / 100, second / 100
    both = [says(A, a), says(B, b), says(A & B, 0.5)]
    assert bounds(both, 2, 0.0) == pytest.approx((max(0.0, a + b - 1), min(a, b)), abs=1e-7)
    either = [says(A, a), says(B, b), says(A | B, 0.5)]
    assert bounds(either, 2, 0.0) == pytest.approx((max(a, b), min(1.0, a + b)), abs=1e-7)
    conditional = [says(A, a), says(B, b), says(B, 0.5, A)]
    low, high = max(0.0, a + b - 1) / a, min(a, b) / a
    assert bounds(conditional, 2, 0.0) == pytest.approx((low, high), abs=1e-6)


def test_bayes() -> None:
    """P(a | b) follows from the prior and both likelihoods."""
    said = [says(A, 0.01), says(B, 0.9, A), says(B, 0.05, ~A), says(A, 0.9, B)]
    posterior = 0.01 * 0.9 / (0.01 * 0.9 + 0.99 * 0.05)
    assert not is_coherent(said)
    assert bounds(said, 3, 0.0) == pytest.approx((posterior, posterior), abs=1e-6)


def test_monty_hall_like_cycle() -> None:
    """Three implications in a ring hold together only if all three have one probability."""
    ring = [says(B, 1.0, A), says(C, 1.0, B), says(A, 1.0, C)]
    assert is_coherent([*ring, says(A, 0.3), says(B, 0.3)])
    assert not is_coherent([*ring, says(A, 0.3), says(B, 0.5)])


# --- conditions of probability zero ---------------------------------------------------------------


def test_what_cannot_happen_is_no_condition() -> None:
    said = [says(A, 0.0), says(B, 0.5, A)]
    assert not is_coherent(said)
    assert bounds(said, 1) is None
    assert bounds(said, 0) == pytest.approx((0.0, 1.0))
    (conflict,) = conflicts(said)
    assert conflict.members == (0, 1)
    assert conflict.bounds[1] is None


def test_a_vanishing_condition_does_not_excuse_a_contradiction() -> None:
    said = [says(B, 0.2, A), says(B, 0.6, A)]
    assert not is_coherent(said)


@pytest.mark.parametrize("small", [1e-4, 1e-8, 1e-12])
def test_small_probabilities(small: float) -> None:
    right = [says(A, small), says(B, 0.2, A), says(A & B, 0.2 * small)]
    assert is_coherent(right)
    wrong = [says(A, small), says(B, 0.2, A), says(A & B, 0.3 * small)]
    assert not is_coherent(wrong)


# --- tolerance ------------------------------------------------------------------------------------


def test_rounded_probabilities_count_as_said() -> None:
    said = total_probability(0.3, 0.5, 0.2, 0.29)
    rounded = total_probability(0.33, 0.33, 0.67, 0.56)  # 0.5578 exactly
    assert is_coherent(said, 0.0)
    assert not is_coherent(rounded, 0.0)
    assert is_coherent(rounded)


def test_certainties_are_taken_at_their_word() -> None:
    said = [says(A, 0.0), says(A | B, 0.2), says(B, 0.0)]
    assert not is_coherent(said, 0.5)


# --- brute force ----------------------------------------------------------------------------------


@st.composite
def statements_of_a_distribution(draw: st.DrawFn) -> tuple[list[Statement], Array]:
    """Draw a distribution and what is true of it."""
    n = draw(st.integers(1, 4))
    ways = atoms(n)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.dirichlet(np.full(len(ways), 0.7))
    said: list[Statement] = []
    for _ in range(draw(st.integers(1, 7))):
        event, given = rng.random((2, len(ways))) < 0.5
        given = given | (rng.random() < 0.4)
        if x @ given < 1e-3:
            continue
        p = float(x @ (event & given) / (x @ given))
        said.append(Statement("P(…)", event, given, min(max(p, 0.0), 1.0)))
    assume(said)
    return said, x


LEAST = 1e-5  # a linear program meets its constraints to 1e-7, of which sums have several


@relaxed
@given(statements_of_a_distribution(), st.integers(0, 6))
def test_what_is_true_of_a_distribution_is_coherent(
    drawn: tuple[list[Statement], Array], which: int
) -> None:
    said, _ = drawn
    assume(all(1e-6 < s.probability < 1 - 1e-6 or s.probability in (0.0, 1.0) for s in said))
    assert is_coherent(said, LEAST)
    assert not list(conflicts(said))
    k = which % len(said)
    limits = bounds(said, k, LEAST)
    assert limits is not None
    assert limits[0] - 1e-6 <= said[k].probability <= limits[1] + 1e-6


@relaxed
@given(statements_of_a_distribution(), st.integers(0, 6))
def test_bounds_are_where_coherence_ends(drawn: tuple[list[Statement], Array], which: int) -> None:
    said, _ = drawn
    k = which % len(said)
    others = [s for j, s in enumerate(said) if j != k]
    assume(all(1e-4 < s.probability < 1 - 1e-4 for s in said))
    limits = bounds([*others, said[k]], len(others), 1e-4)
    assert limits is not None
    low, high = limits
    beyond, within = (low - 0.01, high + 0.01), (low + 0.01, high - 0.01)
    for p, fits in [*((p, False) for p in beyond), *((p, True) for p in within)]:
        if 0.005 < p < 0.995 and (not fits or low + 0.01 <= high - 0.01):
            changed = Statement("P(…)", said[k].event, said[k].given, p)
            assert is_coherent([*others, changed], 1e-4) is fits


def test_against_a_grid_of_distributions() -> None:
    """Two events, three degrees of freedom: a statement is possible if some grid point has it."""
    steps = np.arange(0, 21)
    grid = np.array([g for g in itertools.product(steps, repeat=4) if sum(g) == 20]) / 20
    ways = atoms(2)
    a, b = ways.T
    always = np.ones(4, dtype=bool)
    near = (np.abs(grid @ a - 0.6) < 1e-9) & (np.abs(grid @ b - 0.7) < 1e-9)
    values = (grid @ (a & b))[near] / (grid @ b)[near]
    said = [
        Statement("P(a)", a, always, 0.6),
        Statement("P(b)", b, always, 0.7),
        Statement("P(a | b)", a, b, 0.5),
    ]
    assert bounds(said, 2, 0.0) == pytest.approx((values.min(), values.max()), abs=1e-7)


# --- conflicts ------------------------------------------------------------------------------------


def test_the_smallest_conflict_is_found() -> None:
    """Four statements clash among themselves, but two of them with a fifth already do."""
    said = [*total_probability(0.3, 0.5, 0.2, 0.4), says(A & B, 0.35)]
    items = list(conflicts(said))
    assert items[0].members == (0, 4)
    assert items[0].smallest
    assert all(len(conflict.members) <= 4 for conflict in items)


def test_conflicts_share_no_statement() -> None:
    said = [says(A, 0.9), says(A & B, 0.95), says(C, 0.2), says(C | B, 0.1)]
    items = list(conflicts(said))
    members = [k for conflict in items for k in conflict.members]
    assert sorted(conflict.members for conflict in items) == [(0, 1), (2, 3)]
    rest = [s for k, s in enumerate(said) if k not in members]
    assert is_coherent(rest)


@relaxed
@given(st.integers(0, 2**32 - 1))
def test_no_part_of_a_conflict_is_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    said = []
    for _ in range(6):
        event, given = rng.random((2, 8)) < 0.5
        if not given.any():
            continue
        said.append(Statement("P(…)", event & given, given | (rng.random() < 0.5), rng.random()))
    for conflict in conflicts(said):
        part = [said[k] for k in conflict.members]
        assert not is_coherent(part)
        for left_out in range(len(part)):
            assert is_coherent(part[:left_out] + part[left_out + 1 :])


def test_a_search_that_is_cut_short_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coherence, "_MOST_PROGRAMS", 1)
    (conflict,) = conflicts(total_probability(0.3, 0.5, 0.2, 0.4))
    assert conflict.members == (0, 1, 2, 3)
    assert not conflict.smallest


def test_statements_are_linked_by_what_they_speak_of() -> None:
    assert linked([says(A, 0.1), says(B, 0.2), says(C, 0.1, B), says(A | ~A, 1.0)]) == [
        [0],
        [1, 2],
        [3],
    ]


def test_too_many_events() -> None:
    with pytest.raises(InputError, match="found 13 events that one person speaks of"):
        atoms(MAX_EVENTS + 1)


def test_nothing_said_is_coherent() -> None:
    assert is_coherent([])
