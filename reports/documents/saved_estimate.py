"""The JSON of an estimate, read back: checked like a story, as far as numbers are taken from it.

It may be anybody's, and of another version: keys that are not here are left alone.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Self, cast

from pydantic import AfterValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from storyodds.models.posterior.draws import Computed
from storyodds.models.story.events import FATES
from storyodds.priors.text.errors import InputError, Mistake, Problem, key_path
from storyodds.priors.text.phrases import described
from storyodds.priors.text.records import Record, Slug, Text
from storyodds.priors.wording import mistakes_in
from storyodds.reports.contract.estimate import SCHEMA, Estimate
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.schema import StoryKind

ROUNDING = 1e-9  # by which a chance may be beyond 0 and 1
_SUM = 1e-6  # by which chances of everything may miss 1
_MOST_DRAWS = 2**31  # more than any memory holds: no count of draws


def _is_chance(number: float) -> float:
    if not -ROUNDING <= number <= 1 + ROUNDING:
        raise PydanticCustomError("chance", "expected a number between 0 and 1")
    return number


Chance = Annotated[float, Field(strict=True), AfterValidator(_is_chance)]
Positive = Annotated[float, Field(strict=True, ge=0)]
Error = Annotated[float, Field(strict=True, ge=0, le=1)]  # of a chance
Finite = Annotated[float, Field(strict=True)]


def _is_digest(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise PydanticCustomError("digest", "expected a SHA-256 hash of 64 hexadecimal digits")
    return text


Count = Annotated[int, Field(strict=True, ge=0)]
Digest = Annotated[str, Field(strict=True), AfterValidator(_is_digest)]


class _Part(Record):
    model_config = ConfigDict(extra="ignore")


class Odds(_Part):
    """A SUMMARY of a chance."""

    mean: Chance
    median: Chance
    q05: Chance
    q95: Chance

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.q05 - ROUNDING <= self.median <= self.q95 + ROUNDING:
            raise PydanticCustomError("quantiles", "expected q05, median and q95 in order")
        return self


class Classes(_Part):
    """Odds of every class."""

    intended: Odds
    mesa_optimizer: Odds = Field(alias="mesa-optimizer")
    deceptive: Odds
    other: Odds


class Fates(_Part):
    """Odds of every fate."""

    success: Odds
    uncompetitive: Odds
    halted: Odds
    benign_failure: Odds = Field(alias="benign-failure")
    catastrophe: Odds


class Day(_Part):
    """Odds on the day of the decision."""

    probability: Odds
    success: Odds
    uncompetitive: Odds
    benign_failure: Odds = Field(alias="benign-failure")
    catastrophe: Odds


class Opinions(_Part):
    """Odds without the forecasts."""

    fates: Fates


class NumberCounts(_Part):
    """How many numbers the story has, and how many of them its view changed."""

    in_all: Count
    changed_by_view: Count | None


class StandardError(_Part):
    """The Monte Carlo standard errors of a mean, and of what else is given with it."""

    mean: Error
    median: Error = 0.0
    q05: Error = 0.0
    q95: Error = 0.0


class Diagnostics(_Part):
    """Whether the draws can be relied on."""

    ok: Annotated[bool, Field(strict=True)]
    draws: Annotated[int, Field(strict=True, ge=1, le=_MOST_DRAWS)]
    ess: Positive | None = None
    log_probability_error: Positive | None = None
    standard_errors: dict[Text, StandardError] | None = None
    simulation_error: dict[Text, Error] | None = None
    messages: tuple[Text, ...]


class Item(_Part):
    """An item of the evidence."""

    id: Text


class Evidence(_Part):
    """What the evidence says."""

    log_probability: Finite | None
    items: tuple[Item, ...]


class Number(_Part):
    """A number that somebody wrote down."""

    name: Text
    form: Any


class SavedEstimate(_Part):
    """What is taken from "storyodds/estimate/1" when it is read back."""

    story: Slug
    title: Text
    story_sha256: Digest
    view: Text | None
    settings: dict[Text, Text]
    method: Computed
    seed: Annotated[int, Field(strict=True, ge=0)]
    classes: Classes
    fates: Fates
    evidence: Evidence
    provenance: tuple[Number, ...]
    diagnostics: Diagnostics
    # Earlier versions did not write these.
    kind: StoryKind | None = None
    deployed: Day | None = None
    opinions: Opinions | None = None
    number_counts: NumberCounts | None = None


def require_estimate(data: Any, file: Path) -> Estimate:
    """Take what is an estimate, and refuse everything else.

    Parameters
    ----------
    data : object
        As `json_reader.read_json` gives it.
    file : Path
        Which mistakes are in.

    Returns
    -------
    Estimate
        The same data. Earlier versions did not write every key.

    Raises
    ------
    InputError
        With every mistake, each at its key.
    """
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        description = described(schema if isinstance(data, dict) else data)
        sentence = (
            f"found {description}, expected '{SCHEMA}', as storyodds estimate --json writes it"
        )
        raise InputError([Problem(sentence, str(file), key_path="schema")])
    try:
        SavedEstimate.model_validate(data)
    except ValidationError as error:
        mistakes = mistakes_in(error, data, SavedEstimate, leave=("missing",))
        mistakes += [
            # By itself: another key that looks like it is no mistake here, but left alone.
            Mistake(detail["loc"][:-1], f"the key '{detail['loc'][-1]}' is missing")
            for detail in error.errors(include_url=False, include_input=False)
            if detail["type"] == "missing"
        ]
        raise InputError(
            Problem(mistake.sentence, str(file), key_path=key_path(mistake.path) or None)
            for mistake in mistakes
        ) from None
    for group, names in (("classes", CLASSES), ("fates", FATES)):
        total = sum(data[group][name]["mean"] for name in names)
        if abs(total - 1) > _SUM:
            sentence = f"found means that sum to {total:.6g}, expected 1"
            raise InputError([Problem(sentence, str(file), key_path=group)])
    return cast(Estimate, data)
