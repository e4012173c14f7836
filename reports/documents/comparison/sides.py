"""What can be compared: stories as assessed, and results that were saved."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.what_if import Base, base_of
from storyodds.models.comparison.order import DRAWS
from storyodds.models.comparison.sides import (
    DAY,
    EVENTS,
    Posterior,
    day_parts,
    log_findings,
    of_assessment,
)
from storyodds.reports.contract.by_event import ByEvent
from storyodds.reports.contract.comparison import SideHead, SideKind
from storyodds.reports.contract.estimate import SCHEMA
from storyodds.reports.contract.head import Diagnostics, Head, NumberCounts, Opinions
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.documents.head import diagnostics, head
from storyodds.reports.documents.opinions import opinion_totals
from storyodds.reports.documents.summaries import finite, summarize_draws, summarize_quotient
from storyodds.scenarios.provenance import NumberRecord, places_of, plain_source, provenance
from storyodds.scenarios.serialize import to_data
from storyodds.scenarios.story import Story

ENDINGS = (".nc", ".json")  # of saved results
AS_WRITTEN = "as written"


@dataclass(frozen=True)
class Side:
    """One thing that is compared.

    Attributes
    ----------
    name : str
    kind : {"story", "view", "result"}
    file : str or None
        Of a saved result.
    head : SideHead
    odds : mapping of str to Summary
        By event.
    posterior : Posterior or None
        None where no draws were kept.
    numbers : mapping of str to PRIOR as plain data
        Every number that somebody wrote down, as written.
    observed : mapping of str to plain data, or None
        What each finding and each check with a known result says; None where that was not kept.
    log_evidence, log_evidence_error : float or None
        Natural log of P(evidence), and its Monte Carlo standard error, where they are known.
    log_findings : float or None
        The same without opinions.
    diagnostics : Diagnostics
    base : Base or None
        Draws on which one of its numbers can be moved; None where the story is not at hand.
    why_alone : str or None
        Why a saved result could not be made again, so that its draws are independent.
    deployed : mapping of str to Summary, or None
        By `DAY`; None where every model is halted, or it was not kept.
    opinions, story_kind, number_counts
        As `opinions`, `kind` and `number_counts` in `storyodds/estimate/1`.
    """

    name: str
    kind: SideKind
    file: str | None
    head: SideHead
    odds: ByEvent[Summary]
    posterior: Posterior | None
    numbers: Mapping[str, object]
    observed: Mapping[str, object] | None
    log_evidence: float | None
    log_evidence_error: float | None
    log_findings: float | None
    diagnostics: Diagnostics
    base: Base | None = None
    why_alone: str | None = None
    deployed: dict[str, Summary] | None = None
    opinions: Opinions | None = None
    story_kind: str | None = None
    number_counts: NumberCounts | None = None


def story_side(assessment: Assessment, name: str, kind: SideKind = "story") -> Side:
    """Make a side of an assessment.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> side = story_side(assess(resolve(load_story("carlsmith-six-premises"))), "six premises")
    >>> round(side.odds["catastrophe"]["mean"], 4), side.log_evidence
    (0.0514, 0.0)
    """
    posterior, resolved = of_assessment(assessment), assessment.prepared.resolved
    state, numbers = diagnostics(assessment), numbers_of(provenance(resolved))
    beginning = head(assessment, SCHEMA)
    return Side(
        name=name,
        kind=kind,
        file=None,
        head=side_head(beginning),
        odds=summaries(posterior),
        posterior=posterior,
        numbers=numbers,
        observed=observations(resolved.story, numbers_by_place(provenance(resolved))),
        log_evidence=finite(assessment.draws.log_evidence),
        log_evidence_error=finite(assessment.draws.log_evidence_error),
        log_findings=log_findings(assessment),
        diagnostics=state,
        base=None if beginning["method"] == "simulation" else base_of(assessment, DRAWS),
        deployed=day_summaries(posterior),
        opinions=opinion_totals(assessment),
        story_kind=resolved.story.kind,
        number_counts=beginning["number_counts"],
    )


def side_head(document: Head) -> SideHead:
    """Give what of the beginning of a document a comparison keeps."""
    return {
        "story": document["story"],
        "title": document["title"],
        "story_sha256": document["story_sha256"],
        "view": document["view"],
        "settings": document["settings"],
        "method": document["method"],
    }


def summaries(posterior: Posterior) -> ByEvent[Summary]:
    """Summarize the odds of a side by event."""
    one = np.ones(1)
    return {
        event: summarize_draws(
            posterior.means[e : e + 1], one, posterior.exact[:, e], posterior.weights
        )
        for e, event in enumerate(EVENTS)
    }


def day_summaries(posterior: Posterior) -> dict[str, Summary] | None:
    """Summarize the odds on the day of the decision; None where every model is halted.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> found = day_summaries(of_assessment(assess(resolve(load_story("carlsmith-six-premises")))))
    >>> found["deployed"]["mean"], round(found["catastrophe-given-deployed"]["mean"], 4)
    (1.0, 0.0514)
    """
    one = np.ones(1)
    means, drawn = day_parts(posterior.means[None]), day_parts(posterior.exact)
    entries = {}
    for odds in DAY:
        (part, whole), (exact_part, exact_whole) = means[odds], drawn[odds]
        entry = summarize_quotient((part, whole, one), (exact_part, exact_whole, posterior.weights))
        if entry is None:
            return None
        entries[odds] = entry
    return entries


def observations(story: Story, numbers: Mapping[str, object]) -> dict[str, object]:
    """Give what each finding of a story observed, and where that was published.

    Rates are left out: they say how a story explains an observation. Of a Bayes factor its bits
    belong to it, which are all that it says. Forecasts are opinions and observe nothing.

    Parameters
    ----------
    story : Story
    numbers : mapping of str to PRIOR as plain data
        By the place where they stand, views and settings applied.

    Examples
    --------
    >>> from storyodds import load_story
    >>> observations(load_story("coinrun-agent"), {})["seed-flips-preference"]["counts"]
    {'hits': 1, 'trials': 1}
    """
    observed: dict[str, object] = {c.id: {"result": c.result} for c in story.checks if c.result}
    for item, data in zip(story.evidence, to_data(story).get("evidence", []), strict=True):
        if item.forecast is not None:
            continue
        source = {k: v for k, v in (plain_source(item.source) or {}).items() if k != "note"}
        keys = ("counts",) if item.counts else ("exposure",) if item.exposure else ("about",)
        record = {key: data[key] for key in keys}
        if item.bayes_factor is not None:
            start = f"{item.id}.bayes_factor."
            record["bayes_factor"] = {k: v for k, v in numbers.items() if k.startswith(start)}
        observed[item.id] = _plain({**record, "source": source})
    return observed


def numbers_of(written: Iterable[NumberRecord]) -> dict[str, object]:
    """Numbers as written, by name, out of what `provenance` gives."""
    return {entry["name"]: _plain(entry["form"]) for entry in written}


def numbers_by_place(written: Iterable[NumberRecord]) -> dict[str, Any]:
    """Numbers as written, by every place where they stand."""
    return {place: _plain(entry["form"]) for entry in written for place in places_of(entry)}


def _plain(data: object) -> Any:
    """As it would be read back from JSON."""
    return json.loads(json.dumps(data))
