"""What is worked out for a page: the same as the command line says, of files as they are now."""

import html
import json
from pathlib import Path
from typing import Any

import pytest
from support.command_line import SMALL
from support.features import FEATURES
from support.impossible_story import IMPOSSIBLE

from storyodds import load_story, load_text
from storyodds.models.assessment.assessment import assess
from storyodds.models.story.events import EVENTS
from storyodds.priors.library import view
from storyodds.reports.documents.estimate import summarize
from storyodds.reports.live import pages, reading, tasks
from storyodds.reports.live.tasks import Computer
from storyodds.reports.words.endings import CLASS_GLOSSES, FATE_GLOSSES
from storyodds.scenarios.loader import bundled_stories
from storyodds.scenarios.resolve import resolve

STORY = "coinrun-agent"


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    return Computer(tmp_path, draws=256, seed=5)


def done(computer: Computer, do: str, **asked: Any) -> Any:
    found = computer.do({"do": do, **asked})
    assert "done" in found, found
    return found["done"]


def answer(computer: Computer, story: str = STORY, **state: Any) -> Any:
    return done(computer, "answer", story=story, state=state)


def problems(computer: Computer, do: str = "answer", **asked: Any) -> list[str]:
    return [problem["message"] for problem in computer.do({"do": do, **asked})["problems"]]


def estimated(**changes: Any) -> Any:
    found = assess(resolve(load_story(STORY), **changes), method="weighting", draws=256, seed=5)
    summary = summarize(found)
    return {**summary["classes"], **summary["fates"]}


def test_draws_that_a_forecast_excludes(tmp_path: Path) -> None:
    """Where a condition is true or false at every draw, a forecast has nothing to weigh at some."""
    (tmp_path / "features.yaml").write_text(FEATURES.replace("RESULT", "flagged"), "utf-8")
    state = {"view": "carlsmith", "set": {"aware.probability": "{beta: [1.0e-9, 1.0e-9]}"}}
    found = done(Computer(tmp_path, draws=64), "answer", story="features", state=state)
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("state", "changes"),
    [
        ({}, {}),
        ({"view": "sceptic"}, {"view": view("sceptic")}),
        (
            {"set": {"something-else.bits": "[0, 3]"}},
            {"settings": {"something-else.bits": [0, 3]}},
        ),
    ],
    ids=["as written", "view", "set"],
)
def test_answers_are_those_of_estimate(computer: Computer, state: Any, changes: Any) -> None:
    found, expected = answer(computer, **state)["odds"], estimated(**changes)
    written = estimated()
    for event in EVENTS:
        now, before = found[event]["now"], found[event]["before"]
        assert now["mean"] == pytest.approx(expected[event]["mean"], rel=1e-9)
        assert before["mean"] == pytest.approx(written[event]["mean"], rel=1e-9)
        change = found[event]["difference"]["mean"]
        assert change == pytest.approx(now["mean"] - before["mean"])


def test_what_was_asked_before_changes_nothing(computer: Computer, tmp_path: Path) -> None:
    states = [
        {"off": ["check:no-such"]},
        {"set": {"something-else.bits": "[0, 3]"}},
        {},
        {"view": "wide"},
    ]
    parts = done(computer, "describe", story=STORY)["parts"]
    states += [{"off": [part["id"]]} for part in parts]
    states += [{"off": [part["id"] for part in parts]}]
    asked = [computer.do({"do": "answer", "story": STORY, "state": state}) for state in states]
    for state, found in reversed([*zip(states, asked, strict=True)]):
        fresh = Computer(tmp_path, draws=256, seed=5)
        assert fresh.do({"do": "answer", "story": STORY, "state": state}) == found


def test_a_full_answer_is_that_of_estimate(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "SETTLED_DRAWS", 256)
    found = done(computer, "settle", story=STORY, state={"view": "sceptic"})
    expected = summarize(
        assess(resolve(load_story(STORY), view=view("sceptic")), draws=256, seed=5)
    )
    odds = {**expected["classes"], **expected["fates"]}
    for event in EVENTS:
        assert {key: found["odds"][event]["now"][key] for key in odds[event]} == odds[event]
    assert [path["concern"]["mean"] for path in found["paths"]] == [
        path["concern"]["mean"] for path in expected["paths"][: len(found["paths"])]
    ]


def test_every_number_has_a_control_that_reads_back(computer: Computer) -> None:
    for story in ("rlhf-assistant", "carlsmith-six-premises"):
        told = done(computer, "describe", story=story)
        assert [n["name"] for n in told["numbers"]] == [
            n.name for n in resolve(load_story(story)).numbers
        ]
        everything = {number["name"]: number["prior"] for number in told["numbers"]}
        again = answer(computer, story, set=everything)
        assert {e: again["odds"][e]["now"] for e in EVENTS} == {
            e: told["answer"]["odds"][e]["now"] for e in EVENTS
        }


