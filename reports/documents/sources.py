"""A bibliography as plain data."""

from storyodds.priors.bibliography import Work
from storyodds.reports.documents.bibliography import Cited, Sources


def plain_sources(sources: Sources) -> dict[str, object]:
    """Give a bibliography as plain data.

    Returns
    -------
    dict
        `sources`, a list of {key, cite, authors, title, year, kind, url, arxiv, read, note,
        cited_by}, with null for what is not known; `numbers`, how many there are; `assumed` and
        `unsourced`, the names of those that rest on this library alone, and on nothing.
    """
    return {
        "sources": [_plain(cited) for cited in sources.cited],
        "numbers": sources.numbers,
        "assumed": list(sources.assumed),
        "unsourced": list(sources.unsourced),
    }


def _plain(cited: Cited) -> dict[str, object]:
    reference = (
        dict.fromkeys(Work.model_fields) | cited.source.model_dump()
        if cited.work is None
        else cited.work.model_dump(mode="json")
    )
    return {"key": cited.key, **reference, "cited_by": list(cited.by)}
