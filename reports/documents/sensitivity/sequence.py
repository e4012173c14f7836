"""The odds as the evidence came in."""

from storyodds.models.sensitivity.evidence_sequence import EvidenceSequence
from storyodds.reports.contract.sensitivity.trust import (
    EvidenceSequencePart,
    EvidenceStep,
    StepOdds,
)


def summarize_sequence(found: EvidenceSequence) -> EvidenceSequencePart:
    """Give the odds as the evidence came in as plain data.

    Parameters
    ----------
    found : EvidenceSequence

    Returns
    -------
    EvidenceSequencePart

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.models.sensitivity.evidence_sequence import evidence_sequence
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessed = assess(resolve(load_story("carlsmith-six-premises")))
    >>> steps = summarize_sequence(evidence_sequence(assessed))["steps"]
    >>> [(step["item"], round(step["odds"]["catastrophe"]["mean"], 4)) for step in steps]
    [(None, 0.0514)]
    """
    steps: list[EvidenceStep] = [
        {
            "item": item,
            "opinion": item in found.opinions,
            "odds": {event: _odds(found, k, e) for e, event in enumerate(found.events)},
            "ess": float(found.ess[k]),
            "pareto_k": found.pareto_k[k],
            "ok": found.trusted[k],
        }
        for k, item in enumerate((None, *found.items))
    ]
    return {"steps": steps, "draws": found.draws}


def _odds(found: EvidenceSequence, k: int, e: int) -> StepOdds:
    low, median, high = found.quantiles[k, e].tolist()  # by `LEVELS`
    return {
        "mean": float(found.mean[k, e]),
        "q05": low,
        "median": median,
        "q95": high,
        "error": float(found.error[k, e]),
        "change_error": float(found.change_error[k - 1, e]) if k else None,
    }
