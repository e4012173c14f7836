"""What the odds hang on, one input at a time: numbers, assumptions, and where verdicts flip."""

import math
from collections.abc import Sequence
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.bands import band
from storyodds.models.changes.tipping import WORST_PATH, Verdict
from storyodds.models.changes.what_if import Base, Changed
from storyodds.models.posterior.draws import Draws
from storyodds.models.sensitivity.local import LocalSensitivity, Swing, local_sensitivity
from storyodds.models.story.events import EVENTS, FATES, Headline
from storyodds.priors.distributions.families import LN2
from storyodds.reports.contract.by_event import ByEvent
from storyodds.reports.contract.sensitivity.local import (
    ChangedOdds,
    EitherWay,
    LocalAssumption,
    LocalEvent,
    LocalNumber,
    LocalPart,
    LocalVerdict,
    NumberSwing,
    NumberTipping,
    PriorEnd,
    Signs,
)
from storyodds.reports.contract.summaries import Band
from storyodds.reports.documents.summaries import finite, summarize_draws
from storyodds.reports.words.labels import claims
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.provenance import story_numbers

Array = NDArray[np.float64]

TOLD: tuple[LocalEvent, ...] = ("success", *CLASSES, "catastrophe")
# Of how far an event is from being impossible or certain, whichever is nearer: what rounding leaves
# of a change that is 0. Changes of a chance of 5e-9 are as real as those of one half.
_NOTHING = 1e-12
_ALIKE = 1e-6  # of each other, by which equal elasticities may differ
NOTE = (
    "One input at a time: what two of them do together is not in these numbers. The total "
    "indices of the global part have it."
)


def summarize_local(
    assessment: Assessment,
    *,
    base: Base | None = None,
    success: float = 0.5,
    catastrophe: Sequence[float] | None = None,
) -> LocalPart:
    """Say what the odds hang on, one input at a time.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly, not simulated.
    base, success, catastrophe
        As in `local_sensitivity`.

    Returns
    -------
    LocalPart
        Plain lists, mappings, texts and finite numbers.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> found = summarize_local(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> found["equal_elasticity"]["catastrophe"]
    1.0
    """
    local = local_sensitivity(assessment, base=base, success=success, catastrophe=catastrophe)
    numbers = _numbers(local, assessment.draws)
    return {
        "draws": len(local.base.values),
        "events": list(TOLD),
        "now": _events(local.base.means),
        "numbers": numbers,
        "equal_elasticity": {event: _common(numbers, event) for event in TOLD},
        "signs": {event: _signs(numbers, event) for event in TOLD},
        "assumptions": _assumptions(local),
        "verdicts": _verdicts(local),
        "tipping_points": _tipping_points(local),
        "note": NOTE,
    }


def _assumptions(local: LocalSensitivity) -> list[LocalAssumption]:
    prepared = local.base.prepared
    composites = {v.name for v in prepared.graph.variables if v.formula is not None}
    claimed = claims(prepared.resolved)
    return [
        {
            "assumption": sure.name,
            "claim": claimed.get(sure.name, ""),
            "composite": sure.name in composites,
            "learned": _both(sure.learned),
            "set": _both(sure.given),
        }
        for sure in local.sure
    ]


def _verdicts(local: LocalSensitivity) -> list[LocalVerdict]:
    labels = [path.label for path in local.paths]
    return [_verdict(verdict, labels) for verdict in local.verdicts]


def _tipping_points(local: LocalSensitivity) -> list[NumberTipping]:
    numbers = local.base.prepared.resolved.numbers
    return [
        {
            "number": numbers[tip.number].name,
            "verdict": local.verdicts.index(tip.verdict),
            "value": tip.value,
            "side": tip.side,
            "prior_chance": tip.prior_chance,
            "path": None if tip.worst is None else local.paths[tip.worst].label,
        }
        for tip in local.tips
    ]


def _events(of: Array) -> ByEvent[float]:
    return cast(ByEvent[float], _where_defined(of))  # means, and differences of means, are


def _where_defined(of: Array) -> ByEvent[float | None]:
    return {event: finite(of[EVENTS.index(event)]) for event in TOLD}


def _bands(mean: Array, ends: Array) -> ByEvent[Band] | None:
    """Give BANDS of means, (n_events,), and the 5 and 95 percent points, (2, n_events)."""
    if np.isnan(ends).any():
        return None
    low, high = ends
    return {
        event: {"mean": finite(mean[e]), "q05": finite(low[e]), "q95": finite(high[e])}
        for event in TOLD
        for e in [EVENTS.index(event)]
    }


