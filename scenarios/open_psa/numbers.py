"""The expressions of an Open-PSA file as PRIORs: constants, arithmetic on them, and deviates."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from storyodds.priors.distributions.forms import Prior
from storyodds.priors.text.phrases import described, hint_for, one_of, quoted
from storyodds.priors.text.records import Source
from storyodds.priors.text.xml_reader import Element
from storyodds.priors.wording import mistakes_in
from storyodds.scenarios.grammar.loops import bottom_up, loops
from storyodds.scenarios.open_psa.definitions import Definition
from storyodds.scenarios.open_psa.deviates import (
    REFUSED_CHANGE,
    TOLD_CHANGE,
    Deviate,
    DeviateError,
    change,
    cut_note,
    means,
    story_form,
)
from storyodds.scenarios.open_psa.functions import CLAMPS, DEVIATES, FUNCTIONS, OPERATIONS
from storyodds.scenarios.open_psa.tree import Tree, required
from storyodds.scenarios.open_psa.units import (
    PURE,
    TYPES,
    UNITS,
    YEAR_NOTE,
    Quantity,
    Unit,
    UnitError,
    stated,
)
from storyodds.scenarios.schema import Assumption

Value = Quantity | Deviate

_LITERALS = ("float", "int")
# Parts of Open-PSA that a near name would only lead away from, and the way out where there is one.
_UNSUPPORTED = {
    "system-mission-time": "; the file does not say how long that is, so write the number",
    **dict.fromkeys(
        (
            *("periodic-test", "gamma-deviate", "histogram", "extern-function", "bool", "acos"),
            *("asin", "atan", "cos", "cosh", "mod", "sin", "sinh", "tan", "tanh", "ceil", "floor"),
            *("not", "and", "or", "eq", "df", "lt", "gt", "leq", "geq", "ite", "switch"),
            *("test-initiating-event", "test-functional-event"),
        ),
        "",
    ),
}
_KNOWN = (*_LITERALS, "parameter", *DEVIATES, *CLAMPS, *OPERATIONS)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A basic event's number.

    Attributes
    ----------
    prior : Prior
    deviate : Element or None
        Where its deviate stands, if it has one.
    remark : str or None
        What the story has otherwise than the file.
    """

    prior: Prior
    deviate: Element | None
    remark: str | None


