"""Stories side by side: draws of their odds that belong together, row by row.

Every side keeps its own posterior, given its own evidence. What is chosen here is only which of
its draws stands beside which of another side's: numbers of the same name and the same prior are
taken for one number. Of two sides they have the same values in a row as often as their posteriors
let them (a maximal coupling, but for what a few draws of the other numbers leave uncertain in the
weights; with more than two sides, all of them are coupled to their average), and in the other rows
values as near as can be. All other numbers are independent from side to side.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from storyodds.models.arithmetic import log_sum_exp
from storyodds.models.comparison import EVENTS, Posterior, odds_at
from storyodds.models.evidence import (
    assemble,
    explicit_tables,
    recover_rates,
)
from storyodds.models.graph import EvidenceItem
from storyodds.models.posterior import PreparedStory, forecasts_log_density, from_uniforms
from storyodds.models.recovery import sample_discrete
from storyodds.models.weighting import MAX_PARETO_K, MIN_ESS, MIN_ESS_SHARE, smooth
from storyodds.priors.distributions import Distribution

Array = NDArray[np.float64]
Rows = NDArray[np.intp]
Key = tuple[str, Distribution]
How = Literal["paired", "same", "independent"]

MAX_ROWS = 8192

_INNER = 4  # draws of a side's other numbers for every draw of those that it shares
_BLOCK = 512  # leftover rows that are matched at once: the work grows with the cube


@dataclass(frozen=True)
class Pair:
    """How the draws of two sides belong together.

    Attributes
    ----------
    how : {"paired", "same", "independent"}
        `same` where both sides have the same draws.
    numbers : tuple of str
        Those taken for one number.
    items : tuple of str
        Evidence items whose own numbers are the same on both sides: these are drawn with the same
        random numbers, each given what its side makes of the item.
    equal : float or None
        Share of the rows in which all of `numbers` are equal.
    unweighted : bool
        Whether the draws of a side are not paired because prior draws cannot stand for them.
    """

    how: How
    numbers: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    equal: float | None = None
    unweighted: bool = False


@dataclass(frozen=True)
class Beside:
    """Draws of all sides, row by row.

    Attributes
    ----------
    events : (n_sides, n_rows, n_events) array
        All rows count the same.
    pairs : mapping of (int, int) to Pair
        By index of the two sides, the first the smaller.
    """

    events: Array
    pairs: Mapping[tuple[int, int], Pair]


@dataclass(frozen=True)
class _Sampled:
    """One side at rows that share their numbers with other sides."""

    prepared: PreparedStory
    values: Array  # (n_rows, n_numbers), the unshared ones drawn given the evidence
    weights: Array  # (n_rows,)
    keys: Mapping[Key, int]


def put_beside(sides: Sequence[Posterior], draws: int = 4096, seed: int = 1) -> Beside:
    """Give draws of several sides that belong together, row by row.

    Parameters
    ----------
    sides : sequence of Posterior
    draws : int
        Rows, of which no more than 8,192 are made.
    seed : int

    Returns
    -------
    Beside

    Notes
    -----
    Each side's rows follow its own posterior, given its own evidence. Where the evidence of two
    sides speaks differently of a number that they share, the two posteriors of that number differ,
    so it cannot be equal in all rows; `Pair.equal` says in how many it is. Evidence on one side
    tells the other nothing: this is a comparison, not a portfolio. The truth of an assumption is
    summed over in each story by itself, of `scope: world` too; that changes no difference between
    two probabilities.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment import assess
    >>> from storyodds.models.comparison import of_assessment
    >>> from storyodds.scenarios.resolve import resolve
    >>> side = of_assessment(assess(resolve(load_story("coinrun-agent")), draws=256))
    >>> beside = put_beside([side, side], draws=256)
    >>> float(np.ptp(beside.events[1] - beside.events[0])), beside.pairs[0, 1].equal
    (0.0, 1.0)
    """
    n = min(draws, MAX_ROWS)
    if not sides:
        return Beside(np.zeros((0, n, len(EVENTS))), {})
    keys = [_core(side.weighted) if side.weighted else {} for side in sides]
    said_by = Counter(key for of_side in keys for key in of_side)
    shared = {key: _drawn(key, (n, 1), seed) for key, said in said_by.items() if said > 1}
    sampled: list[_Sampled | None] = [
        _sample(side.weighted, of_side, shared, n, seed)
        if side.weighted is not None and side.weighted.uncertain
        else None
        for side, of_side in zip(sides, keys, strict=True)
    ]
    rows = _couple([side for side in sampled if side is not None], shared, n, seed)
    taken = iter(rows)
    chosen = [None if side is None else next(taken) for side in sampled]
    own: dict[str, Array] = {}
    events = np.stack(
        [
            _alone(side, n, seed) if found is None or at is None else _events(found, at, seed, own)
            for side, found, at in zip(sides, sampled, chosen, strict=True)
        ]
    )
    pairs = {
        (a, b): _pair(sides[a], sides[b], (sampled[a], sampled[b]), (chosen[a], chosen[b]))
        for a, b in combinations(range(len(sides)), 2)
    }
    return Beside(events, pairs)


def _core(prepared: PreparedStory) -> dict[Key, int]:
    """Uncertain numbers that are sampled, by name and prior."""
    numbers = prepared.resolved.numbers
    return {(numbers[i].name, prepared.distributions[i]): i for i in prepared.core}


def shared_numbers(first: PreparedStory, second: PreparedStory) -> dict[int, int]:
    """Give the uncertain numbers of two stories that are taken for one number.

    They have the same name and the same prior; of the own numbers of an evidence item, all of
    them have.

    Returns
    -------
    dict of int to int
        Index in the first story, and in the second.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> prepared = assess(resolve(load_story("coinrun-agent")), draws=64).prepared
    >>> shared_numbers(prepared, prepared) == {i: i for i in prepared.uncertain}
    True
    """
    ours, theirs = _core(first), _core(second)
    found = {i: theirs[key] for key, i in ours.items() if key in theirs}
    items = set(_same_items(first, second))
    own = (_own_numbers(prepared, items) for prepared in (first, second))
    found |= zip(*own, strict=True)
    uncertain = set(first.uncertain)
    return {i: j for i, j in sorted(found.items()) if i in uncertain}


def _own_numbers(prepared: PreparedStory, items: set[str]) -> list[int]:
    """Numbers that belong to some evidence items, by item and in the item's order."""
    chosen = sorted((i for i in prepared.graph.evidence if i.id in items), key=lambda i: i.id)
    every = [(*item.numbers.values(), item.relevance) for item in chosen]
    return [number for of_item in every for number in of_item if number is not None]


