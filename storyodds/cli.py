"""The command line. Nothing heavy is imported until a command needs it."""

import contextlib
import gc
import json
import os
import shutil
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from storyodds.options import (
    CLASSES,
    all_of,
    chosen_settings,
    chosen_view,
    load_one,
    load_stories,
    memory_of,
    result_files,
    story_file,
    thresholds_of,
)
from storyodds.priors.errors import InputError, Problem
from storyodds.priors.files import write_atomically
from storyodds.streams import prepare, silence, speaks_unicode

if TYPE_CHECKING:
    from storyodds.models.assessment import Progress
    from storyodds.scenarios.schema import Story

type Command = Callable[..., Any]

DONE, FAILED, WRONG_INPUT, NOT_RELIABLE, ABOVE_THRESHOLD, INTERRUPTED = 0, 1, 2, 3, 4, 130


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


stories_argument = click.argument("stories", nargs=-1, required=True, metavar="STORY...")
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Write one JSON document to standard output."
)


def changing(command: Command) -> Command:
    """Add the options that change a story's numbers."""
    view = click.option(
        "--view", help="A named set of overrides (sceptic, advocate, …) or a view's file."
    )
    settings = click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="ID=PRIOR",
        help="Override one number, as in --set situational-awareness=[0.2,0.6]; repeatable.",
    )
    return view(settings(command))


def sampling(command: Command, *, simulation: bool = False) -> Command:
    """Add the options that say how the posterior is drawn from."""
    said = "auto weights draws from the prior, and runs NUTS where that is not good enough"
    method = click.option(
        "--method",
        type=click.Choice(["auto", "weighting", "nuts"] + ["simulation"] * simulation),
        default="auto",
        show_default=True,
        help=f"{said}; simulation is for stories too large to sum exactly."
        if simulation
        else f"{said}.",
    )
    draws = click.option(
        "--draws", type=click.IntRange(64, 1 << 20), default=4096, show_default=True
    )
    seed = click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True)
    return method(draws(seed(command)))


@cli.command(short_help="Odds of every outcome, and the failure paths of most concern.")
@stories_argument
@json_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Save the result: a .nc file (ArviZ DataTree) or a .json file; a folder for several "
    "stories.",
)
@changing
@partial(sampling, simulation=True)
@click.option(
    "--max-memory",
    metavar="SIZE",
    default="2GiB",
    show_default=True,
    help="Refuse a story whose exact sums take more to set up, as in 512MiB or 8GiB.",
)
@click.option(
    "--fail-above",
    "thresholds",
    multiple=True,
    metavar="NAME=P",
    help="Exit with 4 if the mean probability of a class or fate is above P; repeatable.",
)
def estimate(
    stories: tuple[str, ...],
    as_json: bool,
    output: Path | None,
    view: str | None,
    assignments: tuple[str, ...],
    method: str,
    draws: int,
    seed: int,
    max_memory: str,
    thresholds: tuple[str, ...],
) -> None:
    """Odds of every outcome, and the failure paths of most concern."""
    limits, memory, settings, targets, loaded, chosen = all_of(
        lambda: thresholds_of(thresholds),
        lambda: memory_of(max_memory),
        lambda: chosen_settings(assignments),
        lambda: result_files(stories, output),
        lambda: load_stories(stories),
        lambda: chosen_view(view),
    )
    summaries, failures = [], []
    with _progress() as progress:
        for name, story, target in zip(stories, loaded, targets, strict=True):
            progress(f"{_shown(name)}: loading", 0, 0)
            summary, failure = _estimate_one(
                story,
                target,
                _about(name, progress),
                {"method": method, "draws": draws, "seed": seed, "max_memory": memory},
                {"view": chosen, "settings": settings},
            )
            summaries.append(summary)
            failures += [failure] if failure else []
    if as_json:
        _write_json(summaries if len(summaries) > 1 else summaries[0])
    else:
        _print_reports(summaries, stories)
    for failure in failures:
        click.echo(f"storyodds: {failure}", err=True)
    if failures:
        raise click.exceptions.Exit(FAILED)
    for target in targets:
        if target is not None:
            click.echo(f"saved {_shown(target)}", err=True)
    _judge(summaries, limits)


