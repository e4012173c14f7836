"""The command that changes one input at a time: what the odds of a story depend on."""

import click

from storyodds.commands.asking import Changes, Sampling, about, assess_one, changing, drawing, judge
from storyodds.commands.console import json_option, progress_line, write_json

# Written here and where they are computed, so that --help answers at once; a test compares.
PARTS = ("local", "global", "structure", "failure", "trust", "views")


@click.command(short_help="What the odds hang on, how it fails, and what would tip it.")
@click.argument("story")
@json_option
@click.option(
    "--part",
    "parts",
    type=click.Choice(PARTS),
    multiple=True,
    help="Only this part of the analysis; repeatable. All of them unless stated.",
)
@changing
@drawing
def sensitivity(
    story: str,
    as_json: bool,
    parts: tuple[str, ...],
    changes: Changes,
    sampling: Sampling,
) -> None:
    """What the odds hang on, how it fails, and what would tip it.

    local: one number or assumption at a time. global: all numbers at once. structure: the story
    without each of its parts. failure: how it fails, by how far, and where. trust: whether priors
    and findings can be trusted. views: the same story under every view.
    """
    with progress_line() as progress:
        report = about(story, progress)
        assessment, settings, _ = assess_one(story, changes, sampling, report)
        from storyodds.reports.documents.sensitivity.whole import summarize_sensitivity

        chosen = tuple(part for part in PARTS if part in parts) or PARTS
        summary = summarize_sensitivity(assessment, chosen, settings=settings, tell=report)
    if as_json:
        write_json(summary)
    else:
        from rich.console import Console

        from storyodds.reports.terminal.sensitivity.whole import print_sensitivity

        print_sensitivity(Console(highlight=False), summary)
    judge([summary])