def _stream(seed: int, *what: object) -> np.random.Generator:
    """Random numbers that belong to a thing, whichever side asks for them."""
    digest = sha256(repr(what).encode()).digest()
    return np.random.default_rng([seed, 7, int.from_bytes(digest[:8], "big")])


def _drawn(key: Key, shape: tuple[int, int], seed: int) -> Array:
    """Draw a number from its prior, the same values whichever side asks for them."""
    u = np.clip(_stream(seed, key).random(shape), 1e-12, 1 - 1e-12)
    return key[1].quantile(u.ravel()).reshape(shape)


def _sample(
    prepared: PreparedStory,
    keys: Mapping[Key, int],
    shared: Mapping[Key, Array],
    n: int,
    seed: int,
) -> _Sampled | None:
    """Draw shared numbers once a row and the others several times; None if weights are bad.

    The weight of a row is the mean of P(E | numbers) over the draws of the others, one of which
    is then taken in proportion to it: so the others follow their posterior given the shared ones.
    """
    active = set(prepared.active)
    inner = _INNER if any(i in active for key, i in keys.items() if key not in shared) else 1
    fixed = from_uniforms(prepared, (), np.zeros((1, 0)))[0]
    drawn = np.tile(fixed[:, None, None], (1, n, inner))
    for key, i in keys.items():
        drawn[i] = shared[key] if key in shared else _drawn(key, (n, inner), seed)
    values = drawn.reshape(len(fixed), -1).T
    log_weights = prepared.answers.log_evidence(values, prepared.likelihoods)
    log_weights = log_weights + forecasts_log_density(prepared, values)
    top = log_weights.max()
    if not np.isfinite(top):
        return None
    log_weights, k = smooth(np.maximum(log_weights - top, -700.0))
    each = np.exp(log_weights - log_sum_exp(log_weights, axis=0)).reshape(n, inner)
    weights = each.sum(axis=1)
    ess = 1 / np.sum(weights**2)
    if (k is not None and k > MAX_PARETO_K) or ess < min(MIN_ESS, MIN_ESS_SHARE * n):
        return None
    edges = np.cumsum(each, axis=1)
    place = _stream(seed, "place").random((n, 1)) * edges[:, -1:]
    one = (edges <= place).sum(axis=1).clip(max=inner - 1)
    return _Sampled(prepared, drawn[:, np.arange(n), one].T, weights, keys)


def _couple(
    sides: Sequence[_Sampled], shared: Mapping[Key, Array], n: int, seed: int
) -> list[Rows]:
    """Choose the rows of every side, the same ones as often as their weights allow.

    Rows are drawn by the mean weight of all sides. A side keeps those that it weighs no less, and
    of the others as large a share as it should; the rest it fills from what it weighs more.
    """
    if not sides:
        return []
    mean = np.mean([side.weights for side in sides], axis=0)
    common = _in_proportion(mean, n)
    toss = _stream(seed, "kept").random(n)
    chosen = []
    for side in sides:
        rows = common.copy()
        lost = np.flatnonzero(toss * mean[common] >= side.weights[common])
        excess = np.maximum(side.weights - mean, 0.0)
        if len(lost) and excess.sum() > 0:
            instead = _in_proportion(excess, len(lost))
            rows[lost] = _nearest(side, shared, common[lost], instead)
        chosen.append(rows)
    return chosen


