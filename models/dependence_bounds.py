"""What if two free assumptions were not independent? Fréchet's bounds, after the evidence.

A story takes its free assumptions for independent, given its numbers. Two assumptions a and b
with chances p and q may at most be true together with min(p, q), rising and falling as one, and
at least with max(0, p + q - 1), one standing in for the other. Both ends keep each assumption's
own chance. What follows is exact at every draw of the numbers: the four states of the pair are
asked one by one, with both assumptions settled, and weighed by their chances at either end.

References
----------
M. Fréchet (1951), "Sur les tableaux de corrélation dont les marges sont données", Annales de
l'Université de Lyon, Section A 14, 53-77.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from storyodds.models.arithmetic import log_sum_exp
from storyodds.models.assessment import Assessment
from storyodds.models.cut_sets import Literal
from storyodds.models.events import EVENTS, probabilities
from storyodds.models.failure_modes import concerns, harm_of
from storyodds.models.forward import forward
from storyodds.models.graph import StoryGraph
from storyodds.models.posterior import forecast_densities, forecast_sides
from storyodds.models.quantities import Path
from storyodds.models.queries import Query
from storyodds.models.what_if import Base, Changed, base_of, weighted

Array = NDArray[np.float64]

PATHS = 10  # the most concerning ones, whose pairs are looked at
PAIRS = 8  # of all these, those with the largest bearing on their paths
DRAWS = 256

ENDS = (True, False)  # together, apart
_CATASTROPHE = EVENTS.index("catastrophe")
_STATES = ((True, True), (True, False), (False, True), (False, False))

# In one state: log P(E | numbers), P(event | E, numbers), and the sides of every forecast.
_Asked = tuple[Array, Array, Mapping[int, tuple[Array, Array]]]


@dataclass(frozen=True)
class Bound:
    """A pair of free assumptions, as far from independent as can be.

    Attributes
    ----------
    literals : tuple of (str, bool)
        The two, as the most concerning path with both needs them.
    paths : tuple of Path
        All paths looked at that need both, the most concerning first.
    together, apart : Changed
        Posterior means of `what_if.EVENTS` with the assumptions true as often together as can
        be, and as seldom.
    paths_together, paths_apart : (n_paths,) array
        P(path), likewise.
    paths_now : (n_paths,) array
    """

    literals: tuple[Literal, Literal]
    paths: tuple[Path, ...]
    together: Changed
    apart: Changed
    paths_together: Array
    paths_apart: Array
    paths_now: Array


@dataclass(frozen=True)
class Bounds:
    """Pairs by the width of what they allow for P(catastrophe), the widest first.

    Attributes
    ----------
    base : Base
        The story as it is, at the draws that everything here was asked at.
    found : tuple of Bound
    pairs : int
        How many pairs there are in the paths that were looked at.
    """

    base: Base
    found: tuple[Bound, ...]
    pairs: int


def dependence_bounds(assessment: Assessment, most: int = PAIRS, draws: int = DRAWS) -> Bounds:
    """Ask how far the odds could go if assumptions that meet in a path were dependent.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly, not simulated.
    most : int
        How many pairs: those that could move the concern of their paths most, before the rest of
        the story makes room for that.
    draws : int
        At most so many.

    Returns
    -------
    Bounds

    Notes
    -----
    Bounds for each pair alone, all else as the story has it; dependence among more of them may go
    further.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> found = dependence_bounds(assess(resolve(load_story("cat-classifier"))))
    >>> len(found.found) <= found.pairs
    True
    """
    base = base_of(assessment, draws)
    ranked = [path for path in concerns(assessment).paths if path.ways is not None][:PATHS]
    queries = [Query((o,), path.literals) for path in ranked for o in path.outcomes]
    asked = iter(forward(base.prepared, base.values, queries=queries).queries.T)
    harm = harm_of(base.prepared.graph, base.values)
    chance, concern = [], []
    for path in ranked:
        endings = [next(asked) for _ in path.outcomes]
        chance.append(np.sum(endings, axis=0))
        concern.append(sum(p * harm[:, o] for p, o in zip(endings, path.outcomes, strict=True)))
    pairs: dict[frozenset[str], list[int]] = {}
    free = _free(base.prepared.graph)
    for k, path in enumerate(ranked):
        names = sorted(name for name, _ in path.literals if name in free)
        for i, a in enumerate(names):
            for b in names[i + 1 :]:
                pairs.setdefault(frozenset((a, b)), []).append(k)

    def bearing(pair: frozenset[str]) -> float:
        swings = []
        for k in pairs[pair]:
            literals = _literals(ranked[k], pair)
            up, down = (_factor(base.values, free, literals, end) for end in ENDS)
            swings.append((concern[k] * (up - down)).mean())
        return abs(float(np.sum(swings)))

    chosen = sorted(pairs, key=lambda pair: (-bearing(pair), sorted(pair)))[:most]
    found = [
        _bound(base, free, pair, asked_of_pair, [(ranked[k], chance[k]) for k in pairs[pair]])
        for pair, asked_of_pair in zip(chosen, _at_states(base, free, chosen), strict=True)
    ]
    return Bounds(base, tuple(sorted(found, key=width, reverse=True)), len(pairs))


def width(bound: Bound) -> float:
    """How far apart the bounds of P(catastrophe) are."""
    wide = bound.together.means[_CATASTROPHE] - bound.apart.means[_CATASTROPHE]
    return abs(float(wide)) if np.isfinite(wide) else 0.0


def _free(graph: StoryGraph) -> dict[str, int]:
    """The number of every assumption that depends on no other."""
    return {
        variable.name: variable.rows[0][1]
        for variable in graph.variables
        if variable.formula is None and len(variable.rows) == 1 and variable.rows[0][0] is None
    }


def _literals(path: Path, pair: frozenset[str]) -> tuple[Literal, Literal]:
    a, b = sorted(literal for literal in path.literals if literal[0] in pair)
    return a, b


def joint_chances(p: Array, q: Array, together: bool) -> tuple[Array, Array, Array, Array]:
    """The chances of (both, first only, second only, neither) at an end of what is possible.

    Examples
    --------
    >>> joint_chances(np.array(0.7), np.array(0.4), together=True)[0]
    np.float64(0.4)
    >>> [round(float(x), 12) for x in joint_chances(np.array(0.7), np.array(0.4), together=False)]
    [0.1, 0.6, 0.3, 0.0]
    """
    if together:
        return np.minimum(p, q), np.maximum(p - q, 0), np.maximum(q - p, 0), 1 - np.maximum(p, q)
    over = p + q - 1
    return np.maximum(over, 0), np.minimum(p, 1 - q), np.minimum(q, 1 - p), np.maximum(-over, 0)


def _factor(
    values: Array, free: dict[str, int], literals: tuple[Literal, Literal], together: bool
) -> Array:
    """By how much a state of a pair is likelier than under independence, (n_draws,)."""
    (a, yes_a), (b, yes_b) = literals
    p, q = values[:, free[a]], values[:, free[b]]
    state = _STATES.index((yes_a, yes_b))
    now = (p if yes_a else 1 - p) * (q if yes_b else 1 - q)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = joint_chances(p, q, together)[state] / now
    return np.where(now > 0, factor, 0.0)


def _at_states(
    base: Base, free: dict[str, int], pairs: Sequence[frozenset[str]]
) -> list[list[_Asked]]:
    """What the story says of every pair in each of its states; all of it asked at once."""
    if not pairs:
        return []
    prepared, n = base.prepared, len(base.values)
    values = np.tile(base.values, (len(pairs) * len(_STATES), 1))
    states = list(product(pairs, _STATES))
    for k, (pair, state) in enumerate(states):
        a, b = sorted(pair)
        values[k * n : (k + 1) * n, [free[a], free[b]]] = np.array(state, dtype=float)
    found = forward(prepared, values)
    events = probabilities(prepared.graph, values, found.outcomes)
    sides = forecast_sides(prepared, values)
    asked: list[_Asked] = [
        (
            found.log_evidence[k : k + n],
            events[k : k + n],
            {i: (yes[k : k + n], no[k : k + n]) for i, (yes, no) in sides.items()},
        )
        for k in range(0, len(values), n)
    ]
    return [asked[k : k + len(_STATES)] for k in range(0, len(asked), len(_STATES))]


def _bound(
    base: Base,
    free: dict[str, int],
    pair: frozenset[str],
    asked: Sequence[_Asked],
    paths: Sequence[tuple[Path, Array]],
) -> Bound:
    a, b = sorted(pair)
    graph = base.prepared.graph
    p, q = base.values[:, free[a]], base.values[:, free[b]]
    now = _mix(asked, (p * q, p * (1 - q), (1 - p) * q, (1 - p) * (1 - q)))[0]
    before = np.stack([chance for _, chance in paths], axis=1)
    seen = replace(base, events=np.hstack([before, base.events]))
    n, changed, chances = len(paths), [], []
    for end in ENDS:
        log_evidence, events, sides = _mix(asked, joint_chances(p, q, end))
        densities = forecast_densities(graph, sides)
        whole = np.sum([log_evidence, *densities.values()], axis=0)
        possible = np.isfinite(log_evidence)
        lighter = np.exp(np.where(possible, now, -np.inf) - np.where(possible, log_evidence, 0.0))
        factors = [_factor(base.values, free, _literals(path, pair), end) for path, _ in paths]
        after = before * np.stack(factors, axis=1) * lighter[:, None]
        answer = _weighted(seen, whole, np.hstack([after, events]))
        chances.append(answer.means[:n])
        changed.append(replace(answer, means=answer.means[n:], errors=answer.errors[n:]))
    return Bound(
        literals=_literals(paths[0][0], pair),
        paths=tuple(path for path, _ in paths),
        together=changed[0],
        apart=changed[1],
        paths_together=chances[0],
        paths_apart=chances[1],
        paths_now=before.mean(axis=0),
    )


def _weighted(base: Base, log_evidence: Array, events: Array) -> Changed:
    """Compare, or say that nothing is known where the evidence has become impossible."""
    if np.isfinite(log_evidence).any():
        return weighted(base, log_evidence - base.log_evidence, events)
    unknown = np.full(events.shape[1], np.nan)
    return Changed(unknown, unknown, None, 0.0, refitted=False)


def _mix(
    asked: Sequence[_Asked],
    chances: Sequence[Array],
) -> tuple[Array, Array, Mapping[int, tuple[Array, Array]]]:
    """Put the four states together: log P(E | θ), P(event | E, θ), the sides of forecasts."""
    with np.errstate(divide="ignore"):
        logs = [np.log(chance) for chance in chances]

    def summed(parts: Sequence[Array]) -> Array:
        terms = [log + part for log, part in zip(logs, parts, strict=True)]
        return log_sum_exp(np.stack(terms), axis=0)

    log_evidence = summed([found[0] for found in asked])
    finite = np.where(np.isfinite(log_evidence), log_evidence, 0.0)
    events = np.sum(
        [
            np.exp(log + state - finite)[:, None] * of_state
            for log, (state, of_state, _) in zip(logs, asked, strict=True)
        ],
        axis=0,
    )
    sides = {
        i: (
            summed([found[2][i][0] for found in asked]),
            summed([found[2][i][1] for found in asked]),
        )
        for i in asked[0][2]
    }
    return log_evidence, events, sides
