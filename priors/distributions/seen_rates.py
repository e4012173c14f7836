"""Counts whose rate is a product of two uncertain probabilities.

What is seen of a deployment happens at a rate of the model times the share of its conduct that
shows. Both are uncertain and independent; `log_marginal` averages the probability of a count over
both. It is a sum over the two logits by Gauss's rule on panels that are as narrow as the priors
ask for, and as the count does around the rate that fits it best: so digits are kept where the
count is vastly less likely than not, and where it moves the rate by many orders of magnitude.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import expm1, inf, log, sqrt
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, log_expit, logit, logsumexp

from storyodds.priors.distributions.beta_functions import log_binomial_coefficients
from storyodds.priors.distributions.families import Mixture, Point, RateLike, rate_like
from storyodds.priors.distributions.log_pool import LogPool

Array = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(10)
# Widths of panels: of the scale near what they are centered at, of the distance farther out. Ten
# nodes follow an exponential that rises by exp(5) in a panel to twelve digits.
_NEAR, _FAR = 0.5, 0.25
_NEGLIGIBLE = 800.0  # nats below the top of a prior: exp of less is 0
_ROUNDING = 45.0  # nats below a sum: thousands of such terms are no digit of it
_FARTHEST = 1e7  # logits: a prior flatter than that has all of its mass at 0 and 1
_SIDE = np.concatenate([np.arange(0.0, 4.0, 0.5), 4.0 * 1.3 ** np.arange(40)])
_LADDER = np.concatenate([-_SIDE[:0:-1], _SIDE])  # steps from the rate that fits best

_CELLS = 2**20  # of float64 arrays: draws times nodes that are summed at once

Side = Literal["rate", "visibility"]
_OTHER: Mapping[Side, Side] = {"rate": "visibility", "visibility": "rate"}


class _Dense(Protocol):
    """A distribution that has a density: any but a single value."""

    def quantile(self, u: Array) -> Array: ...

    def log_density_unconstrained(self, z: Array) -> Array: ...


@dataclass(frozen=True)
class Count:
    """How many incidents there were, in so many episodes or in so much time.

    Attributes
    ----------
    hits : int
    trials : int
        Episodes.
    time : float or None
        In units of which the rate is that of one; in the place of episodes.
    """

    hits: int
    trials: int
    time: float | None = None

    @property
    def size(self) -> float:
        """Episodes, or units of time."""
        return self.trials if self.time is None else self.time

    @property
    def best(self) -> float:
        """The rate that fits best, half an incident where there was none."""
        return max(self.hits, 0.5) / self.size

    def with_another(self) -> "Count":
        """Return the same with an incident more."""
        return Count(self.hits + 1, self.trials, self.time)

    def log_chance_bound(self, z: Array) -> Array:
        """Log of the most that the count's probability can be, the logit of the rate at most z."""
        best = logit(np.clip(self.hits / self.size, 0.0, 1.0)) if self.hits else -inf
        fitting = np.minimum(z, best)
        return self.log_chance(log_expit(fitting), log_expit(-fitting))

    def log_chance(self, log_rate: Array, log_complement: Array) -> Array:
        """Log probability of the count at rates given by their logs and those of 1 - rate."""
        k, n = self.hits, self.trials
        if self.time is None and k > n:
            return np.full(np.shape(log_rate), -inf)
        yes = k * log_rate if k else 0.0
        if self.time is not None:
            # Not k log(rate T) - rate T alone: for many incidents the two would cancel.
            expected = np.exp(log_rate) * self.time
            return np.asarray(yes + k * log(self.time) - expected - gammaln(k + 1.0))
        no = (n - k) * log_complement if n > k else 0.0
        ways = float(log_binomial_coefficients(k, n - k))
        return np.asarray(ways + yes + no + np.zeros(np.shape(log_rate)))


def log_marginal(
    rate: RateLike, visibility: RateLike, count: Count, unlike: Side | None = None
) -> float:
    """Average the probability of a count over its rate, which is a product.

    Parameters
    ----------
    rate, visibility : RateLike
        Distributions of the two factors, which are independent.
    count : Count
    unlike : {"rate", "visibility"}, optional
        Weigh the average by 1 minus this factor, as derivatives by its logit do.

    Returns
    -------
    float
        Natural log of the average.

    Examples
    --------
    A rate of 1 in 10 that shows half of the time, in 2 episodes without an incident:

    >>> float(np.exp(log_marginal(Point(0.1), Point(0.5), Count(0, 2))).round(6))
    0.9025
    """
    parts = [
        log(share) + log(other) + _log_marginal(first, second, count, unlike)
        for share, first in _components(rate)
        for other, second in _components(visibility)
    ]
    return min(0.0, float(logsumexp(parts)))


