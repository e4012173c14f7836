"""Elements of a goal structure before they have names, and the naming of them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from storyodds.reports.contract.summaries import Interval
from storyodds.reports.exports.gsn.records import PREFIX, Edge, Kind, MeanAlone, Node
from storyodds.reports.exports.gsn.words import chance
from storyodds.reports.words.links import web_address
from storyodds.reports.words.shortening import plain


@dataclass(frozen=True)
class Element:
    """An element and what it stands below.

    Attributes
    ----------
    kind : {"goal", "strategy", "solution", "counter_solution", "context", "assumption", \
"justification"}
    words : str
        What it claims, as a sentence or without its last stop.
    below : str or None
        The key of what it supports, challenges, or gives the context of; None for the top goal.
    key : str
        By which others stand below it. Elements of one key are one, which stands below several.
    about : str
        The id of what it stands for in the story; may be empty.
    entry : mapping or None
        The probability of what `of` says.
    of : str
    more : str
        What is added to the words.
    url : str or None
        Where its source can be read, as written.
    """

    kind: Kind
    words: str
    below: str | None = None
    key: str = ""
    about: str = ""
    entry: Interval | MeanAlone | None = None
    of: str = ""
    more: str = ""
    url: str | None = None


def structure(elements: Iterable[Element]) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
    """Name elements in the order in which they come, and tie them.

    A goal that nothing supports is marked as undeveloped.

    Examples
    --------
    >>> top = Element("goal", "It is safe", key="top")
    >>> nodes, edges = structure([top, Element("context", "As built.", below="top")])
    >>> [node.id for node in nodes], nodes[0].undeveloped, edges[0].kind
    (['G1', 'C1'], True, 'in_context_of')
    """
    nodes: list[Node] = []
    edges: dict[Edge, None] = {}  # in order, each once
    counts: Counter[Kind] = Counter()
    names: dict[str, str] = {}
    for element in elements:
        name = names.get(element.key) if element.key else None
        if name is None:
            counts[element.kind] += 1
            name = f"{PREFIX[element.kind]}{counts[element.kind]}"
            names[element.key] = name
            nodes.append(_node(name, element))
        if element.below is not None:
            edges[_edge(name, names[element.below], element.kind)] = None
    supported = {edge.source for edge in edges if edge.kind == "supported_by"}
    marked = (
        replace(node, undeveloped=node.kind == "goal" and node.id not in supported)
        for node in nodes
    )
    return tuple(marked), tuple(edges)


def _node(name: str, element: Element) -> Node:
    entry = element.entry
    details = [f"P = {chance(entry)}." if entry is not None else "", element.more]
    claim = plain(element.words)
    claim += "" if claim.endswith((".", "!", "?", "]")) or entry is None else "."
    text = " ".join(filter(None, [claim, *map(plain, details)])).rstrip()
    url = web_address(element.url)
    return Node(name, element.kind, text, claim, element.about, entry, element.of, url=url)


def _edge(name: str, below: str, kind: Kind) -> Edge:
    if kind == "counter_solution":
        return Edge(name, below, "challenges")
    supports = kind in ("goal", "strategy", "solution")
    return Edge(below, name, "supported_by" if supports else "in_context_of")
