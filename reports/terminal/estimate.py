"""The report on a terminal: the answer first, then where it comes from.

Story text reaches the terminal only as `Text`, so that no markup in it is obeyed, and without the
characters that a terminal obeys. No line is longer than the terminal is wide, except the commands
at the end, which are there to be copied.
"""

from collections import Counter
from collections.abc import Iterator
from math import log2
from typing import Literal

from rich.console import Console
from rich.text import Text

from storyodds.reports.contract.by_event import ByClass
from storyodds.reports.contract.estimate import Estimate, EvidenceItem, FailurePath
from storyodds.reports.terminal.frame import heading, title_lines, verdict
from storyodds.reports.terminal.layout import Row, columns, print_wrapped, with_words, wrap
from storyodds.reports.terminal.next_commands import commands
from storyodds.reports.terminal.odds import (
    COLOR,
    classes,
    criteria,
    decision_day,
    fates,
    hazards,
    header,
    headline,
    mechanisms,
    odds_cells,
    stages,
)
from storyodds.reports.words.correlations import sentences
from storyodds.reports.words.numbers import band, bits, listed, marked, percent, sentence_case
from storyodds.reports.words.recipe import Recipe
from storyodds.reports.words.sentences import (
    errors_of,
    has_evidence,
    headline_fates,
    is_risk_argument,
    is_uncertain,
)
from storyodds.reports.words.sequences import NARROWED, is_sequence, path_links
from storyodds.reports.words.shortening import plain
from storyodds.reports.words.stages import loss_words, losses
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.numbers.story_number import BASES
from storyodds.scenarios.provenance import is_reference

PATHS_SHOWN = 5  # the most concerning: a line counts the others
_PARTS = ("probability", "undetected", "concern")  # of a path
ITEMS_SHOWN = 8  # of evidence, those that do most: a line counts the others


def print_report(console: Console, summary: Estimate, recipe: Recipe) -> None:
    """Print everything that a person wants to know of one estimate.

    Parameters
    ----------
    console : rich.console.Console
    summary : mapping
        The object of `estimate --json`.
    recipe : Recipe
        What was asked for on the command line, for the commands suggested at the end.
    """
    print_wrapped(console, lambda width: _report(summary, width))
    for command in commands(summary, recipe):
        console.print(command, soft_wrap=True)


def _report(summary: Estimate, width: int) -> Iterator[Text]:
    yield from title_lines(summary)
    yield from headline(summary, width)
    marks = "○ before the evidence, ● after it" * has_evidence(summary)
    yield from heading("Where training ends", marks)
    yield from classes(summary, width)
    if summary["stages"]:
        yield from heading("Stage by stage", "where each leaves the model, means")
        yield from stages(summary, width)
    yield from _losses(summary, width)
    yield from heading("What becomes of the model")
    yield from fates(summary, width)
    yield from decision_day(summary, width)
    if not is_risk_argument(summary):
        note = "goal: in a run made to end as intended" if summary["hazards"] else ""
        yield from heading("The four criteria of a training story", note)
        yield from criteria(summary, width)
    yield from hazards(summary, width)
    yield from _paths(summary, width)
    yield from mechanisms(summary, width)
    if summary["evidence"]["items"]:
        yield from heading("What the evidence did", "bits for (+) or against (−) each class")
        yield from _evidence(summary, width)
    if not is_risk_argument(summary):
        yield from heading("In the words of learned optimization")
        yield from _lens(summary, width)
    yield Text()
    yield from _footer(summary, width)


# Parts


def _losses(summary: Estimate, width: int) -> Iterator[Text]:
    """What each stage loses of what was intended before it; nothing of training in one step."""
    lost = losses(summary)
    if not lost:
        return
    yield from heading("Where the odds were lost", "means; what leaves intended, and to what")
    for loss in lost:
        yield from wrap(Text(loss_words(loss)), width, "", "  ")


def _paths(summary: Estimate, width: int) -> Iterator[Text]:
    """The worst paths; where none can end in catastrophe, the likeliest."""
    worst = [path for path in summary["paths"] if path["concern"]["mean"] > 0]
    likely = sorted(summary["paths"], key=lambda path: -path["probability"]["mean"])
    likely = [path for path in likely if path["probability"]["mean"] > 0]
    paths = worst or likely
    if not paths:
        return
    if worst:
        yield from heading("Failure paths of most concern", "chance of catastrophe along each")
    else:
        yield from heading("Likeliest failures", "chance that training ends so")
    for k, path in enumerate(paths[:PATHS_SHOWN], start=1):
        yield from _path(summary, path, k, "concern" if worst else "probability", width)
    tied = sum(path["place"] == paths[0]["place"] for path in paths)
    if worst and tied > 1:
        yield Text(f"    the first {tied} tie: none of them is worse than the others", style="dim")
    hidden = len(paths) - PATHS_SHOWN
    if hidden > 0:
        less = "of less concern" if worst else "less likely"
        yield Text(f"    and {hidden} more {less} (--json lists all)", style="dim")
    for note in _left_out(summary["paths"]):
        yield from wrap(Text(note, style="dim"), width, "  ", "    ")
    if any(path["overlaps"] for path in paths[:PATHS_SHOWN]):
        note = "* other conditions lead to this ending as well, so the paths overlap"
        yield from wrap(Text(note, style="dim"), width, "  ", "    ")


