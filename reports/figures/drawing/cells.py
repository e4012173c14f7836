"""Cells of tables: words for people, and the plain numbers that stand for them in a file."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from storyodds.reports.contract.summaries import Interval
from storyodds.reports.words.numbers import NO_ERRORS, Errors, band, percent

DIGITS = 4  # of a number in a page: two more than people read, to draw from
FULL = 12  # of a number in a file by itself, as many as JSON has


class Cell(str):
    """The words of a cell, with the numbers that they say.

    Attributes
    ----------
    numbers : mapping of str to float
        By what they are called after the name of their column; one that is called nothing has the
        name of the column alone. None where there is nothing to give.

    Examples
    --------
    >>> cell = Cell("25% (10%–40%)", {"": 0.25, "5%": 0.1, "95%": 0.4})
    >>> cell, cell.numbers["5%"]
    ('25% (10%–40%)', 0.1)
    """

    numbers: Mapping[str, float]

    def __new__(cls, words: str, numbers: Mapping[str, float]) -> "Cell":
        """Give words with their numbers; those that are not finite are not given."""
        cell = super().__new__(cls, words)
        cell.numbers = {name: x for name, x in numbers.items() if math.isfinite(x)}
        return cell


def share_cell(p: float, error: float = 0.0) -> Cell:
    """Give a probability, as `percent` has it.

    Examples
    --------
    >>> share_cell(0.25), share_cell(0.25).numbers
    ('25%', {'': 0.25})
    """
    return Cell(percent(p, error), {"": p})


def spread_cell(low: float, high: float, words: str) -> Cell:
    """Give both ends of a 90 percent interval, said in these words.

    Examples
    --------
    >>> spread_cell(0.1, 0.4, "10%–40%").numbers
    {'q05': 0.1, 'q95': 0.4}
    """
    return Cell(words, {"q05": low, "q95": high})


def plain_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], digits: int = DIGITS
) -> Iterator[tuple[str, ...]]:
    """Give a table for programs: heads, then rows, each column all of numbers or all of text.

    A column of which any cell has numbers has a column for each of them, in which cells without
    one are empty.

    Parameters
    ----------
    columns : sequence of str
    rows : sequence of sequences of str
    digits : int
        Of a number.

    Returns
    -------
    iterator of tuple of str

    Examples
    --------
    >>> rows = [["success", Cell("25% ± 1", {"": 0.25, "error": 0.01})], ["halted", "–"]]
    >>> list(plain_table(["ending", "chance"], rows))
    [('ending', 'chance', 'chance error'), ('success', '0.25', '0.01'), ('halted', '', '')]
    """
    parts = [
        list(dict.fromkeys(part for row in rows for part in _numbers(row[k])))
        for k in range(len(columns))
    ]
    heads = [
        f"{head} {part}".rstrip()
        for head, names in zip(columns, parts, strict=True)
        for part in names or [""]
    ]
    yield tuple(heads)
    for row in rows:
        yield tuple(
            text
            for cell, names in zip(row, parts, strict=True)
            for text in (
                [_text(_numbers(cell).get(part), digits) for part in names] if names else [cell]
            )
        )


def _numbers(cell: str) -> Mapping[str, float]:
    return cell.numbers if isinstance(cell, Cell) else {}


def _text(x: float | None, digits: int) -> str:
    return "" if x is None else plain_number(x, digits)


def plain_number(x: float, digits: int = DIGITS) -> str:
    """Write a number in digits that programs read.

    Close to 1, the digits are those of what is missing.

    Examples
    --------
    >>> plain_number(0.123456), plain_number(5e-09), plain_number(-2.0), plain_number(1 - 5e-09)
    ('0.1235', '5e-09', '-2', '0.999999995')
    """
    close = 0.9 < x < 1.0
    return f"{1 - float(f'{1 - x:.{digits}g}') if close else float(f'{x:.{digits}g}'):.15g}"


_PLAIN = re.compile(r"-?[0-9.]+(e[-+][0-9]+)?")  # of numbers of `plain_number`


def inert(cell: str) -> str:
    """Give a cell that no spreadsheet takes for a formula.

    Examples
    --------
    >>> inert("-0.5"), inert("-x"), inert("=1+1")
    ('-0.5', "'-x", "'=1+1")
    """
    if _PLAIN.fullmatch(cell):
        return cell
    return f"'{cell}" if cell[:1] in ("=", "+", "@", "-", "\t", "\r") else cell


def with_band(entry: Interval | None, errors: Errors = NO_ERRORS) -> Cell:
    """Mean and 90 percent interval, in few characters.

    Examples
    --------
    >>> with_band({"mean": 0.25, "q05": 0.1, "q95": 0.4}), with_band(None)
    ('25% (10%–40%)', 'impossible')
    """
    if entry is None:
        return Cell("impossible", {})
    mean, between = percent(entry["mean"], errors.get("mean", 0.0)), band(entry, errors)
    # Some records have no median, such as those of what is compared.
    median = cast(Mapping[str, float], entry).get("median")
    ends = {"q05": entry["q05"], "q95": entry["q95"]}
    numbers = {"mean": entry["mean"], **({} if median is None else {"median": median}), **ends}
    return Cell(f"{mean} ({between})" if between else mean, numbers)
