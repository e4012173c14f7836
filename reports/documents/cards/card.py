"""The card: what a committee reads of a story, and all that somebody reads who reads only that.

Everything on it is in words already, made from the estimate and from what was worked out beside it.
A page, a picture and a text show the same card.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storyodds.models.story.events import Fate
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.documents.cards.levers import Lever, levers_of, no_lever
from storyodds.reports.documents.cards.limits import LimitVerdict
from storyodds.reports.documents.cards.parts import CardParts
from storyodds.reports.documents.cards.trust import trust_sentences
from storyodds.reports.words.card import (
    UNTOLD_GLOSS,
    citation,
    day_sentence,
    first_sentences,
    halted_gloss,
    lead_sentences,
    reasons_words,
)
from storyodds.reports.words.checks_together import together_words
from storyodds.reports.words.endings import FATE_GLOSSES, NO_CLAIM_OF_SAFETY, condition
from storyodds.reports.words.numbers import band, percent, sentence_case
from storyodds.reports.words.sentences import (
    NOT_RELIABLE,
    argued_fates,
    cases,
    errors_of,
    fixed_words,
    flagged_words,
    is_risk_argument,
    is_uncertain,
    is_zero,
)
from storyodds.reports.words.shortening import plain, shortened
from storyodds.scenarios.resolve import ResolvedStory

RISK = "Risk argument"
TRAINING = "Training story"
UNTOLD = "anything else"  # of a risk argument, which says nothing of what goes right
_LINE = 220  # characters of what is trained or wanted: three lines of a card at most
_DEFINITION = 240  # of what counts as a catastrophe
_SAYS_LITTLE = 60  # of a first sentence such as "The network has two parts", which needs the next


@dataclass(frozen=True)
class Ending:
    """One ending of the story.

    Attributes
    ----------
    name : str
        A fate, or `UNTOLD`.
    gloss : str
    share : float
        Its mean probability, for the bar.
    chance, band, count : str
        The mean, the 90 percent interval and "about 1 in N"; empty where there is none.
    """

    name: str
    gloss: str
    share: float
    chance: str = ""
    band: str = ""
    count: str = ""


@dataclass(frozen=True)
class Card:
    """What a committee reads.

    Attributes
    ----------
    story, title, sort : str
        Sort: `TRAINING` or `RISK`.
    under : str
        The view and the overrides; empty where the story is as written.
    wanted : tuple of (str, str)
        What is trained, what is wanted, and why it is expected: a word and a sentence.
    condition : str
        What the odds assume; may be empty.
    lead : tuple of str
        The answer.
    endings : tuple of Ending
    definition : str
        What counts as a catastrophe.
    day : str
        The odds once no check has flagged.
    together : str
        How far catastrophe leans on checks that do not fail together; empty where nothing does.
    levers : tuple of Lever
    no_lever : str
        A sentence where there is none.
    verdicts : tuple of LimitVerdict
    trust : tuple of str
    flagged : str
        Whose odds these are where a check has flagged the model; else empty.
    intervals : str
        What the intervals are.
    caveat, citation : str
    doubtful : str
        A sentence where the computation failed its own checks; else empty.
    """

    story: str
    title: str
    sort: str
    under: str
    wanted: tuple[tuple[str, str], ...]
    condition: str
    lead: tuple[str, ...]
    endings: tuple[Ending, ...]
    definition: str
    day: str
    together: str
    levers: tuple[Lever, ...]
    no_lever: str
    verdicts: tuple[LimitVerdict, ...]
    trust: tuple[str, ...]
    flagged: str
    intervals: str
    caveat: str
    citation: str
    doubtful: str


def make_card(
    estimate: Estimate,
    resolved: ResolvedStory,
    parts: CardParts,
    *,
    reasons: Mapping[str, str] | None = None,
    verdicts: Sequence[LimitVerdict] = (),
) -> Card:
    """Make the card of a story.

    Parameters
    ----------
    estimate : mapping
        "storyodds/estimate/1".
    resolved : ResolvedStory
        What it is an estimate of.
    parts : CardParts
        Of "storyodds/sensitivity/1", as far as there are any: `local`, `trust` and `views`.
    reasons : mapping of str to str, optional
        Why a part is not there, in a sentence.
    verdicts : sequence of LimitVerdict
        On the limits of the story and of the reader.

    Returns
    -------
    Card

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.reports.documents.estimate import summarize
    >>> from storyodds.scenarios.resolve import resolve
    >>> resolved = resolve(load_story("carlsmith-six-premises"))
    >>> card = make_card(summarize(assess(resolved)), resolved, {})
    >>> card.lead[0]
    'The argument puts the chance of catastrophe at 5.1%, about 1 in 19.'
    >>> [ending.name for ending in card.endings]
    ['catastrophe', 'anything else']
    """
    ok = bool(estimate["diagnostics"]["ok"])
    under = [f"view {plain(estimate['view'])}"] if estimate["view"] else []
    under += [f"{plain(name)} = {value}" for name, value in estimate["settings"].items()]
    levers = levers_of(estimate, resolved, parts.get("local")) if ok else ()
    return Card(
        story=str(estimate["story"]),
        title=plain(estimate["title"]),
        sort=RISK if is_risk_argument(estimate) else TRAINING,
        under=", ".join(under),
        wanted=_wanted(estimate, resolved),
        condition=condition(estimate),
        lead=lead_sentences(estimate),
        endings=_endings(estimate),
        definition=_definition(estimate),
        day=day_sentence(estimate),
        together=(together_words(estimate) or "") if ok else "",
        levers=levers,
        no_lever="" if levers or not ok else no_lever(estimate, parts, reasons or {}),
        verdicts=tuple(verdicts) if ok else (),
        trust=trust_sentences(estimate, parts) if ok else (),
        flagged=flagged_words(estimate) or "",
        intervals=_intervals(estimate),
        caveat=NO_CLAIM_OF_SAFETY,
        citation=citation(estimate),
        doubtful="" if ok else _doubt(estimate),
    )


def _wanted(estimate: Estimate, resolved: ResolvedStory) -> tuple[tuple[str, str], ...]:
    """What is trained, what is wanted and why it is expected, in the story's own words."""
    story = resolved.story
    argued = is_risk_argument(estimate)
    lines = [("Argued" if argued else "Trained", _line(story.summary))]
    if not argued:
        lines.append(("Wanted", _line(story.goal.specification)))
        lines.append(("Reasons given", reasons_words(story.rationale)))
    return tuple((word, words) for word, words in lines if words)