def _about(name: str, progress: "Progress") -> "Progress":
    return lambda stage, done, total: progress(f"{_shown(name)}: {stage}", done, total)


def _estimate_one(
    story: "Story",
    target: Path | None,
    progress: "Progress",
    sampling: Mapping[str, Any],
    changes: Mapping[str, Any],
) -> tuple[dict[str, Any], str | None]:
    """Compute and save; a result that cannot be saved is still told."""
    from storyodds.models.assessment import assess
    from storyodds.reports.results import result_of
    from storyodds.reports.summary import summarize
    from storyodds.scenarios.resolve import resolve

    assessment = assess(resolve(story, **changes), progress=progress, **sampling)
    summary = summarize(assessment)
    try:
        if target is not None and target.suffix == ".json":
            text = json.dumps(summary, indent=1, allow_nan=False) + "\n"
            write_atomically(target, text.encode())
        elif target is not None:
            from storyodds.models.datatree import save_result

            progress("saving", 0, 0)
            save_result(result_of(assessment, summary), target)
    except OSError as error:
        return summary, f"cannot save {_shown(target)}: {_reason(error)}"
    return summary, None


def _reason(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).lower()


def _shown(path: Path | str | None) -> str:
    from storyodds.priors.errors import printable

    return printable(str(path))


def _judge(summaries: list[dict[str, Any]], limits: Mapping[str, float]) -> None:
    """Turn what was computed into an exit code."""
    exceeded = False
    for summary in summaries if limits else ():
        means = {**summary["classes"], **summary["fates"]}
        for name, limit in limits.items():
            if means[name]["mean"] > limit:
                exceeded = True
                click.echo(
                    f"{summary['story']}: {name} is {means[name]['mean']:.4g}, above {limit:g}",
                    err=True,
                )
    doubtful = [summary for summary in summaries if not summary["diagnostics"]["ok"]]
    for summary in doubtful:
        for message in summary["diagnostics"]["messages"]:
            click.echo(f"{summary['story']}: NOT RELIABLE: {message}", err=True)
    if doubtful:
        raise click.exceptions.Exit(NOT_RELIABLE)
    if exceeded:
        raise click.exceptions.Exit(ABOVE_THRESHOLD)


def _print_reports(summaries: list[dict[str, Any]], names: tuple[str, ...]) -> None:
    from rich.console import Console
    from rich.rule import Rule

    from storyodds.reports.terminal import print_report

    console = Console(highlight=False)
    for k, (summary, name) in enumerate(zip(summaries, names, strict=True)):
        if k:
            console.print()
            console.print(Rule(style="dim"))
        print_report(console, summary, name)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
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


@cli.command(short_help="How much an ending hangs on each assumption.")
@click.argument("story")
@json_option
@click.option(
    "--of",
    type=click.Choice([*CLASSES, "catastrophe"]),
    default="catastrophe",
    show_default=True,
    help="The ending that is asked about: a class, or catastrophe.",
)
@click.option(
    "--top",
    type=click.IntRange(1),
    metavar="N",
    help="Tell the N assumptions, or with --json the N literals, on which most hangs; 10 unless "
    "stated, and all with --json.",
)
@changing
@sampling
def importance(
    story: str,
    as_json: bool,
    of: str,
    top: int | None,
    view: str | None,
    assignments: tuple[str, ...],
    method: Any,
    draws: int,
    seed: int,
) -> None:
    """How much an ending hangs on each assumption: the importance measures of fault trees.

    They tell what learning that an assumption is true, or false, would say of the ending.
    """
    settings, loaded, chosen = all_of(
        lambda: chosen_settings(assignments), lambda: load_one(story), lambda: chosen_view(view)
    )
    with _progress() as progress:
        progress(f"{_shown(story)}: loading", 0, 0)
        from storyodds.models.assessment import assess
        from storyodds.reports.importance import summarize_importance
        from storyodds.scenarios.resolve import resolve

        about = _about(story, progress)
        resolved = resolve(loaded, view=chosen, settings=settings)
        assessed = assess(resolved, method=method, draws=draws, seed=seed, progress=about)
        about("taking assumptions one by one", 0, 0)
        summary = summarize_importance(assessed, of)
    if as_json:
        _write_json({**summary, "literals": summary["literals"][:top]})
    else:
        from rich.console import Console

        from storyodds.reports.importance_table import SHOWN, print_importance

        print_importance(Console(highlight=False), summary, top or SHOWN)
    _judge([summary], {})


