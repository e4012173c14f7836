"""The document of `storyodds estimate --json`."""

from typing import Annotated, Literal, NotRequired, TypedDict

from storyodds.priors.distributions.forms import Basis
from storyodds.reports.contract.by_event import ByClass, ByFate
from storyodds.reports.contract.head import Day, StoryDocument
from storyodds.reports.contract.summaries import Summary
from storyodds.scenarios.grammar.outcomes import OutcomeClass
from storyodds.scenarios.provenance import SourceRecord
from storyodds.scenarios.schema import CheckResult

SCHEMA = "storyodds/estimate/1"

Criterion = Literal[
    "goal_alignment", "goal_competitiveness", "rationale_alignment", "rationale_competitiveness"
]

GoalCriterion = Literal["goal_alignment", "goal_competitiveness"]

_RouteClass = TypedDict(
    "_RouteClass", {"class": Annotated[OutcomeClass, "The class of model at which it ends."]}
)


class Route(Summary, _RouteClass):
    """P(training ends by a route), a SUMMARY with more keys."""

    kind: str | None
    """Of the taxonomy of routes."""
    mechanism: str | None
    """Which it shares with other routes."""


class CheckEffect(TypedDict):
    """What a check catches. One whose result is known is evidence, and catches nothing more."""

    result: CheckResult | None
    """Where it is known."""
    caught: dict[str, Summary | None] | None
    """By route, P(the check flags | route); null for a route that cannot be."""
    added: Summary | None
    """What the check takes off P(catastrophe) once all others are there, in probability; null of a
    check whose result is known. Of one within training it says what training without it would come
    to, the evidence being what it is; null where its rates stand in other parts too, where the odds
    are simulated instead of summed, and where the evidence is impossible without it."""


class DependenceOdds(TypedDict):
    """One fate by how checks fail, each with its own rates throughout."""

    stated: Summary
    """As the story has it."""
    independent: Summary | None
    """If every check decided by itself; null where that cannot be worked out."""
    as_one: Summary | None
    """If one draw decided for all of them, so that the best is as good as all."""


class CheckDependence(TypedDict):
    """How far the odds lean on checks that do not fail together, of those that can still flag."""

    success: DependenceOdds
    """P(success)."""
    catastrophe: DependenceOdds
    """P(catastrophe)."""


class HazardOdds(Summary):
    """P(the hazard fires), which only an intended model can meet, a SUMMARY with more keys."""

    criterion: Literal["alignment", "competitiveness"]
    """Of the goal, which it defeats."""
    given_intended: Summary | None
    """P(it fires | training ended as intended)."""


class Criteria(TypedDict):
    """The four criteria of a training story."""

    goal_alignment: Summary
    """P(no alignment hazard fires), of a run that is made to end as intended."""
    goal_competitiveness: Summary
    """P(no competitiveness hazard fires), of a run that is made to end as intended."""
    rationale_alignment: Summary
    """P(training ends as intended)."""
    rationale_competitiveness: Summary | None
    """P(training is carried out at all), which everything else is given; null where the story
    makes no claim about it."""


class GoalCriteria(TypedDict):
    """The two criteria of the goal."""

    goal_alignment: Summary | None
    """P(no alignment hazard fires | training ended as intended)."""
    goal_competitiveness: Summary | None
    """P(no competitiveness hazard fires | training ended as intended)."""


class Lens(TypedDict):
    """The story as outer and inner alignment see it."""

    applies: bool
    """Whether the two can be asked for: whether the goal is to optimize the training objective."""
    reason: str
    """Why, or why not."""
    outer_alignment: Summary | None
    """P(no alignment hazard of the goal)."""
    inner_alignment: Summary | None
    """P(the trained optimizer is as intended, rather than a mesa-optimizer or deceptive)."""
    kinds: dict[str, Summary]
    """P(training ends by a route of a kind), by the kinds of the taxonomy that the story has."""


class AssumptionOdds(Summary):
    """P(an assumption is true | evidence), a SUMMARY with one more key."""

    prior: Summary
    """The same before the evidence."""


class StageOdds(TypedDict):
    """Where one stage of training leaves the model."""

    stage: str
    """Of those that the story lists."""
    classes: ByClass[Summary]
    """P(the stage leaves a model of the class)."""
    routes: dict[str, Summary]
    """By id, P(the stage leaves the model on the route)."""
    moves: ByClass[dict[str, float]] | None
    """By class and then by id of the route, P(the stage before leaves a model of the class, and
    this one leaves it on the route), as a mean: what stays and what moves. Of each class they add
    up to what the stage before leaves, and of each route to what this one leaves. Where numbers are
    sampled, they are means over some of the draws that are fitted to these sums. Null in the
    first stage, where the odds are simulated instead of summed, and where memory is not enough."""
    move_errors: ByClass[dict[str, float]] | None
    """Monte Carlo standard errors of `moves` before they are fitted, in probability."""


