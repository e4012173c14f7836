"""The random deviates of an Open-PSA file, and what becomes of them between 0 and 1.

A story cuts a distribution off at 0 and 1 where the file lets it go beyond (or clamps it there),
so that its mean is no longer the file's. A small change is told; a large one is refused.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, Final

from storyodds.priors.distributions.forms import Prior
from storyodds.priors.text.xml_reader import Element
from storyodds.scenarios.open_psa.quantities.arguments import require
from storyodds.scenarios.open_psa.quantities.units import Unit

LEVEL: Final = 0.95  # at which the two-argument lognormal is given its error factor
# Relative to the mean, or to 1 minus it. A change below the first is far under what random draws
# leave open. One above the second is more than half a unit of the second digit of 0.010, so that
# two digits, as results are printed, tell the means apart.
TOLD_CHANGE: Final = 1e-4
REFUSED_CHANGE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Deviate:
    """An uncertain number.

    Attributes
    ----------
    form : mapping
        As a story writes it.
    element : Element
        Where the file states it; two events that reach the same one move together.
    unit : Unit or None
    at_least_0, at_most_1 : bool
        Whether the file clamps it there.
    at_mean : bool
        Whether the mean of an uncertain number stands for one that makes it.
    """

    form: Mapping[str, Any]
    element: Element
    unit: Unit | None = None
    at_least_0: bool = False
    at_most_1: bool = False
    at_mean: bool = False

    @property
    def is_of_stories(self) -> bool:
        """Whether a story has such a distribution."""
        return not set(self.form) & {"gamma", "histogram"}

    def clamped(self, *, at_1: bool) -> "Deviate":
        """Return it with one more clamp."""
        return replace(self, at_most_1=True) if at_1 else replace(self, at_least_0=True)

    def with_unit(self, unit: Unit | None) -> "Deviate":
        """Return it in a unit."""
        return replace(self, unit=unit)


def beta(a: float, b: float) -> dict[str, Any]:
    """Two shapes, both above 0."""
    require(min(a, b) > 0, "two numbers above 0", a, b)
    return {"beta": [a, b]}


def normal(mean: float, sd: float) -> dict[str, Any]:
    """Mean and standard deviation."""
    require(sd > 0, "a standard deviation above 0", sd)
    return {"normal": [mean, sd]}


def uniform(low: float, high: float) -> dict[str, Any]:
    """Lower and upper end."""
    require(low < high, "the lower end first and below the upper end", low, high)
    return {"uniform": [low, high]}


def gamma(shape: float, scale: float) -> dict[str, Any]:
    """Shape and scale, both above 0."""
    require(min(shape, scale) > 0, "two numbers above 0", shape, scale)
    return {"gamma": [shape, scale]}


def histogram(*numbers: float) -> dict[str, Any]:
    """A lower end, and for each bin its upper end and its value: its widths and values."""
    ends, values = [numbers[0], *numbers[1::2]], numbers[2::2]
    for low, high in itertools.pairwise(ends):
        require(low < high, "the upper end of a bin above the one before it", low, high)
    widths = [high - low for low, high in itertools.pairwise(ends)]
    return {"histogram": list(zip(widths, values, strict=True))}


def lognormal(*numbers: float) -> dict[str, Any]:
    """Mean, error factor and level; or mean and standard deviation of the logarithm."""
    if len(numbers) == 2:
        mu, sigma = numbers
        require(sigma > 0, "a standard deviation of the logarithm above 0", sigma)
        mean = math.exp(mu + sigma**2 / 2)
        factor = math.exp(sigma * NormalDist().inv_cdf(LEVEL))
        return {"lognormal": {"mean": mean, "error_factor": factor}}
    mean, factor, level = numbers
    require(mean > 0, "a mean above 0", mean)
    require(factor > 1, "an error factor, a number above 1", factor)
    require(0.5 < level < 1, "a level above 0.5 and below 1, such as 0.95", level)
    return {"lognormal": {"mean": mean, "error_factor": factor, "level": level}}


def story_form(deviate: Deviate) -> dict[str, Any]:
    """Return a deviate's form, a clamped uniform cut off where the file clamps it."""
    form = dict(deviate.form)
    if "uniform" in form:
        low, high = form["uniform"]
        low = max(low, 0.0) if deviate.at_least_0 else low
        high = min(high, 1.0) if deviate.at_most_1 else high
        form["uniform"] = [low, high]
    return form


