"""What a comparison says, in plain data and on a terminal."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from support.building import OFF, SCHEMER, believe, item, on_a_class, tell

from storyodds import estimate, save_result, summarize
from storyodds.models.assessment.assessment import assess
from storyodds.models.comparison.sides import EVENTS
from storyodds.priors.distributions.forms import Beta
from storyodds.priors.text.errors import InputError
from storyodds.reports.documents.comparison.pairs import difference
from storyodds.reports.documents.comparison.saved import read_result, saved_side
from storyodds.reports.documents.comparison.sides import Side, story_side
from storyodds.reports.documents.comparison.whole import summarize_comparison
from storyodds.reports.terminal.comparison import print_comparison
from storyodds.scenarios.loader import load_story
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route
from storyodds.scenarios.story import Story

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
    comparison = summarize_comparison([likely, unlikely], draws=64)
    text = " ".join(printed(comparison).split())
    assert (
        "Clear between unlikely and likely: success 90% against 70% (+20 points), intended 90% "
        "against 70% (+20 points), deceptive 10% against 30% (−20 points), benign-failure 5.0% "
        "against 15% (−10 points), catastrophe 5.0% against 15% (−10 points)." in text
    )
    assert "The least chance of catastrophe: unlikely, in 100% of the draws." in text
    assert "a.probability 0.3 → 0.1" in text
    assert "What each change adds points, and what error they have" in text
    assert "a.probability +20 −10 together +20 −10" in text
    assert "likely and unlikely: no uncertain number, so there is nothing to pair." in text
    assert text.endswith("✓ Every side passed its own checks.")


def test_a_story_against_itself() -> None:
    story = on_a_class(WIDE, [seen(7)])
    comparison = summarize_comparison([side(story, "one"), side(story, "two")], draws=256)
    (pair,) = comparison["pairs"]
    for event in EVENTS:
        d = pair["differences"][event]
        assert [d[key] for key in ("mean", "q05", "median", "q95", "larger", "smaller")] == [0] * 6
        assert d["clear"] is False
    assert pair["changed"] == {"numbers": [], "evidence": [], "text": False}
    assert comparison["evidence"]["rivals"][0]["weights"] == pytest.approx([0.5, 0.5])
    assert comparison["summary"] == [
        "two and one have the same odds.",
        "None has the least chance of catastrophe more often than another.",
    ]


def test_sides_say_what_an_estimate_says() -> None:
    story = load_story("coinrun-agent")
    doc = summarize(estimate(story, draws=256, view="wide"))
    from storyodds.priors.library import view

    found = side(story, "wide", 256, view=view("wide"))
    assert found.odds["success"] == pytest.approx(doc["fates"]["success"], rel=1e-12)
    assert found.odds["intended"] == pytest.approx(doc["classes"]["intended"], rel=1e-12)


def test_differences_count_both_ways() -> None:
    gaps = np.array([-0.1] * 3 + [0.0, 1e-14] + [0.2] * 5)
    found = difference(0.0, np.full(10, 0.5), 0.5 + gaps)
    assert (found["smaller"], found["larger"], found["clear"]) == (0.3, 0.5, False)
    assert (found["q05"], found["q95"]) == pytest.approx((-0.1, 0.2))
    assert found["error"] == pytest.approx(np.sqrt(0.025))


def test_rivals_that_speak_of_the_same_evidence_are_weighed() -> None:
    two_steps = SCHEMER.model_copy(update={"requires": ("a", "b")})
    parts = {"a": believe(0.3), "b": believe(0.5)}
    simple = tell({"a": believe(0.1)}, evidence=[seen(7)])
    longer = tell(parts, (two_steps, OFF), evidence=[seen(7)])
    comparison = summarize_comparison([side(simple, "simple"), side(longer, "longer")], draws=64)
    (group,) = comparison["evidence"]["rivals"]
    true, false = 0.8**7 * 0.2**3, 0.2**7 * 0.8**3
    joint = [0.1 * true, 0.3 * true]
    whole = [0.1 * true + 0.9 * false, 0.3 * true + 0.7 * false]
    assert group["weights"] == pytest.approx([w / sum(whole) for w in whole])
    assert group["bits"] == pytest.approx([np.log2(whole[0] / whole[1]), 0])
    deceptive = (joint[0] + joint[1] / 2) / sum(whole)
    assert group["odds"]["deceptive"]["mean"] == pytest.approx(deceptive)
    assert group["items"] == ["seen"] and comparison["evidence"]["apart"] == []
    assert "averaged by weight" in printed(comparison)


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
    comparison = summarize_comparison([side(first, "first"), side(second, "second")], draws=64)
    assert comparison["evidence"]["rivals"] == []
    assert comparison["evidence"]["apart"] == [{"first": "first", "second": "second", "why": why}]
    assert why in " ".join(printed(comparison).split())


def test_a_difference_is_clear_by_more_than_its_error() -> None:
    """Of 100 rows 96 are 95 percent but for chance; of 10,000 they are more."""
    for n, clear in ((100, False), (10_000, True)):
        gaps = np.where(np.arange(n) < 0.96 * n, 0.1, -0.1)
        assert difference(0.1, np.full(n, 0.5), 0.5 + gaps)["clear"] is clear
    assert difference(0.1, np.zeros(1), np.ones(1))["clear"]  # at every number that there is
    tiny = difference(1e-9, np.full(9, 4e-9), np.full(9, 5e-9))
    assert tiny["clear"] and tiny["larger"] == 1


def test_rates_are_how_a_story_explains_and_forecasts_are_opinions() -> None:
    told = [seen(7), seen(7, rates={"true": 0.6, "false": 0.4})]
    sides = [side(on_a_class(0.3, [what]), name) for what, name in zip(told, "ab", strict=True)]
    assert summarize_comparison(sides, draws=64)["evidence"]["rivals"]
    judge = item("judge", {"class": "deceptive"}, forecast=0.1, sd_bits=2.0)
    told = [on_a_class(WIDE, [seen(7)]), on_a_class(WIDE, [seen(7), judge])]
    sides = [side(story, name, 4096) for story, name in zip(told, "ab", strict=True)]
    (group,) = summarize_comparison(sides, draws=64)["evidence"]["rivals"]
    assert group["items"] == ["seen"]
    # The forecast is off, and moves a weight by no more than what its draws leave open.
    error = 5 * (sides[1].log_evidence_error or 0)
    assert group["weights"][0] == pytest.approx(0.5, abs=error)
    bits = [
        item("bits", {"outcome": True}, bayes_factor={"deceptive": x, "default": 0}) for x in (1, 2)
    ]
    sides = [side(on_a_class(0.3, [what]), name) for what, name in zip(bits, "ab", strict=True)]
    assert not summarize_comparison(sides, draws=64)["evidence"]["rivals"]


def test_what_each_change_adds() -> None:
    old, new = (on_a_class(p, [seen(n)]) for p, n in ((WIDE, 7), (Beta(beta=(4, 3)), 8)))
    comparison = summarize_comparison([side(old, "old"), side(new, "new")], draws=256)
    told = comparison["pairs"][0]["contributions"]
    assert told["why"] is None and told["orders"] is None
    assert {one["label"] for one in told["changes"]} == {"a.probability", "evidence seen changed"}
    for event in EVENTS:
        total = sum(one["adds"][event]["mean"] for one in told["changes"])
        mean = comparison["pairs"][0]["differences"][event]["mean"]
        assert total == pytest.approx(mean, abs=1e-12)
    assert "together" in printed(comparison)


def test_two_stories_have_no_changes_to_tell_apart() -> None:
    sides = [side(load_story(name), name, 64) for name in ("cat-classifier", "coinrun-agent")]
    (pair,) = summarize_comparison(sides, draws=64)["pairs"]
    assert pair["changed"] is pair["contributions"] is None


def test_why_draws_are_independent() -> None:
    route = SCHEMER.model_copy(update={"requires": "b"})
    one, two = side(on_a_class(WIDE), "1", 64), side(tell({"b": believe(WIDE)}, (route, OFF)), "2")
    simulated = assess(resolve(on_a_class(WIDE)), draws=64, method="simulation")
    found = summarize_comparison([two, one, story_side(simulated, "3")], draws=64)["pairs"]
    assert [pair["how"] for pair in found] == ["independent"] * 3
    assert "no uncertain number has the same name" in found[0]["why"]
    assert all("simulated states" in pair["why"] for pair in found[1:])


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result saved in both ways, of which every test gets a copy of its own."""
    folder = tmp_path_factory.mktemp("sound")
    result = estimate(on_a_class(WIDE, [seen(7)]), draws=256)
    save_result(result, folder / "old.nc")
    (folder / "old.json").write_text(json.dumps(summarize(result)), "utf-8")
    return folder


