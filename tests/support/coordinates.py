"""A story's numbers on the scale of samplers, and the density that PyMC has there."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.compile.mode import Mode
from scipy.special import expit

from storyodds.models.posterior.densities.density import bounds
from storyodds.models.posterior.prepared import PreparedStory

Array = NDArray[np.float64]

# Nothing is compiled to machine code: these functions run a few times only.
INTERPRETED = Mode(linker="py", optimizer=None)


def spelled_out(prepared: PreparedStory, z: Array) -> Array:
    """Values of all numbers, (1, n_numbers), from coordinates in the order of `core`."""
    values = prepared.center[None].copy()
    for z_i, i in zip(z, prepared.core, strict=True):
        values[0, i] = z_i
        if prepared.resolved.numbers[i].kind == "probability":
            low, high = bounds(prepared.distributions[i])
            values[0, i] = low + (high - low) * expit(z_i)
    return values


def log_prior(prepared: PreparedStory, i: int, z: float) -> float:
    """The prior of a number's coordinate, from its density of the logit, in nats."""
    prior: Any = prepared.distributions[i]
    if prepared.resolved.numbers[i].kind == "bits":
        return float(prior.log_density_unconstrained(np.array(z)))
    low, high = bounds(prior)
    p = low + (high - low) * expit(z)
    q = (1.0 - high) + (high - low) * expit(-z)
    rise = (high - low) * expit(z) * expit(-z) / (p * q)
    return float(prior.log_density_unconstrained(np.array(np.log(p / q))) + np.log(rise))


def pymc_density(
    model: pm.Model, prepared: PreparedStory
) -> Callable[[Array], tuple[float, Array]]:
    """The model's log density and gradient over coordinates in the order of `core`."""
    names = [prepared.resolved.numbers[i].name for i in prepared.core]
    inputs = [model.rvs_to_values[model[name]] for name in names]
    total = pt.stack([pt.sum(term) for term in model.logp(sum=False)]).sum()
    compiled = pytensor.function(inputs, [total, *pytensor.grad(total, inputs)], mode=INTERPRETED)

    def density(z: Array) -> tuple[float, Array]:
        value, *gradient = compiled(*z)
        return float(value), np.array([float(entry) for entry in gradient])

    return density
