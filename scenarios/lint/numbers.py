"""Rules about numbers: what they rest on, and whether anything reads them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from storyodds.priors.text.errors import Path
from storyodds.scenarios.checks.named_numbers import uses_in
from storyodds.scenarios.checks.references import numbers_in
from storyodds.scenarios.grammar.formulas import Formula
from storyodds.scenarios.grammar.names import is_zero, items
from storyodds.scenarios.grammar.outcomes import CLASSES, INTENDED
from storyodds.scenarios.lint.reading import Doubt, Reading, is_nought


def own_numbers(reading: Reading) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """List the numbers that a story's file gives by itself, each with what it says of its origin.

    A reference has the origin of its entry, a pool that of the people who judge, a use of a named
    number that of the number, every row its own, and the zero that bits of evidence are counted
    from has none.
    """
    for path, value, _ in numbers_in(reading.written):
        if value is None:
            continue
        number = value if isinstance(value, Mapping) else {}
        if any(key in number for key in ("ref", "pool", "number", "given")):
            continue
        if path[-1] in ("default", "false") and "bayes_factor" in path and is_zero(value):
            continue
        yield path, number


def no_source(reading: Reading) -> Iterator[Doubt]:
    """Numbers that do not say where they come from, listed all at once."""
    bare = [
        path
        for path, number in own_numbers(reading)
        if number.get("source") is None and number.get("basis") in (None, "assumed")
    ]
    if bare:
        count = "a number does" if len(bare) == 1 else f"{len(bare)} numbers do"
        yield Doubt(
            bare[0],
            f"{count} not say where {'it comes' if len(bare) == 1 else 'they come'} from; give "
            f"{'it' if len(bare) == 1 else 'each'} a basis and a source, even if the source is "
            "that it is an assumption",
            also=tuple(bare[1:]),
        )


def no_basis(reading: Reading) -> Iterator[Doubt]:
    """Numbers with a source that do not say whether the source states them."""
    unclear = [
        path
        for path, number in own_numbers(reading)
        if number.get("source") is not None and number.get("basis") is None
    ]
    if unclear:
        one = len(unclear) == 1
        yield Doubt(
            unclear[0],
            f"{'a number names' if one else f'{len(unclear)} numbers name'} a source and no basis: "
            f"{'was it' if one else 'were they'} measured, elicited from somebody, or assumed?",
            also=tuple(unclear[1:]),
        )


TEMPLATE = re.compile(r"(?i)placeholder of the template|made up for the template")


def template_number(reading: Reading) -> Iterator[Doubt]:
    """What the template of a new story has put there, listed all at once."""
    sourced = [(path, number.get("source")) for path, number in own_numbers(reading)]
    for i, item in items(reading.written.get("evidence")):
        sourced.append((("evidence", i, "source"), item.get("source")))
    samples = [
        path
        for path, source in sourced
        if TEMPLATE.search(str(source.get("cite") if isinstance(source, Mapping) else source))
    ]
    if samples:
        one = len(samples) == 1
        yield Doubt(
            samples[0],
            f"{'a number or finding is' if one else f'{len(samples)} numbers or findings are'} "
            f"still {'one' if one else 'those'} of the template, made up to be replaced",
            also=tuple(samples[1:]),
        )


def unsourced_claim(reading: Reading) -> Iterator[Doubt]:
    """A number that is said to be measured or elicited, without where or by whom."""
    for path, number in own_numbers(reading):
        basis = number.get("basis")
        if number.get("source") is None and basis in ("measured", "elicited"):
            missing = "where" if basis == "measured" else "from whom"
            yield Doubt(path, f"this number is said to be {basis}, and not {missing}")
    for i, item in enumerate(reading.story.evidence):
        counted = item.counts is not None or item.exposure is not None
        if item.source is None and counted:
            sentence = f"'{item.id}' counts what was observed and does not say where that stands"
            yield Doubt(("evidence", i), sentence)
        elif item.source is None and item.forecast is not None:
            yield Doubt(("evidence", i), f"'{item.id}' is a forecast and does not say whose")


def idle_number(reading: Reading) -> Iterator[Doubt]:
    """A number for a kind of model that is not there, or covered already, or that adds nothing.

    Also one that the story names and that stands nowhere.
    """
    in_use = {use.number for use in uses_in(reading.written)}
    for name in reading.source.numbers:
        if name not in in_use:
            sentence = f"'{name}' is named and stands nowhere, as {{number: {name}}} would"
            yield Doubt(("numbers", name), sentence, at_key=True)
    for i, nudge in enumerate(reading.story.rationale.nudges):
        for target in nudge.bits:
            place: Path = ("rationale", "nudges", i, "bits", target)
            routes = reading.moved_by(target)
            conditions: tuple[Formula, ...] = () if nudge.when is None else (nudge.when,)
            if not routes:
                yield _never_read(place, nudge.id, target, "no route has that class")
            elif reading.can_hold(*conditions) and not any(
                reading.can_hold(*conditions, route.requires) for route in routes
            ):
                why = "whenever the nudge acts, what that requires does not hold"
                yield _never_read(place, nudge.id, target, why)
    for i, check in enumerate(reading.story.checks):
        yield from _never_looked_up(("checks", i, "flags"), check.id, check.flags, reading)
        for hazard in reading.story.goal.hazards:
            if hazard.id in check.flags and is_nought(check.flags[hazard.id]):
                sentence = (
                    f"the rate that '{check.id}' has for '{hazard.id}' is 0 and does nothing: what "
                    "a hazard has adds to the rate of the model and takes nothing away"
                )
                yield Doubt(("checks", i, "flags", hazard.id), sentence, at_key=True)
    for i, item in enumerate(reading.story.evidence):
        if item.about.outcome:
            for key in ("rates", "visibility", "bayes_factor"):
                table = getattr(item, key) or {}
                yield from _never_looked_up(("evidence", i, key), item.id, table, reading)


def _never_looked_up(
    path: Path, owner: str, table: Mapping[str, Any], reading: Reading
) -> Iterator[Doubt]:
    """Rates or bits for a class of which no route is left that has none of its own."""
    for key in table:
        if key not in CLASSES:
            continue
        members = [name for name, class_ in reading.outcomes if class_ == key]
        if not members:
            yield _never_read((*path, key), owner, key, "no route has that class")
        elif key != INTENDED and all(name in table for name in members):
            why = "every route of that class has a number of its own"
            yield _never_read((*path, key), owner, key, why)


def _never_read(path: Path, owner: str, target: str, why: str) -> Doubt:
    sentence = f"nothing reads the number that '{owner}' has for '{target}': {why}"
    return Doubt(path, sentence, at_key=True)
