"""Mistakes that only the whole story shows: names, limits, loops, and what goes with what.

Works on the plain data of a file (or of `to_data`) and passes over whatever has the wrong shape:
that is for the records to report, so that a person reads both kinds of mistake at once.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from storyodds.priors.distributions.forms import Kind
from storyodds.priors.text.errors import MAX_MISTAKES, UNSAFE, Mistake, Path
from storyodds.priors.text.phrases import described, did_you_mean, misspelled, quoted
from storyodds.priors.text.scalars import hidden
from storyodds.scenarios.checks.common_causes import common_cause_mistakes
from storyodds.scenarios.checks.correlations import correlation_mistakes
from storyodds.scenarios.checks.evidence_rules import (
    evidence_mistakes,
    proposal_mistakes,
    target_mistakes,
)
from storyodds.scenarios.checks.named_numbers import number_mistakes
from storyodds.scenarios.checks.references import reference_mistakes
from storyodds.scenarios.checks.stages import stage_mistakes
from storyodds.scenarios.checks.state_rules import state_mistake
from storyodds.scenarios.grammar.limits import limit_mistakes
from storyodds.scenarios.grammar.loops import loops
from storyodds.scenarios.grammar.names import (
    Names,
    formulas_in,
    formulas_of,
    is_zero,
    items,
    kind_at,
    literal_name,
    mapping,
    names_in,
    parts_of,
    rates_in,
    sequence,
    states_of,
)
from storyodds.scenarios.grammar.outcomes import CLASSES, DEFAULT, INTENDED, RESIDUAL
from storyodds.scenarios.shared import catalog
from storyodds.scenarios.shared.lint_rules import switch_mistakes

__all__ = ["Mistake", "find_mistakes"]

MAX_FREE = 500  # assumptions that nothing decides, each a variable of its own
MAX_ASSUMPTIONS = 2000  # with those that a formula decides
MAX_ROUTES = 200  # each of which gets sums of its own
MAX_DEPTH = 32  # levels of a formula, which is walked by recursion
_MAX_LOOPS = 20  # loops that are listed: there may be exponentially many
_RESERVED = (DEFAULT, "not", "otherwise", "rationale")


def find_mistakes(data: Mapping[str, Any]) -> list[Mistake]:
    """Find what is wrong with a story as a whole.

    Parameters
    ----------
    data : mapping
        Plain data in the shape of a story file; parts with a wrong shape are passed over.

    Returns
    -------
    list of Mistake
        At most a thousand.

    Examples
    --------
    >>> find_mistakes({"routes": [{"id": "something-else", "class": "deceptive"}]})[0].sentence
    "found 'deceptive', expected 'other': 'something-else' stands for what nobody named"
    """
    if not isinstance(data, Mapping):
        return []
    data = catalog.filled(data)
    names = names_in(data)
    mistakes = itertools.chain(
        _route_mistakes(data),
        _id_mistakes(names),
        _formula_mistakes(data, names),
        _assumption_mistakes(names),
        _rate_mistakes(data),
        _loop_mistakes(names),
        _target_mistakes(data, names),
        common_cause_mistakes(data, names),
        evidence_mistakes(data, names),
        proposal_mistakes(data, names),
        stage_mistakes(data, names),
        switch_mistakes(data),
        limit_mistakes(data),
        _limit_mistakes(data, names),
        reference_mistakes(data, names),
        number_mistakes(data),
        correlation_mistakes(data),
        _text_mistakes(data),
    )
    return list(itertools.islice(mistakes, MAX_MISTAKES))


def _id_mistakes(names: Names) -> Iterator[Mistake]:
    """Every id once, and none that means something else already."""
    first: dict[str, Path] = {}
    for name, path, at_key in names.declared:
        if name in CLASSES and not (name == INTENDED and path[0] == "routes"):
            sentence = f"found '{name}', which is the name of a class, expected another id"
            yield Mistake(path, sentence, at_key)
        elif name in _RESERVED:
            sentence = f"found '{name}', which has a meaning of its own, expected another id"
            yield Mistake(path, sentence, at_key)
        elif name in first:
            sentence = f"found the id {quoted(name)} again, expected an id of its own; the first is"
            owner = first[name]
            where = _owner(owner)
            yield Mistake(path, f"{sentence} {where}", at_key, first=owner)
        first.setdefault(name, path)


def _owner(path: Path) -> str:
    singular = {"assumptions": "an assumption", "evidence": "an evidence item"}
    section = str(path[0] if path[0] not in ("goal", "rationale") else path[1])
    return singular.get(section, f"a {section.removesuffix('s')}")


def _route_mistakes(data: Mapping[str, Any]) -> Iterator[Mistake]:
    routes = data.get("routes")
    if isinstance(routes, list | tuple) and routes and _residual_is_missing(routes):
        yield Mistake(
            ("routes",),
            f"found no route '{RESIDUAL}', expected one, for whatever nobody named: "
            f"{{id: {RESIDUAL}, class: other, claim: …, bits: …, harm: …}}",
        )
    for index, route in items(routes):
        path: Path = ("routes", index)
        if route.get("id") == INTENDED:
            yield from _intended_mistakes(path, route)
            continue
        if route.get("id") == RESIDUAL:
            yield from _residual_mistakes(path, route)
        use = route.get("use")
        if isinstance(use, str) and use not in catalog.routes():
            hint = did_you_mean(use, catalog.routes()) or (
                "; 'storyodds list routes' shows every one"
            )
            sentence = f"found {quoted(use)}, expected the id of a catalogued route{hint}"
            yield Mistake((*path, "use"), sentence)
            continue
        for key in ("bits", "harm"):
            if route.get(key) is None and not misspelled(key, route):
                sentence = f"the key '{key}' is missing: every route but '{INTENDED}' needs it"
                yield Mistake(path, sentence)


def _residual_is_missing(routes: Any) -> bool:
    return all(route.get("id") != RESIDUAL for _, route in items(routes))


def _intended_mistakes(path: Path, route: Mapping[str, Any]) -> Iterator[Mistake]:
    name = route.get("class")
    if isinstance(name, str) and name != INTENDED:
        sentence = f"found {quoted(name)}, expected '{INTENDED}': that id is the wanted model's"
        yield Mistake((*path, "class"), sentence)
    harm = route.get("harm")
    if harm is not None and not is_zero(harm):
        yield Mistake(
            (*path, "harm"),
            f"found {described(harm)}, expected 0 or nothing: how an intended model does harm is "
            "for the goal's hazards to say",
        )


def _residual_mistakes(path: Path, route: Mapping[str, Any]) -> Iterator[Mistake]:
    name = route.get("class")
    if isinstance(name, str) and name != "other":
        yield Mistake(
            (*path, "class"),
            f"found {quoted(name)}, expected 'other': '{RESIDUAL}' stands for what nobody named",
        )
    if route.get("requires") is not None:
        sentence = f"found 'requires', expected none: '{RESIDUAL}' is always open"
        yield Mistake((*path, "requires"), sentence, at_key=True)


def _formula_mistakes(data: Mapping[str, Any], names: Names) -> Iterator[Mistake]:
    for path, formula in formulas_in(data):
        for inner, part in parts_of(formula):
            name = literal_name(part)
            if name is not None and name not in names.assumptions and names.assumptions_readable:
                yield Mistake((*path, *inner), _unknown_assumption(str(part), name, names))
            elif name is not None and (sentence := state_mistake(str(part), names)):
                yield Mistake((*path, *inner), sentence)
            if isinstance(part, Mapping):
                least, count = part.get("at_least"), len(sequence(part.get("of")))
                if isinstance(least, int) and count and least > count:
                    sentence = f"found {least}, expected at most {count}, the number of its parts"
                    yield Mistake((*path, *inner, "at_least"), sentence)


def _unknown_assumption(text: str, name: str, names: Names) -> str:
    other = names.what_is(name)
    opening = f"found {quoted(text)}{', ' + other if other else ''}"
    hint = names.suggest(name, names.assumptions)
    if not hint and name in catalog.assumptions():
        hint = f"; the catalog has it, so add '{name}:' to the assumptions"
    return f"{opening}, expected the id of an assumption{hint}"


def _assumption_mistakes(names: Names) -> Iterator[Mistake]:
    """Each assumption is decided by exactly one of its three keys, or by the catalog."""
    for name, raw in names.assumptions.items():
        if raw is not None and not isinstance(raw, Mapping):
            continue
        path: Path = ("assumptions", name)
        spec = mapping(raw)
        deciders = [key for key in catalog.STORY_DECIDERS if spec.get(key) is not None]
        if len(deciders) > 1:
            keys = " and ".join(f"'{key}'" for key in deciders)
            sentence = f"found {keys}, expected exactly one of {', '.join(catalog.STORY_DECIDERS)}"
            yield Mistake((*path, deciders[1]), sentence, at_key=True)
        elif not deciders and name not in catalog.assumptions() and not _slip(spec):
            hint = names.suggest(name, catalog.assumptions())
            yield Mistake(
                path,
                "found no probability, given, holds_when, states or from, expected one of them, or "
                f"an id that the catalog of shared assumptions has{hint}",
                at_key=True,
            )
        yield from _row_mistakes((*path, "given"), sequence(spec.get("given")))


def _rate_mistakes(data: Mapping[str, Any]) -> Iterator[Mistake]:
    """Hold probabilities that depend on assumptions to the same rows."""
    for path, rate in rates_in(data):
        rows = sequence(mapping(rate).get("given"))
        yield from _row_mistakes((*path, "given"), rows, kind_at(path))


def _slip(spec: Mapping[str, Any]) -> bool:
    return any(misspelled(key, spec) for key in catalog.STORY_DECIDERS)


def _row_mistakes(path: Path, rows: Any, kind: Kind = "probability") -> Iterator[Mistake]:
    """Hold a conditional table to `{when, probability}` rows and a last `{otherwise}`."""
    last = len(rows) - 1
    misplaced = False
    for index, row in enumerate(rows):
        if not isinstance(row, Mapping):
            continue
        here: Path = (*path, index)
        keys = {key for key in ("when", kind, "otherwise") if row.get(key) is not None}
        if index < last and "otherwise" in keys:
            misplaced = True
            sentence = "found 'otherwise' before the last row, expected it in the last row only"
            yield Mistake((*here, "otherwise"), sentence, at_key=True)
        elif index < last:
            for key in ("when", kind):
                if key not in keys and not misspelled(key, row):
                    sentence = f"the key '{key}' is missing: expected {{when: …, {kind}: …}}"
                    yield Mistake(here, sentence)
        elif keys != {"otherwise"} and not misplaced and not misspelled("otherwise", row):
            fault = "no 'otherwise'" if "otherwise" not in keys else "more than 'otherwise'"
            yield Mistake(here, f"found {fault}, expected the last row to be {{otherwise: …}}")


def _loop_mistakes(names: Names) -> Iterator[Mistake]:
    depends_on = {
        name: [
            part_name
            for _, formula in formulas_of(spec)
            for _, part in parts_of(formula)
            if (part_name := literal_name(part)) in names.assumptions and part_name is not None
        ]
        for name, spec in names.assumptions.items()
    }
    for loop in itertools.islice(loops(depends_on), _MAX_LOOPS):
        members = [*loop[:10], "…", loop[-1]] if len(loop) > 12 else loop
        drawn = " -> ".join([*members, loop[0]])
        sentence = f"found the loop {drawn}, expected no assumption to depend on itself"
        yield Mistake(("assumptions", loop[0]), sentence, at_key=True)


def _target_mistakes(data: Mapping[str, Any], names: Names) -> Iterator[Mistake]:
    """Hold constraints, nudges and checks to names that they may use."""
    rationale = mapping(data.get("rationale"))
    path: Path
    for index, constraint in items(rationale.get("constraints")):
        for position, target in enumerate(sequence(constraint.get("rules_out"))):
            path = ("rationale", "constraints", index, "rules_out", position)
            if isinstance(target, str):
                for mistake in _movable(path, {target: None}, names):
                    yield Mistake(path, mistake.sentence)
    for index, nudge in items(rationale.get("nudges")):
        path = ("rationale", "nudges", index, "bits")
        yield from _movable(path, mapping(nudge.get("bits")), names)
    for index, check in items(data.get("checks")):
        path = ("checks", index, "flags")
        flags = check.get("flags")
        if isinstance(flags, Mapping):
            choices = [*names.outcomes, *names.hazards, DEFAULT]
            yield from target_mistakes(path, mapping(flags), choices, names)
            if DEFAULT not in flags and not misspelled(DEFAULT, flags, choices):
                sentence = "the key 'default' is missing: it is the rate for all that is not named"
                yield Mistake(path, sentence)


def _movable(path: Path, table: Mapping[str, Any], names: Names) -> Iterator[Mistake]:
    """Hold names to routes and classes that the rationale may move."""
    choices = [name for name in names.outcomes if name != RESIDUAL]
    if RESIDUAL in table:
        yield Mistake(
            (*path, RESIDUAL),
            f"found '{RESIDUAL}', expected another route or a class: nothing rules it out or "
            "makes it likelier but its own bits",
            at_key=True,
        )
    named = {key: None for key in table if key != RESIDUAL}
    yield from target_mistakes(path, named, choices, names)


def _limit_mistakes(data: Mapping[str, Any], names: Names) -> Iterator[Mistake]:
    count = len(names.assumptions)
    free = sum(
        len(states_of(spec) or (spec,))
        for spec in names.assumptions.values()
        if spec is None or (isinstance(spec, Mapping) and spec.get("holds_when") is None)
    )
    if count > MAX_ASSUMPTIONS:
        sentence = f"found {count:,} assumptions, expected at most {MAX_ASSUMPTIONS:,}"
        yield Mistake(("assumptions",), sentence)
    if free > MAX_FREE:
        sentence = (
            f"found {free:,} assumptions without holds_when, each state of one counted, "
            f"expected at most {MAX_FREE}"
        )
        yield Mistake(("assumptions",), sentence)
    routes = len(sequence(data.get("routes")))
    if routes > MAX_ROUTES:
        yield Mistake(("routes",), f"found {routes:,} routes, expected at most {MAX_ROUTES}")


def _text_mistakes(data: Mapping[str, Any]) -> Iterator[Mistake]:
    """Hold a story built in code to what a file may hold: its depth and its characters."""
    waiting: list[tuple[Path, Any]] = [((), data)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str) and (match := UNSAFE.search(value)):
            yield Mistake(path, hidden(match[0]))
        inner: list[tuple[Path, Any]] = []
        if isinstance(value, Mapping):
            inner = [((*path, str(key)), item) for key, item in value.items()]
        elif isinstance(value, list | tuple):
            inner = [((*path, index), item) for index, item in enumerate(value)]
        if inner and len(path) >= MAX_DEPTH:
            sentence = f"found more than {MAX_DEPTH} levels of nesting, expected fewer"
            yield Mistake(path, sentence)
        else:
            waiting.extend(reversed(inner))
