"""The key of a picture: each kind of mark in it, with what that means."""

from collections.abc import Sequence

from markupsafe import Markup

from storyodds.reports.figures.drawing.svg import element

_SAMPLE = 30  # pixels that a mark takes in a key
_LETTER = 6.7  # pixels of a letter of 12 pixels
_APART = 14  # pixels between two entries
_STEP = 17  # pixels from one row of a key to the next

type Entry = tuple[Markup, str]


def draw_key(entries: Sequence[Entry], top: float, width: float) -> tuple[list[Markup], float]:
    """Draw a key, in as many rows as it takes.

    Parameters
    ----------
    entries : sequence of (str, str)
        A mark around (13, 0), and what it means.
    top : float
        Where it begins.
    width : float
        Across, of the picture.

    Returns
    -------
    children : list of str
    bottom : float
        Where the next thing may begin.

    Examples
    --------
    >>> from storyodds.reports.figures.drawing.keys import dot_sample
    >>> draw_key([(dot_sample(""), "mean")], 10, 340)[1]
    27
    """
    children: list[Markup] = []
    x, row = 0.0, 0
    for sample, words in entries:
        wide = _SAMPLE + _LETTER * len(words)
        if x and x + wide > width:
            x, row = 0.0, row + 1
        y = top + _STEP * (row + 0.5)
        children.append(
            element("g", sample, transform=f"translate({x:.0f},{y:.1f})", aria_hidden="true")
        )
        children.append(element("text", words, x=x + _SAMPLE, y=y + 4, class_="tick"))
        x += wide + _APART
    return children, top + _STEP * (row + 1 if entries else 0)


def dot_sample(look: str, radius: float = 5) -> Markup:
    """A dot for a key; `look` is its class beside `dot`."""
    return element("circle", cx=13, cy=0, r=radius, class_=f"dot {look}".strip())


def ring_sample() -> Markup:
    """What was before the evidence, for a key."""
    return element("circle", cx=13, cy=0, r=5, class_="before-dot")


def line_sample(look: str = "") -> Markup:
    """An interval for a key."""
    return element("line", x1=2, x2=24, y1=0, y2=0, class_=f"interval-90 {look}".strip())


def bar_sample(look: str) -> Markup:
    """A bar for a key."""
    return element("rect", x=2, y=-5, width=22, height=10, class_=look)


def path_sample(look: str) -> Markup:
    """A curve for a key."""
    return element("path", d="M2,0L24,0", class_=look)
