"""What several checks make of one model: independently, or together where they fail together.

Where one thing decides for several checks, each flags where its rate exceeds one uniform draw that
they have in common: then none of them flags with 1 less the largest rate, one alone flags with
what its rate exceeds the largest of the others by, and every check keeps its own rate.
"""

from collections.abc import Mapping, Sequence
from itertools import chain

from storyodds.models.circuits.circuit import ZERO
from storyodds.models.story.algebra import Algebra, Factor, Indicator, by_rows, chance, product
from storyodds.models.story.derived import Excess
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.outcomes import Verdicts
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

    def of_route(self, r: int, verdicts: Verdicts, harmful: bool | None) -> Factor:
        """P(these verdicts, and harm or none, by the route itself | assumptions, route)."""
        route = self._graph.routes[r]
        rates = {c: route.flags[c] for c, _ in verdicts}
        shares = [cause.of_routes[r] for cause in self._graph.common_causes]
        verdict = self._joint(rates, shares, dict(verdicts))
        if harmful is None:
            return verdict
        return self._algebra.multiply(verdict, self.chance(route.harm, happens=harmful))

    def hazard_unflagged(self, h: int, checks: Sequence[int]) -> Factor:
        """P(none of some checks flags a fired hazard | assumptions)."""
        hazard = self._graph.hazards[h]
        rates = {c: rate for c in checks if (rate := hazard.flags[c]) is not None}
        shares = [cause.of_hazards[h] for cause in self._graph.common_causes]
        return self._joint(rates, shares, dict.fromkeys(rates, False))

    def hazard_flagged(self, h: int, checks: Sequence[int]) -> Factor:
        """P(some check of these flags a fired hazard | assumptions), summed by the first."""
        hazard = self._graph.hazards[h]
        rates = {c: rate for c in checks if (rate := hazard.flags[c]) is not None}
        shares = [cause.of_hazards[h] for cause in self._graph.common_causes]
        total: Factor = ZERO
        for k, c in enumerate(rates):
            verdicts = dict.fromkeys(list(rates)[:k], False) | {c: True}
            own = {name: rates[name] for name in verdicts}
            total = self._algebra.add(total, self._joint(own, shares, verdicts))
        return total

    def chance(self, rate: Rate, *, happens: bool) -> Factor:
        """A rate as a factor, or what is left of 1."""
        return chance(self._algebra, self._indicator, rate, happens=happens)

    def _joint(
        self, rates: Mapping[int, Rate], shares: Shares, verdicts: Mapping[int, bool]
    ) -> Factor:
        """P(verdicts of checks), of which in each common cause at most one flags."""
        factors, rest = [], set(verdicts)
        for cause, share in zip(self._graph.common_causes, shares, strict=True):
            inside = [c for c in cause.checks if c in rest]
            if share is None or len(inside) < 2:
                continue
            rest -= set(inside)
            flags = [c for c in inside if verdicts[c]]
            silent = [rates[c] for c in inside if not verdicts[c]]
            together = self._together([rates[c] for c in flags], silent, (), ())
            if share is True:
                factors.append(together)
                continue
            apart = self._apart(rates, {c: verdicts[c] for c in inside})
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

    def _together(
        self,
        flags: Sequence[Rate],
        silent: Sequence[Rate],
        above: tuple[int, ...],
        below: tuple[int, ...],
    ) -> Factor:
        """The same where one draw decides; `above` and `below` are numbers chosen already."""
        if silent:
            return by_rows(
                self._algebra,
                self._indicator,
                silent[0],
                lambda n: self._together(flags, silent[1:], above, (*below, n)),
            )
        if flags:
            assert len(flags) == 1, "several flags of one common cause"
            return by_rows(
                self._algebra,
                self._indicator,
                flags[0],
                lambda n: self._together((), (), (n,), below),
            )
        if above:
            numbers = tuple(sorted(chain(above, below)))
            return self._excess(Excess(numbers, tuple(sorted(below))), happens=True)
        return self._excess(Excess(tuple(sorted(below)), ()), happens=False)

    def _excess(self, excess: Excess, *, happens: bool) -> Factor:
        return self._algebra.number(self._graph.derived.index(excess), happens=happens)
