"""Where in training a part is worth most: the document of `storyodds placement --json`."""

from collections.abc import Mapping, Sequence

from storyodds.models.assessment.assessment import Assessment, Progress
from storyodds.models.changes.what_if import Base, Changed, base_of
from storyodds.models.sensitivity.placement import Placement, placements
from storyodds.models.story.events import EVENTS
from storyodds.models.value.by_stage import observations_by_stage
from storyodds.models.value.information import value_of_information
from storyodds.priors.text.errors import InputError, Problem
from storyodds.reports.contract.placement import (
    BestStage,
    PlacedObservation,
    PlacedOdds,
    PlacedPart,
    PlacementOdds,
    Placements,
    StageGain,
)
from storyodds.reports.contract.value import Gain
from storyodds.reports.documents.head import diagnostics, head
from storyodds.reports.documents.opinions import opinion_totals
from storyodds.reports.documents.value import usual_odds
from storyodds.scenarios.provenance import provenance
from storyodds.scenarios.story import Story

SCHEMA = "storyodds/placement/1"
_SURE = 3.0  # errors that a difference has to exceed: one of a thousand does so by chance


def summarize_placement(assessment: Assessment, progress: Progress | None = None) -> Placements:
    """Give where parts are worth most as the object of `storyodds placement --json`.

    Parameters
    ----------
    assessment : Assessment
        Of a story in stages with its proposals, summed exactly.
    progress : callable, optional
        Called with (stage, steps done, steps in all).

    Returns
    -------
    Placements
        Plain lists, mappings, texts and finite numbers.

    Raises
    ------
    InputError
        If the story's training has one stage only.
    UnsupportedStoryError
        If the story was simulated.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> placed = summarize_placement(assess(resolve(load_story("staged-rlhf-assistant")), draws=64))
    >>> audit = placed["parts"][-1]
    >>> audit["id"], audit["stages"], audit["best"]["catastrophe"]
    ('blind-audit', ['reinforcement'], 'reinforcement')
    """
    story = assessment.prepared.resolved.story
    require_stages(story)
    base = base_of(assessment)
    of = usual_odds(story.kind)
    return {
        **head(assessment, SCHEMA),
        "opinions": opinion_totals(assessment),
        "training": list(story.stages or ()),
        "now": _as_written(base),
        "of": of,
        "parts": [_part(base, story, placed) for placed in placements(base, progress)],
        "observations": _observations(assessment, of),
        "provenance": provenance(assessment.prepared.resolved),
        "diagnostics": diagnostics(assessment),
    }


def require_stages(story: Story) -> None:
    """Refuse a story of which no part can stand in another stage.

    Raises
    ------
    InputError

    Examples
    --------
    >>> from storyodds import load_story
    >>> require_stages(load_story("cat-classifier"))
    Traceback (most recent call last):
    ...
    storyodds.priors.text.errors.InputError: cat-classifier: found training in one step, ...
    """
    if len(story.stages or ()) < 2:
        raise InputError(
            [
                Problem(
                    f"{story.story}: found training in one step, expected `stages` at the top of "
                    "the story, of which a part can stand in one or another"
                )
            ]
        )


def _as_written(base: Base) -> PlacementOdds:
    def odds(event: str) -> PlacedOdds:
        return {"mean": float(base.means[EVENTS.index(event)]), "change": 0.0, "error": 0.0}

    return {"success": odds("success"), "catastrophe": odds("catastrophe")}


def _odds(base: Base, changed: Changed | None) -> PlacementOdds | None:
    if changed is None:
        return None

    def odds(event: str) -> PlacedOdds:
        k = EVENTS.index(event)
        return {
            "mean": float(changed.means[k]),
            "change": float(changed.means[k] - base.means[k]),
            "error": float(changed.errors[k]),
        }

    return {"success": odds("success"), "catastrophe": odds("catastrophe")}


def _part(base: Base, story: Story, placed: Placement) -> PlacedPart:
    claims = {constraint.id: constraint.claim for constraint in story.rationale.constraints}
    claims |= {nudge.id: nudge.claim for nudge in story.rationale.nudges}
    claims |= {check.id: check.claim for check in story.checks}
    by_stage = {stage: _odds(base, changed) for stage, changed in placed.by_stage.items()}
    everywhere: dict[str | None, PlacementOdds | None] = dict(by_stage.items())
    if len(placed.stages) != 1:  # otherwise the story as it is written has it in one of them
        everywhere[None] = _as_written(base)
    best: BestStage = {
        "success": _best({s: o["success"] for s, o in everywhere.items() if o}, 1.0),
        "catastrophe": _best({s: o["catastrophe"] for s, o in everywhere.items() if o}, -1.0),
    }
    return {
        "part": placed.part,
        "id": placed.id,
        "claim": " ".join(claims[placed.id].split()),
        "stages": list(placed.stages),
        "without": _odds(base, placed.without),
        "by_stage": [{"stage": stage, "odds": odds} for stage, odds in by_stage.items()],
        "best": best,
    }


def _best(odds: Mapping[str | None, PlacedOdds], sign: float) -> str | None:
    """Where odds are the largest for sure, or the smallest; None where the story as it is wins."""
    return _largest({s: (sign * o["change"], o["error"]) for s, o in odds.items()})


def _largest(amounts: Mapping[str | None, tuple[float, float]]) -> str | None:
    """Which amount is the largest by more than its error and that of each other one allow."""
    if not amounts:
        return None
    first = max(amounts, key=lambda stage: amounts[stage][0])
    most, error = amounts[first]
    rest = [amounts[stage] for stage in amounts if stage != first]
    return first if all(most - x > _SURE * (error + e) for x, e in rest) else None


def _observations(assessment: Assessment, of: str) -> list[PlacedObservation]:
    by_stage = observations_by_stage(assessment.prepared)
    every = [(stage, one) for stage, several in by_stage.items() for one in several]
    if not every:
        return []
    value = value_of_information(assessment, [one for _, one in every], of=of)
    gains: dict[str, list[StageGain]] = {}
    claims: dict[str, str] = {}
    for (stage, one), amount, error in zip(
        every, value.bits.proposals.amount, value.bits.proposals.error, strict=True
    ):
        claims[one.proposal.id] = " ".join(one.proposal.claim.split())
        gain: Gain = {"value": max(0.0, float(amount)), "error": float(error)}
        gains.setdefault(one.proposal.id, []).append({"stage": stage, "bits": gain})
    return [
        {"id": name, "claim": claims[name], "by_stage": rows, "best": _most_telling(rows)}
        for name, rows in gains.items()
    ]


def _most_telling(rows: Sequence[StageGain]) -> str | None:
    return _largest({row["stage"]: (row["bits"]["value"], row["bits"]["error"]) for row in rows})
