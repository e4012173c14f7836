"""What commands that compute have in common: options, one story assessed, figures, exit code."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from storyodds.commands.console import ABOVE_THRESHOLD, NOT_RELIABLE
from storyodds.commands.options import Changed, all_of, load_changed
from storyodds.commands.thresholds import failure
from storyodds.priors.text.errors import InputError, Problem, shown

if TYPE_CHECKING:
    from storyodds.models.assessment.assessment import Assessment, Method, Progress
    from storyodds.reports.dashboard.page_data import Dossier
    from storyodds.reports.figures.drawing.figure import Figure
    from storyodds.reports.words.recipe import Recipe
    from storyodds.scenarios.grammar.limits import Limit
    from storyodds.scenarios.resolve import ResolvedStory
    from storyodds.scenarios.story import Story

ROUTES = 4  # of a class, in the picture of an argument: more have letters too small to read

type Command = Callable[..., Any]


@dataclass(frozen=True)
class Changes:
    """What --view, --set and --off change in a story, as they were written."""

    view: str | None
    assignments: tuple[str, ...]
    off: tuple[str, ...]

    def applied(
        self, stories: tuple[str, ...], require: "Callable[[list[Story]], None] | None" = None
    ) -> Changed:
        """Load stories and read what changes them, as `load_changed` does."""
        return load_changed(stories, self.view, self.assignments, self.off, require)


@dataclass(frozen=True)
class Sampling:
    """How the posterior is drawn from."""

    method: "Method"
    draws: int
    seed: int

    def keywords(self) -> dict[str, Any]:
        """Give it as `assess` takes it."""
        return {"method": self.method, "draws": self.draws, "seed": self.seed}


def recipe(story: str, changes: Changes, sampling: Sampling) -> "Recipe":
    """Give what makes the same numbers again."""
    from storyodds.reports.words.recipe import Recipe

    changed = (changes.view, changes.assignments, changes.off)
    return Recipe(story, *changed, sampling.method, sampling.draws, sampling.seed)


def changing(command: Command) -> Command:
    """Add the options that change a story's numbers, and hand them over as `changes`."""

    @wraps(command)
    def changed(
        view: str | None, assignments: tuple[str, ...], off: tuple[str, ...], **options: Any
    ) -> Any:
        return command(changes=Changes(view, assignments, off), **options)

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
        "nudge, check, evidence and correlation; repeatable.",
    )
    return view(settings(off(changed)))


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


def drawing(command: Command, *, simulation: bool = False) -> Command:
    """Add the options of how to draw from the posterior, and hand them over as `sampling`."""

    @wraps(command)
    def drawn(method: "Method", draws: int, seed: int, **options: Any) -> Any:
        return command(sampling=Sampling(method, draws, seed), **options)

    usual = "auto weights draws from the prior, and runs NUTS where that is not good enough"
    method = click.option(
        "--method",
        type=click.Choice(["auto", "weighting", "nuts"] + ["simulation"] * simulation),
        default="auto",
        show_default=True,
        help=f"{usual}; simulation is for stories too large to sum exactly."
        if simulation
        else f"{usual}.",
    )
    draws = click.option(
        "--draws", type=click.IntRange(64, 1 << 20), default=4096, show_default=True
    )
    seed = click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True)
    return method(draws(seed(drawn)))


def assess_one(
    name: str,
    changes: Changes,
    sampling: Sampling,
    progress: "Progress",
    *checks: Callable[[], Any],
    require: "Callable[[list[Story]], None] | None" = None,
    **resolving: Any,
) -> "tuple[Assessment, dict[str, Any], list[Any]]":
    """Load one story and assess it, for a command that asks more of it.

    Parameters
    ----------
    name : str
        A path, a bundled id, or - for standard input.
    changes : Changes
    sampling : Sampling
    progress : callable
        Called with (stage, steps done, steps in all).
    *checks : callable
        Of other options, whose mistakes are listed together with those of the story.
    require : callable, optional
        Refuses stories of which the command has nothing to say, before anything is computed.
    **resolving
        More for `resolve`.

    Returns
    -------
    tuple
        The assessment, the overrides under which it was made, and what the checks gave.
    """
    progress("loading", 0, 0)
    inputs, *checked = all_of(lambda: changes.applied((name,), require), *checks)
    (story,) = inputs.stories
    from storyodds.models.assessment.assessment import assess_story

    keywords = {**sampling.keywords(), **resolving}
    assessment = assess_story(story, inputs.view, inputs.settings, progress=progress, **keywords)
    return assessment, inputs.settings, checked


def about(name: str, progress: "Progress") -> "Progress":
    """Name the story in every stage that is reported."""
    return lambda stage, done, total: progress(f"{shown(name)}: {stage}", done, total)


def judge(documents: Iterable[Mapping[str, Any]], limits: "Sequence[Limit]" = ()) -> None:
    """Turn what was computed into an exit code."""
    documents = list(documents)
    exceeded = False
    for document in documents:
        for sentence in (failure(limit, document) for limit in limits):
            if sentence is not None:
                exceeded = True
                click.echo(shown(f"{document['story']}: {sentence}"), err=True)
    doubtful = [document for document in documents if not document["diagnostics"]["ok"]]
    for document in doubtful:
        for message in document["diagnostics"]["messages"]:
            click.echo(shown(f"{document['story']}: NOT RELIABLE: {message}"), err=True)
    if doubtful:
        raise click.exceptions.Exit(NOT_RELIABLE)
    if exceeded:
        raise click.exceptions.Exit(ABOVE_THRESHOLD)


def figures_of(dossier: "Dossier") -> "dict[str, Figure]":
    """Every figure of a story's page, ArviZ's plots of its draws, and its goal structure."""
    from storyodds.reports.dashboard.levels.depths import sections_of
    from storyodds.reports.dashboard.pictures import arviz_figures
    from storyodds.reports.exports.gsn.argument import argument
    from storyodds.reports.exports.gsn.picture import gsn_svg
    from storyodds.reports.figures.drawing.files import numbered

    figures = [figure for section in sections_of(dossier) for figure in section.figures]
    figures += arviz_figures(dossier)
    figures.append(gsn_svg(argument(dossier.estimate, dossier.story, most=ROUTES)))
    names = numbered([figure.name for figure in figures])
    return dict(zip(names, figures, strict=True))


def require_figures(names: Sequence[str], story: "ResolvedStory", option: str) -> None:
    """Refuse, before anything is computed, names of which no page of the story has a figure."""
    if not names:
        return
    from storyodds.models.story.building import build_graph
    from storyodds.priors.text.phrases import did_you_mean
    from storyodds.reports.dashboard.figure_names import figure_names, without_number

    possible = figure_names(build_graph(story))
    problems = [
        Problem(
            f"{option}: found '{name}', expected a figure of this story, such as {possible[0]}"
            f"{did_you_mean(name, possible)}"
        )
        for name in names
        if without_number(name) not in possible
    ]
    if problems:
        raise InputError(problems)


def chosen_figures(
    figures: "Mapping[str, Figure]", names: Sequence[str], option: str
) -> "dict[str, Figure]":
    """Those that an option names; refuse names of which the story has no figure."""
    from storyodds.priors.text.phrases import did_you_mean

    problems = [
        Problem(
            f"{option}: found '{name}', expected a figure of this story: {', '.join(figures)}"
            f"{did_you_mean(name, list(figures))}"
        )
        for name in names
        if name not in figures
    ]
    if problems:
        raise InputError(problems)
    return {name: figures[name] for name in names}
