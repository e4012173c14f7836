"""Marks that both pictures of a story's graph are made of."""

from collections.abc import Iterable, Mapping

from markupsafe import Markup

from storyodds.reports.documents.story_graph.records import GraphDocument, Node
from storyodds.reports.figures.drawing.svg import LINE, element, group
from storyodds.reports.figures.story_graph.shown import Shown
from storyodds.reports.figures.story_graph.words import node_tip

THIN = 0.8  # pixels of the outline of a node that moves nothing
HAIR = 1.0  # of the thinnest flow: thinner ones cannot be seen


def most_points(nodes: Iterable[Node], event: str) -> float:
    """Give how far the node moves an ending that moves it most, as a share of 1."""
    return max((n.influence[event].points for n in nodes if event in n.influence), default=0.0)


def outline(node: Node, event: str, most: float, thick: float) -> float:
    """Give how thick a node's outline is, in pixels: linear in how far it moves the ending."""
    influence = node.influence.get(event)
    if influence is None or most <= 0:
        return THIN
    return THIN + (thick - THIN) * influence.points / most


def tips_of(shown: Shown) -> dict[str, str]:
    """Give what pointing at each node shows."""
    document = shown.document
    labels = {node.id: node.label for node in document.nodes}
    needs = {condition.target: condition.needs for condition in document.conditions}
    tips = {
        node.id: node_tip(node, document.event, needs.get(node.id), labels) for node in shown.nodes
    }
    for id, terms in shown.loose.items():
        words = ", ".join(("" if t.holds else "not ") + labels[t.node] for t in terms)
        tips[id] += f" Some of them need {words}."
    return tips


def node_mark(tip: str, anchor: str, *children: str, refers: bool) -> Markup:
    """Group a node's shapes, with its tip; or with a reference to the mark that has it.

    Parameters
    ----------
    tip : str
    anchor : str
        Id of the mark in the page; empty where no other refers to it.
    *children : str
    refers : bool
        Whether the tip is that of the mark of this id elsewhere in the page.
    """
    shared = {"tabindex": "0", "role": "img"}
    if anchor and refers:
        return group(*children, **shared, aria_labelledby=anchor, data_tip="")
    return group(*children, **shared, id=anchor or None, aria_label=tip, data_tip=tip)


def anchors(shown: Shown, prefix: str) -> Mapping[str, str]:
    """Give the id of each node's mark in a page; empty where there is no prefix."""
    return {node.id: f"{prefix}{k}" if prefix else "" for k, node in enumerate(shown.nodes)}


def lines_at(
    x: float, y: float, lines: Iterable[tuple[str, str]], look: str, **attributes: object
) -> Markup:
    """Give lines of text below each other, each with a class of its own or none."""
    spans = [
        element("tspan", words, x=float(x), y=float(y + LINE * k), class_=own or None)
        for k, (words, own) in enumerate(lines)
    ]
    return element("text", *spans, class_=look, **attributes)


def worst_look(look: str, worst: bool, document: GraphDocument) -> str:
    """Give the class of a mark: of the worst path, red where it ends in a catastrophe."""
    if not worst:
        return look
    return f"{look} worst" if document.worst.is_catastrophe else f"{look} likeliest"


def node_look(node: Node, document: GraphDocument) -> str:
    """Give the class of a node's outline: dashed where it is not known what the node moves."""
    rated = "" if document.event in node.influence else " graph-unrated"
    return worst_look(f"graph-node{rated}", node.worst, document)
