"""Every number of a story, and whether the prior packs have what it refers to."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from storyodds.priors import library
from storyodds.priors.distributions.forms import Kind, parse_prior
from storyodds.priors.text.errors import Mistake, Path
from storyodds.priors.text.phrases import described
from storyodds.scenarios.grammar.names import Names, items, kind_at, mapping, rates_in
from storyodds.scenarios.grammar.stages import bits_by_stage

_NAMED: dict[Kind, str] = {"probability": "a probability", "bits": "a number of bits"}


def numbers_in(data: Mapping[str, Any]) -> Iterator[tuple[Path, Any, Kind]]:
    """Return every PRIOR of a story, as it stands there, with its path and kind."""
    for name, number in mapping(data.get("numbers")).items():
        kind: Kind = "bits" if mapping(number).get("kind") == "bits" else "probability"
        yield ("numbers", name), number, kind
    rationale, by_section = mapping(data.get("rationale")), _rates_by_section(data)
    yield from by_section.get("goal", ())
    yield ("rationale", "feasibility"), rationale.get("feasibility"), "probability"
    for index, item in items(rationale.get("nudges")):
        yield from _table(("rationale", "nudges", index, "bits"), item.get("bits"), "bits")
    for name, spec in mapping(data.get("assumptions")).items():
        number = mapping(spec).get("probability")
        yield ("assumptions", name, "probability"), number, "probability"
        yield from _table(("assumptions", name, "from"), mapping(spec).get("from"), "probability")
        yield from _rows(("assumptions", name), spec)
        yield from _in_turn(("assumptions", name, "states"), mapping(spec).get("states"))
    for index, item in items(data.get("routes")):
        by_stage = bits_by_stage(item.get("bits"))
        yield from _table(("routes", index, "bits"), by_stage, "bits")
        if not by_stage:
            yield ("routes", index, "bits"), item.get("bits"), "bits"
        yield from (rate for rate in by_section.get("routes", ()) if rate[0][1] == index)
    for section in ("checks", "common_cause"):
        yield from by_section.get(section, ())
    for section in ("evidence", "proposals"):
        yield from by_section.get(section, ())
        for index, item in items(data.get(section)):
            yield (section, index, "relevance"), item.get("relevance"), "probability"


def _rates_by_section(data: Mapping[str, Any]) -> Mapping[Any, list[tuple[Path, Any, Kind]]]:
    """What may depend on assumptions, by the section of the story."""
    sections: dict[Any, list[tuple[Path, Any, Kind]]] = {}
    for place, rate in rates_in(data):
        numbers, kind = sections.setdefault(place[0], []), kind_at(place)
        numbers += [(place, rate, kind), *_rows(place, rate, kind)]
    return sections


def _rows(path: Path, owner: Any, kind: Kind = "probability") -> Iterator[tuple[Path, Any, Kind]]:
    """The numbers in the `given` rows of an assumption, a rate or bits."""
    for index, row in items(mapping(owner).get("given")):
        for key in (kind, "otherwise"):
            yield (*path, "given", index, key), row.get(key), kind


def _in_turn(path: Path, value: Any) -> Iterator[tuple[Path, Any, Kind]]:
    """The chances of states that are taken in turn."""
    states = mapping(value)
    yield from _table((*path, "in_turn"), states.get("in_turn"), "probability")
    for index, row in items(states.get("given")):
        for key in ("states", "otherwise"):
            table = mapping(row.get(key)).get("in_turn")
            yield from _table((*path, "given", index, key, "in_turn"), table, "probability")


def _table(path: Path, value: Any, kind: Kind) -> Iterator[tuple[Path, Any, Kind]]:
    for key, number in mapping(value).items():
        yield (*path, key), number, kind


def reference_mistakes(data: Mapping[str, Any], names: Names) -> Iterator[Mistake]:
    """Find references to what no pack has, or to a number of the wrong kind."""
    for path, value, kind in numbers_in(data):
        for inner, ref in _references(value):
            sentence = _wrong(ref, kind, names)
            if sentence:
                yield Mistake((*path, *inner), sentence)


def _references(value: Any) -> Iterator[tuple[Path, str]]:
    """Return the references inside one PRIOR, in pools too."""
    waiting: list[tuple[Path, Any]] = [((), value)]
    while waiting:
        path, form = waiting.pop()
        if not isinstance(form, Mapping):
            continue
        if isinstance(form.get("ref"), str):
            yield (*path, "ref"), form["ref"]
        waiting.extend(
            ((*path, "pool", index, "value"), judgment.get("value"))
            for index, judgment in items(form.get("pool"))
        )


def _wrong(ref: str, kind: Kind, names: Names, trail: tuple[str, ...] = ()) -> str:
    """Describe what is wrong with a reference, or nothing."""
    if ref in trail:
        return f"found the loop {' -> '.join((*trail, ref))} among prior packs"
    entry = library.entry_of(ref)
    if entry is None:
        return library.unknown_reference(ref, names.suggest)
    try:
        parse_prior(entry.value, kind)
    except ValidationError:
        value = described(entry.value)
        return f"found '{ref}', whose value is {value}, expected {_NAMED[kind]}"
    deeper = (_wrong(inner, kind, names, (*trail, ref)) for _, inner in _references(entry.value))
    return next((sentence for sentence in deeper if sentence), "")
