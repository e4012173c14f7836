"""Minimal cut sets against brute force over every partial assignment."""

import itertools
import math
from collections import Counter
from graphlib import CycleError
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.building import OFF, believe, tell
from support.oracle import minimal_literal_sets
from support.oracle_process import true_in
from support.strategies import formulas

from storyodds.models.engine.paths import MAX_WAYS, failure_paths
from storyodds.models.logic.cut_sets import (
    CutSet,
    CutSetFamily,
    containing,
    cut_set_family,
    without,
)
from storyodds.models.story import graph as graph_module
from storyodds.models.story.building import build_graph
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.scenarios.grammar.formulas import AllOf, AnyOf, AtLeast, Formula
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Assumption, Route

NAMES = ("a", "b", "c", "d", "e", "f", "g")


def minimal_cut_sets(
    formula: Formula | None, composites: dict[str, Formula], owner: str
) -> tuple[CutSet, ...]:
    family = cut_set_family(formula, composites, owner)
    return tuple(sorted(family, key=lambda cut_set: (len(cut_set), sorted(cut_set))))


relaxed = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def models_of(formula: Formula, composites: dict[str, Formula]) -> int:
    """The assignments to NAMES under which a formula holds, as bits."""

    def value(name: str, truth: dict[str, bool]) -> bool:
        return holds(composites[name], truth) if name in composites else truth[name]

    def holds(formula: Formula, truth: dict[str, bool]) -> bool:
        return true_in(formula, lambda name: value(name, truth))

    assignments = itertools.product((False, True), repeat=len(NAMES))
    return sum(
        1 << k
        for k, values in enumerate(assignments)
        if holds(formula, dict(zip(NAMES, values, strict=True)))
    )


def prime_implicants(formula: Formula, composites: dict[str, Formula]) -> set[CutSet]:
    """Those of all 3**n partial assignments that imply the formula and have no smaller one."""
    fails = ~models_of(formula, composites)
    where = {name: models_of(name, {}) for name in NAMES}
    everywhere = (1 << 2 ** len(NAMES)) - 1
    implicants = set()
    for values in itertools.product((None, True, False), repeat=len(NAMES)):
        fixed = [(n, v) for n, v in zip(NAMES, values, strict=True) if v is not None]
        models = everywhere
        for name, value in fixed:
            models &= where[name] if value else ~where[name]
        if not models & fails:
            implicants.add(frozenset(fixed))
    return {
        found
        for found in implicants
        if not any(found - {literal} in implicants for literal in found)
    }


@relaxed
@given(formulas(NAMES, depth=3))
def test_random_formulas(formula: Formula) -> None:
    sets = minimal_cut_sets(formula, {}, "x")
    assert len(sets) == len(set(sets))
    assert set(sets) == prime_implicants(formula, {})


@relaxed
@given(formulas(("c1", "c2", *NAMES)), formulas(("c2", *NAMES[:3])), formulas(NAMES))
def test_composites_are_expanded(outer: Formula, first: Formula, second: Formula) -> None:
    composites = {"c1": first, "c2": second}
    assert set(minimal_cut_sets(outer, composites, "x")) == prime_implicants(outer, composites)


@relaxed
@given(formulas(("c1", "c2", "c3", *NAMES)), *(formulas(("c3", *NAMES)) for _ in range(3)))
def test_a_family_tells_what_its_list_tells(
    outer: Formula, first: Formula, second: Formula, third: Formula
) -> None:
    composites = {"c1": first, "c2": second, "c3": AnyOf(any=("a", ("not b", "g")))}
    family = cut_set_family((AnyOf(any=(outer, third)), "not c2"), composites, "x")
    listed = list(family)
    assert len(listed) == len(set(listed)) == family.count
    assert [len(cut_set) for cut_set in listed] == sorted(map(len, listed))
    assert family.counts_by_size == Counter(map(len, listed))
    assert family.literals == frozenset().union(*listed)
    assert family.is_coherent == (
        not any((n, not v) in family.literals for n, v in family.literals)
    )
    assert all(cut_set in family for cut_set in listed)
    for cut_set in listed:
        assert all(cut_set - {literal} not in family for literal in cut_set)
    for literal in itertools.product(NAMES, (True, False)):
        having, lacking = containing(family, literal), without(family, literal)
        assert set(having) == {cut_set for cut_set in listed if literal in cut_set}
        assert set(lacking) == {cut_set for cut_set in listed if literal not in cut_set}
        assert having.count + lacking.count == family.count