def test_numbers_that_a_view_changes_are_told(computer: Computer) -> None:
    found = answer(computer, "rlhf-assistant", view="sceptic")["numbers"]
    story = load_story("rlhf-assistant")
    pairs = zip(resolve(story).numbers, resolve(story, view=view("sceptic")).numbers, strict=True)
    assert set(found) == {now.name for was, now in pairs if was.form != now.form} != set()


def test_every_mistake_is_told(computer: Computer) -> None:
    state = {
        "set": {"nope": "0.5", "something-else.harm": "[0.5, 0.1]", "something-else.bits": "[1,"},
        "off": ["check:nope", "evidence:nope"],
    }
    assert len(problems(computer, story=STORY, state=state)) == 5


def test_text_is_never_more_than_a_prior(computer: Computer) -> None:
    for text in ("!!python/object/apply:os.getcwd []", "&a [*a, *a]", "__import__('os')", "nan"):
        assert problems(computer, story=STORY, state={"set": {"something-else.harm": text}})


def test_a_file_is_read_again_when_it_changes(computer: Computer, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(SMALL, "utf-8")
    before = answer(computer, "mine")["odds"]["deceptive"]["now"]["mean"]
    path.write_text(SMALL.replace("probability: 0.3", "probability: 0.95"), "utf-8")
    after = answer(computer, "mine")["odds"]["deceptive"]["now"]["mean"]
    assert after > before
    path.write_text("story: five\n", "utf-8")
    assert problems(computer, story="mine", state={})
    path.unlink()
    assert computer.do({"do": "answer", "story": "mine", "state": {}})["unknown"]


def test_the_list_tells_broken_stories_from_right_ones(computer: Computer, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(SMALL, "utf-8")
    (tmp_path / "broken.yaml").write_text("story: 5\n", "utf-8")
    (tmp_path / "No Name.yaml").write_text(SMALL, "utf-8")
    listed = done(computer, "list")
    found = {story["id"]: story for story in listed["stories"]}
    assert set(found) == {"good", "broken", *bundled_stories()}
    assert found["good"]["title"] == load_text(SMALL).title and not found["good"]["problems"]
    mistakes = found["broken"]["problems"]
    assert mistakes and {mistake["file"] for mistake in mistakes} == {"broken.yaml"}
    assert [item["file"] for item in listed["refused"]] == ["No Name.yaml"]
    html = done(computer, "home")["html"]
    assert "No Name.yaml" in html and "broken.yaml:1:" in html
    assert "This story has mistakes" in done(computer, "story", story="broken")["html"]


def test_only_so_much_is_kept(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_STORIES", 2)
    monkeypatch.setattr(tasks, "_STRUCTURES", 1)
    names = [*bundled_stories()][3:7]
    first = [answer(computer, name) for name in names]
    assert [answer(computer, name) for name in names] == first
    assert len(computer._stories._kept) == 2


@pytest.mark.parametrize(
    "state", [{"off": ["evidence:no-tub"]}, {"set": {"no-lung.rates.true": "0.5"}}]
)
def test_an_impossible_story_can_be_mended(computer: Computer, tmp_path: Path, state: Any) -> None:
    (tmp_path / "impossible.yaml").write_text(IMPOSSIBLE, "utf-8")
    for _ in range(2):  # it is remembered, and stays a mistake
        (message,) = problems(computer, story="impossible", state={})
        assert "impossible" in message
    told = done(computer, "describe", story="impossible")
    assert told["answer"] is None and [it["message"] for it in told["problems"]] == [message]
    page = done(computer, "story", story="impossible")["html"]
    assert "What you change here may mend it" in page and message in page
    mended = answer(computer, "impossible", **state)["odds"]
    assert {entry["before"] for entry in mended.values()} == {None}
    resolved = resolve(
        load_text(IMPOSSIBLE),
        settings={name: float(value) for name, value in state.get("set", {}).items()}
        | dict.fromkeys(state.get("off", ()), "off"),
    )
    expected = summarize(assess(resolved))
    assert mended["catastrophe"]["now"]["mean"] == pytest.approx(
        expected["fates"]["catastrophe"]["mean"], rel=1e-9
    )
    full = done(computer, "settle", story="impossible", state=state)["odds"]
    assert full["catastrophe"]["now"]["mean"] == pytest.approx(
        expected["fates"]["catastrophe"]["mean"], rel=1e-9
    )


@pytest.mark.parametrize("error", [ZeroDivisionError, RecursionError, TimeoutError])
def test_one_bad_file_keeps_no_story_away(
    computer: Computer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    for name in ("good", "bad"):
        (tmp_path / f"{name}.yaml").write_text(SMALL.replace("small", name), "utf-8")

    def resolve_all_but_bad(story: Any) -> Any:
        if story.story == "bad":
            raise error
        return resolve(story)

    monkeypatch.setattr(reading, "resolve", resolve_all_but_bad)
    for _ in range(2):
        found = {story["id"]: story for story in done(computer, "list")["stories"]}
        assert found["good"]["title"] and not found["good"]["problems"]
        assert [it["file"] for it in found["bad"]["problems"]] == ["bad.yaml"]
    assert answer(computer, "good") and problems(computer, story="bad", state={})
    assert "This story has mistakes" in done(computer, "story", story="bad")["html"]


def test_a_file_that_is_not_read_in_time_is_a_mistake_of_its_own(
    computer: Computer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "endless.yaml").write_text(SMALL, "utf-8")

    def endless(story: Any) -> Any:
        while story.story == "small":
            pass
        return resolve(story)

    monkeypatch.setattr(reading, "resolve", endless)
    monkeypatch.setattr(reading, "READING_SECONDS", 0.2)
    (message,) = problems(computer, story="endless", state={})
    assert "0.2 seconds" in message


def test_odds_on_the_day_of_the_decision_are_those_of_estimate(computer: Computer) -> None:
    odds = answer(computer)["odds"]
    resolved = resolve(load_story(STORY))
    day = summarize(assess(resolved, method="weighting", draws=256, seed=5))["deployed"]
    for name, entry in (
        ("deployed", day["probability"]),
        ("success-given-deployed", day["success"]),
        ("catastrophe-given-deployed", day["catastrophe"]),
        ("deceptive-given-deployed", day["classes"]["deceptive"]),
    ):
        assert odds[name]["now"]["mean"] == pytest.approx(entry["mean"], rel=1e-9), name
    text = SMALL + "checks: [{id: audit, claim: All is flagged., flags: {default: 1}}]\n"
    (computer.folder / "halted.yaml").write_text(text, "utf-8")
    halted = answer(computer, "halted")["odds"]
    assert halted["success-given-deployed"]["now"] is None
    assert halted["deployed"]["now"]["mean"] == 0


def test_opinions_are_told_apart(computer: Computer) -> None:
    story = "rlhf-assistant"
    told = done(computer, "describe", story=story)
    labels = {part["id"]: part["label"] for part in told["parts"]}
    assert labels["evidence:greenblatt-forecast"] == "greenblatt-forecast (opinion)"
    assert labels["evidence:compliance-gap-survey"] == "compliance-gap-survey"
    without = answer(computer, story, off=["evidence:greenblatt-forecast"])
    assert without["opinions"] is None
    words = without["odds"]["success"]["now"]["words"]
    assert told["answer"]["opinions"].startswith("A forecast is an opinion")
    assert f"success {words} " in told["answer"]["opinions"]


def test_a_risk_argument_speaks_of_catastrophe_alone(computer: Computer) -> None:
    page = done(computer, "story", story="carlsmith-six-premises")["html"]
    assert "Chance of catastrophe" in page and "Chance of success" not in page
    assert "Chance of success" in done(computer, "story", story=STORY)["html"]


def test_endings_are_explained_as_everywhere(computer: Computer) -> None:
    page = done(computer, "story", story=STORY)["html"]
    for gloss in (*CLASS_GLOSSES.values(), *FATE_GLOSSES.values()):
        assert html.escape(gloss) in page


@pytest.mark.slow
def test_the_whole_dashboard_is_of_the_changed_story(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "SETTLED_DRAWS", 256)
    parts = {part["part"]: part["id"] for part in done(computer, "describe", story=STORY)["parts"]}
    state = {"off": [parts["nudge"], parts["evidence"]]}
    page = done(computer, "page", story=STORY, state=state)["html"]
    assert f"{parts['evidence']} = off" in page
    found = done(computer, "settle", story=STORY, state=state)
    assert f'data-odds="success">{found["odds"]["success"]["now"]["words"]}<' in page


DOUBTS = """\
story: two-doubts
title: Two premises behind which is one doubt
numbers:
  harmful: {claim: It does harm., interval: [0.2, 0.6], kind: probability}
goal: {specification: A table., desirability: Right.}
correlations:
  - {between: [a, b], rank: 0.7}
assumptions:
  a: {probability: [0.05, 0.6]}
  b: {probability: [0.05, 0.6]}
routes:
  - {id: schemer, class: deceptive, requires: [a, b], bits: 2, harm: {number: harmful}}
  - {id: something-else, class: other, bits: -6, harm: {number: harmful}}
"""


def test_a_correlation_is_switched_off(tmp_path: Path) -> None:
    """Quickly as the story without it is, and the page has a box for it beside its words."""
    without = "".join(x for x in DOUBTS.splitlines(True) if "correl" not in x and "rank" not in x)
    for name, text in (("two-doubts", DOUBTS), ("apart", without.replace("two-doubts", "apart"))):
        (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
    computer = Computer(tmp_path, draws=256, seed=5)
    off, apart, whole = (
        {name: entry["now"]["mean"] for name, entry in found["odds"].items()}
        for found in (
            answer(computer, "two-doubts", off=["correlation:correlation-1"]),
            answer(computer, "apart"),
            answer(computer, "two-doubts"),
        )
    )
    assert off == pytest.approx(apart, abs=1e-12)
    assert abs(off["catastrophe"] - whole["catastrophe"]) > 1e-3
    page = pages.story(done(computer, "describe", story="two-doubts"))["html"]
    assert 'data-part="correlation:correlation-1"' in page and "go together" in page
    assert 'data-number="harmful"' in page  # a number in several places
