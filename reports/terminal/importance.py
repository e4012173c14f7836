"""The importance of assumptions on a terminal: a sentence, then the measures in two tables."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, cast

from rich.console import Console
from rich.text import Text

from storyodds.reports.contract.importance import Importance, ImportantLiteral, Measure
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.terminal.frame import heading, opening, verdict
from storyodds.reports.terminal.layout import Row, columns, fitting, print_wrapped, wrap
from storyodds.reports.words.numbers import between, percent, signed, significant
from storyodds.reports.words.sentences import is_uncertain
from storyodds.reports.words.shortening import plain

Say = Callable[[float], str]
Column = Literal["probability"] | Measure

SHOWN = 10  # assumptions, unless another number is asked for
_NAMED = 12  # of those that do not matter
_INDENT = 12  # of the legend
_NONE = 1e-9  # a smaller share is rounding error


def print_importance(console: Console, summary: Importance, top: int = SHOWN) -> None:
    """Print what an ending hangs on.

    Parameters
    ----------
    console : rich.console.Console
    summary : mapping
        The object of `importance --json`, every literal listed.
    top : int
        How many assumptions to show.
    """
    print_wrapped(console, lambda width: _report(summary, top, width))


def _report(summary: Importance, top: int, width: int) -> Iterator[Text]:
    yield from opening(summary)
    every = [
        entry
        for entry in summary["literals"]
        if entry["criticality"] is not None and entry["criticality"]["mean"] > _NONE
    ]
    hinges = [entry for entry in every if not entry["composite"]] or every
    yield from _headline(summary, hinges)
    entries = hinges[:top]
    if entries:
        note = "by share, each in the way that makes it likelier"
        yield from heading(f"What {_event(summary)} hangs on", note)
        whole = _table(summary, entries, _FIRST, width)
        yield from whole[0]
        yield Text()
        rest = _table(summary, entries, _SECOND, width)
        yield from rest[0]
        if len(hinges) > len(entries):
            hidden = len(hinges) - len(entries)
            rest_words = f"and {hidden} more on which less hangs (--top {len(hinges)} shows all)"
            yield Text(rest_words, style="dim")
        if whole[1] or rest[1]:
            yield Text("A wider terminal shows more measures, --json all of them.", style="dim")
    yield from _others(summary, hinges, every)
    if entries:
        yield Text()
        for name, meaning in _legend(summary, entries):
            for line in wrap(Text(meaning), width, f"{name:<{_INDENT}}", " " * _INDENT):
                line.stylize("dim")
                yield line
        note = "This is what learning of an assumption would tell; what bringing it about would do"
        yield Text(f"{note} may be another matter.", style="dim")
    yield Text()
    yield from verdict(summary)


def _event(summary: Importance) -> str:
    """The odds as they are written: of what, and given what."""
    name = summary["of"].removesuffix("-given-deployed")
    return f"P({name} | deployed)" if name != summary["of"] else f"P({name})"


# In words


def _headline(summary: Importance, hinges: Sequence[ImportantLiteral]) -> Iterator[Text]:
    whole, event = summary["probability"], _event(summary)
    if whole is None:
        yield Text(f"{event} is not defined: every model is halted.")
        return
    if whole["mean"] == 0:
        yield Text(f"{event} is 0, so nothing hangs on any assumption.")
        return
    now = percent(whole["mean"])
    if not hinges:
        yield Text(f"{event} is {now}, and hangs on no assumption.")
        return
    first = hinges[0]
    text = Text(f"If {_otherwise(first)}, {event} would fall from ")
    text.append(now, style="bold").append(" to ").append(
        percent(_mean(first["if_false"])), style="bold"
    )
    yield text.append(".")
    most = max(hinges, key=lambda entry: round(_mean(entry["if_true"]) / whole["mean"], 9))
    text = Text("It would rise most, to ").append(percent(_mean(most["if_true"])), style="bold")
    yield text.append(f", if {_so(most)}.")


def _mean(measure: Summary | None) -> float:
    """Of what hangs on a literal: no measure of it is undefined but the worths."""
    assert measure is not None
    return measure["mean"]


def _so(entry: ImportantLiteral, truth: bool = True) -> str:
    value = "true" if entry["truth"] is truth else "false"
    return f"{plain(entry['assumption'])} turned out to be {value}"


def _otherwise(entry: ImportantLiteral) -> str:
    return _so(entry, truth=False)


def _others(
    summary: Importance, hinges: Sequence[ImportantLiteral], every: Sequence[ImportantLiteral]
) -> Iterator[Text]:
    """Assumptions that are in no row, and why."""
    if summary["probability"] is None or summary["probability"]["mean"] == 0:
        return
    made_up = [
        f"{plain(entry['literal'])} {_share(_mean(entry['criticality']))}"
        for entry in every
        if entry not in hinges
    ]
    if made_up:
        yield Text(f"share of those made up of others: {_listed(made_up)}", style="dim")
    ranked = {entry["assumption"] for entry in every}
    silent = [entry for entry in summary["literals"] if entry["criticality"] is None]
    # Composites have a reason only where none of their measures was worked out.
    skipped = _names(e for e in silent if e["composite"] and e["undefined"])
    settled = [name for name in _names(silent) if name not in skipped]
    idle = _names(e for e in summary["literals"] if e["criticality"] is not None)
    idle = [name for name in idle if name not in ranked.union(settled, skipped)]
    if idle:
        yield Text(f"nothing hangs on: {_listed(idle)}", style="dim")
    if settled:
        yield Text(f"certain, one way or the other: {_listed(settled)}", style="dim")
    if skipped:
        head = "made up of others, and not worked out in a story this large"
        yield Text(f"{head}: {_listed(skipped)}", style="dim")


def _names(entries: Iterable[ImportantLiteral]) -> list[str]:
    return list(dict.fromkeys(plain(entry["assumption"]) for entry in entries))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


# In numbers


def _share(x: float) -> str:
    """A percentage that may be below 0."""
    sign = "−" if x < -_NONE else ""
    return sign + percent(abs(x) if abs(x) > _NONE else 0.0)


def _factor(x: float | None) -> str:
    """A factor to two digits, and to two decimals near one."""
    if x is None:
        return "∞"
    if x >= _LARGE:
        return significant(x) if x < _HUGE else f"{x:.1e}".replace("e+0", "e").replace("e+", "e")
    return f"{x:.2f}" if x >= 0.1 else significant(x)


_LARGE, _HUGE = 10, 1e6  # factors without decimals, and those that are a power of ten


# What stands in a column: its head, the key, how its numbers are said.
_FIRST: tuple[tuple[str, Column, Say], ...] = (
    ("share", "criticality", _share),
    ("chance", "probability", percent),
    ("if so", "if_true", percent),
    ("if not", "if_false", percent),
)
_SECOND: tuple[tuple[str, Column, Say], ...] = (
    ("Birnbaum", "birnbaum", signed),
    ("diagnosis", "diagnosis", percent),
    ("F-V", "fussell_vesely", percent),
    ("RAW", "risk_achievement_worth", _factor),
    ("RRW", "risk_reduction_worth", _factor),
)


def _table(
    summary: Importance,
    entries: Sequence[ImportantLiteral],
    fields: Sequence[tuple[str, Column, Say]],
    width: int,
) -> tuple[list[Text], bool]:
    """Rows of measures, their intervals below them; and whether some had no room."""
    rows: list[Row] = [[Text(head, style="dim") for head in ("", *(head for head, _, _ in fields))]]
    for entry in entries:
        # Of what says a ratio, an infinite one is said as well.
        measures = cast(Mapping[Column, Summary | None], entry)
        cells = [(measures[key], say) for _, key, say in fields]
        means = ["–" if value is None else say(value["mean"]) for value, say in cells]
        rows.append([plain(entry["literal"]), *(Text(mean, style="bold") for mean in means)])
        bands = [_band(value, say) for value, say in cells]
        if is_uncertain(summary):
            rows.append(["", *(Text(cell, style="dim") for cell in bands)])
    lines = fitting(rows, width)
    for line in lines:
        line.rstrip()
    whole = columns(rows, "l" + "r" * len(fields))
    return lines, whole[0].cell_len > width


def _band(value: Summary | None, say: Say) -> str:
    """The central 90 percent interval, or nothing where it would only say the mean again."""
    if value is None:
        return ""
    low, mean, high = (say(value[key]) for key in ("q05", "mean", "q95"))
    if low == high:
        return "" if low == mean else low
    return between(low, high)


def _deployed(summary: Importance) -> str:
    return ", and that it is deployed" if summary["of"].endswith("-given-deployed") else ""


def _legend(summary: Importance, entries: Sequence[ImportantLiteral]) -> Iterator[tuple[str, str]]:
    event = _event(summary)
    share = f"the part of {event} that would go if the assumption turned out otherwise"
    yield "share", f"{share} (criticality importance; 1 − 1/RRW)"
    yield "chance", f"of the assumption itself, given the evidence{_deployed(summary)}"
    yield "if so, not", f"{event} once the assumption is known to be so, or otherwise"
    yield "Birnbaum", "the difference between these two, in points"
    ending = summary["of"].removesuffix("-given-deployed")
    yield "diagnosis", f"chance of the assumption once the ending is known to be {ending}"
    yield "F-V", f"Fussell-Vesely: the part of {event} that comes by a minimal set with it"
    worth = "risk achievement and risk reduction worth"
    yield "RAW, RRW", f"{worth}: {event} times RAW if so, divided by RRW if not"
    for why in dict.fromkeys(entry["undefined"] for entry in entries if entry["undefined"]):
        yield "– (F-V)", why
    if any(entry["composite"] for entry in entries):
        yield "– (F-V)", "minimal sets speak of what the assumption is made up of"
    if is_uncertain(summary):
        yield "below each", "its central 90% interval over the story's uncertain numbers"
