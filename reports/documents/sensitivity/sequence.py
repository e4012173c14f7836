"""The odds as the evidence came in: JSON, and on a terminal.

`summarize_sequence` gives, under the keys

steps
    A list, each given one finding more, in the order in which the story writes them: `item`, the
    last of these findings, null for the first step, which is given none; `opinion`, whether that is
    a forecast; by event of `odds` a summary, the `error` of its mean and, null for the first step,
    the `change_error` of its difference from the step before; `ess` and `pareto_k` of the draws
    behind it, and `ok`, whether these can be relied on. Both ends are those of the estimate. Known
    results of checks come last, together.
draws
    How many are behind the steps between both ends.
"""

from typing import Any

from storyodds.models.posterior.soundness import LEVELS
from storyodds.models.sensitivity.evidence_sequence import EvidenceSequence

_LEVELS = {0.05: "q05", 0.5: "median", 0.95: "q95"}


def summarize_sequence(found: EvidenceSequence) -> dict[str, Any]:
    """Give the odds as the evidence came in as plain data.

    Parameters
    ----------
    found : EvidenceSequence

    Returns
    -------
    dict

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
    steps = [
        {
            "item": item,
            "opinion": item in found.opinions,
            "odds": {
                event: {
                    "mean": float(found.mean[k, e]),
                    **{
                        _LEVELS[level]: float(x)
                        for level, x in zip(LEVELS, found.quantiles[k, e], strict=True)
                    },
                    "error": float(found.error[k, e]),
                    "change_error": float(found.change_error[k - 1, e]) if k else None,
                }
                for e, event in enumerate(found.events)
            },
            "ess": float(found.ess[k]),
            "pareto_k": found.pareto_k[k],
            "ok": found.trusted[k],
        }
        for k, item in enumerate((None, *found.items))
    ]
    return {"steps": steps, "draws": found.draws}
