"""Stage by stage: where each stage of training leaves the model."""

from storyodds.reports.dashboard.page_data import Dossier
from storyodds.reports.dashboard.parts import Section, Table
from storyodds.reports.dashboard.pictures import drawn
from storyodds.reports.figures.drawing.cells import with_band
from storyodds.reports.words.stages import likeliest_by_stage, reached_routes
from storyodds.scenarios.grammar.outcomes import CLASSES

_TITLE = "Stage by stage"


def stage_by_stage(dossier: Dossier) -> Section | None:
    """The odds of every route and class after each stage; nothing of training in one step."""
    estimate = dossier.estimate
    stages = estimate["stages"]
    if not stages:
        return None
    heads = tuple(stage["stage"] for stage in stages)
    reached = reached_routes(estimate)
    routes = tuple(
        (
            name,
            estimate["routes"][name]["class"],
            *(with_band(stage["routes"][name]) for stage in stages),
        )
        for name in reached
    )
    classes = tuple(
        (name, *(with_band(stage["classes"][name]) for stage in stages)) for name in CLASSES
    )
    figures = drawn(dossier, "stages")
    more = len(reached) - len(figures)
    notes = ["After the last stage the model is what training ends in."]
    if more:
        notes.append(f"The pictures are of the likeliest routes; the table has {more} more.")
    return Section(
        id="stage-by-stage",
        title=_TITLE,
        finding=likeliest_by_stage(estimate),
        figures=figures,
        tables=(
            Table("Chance of each route after each stage", ("route", "class", *heads), routes),
            Table("Chance of each class after each stage", ("class", *heads), classes),
        ),
        notes=tuple(notes),
        tiles=True,
    )
