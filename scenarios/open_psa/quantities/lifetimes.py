"""The probability of being out of service at a time, as the built-ins of Open-PSA compute it.

Times and rates come in one unit, such as hours and failures per hour.
"""

import math
from dataclasses import dataclass
from typing import Final

from storyodds.scenarios.open_psa.quantities.arguments import (
    require,
    require_not_negative,
    require_positive,
    require_probability,
)

State = tuple[float, float, float]
Matrix = tuple[State, State, State]

_RATE, _TIME = "a rate of failure", "a time"
# Of an interval between tests. Times that are stated in decimals meet a test to 16 digits at best,
# and a component that is looked at this little after a test is looked at with the test.
_SAME_INSTANT: Final = 1e-9


def exponential(rate: float, time: float) -> float:
    """Return the probability of a failure by a time.

    Examples
    --------
    >>> round(exponential(0.001, 100.0), 6)
    0.095163
    """
    require_not_negative(_RATE, rate)
    require_not_negative(_TIME, time)
    return -math.expm1(-rate * time)


def repairable(gamma: float, failure: float, repair: float, time: float) -> float:
    """Return the probability of being out of service, with repair: the built-in `GLM`.

    Parameters
    ----------
    gamma : float
        Probability of a failure at the start.
    failure, repair : float
        Rates.
    time : float

    Examples
    --------
    >>> round(repairable(0.0, 1e-6, 0.1, 8760.0), 9)
    1e-05
    """
    require_probability("a probability of a failure on demand", gamma)
    require_not_negative(_RATE, failure)
    require_not_negative("a rate of repair", repair)
    require_not_negative(_TIME, time)
    rate = failure + repair
    return failure / rate * -math.expm1(-rate * time) + gamma * math.exp(-rate * time)


def weibull(scale: float, shape: float, shift: float, time: float) -> float:
    """Return the probability of a failure by a time, of a rate that changes.

    Examples
    --------
    >>> round(weibull(10.0, 2.0, 1.0, 6.0), 6)
    0.221199
    """
    require_positive("a scale", scale)
    require_positive("a shape", shape)
    require_not_negative("a shift in time", shift)
    require_not_negative(_TIME, time)
    return -math.expm1(-math.pow((time - shift) / scale, shape)) if time > shift else 0.0


def periodic_test(*numbers: float) -> float:
    """Return the probability that a component that is tested at intervals is out of service.

    Parameters
    ----------
    *numbers : float
        Rate of failure, time between tests, time of the first test, time: tests and repairs take
        no time, and at the instant of a test the component is as it was before. With the rate of
        repair as the second of five, repairs take time. All eleven are those of `Component`, and
        the time.

    Examples
    --------
    >>> round(periodic_test(0.1, 1.0, 2.0, 5.0), 6)
    0.095163
    >>> round(periodic_test(7e-4, 4e-4, 120.0, 4740.0, 8760.0), 6)
    0.645377
    """
    if len(numbers) == 4:
        return _renewed(*numbers)
    if len(numbers) == 5:
        failure, repair, interval, first, time = numbers
        component = Component(failure, 0.0, repair, interval, first, 0.0, 0.0, 1.0, 1.0, 0.0)
    else:
        component, time = Component(*numbers[:-1]), numbers[-1]
    return component.unavailability(time)


def _renewed(failure: float, interval: float, first: float, time: float) -> float:
    """Unavailability where every test makes the component as good as new."""
    _require_tests(failure, interval, first, time)
    if time <= first:
        return exponential(failure, time)
    tests = math.ceil((time - first) / interval - _SAME_INSTANT)
    return exponential(failure, time - first - (tests - 1) * interval)


def _require_tests(failure: float, interval: float, first: float, time: float) -> None:
    require_not_negative(_RATE, failure)
    require_positive("a time between tests", interval)
    require_not_negative("a time before the first test", first)
    require_not_negative(_TIME, time)


