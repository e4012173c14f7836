"""The numbers of a story as plain data."""

from storyodds.scenarios.provenance import (
    NumberRecord,
    PriorSpread,
    provenance,
    spread,
    written_numbers,
)
from storyodds.scenarios.resolve import ResolvedStory


class SpreadNumber(NumberRecord, PriorSpread):
    """A number, and how far it is spread before any evidence."""


def plain_numbers(resolved: ResolvedStory) -> list[SpreadNumber]:
    """Give the numbers as plain data: `provenance`, and the spread of each before any evidence."""
    entries = zip(provenance(resolved), written_numbers(resolved), strict=True)
    return [{**entry, **spread(number)} for entry, number in entries]
