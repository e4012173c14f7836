"""What endings are worth, as a person states it: checked in one place for every way of asking."""

import math
from collections.abc import Iterable

from storyodds.models.value.decisions import WEIGHED
from storyodds.priors.text.errors import InputError, Problem
from storyodds.priors.text.phrases import did_you_mean

_MOST = 1e15  # of what an ending may be worth


def checked_stakes(amounts: Iterable[tuple[str, str | float]], place: str) -> dict[str, float]:
    """Give what each ending is worth, or tell every mistake in it.

    Parameters
    ----------
    amounts : iterable of (str, str or float)
        An ending, or withheld, and its worth, which may still be text.
    place : str
        Where they were given, such as "--worth"; mistakes begin with it.

    Returns
    -------
    dict of str to float

    Raises
    ------
    InputError
        If an ending is not known or is there twice, or its worth is no number.

    Examples
    --------
    >>> checked_stakes([("success", "1"), ("catastrophe", -100)], "stakes")
    {'success': 1.0, 'catastrophe': -100.0}
    """
    stakes: dict[str, float] = {}
    problems: list[str] = []
    for name, amount in amounts:
        worth = _number(amount)
        if name not in WEIGHED:
            hint = did_you_mean(name, WEIGHED) or f", one of {', '.join(WEIGHED)}"
            hint = "; being halted is being withheld" if name == "halted" else hint
            problems.append(f"{place}: found '{name}', expected an ending{hint}")
        elif not math.isfinite(worth) or abs(worth) > _MOST:
            value = f"'{amount}'" if isinstance(amount, str) else f"{amount}"
            problems.append(f"{place} {name}: found {value}, expected a number, such as -1")
        elif name in stakes:
            problems.append(f"{place} {name}: found twice, expected one number for each")
        stakes[name] = worth
    if problems:
        raise InputError([Problem(sentence) for sentence in problems])
    return stakes


def _number(amount: str | float) -> float:
    try:
        return float(amount)
    except (TypeError, ValueError):
        return math.nan
