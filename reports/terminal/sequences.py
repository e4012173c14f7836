"""The sequences of event trees on a terminal: a table for each initiating event."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from storyodds.reports.contract.importance import ImportantLiteral
from storyodds.reports.contract.sequences import EndingOdds, EventTreeOdds, SequenceOdds
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.terminal.frame import heading
from storyodds.reports.terminal.layout import Row, dim, with_words, wrap
from storyodds.reports.words.numbers import between, percent, significant
from storyodds.reports.words.shortening import plain

_SHOWN = 3  # literals on which most hangs, in a row
_DIGITS = 4  # of a probability, as event trees are published
_NEAR_1 = 0.999  # above which the digits that matter are those of what is missing
_ROUNDING = 1e-9  # of a sum of probabilities
_UNITS = {"hours-1": "an hour", "years-1": "a year", "fit": "in 1e9 hours"}


def print_sequences(console: Console, summary: SequenceOdds) -> None:
    """Print how likely the sequences of event trees are.

    Parameters
    ----------
    console : rich.console.Console
    summary : mapping
        The object of `sequences --json`.
    """
    width = max(console.width, 20)
    for block in _report(summary, width):
        console.print(block, soft_wrap=True)


def _report(summary: SequenceOdds, width: int) -> Iterator[Text]:
    yield Text(plain(summary["title"]), style="bold")
    yield Text(plain(summary["source"]), style="dim")
    for tree in summary["event_trees"]:
        yield from _event_tree(tree, width)
    yield Text()
    endings = [ending for tree in summary["event_trees"] for ending in _endings(tree)]
    legend = (
        "A share is by how much the probability would fall if the event did not happen, or what "
        "must not happen did. A cut set is a smallest set of what has to happen and what must not."
    )
    yield from _dim(legend, width)
    if any(ending["story"] is not None for ending in endings):
        several = " --initiating-event NAME" if len(summary["event_trees"]) > 1 else ""
        command = f"storyodds import FILE --sequence NAME{several}"
        yield from _dim(f"{command} makes a story of one, for all other questions.", width)
    for ending in endings:
        if not ending["ok"]:
            messages = "; ".join(map(plain, ending["messages"]))
            text = Text(f"{plain(ending['name'])}: NOT RELIABLE: {messages}", style="bold red")
            yield from wrap(text, width)


def _endings(tree: EventTreeOdds) -> list[EndingOdds]:
    return [*tree["sequences"], *tree["consequences"]]


def _dim(sentence: str, width: int) -> Iterator[Text]:
    for line in wrap(Text(sentence), width):
        line.stylize("dim")
        yield line


def _event_tree(tree: EventTreeOdds, width: int) -> Iterator[Text]:
    name = plain(tree["initiating_event"] or tree["event_tree"])
    yield from heading(name, plain(tree["label"] or ""))
    yield from wrap(Text(_opening(tree)), width)
    yield Text()
    yield from _table(tree["sequences"], tree["unit"], "sequence", width)
    total = tree["probability_in_all"]
    yield from _dim(_total(total), width)
    if tree["consequences"]:
        yield Text()
        yield from _table(tree["consequences"], tree["unit"], "consequence", width)


def _opening(tree: EventTreeOdds) -> str:
    event_tree = plain(tree["event_tree"])
    if tree["initiating_event"] is None:
        return f"Probabilities are given that the event tree {event_tree} begins."
    opening = f"Probabilities are given the initiating event, which starts {event_tree}"
    frequency = tree["frequency"]
    if frequency is None:
        return f"{opening}."
    unit = _UNITS.get(tree["unit"] or "", plain(tree["unit"] or ""))
    spread = _interval(frequency)
    often = " ".join(part for part in (f"{frequency['mean']:.{_DIGITS}g}", unit) if part)
    return f"{opening} and has a frequency of {often}{f' ({spread})' if spread else ''}."


def _total(total: float) -> str:
    if abs(total - 1.0) <= _ROUNDING:
        return "They add up to 1."
    words = significant(total, _DIGITS)
    if total > 1.0:
        return f"They add up to {words}: some of them come about together."
    return f"They add up to {words}: what else may happen is in none of them."


def _table(
    endings: Sequence[EndingOdds], unit: str | None, kind: str, width: int
) -> Iterator[Text]:
    uncertain = any(_interval(ending["probability"]) for ending in endings)
    frequent = any(ending["frequency"] is not None for ending in endings)
    heads = [kind, "probability", *(["90%"] if uncertain else [])]
    if frequent:
        heads += [_UNITS.get(unit or "", plain(unit or "frequency"))]
        heads += ["90%"] if any(_interval(ending["frequency"]) for ending in endings) else []
    heads.append("cut sets")
    rows: list[Row] = [dim(*heads)]
    for ending in endings:
        row = [plain(ending["name"]), _chance(ending["probability"]["mean"])]
        row += [_interval(ending["probability"])] if uncertain else []
        if frequent:
            frequency = ending["frequency"]
            row.append("" if frequency is None else significant(frequency["mean"], _DIGITS))
            row += [_interval(frequency)] if heads.count("90%") > uncertain else []
        count = ending["cut_sets_in_all"]
        row.append("?" if count is None else f"{count:,}")
        rows.append(row)
    words = [Text("hangs most on, by share", style="dim"), *map(_hinges, endings)]
    yield from with_words(rows, words, width)


def _hinges(ending: EndingOdds) -> Text:
    listed = ", ".join(_hinge(entry) for entry in ending["contributors"][:_SHOWN])
    return Text(listed or ("always" if ending["probability"]["mean"] else "never"))


def _hinge(entry: ImportantLiteral) -> str:
    share = entry["criticality"]
    return f"{plain(entry['literal'])} {percent(share['mean']) if share is not None else ''}"


def _chance(p: float) -> str:
    """A probability to so many digits, or what is missing to 1.

    Examples
    --------
    >>> _chance(0.810439), _chance(1 - 2.5e-8), _chance(1.0)
    ('0.8104', '1 − 2.500e-8', '1')
    """
    if p >= 1.0:
        return "1"
    if p > _NEAR_1:
        return f"1 − {significant(1.0 - p, _DIGITS)}"
    return significant(p, _DIGITS)


def _interval(summary: Summary | None) -> str:
    """The ends of an interval, or nothing where there is none."""
    if summary is None or summary["q95"] - summary["q05"] <= _ROUNDING * summary["q95"]:
        return ""
    return between(significant(summary["q05"]), significant(summary["q95"]))
