"""Consequences of an Open-PSA file: sequences under names of their own, and groups of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from storyodds.priors.text.phrases import quoted
from storyodds.priors.text.xml_reader import Element
from storyodds.scenarios.grammar.loops import bottom_up, loops
from storyodds.scenarios.open_psa.definitions import (
    CONSEQUENCE,
    CONSEQUENCE_GROUP,
    INITIATING_EVENT,
    SEQUENCE,
    Definition,
)
from storyodds.scenarios.open_psa.grammar import only_child
from storyodds.scenarios.open_psa.tree import Tree, required

_KINDS = {
    "initiating-event": INITIATING_EVENT,
    "sequence": SEQUENCE,
    "consequence": CONSEQUENCE,
    "consequence-group": CONSEQUENCE_GROUP,
}


@dataclass(frozen=True, slots=True)
class Consequence:
    """A consequence or a group: sequences that an initiating event may lead to.

    Attributes
    ----------
    definition : Definition
    initiating : Definition
        The initiating event of all of them.
    sequences : tuple of Definition
    """

    definition: Definition
    initiating: Definition
    sequences: tuple[Definition, ...]


def read_consequences(tree: Tree) -> list[Consequence]:
    """Read the consequences of a file, then the groups, complaining of what is wrong with them."""
    single: dict[Definition, Consequence | None] = {
        item: _consequence(tree, item) for item in tree.of_kind(CONSEQUENCE)
    }
    members = {group: _members(tree, group) for group in tree.of_kind(CONSEQUENCE_GROUP)}
    inner = {
        group.name: [member.name for member in own if member.kind == CONSEQUENCE_GROUP]
        for group, own in members.items()
    }
    by_name = {group.name: group for group in members}
    circles = list(loops(inner))
    for loop in circles:
        first = by_name[loop[0]]
        drawn = " -> ".join([*loop, loop[0]])
        sentence = f"found the loop {drawn}, expected no group to be in itself"
        tree.complain(sentence, first.element, first)
    whole = dict(single)
    for name in [] if circles else bottom_up(inner):
        group = by_name[name]
        whole[group] = _group(tree, group, [whole.get(member) for member in members[group]])
    return [item for item in whole.values() if item is not None]


def _consequence(tree: Tree, definition: Definition) -> Consequence | None:
    parts = [
        only_child(tree, definition.element, definition, tag)
        for tag in ("initiating-event", "sequence")
    ]
    named = [None if part is None else _named(tree, part, definition) for part in parts]
    initiating, sequence = named
    if initiating is None or sequence is None:
        return None
    return Consequence(definition, initiating, (sequence,))


def _members(tree: Tree, group: Definition) -> list[Definition]:
    references = [child for child in group.element.children if child.tag in _KINDS]
    if not references:
        tree.complain(
            "found no consequence in <define-consequence-group>, expected one or more",
            group.element,
            group,
        )
    named = [_named(tree, reference, group) for reference in references]
    return [member for member in named if member is not None]


def _named(tree: Tree, element: Element, owner: Definition) -> Definition | None:
    kind = _KINDS[element.tag]
    name = required(tree, element, "name", owner)
    definition = None if name is None else tree.lookup(name, (), kind)
    if name is not None and definition is None and not tree.is_spoiled(name):
        names = (other.name for other in tree.of_kind(kind))
        tree.complain(
            f"found {quoted(name)}, expected the name of {'an' if kind[0] == 'i' else 'a'} {kind} "
            f"that the file defines{tree.nearest_name(name, names)}",
            element,
            owner,
        )
    return definition


def _group(tree: Tree, group: Definition, members: list[Consequence | None]) -> Consequence | None:
    present = [member for member in members if member is not None]
    if len(present) < len(members) or not present:
        return None
    initiating = list(dict.fromkeys(member.initiating for member in present))
    if len(initiating) > 1:
        names = " and ".join(event.name for event in initiating[:2])
        tree.complain(
            f"found consequences of several initiating events ({names}), expected those of one: "
            "given which of them a probability would be is open",
            group.element,
            group,
        )
        return None
    sequences = (sequence for member in present for sequence in member.sequences)
    return Consequence(group, initiating[0], tuple(dict.fromkeys(sequences)))


def by_initiating(consequences: list[Consequence]) -> Mapping[Definition, list[Consequence]]:
    """Sort consequences by their initiating events."""
    sorted_by: dict[Definition, list[Consequence]] = {}
    for consequence in consequences:
        sorted_by.setdefault(consequence.initiating, []).append(consequence)
    return sorted_by
