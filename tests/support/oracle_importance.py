"""What the importance measures mean, by plain enumeration."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from storyodds.scenarios.schema import Story
from support.oracle import condition
from support.oracle_process import (
    Literals,
    Run,
    chance_of_flag,
    minimal_literal_sets,
    prior_runs,
    spec_of,
)

type Literal = tuple[str, bool]


@dataclass(frozen=True)
class Joints:
    """An event with every literal: probabilities, given the evidence.

    `paths` has no entry for composites, of which no minimal set speaks.
    """

    event: float
    chances: Mapping[Literal, float]
    joint: Mapping[Literal, float]
    paths: Mapping[Literal, float]


def joints(story: Story, events: Sequence[str]) -> list[Joints]:
    """Answer a story of fixed numbers, event by event."""
    runs, _ = condition(story, prior_runs(story), collapse=False)
    return [_joints(story, runs, event) for event in events]


def _joints(story: Story, runs: Sequence[Run], event: str) -> Joints:
    said = [(name, value) for name in story.assumptions for value in (True, False)]
    ways: dict[str, set[Literals]] = {}

    def came_by(run: Run) -> set[Literals]:
        gate = run.hazard if event == "catastrophe" and run.hazard is not None else run.route
        if gate.id not in ways:
            ways[gate.id] = minimal_literal_sets(story, gate.requires)
        return {way for way in ways[gate.id] if all(run.truth[key] is want for key, want in way)}

    def share_of(run: Run) -> float:
        if event != "catastrophe":
            return float(run.route.class_ == event)
        # Check by check: 1 less the chance of any flag has no digits where a flag is all but sure.
        passed = (1.0 - chance_of_flag((one,), run.route, run.hazard) for one in story.checks)
        return math.prod(passed) * run.harm

    whole, chances, joint, paths = 0.0, dict.fromkeys(said, 0.0), dict.fromkeys(said, 0.0), {}
    for run in runs:
        share = share_of(run)
        whole += run.weight * share
        holding = came_by(run) if share else set()
        for literal in said:
            if run.truth[literal[0]] is literal[1]:
                chances[literal] += run.weight
                joint[literal] += run.weight * share
            if spec_of(story, literal[0]).holds_when is None:
                paths.setdefault(literal, 0.0)
                if any(literal in way for way in holding):
                    paths[literal] += run.weight * share
    return Joints(whole, chances, joint, paths)


def mean_of(found: Sequence[Joints], weights: Iterable[float]) -> Joints:
    """Average over draws, joint probability by joint probability."""

    shares = list(weights)

    def mean(values: Sequence[float]) -> float:
        return sum(w * x for w, x in zip(shares, values, strict=True)) / sum(shares)

    def table(name: str) -> dict[Literal, float]:
        keys = getattr(found[0], name)
        return {key: mean([getattr(each, name)[key] for each in found]) for key in keys}

    return Joints(
        mean([each.event for each in found]), table("chances"), table("joint"), table("paths")
    )


def measures(found: Joints, literal: Literal) -> dict[str, float | None]:
    """Every measure by its definition; None where a condition has probability 0."""
    opposite = (literal[0], not literal[1])
    p, q = found.chances[literal], found.chances[opposite]
    if_true = found.joint[literal] / p if p > 0 else None
    if_false = found.joint[opposite] / q if q > 0 else None
    both = None if if_true is None or if_false is None else if_true - if_false
    some = found.event > 0

    def per_event(x: float | None) -> float | None:
        return None if x is None or not some else x / found.event

    reduction = None
    if some and if_false is not None:
        reduction = found.event / if_false if if_false > 0 else float("inf")
    return {
        "if_true": if_true,
        "if_false": if_false,
        "birnbaum": both,
        "criticality": per_event(None if both is None else both * p),
        "diagnosis": per_event(found.joint[literal]),
        "fussell_vesely": per_event(found.paths.get(literal)),
        "risk_achievement_worth": per_event(if_true),
        "risk_reduction_worth": reduction,
    }
