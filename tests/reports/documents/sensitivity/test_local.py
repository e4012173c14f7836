"""What is said of one input at a time, at any width."""

import json
import math
from typing import Any

import pytest
from support.building import OFF, believe, tell

from storyodds.models.assessment.assessment import assess
from storyodds.models.changes.what_if import base_of
from storyodds.reports.documents.sensitivity.local import TOLD, summarize_local
from storyodds.reports.terminal.layout import wrap
from storyodds.reports.terminal.sensitivity.local import lines_local
from storyodds.scenarios.grammar.formulas import AllOf, AnyOf
from storyodds.scenarios.loader import load_story
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route
from storyodds.scenarios.story import Story


def printed(summary: Any, width: int = 80) -> str:
    lines = (line for block in lines_local(summary, width) for line in wrap(block, width))
    return "\n".join(line.plain for line in lines)


def summary_of(story: Story, **options: Any) -> dict[str, Any]:
    return summarize_local(assess(resolve(story), draws=256), **options)


def opposed() -> Story:
    """Success falls with a and rises with b: P(success) = 1 - a (1 - b)."""
    requires = AllOf(all=("a", "not b"))
    route = Route(id="rival", class_="deceptive", requires=requires, bits=60, harm=0.5)
    return tell({"a": believe([0.2, 0.6]), "b": believe([0.1, 0.5])}, [route, OFF])


@pytest.fixture(scope="module")
def assistant() -> dict[str, Any]:
    assessed = assess(resolve(load_story("rlhf-assistant")), draws=1024)
    return summarize_local(assessed, base=base_of(assessed, 128))


@pytest.fixture(scope="module")
def product() -> dict[str, Any]:
    return summary_of(load_story("carlsmith-six-premises"))


def test_a_bare_product_says_that_it_is_one(product: dict[str, Any]) -> None:
    text = " ".join(printed(product).split())
    assert "P(catastrophe) is a bare product: it rises by one percent with each of 6" in text
    assert "All 6 of the story's 15 numbers that move P(success) have the same elasticity" in text
    assert "Every number is fixed: there is no range to look at." in text
    assert product["equal_elasticity"]["catastrophe"] == 1
    premises = [n for n in product["numbers"] if n["elasticity"] and n["per_bit"]["catastrophe"]]
    assert {round(n["elasticity"]["catastrophe"], 9) for n in premises} == {1}
    assert [n["low"] for n in product["numbers"]] == [None] * len(product["numbers"])


def test_other_stories_do_not(assistant: dict[str, Any]) -> None:
    assert set(assistant["equal_elasticity"].values()) == {None}
    assert "bare product" not in printed(assistant)


def test_opposing_signs_are_shown() -> None:
    summary = summary_of(opposed())
    assert summary["signs"]["success"] == {"up": 1, "down": 1}
    a, b = (n for n in summary["numbers"] if n["name"] in ("a.probability", "b.probability"))
    assert a["swing"]["success"] < 0 < b["swing"]["success"]
    assert a["per_bit"]["success"] < 0 < b["per_bit"]["success"]
    text = printed(summary)
    total = len(summary["numbers"])
    assert f"It rises with 1 of the story's {total} numbers and falls with 1." in text
    row = next(line for line in text.splitlines() if line.startswith("b.probability"))
    assert "+" in row and "10% to 50%" in text


def test_the_object_is_plain_and_finite(assistant: dict[str, Any]) -> None:
    assert json.loads(json.dumps(assistant, allow_nan=False)) == assistant
    assert tuple(assistant["events"]) == TOLD
    number = next(
        n for n in assistant["numbers"] if n["name"] == "persona-is-natural.bits.intended"
    )
    assert number["uncertain"] and number["per_logit"] is None and number["elasticity"] is None
    for end in ("low", "high"):
        assert set(number[end]["mean"]) == set(number[end]["error"]) == set(TOLD)
    gap = number["high"]["mean"]["success"] - number["low"]["mean"]["success"]
    assert number["swing"]["success"] == pytest.approx(gap)
    classes = sum(number["per_bit"][event] for event in TOLD[1:-1])
    assert classes == pytest.approx(0, abs=1e-9)
    entry = next(a for a in assistant["assumptions"] if a["assumption"] == "scheming-pays")
    assert entry["composite"] and entry["claim"]
    assert set(entry["learned"]) == set(entry["set"]) == {"true", "false"}
    for tip in assistant["tipping_points"]:
        verdict = assistant["verdicts"][tip["verdict"]]
        assert (tip["path"] is None) == (verdict["event"] != "worst-path")
        assert tip["path"] is None or tip["path"] != verdict["path"]
        assert 0 < tip["prior_chance"] < 1


