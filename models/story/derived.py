"""Numbers that follow from those of a story: what checks make together, and shares of a race.

They are numbered after the story's own, and stand beside them wherever a circuit reads numbers.
Derivatives in them are taken back to the numbers that they follow from.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from storyodds.priors.distributions.families import LN2

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Largest:
    """The largest of some numbers.

    Attributes
    ----------
    numbers : tuple of int
    """

    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Excess:
    """How much the least of some numbers exceeds the largest of others; 0 where it does not.

    Attributes
    ----------
    above : tuple of int
    below : tuple of int
        Of none, the largest is 0.
    """

    above: tuple[int, ...]
    below: tuple[int, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers that it follows from."""
        return (*self.above, *self.below)


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


@dataclass(frozen=True)
class ResultReading:
    """A number of the story where it says how to read the known result of a check.

    It stands in other places too, which a result that is left out must not touch.

    Attributes
    ----------
    number, check : int
    """

    number: int
    check: int

    @property
    def numbers(self) -> tuple[int, ...]:
        """The number that it is."""
        return (self.number,)


@dataclass(frozen=True)
class ResultReadings:
    """All readings of a story, which are numbered right after its numbers.

    Attributes
    ----------
    n_numbers : int
    numbers : tuple of int
        The number that each of them is.
    """

    n_numbers: int
    numbers: tuple[int, ...]

    def beside(self, values: Array) -> Array:
        """Put them beside the numbers; where they stand there already, they stay what they are.

        Parameters
        ----------
        values : (n_draws, n_numbers) or (n_draws, n_numbers + n_readings) array

        Returns
        -------
        (n_draws, n_numbers + n_readings) array

        Examples
        --------
        >>> ResultReadings(2, (1,)).beside(np.array([[0.25, 0.75]])).tolist()
        [[0.25, 0.75, 0.75]]
        """
        if not self.numbers or values.shape[1] > self.n_numbers:
            return values
        return np.hstack([values, values[:, list(self.numbers)]])

    def number_of(self, index: int) -> int:
        """The number that a reading is; any other number is itself."""
        place = index - self.n_numbers
        return self.numbers[place] if 0 <= place < len(self.numbers) else index

    def fold(self, slopes: Array) -> Array:
        """Take derivatives in readings back to the numbers, (n_numbers, n_draws)."""
        if not self.numbers:
            return slopes
        out = slopes[: self.n_numbers].copy()
        np.add.at(out, list(self.numbers), slopes[self.n_numbers :])
        return out


type DerivedNumber = ResultReading | Largest | Excess | RaceShare


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
    def readings(self) -> ResultReadings:
        """Those of them that are readings, the first ones."""
        read = [derived.number for derived in self.place if isinstance(derived, ResultReading)]
        return ResultReadings(self.n_numbers, tuple(read))

    @property
    def numbers(self) -> tuple[DerivedNumber, ...]:
        """All of them in order."""
        return tuple(self.place)


