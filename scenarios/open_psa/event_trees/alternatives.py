"""Factors of a sequence's probability as events: of a fork's states at most one comes about."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from storyodds.priors.distributions.forms import Fixed
from storyodds.scenarios.open_psa.definitions import FUNCTIONAL_EVENT, Definition
from storyodds.scenarios.open_psa.event_trees.structure import Fork, Fraction
from storyodds.scenarios.open_psa.formulas import Connective, Formula
from storyodds.scenarios.open_psa.numbers import Estimate, Numbers
from storyodds.scenarios.open_psa.quantities.units import YEAR_NOTE, Quantity
from storyodds.scenarios.open_psa.tree import Tree

# How far what is meant to add up to 1 may be from it: what adding some dozens of decimals does.
_ROUNDING: Final = 1e-9

# Whatever a state is, it is none of the rarer ones: formulas grow with the square of the number.
MAX_STATES: Final = 100
_SIDES: Final = 2  # a formula and its negation

Fractions = tuple[Fraction, ...]


@dataclass
class Alternatives:
    """The events that stand for expressions.

    Attributes
    ----------
    estimates : dict of Definition to Estimate
    """

    tree: Tree
    numbers: Numbers
    at_means: bool
    estimates: dict[Definition, Estimate] = field(default_factory=dict)
    _formulas: dict[tuple[int, tuple[Fractions, ...]], tuple[Formula, ...]] = field(
        default_factory=dict
    )

    def apart(self, fraction: Fraction) -> Formula:
        """Return the event of a factor, which is independent of all others."""
        self.estimates[fraction.event] = fraction.estimate
        return Connective("not", (fraction.event,)) if fraction.complement else fraction.event

    def of_fork(
        self, fork: Fork, fractions: Sequence[Fractions], formulas: Sequence[bool]
    ) -> Sequence[Formula]:
        """Return what has to hold on each path of a fork for the factors that it collects.

        Where all paths collect factors that add up to no more than 1, at most one of these events
        comes about. Otherwise they are independent, and formulas have to tell the paths apart.

        Parameters
        ----------
        fork : Fork
        fractions : sequence of tuple of Fraction
            What each path collects.
        formulas : sequence of bool
            Whether it collects a formula as well.
        """
        if len(fractions) == 1 or not any(fractions):
            return [self._together(own) for own in fractions]
        key = id(fork), tuple(fractions)
        if key not in self._formulas:
            pairs = zip(fractions, formulas, strict=True)
            apart = all(formula for own, formula in pairs if own)
            self._formulas[key] = self._of_states(fork, fractions, apart)
        return self._formulas[key]

    def _together(self, fractions: Fractions) -> Formula:
        return conjunction([self.apart(fraction) for fraction in fractions])

    def _of_states(
        self, fork: Fork, fractions: Sequence[Fractions], apart: bool
    ) -> tuple[Formula, ...]:
        """Take the factors of a fork as the probabilities of its states, if they can be that.

        Parameters
        ----------
        apart : bool
            Whether formulas tell the paths apart if they cannot.
        """
        reason = self._obstacle(fractions)
        if reason is None:
            pair = _pair(fractions)
            if pair is not None:
                return tuple(self.apart(fraction) for fraction in pair)
            return self._in_turn(fork, [self._value(own) for own in fractions])
        if apart and len(fractions) == _SIDES:
            return tuple(self._together(own) for own in fractions)
        if apart:  # of which nobody can tell whether they exclude each other
            reason = (
                "found expressions beside formulas on the paths of a fork, which are not the "
                "probabilities of its states, expected two paths at most: put the expressions "
                "into forks of their own"
            )
        self.tree.complain(reason, fork.element, fork.owner)
        return (False,) * len(fractions)

    def _obstacle(self, fractions: Sequence[Fractions]) -> str | None:
        """Return why the factors of a fork cannot be the probabilities of its states."""
        if not all(fractions):
            return (
                "found paths of a fork that collect an expression and no formula beside others "
                "that collect no expression, expected all of its paths to do so: their "
                "expressions are the probabilities of its states"
            )
        if len(fractions) > MAX_STATES:
            return (
                f"found {len(fractions):,} paths of a fork that collect expressions, expected at "
                f"most {MAX_STATES}"
            )
        if _pair(fractions) is not None:
            return None
        uncertain = any(fraction.estimate.deviate for own in fractions for fraction in own)
        if uncertain and not self.at_means:
            return (
                "found an uncertain number among the expressions of a fork's paths, expected "
                "constants, or two paths of which one collects the number and the other one "
                '<sub><float value="1"/> and that number</sub>; --at-means takes each at its mean'
            )
        total = math.fsum(self._value(own).number for own in fractions)
        if total > 1.0 + _ROUNDING:
            return (
                f"found expressions that add up to {total:.9g} over the paths of a fork, expected "
                "at most 1: they are the probabilities of its states"
            )
        return None

    def _in_turn(self, fork: Fork, shares: Sequence[Quantity]) -> tuple[Formula, ...]:
        """Take the rarest state first, and each next one where none before it came about.

        So the chance of a rare state is its share itself, with all its digits.
        """
        order = sorted(range(len(shares)), key=lambda place: shares[place].number)
        numbers = [shares[place].number for place in order]
        total = math.fsum(numbers)
        missing = max(0.0, 1.0 - total) if abs(total - 1.0) > _ROUNDING else 0.0
        formulas: list[Formula] = [False] * len(shares)
        earlier: list[Formula] = []
        for turn, place in enumerate(order):
            rest = math.fsum(numbers[turn:]) + missing
            share = shares[place]
            is_rest = turn == len(order) - 1 and not missing
            if not is_rest and share.number == 0.0:
                continue
            parts: list[Formula] = [Connective("not", (event,)) for event in earlier]
            if not is_rest:
                event = self._event(fork, fork.paths[place].state, bool(turn))
                note = f"{share.number:.6g} of the cases, of {rest:.6g} that rarer states leave."
                chance = Quantity(min(1.0, share.number / rest), None, share.years, share.at_mean)
                self.estimates[event] = self.numbers.computed(chance, note if turn else None)
                earlier.append(event)
                parts.append(event)
            formulas[place] = conjunction(parts)
        return tuple(formulas)

    def _event(self, fork: Fork, state: str, is_later: bool) -> Definition:
        event = fork.event
        addition = ", if not in a rarer one" if is_later else ""
        name = f"{event.name} in state {state}{addition} (line {fork.element.line})"
        return Definition(
            *(FUNCTIONAL_EVENT, name, event.scope, True, event.label, fork.element, None),
            slug=f"{event.name}-{state}",
        )

    def _value(self, fractions: Fractions) -> Quantity:
        """Return the product of a path's factors, uncertain ones at their means."""
        number, years, at_mean = 1.0, False, False
        for fraction in fractions:
            estimate = self.numbers.at_mean(fraction.estimate)
            assert isinstance(estimate.prior, Fixed)
            chance = estimate.prior.fixed
            number *= 1.0 - chance if fraction.complement else chance
            at_mean = at_mean or fraction.estimate.deviate is not None
            years = years or YEAR_NOTE in (estimate.remark or "")
        return Quantity(number, None, years, at_mean)


def _pair(fractions: Sequence[Fractions]) -> tuple[Fraction, Fraction] | None:
    """Return the two factors of a fork of which one is 1 less the other, an uncertain number.

    Both are made of one event then.
    """
    if len(fractions) != 2 or any(len(own) != 1 for own in fractions):
        return None
    (first,), (second,) = fractions
    one, other = first.estimate.deviate, second.estimate.deviate
    if one is None or other is None or one.element is not other.element:
        return None
    if first.complement == second.complement:
        return None
    own = second if first.complement else first
    rest = Fraction(own.event, own.estimate, True)
    return (rest, own) if first.complement else (own, rest)


def conjunction(parts: Sequence[Formula]) -> Formula:
    """Return the formula that all parts hold.

    Examples
    --------
    >>> conjunction([]), conjunction([False])
    (True, False)
    """
    return Connective("and", tuple(parts)) if len(parts) > 1 else next(iter(parts), True)
