"""Which numbers simulated states use, and what came of it.

Given a state of the assumptions and a route, what a finding says of the hazards is drawn as it is
summed (`models.hazards`): which of the flags that are known the route itself did not raise, and
then, hazard by hazard, whether it fired and which of those flags it raised.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine.state_draws import Uses
from storyodds.models.posterior.simulated.states import Arrays, Factor
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.rates import Rate
from storyodds.models.story.verdicts import VerdictFactors
from storyodds.scenarios.grammar.formulas import Formula, parts
from storyodds.scenarios.grammar.outcomes import INTENDED

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
Flags = frozenset[int]  # checks that flagged


def holds(formula: Formula, value: Mapping[str, Bools]) -> Bools:
    """Evaluate a formula over many states.

    Parameters
    ----------
    formula : Formula
    value : mapping of str to bool array
        By assumption, one entry a state.

    Examples
    --------
    >>> holds("not a", {"a": np.array([True, False])}).tolist()
    [False, True]
    """
    if isinstance(formula, str):
        name = formula.removeprefix("not ")
        return value[name] if formula == name else ~value[name]
    members, least = parts(formula)
    truths = [holds(member, value) for member in members]
    if not members:
        return np.asarray(least == 0)
    # What no state decides, such as `at X` as training begins, has one entry for all states.
    truths = list(np.broadcast_arrays(*truths))
    if least == len(members):
        return np.asarray(np.logical_and.reduce(truths))
    if least == 1:
        return np.asarray(np.logical_or.reduce(truths))
    return np.asarray(np.sum(truths, axis=0, dtype=np.int32) >= least)


def number_at(rate: Rate, value: Mapping[str, Bools], n: int) -> NDArray[np.intp]:
    """Which number a rate comes to in every state, (n_states,).

    Examples
    --------
    >>> number_at(Rate((("a", 3), (None, 5))), {"a": np.array([True, False])}, 2).tolist()
    [3, 5]
    """
    numbers = np.full(n, rate.rows[-1][1], dtype=np.intp)
    for when, number in reversed(rate.rows[:-1]):
        assert when is not None
        numbers = np.where(holds(when, value), number, numbers)
    return numbers


def uses_of(
    graph: StoryGraph,
    values: Array,
    truth: Bools,
    route: NDArray[np.intp],
    rng: np.random.Generator,
) -> Uses:
    """List which numbers states use, and whether what each is the chance of came about.

    Parameters
    ----------
    graph : StoryGraph
    values : (n_states, n_numbers) array
        The numbers that each state was drawn at.
    truth : (n_states, n_variables) bool array
    route : (n_states,) int array
        Where training ended.
    rng : numpy.random.Generator
        What becomes of the hazards is drawn with it, where a check's known result names one.
    """
    uses = Uses.none(len(truth), graph.n_numbers)
    by_name = {variable.name: truth[:, v] for v, variable in enumerate(graph.variables)}
    for v, variable in enumerate(graph.variables):
        open_rows = np.ones(len(truth), bool)
        if variable.barred is not None:
            open_rows &= ~holds(variable.barred, by_name)
        for when, number in variable.rows:
            here = open_rows if when is None else open_rows & holds(when, by_name)
            uses.happened[:, number] |= here & truth[:, v]
            uses.failed[:, number] |= here & ~truth[:, v]
            open_rows = open_rows & ~here
    number_of = _number_of(graph)
    excused = np.zeros((len(truth), len(graph.checks)), bool)  # flags that the route did not raise
    if graph.hazards_are_evidence:
        intended = np.array([node.outcome_class == INTENDED for node in graph.routes])[route]
        rows = np.flatnonzero(intended)
        opened = np.array(
            [
                np.ones(len(rows), bool) if h.requires is None else holds(h.requires, by_name)[rows]
                for h in graph.hazards
            ]
        )
        inside = {name: value[rows] for name, value in by_name.items()}
        hazards = _Hazards(graph, values[rows], opened, route[rows], inside)
        excused[rows] = hazards.draw(uses, rows, rng)
    for c, check in enumerate(graph.checks):
        if check.result is not None:
            every = np.arange(len(route))
            rates = [number_at(node.flags[c], by_name, len(route)) for node in graph.routes]
            flags = number_of(np.array(rates)[route, every])
            flagged = ~excused[:, c] & (check.result == "flagged")
            uses.happened[every, flags] |= flagged
            uses.failed[every, flags] |= ~flagged
    if graph.causes_of_results and not graph.hazards:  # with those, shares are sampled
        _draw_shares(uses, graph, values, by_name, route, rng)
    return uses


def _draw_shares(
    uses: Uses,
    graph: StoryGraph,
    values: Array,
    by_name: Mapping[str, Bools],
    route: NDArray[np.intp],
    rng: np.random.Generator,
) -> None:
    """Draw whether one thing decided for checks that fail together, given their results."""
    verdicts, n = _factors(graph, values, by_name), len(route)
    flagged = {c: check.result == "flagged" for c, check in enumerate(graph.checks) if check.result}
    for cause in graph.causes_of_results:
        results = {c: flagged[c] for c in cause.checks if c in flagged}
        u = rng.random(n)
        for r in np.unique(route):
            share = cause.of_routes[r]
            if not isinstance(share, Rate):
                continue
            sides = (
                verdicts.of_route_if(r, results, together=together) for together in (True, False)
            )
            as_one, apart = (_by_state(side, n) for side in sides)
            numbers, here = number_at(share, by_name, n), route == r
            chance = values[np.arange(n), numbers]
            weight, rest = chance * as_one, (1 - chance) * apart
            whole = np.where(weight + rest > 0, weight + rest, 1.0)
            decided = u < weight / whole
            uses.happened[here & decided, numbers[here & decided]] = True
            uses.failed[here & ~decided, numbers[here & ~decided]] = True


def _number_of(graph: StoryGraph) -> Callable[[NDArray[np.intp]], NDArray[np.intp]]:
    """What takes readings of known results to the numbers that they are."""
    return np.vectorize(graph.derived.readings.number_of, otypes=[np.intp])


def _factors(graph: StoryGraph, values: Array, by_name: Mapping[str, Bools]) -> VerdictFactors:
    """What checks make of models, as arrays of one row a state."""

    def indicator(formula: Formula | None) -> bool | Bools:
        return formula is None or holds(formula, by_name)[:, None]

    return VerdictFactors(graph, Arrays.of(graph, values), indicator)


def _by_state(factor: Factor, n: int) -> Array:
    return np.asarray(np.broadcast_to(factor, (n, 1))[:, 0], dtype=float)


class _Hazards:
    """What becomes of the hazards of intended models, given the known results of checks."""

    def __init__(
        self,
        graph: StoryGraph,
        values: Array,
        opened: Bools,
        route: NDArray[np.intp],
        by_name: Mapping[str, Bools],
    ) -> None:
        self.graph, self.values, self.opened, self.route = graph, values, opened, route
        self.by_name, self.every = by_name, np.arange(len(values))
        self.verdicts = _factors(graph, values, by_name)
        self._number_of = _number_of(graph)
        self.explaining = frozenset(
            c
            for c, check in enumerate(graph.checks)
            if check.result == "flagged" and any(h.flags[c] is not None for h in graph.hazards)
        )
        self.rest = self._rest()

    def _rest(self) -> list[dict[Flags, Array]]:
        """P(the hazards from one on raise just these flags), and none that a check did not."""
        n = len(self.values)
        rest = [{flags: np.full(n, float(not flags)) for flags in _subsets(self.explaining)}]
        for h in reversed(range(len(self.graph.hazards))):
            after, here = rest[0], {}
            for flags, otherwise in after.items():
                total = self._not_fired(h) * otherwise
                for raised in self._ways(h, flags):
                    total = total + self._fired(h, flags, raised) * after[flags - raised]
                here[flags] = np.where(self.opened[h], total, otherwise)
            rest.insert(0, here)
        return rest

    def _not_fired(self, h: int) -> Array:
        return 1 - self._at(self.graph.hazards[h].probability)

    def _numbers(self, rate: Rate) -> NDArray[np.intp]:
        return number_at(rate, self.by_name, len(self.values))

    def _at(self, rate: Rate) -> Array:
        """The chance that a rate comes to in every state."""
        return np.asarray(self.values[self.every, self._numbers(rate)])

    def _ways(self, h: int, flags: Flags) -> list[Flags]:
        """Which of some flags a hazard may raise."""
        return _subsets(flags & self._named(h))

    def _named(self, h: int) -> Flags:
        rates = self.graph.hazards[h].flags
        return frozenset(c for c, rate in enumerate(rates) if rate is not None)

    def _fired(self, h: int, flags: Flags, raised: Flags) -> Array:
        """P(a hazard fires, and of these flags raises those alone)."""
        verdict = self.verdicts.of_hazard(h, self._verdict(h, flags, raised))
        chance = self._at(self.graph.hazards[h].probability)
        return np.asarray(chance * _by_state(verdict, len(self.values)))

    def _verdict(self, h: int, flags: Flags, raised: Flags) -> dict[int, bool]:
        """What checks say of a fired hazard, those that have passed too."""
        passed = {c for c, check in enumerate(self.graph.checks) if check.result == "passed"}
        return {c: c in raised for c in sorted((flags | passed) & self._named(h))}

    def _rates(self, h: int, flags: Flags, raised: Flags) -> list[tuple[Rate, bool]]:
        """The flag rates that a fired hazard uses, and whether it flagged."""
        rates = self.graph.hazards[h].flags
        verdict = self._verdict(h, flags, raised)
        return [(rate, flagged) for c, flagged in verdict.items() if (rate := rates[c]) is not None]

    def draw(self, uses: Uses, rows: NDArray[np.intp], rng: np.random.Generator) -> Bools:
        """Draw them, put down what they use in some rows, and give the flags they had to raise.

        Returns
        -------
        (n_rows, n_checks) bool array
        """
        n, subsets = len(rows), _subsets(self.explaining)
        start = np.stack([self._route(flags) * self.rest[0][flags] for flags in subsets])
        choice = _chosen(start, rng.random(n))
        excused = np.zeros((n, len(self.graph.checks)), bool)
        for k, flags in enumerate(subsets):
            excused[np.ix_(choice == k, sorted(flags))] = True
        for h, hazard in enumerate(self.graph.hazards):
            u, moved = rng.random(n), choice.copy()
            for k, flags in enumerate(subsets):
                ways = self._ways(h, flags)
                after = self.rest[h + 1]
                chances = [self._not_fired(h) * after[flags]]
                chances += [self._fired(h, flags, way) * after[flags - way] for way in ways]
                way_of = _chosen(np.stack(chances), u)
                here = (choice == k) & self.opened[h]
                fires = self._numbers(hazard.probability)
                for side, came in ((uses.failed, way_of == 0), (uses.happened, way_of > 0)):
                    side[rows[here & came], fires[here & came]] = True
                for w, raised in enumerate(ways):
                    own = here & (way_of == w + 1)
                    moved[own] = subsets.index(flags - raised)
                    for rate, happened in self._rates(h, flags, raised):
                        side = uses.happened if happened else uses.failed
                        side[rows[own], self._number_of(self._numbers(rate)[own])] = True
            choice = moved
        return excused

    def _route(self, excused: Flags) -> Array:
        """P(of the known flags, the route itself raises all but these)."""
        results = {
            c: check.result == "flagged" and c not in excused
            for c, check in enumerate(self.graph.checks)
            if check.result is not None
        }
        n = len(self.values)
        chance = np.ones(n)
        for r in np.unique(self.route):
            here = self.route == r
            chance[here] = _by_state(self.verdicts.of_route(r, results, None), n)[here]
        return chance


def _chosen(chances: Array, u: Array) -> NDArray[np.intp]:
    """Choose a row of every column in proportion to what stands there."""
    edges = np.cumsum(chances, axis=0)
    place = (edges <= u * edges[-1]).sum(axis=0)
    return np.asarray(place.clip(max=len(chances) - 1))


def _subsets(items: Flags) -> list[Flags]:
    ordered: Sequence[int] = sorted(items)
    return [
        frozenset(chosen) for n in range(len(ordered) + 1) for chosen in combinations(ordered, n)
    ]
