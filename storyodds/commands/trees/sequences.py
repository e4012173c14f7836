"""The command that lists how likely the sequences of event trees are."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from storyodds.commands.asking import judge
from storyodds.commands.console import json_option, progress_line, save_text, shown, write_json
from storyodds.commands.trees.options import reading, started_by

if TYPE_CHECKING:
    from storyodds.scenarios.open_psa.event_trees.model import EventTreeModel


@click.command(short_help="How likely the sequences of an event tree are.")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@json_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Write a story of every sequence and consequence to this folder, which has to exist.",
)
@started_by
@click.option(
    "--top",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    metavar="N",
    help="With --json, list the N most probable cut sets and the N literals on which most hangs.",
)
@reading
@click.option("--draws", type=click.IntRange(64, 1 << 20), default=4096, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True)
def sequences(
    file: Path,
    as_json: bool,
    output: Path | None,
    initiating_event: str | None,
    top: int,
    mission_time: float | None,
    at_means: bool,
    draws: int,
    seed: int,
) -> None:
    """How likely the sequences of an event tree are, how often they come about, and why.

    FILE is in the Open-PSA format, its fault trees and event trees in one file. Probabilities are
    given the initiating event; where the file says how often that happens, frequencies stand
    beside them. storyodds import FILE --sequence NAME makes a story of one of them.
    """
    from storyodds.priors.text.xml_reader import read_xml
    from storyodds.reports.documents.sequences import summarize_sequences
    from storyodds.scenarios.open_psa.event_trees.sequences import event_tree_model

    with progress_line() as progress:
        progress(f"{shown(file)}: reading", 0, 0)
        model = event_tree_model(read_xml(file), mission_time=mission_time, at_means=at_means)
        stories = [] if output is None else _stories(model, output, initiating_event)
        summary = summarize_sequences(
            model,
            initiating_event=initiating_event,
            top=top,
            draws=draws,
            seed=seed,
            progress=progress,
        )
    for target, text in stories:
        save_text(text, target)
    if as_json:
        write_json(summary)
    else:
        from rich.console import Console

        from storyodds.reports.terminal.sequences import print_sequences

        print_sequences(Console(highlight=False), summary)
    for remark in summary["remarks"]:
        click.echo(f"note: {shown(remark)}", err=True)
    if output is not None:
        click.echo(f"saved {len(stories)} stories in {shown(output)}", err=True)
    endings = [
        ending
        for tree in summary["event_trees"]
        for ending in (*tree["sequences"], *tree["consequences"])
    ]
    judge({"story": ending["name"], "diagnostics": ending} for ending in endings)


def _stories(
    model: "EventTreeModel", folder: Path, initiating_event: str | None
) -> list[tuple[Path, str]]:
    """The story of every sequence and consequence that has odds, with the file that it goes to."""
    from storyodds.commands.options import writable_file
    from storyodds.priors.text.errors import InputError, Problem
    from storyodds.scenarios.open_psa.assembly import ConstantError
    from storyodds.scenarios.serialize import to_yaml

    if not folder.is_dir():
        sentence = f"--output: found '{shown(folder)}', expected a folder that exists"
        raise InputError([Problem(sentence)])
    stories: dict[Path, str] = {}
    for analysis in model.analyses_of(initiating_event):
        for ending in (*analysis.sequences, *analysis.consequences):
            try:
                story = model.story_of(analysis, ending).story
            except ConstantError:
                continue
            target = writable_file(folder / f"{story.story}.yaml", (".yaml",))
            if target in stories:
                sentence = (
                    f"--output: found two stories for '{shown(target)}', expected names that "
                    "differ by more than what ids leave out"
                )
                raise InputError([Problem(sentence)])
            stories[target] = to_yaml(story)
    return list(stories.items())
