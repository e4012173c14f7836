"""What a finding says where its numbers stand in other places of the story too.

A rate, relevance or bit count that serves one finding alone is integrated out of its likelihood.
One that stands elsewhere as well is a number of the story, so that the likelihood depends on it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlog1py, xlogy

from storyodds.models.engine.arithmetic import log_sum_exp
from storyodds.models.posterior.evidence import (
    ItemLikelihood,
    collapsed,
    collapsed_table,
    count_of,
    seen_parts,
)
from storyodds.models.story.graph import EvidenceItem
from storyodds.priors.distributions.beta_functions import log_binomial_coefficients
from storyodds.priors.distributions.families import LN2, Distribution, Point, RateLike
from storyodds.priors.distributions.seen_rates import log_marginals_at

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SharedRates:
    """The likelihood of one finding as a function of the numbers that it shares.

    Attributes
    ----------
    item : EvidenceItem
    own : ItemLikelihood
        What its own numbers come to; those that it shares are not read from here.
    shared : mapping of str to int
        By key, the number of the story that is its rate or its bits.
    shown : mapping of str to int
        By key, the number of the story that is its visibility.
    parts : mapping of str to (RateLike, RateLike)
        By key, the distributions of the rate and the visibility of an exposure.
    relevance : int or None
        The number of the story that is its relevance, where that is shared.
    """

    item: EvidenceItem
    own: ItemLikelihood
    shared: Mapping[str, int]
    shown: Mapping[str, int]
    parts: Mapping[str, tuple[RateLike, RateLike]]
    relevance: int | None

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers of the story that the likelihood depends on."""
        more = () if self.relevance is None else (self.relevance,)
        return frozenset([*self.shared.values(), *self.shown.values(), *more])

    def at(self, values: Array) -> Array:
        """Log likelihoods at draws of the numbers, (n_draws, n_hypotheses), in nats."""
        face, blind, relevance = self._parts(values)
        with np.errstate(divide="ignore"):
            relevant, irrelevant = np.log(relevance), np.log1p(-relevance)
        mixed = {key: np.logaddexp(relevant + on, irrelevant + blind) for key, on in face.items()}
        return np.stack([mixed[key] for key in self.item.keys], axis=1)

    def slopes(self, values: Array) -> list[tuple[int, Array]]:
        """By number, the derivative of `at` per logit or per bit, (n_draws, n_hypotheses)."""
        face, blind, relevance = self._parts(values)
        total = self.at(values)
        finite = np.where(np.isfinite(total), total, 0.0)
        slopes = []
        for key, number, factor in self._factors(values):
            moved = factor * np.exp(face[key])
            on = np.array([hypothesis == key for hypothesis in self.item.keys], dtype=float)
            share = relevance[:, None] * on
            share = share + (1 - relevance[:, None]) / len(self.item.alternatives)
            slopes.append((number, moved[:, None] * share * np.exp(-finite)))
        if self.relevance is not None:
            spread = relevance * (1 - relevance)
            faces = np.stack([face[key] for key in self.item.keys], axis=1)
            gained = np.exp(faces - finite) - np.exp(blind[:, None] - finite)
            slopes.append((self.relevance, spread[:, None] * gained))
        return slopes

    @property
    def bound(self) -> float:
        """The most that the log likelihood of any hypothesis could be, in nats."""
        if self.item.form == "bayes_factor":  # bits have no upper end
            return np.inf
        count = count_of(self.item)
        best = float(count.log_chance_bound(np.array(np.inf)))
        shared = {*self.shared, *self.shown}
        own = [log for key, log in self.own.log_by_key.items() if key not in shared]
        return max([best, *own])

    def settled(self, distributions: Sequence[Distribution], values: Array) -> list[Distribution]:
        """Distributions in which the shared numbers are fixed at one draw, (n_numbers,)."""
        return _settled(self.numbers, distributions, values)

    def _factors(self, values: Array) -> Iterator[tuple[str, int, Array]]:
        """By key and number, the derivative of the log likelihood at face value."""
        for side, shared in enumerate((self.shared, self.shown)):
            for key, number in shared.items():
                x = values[:, number]
                if self.item.form == "exposure":
                    yield key, number, self._seen(key, side, values)[1]
                elif self.item.form == "counts":
                    yield key, number, self.item.hits - self.item.trials * x
                else:
                    yield key, number, np.full_like(x, LN2)

    def _seen(self, key: str, side: int, values: Array) -> tuple[Array, Array]:
        """Log likelihoods of an exposure at face value, and slopes in its rate or visibility."""
        sides = (self.shared, self.shown)
        other = sides[1 - side].get(key)
        beside = self.parts[key][1 - side] if other is None else values[:, other]
        return log_marginals_at(values[:, sides[side][key]], beside, count_of(self.item))

    def _parts(self, values: Array) -> tuple[dict[str, Array], Array, Array]:
        """By alternative the log likelihood at face value, that of a blind process, relevance."""
        face = {}
        for key, log in self.own.log_by_key.items():
            face[key] = np.full(len(values), log)
            if self.item.form == "exposure" and (key in self.shared or key in self.shown):
                face[key] = self._seen(key, int(key not in self.shared), values)[0]
            elif key in self.shared:
                x = values[:, self.shared[key]]
                counts = self.item.form == "counts"
                face[key] = self._log_binomial(x) if counts else LN2 * x
        blind = log_sum_exp(np.stack(list(face.values())), axis=0) - np.log(len(face))
        relevance = np.full(len(values), self.own.relevance)
        if self.relevance is not None:
            relevance = values[:, self.relevance]
        return face, blind, relevance

    def _log_binomial(self, p: Array) -> Array:
        hits, misses = self.item.hits, self.item.trials - self.item.hits
        ways = log_binomial_coefficients(hits, misses)
        return np.asarray(ways + xlogy(hits, p) + xlog1py(misses, -p))


