"""What the importance measures mean, by plain enumeration."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.schema import Hazard, Route
from storyodds.scenarios.story import Story
from support.oracle_findings import condition
from support.oracle_process import (
    FATES,
    Literals,
    Run,
    all_routes,
    chance_of_any,
    harm_of,
    minimal_literal_sets,
    prior_runs,
    spec_of,
)

type Literal = tuple[str, bool]

GIVEN = "-given-deployed"
ROUNDING = 1e-9  # of a chance: an assumption that makes a smaller difference makes none


@dataclass(frozen=True)
class Joints:
    """An event with every literal: probabilities, given the evidence.

    All of it given that the model is deployed, where the event's name says so; `whole` is P(that)
    and 1 elsewhere. `paths` is the event brought about by a gate that a minimal literal set with
    the literal opens: the route of an ending; for a catastrophe, a route or hazard whose own harm
    came about. It has no entry for composites, of which no minimal set speaks; for assumptions in
    no minimal set on which the event depends all the same; and for fates other than catastrophe.
    """

    event: float
    chances: Mapping[Literal, float]
    joint: Mapping[Literal, float]
    paths: Mapping[Literal, float]
    whole: float = 1.0


def joints(story: Story, events: Sequence[str], *, collapse: bool = False) -> list[Joints]:
    """Answer a story of fixed numbers, event by event; `collapse` is as for `solve`."""
    runs, _ = condition(story, prior_runs(story), collapse)
    gates = (*all_routes(story), *story.goal.hazards)
    ways = {gate.id: minimal_literal_sets(story, gate.requires) for gate in gates}
    return [_given(story, runs, ways, event) for event in events]


def _given(
    story: Story, runs: Sequence[Run], ways: Mapping[str, set[Literals]], event: str
) -> Joints:
    """Condition on being deployed where the event says so."""
    name = event.removesuffix(GIVEN)
    if name == event:
        return _joints(story, runs, ways, event)
    whole = math.fsum(run.weight * run.passed for run in runs)
    if whole == 0.0:
        return Joints(math.nan, {}, {}, {}, 0.0)
    deployed = [
        replace(run, weight=run.weight * run.passed / whole, verdicts={frozenset(): 1.0})
        for run in runs
    ]
    return replace(_joints(story, deployed, ways, name), whole=whole)


def _joints(
    story: Story, runs: Sequence[Run], ways: Mapping[str, set[Literals]], event: str
) -> Joints:
    literals = [(name, value) for name in story.assumptions for value in (True, False)]

    def opened_with(gate: Route | Hazard, literal: Literal, run: Run) -> bool:
        """Whether a minimal set with the literal opened a gate in this run."""
        return any(
            literal in way and all(run.truth[name] is want for name, want in way)
            for way in ways[gate.id]
        )

    def share_of(run: Run) -> float:
        """P(the event | run)."""
        if event == "deployed":
            return run.passed
        return run.fate(event) if event in FATES else float(run.route.class_ == event)

    def share_by(literal: Literal, run: Run) -> float:
        """P(the event, brought about by a gate that was opened with the literal | run)."""
        if event != "catastrophe":
            return share_of(run) if opened_with(run.route, literal, run) else 0.0
        causes = [gate for gate in (run.route, *run.fired) if opened_with(gate, literal, run)]
        return run.passed * chance_of_any(map(harm_of, causes))

    def joint(literal: Literal) -> float:
        name, value = literal
        return math.fsum(run.weight * share_of(run) for run in runs if run.truth[name] is value)

    chances = {
        (name, value): math.fsum(run.weight for run in runs if run.truth[name] is value)
        for name, value in literals
    }
    joined = {literal: joint(literal) for literal in literals}

    def matters(name: str) -> bool:
        """Whether the event is likelier where an assumption holds, or where it does not."""
        sides = [(joined[name, value], chances[name, value]) for value in (True, False)]
        if min(chance for _, chance in sides) == 0.0:
            return False
        if_true, if_false = (part / chance for part, chance in sides)
        return abs(if_true - if_false) > ROUNDING * max(if_true, if_false)

    def has_paths(name: str) -> bool:
        if event not in (*CLASSES, "catastrophe") or spec_of(story, name).holds_when is not None:
            return False
        gates = [r for r in all_routes(story) if event in ("catastrophe", r.class_)]
        hazards = story.goal.hazards if event == "catastrophe" else ()
        inside = {other for gate in (*gates, *hazards) for way in ways[gate.id] for other, _ in way}
        return name in inside or not matters(name)

    return Joints(
        event=math.fsum(run.weight * share_of(run) for run in runs),
        chances=chances,
        joint=joined,
        paths={
            literal: math.fsum(run.weight * share_by(literal, run) for run in runs)
            for literal in literals
            if has_paths(literal[0])
        },
    )


def mean_of(draws: Sequence[Joints], weights: Iterable[float]) -> Joints:
    """Average over draws, joint probability by joint probability."""

    shares = [w * each.whole for w, each in zip(weights, draws, strict=True)]

    def mean(values: Sequence[float]) -> float:
        return sum(w * x for w, x in zip(shares, values, strict=True)) / sum(shares)

    def table(name: str) -> dict[Literal, float]:
        keys = [
            key for key in getattr(draws[0], name) if all(key in getattr(x, name) for x in draws)
        ]
        return {key: mean([getattr(each, name)[key] for each in draws]) for key in keys}

    return Joints(
        mean([each.event for each in draws]), table("chances"), table("joint"), table("paths")
    )


def measures(answer: Joints, literal: Literal) -> dict[str, float | None]:
    """Every measure by its definition; None where a condition has probability 0."""
    opposite = (literal[0], not literal[1])
    p, q = answer.chances[literal], answer.chances[opposite]
    if_true = answer.joint[literal] / p if p > 0 else None
    if_false = answer.joint[opposite] / q if q > 0 else None
    both = None if if_true is None or if_false is None else if_true - if_false
    happens = answer.event > 0

    def per_event(x: float | None) -> float | None:
        return None if x is None or not happens else x / answer.event

    reduction = None
    if happens and if_false is not None:
        reduction = answer.event / if_false if if_false > 0 else float("inf")
    return {
        "if_true": if_true,
        "if_false": if_false,
        "birnbaum": both,
        "criticality": per_event(None if both is None else both * p),
        "diagnosis": per_event(answer.joint[literal]),
        "fussell_vesely": per_event(answer.paths.get(literal)),
        "risk_achievement_worth": per_event(if_true),
        "risk_reduction_worth": reduction,
    }
