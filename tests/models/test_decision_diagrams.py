"""Probabilities by decision diagram, against enumeration, and cut sets against SCRAM."""

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.open_psa_writer import DIGITS, FOLDER, SCRAM, Tree, ask_scram, tree_of, trees
from support.oracle_process import true_in
from support.strategies import formulas

from storyodds.models.logic.cut_set_odds import (
    most_probable,
    union_function,
)
from storyodds.models.logic.cut_sets import (
    CutSet,
    CutSetFamily,
    containing,
    cut_set_family,
    without,
)
from storyodds.models.logic.diagrams import TruthNodes
from storyodds.models.logic.functions import (
    build,
    formula_function,
    function_probability,
)
from storyodds.models.logic.gates import (
    as_written,
    drawn_together,
    gate_graph,
    large_parts_first,
    small_parts_first,
)
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.scenarios.grammar.formulas import AnyOf, AtLeast, Formula

NAMES = ("a", "b", "c", "d", "e", "f")
COMPOSITES: dict[str, Formula] = {
    "c1": AnyOf(any=("c2", ("not a", "b"))),
    "c2": AtLeast(at_least=2, of=("a", "not d", "e")),
}
EXACT = {"rtol": 1e-12, "atol": 1e-15}

nested = formulas(("c1", "c2", *NAMES), depth=3)
numbers = st.one_of(st.floats(0.0, 1.0), st.sampled_from((0.0, 1.0, 0.5)))
chances = st.fixed_dictionaries(dict.fromkeys(NAMES, numbers))


def chance_of(cut_set: CutSet, probability: Mapping[str, float]) -> float:
    return math.prod(probability[n] if value else 1.0 - probability[n] for n, value in cut_set)


def by_enumeration(holds: Any, probability: Mapping[str, float]) -> float:
    """Add up the assignments to NAMES under which something holds."""
    return math.fsum(
        chance_of(frozenset(truth.items()), probability)
        for values in itertools.product((True, False), repeat=len(NAMES))
        if holds(truth := dict(zip(NAMES, values, strict=True)))
    )


def held_by(family: CutSetFamily) -> Any:
    listed = list(family)
    return lambda truth: any(all(truth[n] == v for n, v in cut_set) for cut_set in listed)


@given(nested, st.lists(chances, min_size=1, max_size=3))
def test_formula_probability(formula: Formula, draws: list[dict[str, float]]) -> None:
    def value(name: str, truth: dict[str, bool]) -> bool:
        if name in truth:
            return truth[name]
        return true_in(COMPOSITES[name], lambda inner: value(inner, truth))

    def holds(truth: dict[str, bool]) -> bool:
        return true_in(formula, lambda name: value(name, truth))

    together = {name: np.array([draw[name] for draw in draws]) for name in NAMES}
    probability = function_probability(formula_function(formula, COMPOSITES, "x"), together)
    assert probability.shape == (len(draws),)
    np.testing.assert_allclose(
        probability, [by_enumeration(holds, draw) for draw in draws], **EXACT
    )
    family = cut_set_family(formula, COMPOSITES, "x")
    np.testing.assert_allclose(
        function_probability(union_function(family), together), probability, **EXACT
    )


@given(nested, st.sampled_from(NAMES), st.booleans(), chances)
def test_union_of_a_part(
    formula: Formula, name: str, value: bool, probability: dict[str, float]
) -> None:
    for part in (containing, without):
        family = part(cut_set_family(formula, COMPOSITES, "x"), (name, value))
        found = function_probability(union_function(family), probability)
        assert found.shape == ()
        np.testing.assert_allclose(found, by_enumeration(held_by(family), probability), **EXACT)


# What -log2 adds up to without rounding, so that equals are equal.
ROUND = st.sampled_from((0.0, 0.125, 0.25, 0.5, 0.75, 1.0))


