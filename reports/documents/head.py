"""What every document begins with: the story, how it was computed, and how good that is."""

import platform
from functools import cache
from importlib.metadata import version
from typing import cast

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.posterior.draws import Computed
from storyodds.reports.contract.head import Diagnostics, Head, NumberCounts
from storyodds.reports.documents.opinions import why_idle
from storyodds.scenarios.provenance import (
    changed_by_view,
    story_numbers,
)
from storyodds.scenarios.serialize import digest

_version = cache(version)


def head(assessment: Assessment, schema: str) -> Head:
    """Give what every JSON object about a story starts with: which story, and how computed."""
    resolved, method = assessment.prepared.resolved, assessment.draws.method
    return {
        "schema": schema,
        "story": resolved.story.story,
        "title": resolved.story.title,
        "story_sha256": digest(resolved.written),
        "view": resolved.view,
        "settings": dict(resolved.settings),
        "kind": resolved.story.kind,
        "number_counts": number_counts(assessment),
        "idle_evidence": {
            item.id: why
            for i, item in enumerate(assessment.prepared.graph.evidence)
            if (why := why_idle(assessment, i)) is not None
        },
        "method": method,
        "seed": assessment.seed,
        "versions": versions(method),
    }


def number_counts(assessment: Assessment) -> NumberCounts:
    """Count the numbers of a story, in the one way in which everything counts them.

    Parameters
    ----------
    assessment : Assessment

    Returns
    -------
    NumberCounts

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> number_counts(assess(resolve(load_story("carlsmith-six-premises"))))
    {'in_all': 15, 'uncertain_in_all': 0, 'changed_by_view': None}
    """
    prepared = assessment.prepared
    return {
        "in_all": len(story_numbers(prepared.resolved)),
        "uncertain_in_all": sum(i not in prepared.own for i in prepared.uncertain),
        "changed_by_view": changed_by_view(prepared.resolved),
    }


def diagnostics(assessment: Assessment) -> Diagnostics:
    """Give what says whether the draws can be relied on."""
    draws = assessment.draws
    entries = {"ok": draws.ok, **draws.diagnostics, "messages": list(draws.messages)}
    return cast(Diagnostics, entries)  # each method has keys of its own


def versions(method: Computed) -> dict[str, str]:
    """Give the versions of what takes part in a way of computing."""
    used = {
        "exact": [],
        "weighting": ["arviz-stats"],
        "nuts": ["arviz-stats", "nutpie"],
        "simulation": ["arviz-stats"],
    }[method]
    names = ["storyodds", "numpy", "scipy", *used]
    return {"python": platform.python_version(), **{name: _version(name) for name in names}}
