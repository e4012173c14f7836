"""The document of `storyodds compare --json`."""

from typing import Any, Literal, TypedDict

from storyodds.models.comparison.coupling import How
from storyodds.models.posterior.draws import Computed
from storyodds.models.story.events import Headline
from storyodds.priors.distributions.forms import Kind
from storyodds.reports.contract.by_event import ByEvent
from storyodds.reports.contract.head import Diagnostics, NumberCounts, Opinions
from storyodds.reports.contract.summaries import AveragedSummary, Summary, WithError
from storyodds.scenarios.edits import How as Edit

SideKind = Literal["story", "view", "result"]


class SideHead(TypedDict):
    """Which story a side is, as in `storyodds/estimate/1`."""

    story: str
    """The id of the story."""
    title: str
    """Its title."""
    story_sha256: str
    """The SHA-256 hash of the story as written, in hexadecimal digits."""
    view: str | None
    """The view that was applied, by name."""
    settings: dict[str, str]
    """What was overridden."""
    method: Computed
    """How the posterior was computed."""


class ComparedSide(SideHead):
    """One thing that is compared."""

    name: str
    """By which everything else speaks of it."""
    kind: SideKind
    """What it is."""
    file: str | None
    """Of a saved result."""
    why_alone: str | None
    """Why the draws of a saved result are independent of all others; null where it could be made
    again."""
    odds: ByEvent[Summary]
    """P(event), of every class and fate."""
    deployed: dict[str, Summary] | None
    """The odds on the day of the decision, by `deployed`, `success-given-deployed` and its like;
    null where every model is halted, or they were not kept."""
    opinions: Opinions | None
    """The odds without the forecasts; null where there are none, or they were not kept."""
    story_kind: str | None
    """`kind` of `storyodds/estimate/1`; null where it was not kept."""
    number_counts: NumberCounts | None
    """How many numbers the story has; null where that was not kept."""
    log_evidence: float | None
    """The natural log of P(evidence), in nats; null where it is not known."""
    log_evidence_error: float | None
    """Its Monte Carlo standard error, in nats."""
    diagnostics: Diagnostics
    """Whether its draws can be relied on."""


class Difference(TypedDict):
    """DIFFERENCE: P(event) of the second side less that of the first, in probability.

    Of rows that stand beside each other, half follow the posterior of the one side and half that
    of the other. All but `mean` are null without draws.
    """

    mean: float
    """The difference of the posterior means."""
    median: float | None
    """Half of the rows have a smaller difference."""
    q05: float | None
    """The 5 percent point over the rows."""
    q95: float | None
    """The 95 percent point over the rows."""
    larger: float | None
    """The share of the rows in which it is above 0."""
    smaller: float | None
    """The share of the rows in which it is below 0."""
    error: float | None
    """The Monte Carlo standard error of these shares."""
    clear: bool | None
    """Whether one of them is at least 0.95 by more than twice that error: a change that helps at
    every value of the numbers is clear."""


class ChangedEntry(TypedDict):
    """What is another in two versions of a story; null where one has no such thing."""

    name: str
    """Of a number, or the id of an evidence item."""
    old: Any
    """As the first side has it."""
    new: Any
    """As the second side has it."""


class Changes(TypedDict):
    """What differs between two versions of one story."""

    numbers: list[ChangedEntry]
    """Numbers, as PRIORs."""
    evidence: list[ChangedEntry] | None
    """Evidence items, and checks with a known result; null where that is not known."""
    text: bool
    """Whether the stories themselves differ in any way."""


class ChangeRecord(TypedDict):
    """A change of one part of a story."""

    part: str
    """`number`, `route`, `check` and so on."""
    name: str
    """Of the number, or the id of the part."""
    how: Edit
    """What was done."""


class Contribution(TypedDict):
    """What one change adds to the differences, or several that count as one.

    It is what the change does when it is made after some of the others, on average over all
    orders in which they can be made: its Shapley value.
    """

    label: str
    """In words."""
    changes: list[ChangeRecord]
    """Which."""
    adds: ByEvent[WithError]
    """To the difference of each event, in probability; over all changes, means add up to it."""


class Contributions(TypedDict):
    """What each change adds to the differences."""

    changes: list[Contribution] | None
    """The largest first by what they add to success and catastrophe; null where they were not told
    apart."""
    orders: int | None
    """In how many orders the changes were made; null where it was in all of them."""
    why: str | None
    """Why they were not told apart."""


