"""Pieces of sentences: what was found, which name is near, how it is to be written."""

import difflib
import heapq
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from storyodds.priors.text.errors import printable

_QUOTED_LETTERS = 60  # letters of a value that is quoted in a sentence
_LISTED = 4  # entries that a sentence lists
SLUG_LIMIT = 100  # letters of a name that is compared with others: time grows with their square
_STRANGERS = 20  # unknown keys that are compared with the expected ones, each against all
# Names that are compared letter by letter: a comparison takes up to 1.3 milliseconds.
_SHORTLIST = 8
# What may be spent on one reading of a file, a quarter of a second or so: words looked at, pairs of
# names. (A story that is wrong is read twice.)
_WORDS = 25
_PAIRS = 20_000
_PERCENT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*%\s*")
_RANGE = re.compile(r"\s*([0-9.]+%?)\s*(?:-|–|to|\.\.)\s*([0-9.]+%?)\s*")
_FRACTION = re.compile(r"\s*([0-9]{1,15})\s*/\s*([0-9]{1,15})\s*")
_COMMA = re.compile(r"\s*([0-9]+),([0-9]+)\s*")
_NUMBER = re.compile(r"\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\s*")


def quoted(text: str) -> str:
    """Put a text from a file between quotes, shortened, on one line.

    Examples
    --------
    >>> quoted("a")
    "'a'"
    """
    flat = printable(" ".join(text.split()) if "\n" in text else text)
    return f"'{flat[: _QUOTED_LETTERS - 1]}…'" if len(flat) > _QUOTED_LETTERS else f"'{flat}'"