@pytest.fixture
def saved(tmp_path: Path, sound: Path) -> tuple[str, str]:
    shutil.copytree(sound, tmp_path, dirs_exist_ok=True)
    return str(tmp_path / "old.nc"), str(tmp_path / "old.json")


def read(path: str | Path) -> Side:
    return saved_side(read_result(path))


def test_saved_results_against_a_story(saved: tuple[str, str]) -> None:
    story = on_a_class(Beta(beta=(3, 3)), [seen(6)])
    draws, means = (read(path) for path in saved)
    comparison = summarize_comparison([side(story, "now"), draws, means, draws], draws=256)
    by_name = {(pair["first"], pair["second"]): pair for pair in comparison["pairs"]}
    against = by_name["now", "old.nc"]
    assert against["how"] == "paired" and against["moved"] == ["a.probability"]
    assert against["changed"]["numbers"] == [
        {"name": "a.probability", "old": {"beta": [3.0, 3.0]}, "new": {"beta": [2.0, 3.0]}}
    ]
    assert [entry["name"] for entry in against["changed"]["evidence"]] == ["seen"]
    assert against["changed"]["text"] is True
    assert len(against["contributions"]["changes"]) == 2
    plain = by_name["now", "old.json"]
    assert plain["how"] is None and "no draws were kept of old.json" in plain["why"]
    for event in EVENTS:
        d = plain["differences"][event]
        assert d["mean"] == against["differences"][event]["mean"]
        assert d["q05"] is d["larger"] is d["clear"] is None
    assert plain["changed"]["evidence"] is None
    assert "no story is at hand of old.json" in plain["contributions"]["why"]
    assert "keeps no counts" in comparison["evidence"]["apart"][1]["why"]
    assert comparison["evidence"]["rivals"][0]["sides"] == ["old.nc", "old.nc"]
    text = printed(comparison)
    assert "no draws" in text and "What old.nc changes" in text
    assert [rank["name"] for rank in comparison["ranks"]["success"]] == ["now", "old.nc", "old.nc"]
    json.dumps(comparison, allow_nan=False)


