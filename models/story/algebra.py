"""Sums and products of factors of assumptions, in whatever they are written down."""

from collections.abc import Callable
from typing import Any, Protocol

from storyodds.models.circuits.circuit import ONE
from storyodds.models.story.rates import Rate
from storyodds.scenarios.grammar.formulas import Formula

Factor = Any  # of assumptions: a node of a circuit or diagram, or an array with one entry a state
Indicator = Callable[[Formula | None], Factor]  # the factor that is one where a formula holds


class Algebra(Protocol):
    """Sums and products of factors; `ONE` and `ZERO` are factors of every algebra."""

    def number(self, index: int, *, happens: bool) -> Factor:
        """A number of the story, or what is left of 1."""

    def multiply(self, f: Factor, g: Factor) -> Factor:
        """The product of two factors."""

    def add(self, f: Factor, g: Factor) -> Factor:
        """The sum of two factors."""

    def choose(self, condition: Factor, yes: Factor, no: Factor) -> Factor:
        """One factor where a condition holds, and another elsewhere."""


def product(algebra: Algebra, *factors: Factor) -> Factor:
    """Multiply factors; `ONE` of none."""
    total: Factor = ONE
    for factor in factors:
        total = algebra.multiply(total, factor)
    return total


def by_rows(
    algebra: Algebra, indicator: Indicator, rate: Rate, factor_of: Callable[[int], Factor]
) -> Factor:
    """A factor of the number that a rate comes to, whichever of its rows that is."""
    *conditional, (_, last) = rate.rows
    factor = factor_of(last)
    for when, number in reversed(conditional):
        factor = algebra.choose(indicator(when), factor_of(number), factor)
    return factor


def chance(algebra: Algebra, indicator: Indicator, rate: Rate, *, happens: bool) -> Factor:
    """A rate as a factor, or what is left of 1."""
    return by_rows(algebra, indicator, rate, lambda n: algebra.number(n, happens=happens))
