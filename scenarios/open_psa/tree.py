"""The definitions of an Open-PSA file: gates, events and parameters, each with its place.

Whatever else a file has in it is a mistake that is told, never passed over. What is inside of an
event tree is read by a room of its own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from storyodds.priors.text.errors import MAX_MISTAKES, Problem
from storyodds.priors.text.phrases import Suggestions, did_you_mean, one_of, quoted
from storyodds.priors.text.xml_reader import Element, XmlDocument
from storyodds.scenarios.open_psa.definitions import (
    ALIGNMENT,
    BASIC_EVENT,
    CONSEQUENCE,
    CONSEQUENCE_GROUP,
    EVENT_TREE,
    GATE,
    GROUP,
    HOUSE_EVENT,
    INITIATING_EVENT,
    PARAMETER,
    RULE,
    SUBSTITUTION,
    Definition,
    name_space,
)
from storyodds.scenarios.open_psa.grammar import (
    ALLOWANCES,
    check_all,
    check_descriptions,
    check_element,
)

CONTAINERS = ("define-fault-tree", "define-component", "model-data")
DEFINITIONS = {
    "define-gate": GATE,
    "define-basic-event": BASIC_EVENT,
    "define-house-event": HOUSE_EVENT,
    "define-parameter": PARAMETER,
}
# What changes or uses the tree that stands elsewhere; each is read by a file of its own.
CHANGES = {
    "define-CCF-group": GROUP,
    "define-substitution": SUBSTITUTION,
    "define-alignment": ALIGNMENT,
    "define-event-tree": EVENT_TREE,
    "define-initiating-event": INITIATING_EVENT,
    "define-rule": RULE,
    "define-consequence": CONSEQUENCE,
    "define-consequence-group": CONSEQUENCE_GROUP,
}
_ANYWHERE = ("define-CCF-group", "define-substitution")
_IN_TREES = ("define-component", *DEFINITIONS, *_ANYWHERE)
# What each container holds, by the standard.
_INSIDE = {
    "opsa-mef": ("define-fault-tree", "model-data", *CHANGES),
    "define-fault-tree": _IN_TREES,
    "define-component": _IN_TREES,
    "model-data": tuple(tag for tag in DEFINITIONS if tag != "define-gate"),
}
DESCRIPTIONS = ("label", "attributes")
REFERENCES = {
    "event": (GATE, BASIC_EVENT, HOUSE_EVENT),
    "gate": (GATE,),
    "basic-event": (BASIC_EVENT,),
    "house-event": (HOUSE_EVENT,),
    "parameter": (PARAMETER,),
}
# What the inside of a definition is called, and what is expected there.
_BODIES = {
    GATE: ("formula", "a formula"),
    BASIC_EVENT: ("expression", "its probability"),
    HOUSE_EVENT: ("constant", "a constant"),
    PARAMETER: ("expression", "its value"),
}
EVENTS, PARAMETERS = name_space(BASIC_EVENT), name_space(PARAMETER)
EVENT_TYPES = ("gate", "basic-event", "house-event")
# Parts of Open-PSA that a near name would only lead away from.
_UNSUPPORTED = (
    "include",
    *(
        f"define-{what}"
        for what in (
            *("functional-event", "sequence", "branch"),
            *("extern-function", "extern-library", "phase", "initiating-event-group"),
        )
    ),
)


@dataclass
class Tree:
    """Everything that a file defines, and the mistakes found so far."""

    document: XmlDocument
    title: str = ""
    name: str = ""
    definitions: list[Definition] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    containers: dict[tuple[str, ...], Element] = field(default_factory=dict)
    _by_path: dict[tuple[str, str], Definition] = field(default_factory=dict)
    _public: dict[tuple[str, str], Definition] = field(default_factory=dict)
    _kinds: set[str] = field(default_factory=set)
    _spoiled: set[str] = field(default_factory=set)
    _includes: bool = False
    _suggestions: Suggestions = field(default_factory=Suggestions)

    def complain(self, sentence: str, element: Element, about: Definition | None = None) -> None:
        """Note a mistake, once."""
        self._note(self.document.problem(sentence, element, about.shown if about else None))

    def complain_of_text(
        self, sentence: str, element: Element, about: Definition | None = None
    ) -> None:
        """Note a mistake where the text in an element begins."""
        self._note(self.document.text_problem(sentence, element, about.shown if about else None))

    def spoil(self, element: Element) -> None:
        """Note that an element is refused as a whole.

        Whatever it would have defined is not missed a second time, by those who name it.
        """
        self._includes = self._includes or element.tag.rpartition(":")[2] == "include"
        for part in element.walk():
            self._spoiled.update(value.strip() for value in part.attributes.values())

    def nearest(self, word: str, choices: Iterable[str]) -> str:
        """Name the nearest word of the format; not for mistakes that are not listed any more."""
        return "" if len(self.problems) >= MAX_MISTAKES else did_you_mean(word, choices)

    def is_spoiled(self, name: str) -> bool:
        """Return whether something that is refused would have defined this name."""
        return self._includes or name in self._spoiled

    def _note(self, problem: Problem) -> None:
        if len(self.problems) < MAX_MISTAKES and problem not in self.problems[-20:]:
            self.problems.append(problem)

    def add(self, definition: Definition) -> None:
        """Note a definition; names are shared by gates, basic events and house events."""
        space = name_space(definition.kind)
        keys = [(self._by_path, definition.full_name)]
        if definition.public:
            keys.append((self._public, definition.name))
        for table, name in keys:
            first = table.get((space, name))
            if first is not None:
                self.complain(
                    f"found {quoted(definition.name)} again, expected a name of its own; the first "
                    f"is the {first.kind} in line {first.element.line}",
                    definition.element,
                    definition,
                )
                return
        for table, name in keys:
            table[space, name] = definition
        self.definitions.append(definition)
        self._kinds.add(definition.kind)

    def find(self, reference: Element, owner: Definition) -> Definition | None:
        """Find what a reference means: nearest scope first, then public names, then full ones."""
        name = required(self, reference, "name", owner)
        if name is None:
            return None
        kinds = REFERENCES[reference.tag]
        if reference.tag == "event" and "type" in reference.attributes:
            kind = reference.attributes["type"].strip()
            if kind not in EVENT_TYPES:
                self.complain(
                    f"found the type {quoted(kind)}, expected {one_of(EVENT_TYPES)}"
                    f"{self.nearest(kind, EVENT_TYPES)}",
                    reference,
                    owner,
                )
                return None
            kinds = REFERENCES[kind]
        space = name_space(kinds[0])
        definition = self.lookup(name, owner.scope, space)
        if definition is None:
            if self.is_spoiled(name.rpartition(".")[2]):
                return None
            hint = self._suggest(name, space)
            if not hint and BASIC_EVENT not in self._kinds:
                hint = "; a model that is spread over several files has to be put into one"
            self.complain(
                f"found the reference {quoted(name)}, expected the name of a {one_of(kinds)} that "
                f"the file defines{hint}",
                reference,
                owner,
            )
        elif definition.kind not in kinds:
            self.complain(
                f"found {quoted(name)}, which is a {definition.kind}, expected a {one_of(kinds)}",
                reference,
                owner,
            )
            return None
        return definition

    def nearest_name(self, name: str, names: Iterable[str]) -> str:
        """Name the nearest of a file's names; not for every mistake of one that has very many."""
        return self._suggestions.nearest(name, names)

    def _suggest(self, name: str, space: str) -> str:
        return self.nearest_name(name, (other for own, other in self._public if own == space))

    def lookup(
        self, name: str, scope: tuple[str, ...] = (), space: str = EVENTS
    ) -> Definition | None:
        """Find a name from inside a scope, among events or in another space of names."""
        for depth in range(len(scope), 0, -1):
            definition = self._by_path.get((space, ".".join((*scope[:depth], name))))
            if definition is not None:
                return definition
        return self._public.get((space, name)) or self._by_path.get((space, name))

    def find_gate(self, name: str) -> Definition | None:
        """Find a gate by its name or full name."""
        definition = self.lookup(name)
        return definition if definition is not None and definition.kind == GATE else None

    def of_kind(self, kind: str) -> Iterator[Definition]:
        """Return the definitions of one kind, in the order written."""
        return (item for item in self.definitions if item.kind == kind)


