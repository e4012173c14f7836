"""Alignments: the phases of a mission, each a share of its time with house events of its own."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from storyodds.priors.text.phrases import quoted
from storyodds.priors.text.xml_reader import Element
from storyodds.scenarios.checks.consistency import MAX_FREE
from storyodds.scenarios.open_psa.definitions import ALIGNMENT, HOUSE_EVENT, PHASE, Definition
from storyodds.scenarios.open_psa.expressions import MISSION_TIME
from storyodds.scenarios.open_psa.formulas import Connective, Formula, read_constant
from storyodds.scenarios.open_psa.grammar import check_descriptions, only_content
from storyodds.scenarios.open_psa.numbers import Estimate, Numbers
from storyodds.scenarios.open_psa.quantities.units import Quantity
from storyodds.scenarios.open_psa.tree import Tree, required

# How far the shares of a mission may be from 1 in all: what rounding to four digits does.
_ROUNDING: Final = 1e-4
# Below this, what they are from 1 is what adding doubles leaves open, and nobody need be told.
_EXACT: Final = 1e-12
_SHOWN_PHASES = 5  # in a claim
_FORWARD: Final = "forward"


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase: its share of the mission's time, and the truth of house events in it."""

    definition: Definition
    share: float
    houses: Mapping[Definition, bool]


@dataclass
class Mission:
    """What an alignment puts in the place of house events.

    Attributes
    ----------
    gates : dict of Definition to Formula
        House events that change, and phases.
    estimates : dict of Definition to Estimate
        Of being in a phase, if not in a rarer one.
    constant : dict of Definition to bool
        House events that are the same in every phase.
    """

    gates: dict[Definition, Formula] = field(default_factory=dict)
    estimates: dict[Definition, Estimate] = field(default_factory=dict)
    constant: dict[Definition, bool] = field(default_factory=dict)

    @property
    def note(self) -> str:
        """A sentence on what was done."""
        if not self.gates:
            return ""
        return (
            "A run is in one phase of the mission, each as likely as its share of the time, so "
            "that every probability is an average over the mission."
        )


def read_phases(tree: Tree) -> list[Phase]:
    """Read the phases of the one alignment of a file; none where it has no alignment."""
    alignments = list(tree.of_kind(ALIGNMENT))
    for extra in alignments[1:]:
        tree.complain(
            f"found a second alignment, expected one; the first is in line "
            f"{alignments[0].element.line}",
            extra.element,
            extra,
        )
    return _phases(tree, alignments[0]) if len(alignments) == 1 else []


def _phases(tree: Tree, alignment: Definition) -> list[Phase]:
    element = alignment.element
    phases = []
    for child in element.children:
        if child.tag == "define-phase":
            phase = _phase(tree, child, alignment)
            phases.extend([] if phase is None else [phase])
    _check_names(tree, alignment)
    total = math.fsum(phase.share for phase in phases)
    whole = len(phases) == sum(child.tag == "define-phase" for child in element.children)
    if whole and abs(total - 1.0) > _ROUNDING:
        sentence = f"found time fractions that add up to {total:g}, expected 1"
        tree.complain(sentence, element, alignment)
    if len(phases) > MAX_FREE:
        sentence = f"found {len(phases):,} phases, expected at most {MAX_FREE}"
        tree.complain(sentence, element, alignment)
    if len(phases) > 1:
        _refuse_mission_time(tree, alignment)
    return phases


def _check_names(tree: Tree, alignment: Definition) -> None:
    phases = [child for child in alignment.element.children if child.tag == "define-phase"]
    first: dict[str, Element] = {}
    for phase in phases:
        name = phase.attributes.get("name", "").strip()
        if name and first.setdefault(name, phase) is not phase:
            tree.complain(
                f"found the phase {quoted(name)} again, expected a name of its own; the first is "
                f"in line {first[name].line}",
                phase,
                alignment,
            )


def _refuse_mission_time(tree: Tree, alignment: Definition) -> None:
    """Refuse numbers of which nobody can tell whether they are of a phase or of the mission."""
    times = (part for part in tree.document.root.walk() if part.tag == MISSION_TIME)
    time = next(times, None)
    if time is not None:
        tree.complain(
            f"found <{MISSION_TIME}> beside phases, each of them a part of that time, expected "
            "numbers that are the same in every phase: write the time as a number of hours",
            time,
            alignment,
        )


def _phase(tree: Tree, element: Element, alignment: Definition) -> Phase | None:
    name = required(tree, element, "name", alignment)
    text = required(tree, element, "time-fraction", alignment)
    share = _share(tree, text, element, alignment) if text is not None else None
    label = "The mission is in this phase"
    definition = Definition(PHASE, name or "?", alignment.scope, True, label, element, None)
    check_descriptions(tree, element, definition)
    houses: dict[Definition, bool] = {}
    for child in element.children:
        if child.tag == "set-house-event":
            direction = child.attributes.get("direction")
            if direction is not None:  # which only ways through event trees have
                tree.complain(
                    f"found the attribute 'direction' ({quoted(direction)}) in a phase, expected "
                    "name alone",
                    child,
                    alignment,
                )
            houses |= _setting(tree, child, definition, houses)
    return None if name is None or share is None else Phase(definition, share, houses)


