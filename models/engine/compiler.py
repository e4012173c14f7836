"""From a story's graph to an arithmetic circuit whose root is P(outcomes, literals, evidence).

Two ways to let the routes compete. By *patterns*: what decides which routes are open and which
nudges hold is kept until the end, where every pattern has its own shares. By *quadrature*:
1 / x is the integral of exp(-t x) over t > 0, so at a fixed t every route is a factor of its own
and nothing has to be kept; the sum over t is a quadrature rule (`models.quadrature`). Patterns
cost what the joint states of all gates cost, quadrature what the story's own treewidth costs,
times the nodes of the rule.
"""

import sys
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from storyodds.models.circuits.circuit import (
    ONE,
    ZERO,
    Circuit,
    CircuitBuilder,
    CircuitTooLargeError,
)
from storyodds.models.circuits.elimination import CliqueTooLargeError, Elimination, Pair, lay_out
from storyodds.models.circuits.factors import Diagrams
from storyodds.models.engine.layout import Competition, Key, Layout, literal_of
from storyodds.models.logic.functions import TruthFunction
from storyodds.models.logic.gate_forest import GateForest
from storyodds.models.story.derived import RaceShare
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.hazards import HazardFactors
from storyodds.models.story.items import ItemFactors
from storyodds.models.story.likelihoods import item_targets
from storyodds.models.story.outcomes import Outcome
from storyodds.models.story.queries import EVERYTHING, Query
from storyodds.scenarios.grammar.formulas import Formula, parts

# Nodes that a factor of hazards is split into, at most: the joint states of three conditions. More
# are more sums than there are events to share them.
_FEW_ENDS = 8
MOVING = ("stay", "rest", "omega")  # leaves that have a value for every node of the rule


@dataclass(frozen=True)
class Config:
    """A route under one set of nudges: its bits are the sum of these numbers."""

    route: int
    numbers: tuple[int, ...]


