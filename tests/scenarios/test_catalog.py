"""The catalog: sound in itself, and taken by stories as they ask for it."""

from typing import Any

import pytest

from storyodds import InputError, load_text, to_yaml
from storyodds.priors.distributions.forms import Prior
from storyodds.scenarios.grammar.formulas import literals
from storyodds.scenarios.grammar.outcomes import INTENDED
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route
from storyodds.scenarios.shared import catalog
from storyodds.scenarios.story import Story

HEAD = """\
story: by-hand
title: A story that takes from the catalog
goal: {specification: x, desirability: y}
"""
REST = "  - {id: something-else, class: other, bits: 0, harm: 0.1}\n"


def story(routes: str, assumptions: str = "") -> Story:
    named = f"assumptions:\n{assumptions}" if assumptions else ""
    return load_text(f"{HEAD}{named}routes:\n{routes}{REST}")


def mistake(routes: str, assumptions: str = "") -> str:
    with pytest.raises(InputError) as caught:
        story(routes, assumptions)
    return str(caught.value)


def formulas(entry: catalog.CatalogAssumption) -> list[Any]:
    rows = [row.when for row in entry.given or () if row.when is not None]
    return rows + ([] if entry.holds_when is None else [entry.holds_when])


# What ships


@pytest.mark.parametrize("name", catalog.assumptions())
def test_every_assumption_is_decided_once_by_what_the_catalog_has(name: str) -> None:
    entry = catalog.assumptions()[name]
    assert sum(getattr(entry, key) is not None for key in catalog.DECIDERS) == 1
    for formula in formulas(entry):
        assert {inner for inner, _ in literals(formula)} <= set(catalog.assumptions())
    if entry.given is not None:
        assert [row.otherwise is None for row in entry.given] == [True] * (len(entry.given) - 1) + [
            False
        ]


@pytest.mark.parametrize("name", catalog.routes())
def test_every_route_is_of_a_known_kind_and_can_be_used(name: str) -> None:
    entry = catalog.routes()[name]
    kind = catalog.kinds()[entry.kind]
    assert entry.class_ == kind.class_ != INTENDED
    found = story(f"  - use: {name}\n")
    resolved = resolve(found)
    assert found.routes[0] == Route(use=name)  # type: ignore[call-arg]
    assert {n.origin for n in resolved.numbers if n.name.startswith(f"{name}.")} == {
        f"catalog route {name}"
    }
    assert load_text(to_yaml(found)) == found


def test_every_number_of_the_catalog_has_a_basis_and_a_source() -> None:
    forms: list[Prior] = []
    for assumption in catalog.assumptions().values():
        rows = assumption.given or ()
        numbers = [assumption.probability, *(row.probability or row.otherwise for row in rows)]
        forms += [form for form in numbers if form is not None]
    for route in catalog.routes().values():
        forms += [route.bits, route.harm]
    assert len(forms) > 80
    assert all(form.basis is not None and form.source is not None for form in forms)


def test_routes_that_stand_for_one_mechanism_say_so_of_each_other() -> None:
    for name, entry in catalog.routes().items():
        for other in entry.same_as:
            assert name in catalog.routes()[other].same_as, (name, other)


def test_one_lever_pulls_opposite_ways() -> None:
    # Risks from Learned Optimization: a penalty on time makes an optimizer less likely, and
    # one that is there more likely to go by precomputed proxies.
    signs = catalog.assumptions()["speed-penalty"].signs
    assert signs["mesa-optimization"] == "lowers"
    assert signs["pseudo-alignment"] == "raises"
    assert signs["deception"] == "lowers"


def test_an_assumption_knows_which_routes_need_it() -> None:
    # Directly, by way of a formula, and by way of a condition.
    assert "reward-seeker" in catalog.needed_by("situational-awareness")
    assert "proxy-goal-schemer" in catalog.needed_by("goal-guarding")
    assert "nearest-goal-schemer" in catalog.needed_by("path-dependence")
    assert catalog.needed_by("sandbox-holds") == ()


