"""The goal: its hazards, the four criteria, and the lens of learned optimization."""

import numpy as np

from storyodds.models.story.events import CRITERIA
from storyodds.models.story.outcomes import Outcome
from storyodds.models.story.queries import Query
from storyodds.reports.contract.estimate import (
    Criteria,
    GoalCriteria,
    HazardOdds,
    Lens,
)
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.documents.estimate.view import View, intended
from storyodds.reports.documents.summaries import (
    Pick,
    beside,
)
from storyodds.scenarios.grammar.outcomes import CLASSES, INTENDED


def _hazard(h: int) -> Pick:
    return lambda q: q.hazard(h)


def hazard_odds(view: View) -> dict[str, HazardOdds]:
    """Return P(each hazard fires), by its id."""
    return {
        hazard.id: beside(
            view.of(_hazard(h)),
            criterion=hazard.criterion,
            given_intended=view.ratio(_hazard(h), intended),
        )
        for h, hazard in enumerate(view.graph.hazards)
    }


def criteria(view: View) -> Criteria:
    """The four criteria; those of the goal are of a run that is made to end as intended."""
    feasibility = view.graph.feasibility
    return {
        "goal_alignment": view.of(_spared("alignment")),
        "goal_competitiveness": view.of(_spared("competitiveness")),
        "rationale_alignment": view.of(intended),
        "rationale_competitiveness": None
        if feasibility is None
        else view.of(lambda q: q.values[:, feasibility]),
    }


def _spared(criterion: str) -> Pick:
    return lambda q: q.goals[:, CRITERIA.index(criterion)]


def criteria_given_intended(view: View) -> GoalCriteria:
    """The goal's criteria given that training did end as intended, which tells of its goal."""
    graph = view.graph
    routes = [r for r, route in enumerate(graph.routes) if route.outcome_class == INTENDED]

    def spared(criterion: str) -> Pick:
        if not graph.hazards:
            return intended
        # No alignment hazard fires where none fires at all, or competitiveness hazards alone do.
        column = view.column
        places = [graph.outcome_index[Outcome(r, f"free-of-{criterion}")] for r in routes]
        return lambda q: np.asarray(sum(q.queries[:, column[Query((o,))]] for o in places))

    return {
        "goal_alignment": view.ratio(spared("alignment"), intended),
        "goal_competitiveness": view.ratio(spared("competitiveness"), intended),
    }


def lens(view: View) -> Lens:
    """Return the story as outer and inner alignment see it."""
    goal = view.assessment.prepared.resolved.story.goal
    kinds = sorted({route.kind for route in view.graph.routes if route.kind is not None})

    def of_kind(kind: str) -> Summary:
        indices = [r for r, route in enumerate(view.graph.routes) if route.kind == kind]
        return view.of(lambda q: np.asarray(q.routes[:, indices].sum(axis=1)))

    outer = inner = None
    if goal.loss_seeking:
        optimization = float(goal.optimization != "none")
        outer = view.of(_spared("alignment"))
        rivals = [CLASSES.index("mesa-optimizer"), CLASSES.index("deceptive")]
        inner = view.ratio(
            lambda q: optimization * intended(q),
            lambda q: optimization * intended(q) + q.classes[:, rivals].sum(axis=1),
        )
        reason = (
            "The story wants a model that optimizes its training objective, so it can be asked "
            "whether that objective is good (outer) and whether the trained optimizer pursues "
            "it (inner)."
        )
    else:
        intends = {
            "none": "a model that does not optimize anything itself",
            "narrow": "a model that optimizes in a narrow domain only",
            "myopic": "a model that optimizes myopically",
            "open-ended": "an optimizer of something other than its training objective",
        }[goal.optimization]
        reason = (
            f"Outer and inner alignment do not apply: the goal is {intends}. A model that "
            "optimized its training objective would be a failure of the rationale, not a success "
            "of inner alignment."
        )
    return {
        "applies": goal.loss_seeking,
        "reason": reason,
        "outer_alignment": outer,
        "inner_alignment": inner,
        "kinds": {kind: of_kind(kind) for kind in kinds},
    }
