"""Renew what README.md and these pages show: the output of every command, and generated tables.

A page shows a command in a block of its own, `console`, whose first line is the command after
`$ `. What stands between `<!-- generated: NAME -->` and `<!-- end -->` is made here from the code.
Run as a program it writes the pages; tests hold them to what it would write.
"""

import ast
import contextlib
import inspect
import io
import os
import re
import runpy
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from types import NoneType, get_original_bases
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    TypeAliasType,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import click

import storyodds
from storyodds.cli import cli, main
from storyodds.commands.console import FAILED
from storyodds.reports.contract.comparison import Comparison
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.contract.importance import Importance
from storyodds.reports.contract.judgments import PanelSummary
from storyodds.reports.contract.placement import Placements
from storyodds.reports.contract.sensitivity.whole import Sensitivity
from storyodds.reports.contract.sequences import SequenceOdds
from storyodds.reports.contract.value import InformationValue
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

# What the JSON document of a command is.
DOCUMENTS: Mapping[str, type] = {
    "estimate": Estimate,
    "importance": Importance,
    "value": InformationValue,
    "placement": Placements,
    "compare": Comparison,
    "judgments": PanelSummary,
    "sensitivity": Sensitivity,
    "sequences": SequenceOdds,
}
PLAIN_TYPES: Mapping[Any, str] = {
    Any: "anything",
    NoneType: "null",
    bool: "true or false",
    float: "number",
    int: "whole number",
    str: "text",
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
    whole, most = without_head(command)
    text = ""
    for part in whole.split(" | "):
        program, *arguments = shlex.split(part)
        if program != "storyodds":
            raise ValueError(f"found the command {program!r}, expected storyodds")
        text = _run(arguments, text, folder)
    return first_lines(text, most)


def without_head(command: str) -> tuple[str, int | None]:
    """A command less its `| head -n N`, and that N."""
    whole, _, most = command.partition(" | head -n ")
    return whole, int(most) if most else None


def first_lines(text: str, most: int | None) -> str:
    """The first lines of a text, or all of them, without what is blank at their ends."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines()[:most])


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
    """What the keys of every JSON document are, from its type, a table for each record."""
    parts: list[str] = []
    described: set[type] = set()
    for command, document in DOCUMENTS.items():
        parts.append(f"## storyodds {command}\n\n{_record(document)}")
        parts.extend(
            f"### {_words(record.__name__)}\n\n{_record(record)}"
            for record in _records(document, described)
        )
    return "\n\n".join(parts)


def _records(document: type, described: set[type]) -> Iterator[type]:
    """Every record inside a document that no other document has described."""
    described.add(document)
    for hint in get_type_hints(document).values():
        for record in _inside(hint):
            if record not in described:
                yield record
                yield from _records(record, described)


def _inside(hint: Any) -> Iterator[type]:
    if is_typeddict(hint):
        yield hint
    for argument in get_args(hint):
        yield from _inside(argument)


def _record(record: type) -> str:
    """The keys of a record: of what type they are, and what they mean."""
    meanings = _meanings(record)
    rows = [
        f"| `{key}` | {_type(hint)}{'; may be absent' if key in record.__optional_keys__ else ''} "
        f"| {_cell(meanings[key])} |"
        for key, hint in get_type_hints(record).items()
    ]
    text = inspect.cleandoc(record.__doc__ or "")
    return f"{text}\n\n| key | is | means |\n|---|---|---|\n" + "\n".join(rows)


def _meanings(record: type) -> dict[str, str]:
    """What stands below each key of a type, those of the types it extends included."""
    meanings = {}
    for base in get_original_bases(record):
        meanings |= _meanings(base) if is_typeddict(base) else {}
    # A key that is no name has its meaning beside its type.
    for key, hint in get_type_hints(record, include_extras=True).items():
        while get_origin(hint) in (Required, NotRequired):
            [hint] = get_args(hint)
        meanings |= {key: hint.__metadata__[0]} if get_origin(hint) is Annotated else {}
    module = ast.parse(Path(inspect.getfile(sys.modules[record.__module__])).read_text("utf-8"))
    for part in module.body:
        if isinstance(part, ast.ClassDef) and part.name == record.__name__:
            for line, below in pairwise(part.body):
                if isinstance(line, ast.AnnAssign) and isinstance(below, ast.Expr):
                    meanings[ast.unparse(line.target)] = ast.literal_eval(below.value)
    return meanings


def _type(hint: Any) -> str:
    """A type in plain words."""
    kind, arguments = get_origin(hint), get_args(hint)
    if hint in PLAIN_TYPES:
        return PLAIN_TYPES[hint]
    if is_typeddict(hint):
        words = _words(hint.__name__)
        return f"[{words}](#{words.lower().replace(' ', '-')})"
    if isinstance(kind, TypeAliasType):  # by class, by fate, by event
        return f"{_type(arguments[0])} {_words(kind.__name__).lower()}"
    if kind is Literal:
        return " or ".join(f"`{word}`" for word in arguments)
    if kind is list:
        return f"list of {_type(arguments[0])}"
    if kind is dict:
        by = "name" if arguments[0] is str else _type(arguments[0])
        return f"{_type(arguments[1])} by {by}"
    return " or ".join(map(_type, arguments))  # a union


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
