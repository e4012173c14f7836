"""The story format as frozen records, which are also the Python API.

`Story(...)` written in code and a story read from a file are equal values. What a single record
can know of itself is checked by its type; what needs the whole story (names, cycles, limits) by
`storyodds.scenarios.checks.consistency`.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from storyodds.priors.distributions.forms import Bits, HitsAndTrials, Probability
from storyodds.priors.text.records import Count, Record, Slug, SourceField, Text
from storyodds.scenarios.grammar.formulas import Formula
from storyodds.scenarios.grammar.outcomes import OutcomeClass
from storyodds.scenarios.grammar.parts import About, BitsByRow, GivenRow, Rate
from storyodds.scenarios.grammar.stages import MAX_TIMES, ByStage, RouteBits
from storyodds.scenarios.grammar.states import States

StoryKind = Literal["training-story", "risk-argument"]
TRAINING_STORY: StoryKind = "training-story"
RISK_ARGUMENT: StoryKind = "risk-argument"

CheckResult = Literal["passed", "flagged"]

RationaleClass = Literal[
    "capability-limitations",
    "inductive-bias",
    "transparency",
    "automated-oversight",
    "ai-cognitive-science",
    "precursor-checking",
    "loss-landscape",
    "game-theoretic",
]


class Hazard(Record):
    """How a model that meets the goal's specification is still bad or useless."""

    id: Slug
    claim: Text = ""
    criterion: Literal["alignment", "competitiveness"]
    requires: Formula | None = None
    probability: Rate
    harm: Rate | None = None


class Goal(Record):
    """The training goal: which model is wanted, and why any such model is good."""

    specification: Text
    optimization: Literal["none", "narrow", "myopic", "open-ended"] = "none"
    loss_seeking: Annotated[bool, Field(strict=True)] = False
    desirability: Text
    hazards: tuple[Hazard, ...] = ()


class Constraint(Record):
    """A fact that must hold of whatever model results, and the routes that it rules out."""

    id: Slug
    claim: Text = ""
    holds: Formula
    rules_out: Annotated[tuple[Slug, ...], Field(min_length=1)]
    stages: Annotated[tuple[Slug, ...], Field(min_length=1)] | None = None


class Nudge(Record):
    """A reason why one model comes out rather than another, in bits for each route or class."""

    id: Slug
    claim: Text = ""
    when: Formula | None = None
    bits: Annotated[dict[Slug, Bits], Field(min_length=1)]
    stages: Annotated[tuple[Slug, ...], Field(min_length=1)] | None = None


class Rationale(Record):
    """The training rationale: why training ends at the wanted model."""

    class_: Annotated[tuple[RationaleClass, ...], Field(alias="class")] = ()
    feasibility: Probability | None = None
    constraints: tuple[Constraint, ...] = ()
    nudges: tuple[Nudge, ...] = ()


class Assumption(Record):
    """A claim that is true or false in one training run, or of whose states one holds.

    Exactly one of `probability`, `given`, `holds_when`, `states` and `from` decides it; none of
    them takes the catalog's numbers.
    """

    claim: Text = ""
    probability: Probability | None = None
    given: Annotated[tuple[GivenRow, ...], Field(min_length=1)] | None = None
    holds_when: Formula | None = None
    states: States | None = None
    from_: Annotated[ByStage | None, Field(alias="from")] = None
    scope: Literal["run", "world"] | None = None
    sources: tuple[SourceField, ...] = ()
    note: Text | None = None


# With an unknown `use` nobody knows what the route leaves out; one mistake is enough.
_UNKNOWN = {"id": "unknown", "class": "other"}


