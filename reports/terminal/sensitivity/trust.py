"""Whether priors and findings can be trusted, printed."""

from collections.abc import Iterator, Sequence
from typing import Literal

from rich.text import Text

from storyodds.models.posterior.weighting import MAX_PARETO_K
from storyodds.models.sensitivity.power_scaling import (
    ALL_PRIORS,
)
from storyodds.models.story.events import Headline
from storyodds.reports.contract.sensitivity.trust import (
    EvidenceEffects,
    PowerScalings,
    ScaledEvents,
    TrustPart,
)
from storyodds.reports.contract.summaries import WithError
from storyodds.reports.documents.sensitivity.trust import TOGETHER, largest
from storyodds.reports.terminal.frame import heading
from storyodds.reports.terminal.layout import Row, fitting, wrap
from storyodds.reports.terminal.sensitivity.sequence import lines_sequence
from storyodds.reports.words.numbers import bits, marked, percent
from storyodds.reports.words.sentences import HEADLINE_FATES
from storyodds.reports.words.shortening import plain

SHOWN = 8  # numbers or items of a table


_AVERAGES: tuple[Literal["deceptive", "catastrophe"], ...] = ("deceptive", "catastrophe")


def lines_trust(
    summary: TrustPart, width: int, fates: Sequence[Headline] = HEADLINE_FATES
) -> Iterator[Text]:
    """Lay out how far priors and evidence can be trusted.

    Parameters
    ----------
    summary : mapping
        From `summarize_trust`.
    width : int
        Of the terminal.
    fates : sequence of str
        Which the story makes a claim about.

    Yields
    ------
    rich.text.Text
    """
    scaled, effects = summary["power_scaling"], summary["evidence_effects"]
    note = "more or less of a prior or of a finding"
    if not scaled["priors"] and not scaled["evidence"]:
        yield from heading("How far it can be trusted", note)
        yield Text("No number is uncertain and nothing was observed: there is nothing to scale.")
        return
    yield from heading("How far it can be trusted", note)
    events = [fate for fate in HEADLINE_FATES if fate in fates and fate in scaled["base"]]
    yield from _scaling_table(scaled, events, width)
    yield from _in_words(scaled, events, width)
    if effects["items"]:
        yield from _effect_lines(effects, fates[0], width)
        yield from lines_sequence(summary["evidence_sequence"], width, fates)


def _scaling_table(scaled: PowerScalings, events: Sequence[Headline], width: int) -> Iterator[Text]:
    heads = [*events, "k"]
    for event in events:
        heads += [f"{event}: half", "twice"]
    rows: list[Row] = [[Text(head, style="dim") for head in ("", *heads)]]
    hidden = 0
    opinions = {x["name"] for x in scaled["evidence"] if x["opinion"]}
    kinds: tuple[tuple[str, Sequence[ScaledEvents]], ...] = (
        ("priors", scaled["priors"]),
        ("evidence", scaled["evidence"]),
    )
    for kind, entries in kinds:
        single = [x for x in entries if x["name"] not in TOGETHER]
        together = [x for x in entries if x["name"] in TOGETHER and len(single) > 1]
        above = [x for x in single if largest(x, events) >= scaled["threshold"]]
        kept = single if kind == "evidence" else above or single[:3]
        hidden += max(len(kept) - SHOWN, 0)
        for x in [*kept[:SHOWN], *together]:
            moved = [_distance(x[event]["sensitivity"], scaled) for event in events]
            far = [_answer(x[event][key]) for event in events for key in ("at_half", "at_double")]
            name = marked(plain(x["name"]), kind == "evidence" and x["name"] in opinions)
            rows.append([name, *moved, Text(_shape(x), style="dim"), *far])
    for line in fitting(rows, width):
        line.rstrip()
        yield line
    if hidden:
        yield Text(f"and {hidden} more that move an answer less", style="dim")


def _distance(moved: float | None, scaled: PowerScalings) -> Text:
    if moved is None:
        return Text("–")
    return Text(f"{moved:.2f}", "bold" if moved >= scaled["threshold"] else "")


def _answer(p: float | None) -> Text:
    return Text("?" if p is None else percent(p))


def _shape(entry: ScaledEvents) -> str:
    """The worse of the Pareto k of half and twice as much."""
    shapes = [k for k in (entry["pareto_k"]["half"], entry["pareto_k"]["double"]) if k is not None]
    return f"{max(shapes):.2f}".replace("-", "−") if shapes else "–"