@dataclass(frozen=True)
class SharedByRow:
    """The same of a finding whose numbers depend on assumptions.

    Attributes
    ----------
    rows : tuple of array or SharedRates
        What it says in each of its rows.
    """

    rows: tuple[Array | SharedRates, ...]

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers of the story that the likelihood depends on."""
        return frozenset().union(*(row.numbers for row in self._shared))

    def at(self, values: Array) -> Array:
        """Log likelihoods at draws of the numbers, (n_draws, n_hypotheses), in nats."""
        parts = [table_at(row, values) for row in self.rows]
        return np.hstack([np.broadcast_to(part, (len(values), part.shape[1])) for part in parts])

    def slopes(self, values: Array) -> list[tuple[int, Array]]:
        """By number, the derivative of `at` per logit or per bit, (n_draws, n_hypotheses)."""
        slopes, first = [], 0
        n_hypotheses = sum(_width(row) for row in self.rows)
        for row in self.rows:
            for number, slope in row.slopes(values) if isinstance(row, SharedRates) else ():
                whole = np.zeros((len(slope), n_hypotheses))
                whole[:, first : first + slope.shape[1]] = slope
                slopes.append((number, whole))
            first += _width(row)
        return slopes

    @property
    def bound(self) -> float:
        """The most that the log likelihood of any hypothesis could be, in nats."""
        bounds = [
            row.bound if isinstance(row, SharedRates) else float(row.max()) for row in self.rows
        ]
        return max(bounds)

    def settled(self, distributions: Sequence[Distribution], values: Array) -> list[Distribution]:
        """Distributions in which the shared numbers are fixed at one draw, (n_numbers,)."""
        return _settled(self.numbers, distributions, values)

    @property
    def _shared(self) -> tuple[SharedRates, ...]:
        return tuple(row for row in self.rows if isinstance(row, SharedRates))


def _width(row: Array | SharedRates) -> int:
    """How many hypotheses there are in one row."""
    return len(row.item.keys) if isinstance(row, SharedRates) else int(row.shape[1])


def _settled(
    numbers: frozenset[int], distributions: Sequence[Distribution], values: Array
) -> list[Distribution]:
    return [
        Point(float(values[i])) if i in numbers else distribution
        for i, distribution in enumerate(distributions)
    ]


Shared = SharedRates | SharedByRow
"""What one evidence item says where it depends on numbers of the story."""
Table = Array | Shared | None
"""What one evidence item says; None for a forecast."""


def with_shared(
    item: EvidenceItem,
    distributions: Sequence[Distribution],
    shared: frozenset[int],
    table: Array | None,
) -> Table:
    """Let an item that shares numbers with other places of the story depend on them.

    Parameters
    ----------
    item : EvidenceItem
    distributions : sequence of Distribution
        Of every number of the story.
    shared : frozenset of int
        Numbers that stand in several places of the story.
    table : array or None
        What the item says with all of its numbers integrated out; None for a forecast.
    """
    if table is None or shared.isdisjoint(item.reading):
        return table
    if not item.rows:
        return _shared_rates(item, distributions, shared)
    return SharedByRow(
        tuple(
            collapsed_table(row, distributions)
            if shared.isdisjoint(row.reading)
            else _shared_rates(row, distributions, shared)
            for _, row in item.rows
        )
    )


def _shared_rates(
    item: EvidenceItem, distributions: Sequence[Distribution], shared: frozenset[int]
) -> SharedRates:
    rates, shown = (
        {key: number for key, number in table.items() if number in shared}
        for table in (item.numbers, item.visibilities)
    )
    keys = item.numbers if item.form == "exposure" else ()
    parts = {key: seen_parts(item, key, distributions) for key in keys}
    relevance = item.relevance if item.relevance in shared else None
    return SharedRates(item, collapsed(item, distributions), rates, shown, parts, relevance)


def table_at(table: Array | Shared, values: Array) -> Array:
    """What an item says at draws of the numbers, (1 or n_draws, n_hypotheses), in nats."""
    return table.at(values) if isinstance(table, Shared) else table