class Numbers:
    """The numbers of a file: every parameter's value, and every basic event's PRIOR."""

    def __init__(self, tree: Tree, cite: str) -> None:
        self._tree, self._source = tree, Source(cite=cite)
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
                value = self._value(item.body, item) if item.body else None
                self._parameters[item] = self._stated(value, item)

    def _used(self, item: Definition) -> list[str]:
        """Names of the parameters in an expression; wrong ones are listed when it is read."""
        definitions = [
            self._tree.lookup(element.attributes.get("name", ""), item.scope, apart=True)
            for element in (item.body.walk() if item.body else ())
            if element.tag == "parameter"
        ]
        return [used.full_name for used in definitions if used is not None]

    def estimate_of(self, event: Definition) -> Estimate | None:
        """Return a basic event's PRIOR; None where something is wrong."""
        if event.body is None:
            return None
        value = self._value(event.body, event)
        if value is None or not self._is_probability(value, event):
            return None
        deviate = value if isinstance(value, Deviate) else None
        form = story_form(value) if isinstance(value, Deviate) else value.number
        place = deviate.element if deviate else event.body
        prior = self._prior(form, place, event)
        if prior is None:
            return None
        remark = None
        notes = []
        if deviate is not None:
            in_file, in_story = means(deviate, prior)
            size = change(in_file, in_story)
            if not size <= REFUSED_CHANGE:
                self._refuse_cut(deviate, event, in_file, in_story)
                return None
            if size > TOLD_CHANGE:
                remark = cut_note(deviate, in_file, in_story)
                notes.append(remark)
        elif event.body.tag not in (*_LITERALS, "parameter"):
            notes.append(f"Computed in the file by <{event.body.tag}>.")
        if isinstance(value, Quantity) and value.years:
            notes.append(YEAR_NOTE)
            remark = YEAR_NOTE
        note = " ".join(notes) or None
        provenance = {"basis": "assumed", "source": self._source, "note": note}
        where = None if deviate is None else deviate.element
        return Estimate(prior.model_copy(update=provenance), where, remark)

    def _is_probability(self, value: Value, event: Definition) -> bool:
        if value.unit in (None, PURE):
            return True
        assert event.body is not None and value.unit is not None
        way_out = (
            "leave the unit away from a chance per demand"
            if value.unit.demands
            else "a rate and a time make one in <exponential>"
        )
        self._tree.complain(
            f"found a value in {value.unit.name}, expected a probability, which has no unit; "
            f"{way_out}",
            event.body,
            event,
        )
        return False

    def _prior(
        self, form: float | dict[str, Any], place: Element, event: Definition
    ) -> Prior | None:
        data = {"probability": form}
        try:
            return Assumption.model_validate(data).probability
        except ValidationError as error:
            for mistake in mistakes_in(error, data, Assumption):
                self._tree.complain(mistake.sentence, place, event)
            return None

    def _refuse_cut(
        self, deviate: Deviate, event: Definition, in_file: float, in_story: float
    ) -> None:
        clamps = deviate.at_least_0 or deviate.at_most_1
        done = "is clamped to" if clamps else "leaves"
        self._tree.complain(
            f"found a deviate of mean {in_file:.6g} that {done} the range from 0 to 1; a story "
            f"cuts it off there, which would make its mean {in_story:.6g}; expected a change of at "
            f"most {REFUSED_CHANGE:.0%}: write a narrower one, or a <beta-deviate>",
            deviate.element,
            event,
        )

    def _value(self, element: Element, owner: Definition) -> Value | None:
        if element.tag in _LITERALS:
            number = self._literal(element, owner)
            return None if number is None else Quantity(number)
        if element.tag == "parameter":
            return self._parameter(element, owner)
        if element.tag not in _KNOWN:
            hint = self._tree.nearest(element.tag, _KNOWN)
            if element.tag in _UNSUPPORTED:
                hint = _UNSUPPORTED[element.tag]
            self._tree.spoil(element)
            self._tree.complain(
                f"found <{element.tag}>, which is not supported in an expression, expected "
                f"{one_of(_KNOWN)}{hint}",
                element,
                owner,
            )
            return None
        return self._applied(element, owner)

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

    def _applied(self, element: Element, owner: Definition) -> Value | None:
        arguments = [self._value(child, owner) for child in element.children]
        function = FUNCTIONS[element.tag]
        fewest, most = function.fewest, function.most
        if len(arguments) < fewest or (most is not None and len(arguments) > most):
            counts = [str(count) for count in range(fewest, (most or fewest) + 1)]
            expectation = f"at least {fewest}" if most is None else one_of(counts)
            plural = "" if len(arguments) == 1 else "s"
            self._tree.complain(
                f"found {len(arguments)} argument{plural} in <{element.tag}>, "
                f"expected {expectation}",
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

    def _constants(
        self, element: Element, arguments: Sequence[Value | None], owner: Definition
    ) -> list[Quantity] | None:
        """Return the arguments if all of them are constants."""
        if any(isinstance(argument, Deviate) for argument in arguments):
            self._tree.complain(
                f"found a deviate inside <{element.tag}>, expected constants: arithmetic on "
                "uncertain numbers is not supported but for a <min> with 1 and a <max> with 0",
                element,
                owner,
            )
            return None
        quantities = [value for value in arguments if isinstance(value, Quantity)]
        return quantities if len(quantities) == len(arguments) else None

    def _computed(
        self, element: Element, quantities: Sequence[Quantity], owner: Definition
    ) -> Value | None:
        function = FUNCTIONS[element.tag]
        try:
            numbers, unit, years = function.units(element.tag, quantities)
            result = function.compute(*numbers)
        except (UnitError, DeviateError) as error:
            self._tree.complain(str(error), element, owner)
            return None
        except (ValueError, OverflowError, ZeroDivisionError):
            result = math.nan
        if isinstance(result, dict):
            return Deviate(result, element, unit)
        if not math.isfinite(result):
            operands = ", ".join(described(quantity.number) for quantity in quantities)
            self._tree.complain(
                f"found {element.tag}({operands}), expected a finite result", element, owner
            )
            return None
        return Quantity(result, unit, years)

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
