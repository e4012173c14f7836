"""Rules about numbers that go together, and what other rules need to know of them."""

from collections.abc import Iterator

from storyodds.scenarios.checks.correlations import numbers_of
from storyodds.scenarios.grammar.correlations import Correlation
from storyodds.scenarios.grammar.number_names import number_meant, place_name
from storyodds.scenarios.lint.reading import Doubt, Reading
from storyodds.scenarios.shared.catalog import filled


def idle_correlation(reading: Reading) -> Iterator[Doubt]:
    """A correlation of 0, or of numbers of which no two bear on the odds."""
    subjects = {item.about.assumption for item in reading.story.evidence}
    asked_for = reading.used | reading.needed(name for name in subjects if name is not None)
    idle = {name for name in reading.story.assumptions if name not in asked_for}
    for i, block in enumerate(reading.source.correlations):
        if block.rank == 0:
            yield Doubt(
                ("correlations", i, "rank"),
                "a rank correlation of 0 changes nothing: numbers that no block names together are "
                "uncorrelated anyway",
            )
        elif sum(not owners <= idle for owners in owners_of(reading, block)) < 2:
            yield Doubt(
                ("correlations", i, "between"),
                "nothing turns on whether these go together: no two of them bear on the odds",
            )


def owners_of(reading: Reading, block: Correlation) -> list[set[str]]:
    """By number of a block, the parts in which it stands."""
    data = filled(reading.written)
    numbers, at_place = numbers_of(data)
    owners = []
    for name in block.between:
        places = numbers[str(number_meant(name, at_place))].places
        owners.append({str(place_name(data, path)).split(".")[0] for path in places})
    return owners


def correlated_owners(reading: Reading) -> Iterator[set[str]]:
    """By block that correlates anything, all parts in which its numbers stand."""
    for block in reading.source.correlations:
        if block.rank:
            yield set().union(*owners_of(reading, block))
