"""Variance-based indices against functions and stories whose indices are known."""

from typing import Any

import numpy as np
import pytest
from support.building import OFF, believe, item, tell

from storyodds.models.assessment.assessment import assess
from storyodds.models.sensitivity.spread import OTHERS, global_sensitivity, marginals
from storyodds.models.sensitivity.variance_indices import (
    LEVEL,
    _paths,
    _shapley,
    screen,
    variance_indices,
)
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route
from storyodds.scenarios.story import Story

WIDER = 2.5  # half widths of a 90 percent interval: 4 standard errors


def rival(harm: Any, requires: str | None = "a", **parts: Any) -> Route:
    return Route(
        id="scheme",
        class_="deceptive",
        requires=requires,
        bits=parts.pop("bits", 60),
        harm=harm,
        kind="schemer",
        **parts,
    )


def product(a: Any, harm: Any, **parts: Any) -> Story:
    """P(catastrophe) is P(a) times harm."""
    return tell({"a": believe(a)}, (rival(harm), OFF), **parts)


def beta(a: float, b: float) -> tuple[dict[str, Any], float, float]:
    """A PRIOR with its mean and variance."""
    return {"beta": [a, b]}, a / (a + b), a * b / ((a + b) ** 2 * (a + b + 1))


def ishigami(u: np.ndarray) -> np.ndarray:
    x = np.pi * (2 * u - 1)
    y = np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    return np.stack([y, x @ [1.0, 2.0, 0.0], np.full(len(x), 3.0)], axis=1)


def close(share: Any, expected: Any) -> None:
    assert (np.abs(share.value - expected) <= WIDER * share.error + 1e-9).all()
    assert (share.error < 0.15).all()


def test_functions_whose_indices_are_known() -> None:
    v1, v2, v13 = 0.5 * (1 + 0.1 * np.pi**4 / 5) ** 2, 49 / 8, 8 * 0.01 * np.pi**8 / 225
    whole = v1 + v2 + v13
    indices = variance_indices(lambda u, _: ishigami(u), 3)
    first, total = np.array([v1, v2, 0]) / whole, np.array([v1 + v13, v2, v13]) / whole
    for name, expected, linear in (
        ("first", first, [0.2, 0.8, 0]),
        ("total", total, [0.2, 0.8, 0]),
        ("shapley", (first + total) / 2, [0.2, 0.8, 0]),
    ):
        share = getattr(indices, name)
        close(type(share)(share.value[:2], share.error[:2]), np.array([expected, linear]))
        assert np.isnan(share.value[2]).all()  # a constant has no variance to divide
    assert not indices.first.distinguishable[0, 2]
    assert indices.total.distinguishable[0, 2]
    assert indices.additive[0] == pytest.approx(first.sum(), abs=WIDER * indices.additive_error[0])
    assert indices.additive[0] + indices.additive_error[0] < 1
    np.testing.assert_allclose(indices.shapley.value[:2].sum(axis=1), 1)
    np.testing.assert_allclose(indices.sd, [whole**0.5, np.pi * (5 / 3) ** 0.5, 0], rtol=0.02)


def test_the_same_seed_gives_the_same_indices_and_0_is_one() -> None:
    def once(seed: int) -> np.ndarray:
        indices = variance_indices(lambda u, _: u[:, :1] * u[:, 1:], 2, base_rows=64, seed=seed)
        return np.concatenate([indices.first.error, indices.shapley.value, indices.total.value])

    np.testing.assert_array_equal(once(0), once(0))
    assert (once(0) != once(1)).any()


def test_screening_finds_total_effects() -> None:
    weights = np.array([[3.0], [0.0], [1.0]])
    reach = screen(lambda u, _: u @ weights, 3, rows=4096)
    np.testing.assert_allclose(reach, [[9 / 12, 0, 1 / 12]], rtol=0.1)
    assert reach[0, 1] == 0


def test_numbers_drawn_alone_are_their_own_draws_and_those_drawn_together_stay_together() -> None:
    rng = np.random.default_rng(1)
    rows = rng.random((64, 4))
    rows[:, 2] = (rows[:, 0] + rows[:, 2]) / 2
    rows[:, 3] = rows[:, 2] + 1
    weights = np.repeat([0.0, 1 / 32], 32)
    found = marginals(rows, weights, [(0,), (2, 3)])(rng.random((500, 2)))
    np.testing.assert_array_equal(found[:, 1], rows[0, 1])
    np.testing.assert_array_equal(found[:, 3], found[:, 2] + 1)
    for column in (0, 2):
        assert set(found[:, column]) == set(rows[32:, column])  # those that have a weight
    assert abs(np.corrcoef(found[:, 0], found[:, 2])[0, 1]) < 0.15
    assert abs(np.corrcoef(rows[32:, 0], rows[32:, 2])[0, 1]) > 0.15  # which they were not


def test_a_product_of_two_probabilities() -> None:
    (a, mean_a, var_a), (h, mean_h, var_h) = beta(2, 3), beta(3, 5)
    found = global_sensitivity(assess(resolve(product(a, h))), ["catastrophe", "deceptive"])
    order = [found.names.index(name) for name in ("a.probability", "scheme.harm")]
    both = var_a * var_h
    alone = np.array([mean_h**2 * var_a, mean_a**2 * var_h])
    whole = alone.sum() + both
    indices = found.indices
    assert indices is not None
    for share, expected in (
        (indices.first, alone / whole),
        (indices.total, (alone + both) / whole),
        (indices.shapley, (alone + both / 2) / whole),
    ):
        close(type(share)(share.value[:1, order], share.error[:1, order]), expected)
        close(type(share)(share.value[1:, order], share.error[1:, order]), [[1, 0]])
    np.testing.assert_allclose(indices.sd, [whole**0.5, var_a**0.5], rtol=0.03)
    np.testing.assert_allclose(found.posterior_sd, [whole**0.5, var_a**0.5], rtol=0.03)
    assert found.idle == ()