class DerivedLayout:
    """Derived numbers as flat arrays, by which all of them are worked out together.

    Parameters
    ----------
    derived : sequence of DerivedNumber
        None of them a reading: those count as numbers here.
    """

    def __init__(self, derived: Sequence[DerivedNumber]) -> None:
        self.derived, self.n = tuple(derived), len(derived)
        self._ranked = [(d, x) for d, x in enumerate(derived) if isinstance(x, Largest | Excess)]
        shares = [(d, x) for d, x in enumerate(derived) if isinstance(x, RaceShare)]
        first_of: dict[tuple[tuple[int, ...], ...], int] = {}  # by race, the place of its first
        runners: list[tuple[int, ...]] = []
        for _, share in shares:
            if share.runners not in first_of:
                first_of[share.runners] = len(runners)
                runners += share.runners
        self._starts = np.array(list(first_of.values()), dtype=np.intp)
        n_numbers = 1 + max((n for runner in runners for n in runner), default=-1)
        self._runners = _sums(runners, n_numbers)
        self._shares = np.array([d for d, _ in shares], dtype=np.intp)
        winners = [tuple(first_of[x.runners] + w for w in x.winners) for _, x in shares]
        self._winners = _sums(winners, len(runners))
        lengths = np.diff([*self._starts, len(runners)])
        self._race_of = np.repeat(np.arange(len(self._starts)), lengths)

    def _chances(self, values: Array) -> Array:
        """The chance of every runner of every race to win it, (n_runners, n_draws)."""
        bits = np.asarray(self._runners @ values.T[: self._runners.shape[1]])
        top = np.maximum.reduceat(bits, self._starts)
        weights = np.exp2(bits - top[self._race_of])
        weights /= np.add.reduceat(weights, self._starts)[self._race_of]
        return weights

    def beside(self, values: Array) -> Array:
        """Put what follows from numbers beside them.

        Parameters
        ----------
        values : (n_draws, n_numbers) array

        Returns
        -------
        (n_draws, n_numbers + n) array

        Examples
        --------
        >>> values = np.array([[0.25, 0.75]])
        >>> DerivedLayout([Largest((0, 1)), Excess((1,), (0,))]).beside(values).tolist()
        [[0.25, 0.75, 0.75, 0.5]]
        >>> DerivedLayout([RaceShare(((0,), ()), (1,))]).beside(np.array([[1.0]])).round(3).tolist()
        [[1.0, 0.333]]
        """
        if not self.n:
            return values
        n_numbers = values.shape[1]
        out = np.empty((n_numbers + self.n, len(values)))
        out[:n_numbers] = values.T
        for d, ranked in self._ranked:
            terms = _terms(ranked, values)
            out[n_numbers + d] = np.maximum(sum(sign * x for sign, _, x in terms), 0.0)
        if len(self._shares):
            out[n_numbers + self._shares] = self._winners @ self._chances(values)
        return out.T

    def fold_slopes(self, slopes: Array, values: Array) -> Array:
        """Take derivatives in what follows from numbers back to the numbers.

        Parameters
        ----------
        slopes : (n_numbers + n, n_draws) array
            Derivatives per unit of logit.
        values : (n_draws, n_numbers + n) array

        Returns
        -------
        (n_numbers, n_draws) array
            Per unit of logit of a probability, and per bit.
        """
        if not self.n:
            return slopes
        n_numbers, n = len(slopes) - self.n, slopes.shape[1]
        out, every = slopes[:n_numbers].copy(), np.arange(n)
        spread = (values * (1 - values)).T  # of a probability per unit of its logit
        own = spread[n_numbers:]
        slope = np.divide(slopes[n_numbers:], own, out=np.zeros((self.n, n)), where=own > 0)
        for d, ranked in self._ranked:
            for sign, number, _ in _terms(ranked, values):
                np.add.at(out, (number, every), sign * slope[d] * spread[number, every])
        if len(self._shares):
            chances = self._chances(values[:, :n_numbers])
            by_runner = self._winners.T @ slope[self._shares]
            mean = np.add.reduceat(chances * by_runner, self._starts)[self._race_of]
            per_bit = LN2 * chances * (by_runner - mean)
            out[: self._runners.shape[1]] += self._runners.T @ per_bit
        return out


def _sums(groups: Sequence[tuple[int, ...]], n_rows: int) -> csr_array:
    """What adds up rows of an array, some of which may be of none, (n_groups, n_rows)."""
    rows = [row for group in groups for row in group]
    sums = [s for s, group in enumerate(groups) for _ in group]
    return csr_array((np.ones(len(rows)), (sums, rows)), shape=(len(groups), n_rows))


def _terms(ranked: Largest | Excess, values: Array) -> list[tuple[float, NDArray[np.intp], Array]]:
    """What the largest, or an excess, adds up from: a sign, and which number it is and its value.

    Both by draw, (n_draws,).
    """
    if isinstance(ranked, Largest):
        sides = [(1.0, ranked.numbers, np.argmax)]
    else:
        sides = [(1.0, ranked.above, np.argmin), (-1.0, ranked.below, np.argmax)]
    terms = []
    for sign, numbers, choose in sides:
        if numbers:
            own = values[:, list(numbers)]
            place = choose(own, axis=1)
            terms.append((sign, np.array(numbers)[place], own[np.arange(len(own)), place]))
    return terms