class Route(Record):
    """A kind of model at which training may end.

    With `use`, whatever is left out is as the catalog's route of that name has it. Routes that
    name one `mechanism` are ranked together as well, so that splitting one hides nothing.
    """

    use: Slug | None = None
    id: Slug
    class_: Annotated[OutcomeClass, Field(alias="class")]
    kind: Slug | None = None
    claim: Text = ""
    requires: Formula | None = None
    bits: RouteBits | None = None
    harm: Rate | None = None
    mechanism: Slug | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_catalog(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("use") is None:
            return data
        # Imported here because the catalog's records read this module's names.
        from storyodds.scenarios.shared.catalog import template

        named = {"class" if key == "class_" else key: value for key, value in data.items()}
        return {**(template(named["use"]) or _UNKNOWN), **named}


class Check(Record):
    """A test that flags a model before deployment, at a rate for each kind of model.

    With `result` the check has been run: it is evidence, at its own rates, and halts no more.
    `after` a stage, it sees the model as that stage leaves it, and what it flags goes no further,
    or `to` a stage again, at most so many `times`, at `retrained_flags` from then on.
    """

    id: Slug
    claim: Text = ""
    role: Literal["held-out", "in-the-loss"] = "held-out"
    flags: dict[Slug, Rate]
    result: CheckResult | None = None
    after: Slug | None = None
    on_flag: Literal["halt", "retrain"] = "halt"
    to: Slug | None = None
    times: Annotated[int, Field(strict=True, ge=1, le=MAX_TIMES)] = 1
    retrained_flags: dict[Slug, Rate] | None = None


class CommonCause(Record):
    """Checks that fail together: with the chance of a share, one thing decides for all of them.

    Left out, the id is `common-cause-` and the place in the list, from 1.
    """

    id: Slug | None = None
    claim: Text = ""
    checks: Annotated[tuple[Slug, ...], Field(min_length=2)]
    share: dict[Slug, Rate]
    source: SourceField | None = None
    note: Text | None = None


class ObservedCounts(HitsAndTrials):
    """Observed hits among trials, of which there is at least one."""

    trials: Annotated[Count, Field(ge=1)]


class Exposure(Record):
    """What came of a stage of a deployment: incidents in so many episodes, or in so much time."""

    episodes: Annotated[Count, Field(ge=1)] | None = None
    time: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    incidents: Count

    @model_validator(mode="after")
    def _episodes_or_time(self) -> "Exposure":
        if (self.episodes is None) == (self.time is None):
            number = "neither" if self.episodes is None else "both"
            message = f"found {number} of episodes and time, expected exactly one of them"
            raise PydanticCustomError("episodes_or_time", message)
        if self.episodes is not None and self.incidents > self.episodes:
            raise PydanticCustomError(
                "incidents_above_episodes",
                "found {incidents} incidents in {episodes} episodes, expected no more incidents "
                "than episodes",
                {"incidents": self.incidents, "episodes": self.episodes},
            )
        return self


def _text_keys(value: Any) -> Any:
    """Let Python code write {True: …, False: …} where a file says true and false."""
    if not isinstance(value, dict):
        return value
    return {str(key).lower() if isinstance(key, bool) else key: item for key, item in value.items()}


class Evidence(Record):
    """One observation: counts or exposure with rates, bits of a Bayes factor, or a forecast."""

    id: Slug
    claim: Text = ""
    about: About
    after: Slug | None = None
    counts: ObservedCounts | None = None
    exposure: Exposure | None = None
    rates: Annotated[dict[Slug, Rate] | None, BeforeValidator(_text_keys)] = None
    rates_of: Slug | None = None
    visibility: dict[Slug, Rate] | None = None
    relevance: Probability | None = None
    bayes_factor: Annotated[dict[Slug, BitsByRow] | None, BeforeValidator(_text_keys)] = None
    forecast: Annotated[float, Field(strict=True, gt=0, lt=1)] | None = None
    sd_bits: Annotated[float, Field(strict=True, gt=0, le=60)] | None = None
    instrument: Slug | None = None
    source: SourceField | None = None
    note: Text | None = None


class Proposal(Record):
    """An observation that could be made, and has not been.

    With `use`, whatever is left out is as the catalog's observation of that name has it. With
    `replicates`, subject and rates are those of a finding, and the trials too unless stated.
    """

    use: Slug | None = None
    id: Slug
    claim: Text = ""
    replicates: Slug | None = None
    about: About | None = None
    after: Slug | None = None
    trials: Annotated[Count, Field(ge=1)] | None = None
    rates: Annotated[dict[Slug, Rate] | None, BeforeValidator(_text_keys)] = None
    relevance: Probability | None = None
    cost: Annotated[float, Field(strict=True, ge=0)] | None = None
    note: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_result(cls, data: Any) -> Any:
        if isinstance(data, dict) and "counts" in data:
            message = "expected trials in the place of counts: nothing has been observed yet"
            raise PydanticCustomError("no_result", message)
        return data

    @model_validator(mode="before")
    @classmethod
    def _from_catalog(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("use") is None:
            return data
        # Imported here because the catalog's records read this module's names.
        from storyodds.scenarios.shared.catalog import observation_template

        return {**(observation_template(data["use"]) or {"id": "unknown"}), **data}
