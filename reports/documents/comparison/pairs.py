"""Two sides of a comparison: how far they are apart, and how they stand beside each other."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from storyodds.models.comparison.coupling import Beside, Pair
from storyodds.models.comparison.sides import DAY, EVENTS, day_parts, signs
from storyodds.reports.contract.comparison import ChangedEntry, Changes, ComparedPair, Difference
from storyodds.reports.documents.comparison.sides import Side

Array = NDArray[np.float64]

CLEAR = 0.95  # of the rows on one side of 0
_SURE = 2.0  # standard errors by which more than so many have to be
QUANTILES = (0.5, 0.05, 0.95)  # the median, and the ends of the 90 percent interval


def pair_of(
    sides: Sequence[Side], pair: tuple[int, int], beside: Beside, row: Mapping[int, int]
) -> ComparedPair:
    """Compare two sides.

    Parameters
    ----------
    sides : sequence of Side
    pair : (int, int)
        Which of them.
    beside : Beside
        The draws of all sides that have any.
    row : mapping of int to int
        Where a side stands among these.
    """
    first, second = (sides[s] for s in pair)
    a, b = (row.get(s) for s in pair)
    means = {e: _mean_gap(first.odds[e]["mean"], second.odds[e]["mean"]) for e in EVENTS}
    stance = None if a is None or b is None else beside.pairs[a, b]
    if a is None or b is None:
        differences = {event: _nothing_but(mean) for event, mean in means.items()}
    else:
        first_draws, second_draws = beside.of_two(a, b)
        differences = {
            event: difference(means[event], first_draws[:, e], second_draws[:, e])
            for e, event in enumerate(EVENTS)
        }
    return {
        "first": first.name,
        "second": second.name,
        "how": None if stance is None else stance.how,
        "why": _why(first, second, stance),
        "numbers": [] if stance is None else list(stance.numbers),
        "moved": [] if stance is None else list(stance.moved),
        "differences": differences,
        "deployed": _day_differences(sides, pair, beside, row),
        "changed": changed(first, second) if first.head["story"] == second.head["story"] else None,
        "contributions": None,
    }


def _day_differences(
    sides: Sequence[Side], pair: tuple[int, int], beside: Beside, row: Mapping[int, int]
) -> dict[str, Difference] | None:
    """Compare the odds on the day of the decision, where both sides can be deployed."""
    first, second = (sides[s].deployed for s in pair)
    if first is None or second is None:
        return None
    means = {odds: _mean_gap(first[odds]["mean"], second[odds]["mean"]) for odds in DAY}
    a, b = (row.get(s) for s in pair)
    if a is None or b is None:
        return {odds: _nothing_but(mean) for odds, mean in means.items()}
    first_parts, second_parts = (day_parts(events) for events in beside.of_two(a, b))
    differences = {}
    for odds, mean in means.items():
        (part, whole), (other_part, other_whole) = first_parts[odds], second_parts[odds]
        mask = (whole > 0) & (other_whole > 0)
        if not mask.any():
            differences[odds] = _nothing_but(mean)
            continue
        quotients = part[mask] / whole[mask], other_part[mask] / other_whole[mask]
        differences[odds] = difference(mean, *quotients)
    return differences


def _mean_gap(first: float, second: float) -> float:
    """A difference of two means, 0 where it is no more than the rounding of either."""
    means = np.array([first]), np.array([second])
    return float(second - first) if signs(means[1] - means[0], *means)[0] else 0.0


def _nothing_but(mean: float) -> Difference:
    return {
        "mean": mean,
        "median": None,
        "q05": None,
        "q95": None,
        "larger": None,
        "smaller": None,
        "error": None,
        "clear": None,
    }


def difference(mean: float, first: Array, second: Array) -> Difference:
    """Give a DIFFERENCE.

    Parameters
    ----------
    mean : float
    first, second : (n_rows,) arrays
        P(event) of the two sides in rows that stand beside each other.

    Examples
    --------
    >>> found = difference(0.1, np.full(4, 0.2), np.array([0.2, 0.3, 0.4, 0.3]))
    >>> found["larger"], found["smaller"], found["clear"]
    (0.75, 0.0, False)
    """
    gaps = second - first
    sign = signs(gaps, first, second)
    larger, smaller = float(np.mean(sign > 0)), float(np.mean(sign < 0))
    error = max(float(np.sqrt(share * (1 - share) / len(gaps))) for share in (larger, smaller))
    median, low, high = np.quantile(gaps, QUANTILES, method="inverted_cdf").tolist()
    return {
        "mean": mean,
        "median": median,
        "q05": low,
        "q95": high,
        "larger": larger,
        "smaller": smaller,
        "error": error,
        "clear": max(larger, smaller) - _SURE * error >= CLEAR,
    }


def _why(first: Side, second: Side, pair: Pair | None) -> str:
    """Say how two sides stand beside each other, and no more than that."""
    sides = (first, second)
    if pair is None:
        names = [side.name for side in sides if side.posterior is None]
        return f"no draws were kept of {' and '.join(names)}, so the difference has no interval"
    if pair.how == "same":
        return "both have the same draws, which stand beside each other"
    if pair.how == "paired":
        return _paired(pair)
    certain = [side.name for side in sides if _is_certain(side)]
    if certain:
        return f"{' and '.join(certain)}: no uncertain number, so there is nothing to pair"
    if pair.apart:
        return _paired(pair)
    alone = [side for side in sides if side.posterior is not None and not side.posterior.prepared]
    if alone:
        whose = " and ".join(side.name for side in alone)
        why = "; ".join(dict.fromkeys(side.why_alone or _SIMULATED for side in alone))
        return f"the draws of {whose} are independent of all others: {why}"
    return "no uncertain number has the same name in both"


_SIMULATED = "simulated states are those of its own draws"


def _is_certain(side: Side) -> bool:
    return side.posterior is not None and len(side.posterior.exact) == 1


def _paired(pair: Pair) -> str:
    """Count the uncertain numbers by which two sides stand beside each other."""
    parts: list[str] = []
    if pair.numbers:
        have = "1 uncertain number has"
        if len(pair.numbers) > 1:
            have = f"{len(pair.numbers)} uncertain numbers have"
        parts.append(f"{have} the same value in both")
    if pair.moved:
        stand = "1 uncertain number of another prior stands"
        if len(pair.moved) > 1:
            stand = f"{len(pair.moved)} uncertain numbers of another prior stand"
        parts.append(f"{stand} at the same quantile of both")
    if pair.apart:
        names = ", ".join(pair.apart)
        parts.append(f"{names}: correlated otherwise in the one, and drawn for each by itself")
    return "; ".join(parts)


def changed(first: Side, second: Side) -> Changes:
    """Give what differs between two versions of one story.

    Returns
    -------
    Changes
    """
    evidence = None
    if first.observed is not None and second.observed is not None:
        evidence = _changes(first.observed, second.observed)
    return {
        "numbers": _changes(first.numbers, second.numbers),
        "evidence": evidence,
        "text": first.head["story_sha256"] != second.head["story_sha256"],
    }


def _changes(old: Mapping[str, object], new: Mapping[str, object]) -> list[ChangedEntry]:
    return [
        {"name": name, "old": old.get(name), "new": new.get(name)}
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    ]
