"""Priors that one slider moves along, so that draws can be weighted instead of drawn again.

Moving the center of a prior while its concentration stays changes its density by a factor
exp(δ T(x)), up to a constant, where T is a fixed statistic of the number and δ says how far it was
moved. Posterior draws weighted by these factors stand for the posterior of the story with the
moved prior; the evidence has nothing to do with it. Several numbers at once multiply.

What is moved is always a prior that a story can state. Where no such family is known there is no
slider, and the reason is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, inf, log
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.special import expit, logit

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.derivatives import mean_slopes
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.story.events import EVENTS
from storyodds.priors.distributions.bounded import TruncatedLogNormal, TruncatedNormal, Uniform
from storyodds.priors.distributions.families import (
    LN2,
    BetaDistribution,
    Distribution,
    LogitNormal,
    Mixture,
    NormalDistribution,
    Point,
    distribution_of,
)
from storyodds.priors.distributions.forms import Kind, parse_prior
from storyodds.priors.distributions.log_pool import LogPool
from storyodds.priors.text.errors import UnsupportedStoryError

Array = NDArray[np.float64]
Family = Literal["beta", "logit-normal", "normal", "log-normal"]

ASKED = ("success", "catastrophe")  # by which sliders are chosen
MOST = 10  # sliders
NORMAL_95 = 1.6448536269514722  # the 95 percent point of a standard normal
DIGITS = 10  # of the numbers of a moved prior, as it is written
_ENDS = (0.01, 0.99)  # of the prior, between which a slider runs
_TINY = float(np.finfo(np.float64).tiny)
_ROUNDING_LOGITS = 1e-9  # log odds: an event that moves by less does not depend on the number


@dataclass(frozen=True)
class Tilt:
    """A family of priors of one number, by where their center lies.

    Places are on a scale on which even steps are natural: log odds for `beta` and `logit-normal`,
    natural logarithms for `log-normal`, the number itself for `normal`.

    Attributes
    ----------
    family : {"beta", "logit-normal", "normal", "log-normal"}
    start : float
        Where the center of the prior as it is lies: a mean for `beta`, else a median, before any
        cut.
    low, high : float
        Between which places the center can be moved.
    size : float
        What stays: a + b for `beta`, else the standard deviation on the scale of places.
    """

    family: Family
    start: float
    low: float
    high: float
    size: float

    def statistic(self, x: Array) -> Array:
        """T(x), natural logarithms or log odds of a probability; (n,) to (n,)."""
        if self.family == "normal":
            return np.asarray(x, dtype=np.float64)
        if self.family == "log-normal":
            return np.asarray(np.log(np.maximum(x, _TINY)))
        return np.asarray(logit(np.clip(x, _TINY, 1 - 2**-53)))

    def delta(self, place: float) -> float:
        """δ for the center moved to a place; 0 where it is.

        Examples
        --------
        >>> tilt = Tilt("normal", start=0.5, low=-1.0, high=2.0, size=2.0)
        >>> tilt.delta(1.5)
        0.25
        """
        if self.family == "beta":
            return self.size * (self.center(place) - self.center(self.start))
        return (place - self.start) / self.size**2

    def center(self, place: float) -> float:
        """The number at a place: a probability, or bits."""
        if self.family == "normal":
            return place
        return exp(place) if self.family == "log-normal" else float(expit(place))

    def place(self, center: float) -> float:
        """The place of a number, the other way round than `center`."""
        if self.family == "normal":
            return center
        return log(center) if self.family == "log-normal" else float(logit(center))

    def prior(self, place: float) -> dict[str, Any]:
        """The prior with its center moved, as a story states it.

        Examples
        --------
        >>> Tilt("beta", start=0.0, low=-2.0, high=2.0, size=10.0).prior(0.0)
        {'beta': [5.0, 5.0]}
        """
        if self.family == "beta":
            p = self.center(place)
            return {"beta": _rounded(p * self.size, (1 - p) * self.size)}
        if self.family == "logit-normal":
            ends = (place - NORMAL_95 * self.size, place + NORMAL_95 * self.size)
            return {"interval": _rounded(*(float(expit(end)) for end in ends))}
        if self.family == "normal":
            return {"normal": _rounded(place, self.size)}
        mean, factor = _rounded(exp(place + self.size**2 / 2), exp(NORMAL_95 * self.size))
        return {"lognormal": {"mean": mean, "error_factor": factor}}


def _rounded(*numbers: float) -> list[float]:
    return [float(f"{number:.{DIGITS}g}") for number in numbers]


def tilt_of(distribution: Distribution, kind: Kind) -> Tilt | str:
    """Find the family along which a prior can be moved, or say why there is none.

    Parameters
    ----------
    distribution : Distribution
    kind : {"probability", "bits"}

    Returns
    -------
    Tilt or str
        A sentence without its subject, which is the prior, where there is no such family.

    Examples
    --------
    >>> tilt_of(BetaDistribution(2.0, 6.0), "probability").center(-1.0).__round__(4)
    0.2689
    >>> tilt_of(Uniform(0.1, 0.4), "probability")
    'is uniform: moved, it would not cover the draws there are'
    """
    tilted = _family(distribution)
    if isinstance(tilted, str):
        return tilted
    family, start, size = tilted
    ends = [float(np.asarray(distribution.quantile(np.array(u)))) for u in _ENDS]
    if family in ("beta", "logit-normal") and not 1e-290 < ends[0] < ends[1] < 1 - 1e-12:
        return "lies too near to 0 or 1: its draws cannot be told apart there"
    if family == "beta":  # a mean, other than a quantile, means nothing that near to an end
        p = float(expit(start))
        ends = [max(ends[0], p / 100), min(ends[1], 1 - (1 - p) / 100)]
    unplaced = Tilt(family, start, start, start, size)
    low, high = (unplaced.place(end) for end in ends)
    tilt = Tilt(family, start, min(low, start), max(high, start), size)
    for place in (tilt.low, start, tilt.high):
        if not _is_stated(tilt, place, kind):
            return "is too narrow, too wide or too near to an end for its neighbors to be stated"
    return tilt


def _family(distribution: Distribution) -> tuple[Family, float, float] | str:
    match distribution:
        case BetaDistribution(a, b):
            return "beta", log(a) - log(b), a + b
        case LogitNormal(mean, sd):
            return "logit-normal", mean, sd
        case NormalDistribution(mean, sd) | TruncatedNormal(mean, sd):
            return "normal", mean, sd
        case TruncatedLogNormal(mean, sd):
            return "log-normal", mean, sd
        case Uniform():
            return "is uniform: moved, it would not cover the draws there are"
        case Mixture() | LogPool():
            return "is a pool of judgments: which of them would move is open"
        case Point():
            return "is fixed: there are no draws of it"


def _is_stated(tilt: Tilt, place: float, kind: Kind) -> bool:
    """Whether a moved prior, rounded as it is written, is read as what it is meant to be."""
    try:
        read = _family(distribution_of(parse_prior(tilt.prior(place), kind), kind))
    except (ValidationError, OverflowError, ValueError):
        return False
    if isinstance(read, str) or read[0] != tilt.family:
        return False
    off_place = abs(read[1] - place) * (tilt.size if tilt.family == "beta" else 1 / tilt.size)
    return off_place < 1e-3 and abs(read[2] / tilt.size - 1) < 1e-4


@dataclass(frozen=True)
class Slider:
    """A number that can be moved.

    Attributes
    ----------
    number : int
        In `ResolvedStory.numbers`.
    tilt : Tilt
    effect : float
        By how much the log odds of success or catastrophe, whichever more, move along with one
        standard deviation of the number's prior.
    """

    number: int
    tilt: Tilt
    effect: float


@dataclass(frozen=True)
class Sliders:
    """Which numbers can be moved.

    Attributes
    ----------
    shown : tuple of Slider
        Those that matter most, the most important first.
    others : int
        How many more there could be, that matter less.
    without : mapping of str to tuple of int
        By the reason why there can be none, uncertain numbers that do matter.
    """

    shown: tuple[Slider, ...]
    others: int
    without: Mapping[str, tuple[int, ...]]


TOGETHER = (
    "goes together with other numbers, which draws that are weighted anew would move along with it"
)
OWN = "belongs to one evidence item alone, and is averaged over before there are draws"


def sliders(assessment: Assessment, most: int = MOST) -> Sliders:
    """Choose the numbers on which success and catastrophe hang most.

    Parameters
    ----------
    assessment : Assessment
    most : int
        So many at most.

    Returns
    -------
    Sliders

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessed = assess(resolve(load_story("rlhf-assistant")))
    >>> len(sliders(assessed, most=3).shown)
    3
    """
    prepared = assessment.prepared
    effects = _effects(assessment)
    ranked = sorted(prepared.uncertain, key=lambda i: -effects[i])
    listed: list[Slider] = []
    without: dict[str, list[int]] = {}
    hidden = 0
    for i in ranked:
        if not effects[i] > _ROUNDING_LOGITS:
            continue
        kind = prepared.resolved.numbers[i].kind
        tilt = OWN if i in prepared.own else tilt_of(prepared.distributions[i], kind)
        tilt = TOGETHER if i in prepared.correlated else tilt
        if isinstance(tilt, str):
            without.setdefault(tilt, []).append(i)
        elif len(listed) < most:
            listed.append(Slider(i, tilt, float(effects[i])))
        else:
            hidden += 1
    return Sliders(tuple(listed), hidden, {why: tuple(names) for why, names in without.items()})


def _effects(assessment: Assessment) -> Array:
    """By number, the larger effect on the log odds of the events; 0 where there is none."""
    prepared, averaged = assessment.prepared, assessment.averaged
    means = averaged.mean(averaged.events)[[EVENTS.index(event) for event in ASKED]]
    room = means * (1 - means)
    spread = _spreads(prepared)
    try:
        per_bit = mean_slopes(assessment, ASKED).per_bit
    except (
        UnsupportedStoryError
    ):  # simulated, or too large: the draws themselves show it, less well
        per_bit = _slopes_of_draws(assessment, spread)
    moved = np.abs(per_bit) * spread / np.where(room > 0, room, inf)[:, None]
    return np.asarray(np.nan_to_num(moved).max(axis=0))


def _spreads(prepared: PreparedStory) -> Array:
    """By number, half the central 68 percent of its prior: in bits, or bits of its log odds."""
    out = np.zeros(len(prepared.distributions))
    for i in prepared.uncertain:
        ends = np.asarray(prepared.distributions[i].quantile(np.array([0.16, 0.84])))
        if prepared.resolved.numbers[i].kind == "probability":
            ends = logit(np.clip(ends, _TINY, 1 - 2**-53)) / LN2
        out[i] = (ends[1] - ends[0]) / 2
    return out


def _slopes_of_draws(assessment: Assessment, spread: Array) -> Array:
    """Derivatives per bit, (n_events, n_numbers): a covariance is the derivative along a tilt."""
    prepared, exact = assessment.prepared, assessment.exact
    events = exact.events[:, [EVENTS.index(event) for event in ASKED]]
    out = np.zeros((len(ASKED), len(spread)))
    for i in prepared.core:
        x = exact.values[:, i]
        if prepared.resolved.numbers[i].kind == "probability":
            x = logit(np.clip(x, _TINY, 1 - 2**-53)) / LN2
        if spread[i] > 0:
            pull = exact.weights * (x - exact.mean(x))
            out[:, i] = pull @ (events - exact.mean(events)) / spread[i] ** 2
    return out
