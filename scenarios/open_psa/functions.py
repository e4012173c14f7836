"""The functions that an Open-PSA expression may use: how many arguments, what they compute."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storyodds.scenarios.open_psa.deviates import beta, lognormal, normal, uniform
from storyodds.scenarios.open_psa.units import (
    Converted,
    FirstOnly,
    OverTime,
    Quantity,
    alike,
    product,
    pure,
    quotient,
)


@dataclass(frozen=True, slots=True)
class Function:
    """One element of an expression that takes others as its arguments.

    Attributes
    ----------
    fewest : int
    most : int or None
        Of its arguments; None is any number.
    compute : callable
        Of the arguments as numbers; a mapping where it is a deviate.
    units : callable
        Which units go together, and what comes out.
    """

    fewest: int
    most: int | None
    compute: Callable[..., float | dict[str, Any]]
    units: Callable[[str, Sequence[Quantity]], Converted]


def _exponential(rate: float, time: float) -> float:
    return -math.expm1(-rate * time)


def _glm(gamma: float, failure: float, repair: float, time: float) -> float:
    rate = failure + repair
    return (failure - (failure - gamma * rate) * math.exp(-rate * time)) / rate


def _weibull(scale: float, shape: float, shift: float, time: float) -> float:
    return -math.expm1(-math.pow((time - shift) / scale, shape)) if time > shift else 0.0


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


DEVIATES: Mapping[str, Function] = {
    "beta-deviate": Function(2, 2, beta, pure),
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
    "exp": Function(1, 1, math.exp, pure),
    "log": Function(1, 1, math.log, pure),
    "log10": Function(1, 1, math.log10, pure),
    "sqrt": Function(1, 1, math.sqrt, pure),
    "pi": Function(0, 0, lambda: math.pi, pure),
    "exponential": Function(2, 2, _exponential, OverTime(-1, 1)),
    "GLM": Function(4, 4, _glm, OverTime(0, -1, -1, 1)),
    "Weibull": Function(4, 4, _weibull, OverTime(1, 0, 1, 1)),
}
CLAMPS: Mapping[str, Function] = {
    "min": Function(1, None, min, alike),
    "max": Function(1, None, max, alike),
}
FUNCTIONS: Mapping[str, Function] = {**DEVIATES, **CLAMPS, **OPERATIONS}
