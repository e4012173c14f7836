"""How good the answers are: errors of means and quantiles, and whether roads to them agree.

Diagnostics are of the answers, every class, every fate and being deployed, and not of coordinates:
a sampler may know each number well and its product badly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine.quantities import Quantities
from storyodds.models.posterior.weighting import spread_of_sums
from storyodds.models.story.events import EVENTS
from storyodds.models.story.outcomes import DEPLOYED

Array = NDArray[np.float64]

ANSWERS = (*EVENTS, DEPLOYED)
LEVELS = (0.05, 0.5, 0.95)
MAX_R_HAT = 1.01  # of Vehtari, Gelman, Simpson, Carpenter and Buerkner 2021, arXiv:1903.08008
MIN_ESS = 400  # from which on R-hat and errors can be estimated, by the same
# Standard errors by which two roads to one number may differ: once in two million by chance.
MAX_ERRORS = 5.0
_ROUNDING = 1e-12  # of a probability: what differs by less is the same


@dataclass(frozen=True)
class Strata:
    """Runs of chains of which each has a part of the posterior to itself.

    Attributes
    ----------
    of_draw : (n_draws,) int
        Which run a draw belongs to.
    errors : (n_strata,) array
        Standard errors of the log of what each part weighs, in nats.
    """

    of_draw: NDArray[np.intp]
    errors: Array


@dataclass(frozen=True)
class Errors:
    """Monte Carlo standard errors of every answer, in probability.

    Attributes
    ----------
    mean : (n_answers,) array
        Of posterior means, by `ANSWERS`.
    quantiles : (n_answers, 3) array
        Of the 5, 50 and 95 percent points.
    """

    mean: Array
    quantiles: Array

    def by_name(self) -> Mapping[str, Mapping[str, float]]:
        """Errors of `mean`, `q05`, `median` and `q95` by answer."""
        return {
            name: {
                "mean": float(mean),
                "q05": float(q[0]),
                "median": float(q[1]),
                "q95": float(q[2]),
            }
            for name, mean, q in zip(ANSWERS, self.mean, self.quantiles, strict=True)
        }


def answers_of(quantities: Quantities) -> Array:
    """Every answer at every draw, (n_draws, n_answers), by `ANSWERS`."""
    return np.column_stack([quantities.events, quantities.deployed])


def errors_of(
    averaged: Quantities, exact: Quantities, chains: int = 1, strata: Strata | None = None
) -> Errors:
    """Standard errors of means (of `averaged`) and of quantiles (of `exact`).

    Parameters
    ----------
    averaged, exact : Quantities
    chains : int
        Of which the draws are, one after the other in every stratum; 1 where they are independent.
    strata : Strata, optional
    """
    drawn, weights = answers_of(exact), exact.weights
    of_mean = errors_of_means(averaged, chains, strata)
    quantiles = np.zeros((len(ANSWERS), len(LEVELS)))
    for a in range(len(ANSWERS)):
        one = np.ones(len(weights))
        quantiles[a] = _errors_of_quantiles(drawn[:, a], one, weights, chains, strata)
    return Errors(of_mean, quantiles)


Odds = tuple[Array, Array, Array]


def errors_of_odds(
    averaged: Odds, exact: Odds, chains: int = 1, strata: Strata | None = None
) -> dict[str, float]:
    """Standard errors of P(part | whole): of its mean and of its quantiles.

    Parameters
    ----------
    averaged, exact : tuple of three (n_draws,) arrays
        P(part), P(whole) and the weights of draws: those of which the mean is taken, and those of
        which the quantiles are.
    chains, strata
        As of `errors_of`.

    Returns
    -------
    dict
        `mean`, `q05`, `median` and `q95`.

    Examples
    --------
    >>> part, even = np.linspace(0, 1, 512), np.full(512, 1 / 512)
    >>> errors = errors_of_odds((part, np.ones(512), even), (part, np.ones(512), even))
    >>> [key for key, error in errors.items() if error > 0]
    ['mean', 'q05', 'median', 'q95']
    """
    part, whole, weights = averaged
    of_mean, chance = 0.0, float(weights @ whole)
    if len(part) > 1 and chance > 0:
        pulls = (part - float(weights @ part) / chance * whole) / chance
        of_mean = float(_spread(weights, pulls[:, None], chains, strata)[0])
        if of_mean <= _ROUNDING * abs(float(weights @ part)) / chance:
            of_mean = 0.0
    part, whole, weights = exact
    x = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    low, median, high = _errors_of_quantiles(x, whole, weights, chains, strata).tolist()
    return {"mean": of_mean, "q05": low, "median": median, "q95": high}


def _errors_of_quantiles(
    x: Array, whole: Array, weights: Array, chains: int, strata: Strata | None
) -> Array:
    """Standard errors of quantiles at `LEVELS` of draws that count by their weight and a chance."""
    out, counts = np.zeros(len(LEVELS)), weights * whole
    total = counts.sum()
    there = x[counts > 0]
    if not total > 0 or np.ptp(there) <= _ROUNDING * abs(there).max():
        return out
    order = np.argsort(x)
    ordered, reached = x[order], np.cumsum(counts[order]) / total

    def quantiles(levels: Array) -> Array:
        return np.asarray(ordered[np.searchsorted(reached, levels).clip(max=len(x) - 1)])

    levels = np.array(LEVELS)
    # A level's draws lie side by side, as they are added up.
    below = (x <= quantiles(levels)[:, None]).astype(float).T
    pulls = whole[:, None] / total * (below - counts @ below / total)
    of_level = _spread(weights, pulls, chains, strata)
    # What the level may be off by, taken to the scale of the answer (Woodruff 1952).
    ends = np.clip([levels - of_level, levels + of_level], 0.0, 1.0)
    low, high = quantiles(ends[0]), quantiles(ends[1])
    return np.asarray((high - low) / 2)


def errors_of_means(averaged: Quantities, chains: int = 1, strata: Strata | None = None) -> Array:
    """Standard errors of posterior means of the answers, (n_answers,), as in `errors_of`."""
    answers = answers_of(averaged)
    if len(answers) == 1:
        return np.zeros(len(ANSWERS))
    return _spread(averaged.weights, answers - averaged.mean(answers), chains, strata)


def worst_ess(averaged: Quantities) -> float:
    """How many independent draws weighted ones count as, for the answer that needs most of them.

    The variance of an answer over the posterior, over the variance of its mean: smaller than the
    effective sample size of the weights where what is unusual of the answer weighs much.
    """
    answers, weights = answers_of(averaged), averaged.weights
    off = (answers - averaged.mean(answers)) ** 2
    variance, error = weights @ off, weights**2 @ off
    moving = variance > _ROUNDING**2
    return float(np.min(variance[moving] / error[moving], initial=np.inf))


def _spread(weights: Array, pulls: Array, chains: int, strata: Strata | None) -> Array:
    """Standard errors of weighted sums of columns whose weighted means are 0."""
    if chains == 1:
        return spread_of_sums(weights[:, None] * pulls)
    variance = np.zeros(pulls.shape[1])
    for rows, log_error in _runs(len(weights), strata):
        share = weights[rows].sum()
        # What the part weighs is an estimate too, and moves the sum by what the part adds to it.
        variance += (weights[rows] @ pulls[rows] * log_error) ** 2
        for k in range(pulls.shape[1]):
            column = pulls[rows, k]
            if np.ptp(column) > _ROUNDING:
                variance[k] += share**2 * column.var() / _ess(column, chains)
    return np.sqrt(variance)


def _runs(n: int, strata: Strata | None) -> list[tuple[NDArray[np.intp], float]]:
    """The draws of every run, and the standard error of the log of what they weigh together."""
    if strata is None:
        return [(np.arange(n), 0.0)]
    return [
        (np.flatnonzero(strata.of_draw == s), float(error)) for s, error in enumerate(strata.errors)
    ]


def _ess(column: Array, chains: int) -> float:
    from storyodds.models.safe_arviz import array_stats

    return float(array_stats.ess(column.reshape(chains, -1), method="bulk"))


@dataclass(frozen=True)
class ChainDiagnostics:
    """The worst of every answer: R-hat, and effective sample sizes."""

    r_hat: float
    ess_bulk: float
    ess_tail: float
    messages: tuple[str, ...]


def chain_diagnostics(
    averaged: Quantities, chains: int, strata: Strata | None = None
) -> ChainDiagnostics:
    """Diagnose chains by the answers that they give, and by log P(evidence) at their draws.

    Parameters
    ----------
    averaged : Quantities
        At draws that are chain by chain, in every stratum.
    chains : int
    strata : Strata, optional
    """
    from storyodds.models.safe_arviz import array_stats

    columns = np.column_stack([answers_of(averaged), averaged.log_evidence])
    r_hat, bulk, tail = 1.0, np.inf, np.inf
    for rows, _ in _runs(len(columns), strata):
        for k in range(columns.shape[1]):
            chain = columns[rows, k].reshape(chains, -1)
            if np.ptp(chain) <= _ROUNDING:
                continue
            r_hat = max(r_hat, float(array_stats.rhat(chain)))
            bulk = min(bulk, float(array_stats.ess(chain, method="bulk")))
            tail = min(tail, float(array_stats.ess(chain, method="tail", prob=0.9)))
    messages = []
    if not r_hat <= MAX_R_HAT:
        messages.append(f"chains disagree: R-hat of an answer is {r_hat:.3f}, above {MAX_R_HAT}")
    if not min(bulk, tail) >= MIN_ESS:
        messages.append(
            f"an answer counts for {min(bulk, tail):.0f} independent draws; {MIN_ESS} are needed"
        )
    n = float(len(columns))
    return ChainDiagnostics(r_hat, min(bulk, n), min(tail, n), tuple(messages))


def disagreements(averaged: Quantities, exact: Quantities) -> tuple[str, ...]:
    """Where means by integration and means over draws of all numbers part by more than chance.

    Both are means of one quantity. That P(event | E, θ) lies between 0 and 1 bounds how far its
    draws can spread around what integration says of them.
    """
    whole, drawn = answers_of(averaged), answers_of(exact)
    if len(whole) == 1:
        whole = np.repeat(whole, len(drawn), axis=0)
    weights = exact.weights
    missed = abs(weights @ drawn - weights @ whole)
    error = np.sqrt(weights**2 @ np.clip(whole * (1 - whole), 0.0, None))
    bad = missed > MAX_ERRORS * error + _ROUNDING
    return tuple(
        f"two roads to P({name}) part: {weights @ whole[:, a]:.6g} by integration, "
        f"{weights @ drawn[:, a]:.6g} over draws of all numbers"
        for a, name in enumerate(ANSWERS)
        if bad[a]
    )


def contradictions(
    first: tuple[Array, Array], second: tuple[Array, Array], names: Sequence[str] = ANSWERS
) -> tuple[str, ...]:
    """Where two methods differ by more than their errors.

    Parameters
    ----------
    first, second : tuple of (n_answers,) arrays
        Means and their standard errors.
    names : sequence of str
    """
    gap = abs(first[0] - second[0])
    error = np.hypot(first[1], second[1])
    return tuple(
        f"weighting and NUTS contradict each other: P({name}) is {first[0][a]:.4g} by the one and "
        f"{second[0][a]:.4g} by the other"
        for a, name in enumerate(names)
        if gap[a] > MAX_ERRORS * error[a] + _ROUNDING
    )
