"""The command that turns a panel's judgments into priors."""

from typing import TYPE_CHECKING, Any

import click

from storyodds.commands.console import json_option, write_json

if TYPE_CHECKING:
    from storyodds.reports.contract.judgments import PoolMethod


@click.command(short_help="A panel's judgments pooled, weighed, and made coherent.")
@click.argument("file", metavar="FILE")
@json_option
@click.option(
    "--weights",
    type=click.Choice(["equal", "performance"]),
    help="How to weigh experts; by performance where the file has calibration questions, unless "
    "stated.",
)
@click.option(
    "--method",
    type=click.Choice(["linear", "logarithmic"]),
    default="linear",
    show_default=True,
    help="Which pool to write out for a story: the mixture, or the normalized geometric mean.",
)
@click.option(
    "--repair", is_flag=True, help="Show the least change that makes incoherent beliefs coherent."
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 1),
    default=0.02,
    show_default=True,
    metavar="SHARE",
    help="By which share odds may be off before beliefs count as incoherent: people round.",
)
def judgments(
    file: str, as_json: bool, weights: Any, method: "PoolMethod", repair: bool, tolerance: float
) -> None:
    """A panel's judgments pooled, weighed, and made coherent.

    FILE says what each expert said: of the quantities that a story needs, of questions with known
    answers (calibration), and of events that hang together (beliefs). The name example-panel stands
    for an example.
    """
    from storyodds.priors.panels.judgments import read_judgments
    from storyodds.reports.documents.judgments import summarize_judgments

    panel = read_judgments(file)
    summary = summarize_judgments(panel, weights=weights, tolerance=tolerance, repaired=repair)
    if as_json:
        write_json(summary)
        return
    from rich.console import Console

    from storyodds.reports.terminal.judgments import print_judgments

    print_judgments(Console(highlight=False), summary, method)
