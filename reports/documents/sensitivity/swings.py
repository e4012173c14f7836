"""What moves the odds most: the ends of the priors of those numbers that could matter.

A full sensitivity analysis takes every number to many values. A page shows a dozen bars, so here
slopes say which numbers are worth taking to their ends, and only these are.
"""

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.derivatives import mean_slopes
from storyodds.models.changes.response_curves import ground_of
from storyodds.models.changes.tipping import ENDS, scan
from storyodds.models.changes.what_if import ask, base_of, even_rows
from storyodds.models.sensitivity.local import DRAWS
from storyodds.models.story.events import EVENTS, Headline
from storyodds.priors.distributions.quantiles import prior_quantile
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.reports.contract.by_event import ByEvent
from storyodds.reports.contract.sensitivity.local import SwingNumber, SwingsPart
from storyodds.scenarios.provenance import is_reference

Array = NDArray[np.float64]

SHOWN: tuple[Headline, ...] = ("success", "catastrophe")
MOST = 12  # numbers for each of these that are taken to their ends
_FEW = 64  # draws that do to choose them
_EDGE = 1e-9  # a probability has log odds only between 0 and 1: ends of a prior may be on them


def summarize_swings(assessment: Assessment, most: int = MOST) -> SwingsPart:
    """Say how far the numbers that matter most move the odds, one at a time.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly, not simulated.
    most : int
        For success and for catastrophe, so many numbers: those with the largest product of the
        slope and the width of the prior.

    Returns
    -------
    SwingsPart

    Raises
    ------
    UnsupportedStoryError
        If the story was simulated.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> found = summarize_swings(assess(resolve(load_story("cat-classifier")), draws=256))
    >>> sorted(found)
    ['draws', 'events', 'left_out', 'now', 'numbers']
    """
    base = base_of(assessment, DRAWS)
    resolved = base.prepared.resolved
    uncertain = [i for i in base.prepared.uncertain if not is_reference(resolved.numbers[i].name)]
    chosen = _worth_moving(assessment, uncertain, most)
    scanned = scan(ground_of(base), chosen, ENDS)
    numbers: list[SwingNumber] = []
    for k, i in enumerate(chosen):
        ends = []
        for level, served in enumerate(scanned.trusted[k]):
            value = float(scanned.values[k, level])
            answer = scanned.answers[k][level] if served else ask(base, {i: value})
            ends.append((value, answer.means, answer.errors))
        (low, at_low, low_error), (high, at_high, high_error) = ends
        number = resolved.numbers[i]
        numbers.append(
            {
                "name": number.name,
                "kind": number.kind,
                "basis": number.basis,
                "low": {"value": low, "mean": _events(at_low), "error": _events(low_error)},
                "high": {"value": high, "mean": _events(at_high), "error": _events(high_error)},
                "swing": _events(at_high - at_low),
                "swing_error": _events(np.hypot(low_error, high_error)),
            }
        )
    return {
        "draws": len(base.values),
        "events": list(SHOWN),
        "now": _events(base.means),
        "numbers": numbers,
        "left_out": len(uncertain) - len(chosen),
    }


def _events(of: Array) -> ByEvent[float]:
    return {name: float(of[EVENTS.index(name)]) for name in SHOWN}


def _worth_moving(assessment: Assessment, uncertain: list[int], most: int) -> list[int]:
    """Numbers with the largest slope times width, in the order of the story."""
    if len(uncertain) <= most:
        return uncertain
    try:
        slopes = mean_slopes(assessment, SHOWN, even_rows(assessment, _FEW)).per_bit
    except UnsupportedStoryError:  # they take more memory than the odds
        return uncertain
    prepared = assessment.prepared
    width = np.zeros(len(prepared.distributions))
    for i in uncertain:
        low, high = prior_quantile(prepared.distributions[i], np.array(ENDS))
        if prepared.resolved.numbers[i].kind == "bits":
            width[i] = high - low
        else:
            p = np.clip([low, high], _EDGE, 1 - _EDGE)
            width[i] = np.diff(np.log2(p) - np.log2(1 - p))[0]
    reach = np.abs(slopes) * width
    chosen = {
        uncertain[k]
        for row in reach
        for k in np.argsort(-row[uncertain], kind="stable")[:most].tolist()
    }
    return sorted(chosen)
