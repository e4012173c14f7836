"""The document of `storyodds value --json`."""

from typing import Literal, TypedDict

from storyodds.reports.contract.head import StoryDocument
from storyodds.scenarios.provenance import NumberRecord

Choice = Literal["deploy", "withhold"]
Unit = Literal["bits", "worth"]


class Gain(TypedDict):
    """GAIN: how much is gained on average by learning something."""

    value: float
    """In bits or in what endings are worth, not below 0."""
    error: float
    """Its Monte Carlo standard error."""


class Gains(TypedDict):
    """What is gained, in both units."""

    bits: Gain
    """In bits, about `of`."""
    worth: Gain | None
    """In worth, for the decision; null without one."""


class Decision(TypedDict):
    """To deploy or to withhold."""

    worth: dict[str, float]
    """By ending, and `withheld`, as stated."""
    deploy: float
    """What deploying is worth now."""
    withhold: float
    """What withholding is worth now."""
    choice: Choice
    """The better one."""


class ResultRange(TypedDict):
    """The 5 and 95 percent points of P(`of`) once the result is in."""

    q05: float | None
    """The 5 percent point; null where `of` is not defined."""
    q95: float | None
    """The 95 percent point; null where `of` is not defined."""


class ProposalResult(TypedDict):
    """A result that a proposed observation can have."""

    hits: list[int]
    """The first and the last number of hits, of results that are taken together."""
    probability: float
    """P(result)."""
    then: float | None
    """P(`of` | result); null where it is not defined."""
    success: float
    """P(success | result)."""
    catastrophe: float
    """P(catastrophe | result)."""
    choice: Choice | None
    """The better one after it; null without a decision."""


class ProposedObservation(Gains):
    """What a proposed observation is worth."""

    id: str
    """Of the proposal."""
    claim: str
    """What is done, in words."""
    origin: str
    """The `story`, or `catalog observation …`, which the story may have adapted."""
    replicates: str | None
    """An evidence item that it does again."""
    about: str
    """An assumption, or `outcome`."""
    after: str | None
    """The stage of training after which it is made; null where the model of the last one is."""
    trials: int
    """How many."""
    cost: float | None
    """In the unit of worth."""
    net: float | None
    """Worth less cost; null without a decision."""
    ceiling: Gains
    """What learning for sure what it is about would gain; where its rates depend on assumptions,
    what learning which rate applies would."""
    behind: Gain
    """How far it is behind the best in what proposals are ranked by, on the same draws."""
    then: ResultRange
    """The 5 and 95 percent points of P(`of`) once the result is in."""
    results: list[ProposalResult]
    """Results by the number of hits; of more than 200 trials, in some 200 groups."""


class AssumptionGains(Gains):
    """What learning whether an assumption is true would gain (EVPPI)."""

    assumption: str
    """Its id."""


class NumberGains(Gains):
    """What learning the value of a number would gain (EVPPI)."""

    number: str
    """Its name."""
    distinguishable: bool
    """Whether the gain that proposals are ranked by is more than two errors above 0."""


class InformationValue(StoryDocument):
    """What is worth finding out next."""

    unit: Unit
    """What proposals are ranked by: bits about `of`, or worth for the decision."""
    of: str
    """What bits are about: a class, a fate, `deployed`, or odds on the day of the decision, such
    as `catastrophe-given-deployed`."""
    probability: float | None
    """P(`of`), given the evidence like everything else; null where it is not defined."""
    success: float
    """P(success)."""
    decision: Decision | None
    """What each choice is worth now; null where no stakes are stated."""
    proposals: list[ProposedObservation]
    """The best first."""
    sharing: list[str]
    """Proposals of which no value is given: their rates or relevance are uncertain numbers that
    stand in one other place of the story, of which a result would tell as well."""
    perfect: Gains
    """What learning what comes about itself would gain; for a decision the fate (EVPI)."""
    outcome: Gains
    """What learning where training ended would gain."""
    assumptions: list[AssumptionGains]
    """Most bits first."""
    numbers: list[NumberGains]
    """Most bits first."""
    proposal_provenance: list[NumberRecord]
    """The proposals' own numbers."""
