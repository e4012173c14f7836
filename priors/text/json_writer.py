"""One way to write a document as JSON, so that the same document has the same bytes everywhere."""

import json
from collections.abc import Mapping
from typing import Any, Final

DIGITS: Final = 12  # processors add up in other orders, which shows in the digits after these
_AS_WRITTEN = ("form", "settings")  # keys of numbers that come from a file or the command line


def json_text(document: Any, *, ensure_ascii: bool = True) -> str:
    """Give a document as the text of its file, with numbers of as many digits as mean anything.

    Parameters
    ----------
    document : mapping or sequence
        Plain data, without numbers that are infinite or undefined.
    ensure_ascii : bool
        Whether to escape every letter that is not ASCII.

    Examples
    --------
    >>> json.loads(json_text({"mean": 0.1 + 0.2, "form": {"fixed": 0.1234567890123456}}))
    {'mean': 0.3, 'form': {'fixed': 0.1234567890123456}}
    """
    rounded = _rounded(document)
    return json.dumps(rounded, indent=1, allow_nan=False, ensure_ascii=ensure_ascii) + "\n"


def _rounded(data: Any) -> Any:
    """The same data with fewer digits, but for what somebody wrote down."""
    if isinstance(data, float):
        return float(f"{data:.{DIGITS}g}")
    if isinstance(data, Mapping):
        return {
            key: value if key in _AS_WRITTEN else _rounded(value) for key, value in data.items()
        }
    return [_rounded(item) for item in data] if isinstance(data, list | tuple) else data
