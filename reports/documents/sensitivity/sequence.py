"""The odds as the evidence came in."""

from storyodds.models.sensitivity.evidence_sequence import EvidenceSequence
from storyodds.reports.contract.sensitivity.trust import (
    EvidenceSequencePart,
    EvidenceStep,
    StepOdds,
)


def summarize_sequence(sequence: EvidenceSequence) -> EvidenceSequencePart:
    """Give the odds as the evidence came in as plain data.

    Parameters
    ----------
    sequence : EvidenceSequence

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
            "opinion": item in sequence.opinions,
            "odds": {event: _odds(sequence, k, e) for e, event in enumerate(sequence.events)},
            "ess": float(sequence.ess[k]),
            "pareto_k": sequence.pareto_k[k],
            "ok": sequence.trusted[k],
        }
        for k, item in enumerate((None, *sequence.items))
    ]
    return {"steps": steps, "draws": sequence.draws}


def _odds(sequence: EvidenceSequence, k: int, e: int) -> StepOdds:
    low, median, high = sequence.quantiles[k, e].tolist()  # by `LEVELS`
    return {
        "mean": float(sequence.mean[k, e]),
        "q05": low,
        "median": median,
        "q95": high,
        "error": float(sequence.error[k, e]),
        "change_error": float(sequence.change_error[k - 1, e]) if k else None,
    }
