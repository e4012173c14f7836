"""A top gate as substitutions leave it."""

from collections.abc import Mapping, Sequence

from storyodds.priors.text.errors import InputError
from storyodds.scenarios.open_psa.definitions import GATE, Definition
from storyodds.scenarios.open_psa.formulas import Connective, Formula
from storyodds.scenarios.open_psa.products import (
    NoProductsError,
    minimal,
    minimal_products,
    rewritten,
)
from storyodds.scenarios.open_psa.substitutions import Substitution
from storyodds.scenarios.open_psa.tree import Tree

Gates = dict[Definition, Formula]

_PLAIN = "the probability of its top event"
_CONDITIONS = (
    "the probability that its top event occurs and the conditions of the substitutions are met, "
    "not divided by the probability that these are met"
)
_CUT_SETS = (
    "the probability that all events of a minimal cut set of its top event occur, as the "
    "substitutions have changed these sets"
)


def substituted(
    tree: Tree,
    top: Definition,
    gates: Gates,
    constant: Mapping[Definition, bool],
    substitutions: Sequence[Substitution],
) -> tuple[Definition, Gates, str]:
    """Return the top gate that a story is of, all gates, and what its probability is.

    Raises
    ------
    InputError
        If cut sets are to be changed, and cannot be listed.
    """
    if not substitutions:
        return top, gates, _PLAIN
    if all(substitution.is_condition for substitution in substitutions):
        conditions = tuple(substitution.condition for substitution in substitutions)
        final = _named(top, "with the conditions of the substitutions")
        return final, {**gates, final: Connective("and", (top, *conditions))}, _CONDITIONS
    try:
        products = minimal_products(top, gates, constant)
        products = minimal(rewritten(products, substitutions))
    except NoProductsError as error:
        first = substitutions[0].definition
        sentence = (
            f"{error} below the gate {top.name}, expected a tree of <and>, <or> and <atleast> with "
            "fewer of them where a substitution has a <source>, which changes minimal cut sets"
        )
        raise InputError([tree.document.problem(sentence, first.element, first.shown)]) from None
    final = _named(top, "by the cut sets that the substitutions leave")
    parts = tuple(Connective("and", tuple(_in_order(product))) for product in products)
    return final, {**gates, final: Connective("or", parts)}, _CUT_SETS


def _in_order(product: frozenset[Definition]) -> list[Definition]:
    return sorted(product, key=lambda event: (event.element.line, event.element.column, event.name))


def _named(top: Definition, addition: str) -> Definition:
    label = f"{top.label or top.name}, {addition}"
    return Definition(GATE, top.name, top.scope, top.public, label, top.element, None)
