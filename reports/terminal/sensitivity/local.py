"""Local sensitivity, printed."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from storyodds.models.changes.tipping import WORST_PATH
from storyodds.models.story.events import Headline
from storyodds.reports.contract.by_event import ByEvent
from storyodds.reports.contract.sensitivity.local import (
    LocalAssumption,
    LocalNumber,
    LocalPart,
    LocalVerdict,
)
from storyodds.reports.contract.summaries import Band
from storyodds.reports.terminal.frame import heading, titled
from storyodds.reports.terminal.layout import Row, with_words
from storyodds.reports.words.numbers import percent, plus_minus, signed, significant
from storyodds.reports.words.sequences import path_words
from storyodds.reports.words.shortening import plain

SHOWN = 8  # numbers, assumptions, and tipping points of one verdict


BANDED = 3  # numbers of which it is told how swings spread


_TABLES: tuple[Headline, ...] = ("success", "catastrophe")


REACH = 1e-9  # of the same, from which on an assumption is worth a row


def lines_local(
    summary: LocalPart, width: int, fates: Sequence[Headline] = _TABLES
) -> Iterator[Text]:
    """Lay it out for a terminal: numbers, assumptions, and where verdicts flip.

    Parameters
    ----------
    summary : mapping
        From `summarize_local`.
    width : int
        Of the terminal; lines of words still have to be wrapped to it.
    fates : sequence of str
        Which the story makes a claim about.
    """
    for event in fates:
        yield from _number_lines(summary, event, width, explained=event == fates[0])
    if summary["assumptions"]:
        for event in fates:
            yield from _assumption_lines(summary, event, width)
        yield Text(
            "Found: what learning it would tell, of what it depends on too. Made: what bringing "
            "it about would do, whatever it depends on; what was observed of it is set aside.",
            style="dim",
        )
    yield from _tipping_lines(summary, width, fates)
    yield Text()
    yield Text(summary["note"], style="dim")


def _ratio(x: float) -> str:
    """An elasticity: two decimals, or two digits of a small one."""
    if abs(x) >= _SMALL_RATIO or x == 0:
        return f"{x:+.2f}".replace("-", "−")
    return ("+" if x > 0 else "") + significant(x)


_SMALL_RATIO = 0.01  # two decimals of anything smaller have no digit left to compare


def _value(x: float, kind: str) -> str:
    if kind == "probability":
        return percent(x)
    return significant(round(x, 9))  # without what rounding leaves of a 0


def _number_lines(
    summary: LocalPart, event: Headline, width: int, explained: bool
) -> Iterator[Text]:
    now = summary["now"][event]
    note = f"now {percent(now)}; differences in points"
    yield from titled(width, f"What P({event}) hangs on, number by number", note)
    moving = sorted(summary["numbers"], key=lambda n: -abs(_of(n["swing"], event)))
    moving = [n for n in moving if _of(n["swing"], event)][:SHOWN]
    head = [Text(name, style="dim") for name in ("", "low", "high", "swing", "per bit")]
    if moving:
        rows: list[Row] = [head]
        words = [Text("from, to", style="dim")]
        for n in moving:
            low, high = n["low"], n["high"]
            assert low is not None and high is not None  # as it has a swing
            means = [percent(end["mean"][event]) for end in (low, high)]
            error = _of(n["swing_error"], event)
            swing = f"{signed(_of(n['swing'], event), error)} {plus_minus(error)}".strip()
            slope = "–" if n["per_bit"] is None else signed(n["per_bit"][event])
            rows.append([plain(n["name"]), *means, Text(swing, style="bold"), slope])
            ends = [_value(end["value"], n["kind"]) for end in (low, high)]
            unit = " bits" if n["kind"] == "bits" else ""
            again = " *" if low["refitted"] or high["refitted"] else ""
            spread = _spread(n["swing_band"], event) if len(words) <= BANDED else ""
            words.append(Text(f"{ends[0]} to {ends[1]}{unit}{again}{spread}", style="dim"))
        yield from with_words(rows, words, width)
    else:
        yield from _slope_lines(summary, event, width)
    yield from _number_words(summary, event, moving, explained)


def _of(entries: ByEvent[float] | None, event: Headline) -> float:
    """What moves an event; a number that is fixed, or has no derivatives, moves none."""
    return 0.0 if entries is None else entries[event]


def _spread(bands: ByEvent[Band] | None, event: Headline) -> str:
    """Where 90% of the draws have a swing."""
    if bands is None:
        return ""
    low, high = (signed(bands[event][end] or 0.0) for end in ("q05", "q95"))
    return "" if low == high else f"; swing 90%: {low} to {high}"


def _slope_lines(summary: LocalPart, event: Headline, width: int) -> Iterator[Text]:
    moving = [n for n in summary["numbers"] if _of(n["per_bit"], event)]
    moving = sorted(moving, key=lambda n: -abs(_of(n["per_bit"], event)))[:SHOWN]
    if not moving:
        yield Text(f"No number moves P({event}).")
        return
    rows: list[Row] = [[Text(name, style="dim") for name in ("", "per bit", "elasticity")]]
    for n in moving:
        elasticity = None if n["elasticity"] is None else n["elasticity"][event]
        ratio = "–" if elasticity is None else _ratio(elasticity)
        rows.append([plain(n["name"]), Text(signed(_of(n["per_bit"], event)), style="bold"), ratio])
    yield from with_words(rows, [Text()] * len(rows), width)


def _number_words(
    summary: LocalPart, event: Headline, moving: Sequence[LocalNumber], explained: bool
) -> Iterator[Text]:
    common, signs = summary["equal_elasticity"][event], summary["signs"][event]
    moved, total = signs["up"] + signs["down"], len(summary["numbers"])
    if common == 1:
        yield Text(
            f"P({event}) is a bare product: it rises by one percent with each of "
            f"{signs['up']} of the story's {total} numbers that rises by one percent. All of these "
            "have the same leverage, so that this ranking shows only how far from 1 each number is."
        )
    elif common is not None:
        yield Text(
            f"All {moved} of the story's {total} numbers that move P({event}) have the same "
            f"elasticity, {significant(common)}: none has more leverage than another."
        )
    elif moved:
        yield Text(
            f"It rises with {signs['up']} of the story's {total} numbers and falls with "
            f"{signs['down']}."
        )
    if moving and explained:
        yield Text(
            "Now: the answer with every number as uncertain as it is. Low, high: with this one "
            "known to be at the 5% or the 95% point of its prior. Swing: high less low, in points, "
            "± its Monte Carlo error; 90%: in so many draws of the other numbers. Per bit: for a "
            "small move of the whole prior, in log2 odds.",
            style="dim",
        )
    if any(end["refitted"] for n in moving for end in (n["low"], n["high"]) if end is not None):
        yield Text("* weighted anew from the prior: the draws at hand did not serve", style="dim")


def _assumption_lines(summary: LocalPart, event: Headline, width: int) -> Iterator[Text]:
    def ways(entry: LocalAssumption) -> list[float | None]:
        answers = [entry[how][truth] for how in ("learned", "set") for truth in ("true", "false")]
        return [None if answer is None else float(answer["mean"][event]) for answer in answers]

    def reach(entry: LocalAssumption) -> float:
        means = [x for x in ways(entry) if x is not None]
        return max(means) - min(means) if means else 0.0

    now = summary["now"][event]
    listed = sorted(summary["assumptions"], key=reach, reverse=True)
    least = REACH * min(now, 1 - now)
    listed = [entry for entry in listed if reach(entry) > least][:SHOWN]
    if not listed:
        return
    title = f"P({event}) if an assumption were surely so"
    yield from heading(title, f"now {percent(now)}")
    names = ("", "found true", "false", "made true", "false")
    rows: list[Row] = [[Text(name, style="dim") for name in names]]
    for entry in listed:
        means = ("–" if x is None else percent(x) for x in ways(entry))
        rows.append([plain(entry["assumption"]), *means])
    yield from with_words(rows, [Text()] * len(rows), width)


def _tipping_lines(summary: LocalPart, width: int, fates: Sequence[Headline]) -> Iterator[Text]:
    note = "with one number known, between the 0.5% and 99.5% points of its prior"
    yield from titled(width, "Where a verdict flips", note)
    if not any(n["uncertain"] for n in summary["numbers"]):
        yield Text("Every number is fixed: there is no range to look at.")
        return
    kinds = {n["name"]: n["kind"] for n in summary["numbers"]}
    for v, verdict in enumerate(summary["verdicts"]):
        if verdict["event"] not in (*fates, WORST_PATH):
            continue
        tips = [tip for tip in summary["tipping_points"] if tip["verdict"] == v]
        tips.sort(key=lambda tip: -tip["prior_chance"])
        yield Text(_verdict_words(summary, verdict, bool(tips)))
        rows: list[Row] = []
        words = []
        for tip in tips[:SHOWN]:
            kind = kinds.get(tip["number"], "bits")
            unit = " bits" if kind == "bits" else ""
            where = f"{tip['side']} {_value(tip['value'], kind)}{unit}"
            chance = f"({percent(tip['prior_chance'])})"
            rows.append([f"  {plain(tip['number'])}", Text(where, style="bold"), chance])
            words.append(Text(_instead(tip["path"], verdict["path"]), style="dim"))
        if rows:
            yield from with_words(rows, words, width)
        if len(tips) > SHOWN:
            yield Text(f"  and {len(tips) - SHOWN} more", style="dim")
    if summary["tipping_points"]:
        yield Text("In parentheses: the chance of that, before any evidence.", style="dim")


def _instead(path: str | None, now: str | None) -> str:
    """The path that is the worst beyond a tipping point: by its ending, where that is another."""
    if path is None or now is None:
        return ""
    ending = path.split(":")[0]
    return plain(path_words(path) if ending == now.split(":")[0] else ending)


def _verdict_words(summary: LocalPart, verdict: LocalVerdict, flips: bool) -> str:
    unmoved = "No number alone, within its prior, changes that."
    fate = verdict["event"]
    if fate == WORST_PATH:
        names = [plain(path_words(path)) for path in (verdict["path"], *verdict["tied"]) if path]
        start = f"The worst path is {names[0]}."
        if names[1:]:
            start = f"The worst paths are {'; '.join(names[:-1])}; and {names[-1]}. They tie."
        return f"{start} Another one would be the worst with:" if flips else f"{start} {unmoved}"
    event, bar = f"P({fate})", percent(verdict["threshold"] or 0.0)
    now = percent(summary["now"][fate])
    there, else_ = ("above", "below") if verdict["above"] else ("below", "above")
    start = f"{event} is {now}, {there} {bar}."
    return f"{start} It would be {else_} it with:" if flips else f"{start} {unmoved}"
