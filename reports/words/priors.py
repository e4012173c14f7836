"""PRIORs and conditions in words."""

from collections.abc import Callable
from typing import Any

from storyodds.scenarios.grammar.formulas import Formula, parts


def share_words(number: float) -> str:
    """Write a probability as a percentage, with the digits that it was written with."""
    return f"{100 * number:g}%"


def bit_words(number: float) -> str:
    """Write bits with their sign, with the digits that they were written with."""
    return f"{number:+g}".replace("-", "−") if number else "0"


def prior_words(value: Any, unit: Callable[[float], str] = share_words) -> str:
    """Say a PRIOR, as it stands in a file, in words.

    Examples
    --------
    >>> prior_words([0.1, 0.4]), prior_words(0.25)
    ('10% to 40% (90% interval)', '25%')
    >>> prior_words({"counts": {"hits": 3, "trials": 4}})
    '3 of 4'
    """
    if isinstance(value, int | float):
        return unit(value)
    if isinstance(value, list | tuple):
        value = {"interval": value}
    if "fixed" in value:
        return unit(value["fixed"])
    if "interval" in value:
        low, high = map(unit, value["interval"])
        return f"{low} to {high} ({share_words(value.get('level', 0.9))} interval)"
    if "counts" in value:
        return f"{value['counts']['hits']:,} of {value['counts']['trials']:,}"
    if "ref" in value:
        return f"as in {value['ref']}"
    if "pool" in value:
        judgments = (f"{item['by']}: {prior_words(item['value'], unit)}" for item in value["pool"])
        return f"pool of {'; '.join(judgments)}"
    form = next(key for key in ("beta", "uniform", "normal", "lognormal") if key in value)
    return f"{form} {value[form]}"


def formula_words(formula: Formula) -> str:
    """Say a formula in words.

    Examples
    --------
    >>> from storyodds.scenarios.grammar.formulas import AnyOf
    >>> formula_words(("a", "not b")), formula_words(AnyOf(any=("a", ("b", "c"))))
    ('a and not b', 'a or (b and c)')
    """
    if isinstance(formula, str):
        return formula
    members, least = parts(formula)
    words = [
        formula_words(part) if isinstance(part, str) else f"({formula_words(part)})"
        for part in members
    ]
    if least == len(members):
        return " and ".join(words)
    return " or ".join(words) if least == 1 else f"at least {least} of {', '.join(words)}"
