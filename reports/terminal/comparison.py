"""A comparison on a terminal: sentences, then the odds side by side, then what lies behind them."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from storyodds.models.story.events import GIVEN, Event, Headline
from storyodds.models.story.outcomes import DEPLOYED
from storyodds.reports.contract.comparison import Comparison, Difference
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.documents.comparison.sentences import compared_fates
from storyodds.reports.terminal.comparison_changes import lines_changes
from storyodds.reports.terminal.comparison_order import tipping_lines
from storyodds.reports.terminal.frame import heading
from storyodds.reports.terminal.layout import Row, columns, fitting, print_wrapped, stripped, wrap
from storyodds.reports.words.numbers import band, bits, odds_words, percent, signed
from storyodds.reports.words.shortening import plain
from storyodds.scenarios.grammar.outcomes import CLASSES

_NAMED = 12  # numbers that are paired
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CLEAR_WORDS = (
    "A difference is clear where it has one sign at 95% of the numbers that either side finds "
    "probable."
)
_HEAD = ("", "chance", "90% interval", "points", "90% interval", "share")


def print_comparison(console: Console, summary: Comparison) -> None:
    """Print what `compare --json` says.

    Parameters
    ----------
    console : rich.console.Console
    summary : mapping
        The object of `compare --json`.
    """
    print_wrapped(console, lambda width: _report(summary, width))


def _report(summary: Comparison, width: int) -> Iterator[Text]:
    names = [side["name"] for side in summary["sides"]]
    titles = dict.fromkeys(side["title"] for side in summary["sides"])
    if len(titles) == 1:
        yield Text(plain(next(iter(titles))), style="bold")
        yield Text(plain(f"{names[0]} compared with {', '.join(names[1:])}"), style="dim")
    else:
        line = f"{names[0]} compared with {', '.join(names[1:])}"
        yield Text(plain(line), style="bold")
    yield Text()
    if not summary["diagnostics"]["ok"]:
        text = Text("NOT RELIABLE: ", style="bold red")
        yield text.append("a computation failed its own checks; quote none of this.", "not bold")
    for sentence in summary["summary"]:
        yield Text(plain(sentence))
    if any(
        d["clear"] is not None for pair in summary["pairs"] for d in pair["differences"].values()
    ):
        yield Text(CLEAR_WORDS, style="dim")
    fates = compared_fates([side.get("story_kind") for side in summary["sides"]])
    yield from odds_lines(summary, width)
    yield from lines_changes(summary, width, fates)
    yield from _ranks(summary, width, fates)
    tipping = [entry for entry in summary["tipping"] if entry["event"] in fates]
    yield from tipping_lines(tipping, width)
    yield from _evidence(summary, width)
    yield from _pairing(summary)
    yield Text()
    yield from _verdict(summary)


def odds_lines(summary: Comparison, width: int) -> Iterator[Text]:
    """Give the odds of every side, and its differences from the first one."""
    sides, events = summary["sides"], compared_events(summary)
    names = [plain(side["name"]) for side in sides]
    note = f"points more than {names[0]}, and in what share of the rows"
    rows = _odds_rows(summary, events, names)
    if columns(rows, "l" + "r" * (len(_HEAD) - 1))[0].cell_len > width:
        letters = _lettered(len(names))
        short = _odds_rows(summary, events, letters)
        note = f"points more than {letters[0]}, and in what share of the rows"
        yield from heading("The odds side by side", note)
        for letter, name in zip(letters, names, strict=True):
            yield from wrap(Text(name), width, f"{letter}  ", "   ")
        yield from stripped(fitting(short, width))
        return
    yield from heading("The odds side by side", note)
    yield from stripped(fitting(rows, width))


def _lettered(n: int) -> list[str]:
    return list(_LETTERS[:n]) if n <= len(_LETTERS) else [str(k + 1) for k in range(n)]


def compared_events(summary: Comparison) -> list[Event]:
    """Give the events that can happen on some side, and that every side makes a claim about."""
    fates = compared_fates([side.get("story_kind") for side in summary["sides"]])
    return [
        event
        for event in summary["sides"][0]["odds"]
        if (event in fates or event in CLASSES)
        and any(side["odds"][event]["mean"] > 0 for side in summary["sides"])
    ]


def compared_days(summary: Comparison) -> list[str]:
    """Give the odds on the day of the decision, where a check halts on some side."""
    sides = summary["sides"]
    if not any(side["odds"]["halted"]["mean"] > 0 for side in sides):
        return []
    fates = compared_fates([side.get("story_kind") for side in sides])
    kept = [day for side in sides if (day := side.get("deployed")) is not None]
    return [
        odds
        for odds in (kept[0] if kept else ())
        if (odds == DEPLOYED or odds.removesuffix(GIVEN) in fates)
        and any(day[odds]["mean"] > 0 for day in kept)
    ]


def _odds_rows(summary: Comparison, events: Sequence[Event], names: Sequence[str]) -> list[Row]:
    rows: list[Row] = [[Text(head, style="dim") for head in _HEAD]]
    sides, first = summary["sides"], summary["sides"][0]["name"]
    against = {pair["second"]: pair for pair in summary["pairs"] if pair["first"] == first}
    pairs = [against.get(side["name"]) for side in sides]
    for event in events:
        odds: list[Summary | None] = [side["odds"][event] for side in sides]
        gaps = [None if pair is None else pair["differences"][event] for pair in pairs]
        rows += _block(event, names, odds, gaps)
    for day in compared_days(summary):
        odds = [None if (of := side["deployed"]) is None else of[day] for side in sides]
        differences = [None if pair is None else pair["deployed"] for pair in pairs]
        gaps = [None if of is None else of[day] for of in differences]
        rows += _block(odds_words(day) if day != DEPLOYED else DEPLOYED, names, odds, gaps)
    return rows


def _block(
    head: str,
    names: Sequence[str],
    odds: Sequence[Summary | None],
    gaps: Sequence[Difference | None],
) -> list[Row]:
    """One event of every side, with the difference of each from the first."""
    rows: list[Row] = [[Text(head, style="bold"), *[""] * (len(_HEAD) - 1)]]
    for name, entry, gap in zip(names, odds, gaps, strict=True):
        if entry is None:
            rows.append([f"  {name}", Text("–", style="dim"), *[""] * (len(_HEAD) - 2)])
            continue
        rows.append(
            [
                f"  {name}",
                Text(percent(entry["mean"]), style="bold"),
                band(entry),
                *(["", "", ""] if gap is None else _gap(gap)),
            ]
        )
    return rows


def _gap(difference: Difference) -> list[Text | str]:
    """A difference, its interval, and the share of the draws in which it has its sign."""
    mean = Text(signed(difference["mean"]), style="bold" if difference["clear"] else "")
    ends = difference["q05"], difference["q95"]
    if ends[0] is None or ends[1] is None:
        return [mean, Text("no draws", style="dim"), ""]
    low, high = signed(ends[0]), signed(ends[1])
    share = difference["larger"] if difference["mean"] > 0 else difference["smaller"]
    around = "" if low == high == mean.plain else f"{low} to {high}"
    return [mean, around, share_of_draws(share) if share is not None and difference["mean"] else ""]


def share_of_draws(x: float) -> str:
    """A share of some thousand draws, which has no more than two digits to tell.

    Examples
    --------
    >>> share_of_draws(0.9137), share_of_draws(0.9998), share_of_draws(1.0), share_of_draws(0.001)
    ('91%', '>99%', '100%', '<1%')
    """
    if 0 < x < 0.01:
        return "<1%"
    return ">99%" if 0.99 < x < 1 else f"{100 * x:.0f}%"


def _ranks(summary: Comparison, width: int, fates: Sequence[str]) -> Iterator[Text]:
    """How often each side comes where, from three on: of two the differences say it."""
    if len(summary["sides"]) < 3 or not summary["ranks"]["catastrophe"]:
        return
    notes: tuple[tuple[Headline, str], ...] = (
        ("catastrophe", "how often each has the least chance of it, and so on"),
        ("success", "how often each has the greatest chance of it, and so on"),
    )
    for event, note in notes:
        entries = summary["ranks"][event]
        if event not in fates or entries is None:
            continue
        ranks = sorted(entries, key=lambda rank: _place(rank["shares"]))
        yield from heading(f"Ranked by {event}", note)
        head = [Text(x, style="dim") for x in ("", *(f"{k + 1}." for k in range(len(ranks))))]
        body: list[Row] = [
            [plain(rank["name"]), *map(share_of_draws, rank["shares"])] for rank in ranks
        ]
        yield from stripped(fitting([head, *body], width))


def _place(shares: Sequence[float]) -> float:
    return sum(k * share for k, share in enumerate(shares))


def _evidence(summary: Comparison, width: int) -> Iterator[Text]:
    evidence = summary["evidence"]
    if not any(side["log_evidence"] for side in summary["sides"]):
        return  # nobody has any
    yield from heading("Which explains the findings", "with equal weights before them")
    for group in evidence["rivals"]:
        head = [Text(x, style="dim") for x in ("", "weight", "bits", "success", "catastrophe")]
        means = {side["name"]: side["odds"] for side in summary["sides"]}
        rows: list[Row] = [head]
        for name, weight, worse in zip(
            group["sides"], group["weights"], group["bits"], strict=True
        ):
            odds = (percent(means[name][e]["mean"]) for e in ("success", "catastrophe"))
            rows.append([plain(name), Text(percent(weight), style="bold"), bits(worse), *odds])
        averaged = (percent(group["odds"][e]["mean"]) for e in ("success", "catastrophe"))
        rows.append(["averaged by weight", "", "", *averaged])
        yield from stripped(fitting(rows, width))
        items = "1 item" if len(group["items"]) == 1 else f"the same {len(group['items'])} items"
        yield Text(f"They speak of {items}, so P(evidence) can be compared.", style="dim")
    apart = evidence["apart"]
    for one in apart[:1]:
        sentence = (
            f"{one['first']} and {one['second']} are not weighed against each other: {one['why']}."
        )
        more = f" Of {len(apart) - 1} more pairs --json says why." if len(apart) > 1 else ""
        yield Text(plain(sentence) + more, style="dim")


def _pairing(summary: Comparison) -> Iterator[Text]:
    first = summary["sides"][0]["name"]
    yield from heading("How they stand beside each other")
    for pair in summary["pairs"]:
        if pair["first"] == first:
            named = f"{_named(pair['numbers'], 'Equal')}{_named(pair['moved'], 'Moved together')}"
            yield Text(f"{plain(pair['second'])}: {plain(pair['why'])}.{named}", style="dim")
    if any(pair["how"] == "paired" for pair in summary["pairs"]):
        yield Text(
            "Half of the rows follow the posterior of the one, half that of the other, each given "
            "its own evidence.",
            style="dim",
        )


def _named(names: Sequence[str], label: str) -> str:
    """Name the numbers that stand beside each other."""
    if not names:
        return ""
    more = f" and {len(names) - _NAMED} more, which --json names" if len(names) > _NAMED else ""
    return f" {label}: {', '.join(map(plain, names[:_NAMED]))}{more}."


def _verdict(summary: Comparison) -> Iterator[Text]:
    messages = [plain(message) for message in summary["diagnostics"]["messages"]]
    if summary["diagnostics"]["ok"]:
        yield Text("✓ ", style="cyan").append("Every side passed its own checks.", "default")
    else:
        yield Text("✗ ", style="bold red").append("Not sound:", style="not bold default")
    for message in messages:
        yield Text(f"! {message}.", style="yellow")
