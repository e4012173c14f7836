"""The commands for somebody who writes a story, and the template that they begin with."""

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from storyodds import estimate, load_text, summarize, to_yaml
from storyodds.cli import main
from storyodds.scenarios.authoring import new_story
from storyodds.scenarios.editor.json_schema import json_schema_text
from storyodds.scenarios.lint.linter import lint
from storyodds.scenarios.loader import bundled_stories, load_story, story_text
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.story import Story

DONE, FAILED, WRONG_INPUT = 0, 1, 2
TEMPLATE = new_story("my-story")
STAGED = new_story("my-story", stages=True)
TEMPLATES = pytest.mark.parametrize("template", [TEMPLATE, STAGED], ids=["plain", "stages"])


class Ran(NamedTuple):
    """What a run of the command line left behind."""

    code: int
    out: str
    err: str


type Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Ran:
        code = main(list(arguments))
        return Ran(code, *capsys.readouterr())

    return run


# --- the template -----------------------------------------------------------------------------


@TEMPLATES
def test_all_that_is_asked_about_the_template_is_to_replace_its_numbers(template: str) -> None:
    definition, finding = lint(load_text(template))
    assert definition.code == "no-catastrophe"
    assert finding.code == "template-number"
    resolved = resolve(load_text(template))
    own = [n for n in resolved.numbers + resolved.proposal_numbers if n.origin == "story"]
    assert len(finding.also) + 1 == len(own) + 1  # and the source of the finding


@TEMPLATES
def test_the_template_can_be_estimated(template: str) -> None:
    summary = summarize(estimate(load_text(template), draws=1024))
    assert summary["diagnostics"]["ok"]
    assert set(summary["classes"]) == {"intended", "mesa-optimizer", "deceptive", "other"}
    assert 0.05 < summary["fates"]["success"]["mean"] < 0.95


@TEMPLATES
def test_the_template_survives_being_written_again(template: str) -> None:
    story = load_text(template)
    again = load_text(to_yaml(story))
    assert again == story
    assert [finding.code for finding in lint(again)] == ["no-catastrophe", "template-number"]


@TEMPLATES
def test_every_key_of_a_story_is_there_below_a_comment_that_explains_it(template: str) -> None:
    lines = template.splitlines()
    for key in Story.model_fields:
        place = next(n for n, line in enumerate(lines) if re.match(rf"{key}:", line))
        block = place
        while lines[block - 1]:
            block -= 1
        assert any(line.startswith("# ") for line in lines[block:place]), key


def comments_and_keys(template: str) -> tuple[str, str]:
    lines = template.splitlines()
    comments = [line for line in lines if line.lstrip().startswith("#")]
    return "".join(comments), "".join(line for line in lines if line not in comments)


@TEMPLATES
def test_it_shows_every_way_to_say_something(template: str) -> None:
    comments, shown = comments_and_keys(template)
    for word in ("use:", "given:", "otherwise:", "any:", "relevance:", "counts:"):
        assert word in shown, word
    assert "holds_when:" in comments + shown
    for word in (
        *("none", "narrow", "myopic", "open-ended", "alignment", "competitiveness"),
        *("mesa-optimizer", "deceptive", "other", "assumed", "elicited", "measured"),
        *("held-out", "in-the-loss", "world", "run", "bayes_factor", "forecast", "sd_bits"),
        *("inductive-bias", "precursor-checking", "loss-landscape", "game-theoretic"),
    ):
        assert word in comments, word


def test_the_template_in_stages_uses_all_that_is_particular_to_stages() -> None:
    _, shown = comments_and_keys(STAGED)
    for words in (
        *("stages: [", "bits:      fine-tuning:", "from:", "after:", "on_flag: retrain", "to:"),
        *("times:", "retrained_flags:", "not at schemer", "holds: at intended"),
    ):
        assert words in shown, words
    story = load_text(STAGED)
    assert next(route.requires for route in story.routes if route.id == "intended") is not None
    assert [item.after for item in story.evidence] == ["fine-tuning"]


@TEMPLATES
def test_its_numbers_pretend_to_nothing(template: str) -> None:
    numbers = re.findall(r"basis: (\w+),\s+source: \"([^\"]*)", template)
    assert len(numbers) > 15
    assert {basis for basis, _ in numbers} == {"assumed"}
    assert all(source.startswith("placeholder of the template: ") for _, source in numbers)