def test_saved_results_are_compared_as_their_stories_are(tmp_path: Path) -> None:
    """After one changed number, at the same numbers; those of a view and a setting come along."""
    story, settings = load_story("coinrun-agent"), {"path-dependence": [0.6, 0.9]}
    options: list[dict[str, Any]] = [{}, {"settings": settings}, {"view": "wide"}]
    paths = [tmp_path / f"{k}.nc" for k in range(len(options))]
    for path, chosen in zip(paths, options, strict=True):
        save_result(estimate(story, draws=256, **chosen), path)
    results = [read(path) for path in paths]
    assert all(result.why_alone is None for result in results)
    of_files = summarize_comparison(results[:2], draws=256)
    written = side(story, "0.nc", 256)
    moved = side(story, "1.nc", 256, settings=settings)
    of_stories = summarize_comparison([written, moved], draws=256)
    ours, theirs = of_files["pairs"][0], of_stories["pairs"][0]
    for event, d in ours["differences"].items():  # but for rounding
        assert d == pytest.approx(theirs["differences"][event], rel=1e-9, abs=1e-14)
    (one,), (other,) = (pair["contributions"]["changes"] for pair in (ours, theirs))
    assert one["label"] == other["label"] == "path-dependence.probability"
    adds = one["adds"]["success"]["mean"]
    assert adds == pytest.approx(ours["differences"]["success"]["mean"], abs=1e-14)
    assert ours["how"] == "paired" and ours["moved"] == ["path-dependence.probability"]


