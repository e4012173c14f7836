"""The commands that compute: estimate and importance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from storyodds.commands.console import (
    ABOVE_THRESHOLD,
    FAILED,
    NOT_RELIABLE,
    json_option,
    json_text,
    progress_line,
    reason,
    stories_argument,
    write_json,
)
from storyodds.commands.options import (
    ODDS,
    all_of,
    chosen_settings,
    chosen_view,
    load_one,
    load_stories,
    memory_of,
    result_files,
)
from storyodds.commands.thresholds import failure, limits_of, verdict_limits
from storyodds.priors.text.errors import InputError, Problem, shown
from storyodds.priors.text.files import write_atomically

if TYPE_CHECKING:
    from storyodds.models.assessment.assessment import Assessment, Progress
    from storyodds.reports.words.recipe import Recipe
    from storyodds.scenarios.grammar.limits import Limit
    from storyodds.scenarios.story import Story

type Command = Callable[..., Any]


def changing(command: Command) -> Command:
    """Add the options that change a story's numbers."""
    view = click.option(
        "--view", help="A named set of overrides (sceptic, advocate, …) or a view's file."
    )
    settings = click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="ID=PRIOR",
        help="Override one number, as in --set situational-awareness=[0.2,0.6]; repeatable.",
    )
    off = click.option(
        "--off",
        multiple=True,
        metavar="KIND:ID",
        help="Switch off a part of the story, as in --off check:blind-audit; kinds are constraint, "
        "nudge, check and evidence; repeatable.",
    )
    return view(settings(off(command)))


def limiting(command: Command) -> Command:
    """Add the option that states limits, on which a verdict is given."""
    return click.option(
        "--limit",
        "limits",
        multiple=True,
        metavar="NAME=P",
        help="State whether a class or a fate keeps to P, at most P or for success and intended at "
        "least, and which single number would bring it there; NAME.q95=P takes the 95% point; "
        "stands in place of the story's own limit; repeatable. The exit code does not change.",
    )(command)


