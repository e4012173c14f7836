"""Texts made shorter, where that does not turn round what they say."""

import re
from textwrap import shorten

from storyodds.priors.text.errors import printable

_NEGATION = re.compile(
    r"\b(?:no|not|never|none|nobody|nothing|nowhere|nor|neither|without|cannot|unless|except|"
    r"hardly|rarely|seldom|false|un\w+able|fails?|lacks?)\b|n[’']t\b",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?](?=\s|$)")


def negated(words: str) -> bool:
    """Whether a text has a word that turns its meaning round.

    Examples
    --------
    >>> negated("The model doesn't plan"), negated("The model plans")
    (True, False)
    """
    return _NEGATION.search(words) is not None


def shortened(words: str, longest: int) -> str:
    """Shorten a text; a sentence with a negation is whole, or not there.

    Parameters
    ----------
    words : str
    longest : int
        Characters, but for the rest of a sentence that would lose a negation.

    Returns
    -------
    str
        What does not fit ends in an ellipsis.

    Examples
    --------
    >>> shortened("The model plans ahead in all that it does.", 20)
    'The model plans…'
    >>> shortened("The model plans ahead only if it is not watched. It waits.", 20)
    'The model plans ahead only if it is not watched…'
    """
    plain = " ".join(words.split())
    short = shorten(plain, longest, placeholder="…")
    if short == plain:
        return plain
    cut = len(short) - 1
    ends = [match.end() for match in _END.finditer(plain)] + [len(plain)]
    start = max([end for end in ends if end <= cut], default=0)
    end = next(end for end in ends if end > start)
    if start < cut and negated(plain[start:end]):
        short = plain[:end]
    kept = short.rstrip("…").rstrip(".,;: ") if short != plain else plain
    return kept if short == plain else f"{kept}…"


def plain(text: str) -> str:
    """Story text on one line, with nothing in it that a terminal would obey."""
    return " ".join(printable(" ".join(text.split())).split())
