"""The README tells the truth: what it shows is run again and compared, letter by letter.

`python tests/test_readme.py` writes the present output into it.
"""

import doctest
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import pytest

from storyodds.cli import cli
from storyodds.scenarios.loader import load_text
from storyodds.scenarios.schema import Story

pytestmark = pytest.mark.installed

README = Path(__file__).parent.parent / "README.md"
TEXT = README.read_text(encoding="utf-8")
CONSOLE = re.compile(r"```console\n\$ (?P<command>.*)\n(?P<output>(?:(?!```).*\n)*)```\n")
FILES = dict(
    re.findall(r"```(?:yaml|xml)\n(?=(?:#|<!--) (\S+\.\w+)\b)((?:(?!```).*\n)*)```\n", TEXT)
)
SHOWN = {match["command"]: match["output"] for match in CONSOLE.finditer(TEXT)}


def output(command: str, folder: Path) -> str:
    """Run a command of the README beside the files that the README shows."""
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    command, _, head = command.partition(" | head -n ")
    plain = {name: value for name, value in os.environ.items() if not name.endswith("_COLOR")}
    told = ""
    for part in command.split(" | "):
        program, *arguments = shlex.split(part)
        assert program == "storyodds"
        done = subprocess.run(
            [sys.executable, "-m", "storyodds", *arguments],
            env=plain | {"COLUMNS": "80", "PYTHONUTF8": "1"},
            input=told,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            encoding="utf-8",
            check=False,
        )
        told = done.stdout
    lines = told.splitlines()[: int(head) if head else None]
    return "".join(f"{line.rstrip()}\n" for line in lines)


@pytest.mark.parametrize("command", SHOWN)
def test_shown_output(command: str, tmp_path: Path) -> None:
    assert SHOWN[command] == output(command, tmp_path), "`make readme` writes the present output"


def test_files_are_found() -> None:
    assert set(FILES) == {"summarizer.yaml", "wrong.yaml", "cooling.xml"}
    assert len(SHOWN) == 17


def test_python_session() -> None:
    (session,) = re.findall(r"```python\n((?:(?!```).*\n)*)```\n", TEXT)
    test = doctest.DocTestParser().get_doctest(session, {}, "README", "README.md", 0)
    assert doctest.DocTestRunner().run(test).failed == 0


def options(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}


def test_commands_and_options_exist() -> None:
    assert isinstance(cli, click.Group)
    for line in re.findall(r"(?:`|\$ |\| )storyodds ([^`|\n]*)", TEXT):
        name, *arguments = line.split()
        if name.startswith("-"):
            continue
        assert name in cli.commands, line
        for argument in arguments:
            if argument.startswith("-") and argument != "-":
                assert argument in options(cli.commands[name]), line
    known = set().union(*map(options, cli.commands.values()))
    assert set(re.findall(r"`(--[a-z-]+)", TEXT)) <= known


def test_every_command_and_option_is_told() -> None:
    for name, command in cli.commands.items():
        assert f"storyodds {name}" in TEXT
        for option in options(command):
            assert not option.startswith("--") or option in TEXT, option


def test_every_key_of_a_story_is_told() -> None:
    for name in Story.model_fields:
        assert f"`{name}`" in TEXT


def test_every_form_of_a_number_is_read() -> None:
    forms = re.findall(r"^\| `([0-9\[{].*?)` \|", TEXT.partition("takes any of these")[2], re.M)
    assert len(forms) == 12
    for form in forms:
        bits, harm = (form, "0") if "1.5" in form else ("0", form)
        load_text(
            "{story: s, title: T, goal: {specification: S, desirability: D}, routes: "
            f"[{{id: something-else, class: other, bits: {bits}, harm: {harm}}}]}}"
        )


def test_links_stay_inside() -> None:
    for link in re.findall(r"\]\((?!https://)([^)]*)\)", TEXT):
        assert (README.parent / link).exists(), link


def filled(text: str) -> str:
    """The README with the present output of every command."""
    with tempfile.TemporaryDirectory() as folder:
        return CONSOLE.sub(
            lambda shown: (
                f"```console\n$ {shown['command']}\n{output(shown['command'], Path(folder))}```\n"
            ),
            text,
        )


if __name__ == "__main__":
    README.write_text(filled(TEXT), encoding="utf-8")
