"""The command line. Nothing heavy is imported until a command needs it."""

import atexit
import contextlib
import gc
import io
import os
import sys
import traceback
from typing import Any

import click

from storyodds.commands.check import check
from storyodds.commands.compare import compare
from storyodds.commands.console import DONE, FAILED, INTERRUPTED, WRONG_INPUT, reason
from storyodds.commands.dashboard import dashboard
from storyodds.commands.estimate import estimate
from storyodds.commands.export import export
from storyodds.commands.importance import importance
from storyodds.commands.judgments import judgments
from storyodds.commands.list_library import list_stories
from storyodds.commands.new import new, schema
from storyodds.commands.placement import placement
from storyodds.commands.sensitivity import sensitivity
from storyodds.commands.serve import serve
from storyodds.commands.show import show
from storyodds.commands.trees.import_tree import import_tree
from storyodds.commands.trees.sequences import sequences
from storyodds.commands.value import value
from storyodds.postponed import Postponed
from storyodds.priors.text.errors import InputError, printable, render, shown
from storyodds.priors.text.streams import prepare, silence


class _Commands(click.Group):
    """The group of commands; Ctrl-C ends it without the blank line that click would add."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.exceptions.Abort from None


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 unexpected failure, 2 wrong story or usage, 3 computed but not "
    "reliable, 4 a threshold was exceeded, 130 interrupted.",
)
@click.version_option(package_name="storyodds", prog_name="storyodds")
def cli() -> None:
    """How likely an AI training story is to go right, and how it would go wrong.

    A STORY is a YAML file, the id of a bundled story (see `storyodds list`), or - for standard
    input.
    """


for command in (
    estimate,
    importance,
    sensitivity,
    compare,
    value,
    placement,
    dashboard,
    serve,
    export,
    check,
    new,
    schema,
    list_stories,
    show,
    import_tree,
    sequences,
    judgments,
):
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and give its exit code.

    Examples
    --------
    >>> main(["list", "--json"]) == 0  # doctest: +ELLIPSIS
    {...
    """
    code: Any = FAILED
    try:
        prepare(sys.stdout)
        prepare(sys.stderr)
        _require_docstrings()
        code = cli.main(arguments, prog_name="storyodds", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except (click.exceptions.Abort, KeyboardInterrupt):
        code = INTERRUPTED
        _complain("interrupted")
    except click.ClickException as error:
        code = WRONG_INPUT
        _complain(_usage(error))
    except InputError as error:
        code = WRONG_INPUT
        for problem in error.problems:
            _complain(render(problem))
    except BrokenPipeError:  # the reader of our output has gone
        silence(sys.stdout)
    except OSError as error:
        silence(sys.stdout)
        where = f"{shown(os.fsdecode(error.filename))}: " if error.filename else ""
        _complain(f"storyodds: {where}{reason(error)}")
    except Exception as error:
        _complain(f"storyodds: {_unexpected(error)}")
    return code if isinstance(code, int) else DONE


def _require_docstrings() -> None:
    """Refuse to run without docstrings, to which ArviZ adds and of which help is made."""
    if sys.flags.optimize > 1:
        raise InputError(
            "found Python told to leave out docstrings (-OO, or PYTHONOPTIMIZE=2), which libraries "
            "add to; expected -O, PYTHONOPTIMIZE=1, or neither"
        )


def _usage(error: click.ClickException) -> str:
    """Give what click says of wrong usage, in which it repeats what was typed."""
    text = io.StringIO()
    error.show(text)
    return printable(text.getvalue().rstrip("\n"))


def _unexpected(error: Exception) -> str:
    if os.environ.get("STORYODDS_TRACEBACK"):
        with contextlib.suppress(OSError):
            traceback.print_exception(error, file=sys.stderr)
    kind = "out of memory" if isinstance(error, MemoryError) else type(error).__name__
    first = next(iter(str(error).splitlines()), "")
    description = f"{kind}: {shown(first)}" if first else kind
    return f"unexpected failure: {description} (STORYODDS_TRACEBACK=1 shows where)"


def _complain(text: str) -> None:
    with contextlib.suppress(OSError):
        click.echo(text, err=True)


def prepare_process() -> None:
    """Set up a process that runs one command and ends.

    A command lives for seconds and frees its arrays by itself. Looking for garbage among the
    numeric libraries, while they are imported and again at the end, takes a third of that.
    """
    gc.disable()
    atexit.register(gc.freeze)
    # Our matrices are small, and threads for them mostly wait for work, which takes a core too.
    # It is read when numpy is imported; who has set it has the say.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Pydantic would look through every installed package for plugins of its own, which no record
    # here has a use for.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    sys.meta_path.insert(0, Postponed())
