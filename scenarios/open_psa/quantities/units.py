"""The units of an Open-PSA file: what may stand beside what, and what comes out.

A number without a unit is taken in the unit of what stands beside it, as long as that is one unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from storyodds.priors.text.phrases import one_of, quoted

# The files do not say how long a year is; reliability data take 365 days of 24 hours.
HOURS_PER_YEAR: Final = 8760
YEAR_NOTE: Final = f"A year is taken as {HOURS_PER_YEAR:,} hours."


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit, by its powers of time and of demands.

    Attributes
    ----------
    name : str
    time, demands : int
        Powers.
    size : Fraction
        In hours to the power of `time`.
    """

    name: str
    time: int = 0
    demands: int = 0
    size: Fraction = Fraction(1)

    @property
    def dimension(self) -> tuple[int, int]:
        """What two units share that can be converted into each other."""
        return self.time, self.demands

    @property
    def step(self) -> Fraction:
        """How long the unit of time is in it, in hours."""
        return self.size**self.time if self.time in (-1, 1) else Fraction(1)


PURE: Final = Unit("a pure number")
UNITS: Final = {
    "hours": Unit("hours", 1),
    "hours-1": Unit("hours-1", -1),
    "years": Unit("years", 1, size=Fraction(HOURS_PER_YEAR)),
    "years-1": Unit("years-1", -1, size=Fraction(1, HOURS_PER_YEAR)),
    "fit": Unit("fit", -1, size=Fraction(1, 10**9)),  # failures in 1e9 hours
    "demands": Unit("demands", demands=1),
}
# These say which sort of number it is, and not in what it is counted.
TYPES: Final = ("bool", "int", "float")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit.

    Attributes
    ----------
    number : float
        In that unit.
    unit : Unit or None
        None where the file states none.
    years : bool
        Whether years have been made into hours on the way, or hours into years.
    at_mean : bool
        Whether the mean of an uncertain number stands for it.
    """

    number: float
    unit: Unit | None = None
    years: bool = False
    at_mean: bool = False


class UnitError(Exception):
    """Units that do not go together; the message ends a sentence that begins with the element."""


Converted = tuple[list[float], Unit | None, bool]


def alike(tag: str, quantities: Sequence[Quantity]) -> Converted:
    """Bring what is added, compared or spread into one unit.

    Examples
    --------
    >>> alike("add", [Quantity(1.0, UNITS["years"]), Quantity(40.0, UNITS["hours"])])[0]
    [8760.0, 40.0]
    """
    units = _units_of(quantities)
    if not units:
        return [quantity.number for quantity in quantities], None, _years(quantities)
    if len({unit.dimension for unit in units}) > 1:
        raise UnitError(
            f"found {_listed(units)} together in <{tag}>, expected units of one kind there"
        )
    if len({unit.size for unit in units}) == 1:
        return [quantity.number for quantity in quantities], units[0], _years(quantities)
    _refuse_bare(tag, units, quantities)
    power = units[0].time
    name = {1: "hours", -1: "hours-1"}.get(power, f"hours to the power {power}")
    return (
        [quantity.number * _size(quantity) for quantity in quantities],
        Unit(name, *units[0].dimension),
        _years(quantities) or _mixes_years(units),
    )


def product(tag: str, quantities: Sequence[Quantity]) -> Converted:
    """Multiply units: a rate and a time of it give a pure number."""
    return _combined(quantities, [1] * len(quantities))


def comparison(tag: str, quantities: Sequence[Quantity]) -> Converted:
    """Bring what is compared into one unit; that one is larger has no unit."""
    numbers, unit, years = alike(tag, quantities)
    return numbers, None if unit is None else PURE, years


def branches(tag: str, quantities: Sequence[Quantity]) -> Converted:
    """Bring the values of a choice into one unit; their conditions have none.

    Examples
    --------
    >>> values = Quantity(2.0, UNITS["years"]), Quantity(1.0, UNITS["hours"])
    >>> branches("ite", [Quantity(1.0), *values])[0]
    [1.0, 17520.0, 1.0]
    """
    places = [*range(1, len(quantities), 2), len(quantities) - 1]
    values, unit, years = alike(tag, [quantities[place] for place in places])
    numbers = [0.0] * len(quantities)
    for place, number in zip(places, values, strict=True):
        numbers[place] = number
    for place in range(0, len(quantities) - 1, 2):
        (numbers[place],), _, _ = pure(tag, [quantities[place]])
    return numbers, unit, years


def bins(tag: str, quantities: Sequence[Quantity]) -> Converted:
    """Bring the ends of bins into one unit, and their values, which it has, into another."""
    ends, _, _ = alike(tag, [quantities[0], *quantities[1::2]])
    values, unit, years = alike(tag, quantities[2::2])
    pairs = zip(ends[1:], values, strict=True)
    return [ends[0], *(number for pair in pairs for number in pair)], unit, years


def scaled(tag: str, quantities: Sequence[Quantity]) -> Converted:
    """Take a shape without a unit, and the unit of a scale."""
    shape, scale = quantities
    (number,), _, _ = pure(tag, [shape])
    return [number, scale.number], scale.unit, scale.years


def quotient(tag: str, quantities: Sequence[Quantity]) -> Converted:
    """Divide the first unit by the others."""
    return _combined(quantities, [1] + [-1] * (len(quantities) - 1))


def _combined(quantities: Sequence[Quantity], signs: Sequence[int]) -> Converted:
    numbers, units = [quantity.number for quantity in quantities], _units_of(quantities)
    if not units:
        return numbers, None, _years(quantities)
    time = demands = 0
    size, names = Fraction(1), []
    for quantity, sign in zip(quantities, signs, strict=True):
        if quantity.unit is not None:
            time += sign * quantity.unit.time
            demands += sign * quantity.unit.demands
            size *= quantity.unit.size**sign
            if quantity.unit != PURE:
                names.append(("" if sign > 0 else "per ") + quantity.unit.name)
    if time or demands:
        return numbers, _named(" ".join(names), time, demands, size), _years(quantities)
    # All units have cancelled but for the sizes, as of 0.1 a year over 8,760 hours.
    scaled = [numbers[0] * float(size), *numbers[1:]]
    return scaled, PURE, _years(quantities) or (size != 1 and _mixes_years(units))


def _named(name: str, time: int, demands: int, size: Fraction) -> Unit:
    """Return the name that files have for a unit, if they have one."""
    named = (unit for unit in UNITS.values() if unit.dimension == (time, demands))
    same = (unit for unit in named if unit.size == size)
    return next(same, Unit(name, time, demands, size))


def pure(tag: str, quantities: Sequence[Quantity]) -> Converted:
    """Hold to numbers without a unit what has no meaning with one, as a logarithm."""
    return _by_power(tag, quantities, [0] * len(quantities))


class OverTime:
    """A probability that a time and rates make, such as that of a failure by then.

    Parameters
    ----------
    *powers : tuple of int
        Of time, for each argument; one tuple for each number of arguments that it takes.
    """

    def __init__(self, *powers: tuple[int, ...]) -> None:
        self._powers = {len(argument_powers): argument_powers for argument_powers in powers}

    def __call__(self, tag: str, quantities: Sequence[Quantity]) -> Converted:
        """Bring rates and times into one unit of time."""
        numbers, _, years = _by_power(tag, quantities, self._powers[len(quantities)])
        return numbers, PURE, years


class FirstOnly:
    """The first argument may have a unit, which the result has; the others have none."""

    def __call__(self, tag: str, quantities: Sequence[Quantity]) -> Converted:
        """Take the unit of the first."""
        if len(quantities) == 2:  # of a lognormal: mean and deviation of the logarithm
            return pure(tag, quantities)
        rest, _, years = _by_power(tag, quantities[1:], [0] * (len(quantities) - 1), first=1)
        first = quantities[0]
        return [first.number, *rest], first.unit, years or first.years


_WANTED = {
    0: "a number without a unit",
    1: "a time (hours or years)",
    -1: "a rate (hours-1, years-1 or fit)",
}
# A mission time has its unit, and a rate beside it that states none would leave it one.
_OF_TIMES = '; a rate takes the unit of a time away, as <define-parameter unit="hours-1"> does'
_ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"),
    *("tenth", "eleventh"),
)


def _by_power(
    tag: str, quantities: Sequence[Quantity], powers: Sequence[int], *, first: int = 0
) -> Converted:
    timed = []
    for position, (quantity, power) in enumerate(zip(quantities, powers, strict=True), first):
        unit = quantity.unit
        if unit is not None and unit.dimension != (power, 0):
            place = f"as the {_ORDINALS[position]} argument of" if len(powers) > 1 else "in"
            hint = _OF_TIMES if (unit.dimension, power) == ((1, 0), 0) else ""
            opening = f"found {unit.name} {place} <{tag}>"
            raise UnitError(f"{opening}, expected {_WANTED[power]} there{hint}")
        if power:
            timed.append(quantity)
    units = _units_of(timed)
    numbers, years = [quantity.number for quantity in quantities], _years(quantities)
    result = PURE if _units_of(quantities) else None
    if not units:
        return numbers, result, years
    if len({unit.step for unit in units}) > 1 or any(unit.step == 10**9 for unit in units):
        _refuse_bare(tag, units, timed)
    if len({unit.step for unit in units}) == 1:
        return numbers, result, years
    scaled = [quantity.number * _size(quantity) for quantity in quantities]
    return scaled, result, years or _mixes_years(units)


def _refuse_bare(tag: str, units: Sequence[Unit], quantities: Sequence[Quantity]) -> None:
    """Refuse a number whose unit is open; 0 is the same in all."""
    bare = [q.number for q in quantities if q.unit is None and q.number != 0.0]
    if bare:
        raise UnitError(
            f"found {bare[0]:g} without a unit beside {_listed(units)} in <{tag}>, expected a unit "
            'for each: write it as a <define-parameter unit="…">'
        )


def _units_of(quantities: Sequence[Quantity]) -> list[Unit]:
    return list(dict.fromkeys(q.unit for q in quantities if q.unit is not None))


def _size(quantity: Quantity) -> float:
    return 1.0 if quantity.unit is None else float(quantity.unit.size)


def _years(quantities: Sequence[Quantity]) -> bool:
    return any(quantity.years for quantity in quantities)


def _mixes_years(units: Sequence[Unit]) -> bool:
    """Return whether years stand beside other units of time."""
    timed = ["year" in unit.name for unit in units if unit.time]
    return any(timed) and not all(timed)


def _listed(units: Sequence[Unit]) -> str:
    return " and ".join(unit.name for unit in units)


def stated(quantity: Quantity, name: str) -> Quantity:
    """Return a number in the unit that its parameter states.

    Raises
    ------
    UnitError
        If there is no such unit, or the number comes out in another one.

    Examples
    --------
    >>> stated(Quantity(0.1), "years-1").unit.name
    'years-1'
    """
    unit = quantity.unit
    if name in TYPES:
        if unit not in (None, PURE):
            assert unit is not None
            raise UnitError(
                f"found unit={name} of a value that comes out in {unit.name}, expected the unit "
                "in which it comes out"
            )
        _check_type(quantity.number, name)
        return quantity
    if name not in UNITS:
        raise UnitError(f"found unit={quoted(name)}, expected {one_of((*UNITS, *TYPES))}")
    stated_unit = UNITS[name]
    if unit is None:
        return replace(quantity, unit=stated_unit)
    if (unit.dimension, unit.size) != (stated_unit.dimension, stated_unit.size):
        raise UnitError(
            f"found unit={name} of a value that comes out in {unit.name}, expected the unit in "
            "which it comes out"
        )
    return replace(quantity, unit=stated_unit)


def _check_type(number: float, name: str) -> None:
    if name == "int" and number != int(number):
        raise UnitError(f"found unit=int of {number:g}, expected a whole number")
    if name == "bool" and number not in (0.0, 1.0):
        raise UnitError(f"found unit=bool of {number:g}, expected 0 or 1")
