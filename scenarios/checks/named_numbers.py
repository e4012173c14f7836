"""Named numbers of a story, and the places where they stand: whether they may."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from storyodds.priors.distributions.forms import Kind
from storyodds.priors.text.errors import Mistake, Path
from storyodds.priors.text.phrases import did_you_mean, quoted
from storyodds.scenarios.checks.references import numbers_in
from storyodds.scenarios.grammar.names import items, mapping

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
    """Find uses of numbers that are not there or of another kind, and what cannot be shared."""
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
    uses = list(uses_in(data))
    for use in uses:
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
    yield from _result_mistakes(data, uses)


def _result_mistakes(data: Mapping[str, Any], uses: list[Use]) -> Iterator[Mistake]:
    """Hold rates of checks with a known result apart: odds without the result are asked for too.

    There the rates of the check are set aside, which would move whatever else shares them.
    """
    run = {i: c.get("id") for i, c in items(data.get("checks")) if c.get("result") is not None}
    for use in uses:
        if use.path[0] != "checks" or use.path[1] not in run:
            continue
        elsewhere = [
            other for other in uses if other.number == use.number and other.path[:2] != use.path[:2]
        ]
        if elsewhere:
            yield Mistake(
                (*use.path, "number"),
                f"found {quoted(use.number)}, which stands in other parts too, expected a number "
                f"of its own: the result of {quoted(str(run[use.path[1]]))} is known, so that its "
                "rates say how to read that one finding",
            )
