"""The numbers of a story, each with where it stands and what it rests on."""

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from storyodds.reports.documents.head import correlated_numbers
from storyodds.reports.documents.numbers import SpreadNumber, plain_numbers
from storyodds.reports.terminal.layout import wrap
from storyodds.reports.words.correlations import together
from storyodds.reports.words.numbers import percent
from storyodds.reports.words.shortening import plain
from storyodds.scenarios.provenance import is_reference
from storyodds.scenarios.resolve import ResolvedStory

_INDENT = "    "


def print_numbers(console: Console, resolved: ResolvedStory) -> None:
    """Print every number: its spread before any evidence, its basis, its place and its source."""
    width = max(console.width, 20)
    for line in _lines(resolved, width):
        console.print(line, soft_wrap=True)


def _lines(resolved: ResolvedStory, width: int) -> Iterator[Text]:
    numbers = plain_numbers(resolved)
    yield from wrap(Text(f"The numbers of {plain(resolved.story.story)}", style="bold"), width)
    note = "Median and central 90% interval, before any evidence; bits are log2 odds."
    yield from wrap(Text(note, style="dim"), width)
    for number in numbers:
        yield Text()
        start = Text(plain(number["name"]), style="bold").append("  ", "not bold")
        yield from wrap(start.append(f"{_value(number)}, {number['basis']}", "not bold"), width)
        yield Text(f"{_INDENT}{plain(_place(number))}", style="cyan")
        for sentence in _said(number):
            yield from wrap(Text(plain(sentence), style="dim"), width, _INDENT, _INDENT)
    for block in correlated_numbers(resolved):
        yield Text()
        yield from wrap(Text(f"{plain(together(block))}."), width)
        if block["source"] is not None:
            cited = plain(block["source"]["cite"])
            yield from wrap(Text(cited, style="dim"), width, _INDENT, _INDENT)


def _value(number: SpreadNumber) -> str:
    wording = percent if number["kind"] == "probability" else _bits
    middle, low, high = (wording(number[key]) for key in ("median", "q05", "q95"))
    unit = " bits" if number["kind"] == "bits" else ""
    return f"{middle}{unit}" if low == high else f"{middle}{unit} ({low} to {high})"


def _bits(x: float) -> str:
    return f"{round(x, 9) + 0.0:.3g}".replace("-", "−")  # without what rounding leaves of a 0


def _place(number: SpreadNumber) -> str:
    if number["file"] is None:
        return str(number["origin"])
    origin = "" if number["origin"] == "story" else f" ({number['origin']})"
    return f"{number['file']}:{number['line']}{origin}"


def _said(number: SpreadNumber) -> Iterator[str]:
    source = number["source"]
    if is_reference(number["name"]):
        yield "the zero that the others are counted from"
    elif source is None:
        yield "no source"
    else:
        yield "; ".join(filter(None, [source["cite"], source.get("note")]))
        if source.get("url"):
            yield source["url"]
    if number["note"]:
        yield number["note"]
