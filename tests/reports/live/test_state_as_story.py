"""A state that is written out: what `estimate` says of the file is what the page says."""

import html
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from support.command_line import Run
from support.command_line import as_told as in_digits
from support.hostile_story import ATTACK, hostile_story

from storyodds import load_story, load_text, to_yaml
from storyodds.models.story.events import EVENTS
from storyodds.reports.live import tasks
from storyodds.reports.live.controls import prior_text
from storyodds.reports.live.requests import State
from storyodds.reports.live.state_as_story import BY_HAND, rewrite
from storyodds.reports.live.tasks import Computer
from storyodds.scenarios.loader import bundled_stories
from storyodds.scenarios.resolve import ResolvedStory, resolve
from storyodds.scenarios.switches import switches_of

COMMAND = "estimate"
STORY = "coinrun-agent"
DRAWS, SEED = 256, 5
MOVED = {"something-else.bits": "[0, 3]"}
RETAKEN = "path-dependence.probability"  # which the sceptic sets too


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Computer:
    monkeypatch.setattr(tasks, "SETTLED_DRAWS", DRAWS)
    return Computer(tmp_path, draws=DRAWS, seed=SEED)


def done(computer: Computer, do: str, state: Any, **asked: Any) -> Any:
    found = computer.do({"do": do, "story": STORY, "state": state, **asked})
    assert "done" in found, found
    return found["done"]


def as_told(computer: Computer, run: Run, state: Any, *options: str) -> Any:
    """What the command of a state says of the state's file."""
    file = computer.folder / "kept.yaml"
    found = done(computer, "rewrite", state, file=str(file), name="kept")
    file.write_text(found["yaml"], "utf-8")
    words = shlex.split(found["command"])
    assert words[:3] == ["storyodds", COMMAND, str(file)]
    told = run(*words[2:], "--draws", str(DRAWS), "--json", *options).json
    return {**told["classes"], **told["fates"]}


STATES = {
    "as written": {},
    "number": {"set": MOVED},
    "number left to the catalog": {"set": {"simplicity-over-speed": "[0.7, 0.9]"}},
    "number left to the format": {"set": {"intended.bits": "[-1, 2]"}},
    "number that the format wants to be 0": {"set": {"intended.harm": "[0.1, 0.2]"}},
    "view": {"view": "sceptic"},
    "view and a number that it sets": {"view": "sceptic", "set": {RETAKEN: "0.9"}},
    "nudge": {"off": ["nudge:coin-is-salient"]},
    "check": {"off": ["check:moved-coin-test"]},
    "finding": {"off": ["evidence:seed-flips-preference"]},
    "constraint": {"off": ["constraint:moved-coins-separate"]},
    "several": {
        "view": "sceptic",
        "set": {**MOVED, RETAKEN: "0.9", "moved-coin-test.flags.default": "0.5"},
        "off": ["check:moved-coin-test", "nudge:seed-decides", "evidence:runs-past-the-coin"],
    },
}


@pytest.mark.parametrize("state", STATES.values(), ids=STATES.keys())
def test_the_file_says_what_the_full_answer_says(computer: Computer, run: Run, state: Any) -> None:
    told = as_told(computer, run, state)
    settled = done(computer, "settle", state)["odds"]
    for event in EVENTS:
        assert in_digits({key: settled[event]["now"][key] for key in told[event]}) == told[event]


@pytest.mark.parametrize(
    "state", [{}, {"set": MOVED}, STATES["view"], STATES["view and a number that it sets"]]
)
def test_where_the_same_numbers_are_uncertain_it_says_what_the_quick_answer_says(
    computer: Computer, run: Run, state: Any
) -> None:
    if RETAKEN in state.get("set", {}):
        state = {**state, "set": {RETAKEN: "[0.8, 0.95]"}}
    told = as_told(computer, run, state, "--method", "weighting")
    quick = done(computer, "answer", state)["odds"]
    for event in EVENTS:
        assert quick[event]["now"]["mean"] == pytest.approx(told[event]["mean"], rel=1e-9)


def test_where_all_numbers_are_known_it_says_what_the_quick_answer_says(
    computer: Computer, run: Run
) -> None:
    """The quick answer silences what is switched off; the file does not have it."""
    written = resolve(load_story(STORY))
    sure = {n.name: f"{n.distribution.quantile(0.5):.6g}" for n in written.numbers}
    for part in switches_of(written.story):
        state = {"set": sure, "off": [":".join(part)]}
        told = as_told(computer, run, state)
        quick = done(computer, "answer", state)["odds"]
        for event in EVENTS:
            now = quick[event]["now"]
            assert now["mean"] == pytest.approx(told[event]["mean"], rel=1e-9, abs=1e-15), part
            assert now["q05"] == now["q95"]


