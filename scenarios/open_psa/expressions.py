"""The expressions of an Open-PSA file: constants, arithmetic on them, and random deviates."""

import math
from collections.abc import Sequence
from typing import Final

from storyodds.priors.text.phrases import described, hint_for, one_of, quoted
from storyodds.priors.text.xml_reader import Element
from storyodds.scenarios.grammar.loops import bottom_up, loops
from storyodds.scenarios.open_psa.definitions import Definition
from storyodds.scenarios.open_psa.quantities.arguments import ArgumentError
from storyodds.scenarios.open_psa.quantities.deviates import Deviate, file_mean
from storyodds.scenarios.open_psa.quantities.functions import CLAMPS, FUNCTIONS
from storyodds.scenarios.open_psa.quantities.units import (
    HOURS_PER_YEAR,
    TYPES,
    UNITS,
    Quantity,
    Unit,
    UnitError,
    stated,
)
from storyodds.scenarios.open_psa.tree import PARAMETERS, Tree, required

Value = Quantity | Deviate

LITERALS: Final = ("float", "int", "bool")
MISSION_TIME: Final = "system-mission-time"
_TRUTHS = {"true": 1.0, "1": 1.0, "false": 0.0, "0": 0.0}
# Parts of Open-PSA that a near name would only lead away from.
_UNSUPPORTED = ("extern-function", "test-initiating-event", "test-functional-event")
# What functions with parts of their own expect inside.
_STRUCTURES = {
    "switch": "<case> elements of a condition and a value each, and one expression after them for "
    "when no condition holds",
    "histogram": "one expression, its lower end, and after it <bin> elements of an upper end and a "
    "value each",
}
_KNOWN = (*LITERALS, "parameter", MISSION_TIME, *FUNCTIONS)