@relaxed
@given(st.data())
def test_the_oracle_lists_the_same(data: st.DataObject) -> None:
    requires = data.draw(formulas(("both", *NAMES[:3])))
    composite = data.draw(formulas(NAMES[:3]))
    story = tell(
        {**{n: believe(0.5) for n in NAMES[:3]}, "both": Assumption(holds_when=composite)},
        (Route(id="scheme", class_="deceptive", requires=requires, bits=0, harm=1), OFF),
    )
    routes = {route.id: route for route in build_graph(resolve(story)).routes}
    assert set(routes["scheme"].ways or ()) == minimal_literal_sets(story, requires)


def literals(*texts: str) -> CutSet:
    return frozenset((text.removeprefix("not "), not text.startswith("not ")) for text in texts)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (None, [()]),
        ("a", [("a",)]),
        ("not a", [("not a",)]),
        (("a", "not a"), []),
        (AnyOf(any=("a", "not a")), [()]),
        (AnyOf(any=("a", ("a", "b"))), [("a",)]),
        (AtLeast(at_least=2, of=("a", "b", "c")), [("a", "b"), ("a", "c"), ("b", "c")]),
        (AtLeast(at_least=2, of=("a", "a", "b")), [("a",)]),
        (AnyOf(any=(("a", "b"), ("not a", "c"))), [("a", "b"), ("b", "c"), ("not a", "c")]),
        (AllOf(all=(AnyOf(any=("a", "b")), "not a")), [("b", "not a")]),
    ],
)
def test_by_hand(formula: Any, expected: list[tuple[str, ...]]) -> None:
    sets = minimal_cut_sets(formula, {}, "x")
    assert set(sets) == {literals(*texts) for texts in expected}
    assert list(sets) == sorted(sets, key=lambda s: (len(s), sorted(s)))


