"""Numbers that are one row of a probability which depends on assumptions."""

import re
from typing import Any, NamedTuple

from storyodds.scenarios.grammar.formulas import Formula
from storyodds.scenarios.grammar.parts import rows_of
from storyodds.scenarios.resolve import ResolvedStory

_ROW = re.compile(r"(?P<whole>.+)\.(?:given\.(?P<place>\d+)|otherwise)")


class Row(NamedTuple):
    """Which row of what a number is."""

    whole: str
    """The name that the number would have if it did not depend on anything."""
    when: Formula | None
    """What has to hold; None of the last row, where none of the others does."""
    first: bool
    """Whether no other row comes before it."""


def row_of(resolved: ResolvedStory, name: str) -> Row | None:
    """Return which row of a rate, a harm, bits of evidence or a hazard's probability a number is.

    Parameters
    ----------
    resolved : ResolvedStory
    name : str
        Of one of its numbers.

    Returns
    -------
    Row or None
        None for any other number, rows of assumptions among them.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> row_of(resolve(load_story("coinrun-agent")), "moved-coin-test.flags.default") is None
    True
    """
    match = _ROW.fullmatch(name)
    owner = name.split(".")[0]
    if match is None or owner in resolved.assumptions:
        return None
    whole, place = match["whole"], match["place"]
    rows = rows_of(_at(resolved, owner, whole.split(".")[1:]))
    if not rows:
        return None
    k = len(rows) - 1 if place is None else int(place)
    return Row(whole, rows[k].when, k == 0)


def _at(resolved: ResolvedStory, owner: str, field: list[str]) -> Any:
    """What stands in a field of a part."""
    story = resolved.written
    checks = (*story.checks, *resolved.common_causes)
    observations = (*story.evidence, *resolved.proposals)
    parts = (*story.goal.hazards, *resolved.routes, *checks, *observations)
    value: Any = next((part for part in parts if getattr(part, "id", "") == owner), None)
    for key in field:
        value = value.get(key) if isinstance(value, dict) else getattr(value, key, None)
    return value
