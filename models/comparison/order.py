"""At which value of a number two stories change order.

Each story answers for itself, all its other numbers as uncertain as they are. A number that both
stories have, under the same name and with the same prior, moves in both at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from storyodds.models.changes.response_curves import ground_of
from storyodds.models.changes.tipping import LEVELS, TIE, Scan, answers_at_values, scan
from storyodds.models.changes.what_if import Base
from storyodds.models.comparison.coupling import shared_numbers
from storyodds.models.posterior.weighting import spread_between
from storyodds.models.story.events import EVENTS
from storyodds.priors.distributions.families import Distribution
from storyodds.priors.distributions.quantiles import prior_quantile

Array = NDArray[np.float64]

DRAWS = 512  # of each story
_PRECISION = 1e-3  # of a standard normal deviate: how well a crossing is found


@dataclass(frozen=True)
class OrderTip:
    """Where two stories change order.

    Attributes
    ----------
    numbers : tuple of (int or None)
        Index of the number in the first story and in the second; None where it is not moved.
    value : float
    side : {"above", "below"}
        On which side of the value the order is another than it is now.
    prior_chance : float
        Chance, before any evidence, that the number lies there.
    probability : float
        Of the event in the two stories, there.
    error : float
        Monte Carlo standard error of the difference between the two, there.
    """

    numbers: tuple[int | None, int | None]
    value: float
    side: str
    prior_chance: float
    probability: float
    error: float


@dataclass(frozen=True)
class _Candidate:
    """A number that may be moved: its places in both scans, and its prior."""

    places: tuple[int | None, int | None]
    prior: Distribution


def scan_story(base: Base) -> Scan:
    """Answer for a story with each of its uncertain numbers at each level of its prior."""
    return scan(ground_of(base), base.prepared.uncertain)


def order_tips(first: Scan, second: Scan, event: str) -> list[OrderTip]:
    """Find where two stories change order, between the 0.5% and 99.5% points of each prior.

    Parameters
    ----------
    first, second : Scan
        From `scan_story`.
    event : str
        A class or a fate.

    Returns
    -------
    list of OrderTip
        Number by number. Empty where the two are equal now. Crossings between two levels of the
        prior that change the order and change it back are not seen.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.models.changes.what_if import base_of
    >>> from storyodds.scenarios.resolve import resolve
    >>> story = load_story("carlsmith-six-premises")
    >>> settings = ({"aps-feasible": [0.2, 0.9]}, {"aps-feasible": 0.5})
    >>> bases = [base_of(assess(resolve(story, settings=s)), DRAWS) for s in settings]
    >>> (tip,) = order_tips(*map(scan_story, bases), "catastrophe")
    >>> round(tip.value, 3), round(tip.probability, 4)
    (0.5, 0.0395)
    """
    from scipy.optimize import elementwise

    scans, e = (first, second), EVENTS.index(event)
    now = [float(scanned.grounds[0][0].base.events[:, e].mean()) for scanned in scans]
    tie = TIE * max(now)
    if abs(now[0] - now[1]) <= tie:
        return []
    sign = 1.0 if now[0] > now[1] else -1.0
    candidates = _candidates(first, second)
    brackets = []
    for c, candidate in enumerate(candidates):
        gap, trusted = np.zeros(len(LEVELS)), np.ones(len(LEVELS), dtype=bool)
        for s, (scanned, k) in enumerate(zip(scans, candidate.places, strict=True)):
            gap += (1 - 2 * s) * sign * (now[s] if k is None else scanned.means[k, :, e])
            trusted &= True if k is None else scanned.trusted[k]
        as_now = gap > tie
        flips = (as_now[1:] != as_now[:-1]) & (abs(gap[1:] - gap[:-1]) > tie)
        flips &= trusted[1:] & trusted[:-1]
        brackets += [(c, level, bool(as_now[level])) for level in np.flatnonzero(flips).tolist()]
    if not brackets:
        return []

    def distance(z: Array, c: Array) -> Array:
        chosen = [candidates[j] for j in c.astype(int)]
        means, _ = _both(scans, now, chosen, _values(chosen, z), e)
        return np.asarray(sign * (means[0] - means[1]))

    deviates = ndtri(np.array(LEVELS))
    level_of = np.array([level for _, level, _ in brackets])
    rows = np.array([c for c, _, _ in brackets], dtype=float)
    ends = deviates[level_of], deviates[level_of + 1]
    root = elementwise.find_root(distance, ends, args=(rows,), tolerances={"xatol": _PRECISION})
    chosen = [candidates[c] for c, _, _ in brackets]
    values = _values(chosen, root.x)
    means, errors = _both(scans, now, chosen, values, e)
    return [
        OrderTip(
            numbers=(_index(first, places[0]), _index(second, places[1])),
            value=values[j],
            side="above" if above else "below",
            prior_chance=float(ndtr(-root.x[j] if above else root.x[j])),
            probability=float(means[:, j].mean()),
            error=float(errors[j]),
        )
        for j, (_, _, above) in enumerate(brackets)
        if root.success[j]
        for places in (chosen[j].places,)
    ]


def _candidates(first: Scan, second: Scan) -> list[_Candidate]:
    """Every number of either story once."""
    prepared, other = (scanned.grounds[0][0].base.prepared for scanned in (first, second))
    shared = shared_numbers(prepared, other)
    place = {number: k for k, number in enumerate(second.numbers)}
    candidates = [
        _Candidate((k, place[shared[i]] if i in shared else None), prepared.distributions[i])
        for k, i in enumerate(first.numbers)
    ]
    taken = set(shared.values())
    return candidates + [
        _Candidate((None, k), other.distributions[j])
        for k, j in enumerate(second.numbers)
        if j not in taken
    ]


def _index(scanned: Scan, place: int | None) -> int | None:
    return None if place is None else scanned.numbers[place]


def _values(chosen: Sequence[_Candidate], z: Array) -> list[float]:
    """What numbers are at deviates of their priors."""
    levels = zip(chosen, np.asarray(ndtr(z)).tolist(), strict=True)
    return [float(prior_quantile(candidate.prior, np.array(p))) for candidate, p in levels]


def _both(
    scans: Sequence[Scan],
    now: Sequence[float],
    chosen: Sequence[_Candidate],
    values: Sequence[float],
    e: int,
) -> tuple[Array, Array]:
    """Both stories' means with numbers at values, (2, n_points), and errors of differences."""
    means, variance = np.empty((2, len(chosen))), np.zeros(len(chosen))
    for s, scanned in enumerate(scans):
        means[s] = now[s]
        variance += spread_between(scanned.grounds[0][0].base.pulls)[e] ** 2
        moved = [j for j, candidate in enumerate(chosen) if candidate.places[s] is not None]
        places = [k for j in moved if (k := chosen[j].places[s]) is not None]
        answers = answers_at_values(scanned, places, [values[j] for j in moved])
        for j, changed in zip(moved, answers, strict=True):
            means[s, j] = changed.means[e]
            variance[j] += changed.errors[e] ** 2
    return means, np.sqrt(variance)
