"""Classes, fates and failure paths as sums over the outcomes of the engine.

An outcome is where training ends and what becomes of the hazards there. What checks and the harm
of the route itself do after that multiplies it, so every event is a sum of shares: an outcome,
whether a check flags the route, and whether the route does harm. Of a summed route both are part
of the outcome.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.outcomes import DEPLOYED, FALSE_ALARM, Outcome, Part, parts_of_route
from storyodds.scenarios.grammar.outcomes import CLASSES, OutcomeClass

Array = NDArray[np.float64]

Fate = Literal["success", "uncompetitive", "halted", "benign-failure", "catastrophe"]
Event = OutcomeClass | Fate
Headline = Literal["success", "catastrophe"]  # the fates that everything is asked of first
FATES: tuple[Fate, ...] = ("success", "uncompetitive", "halted", "benign-failure", "catastrophe")
EVENTS: tuple[Event, ...] = (*CLASSES, *FATES)
# In the order of comparisons: the odds of success, of what was trained, of every other fate.
SUCCESS_FIRST: tuple[Event, ...] = ("success", *CLASSES, *FATES[1:])
DEPLOYED_CLASSES = tuple(f"{name}, deployed" for name in CLASSES)
CRITERIA = ("alignment", "competitiveness")  # of goal hazards

GIVEN = "-given-deployed"
# The odds on the day of the decision: of a model that no check has flagged.
GIVEN_DEPLOYED = tuple(f"{name}{GIVEN}" for name in (*CLASSES, *FATES) if name != "halted")
ODDS = (*EVENTS, DEPLOYED, *GIVEN_DEPLOYED)
"""Every event with an answer: classes, fates, being deployed, and the odds given that."""


@dataclass(frozen=True)
class Sides:
    """Odds as a part of a whole: what it is that comes about, and what would come about instead.

    Attributes
    ----------
    yes, no : tuple of str
        Events that do not overlap, of those that `probabilities` takes. The odds are P(any of
        `yes`) over P(any of both).
    given_deployed : bool
        Whether the whole is only what is deployed.
    """

    yes: tuple[str, ...]
    no: tuple[str, ...]
    given_deployed: bool

    def signs(self) -> tuple[tuple[str, ...], Array]:
        """Every event of the whole, and which of two sums it belongs to, (2, n_events).

        The first sum is of `yes`, the second of the whole.
        """
        names = (*self.yes, *self.no)
        return names, np.array([[name in self.yes for name in names], [True] * len(names)], float)


def sides_of(odds: str) -> Sides:
    """Take odds apart.

    Parameters
    ----------
    odds : str
        Of `ODDS`.

    Raises
    ------
    ValueError
        If they are not known.

    Examples
    --------
    >>> sides_of("deployed").no
    ('halted',)
    >>> sides_of("success-given-deployed").no
    ('uncompetitive', 'benign-failure', 'catastrophe')
    """
    if odds not in ODDS:
        raise ValueError(f"found {odds!r}, expected one of {', '.join(ODDS)}")
    if odds == DEPLOYED:
        return Sides((DEPLOYED,), ("halted",), False)
    name = odds.removesuffix(GIVEN)
    conditional = name != odds
    family: Sequence[str] = CLASSES if name in CLASSES else FATES
    if conditional:
        family = [f"{x}, deployed" if x in CLASSES else x for x in family if x != "halted"]
        name = f"{name}, deployed" if name in CLASSES else name
    return Sides((name,), tuple(x for x in family if x != name), conditional)


@dataclass(frozen=True)
class Share:
    """A part of an event.

    Attributes
    ----------
    outcome : int
        Index into `StoryGraph.outcomes`.
    flagged : bool or None
        Whether a check flags the route by itself; None either way.
    harmful : bool or None
        Whether the route by itself does harm, once deployed; None either way.
    """

    outcome: int
    flagged: bool | None = None
    harmful: bool | None = None


@dataclass(frozen=True)
class AfterTraining:
    """What checks and harm make of every route by itself, (n_draws, n_routes) each.

    Not a number for summed routes, whose shares do without.

    Attributes
    ----------
    unflagged, flagged : array
        P(no check flags it | route), and P(a check does), each with all its digits.
    harm : array
        P(catastrophe | route, deployed).
    """

    unflagged: Array
    flagged: Array
    harm: Array

    def factor(self, share: Share, route: int) -> Array | float:
        """What an outcome is multiplied by in a share, (n_draws,)."""
        factor: Array | float = 1.0
        if share.flagged is not None:
            factor = (self.flagged if share.flagged else self.unflagged)[:, route]
        if share.harmful is not None:
            harm = self.harm[:, route]
            factor = factor * (harm if share.harmful else 1 - harm)
        return factor


def after_training(graph: StoryGraph, values: Array) -> AfterTraining:
    """Return what becomes of every route by itself.

    Parameters
    ----------
    graph : StoryGraph
    values : (n_draws, n_numbers) array
    """
    plain = [r for r in range(len(graph.routes)) if r not in graph.summed]
    routes = [graph.routes[r] for r in plain]
    shape = (len(plain), len(values))
    unflagged, flagged = np.ones(shape), np.zeros(shape)
    for c in graph.live_checks:
        rates = values.T[[route.flags[c].number for route in routes]]
        flagged += unflagged * rates
        unflagged *= 1 - rates
    harm = values.T[[route.harm.number for route in routes]]
    if not graph.summed:
        return AfterTraining(unflagged.T, flagged.T, harm.T)
    return AfterTraining(*(_among(graph, plain, part) for part in (unflagged, flagged, harm)))


def _among(graph: StoryGraph, plain: Sequence[int], of_plain: Array) -> Array:
    """Put plain routes among all, (n_draws, n_routes)."""
    every = np.full((len(graph.routes), of_plain.shape[1]), np.nan)
    every[plain] = of_plain
    return every.T


def shares_of_part(graph: StoryGraph, part: Part) -> tuple[Share, ...]:
    """Return the shares that a part of an event adds up from.

    Parameters
    ----------
    graph : StoryGraph
    part : Part

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.story.building import build_graph
    >>> from storyodds.models.story.outcomes import Outcome, Part
    >>> from storyodds.scenarios.resolve import resolve
    >>> graph = build_graph(resolve(load_story("coinrun-agent")))
    >>> shares_of_part(graph, Part(Outcome(1), flagged=True))
    (Share(outcome=1, flagged=True, harmful=None),)
    """
    return _shares_of_part(part, graph.outcome_index, graph.summed, graph.live_checks)


def _shares_of_part(
    part: Part, where: Mapping[Outcome, int], summed: frozenset[int], live: tuple[int, ...]
) -> tuple[Share, ...]:
    if part.outcome.route in summed:
        return tuple(Share(where[outcome]) for outcome in part.summed(live))
    return (Share(where[part.outcome], part.flagged, part.harmful),)


@lru_cache(maxsize=64)
def _shares(
    classes: tuple[str, ...],
    outcomes: tuple[Outcome, ...],
    summed: frozenset[int],
    live: tuple[int, ...],
    *,
    hazards: bool,
) -> Mapping[str, tuple[Share, ...]]:
    """The shares of every event, by the classes of routes."""
    where = {outcome: o for o, outcome in enumerate(outcomes)}
    events: dict[str, list[Share]] = {
        name: [] for name in (*EVENTS, DEPLOYED, FALSE_ALARM, *DEPLOYED_CLASSES)
    }
    for r, of_class in enumerate(classes):
        for name, part in parts_of_route(r, of_class, hazards=hazards):
            events[name] += _shares_of_part(part, where, summed, live)
    return {name: tuple(shares) for name, shares in events.items()}


def shares_of(graph: StoryGraph) -> Mapping[str, tuple[Share, ...]]:
    """The shares of every class and fate, of being deployed (also by class), of a false alarm.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.story.building import build_graph
    >>> from storyodds.scenarios.resolve import resolve
    >>> graph = build_graph(resolve(load_story("carlsmith-six-premises")))
    >>> [share.harmful for share in shares_of(graph)["success"]]
    [False]
    """
    classes = tuple(route.outcome_class for route in graph.routes)
    summing = graph.summed, graph.live_checks
    return _shares(classes, graph.outcomes, *summing, hazards=bool(graph.hazards))


def probabilities(
    graph: StoryGraph,
    values: Array,
    outcomes: Array,
    events: Sequence[str] = EVENTS,
    after: AfterTraining | None = None,
) -> Array:
    """Take outcomes to events, (n_draws, n_events).

    Parameters
    ----------
    graph : StoryGraph
    values : (n_draws, n_numbers) array
    outcomes : (n_draws, n_outcomes) array
    events : sequence of str
        Classes, fates, `DEPLOYED`, `FALSE_ALARM` and `DEPLOYED_CLASSES`.
    after : AfterTraining, optional
        What checks and harm make of routes; by default what the numbers say.
    """
    after, shares = after or after_training(graph, values), shares_of(graph)
    reached = np.ascontiguousarray(outcomes.T)
    chances = np.zeros((len(events), outcomes.shape[0]))
    for e, event in enumerate(events):
        for share in shares[event]:
            route = graph.outcomes[share.outcome].route
            chances[e] += reached[share.outcome] * after.factor(share, route)
    return chances.T


def weights(graph: StoryGraph, values: Array, events: Sequence[str] = EVENTS) -> Array:
    """Return what every outcome counts with in every event, (n_draws, n_events, n_outcomes)."""
    after, shares = after_training(graph, values), shares_of(graph)
    out = np.zeros((len(values), len(events), len(graph.outcomes)))
    for e, event in enumerate(events):
        for share in shares[event]:
            out[:, e, share.outcome] += after.factor(share, graph.outcomes[share.outcome].route)
    return out


@dataclass(frozen=True)
class Touch:
    """How the weight of an outcome in an event moves with a number that matters after training.

    Attributes
    ----------
    event, outcome, number : int
    slope : (n_draws,) array
        Per unit of the number's logit.
    """

    event: int
    outcome: int
    number: int
    slope: Array


def touches(graph: StoryGraph, values: Array, events: Sequence[str] = EVENTS) -> list[Touch]:
    """Derivatives of `weights` in the flag rates and harms of routes that are not summed."""
    after, shares = after_training(graph, values), shares_of(graph)
    slopes = []
    for e, event in enumerate(events):
        for share in shares[event]:
            route = graph.outcomes[share.outcome].route
            node = graph.routes[route]
            if share.flagged is not None:
                # d(unflagged)/d(logit of a rate) is -unflagged times the rate.
                sign = 1.0 if share.flagged else -1.0
                still = after.factor(Share(share.outcome, False, share.harmful), route)
                slopes += [
                    Touch(e, share.outcome, rate, sign * still * values[:, rate])
                    for rate in (node.flags[c].number for c in graph.live_checks)
                ]
            if share.harmful is not None:
                factor, harm = after.factor(share, route), after.harm[:, route]
                slope = factor * (1 - harm) if share.harmful else -factor * harm
                slopes.append(Touch(e, share.outcome, node.harm.number, np.asarray(slope)))
    return slopes
