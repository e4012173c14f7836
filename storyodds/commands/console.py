"""What every command needs: exit codes, the JSON option, progress, and careful output."""

import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from storyodds.priors.text.errors import UNSAFE, Problem, printable
from storyodds.priors.text.errors import shown as shown  # the one door, for every command
from storyodds.priors.text.files import write_atomically
from storyodds.priors.text.json_writer import DIGITS as DIGITS
from storyodds.priors.text.json_writer import json_text as json_text
from storyodds.priors.text.streams import speaks_unicode

DONE, FAILED, WRONG_INPUT, NOT_RELIABLE, ABOVE_THRESHOLD, INTERRUPTED = 0, 1, 2, 3, 4, 130

stories_argument = click.argument("stories", nargs=-1, required=True, metavar="STORY...")
json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Write one JSON document to standard output, computed numbers to 12 digits.",
)


def reason(error: OSError) -> str:
    """Why the operating system refused, in its own words."""
    return (error.strerror or str(error) or type(error).__name__).lower()


@contextmanager
def progress_line() -> Iterator[Callable[[str, int, int], None]]:
    """A progress line on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda stage, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("", total=None)
        yield lambda stage, done, total: bar.update(
            task, description=stage, completed=done, total=total or None
        )


def hanging(start: str, text: str) -> str:
    """An entry of a list, wrapped under itself on a terminal; a pipe gets one line for each."""
    if sys.stdout is None or not sys.stdout.isatty():
        return start + text
    columns = max(shutil.get_terminal_size().columns, len(start) + 20)
    blank = " " * len(start)
    return textwrap.fill(text, columns, initial_indent=start, subsequent_indent=blank)


def print_text(text: str) -> None:
    """Show a text on a terminal, or copy it byte for byte, whatever the locale."""
    if sys.stdout is not None and sys.stdout.isatty():
        click.echo(printable(text.removesuffix("\n")))
    else:
        click.echo(text.encode(), nl=not text.endswith("\n"))


def write_json(document: Any) -> None:
    """Write one JSON document to standard output, escaped where Unicode cannot be shown."""
    plain = not speaks_unicode(sys.stdout)
    text = json_text(document, ensure_ascii=plain)
    click.echo(UNSAFE.sub(lambda match: json.dumps(match[0])[1:-1], text), nl=False)


def save_text(text: str, target: Path) -> None:
    """Write a text in one piece, or say why not and exit with 1."""
    try:
        write_atomically(target, text.encode())
    except OSError as error:
        click.echo(f"storyodds: cannot save {shown(target)}: {reason(error)}", err=True)
        raise click.exceptions.Exit(FAILED) from None


def plain_problem(problem: Problem) -> dict[str, Any]:
    """A mistake as plain data."""
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "key_path": problem.key_path,
        "message": problem.message,
    }