def _in_proportion(weights: Array, n: int) -> Rows:
    """Indices of n draws, each as often as its weight asks, in their order."""
    edges = np.cumsum(weights) / weights.sum()
    rows = np.searchsorted(edges, (np.arange(n) + 0.5) / n)
    return np.asarray(rows.clip(max=len(weights) - 1))


def _nearest(side: _Sampled, shared: Mapping[Key, Array], wanted: Rows, offered: Rows) -> Rows:
    """Match rows one to one, so that the shared numbers differ least in the sum of their ranks."""
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    columns = [i for key, i in side.keys.items() if key in shared]
    if not columns:
        return offered
    ranks = side.values[:, columns].argsort(axis=0).argsort(axis=0) / len(side.values)
    matched = np.empty_like(offered)
    # Every block has rows from the whole range, as the order of draws says nothing.
    for first in range(0, len(wanted), _BLOCK):
        block = slice(first, first + _BLOCK)
        cost = cdist(ranks[wanted[block]], ranks[offered[block]], "cityblock")
        row, column = linear_sum_assignment(cost)
        matched[block][row] = offered[block][column]
    return matched


def _events(side: _Sampled, rows: Rows, seed: int, own: dict[str, Array]) -> Array:
    """Odds of one side at its rows, the evidence items' own numbers drawn."""
    prepared, values = side.prepared, side.values[rows]
    graph, said = prepared.graph, prepared.likelihoods
    if any(i in prepared.own for i in prepared.uncertain):
        rng = np.random.default_rng([seed, 3])
        truth, route = sample_discrete(prepared.compiler, values, said, rng)
        for item in graph.evidence:
            if item.form != "forecast":
                values = _recover(prepared, item, values, truth, route, seed, own)
        said = assemble(graph, explicit_tables(graph, values))
    return odds_at(graph, values, prepared.answers.evaluate(values, said).outcomes)


def _recover(
    prepared: PreparedStory,
    item: EvidenceItem,
    values: Array,
    truth: NDArray[np.bool_],
    route: Rows,
    seed: int,
    own: dict[str, Array],
) -> Array:
    """Draw one item's own numbers, under each hypothesis with random numbers of the item's own.

    So two sides that hold the same hypothesis in a row draw the same numbers there; `own` keeps
    them for the next side.
    """
    alone = replace(prepared.graph, evidence=(item,))
    hypothesis = np.asarray(truth[:, item.target], int) if item.subject == "assumption" else route
    alike = np.array([item.keys.index(key) for key in item.keys])[hypothesis]
    columns = [*item.numbers.values(), *([] if item.relevance is None else [item.relevance])]
    priors = [prepared.distributions[i] for i in columns]
    drawn = values.copy()
    for h in np.unique(alike).tolist():
        asked = repr((item, priors, h))
        if asked not in own:
            supposed = np.full_like(truth, bool(h)), np.full_like(route, h)
            rng = _stream(seed, item.id)
            found = recover_rates(alone, prepared.distributions, values, *supposed, rng)
            own[asked] = found[:, columns]
        here = alike == h
        drawn[np.ix_(here, columns)] = own[asked][here]
    return drawn


def _alone(side: Posterior, n: int, seed: int) -> Array:
    """Rows of a side that shares no draws: independent of all but another with the same draws."""
    rng = _stream(seed, sha256(side.exact.tobytes()).hexdigest())
    return np.asarray(side.exact[rng.permutation(_in_proportion(side.weights, n))])


def _pair(
    first: Posterior,
    second: Posterior,
    sampled: tuple[_Sampled | None, _Sampled | None],
    rows: tuple[Rows | None, Rows | None],
) -> Pair:
    a, b = sampled
    if a is None or b is None:
        same = a is b and np.array_equal(first.exact, second.exact)
        drawn = [s is None and len(side.exact) > 1 for s, side in ((a, first), (b, second))]
        return Pair("same") if same else Pair("independent", unweighted=any(drawn))
    both = [key for key in a.keys if key in b.keys]
    items = _same_items(a.prepared, b.prepared)
    if not both:
        return Pair("paired" if items else "independent", (), items)
    assert rows[0] is not None and rows[1] is not None
    values = (
        side.values[at][:, [side.keys[key] for key in both]]
        for side, at in zip((a, b), rows, strict=True)
    )
    equal = np.all(np.equal(*values), axis=1).mean()
    return Pair("paired", tuple(name for name, _ in both), items, float(equal))


def _same_items(first: PreparedStory, second: PreparedStory) -> tuple[str, ...]:
    """Evidence items with the same uncertain numbers of their own on both sides."""

    def own(prepared: PreparedStory) -> dict[str, list[Key]]:
        numbers, uncertain = prepared.resolved.numbers, set(prepared.uncertain)
        return {
            item.id: [
                (numbers[i].name, prepared.distributions[i])
                for i in (*item.numbers.values(), item.relevance)
                if i is not None
            ]
            for item in prepared.graph.evidence
            if any(i in uncertain for i in (*item.numbers.values(), item.relevance))
        }

    theirs = own(second)
    return tuple(name for name, keys in own(first).items() if theirs.get(name) == keys)
