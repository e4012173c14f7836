"""Every figure of a story by its name, and those of them that are named on the command line."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from storyodds.priors.text.errors import InputError, Problem

if TYPE_CHECKING:
    from storyodds.reports.dashboard.page_data import Dossier
    from storyodds.reports.figures.drawing.figure import Figure

ROUTES = 4  # of a class, in the picture of an argument: more have letters too small to read


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
