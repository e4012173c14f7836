"""Fault trees in the Open-PSA Model Exchange Format, imported as stories.

The basic events of the tree become free assumptions, its gates composites, and its top gate a
route that is the only way in which training ends anywhere but at the intended model. The
probability of that route is the probability of the top event, to a factor of 1 - 2**-60.
"""

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from storyodds.priors.text.errors import InputError, Problem, printable
from storyodds.priors.text.phrases import described, did_you_mean, quoted
from storyodds.priors.text.xml_reader import XmlDocument, read_xml
from storyodds.scenarios.grammar.loops import loops
from storyodds.scenarios.open_psa.assembly import Imported, Model, assembled
from storyodds.scenarios.open_psa.common_causes import CommonCauses, expanded, read_groups
from storyodds.scenarios.open_psa.definitions import (
    BASIC_EVENT,
    EVENT_TREE,
    GATE,
    HOUSE_EVENT,
    Definition,
)
from storyodds.scenarios.open_psa.expressions import Expressions
from storyodds.scenarios.open_psa.formulas import (
    Formula,
    definitions_in,
    house_value,
    read_formula,
)
from storyodds.scenarios.open_psa.numbers import Estimate, Numbers
from storyodds.scenarios.open_psa.phases import Phase, mission, read_phases
from storyodds.scenarios.open_psa.substituted import substituted
from storyodds.scenarios.open_psa.substitutions import Substitution, read_substitutions
from storyodds.scenarios.open_psa.tree import Tree, label_of, read_tree
from storyodds.scenarios.story import Story

_SHOWN_TOPS = 10  # top gates that a message lists


def import_open_psa(
    path: str | Path,
    top: str | None = None,
    *,
    mission_time: float | None = None,
    at_means: bool = False,
) -> Story:
    """Import a fault tree in the Open-PSA Model Exchange Format as a story.

    Parameters
    ----------
    path : str or pathlib.Path
        An XML file of at most 64 MiB. Entities are never expanded, and no other file is read.
    top : str, optional
        The name of the gate that matters; needed where several gates are part of no other, and
        beside event trees, which `import_sequence` reads.
    mission_time : float, optional
        Hours; needed where the file has `<system-mission-time>`.
    at_means : bool
        Whether uncertain numbers that a story cannot keep (inside a function, shared by several
        events, or of a distribution that stories do not have) are taken at their means; they are
        refused otherwise.

    Returns
    -------
    Story
        The probability of its one named route is the probability of the top gate.

    Raises
    ------
    InputError
        With everything in the file that is wrong or not supported, by line.
    UnsupportedStoryError
        If the tree has more than 500 basic events, or needs more than 2,000 assumptions in all.

    Notes
    -----
    House events are constants: they, and every gate that they decide, do not appear in the
    story. Units are honored, a year taken as 8,760 hours. A deviate that leaves 0 to 1 is cut off
    there: where that changes its mean by more than 5 % it is refused, where by more than 0.01 % a
    note of the number says so. Uncertain numbers of basic events are independent; a parameter with
    a deviate that two events share would move them together.

    A member of a common-cause group becomes a composite over independent events: the member alone,
    and each combination that it is in. Substitutions without a source are conditions that hold
    besides the top event; those with one change its minimal cut sets. The phases of an alignment
    are as likely as their shares of the time.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("lamp.xml").write_text('''<opsa-mef><define-fault-tree name="lamp">
    ...   <define-gate name="Dark">
    ...     <or><basic-event name="Bulb"/><basic-event name="Fuse"/></or>
    ...   </define-gate>
    ...   <define-basic-event name="Bulb"><float value="0.1"/></define-basic-event>
    ...   <define-basic-event name="Fuse"><float value="0.01"/></define-basic-event>
    ... </define-fault-tree></opsa-mef>''')
    >>> story = import_open_psa("lamp.xml")
    >>> story.assumptions["dark-gate"].holds_when
    AnyOf(any=('bulb', 'fuse'))
    """
    return read_open_psa(path, top, mission_time=mission_time, at_means=at_means).story


