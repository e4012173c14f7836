"""Numbers that go together in a PyMC model: their scores, and the numbers at them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from scipy.special import logit

from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.story.correlated_numbers import Block
from storyodds.priors.distributions.copula import at_scores
from storyodds.priors.distributions.families import Continuous
from storyodds.priors.distributions.forms import Kind

Array = NDArray[np.float64]
Tensor = Any  # PyTensor's own types say little more


class AtScores(Op):  # type: ignore[misc]
    """Numbers at their scores, each at the score's level in its own distribution.

    Input: scores. Outputs: the numbers, and how fast each rises with its score.
    """

    __props__ = ()

    def __init__(self, priors: Sequence[Continuous], kinds: Sequence[Kind]) -> None:
        self._priors, self._kinds = tuple(priors), tuple(kinds)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def make_node(self, scores: Tensor) -> Apply:
        """Apply the operation."""
        return Apply(
            self, [pt.as_tensor_variable(scores, dtype="float64")], [pt.dvector(), pt.dvector()]
        )

    def perform(self, node: Apply, inputs: Any, output_storage: Any) -> None:
        """Evaluate it at one point."""
        [scores] = inputs
        parts = zip(self._priors, scores, strict=True)
        values = np.array([float(at_scores(prior, np.asarray(score))) for prior, score in parts])
        output_storage[0][0] = values
        output_storage[1][0] = self._rises(np.asarray(scores), values)

    def _rises(self, scores: Array, values: Array) -> Array:
        rises = np.empty(len(values))
        log_heights = -0.5 * scores**2 - 0.5 * np.log(2 * np.pi)
        for k, (prior, kind, x) in enumerate(zip(self._priors, self._kinds, values, strict=True)):
            is_chance = kind == "probability"
            z = logit(np.clip(x, 1e-300, 1 - 1e-16)) if is_chance else x
            log_density = float(prior.log_density_unconstrained(np.array(z)))
            rises[k] = np.exp(log_heights[k] - log_density) * (x * (1 - x) if is_chance else 1.0)
        return rises

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Tensor]:
        """Derivatives of the first output; the second is a derivative already."""
        return [cotangents[0] * outputs[1]]

    L_op = pullback

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Only the first output may be differentiated."""
        return [[True, False]]


def block_variables(prepared: PreparedStory, block: Block, place: int) -> dict[int, Tensor]:
    """Put a block into the model at hand: one vector of scores, and a deterministic per number.

    Parameters
    ----------
    prepared : PreparedStory
    block : Block
        Of which no number has fixed values in a pool.
    place : int
        Of the block among all, from 1: its variable is `scores_1`.

    Returns
    -------
    dict of int to tensor
        By number.
    """
    numbers = [prepared.resolved.numbers[i] for i in block.numbers]
    name = f"scores_{place}"
    model = pm.modelcontext(None)
    model.add_coord(f"correlated_{place}", [number.name for number in numbers])
    factor = np.linalg.cholesky(block.correlations)
    scores = pm.MvNormal(name, np.zeros(len(numbers)), chol=factor, dims=f"correlated_{place}")
    priors = [prepared.distributions[i] for i in block.numbers]
    values = AtScores(priors, [number.kind for number in numbers])(scores)[0]  # type: ignore[arg-type]
    return {
        i: pm.Deterministic(number.name, values[k])
        for k, (i, number) in enumerate(zip(block.numbers, numbers, strict=True))
    }
