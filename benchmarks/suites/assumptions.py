"""Assumption ladder: longer and longer networks of uncertain tables."""

from collections.abc import Iterator

from asked import ask
from contest import Contestant, Section, Settings, compete, exactly, unchecked
from peers import pyagrum
from problems.networks import draw, ladder_network
from problems.stories import network_story
from reference import network_answers

TOLERANCE = 1e-11
SIZES = (10, 30, 100, 200, 500)
_PYAGRUM_DRAWS = 20


def run(settings: Settings) -> Iterator[Section]:
    """One section for each number of assumptions."""
    for size in SIZES[:3] if settings.quick else SIZES:
        yield _section(size, settings)


def _section(size: int, settings: Settings) -> Section:
    network = ladder_network(size)
    draws = draw(network, settings.draws, settings.seed)
    check = exactly(network_answers(network, draws), TOLERANCE)
    few = draws.first(min(_PYAGRUM_DRAWS, settings.draws))
    findings = f"{len(network.findings)} finding{'s' * (len(network.findings) > 1)}"
    drawn = dict(zip(network.names, draws.rows, strict=True))
    asked = ask(network_story(network), drawn, network.target)
    contestants = [
        Contestant(
            "numpy elimination", lambda: network_answers(network, draws), settings.draws, unchecked
        ),
        asked.contestant(check),
        Contestant(
            "pyAgrum",
            lambda: pyagrum.network_answers(network, few),
            few.count,
            check,
            once=True,
            warm_up=lambda: pyagrum.network_answers(network, draws.first(1)),
            cannot="no uncertain numbers: a loop by hand over a few draws, scaled",
        ),
    ]
    return Section(
        "assumptions",
        f"{size} assumptions, {len(network.betas)} uncertain numbers, {findings}; "
        f"prior, posterior and P(E) at {settings.draws:,} draws",
        size,
        settings.draws,
        compete(contestants, settings.repeats),
        [asked.fact, "pgmpy, PyMC: asked once, by the suite `thirty`"],
    )
