"""What each check catches, and what it takes off the chance of catastrophe."""

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.checks_together import ENDS, have_ends, odds_if_together
from storyodds.models.engine.quantities import Quantities
from storyodds.models.story.outcomes import Outcome, alone_to_flag, passed
from storyodds.models.story.queries import Query
from storyodds.reports.contract.estimate import CheckDependence, CheckEffect, DependenceOdds
from storyodds.reports.documents.estimate.checks_within import averted_within
from storyodds.reports.documents.estimate.view import View
from storyodds.reports.documents.picks import column_of, event_of
from storyodds.reports.documents.summaries import (
    Pick,
)

Array = NDArray[np.float64]

HEADLINES = ("success", "catastrophe")


def check_effects(view: View) -> dict[str, CheckEffect]:
    """What each check catches, and what it takes off P(catastrophe) beside the others."""
    graph = view.graph
    entries: dict[str, CheckEffect] = {}
    for c, check in enumerate(graph.checks):
        if check.result is not None:
            entries[check.id] = {"result": check.result, "caught": None, "added": None}
            continue
        entries[check.id] = {
            "result": None,
            "caught": {
                route.id: view.ratio(
                    _caught(view, c, r),
                    column_of(lambda q: q.routes, r),
                )
                for r, route in enumerate(graph.routes)
            },
            "added": averted_within(view, c) if check.within else view.of(_averted(view, c)),
        }
    return entries


def _asked(view: View, q: Quantities, outcome: Outcome) -> Array | None:
    """P(what one check makes of the hazards of a route); None where it makes nothing of them."""
    where = view.graph.outcome_index.get(outcome)
    if where is None:
        return None
    if where < len(view.graph.outcomes):
        return q.outcomes[:, where]
    return q.queries[:, view.column[Query((where,))]]


def _caught(view: View, c: int, r: int) -> Pick:
    """P(route, and the check flags)."""

    def caught_of_summed(q: Quantities) -> Array:
        by_route = _asked(view, q, Outcome(r, verdicts=((c, True),)))
        by_hazards = _asked(view, q, Outcome(r, "flagged-by", check=c, verdicts=((c, False),)))
        assert by_route is not None
        return by_route if by_hazards is None else by_route + by_hazards

    def caught(q: Quantities) -> Array:
        rate = q.values[:, view.graph.routes[r].flags[c].number]
        by_hazards = _asked(view, q, Outcome(r, "flagged-by", check=c))
        by_route = q.routes[:, r] * rate
        return by_route if by_hazards is None else by_route + (1 - rate) * by_hazards

    return caught_of_summed if r in view.graph.summed else caught


def _averted(view: View, c: int) -> Pick:
    return lambda q: _averted_at(view, q, c)


def _averted_at(view: View, q: Quantities, c: int) -> Array:
    """P(catastrophe without the check) less P(catastrophe)."""
    graph, rest = view.graph, [other for other in view.graph.live_checks if other != c]
    averted = np.zeros(len(q.values))
    for r, route in enumerate(graph.routes):
        if r in graph.summed:
            averted += _averted_of_summed(view, q, c, r)
            continue
        unflagged = np.ones(len(q.values))
        for other in rest:
            unflagged = unflagged * (1 - q.values[:, route.flags[other].number])
        rate, harm = q.values[:, route.flags[c].number], q.values[:, route.harm.number]
        unflagged_by_hazards = graph.outcome_index.get(Outcome(r, "unflagged"))
        if unflagged_by_hazards is None:
            averted += unflagged * q.routes[:, r] * harm * rate
            continue
        with_it = q.outcomes[:, unflagged_by_hazards]
        harmful_with_it = q.outcomes[:, graph.outcome_index[Outcome(r, "harmful")]]
        without = _asked(view, q, Outcome(r, "unflagged-without", check=c))
        harmful_without = _asked(view, q, Outcome(r, "harmful-without", check=c))
        if without is None or harmful_without is None:  # it names no hazard
            without, harmful_without = with_it, harmful_with_it
        stated = harm * with_it + (1 - harm) * harmful_with_it
        averted += unflagged * (harm * without + (1 - harm) * harmful_without - (1 - rate) * stated)
    return averted


def _averted_of_summed(view: View, q: Quantities, c: int, r: int) -> Array:
    """The same of one route whose checks and harm the engine sums."""
    graph, live = view.graph, view.graph.live_checks
    rest, alone = passed(x for x in live if x != c), alone_to_flag(live, c)
    without = (
        _asked(view, q, Outcome(r, "unflagged-without", check=c, verdicts=rest, harmful=True)),
        _asked(view, q, Outcome(r, "harmful-without", check=c, verdicts=rest, harmful=False)),
    )
    if without[0] is not None and without[1] is not None:
        every = passed(live)
        with_it = [
            q.outcomes[:, graph.outcome_index[Outcome(r, event, verdicts=every, harmful=own)]]
            for event, own in (("unflagged", True), ("harmful", False))
        ]
        return without[0] + without[1] - with_it[0] - with_it[1]
    parts = (
        _asked(view, q, Outcome(r, event, verdicts=alone, harmful=own))
        for event, own in ((None, True), ("unflagged", True), ("harmful", False))
    )
    return np.asarray(sum((part for part in parts if part is not None), np.zeros(len(q.values))))


def check_dependence(view: View) -> CheckDependence | None:
    """The odds with the checks as stated, independent, and as one; None of fewer than two."""
    if not have_ends(view.graph):
        return None
    ends = {end: odds_if_together(view.assessment, end, HEADLINES) for end in ENDS}

    def odds(event: str) -> DependenceOdds:
        stated, now = view.of(event_of(event)), view.exact.event(event)
        apart, as_one = (
            None if chances is None else view.moved(stated, now, chances[:, HEADLINES.index(event)])
            for chances in (ends["independent"], ends["as-one"])
        )
        return {"stated": stated, "independent": apart, "as_one": as_one}

    return {"success": odds("success"), "catastrophe": odds("catastrophe")}
