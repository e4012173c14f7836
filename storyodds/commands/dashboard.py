"""The command that writes pages to send: one for each story, and one for them all."""

import json
import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from storyodds.commands.asking import (
    Changes,
    Sampling,
    about,
    changing,
    chosen_figures,
    drawing,
    figures_of,
    judge,
    limiting,
    recipe,
    require_figures,
)
from storyodds.commands.console import (
    FAILED,
    json_option,
    json_text,
    progress_line,
    reason,
    stories_argument,
)
from storyodds.commands.console import write_json as print_json
from storyodds.commands.options import Changed, all_of, named, writable_file
from storyodds.commands.thresholds import verdict_limits
from storyodds.priors.text.errors import InputError, Problem, shown
from storyodds.priors.text.file_batches import finish_batches, write_together

if TYPE_CHECKING:
    from storyodds.models.assessment.assessment import Progress
    from storyodds.reports.contract.estimate import Estimate
    from storyodds.reports.dashboard.page_data import Dossier
    from storyodds.reports.documents.history.makes import History
    from storyodds.reports.words.recipe import Recipe
    from storyodds.scenarios.resolve import ResolvedStory
    from storyodds.scenarios.story import Story

CARD_ENDINGS = (".png", ".svg")
INDEX = "index"  # a story of this id would take the place of the page of all stories


@click.command(short_help="Pages to send: one for each story, and one for them all.")
@stories_argument
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="The folder for the pages; made if it is not there.",
)
@click.option(
    "--thorough",
    is_flag=True,
    help="Take every uncertain number to its ends, not only those whose slopes say that they "
    "matter; look for what would tip a verdict; leave out each part of the story in turn; "
    "take more draws; and add ArviZ's plots of the draws.",
)
@click.option(
    "--export",
    is_flag=True,
    help="Write each story as a safety case too: in Markdown, and as a goal structure.",
)
@click.option(
    "--card",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the card of the one story as a picture too: a file that ends in .png or .svg. In "
    "DIR, it is the picture that previews of links to the page show.",
)
@click.option(
    "--embed",
    "embedded",
    multiple=True,
    metavar="FIGURE",
    help="Write this figure of each story as a piece of HTML too, to put into a page of yours: "
    "DIR/STORY.FIGURE.html, with picture, numbers and source, as in --embed how-the-story-ends; "
    "repeatable.",
)
@click.option(
    "--brief",
    is_flag=True,
    help="Write only the card of each story, one sheet to print, and work out no more than that.",
)
@json_option
@limiting
@changing
@partial(drawing, simulation=True)
def dashboard(
    stories: tuple[str, ...],
    folder: Path,
    thorough: bool,
    export: bool,
    card: Path | None,
    embedded: tuple[str, ...],
    brief: bool,
    as_json: bool,
    limits: tuple[str, ...],
    changes: Changes,
    sampling: Sampling,
) -> None:
    """Pages to send: one for each story, and one for them all.

    Every page is one file that needs no network, and no JavaScript but for its sliders. Stories
    whose results are in DIR from before are listed too. Every make is kept in DIR/history, and
    pages show the odds over time, with what changed and what each change added. Nothing is written
    before all of it is there.
    """
    stated, inputs, _, _, _ = all_of(
        lambda: verdict_limits(limits),
        lambda: changes.applied(stories, partial(_require_apart, stories)),
        lambda: _writable(folder),
        lambda: _card_target(card, folder, stories),
        lambda: _not_both(
            brief=brief,
            options={"--thorough": thorough, "--export": export, "--embed": bool(embedded)},
        ),
    )
    with progress_line() as progress:
        progress("loading", 0, 0)
        pairs = zip(stories, inputs.stories, strict=True)
        resolved = all_of(*(partial(_resolved, name, story, inputs) for name, story in pairs))
        all_of(
            *(
                partial(require_figures, embedded, story, f"{story.story.story}: --embed")
                for story in resolved
            )
        )
        dossiers = [
            _dossier(
                recipe(name, changes, sampling),
                story,
                inputs.settings,
                sampling,
                {"thorough": thorough, "limits": stated, "only": _card_parts() if brief else None},
                progress,
            )
            for name, story in zip(stories, resolved, strict=True)
        ]
        progress("writing pages", 0, 0)
        image = _inside(card, folder)
        contents = _contents(dossiers, folder, export, progress, image=image, brief=brief)
        for dossier in dossiers:
            contents |= _embedded(dossier, embedded)
        _write(folder, contents)
        if card is not None:
            _write_card(dossiers[0], card)
    estimates = [dossier.estimate for dossier in dossiers]
    if as_json:
        written = _written(folder, contents)
        if card is not None:
            written.append({"file": str(card), "bytes": card.stat().st_size})
        print_json({"schema": "storyodds/dashboard/1", "written": written})
    else:
        click.echo(f"wrote {shown(folder / 'index.html')}")
        for estimate in estimates:
            click.echo(f"wrote {shown(folder / estimate['story'])}.html")
            for name in embedded:
                click.echo(f"wrote {shown(folder / estimate['story'])}.{name}.html")
        if card is not None:
            click.echo(f"wrote {shown(card)}")
    judge(estimates)


