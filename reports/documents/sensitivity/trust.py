"""Whether priors and evidence can be trusted, and what each item does."""

from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.evidence_versions import opinions_of
from storyodds.models.posterior.weighting import MAX_PARETO_K
from storyodds.models.sensitivity import evidence_effects
from storyodds.models.sensitivity.evidence_sequence import HEADLINE, evidence_sequence
from storyodds.models.sensitivity.power_scaling import (
    ALL_EVIDENCE,
    ALL_PRIORS,
    THRESHOLD,
    PowerScaling,
    Scaling,
    power_scaling,
)
from storyodds.models.story.events import Event, Headline
from storyodds.reports.contract.by_event import ByEvent
from storyodds.reports.contract.sensitivity.trust import (
    EvidenceEffect,
    EvidenceEffects,
    ItemEffects,
    NumberScaling,
    PowerScalingOfEvent,
    ScaledEvents,
    ScaledEvidence,
    ScaledPrior,
    TrustPart,
)
from storyodds.reports.contract.summaries import WithError
from storyodds.reports.documents.sensitivity.sequence import summarize_sequence
from storyodds.reports.documents.summaries import finite

TOGETHER = (ALL_PRIORS, ALL_EVIDENCE)


def summarize_trust(assessment: Assessment, *, whole: bool = True) -> TrustPart:
    """Give power-scaling and the effects of evidence as plain data.

    Parameters
    ----------
    assessment : Assessment
    whole : bool
        Without it, power-scaling has no entries for all together, and its entries no `at_half`,
        `at_double`, `pareto_k` and `itself`; and the effects of evidence are those on the headline
        events.

    Returns
    -------
    TrustPart

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> summary = summarize_trust(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> summary["power_scaling"]["priors"], summary["evidence_effects"]["items"]
    ([], [])
    """
    scaled = power_scaling(assessment, whole=whole)
    effects = evidence_effects.evidence_effects(
        assessment, evidence_effects.ASKED if whole else HEADLINE
    )
    priors = [cast(ScaledPrior, entry) for entry in _entries(scaled, scaled.priors, whole)]
    for prior in priors if whole else ():
        prior["itself"] = _itself(scaled, prior["name"])
    opinions = opinions_of(assessment.prepared.graph)
    evidence: list[ScaledEvidence] = [
        {**entry, "opinion": entry["name"] in opinions}
        for entry in _entries(scaled, scaled.evidence, whole)
    ]
    return {
        "power_scaling": {
            "threshold": THRESHOLD,
            "base": _by(scaled.events, scaled.base),
            "priors": priors,
            "evidence": evidence,
            "no_density": list(scaled.no_density),
        },
        "evidence_effects": _effects(effects),
        "evidence_sequence": summarize_sequence(evidence_sequence(assessment)),
    }


def _itself(scaled: PowerScaling, name: str) -> NumberScaling | None:
    """How far a number itself moves; None for all priors together."""
    if scaled.priors is None or name == ALL_PRIORS:
        return None
    k = scaled.priors.names.index(name)
    return {
        "prior": float(scaled.of_itself[k, 0]),
        "evidence": float(scaled.of_itself[k, 1]),
        "pull": float(scaled.pulls[k]),
        "conflict": name in scaled.conflicts,
    }


def _entries(scaled: PowerScaling, scaling: Scaling | None, whole: bool) -> list[ScaledEvents]:
    if scaling is None:
        return []
    success, catastrophe = (scaled.events.index(event) for event in HEADLINE)
    entries: list[ScaledEvents] = []
    for c, name in enumerate(scaling.names):
        entry: ScaledEvents = {
            "name": name,
            "success": _of_event(scaling, c, success, whole),
            "catastrophe": _of_event(scaling, c, catastrophe, whole),
        }
        if whole:
            half, double = (finite(k) for k in scaling.pareto_k[c])
            entry["pareto_k"] = {"near": finite(scaling.near_k[c]), "half": half, "double": double}
        entries.append(entry)
    return sorted(entries, key=lambda x: (x["name"] in TOGETHER, -largest(x, HEADLINE)))


def _of_event(scaling: Scaling, c: int, e: int, whole: bool) -> PowerScalingOfEvent:
    entry: PowerScalingOfEvent = {
        "sensitivity": finite(scaling.sensitivity[c, e]),
        "per_doubling": float(scaling.slope[c, e]),
        "error": float(scaling.slope_error[c, e]),
    }
    if whole:
        entry["at_half"], entry["at_double"] = (
            float(mean) if (shape := finite(k)) is None or shape <= MAX_PARETO_K else None
            for k, mean in zip(scaling.pareto_k[c], scaling.means[c, :, e], strict=True)
        )
    return entry


def _effects(effects: evidence_effects.EvidenceEffects) -> EvidenceEffects:
    items = [
        cast(ItemEffects, {"item": item, **_of_item(effects, i)})
        for i, item in enumerate(effects.items)
    ]
    total, findings = (
        [_pair(*pair) for pair in zip(*pairs, strict=True)]
        for pairs in (
            (effects.total, effects.total_error),
            (effects.findings, effects.findings_error),
        )
    )
    return {
        "items": items,
        "opinions": list(effects.opinions),
        "total": dict(zip(effects.events, total, strict=True)),
        "without_opinions": dict(zip(effects.events, findings, strict=True))
        if effects.opinions
        else None,
        "prior": _by(effects.events, effects.prior),
        "posterior": _by(effects.events, effects.posterior),
        "orders": effects.orders,
        "draws": effects.draws,
        "ess": effects.ess,
        "pareto_k": effects.pareto_k,
    }


def _of_item(effects: evidence_effects.EvidenceEffects, i: int) -> ByEvent[EvidenceEffect]:
    return {
        event: {
            "alone": _pair(effects.alone.bits[i, e], effects.alone.error[i, e]),
            "left_out": _pair(effects.left_out.bits[i, e], effects.left_out.error[i, e]),
            "average": _pair(effects.average.bits[i, e], effects.average.error[i, e]),
        }
        for e, event in enumerate(effects.events)
    }


def _pair(mean: float, error: float) -> WithError | None:
    return {"mean": float(mean), "error": float(error)} if np.isfinite(mean) else None


def _by(events: Sequence[Event], numbers: Iterable[float]) -> ByEvent[float]:
    return {event: float(x) for event, x in zip(events, numbers, strict=True)}


def largest(entry: ScaledEvents, events: Sequence[Headline]) -> float:
    """Give the largest of an entry's sensitivities."""
    return max(float(entry[event]["sensitivity"] or 0.0) for event in events)