def _in_words(scaled: PowerScalings, events: Sequence[Headline], width: int) -> Iterator[Text]:
    threshold = scaled["threshold"]
    single = [x for x in scaled["priors"] if x["name"] != ALL_PRIORS]
    above = [x for x in single if largest(x, events) >= threshold]
    if single:
        is_joint = any(" + " in x["name"] for x in single)
        counted_once = ", those that go together counted as one" if is_joint else ""
        sentence = (
            f"Holding its prior more or less firmly moves an answer, by {threshold} or more per "
            f"doubling, for {len(above) or 'none'} of {len(single)} uncertain "
            f"numbers{counted_once}. How much an answer hangs on a number is another question, "
            "which the local and global parts answer."
        )
        yield from wrap(Text(sentence), width)
    moved = [(x["name"], x["itself"]) for x in single]
    split = [(name, own["pull"]) for name, own in moved if own is not None and own["conflict"]]
    if split:
        names = ", ".join(
            f"{plain(name)} (twice the prior would move it {abs(pull):.1f} "
            f"standard deviations {'up' if pull > 0 else 'down'})"
            for name, pull in sorted(split, key=lambda x: -abs(x[1]))[:SHOWN]
        )
        more = f" and {len(split) - SHOWN} more" if len(split) > SHOWN else ""
        yield from wrap(Text(f"Prior and evidence pull apart on {names}{more}."), width)
    elif single and scaled["evidence"]:
        yield Text("On no uncertain number do prior and evidence pull apart.")
    if scaled["no_density"]:
        names = ", ".join(plain(name) for name in scaled["no_density"])
        yield from wrap(Text(f"Pools of fixed values cannot be scaled: {names}."), width)
    notes = (
        f"How far the distribution of an answer moves per doubling, {threshold} or more in bold; "
        "the answer with half and twice as much of it, and ? where k, the Pareto k of the weights "
        f"behind these, is above {MAX_PARETO_K}. A prior is scaled over log odds or bits, a "
        "finding in the bits that it is worth."
    )
    yield from (Text(line.plain, style="dim") for line in wrap(Text(notes), width))


def _effect_lines(effects: EvidenceEffects, event: Headline, width: int) -> Iterator[Text]:
    """Lay out what each item does to one event, and on average to some others."""
    yield from heading("What each finding does", "in bits of log2 odds, with standard errors")
    averages = [other for other in _AVERAGES if other in effects["total"] and other != event]
    heads = [event, "±", "alone", "left out"]
    for other in averages:
        heads += [other, "±"]
    rows: list[Row] = [[Text(head, style="dim") for head in ("", *heads)]]
    items = sorted(effects["items"], key=lambda x: -_size(x[event]["average"]))
    for x in items[:SHOWN]:
        about = x[event]
        cells = [_bits(about["average"]), _spread(about["average"])]
        cells += [_bits(about["alone"]), _bits(about["left_out"])]
        for other in averages:
            cells += [_bits(x[other]["average"]), _spread(x[other]["average"])]
        rows.append([marked(plain(x["item"]), x["item"] in effects["opinions"]), *cells])
    whole = "all, opinions included" if effects["without_opinions"] is not None else "all of it"
    totals = ((whole, effects["total"]), ("without opinions", effects["without_opinions"]))
    for name, total in totals:
        if total is not None:
            last = [_bits(total[event]), _spread(total[event]), Text(""), Text("")]
            for other in averages:
                last += [_bits(total[other]), _spread(total[other])]
            rows.append([name, *last])
    for line in fitting(rows, width):
        line.rstrip()
        yield line
    if len(items) > SHOWN:
        yield Text(f"and {len(items) - SHOWN} more that do less", style="dim")
    before, after = (percent(effects[key][event]) for key in ("prior", "posterior"))
    opinions = ", opinions included," if effects["opinions"] else ""
    change = f"takes P({event}) from {before} to {after}"
    if before == after:
        change = f"leaves P({event}) at {after}"
    yield from wrap(Text(f"The evidence{opinions} {change}: {_overlap(effects, event)}"), width)
    orders = "all orders in which they could have come"
    if effects["orders"] is not None:
        orders = f"{effects['orders']} orders drawn at random"
    notes = (
        f"Averages over {orders}, which add up to what all of it does. Of {event} also alone, "
        "where there is nothing else, and left out, what goes if only it is dropped."
    )
    if effects["pareto_k"] is not None and effects["pareto_k"] > MAX_PARETO_K:
        notes += (
            f" Not reliable: a few draws carry these numbers (Pareto k {effects['pareto_k']:.2f})."
        )
    yield from (Text(line.plain, style="dim") for line in wrap(Text(notes), width))


def _overlap(effects: EvidenceEffects, event: Headline) -> str:
    """Whether findings repeat or strengthen each other."""
    total = effects["total"][event]
    alone = [x[event]["alone"] for x in effects["items"]]
    means = [x["mean"] for x in alone if x is not None]
    if total is None or len(means) < len(alone):
        return "a change of its odds that has no number of bits."
    added = sum(means)
    error = max(total["error"], 0.005)
    change = f"{bits(total['mean'])} bits"
    if abs(added - total["mean"]) <= 2 * error:
        return f"{change}, about what its items would do one by one."
    return f"{change}, where its items one by one would add up to {bits(added)}."


def _size(entry: WithError | None) -> float:
    return 0.0 if entry is None else abs(entry["mean"])


def _bits(entry: WithError | None) -> Text:
    return Text(bits(None if entry is None else entry["mean"]))


def _spread(entry: WithError | None) -> Text:
    error = "" if entry is None or entry["error"] < 0.005 else f"{entry['error']:.2f}"
    return Text(error, style="dim")
