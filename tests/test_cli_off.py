"""Parts that are switched off: on every command and in every verb, and kept with the result."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.command_line import Run

import storyodds
from storyodds import InputError, load_story, load_text, to_yaml
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.switches import switches_of, without_parts

WRONG_INPUT = 2
STORY = "coinrun-agent"
PARTS = {
    "constraint:moved-coins-separate",
    "nudge:coin-is-salient",
    "check:moved-coin-test",
    "evidence:seed-flips-preference",
}
FEW = ("--draws", "64")


def odds(document: Any) -> dict[str, Any]:
    return {**document["classes"], **document["fates"]}


@pytest.mark.parametrize("part", sorted(PARTS))
def test_odds_are_those_of_the_story_written_without_the_part(
    run: Run, tmp_path: Path, part: str
) -> None:
    """Written out, nothing is left of the part; switched off, the story is still the same one."""
    kind, _, name = part.partition(":")
    assert (kind, name) in switches_of(load_story(STORY))
    file = tmp_path / "without.yaml"
    file.write_text(to_yaml(without_parts(load_story(STORY), [(kind, name)])), "utf-8")
    off = run("estimate", STORY, "--off", part, *FEW, "--json").json
    assert odds(off) == odds(run("estimate", str(file), *FEW, "--json").json)
    assert off["settings"] == {part: "off"}
    assert off["story_sha256"] == run("estimate", STORY, *FEW, "--json").json["story_sha256"]
    assert name not in {entry["name"].split(".")[0] for entry in off["provenance"]}


@pytest.mark.parametrize("command", ["estimate", "importance", "sensitivity", "value", "export"])
def test_every_command_that_computes_takes_it(run: Run, command: str) -> None:
    more = ("--part", "local") if command == "sensitivity" else ()
    told = run(command, STORY, "--off", "check:moved-coin-test", *FEW, *more, "--json").json
    assert told["settings"] == {"check:moved-coin-test": "off"}


def test_every_verb_takes_it() -> None:
    story, off = load_story(STORY), ["check:moved-coin-test"]
    asked: dict[str, Any] = {"off": off, "draws": 64}
    result = storyodds.estimate(story, **asked)
    settings = {off[0]: "off"}
    assert storyodds.summarize(result)["settings"] == settings
    assert load_text(json.loads(result.attrs["meta"])["story_yaml"]) == story
    local = storyodds.sensitivity(story, parts=["views"], **asked)
    assert local["settings"] == storyodds.value(story, **asked)["settings"] == settings
    means = storyodds.summarize(result)["classes"]["deceptive"]["mean"]
    measured = storyodds.importance(story, of=["deceptive"], **asked)
    assert float(measured["event_probability"].sel(summary="mean").item()) == pytest.approx(means)


def test_a_model_is_compiled_without_it() -> None:
    story = load_story("cat-classifier")
    model = storyodds.compile_story(story, off=["evidence:adversarial-examples"])
    assert "adversarial-examples" not in [variable.name for variable in model.observed_RVs]


@pytest.mark.parametrize("ending", ["nc", "json"])
def test_a_saved_result_is_made_again_without_it(run: Run, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"kept.{ending}"
    off = ("--off", "check:moved-coin-test", "--set", "something-else=0")
    assert run("estimate", STORY, *off, "-o", str(file)).code == 0
    told = run("compare", str(file), STORY, "--json").json
    kept, written = told["sides"]
    assert kept["settings"] == {"something-else": "0", "check:moved-coin-test": "off"}
    assert kept["diagnostics"]["ok"] and written["settings"] == {}
    if ending == "nc":
        assert any("check moved-coin-test added" in line for line in told["summary"])


# Mistakes


def mistakes(run: Run, *options: str) -> list[str]:
    ran = run("estimate", STORY, *options)
    assert ran.code == WRONG_INPUT and not ran.out
    return ran.err.splitlines()


@pytest.mark.parametrize(
    ("part", "hint"),
    [
        ("check:moved-coin-tst", "did you mean 'check:moved-coin-test'?"),
        ("nudge:moved-coin-test", "did you mean 'check:moved-coin-test'?"),
        ("chek:moved-coin-test", "did you mean 'check:moved-coin-test'?"),
        ("moved-coin-test", "as in --off check:blind-audit"),
        ("check:", "as in --off check:blind-audit"),
        ("hazard:moved-coin-test", "constraint, nudge, check, evidence"),
    ],
)
def test_what_is_no_part_is_told_with_the_nearest_one(run: Run, part: str, hint: str) -> None:
    (line,) = mistakes(run, "--off", part)
    assert f"found '{part}'" in line and hint in line


def test_every_mistake_is_told(run: Run) -> None:
    told = mistakes(run, "--off", "check:nope", "--set", "nope=1", "--off", "nudge:nope")
    assert len(told) == 3
    told = mistakes(run, "--off", "nope", "--set", "nope", "--off", "check:a", "--off", "check:a")
    assert len(told) == 3 and "twice" in told[-1]


def test_a_number_of_what_is_off_is_a_mistake(run: Run) -> None:
    off = ("--off", "check:moved-coin-test")
    (line,) = mistakes(run, *off, "--set", "moved-coin-test.flags.default=0.5")
    assert "'check:moved-coin-test'" in line
    (line,) = mistakes(run, "--set", "check:moved-coin-test=off")
    assert "--off check:moved-coin-test" in line


def test_a_story_without_parts_says_so() -> None:
    with pytest.raises(InputError, match="it has none"):
        resolve(load_story("carlsmith-six-premises"), settings={"check:a": "off"})
    with pytest.raises(InputError, match="expected 'off'"):
        resolve(load_story(STORY), settings={"check:moved-coin-test": 0.5})


TOGETHER = """\
story: two-doubts
title: Two premises behind which is one doubt
goal: {specification: A table., desirability: Right.}
correlations:
  - {between: [a, b], rank: 0.7}
  - {id: of-harm, between: [b, schemer.harm], rank: -0.3}
