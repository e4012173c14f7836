"""The command that ranks assumptions by how much an ending hangs on each."""

import click

from storyodds.commands.asking import (
    Changes,
    Sampling,
    about,
    assess_one,
    changing,
    drawing,
    judge,
)
from storyodds.commands.console import json_option, progress_line, write_json
from storyodds.commands.options import ODDS


@click.command(short_help="How much an ending hangs on each assumption.")
@click.argument("story")
@json_option
@click.option(
    "--of",
    type=click.Choice(ODDS),
    metavar="ODDS",
    default="catastrophe",
    show_default=True,
    help="The odds in question: a class, a fate, deployed, or either of the first given that, as "
    "in catastrophe-given-deployed.",
)
@click.option(
    "--top",
    type=click.IntRange(1),
    metavar="N",
    help="List the N assumptions, or with --json the N literals, on which most hangs; 10 unless "
    "stated, and all with --json.",
)
@changing
@drawing
def importance(
    story: str,
    as_json: bool,
    of: str,
    top: int | None,
    changes: Changes,
    sampling: Sampling,
) -> None:
    """How much an ending hangs on each assumption: the importance measures of fault trees.

    They are what the ending's odds would be if an assumption were known to be true, or false.
    """
    with progress_line() as progress:
        report = about(story, progress)
        assessment, _, _ = assess_one(story, changes, sampling, report)
        from storyodds.reports.documents.importance import summarize_importance

        report("taking assumptions one by one", 0, 0)
        summary = summarize_importance(assessment, of)
    if as_json:
        write_json({**summary, "literals": summary["literals"][:top]})
    else:
        from rich.console import Console

        from storyodds.reports.terminal.importance import SHOWN, print_importance

        print_importance(Console(highlight=False), summary, top or SHOWN)
    judge([summary])
