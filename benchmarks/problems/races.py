"""Races of routes: many rivals, each behind an assumption shared with others and two of its own.

Two roads to the answers in plain numpy, which share nothing but the reading of the numbers:
enumeration of every truth value, for small races; and, for any, one integral for each state of
the shared assumptions. Given those, rivals are open independently, and with
1 / x = integral of exp(-t x) dt the mean of weight / (sum of weights) is an integral of a product.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Answers = dict[str, Array]

SHARED = 5
HITS, TRIALS = 3, 10  # of the evidence about the outcome
_STEP = 0.2  # in log t; the error falls as exp(-pi**2 / step)


@dataclass(frozen=True)
class Race:
    """A race of so many rivals of the intended model, beside what nobody named.

    Attributes
    ----------
    gates : tuple of (int, bool)
        By rival, the shared assumption that it needs, and whether that has to be true or false.
    nudges : tuple of (int, bool, tuple of int)
        A shared assumption, its truth value, and the runners favored by it.
    named : tuple of int
        The runners that the evidence about the outcome has a rate for.
    priors : dict of str to (str, float, float)
        By name, ("beta", a, b) or ("normal", mean, sd).
    """

    gates: tuple[tuple[int, bool], ...]
    nudges: tuple[tuple[int, bool, tuple[int, ...]], ...]
    named: tuple[int, ...]
    priors: dict[str, tuple[str, float, float]]

    @property
    def runners(self) -> list[str]:
        """The ids of all routes: the intended one, its rivals, and the residual."""
        rivals = [f"r{k}" for k in range(len(self.gates))]
        return ["intended", *rivals, "something-else"]


def build_race(routes: int, seed: int = 3) -> Race:
    """Build a race of so many routes, the intended one and the residual among them."""
    rng = np.random.default_rng([seed, routes])
    rivals = routes - 2
    gates = tuple((k % SHARED, bool(rng.random() < 0.7)) for k in range(rivals))
    every_third = tuple(range(1, rivals + 1, 3))
    nudges = ((0, True, (0,)), (1, False, every_third), (2, True, (1,)))
    named = tuple(range(1, min(rivals, 9) + 1, 2))

    def beta(low: float, high: float) -> tuple[str, float, float]:
        mean, size = rng.uniform(low, high), rng.uniform(5, 30)
        return "beta", mean * size, (1 - mean) * size

    priors: dict[str, tuple[str, float, float]] = {}
    for k in range(SHARED):
        priors[f"s{k}.probability"] = beta(0.3, 0.7)
    for k in range(rivals):
        priors[f"r{k}a.probability"] = beta(0.3, 0.9)
        priors[f"r{k}b.probability"] = beta(0.3, 0.9)
        priors[f"r{k}.bits"] = ("normal", rng.uniform(-4, 0), 0.7)
    priors["something-else.bits"] = ("normal", -3.0, 0.5)
    for k, (_, _, runners) in enumerate(nudges):
        for runner in runners:
            name = "intended" if runner == 0 else f"r{runner - 1}"
            priors[f"n{k}.bits.{name}"] = ("normal", rng.uniform(0.5, 2), 0.5)
    for runner in named:
        priors[f"pilot.rates.r{runner - 1}"] = beta(0.3, 0.6)
    priors["pilot.rates.default"] = beta(0.1, 0.2)
    priors["survey.rates.true"] = beta(0.7, 0.9)
    priors["survey.rates.false"] = beta(0.1, 0.3)
    return Race(gates, nudges, named, priors)


def draw_race(race: Race, draws: int, seed: int) -> dict[str, Array]:
    """Draw every number, by name."""
    rng = np.random.default_rng(seed)
    return {
        name: rng.beta(a, b, draws) if family == "beta" else rng.normal(a, b, draws)
        for name, (family, a, b) in race.priors.items()
    }


def by_enumeration(race: Race, drawn: dict[str, Array], draws: int) -> Answers:
    """Sum over every truth value of every assumption: 2 ** (5 + 2 * rivals) states."""
    rivals = len(race.gates)
    states = np.array(list(itertools.product([False, True], repeat=SHARED + 2 * rivals)))
    shared, own = states[:, :SHARED], states[:, SHARED:]
    names = [f"s{k}" for k in range(SHARED)]
    names += [f"r{k}{part}" for k in range(rivals) for part in "ab"]
    is_open = np.ones((len(states), rivals + 2), bool)
    for k, (gate, value) in enumerate(race.gates):
        is_open[:, k + 1] = (shared[:, gate] == value) & own[:, 2 * k] & own[:, 2 * k + 1]
    prior, posterior, log_evidence = [], [], []
    for i in range(draws):
        chance = np.ones(len(states))
        for column, name in enumerate(names):
            p = drawn[f"{name}.probability"][i]
            chance = chance * np.where(states[:, column], p, 1 - p)
        weights = is_open * np.exp2(_bits(race, drawn, i, shared))
        share = chance[:, None] * weights / weights.sum(axis=1, keepdims=True)
        said = _survey(drawn, i, shared)[:, None] * share * _pilot(race, drawn, i)
        prior.append(share.sum(axis=0))
        posterior.append(said.sum(axis=0) / said.sum())
        log_evidence.append(np.log(said.sum()))
    return _answers(prior, posterior, log_evidence)


def by_quadrature(race: Race, drawn: dict[str, Array], draws: int) -> Answers:
    """Integrate over t for each of the 32 states of the shared assumptions."""
    shared = np.array(list(itertools.product([False, True], repeat=SHARED)))
    rivals = [f"r{k}" for k in range(len(race.gates))]
    reachable = np.stack([shared[:, gate] == value for gate, value in race.gates], axis=1)
    prior, posterior, log_evidence = [], [], []
    for i in range(draws):
        p = np.array([drawn[f"s{k}.probability"][i] for k in range(SHARED)])
        chance = np.where(shared, p, 1 - p).prod(axis=1)
        both = [drawn[f"{r}a.probability"][i] * drawn[f"{r}b.probability"][i] for r in rivals]
        share = _shares(np.exp2(_bits(race, drawn, i, shared)), reachable * np.array(both))
        share = chance[:, None] * share
        said = _survey(drawn, i, shared)[:, None] * share * _pilot(race, drawn, i)
        prior.append(share.sum(axis=0))
        posterior.append(said.sum(axis=0) / said.sum())
        log_evidence.append(np.log(said.sum()))
    return _answers(prior, posterior, log_evidence)


def _shares(weights: Array, is_open: Array) -> Array:
    """Mean share of every runner, (n_states, n_runners), rivals being open independently.

    Parameters
    ----------
    weights : (n_states, n_runners) array
        The first and the last runner are always open.
    is_open : (n_states, n_rivals) array
        Probability of each rival.
    """
    always = weights[:, 0] + weights[:, -1]
    low, high = np.log(1e-17 / weights.max()), np.log(45 / always.min())
    t = np.exp(np.arange(low, high, _STEP))[:, None, None]
    here = is_open * np.exp(-t * weights[:, 1:-1])  # (n_nodes, n_states, n_rivals)
    each = 1 - is_open + here
    product = np.exp(-t[:, :, 0] * always) * each.prod(axis=2) * t[:, :, 0] * _STEP
    given_open = np.ones((*product.shape, weights.shape[1]))
    given_open[:, :, 1:-1] = np.divide(here, each, out=np.zeros_like(here), where=each > 0)
    return np.asarray(weights * np.einsum("ts,tsr->sr", product, given_open))


def _bits(race: Race, drawn: dict[str, Array], i: int, shared: NDArray[np.bool_]) -> Array:
    """Bits of every runner in every state of the shared assumptions, in draw i."""
    own = [drawn[f"{runner}.bits"][i] for runner in race.runners[1:]]
    bits = np.tile(np.array([0.0, *own]), (len(shared), 1))
    for k, (assumption, value, runners) in enumerate(race.nudges):
        for runner in runners:
            nudge = drawn[f"n{k}.bits.{race.runners[runner]}"][i]
            bits[:, runner] += nudge * (shared[:, assumption] == value)
    return bits


def _survey(drawn: dict[str, Array], i: int, shared: NDArray[np.bool_]) -> Array:
    """Likelihood of the finding about the first shared assumption."""
    true, false = drawn["survey.rates.true"][i], drawn["survey.rates.false"][i]
    return np.asarray(np.where(shared[:, 0], true, false))


def _pilot(race: Race, drawn: dict[str, Array], i: int) -> Array:
    """Likelihood of the evidence about the outcome, by runner; 120 ways to see 3 of 10."""
    rates = np.full(len(race.runners), drawn["pilot.rates.default"][i])
    for runner in race.named:
        rates[runner] = drawn[f"pilot.rates.{race.runners[runner]}"][i]
    return np.asarray(120 * rates**HITS * (1 - rates) ** (TRIALS - HITS))


def _answers(prior: list[Array], posterior: list[Array], log_evidence: list[float]) -> Answers:
    return {
        "prior": np.array(prior),
        "posterior": np.array(posterior),
        "log P(E)": np.array(log_evidence),
    }
