"""The key of a story's graph: what width, outline, brackets and the marked path mean."""

from collections.abc import Iterator

from markupsafe import Markup

from storyodds.reports.figures.drawing.svg import LINE, element, group, lines_of
from storyodds.reports.figures.story_graph.marks import THIN, lines_at, worst_look
from storyodds.reports.figures.story_graph.shown import Shown
from storyodds.reports.figures.story_graph.words import WORST, path_words
from storyodds.reports.words.numbers import percent, significant

_SAMPLES = (0.05, 0.25)  # probability of the flow that the key shows: the first that can be seen
_SEEN = 4.0  # pixels
_LETTER = 6.9  # pixels of a usual letter
_LEFT = 4.0  # pixels before a line's first entry
_ROW = 20.0  # pixels from one line of entries to the next


def points_words(share: float) -> str:
    """Write a difference of probabilities in points.

    Examples
    --------
    >>> points_words(0.081), points_words(1.0)
    ('8.1 points', '100 points')
    """
    return f"{significant(100 * share)} points"


def legend(
    picture: Shown, most: float, scale: float, width: float, thick: float, *, lines: bool
) -> tuple[list[Markup], float]:
    """Draw the key in as many rows as it needs, from the top of the picture; give where it ends.

    Parameters
    ----------
    picture : Shown
    most : float
        How far the node moves the ending that moves it most.
    scale : float
        Pixels of the width of a flow that is certain.
    width : float
        Of the picture.
    thick : float
        Pixels of the outline of that node.
    lines : bool
        Whether what is needed is drawn as lines and brackets.
    """
    children = []
    x, y = _LEFT, 14.0
    for shapes, words, room in _entries(picture, most, scale, thick, lines):
        written = lines_of(words, int((width - _LEFT - room - 6) / _LETTER), 3)
        length = room + 6 + _LETTER * max(map(len, written)) + 20
        if x > _LEFT and x + length - 20 > width:
            x, y = _LEFT, y + _ROW
        children.append(
            group(
                group(*shapes, transform=f"translate({x:.0f},{y:.0f})"),
                lines_at(x + room + 6, y + 4.5, [(line, "") for line in written], "tick"),
            )
        )
        x += length
        y += LINE * (len(written) - 1)
    return children, y + 8.0


Entry = tuple[list[Markup], str, float]


def _entries(
    picture: Shown, most: float, scale: float, thick: float, lines: bool
) -> Iterator[Entry]:
    """Give what each mark looks like about its middle, what it means, and how wide it is."""
    document = picture.document
    worst = document.worst
    words = f"{WORST} {path_words(document)}: {worst.name}, {percent(worst.probability)}"
    look = worst_look("graph-flow", True, document)
    yield (
        [element("rect", x=0, y=-2, width=34, height=4, class_=look)],
        lines_of(words, 70, 1)[0],
        34.0,
    )
    chance = next((p for p in _SAMPLES if p * scale >= _SEEN), _SAMPLES[-1])
    height = chance * scale
    sample = element("rect", x=0, y=-height / 2, width=26, height=height, class_="graph-flow")
    yield [sample], f"width: chance (this is {percent(chance)})", 26.0
    if most > 0:
        boxes = [
            element(
                "rect", x=x, y=-7, width=22, height=14, rx=3, class_="graph-node", stroke_width=w
            )
            for x, w in ((3.0, THIN), (35.0, thick))
        ]
        yield (
            boxes,
            f"outline: the chance of {document.event} moves by 0 to {points_words(most)}; "
            "dashed: not rated",
            62.0,
        )
    if lines and (picture.needs or picture.loose):
        yield from _need_entries(bool(picture.loose))


def _need_entries(several: bool) -> Iterator[Entry]:
    yield (
        [
            element("path", d="M2,-7H6V7H2", class_="graph-bracket"),
            element("path", d="M18,-7C24,-7 24,7 18,7", class_="graph-bracket"),
        ],
        "needs all of, any of",
        26.0,
    )
    if several:
        dotted = element("path", d="M0,0H26", class_="graph-need graph-some")
        yield [dotted], "needed by some of these routes", 26.0
    yield (
        [
            element("path", d="M4,0h0M16,0h0", class_="graph-dot"),
            element("path", d="M16,0h0", class_="graph-hole"),
        ],
        "must be so, must not be so",
        20.0,
    )
