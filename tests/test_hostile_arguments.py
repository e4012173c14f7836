"""What is typed, and how files are named, is shown by a terminal and never obeyed."""

import re
from pathlib import Path

import click
import pytest
from support.command_line import SMALL, Run

from storyodds.cli import cli

# Sets a title, clears the screen, overwrites the line, rings, turns the text around, is not seen.
HOSTILE = "\x1b]0;title\x07\x1b[2J\r\x9b31m\x08\u202e\u2066\u200b\u2060\xad\ufeff\U000e0041x"
OBEYED = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\U000e0000-\U000e0fff]"
)
COMMANDS = [(name, command) for name, command in cli.commands.items() if name != "serve"]


def options() -> list[list[str]]:
    """Every option that takes a value, with a hostile one, and every argument."""
    calls = [[HOSTILE], [f"--{HOSTILE}"], ["serve", HOSTILE]]
    for name, command in COMMANDS:
        calls += [[name, HOSTILE], [name, f"--{HOSTILE}"], [name, f"missing-{HOSTILE}.json"]]
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.is_flag:
                story = "small.yaml"
                calls.append([name, story, parameter.opts[-1], HOSTILE])
                calls.append([name, story, parameter.opts[-1], f"aware={HOSTILE}"])
    return calls


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(SMALL)


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize("arguments", options(), ids=lambda call: ascii(" ".join(call))[1:60])
def test_nothing_typed_is_obeyed(run: Run, arguments: list[str]) -> None:
    code, out, err = run(*arguments)
    assert code in (0, 2), err
    assert code == 0 or err
    assert not OBEYED.search(out + err), ascii(out + err)


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize(
    "command",
    [["check"], ["estimate"], ["estimate", "--json"], ["dashboard", "-o", "out"]],
)
def test_no_name_of_a_file_is_obeyed(run: Run, command: list[str]) -> None:
    name = f"{HOSTILE.replace('/', '')}\n.yaml"
    Path(name).write_text(SMALL)
    _, out, err = run(*command, name)
    text = out + err
    assert not OBEYED.search(text), ascii(text)
    assert "\\x1b" in text or "--json" in command or "dashboard" in command
