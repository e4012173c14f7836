"""Answers of a story that is one large formula of independent assumptions, as a fault tree is.

Nothing is known there that assumptions could be learned from, none depends on another, and one
formula decides which routes are open. All answers then are chances of functions, which a decision
diagram gives in one pass; no circuit has to be made of it. What this cannot answer is compiled,
when it is first asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine import quantities
from storyodds.models.engine.compiler import Compiler
from storyodds.models.engine.program import Program, program
from storyodds.models.engine.quantities import Jointly, Quantities
from storyodds.models.engine.state_draws import Uses
from storyodds.models.engine.strategy import choose_compiler
from storyodds.models.logic.cut_sets import CutSet
from storyodds.models.logic.forest_odds import ForestOdds, part_of
from storyodds.models.logic.gate_forest import GateForest
from storyodds.models.memory import memory_limit
from storyodds.models.posterior.answers import Exact
from storyodds.models.story.events import CRITERIA
from storyodds.models.story.gate_forests import deciding_formulas
from storyodds.models.story.graph import RouteNode, StoryGraph
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.models.story.queries import EVERYTHING, Query
from storyodds.priors.text.errors import Problem, UnsupportedStoryError
from storyodds.scenarios.grammar.formulas import Formula

if TYPE_CHECKING:
    from storyodds.models.posterior.draws import Draws

Array = NDArray[np.float64]

# What a circuit of a few seconds' work is made of at most: nodes of the diagram it is made from,
# each of which takes some ten of its own, and bytes on the way to it.
_MOST_NODES = 30_000
_CIRCUIT_BYTES = 2**27


def is_independent(graph: StoryGraph) -> bool:
    """Whether a story is one formula of independent assumptions, and nothing is known.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.story.building import build_graph
    >>> from storyodds.scenarios.resolve import resolve
    >>> is_independent(build_graph(resolve(load_story("cat-classifier"))))
    False
    """
    return (
        not graph.evidence
        and not graph.hazards
        and all(check.result is None for check in graph.checks)
        and all(v.formula is not None or len(v.rows) == 1 for v in graph.variables)
        and not any(v.states for v in graph.variables)
        and len(deciding_formulas(graph)) == 1
    )


@dataclass(frozen=True)
class Independent:
    """Chances of functions of independent assumptions.

    Attributes
    ----------
    graph : StoryGraph
        Of which `is_independent` holds.
    forest : GateForest
        Its formulas.
    max_memory : int
        Bytes that compiling may take, where something has to be compiled after all.
    """

    graph: StoryGraph
    forest: GateForest
    max_memory: int

    @property
    def compiler(self) -> Compiler:
        """For whole answers.

        Raises
        ------
        UnsupportedStoryError
            If making a circuit would take more than some seconds.
        """
        if isinstance(self._circuit, UnsupportedStoryError):
            raise self._circuit
        return self._circuit

    @cached_property
    def _circuit(self) -> Compiler | UnsupportedStoryError:
        """The compiler, or the refusal, which is worked out once as well."""
        if self.decision.diagram.size <= _MOST_NODES:
            room = min(self.max_memory, _CIRCUIT_BYTES)
            try:
                with memory_limit(self.max_memory):
                    return choose_compiler(self.graph, max_memory=room)
            except UnsupportedStoryError:
                pass
        return UnsupportedStoryError([Problem(self._refusal())])

    def _refusal(self) -> str:
        return (
            f"assumptions: found a formula of {len(self.decision.diagram.names)} assumptions whose "
            f"decision diagram has {self.decision.diagram.size:,} nodes, which gives the odds and "
            "how they hang on each assumption; expected a smaller one, as this question needs a "
            "circuit of the whole story. Ways out: 'estimate' and 'importance' answer of this "
            "story, and this question of one whose formula is a part of it"
        )

    @cached_property
    def likelihood(self) -> Program:
        """For P(evidence) alone."""
        with memory_limit(self.max_memory):
            bearing = choose_compiler(self.graph, evidence_only=True, max_memory=self.max_memory)
            return program(bearing, [EVERYTHING])

    @cached_property
    def _compiled(self) -> Exact:
        return Exact(self.compiler, self.likelihood)

    def evaluate(
        self,
        values: Array,
        likelihoods: LogLikelihoods,
        queries: Sequence[Query] = (),
        weights: Array | None = None,
        *,
        hazards: bool = True,
    ) -> Quantities:
        """Sum over the diagram, at all draws; there are no hazards to leave out."""
        if not _is_silent(likelihoods) or not all(map(self._is_within_reach, queries)):
            return self._compiled.evaluate(values, likelihoods, queries, weights, hazards=hazards)
        graph, n = self.graph, len(values)
        true, false = self._truths(values)
        endings = _Endings(self, values)
        routes = endings.ending(frozenset())
        columns = [endings.answer(query) for query in queries]
        return Quantities(
            graph=graph,
            values=values,
            weights=np.full(n, 1 / n) if weights is None else weights,
            log_evidence=np.zeros(n),
            assumptions=true,
            assumptions_false=false,
            routes=routes,
            outcomes=routes,
            goals=np.ones((n, len(CRITERIA))),
            queries=np.stack([*columns, np.zeros(n)], axis=1)[:, :-1],
        )

    def _truths(self, values: Array) -> tuple[Array, Array]:
        """P(true) and P(false) of every assumption, (n_draws, n_variables) each."""
        graph = self.graph
        true = np.empty((len(graph.variables), len(values)))
        for v, number in self.numbers.items():
            true[v] = values[:, number]
        odds = ForestOdds(self.forest.diagram)
        chances = odds.chances(self.by_level(true))
        place = {formula: k for k, formula in enumerate(self.forest.root)}
        for v, variable in enumerate(graph.variables):
            if variable.formula is not None:
                true[v] = chances[place[variable.name]]
        return true.T, np.maximum(1 - true, 0.0).T

    @cached_property
    def numbers(self) -> dict[int, int]:
        """Which number is the probability of an assumption that no formula decides."""
        variables = enumerate(self.graph.variables)
        return {v: variable.rows[0][1] for v, variable in variables if variable.formula is None}

    def by_level(self, true: Array) -> Array:
        """Take, of one row for each assumption, those of the diagram's levels."""
        order = self.graph.order
        return true[[order[name] for name in self.forest.diagram.names]]

    @property
    def deciding(self) -> Formula:
        """The formula that decides which routes are open."""
        (formula,) = deciding_formulas(self.graph)
        return formula

    @cached_property
    def decision(self) -> ForestOdds:
        """The diagram of the formula that decides which routes are open."""
        diagram = self.forest.diagram
        return ForestOdds(part_of(diagram, self.forest.root[self.deciding]))

    def _is_within_reach(self, query: Query) -> bool:
        """Whether a query is about assumptions that no formula decides."""
        names = {self.graph.variables[v].name for v in self.numbers}
        spoken_of = {name for name, _ in query.literals}
        return not query.conditions and query.spared is None and spoken_of <= names

    def outcomes(
        self, values: Array, likelihoods: LogLikelihoods, queries: Sequence[Query]
    ) -> tuple[Array, Array, Array]:
        """Return those of the diagram, or run the engine."""
        if not _is_silent(likelihoods) or not all(map(self._is_within_reach, queries)):
            return self._compiled.outcomes(values, likelihoods, queries)
        whole = self.evaluate(values, likelihoods, queries)
        return whole.log_evidence, whole.outcomes, whole.queries

    def jointly(
        self,
        values: Array,
        likelihoods: LogLikelihoods,
        queries: Sequence[Query],
        mixtures: Array | None = None,
    ) -> Jointly:
        """Sum over the diagram, once up and once down for all assumptions.

        Those that a formula decides are left out, as NaN: each would need a diagram of its own
        together with the formula that decides which routes are open.
        """
        if not _is_silent(likelihoods) or not all(map(_is_of_routes, queries)):
            return quantities.jointly(self.compiler, values, likelihoods, queries, mixtures)
        n, n_variables = len(values), len(self.graph.variables)
        weights = np.eye(len(queries)) if mixtures is None else np.asarray(mixtures)
        events = np.zeros((n, weights.shape[-2]))
        sides = np.full((2, *events.shape, n_variables), np.nan)
        plain = list(self.numbers)
        sides[:, :, :, plain] = 0.0
        for holds in (False, True):
            shares = _shares(self, values, holds)
            of_queries = [shares[:, list(query.outcomes)].sum(axis=1) for query in queries]
            of_events = (weights @ np.stack(of_queries, axis=1)[:, :, None])[:, :, 0]
            if of_events.any():
                chance, with_each = self._with_each(values, holds)
                events += of_events * chance[:, None]
                sides[:, :, :, plain] += of_events[:, :, None] * with_each[:, :, None]
        return Jointly(events, true=sides[1], false=sides[0])

    def _with_each(self, values: Array, holds: bool) -> tuple[Array, Array]:
        """P(what decides is true, or false), and that with assumptions that no formula decides.

        Returns
        -------
        (n_draws,) array
        (2, n_draws, n_assumptions) array
            False, then true, in the order of `numbers`.
        """
        true = values.T[list(self.numbers.values())]
        row = {self.graph.variables[v].name: k for k, v in enumerate(self.numbers)}
        rows = [row[name] for name in self.decision.diagram.names]
        chance, met = self.decision.with_each(true[rows], opposite=not holds)
        together = chance * np.stack([1 - true, true])  # what decides does not depend on the rest
        together[:, rows] = met
        return chance, together.transpose(0, 2, 1)

    def log_evidence(self, values: Array, likelihoods: LogLikelihoods) -> Array:
        """Return the log of 1, as nothing is known, or run the engine."""
        if _is_silent(likelihoods):
            return np.zeros(len(values))
        return self._compiled.log_evidence(values, likelihoods)

    def uses(
        self, values: Array, likelihoods: LogLikelihoods, rng: np.random.Generator, n: int
    ) -> Uses:
        """Walk the circuit of the evidence alone."""
        return self._compiled.uses(values, likelihoods, rng, n)

    def reaches(self, queries: Sequence[Query]) -> bool:
        """Whether queries are about what the diagram has, or else can be compiled."""
        try:
            return all(map(self._is_within_reach, queries)) or self._compiled.reaches(queries)
        except UnsupportedStoryError:
            return False

    def take(self, rows: NDArray[np.intp]) -> "Independent":
        """Answer as ever: nothing depends on which draws these are."""
        return self

    def anew(self, max_memory: int) -> "Independent":
        """Forget what was compiled."""
        return Independent(self.graph, self.forest, max_memory)

    def checked(
        self, draws: "Draws", prior: Quantities, averaged: Quantities, exact: Quantities
    ) -> "Draws":
        """Return the draws back: exact sums add no error."""
        return draws