@cli.command(short_help="Every mistake of every file, and what a reader would ask about.")
@stories_argument
@json_option
@click.option("--strict", is_flag=True, help="Exit with 2 for lint findings too.")
def check(stories: tuple[str, ...], as_json: bool, strict: bool) -> None:
    """Every mistake of every file, and what a careful reader would ask about."""
    from storyodds.priors.errors import render
    from storyodds.scenarios.lint import lint

    results, wrong, doubtful = [], False, False
    for name in stories:
        problems: tuple[Problem, ...] = ()
        findings: list[Any] = []
        try:
            findings = lint(load_one(name))
        except InputError as error:
            problems, wrong = tuple(error.problems), True
        doubtful = doubtful or bool(findings)
        results.append(
            {
                "story": name,
                "ok": not problems,
                "problems": [_plain_problem(problem) for problem in problems],
                "findings": [finding.as_dict() for finding in findings],
            }
        )
        if as_json:
            continue
        for problem in problems:
            click.echo(render(problem), err=True)
        for finding in findings:
            place = f"{finding.key_path}: " if finding.key_path else ""
            click.echo(f"{_shown(name)}: {place}{finding.sentence} [{finding.code}]")
        if not problems:
            counted = f", {len(findings)} finding{'s' * (len(findings) != 1)}" if findings else ""
            click.echo(f"{_shown(name)}: ok{counted}")
    if as_json:
        _write_json({"schema": "storyodds/check/1", "stories": results})
    if wrong or (strict and doubtful):
        raise click.exceptions.Exit(WRONG_INPUT)


def _plain_problem(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "key_path": problem.key_path,
        "message": problem.message,
    }


@cli.command(name="list")
@json_option
def list_stories(as_json: bool) -> None:
    """The bundled stories and views."""
    from storyodds.priors.library import view, view_names
    from storyodds.scenarios.loader import bundled_stories, load_story

    stories = {name: load_story(name).title for name in bundled_stories()}
    views = {name: view(name).title for name in view_names()}
    if as_json:
        _write_json({"schema": "storyodds/list/1", "stories": stories, "views": views})
        return
    width = max(map(len, (*stories, *views)))
    for heading, entries in (("Stories", stories), ("Views (--view)", views)):
        click.echo(heading)
        for name, title in entries.items():
            click.echo(_hanging(f"  {name:<{width}}  ", title))


def _hanging(start: str, text: str) -> str:
    """An entry of a list, wrapped under itself on a terminal; a pipe gets one line for each."""
    if sys.stdout is None or not sys.stdout.isatty():
        return start + text
    columns = max(shutil.get_terminal_size().columns, len(start) + 20)
    blank = " " * len(start)
    return textwrap.fill(text, columns, initial_indent=start, subsequent_indent=blank)


@cli.command(short_help="A story's text, to read or to copy.")
@click.argument("story")
@json_option
def show(story: str, as_json: bool) -> None:
    """A story's text, to read or to copy: storyodds show coinrun-agent > my-story.yaml."""
    from storyodds.scenarios.loader import story_text

    text = story_text(story)
    if as_json:
        _write_json({"schema": "storyodds/show/1", "story": story, "text": text})
    else:
        _print_text(text)