def _moving(changes: Array, room: Array) -> Array:
    """Changes of probabilities, (..., n_events), with 0 for what rounding leaves of it."""
    return np.asarray(np.where(abs(changes) > _NOTHING * room, changes, 0.0))


def _room(means: Array) -> Array:
    """How far events are from being impossible or certain, (n_events,).

    What is left of a probability near 1 is what the others of its group have.
    """
    room = np.zeros(len(EVENTS))
    for group in (CLASSES, FATES):
        places = [EVENTS.index(event) for event in group]
        for e in places:
            room[e] = min(means[e], means[[f for f in places if f != e]].sum())
    return room


def _changed(changed: Changed) -> ChangedOdds:
    return {
        "mean": _events(changed.means),
        "error": _events(changed.errors),
        "pareto_k": changed.pareto_k,
        "refitted": changed.refitted,
    }


def _both(pair: Sequence[Changed | None]) -> EitherWay:
    true, false = (None if changed is None else _changed(changed) for changed in pair)
    return {"true": true, "false": false}


def _verdict(verdict: Verdict, labels: Sequence[str]) -> LocalVerdict:
    worst = verdict.event == WORST_PATH
    return {
        # Those that are looked for here are of the headline.
        "event": cast(Headline | Literal["worst-path"], verdict.event),
        "threshold": None if worst else verdict.threshold,
        "above": None if worst else bool(verdict.now),
        "path": labels[verdict.now] if worst else None,
        "tied": [labels[k] for k in verdict.tied],
    }


def _numbers(local: LocalSensitivity, draws: Draws) -> list[LocalNumber]:
    resolved, slopes = local.base.prepared.resolved, local.slopes
    room = _room(local.base.means)
    swings = {swing.number: swing for swing in local.swings}
    listed: list[LocalNumber] = []
    for number in story_numbers(resolved):
        i = resolved.number_index[number.name]
        swing, is_bits = swings.get(i), number.kind == "bits"
        per_bit = None
        if slopes is not None:
            per_bit = _moving(slopes.per_bit[:, i], room)
        has_elasticity = slopes is not None and bool(np.isfinite(slopes.elasticity[:, i]).any())
        at_draws = None
        if local.draw_slopes is not None:
            at_draws = _moving(local.draw_slopes[:, :, i], room)
        values = draws.values[:, i]
        listed.append(
            {
                "name": number.name,
                "kind": number.kind,
                "basis": number.basis,
                "uncertain": swing is not None,
                "now": summarize_draws(values, draws.weights, values, draws.weights),
                "per_bit": None if per_bit is None else _events(per_bit),
                "per_bit_band": None if at_draws is None else _bands_of_draws(at_draws),
                "per_logit": None if per_bit is None or is_bits else _events(per_bit / LN2),
                "elasticity": _where_defined(slopes.elasticity[:, i])
                if has_elasticity and slopes
                else None,
                **_ends(swing, room),
            }
        )
    return listed


def _bands_of_draws(draws: Array) -> ByEvent[Band] | None:
    return _bands(draws.mean(axis=0), band(draws, np.full(len(draws), 1 / len(draws))))


def _ends(swing: Swing | None, room: Array) -> NumberSwing:
    if swing is None:
        return {"low": None, "high": None, "swing": None, "swing_error": None, "swing_band": None}
    differs = _moving(swing.swing, room)
    return {
        "low": _end(swing.low, swing.at_low, swing.bands[0]),
        "high": _end(swing.high, swing.at_high, swing.bands[1]),
        "swing": _events(differs),
        "swing_error": _events(swing.error),
        "swing_band": _bands(differs, _moving(swing.bands[2], room)),
    }


def _end(value: float, answer: Changed, ends: Array) -> PriorEnd:
    return {"value": value, **_changed(answer), "band": _bands(answer.means, ends)}


def _common(numbers: Sequence[LocalNumber], event: LocalEvent) -> float | None:
    """The elasticity that all probabilities have that matter, where nothing else matters."""
    matter = [n for n in numbers if n["per_bit"] is not None and n["per_bit"][event]]
    stated = [None if n["elasticity"] is None else n["elasticity"][event] for n in matter]
    elasticities = [x for x in stated if x is not None]
    if len(matter) < 2 or len(elasticities) < len(matter):
        return None
    if not all(math.isclose(x, elasticities[0], rel_tol=_ALIKE) for x in elasticities):
        return None
    return float(f"{np.mean(elasticities):.6g}")


def _signs(numbers: Sequence[LocalNumber], event: LocalEvent) -> Signs:
    slopes = [n["per_bit"][event] for n in numbers if n["per_bit"] is not None]
    return {"up": sum(x > 0 for x in slopes), "down": sum(x < 0 for x in slopes)}
