"""The event trees of an Open-PSA file, from its text to the endings that they have."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from storyodds.priors.text.errors import UnsupportedStoryError, printable
from storyodds.priors.text.phrases import quoted
from storyodds.priors.text.xml_reader import XmlDocument, read_xml
from storyodds.scenarios.open_psa.definitions import (
    BRANCH,
    EVENT_TREE,
    INITIATING_EVENT,
    SEQUENCE,
    Definition,
)
from storyodds.scenarios.open_psa.event_trees.alternatives import Alternatives
from storyodds.scenarios.open_psa.event_trees.consequences import (
    Consequence,
    by_initiating,
    read_consequences,
)
from storyodds.scenarios.open_psa.event_trees.flavors import Flavors
from storyodds.scenarios.open_psa.event_trees.frequencies import frequency_of
from storyodds.scenarios.open_psa.event_trees.model import Analysis, Ending, EventTreeModel
from storyodds.scenarios.open_psa.event_trees.reader import EventTrees, read_event_trees
from storyodds.scenarios.open_psa.event_trees.structure import Link, inner
from storyodds.scenarios.open_psa.event_trees.walk import Walk, Way
from storyodds.scenarios.open_psa.reader import reading_of, refuse_mistakes, settled
from storyodds.scenarios.open_psa.tree import Tree
from storyodds.scenarios.story import Story


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
    by_event = by_initiating(read_consequences(tree))
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
    places = {sequence: place for place, sequence in enumerate(event_trees.sequences)}
    analyses = []
    try:
        for initiating, event_tree in _started(event_trees, starts):
            sequences = _by_sequence(walk.ways(event_tree, initiating), places)
            consequences = () if initiating is None else by_event.get(initiating, ())
            analyses.append(
                Analysis(
                    initiating,
                    event_tree,
                    None if initiating is None else frequencies[initiating],
                    tuple(Ending(sequence, tuple(ways)) for sequence, ways in sequences.items()),
                    tuple(_together(tree, own, sequences) for own in consequences),
                )
            )
    except UnsupportedStoryError:
        refuse_mistakes(tree)  # which may be why there is so much
        raise
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


def _together(
    tree: Tree, consequence: Consequence, sequences: Mapping[Definition, Sequence[Way]]
) -> Ending:
    """Join the ways of all sequences of a consequence, complaining where there is none."""
    ways = (way for sequence in consequence.sequences for way in sequences.get(sequence, ()))
    ending = Ending(consequence.definition, tuple(ways))
    if not ending.ways:
        tree.complain(
            "found a sequence to which no way leads from the initiating event, expected one to "
            "which a way leads",
            ending.definition.element,
            ending.definition,
        )
    return ending


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
