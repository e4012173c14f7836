"""A story that raises no question, for tests that spoil one thing in it."""

import json
from collections.abc import Mapping
from typing import Any

import yaml

from storyodds import load_text
from storyodds.priors.text.yaml_reader import read_document
from storyodds.scenarios.grammar.outcomes import RESIDUAL
from storyodds.scenarios.lint.linter import Finding, lint

# What short parts of stories are not asked for.
BARE = {"no-source", "no-note"}
GUESS = "basis: assumed, source: a guess"

CLEAN = """\
story: clean
title: A story that raises no question
catastrophe: Within ten years all copies together kill a million people.
goal:
  specification: >-
    The model infers what the person asking intends, and recalls answers that serve it.
  optimization: none
  desirability: People intend no harm.
  hazards:
    - {id: bad-intent, claim: Some people do., criterion: alignment,
       probability: {fixed: 0.1, GUESS}, harm: {fixed: 0.01, GUESS}}
rationale:
  class: [inductive-bias]
  nudges:
    - id: simple
      claim: The intended model is shorter to describe than its rivals.
      bits: {intended: {interval: [0, 2], GUESS}}
assumptions:
  aware: {claim: The model knows that it is in training., probability: {fixed: 0.3, GUESS}}
  optimizes: {claim: The model runs a search of its own., probability: {fixed: 0.5, GUESS}}
routes:
  - id: proxy-seeker
    class: mesa-optimizer
    claim: It pursues a proxy.
    requires: optimizes
    bits: {fixed: 1, GUESS}
    harm: {fixed: 0.1, GUESS}
  - id: schemer
    class: deceptive
    claim: It hides what it wants.
    mechanism: scheming
    requires: [aware, optimizes]
    bits: {fixed: 1, GUESS}
    harm: {fixed: 0.1, GUESS}
  - id: something-else
    class: other
    claim: The residual.
    bits: {fixed: -1, GUESS}
    harm: {fixed: 0.1, GUESS}
""".replace("GUESS", GUESS)


def with_parts(parts: str | Mapping[str, Any]) -> str:
    """The clean story with some of its parts replaced, or added.

    Mappings are merged and lists replaced; the residual need not be written out.
    """
    given = read_document(parts, "parts.yaml").data if isinstance(parts, str) else parts
    clean = read_document(CLEAN, "clean.yaml").data
    whole = _merged(clean, given)
    if all(route.get("id") != RESIDUAL for route in whole["routes"]):
        whole["routes"] = [*whole["routes"], clean["routes"][-1]]
    # By way of JSON, so that what is shared in Python is written out twice.
    return yaml.safe_dump(json.loads(json.dumps(whole)), sort_keys=False)


def _merged(old: Any, new: Any) -> Any:
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)) or _decides(new):
        return new
    return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}


def _decides(new: Mapping[str, Any]) -> bool:
    """Whether a mapping is an assumption, which has only one of the keys that decide it."""
    return bool({"probability", "given", "holds_when"} & set(new))


def found(text: str) -> list[Finding]:
    """What the linter asks about a story."""
    return lint(load_text(text, "story.yaml"))


def codes(parts: str | Mapping[str, Any]) -> set[str]:
    """The codes that the clean story raises with some parts replaced.

    Numbers in such parts need no source and sources no note, to keep them readable.
    """
    return {finding.code for finding in found(with_parts(parts))} - BARE


def assert_one_question(code: str, key_path: str, parts: dict[str, Any], said: str) -> None:
    """Hold the clean story with some parts replaced to one question, at its place in the text."""
    text = with_parts(parts)
    findings = [finding for finding in found(text) if finding.code not in BARE]
    assert [finding.code for finding in findings] == [code]
    (finding,) = findings
    assert finding.place.key_path == key_path
    assert said in finding.sentence
    line, column = finding.place.line_and_column
    assert text.splitlines()[line - 1][column - 1] != " "
    assert finding.as_dict() == {
        "code": code,
        "key_path": key_path,
        "line": line,
        "column": column,
        "sentence": finding.sentence,
        "also": [],
    }


# Parts of stories

REPORT = {"cite": "a report", "note": "read in full"}
SPOILED = {"id": "probe", "claim": "A probe.", "role": "in-the-loss"}
REMEMBERS = {"claim": "It has a memory.", "probability": 0.2}
SCHEMER = {
    "id": "schemer",
    "class": "deceptive",
    "claim": "It hides.",
    "bits": 1,
    "harm": 0.1,
    "mechanism": "scheming",
}
INTENDED_SEARCH = {"id": "intended", "class": "intended", "requires": "optimizes"}
SCHEMER_OPEN = {**SCHEMER, "requires": ["aware", "optimizes"]}


def nudges(*bits: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A rationale of nudges that give a reason."""
    claim = "It is simpler."
    return {
        "rationale": {
            "nudges": [
                {"id": f"n{i}", "claim": claim, "bits": table, **more}
                for i, table in enumerate(bits)
            ]
        }
    }


def constraint(holds: Any, *rules_out: str) -> dict[str, Any]:
    claim = "Nothing else fits the data."
    item = {"id": "c", "claim": claim, "holds": holds, "rules_out": [*rules_out]}
    return {"rationale": {"constraints": [item]}}


def outcome(**tables: Any) -> dict[str, Any]:
    """Evidence about the outcome; counts go with rates."""
    counts = {"counts": {"hits": 1, "trials": 9}} if "rates" in tables else {}
    item = {"id": "e", "claim": "Seen.", "about": {"outcome": True}, "source": REPORT}
    return {"evidence": [{**item, **counts, **tables}]}


def about(name: str, **more: Any) -> dict[str, Any]:
    item = {"id": "e", "claim": "Seen.", "about": {"assumption": name}, "source": REPORT}
    return {"evidence": [{**item, **more}]}


def check(**flags: Any) -> dict[str, Any]:
    named = {key.replace("_", "-"): value for key, value in flags.items()}
    return {"checks": [{"id": "audit", "claim": "Auditors look.", "flags": named}]}
