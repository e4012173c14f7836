"""The functions that an Open-PSA expression may use: how many arguments, what they compute."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storyodds.priors.text.phrases import one_of
from storyodds.scenarios.open_psa.quantities.arguments import require
from storyodds.scenarios.open_psa.quantities.deviates import (
    beta,
    gamma,
    histogram,
    lognormal,
    normal,
    uniform,
)
from storyodds.scenarios.open_psa.quantities.lifetimes import (
    exponential,
    periodic_test,
    repairable,
    weibull,
)
from storyodds.scenarios.open_psa.quantities.units import (
    Converted,
    FirstOnly,
    OverTime,
    Quantity,
    alike,
    bins,
    branches,
    comparison,
    product,
    pure,
    quotient,
    scaled,
)


@dataclass(frozen=True, slots=True)
class Function:
    """One element of an expression that takes others as its arguments.

    Attributes
    ----------
    fewest : int
    most : int or None
        Of its arguments; None is any number.
    counts : tuple of int
        How many it takes, where not all numbers from the fewest to the most will do.
    compute : callable
        Of the arguments as numbers; a mapping where it is a deviate.
    units : callable
        Which units go together, and what comes out.
    """

    fewest: int
    most: int | None
    compute: Callable[..., float | dict[str, Any]]
    units: Callable[[str, Sequence[Quantity]], Converted]
    counts: tuple[int, ...] = ()

    def takes(self, count: int) -> bool:
        """Return whether it takes so many arguments."""
        if self.counts:
            return count in self.counts
        return self.fewest <= count and (self.most is None or count <= self.most)

    @property
    def expectation(self) -> str:
        """How many arguments it takes, in words."""
        if self.most is None:
            return f"at least {self.fewest}"
        counts = self.counts or range(self.fewest, self.most + 1)
        return one_of(str(count) for count in counts)


def _subtract(first: float, *rest: float) -> float:
    return first - math.fsum(rest)


def _divide(first: float, *rest: float) -> float:
    return first / math.prod(rest)


def _mean(*numbers: float) -> float:
    return math.fsum(numbers) / len(numbers)


def _add(*numbers: float) -> float:
    return math.fsum(numbers)


def _multiply(*numbers: float) -> float:
    return math.prod(numbers)


def _truth(number: float) -> bool:
    require(number in (0.0, 1.0), "true or false, 1 or 0", number)
    return number == 1.0


def _not(condition: float) -> float:
    return float(not _truth(condition))


def _and(*conditions: float) -> float:
    truths = [_truth(condition) for condition in conditions]  # all of them are checked
    return float(all(truths))


def _or(*conditions: float) -> float:
    truths = [_truth(condition) for condition in conditions]  # all of them are checked
    return float(any(truths))


def chosen(*numbers: float) -> float:
    """Return the number behind the first condition that holds, or the last number.

    Examples
    --------
    >>> chosen(0.0, 0.1, 1.0, 0.2, 0.3)
    0.2
    """
    pairs = zip(numbers[:-1:2], numbers[1::2], strict=True)
    holding = [number for condition, number in pairs if _truth(condition)]
    return holding[0] if holding else numbers[-1]


def _compared(relation: Callable[[float, float], bool]) -> Function:
    return Function(2, 2, lambda a, b: float(relation(a, b)), comparison)


def _plain(function: Callable[[float], float]) -> Function:
    return Function(1, 1, function, pure)


DEVIATES: Mapping[str, Function] = {
    "beta-deviate": Function(2, 2, beta, pure),
    "gamma-deviate": Function(2, 2, gamma, scaled),
    "lognormal-deviate": Function(2, 3, lognormal, FirstOnly()),
    "normal-deviate": Function(2, 2, normal, alike),
    "uniform-deviate": Function(2, 2, uniform, alike),
}
OPERATIONS: Mapping[str, Function] = {
    "neg": Function(1, 1, lambda x: -x, alike),
    "add": Function(1, None, _add, alike),
    "sub": Function(1, None, _subtract, alike),
    "mul": Function(1, None, _multiply, product),
    "div": Function(1, None, _divide, quotient),
    "mean": Function(1, None, _mean, alike),
    "pow": Function(2, 2, math.pow, pure),
    "abs": Function(1, 1, abs, alike),
    "mod": Function(2, 2, math.fmod, alike),
    "ceil": Function(1, 1, lambda x: float(math.ceil(x)), alike),
    "floor": Function(1, 1, lambda x: float(math.floor(x)), alike),
    **{
        function.__name__: _plain(function)
        for function in (
            *(math.acos, math.asin, math.atan, math.cos, math.cosh, math.exp, math.log),
            *(math.log10, math.sin, math.sinh, math.sqrt, math.tan, math.tanh),
        )
    },
    "pi": Function(0, 0, lambda: math.pi, pure),
    "not": Function(1, 1, _not, pure),
    "and": Function(1, None, _and, pure),
    "or": Function(1, None, _or, pure),
    "eq": _compared(operator.eq),
    "df": _compared(operator.ne),
    "lt": _compared(operator.lt),
    "gt": _compared(operator.gt),
    "leq": _compared(operator.le),
    "geq": _compared(operator.ge),
    "ite": Function(3, 3, chosen, branches),
    "exponential": Function(2, 2, exponential, OverTime((-1, 1))),
    "GLM": Function(4, 4, repairable, OverTime((0, -1, -1, 1))),
    "Weibull": Function(4, 4, weibull, OverTime((1, 0, 1, 1))),
    "periodic-test": Function(
        4,
        11,
        periodic_test,
        OverTime((-1, 1, 1, 1), (-1, -1, 1, 1, 1), (-1, -1, -1, 1, 1, 0, 1, 0, 0, 0, 1)),
        (4, 5, 11),
    ),
}
CLAMPS: Mapping[str, Function] = {
    "min": Function(1, None, min, alike),
    "max": Function(1, None, max, alike),
}
# The arguments of a switch are those of its cases, one after another, and the last one; those of a
# histogram its lower end, and those of its bins.
FUNCTIONS: Mapping[str, Function] = {
    **DEVIATES,
    **CLAMPS,
    **OPERATIONS,
    "switch": Function(1, None, chosen, branches),
    "histogram": Function(3, None, histogram, bins),
}
