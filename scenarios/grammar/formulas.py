"""FORMULA: how assumptions combine. Pure data and pure functions over it."""

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, StringConstraints, Tag
from pydantic_core import PydanticCustomError

from storyodds.priors.text.records import Record

_PATTERN = r"^(not )?(at [a-z0-9][a-z0-9-]*|[a-z0-9][a-z0-9-]*( is [a-z0-9][a-z0-9-]*)?)$"
_EXPECTED = "expected an id or 'not id'"
_WAYS_OUT = (
    (re.compile(r"\bis not\b"), "write 'not a is b'"),
    (re.compile(r"==?"), "write 'a is b' for a state of an assumption that has states"),
    (re.compile(r"\band\b|&|,"), "write [a, b] where both must hold"),
    (re.compile(r"\bor\b|\|"), "write {any: [a, b]} where one is enough"),
    (re.compile(r"^\s*(?:!|~|not\b)", re.IGNORECASE), "write 'not a' with one space"),
)


def _literal_text(value: Any) -> Any:
    """Show people who write formulas as in a programming language how it is done here."""
    if isinstance(value, str) and not re.fullmatch(_PATTERN[1:-1], value):
        hint = next((f"; {text}" for sign, text in _WAYS_OUT if sign.search(value)), "")
        raise PydanticCustomError("literal", _EXPECTED + "{hint}", {"hint": hint})
    return value


Literal = Annotated[
    str, Field(strict=True), StringConstraints(pattern=_PATTERN), BeforeValidator(_literal_text)
]


class AllOf(Record):
    """Every part holds."""

    all: Annotated[tuple["Formula", ...], Field(min_length=1)]


class AnyOf(Record):
    """At least one part holds."""

    any: Annotated[tuple["Formula", ...], Field(min_length=1)]


class AtLeast(Record):
    """At least so many of the parts hold."""

    at_least: Annotated[int, Field(strict=True, ge=1)]
    of: Annotated[tuple["Formula", ...], Field(min_length=1)]


def _shape(value: Any) -> str | None:
    if isinstance(value, str):
        return "literal"
    if isinstance(value, list | tuple):
        return "list"
    if isinstance(value, dict):
        keys = [key for key in ("all", "any", "at_least") if key in value]
        return keys[0] if len(keys) == 1 else None
    if isinstance(value, AllOf | AnyOf | AtLeast):
        return next(iter(type(value).model_fields))
    return None


type Formula = Annotated[
    Annotated[Literal, Tag("literal")]
    | Annotated[tuple[Formula, ...], Field(min_length=1), Tag("list")]
    | Annotated[AllOf, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[AtLeast, Tag("at_least")],
    Discriminator(
        _shape,
        custom_error_type="formula",
        custom_error_message="expected a formula: an id, 'not id', a list of formulas, {all: […]}, "
        "{any: […]} or {at_least: n, of: […]}",
    ),
]

for _model in (AllOf, AnyOf, AtLeast):
    _model.model_rebuild()


def parts(formula: Formula) -> tuple[tuple[Formula, ...], int]:
    """Return a compound formula as (its parts, how many of them must hold).

    Examples
    --------
    >>> parts(AnyOf(any=("a", "b")))
    (('a', 'b'), 1)
    """
    if isinstance(formula, AllOf):
        return formula.all, len(formula.all)
    if isinstance(formula, AnyOf):
        return formula.any, 1
    if isinstance(formula, AtLeast):
        return formula.of, formula.at_least
    if isinstance(formula, tuple):
        return formula, len(formula)
    raise TypeError(f"{formula!r} is a literal and has no parts")


def literals(formula: Formula) -> Iterator[tuple[str, bool]]:
    """Walk the literals of a formula as (id, truth value), in the order written.

    What `awareness is high` names is `awareness is high`.

    Examples
    --------
    >>> list(literals(("a", "not b", "awareness is high")))
    [('a', True), ('b', False), ('awareness is high', True)]
    """
    if isinstance(formula, str):
        negated = formula.startswith("not ")
        yield formula.removeprefix("not "), not negated
        return
    for part in parts(formula)[0]:
        yield from literals(part)


def holds[T](formula: Formula, value_of: Callable[[str], T]) -> T:
    """Evaluate a formula over booleans or boolean arrays.

    Parameters
    ----------
    formula : Formula
    value_of : callable
        Gives the truth value (bool or boolean array) of an assumption id.

    Examples
    --------
    >>> holds(AtLeast(at_least=1, of=("a", "not b")), {"a": False, "b": False}.get)
    True
    """
    if isinstance(formula, str):
        name = formula.removeprefix("not ")
        value = value_of(name)
        return value ^ True if formula.startswith("not ") else value  # type: ignore[operator]
    members, least = parts(formula)
    total: Any = 0
    for part in members:
        total = total + 1 * holds(part, value_of)  # type: ignore[operator]
    return total >= least  # type: ignore[no-any-return]
