"""Parts of records that the catalog has in common with stories."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from storyodds.priors.distributions.forms import Bits, Prior, Probability
from storyodds.priors.text.records import Record, Slug
from storyodds.scenarios.grammar.formulas import Formula
from storyodds.scenarios.grammar.outcomes import OutcomeClass
from storyodds.scenarios.grammar.states import literal_of_state


class GivenRow(Record):
    """One row of a conditional table: `{when, probability}`, or `{otherwise}` as the last."""

    when: Formula | None = None
    probability: Probability | None = None
    otherwise: Probability | None = None


class GivenTable(Record):
    """A probability that depends on assumptions: the first row that holds in a run decides it."""

    given: Annotated[tuple[GivenRow, ...], Field(min_length=1)]


class BitsRow(Record):
    """One row of bits that depend on assumptions: `{when, bits}`, or `{otherwise}` as the last."""

    when: Formula | None = None
    bits: Bits | None = None
    otherwise: Bits | None = None


class BitsTable(Record):
    """Bits that depend on assumptions: the first row that holds in a run decides them."""

    given: Annotated[tuple[BitsRow, ...], Field(min_length=1)]


def _shape(value: Any) -> str:
    is_table = isinstance(value, GivenTable | BitsTable) or (
        isinstance(value, dict) and "given" in value
    )
    return "table" if is_table else "number"


# One probability, or one for each of some states of the assumptions.
type Rate = Annotated[
    Annotated[GivenTable, Tag("table")] | Annotated[Probability, Tag("number")],
    Discriminator(_shape),
]
# The same of bits of evidence.
type BitsByRow = Annotated[
    Annotated[BitsTable, Tag("table")] | Annotated[Bits, Tag("number")],
    Discriminator(_shape),
]


def rows_of(value: Any) -> tuple[GivenRow | BitsRow, ...]:
    """List the rows of what depends on assumptions; none of a single number."""
    return value.given if isinstance(value, GivenTable | BitsTable) else ()


def number_of_row(row: GivenRow | BitsRow) -> Prior | None:
    """Return the number of a row."""
    if row.otherwise is not None:
        return row.otherwise
    return row.bits if isinstance(row, BitsRow) else row.probability


def numbers_of(rate: Rate | BitsByRow | Prior) -> tuple[Prior, ...]:
    """List the numbers of a rate or of bits: one, or one for each row.

    Examples
    --------
    >>> from storyodds.priors.distributions.forms import Fixed
    >>> table = GivenTable(given=[{"when": "aware", "probability": 0.1}, {"otherwise": 0.6}])
    >>> [form.fixed for form in numbers_of(table)], len(numbers_of(Fixed(fixed=0.5)))
    ([0.1, 0.6], 1)
    """
    if not isinstance(rate, GivenTable | BitsTable):
        return (rate,)
    return tuple(form for row in rate.given if (form := number_of_row(row)) is not None)


def _exactly_true(value: Any) -> Any:
    # Left to itself, `Literal[True]` takes 1 for true.
    if value is None or value is True:
        return value
    raise PydanticCustomError("exactly_true", "expected true")


class About(Record):
    """What an evidence item speaks of: an assumption, the outcome, or (a forecast) a class.

    With `is`, it speaks of whether that state of the assumption holds.
    """

    assumption: Slug | None = None
    is_: Annotated[Slug | None, Field(alias="is")] = None
    outcome: Annotated[Literal[True] | None, BeforeValidator(_exactly_true)] = None
    class_: Annotated[OutcomeClass | None, Field(alias="class")] = None

    @model_validator(mode="after")
    def _one_subject(self) -> "About":
        subjects = [value for value in (self.assumption, self.outcome, self.class_) if value]
        if len(subjects) != 1:
            raise PydanticCustomError(
                "about",
                "expected exactly one of {assumption: id}, {outcome: true}, {class: name}",
            )
        if self.is_ is not None and self.assumption is None:
            raise PydanticCustomError(
                "about_state",
                "found 'is' without 'assumption', expected {assumption: id, is: state}",
            )
        return self

    @property
    def literal(self) -> str | None:
        """What is true or false: the assumption, or that one of its states holds."""
        if self.assumption is None or self.is_ is None:
            return self.assumption
        return literal_of_state(self.assumption, self.is_)
