"""How good simulated answers are: their errors, and what may be wrong with them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine.arithmetic import log_sum_exp
from storyodds.models.engine.quantities import Quantities
from storyodds.models.posterior.draws import Draws
from storyodds.models.posterior.evidence import forecast_log_odds
from storyodds.models.posterior.weighting import MIN_ESS
from storyodds.models.story.events import EVENTS
from storyodds.priors.distributions.families import LN2

Array = NDArray[np.float64]

_MOST_EMPTY = 0.5  # share of draws at which no state can explain the evidence
_MOST_UNMET = 0.05  # share of the answer that states which were never met may carry
_MOST_UNKNOWN = 0.05  # share of draws at which a forecast may meet odds of 0 or infinity


@dataclass(frozen=True)
class SimulatedQuantities(Quantities):
    """Quantities from states, with what is needed to judge them.

    Attributes
    ----------
    batches : (n_batches,) array
        Log of the mean weight of every batch of states; where the numbers are all fixed, several
        batches belong to one draw.
    squares : (n_batches, 3, n_headlines) array
        Sums of w^2, w^2 f and w^2 f^2 over the states of a batch, whose weights w sum to 1, for
        the probability f of every class and fate.
    """

    batches: Array
    squares: Array


def judged(
    draws: Draws,
    prior: Quantities,
    averaged: SimulatedQuantities,
    exact: SimulatedQuantities,
    n_states: int,
) -> Draws:
    """Add the errors of simulated answers to their draws, and what may be wrong with them.

    Parameters
    ----------
    draws : Draws
    prior, averaged, exact : Quantities
        Before the evidence; what means, and intervals, are taken of.
    n_states : int
        In a batch.
    """
    logs, weights = averaged.batches, averaged.weights
    single = len(weights) == 1
    shares = np.exp(logs - log_sum_exp(logs, axis=0)) if single else weights
    squares, ones = averaged.squares, averaged.squares[:, 0, 0]
    joint_ess = float(1 / (shares**2 @ ones))
    errors = np.sqrt(shares**2 @ _around(squares, weights @ averaged.events))
    noise = None  # there are no intervals where there is one draw
    if len(exact.weights) > 1:
        noise = np.sqrt(exact.weights @ _around(exact.squares, exact.events))
    complaints = [
        *draws.messages,
        *_complaints(n_states, prior, joint_ess, float(np.mean(logs == -np.inf))),
        *_unmet(n_states * len(logs), draws),
    ]
    return replace(
        draws,
        method="simulation",
        diagnostics={
            **draws.diagnostics,
            "means": "sampled",
            "states": n_states * (len(logs) if single else 1),
            "states_simulated": n_states * len(logs),
            "ess_joint": joint_ess,
            "simulation_error": dict(zip(EVENTS, errors.tolist(), strict=True)),
            "simulation_noise": None
            if noise is None
            else dict(zip(EVENTS, noise.tolist(), strict=True)),
        },
        messages=(*complaints, _note(n_states, len(logs) if single else None, errors, noise)),
        ok=not complaints,
    )


def _unmet(n: int, draws: Draws) -> list[str]:
    """Complain where states that were never met could carry much of the answer.

    What has not come about in n states has a chance of at most 3 / n, at 95 % confidence (the rule
    of three), and the evidence may favor it by as much as its best-fitting hypotheses allow.
    """
    log_share = np.log(3 / n) + draws.log_likelihood_bound - draws.log_evidence
    if log_share <= np.log(_MOST_UNMET):
        return []
    share = "all" if log_share >= 0 else f"up to {np.exp(log_share):.0%}"
    bits = (draws.log_likelihood_bound - draws.log_evidence) / LN2
    return [
        f"states that were never met could carry {share} of the answer: {n:,} were simulated, and "
        f"the evidence may favor one of them by 2**{bits:.0f}"
    ]


def _around(squares: Array, middle: Array) -> Array:
    """Sum of w^2 (f - middle)^2 over the states of every batch, (n_batches, n_headlines)."""
    return np.asarray(
        np.maximum(squares[:, 2] - 2 * middle * squares[:, 1] + middle**2 * squares[:, 0], 0)
    )


def _complaints(n_states: int, prior: Quantities, joint_ess: float, empty: float) -> list[str]:
    graph, complaints = prior.graph, []
    if joint_ess < MIN_ESS:
        complaints.append(
            f"the simulated states count for {joint_ess:.0f} independent ones; {MIN_ESS} are needed"
        )
    if empty > _MOST_EMPTY:
        complaints.append(
            f"in {empty:.0%} of the draws none of the {n_states} states can explain the evidence"
        )
    for i in graph.forecasts:
        odds = forecast_log_odds(prior, i)
        unknown = float(np.mean(~np.isfinite(odds)))
        if unknown > _MOST_UNKNOWN:
            complaints.append(
                f"{graph.evidence[i].id}: in {unknown:.0%} of the draws the simulated prior chance "
                "is 0 or 1, which a forecast cannot be compared with"
            )
    return complaints


def _note(batch: int, batches: int | None, errors: Array, noise: Array | None) -> str:
    """What every reader of a simulated answer is owed; batches are those of a single draw."""
    success, catastrophe = (EVENTS.index(fate) for fate in ("success", "catastrophe"))

    def sizes(x: Array) -> str:
        return f"{x[success]:.1g} for success and {x[catastrophe]:.1g} for catastrophe"

    n_states = batch * (batches or 1)
    note = (
        f"simulated, not summed exactly: {n_states:,} states of the assumptions"
        f"{' at every draw' if batches is None else ''}, so that probabilities carry a simulation "
        f"error, with a standard error of {sizes(errors)}"
    )
    if noise is None:
        return note
    of_states = "" if batches is None else f" of {batch:,} states"
    return (
        f"{note}; intervals are wider by the error at a single draw{of_states}, which is "
        f"{sizes(noise)}"
    )
