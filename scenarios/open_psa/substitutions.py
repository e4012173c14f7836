"""Substitutions: impossible configurations, recoveries and exchanges.

Without a source, a substitution is a condition: where its hypothesis holds, so does its target.
With one, it rewrites minimal cut sets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from storyodds.priors.text.phrases import one_of, quoted
from storyodds.priors.text.xml_reader import Element
from storyodds.scenarios.checks.consistency import MAX_FREE
from storyodds.scenarios.open_psa.definitions import BASIC_EVENT, SUBSTITUTION, Definition
from storyodds.scenarios.open_psa.formulas import Connective, Formula, read_constant, read_part
from storyodds.scenarios.open_psa.grammar import basic_events_in, only_child, only_content
from storyodds.scenarios.open_psa.tree import Tree

DELETION, RECOVERY, EXCHANGE = "delete-terms", "recovery-rule", "exchange-event"
TYPES: Final = (DELETION, RECOVERY, EXCHANGE)
_COHERENT: Final = ("and", "or", "atleast")
_OF_CUT_SETS: Final = ("and", "or")


@dataclass(frozen=True, slots=True)
class Substitution:
    """A substitution as the file has it.

    Attributes
    ----------
    definition : Definition
    hypothesis : Connective
        Over basic events alone.
    source : tuple of Definition
        Basic events that a cut set loses; none where it is a condition.
    target : Definition or bool
    """

    definition: Definition
    hypothesis: Connective
    source: tuple[Definition, ...]
    target: Definition | bool

    @property
    def events(self) -> tuple[Definition, ...]:
        """The basic events of the hypothesis."""
        return tuple(part for part in self.hypothesis.parts if isinstance(part, Definition))

    @property
    def is_condition(self) -> bool:
        """Whether it can be said as a formula."""
        return not self.source

    @property
    def condition(self) -> Formula:
        """That the hypothesis fails or the target holds."""
        fails = Connective("not", (self.hypothesis,))
        return fails if self.target is False else Connective("or", (fails, self.target))

    @property
    def type(self) -> str | None:
        """Which of the traditional types it is, if any."""
        hypothesis, count = self.hypothesis, len(self.hypothesis.parts)
        if not self.source:
            if self.target is False:
                pairs = hypothesis.name == "atleast" and hypothesis.least == 2
                return DELETION if pairs or (hypothesis.name, count) == ("and", 2) else None
            return RECOVERY if hypothesis.name == "and" else None
        if isinstance(self.target, bool) or hypothesis.name != "and":
            return None
        if not set(self.source) <= set(self.events):
            return None
        if len(self.source) == count:
            return RECOVERY
        return EXCHANGE if len(self.source) == 1 else None


def read_substitutions(tree: Tree, members: Mapping[Definition, Definition]) -> list[Substitution]:
    """Read the substitutions of a file.

    Parameters
    ----------
    tree : Tree
    members : mapping of Definition to Definition
        The common-cause group of each basic event that is in one.
    """
    definitions = list(tree.of_kind(SUBSTITUTION))
    if len(definitions) > MAX_FREE:
        sentence = f"found {len(definitions):,} substitutions, expected at most {MAX_FREE}"
        tree.complain(sentence, tree.document.root)
        return []
    readings = [_read(tree, definition) for definition in definitions]
    substitutions = [reading for reading in readings if reading is not None]
    rewriting = [change for change in substitutions if not change.is_condition]
    conditions = [change for change in substitutions if change.is_condition]
    if rewriting and conditions:
        tree.complain(
            f"found a <source> beside the {conditions[0].definition.shown} without one, expected "
            "substitutions of one kind: conditions on the events, or changes to the cut sets",
            rewriting[0].definition.element,
            rewriting[0].definition,
        )
    for substitution in rewriting:
        _refuse_chains(tree, substitution, rewriting)
        _refuse_members(tree, substitution, members)
    return substitutions


def _read(tree: Tree, definition: Definition) -> Substitution | None:
    element = definition.element
    outer = only_child(tree, element, definition, "hypothesis")
    hypothesis = None if outer is None else _hypothesis(tree, outer, definition)
    listed = only_child(tree, element, definition, "source", optional=True)
    source = None if listed is None else _source(tree, listed, definition)
    goal = only_child(tree, element, definition, "target")
    target = None if goal is None else _target(tree, goal, definition)
    if hypothesis is None or target is None or (listed is not None and source is None):
        return None
    substitution = Substitution(definition, hypothesis, source or (), target)
    _check(tree, substitution)
    return substitution


def _hypothesis(tree: Tree, element: Element, owner: Definition) -> Connective | None:
    content = only_content(tree, element, owner, "one formula over basic events")
    formula = None if content is None else read_part(tree, content, owner)
    if content is None or formula is None:
        return None
    if isinstance(formula, Definition):
        formula = Connective("and", (formula,))
    if isinstance(formula, bool) or formula.name not in _COHERENT or not _all_events(formula):
        tree.complain(
            f"found a hypothesis that is no {one_of(f'<{tag}>' for tag in _COHERENT)} of basic "
            "events, expected one, or a basic event alone",
            content,
            owner,
        )
        return None
    if len(set(formula.parts)) < len(formula.parts):
        tree.complain("found a basic event twice in a hypothesis, expected it once", content, owner)
        return None
    return formula


def _all_events(formula: Connective) -> bool:
    return all(isinstance(part, Definition) and part.kind == BASIC_EVENT for part in formula.parts)


def _source(tree: Tree, element: Element, owner: Definition) -> tuple[Definition, ...] | None:
    children = basic_events_in(tree, element, owner)
    events = [tree.find(child, owner) for _, child in children]
    if not element.children:
        tree.complain("found nothing inside <source>, expected basic events", element, owner)
    source = tuple(event for event in events if event is not None)
    return source if source and len(source) == len(element.children) else None


def _target(tree: Tree, element: Element, owner: Definition) -> Definition | bool | None:
    content = only_content(tree, element, owner, "one basic event or constant")
    if content is None:
        return None
    if content.tag == "constant":
        return read_constant(tree, content, owner)
    return tree.find(content, owner) if content.tag == "basic-event" else None


def _check(tree: Tree, substitution: Substitution) -> None:
    definition, target = substitution.definition, substitution.target
    element = definition.element
    if substitution.is_condition and target is True:
        sentence = "found the target true, which changes nothing, expected false or a basic event"
        tree.complain(sentence, element, definition)
    elif not substitution.is_condition and target is False:
        sentence = "found the target false, which takes the whole cut set: expected no <source>"
        tree.complain(sentence, element, definition)
    elif not substitution.is_condition and substitution.hypothesis.name not in _OF_CUT_SETS:
        tree.complain(
            f"found <{substitution.hypothesis.name}> in the hypothesis beside a <source>, expected "
            f"{one_of(f'<{tag}>' for tag in _OF_CUT_SETS)}, or a basic event alone",
            element,
            definition,
        )
    elif not isinstance(target, bool) and target in substitution.source:
        sentence = "found the target among the sources, expected another basic event"
        tree.complain(sentence, element, definition)
    _check_type(tree, substitution)


def _check_type(tree: Tree, substitution: Substitution) -> None:
    definition = substitution.definition
    name = definition.element.attributes.get("type")
    if name is None:
        return
    if name not in TYPES:
        hint = tree.nearest(name, TYPES)
        sentence = f"found the type {quoted(name)}, expected {one_of(TYPES)}{hint}"
        tree.complain(sentence, definition.element, definition)
    elif name != substitution.type:
        own = f"as a {substitution.type}" if substitution.type else "which is of no such type"
        tree.complain(
            f"found the type {name} of a substitution {own} by its parts, expected the type that "
            "they make, or none",
            definition.element,
            definition,
        )


def _refuse_chains(
    tree: Tree, substitution: Substitution, substitutions: Sequence[Substitution]
) -> None:
    """Refuse what would depend on the order in which substitutions are made: files have none."""
    definition, target = substitution.definition, substitution.target
    for other in substitutions:
        if other is substitution:
            continue
        changed = [*substitution.source, *([] if isinstance(target, bool) else [target])]
        again = [event for event in changed if event in other.events]
        if not isinstance(target, bool) and target in other.source:
            again.append(target)
        if again:
            tree.complain(
                f"found {quoted(again[0].name)}, which the {other.definition.shown} looks for or "
                "takes out, expected substitutions whose order changes nothing",
                definition.element,
                definition,
            )
            return


def _refuse_members(
    tree: Tree, substitution: Substitution, members: Mapping[Definition, Definition]
) -> None:
    events = [*substitution.events, *substitution.source]
    target = substitution.target
    events += [] if isinstance(target, bool) else [target]
    for event in events:
        if event in members:
            tree.complain(
                f"found {quoted(event.name)}, a member of the {members[event].shown}, beside a "
                "<source>, expected basic events that are in no group",
                substitution.definition.element,
                substitution.definition,
            )
            return
