"""The part `trust`: whether priors and evidence can be trusted, and what each item does."""

from typing import Annotated, NotRequired, TypedDict

from storyodds.reports.contract.by_event import ByEvent
from storyodds.reports.contract.summaries import Summary, WithError


class PowerScalingOfEvent(TypedDict):
    """How an event moves as a prior or the evidence is raised to a power."""

    sensitivity: float | None
    """The cumulative Jensen-Shannon distance per doubling; null where nothing uncertain bears on
    the event."""
    per_doubling: float
    """The change of P(event) per doubling of the power, in probability."""
    error: float
    """Its Monte Carlo standard error, in probability."""
    at_half: NotRequired[float | None]
    """P(event) at the power 1/2; null where the weights behind it cannot be relied on."""
    at_double: NotRequired[float | None]
    """P(event) at the power 2; null where the weights behind it cannot be relied on."""


class ScalingShapes(TypedDict):
    """Pareto k of the weights behind power-scaling; null where none were needed."""

    near: float | None
    """Behind `sensitivity` and `per_doubling`."""
    half: float | None
    """Behind `at_half`."""
    double: float | None
    """Behind `at_double`."""


class NumberScaling(TypedDict):
    """How far a number itself moves."""

    prior: float
    """Its sensitivity to its prior."""
    evidence: float
    """Its sensitivity to the evidence."""
    pull: float
    """By how many standard deviations a doubled prior would pull it."""
    conflict: bool
    """Whether that makes a conflict of prior and evidence."""


class ScaledEvents(TypedDict):
    """What a component does to the headline as it is raised to a power."""

    name: str
    """Of the number or the evidence item, or that it is all of them."""
    success: PowerScalingOfEvent
    """How P(success) moves."""
    catastrophe: PowerScalingOfEvent
    """How P(catastrophe) moves."""
    pareto_k: NotRequired[ScalingShapes]
    """Of the weights behind it."""


class ScaledPrior(ScaledEvents):
    """What a prior does to the headline."""

    itself: NotRequired[NumberScaling | None]
    """How far the number itself moves; null for all priors together."""


class ScaledEvidence(ScaledEvents):
    """What an evidence item does to the headline."""

    opinion: bool
    """Whether it is a forecast."""


class PowerScalings(TypedDict):
    """How the headline moves as priors and evidence are raised to a power.

    Numbers that only say how to read one finding are integrated out, and known results of checks
    stay as they are.
    """

    threshold: float
    """The sensitivity from which on it counts."""
    base: ByEvent[float]
    """P(event) as it is."""
    priors: list[ScaledPrior]
    """The largest sensitivity first, all together last."""
    evidence: list[ScaledEvidence]
    """The largest sensitivity first, all together last."""
    no_density: list[str]
    """Names of uncertain numbers that cannot be scaled."""


class EvidenceEffect(TypedDict):
    """What an item does to an event, in bits of log2 odds; null where the odds are undefined."""

    alone: WithError | None
    """Before all others."""
    left_out: WithError | None
    """After all others."""
    average: WithError | None
    """On average over all orders: its Shapley value."""


ItemEffects = TypedDict(
    "ItemEffects",
    {
        "item": Annotated[str, "Its id; known results of checks are one item, the last."],
        "intended": NotRequired[Annotated[EvidenceEffect, "On P(intended)."]],
        "mesa-optimizer": NotRequired[Annotated[EvidenceEffect, "On P(mesa-optimizer)."]],
        "deceptive": NotRequired[Annotated[EvidenceEffect, "On P(deceptive)."]],
        "other": NotRequired[Annotated[EvidenceEffect, "On P(other)."]],
        "success": Annotated[EvidenceEffect, "On P(success)."],
        "catastrophe": Annotated[EvidenceEffect, "On P(catastrophe)."],
    },
)


class EvidenceEffects(TypedDict):
    """What each evidence item does."""

    items: list[ItemEffects]
    """One entry for each item."""
    opinions: list[str]
    """Ids of the items that are forecasts."""
    total: ByEvent[WithError | None]
    """What all items together do, in bits of log2 odds; null where the odds are undefined."""
    without_opinions: ByEvent[WithError | None] | None
    """The same of all but the forecasts; null where there are none."""
    prior: ByEvent[float]
    """P(event) without evidence."""
    posterior: ByEvent[float]
    """P(event) with it."""
    orders: int | None
    """Over how many orders averages are taken; null where over all of them."""
    draws: int
    """How many are behind the effects."""
    ess: float
    """How many independent draws these count as with all evidence."""
    pareto_k: float | None
    """Of their weights then; null where there is no tail."""


class StepOdds(Summary):
    """P(event | the findings so far), a SUMMARY with more keys."""

    error: float
    """The Monte Carlo standard error of the mean, in probability."""
    change_error: float | None
    """That of its difference from the step before, in probability; null for the first step."""


class EvidenceStep(TypedDict):
    """The odds given one finding more."""

    item: str | None
    """The id of the finding; null for the first step, which is given none."""
    opinion: bool
    """Whether it is a forecast."""
    odds: ByEvent[StepOdds]
    """P(event | the findings so far)."""
    ess: float
    """How many independent draws are behind it."""
    pareto_k: float | None
    """Of their weights; null where none were needed."""
    ok: bool
    """Whether these can be relied on."""


class EvidenceSequencePart(TypedDict):
    """The odds as the evidence came in."""

    steps: list[EvidenceStep]
    """In the order of the story, known results of checks last and together; both ends are those of
    the estimate."""
    draws: int
    """How many are behind the steps between both ends."""


class TrustPart(TypedDict):
    """Whether priors and evidence can be trusted, and what each item does."""

    power_scaling: PowerScalings
    """How the headline moves as priors and evidence are raised to a power."""
    evidence_effects: EvidenceEffects
    """What each evidence item does."""
    evidence_sequence: EvidenceSequencePart
    """The odds as the evidence came in."""