def _share(tree: Tree, text: str, element: Element, alignment: Definition) -> float | None:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if 0.0 < share <= 1.0 and text.isascii() and "_" not in text:
        return share
    sentence = f"found time-fraction={quoted(text)}, expected a number above 0 and at most 1"
    tree.complain(sentence, element, alignment)
    return None


def _setting(
    tree: Tree, element: Element, phase: Definition, houses: Mapping[Definition, bool]
) -> dict[Definition, bool]:
    """Return the house event that a phase sets, with its truth."""
    setting = house_setting(tree, element, phase)
    if setting is None:
        return {}
    house, truth = setting
    if house in houses:
        name = element.attributes["name"].strip()
        sentence = f"found {quoted(name)} set again in this phase, expected it once"
        tree.complain(sentence, element, phase)
    return {house: truth}


def house_setting(
    tree: Tree, element: Element, owner: Definition
) -> tuple[Definition, bool] | None:
    """Return the house event that an instruction sets, with its truth; None where it is wrong."""
    name = required(tree, element, "name", owner)
    direction = element.attributes.get("direction", _FORWARD).strip()
    if direction != _FORWARD:
        tree.complain(
            f"found direction={quoted(direction)}, which is not supported, expected {_FORWARD}, "
            "for what comes after it",
            element,
            owner,
        )
    content = only_content(tree, element, owner, "one constant")
    truth = None if content is None else read_constant(tree, content, owner)
    house = None if name is None else tree.lookup(name)
    if name is None or truth is None or (house is None and tree.is_spoiled(name)):
        return None
    if house is None or house.kind != HOUSE_EVENT:
        names = (event.name for event in tree.of_kind(HOUSE_EVENT))
        tree.complain(
            f"found {quoted(name)}, expected the name of a house event that the file defines"
            f"{tree.nearest_name(name, names)}",
            element,
            owner,
        )
        return None
    return house, truth


def mission(
    phases: Sequence[Phase], houses: Mapping[Definition, bool], numbers: Numbers
) -> Mission:
    """Turn phases into events of which exactly one happens, and house events into those.

    The commonest phase is where no other one is, so that the chance of each rarer one is close
    to its share of the time.
    """
    ordered = sorted(phases, key=lambda phase: phase.share)
    result = Mission(constant=dict(houses))
    truths = {
        house: [phase.houses.get(house, truth) for phase in ordered]
        for house, truth in houses.items()
    }
    changing = {house: values for house, values in truths.items() if len(set(values)) > 1}
    for house, values in truths.items():
        result.constant[house] = values[0] if values else houses[house]
    for house in changing:
        del result.constant[house]
    if changing:
        parts = _exclusive(ordered, numbers, result)
        for house, values in changing.items():
            chosen = tuple(part for part, value in zip(parts, values, strict=True) if value)
            result.gates[house] = Connective("or", chosen)
    return result


def _exclusive(ordered: Sequence[Phase], numbers: Numbers, result: Mission) -> list[Definition]:
    """Return an event or gate for each phase, the last one where no other is."""
    total = math.fsum(phase.share for phase in ordered)
    entries: list[Definition] = []
    for position, phase in enumerate(ordered[:-1]):
        rest = math.fsum(later.share for later in ordered[position:])
        entry = _entry(phase.definition, ordered[:position])
        entries.append(entry)
        note = f"{phase.share:.6g} of the time"
        note += f", of {rest:.6g} that rarer phases leave." if position else "."
        estimate = numbers.computed(Quantity(phase.share / rest), note)
        if abs(total - 1.0) > _EXACT:
            remark = f"The time fractions add up to {total:.6g}; each is taken as a share of that."
            estimate = Estimate(estimate.prior, None, remark)
        result.estimates[entry] = estimate
    for position, phase in enumerate(ordered[1:], 1):
        earlier = tuple(Connective("not", (entry,)) for entry in entries[:position])
        own = tuple(entries[position : position + 1])
        result.gates[phase.definition] = Connective("and", (*earlier, *own))
    return [phase.definition for phase in ordered]


def _entry(phase: Definition, earlier: Sequence[Phase]) -> Definition:
    """Return the event of being in a phase where the mission is in none of the earlier ones."""
    if not earlier:
        return phase
    names = [before.definition.name for before in earlier]
    listed = ", ".join(names[:_SHOWN_PHASES]) + ", …" * (len(names) > _SHOWN_PHASES)
    label = f"{phase.label}, if in none of {listed}"
    name = f"{phase.name} if not rarer"
    return Definition(PHASE, name, phase.scope, True, label, phase.element, None)
