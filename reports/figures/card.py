"""The card as one picture: to be sent, shown and cited by itself."""

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence

from markupsafe import Markup

from storyodds.reports.documents.cards.card import UNTOLD, Card, Ending
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.svg import drawing, element
from storyodds.reports.words.levers import plain_name
from storyodds.reports.words.numbers import sentence_case

WIDTH = 960  # pixels, at which the letters of a card are as large as those of a page
_EDGE = 40  # pixels of paper around it
_INNER = WIDTH - 2 * _EDGE
_BAR = 34  # pixels, the height of the bar
_HAIR = 1.0  # pixel of paper between two endings
_LEAST = 2.0  # pixels of a chance that is not 0
_GAP = 28  # between the two columns
_COLUMN = (_INNER - _GAP) / 2
_UNRELIABLE = " (not reliable)"
# Of an em, how wide a letter of a wide font is on average: what fits there fits in every other.
_LETTER = 0.54
_BOLD = 0.61
# By class, the size of its letters and the step to the next line, in pixels.
_SIZES = {
    "card-title": (26, 32),
    "card-lead": (19, 26),
    "card-head": (15, 22),
    "card-words": (14, 20),
    "card-strong": (15, 20),
    "card-quiet": (13, 18),
    "card-bad": (15, 21),
}
_HEAVY = ("card-title", "card-head", "card-bad", "card-strong")


# From how far down a part begins, in pixels, its pieces and how far down it ends.
Part = Callable[[float], tuple[list[Markup], float]]


def wrapped(text: str, width: float, size: float, *, heavy: bool = False) -> list[str]:
    """Break a text into lines that fit, none of it left out.

    Parameters
    ----------
    text : str
    width, size : float
        Of the lines and of their letters, in pixels.
    heavy : bool
        Whether the letters are bold.

    Examples
    --------
    >>> wrapped("a chance of one in fifty", 90, 13)
    ['a chance of', 'one in fifty']
    """
    letters = int(width / (size * (_BOLD if heavy else _LETTER)))
    return textwrap.wrap(text, max(letters, 1), break_on_hyphens=False) or [""]


def plot_card(card: Card) -> Figure:
    """Draw a card.

    Parameters
    ----------
    card : Card

    Returns
    -------
    Figure
        No word of the card is left out of the picture; its source is the citation.
    """
    under = f" · under {card.under}" if card.under else ""
    mark = _UNRELIABLE if card.doubtful else ""
    pieces, bottom = _stacked(
        [
            _words(f"{card.sort}{under}", "card-quiet"),
            _words(card.title, "card-title", after=4),
            *(_words(f"{word}: {text}", "card-quiet") for word, text in card.wanted),
            _space(6),
            *(_words(text, "card-bad", after=4) for text in (card.doubtful, card.flagged) if text),
            *(_words(text + mark, "card-lead") for text in card.lead),
            *([_words(card.condition, "card-quiet")] if card.condition else []),
            _space(14),
            _bar(card.endings),
            *(_row(ending, mark) for ending in card.endings),
            _words(card.definition, "card-quiet", after=4),
            _words(card.day + mark, "card-words", after=4),
            *([_words(card.together, "card-words")] if card.together else []),
            _space(6),
            *_verdicts(card),
            _columns(card),
            lambda y: ([_rule(y + 8)], y + 10),
            _words(card.caveat, "card-head", after=2),
            _words(card.intervals, "card-quiet", after=2),
            _words(f"Cite: {card.citation}", "card-quiet"),
        ],
        28.0,
    )
    height = bottom + 26
    paper = element("rect", x=0, y=0, width=WIDTH, height=height, class_="fate-rest")
    title = f"{card.title}: the card"
    description = " ".join([card.doubtful, *card.lead, card.caveat, card.citation]).strip()
    return Figure(
        name=f"card-{card.story}",
        title=title,
        description=description,
        svg=drawing(WIDTH, height, title, description, metadata(card), paper, *pieces),
        columns=("ending", "chance", "90% interval", "in cases", "meaning"),
        rows=tuple((row.name, row.chance, row.band, row.count, row.gloss) for row in card.endings),
        note=card.caveat,
        source=card.citation,
    )


def metadata(card: Card) -> Markup:
    """Give what a catalog reads from the picture: title, description and source."""
    words = {
        "dc:title": card.title,
        "dc:description": " ".join([*card.lead, card.caveat]),
        "dc:source": card.citation,
        "dc:creator": "storyodds",
    }
    terms = Markup("").join(element(name, text) for name, text in words.items())
    return Markup('<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">{}</metadata>').format(
        terms
    )