def sampling(command: Command, *, simulation: bool = False) -> Command:
    """Add the options that say how the posterior is drawn from."""
    said = "auto weights draws from the prior, and runs NUTS where that is not good enough"
    method = click.option(
        "--method",
        type=click.Choice(["auto", "weighting", "nuts"] + ["simulation"] * simulation),
        default="auto",
        show_default=True,
        help=f"{said}; simulation is for stories too large to sum exactly."
        if simulation
        else f"{said}.",
    )
    draws = click.option(
        "--draws", type=click.IntRange(64, 1 << 20), default=4096, show_default=True
    )
    seed = click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True)
    return method(draws(seed(command)))


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
@partial(sampling, simulation=True)
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
    view: str | None,
    assignments: tuple[str, ...],
    off: tuple[str, ...],
    method: str,
    draws: int,
    seed: int,
    max_memory: str,
    above: tuple[str, ...],
    below: tuple[str, ...],
    limits: tuple[str, ...],
) -> None:
    """Odds of every outcome, and the failure paths of most concern."""
    thresholds, stated, memory, settings, targets, loaded, chosen = all_of(
        lambda: limits_of(above, below),
        lambda: verdict_limits(limits),
        lambda: memory_of(max_memory),
        lambda: chosen_settings(assignments, off),
        lambda: result_files(stories, output),
        lambda: load_stories(stories),
        lambda: chosen_view(view),
    )
    answered, failures, refused, verdicts = [], [], [], []
    with progress_line() as progress:
        for name, story, target in zip(stories, loaded, targets, strict=True):
            progress(f"{shown(name)}: loading", 0, 0)
            try:
                summary, failed, words = _estimate_one(
                    story,
                    target,
                    about(name, progress),
                    {"method": method, "draws": draws, "seed": seed, "max_memory": memory},
                    {"view": chosen, "settings": settings},
                    stated,
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
        from storyodds.reports.words.recipe import Recipe

        asked: dict[str, Any] = {"method": method, "draws": draws, "seed": seed}
        recipes = [
            Recipe(name, view, assignments, off, **asked, max_memory=max_memory)
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


def named(problem: Problem, name: str) -> Problem:
    """Say of which story a mistake is, where it does not say so itself."""
    return problem if problem.file is not None else replace(problem, file=shown(name))


def _estimate_one(
    story: "Story",
    target: Path | None,
    progress: "Progress",
    sampling: Mapping[str, Any],
    changes: Mapping[str, Any],
    limits: "Sequence[Limit]",
) -> tuple[dict[str, Any], str | None, list[str]]:
    """Compute, judge limits and save; a result that cannot be saved is still told."""
    from storyodds.models.assessment.assessment import assess
    from storyodds.reports.api.estimate import result_of
    from storyodds.reports.documents.estimate import summarize
    from storyodds.scenarios.resolve import resolve

    assessment = assess(resolve(story, **changes), progress=progress, **sampling)
    summary = summarize(assessment)
    words = _verdict_words(assessment, summary, limits, progress)
    try:
        if target is not None and target.suffix == ".json":
            write_atomically(target, json_text(summary).encode())
        elif target is not None:
            from storyodds.models.assessment.datatree import save_result

            progress("saving", 0, 0)
            save_result(result_of(assessment, summary), target)
    except OSError as error:
        return summary, f"cannot save {shown(target)}: {reason(error)}", words
    return summary, None, words


def _verdict_words(
    assessment: "Assessment",
    summary: Mapping[str, Any],
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


def _print_reports(summaries: list[dict[str, Any]], recipes: "list[Recipe]") -> None:
    from rich.console import Console
    from rich.rule import Rule

    from storyodds.reports.terminal.estimate import print_report

    console = Console(highlight=False)
    for k, (summary, recipe) in enumerate(zip(summaries, recipes, strict=True)):
        if k:
            console.print()
            console.print(Rule(style="dim"))
        print_report(console, summary, recipe)


@click.command(short_help="How much an ending hangs on each assumption.")
@click.argument("story")
@json_option
@click.option(
    "--of",
    type=click.Choice(ODDS),
    metavar="ODDS",
    default="catastrophe",
    show_default=True,
    help="What is asked about: a class, a fate, deployed, or either of the first given that, as in "
    "catastrophe-given-deployed.",
)
@click.option(
    "--top",
    type=click.IntRange(1),
    metavar="N",
    help="Tell the N assumptions, or with --json the N literals, on which most hangs; 10 unless "
    "stated, and all with --json.",
)
@changing
@sampling
def importance(
    story: str,
    as_json: bool,
    of: str,
    top: int | None,
    view: str | None,
    assignments: tuple[str, ...],
    off: tuple[str, ...],
    method: Any,
    draws: int,
    seed: int,
) -> None:
    """How much an ending hangs on each assumption: the importance measures of fault trees.

    They tell what learning that an assumption is true, or false, would say of the ending.
    """
    sampled = {"method": method, "draws": draws, "seed": seed}
    with progress_line() as progress:
        tell = about(story, progress)
        assessed, _, _ = assess_one(story, (view, assignments, off), sampled, tell)
        from storyodds.reports.documents.importance import summarize_importance

        tell("taking assumptions one by one", 0, 0)
        summary = summarize_importance(assessed, of)
    if as_json:
        write_json({**summary, "literals": summary["literals"][:top]})
    else:
        from rich.console import Console

        from storyodds.reports.terminal.importance import SHOWN, print_importance

        print_importance(Console(highlight=False), summary, top or SHOWN)
    judge([summary])


def assess_one(
    name: str,
    changes: tuple[str | None, tuple[str, ...], tuple[str, ...]],
    sampling: Mapping[str, Any],
    tell: "Progress",
    *checks: Callable[[], Any],
    **resolving: Any,
) -> "tuple[Assessment, dict[str, Any], list[Any]]":
    """Load one story and assess it, for a command that asks more of it.

    Parameters
    ----------
    name : str
        A path, a bundled id, or - for standard input.
    changes : tuple
        What --view, --set and --off say.
    sampling : mapping
        What --method, --draws and --seed say.
    tell : callable
        Called with (stage, steps done, steps in all).
    *checks : callable
        Of other options, whose mistakes are told together with those of the story.
    **resolving
        More for `resolve`.

    Returns
    -------
    tuple
        The assessment, the overrides under which it was made, and what the checks gave.
    """
    view, assignments, off = changes
    tell("loading", 0, 0)
    settings, loaded, chosen, *checked = all_of(
        lambda: chosen_settings(assignments, off),
        lambda: load_one(name),
        lambda: chosen_view(view),
        *checks,
    )
    from storyodds.models.assessment.assessment import assess
    from storyodds.scenarios.resolve import resolve

    resolved = resolve(loaded, view=chosen, settings=settings, **resolving)
    return assess(resolved, progress=tell, **sampling), settings, checked


def about(name: str, progress: "Progress") -> "Progress":
    """Name the story in every stage that is reported."""
    return lambda stage, done, total: progress(f"{shown(name)}: {stage}", done, total)


def judge(summaries: list[dict[str, Any]], limits: "Sequence[Limit]" = ()) -> None:
    """Turn what was computed into an exit code."""
    exceeded = False
    for summary in summaries:
        for words in (failure(limit, summary) for limit in limits):
            if words is not None:
                exceeded = True
                click.echo(shown(f"{summary['story']}: {words}"), err=True)
    doubtful = [summary for summary in summaries if not summary["diagnostics"]["ok"]]
    for summary in doubtful:
        for message in summary["diagnostics"]["messages"]:
            click.echo(shown(f"{summary['story']}: NOT RELIABLE: {message}"), err=True)
    if doubtful:
        raise click.exceptions.Exit(NOT_RELIABLE)
    if exceeded:
        raise click.exceptions.Exit(ABOVE_THRESHOLD)
