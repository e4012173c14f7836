"""Where in training parts are worth most, on a terminal: a sentence, then a table for each part."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from storyodds.reports.contract.placement import (
    PlacedObservation,
    PlacedOdds,
    PlacedPart,
    PlacementOdds,
    Placements,
)
from storyodds.reports.terminal.frame import heading, opening, verdict
from storyodds.reports.terminal.layout import Row, columns, dim, print_wrapped, wrap
from storyodds.reports.words.numbers import listed, percent, signed, significant
from storyodds.reports.words.shortening import plain

_NO_BITS = 5e-5  # bits, below which an observation tells next to nothing


def print_placement(console: Console, summary: Placements) -> None:
    """Print in which stage of training each part is worth most.

    Parameters
    ----------
    console : rich.console.Console
    summary : mapping
        The object of `placement --json`.
    """
    print_wrapped(console, lambda width: _report(summary, width))


def _report(summary: Placements, width: int) -> Iterator[Text]:
    yield from opening(summary)
    yield from _headline(summary)
    if summary["parts"]:
        note = "with each in one stage alone, and the change in points"
        yield from heading("The odds by where a part stands", note)
    for k, part in enumerate(summary["parts"]):
        yield from [Text()] if k else []
        yield from _part(summary, part, width)
    telling = [one for one in summary["observations"] if _most(one) >= _NO_BITS]
    if telling:
        note = f"bits about {plain(summary['of'])}, by the stage after which it is made"
        yield from heading("What an observation would tell", note)
        yield from _observations(summary, telling)
    if idle := [plain(one["id"]) for one in summary["observations"] if one not in telling]:
        yield Text(f"next to nothing at any stage: {listed(idle)}", style="dim")
    yield Text()
    yield from verdict(summary)


def _headline(summary: Placements) -> Iterator[Text]:
    """Say of every check, the only part that is put somewhere at will, where it averts most."""
    for part in summary["parts"]:
        stage, without = part["best"]["catastrophe"], part["without"]
        if part["part"] != "check" or without is None:
            continue
        name = f"Check {plain(part['id'])}"
        if stage is None:
            yield Text(f"{name}: no stage is sure to be the best against catastrophe.")
            continue
        by_stage = {placed["stage"]: placed["odds"] for placed in part["by_stage"]}
        best, here = by_stage[stage], without["catastrophe"]
        assert best is not None  # it is the best one
        there = best["catastrophe"]
        if there["mean"] >= here["mean"]:
            yield Text(f"{name} averts no catastrophe after any stage.")
            continue
        where = ", where it stands" if part["stages"] == [stage] else ", not where it stands"
        text = Text(f"{name} is worth most against catastrophe after ")
        text.append(plain(stage), style="bold").append(f"{where}: P(catastrophe) is ")
        text.append(percent(there["mean"], there["error"]), style="bold")
        yield text.append(f" with it there, {percent(here['mean'], here['error'])} without it.")


def _part(summary: Placements, part: PlacedPart, width: int) -> Iterator[Text]:
    name = Text(plain(part["id"]), style="bold")
    claim = f"  {part['part']}" + (f"; {plain(part['claim'])}" if part["claim"] else "")
    yield from wrap(name.append(claim, "not bold dim"), width)
    after = "after " if part["part"] == "check" else ""
    here = part["stages"]
    rows: list[Row] = [dim("", "success", "", "catastrophe", "")]
    if len(here) != 1:
        where = "all" if here == summary["training"] else listed([plain(stage) for stage in here])
        rows.append([f"as written: {where}", *_cells(summary["now"])])
    for placed in part["by_stage"]:
        stage = placed["stage"]
        written = " (as written)" if here == [stage] else ""
        rows.append([f"{after}{plain(stage)}{written}", *_cells(placed["odds"])])
    rows.append(["without it", *_cells(part["without"])])
    for line in columns(rows, "lrrrr"):
        line.rstrip()
        yield line


def _cells(odds: PlacementOdds | None) -> list[Text | str]:
    if odds is None:
        return ["–", "", "–", ""]
    return [*_pair(odds["success"]), *_pair(odds["catastrophe"])]


def _pair(odds: PlacedOdds) -> tuple[Text | str, Text | str]:
    change = signed(odds["change"], odds["error"])
    return percent(odds["mean"], odds["error"]), Text(change if odds["change"] else "", style="dim")


def _bits(value: float | None) -> str:
    if value is None:
        return "–"
    return significant(value) if value == 0 or value >= _NO_BITS else f"<{_NO_BITS:.5f}"


def _most(observation: PlacedObservation) -> float:
    return max((row["bits"]["value"] for row in observation["by_stage"]), default=0.0)


def _observations(summary: Placements, telling: Sequence[PlacedObservation]) -> Iterator[Text]:
    rows: list[Row] = [dim("", *map(plain, summary["training"]))]
    for one in sorted(telling, key=_most, reverse=True):
        by_stage = {row["stage"]: row["bits"]["value"] for row in one["by_stage"]}
        rows.append([plain(one["id"]), *(_bits(by_stage.get(s)) for s in summary["training"])])
    for line in columns(rows, "l" + "r" * len(summary["training"])):
        line.rstrip()
        yield line