def provenance(resolved: ResolvedStory) -> dict[str, tuple[Any, ...]]:
    return {n.name: (n.basis, n.source and n.source.cite, n.origin) for n in resolved.numbers}


def test_numbers_say_that_they_were_set_by_hand() -> None:
    story = load_story(STORY)
    before = provenance(resolve(story))
    settings = {
        **MOVED,
        "clumsy-play": "{fixed: 0.2, basis: measured, source: A paper}",
        "clumsy-play.harm": "{ref: empirical-counts/blind-audit}",
    }
    found = rewrite(story, State(None, settings))
    after = provenance(found.resolved())
    assert after.pop("something-else.bits") == ("assumed", BY_HAND, "story")
    assert after.pop("clumsy-play.probability") == ("measured", "A paper", "story")
    basis, cite, origin = after.pop("clumsy-play.harm")
    assert (basis, origin) == ("measured", "pack empirical-counts/blind-audit") and cite != BY_HAND
    assert after == {name: before[name] for name in after}
    assert set(found.numbers) == before.keys() - after.keys()


@pytest.mark.parametrize("name", ["carlsmith-six-premises", "rlhf-assistant"])
def test_numbers_that_are_set_to_what_they_were_keep_their_sources(name: str) -> None:
    story = load_story(name)
    same = {number.name: prior_text(number) for number in resolve(story).numbers}
    found = rewrite(story, State(None, same))
    assert found.story is story and not found.settings and not found.numbers


def test_the_head_of_the_file_tells_what_was_done() -> None:
    found = rewrite(load_story(STORY), State("sceptic", MOVED, ("check:moved-coin-test",)))
    text = found.text("kept.yaml", 7)
    head = [line for line in text.splitlines() if line.startswith("#")]
    assert "Set by hand: something-else.bits." in " ".join(head)
    assert "Left out: check moved-coin-test." in " ".join(head)
    assert head[-1] == "# storyodds estimate kept.yaml --seed 7 --view sceptic"
    assert load_text(text) == found.story
    assert "changed" not in rewrite(load_story(STORY), State()).text("a.yaml", 7).split("\n")[0]


def test_hostile_texts_stay_texts(tmp_path: Path, run: Run) -> None:
    story = hostile_story("coinrun-agent")
    by = ATTACK + "; $(exit) 'é 𝛼' \n# \n story: other"
    pool = json.dumps({"pool": [{"by": by, "value": 0.9}]}, ensure_ascii=False)
    state = State("sceptic", {RETAKEN: pool}, ("evidence:seed-flips-preference",))
    found = rewrite(story, state)
    file = tmp_path / "kept.yaml"
    text = found.text(str(file), 1)
    file.write_text(text, "utf-8")
    assert load_text(text) == found.story != story
    assert found.story.title == story.title
    assert all(line.startswith("#") for line in text[: text.index("\nstory: ")].split("\n"))
    words = shlex.split(found.command(str(file), 1))
    name, _, value = words[words.index("--set") + 1].partition("=")
    assert name == RETAKEN and json.loads(value)["pool"][0]["by"] == by
    assert "\n" not in value
    assert run(*words[2:], "--draws", "64", "--json").json["settings"].keys() == {RETAKEN}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["several", "constraint"])
def test_a_whole_page_tells_a_command_that_says_the_same(
    computer: Computer, run: Run, name: str
) -> None:
    page = done(computer, "page", STATES[name])["html"]
    odds = done(computer, "settle", STATES[name])["odds"]
    for event in ("success", "catastrophe"):
        assert f'data-odds="{event}">{odds[event]["now"]["words"]}<' in page
    shown = [html.unescape(text) for text in re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.S)]
    # A story that comes with the package is not in its page again.
    yaml = next((text for text in shown if text.startswith("story: ")), None)
    commands = next(text for text in shown if text.startswith("storyodds "))
    words = shlex.split(next(line for line in commands.splitlines() if " estimate " in line))
    assert (yaml is None) is (words[2] in bundled_stories())
    told = run(*words[2:]).json
    if yaml is not None:
        assert load_text(yaml) == load_story(words[2])
        assert to_yaml(load_text(yaml)) == yaml
    again = {**told["classes"], **told["fates"]}
    for event in EVENTS:
        assert in_digits({key: odds[event]["now"][key] for key in again[event]}) == again[event]
    assert all(f"{part} = off" in page for part in STATES[name]["off"])
