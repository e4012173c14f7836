"""Probabilities of a story's parts: numbers that the assumptions of a run choose among."""

from dataclasses import dataclass
from typing import Literal

from storyodds.scenarios.grammar.formulas import Formula, literals


@dataclass(frozen=True)
class Rate:
    """A probability by what else is true.

    Attributes
    ----------
    rows : tuple of (Formula or None, int)
        What decides, and the number: the first row that holds counts. The last has no formula.
    """

    rows: tuple[tuple[Formula | None, int], ...]

    @property
    def is_plain(self) -> bool:
        """Whether it is one number, whatever is true."""
        return len(self.rows) == 1

    @property
    def number(self) -> int:
        """The number of a plain rate."""
        ((_, number),) = self.rows
        return number

    @property
    def numbers(self) -> tuple[int, ...]:
        """Every number that it can be."""
        return tuple(number for _, number in self.rows)

    @property
    def formulas(self) -> tuple[Formula, ...]:
        """What decides which of them it is."""
        return tuple(when for when, _ in self.rows if when is not None)

    @property
    def scope(self) -> frozenset[str]:
        """The assumptions that decide."""
        return frozenset(name for formula in self.formulas for name, _ in literals(formula))


ALWAYS: Literal[True] = True  # the share of what decides for certain
Share = Rate | Literal[True] | None  # of a common cause; None where it is fixed at 0


@dataclass(frozen=True)
class CommonCause:
    """Checks that fail together.

    With the chance of its share one thing decides for all of them: each flags where its rate
    exceeds one draw that they have in common. Otherwise they flag independently. Either way
    every check keeps its own rate.

    Attributes
    ----------
    id : str
    checks : tuple of int
    of_routes : tuple of Share
        Their share by route.
    of_hazards : tuple of Share
        The same by hazard.
    """

    id: str
    checks: tuple[int, ...]
    of_routes: tuple[Share, ...]
    of_hazards: tuple[Share, ...]
