"""What lies in a folder of pages: stories of earlier makes, and pages that compare."""

import html
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from storyodds.priors.text.errors import printable, shown
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.dashboard.overview.index import Comparison, Entry
from storyodds.reports.dashboard.sections_odds import path_name
from storyodds.reports.documents.history.makes import History, read_history, saved_estimate
from storyodds.reports.figures.drawing.cells import with_band
from storyodds.reports.words.sequences import is_sequence, sequence_words

# By these words of its head, a page is known to be one that compares.
MARK: Final = '<meta name="storyodds" content="comparison">'
_HEAD: Final = 4096  # bytes in which a page has its title: the style comes after it
_TITLE: Final = re.compile(r"<title>([^<]+)</title>")
MOST_STORIES: Final = 500  # of a folder, each read and checked in some 10 ms


def entry_of(estimate: Estimate, history: History) -> Entry:
    """Give the entry of a story that was made this time."""
    return Entry(estimate, history, worst_path=_worst_path(estimate))


def _worst_path(estimate: Estimate) -> dict[str, object] | None:
    if not estimate["paths"]:
        return None
    path = estimate["paths"][0]
    concern = with_band(path["concern"])
    return {"name": path_name(path), "how": _how(path["literals"]), "concern": concern}


def _how(literals: Sequence[str]) -> str:
    """What a path needs, after its name."""
    if is_sequence(literals):
        return sequence_words(literals)
    every = "it needs all of" if len(literals) > 1 else "it needs"
    return f"{every}: {', '.join(literals)}" if literals else ""


def others_of(
    folder: Path, names: Collection[str]
) -> tuple[list[Entry], list[Comparison], list[str]]:
    """Find the stories and comparisons of a folder that were not made this time.

    Parameters
    ----------
    folder : Path
    names : collection of str
        Stories that were.

    Returns
    -------
    entries : list of Entry
    comparisons : list of Comparison
    problems : list of str
        A sentence for a result that has a page and cannot be read.

    Examples
    --------
    >>> others_of(Path("nowhere"), ())
    ([], [], [])
    """
    entries: list[Entry] = []
    problems: list[str] = []
    results = sorted(file for file in folder.glob("*.json") if file.stem not in names)
    if len(results) > MOST_STORIES:
        problems.append(
            f"The folder has {len(results):,} files that may be results; the first {MOST_STORIES} "
            "are listed here."
        )
    for file in results[:MOST_STORIES]:
        has_page = file.with_suffix(".html").is_file()
        estimate = saved_estimate(file)
        if estimate is None or isinstance(estimate, str) or estimate["story"] != file.stem:
            if has_page:
                problems.append(
                    f"{shown(file.name)} is no result of that story, or is damaged; it is left out."
                )
            continue
        history = read_history(folder, file.stem)
        entries.append(Entry(estimate, history, has_page, is_new=False))
    pages = sorted(f for f in folder.glob("*.html") if f.stem not in names and f.is_file())
    comparisons = [_comparison(file) for file in pages[:MOST_STORIES]]
    return entries, [page for page in comparisons if page is not None], problems


def is_comparison(file: Path) -> bool:
    """Whether a file is a page that compares, by its head."""
    return MARK in _head(file)


def _head(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return stream.read(_HEAD).decode("utf-8", errors="replace")
    except OSError:
        return ""


def _comparison(file: Path) -> Comparison | None:
    """A page that compares; None for any other."""
    head = _head(file)
    title = _TITLE.search(head)
    # A name that is not text cannot be linked to.
    if MARK not in head or title is None or printable(file.name) != file.name:
        return None
    return Comparison(file.name, html.unescape(title[1]).strip())