@cli.command(name="import", short_help="A fault tree in the Open-PSA format as a story.")
@click.argument("tree", type=click.Path(path_type=Path), metavar="FAULT-TREE.XML")
@json_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write the story to this .yaml file; standard output unless stated.",
)
@click.option(
    "--top", metavar="NAME", help="The gate that matters, where several are part of no other."
)
def import_tree(tree: Path, as_json: bool, output: Path | None, top: str | None) -> None:
    """A fault tree in the Open-PSA format as a story.

    The top gate becomes a route whose probability is that of the top event:
    storyodds import pumps.xml -o pumps.yaml && storyodds estimate pumps.yaml.
    """
    from storyodds.scenarios.open_psa import import_open_psa
    from storyodds.scenarios.serialize import to_yaml

    target, story = all_of(lambda: story_file(output), lambda: import_open_psa(tree, top))
    text = to_yaml(story)
    if target is not None:
        try:
            write_atomically(target, text.encode())
        except OSError as error:
            click.echo(f"storyodds: cannot save {_shown(target)}: {_reason(error)}", err=True)
            raise click.exceptions.Exit(FAILED) from None
    if as_json:
        _write_json(
            {
                "schema": "storyodds/import/1",
                "source": str(tree),
                "story": story.story,
                "route": story.routes[0].id,
                "basic_events": _free(story),
                "composites": len(story.assumptions) - _free(story),
                "output": None if target is None else str(target),
                "text": text,
            }
        )
    elif target is None:
        _print_text(text)
    if target is not None:
        click.echo(f"saved {_shown(target)}", err=True)


def _free(story: "Story") -> int:
    return sum(spec is not None and spec.holds_when is None for spec in story.assumptions.values())


def _print_text(text: str) -> None:
    """Show a text on a terminal, or copy it byte for byte, whatever the locale."""
    if sys.stdout is not None and sys.stdout.isatty():
        click.echo("\n".join(map(_shown, text.splitlines())))
    else:
        click.echo(text.encode(), nl=not text.endswith("\n"))


def _write_json(document: Any) -> None:
    plain = not speaks_unicode(sys.stdout)
    click.echo(json.dumps(document, indent=1, allow_nan=False, ensure_ascii=plain))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and give its exit code.

    Examples
    --------
    >>> main(["list", "--json"]) == 0  # doctest: +ELLIPSIS
    {...
    """
    from storyodds.priors.errors import render

    code: Any = FAILED
    try:
        prepare(sys.stdout)
        prepare(sys.stderr)
        code = cli.main(arguments, prog_name="storyodds", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except (click.exceptions.Abort, KeyboardInterrupt):
        code = INTERRUPTED
        _complain("interrupted")
    except click.ClickException as error:
        code = WRONG_INPUT
        error.show()
    except InputError as error:
        code = WRONG_INPUT
        for problem in error.problems:
            _complain(render(problem))
    except BrokenPipeError:  # the reader of our output has gone
        silence(sys.stdout)
    except OSError as error:
        silence(sys.stdout)
        where = f"{_shown(os.fsdecode(error.filename))}: " if error.filename else ""
        _complain(f"storyodds: {where}{_reason(error)}")
    except Exception as error:
        _complain(f"storyodds: {_unexpected(error)}")
    return code if isinstance(code, int) else DONE


def _unexpected(error: Exception) -> str:
    if os.environ.get("STORYODDS_TRACEBACK"):
        with contextlib.suppress(OSError):
            traceback.print_exception(error, file=sys.stderr)
    kind = "out of memory" if isinstance(error, MemoryError) else type(error).__name__
    first = next(iter(str(error).splitlines()), "")
    said = f"{kind}: {_shown(first)}" if first else kind
    return f"unexpected failure: {said} (STORYODDS_TRACEBACK=1 shows where)"


def _complain(text: str) -> None:
    with contextlib.suppress(OSError):
        click.echo(text, err=True)


def run() -> None:
    """Be the `storyodds` command: run once and leave the process.

    A command lives for seconds and frees its arrays by itself. Looking for garbage among the
    numeric libraries, while they are imported and again at the end, takes a third of that.
    """
    gc.disable()
    code = main()
    gc.freeze()
    sys.exit(code)
