"""What a network's file states, held against its own tables."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import fsum, prod

import numpy as np
from numpy.typing import NDArray

from storyodds.priors.text.errors import InputError
from storyodds.scenarios.networks.network import Network, Node, combinations

Array = NDArray[np.float64]

PRINTED = 1e-6  # of a row's sum: probabilities are often printed with six digits
ROUNDED = 5e-3  # of a row's sum: with two digits, as a hand writes them
_MOST_CELLS = 2**22  # of one factor on the way to a marginal: 32 MiB


def normalized(network: Network) -> tuple[Network, tuple[str, ...]]:
    """Let rows add up to 1 that do so but for rounding, and refuse others.

    Parameters
    ----------
    network : Network

    Returns
    -------
    Network
    tuple of str
        The rows that were a little off.

    Raises
    ------
    InputError
        With every row that does not add up to 1, even to two digits.

    Examples
    --------
    >>> from storyodds.scenarios.networks.network import Node
    >>> node = Node("side", ("a", "b", "c"), (), ((0.333, 0.333, 0.333),))
    >>> normalized(Network("coin", (node,)))[1]
    ('side: the probabilities add up to 0.999 and were divided by that',)
    """
    problems, remarks, nodes = [], [], []
    for node in network.nodes:
        keys = combinations([network.node(parent) for parent in node.parents])
        for key, row in zip(keys, node.rows, strict=True):
            total = fsum(row)
            where = f"where {_given(node, key)}, " if key else ""
            if abs(total - 1) > ROUNDED:
                sentence = f"{where}found probabilities that add up to {total:.6g}, expected 1"
                problems.append(network.problem(sentence, node))
            elif abs(total - 1) > PRINTED:
                remarks.append(
                    f"{node.name}: {where}the probabilities add up to {total:.6g} and were divided "
                    "by that"
                )
        nodes.append(replace(node, rows=tuple(_divided(row) for row in node.rows)))
    if problems:
        raise InputError(problems)
    return replace(network, nodes=tuple(nodes)), tuple(remarks)


def _given(node: Node, key: tuple[str, ...]) -> str:
    return ", ".join(f"{p} is {state}" for p, state in zip(node.parents, key, strict=True))


def _divided(row: tuple[float, ...]) -> tuple[float, ...]:
    total = fsum(row)
    return tuple(value / total for value in row) if total else row


def contradictions(network: Network) -> Iterator[str]:
    """Name what a file states of its nodes and its tables contradict.

    Parameters
    ----------
    network : Network
        Whose rows add up to 1.

    Yields
    ------
    str

    Examples
    --------
    >>> from storyodds.scenarios.networks.network import Node
    >>> rain = Node("rain", ("yes", "no"), (), ((0.2, 0.8),))
    >>> wet = Node("wet", ("yes", "no"), ("rain",), ((0.9, 0.1), (0.1, 0.9)), 3, ("0.30", "0.70"))
    >>> list(contradictions(Network("lawn", (rain, wet))))
    ['wet is yes: the file states 0.30, its tables give 0.26', \
'wet is no: the file states 0.70, its tables give 0.74']
    """
    for node in network.nodes:
        if not node.declared:
            continue
        if len(node.declared) != len(node.states):
            yield (
                f"{node.name}: the file states {len(node.declared)} probabilities of a node with "
                f"{len(node.states)} states"
            )
            continue
        try:
            chances = marginal(network, node.name)
        except MemoryError:
            yield f"{node.name}: what the file states was not checked, as it would take too much"
            continue
        for state, text, chance in zip(node.states, node.declared, chances, strict=True):
            if abs(float(text) - chance) > _half_a_digit(text):
                yield (
                    f"{node.name} is {state}: the file states {text}, its tables give "
                    f"{chance:.{max(2, len(text) - 2)}g}"
                )


def _half_a_digit(text: str) -> float:
    """How far a number may be from the one that it is rounded from, and a little for rounding."""
    mantissa, _, exponent = text.lower().partition("e")
    digits = len(mantissa.partition(".")[2]) - int(exponent or 0)
    return 0.5 * 10.0**-digits + 1e-12


def marginal(network: Network, name: str) -> Array:
    """P(each state of a node), by summing out what it rests on, the cheapest first.

    Parameters
    ----------
    network : Network
    name : str

    Returns
    -------
    (n_states,) array

    Raises
    ------
    MemoryError
        If a factor on the way would be too large.
    """
    by_name = {node.name: node for node in network.nodes}
    ancestors: dict[str, None] = {}
    waiting = [name]
    while waiting:
        node = by_name[waiting.pop()]
        if node.name not in ancestors:
            ancestors[node.name] = None
            waiting += node.parents
    factors = [_factor(by_name, by_name[other]) for other in ancestors]
    sizes = {other: len(by_name[other].states) for other in ancestors}
    rest = [other for other in ancestors if other != name]
    while rest:
        cheapest = min(rest, key=lambda other: _cost(factors, other, sizes))
        if _cost(factors, cheapest, sizes) > _MOST_CELLS:
            raise MemoryError(name)
        rest.remove(cheapest)
        touched = [factor for factor in factors if cheapest in factor[0]]
        factors = [factor for factor in factors if cheapest not in factor[0]]
        factors.append(_summed(touched, cheapest))
    result = np.ones(sizes[name])
    for _, values in factors:
        result = result * values
    return np.asarray(result)


type _Factor = tuple[tuple[str, ...], Array]


def _factor(by_name: Mapping[str, Node], node: Node) -> _Factor:
    shape = [len(by_name[other].states) for other in (*node.parents, node.name)]
    return (*node.parents, node.name), np.array(node.rows).reshape(shape)


def _cost(factors: list[_Factor], name: str, sizes: Mapping[str, int]) -> int:
    together = {other for names, _ in factors if name in names for other in names}
    return prod(sizes[other] for other in together)


def _summed(factors: list[_Factor], name: str) -> _Factor:
    """The product of factors, summed over one node."""
    names = list(dict.fromkeys(other for of, _ in factors for other in of if other != name))
    axis = {other: k for k, other in enumerate([*names, name])}
    total = np.ones([1] * len(axis))
    for of, values in factors:
        order = sorted(range(len(of)), key=lambda k: axis[of[k]])
        shape = [1] * len(axis)
        for k in order:
            shape[axis[of[k]]] = values.shape[k]
        total = total * values.transpose(order).reshape(shape)
    return tuple(names), np.asarray(total.sum(axis=-1))
