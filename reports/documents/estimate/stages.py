"""Where each stage of training leaves the model, and how much moves from what to what in it."""

from collections.abc import Collection

import numpy as np

from storyodds.models.engine.quantities import Quantities
from storyodds.models.flows.stage_moves import moves_by_stage
from storyodds.models.story.graph import StageEnding
from storyodds.models.story.queries import Query
from storyodds.reports.contract.by_event import ByClass
from storyodds.reports.contract.estimate import StageOdds
from storyodds.reports.documents.estimate.view import Array, View
from storyodds.reports.documents.summaries import Pick
from storyodds.scenarios.grammar.outcomes import CLASSES


def stage_odds(view: View) -> list[StageOdds]:
    """Give the odds of every route and class as each stage ends, for good."""
    routes = view.graph.routes
    moves = moves_by_stage(view.assessment)
    means, errors = (None, None) if moves is None else moves
    return [
        {
            "stage": ending.stage,
            "classes": {
                name: view.of(
                    _left(
                        view, ending, [k for k, r in enumerate(routes) if r.outcome_class == name]
                    )
                )
                for name in CLASSES
            },
            "routes": {
                route.id: view.of(_left(view, ending, [k])) for k, route in enumerate(routes)
            },
            "moves": of_stage,
            "move_errors": error,
        }
        for ending, of_stage, error in zip(
            view.graph.stages, _named(view, means), _named(view, errors), strict=True
        )
    ]


def _named(view: View, moves: Array | None) -> list[ByClass[dict[str, float]] | None]:
    """By stage, then by class before it and route after it; None where there is nothing."""
    ids = [route.id for route in view.graph.routes]
    if moves is None:
        return [None for _ in view.graph.stages]
    named: list[ByClass[dict[str, float]] | None] = [
        {
            name: dict(zip(ids, by_route, strict=True))
            for name, by_route in zip(CLASSES, by_class, strict=True)
        }
        for by_class in moves.tolist()
    ]
    return [None, *named]


def _left(view: View, ending: StageEnding, routes: Collection[int]) -> Pick:
    """P(a stage leaves the model on any of some routes)."""
    columns = [view.column[Query((), way)] for k in routes for way in ending.ways[k]]

    def pick(quantities: Quantities) -> Array:
        return np.asarray(quantities.queries[:, columns].sum(axis=1))

    return pick