@given(nested, st.fixed_dictionaries(dict.fromkeys(NAMES, ROUND)), st.integers(0, 12))
def test_the_most_probable_sets(formula: Formula, probability: dict[str, float], k: int) -> None:
    family = cut_set_family(formula, COMPOSITES, "x")
    ranked = sorted(family, key=lambda s: (-chance_of(s, probability), len(s), sorted(s)))
    expected = tuple((cut_set, chance_of(cut_set, probability)) for cut_set in ranked[:k])
    assert most_probable(family, k, probability) == expected


@given(nested, chances)
def test_all_sets_by_probability(formula: Formula, probability: dict[str, float]) -> None:
    family = cut_set_family(formula, COMPOSITES, "x")
    sets = most_probable(family, family.count + 1, probability)
    assert {cut_set for cut_set, _ in sets} == set(family)
    expected = sorted((chance_of(cut_set, probability) for cut_set in family), reverse=True)
    np.testing.assert_allclose([p for _, p in sets], expected, rtol=1e-11, atol=0.0)


def test_the_most_probable_of_very_many() -> None:
    names = [f"a{k:03}" for k in range(200)]
    family = cut_set_family(AtLeast(at_least=100, of=tuple(names)), {}, "x")
    probability = {name: (k + 1) / 201 for k, name in enumerate(names)}
    (first, p), (second, q) = most_probable(family, 2, probability)
    assert first == {(name, True) for name in names[100:]}
    assert second == first - {("a100", True)} | {("a099", True)}
    assert p > q
    alike = most_probable(family, 3, dict.fromkeys(names, 0.5))
    assert [sorted(cut_set)[-1][0] for cut_set, _ in alike] == ["a099", "a100", "a101"]


