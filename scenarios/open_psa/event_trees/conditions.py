"""Conditions of instructions: expressions that may test where a way has come from."""

from collections.abc import Iterator, Mapping

from storyodds.priors.text.phrases import quoted
from storyodds.priors.text.xml_reader import Element
from storyodds.scenarios.open_psa.definitions import INITIATING_EVENT, Definition
from storyodds.scenarios.open_psa.expressions import Expressions
from storyodds.scenarios.open_psa.tree import Tree, required

_INITIATING = "test-initiating-event"
_FUNCTIONAL = "test-functional-event"


class Conditions:
    """The conditions of a file.

    Parameters
    ----------
    tree : Tree
    expressions : Expressions
    states : mapping of str to set of str
        The states in which forks have each functional event, by its name.
    """

    def __init__(
        self, tree: Tree, expressions: Expressions, states: Mapping[str, set[str]]
    ) -> None:
        self._tree, self._expressions, self._states = tree, expressions, states
        self._values: dict[tuple[int, tuple[bool, ...]], bool] = {}
        self._tests: dict[int, tuple[Element, ...]] = {}

    def check(self, condition: Element, owner: Definition) -> None:
        """Complain of everything that is wrong with a condition."""
        outcomes = []
        for test in self.tests(condition):
            outcomes.append(False)
            if test.tag == _INITIATING:
                self._check_initiating(test, owner)
            else:
                self._check_functional(test, owner)
        self._value(condition, owner, tuple(outcomes))

    def tests(self, condition: Element) -> tuple[Element, ...]:
        """Return the tests of a condition."""
        if id(condition) not in self._tests:
            parts = condition.walk()
            tests = tuple(part for part in parts if part.tag in (_INITIATING, _FUNCTIONAL))
            self._tests[id(condition)] = tests
        return self._tests[id(condition)]

    def _check_initiating(self, test: Element, owner: Definition) -> None:
        name = required(self._tree, test, "name", owner)
        names = [event.name for event in self._tree.of_kind(INITIATING_EVENT)]
        if name is not None and name not in names and not self._tree.is_spoiled(name):
            self._tree.complain(
                f"found {quoted(name)}, expected the name of an initiating event that the file "
                f"defines{self._tree.nearest_name(name, names)}",
                test,
                owner,
            )

    def _check_functional(self, test: Element, owner: Definition) -> None:
        name = required(self._tree, test, "name", owner)
        state = required(self._tree, test, "state", owner)
        if name is None or state is None or self._tree.is_spoiled(name):
            return
        if name not in self._states:
            self._tree.complain(
                f"found {quoted(name)}, expected the name of a functional event that the file "
                f"defines{self._tree.nearest_name(name, self._states)}",
                test,
                owner,
            )
        elif state not in self._states[name]:
            self._tree.complain(
                f"found the state {quoted(state)}, expected one in which a fork has {quoted(name)}"
                f"{self._tree.nearest_name(state, self._states[name])}",
                test,
                owner,
            )

    def holds(
        self,
        condition: Element,
        owner: Definition,
        initiating: Definition | None,
        states: Mapping[str, str],
    ) -> bool:
        """Return whether a condition holds on a way.

        Parameters
        ----------
        condition : Element
        owner : Definition
            In whose instructions it stands.
        initiating : Definition or None
            The initiating event of the way.
        states : mapping of str to str
            Of the functional events of the tree that the way is in, by their names.
        """
        outcomes = tuple(
            initiating is not None and test.attributes["name"].strip() == initiating.name
            if test.tag == _INITIATING
            else states.get(test.attributes["name"].strip()) == test.attributes["state"].strip()
            for test in self.tests(condition)
        )
        return self._value(condition, owner, outcomes)

    def _value(self, condition: Element, owner: Definition, outcomes: tuple[bool, ...]) -> bool:
        key = id(condition), outcomes
        if key not in self._values:
            plain = _answered(condition, iter(outcomes))
            value = self._expressions.constant(plain, owner)
            self._values[key] = value is not None and value.number != 0.0
        return self._values[key]


def _answered(element: Element, outcomes: Iterator[bool]) -> Element:
    """Return a condition with the outcome of each test in its place."""
    if element.tag in (_INITIATING, _FUNCTIONAL):
        value = {"value": "true" if next(outcomes) else "false"}
        return Element("bool", value, element.line, element.column)
    children = [_answered(child, outcomes) for child in element.children]
    attributes, line, column = element.attributes, element.line, element.column
    return Element(element.tag, attributes, line, column, children)
