"""Renew what README.md and these pages show: the output of every command, and generated tables.

A page shows a command in a block of its own, `console`, whose first line is the command after
`$ `. What stands between `<!-- generated: NAME -->` and `<!-- end -->` is made here from the code.
Run as a program it writes the pages; tests hold them to what it would write.
"""

import ast
import contextlib
import importlib
import inspect
import io
import os
import re
import runpy
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click

import storyodds
from storyodds.cli import cli, main
from storyodds.commands.console import FAILED
from storyodds.scenarios.editor.key_help import KEYS, VALUES
from storyodds.scenarios.shared.lint_rules import lint_codes, lint_rule

ROOT = Path(__file__).resolve().parent.parent
PAGES = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts),
)

CONSOLE = re.compile(r"```console\n\$ (?P<command>.*)\n(?P<output>(?:(?!```).*\n)*)```\n")
GENERATED = re.compile(
    r"(?P<head><!-- generated: (?P<name>[\w-]+) -->\n)(?P<body>.*?)<!-- end -->", re.S
)
# A block of a file starts with a comment that has the file's name.
FILES = re.compile(r"```(?:yaml|xml)\n(?=(?:#|<!--) (\S+\.\w+)\b)((?:(?!```).*\n)*)```\n")

COLUMNS = "80"  # of a terminal, the width that most of them open with

# Which module says what the keys of a command's JSON document are.
DOCUMENTS: Mapping[str, str] = {
    "estimate": "storyodds.reports.documents.estimate",
    "importance": "storyodds.reports.documents.importance",
    "value": "storyodds.reports.documents.value",
    "compare": "storyodds.reports.documents.comparison",
    "judgments": "storyodds.reports.documents.judgments",
    "sensitivity": "storyodds.reports.documents.sensitivity.whole",
    "sensitivity --part local": "storyodds.reports.documents.sensitivity.local",
    "sensitivity --part global": "storyodds.reports.documents.sensitivity.spread",
    "sensitivity --part structure": "storyodds.reports.documents.sensitivity.structure",
    "sensitivity --part failure": "storyodds.reports.documents.sensitivity.failure",
    "sensitivity --part trust": "storyodds.reports.documents.sensitivity.trust",
    "sensitivity --part views": "storyodds.reports.documents.sensitivity.views",
}


# Output of commands


def files_of(text: str) -> Mapping[str, str]:
    """Files that a page shows in full, by name."""
    return {name: content.rstrip("\n") + "\n" for name, content in FILES.findall(text)}


def shown_commands(text: str) -> Mapping[str, str]:
    """Commands that a page shows, with their output."""
    return {match["command"]: match["output"] for match in CONSOLE.finditer(text)}


def output(command: str, folder: Path) -> str:
    """Run a command in a folder and return what a terminal of 80 columns would show.

    Commands joined by `|` hand their output on; `| head -n N` keeps the first lines.
    """
    command, _, head = command.partition(" | head -n ")
    text = ""
    for part in command.split(" | "):
        program, *arguments = shlex.split(part)
        if program != "storyodds":
            raise ValueError(f"found the command {program!r}, expected storyodds")
        text = _run(arguments, text, folder)
    lines = text.splitlines()[: int(head) if head else None]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _run(arguments: list[str], standard_input: str, folder: Path) -> str:
    streams = io.BytesIO()
    # Documents are printed as bytes, which only a stream with a buffer takes.
    written = io.TextIOWrapper(streams, encoding="utf-8", newline="", write_through=True)
    before, variables = sys.stdin, dict(os.environ)
    sys.stdin = io.TextIOWrapper(io.BytesIO(standard_input.encode()), encoding="utf-8")
    for name in [name for name in os.environ if name.endswith("_COLOR")]:
        del os.environ[name]
    os.environ["COLUMNS"] = COLUMNS
    try:
        with (
            contextlib.chdir(folder),
            contextlib.redirect_stdout(written),
            contextlib.redirect_stderr(written),
        ):
            code = main(arguments)
    finally:
        sys.stdin = before
        os.environ.clear()
        os.environ.update(variables)
    text = streams.getvalue().decode()
    if code == FAILED:  # which no page shows on purpose
        raise RuntimeError(f"storyodds {shlex.join(arguments)}:\n{text}")
    return text