def _components(distribution: RateLike) -> list[tuple[float, RateLike]]:
    if not isinstance(distribution, Mixture):
        return [(1.0, distribution)]
    parts = zip(distribution.weights, distribution.components, strict=True)
    return [(share, rate_like(part)) for share, part in parts]


@lru_cache(maxsize=4096)  # the same findings are asked of every changed story
def _log_marginal(rate: RateLike, visibility: RateLike, count: Count, unlike: Side | None) -> float:
    if unlike is None and count.time is None and count.hits <= count.trials:
        if visibility == Point(1.0):  # closed forms
            return rate.binomial_log_marginal(count.hits, count.trials)
        if rate == Point(1.0):
            return visibility.binomial_log_marginal(count.hits, count.trials)
    if isinstance(rate, Point):  # the outer sum has then one term
        rate, visibility = visibility, rate
        unlike = None if unlike is None else _OTHER[unlike]
    outer, log_mass = _nodes(visibility, [log(count.best) - _log_median(rate)], count)
    bounds = log_mass + count.log_chance_bound(outer)
    total = -inf
    for j in np.argsort(-bounds):
        if bounds[j] < total - _ROUNDING:
            break
        total = float(np.logaddexp(total, log_mass[j] + _log_mean(rate, outer[j], count, unlike)))
    return total


def _log_mean(rate: RateLike, z: float, count: Count, unlike: Side | None) -> float:
    """Average over the rate, the logit of the visibility being z."""
    log_shown, log_hidden = float(log_expit(z)), float(log_expit(-z))
    fit = log(count.best) - log_shown if log_shown > -inf else inf
    inner, log_mass = _nodes(rate, [fit], count)
    happens, not_so = log_expit(inner), log_expit(-inner)
    log_rate = happens + log_shown
    complement = _log_complement(log_rate, not_so, happens + log_hidden)
    chance = count.log_chance(log_rate, complement)
    factor = {"rate": not_so, "visibility": log_hidden}.get(unlike or "", 0.0)
    return float(logsumexp(log_mass + chance + factor))


def _log_median(distribution: RateLike) -> float:
    with np.errstate(divide="ignore"):
        return float(np.log(distribution.quantile(np.array(0.5))))


