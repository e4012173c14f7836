"""`storyodds sensitivity` as a stranger meets it: parts that fit together."""

from pathlib import Path

import pytest
from support.command_line import Run

from storyodds.commands.sensitivity import PARTS
from storyodds.models.assessment.assessment import assess
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.reports.documents.sensitivity import whole
from storyodds.scenarios.loader import load_text
from storyodds.scenarios.resolve import resolve

COMMAND = "sensitivity"
DONE, WRONG_INPUT, NOT_RELIABLE = 0, 2, 3
STORY = """\
story: small
title: A small story
goal: {specification: It does the task., desirability: The task is good.}
rationale:
  nudges: [{id: easy, claim: It is easy., bits: {intended: [0, 2]}}]
assumptions:
  aware: {claim: It knows., probability: [0.2, 0.6]}
  able: {claim: It can., given: [{when: aware, probability: 0.7}, {otherwise: 0.2}]}
routes:
  - {id: schemer, class: deceptive, claim: It hides., requires: [aware, able], bits: [-2, 2],
     harm: [0.05, 0.2]}
  - {id: something-else, class: other, claim: The residual., bits: 0, harm: 0.05}
checks:
  - {id: audit, claim: A look., flags: {deceptive: [0.2, 0.6], default: 0.02}}
evidence:
  - {id: quiz, claim: It knew., about: {assumption: aware}, counts: {hits: 3, trials: 8},
     rates: {true: [0.3, 0.8], false: [0.05, 0.4]}}
"""


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(STORY, "utf-8")
    return str(path)


def test_every_part_once_and_all_of_them_together(
    run: Run, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    whole = run(small, "--draws", "512", "--json")
    assert (whole.code, whole.err) == (DONE, "")
    assert whole.json["schema"] == "storyodds/sensitivity/1"
    assert set(PARTS) < set(whole.json)
    assert whole.json["provenance"][0]["line"] == 7
    text = run(small, "--draws", "512").out
    assert max(map(len, text.splitlines())) <= 80
    at = [
        text.index(heading)
        for heading in (
            "What P(success) hangs on, number by number",
            "Where the uncertainty of P(success) comes from",
            "The story without one of its parts",
            "If it fails, how?",
            "How far it can be trusted",
            "Under every view",
        )
    ]
    assert at == sorted(at)


def test_one_part_alone(run: Run, small: str) -> None:
    found = run(small, "--part", "failure", "--json").json
    assert not {*PARTS} - {"failure"} & set(found)
    assert "failure" in found


def test_a_story_without_uncertain_numbers(run: Run) -> None:
    ran = run("carlsmith-six-premises")
    assert (ran.code, ran.err) == (DONE, "")


def test_parts_are_named_alike() -> None:
    assert whole.PARTS == PARTS


def test_simulated_states_are_refused() -> None:
    assessed = assess(resolve(load_text(STORY)), method="simulation", draws=64)
    with pytest.raises(UnsupportedStoryError, match="simulation"):
        whole.summarize_sensitivity(assessed, ["failure"])


def test_wrong_usage(run: Run, small: str) -> None:
    ran = run(small, "--part", "everything")
    assert (ran.code, ran.out) == (WRONG_INPUT, "")
    ran = run(small, "--set", "awar=0.2")
    assert ran.code == WRONG_INPUT
    assert "did you mean 'aware'?" in ran.err
