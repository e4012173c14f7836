"""Standard streams that cannot write everything, or that nobody reads any more."""

import codecs
import contextlib
import os
import unicodedata
from typing import Any


def speaks_unicode(stream: Any) -> bool:
    """Tell whether a stream can write every character."""
    return (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")


def prepare(stream: Any) -> None:
    """Let a stream that cannot write every character write the nearest one that it can."""
    if not speaks_unicode(stream) and hasattr(stream, "reconfigure"):
        stream.reconfigure(errors=_NEAREST)


def _nearest(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_ascii, error.object[error.start : error.end])), error.end


def _ascii(letter: str) -> str:
    if letter in _DRAWN:
        return _DRAWN[letter]
    return unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode() or "?"


# One for one, so that what is aligned stays so.
_DRAWN = dict(zip("├┤─●○✓✗–−…━╸╺⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "[]-*o+x--~==-" + "." * 10, strict=True))
_NEAREST = "storyodds.nearest"
codecs.register_error(_NEAREST, _nearest)


def silence(stream: Any) -> None:
    """Send what is left in a stream's buffer nowhere, so that the end of the process is quiet."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
