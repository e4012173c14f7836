"""Global sensitivity, printed."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from storyodds.models.sensitivity.spread import OTHERS
from storyodds.reports.contract.sensitivity.spread import (
    EventSpread,
    GlobalPart,
    SpreadInput,
    VarianceShare,
)
from storyodds.reports.terminal.frame import heading
from storyodds.reports.terminal.layout import Row, fitting, wrap
from storyodds.reports.words.numbers import between
from storyodds.reports.words.sentences import HEADLINE_FATES
from storyodds.reports.words.shortening import plain

SHOWN = 8  # numbers


_NAMED = 6  # of those that are not told apart from 0


_NEAR_ONE = 1.2  # ratios of standard deviations that are not worth a word


_ROUGH = 0.2  # of the variance: a larger error than this is said in words


def lines_global(
    summary: GlobalPart, width: int, fates: Sequence[str] = HEADLINE_FATES
) -> Iterator[Text]:
    """Lay out where the spread of each event comes from.

    Parameters
    ----------
    summary : mapping
        From `summarize_global`.
    width : int
        Of the terminal.
    fates : sequence of str
        Which the story makes a claim about.

    Yields
    ------
    rich.text.Text
    """
    entries = [entry for entry in summary["events"] if entry["event"] in fates]
    moved = [entry for entry in entries if entry["additive"] is not None]
    still = [f"P({entry['event']})" for entry in entries if entry["additive"] is None]
    for entry in moved:
        yield from _event_lines(entry, summary, width)
    if still:
        yield Text()
        verb = "hang" if len(still) > 1 else "hangs"
        yield Text(f"{' and '.join(still)} {verb} on no uncertain number.")
    if moved:
        yield Text()
        for line in wrap(Text(" ".join(_notes(summary, moved))), width):
            line.stylize("dim")
            yield line


def _event_lines(entry: EventSpread, summary: GlobalPart, width: int) -> Iterator[Text]:
    event = f"P({entry['event']})"
    yield from heading(f"Where the uncertainty of {event} comes from", "shares of its variance")
    clear = [x for x in entry["inputs"] if any(index["distinguishable"] for index in _indices(x))]
    named = [x for x in clear if x["name"] != OTHERS]
    selection = [x for x in clear if x in named[:SHOWN] or x["name"] == OTHERS]
    rows: list[Row] = [
        [Text(head, style="dim") for head in ("", "share", "±", "alone", "±", "in all", "±")]
    ]
    for x in selection:
        cells = []
        for index in _indices(x):
            cells += [_value(index), Text(_error(index), style="dim")]
        name = f"all {summary['others']} others" if x["name"] == OTHERS else plain(x["name"])
        rows.append([name, *cells])
    for line in fitting(rows, width) if selection else ():
        line.rstrip()
        yield line
    if len(named) > SHOWN:
        yield Text(f"and {len(named) - SHOWN} more with smaller shares", style="dim")
    if rest := [x for x in entry["inputs"] if x not in clear]:
        yield from (Text(line.plain, style="dim") for line in wrap(Text(_unclear(rest)), width))
    yield from wrap(Text(_sentence(entry)), width)


def _unclear(inputs: Sequence[SpreadInput]) -> str:
    """Name inputs of which no index can be told from 0, and the most that any of them may be."""
    names = [plain(x["name"]) for x in inputs]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    most = max(index["q95"] for x in inputs for index in _indices(x))
    upper = f"at most {_share(most)} in all" if len(names) == 1 else f"each at most {_share(most)}"
    return f"too little to tell from 0, {upper}: {', '.join(names[:_NAMED])}{more}"


def _indices(entry: SpreadInput) -> list[VarianceShare]:
    """In the order of the columns; of an event that varies, none is undefined."""
    indices = (entry["shapley"], entry["first"], entry["total"])
    return [index for index in indices if index is not None]


def _value(index: VarianceShare) -> Text:
    return Text(_share(index["mean"]) if index["distinguishable"] else "~0", style="bold")


def _error(index: VarianceShare) -> str:
    return _share((index["q95"] - index["q05"]) / 2)


def _share(x: float) -> str:
    return "<1%" if x < 0.005 else f"{100 * min(x, 1.0):.0f}%"


def _sentence(entry: EventSpread) -> str:
    """How additive the story is."""
    whole, event = entry["additive"], f"P({entry['event']})"
    assert whole is not None  # as the event varies
    one = f"{_share(whole['mean'])} ({between(_share(whole['q05']), _share(whole['q95']))})"
    sentence = f"One number at a time accounts for {one} of the variance of {event}"
    indices = [index for x in entry["inputs"] for index in _indices(x)]
    if any(index["q95"] - index["mean"] > _ROUGH for index in indices):
        return f"{sentence}. A few draws make most of that variance, so that its shares are rough."
    if whole["q95"] >= 1:
        most = _share(max(0.0, 1 - whole["q05"]))
        return f"{sentence}: interactions are {most} of it at most, and may be nothing."
    return f"{sentence}; the rest is interactions, so that what one number does depends on others."


def _notes(summary: GlobalPart, events: Sequence[EventSpread]) -> Iterator[str]:
    yield (
        "share: Shapley effect, interactions divided evenly; alone: first-order Sobol index; in "
        "all: total index, interactions counted with every number in them; ±: half of a 90 "
        "percent interval; ~0: too little to tell from 0 by these draws."
    )
    yield (
        "Each number is drawn from its own posterior as if independent of the others; what the "
        "evidence makes of two together is left out"
    )
    off = [
        f"P({entry['event']}) by a factor of {entry['sd'] / entry['posterior_sd']:.2g}"
        for entry in events
        if entry["posterior_sd"] > 0
        and not 1 / _NEAR_ONE < entry["sd"] / entry["posterior_sd"] < _NEAR_ONE
    ]
    yield f"and changes the spread of {', '.join(off)}." if off else "and hardly changes a spread."
    if summary["averaged_over"]:
        yield "Numbers that say how to read one finding are averaged over and have no share."
