"""Fussell and Vesely's measure: how much of an ending comes by minimal sets with a literal.

For every literal, "at least one minimal set with it holds" is a function of the assumptions, and a
decision diagram (`cut_set_odds.union_function`). One pass over it makes it a factor of the story's
own sum, so that tables, evidence and rivals count as they do in every other answer, and however
many sets there are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from storyodds.models.circuits.elimination import CliqueTooLargeError
from storyodds.models.engine import evaluation
from storyodds.models.engine.strategy import compiled as compile_queries
from storyodds.models.logic.cut_set_odds import union_function
from storyodds.models.logic.cut_sets import Literal, containing
from storyodds.models.logic.functions import TruthFunction
from storyodds.models.posterior.independent_answers import Independent
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.story.events import (
    DEPLOYED_CLASSES,
    Share,
    after_training,
    shares_of,
    shares_of_part,
    sides_of,
)
from storyodds.models.story.graph import Gate
from storyodds.models.story.outcomes import Outcome, Part
from storyodds.models.story.queries import EVERYTHING, Condition, Query
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.scenarios.grammar.formulas import literals as literals_of
from storyodds.scenarios.grammar.outcomes import CLASSES

Array = NDArray[np.float64]
Reasons = dict[Literal, str]

NO_SETS = "no minimal set of literals brings this ending about"
OUT_OF_REACH = "the minimal sets with it need larger decision diagrams than there is room for"
TOO_LARGE = (
    "the minimal sets with it need a decision diagram for each assumption, too many of a story as "
    "large as this; its criticality, 1 - P(C | not l) / P(C), is what many tools for fault trees "
    "list by this name"
)
NOT_TOGETHER = (
    "a formula decides it, and together with the ending it needs a decision diagram of its own, "
    "too many of a story as large as this; none of its measures is worked out"
)
_MAX_NODES = 250_000  # of one diagram: some seconds of work
_MAX_CAUSES = 8  # told apart by state: hazards of which some minimal sets have a literal
_AT_ONCE = 64  # queries that are evaluated together

Holds = bool | TruthFunction


@dataclass(frozen=True)
class _Term:
    """A part of an event: P(share, conditions), where only some hazards can do harm."""

    share: Share
    conditions: frozenset[Condition] = frozenset()
    silent: frozenset[int] = frozenset()  # the harms of the hazards that cannot


@dataclass
class Paths:
    """What comes about by minimal sets with each literal, for the events of one story.

    Parameters
    ----------
    prepared : PreparedStory
    literals : sequence of (str, bool)
    """

    prepared: PreparedStory
    literals: Sequence[Literal]
    _unions: dict[tuple[str, Literal], Holds] = field(default_factory=dict)

    @cached_property
    def _composites(self) -> frozenset[str]:
        variables = self.prepared.graph.variables
        return frozenset(v.name for v in variables if v.formula is not None)

    def outside(self, event: str) -> frozenset[Literal]:
        """Literals of assumptions of which no gate of an event speaks in a minimal set."""
        if self._kind(event) is None:  # it has no minimal sets at all
            return frozenset()
        inside = self._composites.union(*map(_names, self._gates(event)))
        return frozenset(x for x in self.literals if x[0] not in inside)

    def numerators(self, event: str, values: Sequence[Array]) -> tuple[list[Array], Reasons]:
        """P(event by a minimal set with the literal), at several sets of draws.

        Parameters
        ----------
        event : str
            Of `events.ODDS`; of those given being deployed, P(that and being deployed).
        values : sequence of (n_draws, n_numbers) array

        Returns
        -------
        list of (n_draws, n_literals) array
            NaN where it is not defined, or out of reach.
        mapping of (str, bool) to str
            The literals of the latter, with the reason; composites only where nothing of them is
            worked out.
        """
        free = [literal for literal in self.literals if literal[0] not in self._composites]
        large = isinstance(self.prepared.answers, Independent)
        if large or self._kind(event) is None:
            absent = [np.full((len(v), len(self.literals)), np.nan) for v in values]
            if not large:
                return absent, dict.fromkeys(free, NO_SETS)
            plain = frozenset(free)
            return absent, {x: TOO_LARGE if x in plain else NOT_TOGETHER for x in self.literals}
        plan: dict[Literal, list[_Term]] = {}
        reasons: Reasons = {}
        for literal in free:
            try:
                terms = self._terms(event, literal)
                for term in terms:
                    self.prepared.compiler.root(_query(term))
            except (UnsupportedStoryError, CliqueTooLargeError):
                reasons[literal] = OUT_OF_REACH
            else:
                plan[literal] = terms
        place = {literal: k for k, literal in enumerate(self.literals)}
        tables: dict[int, Array] = {}  # by identity: the same draws are asked once
        for draws in values:
            if id(draws) not in tables:
                table = np.full((len(draws), len(self.literals)), np.nan)
                for literal, column in self._sums(plan, draws).items():
                    table[:, place[literal]] = column
                tables[id(draws)] = table
        return [tables[id(draws)] for draws in values], reasons

    def _kind(self, event: str) -> str | None:
        """The event of which minimal sets speak: a class, deployed or not, or a catastrophe."""
        (name, *_) = sides_of(event).yes
        return name if name in (*CLASSES, *DEPLOYED_CLASSES, "catastrophe") else None

    def _gates(self, event: str) -> list[Gate]:
        kind, graph = self._kind(event), self.prepared.graph
        assert kind is not None
        hazards = graph.hazards if kind == "catastrophe" else ()
        routes = {graph.outcomes[share.outcome].route for share in shares_of(graph)[kind]}
        return [*(graph.routes[r] for r in sorted(routes)), *hazards]

    def _union(self, gate: Gate, literal: Literal) -> Holds:
        """Whether a minimal set with a literal holds, given that the gate is open."""
        if (gate.id, literal) not in self._unions:
            self._unions[gate.id, literal] = _union(gate, literal)
        return self._unions[gate.id, literal]

    def _terms(self, event: str, literal: Literal) -> list[_Term]:
        kind, graph = self._kind(event), self.prepared.graph
        assert kind is not None
        terms: list[_Term] = []
        for share in shares_of(graph)[kind]:
            outcome = graph.outcomes[share.outcome]
            if kind == "catastrophe" and outcome.event == "unflagged":
                continue  # with the harm of hazards, below
            if outcome.event == "harmful":
                terms += self._by_hazards(outcome.route, literal)
                continue
            holds = self._union(graph.routes[outcome.route], literal)
            if holds is not False:
                terms.append(_Term(share, _conditions([holds])))
        return terms

    def _by_hazards(self, route: int, literal: Literal) -> list[_Term]:
        """Harm that an intended route does by itself, or its hazards, opened with a literal.

        Where that depends on the state, state by state: which of them were.
        """
        graph = self.prepared.graph
        holds = [self._union(gate, literal) for gate in (graph.routes[route], *graph.hazards)]
        if sum(not isinstance(x, bool) for x in holds) > _MAX_CAUSES:
            raise UnsupportedStoryError([])
        unflagged, harmful = (Outcome(route, event) for event in ("unflagged", "harmful"))
        terms = []
        for state in product(*((x,) if isinstance(x, bool) else (True, False) for x in holds)):
            by_route, *by_hazard = state
            conditions = frozenset(
                (x, value) for x, value in zip(holds, state, strict=True) if not isinstance(x, bool)
            )
            silent = frozenset(
                number
                for hazard, opened in zip(graph.hazards, by_hazard, strict=True)
                if not opened
                for number in hazard.harm.numbers
            )
            if by_route:
                whole = shares_of_part(graph, Part(unflagged, False, True))
                terms += [_Term(share, conditions) for share in whole]
            if any(by_hazard):
                # Of both, either: what the route does by itself is counted above.
                harmless = False if by_route else None
                parts = shares_of_part(graph, Part(harmful, False, harmless))
                terms += [_Term(share, conditions, silent) for share in parts]
        return terms

    def _sums(self, plan: Mapping[Literal, Sequence[_Term]], values: Array) -> dict[Literal, Array]:
        graph = self.prepared.graph
        after = after_training(graph, values)
        sums = {literal: np.zeros(len(values)) for literal in plan}
        by_silent: dict[frozenset[int], list[tuple[Literal, _Term]]] = {}
        for literal, terms in plan.items():
            for term in terms:
                by_silent.setdefault(term.silent, []).append((literal, term))
        for silent, pairs in by_silent.items():
            changed = values.copy()
            changed[:, sorted(silent)] = 0.0
            queries = list(dict.fromkeys(_query(term) for _, term in pairs))
            for first in range(0, len(queries), _AT_ONCE):
                few = queries[first : first + _AT_ONCE]
                joint = self._joint(changed, few)
                column = {query: k for k, query in enumerate(few)}
                for literal, term in pairs:
                    if (query := _query(term)) in column:
                        route = graph.all_outcomes[term.share.outcome].route
                        factor = after.factor(term.share, route)
                        sums[literal] += factor * joint[:, column[query]]
        return sums

    def _joint(self, values: Array, queries: Sequence[Query]) -> Array:
        """P(query | E, θ), (n_draws, n_queries)."""
        program = compile_queries(self.prepared.compiler, [EVERYTHING, *queries])
        log_roots = evaluation.evaluate(program, values, self.prepared.likelihoods).log_roots
        log_evidence = log_roots[:, program.column[EVERYTHING]][:, None]
        joint = np.exp(log_roots - np.where(np.isfinite(log_evidence), log_evidence, 0.0))
        return np.asarray(joint[:, [program.column[query] for query in queries]])


def _query(term: _Term) -> Query:
    return Query((term.share.outcome,), conditions=term.conditions)


def _conditions(holds: Iterable[Holds]) -> frozenset[Condition]:
    return frozenset((x, True) for x in holds if not isinstance(x, bool))


def _union(gate: Gate, literal: Literal) -> Holds:
    if literal[0] not in _names(gate):
        return False
    if gate.ways is None:
        raise UnsupportedStoryError([])
    if literal not in gate.ways.literals:
        return False
    if literal in gate.needs:  # the gate is not open without it
        return True
    return union_function(containing(gate.ways, literal), _MAX_NODES)


def _names(gate: Gate) -> set[str]:
    """The assumptions that a gate's minimal sets can speak of."""
    if gate.ways is not None:
        return {name for name, _ in gate.ways.literals}
    names: set[str] = set()
    todo = [gate.requires] if gate.requires is not None else []
    while todo:
        for name, _ in literals_of(todo.pop()):
            if name not in names:
                names.add(name)
                todo += [gate.composites[name]] if name in gate.composites else []
    return names