def bar_pieces(endings: Sequence[Ending], width: float, height: float) -> list[Markup]:
    """Give all endings as one bar of 100 percent, the worst last.

    What has a chance at all is wide enough to be seen.
    """
    shares = [ending.share for ending in endings]
    widths = [max(_LEAST, share * width) if share > 0 else 0.0 for share in shares]
    over = sum(widths) - width
    widest = widths.index(max(widths))
    widths[widest] -= over
    pieces, x = [], 0.0
    for ending, wide in zip(endings, widths, strict=True):
        if wide > 0:  # a hair of paper parts it from the one before
            gap = _HAIR if x > 0 and wide > _LEAST else 0.0
            pieces.append(
                element(
                    "rect",
                    x=x + gap,
                    y=0,
                    width=wide - gap,
                    height=height,
                    class_=f"fate-{fate_class(ending)}",
                )
            )
        x += wide
    pieces.append(element("rect", x=0.5, y=0.5, width=width - 1, height=height - 1, class_="edge"))
    return pieces


def fate_class(ending: Ending) -> str:
    """By what a style sheet colors an ending."""
    return "rest" if ending.name == UNTOLD else ending.name


def _stacked(parts: Iterable[Part], y: float) -> tuple[list[Markup], float]:
    """Put parts one below the other, from y on."""
    pieces: list[Markup] = []
    for part in parts:
        added, y = part(y)
        pieces += added
    return pieces, y


def _space(height: float) -> Part:
    return lambda y: ([], y + height)


def _words(
    text: str, look: str, x: float = _EDGE, width: float = _INNER, *, after: float = 0.0
) -> Part:
    """A paragraph, with so many pixels after it."""
    size, step = _SIZES[look]
    lines = wrapped(text, width, size, heavy=look in _HEAVY)

    def part(y: float) -> tuple[list[Markup], float]:
        pieces = []
        for line in lines:
            y += step
            pieces.append(element("text", line, x=float(x), y=y, class_=look))
        return pieces, y + after

    return part


def _bar(endings: Sequence[Ending]) -> Part:
    bar = bar_pieces(endings, _INNER, _BAR)
    return lambda y: (
        [element("g", *bar, transform=f"translate({_EDGE},{y:.1f})")],
        y + (_BAR + 6),
    )


def _row(ending: Ending, mark: str) -> Part:
    """A row of the table: swatch, name, chance, interval and count, gloss."""
    cells = (
        (_EDGE + 22, plain_name(ending.name), "card-words"),
        (_EDGE + 150, ending.chance + mark * bool(ending.chance), "card-strong"),
        (_EDGE + (218 if not mark else 312), ending.band, "card-quiet"),
        (_EDGE + (330 if not mark else 424), ending.count, "card-quiet"),
    )
    start = _EDGE + (440 if not mark else 534)
    gloss = _words(ending.gloss, "card-quiet", start, WIDTH - _EDGE - start)

    def part(top: float) -> tuple[list[Markup], float]:
        swatch = {"x": _EDGE, "y": top + 8, "width": 13, "height": 13, "rx": 2}
        lines, bottom = gloss(top + 2)
        bottom = max(bottom, top + 20) + 6
        pieces = [
            element("rect", class_=f"fate-{fate_class(ending)}", **swatch),
            element("rect", class_="edge", **swatch),
            *(
                element("text", text, x=x, y=top + 20, class_=look)
                for x, text, look in cells
                if text
            ),
            *lines,
            _rule(bottom),
        ]
        return pieces, bottom

    return part


def _rule(y: float) -> Markup:
    return element("line", x1=_EDGE, x2=WIDTH - _EDGE, y1=y, y2=y, class_="grid")


def _verdicts(card: Card) -> Iterator[Part]:
    if card.verdicts:
        yield _words("Against the limits", "card-head")
        for verdict in card.verdicts:
            yield _words(f"{verdict.sentence} {verdict.change}".strip(), "card-words", after=2)
        yield _space(8)


def _columns(card: Card) -> Part:
    """What would change it, beside how far to trust it."""
    levers, trust = list(_levers(card)), list(_trust(card))

    def part(top: float) -> tuple[list[Markup], float]:
        (first, low), (second, lowest) = _stacked(levers, top), _stacked(trust, top)
        return [*first, *second], max(low, lowest)

    return part


def _levers(card: Card) -> Iterator[Part]:
    """What would change it, at the left."""
    place = (_EDGE, _COLUMN)
    if card.levers or card.no_lever:
        yield _words("What would change it", "card-head", *place)
        for lever in card.levers:
            yield _words(f"{sentence_case(lever.words)}, {lever.range}:", "card-words", *place)
            for effect in lever.effects:
                yield _words(effect.words, "card-strong", *place)
                if effect.also:
                    yield _words(effect.also, "card-quiet", *place)
            yield _space(6)
        if card.no_lever:
            yield _words(card.no_lever, "card-words", *place)


def _trust(card: Card) -> Iterator[Part]:
    """How far to trust it, at the right."""
    place = (_EDGE + _COLUMN + _GAP, _COLUMN)
    if card.trust:
        yield _words("How far to trust it", "card-head", *place)
        for sentence in card.trust:
            yield _words(sentence, "card-words", *place, after=3)
