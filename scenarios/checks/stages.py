"""Mistakes in what a story says of stages of training."""

from collections.abc import Iterator, Mapping
from typing import Any

from storyodds.priors.distributions.forms import FORM_KEYS
from storyodds.priors.text.errors import Mistake, Path
from storyodds.priors.text.phrases import misspelled, one_of, quoted
from storyodds.scenarios.checks.evidence_rules import target_mistakes
from storyodds.scenarios.grammar.names import (
    Names,
    formulas_in,
    formulas_of,
    items,
    literal_name,
    mapping,
    parts_of,
    sequence,
)
from storyodds.scenarios.grammar.outcomes import CLASSES, DEFAULT, RESIDUAL
from storyodds.scenarios.grammar.stages import begins_as, bits_by_stage

_WAY_OUT = "expected stages to be listed at the top of the story: stages: [pre-training, …]"


def stage_mistakes(data: Mapping[str, Any], names: Names) -> Iterator[Mistake]:
    """Hold stages to names that the story lists, and what reads them to what can be read."""
    stages = [stage for stage in sequence(data.get("stages")) if isinstance(stage, str)]
    if not stages:
        if data.get("stages") is None and not misspelled("stages", data):
            for path, key in _uses(data):
                yield Mistake(path, f"found {key}, {_WAY_OUT}", at_key=True)
        return
    yield from _stage_names(stages)
    for path, name in _references(data):
        if isinstance(name, str) and name not in stages:
            yield Mistake(path, _unknown(name, stages, names))
    yield from _beginnings(data, names)
    yield from _routes(data, stages, names)
    yield from _assumptions(names, stages)
    yield from _checks(data, names, stages)
    for part in ("evidence", "proposals"):
        yield from _looks(part, data, stages)


