"""The head of a page: the card, its bar, and the text that says the same."""

import re
from typing import TypedDict

from markupsafe import Markup, escape

from storyodds.reports.dashboard.page_data import Dossier
from storyodds.reports.documents.cards.card import Card, make_card
from storyodds.reports.documents.cards.narrative import narrative
from storyodds.reports.figures.card import bar_pieces, fate_class
from storyodds.reports.figures.drawing.svg import element
from storyodds.reports.words.card import what_the_day_needs
from storyodds.reports.words.levers import plain_name

PARTS = ("local", "trust", "views")  # of a dossier, that a card is made from
_BAR = (1000, 34)  # across and down; stretched to the width of its place


def card_of(dossier: Dossier) -> Card:
    """Make the card of what a page shows.

    Parameters
    ----------
    dossier : Dossier

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.reports.dashboard.page_data import make_dossier
    >>> from storyodds.scenarios.resolve import resolve
    >>> card_of(make_dossier(assess(resolve(load_story("carlsmith-six-premises"))))).lead
    ('The argument puts the chance of catastrophe at 5.1%, about 1 in 19.',)
    """
    return make_card(
        dossier.estimate,
        dossier.assessment.prepared.resolved,
        dossier.parts,
        reasons=dossier.reasons,
        verdicts=dossier.verdicts,
    )


def in_words(dossier: Dossier) -> tuple[str, ...]:
    """Tell the card of what a page shows in sentences."""
    return narrative(dossier.estimate, card_of(dossier))


class CardContext(TypedDict):
    """What the templates show of a card."""

    card: Card
    endings: list[dict[str, object]]
    bar: Markup
    day_needs: str
    sentences: tuple[str, ...]


def card_context(dossier: Dossier) -> CardContext:
    """Give what the templates show of a card.

    Parameters
    ----------
    dossier : Dossier

    Returns
    -------
    dict
        `card`; `endings`, with the class that colors each; `bar`, its picture; `day_needs`, for
        the sentence on the day of the decision; `sentences`.
    """
    card = card_of(dossier)
    rows = [
        {"of": ending, "color": fate_class(ending), "name": plain_name(ending.name)}
        for ending in card.endings
    ]
    return {
        "card": card,
        "endings": rows,
        "bar": _bar(card),
        "day_needs": what_the_day_needs(dossier.estimate),
        "sentences": narrative(dossier.estimate, card),
    }


_WHOLE = re.compile(r"about \d[\d,]* in \d[\d,]*|[\d.]+(?:%|e-\d+)(?: → |–)~?[\d.]+(?:%|e-\d+)")


def whole(words: str) -> Markup:
    """Keep ranges and counts of a sentence from being broken over two lines.

    Examples
    --------
    >>> str(whole("it is 2.1% (0.7%–4.5%) & so on"))
    'it is 2.1% (<span class="nowrap">0.7%–4.5%</span>) &amp; so on'
    """
    pieces, start = [], 0
    for match in _WHOLE.finditer(words):
        kept = element("span", match[0], class_="nowrap")
        pieces += [escape(words[start : match.start()]), kept]
        start = match.end()
    return Markup("").join([*pieces, escape(words[start:])])


def _bar(card: Card) -> Markup:
    """All endings on one line; the table under it says the same."""
    width, height = _BAR
    return element(
        "svg",
        *bar_pieces(card.endings, width, height),
        class_="ending-bar",
        viewBox=f"0 0 {width} {height}",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def preview_of(card: Card) -> str:
    """Give what a search or a chat shows of a page."""
    return " ".join(filter(None, [card.doubtful, *card.lead, card.caveat]))