def read_tree(document: XmlDocument) -> Tree:
    """Collect the definitions of a file.

    Parameters
    ----------
    document : XmlDocument

    Returns
    -------
    Tree
        With the mistakes of its structure; what formulas and expressions say is read later.
    """
    tree, root = Tree(document), document.root
    if root.tag != "opsa-mef":
        opening = f"found <{root.tag}>, expected <opsa-mef>, an Open-PSA model"
        tree.complain(opening + did_you_mean(root.tag, ["opsa-mef"]), root)
        return tree
    tree.name = root.attributes.get("name", "")
    tree.title = label_of(root)
    waiting: list[tuple[Element, tuple[str, ...], bool]] = [(root, (), True)]
    while waiting:
        container, scope, public = waiting.pop()
        inner = []
        check_element(tree, container)
        check_descriptions(tree, container)
        for element in container.children:
            if element.tag in DESCRIPTIONS:
                continue
            if element.tag not in (*CONTAINERS, *DEFINITIONS, *CHANGES):
                tree.spoil(element)
                tree.complain(_stranger(tree, element, _INSIDE[container.tag]), element)
                continue
            if element.tag not in _INSIDE[container.tag]:
                places = (tag for tag, allowed in _INSIDE.items() if element.tag in allowed)
                opening = f"found <{element.tag}> in <{container.tag}>, expected it in "
                tree.complain(opening + one_of(f"<{tag}>" for tag in places), element)
                if CHANGES.get(element.tag) == EVENT_TREE:  # what is inside of it goes with it
                    tree.spoil(element)
                    continue
            if element.tag in CONTAINERS:
                inner.append(_enter(tree, element, scope, public))
            elif element.tag in CHANGES:
                _note_change(tree, element, scope, public)
            else:
                _define(tree, element, scope, public)
        waiting.extend(reversed(inner))
    if not tree.definitions and not tree.problems:
        tree.complain("found no gate and no event, expected a fault tree", root)
    return tree


