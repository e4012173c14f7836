"""The commands for somebody who writes a story: new and schema."""

import shlex
from pathlib import Path

import click

from storyodds.commands.console import json_option, print_text, save_text, write_json
from storyodds.commands.options import STORY_ENDINGS, all_of, writable_file
from storyodds.priors.text.errors import InputError, Problem, shown

_STDOUT = "-"


@click.command(short_help="A commented story to make your own.")
@click.argument("name", metavar="ID")
@json_option
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write to this .yaml file, or with - to standard output; ID.yaml unless stated.",
)
@click.option("--force", is_flag=True, help="Overwrite the file if it is there.")
@click.option(
    "--from",
    "start",
    metavar="STORY",
    help="Start from this story instead of the template: a file, or the id of a bundled one.",
)
@click.option(
    "--stages",
    is_flag=True,
    help="Start from the template of a story whose training has several stages.",
)
def new(
    name: str, as_json: bool, output: str | None, force: bool, start: str | None, stages: bool
) -> None:
    """A commented story to make your own, with every part of a story in it.

    It says what each part is, what makes a good one, and what `storyodds check` will ask:
    storyodds new code-reviewer && storyodds check code-reviewer.yaml.
    """
    if stages and start is not None:
        raise click.UsageError(
            "found --stages and --from, expected one of them: --stages starts from a template, "
            "--from from a story, with the stages that it has"
        )
    from storyodds.scenarios.authoring import new_story

    text, target = all_of(
        lambda: new_story(name, start, stages=stages),
        lambda: _target(output, force) if output else None,
    )
    if output is None:  # made of the id, so not before that is known to be one
        target = _target(f"{name}.yaml", force)
    if target is not None:
        save_text(text, target)
    if as_json:
        place = None if target is None else str(target)
        write_json({"schema": "storyodds/new/1", "story": name, "output": place, "text": text})
    elif target is None:
        print_text(text)
    if target is not None:
        file = shown(shlex.quote(str(target)))
        click.echo(f"saved {shown(target)}; next:", err=True)
        for command in ("check", "estimate"):
            click.echo(f"  storyodds {command} {file}", err=True)


def _target(output: str, force: bool) -> Path | None:
    """Where the story goes; None is standard output."""
    if output == _STDOUT:
        return None
    target = writable_file(output, STORY_ENDINGS)
    if target.exists() and not force:
        raise InputError([Problem(f"'{target}' is there already; --force overwrites it")])
    return target


@click.command(short_help="The story format as a JSON Schema, for editors.")
@click.option(
    "--of",
    type=click.Choice(["story", "view"]),
    default="story",
    show_default=True,
    help="The sort of file.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write to this .json file; standard output unless stated.",
)
def schema(of: str, output: str | None) -> None:
    """The story format as a JSON Schema (draft 7), so that editors complete and explain it.

    Write it once, and begin a story beside it with
    `# yaml-language-server: $schema=story.schema.json`:
    storyodds schema -o story.schema.json.
    """
    target = None if output in (None, _STDOUT) else writable_file(str(output), (".json",))
    from storyodds.scenarios.editor.json_schema import json_schema_text

    text = json_schema_text(of)
    if target is None:
        print_text(text)
    else:
        save_text(text, target)
        click.echo(f"saved {shown(target)}", err=True)
