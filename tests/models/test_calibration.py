"""Simulation-based calibration of the whole chain, and of the check itself.

Draw the numbers from their prior, simulate one training run and its evidence by a simulator that
shares nothing with the engine, assess, and ask where the truth lies (Talts et al. 2018; Modrák
et al. 2023 for quantities that depend on the data). A right engine gives uniform positions for
the numbers, for log P(E | numbers) and for P(deceptive | E, numbers), and probabilities of the
discrete part that come true as often as they say.

Blind spots: 200 simulations see gross mistakes; a likelihood that is 10 % too bold passes, and the
exact comparisons with the oracle see it. What happens after training (live checks, harm) is not
looked at here at all.

False alarms: each battery rejects at `ALPHA` shared among its p-values (Bonferroni), so a right
engine would fail for one seed in a thousand; the seed is fixed.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from support.building import believe, item, tell

from storyodds.models.assessment.assessment import assess
from storyodds.models.engine.quantities import Quantities
from storyodds.models.engine.state_draws import Uses
from storyodds.models.posterior import prepared
from storyodds.models.posterior.answers import Exact
from storyodds.models.posterior.evidence import collapsed_tables
from storyodds.models.posterior.prepared import PreparedStory, prepare
from storyodds.models.posterior.weighting import prior_draws
from storyodds.models.story.likelihoods import no_evidence
from storyodds.scenarios.grammar.parts import GivenRow
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import (
    Assumption,
    Check,
    Evidence,
    Hazard,
    Nudge,
    ObservedCounts,
    Route,
)
from storyodds.scenarios.story import Story

pytestmark = pytest.mark.slow

Array = NDArray[np.float64]

N_SIMULATIONS = 200
FEW = 80  # of them, which have to be enough to see a gross mistake: all of them see more
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
    hazards=(Hazard(id="slip", criterion="alignment", probability={"beta": [2, 3]}),),
    nudges=(Nudge(id="push", when="b", bits={"deceptive": {"normal": [1, 1]}}),),
    checks=(
        Check(id="audit", flags={"default": 0.3}),
        Check(
            id="screen",
            flags={
                "deceptive": {"beta": [3, 2]},
                "slip": {"beta": [2, 2]},
                "default": {"beta": [1, 6]},
            },
            result="passed",
        ),
    ),
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
    "slip.probability": stats.beta(2, 3),
    "screen.flags.deceptive": stats.beta(3, 2),
    "screen.flags.slip": stats.beta(2, 2),
    "screen.flags.default": stats.beta(1, 6),
}
# How to read a finding: no numbers of the story, drawn by the simulator and integrated out here.
RATES = {
    "probes.true": (9, 2),
    "probes.false": (2, 9),
    "audits.deceptive": (8, 3),
    "audits.default": (2, 8),
}
RELEVANCE = stats.beta(4, 1)

type Numbers = dict[str, Array]


# --- the story once more, by hand ---------------------------------------------------------------


def route_chances(numbers: Numbers, a: bool, b: bool) -> tuple[Array, Array, Array]:
    """P(deceptive), P(intended) and P(anything else) for a truth assignment."""
    scheme = 2.0 ** (numbers["scheme.bits"] + b * numbers["push.bits.deceptive"]) * a
    rest = (not b) * 2.0**0.5 + 2.0**-1
    total = scheme + 1 + rest
    return scheme / total, 1 / total, rest / total


def flag_chances(numbers: Numbers) -> tuple[Array, Array, Array]:
    """P(the screen flags | deceptive), P(it does | intended), P(it does | anything else)."""
    usual = numbers["screen.flags.default"]
    slipped = numbers["slip.probability"] * numbers["screen.flags.slip"]
    return numbers["screen.flags.deceptive"], 1 - (1 - usual) * (1 - slipped), usual


def joint(numbers: Numbers, probed: int, audited: int, flagged: bool) -> tuple[Array, Array]:
    """P(evidence | numbers) and P(evidence, deceptive | numbers)."""
    on, off = (
        stats.betabinom.pmf(probed, PROBES, *RATES[f"probes.{truth}"])
        for truth in ("true", "false")
    )
    bears = RELEVANCE.mean()
    by_truth = {x: bears * (on if x else off) + (1 - bears) * (on + off) / 2 for x in (True, False)}
    caught, usual = (
        stats.betabinom.pmf(audited, AUDITS, *RATES[f"audits.{key}"])
        for key in ("deceptive", "default")
    )
    flags = [chance if flagged else 1 - chance for chance in flag_chances(numbers)]
    deceptive, total = np.zeros(()), np.zeros(())
    for a in (False, True):
        p = numbers["a.probability"]
        weight = (p if a else 1 - p) * by_truth[a]
        for b in (False, True):
            q = numbers["b.given.0"] if a else numbers["b.otherwise"]
            here = weight * (q if b else 1 - q)
            scheme, intended, rest = route_chances(numbers, a, b)
            mine = here * scheme * caught * flags[0]
            deceptive = deceptive + mine
            total = total + mine + here * usual * (intended * flags[1] + rest * flags[2])
    return total, deceptive


@dataclass(frozen=True)
class Simulation:
    """One run: its numbers, what came about, and what was seen."""

    numbers: Numbers
    a: bool
    deceptive: bool
    probed: int
    audited: int
    flagged: bool

    @property
    def seen(self) -> tuple[int, int, bool]:
        return self.probed, self.audited, self.flagged


def simulate(rng: np.random.Generator) -> Simulation:
    """Draw numbers, then one training run, then its evidence."""
    numbers = {name: np.asarray(prior.rvs(random_state=rng)) for name, prior in PRIORS.items()}
    a = bool(rng.random() < numbers["a.probability"])
    b = bool(rng.random() < numbers["b.given.0" if a else "b.otherwise"])
    route = int(rng.choice(3, p=route_chances(numbers, a, b)))
    # A finding that does not bear on the matter is of either process alike.
    bears = rng.random() < RELEVANCE.rvs(random_state=rng)
    truth = a if bears else rng.random() < 0.5
    rate = rng.beta(*RATES["probes.true" if truth else "probes.false"])
    caught = rng.beta(*RATES["audits.default" if route else "audits.deceptive"])
    usual = numbers["screen.flags.default"] if route else numbers["screen.flags.deceptive"]
    flagged = rng.random() < usual
    if route == 1 and rng.random() < numbers["slip.probability"]:
        flagged = flagged or rng.random() < numbers["screen.flags.slip"]
    return Simulation(
        numbers=numbers,
        a=a,
        deceptive=route == 0,
        probed=int(rng.binomial(PROBES, rate)),
        audited=int(rng.binomial(AUDITS, caught)),
        flagged=bool(flagged),
    )


def observed(simulation: Simulation) -> Story:
    """The story with what was seen."""

    def seen(evidence: Evidence, hits: int, trials: int) -> Evidence:
        return evidence.model_copy(update={"counts": ObservedCounts(hits=hits, trials=trials)})

    probes, audits = STORY.evidence
    items = (seen(probes, simulation.probed, PROBES), seen(audits, simulation.audited, AUDITS))
    audit, screen = STORY.checks
    screen = screen.model_copy(update={"result": "flagged" if simulation.flagged else "passed"})
    return STORY.model_copy(update={"evidence": items, "checks": (audit, screen)})


# --- engines, right and wrong -------------------------------------------------------------------


@dataclass(frozen=True)
class Fit:
    """What an engine says: weighted draws of the numbers and P(deceptive) at them, and means."""

    numbers: Numbers
    weights: Array
    deceptive: Array  # exact given all numbers
    means: dict[str, float]


def right(story: Story, seed: int) -> Fit:
    """The engine as it is."""
    assessment = assess(resolve(story), method="weighting", draws=DRAWS, seed=seed)
    return fit_of(assessment.prepared, assessment.exact, assessment.averaged)


def fit_of(prepared: PreparedStory, exact: Quantities, averaged: Quantities) -> Fit:
    index = prepared.resolved.number_index
    a = averaged.mean(averaged.assumptions)[prepared.graph.order["a"]]
    return Fit(
        numbers={name: exact.values[:, index[name]] for name in PRIORS},
        weights=exact.weights,
        deceptive=exact.event("deceptive"),
        means={"deceptive": float(averaged.mean(averaged.event("deceptive"))), "a": float(a)},
    )


def unweighted(story: Story, seed: int) -> Fit:
    """The 0.62 mistake: P(deceptive | E, numbers) averaged over the prior of the numbers."""
    prepared = prepare(resolve(story))
    evaluated = prepared.answers.evaluate(prior_draws(prepared, DRAWS, seed), prepared.likelihoods)
    return fit_of(prepared, evaluated, evaluated)


def deaf(story: Story, seed: int) -> Fit:
    """The likelihood is dropped: prior in, prior out."""
    prepared = prepare(resolve(story))
    evaluated = prepared.answers.evaluate(
        prior_draws(prepared, DRAWS, seed), no_evidence(prepared.graph)
    )
    return fit_of(prepared, evaluated, evaluated)


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
        total, deceptive = joint(truth.numbers, *truth.seen)
        theirs, _ = joint(fit.numbers, *truth.seen)
        compared = {f"rank of {name}": (fit.numbers[name], truth.numbers[name]) for name in PRIORS}
        compared["rank of P(E | numbers)"] = (theirs, total)
        compared["rank of P(deceptive | E, numbers)"] = (fit.deceptive, deceptive / total)
        for name, (draws, true) in compared.items():
            positions.setdefault(name, []).append(position(draws, fit.weights, true))
        for name, mean in fit.means.items():
            said[name].append(mean)
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
    runs = [simulate(rng) for _ in range(n)]
    numbers = {name: prior.rvs(n, random_state=rng) for name, prior in PRIORS.items()}
    chance, together, flags = 0.0, 0.0, 0.0
    for seen in product(range(PROBES + 1), range(AUDITS + 1), (False, True)):
        total, deceptive = (float(x.mean()) for x in joint(numbers, *seen))
        chance += deceptive
        together += math.prod(seen[:2]) * total
        flags += seen[2] * total
    for happened, expected in (
        ([run.deceptive for run in runs], chance),
        ([run.flagged for run in runs], flags),
        ([run.audited * run.probed for run in runs], together),
    ):
        # As many draws on either side; those of the formula vary less than those of runs.
        error = np.std(happened) * math.sqrt(2 / n)
        assert abs(np.mean(happened) - expected) < 4.5 * error


def test_the_engine_is_calibrated(fits: list[Fit], simulations: list[Simulation]) -> None:
    found = battery(fits, simulations)
    assert len(found) == len(PRIORS) + 6
    assert not rejected(found)


def test_the_plain_average_is_caught(simulations: list[Simulation]) -> None:
    wrong = [unweighted(observed(truth), seed) for seed, truth in enumerate(simulations)]
    assert rejected(battery(wrong, simulations))


def test_numbers_that_ignore_the_drawn_state_are_caught(
    simulations: list[Simulation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is integrated out, drawn from its prior: means stay right, and draws do not."""
    monkeypatch.setattr(
        Exact,
        "uses",
        lambda self, values, said, rng, n: Uses.none(n, values.shape[1]),
    )
    wrong = [right(observed(truth), seed) for seed, truth in enumerate(simulations[:FEW])]
    caught = rejected(battery(wrong, simulations[:FEW]))
    assert "rank of P(E | numbers)" in caught
    assert not [name for name in caught if not name.startswith("rank of P")]


def test_a_likelihood_of_the_wrong_sign_is_caught(
    simulations: list[Simulation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        prepared,
        "collapsed_tables",
        lambda *given: [None if t is None else -t for t in collapsed_tables(*given)],
    )
    wrong = [right(observed(truth), seed) for seed, truth in enumerate(simulations[:FEW])]
    found = rejected(battery(wrong, simulations[:FEW]))
    assert any(name.startswith("tilt") for name in found)


def test_a_dropped_likelihood_is_caught_and_ranks_alone_are_blind(
    simulations: list[Simulation],
) -> None:
    """Prior in, prior out is perfectly calibrated for whatever does not look at the data.

    So every rank of a number, and every probability that only has to be right on average, passes:
    the quantities that depend on the data are what catches it.
    """
    wrong = [deaf(observed(truth), seed) for seed, truth in enumerate(simulations)]
    caught = rejected(battery(wrong, simulations))
    assert "rank of P(E | numbers)" in caught
    assert not [name for name in caught if name.removeprefix("rank of ") in PRIORS]
    assert "level of P(deceptive | E)" not in caught