# Taking from it


def test_what_a_route_refers_to_comes_along() -> None:
    resolved = resolve(story("  - use: proxy-goal-schemer\n"))
    assert list(resolved.assumptions) == [
        name
        for name in catalog.assumptions()
        if name
        in {
            "situational-awareness",
            "internal-optimization",
            "goal-directedness",
            "beyond-episode-goals",
            "goal-guarding",
            "future-empowerment",
            "scheming-pays",
        }
    ]


def test_what_a_named_assumption_refers_to_comes_along() -> None:
    resolved = resolve(story("", "  scheming-pays:\n"))
    assert "goal-guarding" in resolved.assumptions
    decided = resolve(story("", "  scheming-pays: {probability: 0.2}\n"))
    assert list(decided.assumptions) == ["scheming-pays"]


def test_what_the_story_defines_is_the_storys() -> None:
    found = story("  - use: reward-seeker\n", "  situational-awareness: {probability: 0.25}\n")
    resolved = resolve(found)
    number = resolved.numbers[resolved.number_index["situational-awareness.probability"]]
    assert number.origin == "story"
    assert resolved.assumptions["situational-awareness"].claim  # which stays the catalog's


def test_every_field_of_a_route_can_be_overridden() -> None:
    written = """\
  - use: reward-seeker
    id: mine
    class: other
    kind: sycophant
    claim: Mine.
    requires: a
    bits: 1
    harm: 0.5
"""
    found = story(written, "  a: {probability: 0.5}\n")
    (route, _) = found.routes
    assert (route.id, route.class_, route.kind, route.claim) == (
        "mine",
        "other",
        "sycophant",
        "Mine.",
    )
    assert list(resolve(found).assumptions) == ["a"]  # nothing comes along for what is not used
    assert to_yaml(found).count("use: reward-seeker") == 1
    assert load_text(to_yaml(found)) == found


def test_a_route_can_be_used_twice_under_two_ids() -> None:
    found = story("  - use: near-miss\n  - {use: near-miss, id: farther-miss, bits: -2}\n")
    assert [route.id for route in found.routes] == ["near-miss", "farther-miss", "something-else"]
    assert "found the id 'near-miss' again" in mistake("  - use: near-miss\n" * 2)


def test_a_number_that_repeats_the_catalog_is_the_catalogs() -> None:
    bits = catalog.template("near-miss")["bits"]
    again = story(f"  - use: near-miss\n    bits: {bits!r}\n".replace("'", '"'))
    assert again == story("  - use: near-miss\n")


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ("  - use: near-mis\n", "5:10: routes[0].use: found 'near-mis', expected the id of a"),
        ("  - use: near-mis\n", "did you mean 'near-miss'?"),
        ("  - use: 3\n", "routes[0].use: found 3, expected text"),
        ("  - {use: near-miss, harm: 2}\n", "routes[0].harm: found 2"),
        ("  - {use: near-miss, bits: null}\n", "the key 'bits' is missing"),
        ("  - {use: near-miss, requires: no-such-thing}\n", "expected the id of an assumption"),
        ("  - {use: near-miss, id: situational-awareness}\n", ""),
    ],
)
def test_mistakes_are_told_where_they_stand(routes: str, expected: str) -> None:
    if expected:
        problem = mistake(routes)
        assert expected in problem.replace("<text>:", "")
        assert problem.count("expected") <= 2  # one slip of the pen is one mistake
    else:
        story(routes)  # a name that only the catalog has is free for a story's own route


def test_an_id_of_the_storys_own_may_not_be_one_that_comes_along() -> None:
    problem = mistake("  - {use: near-miss, id: internal-optimization}\n")
    assert "found the id 'internal-optimization' again" in problem


def test_a_loop_through_the_catalog_is_noticed() -> None:
    # The catalog's formula refers to what the story makes depend on it.
    problem = mistake("", "  scheming-pays:\n  goal-guarding:\n    holds_when: scheming-pays\n")
    assert "found the loop" in problem
