"""Minimal cut sets of a tree without negations: the smallest sets of events that make it happen."""

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from storyodds.scenarios.grammar.loops import bottom_up
from storyodds.scenarios.open_psa.definitions import Definition
from storyodds.scenarios.open_psa.formulas import Formula, definitions_in
from storyodds.scenarios.open_psa.substitutions import Substitution

Product = frozenset[Definition]
Family = list[Product]

MAX_PRODUCTS: Final = 1000  # of a gate: each becomes a part of one formula, which a person may read
# Sets before the minimal ones are picked: with as many kept sets as that, seconds.
_MAX_CANDIDATES: Final = 20 * MAX_PRODUCTS
_ALWAYS: Final[Family] = [frozenset()]


class NoProductsError(Exception):
    """A tree whose minimal cut sets are not to be had; the message says why."""


def minimal_products(
    top: Definition, gates: Mapping[Definition, Formula], constant: Mapping[Definition, bool]
) -> Family:
    """Return the minimal cut sets of a gate, the smallest first.

    Parameters
    ----------
    top : Definition
    gates : mapping of Definition to Formula
    constant : mapping of Definition to bool
        House events.

    Raises
    ------
    NoProductsError
        If there is a negation below the gate, or a gate has more than 1,000 of them.
    """
    waiting, uses = [top], dict[Definition, list[Definition]]()
    while waiting:
        gate = waiting.pop()
        if gate not in uses:
            uses[gate] = [part for part in definitions_in(gates[gate]) if part in gates]
            waiting.extend(uses[gate])
    families: dict[Definition, Family] = {
        house: _ALWAYS if truth else [] for house, truth in constant.items()
    }
    for gate in bottom_up(uses):
        families[gate] = _family(gates[gate], families)
    return families[top]


def _family(formula: Formula, families: Mapping[Definition, Family]) -> Family:
    if isinstance(formula, bool):
        return _ALWAYS if formula else []
    if isinstance(formula, Definition):
        return families.get(formula, [frozenset((formula,))])
    parts = [_family(part, families) for part in formula.parts]
    if formula.name == "not" and parts[0] in ([], _ALWAYS):
        return [] if parts[0] else _ALWAYS
    if formula.name not in ("and", "or", "atleast"):
        raise NoProductsError(f"found <{formula.name}>")
    least = {"and": len(parts), "or": 1}.get(formula.name, formula.least)
    return _at_least(least, parts)


def _at_least(least: int, parts: Sequence[Family]) -> Family:
    """Return the sets that make so many of the parts happen, part by part."""
    # What makes 0, 1, 2, … of the parts so far happen, but for too few to reach so many at the end.
    counts: list[Family] = [_ALWAYS, *([[]] * least)]
    for rest, part in zip(reversed(range(len(parts))), parts, strict=True):
        further = [
            minimal([*more, *_both(fewer, part)]) for fewer, more in itertools.pairwise(counts)
        ]
        counts = [
            family if number >= least - rest else []
            for number, family in enumerate([_ALWAYS, *further])
        ]
    return counts[least]


def _both(first: Collection[Product], second: Collection[Product]) -> Family:
    if len(first) * len(second) > _MAX_CANDIDATES:
        raise NoProductsError(_too_many())
    return [one | other for one, other in itertools.product(first, second)]


def minimal(products: Iterable[Product]) -> Family:
    """Return the sets of which no other is a part, the smallest first.

    Raises
    ------
    NoProductsError
        If there are more than 1,000.
    """
    kept: Family = []
    for product in sorted(dict.fromkeys(products), key=len):
        if not any(smaller <= product for smaller in kept):
            kept.append(product)
            if len(kept) > MAX_PRODUCTS:
                raise NoProductsError(_too_many())
    return kept


def _too_many() -> str:
    return f"found more than {MAX_PRODUCTS:,} minimal cut sets"


def rewritten(
    products: Collection[Product], substitutions: Sequence[Substitution]
) -> Iterator[Product]:
    """Return cut sets with what each of them becomes.

    Every substitution whose hypothesis a cut set fulfills takes its sources out of it and adds
    its target.
    """
    for product in products:
        applicable = [change for change in substitutions if _applies(change, product)]
        sources = {event for change in applicable for event in change.source}
        targets = [change.target for change in applicable]
        added = {target for target in targets if isinstance(target, Definition)}
        yield (product - sources) | added


def _applies(substitution: Substitution, product: Product) -> bool:
    present = sum(event in product for event in substitution.events)
    return present >= (1 if substitution.hypothesis.name == "or" else len(substitution.events))
