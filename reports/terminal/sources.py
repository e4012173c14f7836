"""What something rests on, as lines for a terminal and as plain data."""

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from storyodds.priors.bibliography import OTHERS, Work
from storyodds.reports.documents.bibliography import Cited, Sources
from storyodds.reports.terminal.frame import heading
from storyodds.reports.terminal.layout import wrap
from storyodds.reports.words.shortening import plain

_HOW = {
    "primary": "the work itself",
    "abstract": "its abstract",
    "opening": "its opening",
    "secondary": "what others wrote about it",
}
_INDENT = "    "


def print_sources(console: Console, name: str, sources: Sources) -> None:
    """Print a bibliography, with how each work was read and what cites it.

    Addresses are not broken where they do not fit, since they are there to be followed.
    """
    width = max(console.width, 20)
    for line in _lines(name, sources, width):
        console.print(line, soft_wrap=True)


def _lines(name: str, sources: Sources, width: int) -> Iterator[Text]:
    listed = [cited for cited in sources.cited if cited.work is not None]
    unlisted = [cited for cited in sources.cited if cited.work is None]
    yield from wrap(Text(f"What {plain(name)} rests on", style="bold"), width)
    for cited in listed:
        yield Text()
        yield from _entry(cited, width)
    if unlisted:
        yield from heading("Not in the bibliography")
        for k, cited in enumerate(unlisted):
            if k:
                yield Text()
            yield from _entry(cited, width)
    if sources.cited:
        yield Text()
    for sentence in _sentences(sources):
        yield from wrap(Text(sentence), width)


def _entry(cited: Cited, width: int) -> Iterator[Text]:
    citation = cited.source.cite if cited.work is None else reference(cited.work)
    yield from wrap(Text(plain(citation)), width, rest=_INDENT)
    url = cited.source.url if cited.work is None else cited.work.url
    if url:
        yield Text(_INDENT + plain(url), style="cyan")
    if cited.work is not None:
        read = f"Read: {_HOW[cited.work.read]}. {cited.work.note or ''}".rstrip()
        yield from wrap(Text(read, style="dim"), width, _INDENT, _INDENT)
    elif cited.source.note:
        yield from wrap(Text(plain(cited.source.note), style="dim"), width, _INDENT, _INDENT)
    by = plain(f"Cited by: {', '.join(cited.by)}")
    yield from wrap(Text(by, style="dim"), width, _INDENT, _INDENT)


def reference(work: Work) -> str:
    """Give the full reference of a work in one line.

    Examples
    --------
    >>> from storyodds.priors.bibliography import works
    >>> reference(works()["carlsmith-2022"])
    'Joseph Carlsmith (2022). Is Power-Seeking AI an Existential Risk? Report, arXiv 2206.13353.'
    """
    end = "" if work.title.endswith(("?", "!")) else "."
    where = f"{work.kind.capitalize()}{f', arXiv {work.arxiv}' if work.arxiv else ''}."
    if not work.authors:
        return f"{work.title} ({work.year}). {where}"
    return f"{_people(work.authors)} ({work.year}). {work.title}{end} {where}"


def _people(authors: tuple[str, ...]) -> str:
    named = [_in_order(author) for author in authors if author != OTHERS]
    if OTHERS in authors:
        return f"{', '.join(named)} and others"
    return " and ".join(filter(None, [", ".join(named[:-1]), named[-1]]))


def _in_order(author: str) -> str:
    last, _, first = author.partition(", ")
    return f"{first} {last}".strip()


def _sentences(sources: Sources) -> Iterator[str]:
    total, own, nowhere = sources.numbers, len(sources.assumed), len(sources.unsourced)
    if not sources.cited:
        yield "No work is cited."
    if own and own == total:
        yield f"All {total} numbers rest on assumptions or readings of storyodds alone."
    elif own:
        rest = (
            "rests on an assumption or reading" if own == 1 else "rest on assumptions or readings"
        )
        yield f"Of {total} numbers, {own} {rest} of storyodds alone."
    if nowhere:
        names = ", ".join(map(plain, sources.unsourced))
        yield f"{_numbers(nowhere)} without a source: {names}."


def _numbers(count: int) -> str:
    return "1 number is" if count == 1 else f"{count} numbers are"
