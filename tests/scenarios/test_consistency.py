"""What only the whole story shows, and that no junk makes the search for it fall over."""

import copy
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from storyodds.priors import library
from storyodds.priors.library import PackEntry
from storyodds.priors.text.errors import InputError
from storyodds.scenarios.checks.consistency import MAX_DEPTH, find_mistakes
from storyodds.scenarios.grammar.loops import loops
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.loader import load_text
from storyodds.scenarios.schema import Goal, Route
from storyodds.scenarios.story import Story

FULL: dict[str, Any] = yaml.safe_load("""
story: full
title: A story with everything
goal:
  specification: It does the task.
  desirability: The task is good.
  hazards: [{id: fraud, criterion: alignment, requires: aware, probability: 0.1, harm: 0.1}]
rationale:
  class: [inductive-bias]
  feasibility: 0.5
  constraints: [{id: small, holds: not aware, rules_out: [schemer, other]}]
  nudges: [{id: simple, when: hidden, bits: {intended: 1, schemer: [-1, 1]}}]
assumptions:
  situational-awareness:
  aware: {probability: {ref: carlsmith-2022/aps-feasible}}
  hidden: {given: [{when: aware, probability: 0.5}, {otherwise: 0.1}]}
  both: {holds_when: {at_least: 2, of: [aware, hidden, not situational-awareness]}}
routes:
- {id: intended, class: intended, harm: 0}
- {id: schemer, class: deceptive, requires: both, bits: 1, harm: {beta: [1, 9]}}
- {id: something-else, class: other, bits: 0, harm: 0.05}
checks:
- {id: audit, flags: {fraud: 0.2, schemer: 0.1, intended: 0.01, default: 0.1}}
evidence:
- id: probe
  about: {assumption: aware}
  counts: {hits: 1, trials: 9}
  rates: {'true': 0.3, 'false': 0.1}
- {id: behavior, about: {outcome: true}, bayes_factor: {other: 1, default: 0}, relevance: 0.5}
- {id: panel, about: {class: deceptive}, forecast: 0.25, sd_bits: 1.5}
""")


def test_a_right_story_has_no_mistakes() -> None:
    assert find_mistakes(FULL) == []
    assert Story.model_validate(FULL).story == "full"


def test_the_residual_is_left_alone_by_its_class() -> None:
    """Class other may be ruled out or nudged; only the id something-else may not."""
    data = copy.deepcopy(FULL)
    data["rationale"]["nudges"][0]["bits"] = {"other": 1}
    assert find_mistakes(data) == []


@pytest.mark.parametrize("name", CLASSES)
def test_class_names_are_valid_targets_whether_or_not_a_route_has_them(name: str) -> None:
    data = copy.deepcopy(FULL)
    data["rationale"]["constraints"][0]["rules_out"] = [name]
    data["checks"][0]["flags"][name] = 0.2
    assert find_mistakes(data) == []


def numbered(count: int, spec: Any) -> dict[str, Any]:
    """Give the full story with so many more assumptions."""
    data = copy.deepcopy(FULL)
    data["assumptions"] |= {f"x{index}": spec for index in range(count)}
    return data


def test_limits() -> None:
    free = len(FULL["assumptions"]) - 1
    assert find_mistakes(numbered(500 - free, {"probability": 0.5})) == []
    (found,) = find_mistakes(numbered(501 - free, {"probability": 0.5}))
    assert found.sentence == (
        "found 501 assumptions without holds_when, each state of one counted, expected at most 500"
    )
    composite = {"holds_when": "aware"}
    assert find_mistakes(numbered(1996, composite)) == []
    (found,) = find_mistakes(numbered(1997, composite))
    assert found.sentence == "found 2,001 assumptions, expected at most 2,000"
    data = copy.deepcopy(FULL)
    route = {"class": "other", "bits": 0, "harm": 0}
    data["routes"] += [{"id": f"r{index}", **route} for index in range(198)]
    (found,) = find_mistakes(data)
    assert found.sentence == "found 201 routes, expected at most 200"


def test_a_chain_as_long_as_the_limit_needs_no_recursion() -> None:
    data = numbered(0, None)
    names = [f"x{index}" for index in range(1990)]
    data["assumptions"] |= {
        name: {"holds_when": following}
        for name, following in zip(names, [*names[1:], "aware"], strict=True)
    }
    assert find_mistakes(data) == []
    data["assumptions"]["x1989"] = {"holds_when": "x0"}
    (found,) = find_mistakes(data)
    assert found.sentence.startswith("found the loop x0 -> x1 -> x2 -> ")
    assert len(found.sentence) < 200


def test_each_loop_is_drawn_once() -> None:
    graph = {"a": ["b", "c"], "b": ["a"], "c": ["a", "d"], "d": ["d"], "e": ["a"]}
    assert list(loops(graph)) == [["a", "b"], ["a", "c"], ["d"]]


