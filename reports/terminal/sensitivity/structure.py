"""The story without each of its parts, printed."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from storyodds.models.story.events import Headline
from storyodds.reports.contract.sensitivity.structure import (
    EventAnswer,
    LeftOutPart,
    StructureAnswer,
    StructurePart,
)
from storyodds.reports.terminal.frame import titled
from storyodds.reports.terminal.layout import dim, fitting, stripped, wrap
from storyodds.reports.words.numbers import bits, listed, marked, percent, signed
from storyodds.reports.words.sentences import HEADLINE_FATES
from storyodds.reports.words.shortening import plain

SHOWN = 10  # rows of a table


_ROUNDING = 1e-9  # of the odds: what rounding may leave of a change that is none


def lines_structure(
    summary: StructurePart, width: int, fates: Sequence[Headline] = HEADLINE_FATES
) -> Iterator[Text]:
    """Lay it out for a terminal.

    Parameters
    ----------
    summary : mapping
        From `summarize_structure`.
    width : int
        Columns of the terminal.
    fates : sequence of str
        Which the story makes a claim about.
    """
    yield from _leave_one_out(summary, width, fates)
    yield from _merged(summary, width, fates)
    yield from _restatements(summary, width)
    yield from _bounds(summary, width)


def _wrapped(lines: str, width: int, style: str = "dim") -> Iterator[Text]:
    yield from wrap(Text(lines, style=style), width)


def _leave_one_out(summary: StructurePart, width: int, fates: Sequence[Headline]) -> Iterator[Text]:
    entries = [(part, part["answer"]) for part in summary["leave_one_out"]]
    answered = [(part, answer) for part, answer in entries if answer is not None]
    if not summary["leave_one_out"]:
        return
    yield from titled(width, "The story without one of its parts", "change in percentage points")
    ranked = sorted(answered, key=lambda entry: -_effect(summary, entry[1], fates))
    rows = [dim("without", *fates, "deceptive", "part")]
    for entry, answer in ranked[:SHOWN]:
        events = answer["events"]
        cells = [*(_change(events[name]) for name in fates), _change(events["deceptive"])]
        part = marked(entry["part"], entry["opinion"])
        rows.append([plain(entry["id"]), *cells, Text(part, style="dim")])
    yield from stripped(fitting(rows, width))
    if len(ranked) > SHOWN:
        yield Text(f"and {len(ranked) - SHOWN} more parts that do less", style="dim")
    absent = [plain(part["id"]) for part, answer in entries if answer is None]
    if absent:
        yield from _wrapped(f"out of reach without: {', '.join(absent)}", width)
    if ranked:
        yield from wrap(Text(_most(summary, ranked, fates)), width)


def _most(
    summary: StructurePart,
    ranked: Sequence[tuple[LeftOutPart, StructureAnswer]],
    fates: Sequence[Headline],
) -> str:
    """Which part does most, with the odds before and after; or that none does anything."""
    (first, answer), of = ranked[0], listed([f"P({fate})" for fate in fates])
    if not any(_moves(answer["events"][fate]) for fate in fates):
        subject = "Leaving out the only part" if len(ranked) == 1 else "Leaving out any one part"
        return f"{subject} changes {of} by nothing that can be told from 0."
    changes = [
        f"{fate} would be {percent(answer['events'][fate]['mean'])} instead of "
        f"{percent(summary['now'][fate])}"
        for fate in fates
    ]
    part = f"{_PARTS[first['part']]} {plain(first['id'])}"
    return f"No part does more than the {part}: without it, {', and '.join(changes)}."


_PARTS = {
    "constraint": "constraint",
    "nudge": "nudge",
    "check": "check",
    "evidence": "evidence item",
}


def _effect(summary: StructurePart, answer: StructureAnswer, fates: Sequence[Headline]) -> float:
    """How far the odds move, each as a share of what it is now."""
    shares = [
        abs(answer["events"][name]["difference"]) / summary["now"][name]
        for name in fates
        if summary["now"][name] > 0
    ]
    return float(sum(shares))


def _change(event: EventAnswer) -> Text:
    """A difference; dim where it is within its Monte Carlo error."""
    difference, error = event["difference"], event["error"]
    return Text(signed(difference, error), style="bold" if _moves(event) else "dim")


def _moves(event: EventAnswer) -> bool:
    """Whether a difference is beyond its error, and beyond what rounding leaves of the odds."""
    noise = max(2 * event["error"], _ROUNDING * event["mean"])
    return bool(abs(event["difference"]) > noise)


def _merged(summary: StructurePart, width: int, fates: Sequence[Headline]) -> Iterator[Text]:
    merged = [(entry, entry["answer"]) for entry in summary["merged"]]
    entries = [(entry, answer) for entry, answer in merged if answer is not None]
    if not entries:
        return
    note = "each class with the weight of its strongest open route only"
    yield from titled(width, "If rivals did not count by number", note)
    rows = [dim("merged", "routes", "bits by number", "its chance", *fates)]
    for entry, answer in entries:
        names = list(entry["routes"])
        events = answer["events"]
        one = names[0] if len(names) == 1 else None
        total = sum(len(routes) for routes in entry["routes"].values())
        share = f"{percent(summary['now'][one])} → {percent(events[one]['mean'])}" if one else "–"
        split = entry["bits_by_number"][one] if one else None
        cells = [str(total), bits(split), share]
        changes = [_change(events[name]) for name in fates]
        rows.append([one or "all of these", *cells, *changes])
    yield from stripped(fitting(rows, width))
    last = entries[-1][1]["events"]
    yield from wrap(
        Text(
            f"Were {'each class' if len(entries) > 1 else 'the class'} named as one route, "
            f"{fates[0]} would be {percent(last[fates[0]]['mean'])} instead of "
            f"{percent(summary['now'][fates[0]])}."
        ),
        width,
    )


def _restatements(summary: StructurePart, width: int) -> Iterator[Text]:
    entries = summary["restated"]
    if not entries:
        return
    note = "P(catastrophe) in fewer premises, as likely each"
    yield from titled(width, "If premises did not count by number", note)
    rows = [dim("path", "premises", "each about", "now", "one fewer", "as one")]
    for entry in entries:
        fewer = [row["events"]["catastrophe"] for row in entry["fewer"]]
        now = percent(summary["now"]["catastrophe"])
        cells = [str(entry["premises"]), percent(entry["per_premise"]), now]
        rows.append([plain(entry["path"]), *cells, percent(fewer[0]), percent(fewer[-1])])
    yield from stripped(fitting(rows, width))
    note = (
        "A judge who gives every premise about the same, however much it covers, would have said "
        "this of a conjunction cut into fewer. A careful judge need not: it shows how far the "
        "odds lean on the cut."
    )
    yield from _wrapped(note, width)


def _bounds(summary: StructurePart, width: int) -> Iterator[Text]:
    dependence = summary["dependence"]
    if dependence is None:
        return
    bounds = [(entry, entry["apart"], entry["together"]) for entry in dependence["bounds"]]
    entries = [
        (entry, [end["events"]["catastrophe"]["mean"] for end in (apart, together)])
        for entry, apart, together in bounds
        if apart is not None and together is not None
    ]
    if not entries:
        return
    note = "P(catastrophe) if two assumptions were as dependent as can be"
    yield from titled(width, "Where the story takes independence for granted", note)
    rows = [dim("pair", "apart", "together", "path apart", "together", "of")]
    for entry, ends in entries:
        pair = plain(" + ".join(literal.removeprefix("not ") for literal in entry["literals"]))
        path = entry["paths"][0]
        reached = ["–" if p is None else percent(p) for p in (path["apart"], path["together"])]
        rows.append([pair, *map(percent, ends), *reached, plain(path["path"])])
    yield from stripped(fitting(rows, width))
    first, chances = entries[0][0], sorted(entries[0][1])
    rest = dependence["pairs"] - len(dependence["bounds"])
    more = f" {rest} more pairs bear less on their paths." if rest > 0 else ""
    a, b = (plain(literal.removeprefix("not ")) for literal in first["literals"])
    yield from wrap(
        Text(
            f"Each assumption keeps its own chance. The widest range is that of {a} and {b}: "
            f"{percent(chances[0])} to {percent(chances[1])}, where it is now "
            f"{percent(summary['now']['catastrophe'])}.{more}"
        ),
        width,
    )