def _uses(data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """What makes sense in stages only, where a story has none."""
    for path, _ in _references(data):
        keys = [key for key in path if isinstance(key, str)]
        yield path if not isinstance(path[-1], int) else path[:-1], f"'{keys[-1]}'"
    for path, formula in formulas_in(data):
        for inner, part in parts_of(formula):
            if begins_as(part) is not None:
                yield (*path, *inner), quoted(str(part))


def _references(data: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Every place where a stage is named."""
    rationale = mapping(data.get("rationale"))
    for part in ("nudges", "constraints"):
        for index, item in items(rationale.get(part)):
            for position, stage in enumerate(sequence(item.get("stages"))):
                yield ("rationale", part, index, "stages", position), stage
    looking: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("checks", ("after", "to")),
        ("evidence", ("after",)),
        ("proposals", ("after",)),
    )
    for part, keys in looking:
        for index, item in items(data.get(part)):
            for key in keys:
                if item.get(key) is not None:
                    yield (part, index, key), item[key]
    for index, route in items(data.get("routes")):
        for stage in bits_by_stage(route.get("bits")):
            yield ("routes", index, "bits", stage), stage
    for name, spec in mapping(data.get("assumptions")).items():
        for stage in mapping(mapping(spec).get("from")):
            yield ("assumptions", name, "from", stage), stage


def _stage_names(stages: list[str]) -> Iterator[Mistake]:
    for position, stage in enumerate(stages):
        path: Path = ("stages", position)
        if stage in stages[:position]:
            yield Mistake(path, f"found {quoted(stage)} again, expected every stage once")
        elif stage in FORM_KEYS:
            sentence = f"found '{stage}', which is a form of a number, expected another name"
            yield Mistake(path, sentence)


def _unknown(name: str, stages: list[str], names: Names) -> str:
    hint = names.suggest(name, stages)
    return f"found {quoted(name)}, expected a stage of the story{hint or ': ' + one_of(stages)}"


def _beginnings(data: Mapping[str, Any], names: Names) -> Iterator[Mistake]:
    """Hold `at X` to classes, kinds and routes."""
    kinds = {route["kind"] for _, route in items(data.get("routes")) if _is_text(route.get("kind"))}
    choices = [*names.routes, *CLASSES, *sorted(kinds)]
    for path, formula in formulas_in(data):
        for inner, part in parts_of(formula):
            name = begins_as(part)
            if name is not None and name not in choices and names.outcomes_readable:
                hint = names.suggest(name, choices)
                sentence = f"found {quoted(part)}, expected a class, a kind or a route{hint}"
                yield Mistake((*path, *inner), sentence)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _routes(data: Mapping[str, Any], stages: list[str], names: Names) -> Iterator[Mistake]:
    first_open = False
    for index, route in items(data.get("routes")):
        table = bits_by_stage(route.get("bits"))
        if route.get("id") == RESIDUAL and table:
            for stage in stages:
                if stage not in table:
                    yield Mistake(
                        ("routes", index, "bits"),
                        f"the stage '{stage}' is missing: '{RESIDUAL}' is open in every stage",
                    )
        first_open = first_open or not table or stages[0] in table
    # The route `intended` is open where the story does not list it.
    listed = any(route.get("id") == "intended" for _, route in items(data.get("routes")))
    if listed and not first_open and names.outcomes_readable:
        sentence = f"found no route with bits in '{stages[0]}', expected one: training starts there"
        yield Mistake(("routes",), sentence)


def _assumptions(names: Names, stages: list[str]) -> Iterator[Mistake]:
    """Assumptions by chance depend on nothing that changes from stage to stage."""
    specs = {name: mapping(spec) for name, spec in names.assumptions.items()}
    reads: dict[str, bool] = {}

    def changes(name: str, inside: tuple[str, ...] = ()) -> bool:
        """Whether what an assumption says may differ between stages."""
        if name in inside or name not in specs:
            return False
        if name not in reads:
            spec = specs[name]
            parts = [
                part
                for _, formula in formulas_of(spec)
                for _, part in parts_of(formula)
                if isinstance(part, str)
            ]
            reads[name] = bool(spec.get("from")) or any(
                begins_as(part) is not None or changes(literal_name(part) or "", (*inside, name))
                for part in parts
            )
        return reads[name]

    for name, spec in specs.items():
        path: Path = ("assumptions", name)
        if spec.get("holds_when") is not None or spec.get("from"):
            continue
        for inner, formula in formulas_of(spec):
            for place, part in parts_of(formula):
                other = literal_name(part)
                if begins_as(part) is not None or (other is not None and changes(other)):
                    yield Mistake(
                        (*path, *inner, *place),
                        f"found {quoted(str(part))}, which may differ between stages, expected "
                        "what one run has throughout: an assumption with a chance of its own is "
                        "true or false once",
                    )


def _checks(data: Mapping[str, Any], names: Names, stages: list[str]) -> Iterator[Mistake]:
    together = {
        name
        for _, cause in items(data.get("common_cause"))
        for name in sequence(cause.get("checks"))
        if isinstance(name, str)
    }
    repeated: dict[str, str] = {}  # by stage, the check that sends back over it
    for index, check in items(data.get("checks")):
        path: Path = ("checks", index)
        after, to = check.get("after"), check.get("to")
        sends_back = check.get("on_flag") == "retrain"
        ends = after is None or after == stages[-1]
        if sends_back != (to is not None):
            missing, there = ("to", "on_flag: retrain") if sends_back else ("on_flag", "to")
            way = "to: STAGE, where training goes on" if sends_back else "on_flag: retrain"
            yield Mistake(path, f"found '{there}' without '{missing}', expected {way}")
        for key in ("times", "retrained_flags"):
            if check.get(key) is not None and not sends_back and (key != "times" or check[key] > 1):
                sentence = f"found '{key}' without 'on_flag: retrain', expected both or neither"
                yield Mistake((*path, key), sentence, at_key=True)
        if check.get("retrained_flags") is not None:
            table = mapping(check["retrained_flags"])
            choices = [*names.outcomes, DEFAULT]
            yield from target_mistakes((*path, "retrained_flags"), table, choices, names)
            if DEFAULT not in table and not misspelled(DEFAULT, table, choices):
                sentence = "the key 'default' is missing: it is the rate for all that is not named"
                yield Mistake((*path, "retrained_flags"), sentence)
        if check.get("result") is not None and (sends_back or not ends):
            yield Mistake(
                (*path, "result"),
                f"found '{check['result']}' of a check that "
                f"{'sends back' if sends_back else 'stands before the last stage'}, expected one "
                "after the last stage: write what it said as an evidence item about the outcome "
                "after that stage",
                at_key=True,
            )
        if ends and not sends_back:
            continue
        for key in mapping(check.get("flags")):
            if key in names.hazards:
                sentence = (
                    f"found the hazard '{key}' in a check within training, expected routes and "
                    "classes: hazards are of the model that the last stage leaves"
                )
                yield Mistake((*path, "flags", key), sentence, at_key=True)
        if check.get("id") in together:
            sentence = (
                f"found '{check['id']}', which stands within training, among checks that fail "
                "together, expected checks after the last stage"
            )
            yield Mistake((*path, "id"), sentence)
        if sends_back and to in stages and (after is None or after in stages):
            first, last = stages.index(to), stages.index(after or stages[-1])
            if first > last:
                sentence = (
                    f"found '{to}', expected a stage that is over: {one_of(stages[: last + 1])}"
                )
                yield Mistake((*path, "to"), sentence)
            for stage in stages[first : last + 1]:
                if stage in repeated:
                    yield Mistake(
                        (*path, "to"),
                        f"found '{to}', so that '{stage}' is repeated by '{check.get('id')}' and "
                        f"by '{repeated[stage]}', expected checks that send back over different "
                        "stages",
                    )
                    break
                repeated[stage] = str(check.get("id"))


def _looks(part: str, data: Mapping[str, Any], stages: list[str]) -> Iterator[Mistake]:
    """Hold findings and proposals to stages after which the model can be looked at."""
    for index, item in items(data.get(part)):
        about, after = mapping(item.get("about")), item.get("after")
        if after is None or after not in stages or after == stages[-1]:
            continue
        path: Path = (part, index, "after")
        if about.get("class") is not None or item.get("exposure") is not None:
            kind = "a forecast of a class" if about.get("class") is not None else "an exposure"
            sentence = f"found {kind} after '{after}', expected it of the model of the last stage"
            yield Mistake(path, sentence, at_key=True)