def half_of(n: int) -> Formula:
    return AtLeast(at_least=n // 2, of=tuple(f"a{k}" for k in range(n)))


def test_many_are_still_listed() -> None:
    sets = minimal_cut_sets(half_of(12), {}, "x")
    assert len(sets) == math.comb(12, 6)
    assert {len(cut_set) for cut_set in sets} == {6}


def test_a_long_conjunction_has_one() -> None:
    """However long: only what can still become enough is kept on the way."""
    names = tuple(f"a{k}" for k in range(200))
    assert minimal_cut_sets(names, {}, "x") == (literals(*names),)
    assert len(minimal_cut_sets(AnyOf(any=names), {}, "x")) == 200
    assert len(minimal_cut_sets(AtLeast(at_least=199, of=names), {}, "x")) == 200


def test_more_than_can_be_listed_are_counted() -> None:
    family = cut_set_family(half_of(20), {}, "x")
    assert family.count == 184_756
    assert cut_set_family(half_of(200), {}, "x").count == math.comb(200, 100)
    assert containing(family, ("a3", True)).count == math.comb(19, 9)
    assert without(family, ("a3", True)).count == math.comb(19, 10)
    assert without(family, ("a3", False)).count == family.count
    assert containing(family, ("elsewhere", True)).count == 0


def test_what_is_no_set_of_the_family() -> None:
    family = cut_set_family(AnyOf(any=(("a", "b"), "c")), {}, "x")
    assert literals("a", "b") in family
    assert literals("a") not in family
    assert literals("a", "b", "c") not in family
    assert literals("a", "b", "elsewhere") not in family
    assert literals("a", "not b") not in family
    assert ("a", "b") not in family


DEEP = 2_000


@pytest.mark.parametrize(
    ("link", "count", "size"),
    [
        (lambda before, own: (before, own), 1, DEEP),
        (lambda before, own: AnyOf(any=(before, own)), DEEP, 1),
        (lambda before, own: (f"not {before}", own), DEEP // 2, 2),
        (lambda before, own: AnyOf(any=((before, "x"), (before, own))), 1 << (DEEP - 2), None),
    ],
)
def test_composites_nested_deeply(link: Any, count: int, size: int | None) -> None:
    composites = {f"c{k}": link(f"c{k - 1}", f"a{k}") for k in range(1, DEEP)}
    family = cut_set_family(f"c{DEEP - 1}", {**composites, "c0": "a0"}, "x")
    if size is None:  # each link is "before, and one of x and its own": x, or all the others
        assert family.counts_by_size == {2: 1, DEEP: 1}
    else:
        assert family.count == count
        assert len(next(iter(family))) == size


def test_a_formula_nested_deeply() -> None:
    formula: Formula = "a0"
    for k in range(1, DEEP):
        formula = (formula, f"a{k}")
    assert minimal_cut_sets(formula, {}, "x") == (literals(*(f"a{k}" for k in range(DEEP))),)


def test_composites_in_a_circle() -> None:
    with pytest.raises(CycleError):
        cut_set_family("b", {"b": ("c",), "c": "not b"}, "x")


def odd(n: int) -> tuple[Formula, dict[str, Formula]]:
    """An odd number of n assumptions hold: every assignment that does so is a cut set."""
    composites: dict[str, Formula] = {"c0": "a0"}
    for k in range(1, n):
        here, before = f"a{k}", f"c{k - 1}"
        composites[f"c{k}"] = AnyOf(any=((here, f"not {before}"), (f"not {here}", before)))
    return f"c{n - 1}", composites


def test_the_opposite_of_coherent() -> None:
    family = cut_set_family(*odd(50), "x")
    assert family.counts_by_size == {50: 2**49}
    assert not family.is_coherent
    assert family.literals == frozenset(
        itertools.product([f"a{k}" for k in range(50)], (True, False))
    )


def test_a_diagram_that_is_too_large() -> None:
    pairs = AnyOf(any=tuple((f"a{k}", f"b{k}") for k in range(30)))
    assert cut_set_family(pairs, {}, "x", max_nodes=1_000).count == 30
    with pytest.raises(UnsupportedStoryError, match=r"'big' .* 25 nodes over 60 .* \(a0, a1, a10"):
        cut_set_family(pairs, {}, "big", max_nodes=25)


def test_equal_families() -> None:
    family: CutSetFamily = cut_set_family(half_of(6), {}, "x")
    assert family == cut_set_family(half_of(6), {}, "x")
    assert family != without(family, ("a0", True))


def test_a_story_tells_the_most_probable_of_many() -> None:
    chances = {f"a{k}": 0.9 - 0.05 * k for k in range(10)}
    story = tell(
        {name: believe(p) for name, p in chances.items()},
        (Route(id="many-ways", class_="deceptive", requires=half_of(10), bits=0, harm=1), OFF),
    )
    graph = build_graph(resolve(story))
    route = next(route for route in graph.routes if route.id == "many-ways")
    assert route.ways is not None
    assert route.ways.count == 252
    paths = [p for p in failure_paths(graph, (), lambda: chances) if p.route == "many-ways"]
    assert {path.ways for path in paths} == {252}
    assert len({path.literals for path in paths}) == MAX_WAYS
    every = sorted(
        (math.prod(chances[name] for name, _ in way) for way in route.ways), reverse=True
    )
    told = (math.prod(chances[name] for name, _ in path.literals) for path in paths)
    assert sorted(told, reverse=True) == pytest.approx(every[:MAX_WAYS])


def test_a_gate_with_too_large_a_diagram_is_told_as_a_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(graph_module, "_MAX_NODES", 20)
    story = tell(
        {f"a{k}": believe(0.5) for k in range(10)},
        (Route(id="many-ways", class_="deceptive", requires=half_of(10), bits=0, harm=1), OFF),
    )
    graph = build_graph(resolve(story))
    paths = failure_paths(graph, (), lambda: dict.fromkeys(graph.order, 0.5))
    (path,) = [path for path in paths if path.route == "many-ways"]
    assert path.ways is None
    assert path.label == "many-ways: in any way"