def test_several_mistakes_are_found_in_one_walk() -> None:
    data = copy.deepcopy(FULL)
    data["assumptions"]["hidden"]["given"][0]["when"] = "bth"
    data["routes"][1]["requires"] = ["aware", {"any": ["deceptive", "not hiden"]}]
    data["evidence"][1]["bayes_factor"] = {"fraud": 1, "default": 1}
    assert {mistake.path for mistake in find_mistakes(data)} == {
        ("assumptions", "hidden", "given", 0, "when"),
        ("routes", 1, "requires", 1, "any", 0),
        ("routes", 1, "requires", 1, "any", 1),
        ("evidence", 1, "bayes_factor", "fraud"),
        ("evidence", 1, "bayes_factor", "default"),
    }


def test_a_story_in_code_is_held_to_the_same() -> None:
    with pytest.raises(ValidationError) as caught:
        Story(
            story="code",
            title="Hidden \x1b[31m",
            goal=Goal(specification="x", desirability="y"),
            routes=[Route(id="schemer", class_="deceptive", requires="awre", bits=1, harm=0)],
        )
    text = str(caught.value)
    for words in (
        "routes: found no route 'something-else'",
        "routes[0].requires: found 'awre', expected the id of an assumption",
        "title: found the hidden character U+001B (a control character)",
    ):
        assert words in text


def test_packs_that_refer_in_a_circle(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"given": "nothing", "who": "nobody", "year": 2020, "read": "primary"}
    values: dict[str, Any] = {
        "p/a": {"ref": "p/b"},
        "p/b": {"pool": [{"by": "x", "value": {"ref": "p/a"}}]},
    }
    entries = {
        ref: PackEntry(claim=ref, value=value, basis="assumed", source="x", **said)
        for ref, value in values.items()
    }
    monkeypatch.setattr(library, "pack_entry", entries.__getitem__)
    data = copy.deepcopy(FULL)
    data["assumptions"]["aware"]["probability"] = {"ref": "p/a"}
    (found,) = find_mistakes(data)
    assert found.sentence == "found the loop p/a -> p/b -> p/a among prior packs"


def test_depth_is_limited_in_code_too() -> None:
    data = copy.deepcopy(FULL)
    formula: Any = "aware"
    for _ in range(MAX_DEPTH):
        formula = [formula]
    data["routes"][1]["requires"] = formula
    assert any("levels of nesting" in mistake.sentence for mistake in find_mistakes(data))


WORDS = st.sampled_from(
    "story title goal hazards id class class_ kind probability given when otherwise "
    "holds_when assumptions routes bits harm requires rationale constraints holds rules_out "
    "nudges checks flags default evidence about assumption outcome counts hits trials rates "
    "true false forecast sd_bits bayes_factor relevance all any at_least of ref pool by value "
    "weight interval beta normal fixed level basis source something-else intended deceptive "
    "other aware hidden not carlsmith-2022/aps-feasible".split()
)
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-300, 300)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
    | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(), inner, max_size=5)
    ),
    max_leaves=25,
)


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """Put junk into a few places of the full story."""
    data = copy.deepcopy(FULL)
    for _ in range(draw(st.integers(1, 4))):
        node: Any = data
        for _ in range(draw(st.integers(0, 5))):
            inner = list(node.values()) if isinstance(node, dict) else node
            inner = [item for item in inner if isinstance(item, dict | list) and item]
            if not inner:
                break
            node = draw(st.sampled_from(inner))
        if isinstance(node, dict):
            node[draw(st.sampled_from(list(node)) | WORDS)] = draw(JUNK)
        else:
            node[draw(st.integers(0, len(node) - 1))] = draw(JUNK)
    return data


def hold_together(data: Any) -> None:
    """Find the mistakes of anything at all, and tell them."""
    for mistake in find_mistakes(data):
        assert mistake.sentence
    text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False)
    try:
        story = load_text(text)
    except InputError as error:
        assert error.problems
        assert str(error)
        places = [(p.line, p.column, p.key_path, p.message) for p in error.problems]
        assert len(places) == len(set(places))
        assert [place[:2] for place in places] == sorted(place[:2] for place in places)
    else:
        assert find_mistakes(data) == []
        assert story.routes


@given(JUNK)
@settings(max_examples=200, deadline=None)
def test_junk_is_told_apart(data: Any) -> None:
    hold_together(data)


@given(st.dictionaries(WORDS, JUNK))
@settings(max_examples=300, deadline=None)
def test_junk_in_the_shape_of_a_story_is_told_apart(data: Any) -> None:
    hold_together(data)


@given(damaged())
@settings(max_examples=500, deadline=None)
def test_damaged_stories_are_told_apart(data: Any) -> None:
    hold_together(data)


def test_a_story_of_wrong_references_gets_only_so_many_suggestions() -> None:
    """Each of them is compared with every entry of every pack."""
    refs = {f"a{k}": {"probability": {"ref": f"carlsmith-2022/aps-feasibl{k}"}} for k in range(200)}
    sentences = [mistake.sentence for mistake in find_mistakes({**FULL, "assumptions": refs})]
    wrong = [sentence for sentence in sentences if "an entry of a prior pack" in sentence]
    suggested = [sentence for sentence in wrong if "did you mean" in sentence]
    assert len(wrong) == 200 and 0 < len(suggested) < 30
