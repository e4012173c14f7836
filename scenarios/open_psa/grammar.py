"""What each element of an Open-PSA file may carry: attributes, text and elements inside it.

Whatever is not read would be passed over in silence, so anything beyond these is a mistake.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from storyodds.priors.text.phrases import one_of, quoted
from storyodds.priors.text.xml_reader import Element, XmlDocument
from storyodds.scenarios.open_psa.definitions import Definition


class _Tree(Protocol):
    """What a tree does with the mistakes found in it."""

    document: XmlDocument

    def complain(self, sentence: str, element: Element, about: Definition | None = None) -> None:
        """Note a mistake."""

    def complain_of_text(
        self, sentence: str, element: Element, about: Definition | None = None
    ) -> None:
        """Note a mistake where the text in an element begins."""

    def nearest(self, word: str, choices: Iterable[str]) -> str:
        """Name the nearest word of the format."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an element may carry.

    Attributes
    ----------
    required, optional : tuple of str
        Names of attributes.
    text : bool
        Whether text stands in it.
    inside : tuple of str or None
        The elements that it may hold; None where whoever reads it says so.
    """

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    text: bool = False
    inside: tuple[str, ...] | None = None


_PLAIN = Allowance()
_NAMED = Allowance(required=("name",), optional=("role",))
_REFERENCE = Allowance(required=("name",), inside=())
_VALUE = Allowance(required=("value",), inside=())
_WITHOUT_ATTRIBUTES = (
    *("model-data", "and", "or", "not", "nand", "nor", "xor", "iff", "imply", "min", "max", "neg"),
    *("add", "sub", "mul", "div", "mean", "pow", "abs", "exp", "log", "log10", "sqrt", "pi"),
    *("exponential", "GLM", "Weibull", "beta-deviate", "lognormal-deviate", "normal-deviate"),
    *("uniform-deviate", "switch", "case", "ite", "eq", "df", "lt", "gt", "leq", "geq", "mod"),
    *("acos", "asin", "atan", "cos", "cosh", "sin", "sinh", "tan", "tanh", "ceil", "floor"),
    *("periodic-test", "hypothesis", "distribution", "gamma-deviate", "histogram", "bin"),
    *("if", "collect-formula", "collect-expression"),
)
_NAMES_ALONE = (
    *("sequence", "branch", "rule", "event-tree", "initiating-event", "consequence"),
    *("consequence-group", "test-initiating-event"),
)
# How often an initiating event happens: a number, or an event with a probability.
FREQUENCIES = ("parameter", "basic-event")
_DESCRIBED = ("label", "attributes")
# What is done at a place of an event tree, and what a way through it ends in.
INSTRUCTIONS = (
    *("collect-formula", "collect-expression", "set-house-event", "if", "block", "rule"),
    "event-tree",
)
ENDS = ("fork", "sequence", "branch")
ALLOWANCES: Mapping[str, Allowance] = {
    "opsa-mef": Allowance(optional=("name",)),
    "define-fault-tree": _NAMED,
    "define-component": _NAMED,
    "define-gate": _NAMED,
    "define-basic-event": _NAMED,
    "define-house-event": _NAMED,
    "define-parameter": Allowance(required=("name",), optional=("role", "unit")),
    "label": Allowance(text=True, inside=()),
    "attributes": Allowance(inside=("attribute",)),
    "attribute": Allowance(required=("name", "value"), optional=("type",), inside=()),
    "event": Allowance(required=("name",), optional=("type",), inside=()),
    "gate": _REFERENCE,
    "basic-event": _REFERENCE,
    "house-event": _REFERENCE,
    "parameter": Allowance(required=("name",), optional=("unit",), inside=()),
    "constant": _VALUE,
    "float": _VALUE,
    "int": _VALUE,
    "bool": _VALUE,
    "system-mission-time": Allowance(optional=("unit",), inside=()),
    "atleast": Allowance(required=("min",)),
    "cardinality": Allowance(required=("min", "max")),
    **dict.fromkeys(_WITHOUT_ATTRIBUTES, _PLAIN),
    "define-CCF-group": Allowance(
        required=("name", "model"),
        inside=(*_DESCRIBED, "members", "distribution", "factors", "factor"),
    ),
    "members": Allowance(inside=("basic-event",)),
    "factors": Allowance(inside=("factor",)),
    "factor": Allowance(optional=("level",)),
    "define-substitution": Allowance(
        optional=("name", "type"), inside=(*_DESCRIBED, "hypothesis", "source", "target")
    ),
    "source": Allowance(inside=("basic-event",)),
    "target": Allowance(inside=("basic-event", "constant")),
    "define-alignment": Allowance(required=("name",), inside=(*_DESCRIBED, "define-phase")),
    "define-phase": Allowance(
        required=("name", "time-fraction"), inside=(*_DESCRIBED, "set-house-event")
    ),
    "set-house-event": Allowance(required=("name",), optional=("direction",), inside=("constant",)),
    "define-initiating-event": Allowance(
        required=("name",), optional=("event-tree",), inside=(*_DESCRIBED, *FREQUENCIES)
    ),
    "define-event-tree": Allowance(
        required=("name",),
        inside=(
            *_DESCRIBED,
            *("define-functional-event", "define-sequence", "define-branch", "initial-state"),
        ),
    ),
    "define-functional-event": Allowance(required=("name",), inside=_DESCRIBED),
    "define-sequence": Allowance(required=("name",), inside=(*_DESCRIBED, *INSTRUCTIONS)),
    "define-branch": Allowance(required=("name",), inside=(*_DESCRIBED, *INSTRUCTIONS, *ENDS)),
    "define-rule": Allowance(required=("name",), inside=(*_DESCRIBED, *INSTRUCTIONS)),
    "initial-state": Allowance(inside=(*INSTRUCTIONS, *ENDS)),
    "fork": Allowance(required=("functional-event",), inside=("path",)),
    "path": Allowance(required=("state",), inside=(*INSTRUCTIONS, *ENDS)),
    "block": Allowance(inside=INSTRUCTIONS),
    "define-consequence": Allowance(
        required=("name",), inside=(*_DESCRIBED, "initiating-event", "sequence")
    ),
    "define-consequence-group": Allowance(
        required=("name",), inside=(*_DESCRIBED, "consequence", "consequence-group")
    ),
    "test-functional-event": Allowance(required=("name", "state"), inside=()),
    **dict.fromkeys(_NAMES_ALONE, _REFERENCE),
}
# Attributes that say how a file is to be read, and nothing of the model.
_OF_XML = "xml:"
_OF_THE_ROOT = ("xmlns", "schemaLocation", "noNamespaceSchemaLocation")
_WAYS_OUT = {
    ("atleast", "max"): '; <cardinality min="…" max="…"> bounds the number from both sides',
    ("float", "unit"): '; a <define-parameter unit="…"> gives a number its unit',
    ("int", "unit"): '; a <define-parameter unit="…"> gives a number its unit',
}


def check_element(tree: _Tree, element: Element, about: Definition | None = None) -> None:
    """Complain of attributes, text and inner elements that an element may not have."""
    allowance = ALLOWANCES.get(element.tag)
    if allowance is None:  # whoever comes upon it refuses it as a whole
        return
    _check_attributes(tree, element, allowance, about)
    if element.text and not allowance.text:
        tree.complain_of_text(
            f"found the text {quoted(element.text)} in <{element.tag}>, expected "
            f"{_expected_inside(element, allowance)}",
            element,
            about,
        )
    for child in element.children if allowance.inside is not None else ():
        if child.tag not in (allowance.inside or ()):
            tree.complain(
                f"found <{child.tag}> in <{element.tag}>, expected "
                f"{_expected_inside(element, allowance)}{_way_out(element)}",
                child,
                about,
            )


def check_all(tree: _Tree, element: Element, about: Definition | None = None) -> None:
    """Check an element and everything in it, but for what is refused as a whole."""
    waiting = [element]
    while waiting:
        checked = waiting.pop()
        check_element(tree, checked, about)
        allowance = ALLOWANCES.get(checked.tag)
        if allowance is not None:
            allowed = allowance.inside
            waiting.extend(
                child for child in checked.children if allowed is None or child.tag in allowed
            )


def check_descriptions(tree: _Tree, element: Element, about: Definition | None = None) -> None:
    """Check the label and the attributes of a definition or container, one of each."""
    for tag in ("label", "attributes"):
        children = [child for child in element.children if child.tag == tag]
        for child in children:
            check_all(tree, child, about)
        for child in children[1:]:
            tree.complain(
                f"found <{tag}> again in <{element.tag}>, expected one; the first is in line "
                f"{children[0].line}",
                child,
                about,
            )


def _check_attributes(
    tree: _Tree, element: Element, allowance: Allowance, about: Definition | None
) -> None:
    allowed = (*allowance.required, *allowance.optional)
    missing = [name for name in allowance.required if name not in element.attributes]
    is_root = element is tree.document.root
    for name, value in element.attributes.items():
        if name in allowed or name.startswith(_OF_XML):
            continue
        # Whoever misses the right name says which one this was meant to be; an <attribute> is
        # read by nobody.
        if element.tag != "attribute" and missing and tree.nearest(name, missing):
            continue
        prefix, _, local = name.rpartition(":")
        if is_root and (prefix == "xmlns" or local in _OF_THE_ROOT):
            continue
        expectation = f"expected {one_of(allowed)} alone" if allowed else "expected no attribute"
        way_out = _WAYS_OUT.get((element.tag, name)) or tree.nearest(name, allowed)
        tree.complain(
            f"found the attribute {quoted(name)} ({quoted(value)}) in <{element.tag}>, "
            f"{expectation}{way_out}",
            element,
            about,
        )


def _expected_inside(element: Element, allowance: Allowance) -> str:
    if allowance.inside is None:
        return "elements alone" if element.tag != "pi" else "nothing"
    if allowance.inside:
        return f"{one_of(f'<{tag}>' for tag in allowance.inside)} alone"
    return "text alone" if allowance.text else "nothing"


def _way_out(element: Element) -> str:
    if element.tag in ("event", "gate", "basic-event", "house-event", "parameter"):
        kind = "basic-event" if element.tag == "event" else element.tag
        return f": it belongs in <define-{kind}>"
    return ""


def only_child(
    tree: _Tree, element: Element, about: Definition, *tags: str, optional: bool = False
) -> Element | None:
    """Return the one child with one of these tags, or complain and return None."""
    children = [child for child in element.children if child.tag in tags]
    expectation = one_of(f"<{tag}>" for tag in tags)
    if not children and not optional:
        sentence = f"found no {expectation} in <{element.tag}>, expected one"
        tree.complain(sentence, element, about)
    for child in children[1:]:
        tree.complain(
            f"found <{child.tag}> again in <{element.tag}>, expected one; the first is in line "
            f"{children[0].line}",
            child,
            about,
        )
    return children[0] if len(children) == 1 else None


def only_content(tree: _Tree, element: Element, about: Definition, meaning: str) -> Element | None:
    """Return the one element inside another, or complain and return None."""
    if len(element.children) == 1:
        return element.children[0]
    number = len(element.children) or "nothing"
    sentence = f"found {number} inside <{element.tag}>, expected {meaning}"
    tree.complain(sentence, element, about)
    return None


def basic_events_in(tree: _Tree, element: Element, about: Definition) -> list[tuple[str, Element]]:
    """Return the names of the basic events in a list, complaining of any that is there twice."""
    first: dict[str, Element] = {}
    for child in element.children:
        name = child.attributes.get("name", "").strip()
        if not name or child.tag != "basic-event":  # the check of the whole element says so
            continue
        if first.setdefault(name, child) is not child:
            tree.complain(
                f"found {quoted(name)} again in <{element.tag}>, expected it once; the first is in "
                f"line {first[name].line}",
                child,
                about,
            )
    return list(first.items())
