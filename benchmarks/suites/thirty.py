"""Thirty assumptions: the problem on which many tools have been compared."""

from collections.abc import Iterator

import numpy as np
from asked import Asked, ask
from contest import (
    Answers,
    Check,
    Contestant,
    Difference,
    Section,
    Settings,
    compete,
    exactly,
    scram_check,
    unchecked,
)
from numpy.typing import NDArray
from peers import pgmpy, pyagrum, pymc, scram
from problems.networks import Network, NetworkDraws, draw, shared_network
from problems.stories import network_story
from reference import network_answers, network_derivatives

Array = NDArray[np.float64]

TOLERANCE = 1e-12
_PGMPY_DRAWS = 100
_CHECKED = 20  # draws at which derivatives are compared


def run(settings: Settings) -> Iterator[Section]:
    """Compare answers, then derivatives of P(target | findings) in every number."""
    network = shared_network()
    draws = draw(network, settings.draws, settings.seed)
    drawn = dict(zip(network.names, draws.rows, strict=True))
    asked = ask(network_story(network), drawn, network.target, network.names)
    expected = network_answers(network, draws)
    contestants = _contestants(network, draws, asked, expected, settings)
    facts = [asked.fact, *_summary(expected)]
    if settings.quick:
        facts.append("PyMC NUTS: left out of a quick run")
    yield Section(
        "thirty",
        f"{len(network.parents)} assumptions, {len(network.betas)} uncertain numbers, "
        f"{len(network.findings)} findings; prior, posterior and P(E) at {draws.count:,} draws",
        len(network.parents),
        draws.count,
        compete(contestants, settings.repeats),
        facts,
    )
    yield _importance(network, draws, asked, settings)


def _contestants(
    network: Network, draws: NetworkDraws, asked: Asked, expected: Answers, settings: Settings
) -> list[Contestant]:
    n, seed = draws.count, settings.seed
    check = exactly(expected, TOLERANCE)
    few, one = draws.first(_PGMPY_DRAWS), draws.first(1)
    means = np.array([[a / (a + b)] for a, b in network.betas])
    at_means = network_answers(network, NetworkDraws.from_rows(network, means))["prior"]
    contestants = [
        Contestant("numpy elimination", lambda: network_answers(network, draws), n, unchecked),
        asked.contestant(check),
        Contestant(
            "SCRAM",
            lambda: scram.network_prior(network, n, seed),
            n,
            scram_check(expected["prior"], float(at_means[0])),
            cannot="prior only, by draws of its own: it knows no findings and keeps no draws",
        ),
        Contestant(
            "pyAgrum",
            lambda: pyagrum.network_answers(network, draws),
            n,
            check,
            once=True,
            warm_up=lambda: pyagrum.network_answers(network, one),
            cannot="no uncertain numbers: a loop by hand, and weighting by hand after it",
        ),
        Contestant(
            "pgmpy",
            lambda: pgmpy.network_answers(network, few),
            few.count,
            check,
            once=True,
            warm_up=lambda: pgmpy.network_answers(network, one),
            cannot="as pyAgrum; P(E) only through a joint of 2**11 states",
        ),
    ]
    nuts = Contestant(
        "PyMC NUTS",
        lambda: pymc.network_posterior(network, seed),
        n,
        _nuts_check(expected),
        once=True,
        cannot="no prior and no P(E); states summed out by hand; its time, of 4 x (1,000 + "
        "1,000) steps, includes compiling",
    )
    return contestants if settings.quick else [*contestants, nuts]


def _importance(network: Network, draws: NetworkDraws, asked: Asked, settings: Settings) -> Section:
    few = draws.first(_CHECKED)
    by_steps = Contestant(
        "numpy, complex steps", lambda: network_derivatives(network, few), few.count, unchecked
    )
    check = exactly(network_derivatives(network, few), TOLERANCE)
    return Section(
        "thirty, importance",
        f"derivative of P(target | E) in each of {len(network.betas)} numbers at "
        f"{draws.count:,} draws",
        len(network.parents),
        draws.count,
        compete([by_steps, asked.differentiating(check)], settings.repeats),
        ["pyAgrum, pgmpy: no derivatives; SCRAM: at one point, and before the findings only"],
    )


def _nuts_check(expected: Answers) -> Check:
    """Hold the posterior mean to four standard errors of both sides."""
    weights = _weights(expected)
    mean = float(weights @ expected["posterior"])
    variance = float(weights @ (expected["posterior"] - mean) ** 2)

    def check(found: Answers) -> list[Difference]:
        error = np.sqrt(variance * (1 / found["effective"][0] + np.sum(weights**2)))
        what = f"posterior mean, from {found['effective'][0]:,.0f} effective draws,"
        size = abs(float(found["posterior"].mean()) - mean)
        return [Difference(what, size, 4 * float(error))]

    return check


def _weights(expected: Answers) -> Array:
    weights = np.exp(expected["log P(E)"] - expected["log P(E)"].max())
    return np.asarray(weights / weights.sum())


def _summary(expected: Answers) -> list[str]:
    weights, prior = _weights(expected), expected["prior"]
    low, high = np.quantile(prior, [0.05, 0.95])
    return [
        f"prior {prior.mean():.4f}, 90% band {low:.3f} to {high:.3f}; posterior "
        f"{weights @ expected['posterior']:.4f} from {1 / np.sum(weights**2):,.0f} effective "
        f"draws; P(E) {np.exp(expected['log P(E)']).mean():.3e}",
        f"the plain mean of P(target | E, draw), {expected['posterior'].mean():.4f}, is not the "
        "posterior: a draw counts by its P(E | draw)",
    ]
