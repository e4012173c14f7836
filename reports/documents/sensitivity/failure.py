"""If a story fails: how, by how far, and where."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.assessment.concerns import concerns
from storyodds.models.changes.what_if import Base, base_of
from storyodds.models.importance.measures import literal_text
from storyodds.models.numerics import systematic
from storyodds.models.sensitivity import failure
from storyodds.models.sensitivity.distance_to_goal import Miss, misses
from storyodds.models.sensitivity.failure import ENDS, SAFE, NearMiss
from storyodds.models.sensitivity.worst_path import Flip, flips
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.reports.contract.sensitivity.failure import (
    FailureAssumption,
    FailureConcern,
    FailureMiss,
    FailurePart,
    FailureShare,
    HowItFails,
    MissedRoute,
    MissStatus,
    MissTarget,
    NearMisses,
    WorstPathFlip,
    WorstPathFlips,
)
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.documents.estimate.paths import path_record
from storyodds.reports.documents.summaries import (
    finite,
    summarize_draws,
    summarize_quotient,
)
from storyodds.scenarios.grammar.outcomes import CLASSES

Array = NDArray[np.float64]

SHARES: tuple[FailureShare, ...] = ("catastrophe", "safe", "deceptive")


PARTS = ("assumptions", "miss", "near_misses", "paths", "flips")


def summarize_failure(
    assessment: Assessment, base: Base | None = None, parts: Sequence[str] = PARTS
) -> FailurePart:
    """Say how, by how far and where a story fails.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly, not simulated.
    base : Base, optional
        Of this assessment, where it is at hand.
    parts : sequence of str
        What is told beyond `failure` and `given_failure`; the rest is not in the object.

    Returns
    -------
    FailurePart
        Plain lists, mappings, texts and finite numbers.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> found = summarize_failure(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> [round(found["given_failure"][name]["mean"], 4) for name in ("catastrophe", "safe")]
    [1.0, 0.0]
    """
    base = base_of(assessment) if base is None else base
    overall = failure.overall(assessment)
    works: dict[str, Callable[[], object]] = {
        "assumptions": partial(_assumptions, assessment),
        "miss": partial(_miss, assessment, base),
        "near_misses": partial(_near_misses, assessment, overall),
        "paths": partial(_paths, assessment, overall),
        "flips": partial(_flips, assessment),
    }
    sides = (
        _Side(overall[0], np.ones(len(overall[0])), assessment.averaged.weights),
        _Side(overall[1], np.ones(len(overall[1])), assessment.exact.weights),
    )
    return cast(FailurePart, {**_told(*sides), **{part: works[part]() for part in parts}})


@dataclass(frozen=True)
class _Side:
    """How the story ends where a condition holds, at draws that means or bands are taken of.

    Attributes
    ----------
    ends : (n_draws, 5) array
        By `ENDS`, joint with the condition.
    chance, weights : (n_draws,) array
        P(condition), and what each draw counts.
    """

    ends: Array
    chance: Array
    weights: Array

    def end(self, name: str) -> Array:
        """P(an end and the condition)."""
        return np.asarray(self.ends[:, ENDS.index(name)])

    @property
    def failed(self) -> Array:
        """P(failure and the condition)."""
        return self.end("safe") + self.end("catastrophe")


def _told(averaged: _Side, exact: _Side) -> HowItFails:
    """Summarize P(failure | condition), P(halted | condition) and the shares of failure."""

    def given(pick: Callable[[_Side], Array], whole: Callable[[_Side], Array]) -> Summary | None:
        means, drawn = ((pick(side), whole(side), side.weights) for side in (averaged, exact))
        return summarize_quotient(means, drawn)

    def share(name: str) -> Summary | None:
        return given(lambda side: side.end(name), lambda side: side.failed)

    return {
        "failure": given(lambda side: side.failed, lambda side: side.chance),
        "halted": given(lambda side: side.end("halted"), lambda side: side.chance),
        "given_failure": {name: share(name) for name in SHARES},
    }


def _assumptions(assessment: Assessment) -> list[FailureAssumption] | None:
    try:
        sides = failure.ends(assessment)
    except UnsupportedStoryError:
        return None
    graph = assessment.prepared.graph
    composites = {variable.name for variable in graph.variables if variable.formula is not None}
    listed: list[FailureAssumption] = []
    for v in graph.assumptions:
        name = sides[0].names[v]
        true, false = (
            [_side(getattr(side, key)[:, :, v], side.weights) for side in sides]
            for key in ("true", "false")
        )
        believed, drawn = true
        listed.append(
            {
                "assumption": name,
                "composite": name in composites,
                "probability": summarize_draws(
                    believed.chance, believed.weights, drawn.chance, drawn.weights
                ),
                "if_false": _told(*false),
                "if_true": _told(*true),
            }
        )
    return sorted(listed, key=_rank)


def _side(ends: Array, weights: Array) -> _Side:
    """How it ends with an assumption: deceptive is no end of its own."""
    exclusive = [k for k, name in enumerate(ENDS) if name != "deceptive"]
    return _Side(ends, ends[:, exclusive].sum(axis=1), weights)


def _rank(entry: FailureAssumption) -> float:
    share = entry["if_false"]["given_failure"]["catastrophe"]
    return math.inf if share is None else -round(share["mean"], 9)


def _miss(assessment: Assessment, base: Base) -> FailureMiss:
    exact = assessment.exact
    drawn = exact.values
    if np.ptp(exact.weights) > 0:
        drawn = drawn[systematic(exact.weights, len(drawn))]
    classes = base.means[: len(CLASSES)]
    return {
        "likeliest_class": CLASSES[int(classes.argmax())],
        "targets": {miss.target: _target(miss) for miss in misses(base, drawn)},
    }


def _target(miss: Miss) -> MissTarget:
    drawn = miss.by_draw
    complete = not np.isnan(drawn).any()
    levels = (
        np.quantile(drawn, [0.5, 0.05, 0.95], method="inverted_cdf") if complete else [np.nan] * 3
    )
    status: MissStatus = "not worked out"
    if not math.isnan(miss.bits):
        status = "found" if math.isfinite(miss.bits) else "out of reach"
        status = "never lost" if miss.bits == -math.inf else status
    median, low, high = (finite(level) for level in levels)
    return {
        "bits": finite(miss.bits),
        "median": median,
        "q05": low,
        "q95": high,
        "out_of_reach": float((drawn == np.inf).mean()) if complete else None,
        "never_lost": float((drawn == -np.inf).mean()) if complete else None,
        "status": status,
        "pareto_k": miss.pareto_k,
        "refitted": miss.refitted,
    }


def _near_misses(assessment: Assessment, overall: tuple[Array, Array]) -> NearMisses:
    missed = failure.near_misses(assessment)
    weights = assessment.averaged.weights, assessment.exact.weights
    sides = [
        _Side(ends, np.ones(len(ends)), counts)
        for ends, counts in zip(overall, weights, strict=True)
    ]
    parts: dict[str, list[Array]] = {"near": [], "far": [], "goal_reached": []}
    for side, evaluation in zip(sides, ("averaged", "exact"), strict=True):
        for key in ("near", "far"):
            routes = [getattr(m, evaluation).deployed for m in missed if m.near == (key == "near")]
            parts[key].append(np.sum([np.zeros(len(side.ends)), *routes], axis=0))
        rest = side.failed - parts["near"][-1] - parts["far"][-1]
        parts["goal_reached"].append(np.maximum(rest, 0))

    def share(name: str) -> Summary | None:
        means, drawn = (
            (part, side.failed, side.weights) for part, side in zip(parts[name], sides, strict=True)
        )
        return summarize_quotient(means, drawn)

    return {
        "threshold": SAFE,
        "share": share("near"),
        "far": share("far"),
        "goal_reached": share("goal_reached"),
        "routes": [_near_miss(miss, *weights) for miss in missed],
    }


def _near_miss(miss: NearMiss, weights: Array, exact_weights: Array) -> MissedRoute:
    averaged, exact = miss.averaged, miss.exact
    return {
        "route": miss.route,
        "probability": summarize_draws(
            averaged.probability, weights, exact.probability, exact_weights
        ),
        "no_catastrophe": summarize_quotient(
            (averaged.deployed - averaged.catastrophe, averaged.deployed, weights),
            (exact.deployed - exact.catastrophe, exact.deployed, exact_weights),
        ),
        "near": miss.near,
    }


def _paths(assessment: Assessment, overall: tuple[Array, Array]) -> list[FailureConcern]:
    ranked = concerns(assessment)
    weights, exact_weights = assessment.averaged.weights, assessment.exact.weights
    averaged, exact = (ends[:, ENDS.index("catastrophe")] for ends in overall)
    return [
        {
            "place": ranked.ranks.rank[k],
            **path_record(path),
            "concern": summarize_draws(
                ranked.averaged[k].concern, weights, ranked.exact[k].concern, exact_weights
            ),
            "share": summarize_quotient(
                (ranked.averaged[k].concern, averaged, weights),
                (ranked.exact[k].concern, exact, exact_weights),
            ),
            "share_top": float(ranked.ranks.share_top[k]),
            "overlaps": path.overlaps,
        }
        for k, path in enumerate(ranked.paths)
    ]


def _flips(assessment: Assessment) -> WorstPathFlips | None:
    try:
        changes = flips(assessment)
    except UnsupportedStoryError:
        return None
    return {
        "worst": [path_record(path) for path in changes.worst],
        "size": len(changes.listed[0].literals) if changes.listed else None,
        "found": [_flip(flip) for flip in changes.listed],
        "complete": changes.complete,
        "close": changes.close,
        "compared": changes.compared,
    }


def _flip(flip: Flip) -> WorstPathFlip:
    to = path_record(flip.worst)
    return {
        "literals": [literal_text(literal) for literal in flip.literals],
        "probability": flip.probability,
        "shuts": flip.shuts,
        "path": to["path"],
        "path_literals": to["literals"],
        "concern": flip.concern,
    }
