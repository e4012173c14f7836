"""The numbers of a story as plain data."""

from typing import Any

from storyodds.scenarios.provenance import provenance, spread, written_numbers
from storyodds.scenarios.resolve import ResolvedStory


def plain_numbers(resolved: ResolvedStory) -> list[dict[str, Any]]:
    """Give the numbers as plain data: `provenance`, and the spread of each before any evidence."""
    entries = zip(provenance(resolved), written_numbers(resolved), strict=True)
    return [{**entry, **spread(number)} for entry, number in entries]
