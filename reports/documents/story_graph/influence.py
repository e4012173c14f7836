"""How far each node of a story's graph moves the endings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.what_if import Changed, base_of
from storyodds.models.flows.flows import Flows
from storyodds.models.sensitivity.local import learned
from storyodds.models.story.events import EVENTS
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.reports.documents.story_graph.records import Influence
from storyodds.reports.words.aliases import Json

OF = ("success", "catastrophe")
_NOWHERE = 1e-12  # a rest of 1 below it is rounding


def learned_influence(assessment: Assessment) -> dict[str, dict[str, Influence]]:
    """By assumption, the endings once it is found to be false and found to be true."""
    try:
        pairs = learned(base_of(assessment))
    except UnsupportedStoryError:  # simulated, or out of reach together with each assumption
        return {}
    return {
        name: {event: _between(false, true, EVENTS.index(event)) for event in OF}
        for name, (true, false) in pairs.items()
        if true is not None and false is not None
    }


def _between(false: Changed, true: Changed, e: int) -> Influence:
    error = float(np.hypot(false.errors[e], true.errors[e]))
    return Influence(float(false.means[e]), float(true.means[e]), error)


@dataclass(frozen=True)
class Reach:
    """P(a node), and P(it and each ending of `OF`), by node; and the same of everything."""

    ids: Mapping[str, int]
    through: NDArray[np.float64]
    total: NDArray[np.float64]

    def influence(self, ids: Sequence[str]) -> dict[str, Influence]:
        """Give the endings where none of some nodes of a stage is come to, and where one is.

        They are exact, as the flows are.
        """
        there = self.through[[self.ids[id] for id in ids]].sum(axis=0)
        rest = np.maximum(self.total - there, 0.0)
        if not (there[0] > 0 and rest[0] > _NOWHERE):
            return {}
        low, high = (np.minimum(side[1:] / side[0], 1.0) for side in (rest, there))
        return {event: Influence(float(low[e]), float(high[e]), 0.0) for e, event in enumerate(OF)}


def reach_of(whole: Flows, ids: Sequence[str]) -> Reach:
    """Sum the flows by what they come to."""
    through, total = np.zeros((len(whole.steps), 1 + len(OF))), np.zeros(1 + len(OF))
    for strand in whole.strands:
        end = ids[strand.steps[-1]]
        row = strand.probability * np.array([True, *(end == f"ending:{event}" for event in OF)])
        through[list(strand.steps)] += row
        total += row
    return Reach({id: k for k, id in enumerate(ids)}, through, total)


def without_check(estimate: Json, check: str) -> dict[str, Influence]:
    """A catastrophe with a check and without it, the others as they are."""
    added = estimate["checks"].get(check, {}).get("added")
    if added is None:
        return {}
    now = estimate["fates"]["catastrophe"]["mean"]
    return {"catastrophe": Influence(now, now + added["mean"], 0.0)}
