"""The key of a story's graph: what width, outline, brackets and the marked path mean."""

from collections.abc import Iterator

from markupsafe import Markup

from storyodds.reports.documents.story_graph.records import GraphDocument
from storyodds.reports.figures.drawing.svg import element, group, lines_of
from storyodds.reports.figures.story_graph.marks import THICK, THIN, worst_look
from storyodds.reports.figures.story_graph.words import WORST, path_words
from storyodds.reports.words.numbers import percent, significant

_SAMPLE = 0.05  # probability of the flow that the key shows
_LETTER = 6.7  # pixels of a usual letter
_ROW = 20.0


def points_words(share: float) -> str:
    """Write a difference of probabilities in points.

    Examples
    --------
    >>> points_words(0.081), points_words(1.0)
    ('8.1 points', '100 points')
    """
    return f"{significant(100 * share)} points"


def legend(document: GraphDocument, most: float, scale: float, width: float) -> Iterator[Markup]:
    """Draw the key in as many rows as it needs, from the top of the picture."""
    x, y = 4.0, 14.0
    for shapes, words, room in _entries(document, most, scale):
        length = room + 6 + _LETTER * len(words) + 20
        if x > 4.0 and x + length > width:
            x, y = 4.0, y + _ROW
        yield group(
            group(*shapes, transform=f"translate({x:.0f},{y:.0f})"),
            element("text", words, x=float(x + room + 6), y=float(y + 4.5), class_="tick"),
        )
        x += length


Entry = tuple[list[Markup], str, float]


def _entries(document: GraphDocument, most: float, scale: float) -> Iterator[Entry]:
    """Give what each mark looks like about its middle, what it means, and how wide it is."""
    worst = document.worst
    words = f"{WORST} {path_words(document)}: {worst.name}, {percent(worst.probability)}"
    look = worst_look("graph-flow", True, document)
    yield (
        [element("rect", x=0, y=-2, width=34, height=4, class_=look)],
        lines_of(words, 70, 1)[0],
        34.0,
    )
    height = _SAMPLE * scale
    sample = element("rect", x=0, y=-height / 2, width=26, height=height, class_="graph-flow")
    yield [sample], f"width: chance (this is {percent(_SAMPLE)})", 26.0
    if most > 0:
        boxes = [
            element(
                "rect", x=x, y=-6, width=16, height=12, rx=3, class_="graph-node", stroke_width=w
            )
            for x, w in ((3.0, THIN), (29.0, THICK))
        ]
        yield (
            boxes,
            f"outline: how far P({document.event}) moves, 0 to {points_words(most)}",
            48.0,
        )
    yield (
        [
            element("path", d="M2,-7H6V7H2", class_="graph-bracket"),
            element("path", d="M18,-7C24,-7 24,7 18,7", class_="graph-bracket"),
        ],
        "needs all of, any of",
        26.0,
    )
    yield (
        [
            element("circle", cx=4, cy=0, r=2.6, class_="graph-so"),
            element("circle", cx=16, cy=0, r=2.6, class_="graph-not"),
        ],
        "must be so, must not be so",
        20.0,
    )