def log_marginals_at(x: Array, other: RateLike | Array, count: Count) -> tuple[Array, Array]:
    """Average the probability of a count over one factor of its rate, at draws of the other one.

    Parameters
    ----------
    x : (n_draws,) array
        Of the factor that is drawn, whichever of the two it is.
    other : RateLike or (n_draws,) array
        The distribution of the other factor; or draws of it too, over which nothing is averaged.
    count : Count

    Returns
    -------
    tuple of (n_draws,) array
        Natural logs, and their derivatives per unit of the logit of x.

    Examples
    --------
    >>> logs, slopes = log_marginals_at(np.array([0.1]), Point(0.5), Count(0, 2))
    >>> np.exp(logs).round(6), slopes.round(6)
    (array([0.9025]), array([-0.094737]))
    """
    if isinstance(other, np.ndarray):
        with np.errstate(divide="ignore"):
            yes, no = np.log(other)[:, None], np.log1p(-other)[:, None]
        return _at_draws(x, yes, no, np.zeros((1, 1)), count)
    parts = []
    for share, component in _components(other):
        with np.errstate(divide="ignore"):
            fits = log(count.best) - np.log(x[x > 0])
        ends = (float(fits.min()), float(fits.max())) if len(fits) else (inf,)
        z, log_mass = _nodes(component, ends, count)
        factors = log_expit(z)[None], log_expit(-z)[None]
        step = max(1, _CELLS // len(z))
        blocks = [
            _at_draws(x[first : first + step], *factors, log_mass[None], count)
            for first in range(0, len(x), step)
        ]
        logs, slopes = (np.concatenate(side) for side in zip(*blocks, strict=True))
        parts.append((log(share) + logs, slopes))
    by_part = np.array([logs for logs, _ in parts])
    total = logsumexp(by_part, axis=0)
    finite = np.where(np.isfinite(total), total, 0.0)
    slope = (np.exp(by_part - finite) * np.array([slopes for _, slopes in parts])).sum(axis=0)
    return np.minimum(total, 0.0), slope


def _at_draws(
    x: Array, log_shown: Array, log_hidden: Array, log_mass: Array, count: Count
) -> tuple[Array, Array]:
    """Sum over columns at every draw; and the slope of the log of that in the logit of x."""
    with np.errstate(divide="ignore", invalid="ignore"):
        happens, not_so = np.log(x)[:, None], np.log1p(-x)[:, None]
        log_rate = happens + log_shown
        complement = _log_complement(log_rate, not_so, happens + log_hidden)
        chance = log_mass + count.log_chance(log_rate, complement)
        total = logsumexp(chance, axis=1)
        weights = np.exp(chance - np.where(np.isfinite(total), total, 0.0)[:, None])
        moved = count.hits - count.size * np.exp(log_rate)
        if count.time is None:
            moved = moved / np.exp(complement)
        slope = np.where(weights > 0, weights * moved, 0.0).sum(axis=1)
    return total, (1 - x) * slope


def _log_complement(log_rate: Array, not_so: Array, hidden: Array) -> Array:
    """Log of 1 - rate, from whichever of two ways keeps its digits."""
    return np.where(
        log_rate < -1.0,
        np.log1p(-np.exp(np.minimum(log_rate, -1.0))),
        np.logaddexp(not_so, hidden),
    )


def _nodes(distribution: RateLike, log_fits: Sequence[float], count: Count) -> tuple[Array, Array]:
    """Return logits and the logs of the prior mass that each of them stands for.

    Panels end where those of the prior do, and around the value whose log fits the count; of
    several draws, around the least and the largest such value and in between.
    """
    if isinstance(distribution, Point):
        return np.array([logit(distribution.value)]), np.zeros(1)
    edges = own = _edges(distribution)
    step, near = 1.0 / sqrt(count.hits + 1.0), []
    for log_fit in log_fits:
        if np.isfinite(log_fit):
            log_value = min(log_fit, -1e-9)  # one above 1 is out of reach
            near.append(log_value - log(-expm1(log_value)))
            edges = np.concatenate([edges, near[-1] + _LADDER * step])
    if near:
        edges = np.concatenate([edges, np.arange(near[0], near[-1], _SIDE[1] * step)])
    edges = np.unique(np.clip(edges, own[0], own[-1]))
    half = np.diff(edges) / 2
    z = (edges[:-1, None] + half[:, None] * (1 + _NODES)).ravel()
    weights = np.log(half[:, None] * _WEIGHTS).ravel()
    return z, weights + distribution.log_density_unconstrained(z)


@lru_cache(maxsize=1024)
def _edges(distribution: _Dense) -> Array:
    """Cut the logits of a prior into panels, narrow around its middle and where its mass ends."""
    places = logit(distribution.quantile(np.array([1e-3, 0.16, 0.5, 0.84, 0.999])))
    scale = min(1.0, float(places[3] - places[1]) / 2)
    centers = places[[0, 2, 4]]
    low, high, breaks = _reach(distribution, float(centers[1]), scale)
    edges = [low]
    while edges[-1] < high:
        distance = float(np.abs(centers - edges[-1]).min())
        # What lies ahead counts: a wide panel must not step over a center.
        step = max(_NEAR * scale, _FAR * distance / (1 + _FAR))
        edges.append(edges[-1] + step)
    return np.unique(np.clip([*edges, *breaks], low, high))


def _reach(
    distribution: _Dense, middle: float, scale: float
) -> tuple[float, float, tuple[float, ...]]:
    """Between which logits a prior has mass, and where its density jumps."""
    ends = logit(distribution.quantile(np.array([0.0, 1.0])))
    density = distribution.log_density_unconstrained
    top = float(density(np.array(middle)))
    reach = []
    for end, sign in zip(ends, (-1.0, 1.0), strict=True):
        far = 8.0 * scale
        while far < _FARTHEST and density(np.array(middle + sign * far)) > top - _NEGLIGIBLE:
            far *= 2.0
        reach.append(sign * min(sign * end, sign * middle + far))
    breaks = (
        tuple(map(float, logit(distribution.breaks))) if isinstance(distribution, LogPool) else ()
    )
    return reach[0], reach[1], breaks
