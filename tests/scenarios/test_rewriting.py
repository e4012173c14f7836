"""Changes written into a story: its numbers are those of the settings, and it reads back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import small_stories, with_results

from storyodds.priors.distributions.forms import parse_prior
from storyodds.priors.text.errors import InputError
from storyodds.scenarios.loader import load_story, load_text
from storyodds.scenarios.resolve import ResolvedStory, resolve
from storyodds.scenarios.rewriting import has_to_be_zero, with_numbers
from storyodds.scenarios.schema import Proposal
from storyodds.scenarios.serialize import to_yaml
from storyodds.scenarios.switches import switches_of, without_parts

CATALOGUED = ("coinrun-agent", "rlhf-assistant")  # use its routes, assumptions and observations
VALUES = {"probability": 0.37, "bits": 0.7}


def numbers(resolved: ResolvedStory) -> list[tuple[str, Any]]:
    every = (*resolved.numbers, *resolved.proposal_numbers)
    return [(number.name, number.distribution) for number in every]


def writable(resolved: ResolvedStory) -> dict[str, Any]:
    every = (*resolved.numbers, *resolved.proposal_numbers)
    return {n.name: VALUES[n.kind] for n in every if not has_to_be_zero(n.name)}


def written(resolved: ResolvedStory, values: dict[str, Any]) -> ResolvedStory:
    kinds = {n.name: n.kind for n in (*resolved.numbers, *resolved.proposal_numbers)}
    forms = {name: parse_prior(value, kinds[name]) for name, value in values.items()}
    return resolve(load_text(to_yaml(with_numbers(resolved, forms))))


@given(data=st.data())
def test_numbers_that_are_written_are_those_that_are_set(data: st.DataObject) -> None:
    story = data.draw(with_results(small_stories()))
    before = resolve(story)
    values = writable(before)
    chosen = data.draw(st.lists(st.sampled_from(sorted(values)), unique=True))
    some = {name: values[name] for name in chosen}
    after = written(before, some)
    assert numbers(after) == numbers(resolve(story, settings=some))
    assert [check.result for check in after.story.checks] == [c.result for c in story.checks]


@pytest.mark.parametrize("name", CATALOGUED)
def test_what_the_catalog_says_is_written_out_as_far_as_it_has_to_be(name: str) -> None:
    story = load_story(name)
    before = resolve(story)
    values = writable(before)
    assert numbers(written(before, values)) == numbers(resolve(story, settings=values))
    inherited = [n.name for n in before.numbers if n.origin == "catalog"]
    for number in inherited[:: max(1, len(inherited) // 6)]:
        one = {number: values[number]}
        after = written(before, one)
        assert numbers(after) == numbers(resolve(story, settings=one))
        origins = {n.name: n.origin for n in after.numbers}
        assert origins[number] == "story"
        owner = number.split(".")[0]
        others = [n for n in inherited if n.split(".")[0] != owner]
        assert {origins[n] for n in others} == {"catalog"}


@given(data=st.data())
def test_only_what_has_to_be_zero_cannot_be_written(data: st.DataObject) -> None:
    before = resolve(data.draw(small_stories()))
    number = data.draw(st.sampled_from(before.numbers))
    try:
        written(before, {number.name: VALUES[number.kind]})
    except InputError as error:
        assert has_to_be_zero(number.name) and "expected 0" in str(error)
    else:
        assert not has_to_be_zero(number.name)


@given(data=st.data())
def test_a_story_without_parts_keeps_all_else(data: st.DataObject) -> None:
    before = resolve(data.draw(small_stories()))
    every = switches_of(before.story)
    parts = data.draw(st.lists(st.sampled_from(every), unique=True)) if every else []
    after = resolve(load_text(to_yaml(without_parts(before.story, parts))))
    assert set(switches_of(after.story)) == set(every) - set(parts)
    gone = {name for _, name in parts}
    # What fails together with nothing else is no common cause.
    gone |= {str(c.id) for c in before.common_causes if len(set(c.checks) - gone) < 2}
    assert numbers(after) == [it for it in numbers(before) if it[0].split(".")[0] not in gone]


def test_nobody_proposes_to_replicate_a_finding_that_is_gone() -> None:
    story = load_story("rlhf-assistant")
    name = next(item.id for item in story.evidence if item.counts is not None)
    again = Proposal(use="replication", id="again", replicates=name)
    proposing = story.model_copy(update={"proposals": (*story.proposals, again)})
    left = without_parts(proposing, [("evidence", name)])
    assert again in proposing.proposals and left.proposals == story.proposals
    assert load_text(to_yaml(left)) == left
