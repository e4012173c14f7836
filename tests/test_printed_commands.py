"""Every command that the program prints is one: it runs, and gives the numbers that it says."""

import html
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from support.command_line import Run, as_told

from storyodds.cli import cli
from storyodds.reports.live import tasks
from storyodds.reports.live.tasks import Computer
from storyodds.reports.terminal.next_commands import commands
from storyodds.reports.words.recipe import USUAL, Recipe

DONE, NOT_RELIABLE = 0, 3
BUNDLED, OWN, VIEW = "coinrun-agent", "my stories/it's mine.yaml", "my stories/my view.yaml"
STORY = """\
story: mine
title: A story of my own
goal: {specification: It does the task., desirability: The task is good.}
rationale:
  nudges: [{id: easy, claim: It is easy., bits: {intended: [0, 2]}}]
assumptions:
  aware: {claim: It knows., probability: [0.1, 0.6]}
routes:
  - {id: schemer, class: deceptive, claim: It hides., requires: aware, bits: [-2, 2], harm: 0.1}
  - {id: something-else, class: other, claim: The residual., bits: [-3, 0], harm: 0.05}
checks:
  - {id: audit, claim: It is looked at., flags: {default: [0.1, 0.4]}}
evidence:
  - {id: seen, claim: It was seen., about: {assumption: aware}, counts: {hits: 1, trials: 4},
     rates: {true: 0.5, false: 0.1}}
"""
CHANGES = {
    BUNDLED: (
        *("--view", "wide", "--set", "something-else.bits=[-4, 1]"),
        *("--off", "check:moved-coin-test", "--seed", "3", "--draws", "128"),
    ),
    OWN: (
        *("--view", VIEW, "--set", "schemer=[-1, 1]", "--off", "check:audit"),
        *("--off", "nudge:easy", "--seed", "4", "--draws", "256"),
    ),
}
VERBS = "|".join(cli.commands)  # type: ignore[attr-defined]
WHOLE_LINE = re.compile(
    rf"^(?:\s*(?:Next:|#|\$)?\s*)(storyodds (?:{VERBS})\b[^\n]*?)(?:\s*\|[^\n]*)?\.?$", re.M
)
QUOTED = re.compile(r"`(storyodds [^`\n]*)`|'(storyodds [^'\n]*)'|\((storyodds [^()\n]*)\)")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a story and a view, to stand in."""
    (tmp_path / OWN).parent.mkdir()
    (tmp_path / OWN).write_text(STORY, "utf-8")
    (tmp_path / VIEW).write_text("view: mine\ntitle: Mine\nset:\n  aware: 0.25\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(text: str) -> list[str]:
    """Commands that stand on a line of their own."""
    return [match[1].strip() for match in WHOLE_LINE.finditer(text)]


def numbers(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: document[key] for key in ("classes", "fates", "story_sha256", "settings")}


def again(run: Run, command: str) -> dict[str, Any]:
    """What a command says, as JSON."""
    words = shlex.split(command)
    assert words[0] == "storyodds"
    more = [] if "--json" in words else ["--json"]
    ran = run(*words[1:], *more)
    assert ran.code in (DONE, NOT_RELIABLE), ran.err
    return dict(ran.json)


# Again


@pytest.mark.parametrize("story", CHANGES)
def test_an_annex_gives_the_command_of_its_numbers(run: Run, story: str) -> None:
    asked = run("estimate", story, *CHANGES[story], "--json").json
    annex = run("export", story, *CHANGES[story]).out
    (command,) = lines(annex)
    assert numbers(again(run, command)) == numbers(asked)


@pytest.mark.parametrize("story", CHANGES)
def test_a_page_gives_the_commands_of_its_numbers(run: Run, story: str, folder: Path) -> None:
    options = CHANGES[story]
    asked = run("estimate", story, *options, "--json").json
    assert run("dashboard", story, *options, "-o", "pages", "--export").code in (0, NOT_RELIABLE)
    (path,) = [p for p in (folder / "pages").glob("*.html") if p.name != "index.html"]
    page = path.read_text("utf-8")
    shown = [html.unescape(text) for text in re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.S)]
    (block,) = [text for text in shown if text.startswith("storyodds dashboard")]
    pages, estimate = block.strip().splitlines()
    assert numbers(again(run, estimate)) == numbers(asked)
    before = path.read_bytes()
    assert run(*shlex.split(pages)[1:]).code in (DONE, NOT_RELIABLE)
    assert path.read_bytes() == before
    # Sliders: the command as it stands before any is moved.
    data = json.loads(re.findall(r'id="page-data">(.*?)</script>', page, re.S)[0])
    what = data["what_if"]
    command = " --set ".join([what["command"], *what["settings"].values()])
    told = again(run, command)
    assert {key: told[key] for key in ("classes", "fates")} == {
        key: asked[key] for key in ("classes", "fates")
    }
    (command,) = lines((path.with_suffix(".md")).read_text("utf-8"))
    assert numbers(again(run, command)) == numbers(asked)


@pytest.mark.parametrize("story", CHANGES)
def test_a_live_page_gives_the_commands_of_its_numbers(
    run: Run, story: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "mine.yaml").write_text(STORY, "utf-8")
    monkeypatch.setattr(tasks, "SETTLED_DRAWS", 4096)
    computer = Computer(folder, draws=64, seed=2)
    name, part, number = (
        ("mine", "check:audit", "schemer.bits")
        if story == OWN
        else (BUNDLED, "check:moved-coin-test", "something-else.bits")
    )
    state = {"off": [part], "set": {number: "[-1, 0.5]"}, "view": "wide"}
    task = {"story": name, "state": state}
    full = computer.do({"do": "settle", **task})["done"]["odds"]
    file = f"{name}.kept.yaml"
    saved = computer.do({"do": "rewrite", **task, "file": file, "name": "kept"})["done"]
    (folder / file).write_text(saved["yaml"], "utf-8")
    told_twice = [saved["command"], *lines(saved["yaml"])]
    assert len(told_twice) == 2
    for command in told_twice:
        told = again(run, command)
        assert told["story"] == f"{name}-kept"
        for event, entry in {**told["classes"], **told["fates"]}.items():
            assert as_told({key: full[event]["now"][key] for key in entry}) == entry


# Next


@pytest.mark.parametrize("story", CHANGES)
def test_what_to_run_next_keeps_what_was_asked_for(run: Run, story: str) -> None:
    options = CHANGES[story]
    (command,) = lines(run("estimate", story, *options).out)
    words = shlex.split(command)
    assert words[2] == story
    for option in ("--set", "--off", "--seed", "--draws"):
        given = [options[k + 1] for k, word in enumerate(options) if word == option]
        kept = [words[k + 1] for k, word in enumerate(words) if word == option]
        assert kept[: len(given)] == given, option
    assert run(*words[1:]).code in (DONE, NOT_RELIABLE)


def test_what_to_run_next_of_what_is_not_reliable_is_the_same_with_more(run: Run) -> None:
    summary = run("estimate", OWN, *CHANGES[OWN], "--json").json
    summary["diagnostics"] |= {"ok": False, "means": "sampled"}
    recipe = Recipe(
        OWN, VIEW, ("schemer=[-1, 1]",), ("check:audit", "nudge:easy"), draws=64, seed=4
    )
    (command,) = commands({**summary, "method": "weighting"}, recipe)
    (line,) = lines(command.plain)
    words = shlex.split(line)
    assert words == shlex.split(replace(recipe, method="nuts").command(brief=True))
    assert run(*words[1:]).code in (DONE, NOT_RELIABLE)


def test_a_name_that_looks_like_an_option_is_kept_apart(run: Run, folder: Path) -> None:
    (folder / "-odd.yaml").write_text(STORY, "utf-8")
    (command,) = lines(run("estimate", "--draws", "64", "--", "-odd.yaml").out)
    assert shlex.split(command)[2] == "./-odd.yaml"
    assert run(*shlex.split(command)[1:]).code in (DONE, NOT_RELIABLE)


def test_a_new_story_tells_what_to_run(run: Run) -> None:
    ran = run("new", "mine", "-o", "my stories/a new one.yaml")
    told = lines(ran.err)
    assert [shlex.split(command)[1] for command in told] == ["check", "estimate"]
    for command in told:
        assert run(*shlex.split(command)[1:]).code in (DONE, NOT_RELIABLE), command


# Everything else


def texts(run: Run) -> Iterator[str]:
    """What the program prints without being asked for numbers."""
    for name, command in cli.commands.items():  # type: ignore[attr-defined]
        with click.Context(command, info_name=f"storyodds {name}") as context:
            yield re.sub(r"\s*\n\s+", " ", command.get_help(context))
    yield run("check", "--explain", "all").out
    yield from (run("list").out, run("list", "catalog").out, run("new", "mine", "-o", "-").out)
    for wrong in (
        ("estimate", "no-such-story"),
        ("show", "no-such-thing"),
        ("check", "--explain", "no-such-rule"),
        ("compare", "no-such.nc", BUNDLED),
    ):
        ran = run(*wrong)
        assert ran.code == 2
        yield ran.err


def test_every_command_in_a_sentence_is_one(run: Run, folder: Path) -> None:
    (folder / "FILE").write_text(STORY, "utf-8")
    names = {
        "FILE": OWN,
        "NAME": BUNDLED,
        "ID": "its-own",
        "pumps.xml": "",
        "code-reviewer.yaml": OWN,
    }
    found = set()
    for text in texts(run):
        found.update(part for match in QUOTED.findall(text) for part in match if part)
        found.update(lines(text))
    assert len(found) >= 8
    for command in sorted(found):
        for part in re.split(r"\s+&&\s+", command):
            words = re.split(r"\s{2,}", part)[0].split()  # a remark follows after a gap
            assert words[1] in cli.commands, command  # type: ignore[attr-defined]
            arguments = [names.get(word, word) for word in words[2:]]
            options = {option for p in cli.commands[words[1]].params for option in p.opts}  # type: ignore[attr-defined]
            assert {word for word in words[2:] if word.startswith("-")} <= options, command
            if arguments and "" not in arguments and not arguments[-1].startswith("--"):
                assert run(words[1], *arguments).code in (DONE, NOT_RELIABLE), command


def test_what_is_usual_is_what_the_command_line_takes() -> None:
    estimate = cli.commands["estimate"]  # type: ignore[attr-defined]
    defaults = {parameter.name: parameter.default for parameter in estimate.params}
    assert {name: defaults[name] for name in USUAL} == USUAL
    recipe = Recipe("a")
    assert {name: getattr(recipe, name) for name in USUAL} == USUAL
    assert recipe.seed == defaults["seed"]
