"""What a comparison says, in plain data and on a terminal."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from support.building import OFF, SCHEMER, believe, item, on_a_class, tell

from storyodds import estimate, save_result, summarize
from storyodds.models.assessment import assess
from storyodds.models.comparison import EVENTS
from storyodds.priors.errors import InputError
from storyodds.priors.forms import Beta
from storyodds.reports.comparison import difference, summarize_comparison
from storyodds.reports.comparison_sides import Side, saved_side, story_side
from storyodds.reports.comparison_table import print_comparison
from storyodds.scenarios.loader import load_story
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route, Story

WIDE = Beta(beta=(2, 3))


def side(story: Story, name: str, draws: int = 512, **changes: Any) -> Side:
    return story_side(assess(resolve(story, **changes), draws=draws), name)


def seen(hits: int, **parts: Any) -> Any:
    rates = {"true": 0.8, "false": 0.2}
    given = {"counts": {"hits": hits, "trials": 10}, "rates": rates}
    return item("seen", {"assumption": "a"}, **(given | parts))


def printed(summary: Any, width: int = 80) -> str:
    out = io.StringIO()
    print_comparison(Console(file=out, width=width, highlight=False), summary)
    return out.getvalue()


def test_the_very_words() -> None:
    likely, unlikely = side(on_a_class(0.3), "likely"), side(on_a_class(0.1), "unlikely")
    found = summarize_comparison([likely, unlikely], draws=64)
    text = " ".join(printed(found).split())
    assert (
        "Clear between unlikely and likely: success 90% against 70%, intended 90% against 70%, "
        "deceptive 10% against 30%, catastrophe 5.0% against 15%." in text
    )
    assert "The least chance of catastrophe: unlikely, in 100% of the draws." in text
    assert "a.probability 0.3 → 0.1" in text
    assert "likely and unlikely: no uncertain number, so there is nothing to pair." in text
    assert text.endswith("✓ Every side passed its own checks.")


def test_a_story_against_itself() -> None:
    story = on_a_class(WIDE, [seen(7)])
    found = summarize_comparison([side(story, "one"), side(story, "two")], draws=256)
    (pair,) = found["pairs"]
    for event in EVENTS:
        d = pair["differences"][event]
        assert [d[key] for key in ("mean", "q05", "median", "q95", "larger", "smaller")] == [0] * 6
        assert d["clear"] is False
    assert pair["changed"] == {"numbers": [], "evidence": [], "text": False}
    assert found["evidence"]["rivals"][0]["weights"] == pytest.approx([0.5, 0.5])
    assert found["summary"] == [
        "two has the same odds as one.",
        "None has the least chance of catastrophe more often than another.",
    ]


def test_sides_say_what_an_estimate_says() -> None:
    story = load_story("coinrun-agent")
    told = summarize(estimate(story, draws=256, view="wide"))
    from storyodds.priors.library import view

    found = side(story, "wide", 256, view=view("wide"))
    assert found.odds["success"] == pytest.approx(told["fates"]["success"], rel=1e-12)
    assert found.odds["intended"] == pytest.approx(told["classes"]["intended"], rel=1e-12)


def test_differences_count_both_ways() -> None:
    found = difference(0.0, np.array([-0.1] * 3 + [0.0, 1e-14] + [0.2] * 5))
    assert (found["smaller"], found["larger"], found["clear"]) == (0.3, 0.5, False)
    assert (found["q05"], found["q95"]) == (-0.1, 0.2)
    assert found["error"] == pytest.approx(np.sqrt(0.025))


def test_rivals_that_speak_of_the_same_evidence_are_weighed() -> None:
    two_steps = SCHEMER.model_copy(update={"requires": ("a", "b")})
    parts = {"a": believe(0.3), "b": believe(0.5)}
    simple = tell({"a": believe(0.1)}, evidence=[seen(7)])
    longer = tell(parts, (two_steps, OFF), evidence=[seen(7)])
    found = summarize_comparison([side(simple, "simple"), side(longer, "longer")], draws=64)
    (group,) = found["evidence"]["rivals"]
    true, false = 0.8**7 * 0.2**3, 0.2**7 * 0.8**3
    joint = [0.1 * true, 0.3 * true]
    whole = [0.1 * true + 0.9 * false, 0.3 * true + 0.7 * false]
    assert group["weights"] == pytest.approx([w / sum(whole) for w in whole])
    assert group["bits"] == pytest.approx([np.log2(whole[0] / whole[1]), 0])
    deceptive = (joint[0] + joint[1] / 2) / sum(whole)
    assert group["odds"]["deceptive"]["mean"] == pytest.approx(deceptive)
    assert group["items"] == ["seen"] and found["evidence"]["apart"] == []
    assert "averaged by weight" in printed(found)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ([seen(6)], "seen does not say the same in both"),
        ([seen(7, source={"cite": "Else 2024"})], "seen does not say the same in both"),
        ([], "second does not have seen, which first has"),
    ],
    ids=["counts", "source", "none"],
)
def test_other_evidence_is_not_comparable(other: Any, why: str) -> None:
    first, second = on_a_class(0.3, [seen(7)]), on_a_class(0.3, other)
    found = summarize_comparison([side(first, "first"), side(second, "second")], draws=64)
    assert found["evidence"]["rivals"] == []
    assert found["evidence"]["apart"] == [{"first": "first", "second": "second", "why": why}]
    assert why in " ".join(printed(found).split())


def test_rates_and_forecast_precision_are_how_a_story_explains() -> None:
    told = [seen(7), seen(7, rates={"true": 0.6, "false": 0.4})]
    sides = [side(on_a_class(0.3, [what]), name) for what, name in zip(told, "ab", strict=True)]
    assert summarize_comparison(sides, draws=64)["evidence"]["rivals"]
    judge = [
        item("judge", {"class": "deceptive"}, forecast=q, sd_bits=sd)
        for q, sd in ((0.2, 1.0), (0.2, 2.0), (0.4, 1.0))
    ]
    a, b, c = (side(on_a_class(0.3, [what]), name) for what, name in zip(judge, "abc", strict=True))
    found = summarize_comparison([a, b, c], draws=64)["evidence"]
    assert [group["sides"] for group in found["rivals"]] == [["a", "b"]]
    assert len(found["apart"]) == 2
    bits = [
        item("bits", {"outcome": True}, bayes_factor={"deceptive": x, "default": 0}) for x in (1, 2)
    ]
    sides = [side(on_a_class(0.3, [what]), name) for what, name in zip(bits, "ab", strict=True)]
    assert not summarize_comparison(sides, draws=64)["evidence"]["rivals"]


def test_why_draws_are_independent() -> None:
    priors = (WIDE, Beta(beta=(3, 2)))
    one, two = (side(on_a_class(p), name, 64) for p, name in zip(priors, ("1", "2"), strict=True))
    assert one.posterior is not None
    chains = replace(one, posterior=replace(one.posterior, weighted=None))
    found = summarize_comparison([two, one, chains], draws=64)["pairs"]
    assert [pair["how"] for pair in found] == ["independent"] * 3
    assert "same name and the same prior" in found[0]["why"]
    assert "only weighted draws" in found[1]["why"] and "only weighted draws" in found[2]["why"]


@pytest.fixture
def saved(tmp_path: Path) -> tuple[str, str]:
    result = estimate(on_a_class(WIDE, [seen(7)]), draws=256)
    save_result(result, tmp_path / "old.nc")
    (tmp_path / "old.json").write_text(json.dumps(summarize(result)), "utf-8")
    return str(tmp_path / "old.nc"), str(tmp_path / "old.json")


def test_saved_results_against_a_story(saved: tuple[str, str]) -> None:
    story = on_a_class(Beta(beta=(3, 3)), [seen(6)])
    draws, means = (saved_side(path) for path in saved)
    found = summarize_comparison([side(story, "now"), draws, means, draws], draws=256)
    by_name = {(pair["first"], pair["second"]): pair for pair in found["pairs"]}
    against = by_name["now", "old.nc"]
    assert against["how"] == "independent" and "independent of all others" in against["why"]
    assert against["changed"]["numbers"] == [
        {"name": "a.probability", "old": {"beta": [3.0, 3.0]}, "new": {"beta": [2.0, 3.0]}}
    ]
    assert [entry["name"] for entry in against["changed"]["evidence"]] == ["seen"]
    assert against["changed"]["text"] is True
    plain = by_name["now", "old.json"]
    assert plain["how"] is None and "no draws were kept of old.json" in plain["why"]
    for event in EVENTS:
        d = plain["differences"][event]
        assert d["mean"] == against["differences"][event]["mean"]
        assert d["q05"] is d["larger"] is d["clear"] is None
    assert plain["changed"]["evidence"] is None
    assert by_name["old.nc", "old.nc"]["how"] == "same"
    assert "keeps no counts" in found["evidence"]["apart"][1]["why"]
    assert found["evidence"]["rivals"][0]["sides"] == ["old.nc", "old.nc"]
    text = printed(found)
    assert "no draws" in text and "What old.nc changes" in text
    assert [rank["name"] for rank in found["ranks"]["success"]] == ["now", "old.nc", "old.nc"]
    json.dumps(found, allow_nan=False)


def test_two_results_without_draws(saved: tuple[str, str]) -> None:
    means = saved_side(saved[1])
    found = summarize_comparison([means, means])
    assert found["draws"] == 0 and found["ranks"] == {"success": None, "catastrophe": None}
    assert "no difference can be called clear" in printed(found)


def test_exact_results_need_no_draws(tmp_path: Path) -> None:
    path = tmp_path / "sure.json"
    path.write_text(json.dumps(summarize(estimate(on_a_class(0.2)))), "utf-8")
    found = summarize_comparison([saved_side(str(path)), side(on_a_class(0.5), "now")], draws=64)
    d = found["pairs"][0]["differences"]["deceptive"]
    assert [d["mean"], d["q05"], d["q95"]] == pytest.approx([0.3] * 3) and d["clear"]


def test_one_row_of_simulated_states_has_no_interval(tmp_path: Path) -> None:
    path = tmp_path / "simulated.nc"
    save_result(estimate(on_a_class(0.2), method="simulation", draws=64), path)
    assert saved_side(str(path)).posterior is None


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("lod.nc", None, "did you mean 'old.nc'?"),
        ("new.nc", "no result", "did not write"),
        ("new.json", "no result", "not JSON"),
        ("new.json", "[1, 2]", "expected the result of one story"),
        ("new.json", '{"schema": "else/1"}', "found 'else/1', expected 'storyodds/estimate/1'"),
        ("new.json", "7", "schema: found 7"),
        ("new.json", '{"schema": "storyodds/estimate/1"}', "parts missing or changed"),
    ],
)
def test_wrong_files(saved: tuple[str, str], name: str, content: str | None, sentence: str) -> None:
    path = Path(saved[0]).parent / name
    if content is not None:
        path.write_text(content, "utf-8")
    with pytest.raises(InputError, match="expected") as caught:
        saved_side(str(path))
    assert sentence in str(caught.value) and name in str(caught.value)


def test_chances_out_of_range_are_refused(saved: tuple[str, str]) -> None:
    path = Path(saved[1])
    found = json.loads(path.read_text("utf-8"))
    found["classes"]["intended"]["mean"] = 1.5
    path.write_text(json.dumps(found), "utf-8")
    with pytest.raises(InputError, match="parts missing or changed"):
        saved_side(str(path))


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_no_line_is_too_long(width: int, saved: tuple[str, str]) -> None:
    names = ["one", "a-name-that-is-as-long-as-names-of-stories-can-be", "three"]
    stories = [on_a_class(WIDE, [seen(7)]), on_a_class(0.2), on_a_class(Beta(beta=(1, 4)))]
    sides = [side(story, name, 64) for story, name in zip(stories, names, strict=True)]
    text = printed(summarize_comparison([*sides, saved_side(saved[1])], draws=64), width)
    assert max(map(len, text.splitlines())) <= width
    assert all(line == line.rstrip() for line in text.splitlines())


def test_what_cannot_be_relied_on_says_so() -> None:
    sure = item("sure", {"class": "deceptive"}, forecast=1e-6, sd_bits=0.05)
    route = Route(id="scheme", class_="deceptive", bits=(-8, 8), harm=0.1)
    story = tell({}, (route, OFF), evidence=[sure])
    doubtful = story_side(assess(resolve(story), draws=64, method="weighting"), "doubtful")
    found = summarize_comparison([doubtful, side(on_a_class(0.1), "sound")], draws=64)
    assert found["diagnostics"]["ok"] is False
    assert all(message.startswith("doubtful: ") for message in found["diagnostics"]["messages"])
    assert "NOT RELIABLE" in printed(found) and "✗ Not sound:" in printed(found)
