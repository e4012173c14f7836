"""Odds over time: what every make of the page gave, and what changed from one to the next."""

from collections.abc import Iterator, Sequence

from storyodds.reports.dashboard.page_data import Dossier
from storyodds.reports.dashboard.parts import Section, Table
from storyodds.reports.documents.history.makes import History, Make
from storyodds.reports.documents.history.steps import changes_of, odds_words
from storyodds.reports.figures.drawing.cells import Cell
from storyodds.reports.figures.history import plot_history
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.numbers import plus_minus, signed
from storyodds.reports.words.sentences import headline_fates

COLUMNS = ("change", "from", "to")
_SHOWN_ERROR = 0.01  # of a number that is shown to two digits: smaller errors change none of them


def odds_over_time(dossier: Dossier) -> Section | None:
    """Every make of the page, where there are more than one."""
    history = dossier.parts.get("history")
    if history is None or (len(history.makes) < 2 and not history.problems):
        return None
    fates = headline_fates(dossier.estimate)
    makes = [(make.day, make.estimate) for make in history.makes]
    figures = tuple(plot_history(makes, fate) for fate in fates) if len(makes) > 1 else ()
    return Section(
        id="history",
        title="Odds over time",
        finding=finding(history),
        figures=figures,
        tables=tuple(step_tables(history, fates)),
        notes=history.problems,
        long=True,
    )


def finding(history: History) -> str:
    """Say what the last change of a story was, and what it did to the odds.

    Examples
    --------
    >>> finding(History())
    'First make: nothing was saved before.'
    """
    if len(history.makes) < 2:
        return "First make: nothing was saved before."
    before, last = history.makes[-2:]
    causes = "" if last.since is None else f" {last.since['causes']}."
    return (
        f"Last changed with the make of {last.day}, against that of {before.day}: "
        f"{odds_words(last.estimate, before.estimate)}{causes}"
    )


def step_tables(
    history: History, fates: Sequence[str], newest: int | None = None
) -> Iterator[Table]:
    """One table for every make that changed something, the newest first.

    Parameters
    ----------
    history : History
    fates : sequence of str
        Of which it is told what each change adds.
    newest : int, optional
        How many of the newest makes; all unless stated.
    """
    for make in list(reversed(history.makes))[:newest]:
        changes = changes_of(make)
        if not changes:
            continue
        is_apart = make.since is not None and make.since["why"] is None
        heads = tuple(f"adds to {fate}, in points" for fate in fates) if is_apart else ()
        yield Table(_caption(make), (*COLUMNS, *heads), tuple(_rows(changes, fates, is_apart)))


def _caption(make: Make) -> str:
    since = make.since or {}
    caption = f"What the make of {make.day} changed"
    if since.get("why"):
        return f"{caption}; what each change adds is not known: {since['why']}"
    if since.get("orders"):
        return f"{caption}; each as an average over {since['orders']} orders of making the changes"
    return f"{caption}; each as an average over all orders of making the changes"


def _rows(
    changes: Sequence[Json], fates: Sequence[str], is_apart: bool
) -> Iterator[tuple[str, ...]]:
    for change in changes:
        edits = change["edits"]
        if len(edits) == 1:
            ends: tuple[str, ...] = (edits[0]["old"], edits[0]["new"])
        else:
            ends = tuple(
                "; ".join(f"{e['name']} {e[end]}" for e in edits) for end in ("old", "new")
            )
        adds = (_added(change["adds"].get(fate)) for fate in fates) if is_apart else ()
        yield (change["label"], *(end or "–" for end in ends), *adds)
    if is_apart and len(changes) > 1:
        sums = (sum(change["adds"][fate]["mean"] for change in changes) for fate in fates)
        yield ("together", "", "", *(Cell(signed(x), {"": 100 * x}) for x in sums))


def _added(entry: Json | None) -> str:
    if entry is None:
        return "–"
    mean, error = entry["mean"], entry["error"]
    spread = f" {plus_minus(error)}" if error > _SHOWN_ERROR * abs(mean) else ""
    return Cell(f"{signed(mean, error)}{spread}".rstrip(), {"": 100 * mean, "error": 100 * error})