def test_sets_that_cannot_come_about_are_last() -> None:
    family = cut_set_family(AnyOf(any=("z", ("a", "b"), ("c", "d"), "e")), {}, "x")
    probability = {"z": 0.0, "a": 0.0, "b": 0.0, "c": 0.0, "d": 1.0, "e": 1e-300}
    sets = most_probable(family, 9, probability)
    assert [sorted(name for name, _ in cut_set) for cut_set, _ in sets] == [
        ["e"],
        ["z"],
        ["a", "b"],
        ["c", "d"],
    ]
    assert [p for _, p in sets] == [1e-300, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("wrong", [-0.1, 1.1, math.nan])
def test_what_is_no_probability(wrong: float) -> None:
    family = cut_set_family(("a", "not b"), {}, "x")
    for ask in (
        lambda p: most_probable(family, 1, p),
        lambda p: function_probability(union_function(family), p),
    ):
        with pytest.raises(ValueError, match="from 0 to 1"):
            ask({"a": 0.5, "b": wrong})
        with pytest.raises(KeyError, match="b"):
            ask({"a": 0.5})


@pytest.mark.parametrize(
    ("formula", "expected"), [(None, 1.0), (("a", "not a"), 0.0), (AnyOf(any=("a", "not a")), 1.0)]
)
def test_what_is_certain(formula: Any, expected: float) -> None:
    draws: dict[str, npt.ArrayLike] = {"a": np.full(3, 0.5)}
    np.testing.assert_array_equal(
        function_probability(formula_function(formula, {}, "x"), draws), [expected] * 3
    )
    family = cut_set_family(formula, {}, "x")
    np.testing.assert_array_equal(
        function_probability(union_function(family), draws), [expected] * 3
    )
    assert most_probable(family, 2, {}) == ((frozenset(), 1.0),) * int(expected)


def test_a_union_that_is_too_large() -> None:
    pairs = AnyOf(any=("x", *((f"a{k}", f"b{k}") for k in range(30))))
    family = without(cut_set_family(pairs, {}, "many"), ("x", True))
    assert union_function(family).diagram.size == 60
    with pytest.raises(UnsupportedStoryError, match=r"'many' .* 50 nodes"):
        union_function(family, max_nodes=50)


def test_many_draws_at_once() -> None:
    """More numbers than are held at a time."""
    pairs = AnyOf(any=tuple((f"a{k}", f"b{k}") for k in range(50)))
    rng = np.random.default_rng(0)
    p = {f"{letter}{k}": rng.uniform(0, 0.2, 100_000) for letter in "ab" for k in range(50)}
    expected = 1 - math.prod(1 - p[f"a{k}"] * p[f"b{k}"] for k in range(50))
    np.testing.assert_allclose(
        function_probability(formula_function(pairs, {}, "x"), p), expected, rtol=1e-12
    )


@given(nested, chances)
def test_orders_change_nothing(formula: Formula, probability: dict[str, float]) -> None:
    graph = gate_graph(formula, COMPOSITES)
    expected = function_probability(formula_function(formula, COMPOSITES, "x"), probability)
    for make in (as_written, small_parts_first, large_parts_first, drawn_together):
        order, truth = make(graph), TruthNodes()
        assert sorted(order) == sorted(set(order)) == sorted(as_written(graph))
        diagram = truth.diagram(build(graph, order, truth))
        held = {0: 0.0, 1: 1.0}
        for node, (level, low, high) in enumerate(diagram.upwards(), start=2):
            p = probability[order[level]]
            held[node] = p * held[high] + (1 - p) * held[low]
        np.testing.assert_allclose(held[diagram.root], float(expected), **EXACT)


# --- SCRAM -------------------------------------------------------------------------------------


def compare(tree: Tree, answers: Mapping[str, Any], sign: int) -> None:
    """Hold cut sets, probability and importance measures to SCRAM's.

    A sign of -1 says that SCRAM takes the importance measures from MIF with the wrong sign.
    """
    family = cut_set_family(tree.formula, tree.composites, "x")
    assert {str(size): n for size, n in family.counts_by_size.items()} == answers["counts_by_size"]
    if answers["prime_implicants"] is not None:
        texts = [sorted(n if v else f"not {n}" for n, v in cut_set) for cut_set in family]
        assert sorted(texts, key=lambda s: (len(s), s)) == answers["prime_implicants"]
    total = float(function_probability(union_function(family), tree.probability))
    assert total == pytest.approx(answers["top_probability"], rel=DIGITS)
    function = formula_function(tree.formula, tree.composites, "x")
    for name, measures in answers["importance"].items():
        p = tree.probability[name]
        ends = {**tree.probability, name: np.array([0.0, 1.0])}
        false, true = function_probability(function, ends)
        if sign == -1:
            false, true = total - p * (false - true), total + (1 - p) * (false - true)
        expected = {
            "MIF": true - false,
            "CIF": p * (true - false) / total,
            "DIF": p * true / total,
            "RAW": true / total,
            "RRW": total / false,
        }
        assert measures == pytest.approx(expected, rel=DIGITS, abs=1e-12), name


@pytest.mark.parametrize("name", trees())
def test_stored_answers(name: str) -> None:
    stored = trees()[name]
    compare(tree_of(stored), stored, stored.get("importance_sign", 1))


@pytest.mark.skipif(SCRAM is None, reason="scram is not installed")
@pytest.mark.parametrize("name", trees())
def test_answers_of_today(name: str) -> None:
    stored = trees()[name]
    answers = ask_scram(tree_of(stored))
    assert answers == {key: stored[key] for key in answers}
    compare(tree_of(stored), answers, stored.get("importance_sign", 1))


def test_stored_trees() -> None:
    """Unate and other ones, each with where its answers are from."""
    assert len(trees()) == len(list(FOLDER.iterdir())) == 12
    leaning = 0
    for stored in trees().values():
        assert stored["origin"] == "SCRAM 0.16.2"
        tree = tree_of(stored)
        family = cut_set_family(tree.formula, tree.composites, "x")
        assert stored["about"].startswith("Coherent" if family.is_coherent else "Non-coherent")
        leaning += family.is_coherent
    assert leaning == 8
