"""A story as a graph, drawn: assumptions, routes, kinds of model, checks and endings."""

from storyodds.reports.documents.story_graph.records import GraphDocument
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.svg import drawing
from storyodds.reports.figures.story_graph.narrow import draw_narrow
from storyodds.reports.figures.story_graph.shown import Shown, shown
from storyodds.reports.figures.story_graph.wide import draw_wide
from storyodds.reports.figures.story_graph.words import node_heads, node_rows, path_words
from storyodds.reports.words.numbers import percent


def plot_story_graph(
    document: GraphDocument, *, full: bool = False, narrow: bool = False, in_page: bool = False
) -> Figure:
    """Draw a story as a graph.

    Probability flows from routes by kinds of model and checks to endings. What a route needs stands
    at its left, in brackets: nothing flows there, and its conditions have no order.

    Parameters
    ----------
    document : GraphDocument
        From `summarize_story_graph`.
    full : bool
        Every route by itself, however many there are; else the less likely of very many stand
        together by their class. Both are the same where there are few.
    narrow : bool
        For phones: from top to bottom, names above, numbers at the end.
    in_page : bool
        For a page whose script makes the tips of nodes of what stands elsewhere in it: the table,
        the story's claims, its numbers.

    Returns
    -------
    Figure
        Its table has a row for every node.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.reports.documents.estimate import summarize
    >>> from storyodds.reports.documents.story_graph.build import summarize_story_graph
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessed = assess(resolve(load_story("carlsmith-six-premises")))
    >>> figure = plot_story_graph(summarize_story_graph(assessed, summarize(assessed)))
    >>> figure.rows[0][0], figure.rows[0][2]
    ('aps-feasible', '65%')
    """
    picture = shown(document, full=full)
    children, width, height = (draw_narrow if narrow else draw_wide)(picture, in_page)
    title, path = "The story as a graph", path_words(document)
    description = (
        f"What each route needs, and how likely it leads where: {', '.join(document.stages)}. "
        f"{path[0].upper()}{path[1:]}: {document.worst.label}; "
        f"{percent(document.worst.probability)}."
    )
    if full:
        description += " Every route by itself."
    if narrow:
        description += " From top to bottom."
    heads, rows = node_heads(document.event), node_rows(document)
    name = "story-graph" + "-full" * full + "-narrow" * narrow
    svg = drawing(width, height, title, description, *children)
    return Figure(name, title, description, svg, heads, rows, _note(picture))


def _note(picture: Shown) -> str:
    document = picture.document
    needs = "What a route needs is a condition, in no order; along the bands"
    if document.training:
        needs = (
            f"Routes are where the last of the {len(document.training)} stages leaves the model, "
            "and what one needs has to hold in a stage in which training enters it, in no order; "
            "the sequences stand with the failure paths. Along the bands"
        )
    words = [
        f"{needs} flows probability, and every column of them adds up to 100%.",
        f"The outline is the thicker the further the chance of {document.event} moves between "
        "learning that something is not so and that it is; of a check, without it and with it.",
    ]
    if sum(node.stage == "check" for node in document.nodes) > 2:  # "no check" is one of them
        words.append(
            "A model that several checks would stop stands at the first of them in the story's "
            "order."
        )
    if any(node.stage == "hazard" for node in document.nodes):
        words.append("Several hazards of the goal may fire in one run.")
    return " ".join((*words, *picture.notes))