def _writable(folder: Path) -> None:
    """Refuse, before anything is computed, a place where no folder can be."""
    if folder.exists() and not folder.is_dir():
        raise InputError([Problem(f"--output: found the file '{folder}', expected a folder")])
    if not folder.exists() and not folder.parent.is_dir():
        raise InputError([Problem(f"--output: the folder '{folder.parent}' does not exist")])
    if (history := folder / "history").exists() and not history.is_dir():
        raise InputError([Problem(f"--output: found the file '{history}', expected a folder")])
    if not os.access(place := folder if folder.exists() else folder.parent, os.W_OK):
        raise InputError([Problem(f"--output: the folder '{place}' cannot be written to")])


def _card_target(card: Path | None, folder: Path, stories: tuple[str, ...]) -> None:
    """Refuse, before anything is computed, a card that cannot be written."""
    if card is None:
        return
    if len(stories) > 1:
        message = f"--card: found {len(stories)} stories, expected one, of which the card is"
        raise InputError([Problem(message)])
    if card.suffix not in CARD_ENDINGS or not _inside(card, folder):
        writable_file(card, CARD_ENDINGS, "--card")


def _inside(card: Path | None, folder: Path) -> str | None:
    """The name of a card that stands beside the pages."""
    if card is None or card.parent.resolve() != folder.resolve():
        return None
    return card.name


def _not_both(*, brief: bool, options: Mapping[str, bool]) -> None:
    clashing = [name for name, is_on in options.items() if brief and is_on]
    if clashing:
        message = f"--brief: found {' and '.join(clashing)} too, expected one or the other: a card"
        raise InputError([Problem(f"{message} has no room for more")])


def _card_parts() -> tuple[str, ...]:
    from storyodds.reports.dashboard.card import PARTS

    return PARTS


def _require_apart(stories: tuple[str, ...], loaded: "list[Story]") -> None:
    """Refuse stories of which two would have the same page."""
    problems = []
    for id, n in Counter(story.story for story in loaded).items():
        names = [f"'{name}'" for name, s in zip(stories, loaded, strict=True) if s.story == id]
        if n > 1:
            sentence = f"{', '.join(names[:-1])} and {names[-1]} are all the story '{id}'"
            problems.append(
                Problem(
                    f"{sentence.replace(' all', ' both') if n == 2 else sentence}, "
                    "expected another id for each page"
                )
            )
        if id == INDEX:
            problems.append(
                Problem(
                    f"{names[0]} is the story '{id}', which is the name of the "
                    "page of all stories; expected another id"
                )
            )
    if problems:
        raise InputError(problems)


def _resolved(name: str, story: "Story", inputs: Changed) -> "ResolvedStory":
    """Apply what is changed, and name the story that it does not fit."""
    from storyodds.scenarios.resolve import resolve

    try:
        return resolve(story, view=inputs.view, settings=inputs.settings, standard=True)
    except InputError as error:
        raise InputError([named(problem, name) for problem in error.problems]) from None


def _dossier(
    again: "Recipe",
    story: "ResolvedStory",
    settings: Mapping[str, Any],
    sampling: Sampling,
    options: Mapping[str, Any],
    progress: "Progress",
) -> "Dossier":
    report = about(again.story, progress)
    # First of all: a library that ArviZ brings looks through every module that is there by then.
    import_module("storyodds.models.safe_arviz")
    from storyodds.models.assessment.assessment import assess
    from storyodds.models.engine.evaluation import load_numba
    from storyodds.reports.dashboard.page_data import make_dossier

    load_numba()
    assessment = assess(story, progress=report, **sampling.keywords())
    return make_dossier(assessment, settings=settings, recipe=again, tell=report, **options)


def _contents(
    dossiers: "list[Dossier]", folder: Path, export: bool, progress: "Progress", **shape: Any
) -> dict[str, str]:
    """By file name, everything that is going to be written, the first page last."""
    from storyodds.reports.dashboard.html import story_page
    from storyodds.reports.dashboard.overview.folder import entry_of, others_of
    from storyodds.reports.dashboard.overview.index import index_page
    from storyodds.reports.documents.history.makes import FOLDER, files_of, history_folder

    finish_batches(folder)  # before it is read
    contents: dict[str, str] = {}
    entries = []
    for dossier in dossiers:
        id = dossier.story.story
        # As it is written, so that what has not changed since the last time is seen not to have.
        estimate = json.loads(json_text(dossier.estimate))
        history = _history(dossier, estimate, folder, about(id, progress))
        whole = replace(dossier, parts={**dossier.parts, "history": history})
        contents[f"{id}.html"] = story_page(whole, home="index.html", **shape)
        contents[f"{id}.json"] = json_text(dossier.estimate)
        there = [file.name for file in history_folder(folder, id).glob("*.json")]
        for name, text in files_of(history, there).items():
            contents[f"{FOLDER}/{id}/{name}"] = text
        if export:
            contents |= _exports(dossier)
        entries.append(entry_of(estimate, history))
    earlier, comparisons, problems = others_of(folder, {d.story.story for d in dossiers})
    contents["index.html"] = index_page([*entries, *earlier], comparisons, problems)
    return contents


