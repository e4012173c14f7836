"""A panel's judgments on a terminal: weights, pooled numbers, conflicts, and what to paste."""

from collections.abc import Callable, Iterator, Sequence
from math import log2
from typing import cast

from rich.console import Console
from rich.text import Text

from storyodds.reports.contract.judgments import (
    BeliefConflict,
    BeliefRepair,
    BeliefStatement,
    ExpertBeliefs,
    PanelPerformance,
    PanelScore,
    PanelSummary,
    PoolMethod,
)
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.terminal.frame import heading
from storyodds.reports.terminal.layout import Row, columns, fitting, print_wrapped, wrap
from storyodds.reports.words.numbers import between, bits, percent, significant
from storyodds.reports.words.shortening import plain
from storyodds.scenarios.serialize import yaml_text


def print_judgments(console: Console, summary: PanelSummary, method: PoolMethod) -> None:
    """Print what a panel's judgments come to.

    Parameters
    ----------
    console : rich.console.Console
    summary : mapping
        The object of `judgments --json`.
    method : {"linear", "logarithmic"}
        Which pools to write out for a story.
    """
    print_wrapped(console, lambda width: _report(summary, width))
    for text in pasted(summary, method).splitlines():  # to be copied, so never broken
        console.print(Text(plain_line(text)), soft_wrap=True)


def plain_line(line: str) -> str:
    """One line of YAML with nothing in it that a terminal would obey, its indent kept."""
    indent = len(line) - len(line.lstrip(" "))
    return " " * indent + plain(line)


def pasted(summary: PanelSummary, method: PoolMethod) -> str:
    """Write the pooled quantities as they may stand in a story.

    Examples
    --------
    >>> form = {"pool": [{"by": "Ann", "value": [0.1, 0.4], "weight": 1.0}]}
    >>> quantity = {"id": "aware", "kind": "probability", "pools": {"linear": {"form": form}}}
    >>> print(pasted({"quantities": [quantity]}, "linear"), end="")
    aware:
      probability: {pool: [{by: Ann, value: [0.1, 0.4], weight: 1}]}
    """
    data = {
        quantity["id"]: {quantity["kind"]: quantity["pools"][method]["form"]}
        for quantity in summary["quantities"]
        if quantity["pools"][method]["form"] is not None
    }
    return yaml_text(data) if data else ""


def _report(summary: PanelSummary, width: int) -> Iterator[Text]:
    yield Text(plain(summary["title"]), style="bold")
    count = len(summary["experts"])
    yield Text(f"{summary['judgments']}, {count} expert{'s'[: count > 1]}", style="dim")
    if summary["performance"] is not None:
        yield from _performance(summary, summary["performance"], width)
    if summary["quantities"]:
        by = "by performance" if summary["weights"] == "performance" else "everybody alike"
        yield from heading("Pooled", f"weighing {by}")
        yield from _quantities(summary, width)
    for entry in summary["beliefs"]:
        yield from _beliefs(summary, entry, width)
    if any(q["pools"]["linear"]["form"] for q in summary["quantities"]):
        yield from heading("For a story")


# Weights


def _performance(
    summary: PanelSummary, performance: PanelPerformance, width: int
) -> Iterator[Text]:
    note = f"from {performance['questions']} questions with known answers"
    yield from heading("Weights", note)
    head = ("", "weight", "calibration", "information", "equal", "by item")
    rows: list[Row] = [[Text(name, style="dim") for name in head]]
    for entry in performance["experts"]:
        name = plain(summary["experts"][entry["expert"]])
        weights = [percent(entry[key]) for key in ("performance", "equal", "item")]
        score = _score(entry)
        rows.append([name, Text(weights[0], style="bold"), *score, *weights[1:]])
    rows.append([""] * len(head))
    pools = performance["decision_makers"]
    for pool, name in (
        (pools["performance"], "all, weighted"),
        (pools["equal"], "all, equally"),
        (pools["item"], "all, by item"),
    ):
        score = _score(pool)
        rows.append([Text(name, style="dim"), "", *score, "", ""])
    for line in fitting(rows, width):
        line.rstrip()
        yield line
    explanation = (
        "Calibration: the chance of answers that fall at least as far from where the quantiles "
        "put them. Information, in nats: how narrow the quantiles are."
    )
    yield Text(explanation, style="dim")
    if performance["weak"]:
        explanation = (
            f"! Weak weights: {performance['questions']} questions tell experts apart by luck as "
            f"much as by skill; {performance['enough']} or more are usual."
        )
        yield Text(explanation, style="yellow")


def _score(entry: PanelScore) -> list[Text | str]:
    return [significant(entry["calibration"]), f"{entry['information']:.2f}"]


# Quantities


