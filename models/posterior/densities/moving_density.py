"""The posterior density of stories in which what a finding says depends on numbers of the story.

At a point, what findings say is worked out first; the density is then that of `density`, and its
gradient gains what the findings themselves move by: their slopes, times P(hypothesis | evidence).
"""

from functools import partial
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine import evaluation
from storyodds.models.posterior.densities.density import (
    LogDensity,
    density_in_logs,
    derived_density,
    flatten,
    rises,
    target_of,
    to_values,
)
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.story.likelihoods import LogLikelihoods

Array = NDArray[np.float64]


def moving_log_density(prepared: PreparedStory, base: Array) -> LogDensity:
    """Return the function z → (log p(z, evidence), its gradient), as `density.log_density`.

    Parameters
    ----------
    prepared : PreparedStory
        Whose `likelihoods` have findings that depend on numbers.
    base : (1, n_numbers) array
        Values of the numbers that are not coordinates.
    """
    from storyodds.models.posterior.densities import density_kernel

    target, program = target_of(prepared, base), flatten(prepared.likelihood)
    active, moving = list(prepared.active), prepared.likelihoods.moving
    evaluate = density_kernel.log_density
    if prepared.likelihood.derived:
        evaluate = partial(derived_density, prepared)

    def density(z: Array) -> tuple[float, Array]:
        if not np.isfinite(z).all():
            return -np.inf, np.zeros(len(z))
        values = to_values(prepared, z[None], base)
        likelihoods = prepared.likelihoods.at(values)
        assumptions, routes = target.assumptions.copy(), target.routes.copy()
        assumptions[0], routes[0] = likelihoods.assumptions[0], likelihoods.routes[0]
        here = target._replace(assumptions=assumptions, routes=routes)
        height, slope = evaluate(program, here, z)
        if not isfinite(height):
            height, slope = density_in_logs(prepared, here, z)
        if not isfinite(height):
            return height, slope
        by_item, by_route = _chances(prepared, values, likelihoods)
        pull = np.zeros(values.shape[1])
        for first, finding in moving:
            for number, moved in finding.slopes(values):
                n = moved.shape[1]
                here_chances = by_route if first is None else by_item[first : first + n]
                pull[number] += moved[0] @ here_chances
        return height, slope + pull[active] * rises(prepared, z)

    return density


def _chances(
    prepared: PreparedStory, values: Array, likelihoods: LogLikelihoods
) -> tuple[Array, Array]:
    """P(hypothesis | numbers, evidence), by column of the items, and by route."""
    program = prepared.likelihood
    evaluated = evaluation.evaluate(program, values, likelihoods, np.ones((1, 1)), "won")
    by_item = evaluated.by_finding(program, likelihoods.assumptions.shape[1])
    by_route = evaluated.by_route(program, likelihoods.routes.shape[1])
    return by_item[0, 0], by_route[0, 0]