def _left_out(paths: list[FailurePath]) -> Iterator[str]:
    """What is not among the paths, of endings that come about in very many ways."""
    listed_paths = Counter(path["hazard"] or path["route"] for path in paths)
    ways = {path["hazard"] or path["route"]: path["ways"] for path in paths}
    # Sequences of stages are chosen by the harm along them.
    in_stages = {path["route"] for path in paths if is_sequence(path["literals"])}
    narrowed = {path["route"] for path in paths if path["narrowed"]}
    for ending, count in ways.items():
        if count is None:
            yield f"{plain(ending)} comes about in more ways than can be told apart"
        elif count > listed_paths[ending]:
            chosen = "of most concern" if ending in in_stages else "most probable"
            most = f"the {listed_paths[ending]} {chosen} are told apart"
            if ending in narrowed:
                most = f"{listed_paths[ending]} are told apart; {NARROWED}"
            yield f"{plain(ending)} comes about in {count:,} ways, of which {most}"


def _path(
    summary: Estimate,
    path: FailurePath,
    number: int,
    key: Literal["concern", "probability"],
    width: int,
) -> Iterator[Text]:
    errors = {part: errors_of(summary, f"paths.{path['rank']}.{part}") for part in _PARTS}
    head = Text(percent(path[key]["mean"], errors[key].get("mean", 0.0)))
    head.stylize(COLOR["catastrophe"] if key == "concern" else "bold")
    spread = band(path[key], errors[key])
    if is_uncertain(summary) and spread:
        head.append(f" ({spread})")
    head.append(f"  {plain(path['hazard'] or path['route'])}", style="bold")
    head.append("*" if path["overlaps"] else "")
    head.append(f"  {_sort(summary, path)}", style="dim")
    indent = "    "
    yield from wrap(head, width, f"{number:>2}. ", indent)
    claim = plain(path["claim"] or "")
    if claim:
        yield from wrap(Text(claim), width, indent, indent)
    if path["literals"]:
        yield from wrap(_conditions(path), width, indent, indent)
    facts = []
    if key == "concern":
        error = errors["probability"].get("mean", 0.0)
        facts.append(f"comes about with {percent(path['probability']['mean'], error)}")
    if path["undetected"] is not None and path["checks"]:
        error = errors["undetected"].get("mean", 0.0)
        facts.append(f"{percent(path['undetected']['mean'], error)} slips past the checks")
    if key == "concern" and is_uncertain(summary):
        facts.append(f"worst in {percent(path['share_top'])} of draws")
    if facts:
        sentence = sentence_case("; ".join(facts) + ".")
        yield from wrap(Text(sentence, style="dim"), width, indent, indent)


def _sort(summary: Estimate, path: FailurePath) -> str:
    if path["hazard"]:
        return "hazard of the goal"
    sort = str(summary["routes"][path["route"]]["class"])
    return f"{sort}, {plain(path['kind'])}" if path["kind"] else sort


def _conditions(path: FailurePath) -> Text:
    text = Text()
    hinge = path["weakest_link"] if len(path["literals"]) > 1 else None
    for link in path_links(path["literals"], hinge):
        is_hinge = link.literal == hinge
        text.append(link.glue).append(plain(link.words), "bold" if is_hinge else "")
        text.append(" (weakest link)" if is_hinge else "", "bold")
    return text.append(".")


