"""How often initiating events happen: a number with a unit, or the probability of an event."""

from dataclasses import dataclass, replace
from typing import Any, Final

from storyodds.priors.distributions.forms import Fixed, Prior
from storyodds.priors.text.phrases import one_of
from storyodds.priors.text.xml_reader import Element
from storyodds.scenarios.open_psa.definitions import BASIC_EVENT, Definition
from storyodds.scenarios.open_psa.expressions import at_mean
from storyodds.scenarios.open_psa.grammar import FREQUENCIES
from storyodds.scenarios.open_psa.quantities.deviates import (
    REFUSED_CHANGE,
    Deviate,
    change,
    means,
    story_form,
)
from storyodds.scenarios.open_psa.quantities.units import PURE, Unit
from storyodds.scenarios.open_psa.reader import Reading

# Distributions of numbers from 0 to 1 serve for frequencies too, once these are divided by so many
# of their means that their upper tail stays below 1.
_MEANS_BELOW_1: Final = 1e6


@dataclass(frozen=True, slots=True)
class Frequency:
    """How often an initiating event happens.

    Attributes
    ----------
    prior : Prior or None
        Of the frequency as a part of `scale`; None where it is certain.
    scale : float
        In the unit: the frequency itself where it is certain.
    unit : str or None
        As the file has it, such as `years-1`; None for a number without a unit.
    condition : Definition or None
        The basic event that the initiating event is.
    """

    prior: Prior | None
    scale: float
    unit: str | None
    condition: Definition | None = None


def frequency_of(reading: Reading, event: Definition) -> Frequency | None:
    """Read how often an initiating event happens; None where the file does not say."""
    contents = [child for child in event.element.children if child.tag in FREQUENCIES]
    for extra in contents[1:]:
        reading.tree.complain(
            f"found <{extra.tag}> beside <{contents[0].tag}>, expected one of "
            f"{one_of(f'<{tag}>' for tag in FREQUENCIES)}",
            extra,
            event,
        )
    if len(contents) != 1:
        return None
    (content,) = contents
    if content.tag == "parameter":
        return _of_parameter(reading, content, event)
    definition = reading.tree.find(content, event)
    if definition is None or definition.kind != BASIC_EVENT:
        return None
    if definition not in reading.contents.estimates:
        reading.tree.complain(
            f"found {definition.shown}, a member of a common-cause group, expected a basic event "
            "that is in none",
            content,
            event,
        )
        return None
    estimate = reading.contents.estimates[definition]
    if estimate is None:
        return None
    if isinstance(estimate.prior, Fixed):
        return Frequency(None, estimate.prior.fixed, None, definition)
    return Frequency(estimate.prior, 1.0, None, definition)


def _of_parameter(reading: Reading, element: Element, event: Definition) -> Frequency | None:
    value = reading.expressions.value(element, event)
    if value is None or not _is_frequency(reading, value.unit, element, event):
        return None
    unit = None if value.unit in (None, PURE) else value.unit
    name = None if unit is None else unit.name
    if isinstance(value, Deviate) and not value.is_of_stories and reading.expressions.at_means:
        value = at_mean(value)
    if isinstance(value, Deviate):
        return _uncertain(reading, value, name, event)
    if value.number < 0.0:
        reading.tree.complain(
            f"found {value.number:g}, expected a frequency, 0 or more", element, event
        )
        return None
    return Frequency(None, value.number, name)


def _is_frequency(reading: Reading, unit: Unit | None, element: Element, event: Definition) -> bool:
    if unit in (None, PURE) or (unit is not None and unit.dimension == (-1, 0)):
        return True
    assert unit is not None
    reading.tree.complain(
        f"found a value in {unit.name}, expected how often the event happens: a rate (hours-1, "
        "years-1 or fit), or a number without a unit",
        element,
        event,
    )
    return False


def _uncertain(
    reading: Reading, deviate: Deviate, unit: str | None, event: Definition
) -> Frequency | None:
    if not deviate.is_of_stories:
        reading.tree.complain(
            f"found <{deviate.element.tag}>, of which no draws are taken, expected another "
            "distribution; --at-means takes it at its mean",
            deviate.element,
            event,
        )
        return None
    scale = 1.0 if deviate.at_most_1 else _scale(deviate.form)
    form = _divided(story_form(deviate), scale)
    scaled = replace(deviate, form=form)
    prior = reading.numbers.prior_of(form, deviate.element, event)
    if prior is None:
        return None
    in_file, in_story = means(scaled, prior)
    if not change(in_file, in_story) <= REFUSED_CHANGE:
        reading.tree.complain(
            f"found a deviate of mean {in_file * scale:.6g} that leaves the numbers above 0; cut "
            f"off there, its mean would be {in_story * scale:.6g}; expected a change of at most "
            f"{REFUSED_CHANGE:.0%}: write a narrower one",
            deviate.element,
            event,
        )
        return None
    return Frequency(prior, scale, unit)


def _scale(form: Any) -> float:
    """Return by what to divide a distribution so that it lies below 1 but for next to nothing."""
    ((name, numbers),) = form.items()
    if name == "lognormal":
        return float(_MEANS_BELOW_1 * numbers["mean"])
    if name == "beta":
        return 1.0
    return float(_MEANS_BELOW_1 * sum(abs(number) for number in numbers))


def _divided(form: Any, scale: float) -> dict[str, Any]:
    ((name, numbers),) = form.items()
    if name == "lognormal":
        return {name: {**numbers, "mean": numbers["mean"] / scale}}
    return {name: numbers if name == "beta" else [number / scale for number in numbers]}
