"""What a story is compiled over: its variables, their order, and which of them each factor has.

Nothing here knows circuits. A variable is an assumption, by its place in `StoryGraph.variables`;
where patterns compete, gates that are kept are variables too, numbered after the assumptions.
"""

from collections.abc import Iterator
from typing import Literal as OneOf

from storyodds.models.circuits.ordering import by_appearance, min_fill
from storyodds.models.engine.stage_order import along_stages
from storyodds.models.logic.gate_forest import GateForest
from storyodds.models.story.graph import Gate, StoryGraph
from storyodds.scenarios.grammar.formulas import Formula, literals

Competition = OneOf["patterns", "quadrature"]
Key = tuple[Formula | None, ...]  # of a gate: what opens it, then what blocks it
Levels = frozenset[int]


class Layout:
    """The order of elimination of a story, and the levels that its factors depend on.

    Parameters
    ----------
    graph : StoryGraph
    competition : {"patterns", "quadrature"}
    expand : bool
        Whether composites are written out in the formulas that use them.
    evidence_only : bool
        Leave out assumptions nothing depends on.
    hazards : bool
        Whether the hazards' formulas count.
    forest : GateForest, optional
        The graph's formulas, built already, whose order is taken.
    marked : tuple of int
        Assumptions that a caller can rule out, as if evidence were about them.

    Attributes
    ----------
    variables : list of int
        The assumptions that are summed over.
    expanded : set of int
        Those that are written out instead.
    plain : dict of int to int
        Free assumptions that no evidence is about, to the numbers of their probabilities. Where
        nothing else asks for one, true and false add up to 1 and are not written down. What is not
        written down is known to 14 decimals only, so this is kept for where there would be very
        much to write.
    gates : dict of Key to int
        What patterns keep: to an assumption or, negative, to one of `gate_keys`.
    gate_keys : list of Key
    level : dict of int to int
        Of every variable, the kept ones first.
    placed, kept : list of int
        Variables by level, and those that are kept to the end.
    tables : list of frozenset of int
        Levels that the table of each of `variables` depends on,
    routes, key_levels : list of frozenset of int
        those of each route, and of each of `gate_keys`,
    items : dict of int to frozenset of int
        those of findings about assumptions whose numbers depend on others, by finding,
    hazards : frozenset of int
        and of all hazards and rates together.
    """

    def __init__(
        self,
        graph: StoryGraph,
        *,
        competition: Competition,
        expand: bool,
        evidence_only: bool,
        hazards: bool,
        forest: GateForest | None,
        marked: tuple[int, ...],
    ) -> None:
        self._graph, self._index, self._forest = graph, graph.order, forest
        self.expanded = {
            v for v, variable in enumerate(graph.variables) if expand and variable.formula
        }
        every = set(range(len(graph.variables)))
        relevant = self._relevant(hazards=hazards) if evidence_only else every
        self.variables = sorted(relevant - self.expanded)
        targets = {*marked, *(v for e in graph.evidence for v in e.targets)}
        self.plain = {
            v: graph.variables[v].rows[0][1]
            for v in self.variables
            if len(graph.variables[v].rows) == 1
            and not graph.variables[v].states
            and v not in targets
            and (evidence_only or self.expanded or forest is not None)
        }
        tables = [self._table_scope(v) for v in self.variables]
        routes = [
            self.scope(r.requires, *r.blocked_by, *(when for when, _ in r.nudges))
            for r in graph.routes
        ]
        decisive = graph.rate_formulas(evidence_only=evidence_only)
        of_hazards = [self.scope(h.requires) for h in graph.hazards] if hazards else []
        of_hazards += [self.scope(formula) for formula in decisive]
        items = {
            i: self.scope(*(graph.variables[v].name for v in item.targets), *item.formulas)
            for i, item in enumerate(graph.evidence)
            if item.rows and item.targets
        }
        self.gates: dict[Key, int] = {}
        self.gate_keys: list[Key] = []
        scopes = [*tables, *items.values(), [v for scope in of_hazards for v in scope]]
        keys: list[list[int]] = []
        if competition == "patterns":
            for route in graph.routes:
                self._keep((route.requires, *route.blocked_by))
                for when, _ in route.nudges:
                    self._keep((when,))
            n = len(graph.variables)
            keys = [[n + g, *self.scope(*key)] for g, key in enumerate(self.gate_keys)]
            scopes += keys
            self.kept = sorted({v if v >= 0 else n + ~v for v in self.gates.values()})
        else:
            scopes += routes
            self.kept = []
        if self.expanded or forest is not None:
            gates = self._gates_in_order()
            order = by_appearance(
                [*gates, *routes, *of_hazards, *items.values(), *tables], self.kept
            )
        else:
            order = min_fill([frozenset(scope) for scope in scopes], self.kept)
        if graph.stages:
            order = along_stages(graph, order, dict(zip(self.variables, tables, strict=True)))
        self.placed = [*self.kept, *reversed(order)]
        self.level = {v: level for level, v in enumerate(self.placed)}
        self.tables = [self._levels(scope) for scope in tables]
        self.items = {i: self._levels(scope) for i, scope in items.items()}
        self.hazards = self._levels([v for scope in of_hazards for v in scope])
        self.routes = [] if competition == "patterns" else [self._levels(s) for s in routes]
        self.key_levels = [self._levels(scope) for scope in keys]

    def scope(self, *formulas: Formula | None) -> list[int]:
        """The variables that formulas depend on, in the order of their appearance."""
        variables: dict[int, None] = {}
        expanded: set[int] = set()
        pending = [self._index[n] for f in formulas if f is not None for n, _ in literals(f)][::-1]
        while pending:
            v = pending.pop()
            if v not in self.expanded:
                variables[v] = None
            elif v not in expanded:
                expanded.add(v)
                formula = self._graph.variables[v].formula
                assert formula is not None
                pending += [self._index[n] for n, _ in literals(formula)][::-1]
        return list(variables)

    def levels(self, *formulas: Formula | None) -> Levels:
        """The levels of the variables that formulas depend on."""
        return self._levels(self.scope(*formulas))

    def _levels(self, scope: list[int]) -> Levels:
        return frozenset(self.level[v] for v in scope)

    def _formulas(self, *, hazards: bool) -> Iterator[Formula]:
        """Every formula that bears on P(evidence) but for what it is about."""
        for route in self._graph.routes:
            yield from (f for f in (route.requires, *route.blocked_by) if f is not None)
            yield from (when for when, _ in route.nudges if when is not None)
        if hazards:
            yield from (h.requires for h in self._graph.hazards if h.requires is not None)
        yield from self._graph.rate_formulas(evidence_only=True)
        yield from (formula for item in self._graph.evidence for formula in item.formulas)

    def _relevant(self, *, hazards: bool) -> set[int]:
        formulas = self._formulas(hazards=hazards)
        pending = [self._index[name] for formula in formulas for name, _ in literals(formula)]
        pending += [v for e in self._graph.evidence for v in e.targets]
        relevant: set[int] = set()
        while pending:
            v = pending.pop()
            if v not in relevant:
                relevant.add(v)
                pending += [self._index[name] for name in self._graph.variables[v].scope]
        return relevant

    def all_bear(self) -> bool:
        """Whether every variable bears on P(evidence)."""
        everything = set(range(len(self._graph.variables)))
        return self._relevant(hazards=self._graph.hazards_are_evidence) == everything

    def _table_scope(self, v: int) -> list[int]:
        variable = self._graph.variables[v]
        if variable.race:  # one factor for all states of a stage, which stands with the first
            states = [self._index[name] for name in variable.states]
            return [*states, *self.scope(*variable.formulas)] if v == states[0] else [v]
        return [v, *self.scope(*variable.formulas, variable.barred)]

    def _gates_in_order(self) -> list[list[int]]:
        """The variables of gates, as they stand in diagrams that were built already."""
        if self._forest is None:
            gates = (*self._graph.routes, *self._graph.hazards)
            return [self._in_diagram_order(gate) for gate in gates]
        names = self._forest.diagram.names
        return [[v for v in (self._index[name] for name in names) if v in self.variables]]

    def _in_diagram_order(self, gate: Gate) -> list[int]:
        """The variables of a gate in the order that made its diagram small."""
        function = None if gate.ways is None else gate.ways.formula
        names = () if function is None else function.names
        return [v for v in (self._index[name] for name in names) if v in self.variables]

    def _keep(self, key: Key) -> None:
        """Note a gate that patterns must keep: a variable if that is all it is."""
        if key in self.gates or all(f is None for f in key):
            return
        alone = literal_of(key[0]) if len(key) == 1 and key[0] is not None else None
        if alone is not None and self._index[alone[0]] not in self.expanded:
            self.gates[key] = self._index[alone[0]]
        else:
            self.gates[key] = ~len(self.gate_keys)
            self.gate_keys.append(key)


def literal_of(formula: Formula | None) -> tuple[str, bool] | None:
    """Unwrap a formula that is one literal; None for any other."""
    while isinstance(formula, tuple) and len(formula) == 1:
        formula = formula[0]
    if not isinstance(formula, str):
        return None
    name = formula.removeprefix("not ")
    return name, name == formula
