"""The works that shipped files cite, one entry for each, with how far each was read."""

import functools
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, StringConstraints

from storyodds.priors.library import read_shipped
from storyodds.priors.text.errors import InputError, Mistake
from storyodds.priors.text.records import FileRecord, Record, Slug, Text

OTHERS = "others"

_FORUMS = {"alignmentforum.org", "lesswrong.com", "greaterwrong.com"}
_POST = re.compile(r"/posts/(\w+)")
_COMMENT = re.compile(r"/comment/(\w+)")
_ARXIV = re.compile(r"/(?:abs|pdf|html)/(\d{4}\.\d{4,5})")

Url = Annotated[str, Field(strict=True), StringConstraints(pattern=r"^https://\S+$")]
ArxivId = Annotated[str, Field(strict=True), StringConstraints(pattern=r"^\d{4}\.\d{4,5}$")]


class Work(Record):
    """One published work.

    Attributes
    ----------
    authors : tuple of str
        "Last, First" for a person; a name without a comma stands whole, as that of an
        organization or a pen name; "others" at the end for those who are not listed. Empty if
        it is not known who wrote it.
    title : str
    year : int
    kind : {"article", "report", "post", "talk", "page", "code"}
    url : str
    arxiv : str, optional
        The number of the article there.
    read : {"primary", "abstract", "opening", "secondary"}
        How it was read for this library: itself, its abstract or its opening only, or what
        somebody else wrote about it.
    cite : str
        The short form.
    note : str, optional
        Which part was read.
    """

    authors: tuple[Text, ...] = ()
    title: Text
    year: Annotated[int, Field(strict=True, ge=1900, le=2100)]
    kind: Literal["article", "report", "post", "talk", "page", "code"]
    url: Url
    arxiv: ArxivId | None = None
    read: Literal["primary", "abstract", "opening", "secondary"]
    cite: Text
    note: Text | None = None


class _Bibliography(FileRecord):
    bibliography: Literal["works"]
    works: Annotated[dict[Slug, Work], Field(min_length=1)]


@functools.cache
def works() -> Mapping[str, Work]:
    """Return every work of the bibliography by its key.

    Returns
    -------
    mapping of str to Work

    Raises
    ------
    InputError
        If the file is wrong, or two entries have one address.

    Examples
    --------
    >>> works()["carlsmith-2023"].cite
    'Carlsmith 2023'
    """
    record = read_shipped(".", "bibliography", _Bibliography)
    first: dict[str, str] = {}
    problems = []
    for key, work in record.works.items():
        first_key = first.setdefault(address(work.url), key)
        if first_key != key and record.document is not None:
            sentence = f"found the address of '{first_key}' again, expected one entry for each work"
            problems.append(record.document.problem(Mistake(("works", key, "url"), sentence)))
    if problems:
        raise InputError(problems)
    return MappingProxyType(record.works)


@functools.cache
def _keys() -> Mapping[str, str]:
    return MappingProxyType({address(work.url): key for key, work in works().items()})


def work_key(url: str | None) -> str | None:
    """Return the key of the work at an address, or None if the bibliography does not have it.

    Examples
    --------
    >>> work_key("https://arxiv.org/pdf/2311.08379v2")
    'carlsmith-2023'
    """
    return None if url is None else _keys().get(address(url))


def address(url: str) -> str:
    """Return what the addresses of one work have in common.

    Versions and forms of an arXiv article are one work, and so are the mirrors of a forum post,
    but not a comment under it.

    Examples
    --------
    >>> address("https://www.lesswrong.com/posts/abc/title"), address("https://arxiv.org/abs/1906.01820v3")
    ('post abc', 'arxiv 1906.01820')
    >>> address("http://www.Example.org/a/"), address("https://example.org/a?b=c#d")
    ('example.org/a', 'example.org/a?b=c')
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    if host.endswith("arxiv.org") and (article := _ARXIV.match(parts.path)):
        return f"arxiv {article[1]}"
    if host in _FORUMS and (post := _POST.match(parts.path)):
        comment = _COMMENT.search(parts.path)
        comments = [comment[1]] if comment else parse_qs(parts.query).get("commentId", [])
        return " comment ".join([f"post {post[1]}", *comments])
    return host + parts.path.rstrip("/") + (f"?{parts.query}" if parts.query else "")
