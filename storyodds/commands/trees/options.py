"""Options of what a file of another program says and a story does not."""

from collections.abc import Callable
from typing import Any

import click

type Command = Callable[..., Any]


def reading(command: Command) -> Command:
    """Add the options of how the numbers of an Open-PSA file are read."""
    mission_time = click.option(
        "--mission-time",
        type=float,
        metavar="HOURS",
        help="The hours that <system-mission-time> stands for.",
    )
    at_means = click.option(
        "--at-means",
        is_flag=True,
        help="Take uncertain numbers at their means where a story cannot keep them: inside a "
        "function, shared by several events, or of a distribution that stories do not have.",
    )
    return mission_time(at_means(command))


def started_by(command: Command) -> Command:
    """Add the option that names an initiating event."""
    return click.option(
        "--initiating-event",
        metavar="NAME",
        help="Of event trees the initiating event in question, where there are several.",
    )(command)
