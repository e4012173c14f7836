"""At which value of a number a verdict on the story flips.

A verdict is whether an ending is likelier than a threshold, or which failure path is the worst.
The whole answer is looked at, every other number as uncertain as it is, with one number taken to
be known. Crossings are bracketed on a grid and then found on the exact answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from storyodds.models.bands import band
from storyodds.models.changes.response_curves import Curve, Ground, afresh, curves, respond
from storyodds.models.changes.what_if import Changed, is_trusted
from storyodds.models.story.events import EVENTS, Event
from storyodds.priors.distributions.quantiles import prior_quantile

Array = NDArray[np.float64]

LEVELS = (0.005, 0.05, 0.5, 0.95, 0.995)  # of the prior, at which all is looked at
ENDS = (0.05, 0.95)  # between which bands and swings go
LOW, HIGH = (LEVELS.index(end) for end in ENDS)
WORST_PATH: Final = "worst-path"
TIE = 1e-12  # of a probability: two that differ by less differ by rounding
_TINY = float(np.finfo(np.float64).tiny)
_PRECISION = 5e-3  # of a standard normal deviate: how well a crossing is found


@dataclass(frozen=True)
class Verdict:
    """What may flip.

    Attributes
    ----------
    event : str
        A class, a fate, or `WORST_PATH`.
    threshold : float
        For an event: whether its probability is above it.
    now : bool or int
        Whether it is; or, of the paths, the index of the worst.
    tied : tuple of int
        Paths that are just as bad as that one.
    """

    event: Event | Literal["worst-path"]
    threshold: float
    now: bool | int
    tied: tuple[int, ...] = ()

    def distance(self, means: Array) -> Array:
        """How far from flipping, (...,), from means, (..., n_answers); below 0 once flipped.

        As a share of the threshold, or of the worst concern; what is off by rounding is on the
        threshold, and has not flipped.
        """
        if self.event == WORST_PATH:
            concern = means[..., len(EVENTS) :]
            now = [self.now, *self.tied]
            scale = np.maximum(concern.max(axis=-1), _TINY)
            ahead = concern[..., now].max(axis=-1) - np.delete(concern, now, axis=-1).max(axis=-1)
        else:
            scale = np.array(max(self.threshold, _TINY))
            above = means[..., EVENTS.index(self.event)] - self.threshold
            ahead = above if self.now else -above
        return np.asarray(ahead / scale + TIE)


@dataclass(frozen=True)
class TippingPoint:
    """Where a verdict flips.

    Attributes
    ----------
    number : int
    verdict : Verdict
    value : float
    side : {"above", "below"}
        On which side of the value the verdict is another.
    prior_chance : float
        Chance, before any evidence, that the number lies there.
    worst : int or None
        Index of the path that is the worst there.
    """

    number: int
    verdict: Verdict
    value: float
    side: str
    prior_chance: float
    worst: int | None


@dataclass(frozen=True)
class Scan:
    """Answers with each number at each of some levels, by default `LEVELS`.

    Attributes
    ----------
    numbers : tuple of int
    values : (n_numbers, n_levels) array
    answers : tuple of tuple of Changed
        By number and level.
    fresh : (n_numbers,) bool
        Whether draws from the prior were taken, because those from the posterior did not serve.
    trusted : (n_numbers, n_levels) bool
    grounds : tuple of (Ground, mapping of int to Curve)
        Draws from the posterior, then from the prior, with what is known at them.
    """

    numbers: tuple[int, ...]
    values: Array
    answers: tuple[tuple[Changed, ...], ...]
    fresh: NDArray[np.bool_]
    trusted: NDArray[np.bool_]
    grounds: tuple[tuple[Ground, Mapping[int, Curve]], ...]

    @cached_property
    def means(self) -> Array:
        """Of the answers, (n_numbers, n_levels, n_answers)."""
        shape = (*self.values.shape, self.grounds[0][0].base.events.shape[1])
        return np.array([[changed.means for changed in row] for row in self.answers]).reshape(shape)


def scan(ground: Ground, numbers: Sequence[int], levels: Sequence[float] = LEVELS) -> Scan:
    """Answer with each of some uncertain numbers at each of some levels of its prior.

    Parameters
    ----------
    ground : Ground
    numbers : sequence of int
    levels : sequence of float
        Verdicts are only looked for where these are `LEVELS`.

    Returns
    -------
    Scan
    """
    prior = ground.base.prepared.distributions
    values = np.array([prior_quantile(prior[i], np.array(levels)) for i in numbers])
    values = values.reshape(len(numbers), len(levels))
    by_number = curves(ground, numbers)
    rows = _rows(ground, by_number, numbers, values)
    trusted = _trusted(ground, rows, values)
    fresh = ~trusted.all(axis=1)
    grounds: list[tuple[Ground, Mapping[int, Curve]]] = [(ground, by_number)]
    if fresh.any():
        again = afresh(ground)
        places = np.flatnonzero(fresh).tolist()
        anew = [numbers[k] for k in places]
        grounds.append((again, curves(again, anew)))
        answers = _rows(again, grounds[1][1], anew, values[places])
        trusted[places] = _trusted(again, answers, values[places])
        for k, row in zip(places, answers, strict=True):
            rows[k] = row
    return Scan(
        numbers=tuple(numbers),
        values=values,
        answers=tuple(rows),
        fresh=fresh,
        trusted=trusted,
        grounds=tuple(grounds),
    )


def bands_between(low: Changed, high: Changed) -> Array:
    """The 5 and 95 percent points over draws of all numbers, (3, 2, n_events).

    With a number low, with it high, and of the difference at the same draw, which counts by the
    mean of its two weights. NaN where draws were not weighted.
    """
    n_events = len(EVENTS)
    weights, events = (low.weights, high.weights), (low.events, high.events)
    if weights[0] is None or weights[1] is None or events[0] is None or events[1] is None:
        return np.full((3, 2, n_events), np.nan)
    before, after = (at_end[:, :n_events] for at_end in (events[0], events[1]))
    return np.array(
        [
            band(before, weights[0]),
            band(after, weights[1]),
            band(after - before, (weights[0] + weights[1]) / 2),
        ]
    )


def _trusted(ground: Ground, rows: Sequence[Sequence[Changed]], values: Array) -> NDArray[np.bool_]:
    n = len(ground.base.values)
    return np.array([[is_trusted(c, n) for c in row] for row in rows], bool).reshape(values.shape)


def _rows(
    ground: Ground, by_number: Mapping[int, Curve], numbers: Sequence[int], values: Array
) -> list[tuple[Changed, ...]]:
    points = [(i, float(x)) for i, row in zip(numbers, values, strict=True) for x in row]
    answers = iter(respond(ground, by_number, points))
    return [tuple(islice(answers, values.shape[1])) for _ in numbers]


def verdicts(
    means: Array, success: float = 0.5, catastrophe: Sequence[float] | None = None
) -> list[Verdict]:
    """What can flip in a story with these answers.

    Parameters
    ----------
    means : (n_answers,) array
        Of events, then the concerns of paths.
    success : float
        Whether P(success) is above it.
    catastrophe : sequence of float, optional
        Whether P(catastrophe) is above each; by default half and twice what it is.

    Returns
    -------
    list of Verdict
    """
    now = float(means[EVENTS.index("catastrophe")])
    bars = (now / 2, 2 * now) if catastrophe is None else catastrophe
    above = bool(means[EVENTS.index("success")] > success * (1 + TIE))
    listed = [Verdict("success", success, above)]
    listed += [Verdict("catastrophe", bar, now > bar) for bar in bars if 0 < bar < 1]
    concern = means[len(EVENTS) :]
    if len(concern) > 1 and concern.max() > 0:
        worst, *tied = np.flatnonzero(concern >= concern.max() * (1 - TIE)).tolist()
        if len(tied) + 1 < len(concern):
            listed.append(Verdict(WORST_PATH, 0.0, worst, tuple(tied)))
    return listed


def tipping_points(scanned: Scan, verdicts_now: Sequence[Verdict]) -> list[TippingPoint]:
    """Find where verdicts flip, between the 0.5% and the 99.5% point of each number's prior.

    Parameters
    ----------
    scanned : Scan
    verdicts_now : sequence of Verdict

    Returns
    -------
    list of TippingPoint
        Verdict by verdict, and number by number. Crossings between two levels that flip a
        verdict and flip it back are not seen.
    """
    from scipy.optimize import elementwise

    brackets = [
        (k, v, level)
        for v, verdict in enumerate(verdicts_now)
        for k, level in np.argwhere(_flips(verdict.distance(scanned.means), scanned.trusted))
    ]
    if not brackets:
        return []
    deviates = ndtri(np.array(LEVELS))
    k, v, level = np.array(brackets, dtype=float).T

    def distance(z: Array, k: Array, v: Array) -> Array:
        return _distances(scanned, verdicts_now, z, k.astype(int), v.astype(int))

    ends = deviates[level.astype(int)], deviates[level.astype(int) + 1]
    root = elementwise.find_root(distance, ends, args=(k, v), tolerances={"xatol": _PRECISION})
    points = []
    for (number, which_one, place), z, ok in zip(brackets, root.x, root.success, strict=True):
        if not ok:
            continue
        verdict, means = verdicts_now[which_one], scanned.means[number]
        above = bool(verdict.distance(means[place]) > 0)
        beyond = means[place + 1 if above else place, len(EVENTS) :]
        points.append(
            TippingPoint(
                number=scanned.numbers[number],
                verdict=verdict,
                value=_value(scanned, number, z),
                side="above" if above else "below",
                prior_chance=float(ndtr(-z if above else z)),
                worst=int(beyond.argmax()) if verdict.event == WORST_PATH else None,
            )
        )
    return points


def _flips(distance: Array, trusted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Between which levels a verdict flips, (n_numbers, n_levels - 1)."""
    held = distance > 0
    return np.asarray((held[:, 1:] != held[:, :-1]) & trusted[:, 1:] & trusted[:, :-1])