# Generated parts


def story_keys() -> str:
    """Every key of a story and of the records in it, a table for each record."""
    from storyodds.scenarios.editor.json_schema import json_schema

    schema = json_schema()
    required = {"Story": schema.get("required", ())} | {
        name: record.get("required", ()) for name, record in schema["definitions"].items()
    }
    parts = []
    for record, keys in KEYS.items():
        rows = [
            f"| `{key}`{'' if key in required.get(record, ()) else ' *'} "
            f"| {_cell(meaning)}{_values(record, key)} |"
            for key, meaning in keys.items()
        ]
        parts.append(f"### {_words(record)}\n\n| key | means |\n|---|---|\n" + "\n".join(rows))
    return "\n\n".join(parts)


def _values(record: str, key: str) -> str:
    values = VALUES.get((record, key), {})
    return "".join(f"<br>`{name}`: {_cell(meaning)}" for name, meaning in values.items())


def _words(record: str) -> str:
    return " ".join(re.findall(r"[A-Z][a-z]*", record)).capitalize()


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def rules() -> str:
    """Every rule of the linter: what it looks for, why, what to do, and an example."""
    parts = []
    for code in lint_codes():
        rule = lint_rule(code)
        parts.append(
            f"## {code}\n\n*{rule.title.capitalize()}.*\n\n{rule.looks_for.strip()}\n\n"
            f"**Why.** {rule.why.strip()}\n\n**What to do.** {rule.fix.strip()}\n\n"
            f"```yaml\n{rule.example.rstrip()}\n```\n\nbecomes\n\n"
            f"```yaml\n{rule.better.rstrip()}\n```"
        )
    return "\n\n".join(parts)


def helps() -> str:
    """The help of every command, as consoles that are filled like any other."""
    return "\n\n".join(
        f"## {name}\n\n```console\n$ storyodds {name} --help\n"
        f"{output(f'storyodds {name} --help', ROOT)}```"
        for name in cli.commands
    )


def documents() -> str:
    """What the keys of every JSON document are, from the modules that make them."""
    return "\n\n".join(
        f"## storyodds {command}\n\n```text\n{_docstring(module)}\n```"
        for command, module in DOCUMENTS.items()
    )


def _docstring(module: str) -> str:
    source = Path(inspect.getfile(importlib.import_module(module))).read_text(encoding="utf-8")
    return inspect.cleandoc(ast.get_docstring(ast.parse(source)) or "").rstrip()


def functions() -> str:
    """Everything that `storyodds` exports, with its first line."""
    rows = [
        f"| `{name}` | {_cell(inspect.getdoc(getattr(storyodds, name)).splitlines()[0])} |"
        for name in storyodds.__all__
    ]
    return "| name | does |\n|---|---|\n" + "\n".join(rows)


# These pages are no package, so a file beside this one is run rather than imported.
ROOMS = runpy.run_path(str(ROOT / "docs" / "rooms.py"))

MAKERS: Mapping[str, Callable[[], str]] = {
    "story-keys": story_keys,
    "rules": rules,
    "helps": helps,
    "documents": documents,
    "functions": functions,
    "rooms": ROOMS["table"],
    "imports": ROOMS["picture"],
}


def filled(text: str) -> str:
    """A page with the present output of every command and what is generated renewed."""
    text = GENERATED.sub(
        lambda part: f"{part['head']}\n{MAKERS[part['name']]()}\n\n<!-- end -->", text
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files_of(text).items():
            (Path(folder) / name).write_text(content, encoding="utf-8")

        def renewed(shown: re.Match[str]) -> str:
            text = output(shown["command"], Path(folder))
            return f"```console\n$ {shown['command']}\n{text}```\n"

        return CONSOLE.sub(renewed, text)


def options(command: click.Command) -> Iterator[str]:
    """Every spelling of every option of a command."""
    for parameter in command.params:
        yield from parameter.opts


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
