"""Where models end up, stage by stage: by route, hazards, the first check to stop it, and fate."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine.paths import Path
from storyodds.models.story.events import after_training
from storyodds.models.story.graph import Outcome, StoryGraph
from storyodds.models.story.hazards import ALIGNMENT
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
        flags = {h.flags[c] for h in graph.hazards for c in later if h.flags[c] is not None}
        changed = values
        if flags:
            changed = values.copy()
            changed[:, sorted(number for number in flags if number is not None)] = 0.0
        by_stage.append(changed)
    return by_stage


def terms_of(graph: StoryGraph, values: Array) -> list[Term]:
    """What every ending adds up from."""
    place = {ending: e for e, ending in enumerate(endings_of(graph))}
    after, where, last = after_training(graph, values), graph.outcome_index, len(graph.live_checks)
    terms = []
    for ending, e in place.items():
        r = ending.route
        spared = where.get(Outcome(r, "spared"), r)
        rates, passed = _rates(graph, values, r)
        harm, deployed = after.harm[:, r], after.unflagged[:, r]
        if ending.check is not None:
            k = ending.check
            if not ending.fired:
                terms.append(Term(e, last, spared, passed[k] * rates[k]))
                continue
            terms.append(Term(e, last, spared, -passed[k] * rates[k]))
            for stage, outcome, sign in _unflagged(graph, r, "unflagged", r, k):
                terms.append(Term(e, stage, outcome, sign * passed[k + 1]))
            stage, outcome, _ = next(_unflagged(graph, r, "unflagged", r, k))
            terms.append(Term(e, stage, outcome, passed[k] * rates[k]))
        elif not ending.fired:
            weight = harm if ending.fate == "catastrophe" else 1 - harm
            terms.append(Term(e, last, spared, deployed * weight))
        elif ending.fate == "catastrophe":
            unflagged, harmful = (where[Outcome(r, x)] for x in ("unflagged", "harmful"))
            terms.append(Term(e, last, unflagged, deployed * harm))
            terms.append(Term(e, last, spared, -deployed * harm))
            terms.append(Term(e, last, harmful, deployed * (1 - harm)))
        else:
            event = "outcompeted" if ending.fate == "uncompetitive" else "misaligned"
            terms.append(Term(e, last, where[Outcome(r, event)], deployed * (1 - harm)))
    return terms


def _rates(graph: StoryGraph, values: Array, route: int) -> tuple[list[Array], list[Array]]:
    """What each live check flags a route with; and P(the first k do not flag it), k from 0 on."""
    rates = [values[:, graph.routes[route].flags[c]] for c in graph.live_checks]
    passed = [np.ones(len(values))]
    for rate in rates:
        passed.append(passed[-1] * (1 - rate))
    return rates, passed


def _unflagged(
    graph: StoryGraph, route: int, event: str, whole: int, k: int, hazard: int | None = None
) -> Iterator[tuple[int, int, float]]:
    """P(no hazard flagged by the first k checks) less that by the first k + 1: what the next adds.

    Where no check can flag a hazard, an event is the whole: it is asked for as it stands.
    """
    last = len(graph.live_checks)
    for stage, sign in ((k, 1.0), (k + 1, -1.0)):
        if stage == 0:
            yield last, whole, sign
        else:
            yield stage, graph.outcome_index[Outcome(route, event, hazard)], sign


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
    kept = "benign-failure" if of_alignment else "uncompetitive"
    after, where, last = after_training(graph, values), graph.outcome_index, len(graph.live_checks)
    terms = []
    for e, ending in enumerate(endings):
        r = ending.route
        if not ending.fired:
            continue
        fired = where[Outcome(r, "fired", h)]
        deployed = after.unflagged[:, r]
        if harms:
            if ending.fate == "catastrophe":
                harmful = where[Outcome(r, "fired-harmful", h)]
                terms.append(Term(e, last, harmful, deployed))
        elif ending.check is not None:
            rates, passed = _rates(graph, values, r)
            k = ending.check
            event = "fired-unflagged"
            for stage, outcome, sign in _unflagged(graph, r, event, fired, k, h):
                terms.append(Term(e, stage, outcome, sign * passed[k + 1]))
            stage, outcome, _ = next(_unflagged(graph, r, event, fired, k, h))
            terms.append(Term(e, stage, outcome, passed[k] * rates[k]))
        elif ending.fate == kept:
            terms.append(Term(e, last, where[Outcome(r, "fired-unflagged", h)], deployed))
    return terms
