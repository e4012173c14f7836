"""What the evidence says, item by item."""

from collections.abc import Mapping

import numpy as np

from storyodds.models.posterior.prepared import log_likelihood_bound
from storyodds.reports.contract.estimate import (
    Evidence,
    EvidenceItem,
)
from storyodds.reports.documents.estimate.view import View
from storyodds.reports.documents.opinions import why_idle
from storyodds.reports.documents.picks import column_of
from storyodds.reports.documents.summaries import (
    finite,
)
from storyodds.reports.words.exposures import exposure_worth
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.provenance import (
    plain_source,
)
from storyodds.scenarios.story import Story

_TINY = np.log(1e6)  # nats below what the best-fitting hypotheses would give


def evidence(view: View) -> Evidence:
    """Return what the evidence says."""
    assessment = view.assessment
    story = assessment.prepared.resolved.story
    log_probability = assessment.draws.log_evidence
    best = log_likelihood_bound(assessment.prepared)
    note = None
    if story.evidence and best - log_probability > _TINY:
        note = (
            f"P(evidence) is tiny: {_power_of_ten(best - log_probability)} times below what the "
            "best-fitting hypothesis of each item would give, so the items contradict each "
            "other or the story"
        )
    return {
        "log_probability": finite(log_probability),
        "log_probability_error": finite(assessment.draws.log_evidence_error),
        "note": note,
        "items": [*_results(view), *_findings(view)],
    }


def _results(view: View) -> list[EvidenceItem]:
    """Known results of checks, in the shape of evidence items."""
    return [
        {
            "id": check.id,
            "claim": check.claim,
            "result": check.result,
            "opinion": False,
            "idle": False,
            "why_idle": None,
            "bits": {name: view.assessment.item_bits[check.id][name] for name in CLASSES},
            "source": None,
        }
        for check in view.assessment.prepared.resolved.story.checks
        if check.result is not None
    ]


def _findings(view: View) -> list[EvidenceItem]:
    """Findings and forecasts."""
    prior: dict[str, float] = {
        name: view.prior(column_of(lambda q: q.classes, c))["mean"]
        for c, name in enumerate(CLASSES)
    }
    return [_finding(view, i, prior) for i in range(len(_story(view).evidence))]


def _finding(view: View, index: int, prior: Mapping[str, float]) -> EvidenceItem:
    item, assessment = _story(view).evidence[index], view.assessment
    record: EvidenceItem = {
        "id": item.id,
        "claim": item.claim,
        "result": None,
        "opinion": item.forecast is not None,
        "idle": item.forecast is not None and why_idle(assessment, index) is not None,
        "why_idle": why_idle(assessment, index),
        "bits": {name: assessment.item_bits[item.id][name] for name in CLASSES},
        "source": plain_source(item.source),
    }
    if item.exposure is not None:
        record["exposure"] = exposure_worth(item.exposure, assessment.item_bits[item.id], prior)
    return record


def _story(view: View) -> Story:
    return view.assessment.prepared.resolved.story


def _power_of_ten(nats: float) -> str:
    return f"10^{nats / np.log(10):.0f}"
