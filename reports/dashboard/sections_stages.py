"""Stage by stage: where each stage of training leaves the model, and what moves in it."""

from storyodds.reports.dashboard.compact_svg import slim
from storyodds.reports.dashboard.page_data import Dossier
from storyodds.reports.dashboard.parts import Section, Table
from storyodds.reports.dashboard.pictures import drawn
from storyodds.reports.figures.drawing.cells import share_cell, with_band
from storyodds.reports.words.stages import (
    error_of_move,
    likeliest_by_stage,
    loss_words,
    losses,
    reached_routes,
)
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


def from_stage_to_stage(dossier: Dossier) -> Section | None:
    """What moves from what to what in each stage; nothing where that was not worked out."""
    figures = drawn(dossier, "stage_moves")
    if not figures:
        return None
    estimate = dossier.estimate
    lost = [loss_words(loss) for loss in losses(estimate)]
    by_route = tuple(
        (stage["stage"], name, route, share_cell(chance, error_of_move(stage, name, route)))
        for stage in estimate["stages"]
        for name, routes in (stage["moves"] or {}).items()
        for route, chance in routes.items()
        if chance > 0
    )
    return Section(
        id="from-stage-to-stage",
        title="From stage to stage",
        finding=" ".join(lost) or "No stage but the last may leave an intended model.",
        figures=figures,
        part="narrow_moves",
        data={"picture": slim(drawn(dossier, "narrow_stage_moves")[0].svg)},
        extra=(
            Table(
                "Chance of each class before a stage and each route after it",
                ("in the stage", "from", "to the route", "chance"),
                by_route,
                file=False,
                name="moves-by-route",
            ),
        ),
    )
