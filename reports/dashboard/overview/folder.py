"""What lies in a folder of pages: stories of earlier makes, and pages that compare."""

import html
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.dashboard.overview.index import Comparison, Entry
from storyodds.reports.dashboard.sections_odds import path_name
from storyodds.reports.documents.history.makes import History, read_history, saved_estimate
from storyodds.reports.figures.drawing.cells import with_band

# By these words of its head, a page is known to be one that compares.
MARK: Final = '<meta name="storyodds" content="comparison">'
_HEAD: Final = 4096  # bytes in which a page has its title: the style comes after it
_TITLE: Final = re.compile(r"<title>([^<]{1,500})</title>")
MOST_STORIES: Final = 500  # of a folder, each read and checked in some 10 ms


def entry_of(estimate: Estimate, history: History) -> Entry:
    """Give the entry of a story that was made this time."""
    return Entry(estimate, history, worst_path=_worst_path(estimate))


def _worst_path(estimate: Estimate) -> dict[str, Any] | None:
    if not estimate["paths"]:
        return None
    path = estimate["paths"][0]
    concern = with_band(path["concern"])
    return {"name": path_name(path), "steps": path["literals"], "concern": concern}


def others_of(
    folder: Path, made: Collection[str]
) -> tuple[list[Entry], list[Comparison], list[str]]:
    """Find the stories and comparisons of a folder that were not made this time.

    Parameters
    ----------
    folder : Path
    made : collection of str
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
    results = sorted(file for file in folder.glob("*.json") if file.stem not in made)
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
                    f"{file.name} is no result of that story, or is damaged; it is left out."
                )
            continue
        history = read_history(folder, file.stem)
        entries.append(Entry(estimate, history, has_page, is_new=False))
    pages = sorted(f for f in folder.glob("*.html") if f.stem not in made and f.is_file())
    found = [_comparison(file) for file in pages[:MOST_STORIES]]
    return entries, [one for one in found if one is not None], problems


def _comparison(file: Path) -> Comparison | None:
    """A page that compares, by its head; None for any other."""
    try:
        with file.open("rb") as stream:
            head = stream.read(_HEAD).decode("utf-8", errors="replace")
    except OSError:
        return None
    title = _TITLE.search(head)
    if MARK not in head or title is None:
        return None
    return Comparison(file.name, html.unescape(title[1]).strip())