def _enter(
    tree: Tree, element: Element, scope: tuple[str, ...], public: bool
) -> tuple[Element, tuple[str, ...], bool]:
    if element.tag == "model-data":
        return element, scope, public
    name = required(tree, element, "name")
    if element.tag == "define-fault-tree":
        tree.name = tree.name or name or ""
        tree.title = tree.title or label_of(element)
    inner = (*scope, name or "?")
    first = tree.containers.setdefault(inner, element)
    if name is not None and first is not element:
        tree.complain(
            f"found <{element.tag}> {quoted(name)} again, expected a name of its own; the first is "
            f"in line {first.line}",
            element,
        )
    return element, inner, _is_public(tree, element, public)


def _is_public(tree: Tree, element: Element, inherited: bool) -> bool:
    role = element.attributes.get("role")
    if role not in (None, "public", "private"):
        hint = tree.nearest(role, ["public", "private"])
        tree.complain(f"found the role {quoted(role)}, expected public or private{hint}", element)
    return inherited if role is None else role == "public"


def _define(tree: Tree, element: Element, scope: tuple[str, ...], public: bool) -> None:
    kind = DEFINITIONS[element.tag]
    name = required(tree, element, "name")
    inside = [child for child in element.children if child.tag not in DESCRIPTIONS]
    # What the format does not have is no second formula, and the first is not to be lost for it.
    bodies = [child for child in inside if child.tag in ALLOWANCES] or inside[:1]
    definition = Definition(
        kind,
        name or "?",
        scope,
        _is_public(tree, element, public),
        label_of(element),
        element,
        bodies[0] if bodies else None,
    )
    if name is not None:
        tree.add(definition)
    else:
        tree.spoil(element)
    check_element(tree, element, definition)
    check_descriptions(tree, element, definition)
    for body in bodies:
        check_all(tree, body, definition)
    singular, expectation = _BODIES[kind]
    for child in inside:
        if child not in bodies:
            tree.spoil(child)
            tree.complain(
                f"found <{child.tag}> in <{element.tag}>, expected {expectation} alone",
                child,
                definition,
            )
    if len(bodies) > 1:
        tree.complain(
            f"found {len(bodies)} {singular}s in <{element.tag}>, expected one",
            bodies[1],
            definition,
        )
    # A house event is false unless stated, and a basic event may have its number from a group.
    if not bodies and kind not in (HOUSE_EVENT, BASIC_EVENT):
        tree.complain(
            f"found nothing inside <{element.tag}>, expected {expectation}", element, definition
        )


def _note_change(tree: Tree, element: Element, scope: tuple[str, ...], public: bool) -> None:
    """Note a common-cause group, substitution or alignment, which is read later."""
    kind = CHANGES[element.tag]
    name = element.attributes.get("name", "").strip()
    if kind != SUBSTITUTION or "name" in element.attributes:
        name = required(tree, element, "name") or ""
    title = name or f"in line {element.line}, column {element.column}"
    definition = Definition(kind, title, scope, public, label_of(element), element, None)
    tree.add(definition)
    check_all(tree, element, definition)
    check_descriptions(tree, element, definition)


def label_of(element: Element) -> str:
    """Return the label of a definition or container, or nothing."""
    return next((child.text for child in element.children if child.tag == "label"), "")


def _stranger(tree: Tree, element: Element, tags: tuple[str, ...]) -> str:
    hint = "" if element.tag in _UNSUPPORTED else tree.nearest(element.tag, tags)
    if element.tag.rpartition(":")[2] == "include":
        hint = "; a model that is spread over several files has to be put into one"
    return (
        f"found <{element.tag}>, which is not supported, expected "
        f"{one_of(f'<{tag}>' for tag in tags)}{hint}"
    )


def required(tree: Tree, element: Element, key: str, about: Definition | None = None) -> str | None:
    """Return an attribute that has to be there, or complain and return None."""
    value = element.attributes.get(key, "").strip()
    if value:
        return value
    near = [name for name in element.attributes if tree.nearest(name, [key])]
    near_by = f"with '{near[0]}'" if near else f"without '{key}'"
    tree.complain(f'found <{element.tag}> {near_by}, expected {key}="…"', element, about)
    return None
