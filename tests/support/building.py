"""Short ways to write a story down in a test."""

from collections.abc import Mapping, Sequence
from typing import Any

from storyodds.scenarios.grammar.parts import About
from storyodds.scenarios.schema import (
    Assumption,
    Check,
    Constraint,
    Evidence,
    Goal,
    Nudge,
    Rationale,
    Route,
)
from storyodds.scenarios.story import Story

OFF = Route(id="something-else", class_="other", bits=-60, harm=0)
SCHEMER = Route(id="scheme", class_="deceptive", requires="a", bits=60, harm=0.5, kind="schemer")


def tell(
    assumptions: Mapping[str, Assumption] | None = None,
    routes: Sequence[Route] = (SCHEMER, OFF),
    *,
    constraints: Sequence[Constraint] = (),
    nudges: Sequence[Nudge] = (),
    checks: Sequence[Check] = (),
    evidence: Sequence[Evidence] = (),
    feasibility: Any = None,
    **goal: Any,
) -> Story:
    """Write a story; `goal` takes hazards, optimization and loss_seeking."""
    return Story(
        story="by-hand",
        title="A story written by hand",
        goal=Goal(specification="x", desirability="y", **goal),
        rationale=Rationale(
            constraints=tuple(constraints), nudges=tuple(nudges), feasibility=feasibility
        ),
        assumptions=dict(assumptions or {}),
        routes=tuple(routes),
        checks=tuple(checks),
        evidence=tuple(evidence),
    )


def believe(probability: Any) -> Assumption:
    """Write a free assumption."""
    return Assumption(probability=probability)


def item(name: str, about: Mapping[str, Any], **parts: Any) -> Evidence:
    """Write an evidence item."""
    return Evidence(id=name, about=About(**about), **parts)


def on_a_class(prior: Any, evidence: Sequence[Evidence] = (), **goal: Any) -> Story:
    """Put a PRIOR on P(deceptive): 60 bits decide for the one rival wherever it is open."""
    return tell({"a": believe(prior)}, evidence=evidence, **goal)