@dataclass(frozen=True, slots=True)
class Component:
    """A component that is tested at intervals: available, failed without notice, or in repair.

    Attributes
    ----------
    failure, failure_in_test, repair : float
        Rates: when working, when tested, and of being repaired once a test has shown a failure.
    interval, first : float
        Times: from the beginning of one test to that of the next, and up to the first.
    gamma : float
        Probability that the beginning of a test makes the component fail.
    duration : float
        Of a test; a failure during it counts from its beginning.
    available_in_test : float
        1 or 0.
    detection : float
        Probability that a test shows a failure.
    bad_restart : float
        Probability that a repaired component comes back failed.
    """

    failure: float
    failure_in_test: float
    repair: float
    interval: float
    first: float
    gamma: float
    duration: float
    available_in_test: float
    detection: float
    bad_restart: float

    def unavailability(self, time: float) -> float:
        """Return the probability of being failed, in repair, or in a test that takes it away."""
        self._check(time)
        if time <= self.first:
            return exponential(self.failure, time)
        failed = exponential(self.failure, self.first)
        state: State = (1.0 - failed, failed, 0.0)
        tests = math.floor((time - self.first) / self.interval)
        whole = _product(self._working(self.interval - self.duration), self._test(self.duration))
        state = _applied(_power(whole, tests), state)
        rest = max(time - self.first - tests * self.interval, 0.0)
        if rest > self.duration:
            state = _applied(self._test(self.duration), state)
            return 1.0 - _applied(self._working(rest - self.duration), state)[0]
        tested = 0.0 if self.available_in_test else state[0] * self._survival(rest)
        return 1.0 - _applied(self._test(rest), state)[0] + tested

    def _check(self, time: float) -> None:
        _require_tests(self.failure, self.interval, self.first, time)
        require_not_negative("a rate of failure in a test", self.failure_in_test)
        require_not_negative("a rate of repair", self.repair)
        require_probability("a probability of a failure by the test", self.gamma)
        require(
            0.0 <= self.duration <= self.interval,
            f"a duration of the test, from 0 to {self.interval:g}, the time between tests",
            self.duration,
        )
        require(
            self.available_in_test in (0.0, 1.0),
            "whether it is available in a test, 1 or 0",
            self.available_in_test,
        )
        require_probability("a probability that a test shows a failure", self.detection)
        require_probability("a probability of a bad restart", self.bad_restart)

    def _survival(self, time: float) -> float:
        """Probability that a test of so long leaves an available component available."""
        return (1.0 - self.gamma) * math.exp(-self.failure_in_test * time)

    def _repaired(self, time: float) -> tuple[float, float]:
        """Probability that a repair is over after a time, and that it is with a new failure."""
        over = exponential(self.repair, time)
        again = both_by(self.repair, self.failure, time)
        return over, self.bad_restart * over + (1.0 - self.bad_restart) * again

    def _test(self, time: float) -> Matrix:
        """What a test makes of available, failed and in repair; a repair goes on beside it."""
        survival, (over, again) = self._survival(time), self._repaired(time)
        hidden = 1.0 - self.detection
        return (
            (survival, 0.0, over - again),
            ((1.0 - survival) * hidden, hidden, again),
            ((1.0 - survival) * self.detection, self.detection, 1.0 - over),
        )

    def _working(self, time: float) -> Matrix:
        failed, (over, again) = exponential(self.failure, time), self._repaired(time)
        return ((1.0 - failed, 0.0, over - again), (failed, 1.0, again), (0.0, 0.0, 1.0 - over))


def both_by(first: float, second: float, time: float) -> float:
    """Return the probability that two waits, one after the other, are over by a time.

    Parameters
    ----------
    first, second : float
        Rates at which they end.
    time : float

    Examples
    --------
    >>> round(both_by(1.0, 1.0, 1.0), 6)
    0.264241
    """
    low, high = min(first, second), max(first, second)
    gap = (high - low) * time
    share = -math.expm1(-gap) / gap if gap > 0.0 else 1.0
    return -math.expm1(-low * time) - low * time * math.exp(-low * time) * share


def _applied(matrix: Matrix, state: State) -> State:
    a, b, c = (math.sumprod(row, state) for row in matrix)
    return a, b, c


def _product(later: Matrix, earlier: Matrix) -> Matrix:
    columns = [_applied(later, column) for column in zip(*earlier, strict=True)]
    a, b, c = zip(*columns, strict=True)
    return a, b, c


def _power(matrix: Matrix, exponent: int) -> Matrix:
    """Multiply by squaring: tests may come a million times."""
    power: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    while exponent:
        if exponent % 2:
            power = _product(matrix, power)
        matrix, exponent = _product(matrix, matrix), exponent // 2
    return power
