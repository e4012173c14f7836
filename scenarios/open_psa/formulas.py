"""The formulas of an Open-PSA file, read as they stand there."""

from collections.abc import Iterator
from dataclasses import dataclass

from storyodds.priors.text.phrases import one_of, quoted
from storyodds.priors.text.xml_reader import Element
from storyodds.scenarios.open_psa.definitions import Definition
from storyodds.scenarios.open_psa.tree import REFERENCES, Tree, required

# How many parts each connective takes; None is any number.
CONNECTIVES: dict[str, tuple[int, int | None]] = {
    "and": (1, None),
    "or": (1, None),
    "atleast": (1, None),
    "cardinality": (1, None),
    "not": (1, 1),
    "nand": (1, None),
    "nor": (1, None),
    "xor": (1, None),
    "iff": (1, None),
    "imply": (2, 2),
}
_FORMULAS = (*CONNECTIVES, "event", "gate", "basic-event", "house-event", "constant")
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Connective:
    """A connective over parts: at least `least` and at most `most` of them hold, or parity.

    Attributes
    ----------
    name : str
    parts : tuple of Formula
    least, most : int
        Of the parts; read for `atleast` and `cardinality` alone.
    """

    name: str
    parts: tuple["Formula", ...]
    least: int = 0
    most: int = 0


Formula = Connective | Definition | bool


def read_formula(tree: Tree, gate: Definition) -> Formula | None:
    """Read a gate's formula, complaining of everything wrong with it.

    Returns
    -------
    Formula or None
        None where something is wrong.
    """
    return None if gate.body is None else read_part(tree, gate.body, gate)


def read_part(tree: Tree, element: Element, gate: Definition) -> Formula | None:
    """Read a formula, or a part of one, that stands in a gate or another definition."""
    if element.tag in REFERENCES and element.tag != "parameter":
        return tree.find(element, gate)
    if element.tag == "constant":
        return read_constant(tree, element, gate)
    if element.tag not in CONNECTIVES:
        hint = tree.nearest(element.tag, _FORMULAS)
        tree.spoil(element)
        tree.complain(
            f"found <{element.tag}>, which is not supported in a formula, expected "
            f"{one_of(_FORMULAS)}{hint}",
            element,
            gate,
        )
        return None
    # Each part is read even where another one is wrong: all mistakes are listed at once.
    read = [read_part(tree, child, gate) for child in element.children]
    bounds = _bounds(tree, element, gate)
    fewest, most = CONNECTIVES[element.tag]
    if len(read) < fewest or (most is not None and len(read) > most):
        expectation = f"{fewest}" if most is not None else f"at least {fewest}"
        tree.complain(
            f"found {len(read)} parts in <{element.tag}>, expected {expectation}", element, gate
        )
        return None
    parts = tuple(part for part in read if part is not None)
    if bounds is None or len(parts) < len(read):
        return None
    return Connective(element.tag, parts, *bounds)


def _bounds(tree: Tree, element: Element, gate: Definition) -> tuple[int, int] | None:
    count = len(element.children)
    if element.tag not in ("atleast", "cardinality"):
        return 0, count
    least = _whole(tree, element, "min", gate)
    most = _whole(tree, element, "max", gate) if element.tag == "cardinality" else count
    if least is None or most is None:
        return None
    if least > count:
        tree.complain(
            f"found min={least}, expected at most {count}, the number of its parts", element, gate
        )
        return None
    if most < least:
        tree.complain(f"found max={most} below min={least}", element, gate)
        return None
    return least, most


def read_constant(tree: Tree, element: Element, owner: Definition) -> bool | None:
    """Read `<constant value="true"/>`."""
    text = required(tree, element, "value", owner)
    if text is not None and text not in _TRUTHS:
        hint = tree.nearest(text, ["true", "false"])
        tree.complain(f"found {quoted(text)}, expected true or false{hint}", element, owner)
        return None
    return None if text is None else _TRUTHS[text]


def house_value(tree: Tree, event: Definition) -> bool | None:
    """Return the truth of a house event: false where the file does not say."""
    if event.body is None:
        return False
    if event.body.tag != "constant":
        tree.complain(
            f'found <{event.body.tag}>, expected <constant value="true"/> or '
            f'<constant value="false"/>{tree.nearest(event.body.tag, ["constant"])}',
            event.body,
            event,
        )
        return None
    return read_constant(tree, event.body, event)


def definitions_in(formula: Formula) -> Iterator[Definition]:
    """Return the definitions that a formula names, in order."""
    if isinstance(formula, Connective):
        for part in formula.parts:
            yield from definitions_in(part)
    elif isinstance(formula, Definition):
        yield formula


def _whole(tree: Tree, element: Element, key: str, owner: Definition) -> int | None:
    """Return an attribute that has to be a whole number of 0 or more."""
    text = required(tree, element, key, owner)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        tree.complain(
            f"found {key}={quoted(text)}, expected a whole number of 0 or more", element, owner
        )
        return None
    return int(text)
