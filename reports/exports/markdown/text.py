"""Story text in Markdown, where nothing in it is obeyed: as marks, as HTML, or as a link."""

import re
from collections.abc import Iterable, Iterator, Sequence

from storyodds.reports.words.links import web_address
from storyodds.reports.words.shortening import plain

_MARKS = re.compile(r"([\\`*_{}\[\]|~$])")
_AT_START = re.compile(r"^(?=[#+\-=])|^(\d{1,9})(?=[.)](?:\s|$))")
# Renderers make links of bare addresses, and forges of names after @; some do so after escapes
# have been undone, so that only a character in between helps.
_LINKED = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)|(?<=mailto:)|(?<=xmpp:)", re.IGNORECASE)
_JOINER = "\N{WORD JOINER}"
_SIMPLE = re.compile(r"[A-Za-z0-9][\w ./:-]*")


def text(words: str) -> str:
    r"""Give words as they are, on one line, for any place in a Markdown document.

    Examples
    --------
    >>> print(text("a|b\n<b>*bold*</b> [x](y)"))
    a\|b &lt;b&gt;\*bold\*&lt;/b&gt; \[x\](y)
    >>> print(text("1. # no heading"), text("# none"))
    1\. # no heading \# none
    """
    escaped = _MARKS.sub(r"\\\1", _LINKED.sub(_JOINER, plain(words)))
    escaped = escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _AT_START.sub(lambda match: (match[1] or "") + "\\", escaped)


def code(name: str) -> str:
    """Give a name as code, or as text where it is not a plain one.

    Examples
    --------
    >>> print(code("blind-audit.flags"), code("a`b"))
    `blind-audit.flags` a\\`b
    """
    return f"`{name}`" if _SIMPLE.fullmatch(name) and "://" not in name else text(name)


def link(words: str, url: str | None) -> str:
    """Give words with a link to an https address; to any other address there is none.

    Examples
    --------
    >>> link("here", "https://example.org/a_(b)")
    '[here](<https://example.org/a_%28b%29>)'
    >>> link("here", "javascript:alert(1)"), link("here", "https://bank@example.org")
    ('here', 'here')
    """
    target = web_address(url)
    return text(words) if target is None else f"[{text(words)}](<{target}>)"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> Iterator[str]:
    """Give the lines of a table, of cells that are Markdown already.

    Parameters
    ----------
    heads : sequence of str
    rows : iterable of sequences of str
    align : str
        `l` or `r` for each column.
    """
    yield _row(heads)
    yield _row(["---:" if side == "r" else ":---" for side in align])
    for row in rows:
        yield _row([*row, *[""] * (len(heads) - len(row))])
    yield ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
