"""Power-scaling and the effects of evidence: JSON, and what is said at any width."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from support.building import OFF, SCHEMER, believe, item, on_a_class, tell
from support.strategies import small_stories

from storyodds.models.assessment.assessment import assess
from storyodds.models.posterior.weighting import MAX_PARETO_K
from storyodds.priors.text.errors import InputError
from storyodds.reports.documents.estimate import summarize
from storyodds.reports.documents.sensitivity.spread import summarize_global
from storyodds.reports.documents.sensitivity.trust import summarize_trust
from storyodds.reports.terminal.sensitivity.sequence import lines_sequence
from storyodds.reports.terminal.sensitivity.spread import lines_global
from storyodds.reports.terminal.sensitivity.trust import lines_trust
from storyodds.reports.words.numbers import percent
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.story import Story


def corroborated() -> Story:
    """A second finding about one assumption says less than the first."""
    table = {"rates": {"true": {"beta": [8, 2]}, "false": {"beta": [2, 8]}}}
    counts = {"hits": 4, "trials": 5}
    items = [item(name, {"assumption": "a"}, counts=counts, **table) for name in ("one", "two")]
    route = SCHEMER.model_copy(update={"bits": OFF.harm})  # as likely as what is intended
    return tell({"a": believe({"beta": [1, 4]})}, (route, OFF), evidence=items)


def said(summary: Any, width: int = 80) -> str:
    return " ".join(" ".join(line.plain for line in lines_trust(summary, width)).split())


def summarized(story: Story, **options: Any) -> dict[str, Any]:
    return summarize_trust(assess(resolve(story), **options))


@pytest.fixture(scope="module")
def contradicted() -> dict[str, Any]:
    table = {"rates": {"true": {"beta": [8, 4]}, "false": {"beta": [4, 8]}}}
    counts = {"hits": 3, "trials": 5}
    items = [item(name, {"assumption": "a"}, counts=counts, **table) for name in ("one", "two")]
    judge = item("judge", {"class_": "deceptive"}, forecast=0.4, sd_bits=0.8)
    return summarized(on_a_class({"interval": [0.05, 0.2]}, [*items, judge]))


def test_the_object_is_plain_and_finite(contradicted: dict[str, Any]) -> None:
    assert json.loads(json.dumps(contradicted, allow_nan=False)) == contradicted
    scaled, effects = contradicted["power_scaling"], contradicted["evidence_effects"]
    assert [x["name"] for x in scaled["priors"][:-1]] == ["a.probability"]
    assert {x["name"]: x["opinion"] for x in scaled["evidence"][:-1]} == {
        "one": False,
        "two": False,
        "judge": True,
    }
    assert effects["opinions"] == ["judge"]
    # Without the judge, less of everything that the judge's fear moves.
    assert effects["without_opinions"]["deceptive"]["mean"] < effects["total"]["deceptive"]["mean"]
    assert scaled["priors"][-1]["name"] == "all priors together"
    assert scaled["priors"][-1]["itself"] is None
    assert scaled["evidence"][-1]["name"] == "all evidence together"
    prior = next(x for x in scaled["priors"] if x["name"] == "a.probability")
    assert prior["itself"]["conflict"] and prior["itself"]["pull"] < 0
    assert prior["success"]["per_doubling"] > 4 * prior["success"]["error"]  # less of `a` succeeds
    for event, total in effects["total"].items():
        averages = [x[event]["average"] for x in effects["items"]]
        if total is None:
            assert averages == [None] * 3
        else:
            assert sum(x["mean"] for x in averages) == pytest.approx(total["mean"])
    assert effects["total"]["mesa-optimizer"] is None
    assert effects["orders"] is None


def test_what_a_page_takes_is_part_of_the_whole() -> None:
    assessment = assess(resolve(corroborated()))
    whole, part = summarize_trust(assessment), summarize_trust(assessment, whole=False)
    for kind in ("priors", "evidence"):
        full, found = whole["power_scaling"][kind], part["power_scaling"][kind]
        assert [x["name"] for x in found] == [x["name"] for x in full[:-1]]
        for mine, theirs in zip(found, full[:-1], strict=True):
            more = {"opinion"} if kind == "evidence" else set()
            assert set(mine) == {"name", "success", "catastrophe"} | more
            for event in ("success", "catastrophe"):
                index = theirs[event]["sensitivity"]
                assert mine[event]["sensitivity"] == pytest.approx(index, rel=1e-6)
    items = part["evidence_effects"]["items"]
    for mine, theirs in zip(items, whole["evidence_effects"]["items"], strict=True):
        assert set(mine) == {"item", "success", "catastrophe"}
        average = theirs["success"]["average"]
        assert mine["success"]["average"] == pytest.approx(average, rel=1e-9)
    assert part["evidence_sequence"] == whole["evidence_sequence"]


def test_the_last_step_is_the_estimate_and_each_has_its_finding() -> None:
    assessment = assess(resolve(corroborated()))
    found, whole = summarize_trust(assessment)["evidence_sequence"], summarize(assessment)
    assert [step["item"] for step in found["steps"]] == [None, "one", "two"]
    for event, odds in found["steps"][-1]["odds"].items():
        for key, value in whole["fates"][event].items():
            assert odds[key] == pytest.approx(value, rel=1e-12)
        assert odds["error"] == odds["change_error"] == 0  # nothing has to be sampled
    assert found["steps"][0]["odds"]["success"]["change_error"] is None
    text = said(summarize_trust(assessment))
    assert "As the findings came in in the order in which the story gives them" in text
    assert f"two {percent(whole['fates']['success']['mean'])}" in text
    assert "Another order gives other steps" in text and "Not to be relied on: ?" not in text


def test_a_step_that_rests_on_too_few_draws_says_so(contradicted: dict[str, Any]) -> None:
    broken = json.loads(json.dumps(contradicted))
    broken["evidence_sequence"]["steps"][1]["ok"] = False
    mean = broken["evidence_sequence"]["steps"][1]["odds"]["success"]["mean"]
    text = said(broken)
    assert f"one {percent(mean)}?" in text and "Not to be relied on: ?" in text
    assert "judge (opinion) " in text and "without opinions " in text


def test_a_long_sequence_is_cut_before_its_last_step(contradicted: dict[str, Any]) -> None:
    long = json.loads(json.dumps(contradicted["evidence_sequence"]))
    first, last = long["steps"][0], {**long["steps"][-1], "item": "the-last"}
    between = [{**long["steps"][1], "item": f"e{k}"} for k in range(20)]
    lines = [x.plain for x in lines_sequence({**long, "steps": [first, *between, last]}, 80)]
    assert "and 12 more before the last" in lines
    assert any(line.startswith("the-last") for line in lines)


def test_what_is_said(contradicted: dict[str, Any]) -> None:
    text = said(contradicted, 120)
    assert "Prior and evidence pull apart on a.probability (twice the prior would move it" in text
    assert "standard deviations down)" in text
    assert "Averages over all orders" in text
    assert "Pareto k" in text
    assert "On no number" not in text


def test_findings_that_repeat_each_other_are_told() -> None:
    assert "bits, where its items one by one would add up to −" in said(summarized(corroborated()))


def test_weights_that_cannot_be_relied_on_give_no_number(contradicted: dict[str, Any]) -> None:
    entries = contradicted["power_scaling"]["priors"]
    for entry in entries:
        for key, told in (("half", "at_half"), ("double", "at_double")):
            k = entry["pareto_k"][key]
            assert (entry["success"][told] is None) == (k is not None and k > MAX_PARETO_K)
    broken = json.loads(json.dumps(contradicted))
    for entry in broken["power_scaling"]["priors"]:
        entry["success"]["at_half"], entry["pareto_k"]["half"] = None, 1.25
    text = "\n".join(line.plain for line in lines_trust(broken, 120))
    row = next(line for line in text.splitlines() if line.startswith("a.probability"))
    assert row.split()[3:5] == ["1.25", "?"]


@pytest.mark.parametrize("width", [80, 120])
def test_lines_fit(contradicted: dict[str, Any], width: int) -> None:
    for line in lines_trust(contradicted, width):
        assert line.cell_len <= width


def test_nothing_to_scale() -> None:
    summary = summarized(tell({"a": believe(0.5)}, (SCHEMER, OFF)))
    assert "nothing to scale" in said(summary)
    assert summary["power_scaling"]["priors"] == []


def test_evidence_without_uncertain_numbers_and_the_other_way_round() -> None:
    finding = item("found", {"outcome": True}, bayes_factor={"deceptive": 2, "default": 0})
    certain = summarized(tell({"a": believe(0.5)}, (SCHEMER, OFF), evidence=[finding]))
    entry = certain["power_scaling"]["evidence"][0]
    assert entry["success"]["sensitivity"] is None
    assert entry["success"]["at_double"] == pytest.approx(1 / 17)  # 16 to 1
    assert "about what its items would do one by one" in said(certain)
    uncertain = summarized(tell({"a": believe({"beta": [2, 3]})}, (SCHEMER, OFF)))
    assert "What each finding does" not in said(uncertain)
    assert "a.probability" in said(uncertain)


@settings(
    deadline=None,
    max_examples=8,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(story=small_stories(max_assumptions=3, max_routes=4, certain=False))
def test_every_story_can_be_reported(story: Story) -> None:
    try:
        assessment = assess(resolve(story), method="weighting", draws=256)
    except InputError:
        assume(False)
        raise
    for summary, lines in (
        (summarize_trust(assessment), lines_trust),
        (summarize_global(assessment), lines_global),
    ):
        json.dumps(summary, allow_nan=False)
        for width in (20, 80):
            assert all(line.plain.isprintable() for line in lines(summary, width))
