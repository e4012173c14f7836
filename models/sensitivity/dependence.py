"""What if two free assumptions were not independent? Fréchet's bounds, after the evidence.

A story takes its free assumptions for independent, given its numbers. Two assumptions a and b
with chances p and q may at most be true together with min(p, q), rising and falling as one, and
at least with max(0, p + q - 1), one standing in for the other. Both ends keep each assumption's
own chance. The four states of the pair are asked one by one, with both assumptions settled, and
weighed by their chances at either end. Where p and q are uncertain, these are means over their
priors: the evidence is weighed anew, and all that follows is linear in them.

References
----------
M. Fréchet (1951), "Sur les tableaux de corrélation dont les marges sont données", Annales de
l'Université de Lyon, Section A 14, 53-77.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.what_if import Base, Changed, base_of, weighted
from storyodds.models.engine.arithmetic import log_sum_exp
from storyodds.models.engine.paths import Path, PathOdds, concerns_of, path_odds, path_queries
from storyodds.models.logic.cut_sets import Literal
from storyodds.models.posterior.forecasts import forecast_densities, forecast_sides
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.posterior.questions import ask
from storyodds.models.story.events import EVENTS, after_training
from storyodds.models.story.queries import Query
from storyodds.priors.distributions.families import rate_like

Array = NDArray[np.float64]

PATHS = 10  # the most concerning ones, whose pairs are looked at
PAIRS = 8  # of all these, those with the largest bearing on their paths
DRAWS = 256  # at which every pair is evaluated in four states: bounds are shown to two digits
_POINTS = 256  # even ones of a prior, over pairs of which the mean of min(p, q) is taken
_TINY = float(np.finfo(np.float64).tiny)

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
        The story as it is, at the draws of all answers here.
    listed : tuple of Bound
    pairs : int
        How many pairs there are in the paths that were looked at.
    """

    base: Base
    listed: tuple[Bound, ...]
    pairs: int


def dependence_bounds(assessment: Assessment, most: int = PAIRS, draws: int = DRAWS) -> Bounds:
    """Bound how far the odds could go if assumptions that meet in a path were dependent.

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
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> bounds = dependence_bounds(assess(resolve(load_story("cat-classifier"))))
    >>> len(bounds.listed) <= bounds.pairs
    True
    """
    base = base_of(assessment, draws)
    ranked = _ranked(assessment)[:PATHS]
    odds = _odds(base, ranked)
    pairs: dict[frozenset[str], list[int]] = {}
    free = _free(base.prepared)
    for k, path in enumerate(ranked):
        names = sorted(name for name, _ in path.literals if name in free)
        for i, a in enumerate(names):
            for b in names[i + 1 :]:
                pairs.setdefault(frozenset((a, b)), []).append(k)
    states = {pair: _PairChances.of(base, free, pair) for pair in pairs}

    def bearing(pair: frozenset[str]) -> float:
        swings = []
        for k in pairs[pair]:
            state = _state(ranked[k], pair)
            up, down = (states[pair].factor(state, end) for end in ENDS)
            swings.append((odds[k].concern * (up - down)).mean())
        return abs(float(np.sum(swings)))

    chosen = sorted(pairs, key=lambda pair: (-bearing(pair), sorted(pair)))[:most]
    bounds = [
        _bound(
            base, states[pair], pair, answers, [(ranked[k], odds[k].reached) for k in pairs[pair]]
        )
        for pair, answers in zip(chosen, _at_states(base, free, chosen), strict=True)
    ]
    return Bounds(base, tuple(sorted(bounds, key=width, reverse=True)), len(pairs))


def _ranked(assessment: Assessment) -> list[Path]:
    """The paths told apart, the most concerning first."""
    concern = concerns_of(assessment.averaged, assessment.paths, assessment.queries)
    order = np.argsort(-concern, kind="stable")
    return [assessment.paths[k] for k in order if assessment.paths[k].ways is not None]


def _odds(base: Base, paths: Sequence[Path]) -> list[PathOdds]:
    graph, queries = base.prepared.graph, list(dict.fromkeys(path_queries(paths)))
    chances = ask(base.prepared, base.values, queries).queries
    after, column = after_training(graph, base.values), {q: k for k, q in enumerate(queries)}

    def chance(path: Path) -> Callable[[int], Array]:
        return lambda o: chances[:, column[Query((o,), path.literals)]]

    return [path_odds(path, after, graph, chance(path)) for path in paths]


def width(bound: Bound) -> float:
    """How far apart the bounds of P(catastrophe) are."""
    wide = bound.together.means[_CATASTROPHE] - bound.apart.means[_CATASTROPHE]
    return abs(float(wide)) if np.isfinite(wide) else 0.0


def _free(prepared: PreparedStory) -> dict[str, int]:
    """The number of every assumption that depends on no other, and shares its number with none."""
    return {
        variable.name: variable.rows[0][1]
        for variable in prepared.graph.variables
        if variable.formula is None
        and len(variable.rows) == 1
        and variable.rows[0][0] is None
        and variable.rows[0][1] not in prepared.shared
        and not variable.states
    }


def _literals(path: Path, pair: frozenset[str]) -> tuple[Literal, Literal]:
    a, b = sorted(literal for literal in path.literals if literal[0] in pair)
    return a, b


def _state(path: Path, pair: frozenset[str]) -> tuple[bool, bool]:
    """What a path needs of the two, by name."""
    (_, first), (_, second) = _literals(path, pair)
    return first, second


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


