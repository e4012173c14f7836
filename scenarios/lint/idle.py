"""Rules about parts of a story that can never make a difference."""

from collections.abc import Iterator

from storyodds.scenarios.grammar.parts import Rate, numbers_of
from storyodds.scenarios.lint.reading import Doubt, Reading, is_nought


def never_matters(reading: Reading) -> Iterator[Doubt]:
    """A hazard, a check or a constraint that changes no odds, whatever the numbers turn out to be.

    What contradicts itself is for never-holds and idle-constraint to report; here it is the
    numbers 0 and 1 that leave no room.
    """
    yield from _hazards(reading)
    yield from _checks(reading)
    yield from _constraints(reading)


def _hazards(reading: Reading) -> Iterator[Doubt]:
    for i, hazard in enumerate(reading.story.goal.hazards):
        place = ("goal", "hazards", i)
        if is_nought(hazard.probability):
            sentence = f"'{hazard.id}' has the probability 0 and never fires"
            yield Doubt((*place, "probability"), sentence)
        elif reading.is_ruled_out(hazard.requires):
            sentence = (
                f"'{hazard.id}' never fires: what it requires is excluded by an assumption that "
                "is certain"
            )
            yield Doubt((*place, "requires"), sentence)
        elif hazard.criterion == "alignment" and _is_bare_nought(hazard.harm):
            sentence = (
                f"'{hazard.id}' is said to be bad for the world and has the harm 0, without a "
                "source: is it only useless, or was no harm thought of?"
            )
            yield Doubt((*place, "harm"), sentence)


def _is_bare_nought(rate: Rate | None) -> bool:
    """Whether a number is 0 and nobody says why."""
    return rate is not None and is_nought(rate) and all(n.source is None for n in numbers_of(rate))


def _checks(reading: Reading) -> Iterator[Doubt]:
    for i, check in enumerate(reading.story.checks):
        if check.flags and all(map(is_nought, check.flags.values())):
            yield Doubt(("checks", i, "flags"), f"'{check.id}' flags nothing: all its rates are 0")


def _constraints(reading: Reading) -> Iterator[Doubt]:
    for i, constraint in enumerate(reading.story.rationale.constraints):
        place = ("rationale", "constraints", i)
        routes = [route for target in constraint.rules_out for route in reading.moved_by(target)]
        if reading.is_ruled_out(constraint.holds):
            sentence = f"'{constraint.id}' never holds: an assumption that is certain excludes it"
            yield Doubt((*place, "holds"), sentence)
        elif routes and all(reading.is_ruled_out(route.requires) for route in routes):
            sentence = (
                f"'{constraint.id}' rules out only what cannot occur anyway, as an assumption that "
                "is certain excludes what those routes require"
            )
            yield Doubt((*place, "rules_out"), sentence)
