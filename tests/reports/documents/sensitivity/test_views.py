"""A story under every view, side by side."""

from typing import Any

import pytest
from rich.text import Text
from support.building import believe, item, on_a_class, tell

from storyodds import estimate, summarize
from storyodds.models.assessment.assessment import assess
from storyodds.models.comparison.sides import EVENTS
from storyodds.models.posterior.prepared import prepare
from storyodds.priors.library import View
from storyodds.priors.library import view as load_view
from storyodds.reports.documents.sensitivity import views
from storyodds.reports.documents.sensitivity.views import AS_ASSESSED, summarize_views
from storyodds.reports.terminal.sensitivity.views import lines_views
from storyodds.scenarios.loader import load_story
from storyodds.scenarios.resolve import resolve


def told(summary: Any, width: int = 80) -> str:
    return "\n".join(line.plain for line in lines_views(summary, width))


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    story = load_story("rlhf-assistant")
    return summarize_views(story, assess(resolve(story), draws=256), draws=256)


def test_views_are_those_of_estimates(found: dict[str, Any]) -> None:
    views = {view["name"]: view for view in found["views"]}
    assert list(views) == [AS_ASSESSED, "advocate", "carlsmith", "sceptic", "wide"]
    theirs = summarize(estimate(load_story("rlhf-assistant"), view="sceptic", draws=256))
    odds = views["sceptic"]["odds"]
    assert odds["success"]["mean"] == pytest.approx(theirs["fates"]["success"]["mean"])
    for event in ("intended", "deceptive"):
        for point in ("mean", "q05", "median", "q95"):
            assert odds[event][point] == pytest.approx(theirs["classes"][event][point], rel=1e-12)
    for name, view in views.items():
        if name != AS_ASSESSED:
            for event in EVENTS:
                gap = view["odds"][event]["mean"] - views[AS_ASSESSED]["odds"][event]["mean"]
                assert view["differences"][event]["mean"] == pytest.approx(gap)
            assert view["changed"] > 0
    assert sum(view["weight"] for view in found["views"]) == pytest.approx(1)
    means = [view["weight"] * view["odds"]["success"]["mean"] for view in found["views"]]
    assert found["odds"]["success"]["mean"] == pytest.approx(sum(means))
    assert found["ok"] and found["silent"] == found["impossible"] == []


@pytest.mark.parametrize("width", [40, 80, 120])
def test_lines_fit_and_say_the_range(found: dict[str, Any], width: int) -> None:
    table = [line for line in lines_views(found, width) if "by weight" in line.plain]
    assert len(table) == 1 and all(isinstance(line, Text) for line in table)
    text = told(found, width)
    assert "(advocate) to" in text and "Clearly different" in text
    rows = [line for line in text.splitlines() if line.startswith(("sceptic ", "by weight"))]
    assert rows and max(map(len, rows)) <= width
    assert ("A wider terminal shows more" in text) == (width < 100)


def test_settings_win_over_views(found: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "view_names", lambda: ("wide",))
    story, fixed = load_story("rlhf-assistant"), {"goal-guarding": 0.1}
    assessment = assess(resolve(story, settings=fixed), draws=64)
    _, wide = summarize_views(story, assessment, settings=fixed, draws=64)["views"]
    assert wide["changed"] == found["views"][-1]["changed"] - 1


def test_a_story_of_which_no_view_speaks() -> None:
    story = on_a_class(0.2)
    found = summarize_views(story, assess(resolve(story)))
    assert found["silent"] == ["advocate", "carlsmith", "sceptic", "wide"]
    assert found["ranks"] is None and found["odds"] is None
    assert f"No view changes any of the story's {found['numbers']} numbers." in told(found)


def test_a_view_that_rules_the_evidence_out(monkeypatch: pytest.MonkeyPatch) -> None:
    sure = View(view="sure", title="It is so", set={"a": 0})
    monkeypatch.setattr(views, "view_names", lambda: ("sure",))
    monkeypatch.setattr(views, "load_view", lambda name: sure)
    happened = item(
        "happened",
        {"assumption": "a"},
        counts={"hits": 1, "trials": 1},
        rates={"true": 1.0, "false": 0.0},
    )
    story = tell({"a": believe(0.5)}, evidence=[happened])
    found = summarize_views(story, assess(resolve(story)))
    assert found["impossible"] == ["sure"] and len(found["views"]) == 1


def judged(*more: Any) -> Any:
    """A finding about `a`, which is 0.2, and whatever else is said of it."""
    seen = item(
        "seen",
        {"assumption": "a"},
        counts={"hits": 1, "trials": 1},
        rates={"true": 0.9, "false": 0.1},
    )
    return tell({"a": believe({"interval": [0.1, 0.35]})}, evidence=[seen, *more])


def weights(story: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    other = View(view="other", title="It is likely", set={"a": 0.6})
    monkeypatch.setattr(views, "view_names", lambda: ("other",))
    monkeypatch.setattr(views, "load_view", lambda name: other)
    found = summarize_views(story, assess(resolve(story)))
    return [view["weight"] for view in found["views"]]


def test_views_are_weighed_by_findings_and_not_by_opinions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judge = item("judge", {"assumption": "a"}, forecast=0.25, sd_bits=0.3)
    alone, with_judge = weights(judged(), monkeypatch), weights(judged(judge), monkeypatch)
    assert sum(alone) == pytest.approx(1)
    # P(seen | view) is 0.1 + 0.8 P(a): 0.58 for the other. The judge would rule it out.
    prior = assess(resolve(judged())).prior_averaged
    mean = prior.mean(prior.assumptions)[0]
    expected = 0.58 / (0.58 + 0.1 + 0.8 * mean)
    assert alone[1] == pytest.approx(expected, rel=1e-9)
    # With a forecast P(a) is sampled, in as many draws as an assessment takes.
    assert with_judge[1] == pytest.approx(expected, abs=0.001)
    only = tell({"a": believe({"interval": [0.1, 0.35]})}, evidence=[judge])
    assert weights(only, monkeypatch) == [None, None]


def test_what_was_compiled_for_the_story_serves_under_views() -> None:
    story = load_story("rlhf-assistant")
    written = assess(resolve(story), draws=64).prepared
    viewed = resolve(story, view=load_view("wide"))
    assert assess(viewed, draws=64, like=written).prepared.answers is written.answers
    other = resolve(load_story("cat-classifier"))
    assert prepare(other, like=written).answers is not written.answers
