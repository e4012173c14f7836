"""The command that makes a story of a fault tree."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from storyodds.commands.console import json_option, print_text, save_text, write_json
from storyodds.commands.options import STORY_ENDINGS, all_of, writable_file
from storyodds.priors.text.errors import shown

if TYPE_CHECKING:
    from storyodds.scenarios.story import Story


@click.command(name="import", short_help="A fault tree in the Open-PSA format as a story.")
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
@click.option(
    "--mission-time",
    type=float,
    metavar="HOURS",
    help="The hours that <system-mission-time> stands for.",
)
@click.option(
    "--at-means",
    is_flag=True,
    help="Take uncertain numbers at their means where a story cannot keep them: inside a function, "
    "shared by several events, or of a distribution that stories do not have.",
)
def import_tree(
    tree: Path,
    as_json: bool,
    output: Path | None,
    top: str | None,
    mission_time: float | None,
    at_means: bool,
) -> None:
    """A fault tree in the Open-PSA format as a story.

    The top gate becomes a route whose probability is that of the top event:
    storyodds import pumps.xml -o pumps.yaml && storyodds estimate pumps.yaml.
    """
    from storyodds.scenarios.open_psa.reader import read_open_psa
    from storyodds.scenarios.serialize import to_yaml

    target, imported = all_of(
        lambda: None if output is None else writable_file(output, STORY_ENDINGS),
        lambda: read_open_psa(tree, top, mission_time=mission_time, at_means=at_means),
    )
    story = imported.story
    text = to_yaml(story)
    if target is not None:
        save_text(text, target)
    if as_json:
        write_json(
            {
                "schema": "storyodds/import/1",
                "source": str(tree),
                "story": story.story,
                "route": story.routes[0].id,
                "basic_events": _free(story),
                "composites": len(story.assumptions) - _free(story),
                "output": None if target is None else str(target),
                "remarks": list(imported.remarks),
                "text": text,
            }
        )
    elif target is None:
        print_text(text)
    for remark in imported.remarks:
        click.echo(f"note: {shown(remark)}", err=True)
    if target is not None:
        click.echo(f"saved {shown(target)}", err=True)


def _free(story: "Story") -> int:
    return sum(spec is not None and spec.holds_when is None for spec in story.assumptions.values())
