"""What becomes of an intended model's hazards, and what checks' known results say of it.

Hazards fire by themselves, each with its own chance wherever it is open. What is asked of them
together (`graph.HAZARD_EVENTS`) is a product over hazards, or a product in which at least one
hazard does something: the latter is summed by how many of the hazards so far have done it, none
or some. Every term is positive, so that no digits are lost where chances are small.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

from storyodds.models.circuits.circuit import ONE, ZERO
from storyodds.models.story.algebra import Algebra, Factor, Indicator, product
from storyodds.models.story.graph import HazardNode, StoryGraph
from storyodds.models.story.outcomes import SINGLE_HAZARD_EVENTS, Outcome
from storyodds.models.story.rates import Rate
from storyodds.models.story.verdicts import VerdictFactors
from storyodds.scenarios.grammar.outcomes import INTENDED

ALIGNMENT = "alignment"


@dataclass(frozen=True)
class _Fired:
    """What a fired hazard is worth.

    Attributes
    ----------
    before : factor
        Where no hazard has done what is asked for, and this one does not do it either.
    doing : factor
        Where this one does it.
    after : factor
        Where another one has done it already.
    """

    before: Factor
    doing: Factor
    after: Factor


# Events in which at least one hazard has to do something.
_HAZARD_DOINGS = ("outcompeted", "misaligned", "harmful", "flagged", *SINGLE_HAZARD_EVENTS)


class HazardFactors:
    """Factors of what becomes of the hazards of one story.

    Parameters
    ----------
    graph : StoryGraph
    algebra : Algebra
    indicator : callable
        Gives the factor that is one where a formula holds.
    """

    def __init__(self, graph: StoryGraph, algebra: Algebra, indicator: Indicator) -> None:
        self._graph = graph
        self._algebra = algebra
        self._indicator = indicator
        self._verdicts = VerdictFactors(graph, algebra, indicator)
        self._factors: dict[tuple[Outcome, frozenset[int]], Factor] = {}

    def endings(self, outcome: Outcome) -> list[tuple[Factor | None, Factor]]:
        """Split an outcome by which checks have flagged the model because of its hazards alone.

        Parameters
        ----------
        outcome : Outcome

        Returns
        -------
        list of (factor or None, factor)
            P(the outcome's event, the results of checks | assumptions, route), as sums of products
            of a factor of the assumptions (None for one) and one of the route's numbers alone.
        """
        graph = self._graph
        intended = graph.routes[outcome.route].outcome_class == INTENDED
        if not intended or (outcome.event is None and not graph.hazards_are_evidence):
            endings = [(None, self._verdict(outcome, frozenset()))]
        else:
            endings = [
                (self._of_hazards(outcome, flags), self._verdict(outcome, flags))
                for flags in _subsets(self._explaining)
            ]
        if not self.route_depends_on_assumptions(outcome):
            return endings
        return [
            (self._algebra.multiply(results, ONE if hazards is None else hazards), ONE)
            for hazards, results in endings
        ]

    def route_depends_on_assumptions(self, outcome: Outcome) -> bool:
        """Whether what checks say of the route itself is a factor of the assumptions."""
        route, checks = self._graph.routes[outcome.route], self._graph.checks
        results = [route.flags[c] for c, check in enumerate(checks) if check.result is not None]
        results += [
            share
            for cause in self._graph.causes_of_results
            if isinstance(share := cause.of_routes[outcome.route], Rate)
        ]
        by_rows = not all(rate.is_plain for rate in results)
        return by_rows or bool(outcome.verdicts) or outcome.harmful is not None

    def spared(self, criterion: str) -> Factor:
        """P(no hazard of a criterion fires | assumptions), in a run made to end as intended."""
        silence: Factor = ONE
        for hazard in self._graph.hazards:
            if hazard.criterion == criterion:
                silent = self._algebra.choose(
                    self._indicator(hazard.requires), self._no(hazard.probability), ONE
                )
                silence = self._algebra.multiply(silence, silent)
        return silence

    @cached_property
    def _explaining(self) -> frozenset[int]:
        """The checks that have flagged the model, and that a hazard may have set off."""
        return frozenset(
            c
            for c, check in enumerate(self._graph.checks)
            if check.result == "flagged"
            and any(hazard.flags[c] is not None for hazard in self._graph.hazards)
        )

    def _verdict(self, outcome: Outcome, unexplained: frozenset[int]) -> Factor:
        """P(what is asked of the route itself, and known results of checks | route).

        Of the flags that are known, the hazards have to have raised those left unexplained.
        """
        results = {
            c: check.result == "flagged" and c not in unexplained
            for c, check in enumerate(self._graph.checks)
            if check.result is not None
        }
        verdicts = {**results, **dict(outcome.verdicts)}
        return self._verdicts.of_route(outcome.route, verdicts, outcome.harmful)

    def _of_hazards(self, outcome: Outcome, unexplained: frozenset[int]) -> Factor:
        # The same wherever training ends, and whatever checks say of the route itself.
        key = (replace(outcome, route=0, verdicts=(), harmful=None), unexplained)
        if key not in self._factors:
            self._factors[key] = self._factor(outcome, unexplained)
        return self._factors[key]

    def _factor(self, outcome: Outcome, unexplained: frozenset[int]) -> Factor:
        """P(an outcome's event, hazards flag what is left unexplained | assumptions, route)."""
        algebra = self._algebra
        event, live = self._event(outcome)
        # What the hazards from one on are worth, by the flags that are still unexplained and by
        # whether the event has still to come about.
        states = [(flags, late) for flags in _subsets(unexplained) for late in (False, True)]
        rest: dict[tuple[frozenset[int], bool], Factor] = {
            (flags, late): ZERO if flags or late else ONE for flags, late in states
        }
        for h, hazard in reversed(list(enumerate(self._graph.hazards))):
            opened, ahead = self._indicator(hazard.requires), dict(rest)
            fires = self._yes(hazard.probability)
            for flags in _subsets(unexplained):
                ways = [
                    (flags - raised, self._worth(h, event, outcome.hazard == h, live, results))
                    for raised, results in self._results(hazard, flags)
                ]
                for late in (False, True):
                    here = algebra.multiply(self._no(hazard.probability), rest[flags, late])
                    for flags_over, fired in ways:
                        ends = [(fired.before, True), (fired.doing, False)]
                        for weight, still in ends if late else [(fired.after, False)]:
                            term = self._product(fires, weight, rest[flags_over, still])
                            here = algebra.add(here, term)
                    ahead[flags, late] = algebra.choose(opened, here, rest[flags, late])
            rest = ahead
        return rest[unexplained, event in _HAZARD_DOINGS]

    def _event(self, outcome: Outcome) -> tuple[str | None, Sequence[int]]:
        """What is asked of the hazards, and the checks that can flag them."""
        live = self._graph.live_checks
        if outcome.check is None or outcome.event is None:
            return outcome.event, live
        if outcome.event == "flagged-by":
            return "flagged", (outcome.check,)
        event = outcome.event.removesuffix("-without")
        return event, [c for c in live if c != outcome.check]

    def _worth(
        self,
        h: int,
        event: str | None,
        is_meant: bool,
        live: Sequence[int],
        results: Mapping[int, bool],
    ) -> _Fired:
        """What a hazard is worth once it has fired, together with known results of checks."""
        hazard = self._graph.hazards[h]
        whole = self._verdicts.of_hazard(h, results)
        if event is None:  # whatever becomes of them: no rate but those of results is asked for
            return _Fired(whole, ZERO, whole)
        unflagged = self._verdicts.hazard_unflagged(h, live, results)
        harmless = self._product(unflagged, self._no(hazard.harm))
        of_alignment = hazard.criterion == ALIGNMENT
        if event == "spared":
            return _Fired(ZERO, ZERO, ZERO)
        if event == f"free-of-{hazard.criterion}":
            return _Fired(ZERO, ZERO, ZERO)
        if event == "outcompeted":
            worth = ZERO if of_alignment else harmless
            return _Fired(ZERO, worth, worth)
        if event == "misaligned":
            return (
                _Fired(ZERO, harmless, harmless)
                if of_alignment
                else _Fired(harmless, ZERO, harmless)
            )
        if event == "unflagged":
            return _Fired(unflagged, ZERO, unflagged)
        if event == "harmful":
            return _Fired(harmless, self._product(unflagged, self._yes(hazard.harm)), unflagged)
        if event == "flagged":
            return _Fired(unflagged, self._verdicts.hazard_flagged(h, live, results), whole)
        if event == "fired":
            return _Fired(ZERO, whole, whole) if is_meant else _Fired(whole, ZERO, whole)
        if event == "fired-unflagged":
            if is_meant:
                return _Fired(ZERO, unflagged, unflagged)
            return _Fired(unflagged, ZERO, unflagged)
        if event == "fired-harmful":
            if is_meant:
                harmed = self._product(unflagged, self._yes(hazard.harm))
                return _Fired(ZERO, harmed, harmed)
            return _Fired(unflagged, ZERO, unflagged)
        return _Fired(whole, ZERO, whole)  # whatever becomes of them

    def _results(
        self, hazard: HazardNode, flags: frozenset[int]
    ) -> list[tuple[frozenset[int], dict[int, bool]]]:
        """Which of the unexplained flags a fired hazard may raise, and what checks say of it then.

        A check that has passed did not flag it. Flags that are explained already it may raise too.
        """
        named = {c for c, rate in enumerate(hazard.flags) if rate is not None}
        passed = {
            c for c, check in enumerate(self._graph.checks) if check.result == "passed"
        } & named
        return [
            (raised, {c: c in raised for c in sorted(passed | (flags & named))})
            for raised in _subsets(flags & named)
        ]

    def _yes(self, rate: Rate) -> Factor:
        return self._verdicts.chance(rate, happens=True)

    def _no(self, rate: Rate) -> Factor:
        return self._verdicts.chance(rate, happens=False)

    def _product(self, *factors: Factor) -> Factor:
        return product(self._algebra, *factors)


def _subsets(items: frozenset[int]) -> list[frozenset[int]]:
    ordered = sorted(items)
    return [
        frozenset(chosen) for n in range(len(ordered) + 1) for chosen in combinations(ordered, n)
    ]
