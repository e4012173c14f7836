"""Probabilities of a story's parts: numbers that the assumptions of a run choose among."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from storyodds.priors.distributions.families import LN2
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


@dataclass(frozen=True)
class RaceShare:
    """The chance that one of some runners wins a race, each in proportion to its weight.

    A weight is two to the power of the runner's bits, all of its numbers added up.

    Attributes
    ----------
    runners : tuple of tuple of int
        By runner, the numbers that are its bits; one without any has a weight of 1.
    winners : tuple of int
        Places in `runners`; the chance of none of them is 0.
    """

    runners: tuple[tuple[int, ...], ...]
    winners: tuple[int, ...]

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers that it follows from."""
        return frozenset(number for runner in self.runners for number in runner)


type DerivedNumber = Excess | RaceShare


@dataclass
class Derived:
    """Numbers that follow from those of the story, numbered after them as they are first needed.

    Attributes
    ----------
    n_numbers : int
        How many the story has.
    place : dict of DerivedNumber to int
        Where each of them stands among the derived ones.
    """

    n_numbers: int
    place: dict[DerivedNumber, int] = field(default_factory=dict)

    def index(self, derived: DerivedNumber) -> int:
        """Where a derived number stands among all numbers."""
        return self.n_numbers + self.place.setdefault(derived, len(self.place))

    def copy(self) -> "Derived":
        """The same, to which others may be added."""
        return Derived(self.n_numbers, dict(self.place))

    @property
    def numbers(self) -> tuple[DerivedNumber, ...]:
        """All of them in order."""
        return tuple(self.place)


def with_derived(values: Array, derived: Sequence[DerivedNumber]) -> Array:
    """Put what follows from numbers beside them.

    Parameters
    ----------
    values : (n_draws, n_numbers) array
    derived : sequence of DerivedNumber

    Returns
    -------
    (n_draws, n_numbers + n_derived) array

    Examples
    --------
    >>> with_derived(np.array([[0.25, 0.75]]), (Excess((0, 1), ()), Excess((1,), (0,)))).tolist()
    [[0.25, 0.75, 0.75, 0.5]]
    >>> with_derived(np.array([[1.0]]), (RaceShare(((0,), ()), (1,)),)).round(3).tolist()
    [[1.0, 0.333]]
    """
    if not derived:
        return values
    out = np.empty((values.shape[1] + len(derived), len(values)))
    out[: values.shape[1]] = values.T
    chances_by_race: dict[tuple[tuple[int, ...], ...], Array] = {}
    for row, number in enumerate(derived, start=values.shape[1]):
        if isinstance(number, Excess):
            excess = _largest(values, number.above) - _largest(values, number.below)
            out[row] = np.maximum(excess, 0.0)
            continue
        if number.runners not in chances_by_race:
            chances_by_race[number.runners] = _chances(values, number.runners)
        out[row] = chances_by_race[number.runners][list(number.winners)].sum(axis=0)
    return out.T


def fold_slopes(slopes: Array, values: Array, derived: Sequence[DerivedNumber]) -> Array:
    """Take derivatives in what follows from numbers back to the numbers.

    Parameters
    ----------
    slopes : (n_numbers + n_derived, n_draws) array
        Derivatives per unit of logit.
    values : (n_draws, n_numbers + n_derived) array
    derived : sequence of DerivedNumber

    Returns
    -------
    (n_numbers, n_draws) array
        Per unit of logit of a probability, and per bit.
    """
    if not derived:
        return slopes
    n_numbers, n = len(slopes) - len(derived), slopes.shape[1]
    out, every = slopes[:n_numbers].copy(), np.arange(n)
    spread = values * (1 - values)  # of a probability per unit of its logit
    slope_by_race: dict[tuple[tuple[int, ...], ...], Array] = {}
    for row, number in enumerate(derived, start=n_numbers):
        own = spread[:, row]
        slope = np.divide(slopes[row], own, out=np.zeros(n), where=own > 0)
        if isinstance(number, RaceShare):
            if number.runners not in slope_by_race:
                slope_by_race[number.runners] = np.zeros((len(number.runners), n))
            slope_by_race[number.runners][list(number.winners)] += slope
            continue
        for numbers, sign in ((number.above, 1.0), (number.below, -1.0)):
            if numbers:
                largest = np.array(numbers)[values[:, list(numbers)].argmax(axis=1)]
                np.add.at(out, (largest, every), sign * slope * spread[every, largest])
    for runners, by_runner in slope_by_race.items():
        chances = _chances(values, runners)
        per_bit = LN2 * chances * (by_runner - (chances * by_runner).sum(axis=0))
        for runner, slope in zip(runners, per_bit, strict=True):
            for bits in runner:
                out[bits] += slope
    return out


def _chances(values: Array, runners: tuple[tuple[int, ...], ...]) -> Array:
    """The chance of each runner to win, (n_runners, n_draws)."""
    bits = np.stack([values[:, list(runner)].sum(axis=1) for runner in runners])
    weights = np.exp2(bits - bits.max(axis=0))
    return np.asarray(weights / weights.sum(axis=0))


def _largest(values: Array, numbers: tuple[int, ...]) -> Array:
    if not numbers:
        return np.zeros(len(values))
    return np.asarray(values[:, list(numbers)].max(axis=1))
