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
from storyodds.models.posterior.shared_rates import SharedRates
from storyodds.models.story.likelihoods import LogLikelihoods

Tensor = Any  # PyTensor's own types say little more


def _inputs(values: Tensor, assumptions: Tensor, routes: Tensor) -> list[Tensor]:
    return [pt.as_tensor_variable(x, dtype="float64") for x in (values, assumptions, routes)]


class LogEvidence(Op):  # type: ignore[misc]
    """Log P(evidence | numbers), with derivatives in the numbers and in the log-likelihoods.

    Inputs: every number of the story, or these and its readings of known results; the
    log-likelihoods of the items about an assumption (false, true one after the other); the
    log-likelihood of every route. Outputs: the log evidence in nats, and its derivatives in the
    three inputs. A reading is its number or certain: what follows from it counts among the
    derivatives in that number.
    """

    __props__ = ()

    def __init__(self, prepared: PreparedStory) -> None:
        self._program = prepared.likelihood
        # The kernel does not work out what follows from numbers.
        self._flat = None if prepared.likelihood.derived else flatten(prepared.likelihood)
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
        height = np.nan
        if self._flat is not None:
            height = log_evidence(
                self._flat, values, complements, assumptions, routes, slopes, by_item, ended
            )
        if np.isnan(height):
            height = self._by_engine(values, assumptions, routes, slopes, by_item, ended)
        # From logits to probabilities; where one is 0 or 1 its logit has no slope to follow.
        own = slice(len(self._is_probability))
        spread = np.where(self._is_probability, values[own] * complements[own], 1.0)
        np.divide(slopes[own], spread, out=slopes[own], where=spread > 0)
        results = (np.asarray(height), slopes, by_item, ended)
        for storage, result in zip(output_storage, results, strict=True):
            storage[0] = result

    def _by_engine(self, values: Any, assumptions: Any, routes: Any, *out: Any) -> float:
        """The same where sums of products underflow, or something has to be derived."""
        program, slopes, by_item, ended = self._program, *out
        likelihoods = LogLikelihoods(assumptions[None], routes[None])
        evaluated = evaluation.evaluate(program, values[None], likelihoods, np.ones((1, 1)))
        slopes[: program.n_numbers] = evaluation.gradient(program, evaluated)[0, 0]
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


class SharedTable(Op):  # type: ignore[misc]
    """What an exposure says of its hypotheses, of which some numbers stand elsewhere too.

    Input: every number of the story. Outputs: log likelihoods by hypothesis, and their derivatives
    in every number, of which those that it shares are probabilities.
    """

    __props__ = ()

    def __init__(self, table: SharedRates) -> None:
        self._table = table

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def make_node(self, values: Tensor) -> Apply:
        """Apply the operation."""
        inputs = [pt.as_tensor_variable(values, dtype="float64")]
        return Apply(self, inputs, [pt.dvector(), pt.dmatrix()])

    def perform(self, node: Apply, inputs: Any, output_storage: Any) -> None:
        """Evaluate it at one point."""
        values = np.asarray(inputs[0])[None]
        table = self._table.at(values)[0]
        slopes = np.zeros((len(table), values.shape[1]))
        for number, by_logit in self._table.slopes(values):
            p = values[0, number]
            if 0 < p < 1:
                slopes[:, number] += by_logit[0] / (p * (1 - p))
        output_storage[0][0], output_storage[1][0] = table, slopes

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Tensor]:
        """Derivatives of the first output; the other is derivatives already."""
        return [pt.dot(cotangents[0], outputs[1])]

    L_op = pullback

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Only the first output may be differentiated."""
        return [[True, False]]


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
