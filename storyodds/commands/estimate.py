"""The command that estimates stories: odds, paths and their intervals."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from storyodds.commands.asking import (
    Changes,
    Sampling,
    about,
    changing,
    drawing,
    judge,
    limiting,
    recipe,
)
from storyodds.commands.console import (
    FAILED,
    json_option,
    json_text,
    progress_line,
    reason,
    stories_argument,
    write_json,
)
from storyodds.commands.options import (
    all_of,
    memory_of,
    named,
    result_files,
)
from storyodds.commands.thresholds import limits_of, verdict_limits
from storyodds.priors.text.errors import InputError, shown
from storyodds.priors.text.files import write_atomically

if TYPE_CHECKING:
    from storyodds.models.assessment.assessment import Assessment, Progress
    from storyodds.reports.contract.estimate import Estimate
    from storyodds.reports.words.recipe import Recipe
    from storyodds.scenarios.grammar.limits import Limit
    from storyodds.scenarios.story import Story


@click.command(short_help="Odds of every outcome, and the failure paths of most concern.")
@stories_argument
@json_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Save the result: a .nc file (ArviZ DataTree) or a .json file; a folder for several "
    "stories.",
)
@changing
@partial(drawing, simulation=True)
@click.option(
    "--max-memory",
    metavar="SIZE",
    default="2GiB",
    show_default=True,
    help="Of the whole process, as in 512MiB or 8GiB: a story that does not fit is refused before "
    "the memory is taken.",
)
@click.option(
    "--fail-above",
    "above",
    multiple=True,
    metavar="NAME=P",
    help="Exit with 4 if the mean probability of a class, a fate or odds on decision day "
    "(catastrophe-given-deployed) is above P; NAME.q95=P takes the 95% point; repeatable.",
)
@click.option(
    "--fail-below",
    "below",
    multiple=True,
    metavar="NAME=P",
    help="The same if it is below P, as in --fail-below success.q05=0.2; repeatable.",
)
@limiting
def estimate(
    stories: tuple[str, ...],
    as_json: bool,
    output: Path | None,
    changes: Changes,
    sampling: Sampling,
    max_memory: str,
    above: tuple[str, ...],
    below: tuple[str, ...],
    limits: tuple[str, ...],
) -> None:
    """Odds of every outcome, and the failure paths of most concern."""
    thresholds, stated, memory, targets, inputs = all_of(
        lambda: limits_of(above, below),
        lambda: verdict_limits(limits),
        lambda: memory_of(max_memory),
        lambda: result_files(stories, output),
        lambda: changes.applied(stories),
    )
    answered, failures, refused, verdicts = [], [], [], []
    with progress_line() as progress:
        for name, story, target in zip(stories, inputs.stories, targets, strict=True):
            progress(f"{shown(name)}: loading", 0, 0)
            try:
                summary, failed, words = _estimate_one(
                    story,
                    target,
                    about(name, progress),
                    stated,
                    view=inputs.view,
                    settings=inputs.settings,
                    max_memory=memory,
                    **sampling.keywords(),
                )
            except InputError as error:  # the other stories are answered all the same
                refused += [named(problem, name) for problem in error.problems]
                continue
            answered.append((name, summary, target))
            failures += [failed] if failed else []
            verdicts += [(summary["story"], sentence) for sentence in words]
    summaries = [summary for _, summary, _ in answered]
    if as_json and summaries:
        write_json(summaries if len(stories) > 1 else summaries[0])
    elif summaries:
        recipes = [
            replace(recipe(name, changes, sampling), max_memory=max_memory)
            for name, _, _ in answered
        ]
        _print_reports(summaries, recipes)
    for failed in failures:
        click.echo(f"storyodds: {failed}", err=True)
    if failures:
        raise click.exceptions.Exit(FAILED)
    for _, _, target in answered:
        if target is not None:
            click.echo(f"saved {shown(target)}", err=True)
    if refused:
        raise InputError(refused)
    for name, sentence in verdicts:
        click.echo(shown(f"{name}: {sentence}"), err=as_json)
    judge(summaries, thresholds)


def _estimate_one(
    story: "Story",
    target: Path | None,
    progress: "Progress",
    limits: "Sequence[Limit]",
    **options: Any,
) -> "tuple[Estimate, str | None, list[str]]":
    """Compute, judge limits and save; a result that cannot be saved is printed all the same."""
    from storyodds.models.assessment.assessment import assess_story
    from storyodds.reports.documents.estimate import summarize

    assessment = assess_story(story, progress=progress, **options)
    summary = summarize(assessment)
    words = _verdict_words(assessment, summary, limits, progress)
    try:
        if target is not None and target.suffix == ".json":
            write_atomically(target, json_text(summary).encode())
        elif target is not None:
            from storyodds.models.assessment.datatree import save_result
            from storyodds.reports.api.estimate import result_of

            progress("saving", 0, 0)
            save_result(result_of(assessment, summary), target)
    except OSError as error:
        return summary, f"cannot save {shown(target)}: {reason(error)}", words
    return summary, None, words


def _verdict_words(
    assessment: "Assessment",
    summary: "Estimate",
    limits: "Sequence[Limit]",
    progress: "Progress",
) -> list[str]:
    """Say of every limit, the story's own and those given, whether it is kept."""
    if not (limits or assessment.prepared.resolved.story.limits):
        return []
    from storyodds.reports.documents.cards.limits import verdicts_on

    progress("holding the odds to the limits", 0, 0)
    return [
        f"{verdict.sentence} {verdict.change}".strip()
        for verdict in verdicts_on(assessment, summary, limits)
    ]


def _print_reports(summaries: "Sequence[Estimate]", recipes: "list[Recipe]") -> None:
    from rich.console import Console
    from rich.rule import Rule

    from storyodds.reports.terminal.estimate import print_report

    console = Console(highlight=False)
    for k, (summary, again) in enumerate(zip(summaries, recipes, strict=True)):
        if k:
            console.print()
            console.print(Rule(style="dim"))
        print_report(console, summary, again)
