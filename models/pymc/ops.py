"""The exact engine as PyTensor operations: what NUTS follows, inside a PyMC model."""

from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op

from storyodds.models.engine import evaluation, quantities
from storyodds.models.posterior.densities.density import flatten
from storyodds.models.posterior.densities.evidence_kernel import log_evidence
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.story.likelihoods import LogLikelihoods

Tensor = Any  # PyTensor's own types say little more


def _inputs(values: Tensor, assumptions: Tensor, routes: Tensor) -> list[Tensor]:
    return [pt.as_tensor_variable(x, dtype="float64") for x in (values, assumptions, routes)]


class LogEvidence(Op):  # type: ignore[misc]
    """Log P(evidence | numbers), with derivatives in the numbers and in the log-likelihoods.

    Inputs: every number of the story, the log-likelihoods of the items about an assumption
    (false, true one after the other), the log-likelihood of every route. Outputs: the log
    evidence in nats, and its derivatives in the three inputs.
    """

    __props__ = ()

    def __init__(self, prepared: PreparedStory) -> None:
        self._program = prepared.likelihood
        self._flat = flatten(prepared.likelihood)
        kinds = [number.kind for number in prepared.resolved.numbers]
        self._is_probability = np.array([kind == "probability" for kind in kinds])

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def make_node(self, values: Tensor, assumptions: Tensor, routes: Tensor) -> Apply:
        """Apply the operation."""
        inputs = _inputs(values, assumptions, routes)
        return Apply(self, inputs, [pt.dscalar(), *(pt.dvector() for _ in inputs)])

    def perform(self, node: Apply, inputs: Any, output_storage: Any) -> None:
        """Evaluate it at one point."""
        values, assumptions, routes = (np.ascontiguousarray(x) for x in inputs)
        slopes, by_item, ended = (np.zeros(len(x)) for x in inputs)
        complements = 1.0 - values
        height = log_evidence(
            self._flat, values, complements, assumptions, routes, slopes, by_item, ended
        )
        if np.isnan(height):
            height = self._in_logs(values, assumptions, routes, slopes, by_item, ended)
        # From logits to probabilities; where one is 0 or 1 its logit has no slope to follow.
        spread = np.where(self._is_probability, values * complements, 1.0)
        np.divide(slopes, spread, out=slopes, where=spread > 0)
        results = (np.asarray(height), slopes, by_item, ended)
        for storage, result in zip(output_storage, results, strict=True):
            storage[0] = result

    def _in_logs(self, values: Any, assumptions: Any, routes: Any, *out: Any) -> float:
        """The same where sums of products underflow."""
        program, slopes, by_item, ended = self._program, *out
        likelihoods = LogLikelihoods(assumptions[None], routes[None])
        evaluated = evaluation.evaluate(program, values[None], likelihoods, np.ones((1, 1)))
        slopes[:] = evaluation.gradient(program, evaluated)[0, 0]
        np.add.at(by_item, program.findings.what, evaluated.usage[0, 0, program.findings.leaves])
        np.add.at(ended, program.config_routes, evaluated.won[0, 0])
        return float(evaluated.log_roots[0, 0])

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Tensor]:
        """Derivatives of the first output; the others are derivatives already."""
        return [cotangents[0] * slope for slope in outputs[1:]]

    L_op = pullback

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Only the first output may be differentiated."""
        return [[True, False, False, False] for _ in node.inputs]


class Marginals(Op):  # type: ignore[misc]
    """Probabilities of everything discrete, given numbers and evidence; it has no derivative.

    Inputs as of `LogEvidence`. Outputs: P(false) and P(true) of every assumption, P(route),
    P(outcome), P(no hazard of a criterion fires) in a run made to end at the intended model.
    """

    __props__ = ()

    def __init__(self, prepared: PreparedStory) -> None:
        self._compiler = prepared.compiler

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def make_node(self, values: Tensor, assumptions: Tensor, routes: Tensor) -> Apply:
        """Apply the operation."""
        inputs = _inputs(values, assumptions, routes)
        return Apply(self, inputs, [pt.dvector() for _ in range(5)])

    def perform(self, node: Apply, inputs: Any, output_storage: Any) -> None:
        """Evaluate it at one point."""
        values, assumptions, routes = (np.asarray(x)[None] for x in inputs)
        marginals = quantities.evaluate(self._compiler, values, LogLikelihoods(assumptions, routes))
        results = (
            marginals.assumptions_false,
            marginals.assumptions,
            marginals.routes,
            marginals.outcomes,
            marginals.goals,
        )
        for storage, result in zip(output_storage, results, strict=True):
            storage[0] = result[0]

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Tensor]:
        """It has none."""
        return [DisconnectedType()() for _ in inputs]

    L_op = pullback

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """No output may be differentiated."""
        return [[False] * 5 for _ in node.inputs]
