"""The command that says in which stage of training each part of a story is worth most."""

from typing import TYPE_CHECKING

import click

from storyodds.commands.asking import Changes, Sampling, about, assess_one, changing, drawing, judge
from storyodds.commands.console import json_option, progress_line, write_json

if TYPE_CHECKING:
    from storyodds.scenarios.story import Story


@click.command(short_help="In which stage of training each part is worth most.")
@click.argument("story")
@json_option
@click.option(
    "--no-standard",
    is_flag=True,
    help="Place only the observations that the story proposes, without the catalog's.",
)
@changing
@drawing
def placement(
    story: str, as_json: bool, no_standard: bool, changes: Changes, sampling: Sampling
) -> None:
    """In which stage of training each check, nudge, constraint and observation is worth most.

    Takes each from where a story in stages has it and puts it into one stage alone, all stages in
    turn. All else stays, the evidence included.
    """
    with progress_line() as progress:
        report = about(story, progress)
        assessment, _, _ = assess_one(
            story, changes, sampling, report, require=_require_stages, standard=not no_standard
        )
        from storyodds.reports.documents.placement import summarize_placement

        summary = summarize_placement(assessment, report)
    if as_json:
        write_json(summary)
    else:
        from rich.console import Console

        from storyodds.reports.terminal.placement import print_placement

        print_placement(Console(highlight=False), summary)
    judge([summary])


def _require_stages(stories: "list[Story]") -> None:
    """Refuse what is trained in one step, before it is assessed."""
    from storyodds.reports.documents.placement import require_stages

    for story in stories:
        require_stages(story)
