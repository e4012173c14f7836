"""What findings say whose numbers depend on assumptions, as factors of the assumptions.

The hypotheses of such a finding are pairs of a row and an alternative, one of which holds. Every
pair has two likelihoods, if it holds and if it does not, and each state uses one of them.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from storyodds.models.story.algebra import Algebra, Factor, Indicator, product
from storyodds.models.story.graph import EvidenceItem, StoryGraph


class FindingAlgebra(Algebra, Protocol):
    """An algebra that has the likelihoods of findings too."""

    def finding(self, pair: int, *, holds: bool) -> Factor:
        """One of the two likelihoods of a pair, as `likelihoods.item_targets` numbers it."""


class ItemFactors:
    """Factors of what the findings of one story say.

    Parameters
    ----------
    graph : StoryGraph
    algebra : FindingAlgebra
    indicator : callable
        Gives the factor that is one where a formula holds.
    """

    def __init__(self, graph: StoryGraph, algebra: FindingAlgebra, indicator: Indicator) -> None:
        self._graph, self._algebra, self._indicator = graph, algebra, indicator
        self._first: list[int] = []  # by finding, its first pair
        n_pairs = 0
        for item in graph.evidence:
            self._first.append(n_pairs)
            n_pairs += len(item.pairs)
        self._of_keys: dict[tuple[int, ...], Factor] = {}  # by alternative of every such finding

    def of_assumptions(self, i: int) -> Factor:
        """What a finding about an assumption says, as a factor of the assumptions.

        Parameters
        ----------
        i : int
            The finding, whose numbers depend on assumptions.
        """
        item = self._graph.evidence[i]
        names = [self._graph.variables[v].name for v in item.targets]

        def in_row(row: int) -> Factor:
            # Where none of the rest is what holds: the last state, or what is false.
            *alternatives, last = range(len(names)) if item.states else (1, 0)
            here = self._pair(i, last, row)
            for name, alternative in zip(names, alternatives, strict=False):
                there = self._pair(i, alternative, row)
                here = self._algebra.choose(self._indicator(name), there, here)
            return here

        return self._by_row(item, in_row)

    def of_route(self, route: int) -> Factor:
        """What findings about the outcome say of a route, as a factor of the assumptions."""
        findings = [
            (i, item, item.of_routes[route])
            for i, item in enumerate(self._graph.evidence)
            if item.rows and item.of_routes
        ]
        key = tuple(alternative for _, _, alternative in findings)
        if key not in self._of_keys:
            factors = [self._by_row(item, partial(self._pair, i, k)) for i, item, k in findings]
            self._of_keys[key] = product(self._algebra, *factors)
        return self._of_keys[key]

    def _by_row(self, item: EvidenceItem, factor_of: Callable[[int], Factor]) -> Factor:
        """A factor of whichever row holds."""
        factor = factor_of(len(item.rows) - 1)
        for row in reversed(range(len(item.rows) - 1)):
            factor = self._algebra.choose(
                self._indicator(item.rows[row][0]), factor_of(row), factor
            )
        return factor

    def _pair(self, i: int, alternative: int, row: int) -> Factor:
        """What a finding says where one pair is what holds."""
        item, first = self._graph.evidence[i], self._first[i]
        chosen = row * len(item.rows[0][1].keys) + alternative
        factors = (
            self._algebra.finding(first + pair, holds=pair == chosen)
            for pair in range(len(item.pairs))
        )
        return product(self._algebra, *factors)
