"""What the odds owe to how a story is written: its parts, its splits, its independence."""

import math
from collections.abc import Iterable

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.what_if import Base, Changed, base_of
from storyodds.models.importance.measures import literal_text
from storyodds.models.sensitivity.dependence import Bound, Bounds, dependence_bounds, width
from storyodds.models.sensitivity.structure import Restated, leave_one_out, merge_rivals, restate
from storyodds.models.story.events import EVENTS
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.reports.contract.by_event import ByEvent
from storyodds.reports.contract.sensitivity.structure import (
    Dependence,
    DependenceBound,
    RestatedPath,
    StructureAnswer,
    StructurePart,
)
from storyodds.reports.documents.estimate.paths import path_record
from storyodds.reports.documents.summaries import finite
from storyodds.scenarios.grammar.outcomes import OutcomeClass


def summarize_structure(assessment: Assessment, base: Base | None = None) -> StructurePart:
    """Say what the odds owe to a story's parts, splits and independence.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly, not simulated.
    base : Base, optional
        Of this assessment, where it is at hand.

    Returns
    -------
    StructurePart
        Plain lists, mappings, texts and finite numbers.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> found = summarize_structure(assess(resolve(load_story("cat-classifier"))))
    >>> sorted(found)
    ['dependence', 'leave_one_out', 'merged', 'now', 'restated']
    """
    base = base_of(assessment) if base is None else base
    story = base.prepared.resolved.story
    rationale = story.rationale
    claims = {
        **{part.id: part.claim for part in rationale.constraints},
        **{part.id: part.claim for part in rationale.nudges},
        **{part.id: part.claim for part in story.checks},
        **{part.id: part.claim for part in story.evidence},
    }
    opinions = [item.id for item in story.evidence if item.forecast is not None]
    return {
        "now": _by_event(base.means),
        "leave_one_out": [
            {
                "part": variant.part,
                "id": variant.id,
                "claim": claims[variant.id],
                "opinion": variant.id in opinions,
                "answer": _answer(base, variant.changed),
            }
            for variant in leave_one_out(base)
        ],
        "merged": [
            {
                "routes": {name: list(routes) for name, routes in variant.routes.items()},
                "bits_by_number": {
                    name: _bits_by_number(base, variant.changed, name) for name in variant.routes
                },
                "answer": _answer(base, variant.changed),
            }
            for variant in merge_rivals(base)
        ],
        "restated": [_restated(path) for path in restate(assessment, base)],
        "dependence": _dependence(assessment),
    }


def _by_event(means: Iterable[float]) -> ByEvent[float]:
    return {name: float(mean) for name, mean in zip(EVENTS, means, strict=True)}


def _answer(base: Base, changed: Changed | None) -> StructureAnswer | None:
    if changed is None or not all(math.isfinite(mean) for mean in changed.means):
        return None
    return {
        "events": {
            name: {
                "mean": float(changed.means[e]),
                "difference": float(changed.means[e] - base.means[e]),
                "error": float(changed.errors[e]),
            }
            for e, name in enumerate(EVENTS)
        },
        "pareto_k": changed.pareto_k,
        "refitted": changed.refitted,
    }


def _bits_by_number(base: Base, changed: Changed | None, name: OutcomeClass) -> float | None:
    if changed is None:
        return None
    e = EVENTS.index(name)
    odds = []
    for means in (base.means, changed.means):
        yes, no = means[e], sum(means[:4]) - means[e]
        if not (yes > 0 and no > 0):
            return None
        odds.append(math.log2(yes / no))
    return float(odds[0] - odds[1])


def _restated(restatement: Restated) -> RestatedPath:
    n = len(restatement.path.literals)
    return {
        **path_record(restatement.path),
        "premises": n,
        "prior": restatement.prior,
        "posterior": restatement.posterior,
        "per_premise": restatement.per_premise,
        "fewer": [
            {"premises": m, "prior": restatement.per_premise**m, "events": _by_event(means)}
            for m, means in zip(range(n - 1, 0, -1), restatement.fewer, strict=True)
        ],
    }


def _dependence(assessment: Assessment) -> Dependence | None:
    try:
        bounds = dependence_bounds(assessment)
    except UnsupportedStoryError:
        return None
    return {"pairs": bounds.pairs, "bounds": [_bound(bounds, bound) for bound in bounds.listed]}


def _bound(bounds: Bounds, bound: Bound) -> DependenceBound:
    rows = zip(bound.paths, bound.paths_now, bound.paths_together, bound.paths_apart, strict=True)
    return {
        "literals": [literal_text(literal) for literal in bound.literals],
        "width": width(bound),
        "together": _answer(bounds.base, bound.together),
        "apart": _answer(bounds.base, bound.apart),
        "paths": [
            {**path_record(path), "now": float(now), "together": finite(up), "apart": finite(down)}
            for path, now, up, down in rows
        ],
    }
