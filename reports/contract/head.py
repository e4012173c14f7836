"""What every document about one story has: which story, how it was computed, how good that is."""

from typing import Annotated, Literal, NotRequired, TypedDict

from storyodds.models.posterior.draws import Computed
from storyodds.reports.contract.by_event import ByClass, ByFate
from storyodds.reports.contract.summaries import Summary
from storyodds.scenarios.provenance import NumberRecord, SourceRecord
from storyodds.scenarios.schema import StoryKind


class NumberCounts(TypedDict):
    """How many numbers the story has."""

    in_all: int
    """How many somebody wrote down."""
    uncertain_in_all: int
    """How many of these the odds have an interval by: not those that only say how to read one
    finding."""
    changed_by_view: int | None
    """How many the view changed; null without a view."""


class CorrelatedNumbers(TypedDict):
    """Numbers that the story says go together."""

    id: str
    """By which `--off correlation:ID` lets them be independent."""
    between: list[str]
    """Their names."""
    rank: float
    """Spearman's rank correlation of each two of them, before any evidence."""
    fixed: list[str]
    """Those of them that are fixed here, by a view or a setting: the others keep their own
    priors."""
    source: SourceRecord | None
    """Who says so."""
    note: str | None
    """What else the story says of it."""


class CorrelationsOfHead(TypedDict):
    """What the story says goes together."""

    correlations: NotRequired[list[CorrelatedNumbers]]
    """Numbers that go together; left out where the story says so of none."""


class Head(CorrelationsOfHead):
    """Which story, and how it was computed."""

    schema: str
    """The kind of document and its version, as in `storyodds/estimate/1`."""
    story: str
    """The id of the story."""
    title: str
    """Its title."""
    story_sha256: str
    """The SHA-256 hash of the story as written, in hexadecimal digits."""
    view: str | None
    """The view that was applied, by name."""
    settings: dict[str, str]
    """What was overridden: the PRIOR by the name of the number, `off` by the part switched off."""
    kind: StoryKind
    """Whether the story makes claims about success too."""
    number_counts: NumberCounts
    """How many numbers the story has."""
    idle_evidence: dict[str, str]
    """Evidence items that can change no odds: by id, the reason."""
    method: Computed
    """How the posterior was computed."""
    seed: int
    """Of the random numbers."""
    versions: dict[str, str]
    """Of Python and of the packages that took part, by name."""


class AnswerErrors(TypedDict):
    """Monte Carlo standard errors of a SUMMARY, in probability."""

    mean: float
    """Of the mean."""
    q05: float
    """Of the 5 percent point."""
    median: float
    """Of the median."""
    q95: float
    """Of the 95 percent point."""


class Diagnostics(TypedDict):
    """Whether the draws can be relied on."""

    ok: bool
    """Whether the computation passed its own checks. Quote nothing where it did not."""
    draws: int
    """Of all numbers, that intervals are taken over."""
    ess: float | None
    """How many independent draws they count as; null where nothing is uncertain."""
    pareto_k: float | None
    """The shape of the largest weights' tail; null where it was not needed."""
    means: Literal["exact", "sampled"]
    """Whether means are exact sums or averages of draws."""
    log_probability_error: float | None
    """Monte Carlo standard error of log P(evidence), in nats."""
    standard_errors: dict[str, AnswerErrors]
    """Monte Carlo standard errors by class, fate, and `deployed`. In an estimate, also of every
    other SUMMARY given the evidence by where it stands, such as `criteria.goal_alignment`,
    `hazards.slow` or, paths being numbered by their rank, `paths.1.concern`; what is not listed has
    no error."""
    weight_bound: NotRequired[float | None]
    """Of weighting: by how many times the average no draw counts more; null without a bound."""
    r_hat_max: NotRequired[float]
    """Of NUTS: the largest R-hat of an answer."""
    ess_bulk_min: NotRequired[float]
    """Of NUTS: the smallest bulk effective sample size of an answer."""
    ess_tail_min: NotRequired[float]
    """Of NUTS: the smallest tail effective sample size of an answer."""
    divergences: NotRequired[int]
    """Of NUTS: divergent transitions."""
    states: NotRequired[int]
    """Of simulation: states of the assumptions at each draw of the numbers."""
    states_simulated: NotRequired[int]
    """Of simulation: states in all."""
    ess_joint: NotRequired[float]
    """Of simulation: how many independent states they count as."""
    simulation_error: NotRequired[dict[str, float]]
    """Of simulation: standard errors of the means, in probability, by class and fate."""
    simulation_noise: NotRequired[dict[str, float] | None]
    """Of simulation: standard errors of the probabilities at single draws, which widen the
    intervals; null where there are no intervals."""
    messages: list[str]
    """What went wrong, and what has to be known."""


_DayFates = TypedDict(
    "_DayFates",
    {"benign-failure": Annotated[Summary, "P(it fails without catastrophe | deployed)."]},
)


class Day(_DayFates):
    """The odds on the day of the decision, no check having flagged the model."""

    probability: Summary
    """P(deployed): that no check flags."""
    success: Summary
    """P(success | deployed)."""
    uncompetitive: Summary
    """P(as intended without catastrophe, but rivals win | deployed)."""
    catastrophe: Summary
    """P(catastrophe | deployed)."""
    classes: ByClass[Summary]
    """P(class | deployed)."""


class Opinions(TypedDict):
    """The odds without the forecasts, which are opinions and no findings."""

    forecasts: list[str]
    """Ids of the evidence items that are forecasts."""
    idle: list[str]
    """Those of them that change nothing."""
    classes: ByClass[Summary]
    """P(class | the findings alone)."""
    fates: ByFate[Summary]
    """P(fate | the findings alone)."""
    deployed: Day | None
    """The same on the day of the decision; null where every model is halted."""


class StoryDocument(Head):
    """What every document about one story has."""

    opinions: Opinions | None
    """The odds without the forecasts; null where the story has none."""
    provenance: list[NumberRecord]
    """Every number that somebody wrote down."""
    diagnostics: Diagnostics
    """Whether the draws can be relied on."""
