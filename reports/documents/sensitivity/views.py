"""The same story under every view that says something about it, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.changes.evidence_draws import log_evidence_of_findings
from storyodds.models.changes.evidence_versions import findings_of, opinions_of
from storyodds.models.comparison.coupling import Beside, put_beside
from storyodds.models.comparison.sides import (
    EVENTS,
    Posterior,
    evidence_weights,
    of_assessment,
    rank_shares,
)
from storyodds.models.numerics import weighted_quantile
from storyodds.models.posterior.soundness import LEVELS
from storyodds.priors.library import view as load_view
from storyodds.priors.library import view_names
from storyodds.priors.text.errors import InputError, UnsupportedStoryError
from storyodds.reports.contract.by_event import ByEvent
from storyodds.reports.contract.comparison import Difference
from storyodds.reports.contract.sensitivity.views import ViewsPart
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.documents.comparison.order import RANKED
from storyodds.reports.documents.comparison.pairs import difference
from storyodds.scenarios.provenance import changed_by_view, story_numbers
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.story import Story
from storyodds.scenarios.switches import is_switch, with_off

Array = NDArray[np.float64]

DRAWS = 1024  # of every view, at the same numbers
AS_ASSESSED = "as assessed"


@dataclass(frozen=True)
class _Viewed:
    """A story under a view, or as it was assessed."""

    name: str
    title: str | None
    posterior: Posterior
    log_findings: float  # natural log of P(evidence) but for forecasts
    changed: int
    ok: bool


def summarize_views(
    story: Story,
    assessment: Assessment,
    *,
    settings: Mapping[str, object] | None = None,
    draws: int = DRAWS,
) -> ViewsPart:
    """Put a story beside itself under every view that ships with the project.

    Parameters
    ----------
    story : Story
    assessment : Assessment
        Of it, computed exactly; what the views are compared with.
    settings : mapping of str to PRIOR, optional
        Those of the assessment: they win over every view.
    draws : int
        Of each view.

    Returns
    -------
    ViewsPart

    Examples
    --------
    >>> from storyodds import load_story
    >>> story = load_story("rlhf-assistant")
    >>> found = summarize_views(story, assess(resolve(story), draws=256), draws=256)
    >>> [view["name"] for view in found["views"]]
    ['as assessed', 'advocate', 'carlsmith', 'sceptic', 'wide']
    """
    written = assessment.prepared.resolved
    settings = with_off(settings, filter(is_switch, written.settings))
    already = changed_by_view(written) or 0
    viewed, silent, impossible = [_viewed(AS_ASSESSED, None, assessment, already)], [], []
    for name in view_names():
        resolved = resolve(story, view=load_view(name), settings=settings)
        changed = changed_by_view(resolved) or 0
        if not changed:
            silent.append(name)
            continue
        try:
            again = assess(resolved, draws=draws, seed=assessment.seed, like=assessment.prepared)
            viewed.append(_viewed(name, load_view(name).title, again, changed))
        except UnsupportedStoryError:
            raise
        except InputError:  # told in the summary: the view rules the evidence out
            impossible.append(name)
    beside = put_beside([view.posterior for view in viewed], draws, assessment.seed)
    graph = assessment.prepared.graph
    weighed = len(findings_of(graph)) > len(opinions_of(graph))
    logs = [view.log_findings for view in viewed]
    weights = evidence_weights(logs)
    return {
        "views": [
            {
                "name": view.name,
                "title": view.title,
                "odds": _odds(view.posterior),
                "differences": _differences(viewed, beside, k) if k else None,
                "changed": view.changed,
                "bits": float((logs[k] - max(logs)) / np.log(2)) if weighed else None,
                "weight": float(weights[k]) if weighed else None,
            }
            for k, view in enumerate(viewed)
        ],
        "odds": _average(viewed, weights) if weighed else None,
        "numbers": len(story_numbers(written)),
        "silent": silent,
        "impossible": impossible,
        "ranks": {
            event: [
                {"name": view.name, "shares": [float(x) for x in shares]}
                for view, shares in zip(
                    viewed,
                    rank_shares(beside.events, event, least_first=event == "catastrophe"),
                    strict=True,
                )
            ]
            for event in RANKED
        }
        if len(viewed) > 1
        else None,
        "draws": int(beside.events.shape[1]),
        "ok": all(view.ok for view in viewed),
    }


def _viewed(name: str, title: str | None, assessment: Assessment, changed: int) -> _Viewed:
    drawn, n = assessment.draws, len(assessment.averaged.values)
    log_findings = log_evidence_of_findings(
        assessment.prepared, drawn.log_evidence, n, assessment.seed
    )
    return _Viewed(name, title, of_assessment(assessment), log_findings, changed, drawn.ok)


def _odds(posterior: Posterior) -> ByEvent[Summary]:
    return {
        event: _summary(float(posterior.means[e]), posterior.exact[:, e], posterior.weights)
        for e, event in enumerate(EVENTS)
    }


def _summary(mean: float, exact: Array, weights: Array) -> Summary:
    low, median, high = weighted_quantile(exact, np.array(LEVELS), weights).tolist()
    return {"mean": mean, "median": median, "q05": low, "q95": high}


def _differences(viewed: Sequence[_Viewed], beside: Beside, k: int) -> ByEvent[Difference]:
    means = viewed[k].posterior.means - viewed[0].posterior.means
    first, second = beside.of_two(0, k)
    return {
        event: difference(float(means[e]), first[:, e], second[:, e])
        for e, event in enumerate(EVENTS)
    }


def _average(viewed: Sequence[_Viewed], weights: Array) -> ByEvent[Summary]:
    posteriors = [view.posterior for view in viewed]
    exact = np.concatenate([posterior.exact for posterior in posteriors])
    shares = np.concatenate(
        [w * posterior.weights for w, posterior in zip(weights, posteriors, strict=True)]
    )
    means = weights @ np.stack([posterior.means for posterior in posteriors])
    return {event: _summary(float(means[e]), exact[:, e], shares) for e, event in enumerate(EVENTS)}