def test_numbers_that_matter_little_are_one_input() -> None:
    names = ["b", "c", "d"]
    assumptions = {"a": believe(beta(2, 3)[0])} | {
        name: believe({"beta": [400, 600]}) for name in names
    }
    routes = [rival(0.5)] + [
        Route(id=f"via-{name}", class_="other", requires=name, bits=1, harm=0.1) for name in names
    ]
    story = tell({**assumptions, "idle": believe(beta(2, 2)[0])}, (*routes, OFF))
    assessment = assess(resolve(story))
    indices = global_sensitivity(assessment, ["deceptive", "other"], kept=1)
    assert indices.names == ("a.probability", OTHERS)
    assert (indices.n_others, indices.idle) == (3, ("idle.probability",))
    whole = global_sensitivity(assessment, ["deceptive", "other"])
    assert len(whole.names) == 4 and indices.indices is not None and whole.indices is not None
    together = indices.indices.shapley.value[1, 1]
    apart = 1 - whole.indices.shapley.value[1, whole.names.index("a.probability")]
    assert together == pytest.approx(apart, abs=0.05)
    # A group of a single number is that number.
    assert len(global_sensitivity(assessment, ["other"], kept=3).names) == 4


def test_rates_of_evidence_have_no_share_and_evidence_moves_the_marginals() -> None:
    rates = {"true": {"beta": [8, 2]}, "false": {"beta": [2, 8]}}
    seen = item("seen", {"assumption": "a"}, counts={"hits": 6, "trials": 9}, rates=rates)
    assessment = assess(resolve(product({"beta": [2, 6]}, 0.5, evidence=[seen])))
    indices = global_sensitivity(assessment, ["catastrophe"])
    assert indices.names == ("a.probability",)
    assert indices.indices is not None
    # One number, so that nothing is lost by taking it for independent.
    assert indices.indices.sd[0] == pytest.approx(indices.posterior_sd[0], rel=0.03)
    np.testing.assert_allclose(indices.indices.first.value, 1, atol=0.05)


def test_what_cannot_be_asked() -> None:
    resolved = resolve(product({"beta": [2, 3]}, 0.5))
    with pytest.raises(ValueError, match="found 'doom', expected one of intended"):
        global_sensitivity(assess(resolved, draws=64), ["doom"])
    with pytest.raises(UnsupportedStoryError, match="simulation"):
        global_sensitivity(assess(resolved, draws=64, method="simulation"))


def test_a_story_without_uncertainty_has_no_indices() -> None:
    indices = global_sensitivity(assess(resolve(product(0.5, 0.5))))
    assert (indices.names, indices.indices) == ((), None)
    np.testing.assert_array_equal(indices.posterior_sd, 0)


def test_what_comes_before_a_last_step_is_worked_out_once_and_nothing_changes() -> None:
    late = np.array([False, True, False, True])
    asked = []

    def in_one(u: np.ndarray, _: Any) -> np.ndarray:
        return np.exp(u[:, :1]) * u[:, 1:2] + u[:, 2:3] * u[:, 3:]

    def in_two(u: np.ndarray, like: np.ndarray) -> np.ndarray:
        first, place = np.unique(like, return_inverse=True)
        asked.append(len(first) / len(u))
        early = u[first][place][:, ~late]
        np.testing.assert_array_equal(early, u[:, ~late])
        return np.exp(early[:, :1]) * u[:, 1:2] + early[:, 1:] * u[:, 3:]

    np.testing.assert_array_equal(screen(in_two, 4, late=late), screen(in_one, 4))
    one = variance_indices(in_one, 4, base_rows=64, trajectories=64)
    two = variance_indices(in_two, 4, base_rows=64, trajectories=64, late=late)
    for kind in ("first", "total", "shapley"):
        np.testing.assert_array_equal(getattr(one, kind).value, getattr(two, kind).value)
    # Two of four inputs are late: of 5 rows a screen asks 3; a design 4 of 6, a path 3 of 5.
    assert asked == pytest.approx([3 / 5, (4 + 3) / (6 + 5)])


def test_shapley_effects_are_those_of_salib() -> None:
    from SALib.analyze import shapley

    points, changed = _paths(3, 200, np.random.default_rng(3))
    steps = points.reshape(200, 4, 3)
    moved = steps[:, 1:] != steps[:, :-1]
    np.testing.assert_array_equal(moved.sum(axis=2), 1)
    np.testing.assert_array_equal(moved.argmax(axis=2), changed)
    outputs = points[:, 0] * points[:, 1] + points[:, 2] ** 2
    problem = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[0, 1]] * 3}
    expected = shapley.analyze(problem, points, outputs, conf_level=LEVEL)
    share, error = _shapley(changed, outputs)
    np.testing.assert_allclose(share, expected["shapley_normalized"])
    np.testing.assert_allclose(error, expected["shapley_normalized_conf"])
    assert np.isnan(_shapley(changed, np.zeros(800))).all()  # nothing to divide
