"""Marks that both pictures of a story's graph are made of."""

from collections.abc import Iterable

from markupsafe import Markup

from storyodds.reports.documents.story_graph.records import GraphDocument, Node
from storyodds.reports.figures.drawing.svg import LINE, element, group, mark
from storyodds.reports.figures.story_graph.shown import Shown
from storyodds.reports.figures.story_graph.words import node_tip
from storyodds.reports.words.numbers import percent

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


def tips_of(picture: Shown) -> dict[str, str]:
    """Give what pointing at each node shows."""
    document = picture.document
    labels = {node.id: node.label for node in document.nodes}
    needs = {condition.target: condition.needs for condition in document.conditions}
    tips = {
        node.id: node_tip(node, document.event, needs.get(node.id), labels)
        for node in picture.nodes
    }
    for id, terms in picture.loose.items():
        words = ", ".join(("" if t.holds else "not ") + labels[t.node] for t in terms)
        tips[id] += f" Some of them need {words}."
    return tips


def node_mark(node: Node, tip: str, row: int | None, *children: str) -> Markup:
    """Group a node's shapes, with its tip.

    Parameters
    ----------
    node : Node
    tip : str
    row : int or None
        In a page, whose script takes tips from the picture's table: the node's row in it.
    *children : str
    """
    if row is None:
        return mark(tip, *children)
    label = f"{node.label}: {percent(node.probability)}"
    return group(*children, tabindex="0", role="img", aria_label=label, data_row=row)


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
