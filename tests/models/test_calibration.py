"""Simulation-based calibration of the whole chain, and of the check itself.

Draw the numbers from their prior, simulate one training run and its evidence by a simulator that
shares nothing with the engine, assess, and ask where the truth lies (Talts et al. 2018; Modrák
et al. 2023 for quantities that depend on the data). A right engine gives uniform positions for
the numbers, for log P(E | numbers) and for P(deceptive | E, numbers), and probabilities of the
discrete part that come true as often as they say.

False alarms: each battery rejects at `ALPHA` shared among its p-values (Bonferroni), so a right
engine would fail for one seed in a thousand; the seed is fixed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from support.building import believe, item, tell

from storyodds.models import posterior
from storyodds.models.assessment import assess
from storyodds.models.evidence import collapsed_tables
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import (
    Assumption,
    Check,
    Evidence,
    GivenRow,
    Nudge,
    ObservedCounts,
    Route,
    Story,
)

pytestmark = pytest.mark.slow

Array = NDArray[np.float64]

N_SIMULATIONS = 200
DRAWS = 512
ALPHA = 1e-3
PROBES, AUDITS = 12, 15

STORY = tell(
    {
        "a": believe({"beta": [0.3, 0.7]}),
        "b": Assumption(
            given=(
                GivenRow(when="a", probability={"beta": [4, 2]}),
                GivenRow(otherwise={"beta": [1, 4]}),
            )
        ),
    },
    (
        Route(id="scheme", class_="deceptive", requires="a", bits={"normal": [1, 4]}, harm=0.5),
        Route(id="proxy", class_="mesa-optimizer", requires="not b", bits=0.5, harm=0.1),
        Route(id="something-else", class_="other", bits=-1, harm=0),
    ),
    nudges=(Nudge(id="push", when="b", bits={"deceptive": {"normal": [1, 1]}}),),
    checks=(Check(id="audit", flags={"default": 0.3}),),
    evidence=(
        item(
            "probes",
            {"assumption": "a"},
            counts={"hits": 0, "trials": PROBES},
            rates={"true": {"beta": [9, 2]}, "false": {"beta": [2, 9]}},
            relevance={"beta": [4, 1]},
        ),
        item(
            "audits",
            {"outcome": True},
            counts={"hits": 0, "trials": AUDITS},
            rates={"deceptive": {"beta": [8, 3]}, "default": {"beta": [2, 8]}},
        ),
    ),
)
PRIORS = {
    "a.probability": stats.beta(0.3, 0.7),
    "b.given.0": stats.beta(4, 2),
    "b.otherwise": stats.beta(1, 4),
    "scheme.bits": stats.norm(1, 4),
    "push.bits.deceptive": stats.norm(1, 1),
    "probes.rates.true": stats.beta(9, 2),
    "probes.rates.false": stats.beta(2, 9),
    "probes.relevance": stats.beta(4, 1),
    "audits.rates.deceptive": stats.beta(8, 3),
    "audits.rates.default": stats.beta(2, 8),
}
CORE = [name for name in PRIORS if not name.startswith(("probes", "audits"))]

type Numbers = dict[str, Array]


# --- the story once more, by hand ---------------------------------------------------------------


def route_chances(numbers: Numbers, a: bool, b: bool) -> tuple[Array, Array]:
    """P(deceptive) and P(anything else) for a truth assignment."""
    scheme = 2.0 ** (numbers["scheme.bits"] + b * numbers["push.bits.deceptive"]) * a
    rest = 1 + (not b) * 2.0**0.5 + 2.0**-1
    return scheme / (scheme + rest), rest / (scheme + rest)


def joint(numbers: Numbers, probed: int, audited: int) -> tuple[Array, Array]:
    """P(evidence | numbers) and P(evidence, deceptive | numbers)."""
    deceptive, total = np.zeros(()), np.zeros(())
    for a in (False, True):
        p = numbers["a.probability"]
        off = stats.binom.pmf(probed, PROBES, numbers["probes.rates.false"])
        on = stats.binom.pmf(probed, PROBES, numbers["probes.rates.true"])
        share = numbers["probes.relevance"]
        weight = p * (share * on + (1 - share) * off) if a else (1 - p) * off
        for b in (False, True):
            q = numbers["b.given.0"] if a else numbers["b.otherwise"]
            scheme, rest = route_chances(numbers, a, b)
            here = weight * (q if b else 1 - q)
            caught = stats.binom.pmf(audited, AUDITS, numbers["audits.rates.deceptive"])
            passed = stats.binom.pmf(audited, AUDITS, numbers["audits.rates.default"])
            deceptive = deceptive + here * scheme * caught
            total = total + here * (scheme * caught + rest * passed)
    return total, deceptive


@dataclass(frozen=True)
class Simulation:
    """One run: its numbers, what came about, and what was seen."""

    numbers: Numbers
    a: bool
    deceptive: bool
    probed: int
    audited: int


def simulate(rng: np.random.Generator) -> Simulation:
    """Draw numbers, then one training run, then its evidence."""
    numbers = {name: np.asarray(prior.rvs(random_state=rng)) for name, prior in PRIORS.items()}
    a = bool(rng.random() < numbers["a.probability"])
    b = bool(rng.random() < numbers["b.given.0" if a else "b.otherwise"])
    deceptive = bool(rng.random() < route_chances(numbers, a, b)[0])
    bears = a and rng.random() < numbers["probes.relevance"]
    rate = numbers["probes.rates.true" if bears else "probes.rates.false"]
    caught = numbers["audits.rates.deceptive" if deceptive else "audits.rates.default"]
    return Simulation(
        numbers, a, deceptive, int(rng.binomial(PROBES, rate)), int(rng.binomial(AUDITS, caught))
    )


def observed(simulation: Simulation) -> Story:
    """The story with what was seen."""

    def seen(evidence: Evidence, hits: int, trials: int) -> Evidence:
        return evidence.model_copy(update={"counts": ObservedCounts(hits=hits, trials=trials)})

    probes, audits = STORY.evidence
    items = (seen(probes, simulation.probed, PROBES), seen(audits, simulation.audited, AUDITS))
    return STORY.model_copy(update={"evidence": items})


# --- engines, right and wrong -------------------------------------------------------------------


@dataclass(frozen=True)
class Fit:
    """What an engine says: weighted draws of the numbers, and of P(deceptive) and P(a) at them."""

    numbers: Numbers
    weights: Array
    deceptive: Array  # exact given all numbers
    deceptive_averaged: Array  # over what was integrated out
    a_averaged: Array


def right(story: Story, seed: int, *, silent: bool = False) -> Fit:
    """The engine as it is; `silent` removes the evidence."""
    story = story.model_copy(update={"evidence": ()}) if silent else story
    assessment = assess(resolve(story), method="weighting", draws=DRAWS, seed=seed)
    resolved, draws = assessment.prepared.resolved, assessment.draws
    scheme = [route.id for route in assessment.prepared.graph.routes].index("scheme")
    a = assessment.prepared.graph.order["a"]
    return Fit(
        numbers={
            name: draws.values[:, resolved.number_index[name]]
            for name in (CORE if silent else PRIORS)
        },
        weights=draws.weights,
        deceptive=assessment.exact.routes[:, scheme],
        deceptive_averaged=assessment.averaged.routes[:, scheme],
        a_averaged=assessment.averaged.assumptions[:, a],
    )


def unweighted(fit: Fit) -> Fit:
    """The 0.62 mistake: P(deceptive | E, numbers) averaged over the prior of the numbers."""
    return replace(fit, weights=np.full(len(fit.weights), 1 / len(fit.weights)))


def deaf(story: Story, seed: int) -> Fit:
    """The likelihood is dropped: prior in, prior out."""
    fit = right(story, seed, silent=True)
    rng = np.random.default_rng([seed, 99])
    rates = {name: PRIORS[name].rvs(DRAWS, random_state=rng) for name in set(PRIORS) - set(CORE)}
    return replace(fit, numbers={**fit.numbers, **rates})


# --- the battery --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simulations() -> list[Simulation]:
    rng = np.random.default_rng(2024)
    return [simulate(rng) for _ in range(N_SIMULATIONS)]


@pytest.fixture(scope="module")
def fits(simulations: list[Simulation]) -> list[Fit]:
    return [right(observed(truth), seed) for seed, truth in enumerate(simulations)]


def position(draws: Array, weights: Array, truth: Array) -> float:
    """Share of the posterior below the truth."""
    return float(weights @ ((draws < truth) + 0.5 * (draws == truth)))


def calibration(happened: list[bool], said: list[float]) -> dict[str, float]:
    """Two-sided p-values: do they come true as often as said, and as often when more is said?"""
    d, p = np.array(happened, float), np.array(said)
    spread = p - p.mean()
    level = (d - p).sum() / np.sqrt((p * (1 - p)).sum())
    tilt = ((d - p) * spread).sum() / max(np.sqrt((p * (1 - p) * spread**2).sum()), 1e-12)
    return {"level": 2 * stats.norm.sf(abs(level)), "tilt": 2 * stats.norm.sf(abs(tilt))}


def battery(fits: Iterable[Fit], simulations: list[Simulation]) -> dict[str, float]:
    """Every p-value of the check, by name."""
    positions: dict[str, list[float]] = {}
    said: dict[str, list[float]] = {"deceptive": [], "a": []}
    for fit, truth in zip(fits, simulations, strict=True):
        seen = truth.probed, truth.audited
        total, deceptive = joint(truth.numbers, *seen)
        theirs, _ = joint(fit.numbers, *seen)
        compared = {f"rank of {name}": (fit.numbers[name], truth.numbers[name]) for name in PRIORS}
        compared["rank of P(E | numbers)"] = (theirs, total)
        compared["rank of P(deceptive | E, numbers)"] = (fit.deceptive, deceptive / total)
        for name, (draws, true) in compared.items():
            positions.setdefault(name, []).append(position(draws, fit.weights, true))
        said["deceptive"].append(float(fit.weights @ fit.deceptive_averaged))
        said["a"].append(float(fit.weights @ fit.a_averaged))
    found = {name: float(stats.kstest(x, "uniform").pvalue) for name, x in positions.items()}
    for name, x in said.items():
        each = calibration([getattr(truth, name) for truth in simulations], x)
        found |= {f"{kind} of P({name} | E)": p for kind, p in each.items()}
    return found


def rejected(found: dict[str, float]) -> dict[str, float]:
    return {name: p for name, p in found.items() if p < ALPHA / len(found)}


def test_simulator_and_formula_agree() -> None:
    """The check's own two halves: simulated frequencies against the formula, 4.5 sigma."""
    rng, n = np.random.default_rng(9), 2_000
    runs = [simulate(rng) for _ in range(2_000)]
    numbers = {name: prior.rvs(n, random_state=rng) for name, prior in PRIORS.items()}
    pairs = [(x, y) for x in range(PROBES + 1) for y in range(AUDITS + 1)]
    at = [joint(numbers, *pair)[1].mean() for pair in pairs]
    chance = float(np.sum(at))
    error = np.sqrt(chance * (1 - chance) * (1 / len(runs) + 1 / n))
    assert abs(np.mean([run.deceptive for run in runs]) - chance) < 4.5 * error
    by_probes = np.array([run.audited * run.probed for run in runs], float)
    expected = sum(x * y * joint(numbers, x, y)[0].mean() for x, y in pairs)
    assert abs(by_probes.mean() - expected) < 4.5 * by_probes.std() * np.sqrt(1 / len(runs) + 1 / n)


