"""What pydantic found, in sentences of the form "found X, expected Y"."""

import itertools
import re
import types
import typing
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from storyodds.priors.distributions.forms import FORM_KEYS
from storyodds.priors.text.errors import MAX_MISTAKES, Mistake, Path
from storyodds.priors.text.phrases import (
    SLUG_LIMIT,
    described,
    did_you_mean,
    hint_for,
    misspelled,
    one_of,
    quoted,
    record_hint,
)

_TYPES = {
    "string_type": "text",
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "finite_number": "a finite number",
    "none_required": "nothing",
}
_PAIR = 2  # what a list is that may not be longer, as of an interval's ends
_LIMITS = {
    "greater_than": ("gt", "a number above {}"),
    "greater_than_equal": ("ge", "a number of {} or more"),
    "less_than": ("lt", "a number below {}"),
    "less_than_equal": ("le", "a number of {} or less"),
}


def mistakes_in(
    error: ValidationError,
    data: Any,
    model: Any,
    *,
    leave: tuple[str, ...] = (),
    most: int = MAX_MISTAKES,
) -> list[Mistake]:
    """Turn a validation error into mistakes with a place in the data and a plain sentence.

    Parameters
    ----------
    error : pydantic.ValidationError
    data : object
        What was validated, plain.
    model : type
        The record, or other type, that the data was validated as.
    leave : tuple of str
        Types of error that somebody else reports.
    most : int
        No more than so many.

    Returns
    -------
    list of Mistake
    """
    details = error.errors(include_url=False, include_input=False)
    mistakes = (
        _mistake(detail, data, model)
        for detail in details[: 2 * most]
        if detail["type"] not in leave
    )
    distinct = dict.fromkeys(mistake for mistake in mistakes if mistake)
    return list(itertools.islice(distinct, most))


def _mistake(detail: ErrorDetails, data: Any, model: Any) -> Mistake | None:
    kind, loc = detail["type"], detail["loc"]
    if kind in ("missing", "extra_forbidden"):
        path, value, record = _follow(loc[:-1], data, model)
        if isinstance(loc[-1], int):
            return Mistake(path, f"found {described(value)}, expected two numbers")
        return _key_mistake(kind, path, loc[-1], value, _keys(record))
    path, value, expected = _follow(loc, data, model)
    if loc[-1:] == ("[key]",):
        return Mistake(path, _slug_sentence(path[-1] if path else ""), at_key=True)
    if kind == "too_short" and len(value) >= detail["ctx"]["min_length"]:
        # Pydantic counts the items that are right; what is wrong with the others is said there.
        return None
    return Mistake(path, _sentence(detail, value, expected))


def _key_mistake(
    kind: str, path: Path, name: str, value: Any, expected: list[str]
) -> Mistake | None:
    if kind == "extra_forbidden":
        hint = did_you_mean(name, expected) or f", expected one of {', '.join(expected)}"
        return Mistake((*path, name), f"found the unknown key {quoted(name)}{hint}", at_key=True)
    # One slip of the pen is one mistake: the unknown key says which was meant.
    if misspelled(name, value, expected):
        return None
    return Mistake(path, f"the key '{name}' is missing")


def _follow(loc: tuple[int | str, ...], data: Any, model: Any) -> tuple[Path, Any, Any]:
    """Follow a location of pydantic's as far as it is in the data.

    Returns
    -------
    tuple
        The path, the value there, and the type that was expected. Tags of unions, which pydantic
        puts into its locations, are no part of the path, even where a key has the same name.
    """
    path: Path = ()
    annotation = _bare(model)
    for part in loc:
        member = _member(annotation, part)
        if member is not None:
            annotation = _bare(member)
            continue
        inside = (isinstance(data, Mapping) and part in data) or (
            isinstance(data, list | tuple) and isinstance(part, int) and part < len(data)
        )
        if inside:
            data = data[part]
            path = (*path, part)
        annotation = _bare(_step(annotation, part))
    return path, data, annotation


def _slug_sentence(text: Any) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") if isinstance(text, str) else ""
    hint = f"; write '{slug}'" if slug and slug != text and len(slug) <= SLUG_LIMIT else ""
    return f"found {described(text)}, expected an id: lower-case letters, digits and hyphens{hint}"