def test_bits_and_logits_differ_by_a_factor(assistant: dict[str, Any]) -> None:
    number = next(n for n in assistant["numbers"] if n["name"] == "path-dependence.probability")
    per_bit, per_logit = number["per_bit"]["success"], number["per_logit"]["success"]
    assert per_bit == pytest.approx(0.6931471805599453 * per_logit) and per_bit > 0


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120, 200])
def test_no_line_is_too_long(assistant: dict[str, Any], width: int) -> None:
    for line in printed(assistant, width).splitlines():
        assert len(line) <= width and line == line.rstrip()


def test_the_parts_are_all_there(assistant: dict[str, Any]) -> None:
    text = printed(assistant, 120)
    for part in (
        "What P(success) hangs on, number by number",
        "What P(catastrophe) hangs on, number by number",
        "P(success) if an assumption were surely so",
        "P(catastrophe) if an assumption were surely so",
        "Where a verdict flips",
        "Now: the answer with every number as uncertain as it is.",
        "found true  false  made true  false",
        assistant["note"],
    ):
        assert part in text
    worst = next(v["path"] for v in assistant["verdicts"] if v["path"] is not None)
    ending, _, needed = worst.partition(": ")
    assert f"The worst path is {ending}, which needs {needed}." in " ".join(text.split())


def test_tipping_points_are_told() -> None:
    text = printed(summary_of(tell({"a": believe({"beta": [2, 5]})}), catastrophe=(0.9,)))
    assert "below 50%" not in text  # it is above it
    assert "P(success) is 71%, above 50%. It would be below it with:" in text
    assert "  a.probability  above 50%  (11%)" in text
    assert (
        "P(catastrophe) is 14%, below 90%. No number alone, within its prior, changes that."
        in " ".join(text.split())
    )


def test_what_hangs_on_nothing() -> None:
    text = printed(summary_of(tell({"a": believe(0.5)}, [OFF])))
    assert "No number moves P(catastrophe)." in text
    assert "if an assumption were surely so" not in text.split("Found:")[0]


def test_small_chances_have_leverage_of_their_own() -> None:
    # P(catastrophe) is a b + c, near 5e-9: what moves success is small, and not the same.
    requires = AnyOf(any=(AllOf(all=("a", "b")), "c"))
    lost = Route(id="r", class_="other", requires=requires, bits=60, harm=1)
    prior = {"lognormal": {"mean": 1e-5, "error_factor": 3}}
    story = tell({"a": believe(prior), "b": believe(2e-4), "c": believe(3e-9)}, [lost, OFF])
    summary = summary_of(story)
    assert summary["equal_elasticity"]["success"] is None
    entries = {n["name"]: n for n in summary["numbers"]}
    of = [entries[f"{name}.probability"]["elasticity"]["success"] for name in "abc"]
    assert of == pytest.approx([-2e-9, -2e-9, -3e-9], rel=1e-6)
    assert summary["signs"]["success"] == {"up": 0, "down": 4}  # and the residual's bits
    text = printed(summary)
    assert "same elasticity" not in text and "a.probability" in text
    # b times how far a's 5 and 95 % points lie apart: a third and three times its median.
    median = 1e-5 * math.exp(-((math.log(3) / 1.6448536269514722) ** 2) / 2)
    swing = entries["a.probability"]["swing"]["success"]
    assert swing == pytest.approx(-2e-4 * median * (3 - 1 / 3), rel=1e-3)
