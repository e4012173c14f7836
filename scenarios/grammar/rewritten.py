"""Formulas made from other formulas, as no person would write them.

They may name what only the model has, and be empty: all of nothing always holds, and any of nothing
never does.
"""

from collections.abc import Callable, Iterable

from storyodds.scenarios.grammar.formulas import AllOf, AnyOf, AtLeast, Formula, parts


def all_of(formulas: Iterable[Formula]) -> AllOf:
    """Return the formula that holds where all of some do."""
    return AllOf.model_construct(all=tuple(formulas))


def any_of(formulas: Iterable[Formula]) -> AnyOf:
    """Return the formula that holds where any of some does."""
    return AnyOf.model_construct(any=tuple(formulas))


NEVER = any_of(())
ALWAYS = all_of(())


def mapped(formula: Formula, of_name: Callable[[str], Formula]) -> Formula:
    """Put other formulas in the place of what the literals of a formula name.

    Examples
    --------
    >>> mapped(("a", "not b"), {"a": "c", "b": any_of(("d", "e"))}.get)[1].all
    ('not d', 'not e')
    """
    if isinstance(formula, str):
        name = formula.removeprefix("not ")
        inner = of_name(name)
        return inner if formula == name else negation(inner)
    members = tuple(mapped(part, of_name) for part in parts(formula)[0])
    return _with_parts(formula, members)


def _with_parts(formula: Formula, members: tuple[Formula, ...]) -> Formula:
    """A compound formula with other parts."""
    if isinstance(formula, AllOf):
        return all_of(members)
    if isinstance(formula, AnyOf):
        return any_of(members)
    if isinstance(formula, AtLeast):
        return AtLeast.model_construct(at_least=formula.at_least, of=members)
    return members


def negation(formula: Formula) -> Formula:
    """Return the formula that holds where another does not.

    Examples
    --------
    >>> negation("not a"), negation(any_of(("a", "b"))).all
    ('a', ('not a', 'not b'))
    """
    if isinstance(formula, str):
        name = formula.removeprefix("not ")
        return f"not {name}" if formula == name else name
    members, least = parts(formula)
    opposite = tuple(negation(part) for part in members)
    least = len(members) - least + 1  # so many must fail
    if least == len(members):
        return all_of(opposite)
    if least == 1:
        return any_of(opposite)
    return AtLeast.model_construct(at_least=least, of=opposite)


def simplified(formula: Formula) -> Formula:
    """Take parts that always or never hold out of a formula.

    Examples
    --------
    >>> simplified(("a", ALWAYS))
    'a'
    >>> simplified(("a", NEVER)) == NEVER, simplified(("a", "a"))
    (True, 'a')
    """
    if isinstance(formula, str):
        return formula
    members, least = parts(formula)
    rest = []
    for part in (simplified(part) for part in members):
        if part == ALWAYS:
            least -= 1
        elif part != NEVER:
            rest.append(part)
    if least <= 0:
        return ALWAYS
    if least > len(rest):
        return NEVER
    if least == len(rest):  # a part that is written twice has to hold once
        rest = list(dict.fromkeys(rest))
        least = len(rest)
    if len(rest) == 1:
        return rest[0]
    if least == len(rest):
        return all_of(tuple(rest))
    return (
        any_of(tuple(rest))
        if least == 1
        else AtLeast.model_construct(at_least=least, of=tuple(rest))
    )
