"""The names that a story declares, read tolerantly from its plain data."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from storyodds.priors.distributions.forms import Kind
from storyodds.priors.text.errors import Path
from storyodds.priors.text.phrases import Suggestions, misspelled
from storyodds.scenarios.grammar.outcomes import CLASSES, DEFAULT, INTENDED

_LITERAL = re.compile(r"(?:not )?([a-z0-9][a-z0-9-]*)(?: is ([a-z0-9][a-z0-9-]*))?\Z")
# Of plain data: asking these whether they are mappings takes longer than anything else here.
_NO_MAPPINGS = frozenset({type(None), bool, int, float, str, list, tuple})
_NO_STATES = ("given", "basis", "source", "note", "rest", "concentration")


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a value if it is a mapping, with its text keys; else an empty one."""
    if type(value) in _NO_MAPPINGS or not isinstance(value, Mapping):
        return {}
    return {key: item for key, item in value.items() if isinstance(key, str)}


def sequence(value: Any) -> Sequence[Any]:
    """Return a value if it is a list; else an empty one."""
    return value if isinstance(value, list | tuple) else ()


def items(value: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Return those items of a list that are mappings, with their positions."""
    for index, item in enumerate(sequence(value)):
        if isinstance(item, Mapping):
            yield index, mapping(item)


def is_zero(value: Any) -> bool:
    """Return whether a PRIOR is the fixed number 0."""
    number = mapping(value).get("fixed") if isinstance(value, Mapping) else value
    return isinstance(number, int | float) and not isinstance(number, bool) and number == 0


@dataclass
class Names:
    """What a story declares.

    Attributes
    ----------
    declared : list of (id, path of the id, whether the id is a key)
        In the order of the format page.
    assumptions : mapping of str to their specification
    routes : mapping of str to str or None
        Route id to its class.
    hazards : list of str
    assumptions_readable, outcomes_readable : bool
        False where a part has the wrong shape, so that an unknown name may be in it.
    """

    declared: list[tuple[str, Path, bool]]
    assumptions: Mapping[str, Any]
    routes: dict[str, Any]
    hazards: list[str]
    assumptions_readable: bool
    outcomes_readable: bool
    _suggestions: Suggestions = field(default_factory=Suggestions, repr=False)

    @property
    def outcomes(self) -> list[str]:
        """Route ids and class names: what a nudge, a constraint or a finding may name."""
        return list(dict.fromkeys([*self.routes, *CLASSES]))

    def suggest(self, word: str, choices: Iterable[str]) -> str:
        """Name the nearest choice; a file that is wrong everywhere gets only so many of these."""
        return self._suggestions.nearest(word, choices)

    def what_is(self, word: str) -> str:
        """Describe a name that stands where another sort of name is expected."""
        if word in CLASSES:
            return "which is a class"
        if word in self.routes:
            return "which is a route"
        if word in self.hazards:
            return "which is a hazard"
        if word in self.assumptions:
            return "which is an assumption"
        if word == DEFAULT:
            return "which stands for whatever is not named"
        return ""


def names_in(data: Mapping[str, Any]) -> Names:
    """Collect the names of a story."""
    goal, rationale = mapping(data.get("goal")), mapping(data.get("rationale"))
    assumptions = mapping(data.get("assumptions"))
    lists: list[tuple[Path, Any]] = [
        (("goal", "hazards"), goal.get("hazards")),
        (("rationale", "constraints"), rationale.get("constraints")),
        (("rationale", "nudges"), rationale.get("nudges")),
        (("assumptions",), None),
        (("routes",), data.get("routes")),
        (("checks",), data.get("checks")),
        (("common_cause",), data.get("common_cause")),
        (("evidence",), data.get("evidence")),
        (("proposals",), data.get("proposals")),
        (("correlations",), data.get("correlations")),
    ]
    declared: list[tuple[str, Path, bool]] = [
        (name, ("numbers", name), True) for name in mapping(data.get("numbers"))
    ]
    for path, value in lists:
        if path == ("assumptions",):
            declared += [(name, (*path, name), True) for name in assumptions]
        declared += [
            (item["id"], (*path, index, "id"), False)
            for index, item in items(value)
            if isinstance(item.get("id"), str)
        ]
    routes = {
        item["id"]: item.get("class")
        for _, item in items(data.get("routes"))
        if isinstance(item.get("id"), str)
    }
    hazards = [item["id"] for _, item in items(goal.get("hazards")) if _is_text(item.get("id"))]
    return Names(
        declared,
        assumptions,
        {INTENDED: INTENDED, **routes},
        hazards,
        _readable(data, "assumptions", Mapping),
        all(_all_named(value) for value in (data.get("routes"), goal.get("hazards")))
        and not misspelled("routes", data)
        and not misspelled("hazards", goal),
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _readable(data: Mapping[str, Any], key: str, shape: type) -> bool:
    value = data.get(key)
    return isinstance(value, shape) or (value is None and not misspelled(key, data))


def _all_named(value: Any) -> bool:
    named = [item for _, item in items(value) if _is_text(item.get("id"))]
    return value is None or (isinstance(value, list | tuple) and len(named) == len(value))


def formulas_in(data: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Return every formula of a story with its path."""
    goal, rationale = mapping(data.get("goal")), mapping(data.get("rationale"))
    for index, item in items(goal.get("hazards")):
        yield ("goal", "hazards", index, "requires"), item.get("requires")
    for index, item in items(rationale.get("constraints")):
        yield ("rationale", "constraints", index, "holds"), item.get("holds")
    for index, item in items(rationale.get("nudges")):
        yield ("rationale", "nudges", index, "when"), item.get("when")
    for name, spec in mapping(data.get("assumptions")).items():
        for path, formula in formulas_of(spec):
            yield ("assumptions", name, *path), formula
    for index, item in items(data.get("routes")):
        yield ("routes", index, "requires"), item.get("requires")
    for place, rate in rates_in(data):
        for inner, formula in formulas_of(rate):
            yield (*place, *inner), formula


def rates_in(data: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Return every probability, and all bits, that may depend on assumptions, with its path."""
    for index, item in items(mapping(data.get("goal")).get("hazards")):
        for key in ("probability", "harm"):
            yield ("goal", "hazards", index, key), item.get(key)
    for index, item in items(data.get("routes")):
        yield ("routes", index, "harm"), item.get("harm")
    for index, item in items(data.get("checks")):
        for table in ("flags", "retrained_flags"):
            for key, rate in mapping(item.get(table)).items():
                yield ("checks", index, table, key), rate
    for index, item in items(data.get("common_cause")):
        for key, rate in mapping(item.get("share")).items():
            yield ("common_cause", index, "share", key), rate
    for section in ("evidence", "proposals"):
        for index, item in items(data.get(section)):
            for table in ("rates", "visibility", "bayes_factor"):
                for key, rate in mapping(item.get(table)).items():
                    yield (section, index, table, key), rate


def kind_at(place: Path) -> Kind:
    """Return the kind of what may depend on assumptions at a path of `rates_in`.

    Examples
    --------
    >>> kind_at(("evidence", 0, "bayes_factor", "true")), kind_at(("routes", 0, "harm"))
    ('bits', 'probability')
    """
    return "bits" if "bayes_factor" in place[:3] else "probability"


def formulas_of(spec: Any) -> Iterator[tuple[Path, Any]]:
    """Return the formulas that decide an assumption or a rate, with their paths inside it."""
    assumption = mapping(spec)
    for index, row in items(assumption.get("given")):
        yield ("given", index, "when"), row.get("when")
    for index, row in items(mapping(assumption.get("states")).get("given")):
        yield ("states", "given", index, "when"), row.get("when")
    yield ("holds_when",), assumption.get("holds_when")


def states_of(spec: Any) -> tuple[str, ...] | None:
    """Return the states of an assumption, or None for one that is true or false.

    Examples
    --------
    >>> states_of({"states": {"low": 0.5, "high": 0.5}}), states_of({"probability": 0.5})
    (('low', 'high'), None)
    """
    states = mapping(mapping(spec).get("states"))
    if not states:
        return None
    rows = [row for _, row in items(states.get("given"))]
    odds = mapping(rows[0].get("states", rows[0].get("otherwise"))) if rows else states
    forms = (mapping(odds.get(key)) for key in ("fixed", "counts", "mean", "in_turn"))
    table = next((form for form in forms if form), odds)
    names = [name for name in table if name not in _NO_STATES]
    rest = odds.get("rest")
    return (*names, rest) if isinstance(rest, str) else tuple(names)


def parts_of(formula: Any) -> Iterator[tuple[Path, Any]]:
    """Return a formula and everything inside it, in the order written, with paths inside it."""
    waiting: list[tuple[Path, Any]] = [((), formula)]
    while waiting:
        path, part = waiting.pop()
        yield path, part
        inner: list[tuple[Path, Any]] = []
        if isinstance(part, Mapping):
            inner = [
                ((*path, key, index), item)
                for key in ("all", "any", "of")
                for index, item in enumerate(sequence(part.get(key)))
            ]
        elif isinstance(part, list | tuple):
            inner = [((*path, index), item) for index, item in enumerate(part)]
        waiting.extend(reversed(inner))


def literal_name(part: Any) -> str | None:
    """Return the assumption that a literal names, or None for what is no literal.

    Examples
    --------
    >>> literal_name("not a"), literal_name(["a"]), literal_name("A and b")
    ('a', None, None)
    """
    match = _LITERAL.match(part) if isinstance(part, str) else None
    return match[1] if match else None


def literal_state(part: Any) -> str | None:
    """Return the state that a literal names, or None where it names none.

    Examples
    --------
    >>> literal_state("not awareness is high"), literal_state("a")
    ('high', None)
    """
    match = _LITERAL.match(part) if isinstance(part, str) else None
    return match[2] if match else None
