"""The event trees of an Open-PSA file, read strictly: every name, every loop, every end."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from storyodds.priors.text.phrases import one_of, quoted
from storyodds.priors.text.xml_reader import Element
from storyodds.scenarios.grammar.loops import loops
from storyodds.scenarios.open_psa.definitions import (
    BRANCH,
    EVENT_TREE,
    FUNCTIONAL_EVENT,
    RULE,
    SEQUENCE,
    Definition,
)
from storyodds.scenarios.open_psa.event_trees.conditions import Conditions
from storyodds.scenarios.open_psa.event_trees.instructions import Instructions
from storyodds.scenarios.open_psa.event_trees.structure import (
    Choice,
    EventTree,
    Fork,
    HouseSetting,
    Instruction,
    Link,
    Path,
    Place,
    RuleUse,
    inner,
    places,
)
from storyodds.scenarios.open_psa.grammar import (
    ALLOWANCES,
    ENDS,
    INSTRUCTIONS,
    check_descriptions,
)
from storyodds.scenarios.open_psa.reader import Reading
from storyodds.scenarios.open_psa.tree import Tree, label_of, required

_SHOWN_STEPS = 10  # of a loop
# What an event tree defines inside of it.
_KINDS = {
    "define-functional-event": FUNCTIONAL_EVENT,
    "define-sequence": SEQUENCE,
    "define-branch": BRANCH,
}


@dataclass
class EventTrees:
    """The event trees of a file.

    Attributes
    ----------
    conditions : Conditions
    trees : dict of Definition to EventTree
    branches : dict of Definition to Place
        Where each branch begins.
    sequences, rules : dict of Definition to tuple of Instruction
        What is done at the end of each sequence, in the order written, and by each rule.
    """

    conditions: Conditions
    trees: dict[Definition, EventTree] = field(default_factory=dict)
    branches: dict[Definition, Place] = field(default_factory=dict)
    sequences: dict[Definition, tuple[Instruction, ...]] = field(default_factory=dict)
    rules: dict[Definition, tuple[Instruction, ...]] = field(default_factory=dict)

    @property
    def houses(self) -> list[Definition]:
        """The house events that some instruction sets."""
        parts = _instructions(self)
        return list(dict.fromkeys(part.house for part in parts if isinstance(part, HouseSetting)))


def read_event_trees(reading: Reading) -> EventTrees:
    """Read every event tree and rule of a file, complaining of everything wrong with them."""
    tree = reading.tree
    trees = list(tree.of_kind(EVENT_TREE))
    inside = {event_tree: _Inside(tree, event_tree) for event_tree in trees}
    for parts in inside.values():
        parts.define()
    result = EventTrees(Conditions(tree, reading.expressions, _states(trees)))
    instructions = Instructions(tree, reading.numbers, reading.expressions)
    for rule in tree.of_kind(RULE):
        result.rules[rule] = instructions.among(rule.element.children, rule)
    for event_tree, parts in inside.items():
        result.trees[event_tree] = parts.read(instructions)
        result.branches |= result.trees[event_tree].branches
        result.sequences |= result.trees[event_tree].sequences
    for part in _instructions(result):
        if isinstance(part, Choice):
            result.conditions.check(part.condition, part.owner)
    _find_loops(tree, result)
    return result


def _states(trees: Sequence[Definition]) -> dict[str, set[str]]:
    """The states in which forks have each functional event; and those of which no fork has any."""
    states: dict[str, set[str]] = {}
    for event_tree in trees:
        for element in event_tree.element.walk():
            if element.tag == "define-functional-event":
                states.setdefault(element.attributes.get("name", "").strip(), set())
            elif element.tag == "fork":
                name = element.attributes.get("functional-event", "").strip()
                own = (path.attributes.get("state", "").strip() for path in element.children)
                states.setdefault(name, set()).update(own)
    return states


class _Inside:
    """What stands inside of one event tree."""

    def __init__(self, tree: Tree, event_tree: Definition) -> None:
        self._tree, self._owner = tree, event_tree
        self._scope = (event_tree.name,)
        self._parts: list[Definition] = []
        self._instructions: Instructions

    def define(self) -> None:
        """Note the names that the event tree defines; those of sequences are the whole file's."""
        for element in self._owner.element.children:
            kind = _KINDS.get(element.tag)
            if kind is None:
                if element.tag not in ALLOWANCES:  # which the check of the whole element refuses
                    self._tree.spoil(element)
                continue
            name = required(self._tree, element, "name", self._owner)
            definition = Definition(
                *(kind, name or "?", self._scope, kind == SEQUENCE, label_of(element), element),
                None,
            )
            if name is not None:
                self._tree.add(definition)
            self._parts.append(definition)
            check_descriptions(self._tree, element, definition)

    def read(self, instructions: Instructions) -> EventTree:
        """Read what is done at every place."""
        self._instructions = instructions
        branches, sequences = {}, {}
        for part in self._parts:
            if part.kind == BRANCH:
                place = self._place(part.element, part)
                if place is not None:
                    branches[part] = place
            elif part.kind == SEQUENCE:
                children = _without_descriptions(part.element)
                sequences[part] = instructions.among(children, part, in_sequence=True)
        return EventTree(self._owner, self._initial(), branches, sequences)

    def _initial(self) -> Place | None:
        starts = [child for child in self._owner.element.children if child.tag == "initial-state"]
        if not starts:
            self._tree.complain(
                "found no <initial-state> in <define-event-tree>, expected one",
                self._owner.element,
                self._owner,
            )
        for extra in starts[1:]:
            self._tree.complain(
                f"found <initial-state> again, expected one; the first is in line {starts[0].line}",
                extra,
                self._owner,
            )
        read = [self._place(start, self._owner) for start in starts]
        return read[0] if read else None

    def _place(
        self, element: Element, owner: Definition, state: tuple[Definition, str] | None = None
    ) -> Place | None:
        """Read instructions and the one end after them."""
        children = _without_descriptions(element)
        ends = [child for child in children if child.tag in ENDS]
        last = children[-1] if children else None
        instructions = self._instructions.among(
            [child for child in children if child.tag in INSTRUCTIONS], owner, state
        )
        if not ends and any(child.tag not in INSTRUCTIONS for child in children):
            return None  # what is no instruction may be meant as its end, and is refused
        if not ends:
            self._tree.complain(
                f"found no end in <{element.tag}>, expected {one_of(f'<{tag}>' for tag in ENDS)} "
                "as its last element",
                element,
                owner,
            )
            return None
        for extra in ends[1:]:
            self._tree.complain(
                f"found <{extra.tag}> in <{element.tag}>, whose end is <{ends[0].tag}> in line "
                f"{ends[0].line}, expected one end",
                extra,
                owner,
            )
        if len(ends) == 1 and last is not ends[0] and last is not None:
            self._tree.complain(
                f"found <{last.tag}> after <{ends[0].tag}>, which ends <{element.tag}>, expected "
                "it before the end",
                last,
                owner,
            )
        end = self._end(ends[0], owner)
        return None if end is None else Place(instructions, end)

    def _end(self, element: Element, owner: Definition) -> Fork | Definition | None:
        if element.tag == "fork":
            return self._fork(element, owner)
        name = required(self._tree, element, "name", owner)
        kind = {"sequence": SEQUENCE, "branch": BRANCH}[element.tag]
        return None if name is None else self._named(name, kind, element, owner)

    def _named(
        self, name: str, kind: str, element: Element, owner: Definition
    ) -> Definition | None:
        """Find a part of this event tree by its name, or a sequence of any."""
        scope = () if kind == SEQUENCE else self._scope
        definition = self._tree.lookup(name, scope, kind)
        if definition is not None and definition.scope[: len(scope)] == scope:
            return definition
        if self._tree.is_spoiled(name):
            return None
        parts = self._tree.of_kind(kind)
        names = [part.name for part in parts if part.scope[: len(scope)] == scope]
        where = "the file" if kind == SEQUENCE else "the event tree"
        self._tree.complain(
            f"found {quoted(name)}, expected the name of a {kind} that {where} defines"
            f"{self._tree.nearest_name(name, names)}",
            element,
            owner,
        )
        return None

    def _fork(self, element: Element, owner: Definition) -> Fork | None:
        name = required(self._tree, element, "functional-event", owner)
        event = None if name is None else self._named(name, FUNCTIONAL_EVENT, element, owner)
        first: dict[str, Element] = {}
        paths: list[Path | None] = []
        for child in element.children:
            if child.tag != "path":  # the check of the whole element says so
                continue
            state = required(self._tree, child, "state", owner)
            if state is not None and first.setdefault(state, child) is not child:
                self._tree.complain(
                    f"found the state {quoted(state)} again, expected each state of a fork once; "
                    f"the first is in line {first[state].line}",
                    child,
                    owner,
                )
            place_state = None if event is None or state is None else (event, state)
            place = self._place(child, owner, place_state)
            paths.append(None if place is None or state is None else Path(state, place))
        if not element.children:
            self._tree.complain("found no <path> in <fork>, expected one or more", element, owner)
        whole = tuple(path for path in paths if path is not None)
        return None if event is None or not whole else Fork(event, element, owner, whole)


