"""Mistakes in which numbers of a story are said to go together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, combinations
from math import asin, pi
from typing import Any

from pydantic import ValidationError

from storyodds.priors.distributions.forms import FORM_KEYS, Kind, parse_prior
from storyodds.priors.references import without_references
from storyodds.priors.text.errors import InputError, Mistake, Path
from storyodds.priors.text.phrases import did_you_mean, quoted
from storyodds.scenarios.checks.references import numbers_in
from storyodds.scenarios.grammar.correlations import Correlation, clusters
from storyodds.scenarios.grammar.names import items, mapping, sequence, states_of
from storyodds.scenarios.grammar.number_names import number_meant, place_name

_IMPLIED = ("bits", "harm", "relevance")  # numbers that the format has where a story has none
_LABEL_NAMES = 4  # of a block, that its label lists: it stands in every mistake of the block
_LEAST_DIGITS = 3  # of the lowest rank that a block may have, in its message


@dataclass
class _Number:
    """A number of a story's plain data, and the places where it stands."""

    value: Any
    kind: Kind
    places: list[Path]

    @property
    def is_fixed(self) -> bool:
        """Whether it is known; False where it cannot be read, which is a mistake of its own."""
        # What reads stories without correlations needs no distributions.
        from storyodds.priors.distributions.families import Point, distribution_of

        if self.value is None:
            return True
        try:
            form = without_references(parse_prior(self.value, self.kind), self.kind)
            return isinstance(distribution_of(form, self.kind), Point)
        except (ValidationError, InputError):
            return False


def correlation_mistakes(data: Mapping[str, Any]) -> Iterator[Mistake]:
    """Hold blocks of correlated numbers to uncertain ones of the story, and to what can be."""
    if not sequence(data.get("correlations")):
        return
    numbers, at_place = numbers_of(data)
    readable: list[tuple[int, Correlation]] = []
    first: dict[frozenset[str], tuple[float, int, str]] = {}
    for index, block in items(data.get("correlations")):
        names = [name for name in sequence(block.get("between")) if isinstance(name, str)]
        label, chosen = _label(names), list[str]()
        for position, name in enumerate(sequence(block.get("between"))):
            if not isinstance(name, str):
                continue
            place: Path = ("correlations", index, "between", position)
            number = number_meant(name, at_place)
            sentence = _unfit(name, number, data, numbers, at_place)
            if not sentence and number in chosen:
                sentence = f"found {quoted(name)} twice, expected every number once"
            if sentence:
                yield Mistake(place, f"{label}: {sentence}")
            elif number is not None:
                chosen.append(number)
        rank = block.get("rank")
        if isinstance(rank, bool) or not isinstance(rank, int | float) or not -1 < rank < 1:
            continue  # for the records to report
        conflict = None
        for pair in combinations(chosen, 2):
            other, where, named = first.setdefault(frozenset(pair), (rank, index, label))
            if other != rank and conflict is None:
                conflict = pair
                yield Mistake(
                    ("correlations", index, "rank"),
                    f"{label}: found rank {rank:g} for '{pair[0]}' and '{pair[1]}', expected "
                    f"{other:g}, as in {named} before it: a pair has one rank",
                    first=("correlations", where, "rank"),
                )
        if len(chosen) >= 2 and conflict is None:
            readable.append((index, Correlation(between=tuple(chosen), rank=rank)))
    yield from _impossible(readable)


def _label(names: list[str]) -> str:
    """Name a block of correlated numbers."""
    quoted_names = [quoted(name) for name in names[:_LABEL_NAMES]]
    if len(names) > _LABEL_NAMES:
        quoted_names.append(f"{len(names) - _LABEL_NAMES:,} more")
    if len(names) < 2:
        return "the correlation of " + (quoted_names[0] if names else "no numbers")
    return f"the correlation between {', '.join(quoted_names[:-1])} and {quoted_names[-1]}"


def numbers_of(data: Mapping[str, Any]) -> tuple[dict[str, _Number], dict[str, str]]:
    """The numbers of a story by name, and the number at every place."""
    numbers: dict[str, _Number] = {}
    at_place: dict[str, str] = {}
    for path, value, kind in chain(numbers_in(data), _numbers_by_stage(data)):
        if path[0] == "numbers":
            name = str(path[1])
            own = {k: v for k, v in mapping(value).items() if k not in ("kind", "claim")}
            numbers[name], at_place[name] = _Number(own, kind, []), name
            continue
        place = place_name(data, path)
        left_out = value is None and path[-1] not in _IMPLIED
        is_table = "given" in mapping(value) or _is_by_stage(path, value)
        if place is None or place in at_place or left_out or is_table:
            continue
        used = mapping(value).get("number")
        if isinstance(used, str):
            if used in numbers:
                numbers[used].places.append(path)
                at_place[place] = used
        else:
            numbers[place], at_place[place] = _Number(value, kind, [path]), place
    return numbers, at_place


