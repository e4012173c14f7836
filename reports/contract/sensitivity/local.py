"""The part `local`: what the odds hang on, one input at a time."""

from typing import Literal, TypedDict

from storyodds.models.story.events import Headline
from storyodds.priors.distributions.forms import Basis, Kind
from storyodds.reports.contract.by_event import ByEvent
from storyodds.reports.contract.summaries import Band, Summary
from storyodds.scenarios.grammar.outcomes import OutcomeClass

LocalEvent = OutcomeClass | Headline


class ChangedOdds(TypedDict):
    """The odds of a changed story, by `events`."""

    mean: ByEvent[float]
    """Posterior means, in probability."""
    error: ByEvent[float]
    """Monte Carlo standard errors of the differences from now, in probability."""
    pareto_k: float | None
    """Of the weights that take the draws there; null where none were needed."""
    refitted: bool
    """Whether it was assessed afresh instead."""


class PriorEnd(ChangedOdds):
    """The odds with a number known to be at one end of its prior."""

    value: float
    """The number there, in its own unit."""
    band: ByEvent[Band] | None
    """P(event | evidence, numbers) over the draws; null where it was assessed afresh."""


class NumberSwing(TypedDict):
    """The odds at both ends of a number's prior; null for a fixed number."""

    low: PriorEnd | None
    """With the number at the 5 percent point of its prior; null for a fixed number."""
    high: PriorEnd | None
    """With the number at the 95 percent point of its prior; null for a fixed number."""
    swing: ByEvent[float] | None
    """High less low, in probability; null for a fixed number."""
    swing_error: ByEvent[float] | None
    """The Monte Carlo standard error of the swing, in probability."""
    swing_band: ByEvent[Band] | None
    """High less low at the same draw, which counts by the mean of its weights at both ends; null
    where an end was assessed afresh."""


class LocalNumber(NumberSwing):
    """What the odds owe to a number that the story writes down."""

    name: str
    """Of the number."""
    kind: Kind
    """Whether it is a probability or in bits."""
    basis: Basis
    """What it rests on."""
    uncertain: bool
    """Whether it has a prior with any width."""
    now: Summary
    """The number itself given the evidence, in its own unit."""
    per_bit: ByEvent[float] | None
    """The derivative of the posterior mean, in probability per bit (of log2 odds, for a
    probability); null where derivatives are out of reach."""
    per_bit_band: ByEvent[Band] | None
    """The same of P(event | evidence, numbers) at the single draws; its mean is not `per_bit`, as
    the draws' weights do not move with it."""
    per_logit: ByEvent[float] | None
    """As `per_bit` per unit of natural log odds; null for bits."""
    elasticity: ByEvent[float | None] | None
    """Percent per percent of the probability itself; null where undefined."""


class Signs(TypedDict):
    """How many numbers move an event which way as they grow."""

    up: int
    """That raise it."""
    down: int
    """That lower it."""


class EitherWay(TypedDict):
    """The odds with an assumption one way and the other; null where that cannot be."""

    true: ChangedOdds | None
    """Where it holds."""
    false: ChangedOdds | None
    """Where it does not."""


class LocalAssumption(TypedDict):
    """What the odds owe to an assumption."""

    assumption: str
    """Its id."""
    claim: str
    """In the story's words."""
    composite: bool
    """Whether it is made up of others by a formula."""
    learned: EitherWay
    """The odds once it is learned, from what it comes from on as well."""
    set: EitherWay
    """The odds once it is brought about, from there on alone."""


class LocalVerdict(TypedDict):
    """What may flip: a fate's being above a threshold, or which path is the worst."""

    event: Headline | Literal["worst-path"]
    """`success`, `catastrophe` or `worst-path`."""
    threshold: float | None
    """Of P(event); null for the worst path."""
    above: bool | None
    """Whether it is above it now; null for the worst path."""
    path: str | None
    """The worst path now; null for an event."""
    tied: list[str]
    """Paths that are just as bad."""


class NumberTipping(TypedDict):
    """Where a number flips a verdict."""

    number: str
    """Its name."""
    verdict: int
    """A place in `verdicts`, from 0."""
    value: float
    """Of the number, in its own unit."""
    side: str
    """`above` or `below`, where the verdict is another."""
    prior_chance: float
    """P(the number is on that side), before any evidence."""
    path: str | None
    """The worst path there; null for an event."""


class LocalPart(TypedDict):
    """What the odds hang on, one input at a time."""

    draws: int
    """Posterior draws on which differences are taken."""
    events: list[LocalEvent]
    """The keys of everything that is by event."""
    now: ByEvent[float]
    """P(event) of the story as it is."""
    numbers: list[LocalNumber]
    """Every number that the story writes down."""
    equal_elasticity: ByEvent[float | None]
    """The elasticity that all probabilities have in common, if they do; 1 for a bare product."""
    signs: ByEvent[Signs]
    """How many of `numbers` move an event which way as they grow."""
    assumptions: list[LocalAssumption]
    """Every assumption."""
    verdicts: list[LocalVerdict]
    """What may flip."""
    tipping_points: list[NumberTipping]
    """Where a number flips a verdict."""
    note: str
    """What changes of one input at a time do not show."""


class SwingEnd(TypedDict):
    """The odds with a number known to be at one end of its prior, in short."""

    value: float
    """The number there, in its own unit."""
    mean: ByEvent[float]
    """P(event)."""
    error: ByEvent[float]
    """The Monte Carlo standard error of the difference from now, in probability."""


class SwingNumber(TypedDict):
    """What the odds owe to an uncertain number, in short."""

    name: str
    """Of the number."""
    kind: Kind
    """Whether it is a probability or in bits."""
    basis: Basis
    """What it rests on."""
    low: SwingEnd
    """With the number at the 5 percent point of its prior."""
    high: SwingEnd
    """With the number at the 95 percent point of its prior."""
    swing: ByEvent[float]
    """High less low, in probability."""
    swing_error: ByEvent[float]
    """The Monte Carlo standard error of the swing, in probability."""


class SwingsPart(TypedDict):
    """What moves success and catastrophe most, as a page has it in place of `local`."""

    draws: int
    """Posterior draws on which differences are taken."""
    events: list[Headline]
    """The keys of everything that is by event."""
    now: ByEvent[float]
    """P(event) of the story as it is."""
    numbers: list[SwingNumber]
    """Those that may move them most, in the order of the story."""
    left_out: int
    """How many uncertain numbers were not taken to their ends."""
