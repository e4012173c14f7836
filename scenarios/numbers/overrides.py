"""Numbers of a story overridden by a view or by settings, and what is wrong with those that are.

A bare id in a view or a setting means its `probability`, else its `bits`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from storyodds.priors import library
from storyodds.priors.distributions.forms import (
    Bits,
    Kind,
    Prior,
    Probability,
    parse_prior,
    plain_prior,
)
from storyodds.priors.text.errors import Mistake, Problem
from storyodds.priors.text.phrases import did_you_mean, quoted
from storyodds.priors.wording import mistakes_in
from storyodds.scenarios.grammar.number_names import number_meant
from storyodds.scenarios.numbers.slots import Slot, places_of
from storyodds.scenarios.switches import is_switch

SETTING = "setting"  # the origin of a number that `--set` or `settings` gave


def under_view(
    slots: Mapping[str, Slot], view: library.View
) -> tuple[dict[str, Slot], list[Problem]]:
    """Return the slots as a view has them, and what is wrong with the view.

    Names that the story does not have are passed over.
    """
    out, problems = dict(slots), list[Problem]()
    names: dict[str, str] = {}  # by the number, by which of its names the view sets it
    for name, value in view.set.items():
        if (number := target(name, out)) is not None:
            if view.set[names.setdefault(number, name)] != value:
                problems.append(_set_twice(view, names[number], name, number))
            try:
                override = _override(out[number], value, f"view {view.view}")
                out[number] = replace(override, document=view.document, path=("set", name))
            except ValidationError as error:
                problems += _problems_of_view(view, name, value, error, out[number].kind)
    return out, problems


def under_settings(
    slots: Mapping[str, Slot], settings: Mapping[str, Any], off: Mapping[str, str]
) -> tuple[dict[str, Slot], list[Problem]]:
    """Return the slots as settings have them, and what is wrong with the settings.

    Parameters
    ----------
    slots : mapping of str to Slot
    settings : mapping of str to PRIOR
        Every name must be that of a number; what switches off a part is passed over.
    off : mapping of str to str
        The parts that are switched off: which kind of part each owner of numbers is.
    """
    out, problems = dict(slots), list[Problem]()
    first: dict[str, str] = {}
    for name, value in settings.items():
        if is_switch(name):
            continue
        if (number := target(name, out)) is None:
            problems.append(_unknown_setting(name, out))
            continue
        owners = [place.split(".")[0] for place in places_of(out[number])]
        if all(owner in off for owner in owners):
            problems.append(_useless_setting(name, f"{off[owners[0]]}:{owners[0]}"))
            continue
        if first.setdefault(number, name) != name:
            sentence = f"found '{first[number]}' and '{name}', which are one number, expected one"
            problems.append(Problem(sentence, key_path=setting_place(number)))
        try:
            out[number] = _override(out[number], value, SETTING)
        except ValidationError as error:
            plain = plain_prior(value) if isinstance(value, Prior) else value
            problems += [
                Problem(mistake.sentence, key_path=setting_place(number))
                for mistake in _mistakes(error, plain, out[number].kind)
            ]
    return out, problems


def target(name: str, slots: Mapping[str, Slot]) -> str | None:
    """The number that a name in a view or setting means."""
    at_place = {place: key for key, slot in slots.items() for place in places_of(slot)}
    return number_meant(name, at_place | {key: key for key in slots})


def _set_twice(view: library.View, first: str, second: str, number: str) -> Problem:
    """Describe a view that gives one number of the story two values."""
    sentence = (
        f"found two values, for '{first}' and '{second}', which are one number of the story, "
        f"'{number}'; expected one"
    )
    if view.document is None:
        return Problem(sentence, key_path=f"view {view.view}: {second}")
    return view.document.problem(Mistake(("set", second), sentence))


def _unknown_setting(name: str, slots: Mapping[str, Slot]) -> Problem:
    every = [place for slot in slots.values() for place in places_of(slot)]
    owned = [place for place in every if place.startswith(f"{name}.")]
    if len(owned) == 1:
        sentence = f"found '{name}', expected '{owned[0]}'"
    elif owned:
        sentence = f"found '{name}', which has several numbers: {', '.join(owned)}"
    else:
        candidates = sorted({*slots, *every, *(place.split(".")[0] for place in every)})
        hint = did_you_mean(name, candidates)
        sentence = f"found {quoted(name)}, expected the name of a number of the story{hint}"
    return Problem(sentence, key_path="--set")


def _useless_setting(name: str, switch: str) -> Problem:
    message = f"found '{name}', a number of what '{switch}' switches off; expected one of both"
    return Problem(message, key_path="--set")


def setting_place(name: str) -> str:
    """Name the place of a setting, as it is typed and as the keyword `settings` has it."""
    return f"--set {name}"


def _problems_of_view(
    view: library.View, name: str, value: Any, error: ValidationError, kind: Kind
) -> list[Problem]:
    """Place what is wrong with a number of a view in the view's file."""
    mistakes = _mistakes(error, value, kind)
    if view.document is None:
        place = f"view {view.view}: {name}"
        return [Problem(mistake.sentence, key_path=place) for mistake in mistakes]
    return [
        view.document.problem(replace(mistake, path=("set", name, *mistake.path)))
        for mistake in mistakes
    ]


def _mistakes(error: ValidationError, value: Any, kind: Kind) -> list[Mistake]:
    """Describe what is wrong with a PRIOR as the reader of files does."""
    return mistakes_in(error, value, Probability if kind == "probability" else Bits)


def _override(slot: Slot, value: Any, origin: str) -> Slot:
    form = parse_prior(value, slot.kind)
    written = slot.key_path or slot.name
    return replace(slot, form=form, origin=origin, key_path=written, document=None, path=())