def _is_by_stage(path: Path, value: Any) -> bool:
    """Whether bits of a route are a table of stages."""
    is_table = isinstance(value, Mapping) and value and not any(key in FORM_KEYS for key in value)
    return bool(is_table) and path[0] == "routes" and path[-1] == "bits"


def _numbers_by_stage(data: Mapping[str, Any]) -> Iterator[tuple[Path, Any, Kind]]:
    """Numbers that stand by themselves in each stage of training."""
    path: Path
    for i, route in items(data.get("routes")):
        path = ("routes", i, "bits")
        if _is_by_stage(path, route.get("bits")):
            yield from (((*path, stage), x, "bits") for stage, x in mapping(route["bits"]).items())
    for name, spec in mapping(data.get("assumptions")).items():
        for stage, chance in mapping(mapping(spec).get("from")).items():
            yield ("assumptions", name, "from", stage), chance, "probability"
    for i, check in items(data.get("checks")):
        for key, rate in mapping(check.get("retrained_flags")).items():
            path = ("checks", i, "retrained_flags", key)
            yield path, rate, "probability"
            for row, entry in items(mapping(rate).get("given")):
                for column in ("probability", "otherwise"):
                    yield (*path, "given", row, column), entry.get(column), "probability"


def _unfit(
    name: str,
    number: str | None,
    data: Mapping[str, Any],
    numbers: Mapping[str, _Number],
    at_place: Mapping[str, str],
) -> str:
    """Describe why a number cannot be correlated, or nothing."""
    if number is None:
        owner = name.split(".")[0]
        if ".in_turn." in name and states_of(mapping(data.get("assumptions")).get(owner)):
            return (
                f"found {quoted(name)}, a part of chances that stand for all states at once, "
                "expected a number that stands by itself, as `in_turn` has one for each state"
            )
        owned = [place for place in at_place if place.startswith(f"{name}.")]
        if owned:
            return (
                f"found {quoted(name)}, which has several numbers, expected one of "
                f"{', '.join(owned)}"
            )
        choices = sorted({*at_place, *(place.split(".")[0] for place in at_place)})
        hint = did_you_mean(name, choices)
        return f"found {quoted(name)}, expected the name of a number of the story{hint}"
    entry = numbers[number]
    if entry.is_fixed:
        return f"found {quoted(name)}, which is fixed, expected numbers that are uncertain"
    places = [path for path in entry.places if path[0] != "proposals"]
    if not places:
        where = "stands in proposals only" if entry.places else "stands nowhere"
        return f"found {quoted(name)}, which {where}, expected a number that the odds depend on"
    if places == [("rationale", "feasibility")]:
        return f"found {quoted(name)}, on which no odds depend, expected a number that they do on"
    for path in places:
        parts: dict[Any, Mapping[str, Any]] = dict(items(data.get(str(path[0]))))
        part = parts.get(path[1], {})
        if path[0] == "evidence" and part.get("exposure") is not None:
            return (
                f"found {quoted(name)}, by which an exposure is read, expected a number that "
                "serves anything else: rates and visibilities are independent of all others"
            )
    return ""


def _impossible(blocks: list[tuple[int, Correlation]]) -> Iterator[Mistake]:
    """Find sets of ranks that no joint distribution has."""
    for cluster in clusters(block for _, block in blocks):
        if cluster.is_possible:
            continue
        own = [(i, block) for i, block in blocks if set(block.between) & set(cluster.names)]
        index, block = own[-1]
        label, n = _label(list(block.between)), len(block.between)
        if len(own) == 1:
            least = 6 / pi * asin(-1 / (2 * (n - 1)))
            way_out = (
                f"{n} numbers can have no rank as low with each other; expected more than "
                f"{least:.{_LEAST_DIGITS}f}, or fewer numbers"
            )
        else:
            before = ", ".join(_label(list(other.between)) for _, other in own[:-1])
            way_out = (
                f"together with {before} no joint distribution has it; expected ranks that go "
                "together: pairs of which no block speaks count as uncorrelated, so state theirs "
                "or weaken these"
            )
        yield Mistake(
            ("correlations", index, "rank"), f"{label}: found rank {block.rank:g}; {way_out}"
        )