def read_open_psa(
    path: str | Path,
    top: str | None = None,
    *,
    mission_time: float | None = None,
    at_means: bool = False,
) -> Imported:
    """Import a fault tree, with what the story has otherwise than the file.

    Parameters
    ----------
    path : str or pathlib.Path
    top : str, optional
    mission_time : float, optional
        Hours.
    at_means : bool
        All as `import_open_psa` takes them.

    Returns
    -------
    Imported
    """
    return imported(read_xml(Path(path)), top, mission_time=mission_time, at_means=at_means)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file has outside of event trees, as far as it could be read."""

    gates: Mapping[Definition, Formula | None]
    houses: Mapping[Definition, bool | None]
    estimates: Mapping[Definition, Estimate | None]
    causes: CommonCauses
    phases: list[Phase]
    substitutions: list[Substitution]


def imported(
    document: XmlDocument,
    top: str | None = None,
    *,
    mission_time: float | None = None,
    at_means: bool = False,
) -> Imported:
    """Turn the text of a fault tree into a story; `import_open_psa` says how."""
    reading = reading_of(document, mission_time, at_means=at_means)
    tree = reading.tree
    event_tree = next(tree.of_kind(EVENT_TREE), None)
    if event_tree is not None and top is None:
        tree.complain(
            "found an event tree, expected --sequence with the name of a sequence of it, or --top "
            "with that of a gate; storyodds sequences lists the sequences",
            event_tree.element,
            event_tree,
        )
    chosen = None if event_tree is not None and top is None else _top_of(tree, reading.gates, top)
    parts = settled(reading)
    assert chosen is not None  # or there is a problem
    final, gates, meaning = substituted(
        tree, chosen, parts.gates, parts.constant, parts.substitutions
    )
    return assembled(
        Model(
            *(tree, reading.cite, final, gates, parts.constant, parts.estimates, meaning),
            notes=parts.notes,
            shared=parts.shared,
        )
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """A file as far as it could be read; what is wrong stands in the problems of its tree.

    Attributes
    ----------
    tree : Tree
    cite : str
        Where the numbers come from.
    numbers : Numbers
    expressions : Expressions
    mission_time : float or None
        Hours.
    contents : Contents
        Gates, events, and what changes them.
    """

    tree: Tree
    cite: str
    numbers: Numbers
    expressions: Expressions
    mission_time: float | None
    contents: Contents

    @property
    def gates(self) -> Mapping[Definition, Formula | None]:
        """The gates of the file."""
        return self.contents.gates


def reading_of(
    document: XmlDocument, mission_time: float | None, *, at_means: bool = False
) -> Reading:
    """Read everything in a file but what is inside of event trees.

    Parameters
    ----------
    document : XmlDocument
    mission_time : float, optional
        Hours.
    at_means : bool
        As `import_open_psa` takes them.

    Raises
    ------
    InputError
        If the mission time is none.
    """
    _check_mission_time(document, mission_time)
    tree = read_tree(document)
    cite = printable(_title(tree) or Path(document.file).name)
    groups = read_groups(tree)
    expressions = Expressions(tree, mission_time, at_means=at_means)
    numbers = Numbers(tree, cite, expressions)
    contents = _contents(tree, numbers, expanded(tree, numbers, groups))
    _find_loops(tree, contents.gates)
    return Reading(tree, cite, numbers, expressions, mission_time, contents)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a file that can be read is made of.

    Attributes
    ----------
    gates, constant, estimates, notes, shared
        As in `Model`.
    substitutions : list of Substitution
    """

    gates: dict[Definition, Formula]
    constant: dict[Definition, bool]
    estimates: dict[Definition, Estimate]
    notes: list[str]
    shared: Callable[[Estimate], Estimate] | None
    substitutions: list[Substitution]


def settled(reading: Reading) -> Parts:
    """Put a file's phases and groups in the place of what they change.

    Raises
    ------
    InputError
        With everything in the file that is wrong or not supported, by line.
    """
    tree, numbers, contents = reading.tree, reading.numbers, reading.contents
    refuse_mistakes(tree)
    world = mission(contents.phases, _present(contents.houses), numbers)
    gates: dict[Definition, Formula] = _present(contents.gates)
    gates |= {**contents.causes.gates, **world.gates}
    estimates = {**_present(contents.estimates), **contents.causes.estimates, **world.estimates}
    hours = reading.mission_time
    notes = [f"The mission time is {hours:,g} hours."] if hours is not None else []
    notes += [text for text in (contents.causes.note, world.note) if text]
    shared = numbers.at_mean if reading.expressions.at_means else None
    return Parts(gates, world.constant, estimates, notes, shared, contents.substitutions)


