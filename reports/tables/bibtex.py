"""Bibliographies as BibTeX, for those who write about a story."""

import re
import unicodedata
from collections.abc import Iterable

from storyodds.priors.bibliography import OTHERS, Work
from storyodds.reports.documents.bibliography import Cited
from storyodds.reports.words.shortening import plain

_ESCAPED = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **{sign: f"\\{sign}" for sign in "#$%&_"},
}


def to_bibtex(cited: Iterable[Cited]) -> str:
    r"""Write works as BibTeX entries, in UTF-8.

    Parameters
    ----------
    cited : iterable of Cited

    Returns
    -------
    str
        One entry for each; a work that is not in the bibliography has what was said of it as its
        title.

    Examples
    --------
    >>> from storyodds.priors.text.records import Source
    >>> print(to_bibtex([Cited(None, None, Source(cite="Ann & Ben 2020"), ("sources",))]), end="")
    @misc{ann-ben-2020,
      title = {{Ann \& Ben 2020}},
    }
    """
    taken: set[str] = set()
    entries = []
    for item in cited:
        fields = _fields(item.work) if item.work else _unlisted(item)
        body = "".join(f"  {name} = {{{value}}},\n" for name, value in fields)
        entries.append(f"@misc{{{_free(item.key or _slug(item.source.cite), taken)},\n{body}}}\n")
    return "\n".join(entries)


def _fields(work: Work) -> Iterable[tuple[str, str]]:
    if work.authors:
        yield "author", " and ".join(map(_name, work.authors))
    yield "title", f"{{{_escaped(work.title)}}}"
    yield "year", str(work.year)
    if work.arxiv is not None:
        yield "eprint", work.arxiv
        yield "archiveprefix", "arXiv"
    yield "url", work.url


def _unlisted(item: Cited) -> Iterable[tuple[str, str]]:
    yield "title", f"{{{_escaped(plain(item.source.cite))}}}"
    if item.source.url is not None:
        yield "url", _address(plain(item.source.url))
    if item.source.note is not None:
        yield "note", _escaped(plain(item.source.note))


def _name(author: str) -> str:
    if author == OTHERS:
        return author
    # Braces keep BibTeX from looking for a surname in the name of an organization.
    return _escaped(author) if "," in author else f"{{{_escaped(author)}}}"


def _escaped(text: str) -> str:
    return "".join(_ESCAPED.get(letter, letter) for letter in text)


def _address(url: str) -> str:
    """Leave an address as it is, but for what would end the field."""
    return re.sub(r"[{}\\\s]", lambda match: f"%{ord(match[0]):02X}", url)


def _slug(text: str) -> str:
    plain_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain_text)[:6]) or "source"


def _free(key: str, taken: set[str]) -> str:
    """Give a key that no other entry has."""
    number, free = 1, key
    while free in taken:
        number += 1
        free = f"{key}-{number}"
    taken.add(free)
    return free
