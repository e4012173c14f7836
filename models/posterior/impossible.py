"""Evidence that cannot have come about under a story."""

import numpy as np

from storyodds.models.posterior.answers import Exact
from storyodds.models.posterior.independent_answers import Independent
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.posterior.questions import log_evidence_at
from storyodds.priors.text.errors import Mistake, Problem


def impossibility(prepared: PreparedStory) -> Problem:
    """The mistake of a story whose evidence cannot have come about under it, with its place."""
    story = prepared.resolved.story
    mistake = Mistake(("evidence",), _impossible_evidence(prepared))
    if story.document is None:
        return Problem(f"evidence: {mistake.sentence}")
    return story.document.problem(mistake)


def _impossible_evidence(prepared: PreparedStory) -> str:
    graph = prepared.graph
    forecasts = [graph.evidence[i].id for i in graph.forecasts]
    results = [check.id for check in graph.checks if check.result is not None]
    items = ", ".join([*results, *(item.id for item in graph.evidence)])
    exact = isinstance(prepared.answers, Exact | Independent)
    if exact and forecasts and _is_possible(prepared, forecasts=False):
        return (
            f"found a forecast ({', '.join(forecasts)}) of what this story is certain of, "
            "which makes it impossible, expected one of something open; put a number a little "
            "inside 0 and 1 (0.999 for 1) where the story or a setting says 0 or 1"
        )
    if not exact:
        return (
            f"found observations ({items}) that none of the simulated states can explain, expected "
            "some under which all of them can come about; more --draws simulate more states, and "
            "only a method that sums exactly can say that there is none"
        )
    return (
        "found observations that this story makes impossible (P(evidence) is exactly "
        f"0 among {items}), expected at least one route and truth value under which all of them "
        "can come about"
    )


def possible_at_all(prepared: PreparedStory) -> bool:
    """Whether the evidence of a story, summed exactly, can come about under any of its numbers."""
    return _is_possible(prepared, forecasts=True)


def _is_possible(prepared: PreparedStory, *, forecasts: bool) -> bool:
    """Settle it at one draw.

    Where what is integrated out stands at its mean, nothing is 0 that is not 0 at almost every
    draw, and bits make nothing 0.
    """
    values = prepared.center[None].copy()
    return bool(np.isfinite(log_evidence_at(prepared, values, forecasts=forecasts))[0])
