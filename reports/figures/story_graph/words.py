"""What pointing at a part of a story's graph shows, and the rows of its tables."""

from collections.abc import Mapping

from storyodds.reports.documents.story_graph.conditions import need_words, terms_of
from storyodds.reports.documents.story_graph.records import (
    Edge,
    GraphDocument,
    Group,
    Influence,
    Need,
    Node,
)
from storyodds.reports.figures.drawing.cells import Cell, share_cell
from storyodds.reports.figures.story_graph.shown import Shown, crowd_label
from storyodds.reports.words.numbers import about_one_in, counted, interval, percent
from storyodds.reports.words.shortening import shortened

WORST = "\u25b2"  # says what is on the worst path without a color
_SOURCE = 90  # letters of a source where one points: the table has all of it
_STAGE_WORDS = {
    "assumption": "assumption",
    "route": "route",
    "hazard": "hazard of the goal",
    "kind": "kind of model",
    "check": "stopped by (“if not” is without this check)",
    "ending": "ending",
}

EDGE_COLUMNS = ("from", "to", "chance", "of which worst path")


def path_words(document: GraphDocument) -> str:
    """Say which path is marked."""
    return "worst path" if document.worst.is_catastrophe else "likeliest failure path"


def node_tip(node: Node, event: str, needs: Need | None, labels: dict[str, str]) -> str:
    """Give the claim of a node, its number, what it moves, what it needs and its source."""
    words = f"{node.label}: {percent(node.probability)}"
    if node.low < node.high:
        words += f" (90% interval {interval({'q05': node.low, 'q95': node.high})})"
    parts = [words + "."]
    if node.claim:
        parts.append(node.claim if node.claim.endswith(".") else f"{node.claim}.")
    if needs is not None:
        parts.append(f"Needs {need_words(needs, labels)}.")
    influence = influence_words(node, event)
    if influence:
        parts.append(f"{influence}.")
    if node.numbers:
        first, more = node.numbers[0], len(node.numbers) - 1
        source = f": {shortened(first.source, _SOURCE)}" if first.source else ""
        rest = f"; {counted(more, 'more number')} in the table" if more else ""
        parts.append(f"As written: {first.words}, {first.basis}{source}{rest}.")
    return " ".join(parts)


def influence_words(node: Node, event: str) -> str:
    """Say how far an ending moves with a node.

    Examples
    --------
    >>> from storyodds.reports.documents.story_graph.records import Influence
    >>> moved = {"catastrophe": Influence(0.01, 0.09, 0.0)}
    >>> node = Node("route:a", "route", "a", "", 0.1, 0.1, 0.1, moved, (), None, False)
    >>> influence_words(node, "catastrophe")
    'The chance of catastrophe is 1.0% if it is not so, 9.0% if it is'
    """
    influence = node.influence.get(event)
    if influence is None:
        return ""
    low, high = (percent(x, influence.error) for x in (influence.low, influence.high))
    if node.stage == "check":
        return f"The chance of {event} is {low} with this check, {high} without it"
    return f"The chance of {event} is {low} if it is not so, {high} if it is"


def edge_tip(edge: Edge, labels: Mapping[str, str], document: GraphDocument) -> str:
    """Give both ends of a flow and its chance."""
    words = (
        f"{labels[edge.source]} \u2192 {labels[edge.target]}: {percent(edge.probability)}, "
        f"{about_one_in(edge.probability)}"
    )
    if edge.worst > 0:
        words += f"; of which {path_words(document)} {percent(edge.worst)}"
    return words


def node_heads(event: str) -> tuple[str, ...]:
    """Give the heads of the table of nodes."""
    return (
        "node",
        "what it is",
        "chance",
        "5% point",
        "95% point",
        f"{event} if not",
        f"{event} if so",
        "needs",
        "worst path",
    )


def row_order(document: GraphDocument) -> dict[str, int]:
    """Give the row of each node in the table, groups of routes after all nodes."""
    ids = [*(node.id for node in document.nodes), *(group.id for group in document.crowd)]
    return {id: k for k, id in enumerate(ids)}


def node_rows(document: GraphDocument) -> tuple[tuple[str, ...], ...]:
    """Give a row for each node, one number a cell."""
    event, labels = document.event, {node.id: node.label for node in document.nodes}
    needs = {condition.target: condition.needs for condition in document.conditions}
    rows: list[tuple[str, ...]] = []
    for node in document.nodes:
        need = needs.get(node.id)
        rows.append(
            (
                node.label,
                _what(node),
                *_chances(node),
                *_moved(node.influence.get(event), node.stage == "check"),
                "" if need is None else need_words(need, labels),
                "yes" if node.worst else "",
            )
        )
    for one in document.crowd:
        moved = _moved(one.influence.get(event), False)
        members = f"routes: {', '.join(labels[member] for member in one.members)}"
        row = (crowd_label(one), members, *_chances(one), *moved, "", "")
        rows.append(row)
    return tuple(rows)


def _what(node: Node) -> str:
    """What a node is; of what is the same in every story, with its gloss."""
    glossed = node.stage in ("kind", "ending") or node.id == "check:none"
    words = "not stopped" if node.id == "check:none" else _STAGE_WORDS[node.stage]
    return f"{words}: {node.claim}" if glossed and node.claim else words


def _chances(of: Node | Group) -> tuple[Cell, ...]:
    return tuple(share_cell(p) for p in (of.probability, of.low, of.high))


def _moved(influence: Influence | None, is_check: bool) -> tuple[str, str]:
    """An ending with a node false and with it true; of a check, without it and with it."""
    if influence is None:
        return "", ""
    low, high = (share_cell(p, influence.error) for p in (influence.low, influence.high))
    return (high, low) if is_check else (low, high)


def edge_rows(document: GraphDocument) -> tuple[tuple[str, ...], ...]:
    """Give a row for each flow."""
    labels = {node.id: node.label for node in document.nodes}
    return tuple(
        (
            labels[edge.source],
            labels[edge.target],
            share_cell(edge.probability),
            share_cell(edge.worst) if edge.worst > 0 else "",
        )
        for edge in document.edges
    )


def needed_by(picture: Shown) -> set[str]:
    """Give the assumptions that anything in a picture needs."""
    terms = {term.node for need in picture.needs.values() for term in terms_of(need)}
    return terms | {term.node for loose in picture.loose.values() for term in loose}