def _is_silent(likelihoods: LogLikelihoods) -> bool:
    says_nothing = not likelihoods.assumptions.any() and not likelihoods.routes.any()
    return says_nothing and not likelihoods.moving


def _is_of_routes(query: Query) -> bool:
    """Whether a query asks for nothing but where training ends."""
    return bool(query.outcomes) and query == Query(query.outcomes)


class _Endings:
    """Where training ends together with some literals, at given draws."""

    def __init__(self, answers: Independent, values: Array) -> None:
        self._answers = answers
        self._true = values.T[list(answers.numbers.values())]
        self._row = {answers.graph.variables[v].name: k for k, v in enumerate(answers.numbers)}
        self._shares = [_shares(answers, values, holds) for holds in (False, True)]
        self._endings: dict[CutSet, Array] = {}

    def answer(self, query: Query) -> Array:
        """P(one of the outcomes and the literals), (n_draws,)."""
        if not query.outcomes:
            return self._together(query.literals)
        ending = self.ending(query.literals)
        return np.asarray(ending[:, list(query.outcomes)].sum(axis=1))

    def ending(self, literals: CutSet) -> Array:
        """P(route and literals), (n_draws, n_routes)."""
        if literals not in self._endings:
            chances = self._decided(literals)
            joint = self._together(literals)
            total = sum(
                share * (joint * chance)[:, None]
                for share, chance in zip(self._shares, chances, strict=True)
            )
            self._endings[literals] = np.asarray(total)
        return self._endings[literals]

    def _together(self, literals: CutSet) -> Array:
        """P(literals), (n_draws,)."""
        joint = np.ones(self._true.shape[1])
        for name, value in sorted(literals):
            p = self._true[self._row[name]]
            joint *= p if value else 1 - p
        return joint

    def _decided(self, literals: CutSet) -> tuple[Array, Array]:
        """P(what decides is false | literals), and P(it is true | literals), (n_draws,) each."""
        decision, n = self._answers.decision, self._true.shape[1]
        (settled,) = decision.settled([dict(literals)])
        if settled is not None:
            return np.full(n, float(not settled)), np.full(n, float(settled))
        names = decision.diagram.names
        true = self._true[[self._row[name] for name in names]]
        for name, value in literals:
            if name in decision.place:
                true[decision.place[name]] = value
        (no,), (yes,) = decision.chances(true, opposite=True), decision.chances(true)
        return no, yes


def _shares(answers: Independent, values: Array, holds: bool) -> Array:
    """P(route) where what decides is true, or false, (n_draws, n_routes)."""
    routes = answers.graph.routes
    bits = np.full((len(values), len(routes)), -np.inf)
    for r, route in enumerate(routes):
        if _is_open(route, holds):
            nudged = [number for when, number in route.nudges if when is None or holds]
            own = [] if route.bits is None else [route.bits]
            bits[:, r] = values[:, [*own, *nudged]].sum(axis=1)
    weights = np.exp2(bits - bits.max(axis=1)[:, None])
    return np.asarray(weights / weights.sum(axis=1)[:, None])


def _is_open(route: RouteNode, holds: bool) -> bool:
    """Whether a route is open where the formula that decides is true, or false."""
    return (route.requires is None or holds) and not (route.blocked_by and holds)