def _without_descriptions(element: Element) -> list[Element]:
    return [child for child in element.children if child.tag not in ("label", "attributes")]


def _instructions(result: EventTrees) -> list[Instruction]:
    """Every instruction of a file."""
    listed = [*result.rules.values(), *result.sequences.values()]
    listed += [place.instructions for tree in result.trees.values() for place in tree.places()]
    return [part for instructions in listed for part in inner(instructions)]


def _find_loops(tree: Tree, result: EventTrees) -> None:
    """Refuse ways without an end: through branches, rules, or links to other event trees."""
    follows: dict[Definition, list[Definition]] = {}
    for definition, event_tree in result.trees.items():
        starts = {} if event_tree.initial is None else {definition: event_tree.initial}
        follows |= {
            start: _ends(place) for start, place in {**starts, **event_tree.branches}.items()
        }
    for owner, instructions in {**result.sequences, **result.rules}.items():
        follows[owner] = [
            part.rule if isinstance(part, RuleUse) else part.tree
            for part in inner(instructions)
            if isinstance(part, RuleUse | Link)
        ]
    by_name = {item.shown: item for item in follows}
    names = {
        item.shown: [target.shown for target in targets if target in follows]
        for item, targets in follows.items()
    }
    for loop in loops(names):
        first = by_name[loop[0]]
        steps = loop if len(loop) <= _SHOWN_STEPS else [*loop[:_SHOWN_STEPS], "…"]
        drawn = " -> ".join([*steps, loop[0]])
        sentence = f"found the loop {drawn}, expected every way to come to an end"
        tree.complain(sentence, first.element, first)


def _ends(start: Place) -> list[Definition]:
    return [place.end for place in places(start) if isinstance(place.end, Definition)]
