"""Where models end up, stage by stage: by route, hazards, the first check to stop it, and fate."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine.paths import Path
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.hazards import ALIGNMENT
from storyodds.models.story.outcomes import (
    SINGLE_HAZARD_EVENTS,
    Outcome,
    Verdicts,
    first_to_flag,
    passed,
)
from storyodds.scenarios.grammar.outcomes import INTENDED

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ending:
    """One way to end; every model ends in exactly one.

    Attributes
    ----------
    route : int
    fired : bool
        Whether a hazard of the goal fired.
    check : int or None
        The place, among live checks in the order written, of the first that stopped it.
    fate : str
    """

    route: int
    fired: bool
    check: int | None
    fate: str


@dataclass(frozen=True)
class Term:
    """A part of an ending: an outcome times a weight.

    Attributes
    ----------
    ending : int
        Index into `endings_of`.
    stage : int
        How many of the live checks, from the first on, can flag hazards where it is asked for.
    outcome : int
    weight : (n_draws,) array
    """

    ending: int
    stage: int
    outcome: int
    weight: Array


def endings_of(graph: StoryGraph) -> tuple[Ending, ...]:
    """Every ending: by route, hazards none or some, check or none, and fate."""
    criteria = tuple(hazard.criterion for hazard in graph.hazards)
    classes = tuple(route.outcome_class for route in graph.routes)
    return _endings(classes, criteria, len(graph.live_checks))


@lru_cache(maxsize=16)
def _endings(
    classes: tuple[str, ...], criteria: tuple[str, ...], n_checks: int
) -> tuple[Ending, ...]:
    endings = []
    for r, of_class in enumerate(classes):
        intended = of_class == INTENDED
        for fired in (False, True) if intended and criteria else (False,):
            endings += [Ending(r, fired, k, "halted") for k in range(n_checks)]
            fates = ["success" if intended else "benign-failure"]
            if fired:
                aligned = {criterion == ALIGNMENT for criterion in criteria}
                fates = [
                    fate
                    for fate, of_alignment in (("uncompetitive", False), ("benign-failure", True))
                    if of_alignment in aligned
                ]
            endings += [Ending(r, fired, None, fate) for fate in (*fates, "catastrophe")]
    return tuple(endings)


def stages(graph: StoryGraph, values: Array) -> list[Array]:
    """Numbers under which only the first of the live checks can flag hazards: none, one, and so on.

    Checks that have no result yet bear on no evidence, so that P(E) is the same under all.
    """
    by_stage = []
    for k in range(len(graph.live_checks) + 1):
        later = graph.live_checks[k:]
        rates = [rate for h in graph.hazards for c in later if (rate := h.flags[c]) is not None]
        changed = values
        if rates:
            changed = values.copy()
            changed[:, sorted({number for rate in rates for number in rate.numbers})] = 0.0
        by_stage.append(changed)
    return by_stage


class _Weighed:
    """Outcomes together with what checks and harm make of their route by itself."""

    def __init__(self, graph: StoryGraph, values: Array) -> None:
        self.graph, self.values = graph, values

    def __call__(
        self, outcome: Outcome, verdicts: Verdicts, harmful: bool | None = None
    ) -> tuple[int, Array]:
        """The outcome that is asked for, and what it is multiplied by, (n_draws,)."""
        where, weight = self.graph.outcome_index, np.ones(len(self.values))
        if outcome.route in self.graph.summed:
            return where[replace(outcome, verdicts=verdicts, harmful=harmful)], weight
        route = self.graph.routes[outcome.route]
        for c, flags in verdicts:
            rate = self.values[:, route.flags[c].number]
            weight = weight * (rate if flags else 1 - rate)
        if harmful is not None:
            harm = self.values[:, route.harm.number]
            weight = weight * (harm if harmful else 1 - harm)
        return where[outcome], weight


def terms_of(graph: StoryGraph, values: Array) -> list[Term]:
    """What every ending adds up from."""
    place = {ending: e for e, ending in enumerate(endings_of(graph))}
    weighed, live = _Weighed(graph, values), graph.live_checks
    last, terms = len(live), list[Term]()

    def add(e: int, stage: int, sign: float, weighed_outcome: tuple[int, Array]) -> None:
        terms.append(Term(e, stage, weighed_outcome[0], sign * weighed_outcome[1]))

    for ending, e in place.items():
        whole = Outcome(ending.route)
        event = replace(whole, event="spared")
        spared = event if event in graph.outcome_index else whole
        if ending.check is not None:
            k = ending.check
            stopped = first_to_flag(live, k)
            if not ending.fired:
                add(e, last, 1.0, weighed(spared, stopped))
                continue
            add(e, last, -1.0, weighed(spared, stopped))
            unflagged = replace(whole, event="unflagged")
            for stage, outcome, sign in _unflagged(last, unflagged, whole, k):
                add(e, stage, sign, weighed(outcome, passed(live[: k + 1])))
            stage, outcome, _ = next(_unflagged(last, unflagged, whole, k))
            add(e, stage, 1.0, weighed(outcome, stopped))
        elif not ending.fired:
            add(e, last, 1.0, weighed(spared, passed(live), ending.fate == "catastrophe"))
        elif ending.fate == "catastrophe":
            unflagged, harmful = (replace(whole, event=x) for x in ("unflagged", "harmful"))
            add(e, last, 1.0, weighed(unflagged, passed(live), True))
            add(e, last, -1.0, weighed(spared, passed(live), True))
            add(e, last, 1.0, weighed(harmful, passed(live), False))
        else:
            name = "outcompeted" if ending.fate == "uncompetitive" else "misaligned"
            add(e, last, 1.0, weighed(replace(whole, event=name), passed(live), False))
    return terms


def _unflagged(
    last: int, event: Outcome, whole: Outcome, k: int
) -> Iterator[tuple[int, Outcome, float]]:
    """P(no hazard flagged by the first k checks) less that by the first k + 1: what the next adds.

    Where no check can flag a hazard, an event is the whole: it is asked for as it stands.
    """
    for stage, sign in ((k, 1.0), (k + 1, -1.0)):
        if stage == 0:
            yield last, whole, sign
        else:
            yield stage, event, sign


def terms_along(graph: StoryGraph, values: Array, worst: Path, harms: bool) -> list[Term]:
    """What endings on a failure path add up from, each together with the path's literals.

    Parameters
    ----------
    harms : bool
        Only what ends in catastrophe; of a hazard, one that it causes itself.
    """
    endings = endings_of(graph)
    if worst.hazard is None:
        return [
            term
            for term in terms_of(graph, values)
            if graph.routes[endings[term.ending].route].id == worst.route
            and (not harms or endings[term.ending].fate == "catastrophe")
        ]
    (h,) = (h for h, hazard in enumerate(graph.hazards) if hazard.id == worst.hazard)
    of_alignment = graph.hazards[h].criterion == ALIGNMENT
    otherwise = "benign-failure" if of_alignment else "uncompetitive"
    weighed, live = _Weighed(graph, values), graph.live_checks
    last, terms = len(live), list[Term]()

    def add(e: int, stage: int, sign: float, weighed_outcome: tuple[int, Array]) -> None:
        terms.append(Term(e, stage, weighed_outcome[0], sign * weighed_outcome[1]))

    for e, ending in enumerate(endings):
        if not ending.fired:
            continue
        fired, unflagged, harmful = (
            Outcome(ending.route, event, h) for event in SINGLE_HAZARD_EVENTS
        )
        if harms:
            if ending.fate == "catastrophe":
                add(e, last, 1.0, weighed(harmful, passed(live)))
        elif ending.check is not None:
            k = ending.check
            for stage, outcome, sign in _unflagged(last, unflagged, fired, k):
                add(e, stage, sign, weighed(outcome, passed(live[: k + 1])))
            stage, outcome, _ = next(_unflagged(last, unflagged, fired, k))
            add(e, stage, 1.0, weighed(outcome, first_to_flag(live, k)))
        elif ending.fate == otherwise:
            add(e, last, 1.0, weighed(unflagged, passed(live)))
    return terms
