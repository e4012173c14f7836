"""Route ladder: more and more rivals, each behind private and shared assumptions."""

from collections.abc import Iterator

from asked import ask
from contest import Contestant, Section, Settings, compete, exactly, unchecked
from problems.races import build_race, by_enumeration, by_quadrature, draw_race
from problems.stories import race_story

TOLERANCE = 1e-11
SIZES = (4, 8, 16, 50, 200)
_QUADRATURE_DRAWS = 50
_ENUMERATED_DRAWS = 10
_MAX_STATES = 2**17
_CANNOT = (
    "pyAgrum, pgmpy, SCRAM: no routes in competition; as a table, one column for every set of "
    "open routes, which nobody writes"
)


def run(settings: Settings) -> Iterator[Section]:
    """One section for each number of routes."""
    for size in SIZES[:3] if settings.quick else SIZES:
        yield _section(size, settings)


def _section(size: int, settings: Settings) -> Section:
    race = build_race(size)
    drawn = draw_race(race, settings.draws, settings.seed)
    few = min(settings.draws, _QUADRATURE_DRAWS)
    fewer = min(settings.draws, _ENUMERATED_DRAWS)
    check = exactly(by_quadrature(race, drawn, few), TOLERANCE)
    free = sum(name.endswith(".probability") for name in race.priors)
    asked = ask(race_story(race), drawn, race.runners)
    contestants = [
        Contestant("numpy quadrature", lambda: by_quadrature(race, drawn, few), few, unchecked),
        asked.contestant(check),
    ]
    facts = [asked.fact, _CANNOT]
    if 2**free <= _MAX_STATES:
        contestants.append(
            Contestant(
                "numpy enumeration",
                lambda: by_enumeration(race, drawn, fewer),
                fewer,
                check,
                once=True,
            )
        )
    else:
        facts.append(f"numpy enumeration: 2**{free} states are too many")
    return Section(
        "routes",
        f"{size} routes, {free} assumptions, {len(race.priors)} uncertain numbers; every route's "
        f"probability before and after the evidence at {settings.draws:,} draws",
        size,
        settings.draws,
        compete(contestants, settings.repeats),
        facts,
    )
