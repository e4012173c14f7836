"""Event trees that have been walked: what they lead to, and a story of every ending."""

from dataclasses import dataclass, field
from functools import cached_property

from storyodds.priors.text.errors import InputError, Problem, printable
from storyodds.priors.text.phrases import did_you_mean, quoted
from storyodds.scenarios.open_psa.assembly import (
    Imported,
    Model,
    Subject,
    assembled,
    composites_of,
)
from storyodds.scenarios.open_psa.definitions import Definition
from storyodds.scenarios.open_psa.event_trees.alternatives import conjunction
from storyodds.scenarios.open_psa.event_trees.frequencies import Frequency
from storyodds.scenarios.open_psa.event_trees.walk import Way
from storyodds.scenarios.open_psa.formulas import Connective, Formula
from storyodds.scenarios.open_psa.numbers import Estimate
from storyodds.scenarios.open_psa.reader import Parts
from storyodds.scenarios.open_psa.story import Composites
from storyodds.scenarios.open_psa.tree import Tree

_APART = "How often that event happens is no part of it."
_SHOWN_NAMES = 10  # of sequences that a message lists


@dataclass(frozen=True)
class Ending:
    """What an initiating event may lead to: a sequence, a consequence, or a group of these.

    Attributes
    ----------
    definition : Definition
    ways : tuple of Way
        All that lead there; it comes about where what one of them collects holds.
    """

    definition: Definition
    ways: tuple[Way, ...]

    @property
    def formula(self) -> Formula:
        """What has to hold for it."""
        ways = tuple(conjunction(way.formulas) for way in self.ways)
        return ways[0] if len(ways) == 1 else Connective("or", ways)


@dataclass(frozen=True)
class Analysis:
    """An event tree as one initiating event starts it.

    Attributes
    ----------
    initiating : Definition or None
        None where the file has no initiating event for the event tree.
    event_tree : Definition
    frequency : Frequency or None
        None where the file does not say how often the initiating event happens.
    sequences, consequences : tuple of Ending
        In the order written, those alone to which a way leads.
    """

    initiating: Definition | None
    event_tree: Definition
    frequency: Frequency | None
    sequences: tuple[Ending, ...]
    consequences: tuple[Ending, ...]

    @property
    def name(self) -> str:
        """The name of the initiating event, or else of the event tree."""
        return (self.event_tree if self.initiating is None else self.initiating).name


@dataclass
class EventTreeModel:
    """All event trees of a file, walked.

    Attributes
    ----------
    file, title : str
    analyses : list of Analysis
    remarks : list of str
        What of the file comes to nothing.
    """

    file: str
    title: str
    analyses: list[Analysis]
    remarks: list[str]
    _tree: Tree = field(repr=False)
    _parts: Parts = field(repr=False)
    _gates: dict[Definition, Formula] = field(repr=False)
    _estimates: dict[Definition, Estimate] = field(repr=False)

    @cached_property
    def _shared(self) -> dict[Definition | None, Composites]:
        """Gates as all stories of an initiating event have them, by what it is for certain."""
        return {}

    def story_of(self, analysis: Analysis, ending: Ending) -> Imported:
        """Write the story of a sequence, given its initiating event.

        Raises
        ------
        ConstantError
            If it always or never comes about, so that there are no odds to be had.
        UnsupportedStoryError
            If it is too large.
        """
        condition = None if analysis.frequency is None else analysis.frequency.condition
        constant = dict(self._parts.constant)
        if condition is not None:
            constant[condition] = True
        if condition not in self._shared:
            self._shared[condition] = composites_of(self._gates, constant, self._estimates)
        estimates = {
            event: estimate for event, estimate in self._estimates.items() if event != condition
        }
        definition = ending.definition
        return assembled(
            Model(
                self._tree,
                self.title,
                definition,
                {**self._gates, definition: ending.formula},
                constant,
                estimates,
                f"that of the {definition.shown}, {given(analysis)}",
                notes=[*self._parts.notes, *([_APART] if analysis.frequency is not None else [])],
                shared=self._parts.shared,
                subject=Subject(
                    "event tree",
                    definition.kind,
                    f"{self.title}, {printable(definition.shown)}",
                    f"{analysis.name} {definition.name}",
                ),
                shared_gates=self._shared[condition],
            )
        )

    def find(
        self, name: str, initiating: str | None = None, *, consequence: bool = False
    ) -> tuple[Analysis, Ending]:
        """Find a sequence, or a consequence or group, by its name.

        Parameters
        ----------
        name : str
        initiating : str, optional
            The name of the initiating event, needed where it may come of several.
        consequence : bool

        Raises
        ------
        InputError
            If there is none of that name, or several.
        """
        option = "--consequence" if consequence else "--sequence"
        kind = "consequence, or group of them," if consequence else "sequence"
        every = [
            (analysis, ending)
            for analysis in self.analyses_of(initiating)
            for ending in (analysis.consequences if consequence else analysis.sequences)
        ]
        matching = [pair for pair in every if pair[1].definition.name == name]
        if len(matching) == 1:
            return matching[0]
        if matching:
            events = [analysis.name for analysis, _ in matching[:_SHOWN_NAMES]]
            raise self._refused(
                f"{option}: found {quoted(name)}, to which {len(matching)} initiating events lead "
                f"({', '.join(map(printable, events))}), expected one of them: choose it, as in "
                f"--initiating-event {printable(events[0])}"
            )
        names = list(dict.fromkeys(ending.definition.name for _, ending in every))
        listed = ", ".join(map(printable, names[:_SHOWN_NAMES]))
        more = ", …" if len(names) > _SHOWN_NAMES else ""
        raise self._refused(
            f"{option}: found {quoted(name)}, expected the name of a {kind} to which a way leads"
            f"{f': {listed}{more}' if names else ', of which there is none'}"
            f"{did_you_mean(name, names)}"
        )

    def analyses_of(self, initiating: str | None = None) -> list[Analysis]:
        """Return what one initiating event starts, or what all of them do."""
        if initiating is None:
            return self.analyses
        chosen = [analysis for analysis in self.analyses if analysis.name == initiating]
        if not chosen:
            names = [analysis.name for analysis in self.analyses]
            raise self._refused(
                f"--initiating-event: found {quoted(initiating)}, expected the name of an "
                f"initiating event with an event tree{did_you_mean(initiating, names)}"
            )
        return chosen

    def _refused(self, sentence: str) -> InputError:
        return InputError([Problem(sentence, self.file)])


def given(analysis: Analysis) -> str:
    """State given what the odds of an event tree are."""
    if analysis.initiating is None:
        return f"given that the event tree {printable(analysis.event_tree.name)} begins"
    return f"given the initiating event {printable(analysis.initiating.name)}"
