"""Changes between two versions of a story, printed."""

import json
from collections.abc import Iterator, Sequence

from rich.text import Text

from storyodds.models.story.events import Fate, Headline
from storyodds.reports.contract.by_event import ByEvent
from storyodds.reports.contract.comparison import ChangedEntry, ComparedPair, Comparison
from storyodds.reports.contract.summaries import WithError
from storyodds.reports.terminal.frame import heading
from storyodds.reports.terminal.layout import Row, fitting, stripped, with_words, wrap
from storyodds.reports.words.numbers import plus_minus, signed
from storyodds.reports.words.sentences import HEADLINE_FATES
from storyodds.reports.words.shortening import plain

SHOWN = 12  # changes on a terminal


_LONG = 40  # letters of a PRIOR on one line


def lines_changes(
    summary: Comparison, width: int, fates: Sequence[Fate] = HEADLINE_FATES
) -> Iterator[Text]:
    """Lay out what every version of the first side's story changes."""
    events = [event for event in HEADLINE_FATES if event in fates]
    first = summary["sides"][0]["name"]
    for pair in summary["pairs"]:
        if pair["first"] != first or pair["changed"] is None:
            continue
        changed = pair["changed"]
        entries = [*changed["numbers"], *(changed["evidence"] or ())]
        if not entries and not changed["text"]:
            continue
        yield from heading(f"What {plain(pair['second'])} changes", f"{plain(first)} → it")
        yield from _entries(entries, width)
        yield from _contributions(pair, width, events)


def _entries(entries: Sequence[ChangedEntry], width: int) -> Iterator[Text]:
    rows: list[Row] = [[plain(str(entry["name"])), ""] for entry in entries[:SHOWN]]
    words = [
        Text(f"{form_in_short(e['old'])} → {form_in_short(e['new'])}") for e in entries[:SHOWN]
    ]
    if rows:
        yield from with_words(rows, words, width)
    if len(entries) > SHOWN:
        yield Text(f"and {len(entries) - SHOWN} more (--json has all)", style="dim")
    if not entries:
        yield Text("no number and no observation, but the story's text or structure differs")


def _contributions(pair: ComparedPair, width: int, events: Sequence[Headline]) -> Iterator[Text]:
    contributed = pair["contributions"]
    assert contributed is not None  # of two versions of one story, the first side among them
    if contributed["why"] is not None:
        yield Text(
            f"What each change adds is not told apart: {plain(contributed['why'])}.", style="dim"
        )
        return
    if not contributed["changes"]:
        yield Text("Nothing that bears on the odds has changed.", style="dim")
        return
    yield from heading("What each change adds", "points, and what error they have")
    means = {event: pair["differences"][event]["mean"] for event in events}
    rows: list[Row] = [[Text(x, style="dim") for x in ("", *(x for e in events for x in (e, "")))]]
    rows += [
        [plain(one["label"]), *_cells(one["adds"], events)]
        for one in contributed["changes"][:SHOWN]
    ]
    if len(contributed["changes"]) > SHOWN:
        rest = contributed["changes"][SHOWN:]
        sums = {e: sum(one["adds"][e]["mean"] for one in rest) for e in events}
        rows.append([f"{len(rest)} more", *(x for e in events for x in (signed(sums[e]), ""))])
    total = (x for e in events for x in (Text(signed(means[e]), style="bold"), ""))
    rows.append([Text("together", style="bold"), *total])
    yield from stripped(fitting(rows, width))
    orders = "all orders" if contributed["orders"] is None else f"{contributed['orders']} orders"
    yield from wrap(
        Text(f"Each as an average over {orders} in which they can be made.", style="dim"), width
    )


def _cells(adds: ByEvent[WithError], events: Sequence[Headline]) -> Iterator[Text | str]:
    for event in events:
        mean, error = adds[event]["mean"], adds[event]["error"]
        yield Text(signed(mean, error), style="bold")
        yield Text(plus_minus(error) if error > _SHOWN_ERROR * abs(mean) else "", style="dim")


_SHOWN_ERROR = 0.01  # of a number that is shown to two digits: smaller errors change none of them


def form_in_short(prior: object) -> str:
    """A PRIOR in short, without where it comes from."""
    if prior is None:
        return "none"
    if isinstance(prior, dict):
        prior = {k: v for k, v in prior.items() if k not in ("basis", "source", "note")}
        if set(prior) == {"interval"}:
            prior = prior["interval"]
        elif set(prior) == {"fixed"}:
            prior = prior["fixed"]
        elif set(prior) == {"ref"}:
            return plain(str(prior["ref"]))
    text = plain(json.dumps(prior, ensure_ascii=False).replace('"', ""))
    return text if len(text) <= _LONG else text[: _LONG - 1] + "…"