@TEMPLATES
def test_its_commands_exist(run: Run, template: str) -> None:
    named = set(re.findall(r"storyodds (list \w+|\w+)", template))
    assert {"check", "estimate", "schema", "show", "list catalog"} <= named
    for command in named:
        arguments = command.split() if " " in command else [command, "--help"]
        assert run(*arguments).code == DONE, command


# --- new --------------------------------------------------------------------------------------


def test_new_writes_a_story_and_says_what_comes_next(run: Run, tmp_path: Path) -> None:
    ran = run("new", "code-reviewer")
    assert ran == (
        DONE,
        "",
        "saved code-reviewer.yaml; next:\n"
        "  storyodds check code-reviewer.yaml\n"
        "  storyodds estimate code-reviewer.yaml\n",
    )
    written = (tmp_path / "code-reviewer.yaml").read_text("utf-8")
    assert written == TEMPLATE.replace("story: my-story", "story: code-reviewer")
    checked = run("check", "code-reviewer.yaml")
    assert checked.code == DONE
    assert "still those of the template" in checked.out


@pytest.mark.parametrize("name", ["2031", "010", "0x1f", "1e3", "true", "null", "no", "a" * 100])
def test_ids_that_yaml_would_take_for_something_else(run: Run, tmp_path: Path, name: str) -> None:
    assert run("new", name).code == DONE
    assert load_story(tmp_path / f"{name}.yaml").story == name


def test_a_dash_is_standard_output(run: Run, tmp_path: Path) -> None:
    assert run("new", "my-story", "-o", "-") == (DONE, TEMPLATE, "")
    assert list(tmp_path.iterdir()) == []


def test_a_new_story_in_stages(run: Run, tmp_path: Path) -> None:
    assert run("new", "my-story", "--stages").code == DONE
    assert (tmp_path / "my-story.yaml").read_text("utf-8") == STAGED
    assert run("check", "my-story.yaml").code == DONE


def test_another_file_with_a_space_in_its_name(run: Run, tmp_path: Path) -> None:
    ran = run("new", "mine", "-o", "my story.yml")
    assert ran.code == DONE
    assert "storyodds check 'my story.yml'" in ran.err
    assert load_story(tmp_path / "my story.yml").story == "mine"


def test_what_is_there_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("precious", "utf-8")
    ran = run("new", "mine")
    assert ran == (WRONG_INPUT, "", "'mine.yaml' is there already; --force overwrites it\n")
    assert (tmp_path / "mine.yaml").read_text("utf-8") == "precious"
    assert run("new", "mine", "--force").code == DONE
    assert load_story(tmp_path / "mine.yaml").story == "mine"


def test_new_as_json(run: Run, tmp_path: Path) -> None:
    ran = run("new", "mine", "--json")
    assert json.loads(ran.out) == {
        "schema": "storyodds/new/1",
        "story": "mine",
        "output": "mine.yaml",
        "text": (tmp_path / "mine.yaml").read_text("utf-8"),
    }
    assert json.loads(run("new", "mine", "--json", "-o", "-").out)["output"] is None


@pytest.mark.parametrize("start", bundled_stories())
def test_a_bundled_story_under_another_id(start: str) -> None:
    text = new_story("mine", start)
    assert load_text(text) == load_story(start).model_copy(update={"story": "mine"})
    assert text.startswith("# yaml-language-server: $schema=story.schema.json\n")
    assert text.endswith(
        re.sub(rf"^story: {start}$", "story: mine", story_text(start), flags=re.MULTILINE)
    )


