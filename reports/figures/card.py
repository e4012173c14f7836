"""The card as one picture: to be sent, shown and cited by itself."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

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


@dataclass
class _Sheet:
    """Pieces of the picture from top to bottom."""

    y: float = 0.0
    pieces: list[Markup] = field(default_factory=list)

    def words(
        self, text: str, look: str, x: float = _EDGE, width: float = _INNER, *, after: float = 0.0
    ) -> None:
        """Add a paragraph, and go down by its lines."""
        size, step = _SIZES[look]
        for line in wrapped(text, width, size, heavy=look in _HEAVY):
            self.y += step
            self.pieces.append(element("text", line, x=float(x), y=self.y, class_=look))
        self.y += after


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
    sheet = _Sheet(y=28.0)
    under = f" · under {card.under}" if card.under else ""
    sheet.words(f"{card.sort}{under}", "card-quiet")
    sheet.words(card.title, "card-title", after=4)
    for word, text in card.wanted:
        sheet.words(f"{word}: {text}", "card-quiet")
    sheet.y += 6
    for text in filter(None, (card.doubtful, card.flagged)):
        sheet.words(text, "card-bad", after=4)
    mark = _UNRELIABLE if card.doubtful else ""
    for text in card.lead:
        sheet.words(text + mark, "card-lead")
    if card.condition:
        sheet.words(card.condition, "card-quiet")
    sheet.y += 14
    _draw_bar(sheet, card.endings)
    for ending in card.endings:
        _draw_row(sheet, ending, mark)
    sheet.words(card.definition, "card-quiet", after=4)
    sheet.words(card.day + mark, "card-words", after=4)
    if card.together:
        sheet.words(card.together, "card-words")
    sheet.y += 6
    _draw_verdicts(sheet, card)
    _draw_columns(sheet, card)
    sheet.pieces.append(_rule(sheet.y + 8))
    sheet.y += 10
    sheet.words(card.caveat, "card-head", after=2)
    sheet.words(card.intervals, "card-quiet", after=2)
    sheet.words(f"Cite: {card.citation}", "card-quiet")
    height = sheet.y + 26
    paper = element("rect", x=0, y=0, width=WIDTH, height=height, class_="fate-rest")
    title = f"{card.title}: the card"
    description = " ".join([card.doubtful, *card.lead, card.caveat, card.citation]).strip()
    return Figure(
        name=f"card-{card.story}",
        title=title,
        description=description,
        svg=drawing(
            WIDTH, height, title, description, metadata(card), paper, *map(Markup, sheet.pieces)
        ),
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


def _draw_bar(sheet: _Sheet, endings: Sequence[Ending]) -> None:
    bar = element(
        "g", *bar_pieces(endings, _INNER, _BAR), transform=f"translate({_EDGE},{sheet.y:.1f})"
    )
    sheet.pieces.append(bar)
    sheet.y += _BAR + 6


def _draw_row(sheet: _Sheet, ending: Ending, mark: str) -> None:
    """A row of the table: swatch, name, chance, interval and count, gloss."""
    top = sheet.y
    swatch = {"x": _EDGE, "y": top + 8, "width": 13, "height": 13, "rx": 2}
    sheet.pieces.append(element("rect", class_=f"fate-{fate_class(ending)}", **swatch))
    sheet.pieces.append(element("rect", class_="edge", **swatch))
    for x, text, look in (
        (_EDGE + 22, plain_name(ending.name), "card-words"),
        (_EDGE + 150, ending.chance + mark * bool(ending.chance), "card-strong"),
        (_EDGE + (218 if not mark else 312), ending.band, "card-quiet"),
        (_EDGE + (330 if not mark else 424), ending.count, "card-quiet"),
    ):
        if text:
            sheet.pieces.append(element("text", text, x=x, y=top + 20, class_=look))
    start = _EDGE + (440 if not mark else 534)
    sheet.y = top + 2
    sheet.words(ending.gloss, "card-quiet", start, WIDTH - _EDGE - start)
    sheet.y = max(sheet.y, top + 20) + 6
    sheet.pieces.append(_rule(sheet.y))


def _rule(y: float) -> Markup:
    return element("line", x1=_EDGE, x2=WIDTH - _EDGE, y1=y, y2=y, class_="grid")


def _draw_verdicts(sheet: _Sheet, card: Card) -> None:
    if not card.verdicts:
        return
    sheet.words("Against the limits", "card-head")
    for verdict in card.verdicts:
        sheet.words(f"{verdict.sentence} {verdict.change}".strip(), "card-words", after=2)
    sheet.y += 8


def _draw_columns(sheet: _Sheet, card: Card) -> None:
    """What would change it, beside how far to trust it."""
    top = sheet.y
    if card.levers or card.no_lever:
        sheet.words("What would change it", "card-head", _EDGE, _COLUMN)
        for lever in card.levers:
            sheet.words(
                f"{sentence_case(lever.words)}, {lever.range}:", "card-words", _EDGE, _COLUMN
            )
            for effect in lever.effects:
                sheet.words(effect.words, "card-strong", _EDGE, _COLUMN)
                if effect.also:
                    sheet.words(effect.also, "card-quiet", _EDGE, _COLUMN)
            sheet.y += 6
        if card.no_lever:
            sheet.words(card.no_lever, "card-words", _EDGE, _COLUMN)
    bottom, sheet.y = sheet.y, top
    if card.trust:
        right = _EDGE + _COLUMN + _GAP
        sheet.words("How far to trust it", "card-head", right, _COLUMN)
        for sentence in card.trust:
            sheet.words(sentence, "card-words", right, _COLUMN, after=3)
    sheet.y = max(sheet.y, bottom)
