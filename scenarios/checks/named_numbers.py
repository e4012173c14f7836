"""Named numbers of a story, and the places where they stand: whether they may."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from storyodds.priors.distributions.forms import Kind
from storyodds.priors.text.errors import Mistake, Path
from storyodds.priors.text.phrases import did_you_mean, quoted
from storyodds.scenarios.checks.references import numbers_in
from storyodds.scenarios.grammar.names import mapping

_NAMED = {"probability": "a probability", "bits": "a number of bits"}


@dataclass(frozen=True)
class Use:
    """A place of a story at which a named number stands."""

    path: Path
    number: str
    kind: Kind


def uses_in(data: Mapping[str, Any]) -> Iterator[Use]:
    """Return every place of a story's plain data at which a named number stands."""
    for path, value, kind in numbers_in(data):
        if path[0] != "numbers" and isinstance(value, Mapping):
            name = value.get("number")
            if isinstance(name, str):
                yield Use(path, name, kind)


def number_mistakes(data: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find uses of numbers that are not there or of another kind."""
    named = mapping(data.get("numbers"))
    for name, entry in named.items():
        other = mapping(entry).get("number")
        if isinstance(other, str):
            yield Mistake(
                ("numbers", name, "number"),
                f"found another number, {quoted(other)}, expected a number of its own: what is "
                "the same unknown has one name",
            )
    readable = data.get("numbers") is None or isinstance(data.get("numbers"), Mapping)
    for use in uses_in(data):
        place: Path = (*use.path, "number")
        if use.number not in named:
            if readable:
                hint = did_you_mean(use.number, named)
                hint = hint or ("" if named else "; the story has no 'numbers'")
                yield Mistake(
                    place, f"found {quoted(use.number)}, expected the name of a number{hint}"
                )
        elif (kind := mapping(named[use.number]).get("kind")) in _NAMED and kind != use.kind:
            sentence = f"found {quoted(use.number)}, which is {_NAMED[kind]}, "
            yield Mistake(place, sentence + f"expected {_NAMED[use.kind]}")