def test_a_result_that_does_not_come_out_again_stands_alone(tmp_path: Path) -> None:
    story = on_a_class(WIDE, [seen(7)])
    result = estimate(story, draws=256)
    meta = json.loads(result.attrs["meta"])
    assert "\nevidence:" in meta["story_yaml"]
    meta["story_yaml"] = meta["story_yaml"].replace("hits: 7", "hits: 2")
    result.attrs["meta"] = json.dumps(meta)
    save_result(result, tmp_path / "old.nc")
    old = read(tmp_path / "old.nc")
    assert old.why_alone is not None and "another version" in old.why_alone
    (pair,) = summarize_comparison([side(story, "now"), old], draws=256)["pairs"]
    assert pair["how"] == "independent" and "another version" in pair["why"]
    assert "no story is at hand of old.nc" in pair["contributions"]["why"]
    # Its own draws, and the same posterior: half of the rows are above, half below.
    d = pair["differences"]["deceptive"]
    assert d["larger"] == pytest.approx(0.5, abs=0.15) and not d["clear"]


def test_two_results_without_draws(saved: tuple[str, str]) -> None:
    means = read(saved[1])
    comparison = summarize_comparison([means, means])
    assert comparison["draws"] == 0 and comparison["ranks"] == {
        "success": None,
        "catastrophe": None,
    }
    assert "no difference can be called clear" in printed(comparison)


def test_exact_results_need_no_draws(tmp_path: Path) -> None:
    path = tmp_path / "sure.json"
    path.write_text(json.dumps(summarize(estimate(on_a_class(0.2)))), "utf-8")
    comparison = summarize_comparison([read(path), side(on_a_class(0.5), "now")], draws=64)
    d = comparison["pairs"][0]["differences"]["deceptive"]
    assert [d["mean"], d["q05"], d["q95"]] == pytest.approx([0.3] * 3) and d["clear"]


def test_one_row_of_simulated_states_has_no_interval(tmp_path: Path) -> None:
    path = tmp_path / "simulated.nc"
    save_result(estimate(on_a_class(0.2), method="simulation", draws=64), path)
    assert read(path).posterior is None


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("lod.nc", None, "did you mean 'old.nc'?"),
        ("new.nc", "no result", "damaged, or no result"),
        ("new.json", "no result", "not JSON"),
        ("new.json", "[1, 2]", "expected the result of one story"),
        ("new.json", '{"schema": "else/1"}', "found 'else/1', expected 'storyodds/estimate/1'"),
        ("new.json", "7", "schema: found 7"),
        ("new.json", '{"schema": "storyodds/estimate/1"}', "the key 'title' is missing"),
        ("new.json", '{"a": 1, "a": 2}', "found the key 'a' a second time"),
        ("new.json", '{"a": Infinity}', "found Infinity, which is no JSON number"),
        ("new.json", '{"a": 1e999}', "found a number beyond 1.8e308"),
        ("new.json", f'{{"a": 1{"0" * 400}}}', "found a whole number of more than 18 digits"),
        ("new.json", f"{'[' * 40}{']' * 40}", "found more than 32 levels of nesting"),
        ("new.json", "[" * 100_000, "found more than 32 levels of nesting"),
        ("new.json", '{"a": "pay\\u200bment"}', "U+200B (zero width space)"),
        ("new.json", '{"a": "\\ud800"}', "U+D800 (half a character)"),
    ],
)
def test_wrong_files(saved: tuple[str, str], name: str, content: str | None, sentence: str) -> None:
    path = Path(saved[0]).parent / name
    if content is not None:
        path.write_text(content, "utf-8")
    with pytest.raises(InputError) as caught:
        read(path)
    assert sentence in str(caught.value) and name in str(caught.value)


