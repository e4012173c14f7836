"""The command that serves live pages on this machine."""

import json
from pathlib import Path

import click

from storyodds.priors.text.errors import InputError, Problem, shown

DRAWS = 1024  # said twice, here and where they are drawn, so that --help answers at once


@click.command(short_help="Live pages on this machine: change a story and see its odds.")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8321,
    show_default=True,
    help="0 takes any that is free.",
)
@click.option(
    "--draws",
    type=click.IntRange(64, 1 << 16),
    default=DRAWS,
    show_default=True,
    help="Of the prior, for an answer while you change something.",
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True)
@click.option(
    "--json", "as_json", is_flag=True, help="Write the address as one line of JSON when it is up."
)
def serve(folder: Path, port: int, draws: int, seed: int, as_json: bool) -> None:
    """Live pages on this machine: change a story and see its odds.

    Shows the stories in DIR (the current folder unless stated) and the bundled ones. Change
    numbers, views, evidence and structure: the odds are worked out anew. States that you save go
    into DIR, each with its changed story as a file that every command takes; nothing is written
    elsewhere. Only this machine can connect. Ctrl-C ends it.
    """
    if not folder.is_dir():
        raise InputError([Problem(f"DIR: found '{shown(folder)}', expected a folder that exists")])

    def report(port: int) -> None:
        address = f"http://127.0.0.1:{port}/"
        if as_json:
            click.echo(json.dumps({"address": address, "port": port}))
        else:
            click.echo(f"Serving {shown(folder)} at {address} (Ctrl-C ends it)")

    from storyodds.reports.live.server.launch import run

    run(folder, port=port, draws=draws, seed=seed, say=report)
