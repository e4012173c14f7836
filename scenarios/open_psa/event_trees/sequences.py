"""The sequences of an Open-PSA file's event trees, and a story of each of them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from storyodds.priors.text.errors import InputError, Problem, printable
from storyodds.priors.text.phrases import did_you_mean, quoted
from storyodds.priors.text.xml_reader import XmlDocument, read_xml
from storyodds.scenarios.open_psa.assembly import (
    Imported,
    Model,
    Subject,
    assembled,
    composites_of,
)
from storyodds.scenarios.open_psa.definitions import (
    BRANCH,
    EVENT_TREE,
    INITIATING_EVENT,
    SEQUENCE,
    Definition,
)
from storyodds.scenarios.open_psa.event_trees.alternatives import Alternatives, conjunction
from storyodds.scenarios.open_psa.event_trees.consequences import (
    Consequence,
    by_initiating,
    read_consequences,
)
from storyodds.scenarios.open_psa.event_trees.flavors import Flavors
from storyodds.scenarios.open_psa.event_trees.frequencies import Frequency, frequency_of
from storyodds.scenarios.open_psa.event_trees.reader import EventTrees, read_event_trees
from storyodds.scenarios.open_psa.event_trees.structure import Link, inner
from storyodds.scenarios.open_psa.event_trees.walk import Walk, Way
from storyodds.scenarios.open_psa.formulas import Connective, Formula
from storyodds.scenarios.open_psa.numbers import Estimate
from storyodds.scenarios.open_psa.reader import (
    Parts,
    reading_of,
    refuse_mistakes,
    settled,
)
from storyodds.scenarios.open_psa.story import Composites
from storyodds.scenarios.open_psa.tree import Tree
from storyodds.scenarios.story import Story

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


def import_sequence(
    path: str | Path,
    sequence: str,
    *,
    initiating_event: str | None = None,
    mission_time: float | None = None,
    at_means: bool = False,
) -> Story:
    """Import a sequence of an event tree in the Open-PSA Model Exchange Format as a story.

    Parameters
    ----------
    path : str or pathlib.Path
        An XML file, as `import_open_psa` takes them.
    sequence : str
        Its name.
    initiating_event : str, optional
        The name of the initiating event; needed where several lead to the sequence.
    mission_time : float, optional
        Hours.
    at_means : bool
        All as `import_open_psa` takes them.

    Returns
    -------
    Story
        The probability of its one named route is that of the sequence, given the initiating event.

    Raises
    ------
    InputError
        With everything in the file that is wrong or not supported, by line; or if the sequence
        always or never comes about.
    UnsupportedStoryError
        If the event trees or the story are too large.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("alarm.xml").write_text('''<opsa-mef>
    ...   <define-initiating-event name="Fire" event-tree="Alarm"/>
    ...   <define-event-tree name="Alarm">
    ...     <define-functional-event name="Bell"/>
    ...     <define-sequence name="Warned"/> <define-sequence name="Silent"/>
    ...     <initial-state> <fork functional-event="Bell">
    ...       <path state="rings">
    ...         <collect-formula><not><basic-event name="Broken"/></not></collect-formula>
    ...         <sequence name="Warned"/>
    ...       </path>
    ...       <path state="fails">
    ...         <collect-formula><basic-event name="Broken"/></collect-formula>
    ...         <sequence name="Silent"/>
    ...       </path>
    ...     </fork> </initial-state>
    ...   </define-event-tree>
    ...   <model-data>
    ...     <define-basic-event name="Broken"><float value="0.1"/></define-basic-event>
    ...   </model-data>
    ... </opsa-mef>''')
    >>> story = import_sequence("alarm.xml", "Silent")
    >>> story.assumptions["silent-gate"].holds_when
    'broken'
    """
    document = read_xml(Path(path))
    model = event_tree_model(document, mission_time=mission_time, at_means=at_means)
    return model.story_of(*model.find(sequence, initiating_event)).story


def event_tree_model(
    document: XmlDocument, *, mission_time: float | None = None, at_means: bool = False
) -> EventTreeModel:
    """Read the event trees of a file and walk them.

    Parameters
    ----------
    document : XmlDocument
    mission_time : float, optional
        Hours.
    at_means : bool
        Both as `import_open_psa` takes them.

    Raises
    ------
    InputError
        With everything in the file that is wrong or not supported, by line.
    UnsupportedStoryError
        If there are too many ways.
    """
    reading = reading_of(document, mission_time, at_means=at_means)
    tree = reading.tree
    event_trees = read_event_trees(reading)
    starts = _starts(tree)
    frequencies = {event: frequency_of(reading, event) for event in starts}
    consequences = by_initiating(read_consequences(tree))
    if not event_trees.trees and not tree.problems:
        tree.complain("found no event tree, expected one", document.root)
    for substitution in reading.contents.substitutions[:1]:
        tree.complain(
            "found a substitution beside event trees, which is not supported, expected none",
            substitution.definition.element,
            substitution.definition,
        )
    parts = settled(reading)
    flavors = Flavors(parts.gates, parts.constant, event_trees.houses, document.file)
    alternatives = Alternatives(tree, reading.numbers, at_means)
    walk = Walk(tree, event_trees, flavors, alternatives)
    analyses = []
    order = {sequence: place for place, sequence in enumerate(event_trees.sequences)}
    for initiating, event_tree in _started(event_trees, starts):
        frequency = None if initiating is None else frequencies[initiating]
        sequences = _by_sequence(walk.ways(event_tree, initiating), order)
        own = [] if initiating is None else consequences.get(initiating, [])
        endings = [_together(consequence, sequences) for consequence in own]
        for ending in endings:
            if not ending.ways:
                tree.complain(
                    "found a sequence to which no way leads from the initiating event, expected "
                    "one to which a way leads",
                    ending.definition.element,
                    ending.definition,
                )
        listed = tuple(Ending(sequence, tuple(ways)) for sequence, ways in sequences.items())
        analyses.append(Analysis(initiating, event_tree, frequency, listed, tuple(endings)))
    refuse_mistakes(tree)
    return EventTreeModel(
        document.file,
        reading.cite,
        analyses,
        list(_idle(tree, analyses, walk.reached)),
        tree,
        parts,
        {**parts.gates, **flavors.gates},
        {**parts.estimates, **alternatives.estimates},
    )


def _together(consequence: Consequence, sequences: Mapping[Definition, Sequence[Way]]) -> Ending:
    """Join the ways of all sequences of a consequence."""
    ways = (way for sequence in consequence.sequences for way in sequences.get(sequence, ()))
    return Ending(consequence.definition, tuple(ways))


def _starts(tree: Tree) -> dict[Definition, Definition | None]:
    """The event tree that each initiating event starts."""
    starts: dict[Definition, Definition | None] = {}
    for event in tree.of_kind(INITIATING_EVENT):
        name = event.element.attributes.get("event-tree", "").strip()
        starts[event] = tree.lookup(name, (), EVENT_TREE) if name else None
        stated = "event-tree" in event.element.attributes
        if stated and starts[event] is None and not tree.is_spoiled(name):
            names = (other.name for other in tree.of_kind(EVENT_TREE))
            tree.complain(
                f"found event-tree={quoted(name)}, expected the name of an event tree that the "
                f"file defines{tree.nearest_name(name, names)}",
                event.element,
                event,
            )
    return starts


def _started(
    event_trees: EventTrees, starts: dict[Definition, Definition | None]
) -> Iterator[tuple[Definition | None, Definition]]:
    """Pairs of an initiating event and its event tree; then event trees that nothing leads to."""
    for initiating, event_tree in starts.items():
        if event_tree is not None:
            yield initiating, event_tree
    used = {event_tree for event_tree in starts.values() if event_tree is not None}
    instructions = (*event_trees.sequences.values(), *event_trees.rules.values())
    used |= {part.tree for block in instructions for part in inner(block) if isinstance(part, Link)}
    for event_tree in event_trees.trees:
        if event_tree not in used:
            yield None, event_tree


def _by_sequence(
    ways: Sequence[Way], order: Mapping[Definition, int]
) -> dict[Definition, list[Way]]:
    ends: dict[Definition, list[Way]] = {}
    for way in ways:
        ends.setdefault(way.sequence, []).append(way)
    return {sequence: ends[sequence] for sequence in sorted(ends, key=order.__getitem__)}


def _idle(
    tree: Tree, analyses: Sequence[Analysis], reached: Collection[Definition]
) -> Iterator[str]:
    """What nothing comes of: what no way leads to, initiating events without an event tree."""
    started = {analysis.initiating for analysis in analyses}
    for event in tree.of_kind(INITIATING_EVENT):
        if event not in started:
            yield f"{printable(event.shown)}: It starts no event tree."
    for kind in (SEQUENCE, BRANCH):
        for part in tree.of_kind(kind):
            if part not in reached:
                yield f"{printable(part.shown)}: No way leads to it."