def test_a_story_of_ones_own_under_another_id(run: Run) -> None:
    run("new", "mine")
    ran = run("new", "yours", "--from", "mine.yaml", "-o", "-")
    assert ran == (DONE, TEMPLATE.replace("story: my-story", "story: yours"), "")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["Code Reviewer_2"], "found 'Code Reviewer_2', expected an id: lower-case letters, digits"
         " and hyphens; write 'code-reviewer-2'"),
        (["../mine"], "; write 'mine'"),
        (["…"], "found '…', expected an id: lower-case letters, digits and hyphens\n"),
        (["a" * 101], "expected at most 100 characters"),
        (["mine", "-o", "mine.txt"], "--output: found 'mine.txt', expected a file whose name ends "
         "in .yaml"),
        (["mine", "-o", "nowhere/mine.yaml"], "--output: the folder 'nowhere' does not exist"),
        (["mine", "-o", "."], "--output: found '.', expected a file"),
        (["mine", "--stages", "--from", "coinrun-agent"], "found --stages and --from, expected one "
         "of them: --stages starts from a template"),
        (["mine", "--from", "coinrun-agnet"], "did you mean 'coinrun-agent'?"),
        (["mine", "--from", "wrong.yaml"], "wrong.yaml:1:1: the key 'goal' is missing"),
        (["mine", "--from", "flow.yaml"], "found no line that begins with 'story:' in 'flow.yaml'"),
        ([], "Missing argument 'ID'"),
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_new_writes_nothing(
    run: Run, tmp_path: Path, arguments: list[str], told: str
) -> None:
    (tmp_path / "wrong.yaml").write_text("story: wrong\ntitle: Wrong\n", "utf-8")
    flow = {"story": "flow", "title": "On one line", "goal": {}, "routes": []}
    flow["goal"] = {"specification": "What is meant.", "desirability": "Why that is good."}
    flow["routes"] = [{"id": "something-else", "class": "other", "bits": 0, "harm": 0}]
    (tmp_path / "flow.yaml").write_text(json.dumps(flow), "utf-8")
    ran = run("new", *arguments)
    assert ran.code == WRONG_INPUT
    assert ran.out == ""
    assert told in ran.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flow.yaml", "wrong.yaml"]


def test_every_mistake_at_once(run: Run) -> None:
    ran = run("new", "My Story", "-o", "nowhere/mine.yaml")
    assert len(ran.err.splitlines()) == 2


# --- schema -----------------------------------------------------------------------------------


def test_schema_prints_and_writes(run: Run, tmp_path: Path) -> None:
    assert run("schema") == (DONE, json_schema_text(), "")
    assert run("schema", "-o", "-").out == json_schema_text()
    ran = run("schema", "-o", "story.schema.json")
    assert ran == (DONE, "", "saved story.schema.json\n")
    assert (tmp_path / "story.schema.json").read_text("utf-8") == json_schema_text()
    assert run("schema", "-o", "story.schema.json").code == DONE  # renewing it is the point


def test_schema_of_a_view(run: Run) -> None:
    assert json.loads(run("schema", "--of", "view").out)["required"] == ["view", "title", "set"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-o", "schema.yaml"], "--output: found 'schema.yaml', expected a file whose name ends in "
         ".json"),
        (["-o", "nowhere/a.json"], "--output: the folder 'nowhere' does not exist"),
        (["--of", "storey"], "'storey' is not one of 'story', 'view'"),
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_schema_writes_nothing(
    run: Run, tmp_path: Path, arguments: list[str], told: str
) -> None:
    ran = run("schema", *arguments)
    assert (ran.code, ran.out) == (WRONG_INPUT, "")
    assert told in ran.err
    assert list(tmp_path.iterdir()) == []


# --- both -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "name"),
    [(["new", "mine", "--force"], "mine.yaml"), (["schema", "-o", "a.json"], "a.json")],
    ids=["new", "schema"],
)
def test_a_full_disk_leaves_what_was_there(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], name: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / name).write_text("older", "utf-8")
    monkeypatch.setattr(os, "replace", full)
    ran = run(*arguments)
    assert ran == (FAILED, "", f"storyodds: cannot save {name}: no space left on device\n")
    assert [path.read_text("utf-8") for path in tmp_path.iterdir()] == ["older"]


@pytest.mark.parametrize("command", [["new", "mine", "-o", "-"], ["schema"]], ids=lambda c: c[0])
def test_a_locale_without_unicode_gets_the_same_bytes(command: list[str]) -> None:
    def bytes_of(**environment: str) -> bytes:
        program = [sys.executable, "-m", "storyodds", *command]
        done = subprocess.run(
            program, capture_output=True, check=True, env={**os.environ, **environment}
        )
        return done.stdout

    plain = bytes_of(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert plain == bytes_of(PYTHONUTF8="1")


@pytest.mark.parametrize("command", [["new", "mine", "-o", "-"], ["schema"]], ids=lambda c: c[0])
def test_they_import_nothing_heavy(command: list[str]) -> None:
    code = (
        "import sys\n"
        "from storyodds.cli import main\n"
        f"assert main({command!r}) == 0\n"
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)\n"
    )
    done: Any = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    assert not {"numpy", "scipy", "pymc", "arviz", "numba"} & set(done.stderr.split())
