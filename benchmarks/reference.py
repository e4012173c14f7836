"""The yardstick: exact variable elimination in plain numpy, for all draws in one go.

Factors are tables over (scope, draw). Nothing but products and sums happens to them, so that a
derivative is exact to rounding by a complex step: the imaginary part of f(x + ih) / h.
"""

import itertools
import string
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from problems.fault_trees import FaultTree
from problems.networks import Network, NetworkDraws

Array = NDArray[Any]  # float, or complex where a derivative is asked for
Answers = dict[str, NDArray[np.float64]]
Factor = tuple[tuple[int, ...], Array]

_TINY = 1e-30
_BATCH = 4096  # columns of draws and inputs that are differentiated at once


def eliminate(factors: Sequence[Factor], order: Iterable[int]) -> Array:
    """Sum the product of factors over the variables named, which leaves one variable."""
    left = list(factors)
    for variable in order:
        used = [factor for factor in left if variable in factor[0]]
        left = [factor for factor in left if variable not in factor[0]]
        product = used[0]
        for k, factor in enumerate(used[1:], 2):
            union = sorted({*product[0], *factor[0]})
            product = _multiply(
                product, factor, [v for v in union if k < len(used) or v != variable]
            )
        if variable in product[0]:
            axis = product[0].index(variable)
            scope = tuple(v for v in product[0] if v != variable)
            product = scope, product[1].sum(axis=axis)
        left.append(product)
    result: Array = np.ones(())
    for _, table in left:
        result = result * table
    return result


def _multiply(first: Factor, second: Factor, scope: list[int]) -> Factor:
    letter = dict(zip(sorted({*first[0], *second[0]}), string.ascii_lowercase, strict=False))
    terms = ["".join(letter[v] for v in part) + "..." for part in (first[0], second[0], scope)]
    return tuple(scope), np.einsum(f"{terms[0]},{terms[1]}->{terms[2]}", first[1], second[1])


def network_answers(network: Network, draws: NetworkDraws) -> Answers:
    """P(target) before and after the findings, and what they are worth, draw by draw."""
    nodes = range(len(network.parents) - 1)  # the earliest first keeps every table small
    tables = _network_tables(network, draws)
    joint = eliminate([*tables, *_findings(network, draws)], nodes)
    return {
        "prior": eliminate(tables, nodes)[1],
        "posterior": joint[1] / joint.sum(axis=0),
        "log P(E)": np.log(joint.sum(axis=0)),
    }


def network_derivatives(network: Network, draws: NetworkDraws) -> Answers:
    """Derivative of P(target | findings) in every number, (n_draws, n_numbers)."""

    def answer(rows: Array) -> Array:
        stepped = NetworkDraws.from_rows(network, rows)
        factors = [*_network_tables(network, stepped), *_findings(network, stepped)]
        joint = eliminate(factors, range(len(network.parents) - 1))
        return np.asarray(joint[1] / joint.sum(axis=0))

    return {"derivative": derivatives(answer, draws.rows)}


def derivatives(answer: Callable[[Array], Array], rows: NDArray[np.float64]) -> Array:
    """Differentiate in each of the rows by complex steps, (n_draws, n_rows)."""
    n, draws = rows.shape
    found = np.empty((draws, n))
    step = max(1, _BATCH // draws)
    for first in range(0, n, step):
        inputs = np.arange(first, min(first + step, n))
        stepped = np.repeat(rows[:, None, :], len(inputs), axis=1).astype(complex)
        stepped[inputs, np.arange(len(inputs))] += 1j * _TINY
        value = answer(stepped.reshape(n, -1)).reshape(len(inputs), draws)
        found[:, inputs] = value.imag.T / _TINY
    return found


def _network_tables(network: Network, draws: NetworkDraws) -> list[Factor]:
    factors: list[Factor] = []
    for node, (parents, table) in enumerate(zip(network.parents, draws.tables, strict=True)):
        p = table.reshape((2,) * len(parents) + (-1,))
        factors.append(((*parents, node), np.stack([1 - p, p], axis=len(parents))))
    return factors


def _findings(network: Network, draws: NetworkDraws) -> list[Factor]:
    factors: list[Factor] = []
    for k, finding in enumerate(network.findings):
        seen = np.stack([draws.false_alarms[k], draws.hits[k]])
        factors.append(((finding.node,), seen if finding.seen else 1 - seen))
    return factors


def tree_order(tree: FaultTree) -> list[int]:
    """Give a good order of elimination: always the variable whose table will be smallest."""
    scopes = [set(scope) for scope, _ in _tree_factors(tree, np.zeros((len(tree.events), 1)))]
    top = len(tree.events) + len(tree.gates) - 1
    left, order = set(range(top)), []
    while left:
        sizes = {v: len(set().union(*(s for s in scopes if v in s))) for v in left}
        best = min(left, key=lambda v: (sizes[v], v))
        merged = set().union(*(s for s in scopes if best in s)) - {best}
        scopes = [s for s in scopes if best not in s] + [merged]
        left.remove(best)
        order.append(best)
    return order


def tree_top(tree: FaultTree, order: Sequence[int], probabilities: Array) -> Array:
    """P(top), (n_draws,), at event probabilities (n_events, n_draws)."""
    joint = eliminate(_tree_factors(tree, probabilities), order)
    return np.asarray(joint[1] / joint.sum(axis=0))


def _tree_factors(tree: FaultTree, probabilities: Array) -> list[Factor]:
    index = {name: k for k, name in enumerate([*tree.events, *(g.id for g in tree.gates)])}
    factors: list[Factor] = [
        ((index[name],), np.stack([1 - p, p]))
        for name, p in zip(tree.events, probabilities, strict=True)
    ]
    for gate in tree.gates:
        width = len(gate.inputs)
        table = np.zeros((2,) * (width + 1) + (1,))
        for state in itertools.product((0, 1), repeat=width):
            table[(*state, int(sum(state) >= gate.at_least))] = 1
        factors.append(((*(index[name] for name in gate.inputs), index[gate.id]), table))
    return factors
