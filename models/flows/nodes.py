"""What the nodes of a picture of how a story gets to its fates are called, and their order."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.flows.endings import endings_of
from storyodds.models.flows.shares import ends_by_draw
from storyodds.models.story.graph import StoryGraph
from storyodds.scenarios.grammar.outcomes import INTENDED

Array = NDArray[np.float64]

# From the top down: what matters most for harm first, and so that few ribbons cross.
_CLASSES = ("deceptive", "mesa-optimizer", "other", INTENDED)
_FATES = ("catastrophe", "benign-failure", "uncompetitive", "success", "halted")
_MODELS = {
    "deceptive": "a deceptive model",
    "mesa-optimizer": "a mesa-optimizer",
    "other": "another model",
    INTENDED: "an intended model",
}


class Key(NamedTuple):
    """A node before it has its numbers; those of lower rank come first."""

    column: int
    rank: int
    kind: str
    name: str
    words: str


def nodes_of_endings(graph: StoryGraph) -> list[tuple[Key, ...]]:
    """The nodes of every ending, one a column."""
    checks = [graph.checks[c].id for c in graph.live_checks]
    nodes = []
    for ending in endings_of(graph):
        route = graph.routes[ending.route]
        rank = _CLASSES.index(route.outcome_class)
        keys = [Key(0, rank, "route", route.id, route.id)]
        if ending.fired:
            several = len(graph.hazards) > 1
            name = "a goal hazard" if several else graph.hazards[0].id
            words = f"an intended model, but {name}"
            keys.append(Key(1, rank, "hazard", name, words))
        else:
            place = rank + (route.outcome_class == INTENDED)
            words = _MODELS[route.outcome_class]
            keys.append(Key(1, place, "class", route.outcome_class, words))
        if ending.check is not None:
            check = checks[ending.check]
            keys.append(Key(2, 1 + ending.check, "check", check, f"stopped by {check}"))
        elif checks:
            keys.append(Key(2, 0, "deployed", "no check", "not stopped"))
        fate = ending.fate
        keys.append(Key(len(keys), _FATES.index(fate), "fate", fate, fate))
        nodes.append(tuple(keys))
    return nodes


def drawn_at(assessment: Assessment, of_ending: Sequence[Sequence[Key]]) -> dict[Key, Array]:
    """P(node) at the draws of which intervals are taken."""
    drawn: dict[Key, Array] = {}
    for keys, reached in zip(of_ending, ends_by_draw(assessment, exact=True).T, strict=True):
        for key in keys:
            drawn[key] = drawn.get(key, 0.0) + reached
    return drawn
