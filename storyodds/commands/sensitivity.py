"""The command that asks what a story's odds hang on."""

from typing import Any

import click

from storyodds.commands.console import json_option, progress_line, write_json
from storyodds.commands.estimate import about, assess_one, changing, judge, sampling

# Said twice, here and where they are worked out, so that --help answers at once; a test compares.
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
@sampling
def sensitivity(
    story: str,
    as_json: bool,
    parts: tuple[str, ...],
    view: str | None,
    assignments: tuple[str, ...],
    off: tuple[str, ...],
    method: Any,
    draws: int,
    seed: int,
) -> None:
    """What the odds hang on, how it fails, and what would tip it.

    local: one number or assumption at a time. global: all numbers at once. structure: the story
    without each of its parts. failure: how it fails, by how far, and where. trust: whether priors
    and findings can be trusted. views: the same story under every view.
    """
    sampled = {"method": method, "draws": draws, "seed": seed}
    with progress_line() as progress:
        tell = about(story, progress)
        assessed, settings, _ = assess_one(story, (view, assignments, off), sampled, tell)
        from storyodds.reports.documents.sensitivity.whole import summarize_sensitivity

        asked = tuple(part for part in PARTS if part in parts) or PARTS
        summary = summarize_sensitivity(assessed, asked, settings=settings, tell=tell)
    if as_json:
        write_json(summary)
    else:
        from rich.console import Console

        from storyodds.reports.terminal.sensitivity.whole import print_sensitivity

        print_sensitivity(Console(highlight=False), summary)
    judge([summary])
