"""Which single number, if it were known, would bring an answer to a limit.

Every uncertain number is taken to both ends of what its prior allows, all others as uncertain as
they are. Where an end lies on the other side of the limit, the value at which it is crossed is
looked for. An answer that crosses a limit and crosses it back between the ends is not seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.response_curves import ground_of
from storyodds.models.changes.tipping import LEVELS, TippingPoint, Verdict, scan, tipping_points
from storyodds.models.changes.what_if import base_of
from storyodds.models.story.events import EVENTS, Event
from storyodds.scenarios.provenance import is_reference

# Twice what the ends of swings take: a value is stated to two digits.
DRAWS = 512
FARTHEST = (LEVELS[0], LEVELS[-1])


@dataclass(frozen=True)
class Crossing:
    """A value of one number at which an answer crosses a limit.

    Attributes
    ----------
    number : str
    kind : {"probability", "bits"}
    value : float
    side : {"above", "below"}
        On which side of the value the answer is on the other side of the limit.
    prior_chance : float
        Chance, before any evidence, that the number lies there.
    """

    number: str
    kind: str
    value: float
    side: str
    prior_chance: float


def crossings(assessment: Assessment, event: Event, limit: float) -> tuple[Crossing, ...]:
    """Find the single numbers that would bring the mean of an event to the other side of a limit.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly, not simulated.
    event : str
        Of `EVENTS`.
    limit : float
        A probability.

    Returns
    -------
    tuple of Crossing
        The likeliest first; none where no number does it between the 0.5% and the 99.5% point of
        its prior.

    Raises
    ------
    UnsupportedStoryError
        If the story was simulated, or is so large that only a decision diagram sums it.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> crossings(assess(resolve(load_story("carlsmith-six-premises"))), "catastrophe", 0.01)
    ()
    """
    base = base_of(assessment, DRAWS)
    ground = ground_of(base)
    numbers = base.prepared.resolved.numbers
    uncertain = [i for i in base.prepared.uncertain if not is_reference(numbers[i].name)]
    e = EVENTS.index(event)
    # The base has fewer draws than the answer, which says on which side of the limit it is: the
    # limit is put as far from the base's mean as it is from that of the answer.
    mean = float(assessment.averaged.mean(assessment.averaged.event(event)))
    scale = float(ground.base.events.mean(axis=0)[e]) / mean if mean > 0 else 1.0
    verdict = Verdict(event, limit * scale, mean > limit)
    ends = scan(ground, uncertain, FARTHEST)
    crosses = np.any(verdict.distance(ends.means) <= 0, axis=1) if uncertain else np.zeros(0, bool)
    chosen = [i for i, does in zip(uncertain, crosses, strict=True) if does]
    tips: Sequence[TippingPoint] = tipping_points(scan(ground, chosen), [verdict]) if chosen else ()
    return tuple(
        Crossing(
            number=numbers[tip.number].name,
            kind=numbers[tip.number].kind,
            value=tip.value,
            side=tip.side,
            prior_chance=tip.prior_chance,
        )
        for tip in sorted(tips, key=lambda tip: -tip.prior_chance)
    )
