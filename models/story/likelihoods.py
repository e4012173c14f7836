"""What the evidence says, as the engine takes it."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from storyodds.models.story.graph import StoryGraph

Array = NDArray[np.float64]


class Moving(Protocol):
    """What one finding says where it depends on numbers of the story."""

    def at(self, values: Array) -> Array:
        """Log likelihoods at draws of the numbers, (n_draws, n_hypotheses), in nats."""

    def slopes(self, values: Array) -> list[tuple[int, Array]]:
        """By number, the derivative of `at` per logit or per bit, (n_draws, n_hypotheses)."""


@dataclass(frozen=True)
class LogLikelihoods:
    """What the evidence says, natural logs.

    Attributes
    ----------
    assumptions : (1 or n_draws, 2 * n_targets) array
        (false, true) for every assumption, or state of one, that an item is about, or for every
        pair of a row and an alternative of it, by item.
    routes : (1 or n_draws, n_routes) array
        Of all items about the outcome together.
    results : bool
        Whether the known results of checks, which a story is compiled with, count as well.
    moving : tuple of (int or None, Moving)
        Findings that depend on numbers of the story, which come on top: where (false, true) of one
        about an assumption begins in `assumptions`, None for one about the outcome.
    """

    assumptions: Array
    routes: Array
    results: bool = True
    moving: tuple[tuple[int | None, Moving], ...] = ()

    def take(self, draws: slice | NDArray[np.intp]) -> "LogLikelihoods":
        """Those of some draws."""
        assumptions, routes = (
            x if len(x) == 1 else x[draws] for x in (self.assumptions, self.routes)
        )
        return LogLikelihoods(assumptions, routes, self.results, self.moving)

    def at(self, values: Array) -> "LogLikelihoods":
        """What they are at draws of the numbers, (n_draws, n_numbers), with nothing moving."""
        if not self.moving:
            return self
        assumptions, routes = (
            np.repeat(x, len(values), axis=0) if len(x) == 1 else x.copy()
            for x in (self.assumptions, self.routes)
        )
        for first, finding in self.moving:
            if first is None:
                routes += finding.at(values)
            else:
                table = finding.at(values)
                assumptions[:, first : first + table.shape[1]] += table
        return LogLikelihoods(assumptions, routes, self.results)


def no_evidence(graph: StoryGraph) -> LogLikelihoods:
    """Likelihoods of an empty body of evidence."""
    n_targets = len(item_targets(graph))
    return LogLikelihoods(
        np.zeros((1, 2 * n_targets)), np.zeros((1, len(graph.routes))), results=False
    )


def item_targets(graph: StoryGraph) -> tuple[int | None, ...]:
    """The variables that items speak of, item by item, as the likelihoods have them.

    None for a pair of a row and an alternative: several variables decide whether it holds.
    """
    return tuple(v for item in graph.evidence for v in item.pairs)
