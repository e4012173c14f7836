"""The part `structure`: what the odds owe to how a story is written."""

from typing import TypedDict

from storyodds.reports.contract.by_event import ByEvent
from storyodds.reports.contract.estimate import PathName
from storyodds.scenarios.grammar.outcomes import OutcomeClass
from storyodds.scenarios.grammar.switch_kinds import Part


class EventAnswer(TypedDict):
    """P(event) of a changed story."""

    mean: float
    """Its posterior mean."""
    difference: float
    """The mean less that of the story as it is, in probability."""
    error: float
    """The Monte Carlo standard error of the difference, in probability."""


class StructureAnswer(TypedDict):
    """ANSWER: the odds of a changed story; null where they are out of reach."""

    events: ByEvent[EventAnswer]
    """Of every class and fate."""
    pareto_k: float | None
    """Of the weights that take the draws there; null where none were needed."""
    refitted: bool
    """Whether it was assessed afresh instead."""


class LeftOutPart(TypedDict):
    """The story without one of its parts."""

    part: Part
    """What it is."""
    id: str
    """Of the part."""
    claim: str
    """In the story's words."""
    opinion: bool
    """Whether it is a forecast."""
    answer: StructureAnswer | None
    """The odds without it."""


class MergedRoutes(TypedDict):
    """The story with the routes of a class competing as one."""

    routes: dict[OutcomeClass, list[str]]
    """By class, the strongest first."""
    bits_by_number: dict[OutcomeClass, float | None]
    """The log2 odds that a class owes to being split into several routes; null where undefined."""
    answer: StructureAnswer | None
    """The odds with each class competing with the weight of its strongest open route alone."""


class FewerPremises(TypedDict):
    """A conjunction in fewer premises."""

    premises: int
    """How many."""
    prior: float
    """P(all of them), at as much per premise."""
    events: ByEvent[float]
    """P(event) then."""


class RestatedPath(PathName):
    """A conjunction in ever fewer premises, all about as likely as they are now."""

    premises: int
    """How many there are now."""
    prior: float
    """P(all premises), before the evidence."""
    posterior: float
    """The same, given the evidence."""
    per_premise: float
    """The geometric mean of what the premises say, before the evidence."""
    fewer: list[FewerPremises]
    """One entry for each smaller number of premises, the largest first."""


class BoundedPath(PathName):
    """A failure path with two assumptions as dependent as they can be."""

    now: float
    """P(the path) as it is."""
    together: float | None
    """P(the path) where they come together as often as they can; null where undefined."""
    apart: float | None
    """P(the path) where they come together as seldom as they can; null where undefined."""


class DependenceBound(TypedDict):
    """How far the odds can move if two assumptions are dependent."""

    literals: list[str]
    """Which two."""
    width: float
    """Of P(catastrophe), in probability."""
    together: StructureAnswer | None
    """Where they come together as often as they can; null where the evidence would be
    impossible."""
    apart: StructureAnswer | None
    """Where they come together as seldom as they can; null likewise."""
    paths: list[BoundedPath]
    """Those in which they meet."""


class Dependence(TypedDict):
    """What the odds owe to the independence of free assumptions."""

    pairs: int
    """How many free assumptions meet in the most concerning paths, two and two."""
    bounds: list[DependenceBound]
    """Those looked at, the widest first."""


class StructurePart(TypedDict):
    """What the odds owe to how a story is written: its parts, its splits, its independence."""

    now: ByEvent[float]
    """P(event) of the story as it is."""
    leave_one_out: list[LeftOutPart]
    """The story without each of its parts, in its order."""
    merged: list[MergedRoutes]
    """One entry for each class that names several routes, and one for all of these."""
    restated: list[RestatedPath]
    """Conjunctions, the most concerning first."""
    dependence: Dependence | None
    """What the odds owe to independence; null where the story is too large for it."""