def _value(scanned: Scan, k: int, z: float) -> float:
    prior = scanned.grounds[0][0].base.prepared.distributions[scanned.numbers[k]]
    return float(prior_quantile(prior, np.array(ndtr(z))))


def _distances(
    scanned: Scan,
    verdicts_now: Sequence[Verdict],
    z: Array,
    k: NDArray[np.intp],
    v: NDArray[np.intp],
) -> Array:
    """How far verdicts v are from flipping with numbers k at deviates z."""
    values = [_value(scanned, *point) for point in zip(k.tolist(), z.tolist(), strict=True)]
    answers = answers_at_values(scanned, k.tolist(), values)
    return np.array([verdicts_now[j].distance(of.means) for j, of in zip(v, answers, strict=True)])


def answers_at_values(
    scanned: Scan, places: Sequence[int], values: Sequence[float]
) -> list[Changed]:
    """Answer for numbers at values, each on the draws that served it.

    Parameters
    ----------
    scanned : Scan
    places : sequence of int
        In `Scan.numbers`.
    values : sequence of float
    """
    out: dict[int, Changed] = {}
    for of_prior, (ground, by_number) in enumerate(scanned.grounds):
        own = [j for j, k in enumerate(places) if scanned.fresh[k] == bool(of_prior)]
        points = [(scanned.numbers[places[j]], values[j]) for j in own]
        out |= dict(zip(own, respond(ground, by_number, points), strict=True))
    return [out[j] for j in range(len(places))]
