"""Random fault trees as Open-PSA text, and what such a text means, read by a second reader.

`random_tree` writes; `Reading` evaluates by plain recursion over the XML. The two
share no code with the importer.
"""

import itertools
import random
from collections.abc import Iterator
from xml.etree import ElementTree

COHERENT = ("and", "or", "atleast")
NEGATING = (*COHERENT, "not", "nand", "nor", "xor")
REST = (*NEGATING, "iff", "imply", "cardinality")


def random_tree(
    rng: random.Random,
    *,
    events: int = 6,
    gates: int = 5,
    connectives: tuple[str, ...] = COHERENT,
    houses: int = 0,
    parts: int = 4,
    nested: float = 0.3,
    distinct: bool = False,
) -> str:
    """Write a random tree with one top gate, `g0`.

    Parameters
    ----------
    rng : random.Random
    events, gates, houses : int
        How many basic events, gates and house events it defines; each gate is below `g0`, and
        events may stay unused.
    connectives : tuple of str
        `COHERENT`, `NEGATING` (with binary xor, as other programs have it), or `REST`.
    parts : int
        The most parts of a connective.
    nested : float
        How likely a part is a formula rather than a name.
    distinct : bool
        Whether no connective names an event twice and every vote asks for two parts or more but
        not for all, as SCRAM wants it.

    Returns
    -------
    str
    """
    leaves = [f'<basic-event name="e{i}"/>' for i in range(events)]
    leaves += [f'<house-event name="h{i}"/>' for i in range(houses)]

    def formula(below: list[str], depth: int) -> str:
        """Every name in `below` is used once; leaves fill up."""
        name = rng.choice(connectives)
        least = {"imply": 2, "xor": 2, "iff": 2, "not": 1}.get(name, 2)
        most = {"imply": 2, "not": 1, "xor": parts if connectives is REST else 2}.get(name, parts)
        if len(below) > most:
            name, most = "or", len(below)
        inner = list(below)
        count = max(rng.randint(least, most), len(below))
        while len(inner) < count:
            if depth < 3 and rng.random() < nested:
                inner.append(formula([], depth + 1))
                continue
            left = [leaf for leaf in leaves if leaf not in inner] if distinct else leaves
            inner.append(rng.choice(left) if left else formula([], 3))
        rng.shuffle(inner)
        bounds = ""
        if name == "atleast" and distinct:
            name, bounds = (
                ("or", "") if count < 3 else (name, f' min="{rng.randint(2, count - 1)}"')
            )
        elif name == "atleast":
            bounds = f' min="{rng.randint(1, count)}"'
        elif name == "cardinality":
            fewest = rng.randint(0, count)
            bounds = f' min="{fewest}" max="{rng.randint(fewest, count)}"'
        return f"<{name}{bounds}>{''.join(inner)}</{name}>"

    parent = {i: rng.randrange(i) for i in range(1, gates)}
    lines = ["<opsa-mef>", '<define-fault-tree name="random">']
    for i in range(gates):
        below = [f'<gate name="g{j}"/>' for j, of in parent.items() if of == i]
        shared = [f'<gate name="g{j}"/>' for j in range(i + 1, gates) if rng.random() < 0.1]
        body = formula(list(dict.fromkeys(below + shared)), 0)
        lines.append(f'<define-gate name="g{i}">{body}</define-gate>')
    lines += ["</define-fault-tree>", "<model-data>"]
    for i in range(events):
        chance = rng.randint(1, 99) / 100
        lines.append(
            f'<define-basic-event name="e{i}"><float value="{chance}"/></define-basic-event>'
        )
    for i in range(houses):
        value = rng.choice(("true", "false"))
        lines.append(
            f'<define-house-event name="h{i}"><constant value="{value}"/></define-house-event>'
        )
    return "\n".join([*lines, "</model-data>", "</opsa-mef>", ""])


class Reading:
    """A tree whose names are all public, read the short way."""

    def __init__(self, text: str) -> None:
        self.root = ElementTree.fromstring(text)
        self.gates = {gate.attrib["name"]: _body(gate) for gate in self.root.iter("define-gate")}
        self.houses = {
            house.attrib["name"]: _body(house).attrib["value"] == "true"
            for house in self.root.iter("define-house-event")
        }
        self.chances = {
            event.attrib["name"]: float(_body(event).attrib["value"])
            for event in self.root.iter("define-basic-event")
        }

    def truth(self, name: str, events: dict[str, bool]) -> bool:
        """Whether a gate or event occurs, given every basic event."""
        if name in self.gates:
            return self._holds(self.gates[name], events)
        return self.houses[name] if name in self.houses else events[name]

    def _holds(self, formula: ElementTree.Element, events: dict[str, bool]) -> bool:
        if formula.tag in ("gate", "basic-event", "house-event", "event"):
            return self.truth(formula.attrib["name"], events)
        if formula.tag == "constant":
            return formula.attrib["value"] == "true"
        inner = [self._holds(part, events) for part in formula]
        count = sum(inner)
        match formula.tag:
            case "and":
                return count == len(inner)
            case "or":
                return count > 0
            case "not" | "nor":
                return count == 0
            case "nand":
                return count < len(inner)
            case "xor":
                return count % 2 == 1
            case "iff":
                left = inner[0]
                for right in inner[1:]:
                    left = left == right
                return left
            case "imply":
                return not inner[0] or inner[1]
            case "atleast":
                return count >= int(formula.attrib["min"])
            case "cardinality":
                return int(formula.attrib["min"]) <= count <= int(formula.attrib["max"])
        raise AssertionError(formula.tag)

    def states(self) -> Iterator[tuple[bool, ...]]:
        """Every joint state of the basic events, in the order of `chances`."""
        return itertools.product((False, True), repeat=len(self.chances))

    def probability(self, name: str) -> float:
        """The probability of a gate, by enumeration."""
        total = 0.0
        for state in self.states():
            events = dict(zip(self.chances, state, strict=True))
            if self.truth(name, events):
                weight = 1.0
                for event, occurs in events.items():
                    weight *= self.chances[event] if occurs else 1.0 - self.chances[event]
                total += weight
        return total


def _body(definition: ElementTree.Element) -> ElementTree.Element:
    return next(child for child in definition if child.tag not in ("label", "attributes"))
