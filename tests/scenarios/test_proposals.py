"""Proposed observations: written, taken from the catalog, and kept apart from the odds."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from support.strategies import probabilities, small_stories

from storyodds import InputError, load_text, to_yaml
from storyodds.priors.distributions.forms import Interval
from storyodds.scenarios.editor.json_schema import json_schema
from storyodds.scenarios.grammar.outcomes import INTENDED
from storyodds.scenarios.grammar.parts import About
from storyodds.scenarios.loader import bundled_stories, load_story
from storyodds.scenarios.proposals import standard_proposals
from storyodds.scenarios.provenance import proposal_provenance, provenance
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Proposal
from storyodds.scenarios.serialize import to_data
from storyodds.scenarios.shared import catalog
from storyodds.scenarios.story import Story

HEAD = """\
story: by-hand
title: A story with proposals
goal: {specification: x, desirability: y}
assumptions:
  aware: {probability: 0.3}
routes:
  - {id: something-else, class: other, bits: 0, harm: 0.1}
evidence:
  - id: seen
    about: {assumption: aware}
    counts: {hits: 3, trials: 20}
    rates: {true: [0.1, 0.5], false: 0.05}
    relevance: 0.5
"""


def story(proposals: str = "") -> Story:
    return load_text(f"{HEAD}{f'proposals:{chr(10)}{proposals}' if proposals else ''}")


# What ships


def test_the_catalog_has_an_audit_a_honeypot_run_a_probe_and_a_replication() -> None:
    found = catalog.observations()
    assert list(found) == ["audit", "honeypot-run", "probe", "replication"]
    for name, entry in found.items():
        assert entry.claim
        if name == "replication":
            assert (entry.about, entry.trials, entry.rates) == (None, None, {})
            continue
        assert entry.about == About(outcome=True) and entry.trials
        assert "default" in entry.rates and INTENDED not in entry.rates
        numbers = [*entry.rates.values(), *([entry.relevance] if entry.relevance else [])]
        for number in numbers:
            assert isinstance(number, Interval), "nobody has published one"
            assert (number.basis, number.source is not None) == ("assumed", True)
            low, high = (p / (1 - p) for p in number.interval)
            assert high / low > 5


@pytest.mark.parametrize("name", bundled_stories())
def test_every_bundled_story_can_be_weighed(name: str) -> None:
    resolved = resolve(load_story(name), standard=True)
    ids = [proposal.id for proposal in resolved.proposals]
    assert {"audit", "honeypot-run", "probe"} <= {id_.removeprefix("standard-") for id_ in ids}
    assert len(set(ids)) == len(ids)
    assert all(entry["source"] for entry in proposal_provenance(resolved))


def test_the_showcase_proposes_observations_of_its_own() -> None:
    own = load_story("rlhf-assistant").proposals
    assert len(own) == 5
    assert all(proposal.use is None and proposal.cost is None for proposal in own)


# What is taken


def test_use_takes_all_and_a_story_overrides_any_part() -> None:
    found = story(
        "  - {use: audit}\n"
        "  - {use: probe, id: better-probe, trials: 3, cost: 2.5, rates: {default: 0.01}}\n"
        "  - {use: replication, id: again, replicates: seen}\n"
    )
    audit, probe, again = found.proposals
    assert audit == Proposal(use="audit", id="audit")
    assert audit.rates == catalog.observations()["audit"].rates
    assert (probe.trials, probe.cost, set(probe.rates or {})) == (3, 2.5, {"default"})
    assert again.claim == catalog.observations()["replication"].claim
    assert load_text(to_yaml(found)) == found
    assert to_data(found)["proposals"][0] == {"use": "audit"}


def test_numbers_know_where_they_stand() -> None:
    found = story("  - {use: audit, rates: {deceptive: 0.5, default: 0.01}}\n  - {use: probe}\n")
    named = {entry["name"]: entry for entry in proposal_provenance(resolve(found))}
    assert named["audit.rates.deceptive"]["origin"] == "story"
    assert named["audit.rates.deceptive"]["line"] == 15
    assert named["probe.rates.default"]["origin"] == "catalog observation probe"
    assert named["probe.rates.default"]["file"] == "storyodds/priors/catalog/observations.yaml"


def test_standard_ones_give_way_to_what_the_story_proposes() -> None:
    assert [p.id for p in standard_proposals(story())] == [
        "audit", "honeypot-run", "probe", "seen-again",
    ]  # fmt: skip
    own = story(
        "  - {use: audit, id: our-audit}\n"
        "  - {id: probe, about: {assumption: aware}, trials: 1, rates: {true: 0.5, false: 0.1}}\n"
        "  - {id: second, replicates: seen, trials: 5}\n"
    )
    assert [p.id for p in standard_proposals(own)] == ["honeypot-run", "standard-probe"]
    assert [p.id for p in resolve(own, standard=True).proposals] == [
        "our-audit", "probe", "second", "honeypot-run", "standard-probe",
    ]  # fmt: skip


def test_their_numbers_are_no_numbers_of_the_story() -> None:
    plain, asked = story(), story("  - {use: audit}\n  - {id: again, replicates: seen}\n")
    before, after = resolve(plain), resolve(asked)
    assert [n.name for n in after.numbers] == [n.name for n in before.numbers]
    assert provenance(after) == provenance(before)
    assert before.proposals == () and before.proposal_numbers == ()
    names = [n.name for n in after.proposal_numbers]
    assert names == ["audit.rates.deceptive", "audit.rates.mesa-optimizer",
                     "audit.rates.default", "audit.relevance"]  # fmt: skip


def test_settings_reach_them() -> None:
    changed = {"audit.rates.default": 0.2, "honeypot-run.relevance": [0.1, 0.2]}
    found = resolve(story(), settings=changed, standard=True)
    by_name = {n.name: n for n in found.proposal_numbers}
    assert by_name["audit.rates.default"].origin == "setting"
    assert by_name["honeypot-run.relevance"].origin == "setting"
    with pytest.raises(InputError, match="did you mean"):
        resolve(story(), settings={"audt.rates.default": 0.2}, standard=True)


# What is refused


@pytest.mark.parametrize(
    ("proposal", "sentence"),
    [
        ("{use: interview, id: a}", "observation: audit, honeypot-run, probe or"),
        ("{use: audit, id: seen}", "found the id 'seen' again"),
        ("{use: replication}", "the key 'about' is missing: only what replicates"),
        ("{use: audit, rates: {defualt: 0.1}}", "found 'defualt'"),
        ("{use: audit, about: {assumption: awre}, rates: {true: 1, false: 0}}", "mean 'aware'"),
        ("{use: audit, cost: -1}", "found -1, expected a number of 0 or more"),
        ("{use: audit, relevance: {ref: no/such}}", "no"),
        ("{use: audit, replicates: seen}", "expected it from the finding alone"),
    ],
    ids=lambda text: str(text)[:40],
)
def test_a_mistake_is_told(proposal: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        story(f"  - {proposal}\n")
    assert sentence in str(caught.value)


def test_what_is_neither_a_list_nor_a_mapping_is_told_and_nothing_else() -> None:
    for wrong in ("proposals: 5\n", "proposals: [5]\n", "proposals: {a: 1}\n"):
        with pytest.raises(InputError) as caught:
            load_text(HEAD + wrong)
        assert len(caught.value.problems) == 1


# For editors


@settings(max_examples=20, deadline=None)
@given(small_stories(max_assumptions=2, max_routes=3), st.data())
def test_the_schema_takes_what_the_reader_takes(drawn: Story, data: st.DataObject) -> None:
    rates = probabilities(certain=False)
    made: list[dict[str, Any]] = [{"use": data.draw(st.sampled_from(["audit", "probe"]))}]
    about = {"id": "p1", "trials": 3, "cost": 1.5}
    table = {"default": data.draw(rates), "other": data.draw(rates)}
    made.append({**about, "about": {"outcome": True}, "rates": table})
    made += [
        {"id": f"{item.id}-again", "replicates": item.id, "relevance": None}
        for item in drawn.evidence
        if item.counts is not None
    ]
    asked = Story.model_validate({**dict(drawn), "proposals": made})
    plain = to_data(asked)
    assert load_text(to_yaml(asked)) == asked
    validator = Draft7Validator(json_schema())
    assert [error.message for error in validator.iter_errors(plain)] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"use": "interview"},
        {"id": "a"},
        {"id": "a", "about": {"outcome": True}, "trials": 3},
        {"id": "a", "about": {"outcome": True}, "trials": 3, "rates": {"other": 0.1}},
        {"id": "a", "about": {"assumption": "b"}, "trials": 3, "rates": {"true": 0.1}},
        {"id": "a", "replicates": "b", "relevance": 0.5},
        {"replicates": "b"},
    ],
    ids=str,
)
def test_the_schema_sees_what_is_wrong(wrong: dict[str, Any]) -> None:
    plain = {**to_data(story()), "proposals": [wrong]}
    assert not Draft7Validator(json_schema()).is_valid(plain)
