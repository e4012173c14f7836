"""Stories side by side: the odds of all of them at the same numbers, row by row.

A number has one name, and two stories that have a number of that name have the same one. So a
difference between them is a difference of two exact functions of one θ: what holds at every θ holds
in every row. Where the two give the number different priors it stands at the same quantile of
both, since the more of it that one story has, the more has the other. Numbers that go together in
one story and otherwise in the other are drawn for each by itself: there is no one θ that both
believe in.

Each story has its own posterior of θ, given its own evidence. As many rows follow one posterior as
follow another: each takes the numbers of one side at a draw of that side's posterior, and those
that the side does not have from the posterior of another side that has them. So no row stands at
numbers that none of the sides believes in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from storyodds.models.comparison.sides import EVENTS, Posterior
from storyodds.models.numerics import systematic
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.priors.distributions.families import Distribution
from storyodds.priors.distributions.quantiles import prior_level, prior_quantile
from storyodds.scenarios.grammar.correlations import clusters

Array = NDArray[np.float64]
How = Literal["paired", "same", "independent"]
Ranks = frozenset[tuple[tuple[str, str], float]]  # rank correlation by pair

NO_RANKS: Ranks = frozenset()

MAX_ROWS = 8192  # of two sides: a share of them is known to half a percentage point


@dataclass(frozen=True)
class Pair:
    """How the rows of two sides belong together.

    Attributes
    ----------
    how : {"paired", "same", "independent"}
        `same` where both sides have the same saved draws.
    numbers : tuple of str
        Of the same name and the same prior, which are equal in every row.
    moved : tuple of str
        Of the same name and another prior, which stand at the same quantile in every row.
    apart : tuple of str
        Of the same name, which are correlated otherwise: each side has its own draws of them.
    """

    how: How
    numbers: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()


@dataclass(frozen=True)
class Beside:
    """The odds of all sides, row by row.

    Attributes
    ----------
    events : (n_sides, n_rows, n_events) array
        All rows count the same.
    follows : (n_rows,) int
        Whose posterior the numbers of a row follow, by index of the side.
    pairs : mapping of (int, int) to Pair
        By index of the two sides, the first the smaller.
    """

    events: Array
    follows: NDArray[np.intp]
    pairs: Mapping[tuple[int, int], Pair]

    def of_two(self, first: int, second: int) -> tuple[Array, Array]:
        """The odds of two sides where the rows follow the one or the other, whoever else is there.

        Returns
        -------
        two (n_rows, n_events) arrays
        """
        rows = np.isin(self.follows, (first, second))
        return self.events[first, rows], self.events[second, rows]


def put_beside(sides: Sequence[Posterior], draws: int = 4096, seed: int = 1) -> Beside:
    """Return the odds of several sides at the same numbers, row by row.

    Parameters
    ----------
    sides : sequence of Posterior
    draws : int
        Rows of two sides, of which no more than 8,192 are made, and one where nothing is uncertain.
    seed : int

    Returns
    -------
    Beside

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.models.comparison.sides import of_assessment
    >>> from storyodds.scenarios.resolve import resolve
    >>> side = of_assessment(assess(resolve(load_story("coinrun-agent")), draws=256))
    >>> beside = put_beside([side, side], draws=256)
    >>> float(np.ptp(beside.events[1] - beside.events[0])), beside.pairs[0, 1].how
    (0.0, 'paired')
    """
    n_rows = max(1, min(draws, MAX_ROWS) // 2)
    if all(len(side.exact) == 1 for side in sides):
        n_rows = 1
    rows = [_rows_after(sides, s, n_rows, seed) for s in range(len(sides))]
    # One call for each side: all of its rows at once.
    events = [
        side.exact[np.concatenate([of[s] for of in rows])]
        if side.prepared is None
        else side.at(np.concatenate([of[s] for of in rows]))
        for s, side in enumerate(sides)
    ]
    return Beside(
        events=np.stack(events) if events else np.zeros((0, 0, len(EVENTS))),
        follows=np.repeat(np.arange(len(sides)), n_rows),
        pairs={(a, b): _pair(sides[a], sides[b]) for a, b in combinations(range(len(sides)), 2)},
    )


def _rows_after(sides: Sequence[Posterior], followed: int, n: int, seed: int) -> list[NDArray[Any]]:
    """Rows that follow the posterior of one side: of every side its numbers.

    Of a side of which only draws are at hand, the indices of draws.
    """
    order = [*range(followed, len(sides)), *range(followed)]
    theta: dict[str, tuple[Distribution, Array, Ranks]] = {}
    rows: dict[int, NDArray[Any]] = {}
    for s in order:
        side = sides[s]
        chosen = systematic(side.weights, n, _seed(seed, followed, _name(side, s)))
        if side.prepared is None or side.values is None:
            rows[s] = chosen
            continue
        values, ranks = side.values[chosen], _ranks(side.prepared)
        for name, i in _numbers(side.prepared).items():
            prior, own_ranks = side.prepared.distributions[i], ranks.get(name, NO_RANKS)
            if name not in theta:
                theta[name] = prior, values[:, i], own_ranks
            elif theta[name][2] == own_ranks:
                values[:, i] = _carried(*theta[name][:2], prior)
        rows[s] = values
    return [rows[s] for s in range(len(sides))]


def _carried(prior: Distribution, values: Array, other: Distribution) -> Array:
    """The values at the same quantiles of another prior."""
    if prior == other:
        return values
    return prior_quantile(other, prior_level(prior, values))


def _ranks(prepared: PreparedStory) -> dict[str, Ranks]:
    """By number that goes together with others, all rank correlations that it does so by."""
    names = [prepared.resolved.numbers[i].name for i in prepared.correlated]
    fixed = {name for block in prepared.resolved.correlations for name in block.between} - {*names}
    return {
        name: frozenset(cluster.ranks.items())
        for cluster in clusters(prepared.resolved.correlations, fixed)
        for name in cluster.names
    }


def _name(side: Posterior, place: int) -> str:
    """What decides which draws are chosen: two sides with the same saved draws choose the same."""
    return str(place) if side.prepared is not None else sha256(side.exact.tobytes()).hexdigest()


def _seed(seed: int, followed: int, name: str) -> int:
    digest = sha256(repr((seed, followed, name)).encode()).digest()
    return int.from_bytes(digest[:8], "big")


def _numbers(prepared: PreparedStory) -> dict[str, int]:
    """The uncertain numbers of a story by name, but for those of its findings."""
    return {prepared.resolved.numbers[i].name: i for i in prepared.core}


def shared_numbers(first: PreparedStory, second: PreparedStory) -> dict[int, int]:
    """Return the uncertain numbers that two stories have under one name and with one prior.

    Returns
    -------
    dict of int to int
        Index in the first story, and in the second.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> prepared = assess(resolve(load_story("coinrun-agent")), draws=64).prepared
    >>> shared_numbers(prepared, prepared) == {i: i for i in prepared.uncertain}
    True
    """
    theirs = {second.resolved.numbers[j].name: j for j in second.uncertain}
    by_name = [(i, theirs.get(first.resolved.numbers[i].name)) for i in first.uncertain]
    return {
        i: j
        for i, j in by_name
        if j is not None and first.distributions[i] == second.distributions[j]
    }


def _pair(first: Posterior, second: Posterior) -> Pair:
    if first.prepared is None or second.prepared is None:
        drawn = first.prepared is second.prepared and np.array_equal(first.exact, second.exact)
        return Pair("same" if drawn else "independent")
    of_first, of_second = _numbers(first.prepared), _numbers(second.prepared)
    ranks = _ranks(first.prepared), _ranks(second.prepared)
    in_both = [name for name in of_first if name in of_second]
    common = [
        name for name in in_both if ranks[0].get(name, NO_RANKS) == ranks[1].get(name, NO_RANKS)
    ]
    equal = [
        name
        for name in common
        if first.prepared.distributions[of_first[name]]
        == second.prepared.distributions[of_second[name]]
    ]
    moved = tuple(name for name in common if name not in equal)
    apart = tuple(name for name in in_both if name not in common)
    return Pair("paired" if common else "independent", tuple(equal), moved, apart)