class Compiler:
    """Compiles one story; later queries work out only what is new.

    Parameters
    ----------
    graph : StoryGraph
    competition : {"patterns", "quadrature"}
    expand : bool
        Whether composites are written out in the formulas that use them instead of being summed
        over as variables. Smaller where formulas share much, as in fault trees.
    evidence_only : bool
        Leave out what cannot bear on P(evidence): hazards, and assumptions nothing depends on.
    budget : int
        Most nodes, of the circuit and of the diagrams on the way to it.
    forest : GateForest, optional
        The graph's formulas, built already: what is written out is taken from it, in its order.
    marked : tuple of int
        Variables whose truth, or falsehood, a caller can rule out: each has a likelihood of its
        own, in columns that follow those of the evidence.

    Raises
    ------
    CliqueTooLargeError
        If the budget is not enough.
    """

    def __init__(
        self,
        graph: StoryGraph,
        *,
        competition: Competition,
        expand: bool,
        evidence_only: bool,
        budget: int,
        forest: GateForest | None = None,
        marked: tuple[int, ...] = (),
    ) -> None:
        self.graph = graph
        self._forest = forest if expand else None
        self.competition = competition
        self.evidence_only = evidence_only
        self._has_hazards = bool(graph.hazards) and (
            graph.hazards_are_evidence or not evidence_only
        )
        self.builder = CircuitBuilder(budget)
        self.diagrams = Diagrams(self.builder)
        self.hazards = HazardFactors(graph, self.diagrams, self.indicator)
        self.configs: list[Config] = []
        self.races: list[tuple[int, ...]] = []  # by race, the config of every route; -1 is closed
        self.targets = (*item_targets(graph), *marked)
        self._by_rows = ItemFactors(graph, self.diagrams, self.indicator)
        self._index = graph.order
        self._config_of: dict[Config, int] = {}
        self._race_of: dict[tuple[int, ...], int] = {}
        self._race_at: dict[tuple[bool, ...], int] = {}  # by what the kept gates say
        self._indicators: dict[str, int] = {}
        self._planted: dict[int, int] = {0: ZERO, 1: ONE}  # from nodes of the forest
        self._means: dict[int, int] = {}  # from diagrams to what they add up to
        self._roots: dict[Query, int] = {}
        self._sums: dict[Hashable, int] = {}
        self.programs: dict[tuple[Query, ...], Any] = {}  # made by `program`, kept here
        self.with_marks: dict[tuple[int, ...], Compiler] = {}  # made by `with_marks`, kept here
        self.layout = Layout(
            graph,
            competition=competition,
            expand=expand,
            evidence_only=evidence_only,
            hazards=self._has_hazards,
            forest=self._forest,
            marked=marked,
        )
        self.variables, self.plain = self.layout.variables, self.layout.plain
        self.level = self.layout.level
        with self._named_cliques():
            self._compile()

    @contextmanager
    def _named_cliques(self) -> Iterator[None]:
        """Name the assumptions that were too many."""
        try:
            with _deep_recursion():
                yield
        except CliqueTooLargeError as error:
            n = len(self.graph.variables)
            placed = (self.layout.placed[level] for level in sorted(error.levels))
            error.names = tuple(self.graph.variables[v].name for v in placed if v < n)
            raise
        except CircuitTooLargeError:  # while a single factor was written down
            everything = (self.graph.variables[v].name for v in self.variables)
            raise CliqueTooLargeError(frozenset(), tuple(everything)) from None

    # Factors

    def indicator(self, formula: Formula | None) -> int:
        """The factor that is one where a formula holds and zero elsewhere."""
        if formula is None:
            return ONE
        if self._forest is not None and formula in self._forest.root:
            return self._from_forest(self._forest, self._forest.root[formula])
        if isinstance(formula, str):
            name = formula.removeprefix("not ")
            literal = self._variable_indicator(name)
            return self.diagrams.choose(literal, ZERO, ONE) if formula != name else literal
        members, least = parts(formula)
        inside = [self.indicator(member) for member in members]
        # reached[j] is "at least j of those seen so far".
        reached = [ONE] + [ZERO] * least
        # Members tested near the top come last, so that diagrams grow at their top.
        for member in sorted(inside, key=self.diagrams.depth, reverse=True):
            for j in range(least, 0, -1):
                reached[j] = self.diagrams.choose(member, reached[j - 1], reached[j])
        return reached[least]

    def _variable_indicator(self, name: str) -> int:
        if name not in self._indicators:
            v = self._index[name]
            if v in self.layout.expanded:
                planted = self._forest is not None and name in self._forest.root
                written = name if planted else self.graph.variables[v].formula
                self._indicators[name] = self.indicator(written)
            else:
                self._indicators[name] = self.diagrams.test(self.level[v])
        return self._indicators[name]

    def _from_forest(self, forest: GateForest, root: int) -> int:
        """Take over a function, node by node."""
        planted, diagram = self._planted, forest.diagram
        level_of = [self.level.get(self._index[name], -1) for name in diagram.names]
        # What patterns keep stands above everything else: the order may be another one here.
        in_order = all(a < b for a, b in pairwise(x for x in level_of if x >= 0))
        todo = [root]
        while todo:
            node = todo[-1]
            low, high = int(diagram.low[node]), int(diagram.high[node])
            if node in planted:
                todo.pop()
            elif low in planted and high in planted:
                level = level_of[diagram.level[node]]
                if in_order:
                    planted[node] = self.diagrams.test(level, planted[low], planted[high])
                else:
                    planted[node] = self.diagrams.choose(
                        self.diagrams.test(level), planted[high], planted[low]
                    )
                todo.pop()
            else:
                todo += [side for side in (low, high) if side not in planted]
        return planted[root]

    def _open(self, route: int) -> int:
        node = self.graph.routes[route]
        opened = self.indicator(node.requires)
        for formula in node.blocked_by:
            opened = self.diagrams.choose(self.indicator(formula), ZERO, opened)
        return opened

    def _likelihood(self, v: int) -> int:
        """What the evidence items about an assumption say, as a factor of its truth."""
        yes = no = ONE
        for k, target in enumerate(self.targets):
            if target == v:
                yes = self.builder.multiply(yes, self.builder.leaf("item", k, True))
                no = self.builder.multiply(no, self.builder.leaf("item", k, False))
        if v in self.layout.expanded:
            return self.diagrams.choose(
                self._variable_indicator(self.graph.variables[v].name), yes, no
            )
        return self.diagrams.test(self.level[v], no, yes)

    def _table(self, v: int) -> int:
        """P(assumption | what decides it), with what the evidence says of it."""
        variable, level = self.graph.variables[v], self.level[v]
        leaf, test = self.builder.leaf, self.diagrams.test
        if variable.formula is not None:
            # Leaves worth one: what flows through them is P(composite | evidence).
            true, false = (
                (ONE, ONE) if self.evidence_only else (leaf("is", v, True), leaf("is", v, False))
            )
            yes, no = test(level, ZERO, true), test(level, false, ZERO)
            table = self.diagrams.choose(self.indicator(variable.formula), yes, no)
        elif variable.race:
            table = self._race_of_stage(v)
        elif variable.states:
            table = self._table_of_state(v)
        else:
            table = ZERO
            if v in self.plain:
                self.builder.complementary(
                    *(leaf(x, variable.rows[0][1], v) for x in ("yes", "no"))
                )
            for when, number in reversed(variable.rows):
                row = test(level, leaf("no", number, v), leaf("yes", number, v))
                table = self.diagrams.choose(self.indicator(when), row, table)
        return self.diagrams.multiply(table, self._likelihood(v))

    def _table_of_state(self, v: int) -> int:
        """P(state | states before it, what decides them): zero beside another, else its table."""
        variable, level = self.graph.variables[v], self.level[v]
        leaf, test = self.builder.leaf, self.diagrams.test
        # Leaves worth one, as for a composite, since its numbers are not used everywhere.
        true, false = (
            (ONE, ONE) if self.evidence_only else (leaf("is", v, True), leaf("is", v, False))
        )
        table = test(level, ZERO, true)  # of the last one
        for when, number in reversed(variable.rows):
            row = test(level, leaf("no", number, v), leaf("yes", number, v))
            table = self.diagrams.choose(self.indicator(when), row, table)
        if variable.barred is None:
            return table
        barred = self.indicator(variable.barred)
        return self.diagrams.choose(barred, test(level, false, ZERO), table)

    def _race_of_stage(self, v: int) -> int:
        """P(states of a stage | what decides them), as one factor that stands with the first.

        One factor, since the product of one for each state would be much larger on the way. Chances
        among all states, and not in turn: what is left of 1 would lose its digits.
        """
        variables = self.graph.variables
        states = [self._index[name] for name in variables[v].states]
        if v != states[0]:
            return ONE
        multiply, leaf, test = self.diagrams.multiply, self.builder.leaf, self.diagrams.test

        def alone(v: int) -> int:
            """The factor that is one where this state holds and no other does."""
            product = ONE
            for other in sorted(states, key=self.level.__getitem__, reverse=True):
                false = ONE if self.evidence_only else leaf("is", other, False)
                one = test(self.level[other], ZERO, ONE)
                no = test(self.level[other], false, ZERO)
                product = multiply(product, one if other == v else no)
            return product

        holds = {state: alone(state) for state in states}

        def joint(shares: Sequence[RaceShare | None]) -> int:
            total = ZERO
            for state, share in zip(states, shares, strict=True):
                if share is not None:
                    chance = leaf("yes", self.graph.derived.index(share), state)
                    total = self.diagrams.add(total, multiply(holds[state], chance))
            return total

        table = ZERO
        for races in reversed(list(zip(*(variables[state].race for state in states), strict=True))):
            of_begin = ZERO
            for row in reversed(list(zip(*(of_state.rows for of_state in races), strict=True))):
                when = self.indicator(row[0][0])
                of_begin = self.diagrams.choose(when, joint([x for _, x in row]), of_begin)
            table = self.diagrams.choose(self.indicator(races[0].begins), of_begin, table)
        return table

    def config(self, route: int, nudges: Iterable[int]) -> int:
        """The number of a route under a set of nudges (indices into its own list)."""
        node = self.graph.routes[route]
        own = () if node.bits is None else (node.bits,)
        key = Config(route, (*own, *(node.nudges[k][1] for k in nudges)))
        if key not in self._config_of:
            self._config_of[key] = len(self.configs)
            self.configs.append(key)
        return self._config_of[key]

    def _route(self, route: int, constant: bool) -> Pair:
        """A route at one node of the quadrature rule: what it is worth to stay out and to win."""
        node = self.graph.routes[route]
        always = tuple(k for k, (when, _) in enumerate(node.nudges) if when is None)
        states: list[tuple[tuple[int, ...], int]] = [(always, ONE)]
        for k, (when, _) in enumerate(node.nudges):
            if when is not None:
                on = self.indicator(when)
                off = self.diagrams.choose(on, ZERO, ONE)
                multiply = self.diagrams.multiply
                states = [(nudges, multiply(f, off)) for nudges, f in states] + [
                    ((*nudges, k), multiply(f, on)) for nudges, f in states
                ]
                states = [state for state in states if state[1] != ZERO]
        opened = self._open(route)
        neither, wins = self.diagrams.choose(opened, ZERO, ONE), ZERO
        for nudges, holds in states:
            config = self.config(route, sorted(nudges))
            here = self.diagrams.multiply(holds, opened)
            stay = ONE if constant else self.builder.leaf("stay", config)
            win = self.builder.multiply(self.builder.leaf("win", config), stay)
            neither = self.diagrams.add(neither, self.diagrams.multiply(here, stay))
            wins = self.diagrams.add(wins, self.diagrams.multiply(here, win))
        return neither, wins

    def is_always_open(self, route: int) -> bool:
        """Whether nothing can close a route."""
        return self.graph.routes[route].requires is None and not self.graph.routes[route].blocked_by

    def is_constant(self, route: int) -> bool:
        """Whether a route is always open with the same bits."""
        nudges = self.graph.routes[route].nudges
        return self.is_always_open(route) and all(when is None for when, _ in nudges)

    # Sums

    def _compile(self) -> None:
        graph, layout, n = self.graph, self.layout, len(self.graph.variables)
        scopes = [*layout.tables]
        factors: list[Pair] = [(self._table(v), ZERO) for v in self.variables]
        self._table_at = {v: i for i, v in enumerate(self.variables)}
        for v in sorted(layout.expanded):
            if v in self.targets:
                factors.append((self._likelihood(v), ZERO))
                scopes.append(layout.levels(graph.variables[v].name))
        for i, scope in layout.items.items():
            factors.append((self._by_rows.of_assumptions(i), ZERO))
            scopes.append(scope)
        self._hazards_at = len(factors)
        factors.append((ONE, ZERO))
        scopes.append(layout.hazards)
        self._routes_at = len(factors)
        self._routes: list[Pair] = []
        if self.competition == "patterns":
            for g, key in enumerate(layout.gate_keys):
                holds = ONE
                for k, formula in enumerate(key):
                    inside = self.indicator(formula)
                    blocks = k > 0  # a constraint
                    yes, no = (ZERO, holds) if blocks else (holds, ZERO)
                    holds = self.diagrams.choose(inside, yes, no)
                level = self.level[n + g]
                gate = self.diagrams.choose(
                    holds, self.diagrams.test(level), self.diagrams.test(level, ONE, ZERO)
                )
                factors.append((gate, ZERO))
                scopes.append(layout.key_levels[g])
        else:
            rest = self.builder.leaf("rest")
            for r in range(len(graph.routes)):
                self._routes.append(self._route(r, self.is_constant(r)))
                factors.append((self._routes[r][0], ZERO))
            scopes += layout.routes
            factors.append((self.builder.multiply(rest, self.builder.leaf("omega")), ZERO))
            scopes.append(frozenset())
        self._factors = factors
        self._buckets = lay_out(scopes, len(layout.placed), len(layout.kept))
        self._elimination = Elimination(self.diagrams, self._buckets, factors)
        self._assumptions: Elimination | None = None  # made when it is first used

    def root(self, query: Query) -> int:
        """The circuit node worth P(one of the outcomes, the literals, evidence | numbers)."""
        if query not in self._roots:
            with self._named_cliques():
                self._roots[query] = self._root(query)
        return self._roots[query]

    def _root(self, query: Query) -> int:
        groups: dict[int, dict[int, list[int]]] = {}
        spared = ONE if query.spared is None else self.hazards.spared(query.spared)
        for factor, route, weight in self._endings(query):
            hazards = self.diagrams.multiply(factor, spared)
            groups.setdefault(hazards, {}).setdefault(weight, []).append(route)
        return self.builder.total(
            self.builder.multiply(end, self._sum(by_weight, where, query))
            for factor, by_weight in groups.items()
            for end, where in self._ends(factor)
        )

    def _ends(self, hazards: int) -> list[tuple[int, int]]:
        """Split a factor of hazards into nodes, each with the factor that is one where it counts.

        Between events the nodes differ, and the factors hardly: sums over those are shared.
        """
        if len(self.diagrams.ends(hazards)) > _FEW_ENDS:
            return [(ONE, hazards)]
        return list(self.diagrams.level_sets(hazards).items())

    def _endings(self, query: Query) -> Iterator[tuple[int, int, int]]:
        """The factor of hazards and findings, a route, and the node worth its results' part."""
        outcomes = [self.graph.all_outcomes[o] for o in query.outcomes]
        for outcome in outcomes or map(Outcome, range(len(self.graph.routes))):
            findings = self._by_rows.of_route(outcome.route)
            for factor, weight in self.hazards.endings(outcome):
                here = findings if factor is None else self.diagrams.multiply(factor, findings)
                yield here, outcome.route, weight

    def _sum(self, by_weight: Mapping[int, Sequence[int]], hazards: int, query: Query) -> int:
        """Sum over assumptions and routes, once for all queries that need the same sum.

        Parameters
        ----------
        by_weight : mapping of int to sequence of int
            Routes by the node that they are multiplied with.
        hazards : int
            The factor of what becomes of the hazards.
        query : Query
            Of which only the literals and conditions count.
        """
        routes = tuple((weight, tuple(own)) for weight, own in by_weight.items())
        key = routes, hazards, query.literals, query.conditions, self._race_is_silent(query)
        if key not in self._sums:
            self._sums[key] = self._new_sum(by_weight, hazards, query)
        return self._sums[key]

    def _new_sum(self, by_weight: Mapping[int, Sequence[int]], hazards: int, query: Query) -> int:
        changes: dict[int, Pair] = {}
        extra: list[tuple[frozenset[int], Pair]] = []
        summed: dict[int, bool] = {}
        for name, value in sorted(query.literals):
            v = self._index[name]
            if v in self.layout.expanded:
                literal = self._variable_indicator(name)
                literal = literal if value else self.diagrams.choose(literal, ZERO, ONE)
                extra.append((self.layout.levels(name), (literal, ZERO)))
            else:
                implied = self._with_other_states(v) if value else {v: False}
                if any(summed.get(other, side) != side for other, side in implied.items()):
                    return ZERO  # they never hold together
                summed |= implied
        fixed = {self.level[v]: value for v, value in summed.items()}
        for v, value in summed.items():
            i, level = self._table_at[v], self.level[v]
            elsewhere = {x: side for x, side in fixed.items() if x != level}
            table = self.diagrams.restrict(self._factors[i][0], elsewhere, {})
            literal = self.diagrams.test(level, *((ZERO, ONE) if value else (ONE, ZERO)))
            changes[i] = self.diagrams.multiply(table, literal), ZERO
        for function, value in query.conditions:
            holds = self._holds(function, value)
            extra.append((self.layout.levels(*function.names), holds))
        if hazards != ONE:
            changes[self._hazards_at] = hazards, ZERO
        everywhere = sum(map(len, by_weight.values())) == len(self.graph.routes)
        if everywhere and list(by_weight) == [ONE] and self._race_is_silent(query):
            return self._without_race(changes, extra, fixed)
        if self.competition == "quadrature":
            weight_of: dict[int, int] = {}
            for weight, routes in by_weight.items():
                for r in routes:
                    weight_of[r] = self.builder.add(weight_of.get(r, ZERO), weight)
            for r, weight in weight_of.items():
                neither, wins = self._routes[r]
                changes[self._routes_at + r] = neither, self.diagrams.multiply(wins, weight)
            return self._elimination.exchange(changes, extra, fixed)[1]
        joint = self._elimination.exchange(changes, extra, fixed)[0]
        by_race: dict[int, list[int]] = {}
        for truth, node in self.diagrams.cells(joint, range(len(self.layout.kept))):
            by_race.setdefault(self._race(truth), []).append(node)
        total, multiply = self.builder.total, self.builder.multiply
        return total(
            multiply(
                total(nodes),
                total(multiply(w, self._share(race, routes)) for w, routes in by_weight.items()),
            )
            for race, nodes in by_race.items()
        )

    def _with_other_states(self, v: int) -> dict[int, bool]:
        """An assumption that is true, and the other states of its stage, which then are not."""
        variable = self.graph.variables[v]
        states = variable.states if variable.race else ()
        return {self._index[state]: False for state in states} | {v: True}

    def _holds(self, function: TruthFunction, value: bool) -> Pair:
        """The factor that is one where a function of assumptions has a value."""
        nodes = [ZERO, ONE] if value else [ONE, ZERO]
        tests = [self._variable_indicator(name) for name in function.names]
        for level, low, high in function.diagram.upwards():
            nodes.append(self.diagrams.choose(tests[level], nodes[high], nodes[low]))
        return nodes[function.diagram.root], ZERO

    @property
    def _is_independent(self) -> bool:
        """Whether every assumption is free, but for those written out, and there is no finding."""
        return bool(self.plain) and not self.targets and len(self.plain) == len(self.variables)

    def _race_is_silent(self, query: Query) -> bool:
        """Whether it makes no difference to a query by which route training ends.

        So it is where no evidence speaks of the outcome. The sum over everything keeps its race
        all the same: how it depends on the routes is what their probabilities are read from.
        """
        about = (e for e in self.graph.evidence if e.form != "forecast")
        return query != EVERYTHING and all(e.subject == "assumption" for e in about)

    def _without_race(
        self,
        changes: dict[int, Pair],
        extra: list[tuple[frozenset[int], Pair]],
        fixed: dict[int, bool],
    ) -> int:
        """A sum over the assumptions alone."""
        if self._is_independent and not changes:
            product = ONE
            for _, (factor, _) in extra:
                product = self.diagrams.multiply(product, factor)
            leaf = self.builder.leaf
            weights = {
                self.level[v]: (leaf("no", number, v), leaf("yes", number, v))
                for v, number in self.plain.items()
            }
            return self.diagrams.mean(product, weights, self._means)
        if self.competition == "quadrature":
            if self._assumptions is None:
                still = [(ONE, ZERO)] * (len(self._factors) - self._routes_at)
                factors = [*self._factors[: self._routes_at], *still]
                self._assumptions = Elimination(self.diagrams, self._buckets, factors)
            return self._assumptions.exchange(changes, extra, fixed)[0]
        joint = self._elimination.exchange(changes, extra, fixed)[0]
        cells = self.diagrams.cells(joint, range(len(self.layout.kept)))
        return self.builder.total(node for _, node in cells)

    def _share(self, race: int, routes: Sequence[int]) -> int:
        """The leaf worth the chance that one of these routes wins a race, evidence included."""
        configs = tuple(c for c in (self.races[race][r] for r in routes) if c >= 0)
        return self.builder.leaf("share", race, configs) if configs else ZERO

    def _race(self, truth: Sequence[bool]) -> int:
        """Which routes run, and how strongly, where the gates that are kept stand so."""
        race = self._race_at.get(tuple(truth))
        if race is not None:
            return race
        n = len(self.graph.variables)
        value = dict(zip(self.layout.kept, truth, strict=True))

        def holds(key: Key) -> bool:
            if key not in self.layout.gates:
                return True
            v = self.layout.gates[key]
            if v < 0:
                return value[n + ~v]
            literal = literal_of(key[0])
            assert literal is not None
            return value[v] == literal[1]

        configs = []
        for r, route in enumerate(self.graph.routes):
            if holds((route.requires, *route.blocked_by)):
                on = (k for k, (when, _) in enumerate(route.nudges) if holds((when,)))
                configs.append(self.config(r, on))
            else:
                configs.append(-1)
        key = tuple(configs)
        if key not in self._race_of:
            self._race_of[key] = len(self.races)
            self.races.append(key)
        return self._race_at.setdefault(tuple(truth), self._race_of[key])

    def freeze(self, queries: tuple[Query, ...]) -> Circuit:
        """The circuit of some queries, one root each."""
        return self.builder.freeze([self.root(query) for query in queries], MOVING)


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Let diagrams as deep as a story has assumptions be walked recursively."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 20_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
