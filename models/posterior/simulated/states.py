"""States of the assumptions, drawn and weighted, and what follows from each of them exactly."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from storyodds.models.story.derived import Derived, DerivedLayout
from storyodds.models.story.events import CRITERIA
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.hazards import HazardFactors
from storyodds.models.story.outcomes import Outcome

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
Factor = int | Array  # zeros and ones are whole numbers, and most factors: no array is made of them


@dataclass(frozen=True)
class States:
    """A block of draws with their states: truth and what follows from it.

    Attributes
    ----------
    truth : (n_draws, n_variables, n_states) bool array
    chances : (n_draws, n_variables) array
        Mean over states of the chance with which an assumption was drawn.
    weights : (n_draws, n_states) array
        Sum to 1, or to 0 where no state can explain the evidence.
    log_mean : (n_draws,) array
        Log of the mean of the weights before that.
    routes : (n_draws, n_routes, n_states) array
        Probabilities given the state and the evidence.
    hazards : HazardFactors
        Of these states.
    graph : StoryGraph
    untold : bool
        Whether the evidence says nothing.
    """

    truth: Bools
    chances: Array
    weights: Array
    log_mean: Array
    routes: Array
    hazards: HazardFactors
    graph: StoryGraph
    untold: bool

    @cached_property
    def outcomes(self) -> Array:
        """P(outcome | state, evidence), (n_draws, n_outcomes, n_states)."""
        outcomes = self.graph.all_outcomes  # queries are about any of them
        out = self.routes[:, [outcome.route for outcome in outcomes]]
        for o, outcome in enumerate(outcomes):
            if outcome != Outcome(outcome.route):
                out[:, o] *= self._event(outcome)
        return out

    def _event(self, outcome: Outcome) -> Factor:
        """P(an outcome's event | state, route, the known results of checks)."""
        results = any(check.result is not None for check in self.graph.checks)
        by_state = results and self.hazards.route_depends_on_assumptions(outcome)
        if not by_state and not self.graph.hazards_are_evidence:  # then results say nothing of it
            ((factor, _),) = self.hazards.endings(outcome)
            return 1 if factor is None else factor
        whole = results_likelihood(self.hazards, Outcome(outcome.route))
        event = np.broadcast_to(results_likelihood(self.hazards, outcome), self.weights.shape)
        ratio = np.divide(event, whole, out=np.zeros(self.weights.shape), where=whole > 0)
        return np.asarray(ratio)

    @cached_property
    def goals(self) -> Array:
        """P(no hazard of a criterion fires | state) in a run made to end at the intended model."""
        goals = np.empty((len(self.routes), len(CRITERIA), self.routes.shape[2]))
        for c, criterion in enumerate(CRITERIA):
            goals[:, c] = self.hazards.spared(criterion)
        return goals

    def mean(self, by_state: Array | Bools) -> Array:
        """Weighted mean over states of (n_draws, n, n_states), (n_draws, n)."""
        return np.asarray(np.matmul(by_state.astype(float), self.weights[:, :, None])[:, :, 0])


@dataclass(frozen=True)
class Arrays:
    """Factors as arrays, one entry a draw and state."""

    values: Array
    derived: Derived

    @classmethod
    def of(cls, graph: StoryGraph, values: Array) -> "Arrays":
        """Factors at draws of a story's numbers, with or without its readings."""
        return cls(graph.derived.readings.beside(values), graph.derived)

    def number(self, index: int, *, happens: bool) -> Array:
        """The chance that a number stands for, or its complement."""
        values = self.values
        if index >= values.shape[1]:
            derived = self.derived.numbers[index - self.derived.n_numbers]
            values, index = DerivedLayout([derived]).beside(values), -1
        chance = values[:, index, None]
        return chance if happens else 1 - chance

    def multiply(self, f: Factor, g: Factor) -> Factor:
        """Multiply two factors."""
        if isinstance(f, int):
            return g if f else 0
        if isinstance(g, int):
            return f if g else 0
        return f * g

    def add(self, f: Factor, g: Factor) -> Factor:
        """Add two factors."""
        if isinstance(f, int) and not f:
            return g
        return f if isinstance(g, int) and not g else f + g

    def choose(self, condition: bool | Bools, yes: Factor, no: Factor) -> Factor:
        """Take one factor where a condition holds, and another elsewhere."""
        return yes if condition is True else np.where(condition, yes, no)


def results_likelihood(hazards: HazardFactors, outcome: Outcome) -> Factor:
    """P(an outcome's event, the known results of checks | state, route)."""
    total: Factor = 0
    for factor, results in hazards.endings(outcome):
        total = total + (results if factor is None else factor * results)
    return total


def _at(weights: Array, u: Array) -> NDArray[np.intp]:
    """Choose a column of every row in proportion to its weight."""
    edges = np.cumsum(weights, axis=1)
    place = (edges <= u[:, None] * edges[:, -1:]).sum(axis=1)
    return np.asarray(place.clip(max=weights.shape[1] - 1))


def choose(states: States, u: Array) -> tuple[Bools, NDArray[np.intp]]:
    """A state and a route of every draw, in proportion to their weights."""
    every = np.arange(len(u))
    state = _at(states.weights, u[:, 0])
    return states.truth[every, :, state], _at(states.routes[every, :, state], u[:, 1])
