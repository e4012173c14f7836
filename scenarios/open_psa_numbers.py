"""The expressions of an Open-PSA file as PRIORs: constants, arithmetic on them, and deviates."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

from pydantic import ValidationError

from storyodds.priors.forms import Prior
from storyodds.priors.phrases import described, did_you_mean, hint_for, one_of
from storyodds.priors.records import Source
from storyodds.priors.strict_xml import Element
from storyodds.priors.wording import mistakes_in
from storyodds.scenarios.loops import bottom_up, loops
from storyodds.scenarios.open_psa_tree import Definition, Tree, required
from storyodds.scenarios.schema import Assumption

_LEVEL = 0.95
_CUT = "Clamped to [0, 1] in the file; cut off there in the story."


@dataclass(frozen=True, slots=True)
class Deviate:
    """An uncertain number.

    Attributes
    ----------
    form : mapping
        As a story writes it.
    element : Element
        Where the file states it; two events that reach the same one move together.
    at_least_0, at_most_1 : bool
        Whether the file clamps it there.
    """

    form: Mapping[str, Any]
    element: Element
    at_least_0: bool = False
    at_most_1: bool = False


Value = float | Deviate


def _exponential(rate: float, time: float) -> float:
    return -math.expm1(-rate * time)


def _glm(gamma: float, failure: float, repair: float, time: float) -> float:
    both = failure + repair
    return (failure - (failure - gamma * both) * math.exp(-both * time)) / both


def _weibull(scale: float, shape: float, shift: float, time: float) -> float:
    return -math.expm1(-math.pow((time - shift) / scale, shape)) if time > shift else 0.0


def _subtract(first: float, *others: float) -> float:
    return first - math.fsum(others)


def _divide(first: float, *others: float) -> float:
    return first / math.prod(others)


def _mean(*numbers: float) -> float:
    return math.fsum(numbers) / len(numbers)


def _add(*numbers: float) -> float:
    return math.fsum(numbers)


def _multiply(*numbers: float) -> float:
    return math.prod(numbers)


# How many arguments each takes (None: any number from the first on), and what it computes.
_OPERATIONS: dict[str, tuple[int, int | None, Callable[..., float]]] = {
    "neg": (1, 1, lambda x: -x),
    "add": (1, None, _add),
    "sub": (1, None, _subtract),
    "mul": (1, None, _multiply),
    "div": (1, None, _divide),
    "mean": (1, None, _mean),
    "pow": (2, 2, math.pow),
    "abs": (1, 1, abs),
    "exp": (1, 1, math.exp),
    "log": (1, 1, math.log),
    "log10": (1, 1, math.log10),
    "sqrt": (1, 1, math.sqrt),
    "pi": (0, 0, lambda: math.pi),
    "exponential": (2, 2, _exponential),
    "GLM": (4, 4, _glm),
    "Weibull": (4, 4, _weibull),
}


def _lognormal(*numbers: float) -> dict[str, Any]:
    if len(numbers) == 2:  # mean and standard deviation of the logarithm
        mu, sigma = numbers
        mean = math.exp(mu + sigma**2 / 2)
        factor = math.exp(sigma * NormalDist().inv_cdf(_LEVEL))
        return {"lognormal": {"mean": mean, "error_factor": factor}}
    mean, factor, level = numbers
    return {"lognormal": {"mean": mean, "error_factor": factor, "level": level}}


_DEVIATES: dict[str, tuple[int, int, Callable[..., dict[str, Any]]]] = {
    "beta-deviate": (2, 2, lambda a, b: {"beta": [a, b]}),
    "lognormal-deviate": (2, 3, _lognormal),
    "normal-deviate": (2, 2, lambda mean, sd: {"normal": [mean, sd]}),
    "uniform-deviate": (2, 2, lambda low, high: {"uniform": [low, high]}),
}
_FUNCTIONS: dict[str, tuple[int, int | None, Callable[..., float | dict[str, Any]]]] = {
    **_OPERATIONS,
    **_DEVIATES,
}
_LITERALS = ("float", "int")
_CLAMPS = ("min", "max")
# Parts of Open-PSA that a near name would only lead away from, and the way out where there is one.
_UNSUPPORTED = {
    "system-mission-time": "; the file does not say how long that is, so write the number",
    "periodic-test": "",
    "gamma-deviate": "",
    "histogram": "",
    "extern-function": "",
    "bool": "",
}
_KNOWN = (*_LITERALS, "parameter", *_DEVIATES, *_CLAMPS, *_OPERATIONS)


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
                self._parameters[item] = self._value(item.body, item) if item.body else None

    def _used(self, item: Definition) -> list[str]:
        """Names of the parameters that an expression uses; wrong ones are told when it is read."""
        found = [
            self._tree.lookup(element.attributes.get("name", ""), item.scope, apart=True)
            for element in (item.body.walk() if item.body else ())
            if element.tag == "parameter"
        ]
        return [used.full_name for used in found if used is not None]

    def prior_of(self, event: Definition) -> tuple[Prior, Element | None] | None:
        """Give a basic event's PRIOR, and where its deviate stands if it has one.

        Returns
        -------
        tuple or None
            None where something is wrong.
        """
        if event.body is None:
            return None
        value = self._value(event.body, event)
        if value is None:
            return None
        form: float | dict[str, Any]
        if isinstance(value, Deviate):
            form, note = _clamped(value)
        else:
            form = value
            plain = event.body.tag in (*_LITERALS, "parameter")
            note = None if plain else f"Computed in the file by <{event.body.tag}>."
        data = {"probability": form}
        try:
            prior = Assumption.model_validate(data).probability
        except ValidationError as error:
            for mistake in mistakes_in(error, data, Assumption):
                self._tree.complain(mistake.sentence, event.body, event)
            return None
        assert prior is not None
        provenance = {"basis": "assumed", "source": self._source, "note": note}
        where = value.element if isinstance(value, Deviate) else None
        return prior.model_copy(update=provenance), where

    def _value(self, element: Element, owner: Definition) -> Value | None:
        if element.tag in _LITERALS:
            return self._literal(element, owner)
        if element.tag == "parameter":
            found = self._tree.find(element, owner)
            return self._parameters.get(found) if found is not None else None
        if element.tag not in _KNOWN:
            hint = did_you_mean(element.tag, _KNOWN)
            if element.tag in _UNSUPPORTED:
                hint = _UNSUPPORTED[element.tag]
            self._tree.complain(
                f"found <{element.tag}>, which is not supported in an expression, expected "
                f"{one_of(_KNOWN)}{hint}",
                element,
                owner,
            )
            return None
        arguments = [self._value(child, owner) for child in element.children]
        if element.tag in _CLAMPS:
            return self._clamp(element, arguments, owner)
        fewest, most, compute = _FUNCTIONS[element.tag]
        if len(arguments) < fewest or (most is not None and len(arguments) > most):
            wanted = (
                f"at least {fewest}"
                if most is None
                else one_of(str(count) for count in range(fewest, most + 1))
            )
            self._tree.complain(
                f"found {len(arguments)} arguments in <{element.tag}>, expected {wanted}",
                element,
                owner,
            )
            return None
        numbers = self._constants(element, arguments, owner)
        if numbers is None:
            return None
        computed = self._computed(element, compute, numbers, owner)
        return Deviate(computed, element) if isinstance(computed, dict) else computed

    def _literal(self, element: Element, owner: Definition) -> float | None:
        text = required(self._tree, element, "value", owner)
        if text is None:
            return None
        try:
            number = float(int(text)) if element.tag == "int" else float(text)
        except (ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number) and "_" not in text:
            return number
        wanted = "a whole number" if element.tag == "int" else "a number"
        self._tree.complain(
            f"found {described(text)}, expected {wanted}{hint_for(text, wanted)}", element, owner
        )
        return None

    def _constants(
        self, element: Element, arguments: Sequence[Value | None], owner: Definition
    ) -> list[float] | None:
        """Give the arguments if all of them are constants."""
        if any(isinstance(argument, Deviate) for argument in arguments):
            self._tree.complain(
                f"found a deviate inside <{element.tag}>, expected constants: arithmetic on "
                "uncertain numbers is not supported but for a <min> with 1 and a <max> with 0",
                element,
                owner,
            )
            return None
        numbers = [number for number in arguments if isinstance(number, float)]
        return numbers if len(numbers) == len(arguments) else None

    def _computed[T](
        self,
        element: Element,
        compute: Callable[..., T],
        numbers: Sequence[float],
        owner: Definition,
    ) -> T | None:
        try:
            result = compute(*numbers)
        except (ValueError, OverflowError, ZeroDivisionError):
            result = None
        if result is None or (isinstance(result, float) and not math.isfinite(result)):
            shown = ", ".join(described(number) for number in numbers)
            self._tree.complain(
                f"found {element.tag}({shown}), expected a finite result", element, owner
            )
            return None
        return result

    def _clamp(
        self, element: Element, arguments: Sequence[Value | None], owner: Definition
    ) -> Value | None:
        deviates = [argument for argument in arguments if isinstance(argument, Deviate)]
        numbers = [argument for argument in arguments if isinstance(argument, float)]
        if not arguments:
            sentence = f"found 0 arguments in <{element.tag}>, expected at least 1"
            self._tree.complain(sentence, element, owner)
            return None
        if len(deviates) + len(numbers) < len(arguments):
            return None
        is_min = element.tag == "min"
        if not deviates:
            return min(numbers) if is_min else max(numbers)
        harmless = all(number >= 1.0 if is_min else number <= 0.0 for number in numbers)
        if len(deviates) > 1 or not harmless:
            self._constants(element, arguments, owner)
            return None
        if is_min:
            return replace(deviates[0], at_most_1=bool(numbers) or deviates[0].at_most_1)
        return replace(deviates[0], at_least_0=bool(numbers) or deviates[0].at_least_0)


def _clamped(deviate: Deviate) -> tuple[dict[str, Any], str | None]:
    """Give a deviate's form and a note, with what the file clamps off cut off."""
    form = dict(deviate.form)
    if "uniform" in form:
        low, high = form["uniform"]
        low = max(low, 0.0) if deviate.at_least_0 else low
        high = min(high, 1.0) if deviate.at_most_1 else high
        cut = [low, high] != form["uniform"]
        form["uniform"] = [low, high]
        return form, _CUT if cut else None
    clamps = deviate.at_least_0 or deviate.at_most_1
    return form, _CUT if clamps and ("normal" in form or "lognormal" in form) else None
