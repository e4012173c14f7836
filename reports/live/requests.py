"""What a page may ask for: checked in full before anything is computed, every mistake at once."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from storyodds.priors.library import view_names
from storyodds.priors.text.errors import InputError, Problem
from storyodds.priors.text.phrases import did_you_mean, quoted
from storyodds.reports.live.folder import is_name
from storyodds.reports.live.typed_numbers import as_prior
from storyodds.scenarios.grammar.switch_kinds import SWITCHES

MAX_BODY = 64 * 1024  # bytes of a request
MAX_SETTINGS = 1000  # numbers, and parts that are off, of a state
MAX_PRIOR = 4000  # characters of one number

_NUMBER = re.compile(r"[a-z0-9][a-z0-9-]*(\.[a-z0-9_-]+)*")
_KEYS = ("view", "set", "off")


@dataclass(frozen=True)
class State:
    """What is changed about a story.

    Attributes
    ----------
    view : str or None
        The name of a view that ships with the project.
    set : mapping of str to str
        By the name of a number, a PRIOR as it would stand in a story.
    off : tuple of str
        Parts that are left out, such as `check:blind-audit`.
    """

    view: str | None = None
    set: Mapping[str, str] = field(default_factory=dict)
    off: tuple[str, ...] = ()

    def as_data(self) -> dict[str, object]:
        """Give it as the plain data that `read_state` takes."""
        return {"view": self.view, "set": dict(self.set), "off": list(self.off)}


def read_body(raw: bytes) -> object:
    """Read a JSON body strictly: no NaN, no key twice.

    Raises
    ------
    InputError

    Examples
    --------
    >>> read_body(b'{"view": null}')
    {'view': None}
    >>> read_body(b'{"view": NaN}')
    Traceback (most recent call last):
        ...
    storyodds.priors.text.errors.InputError: body: found NaN, expected a number
    """

    def refuse(constant: str) -> None:
        raise InputError(f"body: found {constant}, expected a number")

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len(mapping := dict(pairs)) < len(pairs):
            raise InputError("body: found a key twice in one object, expected every key once")
        return mapping

    try:
        return json.loads(raw.decode("utf-8"), parse_constant=refuse, object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise InputError("body: found something else than JSON, expected a JSON object") from None


def read_state(data: object) -> State:
    """Check the shape of a state; whether it fits its story shows when it is resolved.

    Parameters
    ----------
    data : object
        Plain data: `{"view": NAME or null, "set": {NAME: PRIOR}, "off": ["PART:ID", …]}`, every
        key of which may be missing.

    Raises
    ------
    InputError
        With every mistake.

    Examples
    --------
    >>> read_state({"set": {"aware.probability": "[0.1, 0.4]"}, "off": ["check:audit"]})
    State(view=None, set={'aware.probability': '[0.1, 0.4]'}, off=('check:audit',))
    >>> read_state({"off": ["check"], "vew": 1})
    Traceback (most recent call last):
        ...
    storyodds.priors.text.errors.InputError: found the key 'vew', expected one of view, set, off
    off[0]: found 'check', expected one of constraint, nudge, check, evidence, correlation, ...
    """
    if not isinstance(data, dict):
        raise InputError(f"state: found {_kind(data)}, expected an object")
    problems = [
        Problem(f"found the key {quoted(key)}, expected one of {', '.join(_KEYS)}")
        for key in data
        if key not in _KEYS
    ]
    view = _view(data.get("view"), problems)
    settings = _settings(data.get("set", {}), problems)
    off = _parts(data.get("off", []), problems)
    if problems:
        raise InputError(problems)
    return State(view, settings, off)


def read_name(data: object) -> str:
    """Check the name that a state is to be saved under.

    Examples
    --------
    >>> read_name("no-audit")
    'no-audit'
    """
    if isinstance(data, str) and is_name(data):
        return data
    description = quoted(data) if isinstance(data, str) else _kind(data)
    raise InputError(
        f"name: found {description}, expected lower-case letters, digits and hyphens, at most 64"
    )


def _view(value: object, problems: list[Problem]) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and value in view_names():
        return value
    description = quoted(value) if isinstance(value, str) else _kind(value)
    hint = did_you_mean(value, view_names()) if isinstance(value, str) else ""
    hint = hint or f", one of {', '.join(view_names())}, or null"
    problems.append(Problem(f"view: found {description}, expected the name of a view{hint}"))
    return None


def _settings(value: object, problems: list[Problem]) -> dict[str, str]:
    if not isinstance(value, dict):
        problems.append(Problem(f"set: found {_kind(value)}, expected an object of texts"))
        return {}
    if len(value) > MAX_SETTINGS:
        problems.append(
            Problem(f"set: found {len(value)} numbers, expected at most {MAX_SETTINGS}")
        )
        return {}
    for name, text in value.items():
        if len(name) > 200 or not _NUMBER.fullmatch(name):
            problems.append(Problem(f"set: found {quoted(name)}, expected the name of a number"))
        elif not isinstance(text, str):
            sentence = f'found {_kind(text)}, expected text, such as "0.2" or "[0.1, 0.4]"'
            problems.append(Problem(f"set {name}: {sentence}"))
        elif not 0 < len(text.strip()) <= MAX_PRIOR:
            sentence = f"found {len(text):,} characters, expected 1 to {MAX_PRIOR:,}"
            problems.append(Problem(f"set {name}: {sentence}"))
    return {name: as_prior(t, name) if isinstance(t, str) else t for name, t in value.items()}


def _parts(value: object, problems: list[Problem]) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_SETTINGS:
        problems.append(
            Problem(f"off: found {_kind(value)}, expected a list of at most {MAX_SETTINGS}")
        )
        return ()
    for k, part in enumerate(value):
        kind, _, name = part.partition(":") if isinstance(part, str) else ("", "", "")
        if kind not in SWITCHES or not is_name(name):
            description = quoted(part) if isinstance(part, str) else _kind(part)
            expected = f"one of {', '.join(SWITCHES)}, a colon and an id"
            problems.append(Problem(f"off[{k}]: found {description}, expected {expected}"))
    return tuple(dict.fromkeys(part for part in value if isinstance(part, str)))


def _kind(value: object) -> str:
    """Name a JSON value by what it is, without showing it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    kinds = {str: "text", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return kinds[type(value)]
