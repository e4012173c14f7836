"""A card as a text of about ten sentences, each true for somebody who reads only that one."""

from collections.abc import Sequence

from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.documents.cards.card import RISK, Card
from storyodds.reports.words.levers import plain_name
from storyodds.reports.words.numbers import listed, percent
from storyodds.reports.words.sentences import has_evidence, is_risk_argument
from storyodds.reports.words.sequences import is_sequence, sequence_words
from storyodds.reports.words.stages import loss_words, losses

_NEEDS = 3  # conditions of a path that tell it from its like
_LEVERS = 2  # of the card's, which a text of ten sentences has room for


def narrative(estimate: Estimate, card: Card) -> tuple[str, ...]:
    """Tell a card.

    Parameters
    ----------
    estimate : mapping
        "storyodds/estimate/1".
    card : Card
        Made from it.

    Returns
    -------
    tuple of str
        Sentences, in order.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.reports.documents.cards.card import make_card
    >>> from storyodds.reports.documents.estimate import summarize
    >>> from storyodds.scenarios.resolve import resolve
    >>> resolved = resolve(load_story("carlsmith-six-premises"))
    >>> document = summarize(assess(resolved))
    >>> narrative(document, make_card(document, resolved, {}))[1]
    'The argument puts the chance of catastrophe at 5.1%, about 1 in 19.'
    """
    if card.doubtful:
        return (f"“{card.title}”: {card.doubtful}",)
    levers = [lever.sentence for lever in card.levers[:_LEVERS]] or [card.no_lever]
    sentences = [
        _subject(estimate, card),
        card.flagged,
        card.lead[0],
        _odds(card),
        card.condition,
        card.definition,
        card.day,
        card.together,
        *_loss(estimate),
        *_path(estimate),
        *levers,
        *(f"{verdict.sentence} {verdict.change}".strip() for verdict in card.verdicts),
        *card.trust,
        card.caveat,
    ]
    return tuple(words for words in sentences if words)


def _subject(estimate: Estimate, card: Card) -> str:
    counts = estimate.get("number_counts")  # absent from results of earlier versions
    sort = card.sort.lower()
    under = f", here under {card.under}" if card.under else ""
    start = f"“{card.title}” is a {sort}{under}"
    if counts is None:
        return f"{start}."
    uncertain = counts["uncertain_in_all"] or "none"
    verb = "is" if uncertain == 1 else "are"
    # How a finding is to be read is averaged over, and widens no interval.
    beside = ", apart from how its findings are to be read" if has_evidence(estimate) else ""
    return f"{start}; {uncertain} of its {counts['in_all']} numbers {verb} uncertain{beside}."


def _odds(card: Card) -> str:
    """Every ending that a training story is weighed by; a risk argument's is in its lead."""
    if card.sort == RISK:
        return ""
    chances = [
        f"{plain_name(ending.name)} {ending.chance}{f' ({ending.band})' if ending.band else ''}"
        for ending in card.endings
    ]
    return f"The endings have these chances{_ranges(card)}: {listed(chances)}."


def _ranges(card: Card) -> str:
    return ", with 90% intervals" if any(ending.band for ending in card.endings) else ""


def _loss(estimate: Estimate) -> list[str]:
    """What the stage of training loses that loses most of what was intended."""
    largest = max(losses(estimate), key=lambda loss: loss.lost, default=None)
    return [] if largest is None or not largest.to else [loss_words(largest)]


def _path(estimate: Estimate) -> list[str]:
    """Which path adds most to catastrophe."""
    paths = [path for path in estimate["paths"] if path["concern"]["mean"] > 0]
    if not paths:
        return []
    worst = max(paths, key=lambda path: float(path["concern"]["mean"]))
    ending = worst["hazard"] or worst["route"]
    name = plain_name(ending)
    alike = sum((path["hazard"] or path["route"]) == ending for path in estimate["paths"])
    needs = f", needing {_needs(worst['literals'])}" if alike > 1 and worst["literals"] else ""
    share = percent(worst["concern"]["mean"])
    if is_risk_argument(estimate) and len(paths) == 1:
        return [f"Catastrophe comes about along one path alone, “{name}”."]
    path = f"“{name}”{needs}"
    if is_sequence(worst["literals"]):
        path = sequence_words(worst["literals"])
        path = f"“{name}”, after {path}" if worst["hazard"] else path
    # Of very many sequences of stages, some may have been left aside.
    compared = " that was compared" if any(one["narrowed"] for one in paths) else ""
    return [
        f"No failure path{compared} is of more concern than {path}: the chance that it "
        f"is taken and ends in catastrophe is {share}."
    ]


def _needs(literals: Sequence[str]) -> str:
    """Tell one of several ways to an ending from the others."""
    words = [f"“{plain_name(literal)}”" for literal in literals[:_NEEDS]]
    if len(literals) > _NEEDS:
        words.append(f"{len(literals) - _NEEDS} more")
    return listed(words)
