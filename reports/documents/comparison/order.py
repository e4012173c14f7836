"""Where two sides change order: by number, for success and for catastrophe."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from storyodds.models.changes.tipping import TIE, Scan
from storyodds.models.comparison.coupling import shared_numbers
from storyodds.models.comparison.order import OrderTip, order_tips, scan_story
from storyodds.models.story.events import Headline
from storyodds.reports.contract.comparison import OrderPoint, OrderTipping
from storyodds.reports.documents.comparison.sides import Side
from storyodds.reports.words.numbers import percent, significant

RANKED: tuple[Headline, ...] = ("success", "catastrophe")


def summarize_tipping(sides: Sequence[Side]) -> list[OrderTipping]:
    """Find where sides that are next to each other in rank change order.

    Parameters
    ----------
    sides : sequence of Side

    Returns
    -------
    list of OrderTipping
        One entry for each event and each two sides that are next to each other in rank by it.
    """
    scans: dict[int, Scan] = {}
    entries = []
    for event in RANKED:
        mean = [side.odds[event]["mean"] or 0.0 for side in sides]
        order = sorted(range(len(sides)), key=lambda s: -mean[s])
        for a, b in pairwise(order):
            why = _why_not(sides[a], sides[b], abs(mean[a] - mean[b]) <= TIE * max(mean))
            entry: OrderTipping = {
                "event": event,
                "first": sides[a].name,
                "second": sides[b].name,
                "points": None,
                "numbers": None,
                "why": why,
            }
            if why is None:
                for s in (a, b):
                    base = sides[s].base
                    if s not in scans and base is not None:
                        scans[s] = scan_story(base)
                tips = order_tips(scans[a], scans[b], event)
                points = [_point(tip, (sides[a], sides[b])) for tip in tips]
                entry["points"] = sorted(points, key=lambda point: -point["prior_chance"])
                entry["numbers"] = _moved(scans[a], scans[b])
            entries.append(entry)
    return entries


def _why_not(first: Side, second: Side, equal: bool) -> str | None:
    kept = [side.name for side in (first, second) if side.base is None]
    if kept:
        return f"of {' and '.join(kept)} no story is at hand whose numbers could be moved"
    return "both have the same odds" if equal else None


def _moved(first: Scan, second: Scan) -> int:
    shared = shared_numbers(*(scan.grounds[0][0].base.prepared for scan in (first, second)))
    return len(first.numbers) + len(second.numbers) - len(shared)


def _point(tip: OrderTip, sides: tuple[Side, Side]) -> OrderPoint:
    moved = [
        (side, side.base.prepared.resolved.numbers[i])
        for side, i in zip(sides, tip.numbers, strict=True)
        if i is not None and side.base is not None
    ]
    number = moved[0][1]
    return {
        "number": number.name,
        "of": [side.name for side, _ in moved],
        "kind": number.kind,
        "value": tip.value,
        "side": tip.side,
        "prior_chance": tip.prior_chance,
        "probability": tip.probability,
        "error": tip.error,
    }


# In words and on a terminal


def tipping_sentences(tipping_points: Sequence[OrderTipping]) -> Iterator[str]:
    """Say of each pair what it would take, by the number that is likeliest to be there."""
    for entry in tipping_points:
        if entry["points"] is None:
            continue
        order = f"{entry['first']} has more {entry['event']} than {entry['second']}"
        if not entry["points"]:
            yield f"{order}; no number alone, within its prior, changes that."
            continue
        point = entry["points"][0]
        whose = "both" if len(point["of"]) == 2 else point["of"][0]
        yield (
            f"{order}; it would be the other way round with {point['number']} in {whose} "
            f"{point_words(point)}, which has a chance of {percent(point['prior_chance'])} before "
            "any evidence."
        )


def point_words(point: OrderPoint) -> str:
    """Say at which value of a number two stories change order, and on which side of it."""
    value = point["value"]
    if point["kind"] == "probability":
        return f"{point['side']} {percent(value)}"
    return f"{point['side']} {significant(round(value, 9))} bits"
