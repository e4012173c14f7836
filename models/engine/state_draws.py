"""Draw the discrete part after the fact, from its exact conditional.

A circuit is a mixture of products: walking it from the root, taking one summand in proportion to
its worth and every factor, ends at the leaves of one state of the story. Those leaves say which
probabilities the state has used, and whether what they are the chance of came about. Given that,
these probabilities are independent of each other.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from storyodds.models.circuits.quadrature import Rule
from storyodds.models.engine import arithmetic
from storyodds.models.engine.evaluation import evaluate
from storyodds.models.engine.leaf_values import SMALLEST, Race, fill_leaves, moving_leaves, rule_for
from storyodds.models.engine.program import Places, Program
from storyodds.models.story.likelihoods import LogLikelihoods

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]

_BLOCK_CELLS = 2**21  # of float64: what a block of draws may hold
_NUMBA_WORK = 2e7  # node evaluations from which on numba walks, its loading included


@dataclass(frozen=True)
class Uses:
    """Which probabilities one state of the story has used, and what came of it.

    Attributes
    ----------
    happened, failed : (n_draws, n_numbers) bool array
        Whether what a number is the chance of came about, or did not. Neither where the state does
        not use the number, or where the evidence cannot bear on it.
    """

    happened: Bools
    failed: Bools

    @classmethod
    def none(cls, n_draws: int, n_numbers: int) -> "Uses":
        """No number used."""
        return cls(*np.zeros((2, n_draws, n_numbers), bool))


def draw_uses(
    compiled: Program, values: Array, likelihoods: LogLikelihoods, rng: np.random.Generator, n: int
) -> Uses:
    """Draw one state of the discrete part for every draw of the numbers, given the evidence.

    Parameters
    ----------
    compiled : Program
        With P(evidence) as its first root.
    values : (1 or n_draws, n_numbers) array
    likelihoods : LogLikelihoods
    rng : numpy.random.Generator
    n : int
        How many states; values of one draw serve for all of them.

    Returns
    -------
    Uses
    """
    if len(values) == 1:
        values = np.repeat(values, n, axis=0)
    likelihoods = likelihoods.at(values)
    values = compiled.beside(values)
    step = max(1, _BLOCK_CELLS // compiled.circuit.n_nodes)
    leaves = np.empty((compiled.n_fixed_leaves, n), bool)
    risky = np.ones(n, bool)
    along = rule_for(compiled, values)
    lanes = 1 if along is None else len(along.nodes)
    # Not where numba happens to be loaded: it takes random numbers in another order.
    fast = compiled.circuit.n_nodes * n * lanes > _NUMBA_WORK
    if fast:
        leaves, risky = _walk_fast(compiled, values, likelihoods, along, rng)
    for logs in (False, True) if along is None and not fast else (True,):
        rest = np.flatnonzero(risky)
        for first in range(0, len(rest), step):
            draws = rest[first : first + step]
            taken = compiled, values[draws], likelihoods.take(draws), along, rng
            leaves[:, draws], risky[draws] = _walk(*taken, logs=logs)
    return Uses(
        _by_number(compiled, compiled.yes, leaves), _by_number(compiled, compiled.no, leaves)
    )


def _by_number(compiled: Program, places: Places, leaves: Bools) -> Bools:
    """Whether any leaf of a number was reached, (n_draws, n_numbers)."""
    numbers = np.array([*map(compiled.readings.number_of, places.what)], dtype=np.intp)
    own = numbers < compiled.n_numbers  # not what only follows from numbers
    reached = np.zeros((compiled.n_numbers, leaves.shape[1]), bool)
    np.logical_or.at(reached, numbers[own], leaves[places.leaves[own]])
    return reached.T


def _walk_fast(
    compiled: Program,
    values: Array,
    likelihoods: LogLikelihoods,
    along: Rule | None,
    rng: np.random.Generator,
) -> tuple[Bools, Bools]:
    """Which leaves the walk ends at, (n_fixed_leaves, n_draws), and where products underflow."""
    from storyodds.models.engine import kernel

    circuit, n = compiled.circuit, len(values)
    leaves, race, log_scale = fill_leaves(compiled, values, likelihoods, along, logs=False)
    evaluated = evaluate(compiled, values, likelihoods)
    nodes, weights = (race.rule.nodes, race.rule.weights) if race.rule else (np.zeros(0),) * 2
    reached = np.zeros((compiled.n_fixed_leaves, n), bool)
    risky = race.risky | ~(evaluated.log_roots[:, 0] - log_scale > np.log(SMALLEST))
    kernel.walk(
        circuit.op, circuit.left, circuit.right, circuit.n_fixed, int(circuit.roots[0]),
        circuit.leaves[: compiled.n_fixed_leaves], leaves, circuit.leaves[compiled.stay_leaves],
        race.rates, nodes, weights,
        int(circuit.leaves[compiled.omega]) if compiled.omega >= 0 else -1,
        rng.random(n), rng, reached,
    )  # fmt: skip
    return reached, risky


def _walk(
    compiled: Program,
    values: Array,
    likelihoods: LogLikelihoods,
    along: Rule | None,
    rng: np.random.Generator,
    *,
    logs: bool,
) -> tuple[Bools, Bools]:
    """The same by numpy; in logs, which never underflow, or faster, but not along a rule."""
    circuit, n = compiled.circuit, len(values)
    leaves, race, _ = fill_leaves(compiled, values, likelihoods, along, logs=logs)
    if race.rule is not None:
        lane = _choose_lanes(compiled, leaves, race, rng)
        nodes, weights = race.rule.nodes[lane][:, None], race.rule.weights[lane][:, None]
        moving = moving_leaves(compiled, race, nodes, weights, logs=True)
        leaves = np.concatenate([leaves, moving])
    v = arithmetic.forward(circuit, leaves, logs=logs)
    risky = np.zeros(n, bool) if logs else race.risky | ~(v[circuit.roots[0]] > SMALLEST)
    reached = np.zeros((circuit.n_nodes, -(-n // 8)), np.uint8)  # one bit for every draw
    reached[circuit.roots[0]] = 255
    edges = circuit.stage_edges.tolist()
    for start, stop in zip(edges[-2::-1], edges[:0:-1], strict=True):
        if circuit.is_leaf[start]:
            continue
        here = slice(start, stop)
        left, right, used = circuit.left[here], circuit.right[here], reached[here]
        goes_left = goes_right = used
        if not circuit.multiplies[start]:
            with np.errstate(divide="ignore", invalid="ignore"):
                chance = np.exp(v[left] - v[here]) if logs else v[left] / v[here]
            first = np.packbits(rng.random(chance.shape) < chance, axis=1)
            goes_left, goes_right = used & first, used & ~first
        np.bitwise_or.at(reached, left, goes_left)
        np.bitwise_or.at(reached, right, goes_right)
    ended = reached[circuit.leaves[: compiled.n_fixed_leaves]]
    return np.unpackbits(ended, axis=1, count=n).astype(bool), risky


def _choose_lanes(compiled: Program, leaves: Array, race: Race, rng: np.random.Generator) -> Ints:
    """Draw a node of the quadrature rule for every draw, in proportion to what it adds."""
    assert race.rule is not None
    n, n_lanes = leaves.shape[1], len(race.rule.nodes)
    chosen = []
    step = max(1, _BLOCK_CELLS // (compiled.circuit.n_nodes * n_lanes))
    for first in range(0, n, step):
        block = slice(first, min(first + step, n))
        m = block.stop - first
        nodes, weights = (np.tile(x, (m, 1)) for x in (race.rule.nodes, race.rule.weights))
        moving = moving_leaves(
            compiled, replace(race, rates=race.rates[:, block]), nodes, weights, logs=True
        )
        wide = np.concatenate([np.repeat(leaves[:, block], n_lanes, axis=1), moving])
        v = arithmetic.forward(compiled.circuit, wide, logs=True)
        log_lanes = v[compiled.circuit.roots[0]].reshape(m, n_lanes)
        chance = np.exp(log_lanes - log_lanes.max(axis=1, keepdims=True))
        chosen.append(_choose(chance, rng))
    return np.concatenate(chosen)


def _choose(weights: Array, rng: np.random.Generator) -> Ints:
    """Choose one column of every row, in proportion to its weight."""
    edges = np.cumsum(weights, axis=1)
    u = rng.random((len(weights), 1)) * edges[:, -1:]
    return np.asarray((edges <= u).sum(axis=1).clip(max=weights.shape[1] - 1))
