"""Named numbers of a story: read, refused, resolved, changed, written and counted as one."""

import pytest

from storyodds import InputError, lint, load_text, to_yaml
from storyodds.priors.distributions.families import Point
from storyodds.priors.distributions.forms import Fixed
from storyodds.priors.library import View
from storyodds.scenarios.edits import changes_between, with_changes
from storyodds.scenarios.provenance import provenance, story_numbers
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.rewriting import with_numbers

TEXT = """
story: shared
title: One unknown in several places
numbers:
  hard: {interval: [0.1, 0.6], kind: probability, claim: It is hard., basis: assumed, source: me}
  push: {normal: [1, 1], kind: bits}
goal: {specification: A table., desirability: Right.}
assumptions:
  a: {probability: {number: hard}}
  b: {given: [{when: a, probability: {number: hard}}, {otherwise: [0.1, 0.5]}]}
routes:
  - {id: schemer, class: deceptive, requires: [a, b], bits: {number: push}, harm: {number: hard}}
  - {id: proxy, class: mesa-optimizer, bits: {number: push}, harm: [0.1, 0.3]}
  - {id: something-else, class: other, bits: -3, harm: 0.1}
checks:
  - {id: audit, flags: {deceptive: {number: hard}, default: 0.05}}
"""
PLACES = ("a.probability", "b.given.0", "schemer.harm", "audit.flags.deceptive")


def test_every_place_is_one_number() -> None:
    resolved = resolve(load_text(TEXT))
    numbers = {number.name: number for number in resolved.numbers}
    assert numbers["hard"].uses == PLACES
    assert numbers["push"].uses == ("schemer.bits", "proxy.bits")
    assert {resolved.number_index[place] for place in (*PLACES, "hard")} == {0}
    assert (numbers["hard"].line, numbers["hard"].key_path) == (5, "numbers.hard")
    # hard, b.otherwise, push, proxy.harm, two of something-else, audit.flags.default
    assert len(story_numbers(resolved)) == 7
    (record,) = [entry for entry in provenance(resolved) if entry["name"] == "hard"]
    assert record["uses"] == list(PLACES)


@pytest.mark.parametrize("name", ["hard", "a", "a.probability", "audit.flags.deceptive"])
def test_a_setting_of_one_place_is_one_of_all(name: str) -> None:
    resolved = resolve(load_text(TEXT), settings={name: 0.3})
    assert resolved.numbers[0].distribution == Point(0.3)
    assert resolved.numbers[0].uses == PLACES


def test_two_settings_of_one_number_are_refused() -> None:
    with pytest.raises(InputError, match="found 'a' and 'hard', which are one number"):
        resolve(load_text(TEXT), settings={"a": 0.3, "hard": 0.4})


def test_a_view_that_sets_one_number_twice_is_refused() -> None:
    view = View(view="two", title="Two", set={"a": 0.3, "schemer.harm": 0.4})
    with pytest.raises(InputError, match="which are one number of the story, 'hard'"):
        resolve(load_text(TEXT), view=view)
    same = View(view="two", title="Two", set={"a": 0.3, "schemer.harm": 0.3})
    assert resolve(load_text(TEXT), view=same).numbers[0].distribution == Point(0.3)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("harm: {number: hard}", "harm: {number: hrd}", "did you mean 'hard'"),
        ("harm: {number: hard}", "harm: {number: push}", "a number of bits, expected a probab"),
        ("push: {normal: [1, 1],", "push: {number: hard,", "expected a number of its own"),
        ("kind: bits}", "kind: bit}", "the kind of the number"),
        ("push: {normal: [1, 1], kind: bits}", "push: [1, 2]", "the kind of the number"),
        ("  push:", "  a:", "found the id 'a' again"),
        ("[0.1, 0.3]", "{pool: [{by: x, value: {number: hard}}]}", "in a pool"),
        ("harm: {number: hard}", "harm: {number: hard, source: x}", "beside 'number'"),
    ],
)
def test_what_is_refused(old: str, new: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        load_text(TEXT.replace(old, new))
    assert any(sentence in problem.message for problem in caught.value.problems)
    assert all(problem.line for problem in caught.value.problems)


def test_a_setting_cannot_be_a_reference_to_a_number() -> None:
    with pytest.raises(InputError, match="only the parts of a story"):
        resolve(load_text(TEXT), settings={"b.otherwise": {"number": "hard"}})


def test_a_number_of_a_pack_is_shared_by_a_name() -> None:
    """A reference alone is a copy; a name for it is one unknown."""
    entry = "{ref: carlsmith-2022/aps-feasible, kind: probability}"
    text = TEXT.replace(TEXT.split("hard: ")[1].split("\n")[0], entry)
    number = resolve(load_text(text)).numbers[0]
    assert (number.uses, number.basis) == (PLACES, "elicited")
    assert number.origin == "pack carlsmith-2022/aps-feasible"


def test_a_story_is_written_and_read_back() -> None:
    story = load_text(TEXT)
    assert load_text(to_yaml(story)) == story


def test_a_number_written_into_a_story_is_written_once() -> None:
    changed = with_numbers(resolve(load_text(TEXT)), {"hard": Fixed(fixed=0.2)})
    assert changed.numbers["hard"].prior == Fixed(fixed=0.2)
    assert changed.routes[0].harm == load_text(TEXT).routes[0].harm


def test_a_part_that_is_off_leaves_the_other_places() -> None:
    resolved = resolve(load_text(TEXT), settings={"check:audit": "off"})
    assert resolved.numbers[0].uses == PLACES[:3]


def test_what_changed_is_one_number() -> None:
    old, new = (resolve(load_text(TEXT), settings=x) for x in ({}, {"hard": 0.3}))
    assert [change.name for change in changes_between(old, new)] == ["hard"]
    made = with_changes(old, new, changes_between(old, new))
    assert made.numbers[0].distribution == Point(0.3)
    assert made.number_index == new.number_index


def test_a_place_that_gets_a_number_of_its_own_is_a_change() -> None:
    old = resolve(load_text(TEXT))
    new = resolve(load_text(TEXT.replace("harm: {number: hard}", "harm: [0.1, 0.6]")))
    (change,) = changes_between(old, new)
    assert change.name == "schemer.harm"
    made = with_changes(old, new, [change])
    assert made.numbers[made.number_index["hard"]].uses == tuple(
        place for place in PLACES if place != "schemer.harm"
    )
    assert made.numbers[made.number_index["schemer.harm"]].uses == ()
    assert with_changes(old, new, []).number_index == old.number_index


def test_the_linter_finds_a_number_that_stands_nowhere() -> None:
    unused = "  idle: {interval: [0.1, 0.6], kind: probability, basis: assumed, source: me}\n"
    findings = lint(load_text(TEXT.replace("  push:", unused + "  push:")))
    (finding,) = [finding for finding in findings if finding.code == "idle-number"]
    assert "'idle' is named and stands nowhere" in finding.sentence
    assert finding.place.key_path == "numbers.idle"
