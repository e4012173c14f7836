"""What the forecasts of a story do, which are opinions, and what evidence does nothing at all."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.engine.quantities import Quantities
from storyodds.models.posterior.evidence import forecast_log_odds
from storyodds.models.posterior.shared_rates import table_at
from storyodds.models.story.events import FATES
from storyodds.reports.contract.head import Opinions
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.documents.picks import column_of, event_of, odds_on_the_day
from storyodds.reports.documents.summaries import (
    Pick,
    summarize_both,
    summarize_ratio,
)
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.resolve import ResolvedStory

Array = NDArray[np.float64]

FIXED = "it is about a number that is fixed"
CERTAIN = "it is about an assumption that is certain, one way or the other"
ALIKE = "it is as likely under everything that the story holds possible"
_ROUNDING = 1e-9  # nats: logs that differ by less are the same but for rounding


def forecasts(assessment: Assessment) -> list[str]:
    """List the evidence items that are forecasts, by id."""
    return [i.id for i in assessment.prepared.graph.evidence if i.form == "forecast"]


def without_opinions(assessment: Assessment) -> tuple[Quantities, Quantities]:
    """Compute the quantities of a story by its findings alone.

    Forecasts bear on numbers that are sampled and on nothing else. So draws from the prior count
    by what the findings make of them; draws that followed the forecasts are made anew, and so are
    all where forecasts leave nothing of some, which then have no weight to be given back.

    Parameters
    ----------
    assessment : Assessment

    Returns
    -------
    tuple of Quantities
        Those of which means are taken, and those of which quantiles are.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessed = assess(resolve(load_story("rlhf-assistant")), draws=256)
    >>> averaged, _ = without_opinions(assessed)
    >>> round(float(averaged.weights.sum()), 6)
    1.0
    """
    averaged, exact = assessment.averaged, assessment.exact
    if assessment.draws.method == "nuts" or not np.isfinite(assessment.opinions).all():
        again = assess(_without_forecasts(assessment.prepared.resolved), seed=assessment.seed)
        return again.averaged, again.exact
    with np.errstate(divide="ignore"):  # a draw that the findings rule out
        logs = np.log(averaged.weights) - assessment.opinions
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    if len(averaged.weights) == len(exact.weights):
        return replace(averaged, weights=weights), replace(exact, weights=weights)
    return averaged, exact


def _without_forecasts(resolved: ResolvedStory) -> ResolvedStory:
    findings = tuple(item for item in resolved.story.evidence if item.forecast is None)
    return replace(resolved, story=resolved.story.model_copy(update={"evidence": findings}))


def why_idle(assessment: Assessment, item: int) -> str | None:
    """Give the reason why an evidence item can change no odds; None where it can.

    Parameters
    ----------
    assessment : Assessment
    item : int
        Which of the story's evidence items.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessed = assess(resolve(load_story("cat-classifier")), draws=64)
    >>> why_idle(assessed, 0) is None
    True
    """
    prepared, prior = assessment.prepared, assessment.prior
    evidence = prepared.graph.evidence[item]
    if evidence.form == "forecast":
        odds = forecast_log_odds(prior, item)
        spread = np.ptp(np.where(np.isfinite(odds), odds, 0.0))
        return FIXED if spread <= _ROUNDING else None
    likelihood = prepared.tables[item]
    assert likelihood is not None
    table = table_at(likelihood, prior.values)
    if evidence.subject == "assumption" and not evidence.rows:  # of which it may tell as well
        true = prior.assumptions[:, list(evidence.targets)]
        if np.all((true <= 0) | (true >= 1)):
            return CERTAIN
    elif not evidence.rows:
        table = table[:, (prior.routes > 0).any(axis=0)]
    return ALIKE if np.all(np.ptp(table, axis=1) <= _ROUNDING) else None


def opinion_totals(assessment: Assessment) -> Opinions | None:
    """Give the odds without the forecasts, which are opinions and no findings.

    Parameters
    ----------
    assessment : Assessment

    Returns
    -------
    Opinions or None
        None where the story has no forecasts.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> opinion_totals(assess(resolve(load_story("carlsmith-six-premises")))) is None
    True
    """
    names = forecasts(assessment)
    if not names:
        return None
    averaged, exact = without_opinions(assessment)

    def of(pick: Pick) -> Summary:
        return summarize_both(averaged, exact, pick)

    def ratio(part: Pick, whole: Pick) -> Summary | None:
        return summarize_ratio(averaged, exact, part, whole)

    items = assessment.prepared.graph.evidence
    return {
        "forecasts": names,
        "idle": [
            item.id
            for i, item in enumerate(items)
            if item.id in names and why_idle(assessment, i) is not None
        ],
        "classes": {name: of(column_of(lambda q: q.classes, c)) for c, name in enumerate(CLASSES)},
        "fates": {name: of(event_of(name)) for name in FATES},
        "deployed": odds_on_the_day(of, ratio),
    }