def _evidence(summary: Estimate, width: int) -> Iterator[Text]:
    items = summary["evidence"]["items"]

    def largest(item: EvidenceItem) -> float:
        return max((abs(x) for x in item["bits"].values() if x is not None), default=0.0)

    selection = sorted(items, key=largest, reverse=True)[:ITEMS_SHOWN]
    totals = _totals(summary)
    names = [
        name
        for name in CLASSES
        if any(
            values[name] is not None
            for values in (*totals.values(), *(i["bits"] for i in selection))
        )
    ]
    labelled = [(_item_name(item), item["bits"]) for item in selection]
    labelled += totals.items()
    rows: list[Row] = [[Text(head, style="dim") for head in ("each item alone", *names)]]
    rows += [[head, *(bits(values[name]) for name in names)] for head, values in labelled]
    lines = columns(rows, "l" + "r" * len(names))
    if lines[0].cell_len > width:  # no room for columns
        lines = []
        for head, values in labelled:
            lines.append(Text(head))
            shifts = ", ".join(f"{name} {bits(values[name])}" for name in names)
            lines += wrap(Text(shifts), width, "  ", "  ")
    if totals:
        lines[-1].stylize("bold")
    yield from lines
    more = len(items) - len(selection)
    if more:
        words = f"and {more} {'item' if more == 1 else 'items'} that did less"
        yield from wrap(Text(words, "dim"), width)
    for item in items:
        worth = item.get("exposure")
        if worth is not None:
            yield from wrap(Text(f"{plain(item['id'])}: {worth}."), width, "", "  ")
    for item in items:
        why = item.get("why_idle")
        if why is not None:
            idle = Text(f"{plain(item['id'])} does nothing: {why}.", "yellow")
            yield from wrap(idle, width, "! ", "  ")
    if summary["evidence"]["note"]:
        yield from wrap(Text(plain(summary["evidence"]["note"]), "yellow"), width, "! ", "  ")


def _item_name(item: EvidenceItem) -> str:
    name = plain(item["id"])
    return f"{name} ({item['result']})" if item.get("result") else marked(name, item["opinion"])


def _totals(summary: Estimate) -> dict[str, ByClass[float | None]]:
    """What all evidence did to each class, and all of it but the opinions; by what it is of."""
    opinions, before = summary["opinions"], summary["prior_classes"]
    results = any(check["result"] for check in summary["checks"].values())
    whole = "all, with results of checks" if results else "all together"
    after = {"all but the opinions": opinions["classes"]} if opinions is not None else {}
    if results or len(summary["evidence"]["items"]) > 1:
        after[whole] = summary["classes"]
    return {
        of: {name: _shift(before[name]["mean"], entries[name]["mean"]) for name in CLASSES}
        for of, entries in after.items()
    }


def _shift(before: float, after: float) -> float | None:
    if not (0 < before < 1 and 0 < after < 1):
        return None
    return log2(after / (1 - after)) - log2(before / (1 - before))


def _lens(summary: Estimate, width: int) -> Iterator[Text]:
    lens = summary["lens"]
    if not lens["applies"]:
        yield from wrap(Text(plain(lens["reason"])), width)
    else:
        entries = [lens["outer_alignment"], lens["inner_alignment"]]
        words = ["the training objective is good if pursued", "the trained optimizer pursues it"]
        rows: list[Row] = [header(summary)]
        for name, entry in zip(("outer alignment", "inner alignment"), entries, strict=True):
            rows.append(
                [name, "–", ""][: len(rows[0])]
                if entry is None
                else odds_cells(summary, name, entry)
            )
        meanings = [
            Text("cannot be said" if entry is None else meaning, style="dim")
            for entry, meaning in zip(entries, words, strict=True)
        ]
        yield from with_words(rows, [Text(), *meanings], width)
    kinds = sorted(lens["kinds"].items(), key=lambda entry: -entry[1]["mean"])
    if kinds:
        chances = ", ".join(f"{plain(name)} {percent(entry['mean'])}" for name, entry in kinds)
        yield from wrap(Text(f"Kinds of model: {chances}."), width)


def _footer(summary: Estimate, width: int) -> Iterator[Text]:
    yield from verdict(summary)
    for sentence in sentences(summary):
        yield from wrap(Text(plain(sentence), style="dim"), width, "  ", "  ")
    yield from wrap(Text(_bases(summary), style="dim"), width, "  ", "  ")


def _bases(summary: Estimate) -> str:
    """Say how many of the numbers are merely assumed, and how much of the answer hangs on them."""
    numbers = [number for number in summary["provenance"] if not is_reference(number["name"])]
    counts = {basis: sum(number["basis"] == basis for number in numbers) for basis in BASES}
    total = len(numbers)
    if counts["assumed"] == total:
        return f"All {total} numbers of the story are assumed; none is elicited or measured."
    parts = ", ".join(f"{count} {basis}" for basis, count in counts.items() if count)
    sentence = f"Of the {total} numbers of the story: {parts}."
    shares = [
        f"{percent(share['assumed'])} of P({event})"
        for event in headline_fates(summary)
        if (share := summary["rests_on"][event]) is not None
    ]
    return f"{sentence} On assumed ones rest {listed(shares)}." if shares else sentence
