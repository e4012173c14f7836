"""The base of every record that a file or Python code may write down."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
)

from storyodds.priors.text.document import Document


class Record(BaseModel):
    """A frozen record: unknown keys are mistakes, scalars are never converted."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        protected_namespaces=(),
    )


class FileRecord(Record):
    """A record that is a file of its own; which file is no part of its value."""

    _document: Document | None = PrivateAttr(default=None)

    @property
    def document(self) -> Document | None:
        """The file that the record was read from, with where everything in it stands."""
        return self._document

    def read_from(self, document: Document) -> Self:
        """Remember the file that the record was read from."""
        self._document = document
        return self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy the record; a changed copy does not stand in the file."""
        copy = super().model_copy(update=update, deep=deep)
        if update:
            copy._document = None
        return copy

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)


Text = Annotated[str, Field(strict=True)]
Slug = Annotated[
    str, Field(strict=True), StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=100)
]
Number = Annotated[float, Field(strict=True)]
Count = Annotated[int, Field(strict=True, ge=0, le=10**12)]


class Source(Record):
    """Where a claim or a number comes from.

    Attributes
    ----------
    cite : str
        Author and year, or an honest statement that nobody published it.
    url : str, optional
        An address at which it can be read.
    note : str, optional
        How it was read, or which part is meant.
    """

    cite: Text
    url: Text | None = None
    note: Text | None = None


def _source_from_text(value: Any) -> Any:
    return {"cite": value} if isinstance(value, str) else value


SourceField = Annotated[Source, BeforeValidator(_source_from_text)]