def test_the_engine_is_calibrated(fits: list[Fit], simulations: list[Simulation]) -> None:
    found = battery(fits, simulations)
    assert len(found) == len(PRIORS) + 6
    assert not rejected(found)


def test_the_plain_average_is_caught(fits: list[Fit], simulations: list[Simulation]) -> None:
    assert rejected(battery(map(unweighted, fits), simulations))


def test_a_likelihood_of_the_wrong_sign_is_caught(
    simulations: list[Simulation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        posterior,
        "collapsed_tables",
        lambda *given: [None if t is None else -t for t in collapsed_tables(*given)],
    )
    wrong = [right(observed(truth), seed) for seed, truth in enumerate(simulations)]
    found = rejected(battery(wrong, simulations))
    assert any(name.startswith("tilt") for name in found)


def test_a_dropped_likelihood_is_caught_and_ranks_alone_are_blind(
    simulations: list[Simulation],
) -> None:
    """Prior in, prior out is perfectly calibrated for whatever does not look at the data.

    So every rank of a number, and every probability that only has to be right on average, passes:
    the quantities that depend on the data are what catches it.
    """
    wrong = [deaf(observed(truth), seed) for seed, truth in enumerate(simulations)]
    found = battery(wrong, simulations)
    caught = rejected(found)
    assert "rank of P(E | numbers)" in caught
    assert not [name for name in caught if name.removeprefix("rank of ") in PRIORS]
    assert "level of P(deceptive | E)" not in caught


def test_blind_spot_a_single_item_of_evidence(
    simulations: list[Simulation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors that are small next to the prior pass: here, a likelihood that is 10 % too bold.

    200 simulations see gross mistakes; the exact comparisons with the oracle see small ones. What
    happens after training (checks, harm, hazards) is not looked at here at all.
    """
    monkeypatch.setattr(
        posterior,
        "collapsed_tables",
        lambda *given: [None if t is None else 1.1 * t for t in collapsed_tables(*given)],
    )

    stories = [observed(truth).model_copy(update={"checks": ()}) for truth in simulations]
    wrong = [right(story, seed) for seed, story in enumerate(stories)]
    assert not rejected(battery(wrong, simulations))
