"""What the nodes of a picture of how a story gets to its fates are called, and their order."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.flows.endings import endings_of
from storyodds.models.flows.shares import ends_by_draw, states
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


def nodes_of_states(names: Sequence[str]) -> list[tuple[Key, ...]]:
    """The nodes of every state of the leading assumptions."""
    return [
        tuple(_truth(k, name, (name, True) in state) for k, name in enumerate(names))
        for state in states(names)
    ]


def _truth(column: int, assumption: str, truth: bool) -> Key:
    name = "holds" if truth else "does not hold"
    return Key(column, 1 - truth, "assumption", name, f"{assumption} {name}")


def nodes_of_endings(graph: StoryGraph, first: int) -> list[tuple[Key, ...]]:
    """The nodes of every ending, from a column on."""
    checks = [graph.checks[c].id for c in graph.live_checks]
    endings_keys = []
    for ending in endings_of(graph):
        route = graph.routes[ending.route]
        rank = _CLASSES.index(route.outcome_class)
        keys = [Key(first, rank, "route", route.id, route.id)]
        if ending.fired:
            several = len(graph.hazards) > 1
            name = "a goal hazard" if several else graph.hazards[0].id
            words = f"an intended model, but {name}"
            keys.append(Key(first + 1, rank, "hazard", name, words))
        else:
            place = rank + (route.outcome_class == INTENDED)
            words = _MODELS[route.outcome_class]
            keys.append(Key(first + 1, place, "class", route.outcome_class, words))
        if ending.check is not None:
            check = checks[ending.check]
            keys.append(Key(first + 2, 1 + ending.check, "check", check, f"stopped by {check}"))
        elif checks:
            keys.append(Key(first + 2, 0, "deployed", "no check", "not stopped"))
        fate = ending.fate
        keys.append(Key(first + len(keys), _FATES.index(fate), "fate", fate, fate))
        endings_keys.append(tuple(keys))
    return endings_keys


def drawn_at(
    assessment: Assessment, of_ending: Sequence[Sequence[Key]], names: Iterable[str]
) -> dict[Key, Array]:
    """P(node) at the draws of which intervals are taken."""
    exact, order = assessment.exact, assessment.prepared.graph.order
    drawn: dict[Key, Array] = {}
    for k, name in enumerate(names):
        drawn[_truth(k, name, True)] = exact.assumptions[:, order[name]]
        drawn[_truth(k, name, False)] = exact.assumptions_false[:, order[name]]
    for keys, reached in zip(of_ending, ends_by_draw(assessment, exact=True).T, strict=True):
        for key in keys:
            drawn[key] = drawn.get(key, 0.0) + reached
    return drawn