def _quantities(summary: PanelSummary, width: int) -> Iterator[Text]:
    for k, quantity in enumerate(summary["quantities"]):
        if k:
            yield Text()
        title = Text(plain(quantity["id"]), style="bold")
        yield (
            title.append(f"  {plain(quantity['claim'])}", "not bold")
            if quantity["claim"]
            else title
        )
        say = percent if quantity["kind"] == "probability" else bits
        rows: list[Row] = [[Text(x, style="dim") for x in ("", "weight", "mean", "90% interval")]]
        for entry in quantity["judgments"]:
            expert = f"  {plain(summary['experts'][entry['expert']])}"
            rows.append([expert, percent(entry["weight"]), say(entry["mean"]), _band(entry, say)])
        reasons = []
        for method, pool in quantity["pools"].items():
            name = Text(f"  {method} pool", style="cyan")
            if pool["reason"] is not None:
                reasons.append(f"no {method} pool: {plain(pool['reason'])}")
                continue
            number = cast(Summary, pool)  # of which nothing is null, as it could be pooled
            mean = Text(say(number["mean"]), style="bold")
            rows.append([name, "", mean, _band(number, say)])
        lines = columns(rows, "lrrr")
        yield from lines if lines[0].cell_len <= width else fitting(rows, width)
        for reason in reasons:
            yield from wrap(Text(reason, style="yellow"), width, "  ", "    ")
        if quantity["equal_for_want_of_weights"]:
            note = Text("nobody who answered has weight, so all who did count alike", "yellow")
            yield from wrap(note, width, "  ", "    ")


def _band(entry: Summary, say: Callable[[float], str]) -> str:
    low, high = say(entry["q05"]), say(entry["q95"])
    return "" if low == high == say(entry["mean"]) else between(low, high)


# Beliefs


def _beliefs(summary: PanelSummary, entry: ExpertBeliefs, width: int) -> Iterator[Text]:
    name = plain(summary["experts"][entry["expert"]])
    count = len(entry["statements"])
    yield from heading(f"Beliefs of {name}")
    if entry["coherent"]:
        yield Text(f"✓ All {count} can be true together.", style="cyan")
        return
    clashes = entry["conflicts"]
    count_words = "one conflict" if len(clashes) == 1 else f"{len(clashes)} conflicts"
    yield Text(f"✗ No distribution makes all {count} true: {count_words}.", style="bold red")
    for conflict in clashes:
        yield from _conflict(entry, conflict, width)
    if summary["tolerance"] > 0:
        room = f"{100 * summary['tolerance']:g}%"
        yield Text(f"Odds up to {room} off what is stated are taken for rounding.", style="dim")
    if entry["repair"] is not None:
        yield from _repair(entry["statements"], entry["repair"], width)


def _conflict(entry: ExpertBeliefs, conflict: BeliefConflict, width: int) -> Iterator[Text]:
    yield Text()
    count = len(conflict["statements"])
    if count == 1:
        yield Text("This cannot be true:")
    else:
        least = "" if conflict["smallest"] else ", though fewer may clash as well"
        fewer = "each of them alone can" if count == 2 else f"any {count - 1} of them can"
        yield Text(f"These {count} cannot all be true, {fewer}{least}:")
    rows: list[Row] = [[Text(head, style="dim") for head in ("  ", "stated", "given the others")]]
    for item in conflict["statements"]:
        statement = entry["statements"][item["statement"]]
        rows.append(
            [
                f"  {plain(statement['text'])}",
                Text(percent(statement["probability"]), style="bold"),
                _limits(item["bounds"]),
            ]
        )
    lines = columns(rows, "lrl")
    if lines[0].cell_len <= width:
        yield from lines
        return
    for head, value, limits in rows[1:]:
        yield from wrap(Text(str(head).strip()), width, "  ", "    ")
        limits_words = Text(f"{value}; given the others {limits}")
        yield from wrap(limits_words, width, "    ", "    ")


def _limits(bounds: Sequence[float] | None) -> str:
    if bounds is None:
        return "no condition to speak of: it has probability 0"
    low, high = bounds
    if low <= 0.0 and high >= 1.0:
        return "anything above 0 and below 1"
    if percent(low) == percent(high):
        return f"about {percent(low)}"
    if low <= 0.0:
        return f"at most {percent(high)}"
    if high >= 1.0:
        return f"at least {percent(low)}"
    return f"between {percent(low)} and {percent(high)}"


def _repair(
    statements: Sequence[BeliefStatement], repair: BeliefRepair, width: int
) -> Iterator[Text]:
    yield Text()
    yield Text("The least change of log-odds that makes them coherent:")
    rows: list[Row] = [[Text(head, style="dim") for head in ("", "before", "after", "bits")]]
    for statement, after in zip(statements, repair["probabilities"], strict=True):
        before = statement["probability"]
        moved = _bits_between(before, after)
        style = "bold" if abs(moved) >= 0.005 else ""
        statement_text = Text(f"  {plain(statement['text'])}")
        rows.append([statement_text, _close(before), Text(_close(after), style=style), bits(moved)])
    lines = columns(rows, "lrrr")
    if lines[0].cell_len <= width:
        yield from lines
        return
    for head, old, new, change in rows[1:]:
        yield from wrap(Text(str(head).strip()), width, "  ", "    ")
        change_words = Text(f"{old} to {new}, {change} bits")
        yield from wrap(change_words, width, "    ", "    ")


def _close(p: float) -> str:
    """A probability to four digits, as small changes show; a tiny one by its power of ten."""
    return f"{100 * p:.4g}%" if _TINY <= p <= 1 - _TINY else percent(p)


_TINY = 1e-6  # smaller probabilities have more zeros than anybody counts


def _bits_between(before: float, after: float) -> float:
    if before == after:
        return 0.0
    return log2(after / (1.0 - after)) - log2(before / (1.0 - before))
