"""What learning a number is worth that P(event, evidence) is linear in: exact integrals.

With x at a value, P(event, evidence | x) = a + b (x - m), where m is the mean of its prior; a and b
are sums that the engine gives with all other such numbers integrated out. So what is known once x
is, and how likely every x is given the evidence, follow for any x, and what learning it is worth
is an integral over its prior. Only what has to be sampled adds noise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.derivatives import joint_slopes
from storyodds.models.changes.what_if import spread_evenly
from storyodds.models.posterior.weighting import REPLICATES, sequence_of, sums_by_sequence
from storyodds.models.story.events import FATES, sides_of
from storyodds.models.value.decisions import WITHHELD, Stakes, bits_gained, worth_of_fates
from storyodds.priors.distributions.families import Distribution, Mixture, Point

Array = NDArray[np.float64]

_DRAWS = 256  # of the sampled numbers: what is left of their noise is small
_CELLS = 2**22  # of float64: the slopes of as many draws are asked for at once
_Z = np.arange(-7.0, 7.01, 0.05)  # a trapezoid over a smooth normal integrand of this step is exact
_Z_SHARES = np.exp(-0.5 * _Z**2) / np.exp(-0.5 * _Z**2).sum()


@dataclass(frozen=True)
class Lines:
    """P(event, evidence | number) over P(evidence), a line in each number, sequence by sequence.

    Attributes
    ----------
    events : tuple of str
    numbers : tuple of int
    levels : (REPLICATES, n_events) array
        At the mean of the prior of every number; they add up to P(event | evidence).
    slopes : (REPLICATES, n_events, n_numbers) array
        Per unit of the number.
    single : bool
        Whether all is of one draw, and exact.
    """

    events: tuple[str, ...]
    numbers: tuple[int, ...]
    levels: Array
    slopes: Array
    single: bool


def lines(assessment: Assessment, numbers: Sequence[int], of: str) -> Lines:
    """Ask for the lines of the fates, and of what some odds are made of.

    Parameters
    ----------
    assessment : Assessment
    numbers : sequence of int
        Of `PreparedStory.integrated`.
    of : str
        Of `events.ODDS`.

    Raises
    ------
    UnsupportedStoryError
        If that takes more memory than the odds.
    """
    prepared, averaged = assessment.prepared, assessment.averaged
    sequences = sequence_of(len(averaged.values))
    drawn = spread_evenly(averaged, _DRAWS, assessment.seed, sequences)
    values, sequences, n = averaged.values[drawn], sequences[drawn], len(drawn)
    events = tuple(dict.fromkeys((*FATES, *sides_of(of).signs()[0])))
    chosen = list(numbers)
    means = prepared.center[chosen]
    levels = np.zeros((REPLICATES, len(events)))
    slopes = np.zeros((REPLICATES, len(events), len(chosen)))
    step = max(1, _CELLS // (len(events) * prepared.graph.n_numbers))
    for first in range(0, n, step):
        rows = slice(first, first + step)
        chances, moved = joint_slopes(prepared, values[rows], events)
        # A mean that rounds to 0 or 1 leaves nothing to learn.
        toward, spread = moved[:, :, chosen], means * (1 - means)
        per_unit = np.divide(toward, spread, out=np.zeros_like(toward), where=spread > 0)
        levels += sums_by_sequence(chances / n, sequences[rows])
        slopes += sums_by_sequence(per_unit / n, sequences[rows])
    return Lines(events, tuple(numbers), levels, slopes, n == 1)


def bits_of(lines: Lines, distribution: Distribution, k: int, of: str) -> tuple[float, float]:
    """Bits that learning a number tells about odds, and their standard error.

    Parameters
    ----------
    lines : Lines
    distribution : Distribution
        The prior of the number.
    k : int
        Where it stands in `lines.numbers`.
    of : str
        Of `events.ODDS`.
    """
    names, (part, whole) = sides_of(of).signs()
    sides = np.stack([part, whole - part], axis=1)
    columns = [lines.events.index(name) for name in names]

    def bits(level: Array, slope: Array) -> Array:
        values, shares = nodes(distribution)
        mean = float(shares @ values)
        joint = level[..., None] + slope[..., None] * (values - mean)
        yes, no = np.moveaxis(np.maximum(joint, 0.0), 1, 0)
        gained = bits_gained(np.stack([yes * shares, no * shares], axis=-1))
        total = (yes + no) @ shares
        return np.asarray(np.divide(gained, total, out=np.zeros_like(total), where=total > 0))

    return _jackknifed(
        bits, lines.levels[:, columns] @ sides, lines.slopes[:, columns, k] @ sides, lines
    )


def worth_of(
    lines: Lines, distribution: Distribution, k: int, stakes: Stakes
) -> tuple[float, float]:
    """What learning a number is worth for a decision, and its standard error.

    Parameters
    ----------
    lines, distribution, k
        As of `bits_of`.
    stakes : mapping of str to float
    """
    columns = [lines.events.index(fate) for fate in FATES]
    better = worth_of_fates(stakes) - stakes.get(WITHHELD, 0.0)

    def gain(level: Array, slope: Array) -> Array:
        values, shares = nodes(distribution)
        height = level + slope * (values - float(shares @ values))
        return np.asarray(np.maximum(height, 0.0) @ shares - np.maximum(height @ shares, 0.0))

    levels, slopes = lines.levels[:, columns], lines.slopes[:, columns, k]
    return _jackknifed(gain, levels @ better[:, None], slopes @ better[:, None], lines)


def nodes(distribution: Distribution) -> tuple[Array, Array]:
    """Values that stand for a distribution, and the share of each.

    Examples
    --------
    >>> values, shares = nodes(Mixture((0.9, 0.1), (Point(1.0), Point(2.0))))
    >>> values.tolist(), shares.tolist()
    ([1.0, 2.0], [0.9, 0.1])
    """
    if isinstance(distribution, Point):
        return np.array([distribution.value]), np.ones(1)
    if isinstance(distribution, Mixture):
        parts = [nodes(component) for component in distribution.components]
        weights = np.asarray(distribution.weights) / np.sum(distribution.weights)
        shares = [w * own for w, (_, own) in zip(weights, parts, strict=True)]
        return np.concatenate([values for values, _ in parts]), np.concatenate(shares)
    return distribution.quantile(ndtr(_Z)), _Z_SHARES


def _jackknifed(
    measure: Callable[[Array, Array], Array], levels: Array, slopes: Array, lines: Lines
) -> tuple[float, float]:
    """Measure sums over all sequences, and without each in turn."""
    whole = levels.sum(axis=0), slopes.sum(axis=0)
    amount = float(measure(*(part[None] for part in whole))[0])
    if lines.single:
        return amount, 0.0
    without = measure(whole[0] - levels, whole[1] - slopes)
    n = len(without)
    return amount, float(np.sqrt((n - 1) * np.mean((without - without.mean()) ** 2)))