def described(value: Any) -> str:
    """Describe a value from a file.

    Examples
    --------
    >>> described([0.4, 0.1]), described({"beta": 1}), described(None), described(True)
    ('[0.4, 0.1]', 'a mapping with the key beta', 'nothing', 'true')
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:.15g}" if isinstance(value, float) else str(value)
    if isinstance(value, str):
        return quoted(value) if value else "an empty text"
    if isinstance(value, Mapping):
        return _described_mapping(value)
    if isinstance(value, list | tuple):
        if not value:
            return "an empty list"
        if len(value) <= _LISTED and all(isinstance(item, int | float | str) for item in value):
            return f"[{', '.join(described(item) for item in value)}]"
        return f"a list of {len(value)}"
    return f"a {type(value).__name__}"


def _described_mapping(value: Mapping[Any, Any]) -> str:
    if not value:
        return "an empty mapping"
    keys = [printable(str(key))[:_QUOTED_LETTERS] for key in list(value)[:_LISTED]]
    more = ", …" if len(value) > _LISTED else ""
    return f"a mapping with the key{'s'[: len(value) > 1]} {', '.join(keys)}{more}"


def one_of(choices: Iterable[str]) -> str:
    """List choices in a sentence.

    Examples
    --------
    >>> one_of(["run", "world"])
    'run or world'
    """
    *most, last = choices
    return f"{', '.join(most)} or {last}" if most else last


def did_you_mean(word: Any, choices: Iterable[str]) -> str:
    """Return the end of a sentence that names the nearest choice, or nothing.

    Examples
    --------
    >>> did_you_mean("situational-awarness", ["situational-awareness", "other"])
    "; did you mean 'situational-awareness'?"
    """
    if not isinstance(word, str) or len(word) > SLUG_LIMIT:
        return ""
    names = [name for name in choices if len(name) <= SLUG_LIMIT]
    folded = word.strip().lower().replace("_", "-").replace(" ", "-")
    near = [name for name in names if name.replace("_", "-") == folded]
    near = near or difflib.get_close_matches(word, _shortlist(word, names), 1)
    return f"; did you mean '{near[0]}'?" if near and near[0] != word else ""


def _shortlist(word: str, names: list[str]) -> list[str]:
    """Return the names that share most letters and pairs of letters with a word, in their order."""
    if len(names) <= _SHORTLIST:
        return names
    pieces = _pieces(word)
    likeness = [
        2 * len(pieces & _pieces(name)) / (len(pieces) + len(_pieces(name)) or 1) for name in names
    ]
    chosen = heapq.nlargest(_SHORTLIST, range(len(names)), key=likeness.__getitem__)
    return [names[i] for i in sorted(chosen)]


@lru_cache(maxsize=1024)  # of some 10 kB
def _pieces(name: str) -> frozenset[str]:
    return frozenset(name) | {name[i : i + 2] for i in range(len(name) - 1)}


class Suggestions:
    """The suggestions of one file, of which one that is wrong everywhere gets only so many.

    Examples
    --------
    >>> suggestions = Suggestions()
    >>> suggestions.nearest("awarness", ["awareness"])
    "; did you mean 'awareness'?"
    """

    def __init__(self) -> None:
        self._words, self._pairs = _WORDS, _PAIRS

    def nearest(self, word: Any, choices: Iterable[str]) -> str:
        """Return what `did_you_mean` gives, or nothing once enough has been compared."""
        if self._words <= 0 or self._pairs <= 0:
            return ""
        names = list(choices)
        self._words -= 1
        self._pairs -= len(names)
        return did_you_mean(word, names)


def misspelled(name: str, value: Any, expected: Iterable[str] = ()) -> bool:
    """Return whether a mapping has a key that is a slip of the pen for a missing one.

    Examples
    --------
    >>> misspelled("probability", {"probabilty": 0.3}), misspelled("harm", {"bits": 1})
    (True, False)
    """
    if not isinstance(value, Mapping) or name in value:
        return False
    expected = {*expected, name}
    strangers = [key for key in value if isinstance(key, str) and key not in expected]
    near = (key for key in strangers[:_STRANGERS] if len(key) <= SLUG_LIMIT)
    return any(difflib.get_close_matches(key, expected, 1) == [name] for key in near)


def hint_for(value: Any, expected: str) -> str:
    """Return the end of a sentence that shows how a number is to be written, or nothing.

    Examples
    --------
    >>> hint_for("20%", "a probability from 0 to 1")
    '; write 0.2'
    >>> hint_for(20, "a probability from 0 to 1")
    '; write 0.2 if 20 % is meant'
    """
    below_one = "probability" in expected or expected == "a number below 1"
    if below_one and isinstance(value, int | float) and 1 < value <= 100:
        return f"; write {value / 100:.6g} if {value:.6g} % is meant"
    if "interval" in expected and isinstance(value, list | tuple | Mapping):
        return _interval_hint(value)
    if expected == "text" and isinstance(value, bool | int | float):
        return "; put it in quotes if it is meant as text"
    if expected == "a list":
        return _list_hint(value)
    if expected == "a mapping" and isinstance(value, list | tuple):
        return ": 'name: value' lines without a dash"
    if "bits" in expected and isinstance(value, str) and _PERCENT.fullmatch(value):
        return ": log2 odds, of which 0 are even odds, and 1 is twice as likely"
    if (
        isinstance(value, str)
        and len(value) <= _QUOTED_LETTERS
        and any(word in expected for word in ("number", "prob", "bits"))
    ):
        return _number_hint(value)
    return ""


def _list_hint(value: Any) -> str:
    if isinstance(value, str) and 0 < len(value) <= _QUOTED_LETTERS and "\n" not in value:
        return f"; write [{value}]"
    return "; begin each item with a dash" if isinstance(value, Mapping) else ""


def record_hint(value: Any, keys: list[str]) -> str:
    """Show how the short way in which a person wrote a record is to be written out."""
    numbers = value if isinstance(value, list) else [value]
    if all(_is_number(number) for number in numbers):
        if keys == ["hits", "trials"] and len(numbers) == len(keys):
            return f"; write {{hits: {numbers[0]}, trials: {numbers[1]}}}"
        if "probability" in keys and 0 < len(numbers) <= 2:
            return f"; write {{probability: {described(value)}}}"
    if "outcome" in keys and isinstance(value, str) and len(value) <= _QUOTED_LETTERS:
        about = "outcome: true" if value == "outcome" else f"assumption: {value}"
        return f"; write {{{about}}}"
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _interval_hint(value: Any) -> str:
    ends = value.get("interval") if isinstance(value, Mapping) else value
    if not isinstance(ends, list | tuple) or len(ends) != 2 or not all(map(_is_number, ends)):
        return ""
    low, high = ends
    if 0 < low < high < 100 and high > 1:
        return f"; write [{low / 100:.6g}, {high / 100:.6g}] if percentages are meant"
    if low == 0 or high == 1:
        return "; an end at 0 or 1 would be certainty, so move it a little inside"
    return ""


def _number_hint(text: str) -> str:
    """Read what a person may have meant by a text that stands where a number is wanted."""
    if match := _PERCENT.fullmatch(text):
        return f"; write {float(match[1]) / 100:.6g}"
    if match := _FRACTION.fullmatch(text):
        return f"; write {int(match[1]) / int(match[2]):.6g}" if int(match[2]) else ""
    if match := _COMMA.fullmatch(text):
        return f"; write {match[1]}.{match[2]}"
    if match := _RANGE.fullmatch(text):
        low, high = match.groups()
        # In "10-40%" both ends are percentages.
        shared = "%" if high.endswith("%") and not low.endswith("%") else ""
        ends = [_percentage(low + shared), _percentage(high)]
        return f"; write [{ends[0]}, {ends[1]}]" if all(ends) else ""
    if _NUMBER.fullmatch(text):
        return "; write it without quotes"
    if _NUMBER.fullmatch(text.replace("_", "")):
        return f"; write {text.replace('_', '').strip()}"
    return ""


def _percentage(text: str) -> str:
    if match := _PERCENT.fullmatch(text):
        return f"{float(match[1]) / 100:.6g}"
    return text if _NUMBER.fullmatch(text) else ""
