"""The few numbers that would change the odds most, each over its own range, in words."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.documents.cards.parts import CardParts
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.labels import claims
from storyodds.reports.words.levers import lever_words, value_range, value_words
from storyodds.reports.words.numbers import counted, listed, percent, sentence_case
from storyodds.reports.words.sentences import fixed_words, headline_fates, is_uncertain
from storyodds.reports.words.shortening import shortened
from storyodds.scenarios.resolve import ResolvedStory

MOST = 3  # that anybody keeps in mind
_TELLING = 2.0  # errors of a difference, within which two numbers are not told apart
_CLAIM = 150  # characters: two lines under a lever


@dataclass(frozen=True)
class Effect:
    """What a lever does to one ending.

    Attributes
    ----------
    event : str
    low, high : str
        The chance with the number at the low and at the high end of its range.
    tied : int
        How many other numbers move it as much, as far as can be told.
    """

    event: str
    low: str
    high: str
    tied: int = 0

    @property
    def words(self) -> str:
        """Give the change in a few words."""
        return f"{self.event} {self.low} → {self.high}"

    @property
    def also(self) -> str:
        """Say that others move it as much; nothing where none does."""
        return f"{counted(self.tied, 'other')} cannot be told from it" if self.tied else ""


@dataclass(frozen=True)
class Lever:
    """A number that moves an ending much.

    Attributes
    ----------
    name : str
        In the story.
    words : str
        What it is, as the subject of a sentence.
    range : str
        From the 5 to the 95 percent point of its prior.
    ends : tuple of str
        Both of them.
    effects : tuple of Effect
    claim : str
        Of the part that it belongs to; may be empty.
    """

    name: str
    words: str
    range: str
    ends: tuple[str, str]
    effects: tuple[Effect, ...]
    claim: str

    @property
    def sentence(self) -> str:
        """Say all of it."""
        changes = [
            f"{effect.event} from {effect.low} to {effect.high}"
            + (f" ({effect.also})" if effect.also else "")
            for effect in self.effects
        ]
        return (
            f"{sentence_case(self.words)}: taking that alone from {self.ends[0]} to {self.ends[1]} "
            f"takes {listed(changes)}."
        )


def levers_of(estimate: Estimate, resolved: ResolvedStory, local: Json | None) -> tuple[Lever, ...]:
    """Choose at most three numbers: the first for each ending, and the next for the worst.

    Parameters
    ----------
    estimate : mapping
        "storyodds/estimate/1".
    resolved : ResolvedStory
    local : mapping or None
        The local part of "storyodds/sensitivity/1".
    """
    if local is None:
        return ()
    events = tuple(reversed(headline_fates(estimate)))  # the worst first
    ranked = {event: _ranked(local["numbers"], event) for event in events}
    chosen: dict[str, list[tuple[str, int]]] = {}
    for event in events:
        for number in ranked[event][:1]:
            tied = _tied(ranked[event], event)
            chosen.setdefault(number["name"], []).append((event, tied))
    for number in ranked[events[0]][1:]:
        if len(chosen) < MOST and number["name"] not in chosen:
            chosen[number["name"]] = [(events[0], 0)]
    by_name = {number["name"]: number for number in local["numbers"]}
    return tuple(_lever(by_name[name], resolved, effects) for name, effects in chosen.items())


def _ranked(numbers: Sequence[Json], event: str) -> list[Json]:
    """Numbers that move an event by more than chance, the largest swing first."""
    moving = [
        n
        for n in numbers
        if n["swing"] is not None and abs(n["swing"][event]) > _TELLING * n["swing_error"][event]
    ]
    return sorted(moving, key=lambda n: -abs(float(n["swing"][event])))


def _tied(ranked: Sequence[Json], event: str) -> int:
    """How many further numbers move an event as much as the first, as far as can be told."""
    first, *numbers = ranked
    return sum(
        abs(first["swing"][event]) - abs(number["swing"][event])
        <= _TELLING * math.hypot(first["swing_error"][event], number["swing_error"][event])
        for number in numbers
    )


def _lever(number: Json, resolved: ResolvedStory, effects: Sequence[tuple[str, int]]) -> Lever:
    name, kind = str(number["name"]), str(number["kind"])
    low, high = number["low"], number["high"]
    return Lever(
        name=name,
        words=lever_words(name, resolved),
        range=value_range(low["value"], high["value"], kind),
        ends=(value_words(low["value"], kind), value_words(high["value"], kind)),
        effects=tuple(
            Effect(
                event,
                percent(low["mean"][event], low["error"][event]),
                percent(high["mean"][event], high["error"][event]),
                tied,
            )
            for event, tied in effects
        ),
        claim=shortened(claims(resolved).get(name.partition(".")[0], ""), _CLAIM),
    )


def no_lever(estimate: Estimate, parts: CardParts, reasons: Mapping[str, str]) -> str:
    """Say why no number is named."""
    if not is_uncertain(estimate):
        return f"{fixed_words(estimate)}, so none has a range over which to move the odds."
    if "local" not in parts:
        return reasons.get("local", "Which number moves the odds most was not worked out.")
    events = listed(headline_fates(estimate)).replace(" and ", " or ")
    return f"No uncertain number moves {events} by itself by more than chance."
