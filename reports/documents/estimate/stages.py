"""Where each stage of training leaves the model."""

from collections.abc import Collection

import numpy as np

from storyodds.models.engine.quantities import Quantities
from storyodds.models.story.graph import StageEnding
from storyodds.models.story.queries import Query
from storyodds.reports.contract.estimate import StageOdds
from storyodds.reports.documents.estimate.view import Array, View
from storyodds.reports.documents.summaries import Pick
from storyodds.scenarios.grammar.outcomes import CLASSES


def stage_odds(view: View) -> list[StageOdds]:
    """Give the odds of every route and class as each stage ends, for good."""
    routes = view.graph.routes
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
        }
        for ending in view.graph.stages
    ]


def _left(view: View, ending: StageEnding, routes: Collection[int]) -> Pick:
    """P(a stage leaves the model on any of some routes)."""
    columns = [view.column[Query((), way)] for k in routes for way in ending.ways[k]]

    def pick(quantities: Quantities) -> Array:
        return np.asarray(quantities.queries[:, columns].sum(axis=1))

    return pick