assumptions:
  a: {probability: [0.05, 0.6]}
  b: {probability: [0.05, 0.6]}
routes:
  - {id: schemer, class: deceptive, requires: [a, b], bits: 2, harm: [0.2, 0.6]}
  - {id: something-else, class: other, bits: -6, harm: 0.1}
"""


def test_a_correlation_is_switched_off_by_its_id_or_its_place(run: Run, tmp_path: Path) -> None:
    """The odds are those of the story written without it, in `estimate` and in `compare`."""
    file, first, second = (tmp_path / f"{name}.yaml" for name in ("whole", "first", "second"))
    lines = TOGETHER.splitlines(keepends=True)
    file.write_text(TOGETHER, "utf-8")
    first.write_text("".join(lines[:4] + lines[5:]), "utf-8")
    second.write_text("".join(lines[:5] + lines[6:]), "utf-8")
    whole = odds(run("estimate", str(file), *FEW, "--json").json)
    for name, without in (("correlation-1", first), ("of-harm", second)):
        off = run("estimate", str(file), "--off", f"correlation:{name}", *FEW, "--json").json
        assert odds(off) == odds(run("estimate", str(without), *FEW, "--json").json) != whole
        assert [block["id"] for block in off["correlations"]] == [
            block for block in ("correlation-1", "of-harm") if block != name
        ]
    kept = tmp_path / "kept.json"
    off = ("--off", "correlation:of-harm", *FEW)
    assert run("estimate", str(file), *off, "-o", str(kept)).code == 0
    saved, _ = run("compare", str(kept), str(file), "--json").json["sides"]
    assert saved["settings"] == {"correlation:of-harm": "off"}
    wrong = run("estimate", str(file), "--off", "correlation:of-ham")
    assert wrong.code == WRONG_INPUT and "did you mean 'correlation:of-harm'?" in wrong.err


def test_blocks_keep_their_names_when_one_is_off() -> None:
    story = load_text(TOGETHER)
    left = without_parts(story, [("correlation", "correlation-1")])
    assert switches_of(left) == (("correlation", "of-harm"),)
    left = without_parts(story, [("correlation", "of-harm")])
    assert switches_of(load_text(to_yaml(left))) == (("correlation", "correlation-1"),)
