"""The rules of the linter as a whole: explanations, switches, order and places."""

import re
from typing import Any

import pytest
from support.clean_story import (
    BARE,
    CLEAN,
    SCHEMER,
    SCHEMER_OPEN,
    check,
    codes,
    found,
    outcome,
    with_parts,
)

from storyodds import InputError, Story
from storyodds.priors.text.yaml_reader import read_document
from storyodds.scenarios.lint.linter import IDLE_SWITCH, RULES, lint
from storyodds.scenarios.shared.lint_rules import lint_codes, lint_rule, switch_mistakes

# What the rules are


def test_a_clean_story_raises_no_question() -> None:
    assert found(CLEAN) == []


def test_every_rule_is_explained_and_every_explanation_has_a_rule() -> None:
    assert sorted([*RULES, IDLE_SWITCH]) == list(lint_codes())


@pytest.mark.parametrize("code", lint_codes())
def test_every_rule_keeps_to_the_form(code: str) -> None:
    rule = lint_rule(code)
    assert rule.rule == code
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", code)
    assert not rule.title.endswith(".")
    for paragraph in (rule.looks_for, rule.why, rule.fix):
        assert paragraph.endswith((".", ")"))
        assert len(paragraph) > 40
        assert "\n" not in paragraph.strip()
    assert all(len(line) <= 76 for line in [*rule.example.splitlines(), *rule.better.splitlines()])


@pytest.mark.parametrize("code", lint_codes())
def test_every_example_is_what_it_says(code: str) -> None:
    rule = lint_rule(code)
    bare = BARE - {code}  # examples are short and leave out sources
    assert {finding.code for finding in found(with_parts(rule.example))} - bare == {code}
    assert {finding.code for finding in found(with_parts(rule.better))} - bare == set()


# Switches, order and places


def test_a_switch_keeps_a_rule_quiet() -> None:
    lines = [{"off": "no-hazard", "reason": "A toy."}, {"off": "no-source", "reason": "A toy."}]
    bare: dict[str, Any] = {"goal": {"hazards": []}, **check(deceptive=0.2, default=0.1)}
    assert {finding.code for finding in found(with_parts(bare))} == {"no-hazard", "no-source"}
    assert found(with_parts({**bare, "lint": lines})) == []


def test_a_switch_that_silences_nothing_is_told_of() -> None:
    switches = [
        {"off": "no-hazard", "reason": "A toy."},
        {"off": "no-rationale", "reason": "None."},
        {"off": "no-hazard", "reason": "As I said."},
        {"off": "idle-switch", "reason": "Quiet, please."},
    ]
    findings = found(with_parts({"goal": {"hazards": []}, "lint": switches}))
    assert [(finding.code, finding.place.key_path) for finding in findings] == [
        ("idle-switch", "lint[1].off"),
        ("idle-switch", "lint[2].off"),
        ("idle-switch", "lint[3].off"),
    ]
    assert "switched off already" in findings[1].sentence


def test_an_unknown_switch_is_a_mistake_with_the_nearest_code() -> None:
    data = {"lint": [{"off": "no-hazard"}, {"off": "no-clam"}, {"off": 5}, "no-claim"]}
    (mistake,) = switch_mistakes(data)
    assert mistake.path == ("lint", 1, "off")
    assert mistake.sentence.endswith("did you mean 'no-claim'?")
    (mistake,) = switch_mistakes({"lint": [{"off": "xyz"}]})
    assert mistake.sentence.endswith("'storyodds check --rules' lists every one")
    with pytest.raises(InputError, match="found 'no-clam', expected the code of a rule"):
        lint_rule("no-clam")


def test_findings_come_in_the_order_of_the_file() -> None:
    parts: dict[str, Any] = {"goal": {"hazards": []}, **check(default=0.1), **outcome(
        bayes_factor={"deceptive": 0, "default": 0}
    )}  # fmt: skip
    findings = found(with_parts(parts))
    places = [finding.place.line_and_column for finding in findings]
    assert places == sorted(places)
    assert [finding.code for finding in findings] == [
        "no-hazard",
        "blind-check",
        "no-source",
        "blind-evidence",
    ]


def test_a_story_built_in_code_has_findings_without_lines() -> None:
    data = read_document(with_parts({"goal": {"hazards": []}}), "clean.yaml").data
    (finding,) = lint(Story.model_validate(data))
    assert finding.place.line_and_column == ()
    assert finding.as_dict()["line"] is None
    assert finding.place.key_path == "goal"


def test_what_is_missing_has_the_place_of_what_is_around_it() -> None:
    text = CLEAN.replace(CLEAN[CLEAN.index("rationale:") : CLEAN.index("assumptions:")], "")
    (finding,) = found(text)
    assert (finding.code, finding.place.line_and_column) == ("no-rationale", (1, 1))


def chain(length: int, last: Any) -> dict[str, Any]:
    """Assumptions each of which only names the next."""
    links = {f"c{i}": {"claim": "So.", "holds_when": f"c{i + 1}"} for i in range(length)}
    return {**links, f"c{length}": {"claim": "So.", "holds_when": last}}


def test_chains_of_assumptions_are_followed() -> None:
    route = {**SCHEMER, "requires": ["c0", "aware", "optimizes"]}
    never = {"assumptions": chain(30, ["aware", "not aware"]), "routes": [route]}
    (finding,) = (finding for finding in found(with_parts(never)) if finding.code not in BARE)
    assert (finding.code, finding.place.key_path) == ("never-holds", "assumptions.c30.holds_when")


@pytest.mark.parametrize("last", ["aware", ["aware", "not aware"]])
def test_very_long_chains_cost_no_more_than_their_length(last: Any) -> None:
    route = {**SCHEMER, "requires": ["c0", "aware", "optimizes"]}
    raised = codes({"assumptions": chain(1900, last), "routes": [route]})
    assert raised == ({"never-holds"} if last != "aware" else set())


def test_many_assumptions_are_not_tried_out_one_by_one() -> None:
    many = {f"a{i}": {"claim": "One of many.", "probability": 0.5} for i in range(40)}
    either = [{"any": [name, f"not {name}"]} for name in many]
    routes = [SCHEMER_OPEN, {**SCHEMER, "id": "s", "requires": [*either, "a0", "not a0"]}]
    assert codes({"assumptions": many, "routes": routes}) == set()  # passed over
    denied = [SCHEMER_OPEN, {**SCHEMER, "id": "s", "requires": [f"not {name}" for name in many]}]
    assert codes({"assumptions": many, "routes": denied}) == set()
    routes[1]["requires"] = [*many, "not a0"]
    assert codes({"assumptions": many, "routes": routes}) == {"never-holds"}
