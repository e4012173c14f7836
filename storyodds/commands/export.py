"""The command that writes a story's result for other people's documents."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from storyodds.commands.asking import (
    ROUTES,
    Changes,
    Sampling,
    about,
    assess_one,
    changing,
    chosen_figures,
    drawing,
    figures_of,
    judge,
    recipe,
    require_figures,
)
from storyodds.commands.console import FAILED, json_option, print_text, progress_line, reason
from storyodds.commands.console import write_json as print_json
from storyodds.commands.options import writable_file
from storyodds.priors.text.errors import InputError, Problem, shown
from storyodds.priors.text.files import write_atomically

if TYPE_CHECKING:
    from storyodds.models.assessment.assessment import Assessment, Progress
    from storyodds.reports.contract.estimate import Estimate
    from storyodds.reports.words.recipe import Recipe

SCHEMA = "storyodds/export/1"

_ENDINGS = {
    "markdown": (".md", ".markdown"),
    "gsn-yaml": (".yaml", ".yml"),
    "gsn-svg": (".svg",),
    "gsn-png": (".png",),
    "bif": (".bif",),
    "xmlbif": (".xml", ".xmlbif"),
    "xdsl": (".xdsl",),
}
_FOLDER = "figures"
_NETWORKS = ("bif", "xmlbif", "xdsl")
_TEXTS = ("markdown", "gsn-yaml", *_NETWORKS)  # what can go to standard output
_ROUTES = 4  # of a class, in the picture of an argument


@click.command(short_help="An annex, a goal structure, a network, or every figure, as files.")
@click.argument("story")
@click.option(
    "--to",
    "kind",
    type=click.Choice([*_ENDINGS, _FOLDER]),
    default="markdown",
    show_default=True,
    help="markdown: an annex in words and tables. gsn-…: the argument in Goal Structuring "
    "Notation, as YAML for gsn2x or as a picture. bif, xmlbif, xdsl: a Bayesian network at the "
    "mean of every number, without the evidence. figures: every figure of the story.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The file to write, or for figures the folder, made if it is not there; standard output "
    "unless stated, for markdown, gsn-yaml and networks.",
)
@click.option(
    "--format",
    "ending",
    type=click.Choice(["svg", "png", "html"]),
    help="What figures are written as; svg unless stated. html is a piece of a page each, with "
    "picture, numbers and source, to embed in another page.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="Of the figures, only this one, as in --only how-the-story-ends; repeatable. A README.md "
    "that is there stays as it is.",
)
@json_option
@changing
@drawing
def export(
    story: str,
    kind: str,
    output: Path | None,
    ending: str | None,
    only: tuple[str, ...],
    as_json: bool,
    changes: Changes,
    sampling: Sampling,
) -> None:
    """A safety-case annex, a goal structure, a network, or every figure, as files.

    All of it is made before any of it is written. An argument says how likely its claims are,
    not that they are so.
    """
    with progress_line() as progress:
        report = about(story, progress)
        assessment, settings, _ = assess_one(
            story,
            changes,
            sampling,
            report,
            lambda: _target(kind, output),
            lambda: _format(kind, ending, only),
            standard=True,
        )
        again = recipe(story, changes, sampling)
        contents, estimate = _contents(kind, ending, only, assessment, settings, again, report)
        notes = _left_out(kind, assessment)
        files = _placed(contents, output)
        _write(files, output if kind == _FOLDER else None)
    if as_json:
        print_json(_summary(kind, estimate, contents, files))
    elif output is None:
        print_text(contents[""].decode())
    else:
        for path in files:
            click.echo(f"wrote {shown(path)}")
    for note in notes:
        click.echo(shown(f"{estimate['story']}: {note}"), err=True)
    judge([estimate])


def _target(kind: str, output: Path | None) -> None:
    """Refuse, before anything is computed, a place that cannot be written to."""
    if output is None and kind not in _TEXTS:
        place = "a folder" if kind == _FOLDER else f"a file that ends in {_ENDINGS[kind][0]}"
        raise InputError([Problem(f"--to {kind}: found no --output, expected {place}")])
    if output is None:
        return
    if kind != _FOLDER:
        writable_file(output, _ENDINGS[kind])
    elif output.exists() and not output.is_dir():
        raise InputError([Problem(f"--output: found the file '{output}', expected a folder")])
    elif not output.parent.is_dir():
        raise InputError([Problem(f"--output: the folder '{output.parent}' does not exist")])


def _format(kind: str, ending: str | None, only: Sequence[str]) -> None:
    """Refuse what is for figures beside anything else."""
    if kind == _FOLDER:
        return
    options = [("--format", ending)] if ending is not None else []
    options += [("--only", name) for name in only]
    if options:
        raise InputError(
            Problem(
                f"{option}: found '{name}' with --to {kind}, expected it with --to figures only"
            )
            for option, name in options
        )


def _contents(
    kind: str,
    ending: str | None,
    only: Sequence[str],
    assessment: "Assessment",
    settings: Mapping[str, Any],
    recipe: "Recipe",
    report: "Progress",
) -> "tuple[dict[str, bytes], Estimate]":
    """By file name, everything that is going to be written; a lone file has none."""
    from storyodds.reports.documents.estimate import summarize
    from storyodds.reports.exports.gsn.argument import argument
    from storyodds.reports.exports.gsn.picture import gsn_svg
    from storyodds.reports.exports.gsn.yaml_text import gsn_yaml
    from storyodds.reports.figures.drawing.figure import encoded
    from storyodds.reports.figures.drawing.files import README, credit_of, figure_files

    if kind in _NETWORKS:
        from storyodds.scenarios.networks.of_story import network_of
        from storyodds.scenarios.networks.writers import WRITERS

        text = WRITERS[kind](network_of(assessment.prepared.resolved))
        return {"": text.encode()}, summarize(assessment)
    story = assessment.prepared.resolved.story
    options = ["--to", kind] + ["--format", ending or ""] * (ending is not None)
    options += [word for name in only for word in ("--only", name)]
    credit = credit_of(summarize(assessment), recipe.command("export", *options))
    if kind in ("gsn-yaml", "gsn-svg", "gsn-png"):
        estimate = summarize(assessment)
        if kind == "gsn-yaml":
            return {"": gsn_yaml(argument(estimate, story)).encode()}, estimate
        picture = gsn_svg(argument(estimate, story, most=ROUTES))
        return {"": encoded(picture, f".{kind.removeprefix('gsn-')}", credit)}, estimate

    from storyodds.reports.dashboard.page_data import make_dossier

    require_figures(only, assessment.prepared.resolved, "--only")
    dossier = make_dossier(assessment, settings=settings, recipe=recipe, tell=report)
    estimate = dossier.estimate
    if kind == _FOLDER:
        figures = figures_of(dossier)
        chosen = chosen_figures(figures, only, "--only") if only else figures
        files = figure_files(chosen, f".{ending or 'svg'}", credit)
        if only:  # a README beside them is of all figures, and stays
            del files[README]
        return files, estimate

    from storyodds.reports.dashboard.card import in_words
    from storyodds.reports.exports.markdown.annex import markdown_report

    text = markdown_report(
        estimate,
        sentences=in_words(dossier),
        sensitivity=dossier.sensitivity,
        value=dossier.parts.get("value"),
        story=story,
        recipe=recipe,
    )
    return {"": text.encode()}, estimate


def _left_out(kind: str, assessment: "Assessment") -> tuple[str, ...]:
    """What a network does not hold of its story, as its file says too."""
    if kind not in _NETWORKS:
        return ()
    from storyodds.scenarios.networks.of_story import left_out

    return left_out(assessment.prepared.resolved)


def _placed(contents: Mapping[str, bytes], output: Path | None) -> dict[Path, bytes]:
    if output is None:
        return {}
    return {output / name if name else output: content for name, content in contents.items()}


def _write(files: Mapping[Path, bytes], folder: Path | None) -> None:
    """Write files, each whole or not at all."""
    path = folder
    try:
        if folder is not None:
            folder.mkdir(exist_ok=True)
        for path, content in files.items():
            write_atomically(path, content)
    except OSError as error:
        click.echo(f"storyodds: cannot save {shown(path)}: {reason(error)}", err=True)
        raise click.exceptions.Exit(FAILED) from None


def _summary(
    kind: str,
    estimate: Mapping[str, Any],
    contents: Mapping[str, bytes],
    files: Mapping[Path, bytes],
) -> dict[str, Any]:
    """What was written; the text itself where it went nowhere else."""
    head = {key: estimate[key] for key in ("story", "title", "story_sha256", "view", "settings")}
    written = [{"file": str(path), "bytes": len(content)} for path, content in files.items()]
    text = None if files else contents[""].decode()
    return {
        "schema": SCHEMA,
        **head,
        "to": kind,
        "written": written,
        "text": text,
        "diagnostics": estimate["diagnostics"],
    }
