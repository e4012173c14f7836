"""The command that says what is worth finding out next."""

import click

from storyodds.commands.asking import Changes, Sampling, about, assess_one, changing, drawing, judge
from storyodds.commands.console import json_option, progress_line, write_json
from storyodds.commands.options import ODDS


@click.command(short_help="Which observation would tell most, or be worth most to a decision.")
@click.argument("story")
@json_option
@click.option(
    "--worth",
    "stakes",
    multiple=True,
    metavar="NAME=U",
    help="State a decision, to deploy or to withhold, by what an ending is worth: success, "
    "uncompetitive, benign-failure, catastrophe, and withheld; in any unit, 0 unless stated, as "
    "in --worth success=1 --worth catastrophe=-100; repeatable. Without it, rank by bits about "
    "what --of says.",
)
@click.option(
    "--of",
    type=click.Choice(ODDS),
    metavar="ODDS",
    help="What bits are about: a class, a fate, deployed, or either of the first given that, as in "
    "catastrophe-given-deployed; success unless stated, and catastrophe for a risk argument.",
)
@click.option(
    "--no-standard",
    is_flag=True,
    help="Weigh only what the story proposes, without the catalog's standard observations.",
)
@click.option(
    "--top",
    type=click.IntRange(1),
    metavar="N",
    help="List the N best proposals, assumptions and numbers; 10 unless stated, and all with "
    "--json.",
)
@changing
@drawing
def value(
    story: str,
    as_json: bool,
    stakes: tuple[str, ...],
    of: str | None,
    no_standard: bool,
    top: int | None,
    changes: Changes,
    sampling: Sampling,
) -> None:
    """Which observation would tell most, or be worth most to a decision.

    Weighs what the story proposes to observe, and the catalog's standard observations, by exact
    sums over all their results; and what it would be worth to know an assumption or a number.
    """
    with progress_line() as progress:
        report = about(story, progress)
        assessment, _, (worth,) = assess_one(
            story,
            changes,
            sampling,
            report,
            lambda: stakes_of(stakes),
            standard=not no_standard,
        )
        from storyodds.reports.documents.value import summarize_value

        report("weighing what could be observed", 0, 0)
        summary = summarize_value(assessment, worth or None, of=of)
    if as_json:
        first = {key: summary[key][:top] for key in ("proposals", "assumptions", "numbers")}
        write_json({**summary, **first})
    else:
        from rich.console import Console

        from storyodds.reports.terminal.value import SHOWN, print_value

        print_value(Console(highlight=False), summary, top or SHOWN)
    judge([summary])


def stakes_of(texts: tuple[str, ...]) -> dict[str, float]:
    """Read NAME=U: what an ending is worth, or withholding the model."""
    if not texts:
        return {}
    from storyodds.reports.documents.stakes import checked_stakes

    parts = (text.partition("=") for text in texts)
    return checked_stakes([(name.strip(), amount.strip()) for name, _, amount in parts], "--worth")
