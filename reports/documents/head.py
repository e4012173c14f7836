"""What every document begins with: the story, how it was computed, and how good that is."""

import platform
from functools import cache
from importlib.metadata import version
from typing import cast

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.posterior.draws import Computed
from storyodds.priors.distributions.families import Point
from storyodds.reports.contract.head import (
    CorrelatedNumbers,
    CorrelationsOfHead,
    Diagnostics,
    Head,
    NumberCounts,
)
from storyodds.reports.documents.opinions import why_idle
from storyodds.scenarios.provenance import (
    changed_by_view,
    plain_source,
    story_numbers,
)
from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.serialize import digest

_version = cache(version)


def head(assessment: Assessment, schema: str) -> Head:
    """Give what every JSON object about a story starts with: which story, and how computed."""
    resolved, method = assessment.prepared.resolved, assessment.draws.method
    correlated = correlated_numbers(resolved)
    together: CorrelationsOfHead = {"correlations": correlated} if correlated else {}
    return {
        "schema": schema,
        "story": resolved.story.story,
        "title": resolved.story.title,
        "story_sha256": digest(resolved.written),
        "view": resolved.view,
        "settings": dict(resolved.settings),
        "kind": resolved.story.kind,
        "number_counts": number_counts(assessment),
        **together,
        "idle_evidence": {
            item.id: why
            for i, item in enumerate(assessment.prepared.graph.evidence)
            if (why := why_idle(assessment, i)) is not None
        },
        "method": method,
        "seed": assessment.seed,
        "versions": versions(method),
    }


def correlated_numbers(resolved: ResolvedStory) -> list[CorrelatedNumbers]:
    """Give the numbers that a story says go together, as plain data.

    Parameters
    ----------
    resolved : ResolvedStory

    Returns
    -------
    list of CorrelatedNumbers
        In the order of the story, without parts that are switched off.
    """
    fixed = {n.name for n in resolved.numbers if isinstance(n.distribution, Point)}
    return [
        {
            "id": str(block.id),
            "between": list(block.between),
            "rank": block.rank,
            "fixed": [name for name in block.between if name in fixed],
            "source": plain_source(block.source),
            "note": block.note,
        }
        for block in resolved.correlations
    ]


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
