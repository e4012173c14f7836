"""How routes take part in the race of one stage of training."""

from collections.abc import Iterator
from dataclasses import dataclass

from storyodds.scenarios.grammar.formulas import Formula
from storyodds.scenarios.grammar.rewritten import ALWAYS, NEVER, all_of, negation, simplified


@dataclass(frozen=True)
class Runner:
    """A route in a race.

    Attributes
    ----------
    opens, closes : tuple of Formula
        All of the former and none of the latter hold where it runs.
    weights : tuple of (Formula, int)
        Numbers of bits, each where its formula holds.
    """

    opens: tuple[Formula, ...]
    closes: tuple[Formula, ...]
    weights: tuple[tuple[Formula, int], ...]

    @property
    def gates(self) -> Iterator[Formula]:
        """What has to be known to run the race, each in its positive form."""
        if NEVER in self.opens:
            return
        for formula in (*self.opens, *self.closes, *(when for when, _ in self.weights)):
            if formula != ALWAYS:
                yield _positive(formula)

    @property
    def condition(self) -> Formula:
        """Where it runs, as one formula."""
        return simplified(all_of((*self.opens, *map(negation, self.closes))))

    def is_open(self, true: set[Formula]) -> bool:
        """Whether it runs where some gates hold and the others do not."""
        if NEVER in self.opens or not all(_is_true(formula, true) for formula in self.opens):
            return False
        return not any(_is_true(formula, true) for formula in self.closes)

    def bits(self, true: set[Formula]) -> tuple[int, ...]:
        """The numbers that its bits add up from there."""
        return tuple(n for when, n in self.weights if when == ALWAYS or _is_true(when, true))


def _positive(formula: Formula) -> Formula:
    return formula.removeprefix("not ") if isinstance(formula, str) else formula


def _is_true(formula: Formula, true: set[Formula]) -> bool:
    negated = isinstance(formula, str) and formula.startswith("not ")
    return (_positive(formula) in true) != negated