_Four = tuple[Array, Array, Array, Array]


@dataclass(frozen=True)
class _PairChances:
    """The chances of `_STATES` of a pair, (n_draws,) each: if independent, and at both ends."""

    now: _Four
    together: _Four
    apart: _Four

    @classmethod
    def of(cls, base: Base, free: Mapping[str, int], pair: frozenset[str]) -> "_PairChances":
        """Take means over the priors of what is integrated out, draw by draw of the rest."""
        i, j = (free[name] for name in sorted(pair))
        p, q = base.values[:, i], base.values[:, j]
        now = p * q, p * (1 - q), (1 - p) * q, (1 - p) * (1 - q)
        wide = _points(base, i)[:, :, None], _points(base, j)[:, None, :]

        def mean(chance: Array) -> Array:
            return np.broadcast_to(chance.mean(axis=(1, 2)), len(p))

        up, down = (joint_chances(*wide, together=end) for end in ENDS)
        return cls(
            now,
            (mean(up[0]), mean(up[1]), mean(up[2]), mean(up[3])),
            (mean(down[0]), mean(down[1]), mean(down[2]), mean(down[3])),
        )

    def at(self, together: bool) -> _Four:
        """Return those at one end."""
        return self.together if together else self.apart

    def factor(self, state: tuple[bool, bool], together: bool) -> Array:
        """By how much a state is likelier at an end than under independence, (n_draws,)."""
        k = _STATES.index(state)
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = self.at(together)[k] / self.now[k]
        return np.where(self.now[k] > 0, factor, 0.0)


def _points(base: Base, i: int) -> Array:
    """Even points of the prior of what is integrated out, (1, n_points); else values, (n, 1)."""
    prepared = base.prepared
    if i not in prepared.integrated:
        return base.values[:, i][:, None]
    u = (np.arange(_POINTS) + 0.5) / _POINTS
    points, m = rate_like(prepared.distributions[i]).quantile(u), prepared.center[i]
    # Tails reach beyond the outermost points: so that the mean is right all the same.
    if m < 0.5:
        return np.asarray(np.minimum(points * (m / points.mean()), 1.0)[None])
    rest = 1 - points
    return np.asarray(np.maximum(1 - rest * ((1 - m) / max(rest.mean(), _TINY)), 0.0)[None])


def _at_states(
    base: Base, free: Mapping[str, int], pairs: Sequence[frozenset[str]]
) -> list[list[_Asked]]:
    """Evaluate every pair in each of its states, all at once."""
    if not pairs:
        return []
    prepared, n = base.prepared, len(base.values)
    values = np.tile(base.values, (len(pairs) * len(_STATES), 1))
    states = list(product(pairs, _STATES))
    for k, (pair, state) in enumerate(states):
        a, b = sorted(pair)
        values[k * n : (k + 1) * n, [free[a], free[b]]] = np.array(state, dtype=float)
    answer = ask(prepared, values)
    sides = forecast_sides(prepared, values)
    answers: list[_Asked] = [
        (
            answer.log_findings[k : k + n],
            answer.events[k : k + n],
            {i: (yes[k : k + n], no[k : k + n]) for i, (yes, no) in sides.items()},
        )
        for k in range(0, len(values), n)
    ]
    return [answers[k : k + len(_STATES)] for k in range(0, len(answers), len(_STATES))]


def _bound(
    base: Base,
    states: _PairChances,
    pair: frozenset[str],
    answers: Sequence[_Asked],
    paths: Sequence[tuple[Path, Array]],
) -> Bound:
    graph = base.prepared.graph
    now = _mix(answers, states.now)[0]
    before = np.stack([chance for _, chance in paths], axis=1)
    with_paths = replace(base, events=np.hstack([before, base.events]))
    n, changed, chances = len(paths), [], []
    for end in ENDS:
        log_evidence, events, sides = _mix(answers, states.at(end))
        densities = forecast_densities(graph, sides)
        whole = np.sum([log_evidence, *densities.values()], axis=0)
        possible = np.isfinite(log_evidence)
        lighter = np.exp(np.where(possible, now, -np.inf) - np.where(possible, log_evidence, 0.0))
        factors = [states.factor(_state(path, pair), end) for path, _ in paths]
        after = before * np.stack(factors, axis=1) * lighter[:, None]
        answer = _weighted(with_paths, whole, np.hstack([after, events]))
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
    answers: Sequence[_Asked],
    chances: Sequence[Array],
) -> tuple[Array, Array, Mapping[int, tuple[Array, Array]]]:
    """Put the four states together: log P(E | θ), P(event | E, θ), the sides of forecasts."""
    with np.errstate(divide="ignore"):
        logs = [np.log(chance) for chance in chances]

    def summed(parts: Sequence[Array]) -> Array:
        terms = [log + part for log, part in zip(logs, parts, strict=True)]
        return log_sum_exp(np.stack(terms), axis=0)

    log_evidence = summed([answer[0] for answer in answers])
    finite = np.where(np.isfinite(log_evidence), log_evidence, 0.0)
    events = np.sum(
        [
            np.exp(log + state - finite)[:, None] * of_state
            for log, (state, of_state, _) in zip(logs, answers, strict=True)
        ],
        axis=0,
    )
    sides = {
        i: (
            summed([answer[2][i][0] for answer in answers]),
            summed([answer[2][i][1] for answer in answers]),
        )
        for i in answers[0][2]
    }
    return log_evidence, events, sides