class FailurePath(TypedDict):
    """One way to fail: an ending, and a smallest set of literals that opens it."""

    rank: int
    """From 1, the most concerning first."""
    place: int
    """The same, shared by those that tie."""
    route: str
    """Where training ends; `intended` for a hazard."""
    hazard: str | None
    """The hazard that fires, of a path through the intended model."""
    kind: str | None
    """Of the route, in the taxonomy."""
    literals: list[str]
    """Assumptions that have to be true, or false (`not …`)."""
    probability: Summary
    """P(the ending, and all literals)."""
    undetected: Summary | None
    """P(no check flags | the ending, and all literals)."""
    concern: Summary
    """P(the ending, all literals, and a catastrophe); of a hazard, one that it causes itself."""
    weakest_link: str | None
    """The literal whose negation would lower the concern of the whole ending most; null where none
    can be negated, and for paths that are not among the most concerning."""
    claim: str
    """What the ending is, in the story's words."""
    checks: list[str]
    """Checks that can flag it."""
    overlaps: bool
    """Whether another path of the same ending can hold with it."""
    ways: int | None
    """How many smallest sets of literals the ending has; null where they are too many to work out,
    and the path stands for all of them."""
    narrowed: bool
    """Whether the search among a route's sequences of stages left some aside, so that one of more
    concern may not be listed."""
    share_top: float
    """How often over the draws it ranks first, ties shared evenly."""


class PathName(TypedDict):
    """A failure path."""

    path: str
    """Where it ends: a route, or a hazard."""
    literals: list[str]
    """What it needs."""


class MechanismOdds(TypedDict):
    """Routes that share a mechanism, together."""

    routes: list[str]
    """Their ids."""
    probability: Summary
    """P(training ends by one of them)."""
    concern: Summary
    """P(training ends by one of them, and a catastrophe)."""


class EvidenceItem(TypedDict):
    """An evidence item, or the known result of a check."""

    id: str
    """Of the item."""
    claim: str
    """What was found, in the story's words; of a check, what it is."""
    result: CheckResult | None
    """Of a check whose result is known; null for findings and forecasts."""
    opinion: bool
    """Whether it is a forecast, which is no finding."""
    idle: bool
    """Whether it is a forecast that changes nothing."""
    why_idle: str | None
    """Why it can change no odds; null where it can."""
    bits: ByClass[float | None]
    """What it alone does to each class, in bits: log2 of P(item | class) / P(item | any other),
    before all other evidence; null where undefined."""
    exposure: NotRequired[str]
    """Of a deployment, in words: what came of it, and what that alone does to the odds."""
    source: SourceRecord | None
    """Where it was published; null for a check."""


class Evidence(TypedDict):
    """What the evidence says."""

    log_probability: float | None
    """The natural log of P(evidence), in nats; null where it could not be estimated."""
    log_probability_error: float | None
    """Its Monte Carlo standard error, in nats."""
    note: str | None
    """A sentence where the items contradict each other or the story."""
    items: list[EvidenceItem]
    """Known results of checks, then findings and forecasts, in the order of the story."""


class RestsOn(TypedDict):
    """What share of an answer rests on which numbers; null where it depends on none."""

    success: dict[Basis, float] | None
    """Of P(success)."""
    catastrophe: dict[Basis, float] | None
    """Of P(catastrophe)."""


class Estimate(StoryDocument):
    """The odds of every class and fate, and what they come from."""

    catastrophe_definition: str | None
    """What counts as a catastrophe, in the story's words."""
    classes: ByClass[Summary]
    """P(training ends at a class)."""
    prior_classes: ByClass[Summary]
    """The same before the evidence."""
    routes: dict[str, Route]
    """By id, P(training ends by a route)."""
    stages: list[StageOdds]
    """In order, where each stage of training leaves the model; empty where training is one step."""
    fates: ByFate[Summary]
    """P(fate); the five exclude each other and leave nothing out."""
    false_alarm: Summary
    """P(halted, and it would have been a success)."""
    deployed: Day | None
    """The odds on the day of the decision; null where every model is halted."""
    checks: dict[str, CheckEffect]
    """By id, what each check catches."""
    check_dependence: CheckDependence | None
    """The odds with checks as stated, independent and as one; null of fewer than two live ones."""
    criteria: Criteria
    """The four criteria of a training story."""
    criteria_given_intended: GoalCriteria
    """Those of the goal, given that training did end as intended."""
    catastrophe_given_deployed_failure: Summary | None
    """P(catastrophe | deployed, and no success); null where that cannot be."""
    hazards: dict[str, HazardOdds]
    """By id, P(the hazard fires)."""
    lens: Lens
    """The story as outer and inner alignment see it."""
    assumptions: dict[str, AssumptionOdds]
    """By id, P(the assumption is true); of one with states, by `id is state`, P(it is in it)."""
    paths: list[FailurePath]
    """Every failure path, the most concerning first."""
    mechanisms: dict[str, MechanismOdds]
    """By name, routes that share a mechanism, together."""
    evidence: Evidence
    """What the evidence says."""
    rests_on: RestsOn
    """What share of success and of catastrophe rests on assumed, elicited and measured numbers:
    shares of the sum of absolute derivatives, in probability per bit."""
