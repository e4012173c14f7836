"""Where two stories change order, printed."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from storyodds.reports.contract.comparison import OrderTipping
from storyodds.reports.documents.comparison.order import point_words
from storyodds.reports.terminal.frame import heading
from storyodds.reports.terminal.layout import Row, with_words
from storyodds.reports.words.numbers import percent
from storyodds.reports.words.shortening import plain

SHOWN = 5  # points of one pair


def tipping_lines(tipping_points: Sequence[OrderTipping], width: int) -> Iterator[Text]:
    """Say it on a terminal."""
    entries = [entry for entry in tipping_points if entry["points"] is not None]
    if not entries:
        return
    note = "with one number known, between the 0.5% and 99.5% points of its prior"
    yield from heading("Where two change order", note)
    for entry in entries:
        first, second = plain(entry["first"]), plain(entry["second"])
        start = f"{first} has more {entry['event']} than {second}."
        if not entry["points"]:
            yield Text(f"{start} No number alone, within its prior, changes that.")
            continue
        yield Text(f"{start} The other way round with:")
        rows: list[Row] = []
        words = []
        for point in entry["points"][:SHOWN]:
            where = Text(point_words(point), style="bold")
            chance = f"({percent(point['prior_chance'])})"
            rows.append([f"  {plain(point['number'])}", where, chance])
            of = "in both at once" if len(point["of"]) == 2 else f"in {plain(point['of'][0])}"
            equal = f"both {percent(point['probability'])} there"
            words.append(Text(f"{of}; {equal}", style="dim"))
        yield from with_words(rows, words, width)
        if len(entry["points"]) > SHOWN:
            yield Text(f"  and {len(entry['points']) - SHOWN} more", style="dim")
    if any(entry["points"] for entry in entries):
        yield Text("In parentheses: the chance of that, before any evidence.", style="dim")
