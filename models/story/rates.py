"""Probabilities of a story's parts: numbers that the assumptions of a run choose among."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from storyodds.scenarios.grammar.formulas import Formula, literals

Array = NDArray[np.float64]


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


@dataclass(frozen=True)
class Excess:
    """How much the largest of some numbers exceeds the largest of others: max(0, high - low).

    Attributes
    ----------
    above, below : tuple of int
        Numbers; of none, the largest is 0.
    """

    above: tuple[int, ...]
    below: tuple[int, ...]


@dataclass
class Derived:
    """Numbers that follow from those of the story, numbered after them as they are first needed.

    Attributes
    ----------
    n_numbers : int
        How many the story has.
    excesses : list of Excess
    """

    n_numbers: int
    excesses: list[Excess] = field(default_factory=list)

    def index(self, excess: Excess) -> int:
        """Where an excess stands among all numbers."""
        if excess not in self.excesses:
            self.excesses.append(excess)
        return self.n_numbers + self.excesses.index(excess)


def with_excesses(values: Array, excesses: tuple[Excess, ...]) -> Array:
    """Put what follows from numbers beside them.

    Parameters
    ----------
    values : (n_draws, n_numbers) array
    excesses : tuple of Excess

    Returns
    -------
    (n_draws, n_numbers + n_excesses) array

    Examples
    --------
    >>> with_excesses(np.array([[0.25, 0.75]]), (Excess((0, 1), ()), Excess((1,), (0,)))).tolist()
    [[0.25, 0.75, 0.75, 0.5]]
    """
    if not excesses:
        return values
    columns = [_largest(values, e.above) - _largest(values, e.below) for e in excesses]
    return np.hstack([values, np.maximum(np.stack(columns, axis=1), 0.0)])


def fold_slopes(slopes: Array, values: Array, excesses: tuple[Excess, ...]) -> Array:
    """Take derivatives in what follows from numbers back to the numbers.

    Parameters
    ----------
    slopes : (n_numbers + n_excesses, n_draws) array
        Derivatives per unit of logit.
    values : (n_draws, n_numbers + n_excesses) array
    excesses : tuple of Excess

    Returns
    -------
    (n_numbers, n_draws) array
    """
    if not excesses:
        return slopes
    n_numbers, n = len(slopes) - len(excesses), slopes.shape[1]
    out, every = slopes[:n_numbers].copy(), np.arange(n)
    spread = values * (1 - values)  # of a probability per unit of its logit
    for k, excess in enumerate(excesses):
        own = spread[:, n_numbers + k]
        slope = np.divide(slopes[n_numbers + k], own, out=np.zeros(n), where=own > 0)
        for numbers, sign in ((excess.above, 1.0), (excess.below, -1.0)):
            if numbers:
                largest = np.array(numbers)[values[:, list(numbers)].argmax(axis=1)]
                np.add.at(out, (largest, every), sign * slope * spread[every, largest])
    return out


def _largest(values: Array, numbers: tuple[int, ...]) -> Array:
    if not numbers:
        return np.zeros(len(values))
    return np.asarray(values[:, list(numbers)].max(axis=1))
