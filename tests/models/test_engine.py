"""The exact engine against plain enumeration, on random stories that use the whole format."""

import math

import pytest
from hypothesis import HealthCheck, assume, given, settings
from support.oracle import Answer, ImpossibleEvidence, solve
from support.strategies import small_stories, with_results

from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.priors.text.errors import InputError
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.story import Story

TOLERANCE = 1e-10

relaxed = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def solved(story: Story) -> tuple[Answer, Assessment]:
    """Both roads, where the evidence is possible at all; where it is not, both must say so."""
    resolved = resolve(story)
    try:
        answer = solve(story)
    except ImpossibleEvidence:
        with pytest.raises(InputError, match="impossible"):
            assess(resolved)
        assume(False)
    return answer, assess(resolved)


def close(found: float | None, expected: float | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return math.isclose(found, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def mismatches(found: dict, expected: dict) -> dict:
    """Entries of a table of summaries that are not the expected numbers."""
    assert set(found) == set(expected)
    return {
        key: (found[key] and found[key]["mean"], expected[key])
        for key in expected
        if not close(found[key] and found[key]["mean"], expected[key])
    }


@relaxed
@given(with_results(small_stories()))
def test_every_answer_equals_enumeration(story: Story) -> None:
    check_every_answer(story)


@settings(relaxed, max_examples=100)
@given(with_results(small_stories(max_assumptions=4, states=True)))
def test_every_answer_equals_enumeration_where_assumptions_have_states(story: Story) -> None:
    check_every_answer(story)


def check_every_answer(story: Story) -> None:
    answer, assessment = solved(story)
    summary = summarize(assessment)
    assert close(summary["evidence"]["log_probability"], answer.log_evidence)
    for key in (
        *("classes", "prior_classes", "routes", "fates", "assumptions"),
        *("criteria", "criteria_given_intended", "hazards"),
    ):
        assert not mismatches(summary[key], getattr(answer, key)), key
    given_intended = {name: entry["given_intended"] for name, entry in summary["hazards"].items()}
    assert not mismatches(given_intended, answer.hazards_given_intended)
    assert not mismatches(summary["lens"]["kinds"], answer.kinds)
    prior = {name: entry["prior"] for name, entry in summary["assumptions"].items()}
    assert not mismatches(prior, answer.prior_assumptions)
    concern = {name: entry["concern"] for name, entry in summary["mechanisms"].items()}
    assert not mismatches(concern, answer.mechanisms)
    assert close(summary["false_alarm"]["mean"], answer.false_alarm)
    failure = summary["catastrophe_given_deployed_failure"]
    assert close(failure and failure["mean"], answer.catastrophe_given_deployed_failure)
    assert summary["lens"]["applies"] == answer.lens_applies
    for side in ("outer_alignment", "inner_alignment"):
        entry = summary["lens"][side]
        assert close(entry and entry["mean"], getattr(answer, side)), side
    check_deployed(summary["deployed"], answer.deployed)
    check_checks(summary["checks"], answer)
    check_opinions(summary["opinions"], answer.opinions)
    check_item_bits(summary, answer)
    check_paths(summary, answer)


def check_deployed(entry: dict | None, expected: dict | None) -> None:
    if entry is None or expected is None:
        assert entry is expected
        return
    assert not mismatches(entry["classes"], expected["classes"])
    rest = {key: entry[key] for key in expected if key != "classes"}
    assert set(rest) | {"classes"} == set(entry)
    assert not mismatches(rest, {key: expected[key] for key in rest})


def check_checks(entries: dict, answer: Answer) -> None:
    live = {name: entry for name, entry in entries.items() if entry["result"] is None}
    assert set(live) == set(answer.checks_caught)
    for name, entry in live.items():
        assert not mismatches(entry["caught"], answer.checks_caught[name]), name
    added = {name: entry["added"] for name, entry in live.items()}
    assert not mismatches(added, answer.checks_added)


def check_opinions(entry: dict | None, expected: dict | None) -> None:
    if entry is None or expected is None:
        assert entry is expected
        return
    for key in ("classes", "fates"):
        assert not mismatches(entry[key], expected[key]), key


def check_item_bits(summary: dict, answer: Answer) -> None:
    for item in summary["evidence"]["items"]:
        for name, bits in item["bits"].items():
            expected = answer.item_bits[item["id"]][name]
            if expected is None or not math.isfinite(expected):
                assert bits is None
            elif bits is not None:  # None too where a class is all but sure
                assert close(bits, expected), (item["id"], name)


def check_paths(summary: dict, answer: Answer) -> None:
    found = {
        (
            entry["hazard"] or entry["route"],
            frozenset(
                (name.removeprefix("not "), not name.startswith("not "))
                for name in entry["literals"]
            ),
        ): entry
        for entry in summary["paths"]
    }
    assert set(found) == set(answer.paths)
    for key, path in answer.paths.items():
        entry = found[key]
        assert close(entry["probability"]["mean"], path.probability), key
        assert close(entry["concern"]["mean"], path.concern), key
        undetected = entry["undetected"] and entry["undetected"]["mean"]
        if path.probability > 1e-200:
            assert close(undetected, path.undetected), key
