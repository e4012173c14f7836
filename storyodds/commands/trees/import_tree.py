"""The command that makes a story of a fault tree, an event tree or a Bayesian network."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from storyodds.commands.console import json_option, print_text, save_text, write_json
from storyodds.commands.options import STORY_ENDINGS, all_of, writable_file
from storyodds.commands.trees.options import reading, started_by
from storyodds.priors.text.errors import shown

if TYPE_CHECKING:
    from storyodds.scenarios.networks.reader import ImportedNetwork
    from storyodds.scenarios.open_psa.assembly import Imported
    from storyodds.scenarios.story import Story


@click.command(
    name="import", short_help="A fault tree, a sequence or a Bayesian network as a story."
)
@click.argument("tree", type=click.Path(path_type=Path), metavar="FILE")
@json_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write the story to this .yaml file; standard output unless stated.",
)
@click.option(
    "--top",
    metavar="NAME",
    help="Of a fault tree the gate that matters, where several are part of no other. Of a network "
    "the node and its state that are the catastrophe, as in --top dysp=yes.",
)
@click.option(
    "--sequence",
    metavar="NAME",
    help="Of event trees the sequence in question; storyodds sequences lists them.",
)
@click.option(
    "--consequence",
    metavar="NAME",
    help="Of event trees the consequence, or group of consequences, in question.",
)
@started_by
@reading
def import_tree(
    tree: Path,
    as_json: bool,
    output: Path | None,
    top: str | None,
    sequence: str | None,
    consequence: str | None,
    initiating_event: str | None,
    mission_time: float | None,
    at_means: bool,
) -> None:
    """A fault tree, a sequence of an event tree or a Bayesian network as a story.

    FILE is in the Open-PSA format, or a network in BIF, XMLBIF 0.3 or GeNIe's XDSL. The top gate,
    a sequence given its initiating event, or the state of a node that --top names becomes a route
    whose probability is that of the event:
    storyodds import pumps.xml -o pumps.yaml && storyodds estimate pumps.yaml.
    """
    from storyodds.scenarios.serialize import to_yaml

    target, imported = all_of(
        lambda: None if output is None else writable_file(output, STORY_ENDINGS),
        lambda: _read(
            tree,
            _Event(top, sequence, consequence, initiating_event),
            mission_time,
            at_means,
        ),
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


@dataclass(frozen=True)
class _Event:
    """What in a file the story is to be of."""

    top: str | None
    sequence: str | None
    consequence: str | None
    initiating_event: str | None

    def refuse_contradiction(self) -> None:
        """Refuse names of several events, and an initiating event without one that it leads to."""
        from storyodds.priors.text.errors import InputError, Problem

        names = {
            "--top": self.top,
            "--sequence": self.sequence,
            "--consequence": self.consequence,
        }
        stated = [option for option, name in names.items() if name is not None]
        if len(stated) > 1:
            sentence = f"{stated[1]}: found it beside {stated[0]}, expected one of them"
            raise InputError([Problem(sentence)])
        if self.initiating_event is not None and stated not in (["--sequence"], ["--consequence"]):
            sentence = (
                "--initiating-event: found it alone, expected --sequence or --consequence too"
            )
            raise InputError([Problem(sentence)])


def _read(
    path: Path, event: _Event, mission_time: float | None, at_means: bool
) -> "Imported | ImportedNetwork":
    """Read a file in the format that its ending and its content show."""
    from storyodds.priors.text.errors import InputError, Problem
    from storyodds.priors.text.xml_reader import read_xml
    from storyodds.scenarios.networks.reader import (
        imported_network,
        is_network,
        network_of,
        read_network,
    )
    from storyodds.scenarios.open_psa.event_trees.sequences import event_tree_model
    from storyodds.scenarios.open_psa.reader import imported

    event.refuse_contradiction()
    name = event.consequence if event.sequence is None else event.sequence
    document = None if path.suffix.lower() == ".bif" else read_xml(path)
    if document is not None and not is_network(document):
        if name is None:
            return imported(document, event.top, mission_time=mission_time, at_means=at_means)
        model = event_tree_model(document, mission_time=mission_time, at_means=at_means)
        is_consequence = event.consequence is not None
        return model.story_of(*model.find(name, event.initiating_event, consequence=is_consequence))
    options = {
        "--mission-time": mission_time is not None,
        "--at-means": at_means,
        "--sequence": event.sequence is not None,
        "--consequence": event.consequence is not None,
    }
    for option, is_set in options.items():
        if is_set:
            kind = "an event tree" if "equence" in option else "a fault tree"
            sentence = f"{option}: found it with a network, expected it with {kind} only"
            raise InputError([Problem(sentence, str(path))])
    network = read_network(path) if document is None else network_of(document)
    return imported_network(network, event.top)


def _free(story: "Story") -> int:
    return sum(spec is not None and spec.holds_when is None for spec in story.assumptions.values())