class Expressions:
    """The expressions of a file, and the values of its parameters.

    Parameters
    ----------
    tree : Tree
    mission_time : float, optional
        Hours.
    at_means : bool
        Whether an uncertain number inside a function is taken at its mean.
    """

    def __init__(
        self, tree: Tree, mission_time: float | None = None, *, at_means: bool = False
    ) -> None:
        self._tree, self._mission_time, self.at_means = tree, mission_time, at_means
        self._parameters: dict[Definition, Value | None] = {}
        self._read_parameters()

    def _read_parameters(self) -> None:
        parameters = {item.full_name: item for item in self._tree.of_kind("parameter")}
        uses = {name: self._used(item) for name, item in parameters.items()}
        for loop in loops(uses):
            first = parameters[loop[0]]
            drawn = " -> ".join([*loop, loop[0]])
            sentence = f"found the loop {drawn}, expected no parameter to depend on itself"
            self._tree.complain(sentence, first.element, first)
            self._parameters.update((parameters[name], None) for name in loop)
        for name in bottom_up(uses):
            item = parameters[name]
            if item not in self._parameters:
                value = self.value(item.body, item) if item.body else None
                self._parameters[item] = self._stated(value, item)

    def _used(self, item: Definition) -> list[str]:
        """Names of the parameters in an expression; wrong ones are listed when it is read."""
        definitions = [
            self._tree.lookup(element.attributes.get("name", ""), item.scope, PARAMETERS)
            for element in (item.body.walk() if item.body else ())
            if element.tag == "parameter"
        ]
        return [used.full_name for used in definitions if used is not None]

    def value(self, element: Element, owner: Definition) -> Value | None:
        """Return the value of an expression, complaining of everything wrong with it."""
        if element.tag in LITERALS:
            number = self._literal(element, owner)
            return None if number is None else Quantity(number)
        if element.tag == "parameter":
            return self._parameter(element, owner)
        if element.tag == MISSION_TIME:
            return self._mission(element, owner)
        if element.tag not in _KNOWN:
            unsupported = element.tag in _UNSUPPORTED
            hint = "" if unsupported else self._tree.nearest(element.tag, _KNOWN)
            self._tree.spoil(element)
            self._tree.complain(
                f"found <{element.tag}>, which is not supported in an expression, expected "
                f"{one_of(_KNOWN)}{hint}",
                element,
                owner,
            )
            return None
        if element.tag in _STRUCTURES:
            return self._structured(element, owner)
        return self._applied(element, owner)

    def constant(self, element: Element, owner: Definition) -> Quantity | None:
        """Return the value of an expression that has to be a constant."""
        values = self._constants(element, [self.value(element, owner)], owner)
        return values[0] if values else None

    def _mission(self, element: Element, owner: Definition) -> Quantity | None:
        """Return the mission time, which is not in the file, in hours or years."""
        name = element.attributes.get("unit", "hours")
        if name not in _SPANS:
            self._tree.complain(
                f"found unit={quoted(name)} of the mission time, expected {one_of(_SPANS)}"
                f"{self._tree.nearest(name, _SPANS)}",
                element,
                owner,
            )
            return None
        if self._mission_time is None:
            self._tree.complain(
                f"found <{MISSION_TIME}>, which the file does not give; expected its hours: state "
                "them, as in --mission-time 8760",
                element,
                owner,
            )
            return None
        years = name == "years"
        time = self._mission_time / HOURS_PER_YEAR if years else self._mission_time
        return Quantity(time, UNITS[name], years)

    def _parameter(self, element: Element, owner: Definition) -> Value | None:
        """Return a parameter's value; a unit beside its name has to be the one it has."""
        definition = self._tree.find(element, owner)
        if definition is None:
            return None
        unit, own = element.attributes.get("unit"), definition.element.attributes.get("unit")
        if unit is not None and unit != own:
            expectation = "none" if own is None else quoted(own)
            self._tree.complain(
                f"found unit={quoted(unit)}, expected {expectation}, as the parameter "
                f"{definition.shown.partition(' ')[2]} has it in line {definition.element.line}",
                element,
                owner,
            )
            return None
        return self._parameters.get(definition)

    def _stated(self, value: Value | None, item: Definition) -> Value | None:
        """Return a parameter's value in the unit that its definition states."""
        name = item.element.attributes.get("unit")
        if name is None or value is None:
            return value
        try:
            if isinstance(value, Quantity):
                return stated(value, name)
            return self._stated_deviate(value, name)
        except UnitError as error:
            self._tree.complain(f"{error}{self._unit_hint(name)}", item.element, item)
            return None

    @staticmethod
    def _stated_deviate(deviate: Deviate, name: str) -> Deviate:
        if name in ("int", "bool"):
            raise UnitError(f"found unit={name} of a deviate, expected float, or a unit")
        unit: Unit | None = stated(Quantity(0.0, deviate.unit), name).unit
        return deviate.with_unit(unit)

    def _unit_hint(self, name: str) -> str:
        units = (*UNITS, *TYPES)
        return "" if name in units else self._tree.nearest(name, units)

    def _structured(self, element: Element, owner: Definition) -> Value | None:
        """Take the arguments of a choice or a histogram out of its cases or bins."""
        is_switch = element.tag == "switch"
        tag = "case" if is_switch else "bin"
        single = element.children[-1:] if is_switch else element.children[:1]
        parts = element.children[:-1] if is_switch else element.children[1:]
        if not single or single[0].tag == tag:
            where = "after" if is_switch else "before"
            self._refuse_part(f"found no expression {where} the {tag}s", element, element, owner)
            return None
        for part in parts:
            if part.tag != tag:
                self._tree.spoil(part)
                self._refuse_part(f"found <{part.tag}>", part, element, owner)
                return None
            if len(part.children) != 2:
                number = len(part.children)
                opening = f"found <{tag}> with {number} expressions"
                self._refuse_part(opening, part, element, owner)
                return None
        inner = [argument for part in parts for argument in part.children]
        arguments = [*inner, *single] if is_switch else [*single, *inner]
        values = [self.value(argument, owner) for argument in arguments]
        if not is_switch and not parts:
            self._refuse_part("found no <bin>", element, element, owner)
            return None
        quantities = self._constants(element, values, owner)
        return None if quantities is None else self._computed(element, quantities, owner)

    def _refuse_part(
        self, opening: str, part: Element, element: Element, owner: Definition
    ) -> None:
        tag = element.tag
        sentence = f"{opening} in <{tag}>, expected {_STRUCTURES[tag]}"
        self._tree.complain(sentence, part, owner)

    def _applied(self, element: Element, owner: Definition) -> Value | None:
        arguments = [self.value(child, owner) for child in element.children]
        function = FUNCTIONS[element.tag]
        if not function.takes(len(arguments)):
            plural = "" if len(arguments) == 1 else "s"
            self._tree.complain(
                f"found {len(arguments)} argument{plural} in <{element.tag}>, "
                f"expected {function.expectation}",
                element,
                owner,
            )
            return None
        if element.tag in CLAMPS and any(isinstance(argument, Deviate) for argument in arguments):
            return self._clamp(element, arguments, owner)
        quantities = self._constants(element, arguments, owner)
        return None if quantities is None else self._computed(element, quantities, owner)

    def _literal(self, element: Element, owner: Definition) -> float | None:
        text = required(self._tree, element, "value", owner)
        if text is None:
            return None
        if element.tag == "bool":
            return self._truth(text, element, owner)
        try:
            number = float(int(text)) if element.tag == "int" else float(text)
        except (ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number) and "_" not in text and text.isascii():
            return number
        expectation = "a whole number" if element.tag == "int" else "a number"
        self._tree.complain(
            f"found {described(text)}, expected {expectation}{hint_for(text, expectation)}",
            element,
            owner,
        )
        return None

    def _truth(self, text: str, element: Element, owner: Definition) -> float | None:
        if text not in _TRUTHS:
            hint = self._tree.nearest(text, ["true", "false"])
            self._tree.complain(
                f"found {quoted(text)}, expected true or false{hint}", element, owner
            )
        return _TRUTHS.get(text)

    def _constants(
        self, element: Element, arguments: Sequence[Value | None], owner: Definition
    ) -> list[Quantity] | None:
        """Return the arguments if all of them are constants, or are taken at their means."""
        deviates = [argument for argument in arguments if isinstance(argument, Deviate)]
        if deviates and not self.at_means:
            self._tree.complain(
                f"found a deviate inside <{element.tag}>, expected constants: arithmetic on "
                "uncertain numbers is not supported but for a <min> with 1 and a <max> with 0; "
                "--at-means takes each at its mean",
                element,
                owner,
            )
            return None
        arguments = [
            at_mean(argument) if isinstance(argument, Deviate) else argument
            for argument in arguments
        ]
        quantities = [value for value in arguments if isinstance(value, Quantity)]
        return quantities if len(quantities) == len(arguments) else None

    def _computed(
        self, element: Element, quantities: Sequence[Quantity], owner: Definition
    ) -> Value | None:
        function = FUNCTIONS[element.tag]
        at_mean = any(quantity.at_mean for quantity in quantities)
        try:
            numbers, unit, years = function.units(element.tag, quantities)
            result = function.compute(*numbers)
        except (UnitError, ArgumentError) as error:
            self._tree.complain(str(error), element, owner)
            return None
        except (ValueError, OverflowError, ZeroDivisionError):
            result = math.nan
        if isinstance(result, dict):
            return Deviate(result, element, unit, at_mean=at_mean)
        if not math.isfinite(result):
            operands = ", ".join(described(quantity.number) for quantity in quantities)
            self._tree.complain(
                f"found {element.tag}({operands}), expected a finite result", element, owner
            )
            return None
        return Quantity(result, unit, years, at_mean)

    def _clamp(
        self, element: Element, arguments: Sequence[Value | None], owner: Definition
    ) -> Value | None:
        """Clamp a deviate to probabilities, which is all that a clamp may do to one."""
        if any(argument is None for argument in arguments):
            return None
        deviates = [value for value in arguments if isinstance(value, Deviate)]
        numbers = [value.number for value in arguments if isinstance(value, Quantity)]
        is_min = element.tag == "min"
        bound = min(numbers, default=1.0) if is_min else max(numbers, default=0.0)
        if len(deviates) > 1 or bound != (1.0 if is_min else 0.0):
            self._constants(element, arguments, owner)
            return None
        return deviates[0].clamped(at_1=is_min) if numbers else deviates[0]


_SPANS: Final = ("hours", "years")  # in which a mission time can be


def at_mean(deviate: Deviate) -> Quantity:
    """Return the mean of an uncertain number, as the file has it."""
    return Quantity(file_mean(deviate), deviate.unit, at_mean=True)
