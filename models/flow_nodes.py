"""What the nodes of a picture of how a story gets to its fates are called, and their order."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment import Assessment
from storyodds.models.events import FATES
from storyodds.models.flow_shares import Ends, states
from storyodds.models.graph import StoryGraph
from storyodds.scenarios.schema import INTENDED

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


def nodes_of_endings(graph: StoryGraph, ends: Ends, first: int) -> list[list[tuple[Key, ...]]]:
    """The nodes of every outcome and what becomes of it, from a column on."""
    told = []
    for o, outcome in enumerate(graph.outcomes):
        route = graph.routes[outcome.route]
        rank = _CLASSES.index(route.outcome_class)
        at_first = Key(first, rank, "route", route.id, route.id)
        if outcome.hazard is not None:
            hazard = graph.hazards[outcome.hazard].id
            words = f"an intended model, but {hazard}"
            model = Key(first + 1, rank, "hazard", hazard, words)
        else:
            model = Key(
                first + 1,
                rank + (route.outcome_class == INTENDED),
                "class",
                route.outcome_class,
                _MODELS[route.outcome_class],
            )
        of_outcome = []
        for e, fate in enumerate(ends.fates[o]):
            rest = [
                Key(first + 2, 1 + e, "check", check, f"stopped by {check}")
                for check in graph.checks[e:][:1]
            ]
            if graph.checks and e >= len(graph.checks):
                rest.append(Key(first + 2, 0, "deployed", "no check", "not stopped"))
            end = FATES[fate]
            rest.append(Key(first + 2 + len(rest), _FATES.index(end), "fate", end, end))
            of_outcome.append((at_first, model, *rest))
        told.append(of_outcome)
    return told


def drawn_at(
    assessment: Assessment,
    ends: Ends,
    of_ending: Sequence[Sequence[Sequence[Key]]],
    names: Iterable[str],
) -> dict[Key, Array]:
    """P(node) at the draws of which intervals are taken."""
    exact, order = assessment.exact, assessment.prepared.graph.order
    drawn: dict[Key, Array] = {}
    for k, name in enumerate(names):
        drawn[_truth(k, name, True)] = exact.assumptions[:, order[name]]
        drawn[_truth(k, name, False)] = exact.assumptions_false[:, order[name]]
    for o, of_outcome in enumerate(of_ending):
        for e, keys in enumerate(of_outcome):
            reached = exact.outcomes[:, o] * ends.shares[:, o, e]
            for key in keys:
                drawn[key] = drawn.get(key, 0.0) + reached
    return drawn