def _history(
    dossier: "Dossier", estimate: "Estimate", folder: Path, progress: "Progress"
) -> "History":
    """The makes of a story with this one, and with what changed since the last one."""
    from storyodds.reports.documents.history.makes import Make, read_history
    from storyodds.reports.documents.history.steps import summarize_step

    history, id = read_history(folder, dossier.story.story), dossier.story.story
    time = datetime.now(UTC)
    if history.last is not None:  # whose clock may have been ahead of this one
        time = max(time, history.last.made + timedelta(microseconds=1))
    make = Make(time, estimate, dossier.yaml)
    if history.last is not None and history.last.sha256 != make.sha256:
        progress("what has changed", 0, 0)
        since = summarize_step(history.last, estimate, dossier.assessment, about(id, progress))
        make = replace(make, since=since)
    return history.with_make(make)


def _embedded(dossier: "Dossier", names: tuple[str, ...]) -> dict[str, str]:
    """Figures of a story as pieces of HTML, by file name."""
    if not names:
        return {}
    from storyodds.reports.figures.drawing.figure import fragment
    from storyodds.reports.figures.drawing.files import credit_of

    id = dossier.story.story
    options = [word for name in names for word in ("--embed", name)]
    credit = credit_of(dossier.estimate, dossier.recipe.command("dashboard", *options))
    chosen = chosen_figures(figures_of(dossier), names, f"{id}: --embed")
    return {f"{id}.{name}.html": fragment(figure, credit) for name, figure in chosen.items()}


def _exports(dossier: "Dossier") -> dict[str, str]:
    """The story as a safety case: in words, and as a goal structure."""
    from storyodds.reports.dashboard.card import in_words
    from storyodds.reports.exports.gsn.argument import argument
    from storyodds.reports.exports.gsn.picture import gsn_svg
    from storyodds.reports.exports.gsn.yaml_text import gsn_yaml
    from storyodds.reports.exports.markdown.annex import markdown_report
    from storyodds.reports.figures.drawing.figure import standalone

    id, story, estimate = dossier.story.story, dossier.story, dossier.estimate
    return {
        f"{id}.md": markdown_report(
            estimate,
            sensitivity=dossier.sensitivity,
            value=dossier.parts.get("value"),
            story=story,
            recipe=dossier.recipe,
            sentences=in_words(dossier),
        ),
        f"{id}.gsn.yaml": gsn_yaml(argument(estimate, story)),
        f"{id}.gsn.svg": standalone(gsn_svg(argument(estimate, story, most=4))),
    }


def _write(folder: Path, contents: Mapping[str, str]) -> None:
    """Write the pages and the page of all of them, which change together."""
    try:
        for place in {(folder / name).parent for name in contents}:
            place.mkdir(exist_ok=True, parents=True)
        write_together(folder, {name: text.encode() for name, text in contents.items()})
        _remove_surplus(folder, contents)
    except OSError as error:
        click.echo(f"storyodds: cannot save {shown(folder)}: {reason(error)}", err=True)
        raise click.exceptions.Exit(FAILED) from None


def _remove_surplus(folder: Path, contents: Mapping[str, str]) -> None:
    """Make room: of the makes of a story, more than are read again are of no use."""
    from storyodds.reports.documents.history.makes import FOLDER, surplus

    makes = [folder / name for name in contents if name.startswith(f"{FOLDER}/")]
    fresh = {make.name for make in makes}
    for place in {make.parent for make in makes}:
        for file in surplus(place, fresh):
            with suppress(OSError):  # it is in nobody's way
                file.unlink()


def _write_card(dossier: "Dossier", card: Path) -> None:
    from storyodds.reports.dashboard.card import card_of
    from storyodds.reports.figures.card import plot_card
    from storyodds.reports.figures.drawing.figure import save_figure

    try:
        save_figure(plot_card(card_of(dossier)), card)
    except OSError as error:
        click.echo(f"storyodds: cannot save {shown(card)}: {reason(error)}", err=True)
        raise click.exceptions.Exit(FAILED) from None


def _written(folder: Path, contents: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"file": str(folder / name), "bytes": len(text.encode())} for name, text in contents.items()
    ]
