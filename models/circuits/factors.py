"""Factors as decision diagrams whose ends are nodes of a circuit.

A factor is a function of some assumptions. As a diagram it takes room only where it differs, so
that "at least 10 of 40" is a few hundred nodes and not 2**40 cells, and products of factors
inherit what their parts do not tell apart (algebraic decision diagrams; Chavira and Darwiche
2007, "Compiling Bayesian networks using variable elimination").

References are integers: a nonnegative one is a circuit node, a negative one a test of a variable.
Variables are tested in the order of their *level*, smallest first.
"""

from collections.abc import Iterator, Mapping, Sequence

from storyodds.models.circuits.circuit import ONE, ZERO, CircuitBuilder

_DEEP = 1 << 60  # the level of what tests nothing


class Diagrams:
    """Diagrams over one circuit; equal ones are one reference."""

    def __init__(self, circuit: CircuitBuilder) -> None:
        self.circuit = circuit
        self.level: list[int] = []
        self.low: list[int] = []
        self.high: list[int] = []
        self._unique: dict[tuple[int, int, int], int] = {}
        self._products: dict[tuple[int, int], int] = {}
        self._sums: dict[tuple[int, int], int] = {}
        self._choices: dict[tuple[int, int, int], int] = {}
        self._without: dict[tuple[int, int], int] = {}

    def number(self, index: int, *, happens: bool) -> int:
        """The leaf worth a number of the story, or what is left of 1."""
        return self.circuit.leaf("yes" if happens else "no", index)

    def finding(self, pair: int, *, holds: bool) -> int:
        """The leaf worth what a finding says if one of its hypotheses holds, or if it does not."""
        return self.circuit.leaf("item", pair, holds)

    def test(self, level: int, low: int = ZERO, high: int = ONE) -> int:
        """`high` where the variable of this level is true, else `low`."""
        if low == high:
            return low
        key = (level, low, high)
        node = self._unique.get(key)
        if node is None:
            self.circuit.spend()
            self.level.append(level)
            self.low.append(low)
            self.high.append(high)
            node = self._unique[key] = -len(self.level)
        return node

    def split(self, f: int, level: int) -> tuple[int, int]:
        """A factor where the variable of this level, the first it may test, is false, and true."""
        if f < 0 and self.level[~f] == level:
            return self.low[~f], self.high[~f]
        return f, f

    def depth(self, f: int) -> int:
        """The level of the first variable tested; a very large number where none is."""
        return self.level[~f] if f < 0 else _DEEP

    def _remember[K](self, memo: dict[K, int], key: K, result: int) -> None:
        """Keep a result; what is kept takes memory as nodes do."""
        self.circuit.spend()
        memo[key] = result

    def multiply(self, f: int, g: int) -> int:
        """The product of two factors."""
        if f == ZERO or g == ZERO:
            return ZERO
        if f == ONE:
            return g
        if g == ONE:
            return f
        if f >= 0 and g >= 0:
            return self.circuit.multiply(f, g)
        key = (f, g) if f < g else (g, f)
        result = self._products.get(key)
        if result is None:
            level = min(self.depth(f), self.depth(g))
            (f0, f1), (g0, g1) = self.split(f, level), self.split(g, level)
            result = self.test(level, self.multiply(f0, g0), self.multiply(f1, g1))
            self._remember(self._products, key, result)
        return result

    def add(self, f: int, g: int) -> int:
        """The sum of two factors."""
        if f == ZERO:
            return g
        if g == ZERO:
            return f
        if f >= 0 and g >= 0:
            return self.circuit.add(f, g)
        key = (f, g) if f < g else (g, f)
        result = self._sums.get(key)
        if result is None:
            level = min(self.depth(f), self.depth(g))
            (f0, f1), (g0, g1) = self.split(f, level), self.split(g, level)
            result = self.test(level, self.add(f0, g0), self.add(f1, g1))
            self._remember(self._sums, key, result)
        return result

    def choose(self, condition: int, yes: int, no: int) -> int:
        """`yes` where a condition (a factor of zeros and ones) holds, else `no`."""
        if condition == ONE or yes == no:
            return yes
        if condition == ZERO:
            return no
        key = (condition, yes, no)
        result = self._choices.get(key)
        if result is None:
            level = min(self.depth(condition), self.depth(yes), self.depth(no))
            (c0, c1), (y0, y1), (n0, n1) = (self.split(f, level) for f in key)
            result = self.test(level, self.choose(c0, y0, n0), self.choose(c1, y1, n1))
            self._remember(self._choices, key, result)
        return result

    def ends(self, f: int) -> frozenset[int]:
        """The circuit nodes that a factor is worth, each somewhere."""
        ends, visits, pending = set[int](), set[int](), [f]
        while pending:
            g = pending.pop()
            if g >= 0:
                ends.add(g)
            elif g not in visits:
                visits.add(g)
                pending += [self.low[~g], self.high[~g]]
        return frozenset(ends)

    def level_sets(self, f: int) -> dict[int, int]:
        """By each end of a factor but zero, the factor that is one where it ends there."""
        memo: dict[int, dict[int, int]] = {}

        def sets(g: int) -> dict[int, int]:
            if g >= 0:
                return {} if g == ZERO else {g: ONE}
            if g not in memo:
                level, low, high = self.level[~g], sets(self.low[~g]), sets(self.high[~g])
                memo[g] = {
                    end: self.test(level, low.get(end, ZERO), high.get(end, ZERO))
                    for end in low | high
                }
            return memo[g]

        return sets(f)

    def sum_out(self, f: int, level: int) -> int:
        """Add up over both values of a variable, which must be the deepest that is tested."""
        if f >= 0:
            return self.circuit.add(f, f)
        if self.level[~f] == level:
            return self.circuit.add(self.low[~f], self.high[~f])
        key = (f, level)
        result = self._without.get(key)
        if result is None:
            low, high = self.sum_out(self.low[~f], level), self.sum_out(self.high[~f], level)
            result = self.test(self.level[~f], low, high)
            self._remember(self._without, key, result)
        return result

    def sum_out_all(self, f: int, weights: Mapping[int, tuple[int, int]]) -> int:
        """Add up over both values of several variables, each value with a weight of its own.

        One pass over the diagram, where one `sum_out` after the other would write it anew for
        every variable.

        Parameters
        ----------
        f : int
        weights : mapping of int to (int, int)
            By level, in increasing order: the circuit nodes that false and true count with. These
            are the deepest levels that f tests.
        """
        levels = list(weights)
        place = {level: i for i, level in enumerate(levels)}
        masses = [self.circuit.add(*weights[level]) for level in levels]
        memo: dict[int, int] = {}
        skips: dict[tuple[int, int], int] = {}

        def skipped(first: int, last: int) -> int:
            """What the levels between two places are worth where they make no difference."""
            while first < last and masses[first] == ONE:
                first += 1
            if first == last:
                return ONE
            if (first, last) not in skips:
                rest = skipped(first + 1, last)
                skips[first, last] = self.circuit.multiply(masses[first], rest)
            return skips[first, last]

        def worth(g: int, first: int) -> int:
            """The sum below a place."""
            last_level = len(levels) if g >= 0 else place[self.level[~g]]
            return self.circuit.multiply(skipped(first, last_level), g if g >= 0 else total(g))

        def total(g: int) -> int:
            result = memo.get(g)
            if result is None:
                level, low, high = self.level[~g], self.low[~g], self.high[~g]
                if level in place:
                    no, yes = weights[level]
                    after = place[level] + 1
                    multiply = self.circuit.multiply
                    result = self.circuit.add(  # nothing is made for a side that counts nothing
                        multiply(no, worth(low, after)) if no != ZERO else ZERO,
                        multiply(yes, worth(high, after)) if yes != ZERO else ZERO,
                    )
                else:
                    result = self.test(level, above(low), above(high))
                memo[g] = result
            return result

        def above(g: int) -> int:
            return total(g) if g < 0 and self.level[~g] not in place else worth(g, 0)

        return above(f)

    def restrict(self, f: int, fixed: Mapping[int, bool], memo: dict[int, int]) -> int:
        """What is left of a factor where variables of some levels are false or true.

        Parameters
        ----------
        f : int
        fixed : mapping of int to bool
            By level.
        memo : dict of int to int
            What is left of diagrams; grows.
        """
        if f >= 0:
            return f
        result = memo.get(f)
        if result is None:
            level, low, high = self.level[~f], self.low[~f], self.high[~f]
            if level in fixed:
                result = self.restrict(high if fixed[level] else low, fixed, memo)
            else:
                result = self.test(
                    level, self.restrict(low, fixed, memo), self.restrict(high, fixed, memo)
                )
            memo[f] = result
        return result

    def mean(self, f: int, weights: Mapping[int, tuple[int, int]], memo: dict[int, int]) -> int:
        """Add up over all variables, where false and true of each add up to one.

        Parameters
        ----------
        f : int
        weights : mapping of int to (int, int)
            By level: the circuit nodes that false and true count with.
        memo : dict of int to int
            What diagrams add up to with these weights; grows.
        """
        if f >= 0:
            return f
        result = memo.get(f)
        if result is None:
            no, yes = weights[self.level[~f]]
            low = self.mean(self.low[~f], weights, memo)
            high = self.mean(self.high[~f], weights, memo)
            multiply = self.circuit.multiply
            result = self.circuit.add(multiply(no, low), multiply(yes, high))
            self._remember(memo, f, result)
        return result

    def cells(self, f: int, levels: Sequence[int]) -> Iterator[tuple[tuple[bool, ...], int]]:
        """Every assignment of the variables of these levels whose end is not zero, and its end.

        Parameters
        ----------
        levels : sequence of int
            In increasing order; all that f tests are among them.
        """
        stack: list[tuple[tuple[bool, ...], int]] = [((), f)]
        while stack:
            values, g = stack.pop()
            if g == ZERO:
                continue
            if len(values) == len(levels):
                self.circuit.spend()
                yield values, g
                continue
            low, high = self.split(g, levels[len(values)])
            stack += [((*values, True), high), ((*values, False), low)]
