"""Limits on means and quantiles of an estimate, for scripts that have to stop on them."""

from pathlib import Path

import pytest
from support.command_line import Run

DONE, WRONG_INPUT, ABOVE_THRESHOLD = 0, 2, 4
EXACT = "carlsmith-six-premises"

STORY = """
story: limited
title: A story with limits
goal: {specification: S., desirability: D.}
assumptions:
  a: {claim: A., probability: [0.1, 0.5]}
routes:
  - {id: r, class: deceptive, claim: R., requires: a, bits: 1, harm: 0.5}
  - {id: something-else, class: other, claim: E., bits: -4, harm: 0.01}
checks:
  - {id: audit, claim: C., flags: {deceptive: 0.5, default: 0.1}}
"""
HALTED = STORY.replace("deceptive: 0.5, default: 0.1", "default: 1").replace("limited", "halted")


@pytest.fixture
def story(tmp_path: Path) -> str:
    (tmp_path / "limited.yaml").write_text(STORY)
    return str(tmp_path / "limited.yaml")


@pytest.mark.parametrize(
    ("option", "limit", "sentence"),
    [
        ("--fail-above", "deceptive=0.01", "limited: deceptive is 0.17"),
        ("--fail-above", "deceptive.q95=0.2", "limited: the 95% point of deceptive is 0.3"),
        ("--fail-below", "success.q05=0.9", "limited: the 5% point of success is 0."),
        ("--fail-above", "catastrophe-given-deployed=0", "catastrophe-given-deployed is 0."),
        ("--fail-below", "deployed=0.99", "limited: deployed is 0."),
    ],
)
def test_a_limit_that_is_not_kept_ends_with_4(
    run: Run, story: str, option: str, limit: str, sentence: str
) -> None:
    ran = run("estimate", story, option, limit)
    assert ran.code == 4
    assert sentence in ran.err


@pytest.mark.parametrize(
    ("option", "limit"),
    [
        ("--fail-above", "deceptive.q95=0.5"),
        ("--fail-above", "deceptive.q05=0.1"),
        ("--fail-below", "success=0.1"),
        ("--fail-above", "deceptive-given-deployed.median=0.9"),
    ],
)
def test_a_limit_that_is_kept_says_nothing(run: Run, story: str, option: str, limit: str) -> None:
    ran = run("estimate", story, option, limit)
    assert ran.code == 0
    assert "above" not in ran.err and "below" not in ran.err


def test_odds_that_are_not_defined_keep_no_limit(run: Run, tmp_path: Path) -> None:
    (tmp_path / "halted.yaml").write_text(HALTED)
    path = str(tmp_path / "halted.yaml")
    ran = run("estimate", path, "--fail-above", "catastrophe-given-deployed=0.5")
    assert ran.code == 4
    assert "every model is halted" in ran.err
    assert run("estimate", path, "--fail-above", "deployed=0.5").code == 0


def test_every_mistake_of_both_options_is_listed(run: Run, story: str) -> None:
    ran = run(
        *("estimate", story, "--fail-above", "deceptve=0.1", "--fail-above", "success.q9=0.1"),
        *("--fail-below", "success=2", "--fail-below", "success-given-deploy=0.1"),
    )
    assert ran.code == 2
    for text in ("deceptive", "q95", "found '2'", "success-given-deployed"):
        assert text in ran.err


# Limits, on which a verdict is stated


def test_a_verdict_is_stated_and_changes_no_exit_code(run: Run, story: str) -> None:
    ran = run("estimate", story, "--limit", "deceptive=0.01", "--limit", "success=0.1")
    assert ran.code == 0 and ran.err == ""
    above, within = ran.out.splitlines()[-2:]
    chance = "he chance of a model of class “deceptive”"
    assert above.startswith(f"limited: T{chance} is above the limit of 1%: its mean is 18%")
    assert f"No single number would bring t{chance} within that limit by itself" in above
    assert within.startswith("limited: Success is within the limit of 10%: its mean is ")


def test_the_limits_of_a_story_are_judged_too(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(STORY.replace("goal:", "limits: {catastrophe: 0.9}\ngoal:", 1))
    ran = run("estimate", str(path))
    assert "Catastrophe is within the limit of 90%" in ran.out.splitlines()[-1]


def test_a_verdict_stays_out_of_the_json(run: Run, story: str) -> None:
    plain = run("estimate", story, "--json")
    ran = run("estimate", story, "--json", "--limit", "deceptive=0.01")
    assert ran.out == plain.out
    assert "The chance of a model of class “deceptive” is above the limit of 1%" in ran.err


def test_wrong_limits(run: Run, story: str) -> None:
    ran = run("estimate", story, "--limit", "deployed=0.1", "--limit", "success=2")
    assert ran.code == 2
    assert "--limit: found 'deployed', expected a class or a fate" in ran.err
    assert "--limit success: found '2', expected a probability from 0 to 1" in ran.err


def test_a_threshold_that_is_exceeded(run: Run) -> None:
    ran = run("estimate", EXACT, "--fail-above", "catastrophe=0.05", "--fail-above", "other=0.9")
    assert ran.code == ABOVE_THRESHOLD
    assert ran.out
    assert ran.err == f"{EXACT}: catastrophe is 0.05138, above 0.05\n"


def test_a_threshold_that_is_kept(run: Run) -> None:
    ran = run("estimate", EXACT, "--fail-above", "catastrophe=0.06", "--fail-above", "deceptive=0")
    assert (ran.code, ran.err) == (DONE, "")


@pytest.mark.parametrize("limit", ["catastrofe=0.1", "halted", "halted=", "halted=2", "halted=nan"])
def test_a_wrong_threshold(run: Run, limit: str) -> None:
    ran = run("estimate", EXACT, "--fail-above", limit)
    assert (ran.code, ran.out) == (WRONG_INPUT, "")
    assert "--fail-above" in ran.err
