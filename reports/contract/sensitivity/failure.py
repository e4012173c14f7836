"""The part `failure`: if a story fails, how, by how far, and where."""

from typing import Literal, TypedDict

from storyodds.models.sensitivity.distance_to_goal import Target
from storyodds.reports.contract.estimate import PathName
from storyodds.reports.contract.summaries import Summary
from storyodds.scenarios.grammar.outcomes import OutcomeClass

FailureShare = Literal["catastrophe", "safe", "deceptive"]
MissStatus = Literal["found", "out of reach", "never lost", "not worked out"]


class HowItFails(TypedDict):
    """How a story fails. Failure is deployed and no success; null where the condition cannot be."""

    failure: Summary | None
    """P(failure)."""
    halted: Summary | None
    """P(a check halts it), which is no failure."""
    given_failure: dict[FailureShare, Summary | None]
    """P(each | failure); null where failure is impossible."""


class FailureAssumption(TypedDict):
    """How a story fails with an assumption and without it."""

    assumption: str
    """Its id."""
    composite: bool
    """Whether it is made up of others by a formula."""
    probability: Summary
    """P(it is true)."""
    if_false: HowItFails
    """Given that it is false."""
    if_true: HowItFails
    """Given that it is true."""


class MissTarget(TypedDict):
    """How many bits the intended class needs; negative where it has them to spare."""

    bits: float | None
    """By the posterior means; null where infinite."""
    median: float | None
    """Over the draws, in bits; null where infinite."""
    q05: float | None
    """The 5 percent point over the draws, in bits; null where infinite."""
    q95: float | None
    """The 95 percent point over the draws, in bits; null where infinite."""
    out_of_reach: float | None
    """The share of draws that no 60 bits more would change."""
    never_lost: float | None
    """The share of draws that no 60 bits less would change."""
    status: MissStatus
    """What came of it."""
    pareto_k: float | None
    """Of the weights that take the draws there; null where none were needed."""
    refitted: bool
    """Whether it was assessed afresh instead."""


class FailureMiss(TypedDict):
    """By how far the goal is missed."""

    likeliest_class: OutcomeClass
    """The class at which training ends most often."""
    targets: dict[Target, MissTarget]
    """To be the `likeliest` class, and to have `even` odds."""


class MissedRoute(TypedDict):
    """A route that misses the goal."""

    route: str
    """Its id."""
    probability: Summary
    """P(training ends by it)."""
    no_catastrophe: Summary | None
    """P(no catastrophe | it is deployed); null for a route that is never deployed."""
    near: bool
    """Whether it is a near miss."""


class NearMisses(TypedDict):
    """Where a story fails."""

    threshold: float
    """The `no_catastrophe` from which missing the goal is a near miss."""
    share: Summary | None
    """P(a near miss | failure)."""
    far: Summary | None
    """P(another miss of the goal | failure)."""
    goal_reached: Summary | None
    """P(the goal was reached | failure)."""
    routes: list[MissedRoute]
    """Every route that misses the goal."""


class FailureConcern(PathName):
    """A failure path, as `estimate` ranks them."""

    place: int
    """From 1, the most concerning first; those that tie share one."""
    concern: Summary
    """P(the path, and a catastrophe)."""
    share: Summary | None
    """Of P(catastrophe), as Fussell and Vesely have it."""
    share_top: float
    """How often over the draws it ranks first, ties shared evenly."""
    overlaps: bool
    """Whether another path of the same ending can hold with it."""


class WorstPathFlip(TypedDict):
    """Assumptions that, known, make another path the worst."""

    literals: list[str]
    """What is known."""
    probability: float
    """P(all of it)."""
    shuts: bool
    """Whether it shuts the worst path."""
    path: str
    """The ending of the worst path then."""
    path_literals: list[str]
    """What that path needs."""
    concern: float
    """P(that path and a catastrophe | what is known)."""


class WorstPathFlips(TypedDict):
    """What makes another path the worst."""

    worst: list[PathName]
    """The worst path, or those that tie for it."""
    size: int | None
    """Of the smallest sets of assumptions that do; null where none of up to two do."""
    found: list[WorstPathFlip]
    """Those sets."""
    complete: bool
    """Whether these are all."""
    close: int
    """How many sets the draws cannot decide."""
    compared: int
    """How many paths were compared."""


class FailurePart(HowItFails):
    """If a story fails: how, by how far, and where."""

    assumptions: list[FailureAssumption] | None
    """Those first whose being false leaves the most catastrophes among failures; null where the
    story is too large for it."""
    miss: FailureMiss
    """By how far the goal is missed."""
    near_misses: NearMisses
    """Where a story fails."""
    paths: list[FailureConcern]
    """The failure paths, the most concerning first."""
    flips: WorstPathFlips | None
    """What makes another path the worst; null where the story is too large for it."""
