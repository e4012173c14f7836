"""Probabilities as a story writes them, taken to indices of numbers."""

from collections.abc import Callable, Container, Mapping, Sequence

from storyodds.models.story.rates import Rate
from storyodds.scenarios.grammar.formulas import Formula
from storyodds.scenarios.grammar.outcomes import DEFAULT
from storyodds.scenarios.grammar.parts import BitsByRow, BitsRow, GivenRow
from storyodds.scenarios.grammar.parts import Rate as WrittenRate
from storyodds.scenarios.grammar.parts import rows_of as written_rows

Reading = Callable[[Formula], Formula]  # of a formula, as one stage of training has it


def as_written(formula: Formula) -> Formula:
    """Read a formula as it stands."""
    return formula


def rate_of(
    number: Mapping[str, int],
    name: str,
    rate: WrittenRate | BitsByRow | None,
    reading: Reading = as_written,
) -> Rate:
    """Take a probability, or bits, to indices of numbers.

    Parameters
    ----------
    number : mapping of str to int
        Index of every number by its name.
    name : str
        Of the probability.
    rate : Probability, Bits, rows of either, or None
        None for one that the format implies.
    reading : callable
        What formulas come to.
    """
    if rows := written_rows(rate):
        return Rate(rows_of(number, name, rows, reading))
    return Rate(((None, number[name]),))


def rows_of(
    number: Mapping[str, int],
    name: str,
    rows: Sequence[GivenRow | BitsRow],
    reading: Reading = as_written,
) -> tuple[tuple[Formula | None, int], ...]:
    """Take the rows of a conditional table to indices of numbers."""
    return tuple(
        (None, number[f"{name}.otherwise"])
        if row.when is None
        else (reading(row.when), number[f"{name}.given.{i}"])
        for i, row in enumerate(rows)
    )


def first_present(keys: Sequence[str], table: Container[str]) -> str:
    """Return the first of some keys that a table has, or the default's.

    Examples
    --------
    >>> first_present(("schemer", "deceptive"), {"deceptive": 0.3, "default": 0.1})
    'deceptive'
    """
    return next((key for key in keys if key in table), DEFAULT)
