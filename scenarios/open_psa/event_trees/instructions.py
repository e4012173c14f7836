"""The instructions of event trees, read as they stand in a file."""

from collections.abc import Sequence

from storyodds.priors.text.phrases import one_of, quoted
from storyodds.priors.text.xml_reader import Element
from storyodds.scenarios.open_psa.definitions import (
    EVENT_TREE,
    FUNCTIONAL_EVENT,
    RULE,
    Definition,
)
from storyodds.scenarios.open_psa.event_trees.structure import (
    Block,
    Choice,
    CollectedFormula,
    Fraction,
    HouseSetting,
    Instruction,
    Link,
    RuleUse,
)
from storyodds.scenarios.open_psa.expressions import LITERALS, Expressions
from storyodds.scenarios.open_psa.formulas import read_part
from storyodds.scenarios.open_psa.grammar import INSTRUCTIONS, only_content
from storyodds.scenarios.open_psa.numbers import Numbers
from storyodds.scenarios.open_psa.phases import house_setting
from storyodds.scenarios.open_psa.quantities.deviates import Deviate
from storyodds.scenarios.open_psa.tree import Tree, required

# What a factor of a sequence's probability is called, which is in no path of a fork.
_FACTOR = "factor"

State = tuple[Definition, str]


class Instructions:
    """Reads the instructions of a file."""

    def __init__(self, tree: Tree, numbers: Numbers, expressions: Expressions) -> None:
        self._tree, self._numbers, self._expressions = tree, numbers, expressions

    def among(
        self,
        elements: Sequence[Element],
        owner: Definition,
        state: State | None = None,
        *,
        in_sequence: bool = False,
    ) -> tuple[Instruction, ...]:
        """Read those of some elements that are instructions, complaining of what is wrong.

        Parameters
        ----------
        elements : sequence of Element
        owner : Definition
            Where they stand.
        state : tuple of Definition and str, optional
            The functional event and its state on the path that they stand in.
        in_sequence : bool
            Whether they end a way, which may go on in another event tree then.
        """
        linking = in_sequence or owner.kind == RULE
        read = [
            self._one(element, owner, state, linking)
            for element in elements
            if element.tag in INSTRUCTIONS
        ]
        return tuple(instruction for instruction in read if instruction is not None)

    def _one(
        self, element: Element, owner: Definition, state: State | None, linking: bool
    ) -> Instruction | None:
        match element.tag:
            case "set-house-event":
                setting = house_setting(self._tree, element, owner)
                return None if setting is None else HouseSetting(*setting)
            case "collect-formula":
                return self._formula(element, owner)
            case "collect-expression":
                return self._fraction(element, owner, state)
            case "if":
                return self._choice(element, owner, state, linking)
            case "block":
                children = element.children
                return Block(self.among(children, owner, state, in_sequence=linking))
            case "rule":
                rule = self._named(element, RULE, owner)
                return None if rule is None else RuleUse(rule)
        if not linking:
            self._tree.complain(
                "found <event-tree> before the end of a way, expected it in <define-sequence>",
                element,
                owner,
            )
        tree = self._named(element, EVENT_TREE, owner)
        return None if tree is None else Link(tree, element, owner)

    def _named(self, element: Element, kind: str, owner: Definition) -> Definition | None:
        name = required(self._tree, element, "name", owner)
        definition = None if name is None else self._tree.lookup(name, (), kind)
        if name is not None and definition is None and not self._tree.is_spoiled(name):
            names = (other.name for other in self._tree.of_kind(kind))
            article = "an" if kind[0] in "aeiou" else "a"
            self._tree.complain(
                f"found {quoted(name)}, expected the name of {article} {kind} that the file "
                f"defines{self._tree.nearest_name(name, names)}",
                element,
                owner,
            )
        return definition

    def _formula(self, element: Element, owner: Definition) -> CollectedFormula | None:
        content = only_content(self._tree, element, owner, "one formula")
        formula = None if content is None else read_part(self._tree, content, owner)
        return None if formula is None else CollectedFormula(formula, element, owner)

    def _choice(
        self, element: Element, owner: Definition, state: State | None, linking: bool
    ) -> Choice | None:
        children = element.children
        if not 2 <= len(children) <= 3:
            self._tree.complain(
                f"found {len(children) or 'no'} elements in <if>, expected a condition, an "
                "instruction, and perhaps another one for where the condition does not hold; "
                "<block> makes one of several",
                element,
                owner,
            )
            return None
        condition, *parts = children
        read = []
        for part in parts:
            if part.tag in INSTRUCTIONS:
                read.append(self._one(part, owner, state, linking))
                continue
            self._tree.spoil(part)
            self._tree.complain(
                f"found <{part.tag}> in <if>, expected an instruction: "
                f"{one_of(f'<{tag}>' for tag in INSTRUCTIONS)}",
                part,
                owner,
            )
            read.append(None)
        if read[0] is None:
            return None
        return Choice(condition, owner, read[0], read[1] if len(read) > 1 else None)

    def _fraction(
        self, element: Element, owner: Definition, state: State | None
    ) -> Fraction | None:
        content = only_content(self._tree, element, owner, "one expression")
        if content is None:
            return None
        rest = self._rest(content, owner)
        body = content if rest is None else rest
        event = self._event(element, body, owner, state)
        estimate = self._numbers.estimate_of(event)
        return None if estimate is None else Fraction(event, estimate, rest is not None)

    def _rest(self, element: Element, owner: Definition) -> Element | None:
        """Return the uncertain number that an expression takes from 1, if it is that."""
        if element.tag != "sub" or len(element.children) != 2:
            return None
        one, number = element.children
        if one.tag not in LITERALS or number.tag in LITERALS:
            return None
        value = self._expressions.value(one, owner)
        if isinstance(value, Deviate) or value is None or value.number != 1.0:
            return None
        return number if isinstance(self._expressions.value(number, owner), Deviate) else None

    def _event(
        self, element: Element, body: Element, owner: Definition, state: State | None
    ) -> Definition:
        where = f"line {element.line}"
        if state is None:
            name, label = f"of {owner.name} in {where}", owner.label
            return Definition(
                *(_FACTOR, name, owner.scope, True, label, element, body),
                slug=f"{owner.name}-{_FACTOR}",
            )
        event, text = state
        name = f"{event.name} in state {text} ({where})"
        return Definition(
            *(FUNCTIONAL_EVENT, name, event.scope, True, event.label, element, body),
            slug=f"{event.name}-{text}",
        )
