"""The document of `storyodds judgments --json`."""

from typing import Any, Literal, TypedDict

from storyodds.priors.distributions.forms import Kind
from storyodds.reports.contract.summaries import OpenSummary, Summary

Weights = Literal["equal", "performance"]
PoolMethod = Literal["linear", "logarithmic"]


class PanelScore(TypedDict):
    """How well quantiles did on the calibration questions, as Cooke's classical model has it."""

    calibration: float
    """The p-value of the answers' having come from the stated quantiles."""
    information: float
    """How much narrower than the background measure the quantiles are, in nats."""
    combined: float
    """The product of both."""


class ExpertScore(PanelScore):
    """How well an expert did."""

    expert: str
    """The id of the expert."""
    equal: float
    """The expert's weight, if all have the same."""
    performance: float
    """The expert's weight by performance."""
    item: float
    """The expert's weight by performance, averaged over questions weighed one by one."""


class DecisionMakers(TypedDict):
    """How well the pools of all experts did."""

    equal: PanelScore
    """With equal weights."""
    performance: PanelScore
    """With weights by performance."""
    item: PanelScore
    """With weights by performance, question by question."""


class PanelPerformance(TypedDict):
    """How well everybody did on the calibration questions."""

    questions: int
    """How many there are."""
    weak: bool
    """Whether these are too few."""
    enough: int
    """How many would do."""
    cutoff: float | None
    """The calibration below which an expert has no weight; null without one."""
    experts: list[ExpertScore]
    """In the order of the file."""
    decision_makers: DecisionMakers
    """The pools of all experts."""


class ExpertJudgment(Summary):
    """What an expert judged: a SUMMARY of the number itself, with more keys."""

    expert: str
    """The id of the expert."""
    value: Any
    """The PRIOR, as written."""
    weight: float
    """Of those who judged this number; they sum to 1."""


class PooledNumber(OpenSummary):
    """A pooled number: a SUMMARY of the number itself, null where it cannot be pooled."""

    form: Any
    """The PRIOR, as a story has it; null where it cannot be pooled."""
    reason: str | None
    """Why it cannot be pooled."""


class JudgedQuantity(TypedDict):
    """A number that the panel judged."""

    id: str
    """Of the number."""
    kind: Kind
    """Whether it is a probability or in bits."""
    claim: str | None
    """What it is about."""
    equal_for_want_of_weights: bool
    """Whether weights are equal because none of those who judged it has any."""
    judgments: list[ExpertJudgment]
    """One for each expert who judged it."""
    pools: dict[PoolMethod, PooledNumber]
    """By how they are pooled."""


class BeliefStatement(TypedDict):
    """A probability that somebody stated."""

    text: str
    """What it is the probability of, in words."""
    probability: float
    """As stated."""
    weight: float
    """How firmly it is held, for the repair."""


class ConflictMember(TypedDict):
    """A statement that takes part in a conflict."""

    statement: int
    """Its place in `statements`, from 0."""
    bounds: list[float] | None
    """The least and the most that its probability can be, given the others; null where nothing
    is possible."""


class BeliefConflict(TypedDict):
    """Statements that cannot all be."""

    smallest: bool
    """Whether it is known that no smaller set of them is in conflict."""
    statements: list[ConflictMember]
    """Those that take part."""


class BeliefRepair(TypedDict):
    """The nearest coherent beliefs."""

    probabilities: list[float]
    """In the order of `statements`."""
    squared_bits: float
    """The weighted sum of squared changes, in bits of log2 odds."""


class ExpertBeliefs(TypedDict):
    """The beliefs of one expert."""

    expert: str
    """The id of the expert."""
    coherent: bool
    """Whether they can all be."""
    statements: list[BeliefStatement]
    """In the order of the file."""
    conflicts: list[BeliefConflict]
    """Statements that cannot all be."""
    repair: BeliefRepair | None
    """The nearest coherent beliefs; null where they were not asked for or not needed."""


class PanelSummary(TypedDict):
    """What a panel's judgments come to."""

    schema: str
    """`storyodds/judgments/1`."""
    judgments: str
    """The id of the panel."""
    title: str
    """Its title."""
    experts: dict[str, str]
    """Names of experts, by id."""
    weights: Weights
    """How experts are weighed."""
    performance: PanelPerformance | None
    """How they did on the calibration questions; null where there are none."""
    quantities: list[JudgedQuantity]
    """Numbers that the panel judged."""
    tolerance: float
    """By which share odds may be off before beliefs count as incoherent."""
    beliefs: list[ExpertBeliefs]
    """Of every expert who stated any."""
