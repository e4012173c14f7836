"""Where an answer's uncertainty comes from: JSON, and what is said at any width."""

import json
from typing import Any

import pytest
from support.building import OFF, SCHEMER, believe, item, tell

from storyodds.models.assessment.assessment import assess
from storyodds.reports.documents.sensitivity.spread import summarize_global
from storyodds.reports.terminal.sensitivity.spread import lines_global
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route
from storyodds.scenarios.story import Story

HARMFUL = Route(
    id="scheme",
    class_="deceptive",
    requires="a",
    bits=60,
    harm={"beta": [3, 5]},
    kind="schemer",
)


def said(summary: Any, width: int = 80) -> str:
    lines = [line.plain for line in lines_global(summary, width)]
    return "\n".join(lines)


def summarized(story: Story, **options: Any) -> dict[str, Any]:
    return summarize_global(assess(resolve(story), **options))


@pytest.fixture(scope="module")
def product() -> dict[str, Any]:
    rates = {"true": {"beta": [8, 2]}, "false": 0.3}
    seen = item("seen", {"assumption": "a"}, counts={"hits": 3, "trials": 6}, rates=rates)
    chances = {"a": believe({"beta": [2, 3]}), "idle": believe({"beta": [2, 3]})}
    return summarized(tell(chances, (HARMFUL, OFF), evidence=[seen]))


def test_the_object_is_plain_and_finite(product: dict[str, Any]) -> None:
    assert json.loads(json.dumps(product, allow_nan=False)) == product
    success, catastrophe = product["events"]
    assert [success["event"], catastrophe["event"]] == ["success", "catastrophe"]
    assert [x["name"] for x in success["inputs"]] == ["a.probability", "scheme.harm"]
    assert not success["inputs"][1]["first"]["distinguishable"]
    assert sum(x["shapley"]["mean"] for x in catastrophe["inputs"]) == pytest.approx(1)
    for x in catastrophe["inputs"]:
        for key in ("first", "total", "shapley"):
            assert x[key]["q05"] <= x[key]["mean"] <= x[key]["q95"]
        assert x["first"]["mean"] < x["shapley"]["mean"] < x["total"]["mean"]
    assert product["idle"] == ["idle.probability"]
    assert product["averaged_over"] == ["seen.rates.true"]
    assert product["evaluations"] == 1024 * 4 + 1024 * 3


def test_what_is_said(product: dict[str, Any]) -> None:
    text = said(product)
    assert "Where the uncertainty of P(catastrophe) comes from  shares of its variance" in text
    harm = product["events"][0]["inputs"][1]  # success does not hang on it
    assert harm["name"] == "scheme.harm" and not harm["total"]["distinguishable"]
    assert "too little to tell from 0, at most <1% in all: scheme.harm" in text
    assert "interactions are" in text and "of it at most, and may be nothing" in text
    assert "the rest is interactions" in text.replace("\n", " ")
    assert "as if independent" in text.replace("\n", " ")
    assert "averaged over and have no share" in text.replace("\n", " ")
    assert "all others" not in text


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_lines_fit(product: dict[str, Any], width: int) -> None:
    for line in lines_global(product, max(width, 80)):
        assert line.cell_len <= max(width, 80)
    assert "P(success)" in said(product, width)


def test_the_others_are_counted(product: dict[str, Any]) -> None:
    grouped = json.loads(json.dumps(product)) | {"others": 4}
    grouped["events"][1]["inputs"][0]["name"] = "all others together"
    assert "all 4 others" in said(grouped) and "all 4 others" not in said(product)


def test_what_hangs_on_nothing_uncertain_says_so() -> None:
    certain = said(summarized(tell({"a": believe(0.5)}, (SCHEMER, OFF))))
    assert certain.strip() == "P(success) and P(catastrophe) hang on no uncertain number."
    harmless = Route(id="scheme", class_="deceptive", requires="a", bits=60, harm=0, kind="schemer")
    nothing = OFF.model_copy(update={"harm": harmless.harm})
    summary = summarized(tell({"a": believe({"beta": [2, 3]})}, (harmless, nothing)))
    assert summary["events"][1]["additive"] is None
    assert summary["events"][1]["inputs"][0]["shapley"] is None
    assert "P(catastrophe) hangs on no uncertain number." in said(summary)


def test_a_variance_that_few_draws_make_is_called_rough() -> None:
    rare = {"lognormal": {"mean": 1e-4, "error_factor": 100}}
    route = Route(id="scheme", class_="deceptive", requires="a", bits=60, harm=rare, kind="schemer")
    story = tell({"a": believe({"beta": [2, 3]})}, (route, OFF))
    text = said(summarized(story)).replace("\n", " ")
    assert "A few draws make most of that variance" in text
    assert "%–" in text and "101%" not in text
