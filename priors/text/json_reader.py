"""A strict reader for JSON that may be anybody's: finite numbers, visible text, no key twice."""

import json
from math import isfinite
from typing import Any, Final

from storyodds.priors.text.errors import UNSAFE
from storyodds.priors.text.phrases import quoted
from storyodds.priors.text.scalars import hidden

MAX_BYTES: Final = 64 * 2**20  # a result of thousands of numbers has some megabytes
MAX_ENTRIES: Final = 2_000_000  # each takes a hundred bytes of memory, however short it is written
MAX_DEPTH: Final = 32  # as of a story
_MAX_DIGITS: Final = 18  # whole numbers that every reader holds without rounding


def read_json(raw: bytes) -> Any:
    r"""Read one JSON document.

    Parameters
    ----------
    raw : bytes
        UTF-8.

    Returns
    -------
    object
        Mappings, lists, texts, finite numbers, booleans and None.

    Raises
    ------
    ValueError
        With what was found instead, as a clause that begins with "found".

    Examples
    --------
    >>> read_json(b'{"odds": [0.1, 1e-3]}')
    {'odds': [0.1, 0.001]}
    >>> read_json(b'{"odds": NaN}')
    Traceback (most recent call last):
    ValueError: found NaN, which is no JSON number
    """
    if len(raw) > MAX_BYTES or sum(map(raw.count, (b",", b"[", b"{"))) > MAX_ENTRIES:
        raise ValueError(f"found {len(raw):,} bytes, more than any result has")
    try:
        data = json.loads(
            raw.decode("utf-8"),
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_whole,
            object_pairs_hook=_without_repeats,
        )
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ValueError("found a text that is not JSON") from None
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    _require_visible(data)
    return data


_TOO_DEEP = f"found more than {MAX_DEPTH} levels of nesting"


def _no_constant(name: str) -> Any:
    raise ValueError(f"found {name}, which is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError("found a number beyond 1.8e308")
    return number


def _whole(text: str) -> int:
    if len(text.lstrip("-")) > _MAX_DIGITS:
        raise ValueError(f"found a whole number of more than {_MAX_DIGITS} digits")
    return int(text)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for k, name in enumerate(names) if name in names[:k])
        raise ValueError(f"found the key {quoted(twice)} a second time")
    return data


def _require_visible(data: Any) -> None:
    """Refuse text that hides something, and what nests too deep to be walked through."""
    waiting = [(data, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise ValueError(_TOO_DEEP)
        if isinstance(value, str):
            if match := UNSAFE.search(value):
                raise ValueError(hidden(match[0]).partition(",")[0])
        elif isinstance(value, dict):
            waiting += [(key, depth) for key in value]
            waiting += [(item, depth + 1) for item in value.values()]
        elif isinstance(value, list):
            waiting += [(item, depth + 1) for item in value]
