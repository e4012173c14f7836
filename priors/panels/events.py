"""Events made up of others: a name, its negation, all or any of several.

Stories have formulas of the same shape, over assumptions that they declare; an event here is
declared by being named.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

_LITERAL = re.compile(r"(not )?([a-z0-9][a-z0-9-]*)")
_EXPECTED = "expected an id, 'not id', a list of these, or a mapping with 'all' or 'any' of them"


def _some_event(value: Any) -> Any:
    if not _is_event(value):
        raise PydanticCustomError("event", _EXPECTED)
    return value


def _is_event(value: Any) -> bool:
    if isinstance(value, str):
        return _LITERAL.fullmatch(value) is not None
    parts = value
    if isinstance(value, Mapping):
        if len(value) != 1 or not {"all", "any"} >= set(value):
            return False
        parts = next(iter(value.values()))
    return isinstance(parts, list | tuple) and len(parts) > 0 and all(map(_is_event, parts))


Event = Annotated[Any, AfterValidator(_some_event)]


def events_in(value: Any) -> Iterator[str]:
    """Return the names in an event, or in what was meant as one.

    Examples
    --------
    >>> list(events_in(["a", {"any": ["not b", "c"]}]))
    ['a', 'b', 'c']
    """
    if isinstance(value, str):
        match = _LITERAL.fullmatch(value)
        if match is not None:
            yield match[2]
    elif isinstance(value, list | tuple):
        for part in value:
            yield from events_in(part)
    elif isinstance(value, Mapping):
        for parts in value.values():
            yield from events_in(parts)


def holds(event: Any, truth: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Return where an event holds.

    Parameters
    ----------
    event : formula
    truth : mapping of str to (n,) bool array
        Where each name holds.

    Examples
    --------
    >>> truth = {"a": np.array([True, True]), "b": np.array([True, False])}
    >>> holds(["a", "not b"], truth).tolist(), holds({"any": ["a", "b"]}, truth).tolist()
    ([False, True], [True, True])
    """
    if isinstance(event, str):
        name = event.removeprefix("not ")
        return truth[name] if name == event else ~truth[name]
    kind, parts = next(iter(event.items())) if isinstance(event, Mapping) else ("all", event)
    truths = np.stack([holds(part, truth) for part in parts])
    return np.asarray(truths.any(axis=0) if kind == "any" else truths.all(axis=0))


def in_words(event: Any) -> str:
    """Write an event on one line.

    Examples
    --------
    >>> in_words(["a", {"any": ["not b", "c"]}])
    'a and (not b or c)'
    """
    if isinstance(event, str):
        return event
    kind, parts = next(iter(event.items())) if isinstance(event, Mapping) else ("all", event)
    phrases = [
        f"({in_words(part)})" if not isinstance(part, str) and len(parts) > 1 else in_words(part)
        for part in parts
    ]
    return (" or " if kind == "any" else " and ").join(phrases)
