"""Answers at weighted draws of the numbers that have to be sampled."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine.quantities import Quantities
from storyodds.models.posterior import soundness, weighting
from storyodds.models.posterior.draws import Draws
from storyodds.models.posterior.forecasts import forecasts_log_density
from storyodds.models.posterior.prepared import (
    PreparedStory,
    log_likelihood_bound,
)
from storyodds.models.story.queries import Query
from storyodds.priors.distributions.families import Mixture

Array = NDArray[np.float64]


def weigh_at(
    prepared: PreparedStory, values: Array, log_prior: Array, queries: tuple[Query, ...] = ()
) -> tuple[Quantities, Draws, Array]:
    """Weight draws by the evidence, and say whether they can be relied on.

    Parameters
    ----------
    prepared : PreparedStory
    values : (n_draws, n_numbers) array
        From `weighting.sampled_draws`, with
    log_prior : (n_draws,) array
        What every draw counts before the evidence, in nats.
    queries : tuple of Query

    Returns
    -------
    Quantities
    Draws
    (n_draws,) array
        Log density of all forecasts together, in nats.

    Raises
    ------
    InputError
        If no draw can explain the evidence.
    """
    averaged = prepared.answers.evaluate(values, prepared.likelihoods, queries)
    opinions = forecasts_log_density(prepared, values)
    log_weights = averaged.log_evidence + opinions + log_prior
    active = [prepared.distributions[i] for i in prepared.active]
    strata = sum(isinstance(distribution, Mixture) for distribution in active)
    bound = log_likelihood_bound(prepared) + strata * np.log(2.0)
    weights = weighting.weigh(prepared, log_weights, bound)
    averaged = replace(averaged, weights=weights.weights)
    exact = len(values) == 1
    ess, complaints = weights.ess, weights.messages
    if not exact:
        ess = min(ess, soundness.worst_ess(averaged))
        complaints = weighting.complaints(len(values), ess, weights.pareto_k)
    n = 1 if not prepared.core else len(values)
    diagnostics: dict[str, Any] = {
        "draws": n,
        "ess": None if exact else ess,
        "pareto_k": weights.pareto_k,
        "weight_bound": None if exact else weights.bound,
        "means": "exact" if exact else "sampled",
    }
    drawn = Draws(
        values=values,
        weights=weights.weights,
        chains=1,
        method="weighting" if prepared.core else "exact",
        log_evidence=weights.log_evidence,
        log_evidence_error=weights.log_evidence_error,
        log_likelihood_bound=log_likelihood_bound(prepared),
        diagnostics=diagnostics,
        messages=() if exact else complaints,
        ok=exact or not complaints,
        statistics={} if exact else {"log_weight": np.log(np.maximum(weights.weights, 1e-300))},
    )
    return averaged, drawn, opinions