class ComparedPair(TypedDict):
    """Two sides."""

    first: str
    """The name of the first."""
    second: str
    """The name of the second."""
    how: How | None
    """How they stand beside each other: `paired` at the same numbers, `same` where they have the
    same saved draws, `independent`; null where a side has no draws."""
    why: str
    """The same in a sentence."""
    numbers: list[str]
    """Uncertain numbers that are equal in every row."""
    moved: list[str]
    """Uncertain numbers that have the same name and another prior, and stand at the same quantile
    of both."""
    differences: ByEvent[Difference]
    """Of every class and fate."""
    deployed: dict[str, Difference] | None
    """The same by the odds on the day of the decision; null where a side has none."""
    changed: Changes | None
    """What differs between two versions of one story; null for two stories."""
    contributions: Contributions | None
    """What each change adds to the differences; null for two stories, and where neither is the
    first side."""


class SideRank(TypedDict):
    """How often a side comes first, second and so on."""

    name: str
    """Of the side."""
    shares: list[float]
    """Of the rows, by rank; ties are shared out evenly."""


class RivalSides(TypedDict):
    """Sides that speak of the same findings, and how well each explains them."""

    sides: list[str]
    """Their names."""
    items: list[str]
    """Ids of the findings. Forecasts are opinions and weigh nothing."""
    bits: list[float]
    """By which each explains them worse than the best one: log2 of the ratio, 0 or below."""
    weights: list[float]
    """Their probabilities given the findings, if all were equally probable before."""
    odds: ByEvent[AveragedSummary]
    """P(event) on average with these weights; quantiles are null where a side has no draws."""


class ApartSides(TypedDict):
    """Two sides that do not speak of the same findings."""

    first: str
    """The name of the one."""
    second: str
    """The name of the other."""
    why: str
    """In a sentence."""


class ComparedEvidence(TypedDict):
    """How well the sides explain what was found."""

    rivals: list[RivalSides]
    """Groups of sides that speak of the same findings."""
    apart: list[ApartSides]
    """Two sides each that do not."""


class OrderPoint(TypedDict):
    """A value of a number at which two sides change order."""

    number: str
    """Its name."""
    of: list[str]
    """Names of the sides in which it moves: both, where they share it."""
    kind: Kind
    """Whether it is a probability or in bits."""
    value: float
    """At which both sides have the same probability."""
    side: str
    """`above` or `below`, where their order is another."""
    prior_chance: float
    """P(the number is on that side), before any evidence."""
    probability: float
    """P(event) in both at the value."""
    error: float
    """The Monte Carlo standard error of the difference between the two there."""


class OrderTipping(TypedDict):
    """Where two sides that are next to each other in rank change order."""

    event: Headline
    """By which they are ranked."""
    first: str
    """The side that has more of it now."""
    second: str
    """The side that has less of it now."""
    points: list[OrderPoint] | None
    """The likeliest first; null where they were not looked for."""
    numbers: int | None
    """How many numbers were moved; null where none were."""
    why: str | None
    """Why points were not looked for."""


class ComparisonDiagnostics(TypedDict):
    """Whether everything can be relied on."""

    ok: bool
    """Whether every side can be."""
    messages: list[str]
    """Of every side, which they name."""


class Comparison(TypedDict):
    """Stories, views and saved results side by side."""

    schema: str
    """`storyodds/compare/1`."""
    seed: int
    """Of the random numbers."""
    draws: int
    """How many rows two sides have beside each other."""
    versions: dict[str, str]
    """Of Python and of the packages that took part, by name."""
    sides: list[ComparedSide]
    """What is compared, in the order in which it was named."""
    pairs: list[ComparedPair]
    """One for every two sides, those with the first side first."""
    ranks: dict[Headline, list[SideRank] | None]
    """How often each side comes first, which is safest; null with fewer than two sides that have
    draws. Sides without draws are left out."""
    evidence: ComparedEvidence
    """How well the sides explain what was found."""
    tipping: list[OrderTipping]
    """Where two sides change order."""
    summary: list[str]
    """Sentences: which differences are clear, who is safest, and what would change the order."""
    diagnostics: ComparisonDiagnostics
    """Whether everything can be relied on."""
