"""Forecasts at given numbers: opinions of the story before its evidence, which weigh the numbers.

A forecast is compared with the odds that the story itself gives its event. These are ratios of
sums, and no sums themselves, so that forecasts cannot be compiled with the rest of the evidence.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from storyodds.models.posterior.answers import Answers, Exact
from storyodds.models.posterior.evidence import event_likelihoods, forecast_log_density_at
from storyodds.models.posterior.independent_answers import Independent
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.likelihoods import LogLikelihoods

Array = NDArray[np.float64]
Sides = Mapping[int, tuple[Array, Array]]  # by item, log P(event) and log P(no event), (n_draws,)

_MANTISSA_BITS = 52  # that a float64 has room for
_DRAWS_A_KIND = 8  # draws of a kind, on average, from which it is worth asking at one of them first


def forecast_sides(prepared: PreparedStory, values: Array) -> Sides:
    """By forecast, the log probabilities of its event and of the opposite, without evidence."""
    return {i: _sides(prepared, i, values) for i in prepared.graph.forecasts}


def forecast_densities(graph: StoryGraph, sides: Sides) -> Mapping[int, Array]:
    """By forecast, its log density at every draw, (n_draws,), in nats."""
    return {
        i: forecast_log_density_at(graph.evidence[i], np.subtract(*pair))
        for i, pair in sides.items()
    }


def forecasts_log_density(prepared: PreparedStory, values: Array) -> Array:
    """Log density of all forecasts together, (n_draws,), in nats."""
    densities = forecast_densities(prepared.graph, forecast_sides(prepared, values))
    return np.sum([np.zeros(len(values)), *densities.values()], axis=0)


def _sides(prepared: PreparedStory, item: int, values: Array) -> tuple[Array, Array]:
    answers: Answers = prepared.answers
    yes, no = (event_likelihoods(prepared.graph, item, happens) for happens in (True, False))
    if not isinstance(answers, Exact | Independent):
        return answers.log_evidence(values, yes), answers.log_evidence(values, no)
    happens = _log_chance(answers, values, yes)
    likely = happens > np.log(0.5)  # else the opposite is what is left of 1, to all its digits
    opposite = np.log1p(-np.exp(np.where(likely, -np.inf, happens)))
    opposite[likely] = _log_chance(answers, values[likely], no)
    return happens, opposite


def _log_chance(answers: Exact | Independent, values: Array, likelihoods: LogLikelihoods) -> Array:
    """Log P(evidence), without asking at every draw where numbers that are 0 or 1 rule it out."""
    out = np.full(len(values), -np.inf)
    sure = np.hstack([values == 0, values == 1])
    sure = sure[:, sure.any(axis=0) & ~sure.all(axis=0)]
    open_rows = np.ones(len(values), dtype=bool)
    if 0 < sure.shape[1] <= _MANTISSA_BITS:
        _, first, kind = np.unique(
            sure @ 2.0 ** np.arange(sure.shape[1]), return_index=True, return_inverse=True
        )
        if _DRAWS_A_KIND * len(first) < len(values):
            open_rows = np.isfinite(answers.log_evidence(values[first], likelihoods))[kind]
    if open_rows.any():
        out[open_rows] = answers.log_evidence(values[open_rows], likelihoods)
    return out
