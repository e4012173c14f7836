"""How much each change between two versions of a story adds to the difference of their odds.

The Shapley value of a change: what it adds when it is made after some of the other changes, the
mean over all orders in which they can be made. The contributions add up to the whole difference, a
change that does nothing adds nothing, and no order is preferred.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from storyodds.models.changes.what_if import MIN_SHARE
from storyodds.models.comparison.sides import COLUMNS, EVENTS, Posterior
from storyodds.models.posterior.prepared import PreparedStory, log_likelihood_bound, prepare
from storyodds.models.posterior.questions import ask
from storyodds.models.posterior.weighting import sampled_draws, weigh
from storyodds.priors.distributions.families import LN2
from storyodds.priors.text.errors import InputError, Problem
from storyodds.scenarios.edits import (
    NO_STRUCTURE,
    Change,
    can_be_mixed,
    changes_between,
    with_changes,
)

Array = NDArray[np.float64]
Chosen = frozenset[int]  # of the players

MOST = 8  # changes of which all 256 subsets are made; of more, some orders
MOST_STRUCTURES = 6  # of them that are more than a number: each subset is compiled by itself
MOST_SAMPLED = 24  # beyond which changes are taken together by kind of part
_ORDERS = 8  # that are sampled: four, and each the other way round
_ROWS = 2**15  # of numbers evaluated in all, as far as every story has some hundreds
_MIN_ROWS = 512  # of every story: a mean's error is then at most a 22nd of the spread


@dataclass(frozen=True)
class Contributions:
    """What each change adds, on average over the orders in which changes can be made.

    Attributes
    ----------
    players : tuple of tuple of Change
        What was made together, as one change.
    shares : (n_players, n_events) array
        In probability, by `EVENTS`; they add up to the whole difference.
    errors : (n_players, n_events) array
        Their Monte Carlo standard errors.
    orders : int or None
        How many orders were looked at; None where it was all of them.
    """

    players: tuple[tuple[Change, ...], ...]
    shares: Array
    errors: Array
    orders: int | None


def contributions(
    old: Posterior, new: Posterior, *, draws: int = 4096, seed: int = 1
) -> Contributions:
    """Attribute the difference of two versions of a story to their changes.

    Parameters
    ----------
    old, new : Posterior
        With their stories.
    draws : int
        Of the numbers that have to be sampled, for every story with some of the changes; fewer
        where these are many.
    seed : int

    Returns
    -------
    Contributions

    Raises
    ------
    InputError
        If the changes cannot be made one by one, a story with some of them makes the evidence
        impossible or is too large to compute, or its posterior is out of reach of weighting.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.models.comparison.sides import of_assessment
    >>> from storyodds.scenarios.resolve import resolve
    >>> story, half = load_story("carlsmith-six-premises"), {"aps-feasible": 0.325}
    >>> old, new = (of_assessment(assess(resolve(story, settings=s))) for s in ({}, half))
    >>> shares = contributions(old, new)
    >>> shares.players[0][0].name, round(float(shares.shares[0, EVENTS.index("catastrophe")]), 4)
    ('aps-feasible.probability', -0.0257)
    """
    assert old.prepared is not None and new.prepared is not None
    before, after = old.prepared.resolved, new.prepared.resolved
    if not can_be_mixed(before, after):
        raise InputError([Problem("the changes cannot be made one by one")])
    players = _players(changes_between(before, after))
    n = len(players)
    structures = sum(
        any(change.part not in NO_STRUCTURE for change in player) for player in players
    )
    whole = n <= MOST and structures <= MOST_STRUCTURES
    stories = 2**n if whole else _ORDERS * n
    most = min(draws, _ROWS // max(stories, 1))
    rows = max(_MIN_ROWS, 2 ** int(np.log2(most)))  # whole Sobol sequences
    game = _Game(old, new, players, rows, seed)
    shares, errors = _all_orders(game) if whole else _some_orders(game, seed)
    return Contributions(players, shares, errors, None if whole else _ORDERS)


def _players(changes: Sequence[Change]) -> tuple[tuple[Change, ...], ...]:
    """Changes by themselves; where they are many, by part, or by kind of part."""
    if len(changes) <= MOST:
        return tuple((change,) for change in changes)
    by_part = _grouped(changes, lambda change: change.owner)
    if len(by_part) <= MOST_SAMPLED:
        return by_part
    return _grouped(changes, lambda change: change.part)


def _grouped(
    changes: Sequence[Change], key: Callable[[Change], str]
) -> tuple[tuple[Change, ...], ...]:
    groups: dict[str, list[Change]] = {}
    for change in changes:
        groups.setdefault(key(change), []).append(change)
    return tuple(tuple(group) for group in groups.values())


@dataclass(frozen=True)
class _Value:
    """Means of a story with some of the changes, and how they move with every row."""

    means: Array  # (n_events,)
    pulls: Array  # (n_rows, n_events), of mean 0; one row of zeros where the means are exact


class _Game:
    """Stories with some of the changes, each evaluated once."""

    def __init__(
        self,
        old: Posterior,
        new: Posterior,
        players: Sequence[Sequence[Change]],
        rows: int,
        seed: int,
    ) -> None:
        assert old.prepared is not None and new.prepared is not None
        self.ends, self.players, self.rows, self.seed = (old, new), players, rows, seed
        self.stories = old.prepared.resolved, new.prepared.resolved
        self.values: dict[Chosen, _Value] = {}
        self.compiled: dict[Chosen, PreparedStory] = {}

    @cached_property
    def shaping(self) -> Chosen:
        """The players that change more than numbers."""
        return frozenset(
            k
            for k, player in enumerate(self.players)
            if any(change.part not in NO_STRUCTURE for change in player)
        )

    def __call__(self, chosen: Chosen) -> _Value:
        """The odds with the changes of some players made."""
        if chosen not in self.values:
            self.values[chosen] = self._value_of(chosen)
        return self.values[chosen]

    def _value_of(self, chosen: Chosen) -> _Value:
        changes = [change for k in chosen for change in self.players[k]]
        shape = chosen & self.shaping
        prepared = prepare(with_changes(*self.stories, changes), like=self.compiled.get(shape))
        self.compiled.setdefault(shape, prepared)
        values, log_prior = sampled_draws(prepared, self.rows, self.seed)
        answer = ask(prepared, values)
        bound = log_likelihood_bound(prepared) + LN2
        weighed = weigh(prepared, answer.log_evidence + log_prior, bound)
        # Both versions are sound at many more draws. Of these few the tail shows nothing yet, and
        # the error of what comes of them is stated.
        if weighed.ess < MIN_SHARE * len(values):
            raise InputError([Problem("a story with some of the changes needs NUTS")])
        events = answer.events[:, COLUMNS]
        means = weighed.weights @ events
        pulls = weighed.weights[:, None] * (events - means)
        # Of the two versions themselves more draws are at hand.
        whole = {0: self.ends[0].means, len(self.players): self.ends[1].means}
        return _Value(whole.get(len(chosen), means), pulls)


def _all_orders(game: _Game) -> tuple[Array, Array]:
    n = len(game.players)
    shares, errors = np.zeros((n, len(EVENTS))), np.zeros((n, len(EVENTS)))
    for i in range(n):
        rest = [k for k in range(n) if k != i]
        pull: Array | float = 0.0
        for size in range(n):
            weight = 1 / (n * comb(n - 1, size))
            for coalition in combinations(rest, size):
                without, within = game(frozenset(coalition)), game(frozenset({*coalition, i}))
                shares[i] += weight * (within.means - without.means)
                pull = pull + weight * (within.pulls - without.pulls)
        errors[i] = np.sqrt((np.asarray(pull) ** 2).sum(axis=0))
    return shares, errors


def _some_orders(game: _Game, seed: int) -> tuple[Array, Array]:
    """The mean over some orders, and over the same the other way round, which err the other way."""
    n, rng = len(game.players), np.random.default_rng([seed, 9])
    pairs: list[Array] = []
    noise: Array | float = 0.0  # of the numbers' draws, (n_players, n_rows, n_events)
    for _ in range(_ORDERS // 2):
        order = rng.permutation(n).tolist()
        there, back = _along(game, order), _along(game, order[::-1])
        pairs.append((there[0] + back[0]) / 2)
        noise = noise + (there[1] + back[1]) / _ORDERS
    spread = np.var(pairs, axis=0, ddof=1) / len(pairs)
    return np.mean(pairs, axis=0), np.sqrt(spread + (np.asarray(noise) ** 2).sum(axis=1))


def _along(game: _Game, order: Sequence[int]) -> tuple[Array, Array]:
    """What every player adds when they come one after the other, and how that moves with rows."""
    values = [game(frozenset(order[:k])) for k in range(len(order) + 1)]
    means = np.diff([value.means for value in values], axis=0)
    rows = max(len(value.pulls) for value in values)
    pulls = np.stack([np.broadcast_to(v.pulls, (rows, len(EVENTS))) for v in values])
    place = np.argsort(order)
    return means[place], np.diff(pulls, axis=0)[place]
