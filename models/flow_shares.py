"""What part of a story goes which way: endings by stage and fate, and by leading assumptions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment import Assessment
from storyodds.models.cut_sets import CutSet
from storyodds.models.events import FATES
from storyodds.models.graph import StoryGraph
from storyodds.models.quantities import Path, derive
from storyodds.models.queries import Query
from storyodds.models.what_if import even_rows
from storyodds.scenarios.schema import CLASSES

Array = NDArray[np.float64]

LEADING = 2  # assumptions that come first
_TELLING = 0.01  # bits about the ending from which an assumption is worth a column
_ROWS = 512  # draws at which they are asked for together with the endings,
_FEW = 64  # and at which they are chosen
_ROUNDS = 200  # of fitting; some ten are enough
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Ends:
    """What becomes of a model, given where training ended, at some draws.

    Attributes
    ----------
    shares : (n_draws, n_outcomes, n_checks + 2) array
        P(this check is the first to stop it | outcome); then P(deployed, without catastrophe) and
        P(deployed, with catastrophe). They sum to 1.
    fates : (n_outcomes, n_checks + 2) int
        Indices into `FATES`.
    """

    shares: Array
    fates: NDArray[np.intp]


def ends_of(graph: StoryGraph, values: Array) -> Ends:
    """Take every outcome through the checks, one after the other as they are written."""
    n_outcomes, n_checks = len(graph.outcomes), len(graph.checks)
    derived = derive(graph, values, np.zeros((len(values), n_outcomes)))
    shares = np.empty((len(values), n_outcomes, n_checks + 2))
    passed = np.ones((len(values), n_outcomes))
    for k in range(n_checks):
        flags = values[:, [outcome.flags[k] for outcome in graph.outcomes]]
        shares[:, :, k], passed = passed * flags, passed * (1 - flags)
    shares[:, :, -2] = derived.undetected * (1 - derived.harm)
    shares[:, :, -1] = derived.undetected * derived.harm
    # Where all numbers are 0 no check flags and nothing harms: what is left is the other fate.
    harmless = derive(graph, np.zeros((n_outcomes, values.shape[1])), np.eye(n_outcomes)).fates
    fates = np.full((n_outcomes, n_checks + 2), FATES.index("halted"))
    fates[:, -2], fates[:, -1] = harmless.argmax(axis=1), FATES.index("catastrophe")
    return Ends(shares, fates)


def along(assessment: Assessment, worst: Path) -> Array:
    """P(outcome), apart from a path and along it, at all draws: (n_draws, 2, n_outcomes)."""
    outcomes = assessment.averaged.outcomes
    part = np.zeros_like(outcomes)
    for o in worst.outcomes:
        column = assessment.queries.index(Query((o,), worst.literals))
        part[:, o] = assessment.averaged.queries[:, column]
    return np.stack([_rest(outcomes, part), part], axis=1)


def _rest(whole: Array, part: Array) -> Array:
    """What is left of a whole, and nothing where that is rounding."""
    rest = whole - part
    return np.where(rest > _ROUNDING * whole, rest, 0.0)


# Which assumptions come first


def leading(assessment: Assessment, worst: Path) -> dict[str, float]:
    """Choose the assumptions that tell most about the ending, by their mutual information in bits.

    The ending is the class of the route together with the fate. The one that tells most among
    those on the worst path goes before all others. Composites are left to what they are made of.

    Parameters
    ----------
    assessment : Assessment
    worst : Path

    Returns
    -------
    dict of str to float
        At most `LEADING`, in dependency order.
    """
    prepared = assessment.prepared
    graph = prepared.graph
    plain = [v for v, variable in enumerate(graph.variables) if variable.formula is None]
    if not plain:
        return {}
    rows = even_rows(assessment, _FEW)
    values = assessment.draws.values[rows]
    answers, said = prepared.answers.take(rows), prepared.likelihoods.take(rows)
    whole = [Query((o,)) for o in range(len(graph.outcomes))]
    found = answers.jointly(values, said, whole)
    ending = _by_ending(graph, ends_of(graph, values))
    true, false = (
        np.einsum("dov,dok->vk", part[:, :, plain], ending) / len(rows)
        for part in (found.true, found.false)
    )
    bits = {
        graph.variables[v].name: mutual_information(np.stack([true[k], false[k]]))
        for k, v in enumerate(plain)
    }
    ranked = sorted((x for x in bits if bits[x] >= _TELLING), key=lambda name: -bits[name])
    needed = {name for name, _ in worst.literals}
    first = [name for name in ranked if name in needed][:1]
    chosen = list(dict.fromkeys([*first, *ranked]))[:LEADING]
    return {name: bits[name] for name in sorted(chosen, key=graph.order.__getitem__)}


def _by_ending(graph: StoryGraph, ends: Ends) -> Array:
    """P(class and fate | outcome), (n_draws, n_outcomes, n_classes * n_fates)."""
    of_route = graph.route_classes()
    shares = np.zeros((*ends.shares.shape[:2], len(CLASSES) * len(FATES)))
    for o, outcome in enumerate(graph.outcomes):
        for e, fate in enumerate(ends.fates[o]):
            shares[:, o, of_route[outcome.route] * len(FATES) + fate] += ends.shares[:, o, e]
    return shares


def mutual_information(table: Array) -> float:
    """Mutual information of two things from their joint probabilities, (n, m), in bits.

    Examples
    --------
    >>> mutual_information(np.array([[0.5, 0.0], [0.0, 0.5]]))
    1.0
    >>> mutual_information(np.array([[0.25, 0.25], [0.25, 0.25]]))
    0.0
    """
    # In logs: the product of two tiny chances may be too small for a number.
    each, some = np.nonzero(table), table[table > 0]
    apart = np.log2(table.sum(axis=1)[each[0]]) + np.log2(table.sum(axis=0)[each[1]])
    bits = np.sum(some * (np.log2(some) + np.log2(table.sum()) - apart))
    return float(max(0.0, bits / table.sum()))


# The leading assumptions together with the endings


def states(names: Sequence[str]) -> list[CutSet]:
    """Every way in which some assumptions can be true or false.

    Examples
    --------
    >>> [sorted(state) for state in states(["a"])]
    [[('a', True)], [('a', False)]]
    """
    truths = product((True, False), repeat=len(names))
    return [frozenset(zip(names, truth, strict=True)) for truth in truths]


def by_state(assessment: Assessment, worst: Path, names: Sequence[str], endings: Array) -> Array:
    """Split endings by the truth of some assumptions.

    Parameters
    ----------
    assessment : Assessment
    worst : Path
    names : sequence of str
    endings : (2, n_outcomes, n_checks + 2) array
        Posterior means apart from the worst path and along it; the result sums to them exactly.

    Returns
    -------
    (n_states, 2, n_outcomes, n_checks + 2) array
        By `states`.
    """
    weights, true = assessment.draws.weights, assessment.averaged.assumptions
    chance = weights @ true / weights.sum()
    order = assessment.prepared.graph.order
    wanted = {name: float(chance[order[name]]) for name in names}
    return _fitted(_asked(assessment, worst, names), endings, wanted)


def _asked(assessment: Assessment, worst: Path, names: Sequence[str]) -> Array:
    """The same, asked of the engine at some hundred draws that all count the same."""
    prepared, every = assessment.prepared, states(names)
    graph = prepared.graph
    rows = even_rows(assessment, _ROWS)
    values = assessment.draws.values[rows]
    asked: dict[tuple[int, int, int], Query] = {}
    for s, state in enumerate(every):
        asked |= {(s, 0, o): Query((o,), state) for o in range(len(graph.outcomes))}
        if not any((name, not value) in worst.literals for name, value in state):
            asked |= {(s, 1, o): Query((o,), worst.literals | state) for o in worst.outcomes}
    queries = list(dict.fromkeys(asked.values()))
    column = {query: k for k, query in enumerate(queries)}
    answers, said = prepared.answers.take(rows), prepared.likelihoods.take(rows)
    found = answers.evaluate(values, said, queries).queries
    parts = np.zeros((len(rows), len(every), 2, len(graph.outcomes)))
    for (s, w, o), query in asked.items():
        parts[:, s, w, o] = found[:, column[query]]
    parts[:, :, 0] = _rest(parts[:, :, 0], parts[:, :, 1])
    split: Array = np.einsum("dswo,doe->swoe", parts, ends_of(graph, values).shares) / len(rows)
    return split


def _fitted(joint: Array, endings: Array, wanted: Mapping[str, float]) -> Array:
    """Scale joint probabilities until endings and assumptions have those of the estimate.

    Where the draws that were asked are all draws, nothing changes. Elsewhere what the estimate
    says of each by itself is kept, and what these draws say is how they go together.
    """
    every = states(list(wanted))
    halves = [
        (np.array([(name, truth) in state for state in every]), p if truth else 1 - p)
        for name, p in wanted.items()
        for truth in (True, False)
    ]
    joint = _to_endings(joint, endings)
    for _ in range(_ROUNDS):
        off = 0.0
        for half, p in halves:
            now = float(joint[half].sum())
            joint[half] *= p / now if now > 0 else 1.0
            off = max(off, abs(p - now))
        joint = _to_endings(joint, endings)  # last, so that the endings hold to the last digit
        if off < _ROUNDING:
            break
    return joint


def _to_endings(joint: Array, endings: Array) -> Array:
    total = joint.sum(axis=0)
    part = np.full_like(joint, 1 / len(joint))  # where the draws that were asked never got
    np.divide(joint, total, out=part, where=total > 0)
    shared: Array = endings * part
    return shared