def _sentence(detail: ErrorDetails, value: Any, annotation: Any) -> str:
    opening = f"found {described(value)}, "
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _TYPES:
        return f"{opening}expected {_TYPES[kind]}{hint_for(value, _TYPES[kind])}"
    if kind in _LIMITS:
        name, text = _LIMITS[kind]
        limit = text.format(described(context[name]))
        return f"{opening}expected {limit}{hint_for(value, limit)}"
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", context["expected"])
        return f"{opening}expected {one_of(choices)}{did_you_mean(value, choices)}"
    if kind in ("model_type", "model_attributes_type", "dataclass_type"):
        keys = _keys(annotation)
        return (
            f"{opening}expected a mapping with the keys {', '.join(keys)}{record_hint(value, keys)}"
        )
    if kind == "string_pattern_mismatch":
        return _slug_sentence(value)
    if kind == "string_too_long":
        return f"{opening}expected at most {context['max_length']} characters"
    if kind == "too_short":
        return opening + "expected at least one"
    if kind == "too_long":
        most = context["max_length"]
        return f"{opening}expected " + ("two numbers" if most == _PAIR else f"at most {most}")
    message = detail["msg"]
    if kind in ("prior_form", "out_of_range"):
        return _prior_sentence(value, message)
    return opening + message if message.startswith("expected") else message


def _prior_sentence(value: Any, message: str) -> str:
    """Describe what is wrong with a PRIOR; a mapping is recognized by its keys."""
    if not isinstance(value, Mapping) or "exactly one of " not in message:
        expectation = message.split(": a number", maxsplit=1)[0]
        return f"found {described(value)}, {expectation}{hint_for(value, message)}"
    subject = "probability" if "a probability" in message else "number of bits"
    forms = message.split("exactly one of ")[1].split(", ")
    present = [key for key in value if key in (*forms, *FORM_KEYS)]
    if len(present) > 1:
        return f"found both {' and '.join(map(repr, present))}, expected exactly one of them"
    if present:
        return f"found '{present[0]}', which a {subject} cannot be, expected {one_of(forms)}"
    strangers = [key for key in value if key not in _PROVENANCE]
    hints = (did_you_mean(key, forms) for key in strangers[:_STRANGERS])
    hint = next((hint for hint in hints if hint), "")
    return f"found {described(value)}, expected exactly one of {', '.join(forms)}{hint}"


_STRANGERS = 20  # unknown keys of one mapping that are looked at for a slip of the pen
_PROVENANCE = ("basis", "source", "note", "level")


def _keys(annotation: Any) -> list[str]:
    """List the keys that a record may have in a file."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [field.alias or name for name, field in annotation.model_fields.items()]
    return []


def _bare(annotation: Any) -> Any:
    """Take `type` aliases, `Annotated` and `| None` off a type."""
    while True:
        if isinstance(annotation, typing.TypeAliasType):
            annotation = annotation.__value__
        elif typing.get_origin(annotation) is typing.Annotated:
            annotation = typing.get_args(annotation)[0]
        elif _is_union(annotation):
            members = [arg for arg in typing.get_args(annotation) if arg is not type(None)]
            if len(members) != 1:
                return annotation
            annotation = members[0]
        else:
            return annotation


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def _member(annotation: Any, part: int | str) -> Any:
    """Return the member of a tagged union that has a tag, or None."""
    for member in typing.get_args(annotation) if _is_union(annotation) else ():
        if part in [mark.tag for mark in typing.get_args(member)[1:] if isinstance(mark, Tag)]:
            return member
    return None


def _step(annotation: Any, part: int | str) -> Any:
    """Return the type of one part of a type; the type itself where the part is not its own."""
    arguments = typing.get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            if part in (name, field.alias):
                return field.annotation
        return annotation
    origin = typing.get_origin(annotation)
    if origin is tuple and isinstance(part, int):
        return arguments[0] if arguments[-1] is ... else arguments[min(part, len(arguments) - 1)]
    if origin is dict and part != "[key]":
        return arguments[1]
    return annotation