def _contents(tree: Tree, numbers: Numbers, causes: CommonCauses) -> Contents:
    return Contents(
        gates={gate: read_formula(tree, gate) for gate in tree.of_kind(GATE)},
        houses={event: house_value(tree, event) for event in tree.of_kind(HOUSE_EVENT)},
        estimates={
            event: numbers.estimate_of(event)
            for event in tree.of_kind(BASIC_EVENT)
            if event not in causes.members
        },
        causes=causes,
        phases=read_phases(tree),
        substitutions=read_substitutions(tree, causes.members),
    )


def _present[K, V](mapping: Mapping[K, V | None]) -> dict[K, V]:
    return {key: value for key, value in mapping.items() if value is not None}


def refuse_mistakes(tree: Tree) -> None:
    """Raise what is wrong with a file, if anything is.

    Raises
    ------
    InputError
    """
    if tree.problems:
        raise InputError(sorted(tree.problems, key=_place))


def _title(tree: Tree) -> str:
    """What a file is called: as a whole, or as its first event tree or fault tree is."""
    root, event_tree = tree.document.root, next(tree.of_kind(EVENT_TREE), None)
    own = label_of(root) or root.attributes.get("name", "")
    event_title = "" if event_tree is None else event_tree.label or event_tree.name
    return own or event_title or tree.title or tree.name


def _check_mission_time(document: XmlDocument, hours: float | None) -> None:
    if hours is not None and not 0.0 < hours < math.inf:
        sentence = f"--mission-time: found {described(hours)}, expected hours, a number above 0"
        raise InputError([Problem(sentence, document.file)])


def _place(problem: Problem) -> tuple[int, int]:
    """Where a mistake stands; one of the whole file is likelier to follow from the others."""
    return (problem.line or sys.maxsize, problem.column or 0)


def _find_loops(tree: Tree, gates: Mapping[Definition, Formula | None]) -> None:
    by_name = {gate.full_name: gate for gate in gates}
    for loop in loops(_uses(gates)):
        first = by_name[loop[0]]
        drawn = " -> ".join([*(loop if len(loop) <= 12 else [*loop[:10], "…"]), loop[0]])
        sentence = f"found the loop {drawn}, expected no gate to depend on itself"
        tree.complain(sentence, first.element, first)


def _uses(gates: Mapping[Definition, Formula | None]) -> dict[str, list[str]]:
    """Which gates each gate names, by full name."""
    return {
        gate.full_name: [
            part.full_name
            for part in (definitions_in(formula) if formula is not None else ())
            if part in gates
        ]
        for gate, formula in gates.items()
    }


def _top_of(
    tree: Tree, gates: Mapping[Definition, Formula | None], top: str | None
) -> Definition | None:
    """Find the gate that the story is about."""
    by_name = {gate.full_name: gate for gate in gates}
    if top is not None:
        chosen = tree.find_gate(top)
        if chosen is None:
            hint = did_you_mean(top, [*(gate.name for gate in gates), *by_name])
            sentence = f"--top: found {quoted(top)}, expected the name of a gate of the tree{hint}"
            tree.problems.append(Problem(sentence, tree.document.file))
        return chosen
    inner = {name for names in _uses(gates).values() for name in names}
    tops = [gate for name, gate in by_name.items() if name not in inner]
    if len(tops) == 1:
        return tops[0]
    if tree.problems:  # a formula that could not be read may name the others
        return None
    if not tops:
        tree.complain("found no gate, expected one for the top event", tree.document.root)
        return None
    names = [gate.name if gate.public else gate.full_name for gate in tops[:_SHOWN_TOPS]]
    more = ", …" if len(tops) > _SHOWN_TOPS else ""
    tree.problems.append(
        Problem(
            f"found {len(tops)} gates that are part of no other: {', '.join(names)}{more}; "
            f"expected one; choose it, as in --top {names[0]}",
            tree.document.file,
        )
    )
    return None
