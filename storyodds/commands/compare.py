"""The command that compares stories, views and saved results."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from storyodds.commands.asking import Sampling, drawing
from storyodds.commands.console import (
    NOT_RELIABLE,
    json_option,
    progress_line,
    save_text,
    write_json,
)
from storyodds.commands.options import all_of, chosen_view, load_one, writable_file
from storyodds.priors.text.errors import InputError, Problem, printable, shown

if TYPE_CHECKING:
    from storyodds.reports.contract.comparison import Comparison
    from storyodds.reports.documents.comparison.saved import Saved
    from storyodds.scenarios.story import Story

_SAVED = (".nc", ".json")


@click.command(short_help="Stories, views of a story, or saved results, side by side.")
@click.argument("sides", nargs=-1, required=True, metavar="STORY|RESULT...")
@json_option
@click.option(
    "--view",
    "views",
    multiple=True,
    help="Put the one story that is named beside itself under a view (sceptic, advocate, …, or a "
    "view's file); repeatable.",
)
@click.option(
    "--page",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write it as a page too, with pictures: one .html file that loads nothing. In a folder "
    "of `storyodds dashboard`, its page of all stories links to it.",
)
@drawing
def compare(
    sides: tuple[str, ...],
    as_json: bool,
    views: tuple[str, ...],
    page: Path | None,
    sampling: Sampling,
) -> None:
    """Stories, views of a story, or saved results, side by side.

    A RESULT is what `storyodds estimate --output` saved: a .nc file, which is made again from the
    story that it keeps, as is a make in the history of `storyodds dashboard`; or a .json file, of
    which only the means can be compared. Differences are
    from the first side, at the same numbers: those of one name are one number. Of two versions of a
    story, it is told what each change adds.
    """
    _, chosen, loaded, _ = all_of(
        lambda: _check(sides, views),
        lambda: all_of(*(partial(chosen_view, name) for name in views)),
        lambda: _load_all(sides),
        lambda: None if page is None else _page_target(page),
    )
    with progress_line() as progress:
        progress("loading", 0, 0)
        from storyodds.reports.api import comparison

        keywords = sampling.keywords()
        summary = comparison.compare(loaded, views=chosen, progress=progress, **keywords)
        text = "" if page is None else _page(summary, page, _again(sides, views, sampling))
    if page is not None:
        save_text(text, page)
    if as_json:
        write_json(summary)
    else:
        from rich.console import Console

        from storyodds.reports.terminal.comparison import print_comparison

        print_comparison(Console(highlight=False), summary)
        if page is not None:
            click.echo(f"wrote {shown(page)}")
    _judge(summary)


def _page_target(page: Path) -> None:
    """Refuse, before anything is computed, a place that cannot be written, or has another page."""
    writable_file(page, (".html", ".htm"), "--page")
    if not page.exists():
        return
    from storyodds.reports.dashboard.overview.folder import is_comparison

    if not is_comparison(page):
        message = f"--page: found '{page}', which is another page, expected a name that is free"
        raise InputError([Problem(message)])


def _again(sides: Sequence[str], views: Sequence[str], sampling: Sampling) -> str:
    """The command that makes the page again."""
    from storyodds.reports.words.recipe import as_argument

    words = ["storyodds", "compare", *map(as_argument, sides)]
    words += [word for view in views for word in ("--view", view)]
    words += ["--method", sampling.method] * (sampling.method != "auto")
    words += ["--draws", str(sampling.draws), "--seed", str(sampling.seed)]
    return printable(shlex.join(words))


def _page(summary: "Comparison", target: Path, command: str) -> str:
    from storyodds.reports.dashboard.overview.comparison import comparison_page

    stories = {side["story"] for side in summary["sides"]}
    beside = {name for name in (*stories, "index") if target.with_name(f"{name}.html").is_file()}
    return comparison_page(
        summary, command=f"{command} --page {shlex.quote(target.name)}", beside=beside
    )


def _is_saved(name: str) -> bool:
    return Path(name).suffix in _SAVED


def _check(sides: Sequence[str], views: Sequence[str]) -> None:
    """See that there is something to compare, before anything is computed."""
    problems = []
    stories = [name for name in sides if not _is_saved(name)]
    if views and len(stories) != 1:
        problems.append(
            f"--view: found {len(stories)} stories, expected one, which is put beside itself under "
            "each view"
        )
    elif len(sides) + len(views) < 2:
        problems.append(
            f"found only '{shown(sides[0])}', expected a second story, a saved result (.nc or "
            ".json), or --view with a view of the story"
        )
    for name, times in Counter(views).items():
        if times > 1:
            problems.append(f"--view {shown(name)}: found twice, expected every view once")
    if problems:
        raise InputError([Problem(problem) for problem in problems])


def _load_all(names: Sequence[str]) -> "list[Story | Saved]":
    if names.count("-") > 1:
        raise InputError([Problem("found '-' twice, but standard input can be read only once")])
    return all_of(*(partial(_load, name) for name in names))


def _load(name: str) -> "Story | Saved":
    if not _is_saved(name):
        return load_one(name)
    from storyodds.reports.documents.comparison.saved import read_result

    return read_result(name)


def _judge(summary: Mapping[str, Any]) -> None:
    """Turn what was computed into an exit code."""
    doubtful = [side for side in summary["sides"] if not side["diagnostics"]["ok"]]
    for side in doubtful:
        for message in side["diagnostics"]["messages"]:
            sentence = shown(" ".join(message.split()))
            click.echo(f"{shown(side['name'])}: NOT RELIABLE: {sentence}", err=True)
    if doubtful:
        raise click.exceptions.Exit(NOT_RELIABLE)