def _line(text: str) -> str:
    return shortened(first_sentences(plain(text), _SAYS_LITTLE), _LINE)


def _definition(estimate: Estimate) -> str:
    words = estimate["catastrophe_definition"]
    if not words:
        return "The story does not define what counts as a catastrophe."
    counted = shortened(first_sentences(plain(words), _SAYS_LITTLE), _DEFINITION)
    return f"What the story counts as a catastrophe: {counted}"


def _endings(estimate: Estimate) -> tuple[Ending, ...]:
    fates = estimate["fates"]
    argued = is_risk_argument(estimate)
    names = [
        name
        for name in argued_fates(estimate["kind"])
        if not (argued and name == "halted" and is_zero(fates[name]))
    ]
    endings = [_ending(estimate, name) for name in names]
    if argued:
        rest = max(0.0, 1 - sum(ending.share for ending in endings))
        endings.append(Ending(UNTOLD, UNTOLD_GLOSS, rest))
    return tuple(endings)


def _ending(estimate: Estimate, name: Fate) -> Ending:
    entry, errors = estimate["fates"][name], errors_of(estimate, name)
    gloss = halted_gloss(estimate) if name == "halted" else FATE_GLOSSES[name]
    return Ending(
        name=name,
        gloss=gloss,
        share=float(entry["mean"]),
        chance=percent(entry["mean"], errors.get("mean", 0.0)),
        band=band(entry, errors),
        count=cases(estimate, entry),
    )


def _intervals(estimate: Estimate) -> str:
    if not is_uncertain(estimate):
        return f"{fixed_words(estimate)}, so the odds have no intervals."
    return "Ranges are 90% intervals: how far the odds turn on the uncertain numbers of the story."


def _doubt(estimate: Estimate) -> str:
    messages = (f"{sentence_case(message)}." for message in estimate["diagnostics"]["messages"])
    return f"NOT RELIABLE: {NOT_RELIABLE} {' '.join(messages)}"
