"""What a story owes to how it is written, in JSON and on a terminal."""

import json
from typing import Any

import pytest
from support.building import OFF, believe, item, tell

from storyodds.models.assessment.assessment import assess
from storyodds.models.sensitivity import structure
from storyodds.reports.documents.sensitivity.structure import summarize_structure
from storyodds.reports.terminal.sensitivity.structure import lines_structure
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Check, Constraint, Nudge, Route
from storyodds.scenarios.story import Story

STORY = tell(
    {"a": believe({"beta": (4, 4)}), "b": believe(0.5)},
    [
        Route(id="x", class_="deceptive", requires=("a", "b"), bits={"interval": (0, 2)}, harm=0.5),
        Route(id="y", class_="deceptive", bits=-1, harm=0.1),
        Route(id="z", class_="mesa-optimizer", requires="a", bits=0, harm=0.1),
        OFF,
    ],
    constraints=[Constraint(id="k", claim="Why.", holds="b", rules_out=("z",))],
    nudges=[Nudge(id="n", when="a", bits={"deceptive": 1})],
    checks=[Check(id="v", flags={"deceptive": 0.6, "default": 0.1})],
    evidence=[item("e", {"outcome": True}, bayes_factor={"deceptive": 1, "default": 0})],
)
BARE = tell({}, [OFF])


def summary_of(story: Story) -> dict[str, Any]:
    return summarize_structure(assess(resolve(story), draws=512))


def text(summary: dict[str, Any], width: int = 120) -> str:
    return "\n".join(line.plain for line in lines_structure(summary, width))


@pytest.fixture(scope="module")
def summary() -> dict[str, Any]:
    return summary_of(STORY)


def test_the_object_is_plain_json(summary: dict[str, Any]) -> None:
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert [(part["part"], part["id"]) for part in summary["leave_one_out"]] == [
        ("constraint", "k"), ("nudge", "n"), ("check", "v"), ("evidence", "e"),
    ]  # fmt: skip
    assert summary["leave_one_out"][0]["claim"] == "Why."
    for part in summary["leave_one_out"]:
        for name, event in part["answer"]["events"].items():
            assert event["mean"] - event["difference"] == pytest.approx(summary["now"][name])


def test_bits_by_number(summary: dict[str, Any]) -> None:
    (merged,) = summary["merged"]
    assert merged["routes"] == {"deceptive": ["x", "y"]}
    assert 0 < merged["bits_by_number"]["deceptive"] < 1


def test_fewer_premises_and_bounds(summary: dict[str, Any]) -> None:
    (restated,) = summary["restated"]
    assert (restated["path"], restated["premises"], len(restated["fewer"])) == ("x", 2, 1)
    assert restated["fewer"][0]["prior"] == pytest.approx(restated["prior"] ** 0.5)
    (bound,) = summary["dependence"]["bounds"]
    assert summary["dependence"]["pairs"] == 1
    assert bound["paths"][0]["apart"] < bound["paths"][0]["now"] < bound["paths"][0]["together"]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_fit(summary: dict[str, Any], width: int) -> None:
    lines = list(lines_structure(summary, width))
    assert max(line.cell_len for line in lines) <= width
    assert all(line.plain == line.plain.rstrip() for line in lines)


def test_it_says_so_in_words(summary: dict[str, Any]) -> None:
    said = text(summary)
    assert "No part does more than the check v: without it, success would be" in said
    assert "Were the class named as one route, success would be" in said
    assert "The widest range is that of a and b:" in said
    assert "more pairs" not in said


def test_what_is_out_of_reach_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structure, "reworded", lambda base, edited: None)
    summary = summary_of(STORY)
    assert summary["leave_one_out"][0]["answer"] is None
    assert summary["merged"][0]["bits_by_number"] == {"deceptive": None}
    said = text(summary)
    assert "out of reach without: k" in said
    assert "did not count by number" in said  # the premises, not the rivals
    assert "Were the class" not in said


def test_a_story_without_any_of_it_says_nothing() -> None:
    summary = summary_of(BARE)
    assert [summary[key] for key in ("leave_one_out", "merged", "restated")] == [[], [], []]
    assert text(summary) == ""


def test_parts_that_do_nothing_are_said_to() -> None:
    judge = item("judge", {"assumption": "b"}, forecast=0.9, sd_bits=1.0)
    summary = summary_of(tell({"b": believe(0.5)}, [OFF], evidence=[judge]))
    assert summary["leave_one_out"][0]["opinion"]
    said = text(summary)
    assert "evidence (opinion)" in said
    assert "Leaving out the only part changes P(success) and P(catastrophe) by nothing" in said


def test_a_risk_argument_is_not_asked_about_success(summary: dict[str, Any]) -> None:
    lines = list(lines_structure(summary, 120, ("catastrophe",)))
    assert "success" not in "\n".join(line.plain for line in lines)