def test_a_key_that_is_misspelled_is_missed(saved: tuple[str, str]) -> None:
    path = Path(saved[1])
    path.write_text(path.read_text("utf-8").replace('"seed"', '"sead"'), "utf-8")
    with pytest.raises(InputError, match="the key 'seed' is missing"):
        read(path)


CHANCE = "expected a number between 0 and 1"
CHANGED: list[tuple[tuple[str, ...], Any, str]] = [
    (("classes", "intended", "mean"), 1.5, f"found 1.5, {CHANCE}"),
    (("classes", "intended", "mean"), True, "found true, expected a number"),
    (("classes", "intended", "mean"), 0.0, "classes: found means that sum to"),
    (("fates", "halted", "q05"), 1.0, "expected q05, median and q95 in order"),
    (("fates", "halted", "q05"), float("nan"), "found NaN, which is no JSON number"),
    (("fates", "halted"), [], "found an empty list, expected a mapping"),
    (("diagnostics", "ok"), None, "found nothing, expected true or false"),
    (("diagnostics", "draws"), 0, "found 0, expected a number of 1 or more"),
    (("diagnostics", "ess"), -1.0, "found -1, expected a number of 0 or more"),
    (("diagnostics", "messages"), [1], "diagnostics.messages[0]: found 1, expected text"),
    (("diagnostics", "standard_errors", "halted", "mean"), "x", "found 'x', expected a number"),
    (("evidence", "log_probability"), float("inf"), "found Infinity"),
    (("evidence", "log_probability"), 10**400, "a whole number of more than 18 digits"),
    (("evidence", "items"), [{}], "evidence.items[0]: the key 'id' is missing"),
    (("seed",), "one", "found 'one', expected a whole number"),
    (("method",), "guess", "found 'guess', expected"),
    (("provenance",), [{"name": "a"}], "provenance[0]: the key 'form' is missing"),
    (("settings",), [], "found an empty list, expected a mapping"),
    (("view",), 3, "found 3, expected text"),
    (("story_sha256",), "0" * 63, "expected a SHA-256 hash"),
    (("title",), "\u202eon", "U+202E (right-to-left override)"),
]


@pytest.mark.parametrize(("place", "value", "sentence"), CHANGED)
def test_results_that_were_changed_are_refused(
    saved: tuple[str, str], place: tuple[str, ...], value: Any, sentence: str
) -> None:
    path = Path(saved[1])
    data = json.loads(path.read_text("utf-8"))
    inner = data
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    path.write_text(json.dumps(data), "utf-8")
    with pytest.raises(InputError) as caught:
        read(path)
    assert sentence in str(caught.value)
    assert all(str(path) == problem.file for problem in caught.value.problems)


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_no_line_is_too_long(width: int, saved: tuple[str, str]) -> None:
    names = ["one", "a-name-that-is-as-long-as-names-of-stories-can-be", "three"]
    stories = [on_a_class(WIDE, [seen(7)]), on_a_class(0.2), on_a_class(Beta(beta=(1, 4)))]
    sides = [side(story, name, 64) for story, name in zip(stories, names, strict=True)]
    text = printed(summarize_comparison([*sides, read(saved[1])], draws=64), width)
    assert max(map(len, text.splitlines())) <= width
    assert all(line == line.rstrip() for line in text.splitlines())


def test_what_cannot_be_relied_on_says_so() -> None:
    sure = item("sure", {"class": "deceptive"}, forecast=1e-6, sd_bits=0.05)
    route = Route(id="scheme", class_="deceptive", bits=(-8, 8), harm=0.1)
    story = tell({}, (route, OFF), evidence=[sure])
    doubtful = story_side(assess(resolve(story), draws=64, method="weighting"), "doubtful")
    comparison = summarize_comparison([doubtful, side(on_a_class(0.1), "sound")], draws=64)
    assert comparison["diagnostics"]["ok"] is False
    assert all(
        message.startswith("doubtful: ") for message in comparison["diagnostics"]["messages"]
    )
    assert "NOT RELIABLE" in printed(comparison) and "✗ Not sound:" in printed(comparison)
