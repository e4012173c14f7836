"""Single scalars of a YAML file: which are numbers, and what an escape stands for."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final

from storyodds.priors.text.phrases import quoted

MAX_DIGITS: Final = 18  # of a whole number, which then fits into 64 bits

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTHS = {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_BASED = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
# Of characters without a name, by Unicode's category.
_CATEGORIES = {"Cc": "a control character", "Cs": "half a character", "Cn": "not a character"}
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|\r\n|.)", re.DOTALL)


def core_scalar(text: str) -> Any:
    """Read a plain scalar as YAML 1.2's core schema does.

    Infinity and not-a-number stay text, and so are refused wherever a number is wanted.

    Raises
    ------
    ValueError
        If a number is too long, or one that other readers of YAML take differently.

    Examples
    --------
    >>> [core_scalar(text) for text in ("no", "~", "true", "1e-3", "-7", "12:30", ".inf")]
    ['no', None, True, 0.001, -7, '12:30', '.inf']
    """
    if text in _NULLS:
        return None
    if text in _TRUTHS:
        return _TRUTHS[text]
    if _INTEGER.match(text):
        return _integer(text)
    if _BASED.match(text):
        raise ValueError(f"found {quoted(text)}, expected decimal digits, or quotes around text")
    if _FLOAT.match(text):
        number = float(text)
        if number in (float("inf"), float("-inf")):
            raise ValueError(f"found {quoted(text)}, expected a number below 1.8e308")
        return number
    return text


def _integer(text: str) -> int:
    digits = text.lstrip("+-")
    if len(digits) > MAX_DIGITS:
        raise ValueError(
            f"found a whole number of {len(digits)} digits, expected at most {MAX_DIGITS}, "
            "or quotes around text"
        )
    if len(digits) > 1 and digits.startswith("0"):
        raise ValueError(
            f"found '{text}', which some readers of YAML take as octal, expected "
            f"{int(text)}, or quotes around text"
        )
    return int(text)


def hidden(letter: str) -> str:
    r"""Say that a hidden character was found.

    Examples
    --------
    >>> hidden("\u202e")
    'found the hidden character U+202E (right-to-left override), expected visible text'
    """
    name = unicodedata.name(letter, "").lower() or _CATEGORIES.get(unicodedata.category(letter), "")
    named = f" ({name})" if name else ""
    return f"found the hidden character U+{ord(letter):04X}{named}, expected visible text"


def escapes(text: str, start: int, stop: int) -> Iterator[tuple[int, str]]:
    """Return the escapes of a double-quoted scalar: where each stands, and its character."""
    for match in _ESCAPE.finditer(text, start, stop):
        yield match.start(), _escaped(match[1])


def _escaped(code: str) -> str:
    if code[0] in "xuU" and len(code) > 1:
        number = int(code[1:], 16)
        return chr(number) if number < 0x110000 else ""
    return {"0": "\0", "a": "\a", "b": "\b", "e": "\x1b", "v": "\v", "f": "\f"}.get(
        code, {"N": "\x85", "L": "\u2028", "P": "\u2029"}.get(code, " ")
    )
