"""How, by how far and where a story fails, in JSON and on a terminal."""

import json
from typing import Any

import pytest
from support.building import OFF, believe, tell

from storyodds.models.assessment.assessment import assess
from storyodds.reports.documents.estimate import summarize
from storyodds.reports.documents.sensitivity.failure import summarize_failure
from storyodds.reports.terminal.sensitivity.failure import lines_failure
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Check, Hazard, Route
from storyodds.scenarios.story import Story

STORY = tell(
    {"a": believe({"beta": (4, 4)}), "b": believe(0.5)},
    [
        Route(id="x", class_="deceptive", requires=("a", "b"), bits={"interval": (0, 4)}, harm=0.5),
        Route(id="y", class_="mesa-optimizer", requires="a", bits=1, harm=0.001),
        Route(id="something-else", class_="other", bits=-2, harm=0.02),
    ],
    checks=[Check(id="v", flags={"deceptive": {"beta": (3, 3)}, "default": 0.1})],
    hazards=[Hazard(id="h", criterion="alignment", probability=0.1, harm=0.2)],
)
GATED = tell(
    {"a": believe(0.4)},
    [
        Route(id="intended", class_="intended", requires="a"),
        Route(id="r", class_="deceptive", bits=0, harm=0.1),
        OFF,
    ],
)
SURE = tell({}, [Route(id="something-else", class_="other", bits=-60, harm=0)])


def summary_of(story: Story, **options: Any) -> dict[str, Any]:
    return summarize_failure(assess(resolve(story), **options))


def text(summary: dict[str, Any], width: int = 120) -> str:
    return "\n".join(line.plain for line in lines_failure(summary, width))


@pytest.fixture(scope="module")
def summary() -> dict[str, Any]:
    return summary_of(STORY, draws=512)


def test_the_object_is_plain_json(summary: dict[str, Any]) -> None:
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_it_agrees_with_the_estimate(summary: dict[str, Any]) -> None:
    estimate = summarize(assess(resolve(STORY), draws=512))
    expected = estimate["catastrophe_given_deployed_failure"]
    assert summary["given_failure"]["catastrophe"] == pytest.approx(expected)
    fates = {name: entry["mean"] for name, entry in estimate["fates"].items()}
    assert summary["failure"]["mean"] == pytest.approx(1 - fates["success"] - fates["halted"])
    assert summary["halted"]["mean"] == pytest.approx(fates["halted"])
    found = [(path["path"], path["share_top"]) for path in summary["paths"]]
    listed = [(path["hazard"] or path["route"], path["share_top"]) for path in estimate["paths"]]
    assert found == [(name, pytest.approx(share)) for name, share in listed]
    assert sum(path["share"]["mean"] for path in summary["paths"]) == pytest.approx(1)


def test_shares_of_failure_add_up(summary: dict[str, Any]) -> None:
    given = summary["given_failure"]
    assert given["safe"]["mean"] + given["catastrophe"]["mean"] == pytest.approx(1)
    near = summary["near_misses"]
    parts = [near[key]["mean"] for key in ("share", "far", "goal_reached")]
    assert sum(parts) == pytest.approx(1)
    assert all(part > 0 for part in parts)
    assert [route["near"] for route in near["routes"]] == [False, True, False]


def test_assumptions_are_ranked_by_what_their_failing_leaves(summary: dict[str, Any]) -> None:
    entries = summary["assumptions"]
    shares = [entry["if_false"]["given_failure"]["catastrophe"]["mean"] for entry in entries]
    assert shares == sorted(shares, reverse=True)
    for entry in entries:  # the deceptive route needs both
        assert entry["if_false"]["given_failure"]["deceptive"]["mean"] == 0
        assert entry["if_true"]["given_failure"]["deceptive"]["mean"] > 0


def test_a_certain_assumption_has_no_odds_of_being_false() -> None:
    route = Route(id="r", class_="other", requires="a", bits=0, harm=0.1)
    found = summary_of(tell({"a": believe(1.0)}, [route, OFF]))
    (entry,) = found["assumptions"]
    assert entry["if_false"]["failure"] is None
    assert set(entry["if_false"]["given_failure"].values()) == {None}
    assert entry["if_true"]["failure"]["mean"] == pytest.approx(0.5)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_fit(summary: dict[str, Any], width: int) -> None:
    lines = list(lines_failure(summary, width))
    assert max(line.cell_len for line in lines) <= width
    assert all(line.plain == line.plain.rstrip() for line in lines)


def test_it_says_so_in_words(summary: dict[str, Any]) -> None:
    said = text(summary)
    assert "The model is deployed and fails with a chance of" in said
    assert "Of deployed failures," in said
    assert "Failure is safest if" in said
    assert "To be the likeliest class:" in said
    assert "(90% of draws:" in said
    assert "near misses: another model than intended" in said
    assert "The worst path changes with one assumption:" in said


def test_bits_that_would_not_do() -> None:
    summary = summary_of(GATED)
    target = summary["miss"]["targets"]["even"]
    assert (target["bits"], target["status"], target["out_of_reach"]) == (None, "out of reach", 1.0)
    assert "60 bits would not do; too often it is not open at all." in text(summary)


def test_assumptions_whose_failing_leaves_no_failure() -> None:
    routes = [Route(id="r", class_="other", requires=("a", "b"), bits=60, harm=0.1), OFF]
    said = text(summary_of(tell({"a": believe(0.5), "b": believe(0.5)}, routes)))
    assert "With any one of them false, it is deployed and fails with " in said
    assert "most often deceptive" not in said


def test_a_story_that_hardly_fails() -> None:
    summary = summary_of(SURE)
    assert summary["miss"]["targets"]["likeliest"]["bits"] == pytest.approx(-60, abs=0.01)
    assert "nothing; it has 60.00 to spare" in text(summary)
    changes = summary["flips"]
    assert (changes["size"], changes["found"], changes["complete"]) == (None, [], True)


def test_only_what_is_asked_for_is_worked_out(summary: dict[str, Any]) -> None:
    found = summarize_failure(assess(resolve(STORY), draws=512), parts=["paths"])
    kept = ("failure", "halted", "given_failure", "paths")
    assert found == {name: summary[name] for name in kept}


def test_a_tie_is_called_a_tie() -> None:
    """Two routes that nothing tells apart: neither is the worst more often than the other."""
    twins = tell(
        {"open": believe([0.2, 0.6])},
        [
            Route(id="left", class_="deceptive", requires="open", bits=0, harm=0.5),
            Route(id="right", class_="mesa-optimizer", requires="open", bits=0, harm=0.5),
            Route(id="something-else", class_="other", bits=-5, harm=0),
        ],
    )
    summary = summary_of(twins, draws=64)
    told = [(path["path"], path["place"], path["share_top"]) for path in summary["paths"][:2]]
    assert told == [("left", 1, 0.5), ("right", 1, 0.5)]
    assert [path["path"] for path in summary["flips"]["worst"]] == ["left", "right"]
    assert "2 paths tie for the worst: left, right." in text(summary)
