"""What the evidence says, as the engine takes it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models.story.graph import StoryGraph

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LogLikelihoods:
    """What the evidence says, natural logs.

    Attributes
    ----------
    assumptions : (1 or n_draws, 2 * n_targets) array
        (false, true) for every assumption, or state of one, that an item is about, by item.
    routes : (1 or n_draws, n_routes) array
        Of all items about the outcome together.
    results : bool
        Whether the known results of checks, which a story is compiled with, count as well.
    """

    assumptions: Array
    routes: Array
    results: bool = True

    def take(self, draws: slice | NDArray[np.intp]) -> "LogLikelihoods":
        """Those of some draws."""
        assumptions, routes = (
            x if len(x) == 1 else x[draws] for x in (self.assumptions, self.routes)
        )
        return LogLikelihoods(assumptions, routes, self.results)


def no_evidence(graph: StoryGraph) -> LogLikelihoods:
    """Likelihoods of an empty body of evidence."""
    n_targets = len(item_targets(graph))
    return LogLikelihoods(
        np.zeros((1, 2 * n_targets)), np.zeros((1, len(graph.routes))), results=False
    )


def item_targets(graph: StoryGraph) -> tuple[int, ...]:
    """The variables that items speak of, item by item, as the likelihoods have them."""
    return tuple(v for item in graph.evidence for v in item.targets)
