"""The gates of an Open-PSA tree as a story's assumptions.

A story's formulas negate nothing but names, so negations are pushed down to the events, and what
needs a part both ways (parity, equivalence, cardinality) gets an assumption of its own for it.
House events are constants and disappear, together with every gate that they decide.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from storyodds.priors.text.errors import printable
from storyodds.scenarios.grammar.formulas import AnyOf, AtLeast, Formula, literals
from storyodds.scenarios.grammar.outcomes import CLASSES, DEFAULT, RESIDUAL
from storyodds.scenarios.open_psa.definitions import Definition
from storyodds.scenarios.open_psa.formulas import Connective
from storyodds.scenarios.open_psa.formulas import Formula as Tree
from storyodds.scenarios.shared.catalog import assumptions

_RESERVED = (*CLASSES, RESIDUAL, DEFAULT, "not", "otherwise", "rationale")
_NAME_LETTERS = 80  # letters of a name made of a label
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PART_LEVELS = 6  # parts within parts; what lies deeper gets an assumption of its own


class Slugs:
    """Ids of their own for names that need not be ids."""

    def __init__(self) -> None:
        # An id of the catalog would bring the catalog's claim and sources with it.
        self._taken = {*_RESERVED, *assumptions()}

    def copy(self) -> "Slugs":
        """Return the same, to go on from."""
        other = Slugs.__new__(Slugs)
        other._taken = set(self._taken)
        return other

    def take(self, name: str) -> str:
        """Return the nearest id that nobody has yet.

        Examples
        --------
        >>> slugs = Slugs()
        >>> [slugs.take(name) for name in ("Pump A", "pump_a", "Öl", "not", "…")]
        ['pump-a', 'pump-a-2', 'ol', 'not-2', 'event']
        >>> slugs.take("RelayK2FailsOPENAgain")
        'relay-k2-fails-open-again'
        """
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        words = _CAPITAL.sub("-", plain).lower()
        slug = re.sub(r"[^a-z0-9]+", "-", words)[:_NAME_LETTERS].strip("-") or "event"
        chosen, number = slug, 1
        while chosen in self._taken:
            number += 1
            chosen = f"{slug}-{number}"
        self._taken.add(chosen)
        return chosen


@dataclass
class Composites:
    """Gates turned into formulas, those below first.

    Attributes
    ----------
    slugs : Slugs
    ids : dict of Definition to str
        Of gates and basic events.
    formulas : dict of str to Formula
        What each composite holds when.
    claims : dict of str to str
    constant : dict of Definition to bool
        Gates and house events that are decided.
    """

    slugs: Slugs
    ids: dict[Definition, str]
    constant: dict[Definition, bool]
    formulas: dict[str, Formula] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)
    _gate: Definition | None = field(default=None, repr=False)
    _parts: int = field(default=0, repr=False)

    def copy(self) -> "Composites":
        """Return the same, to go on from."""
        return Composites(
            self.slugs.copy(),
            dict(self.ids),
            dict(self.constant),
            dict(self.formulas),
            dict(self.claims),
        )

    def add(self, gate: Definition, formula: Tree) -> None:
        """Turn one gate, whose inner gates have been turned already."""
        self._gate, self._parts = gate, 0
        turned = self._turn(formula, True, 0)
        if isinstance(turned, bool):
            self.constant[gate] = turned
            return
        self.formulas[self.ids[gate]] = turned
        self.claims[self.ids[gate]] = claim_of(gate)

    def _turn(self, formula: Tree, sign: bool, depth: int) -> Formula | bool:
        """Return the formula (or, unless `sign`, its negation) as a story writes it."""
        if isinstance(formula, bool):
            return formula is sign
        if isinstance(formula, Definition):
            if formula in self.constant:
                return self.constant[formula] is sign
            return self.ids[formula] if sign else f"not {self.ids[formula]}"
        if depth > _PART_LEVELS:
            return self._signed(self._apart(formula), sign)
        name, parts = formula.name, formula.parts
        if name in ("not", "nand", "nor"):
            plain = Connective({"not": "or", "nand": "and", "nor": "or"}[name], parts)
            return self._turn(plain, not sign, depth)
        if name == "imply":
            return self._turn(
                Connective("or", (Connective("not", parts[:1]), parts[1])), sign, depth
            )
        if name == "xor":
            return self._parity(parts, sign)
        if name == "iff":  # associative: an even number of its parts fails
            return self._parity(parts, sign is (len(parts) % 2 == 1))
        if name == "cardinality":
            return self._between(parts, sign, formula.least, formula.most)
        least = {"and": len(parts), "or": 1}.get(name, formula.least)
        turned = [self._turn(part, sign, depth + 1) for part in parts]
        return at_least(least if sign else len(parts) - least + 1, turned)

    def _between(
        self, parts: tuple[Tree, ...], sign: bool, least: int, most: int
    ) -> Formula | bool:
        """From `least` to `most` of the parts hold, or (unless `sign`) fewer or more of them."""
        named = [self._apart(part) for part in parts]
        yes = [self._signed(part, True) for part in named]
        no = [self._signed(part, False) for part in named]
        if sign:
            return at_least(2, [at_least(least, yes), at_least(len(parts) - most, no)])
        enough_no, enough_yes = len(parts) - least + 1, most + 1
        return at_least(1, [at_least(enough_no, no), at_least(enough_yes, yes)])

    def _parity(self, parts: tuple[Tree, ...], sign: bool) -> Formula | bool:
        """An odd number of the parts holds."""
        odd: str | bool = False
        for position, part in enumerate(parts):
            own = self._apart(part)
            last = position == len(parts) - 1
            either = self._either(odd, own, sign if last else True)
            if last:
                return either
            odd = either if isinstance(either, bool | str) else self._note(either)
        return not sign

    def _either(self, first: str | bool, second: str | bool, sign: bool) -> Formula | bool:
        """One of two parts holds and the other does not; unless `sign`, both or neither."""
        if isinstance(first, bool):
            return self._signed(second, sign is not first)
        if isinstance(second, bool):
            return self._signed(first, sign is not second)
        other = self._signed(second, not sign)
        opposite = self._signed(second, sign)
        return AnyOf(any=((first, _text(other)), (_negated(first), _text(opposite))))

    def _apart(self, formula: Tree) -> str | bool:
        """Return a literal or a constant, with an assumption of its own for what is neither."""
        turned = self._turn(formula, True, 0)
        return turned if isinstance(turned, bool | str) else self._note(turned)

    def _note(self, formula: Formula) -> str:
        assert self._gate is not None
        self._parts += 1
        name = self.slugs.take(f"{self.ids[self._gate][: _NAME_LETTERS - 10]}-part-{self._parts}")
        self.formulas[name] = formula
        self.claims[name] = f"Part {self._parts} of {shown(self._gate)}"
        return name

    @staticmethod
    def _signed(part: str | bool, sign: bool) -> str | bool:
        if isinstance(part, bool):
            return part is sign
        return part if sign else _negated(part)


def _negated(literal: str) -> str:
    return literal.removeprefix("not ") if literal.startswith("not ") else f"not {literal}"


def _text(part: str | bool) -> str:
    assert isinstance(part, str)
    return part


def at_least(count: int, parts: Sequence[Formula | bool]) -> Formula | bool:
    """Return the formula for so many of the parts, as short as it can be.

    Examples
    --------
    >>> at_least(2, ["a", True, "b"])
    AnyOf(any=('a', 'b'))
    >>> at_least(2, ["a", False]), at_least(1, ["a", False])
    (False, 'a')
    """
    open_parts = [part for part in parts if not isinstance(part, bool)]
    count -= sum(part is True for part in parts)
    if count <= 0:
        return True
    if count > len(open_parts):
        return False
    if len(open_parts) == 1:
        return open_parts[0]
    if count == len(open_parts):
        return tuple(open_parts)
    if count == 1:
        return AnyOf(any=tuple(open_parts))
    return AtLeast(at_least=count, of=tuple(open_parts))


def shown(definition: Definition) -> str:
    """Name a definition as the file does, fit to be printed."""
    return printable(definition.shown)


def claim_of(definition: Definition) -> str:
    """Describe what a gate or event claims: its label and its name in the file."""
    name = shown(definition)
    label = printable(definition.label)
    return f"{label} ({name})" if label else name[0].upper() + name[1:]


def in_reach(top: str, formulas: Mapping[str, Formula]) -> list[str]:
    """Return the ids that a composite rests on, itself first, level by level."""
    names_below = {top: None}
    waiting = [top]
    while waiting:
        below = [
            name
            for composite in waiting
            for name, _ in literals(formulas[composite])
            if name not in names_below
        ]
        names_below |= dict.fromkeys(below)
        waiting = [name for name in dict.fromkeys(below) if name in formulas]
    return list(names_below)
