"""What several checks make of one model: independently, or together where they fail together.

Where one thing decides for several checks, each flags where its rate exceeds one uniform draw that
they have in common: then none of them flags with 1 less the largest rate, some and no other flag
with what the least of their rates exceeds the largest of the others by, and every check keeps its
own rate. Known results are verdicts as those are that are asked about: together they say what one
check makes of a model that another has passed.
"""

from collections.abc import Mapping, Sequence

from storyodds.models.circuits.circuit import ZERO
from storyodds.models.story.algebra import Algebra, Factor, Indicator, by_rows, chance, product
from storyodds.models.story.derived import DerivedNumber, Excess, Largest
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.rates import Rate, Share

Shares = Sequence[Share]  # of the common causes of a graph, in order


class VerdictFactors:
    """Chances of what checks say of a model, as factors of the assumptions.

    Parameters
    ----------
    graph : StoryGraph
    algebra : Algebra
    indicator : callable
        Gives the factor that is one where a formula holds.
    """

    def __init__(self, graph: StoryGraph, algebra: Algebra, indicator: Indicator) -> None:
        self._graph, self._algebra, self._indicator = graph, algebra, indicator

    def of_route(self, r: int, verdicts: Mapping[int, bool], harmful: bool | None) -> Factor:
        """P(these verdicts, and harm or none, by the route itself | assumptions, route)."""
        route = self._graph.routes[r]
        rates = {c: route.flags[c] for c in verdicts}
        shares = [cause.of_routes[r] for cause in self._graph.common_causes]
        verdict = self._joint(rates, shares, verdicts)
        if harmful is None:
            return verdict
        return self._algebra.multiply(verdict, self.chance(route.harm, happens=harmful))

    def of_route_if(self, r: int, verdicts: Mapping[int, bool], *, together: bool) -> Factor:
        """P(verdicts of one common cause, by the route | it decides for all of them, or none)."""
        rates = {c: self._graph.routes[r].flags[c] for c in verdicts}
        return self._as_one(rates, verdicts) if together else self._apart(rates, verdicts)

    def of_hazard(self, h: int, verdicts: Mapping[int, bool]) -> Factor:
        """P(these verdicts of checks that name it, by a fired hazard itself | assumptions)."""
        hazard = self._graph.hazards[h]
        rates = {c: rate for c in verdicts if (rate := hazard.flags[c]) is not None}
        shares = [cause.of_hazards[h] for cause in self._graph.common_causes]
        return self._joint(rates, shares, {c: verdicts[c] for c in rates})

    def hazard_unflagged(
        self, h: int, checks: Sequence[int], results: Mapping[int, bool]
    ) -> Factor:
        """P(none of some checks flags a fired hazard, and results of others | assumptions)."""
        return self.of_hazard(h, {**results, **dict.fromkeys(checks, False)})

    def hazard_flagged(self, h: int, checks: Sequence[int], results: Mapping[int, bool]) -> Factor:
        """P(some check of these flags it, and results of others), summed by the first to flag."""
        named = [c for c in checks if self._graph.hazards[h].flags[c] is not None]
        total: Factor = ZERO
        for k, c in enumerate(named):
            first = dict.fromkeys(named[:k], False) | {c: True}
            total = self._algebra.add(total, self.of_hazard(h, {**results, **first}))
        return total

    def chance(self, rate: Rate, *, happens: bool) -> Factor:
        """A rate as a factor, or what is left of 1."""
        return chance(self._algebra, self._indicator, rate, happens=happens)

    def _joint(
        self, rates: Mapping[int, Rate], shares: Shares, verdicts: Mapping[int, bool]
    ) -> Factor:
        """P(verdicts of checks)."""
        factors, rest = [], set(verdicts)
        for cause, share in zip(self._graph.common_causes, shares, strict=True):
            inside = {c: verdicts[c] for c in cause.checks if c in rest}
            if share is None or len(inside) < 2:
                continue
            rest -= set(inside)
            together = self._as_one(rates, inside)
            if share is True:
                factors.append(together)
                continue
            apart = self._apart(rates, inside)
            factors.append(
                self._algebra.add(
                    self._algebra.multiply(self.chance(share, happens=True), together),
                    self._algebra.multiply(self.chance(share, happens=False), apart),
                )
            )
        return product(
            self._algebra, self._apart(rates, {c: verdicts[c] for c in sorted(rest)}), *factors
        )

    def _apart(self, rates: Mapping[int, Rate], verdicts: Mapping[int, bool]) -> Factor:
        """The same of independent checks."""
        chances = (self.chance(rates[c], happens=happens) for c, happens in verdicts.items())
        return product(self._algebra, *chances)

    def _as_one(self, rates: Mapping[int, Rate], verdicts: Mapping[int, bool]) -> Factor:
        """The same of checks for which one draw decides."""
        flags = [rates[c] for c, flagged in verdicts.items() if flagged]
        silent = [rates[c] for c, flagged in verdicts.items() if not flagged]
        return self._together(flags, silent, (), ())

    def _together(
        self,
        flags: Sequence[Rate],
        silent: Sequence[Rate],
        above: tuple[int, ...],
        below: tuple[int, ...],
    ) -> Factor:
        """The same by what their rates come to; `above` and `below` are numbers chosen already."""
        if silent:
            return by_rows(
                self._algebra,
                self._indicator,
                silent[0],
                lambda n: self._together(flags, silent[1:], above, (*below, n)),
            )
        if flags:
            return by_rows(
                self._algebra,
                self._indicator,
                flags[0],
                lambda n: self._together(flags[1:], (), (*above, n), below),
            )
        above, below = tuple(sorted(set(above))), tuple(sorted(set(below)))
        if above:
            return self._derived(Excess(above, below), happens=True)
        return self._derived(Largest(below), happens=False)

    def _derived(self, derived: DerivedNumber, *, happens: bool) -> Factor:
        return self._algebra.number(self._graph.derived.index(derived), happens=happens)