def means(deviate: Deviate, prior: Prior) -> tuple[float, float]:
    """Return the mean of a deviate as the file has it, and as the story does.

    Parameters
    ----------
    deviate : Deviate
    prior : Prior
        Its form in the story.
    """
    # Imported here because the distributions are slow to load, and constants need none.
    from storyodds.priors.distributions.families import distribution_of

    return file_mean(deviate), float(distribution_of(prior, "probability").mean())


def file_mean(deviate: Deviate) -> float:
    """Return the mean of a deviate, with what the file clamps put at 0 or 1.

    Examples
    --------
    >>> element = Element("normal-deviate", {}, 1, 1)
    >>> round(file_mean(Deviate({"normal": [0.0, 1.0]}, element, at_least_0=True)), 6)
    0.398942
    """
    low = 0.0 if deviate.at_least_0 else -math.inf
    high = 1.0 if deviate.at_most_1 else math.inf
    ((name, numbers),) = deviate.form.items()
    return _MEANS[name](numbers, low, high)


def _beta_mean(shapes: Sequence[float], low: float, high: float) -> float:
    a, b = shapes
    return 1.0 / (1.0 + b / a)


def _uniform_mean(ends: Sequence[float], low: float, high: float) -> float:
    first, last = ends
    inner_first, inner_last = min(max(first, low), last), max(min(last, high), first)
    inside = (inner_last - inner_first) * (inner_last + inner_first) / 2
    below = low * (inner_first - first) if inner_first > first else 0.0
    above = high * (last - inner_last) if inner_last < last else 0.0
    return (below + inside + above) / (last - first)


def _normal_mean(numbers: Sequence[float], low: float, high: float) -> float:
    mean, sd = numbers
    below = _Tail((low - mean) / sd)
    above = _Tail((high - mean) / sd)
    clamped = mean * (above.below - below.below) + sd * (below.density - above.density)
    clamped += low * below.below if math.isfinite(low) else 0.0
    return clamped + (high * above.above if math.isfinite(high) else 0.0)


def _lognormal_mean(numbers: Mapping[str, float], low: float, high: float) -> float:
    mean = numbers["mean"]
    if not math.isfinite(high):
        return mean
    level = numbers.get("level", LEVEL)
    sigma = math.log(numbers["error_factor"]) / NormalDist().inv_cdf(level)
    to_high = (math.log(high / mean) + sigma**2 / 2) / sigma
    return mean * _Tail(to_high - sigma).below + high * _Tail(to_high).above


def _gamma_mean(numbers: Sequence[float], low: float, high: float) -> float:
    shape, scale = numbers
    if not math.isfinite(high):
        return shape * scale
    # Imported here because it is slow to load, and few files have one.
    from scipy.special import gammainc, gammaincc

    below = shape * scale * float(gammainc(shape + 1.0, high / scale))
    return below + high * float(gammaincc(shape, high / scale))


def _histogram_mean(bins: Sequence[tuple[float, float]], low: float, high: float) -> float:
    total = math.fsum(width for width, _ in bins)
    return math.fsum(width * min(max(value, low), high) for width, value in bins) / total


_MEANS: Mapping[str, Callable[[Any, float, float], float]] = {
    "beta": _beta_mean,
    "uniform": _uniform_mean,
    "normal": _normal_mean,
    "lognormal": _lognormal_mean,
    "gamma": _gamma_mean,
    "histogram": _histogram_mean,
}


class _Tail:
    """A standard normal, cut at a point."""

    def __init__(self, z: float) -> None:
        self.below = 0.5 * math.erfc(-z / math.sqrt(2.0))
        self.above = 0.5 * math.erfc(z / math.sqrt(2.0))
        self.density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)


def change(in_file: float, in_story: float) -> float:
    """Return how far the story's mean is from the file's, relative to it or to its complement.

    Examples
    --------
    >>> change(0.25, 0.5)
    1.0
    """
    smaller = min(in_file, 1.0 - in_file)
    return abs(in_story - in_file) / smaller if smaller > 0.0 else math.inf


def cut_note(deviate: Deviate, in_file: float, in_story: float) -> str:
    """Describe that and why the means differ."""
    ends = "at 1" if "lognormal" in deviate.form else "at 0 and 1"
    clamps = deviate.at_least_0 or deviate.at_most_1
    start = "Clamped in the file and cut off" if clamps else "Cut off"
    return (
        f"{start} {ends} in the story, which moves its mean from {in_file:.6g} in the file to "
        f"{in_story:.6g}."
    )
