"""Whether priors and evidence can be trusted, and what each item does: JSON, and on a terminal.

`summarize_trust` gives, under the keys

power_scaling
    `threshold` of a sensitivity; `base`, the posterior mean by event; `priors` and `evidence`, a
    list each, the largest sensitivity first and all together last: `name`; by event
    `sensitivity`, null where nothing uncertain bears on the event, `per_doubling` with its
    `error`, and the mean `at_half` and `at_double`, null where the weights behind it cannot be
    relied on; and `pareto_k`, `near` for the first two, `half` and `double`. An entry of a prior
    also has `itself`: how far the number itself moves with its `prior` and with the `evidence`,
    by how many standard deviations a doubled prior would `pull` it, and whether that makes a
    `conflict`; null for all priors together. One of evidence has `opinion`, whether it is a
    forecast. `no_density` names uncertain numbers that cannot be scaled. Numbers that only say how
    to read one finding are integrated out, and known results of checks stay as they are.
evidence_effects
    By item a list: `item`, and by event `alone`, `left_out` and `average`, in bits of log2 odds as
    `{"mean", "error"}`, null where the odds are undefined. Known results of checks are one item,
    the last. `opinions` names the items that are forecasts. `total`, by event, likewise, and
    `without_opinions`, of all but the forecasts, null where there are none; `prior` and
    `posterior`, the event's probability without evidence and with it; `orders`, null where the
    average is over all of them; `draws`, what they are worth in the end, `ess`, and `pareto_k`.
evidence_sequence
    As `storyodds.reports.documents.sensitivity.sequence` says.

Errors are Monte Carlo standard errors.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.evidence_versions import opinions_of
from storyodds.models.posterior.weighting import MAX_PARETO_K
from storyodds.models.sensitivity.evidence_effects import (
    ASKED,
    Effect,
    EvidenceEffects,
    evidence_effects,
)
from storyodds.models.sensitivity.evidence_sequence import HEADLINE, evidence_sequence
from storyodds.models.sensitivity.power_scaling import (
    ALL_EVIDENCE,
    ALL_PRIORS,
    THRESHOLD,
    PowerScaling,
    Scaling,
    power_scaling,
)
from storyodds.reports.documents.sensitivity.sequence import summarize_sequence
from storyodds.reports.documents.summaries import finite
from storyodds.reports.words.aliases import Json

TOGETHER = (ALL_PRIORS, ALL_EVIDENCE)
_FAR = ("at_half", "at_double")


def summarize_trust(assessment: Assessment, *, whole: bool = True) -> dict[str, Any]:
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
    dict

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
    effects = evidence_effects(assessment, ASKED if whole else HEADLINE)
    priors = _entries(scaled, scaled.priors, whole)
    evidence = _entries(scaled, scaled.evidence, whole)
    opinions = opinions_of(assessment.prepared.graph)
    for entry in evidence:
        entry["opinion"] = entry["name"] in opinions
    names = [] if scaled.priors is None else list(scaled.priors.names)
    for entry in priors if whole else ():
        entry["itself"] = None
        if entry["name"] != ALL_PRIORS:
            k = names.index(entry["name"])
            entry["itself"] = {
                "prior": float(scaled.of_itself[k, 0]),
                "evidence": float(scaled.of_itself[k, 1]),
                "pull": float(scaled.pulls[k]),
                "conflict": entry["name"] in scaled.conflicts,
            }
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


def _entries(scaled: PowerScaling, scaling: Scaling | None, whole: bool) -> list[dict[str, Any]]:
    if scaling is None:
        return []
    entries = []
    for c, name in enumerate(scaling.names):
        half, double = (finite(k) for k in scaling.pareto_k[c])
        entry: dict[str, Any] = {"name": name}
        for e, event in enumerate(scaled.events):
            entry[event] = {
                "sensitivity": finite(scaling.sensitivity[c, e]),
                "per_doubling": float(scaling.slope[c, e]),
                "error": float(scaling.slope_error[c, e]),
            }
            for end, k, mean in zip(_FAR, (half, double), scaling.means[c, :, e], strict=True):
                if whole:
                    relied_on = k is None or k <= MAX_PARETO_K
                    entry[event][end] = float(mean) if relied_on else None
        if whole:
            entry["pareto_k"] = {"near": finite(scaling.near_k[c]), "half": half, "double": double}
        entries.append(entry)
    events = scaled.events
    return sorted(
        entries,
        key=lambda x: (x["name"] in TOGETHER, -largest(x, events)),
    )


def _effects(found: EvidenceEffects) -> dict[str, Any]:
    def told(effect: Effect, i: int, e: int) -> dict[str, float] | None:
        return _pair(effect.bits[i, e], effect.error[i, e])

    items = [
        {
            "item": item,
            **{
                event: {
                    "alone": told(found.alone, i, e),
                    "left_out": told(found.left_out, i, e),
                    "average": told(found.average, i, e),
                }
                for e, event in enumerate(found.events)
            },
        }
        for i, item in enumerate(found.items)
    ]
    total, findings = (
        [_pair(*pair) for pair in zip(*pairs, strict=True)]
        for pairs in (
            (found.total, found.total_error),
            (found.findings, found.findings_error),
        )
    )
    return {
        "items": items,
        "opinions": list(found.opinions),
        "total": dict(zip(found.events, total, strict=True)),
        "without_opinions": dict(zip(found.events, findings, strict=True))
        if found.opinions
        else None,
        "prior": _by(found.events, found.prior),
        "posterior": _by(found.events, found.posterior),
        "orders": found.orders,
        "draws": found.draws,
        "ess": found.ess,
        "pareto_k": found.pareto_k,
    }


def _pair(mean: float, error: float) -> dict[str, float] | None:
    return {"mean": float(mean), "error": float(error)} if np.isfinite(mean) else None


def _by(events: Sequence[str], numbers: Any) -> dict[str, float]:
    return {event: float(x) for event, x in zip(events, numbers, strict=True)}


def largest(entry: Json, events: Sequence[str]) -> float:
    """Give the largest of an entry's sensitivities."""
    return max(float(entry[event]["sensitivity"] or 0.0) for event in events)
