"""The logarithmic pool of densities that have no closed form together.

The pool is the weighted geometric mean of its parts' densities, normalized. Which variable the
densities are taken over does not matter: going from a probability to its logit multiplies every
part's density by the same Jacobian, and because the weights sum to 1 the geometric mean is
multiplied by that Jacobian too, as the density of any one variable is. So everything here happens
on the unconstrained scale: the logit of a probability, bits themselves.

The pool is tabulated once: cells so narrow that the log density changes by less than a hundredth
or so within one, integrated by Gauss's rule of four nodes. Quantiles are read off by cubic
interpolation with the density as slope. Integrals are good to 1e-10 or so, and the
share of the pool below a quantile to 1e-6.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import inf, isfinite, log
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from storyodds.priors.distributions.beta_functions import log_binomial
from storyodds.priors.distributions.integrals import Cells
from storyodds.priors.distributions.means import MeansOfOneTrial

if TYPE_CHECKING:  # which imports this module
    from storyodds.priors.distributions.families import Continuous

Array = NDArray[np.float64]
Curve = Callable[[Array], Array]

LN2 = log(2.0)
_NEGLIGIBLE = 50.0  # nats below the peak at which a density is cut off
_STEP = 0.05  # nats by which the log density may change within a cell
_BEND = 1e-3  # nats by which it may depart from a line there
_MAX_CELLS = 200_000  # cells
_HALVINGS = 200  # of halving
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(4)
_SEEDS = np.concatenate([10.0 ** np.arange(-12, -1), np.linspace(0.02, 0.98, 49)])
_NARROWEST = 1e-9  # logits or bits between which the middle 68 % of a judgment lie, at least
_ROUNDING = 1e-8  # nats that the log density of a pool may be off by at its peak
_ZOOMS = 12  # each to a sixteenth of what was looked at before
_INSIDE = 1e-7  # of a cell: where its ends are looked at, so that a jump lies on one side only


@dataclass(frozen=True)
class Table(Cells):
    """A density over an unconstrained variable, cut into cells.

    Attributes
    ----------
    mean : float
        Of the variable.
    """

    mean: float


@dataclass(frozen=True)
class LogPool(MeansOfOneTrial):
    """A logarithmic pool, tabulated.

    Attributes
    ----------
    weights : tuple of float
        They sum to 1.
    components : tuple of Continuous
        Parts of at least two families; others pool in closed form.
    bits : bool
        Whether the number is in bits; a probability otherwise.
    low, high : float
        Between which the number lies.
    breaks : tuple of float
        Numbers at which the density of a part jumps.
    """

    weights: tuple[float, ...]
    components: "tuple[Continuous, ...]"
    bits: bool
    low: float
    high: float
    breaks: tuple[float, ...] = ()

    def mean(self) -> float:
        """Return the mean of the number itself."""
        return _tabulate(self).mean if self.bits else super().mean()

    @property
    def log_normalizer(self) -> float:
        """Log of the integral of the weighted geometric mean of the parts' densities."""
        return _tabulate(self).log_integral

    def _log_mean(self, z: Array) -> Array:
        """Log of the weighted geometric mean of the parts' densities."""
        parts = zip(self.weights, self.components, strict=True)
        total = sum(w * part.log_density_unconstrained(z) for w, part in parts)
        x = self._number(z)
        return np.asarray(np.where((x < self.low) | (x > self.high), -inf, total))

    def _number(self, z: Array) -> Array:
        return np.asarray(z) if self.bits else np.asarray(expit(z))

    def quantile(self, u: Array) -> Array:
        """Return the number itself at probabilities u."""
        return np.clip(self._number(_tabulate(self).quantile(u)), self.low, self.high)

    def log_density_unconstrained(self, z: Array) -> Array:
        """Return the log density of the logit, or of the bits."""
        return np.asarray(self._log_mean(np.asarray(z)) - self.log_normalizer)

    def gradient_unconstrained(self, z: Array) -> Array:
        """Return the slope of that."""
        parts = zip(self.weights, self.components, strict=True)
        return np.asarray(sum(w * part.gradient_unconstrained(z) for w, part in parts))

    def binomial_log_marginal(self, hits: int, trials: int) -> float:
        """Return log of the mean probability of so many hits."""
        return _given_binomial(self, hits, trials).log_integral - self.log_normalizer

    def draw_given_binomial(self, u: Array, hits: int, trials: int) -> Array:
        """Return quantiles of the rate, so many hits having been seen."""
        z = _given_binomial(self, hits, trials).quantile(u)
        return np.clip(self._number(z), self.low, self.high)

    def exp2_log_mean(self) -> float:
        """Log of the mean of 2**bits."""
        return _given_exp2(self).log_integral - self.log_normalizer

    def draw_given_exp2(self, u: Array) -> Array:
        """Return quantiles of the bits, weighted by 2**bits."""
        return _given_exp2(self).quantile(u)


@lru_cache(maxsize=128)
def precision_mistake(pool: LogPool) -> str | None:
    """Describe what keeps a pool from being computed to many digits, if anything does.

    Far out, where judgments that are far apart would meet, their log densities are large numbers,
    of which the pool keeps the small differences; and a judgment may be so narrow that neighboring
    floats are on both sides of it.

    Returns
    -------
    str or None
    """
    u = np.array([0.16, 0.5, 0.84])
    for part in pool.components:
        x = part.quantile(u)
        with np.errstate(divide="ignore"):
            z = x if pool.bits else np.asarray(logit(x))
        if np.isfinite(z).all() and z[2] - z[0] < _NARROWEST * max(1.0, abs(float(z[1]))):
            return (
                f"found a judgment around {x[1]:.6g} that is as good as fixed in a logarithmic "
                "pool, expected wider ones, or fixed values alone"
            )
    z = _peak(pool)
    with np.errstate(invalid="ignore"):
        parts = zip(pool.weights, pool.components, strict=True)
        sizes = [
            w * (abs(part.log_density_unconstrained(z)) + abs(part.gradient_unconstrained(z) * z))
            for w, part in parts
        ]
    rounding = float(np.sum(sizes)) * float(np.finfo(np.float64).eps)
    if not rounding <= _ROUNDING:
        return (
            "found judgments in a logarithmic pool that are too far apart for what they have in "
            "common to be computed, expected wider ones, or 'method: linear'"
        )
    return None


def _peak(pool: LogPool) -> Array:
    """About where the pool is densest."""
    walls = _walls(pool)
    z = np.unique(np.concatenate([_seeds(pool), walls[np.isfinite(walls)]]))
    top, peak = -inf, z[len(z) // 2]
    for _ in range(_ZOOMS):
        heights = pool._log_mean(z)
        heights = np.where(np.isnan(heights), -inf, heights)
        best = int(np.argmax(heights))
        if heights[best] > top:
            top, peak = float(heights[best]), z[best]
        z = np.linspace(z[max(best - 1, 0)], z[min(best + 1, len(z) - 1)], 33)
    return np.asarray(peak)


@lru_cache(maxsize=128)
def _tabulate(pool: LogPool) -> Table:
    return tabulate(pool._log_mean, _walls(pool), _seeds(pool))


@lru_cache(maxsize=128)
def _given_binomial(pool: LogPool, hits: int, trials: int) -> Table:
    def log_f(z: Array) -> Array:
        return np.asarray(pool._log_mean(z) + log_binomial(hits, trials - hits, z))

    middle = float(logit((hits + 0.5) / (trials + 1.0)))
    width = (trials + 1.0) / np.sqrt((hits + 0.5) * (trials - hits + 0.5))
    near = middle + width * np.linspace(-8.0, 8.0, 65)
    return tabulate(log_f, _walls(pool), np.concatenate([_seeds(pool), near]))


@lru_cache(maxsize=128)
def _given_exp2(pool: LogPool) -> Table:
    return tabulate(lambda z: pool._log_mean(z) + LN2 * z, _walls(pool), _seeds(pool))


def _walls(pool: LogPool) -> Array:
    """Both ends of the variable, and the jumps between them."""
    x = np.array(sorted({pool.low, pool.high, *pool.breaks}))
    return x if pool.bits else np.asarray(logit(x))


def _seeds(pool: LogPool) -> Array:
    """Places near which some part of the pool has its mass, and some between them."""
    places: list[Array] = []
    u = np.concatenate([_SEEDS, 1.0 - _SEEDS])
    for part in pool.components:
        x = part.quantile(u)
        with np.errstate(divide="ignore"):
            places.append(x if pool.bits else np.asarray(logit(x)))
    z = np.concatenate(places)
    z = z[np.isfinite(z)]
    return np.concatenate([z, np.linspace(z.min(), z.max(), 201)])


def tabulate(log_f: Curve, walls: Array, seeds: Array) -> Table:
    """Integrate exp(log_f), which may have several peaks and may jump at the walls.

    Parameters
    ----------
    log_f : callable
        In nats; minus infinity where there is nothing.
    walls : (n,) array
        Both ends, which may be infinite, and the jumps between them, in order.
    seeds : (m,) array
        Places to look for peaks at.

    Returns
    -------
    Table

    Examples
    --------
    >>> table = tabulate(lambda z: -0.5 * z**2, np.array([-np.inf, np.inf]), np.arange(-3.0, 4.0))
    >>> bool(abs(table.log_integral - 0.5 * np.log(2 * np.pi)) < 1e-12)
    True
    >>> float(table.quantile(np.array(0.975)).round(6))
    1.959964
    """
    inner = walls[np.isfinite(walls)]
    edges = np.unique(np.concatenate([seeds, inner]))
    edges = edges[(edges >= walls[0]) & (edges <= walls[-1])]
    edges = np.concatenate([*_beyond(log_f, walls, edges)])
    edges, left, right = _refined(log_f, edges)
    top = max(left.max(), right.max())
    half = np.diff(edges) / 2
    z = edges[:-1, None] + half[:, None] * (1 + _NODES)
    heights = np.exp(log_f(z) - top)
    masses = half * (heights @ _WEIGHTS)
    kept = slice(int(np.argmax(masses > 0)), len(masses) - int(np.argmax(masses[::-1] > 0)))
    edges, masses = edges[kept.start : kept.stop + 1], masses[kept]
    total = float(masses.sum())
    slopes = np.exp(np.stack([left[kept], right[kept]], axis=1) - top) / total
    mean = float(half @ ((heights * z) @ _WEIGHTS)) / total
    return Table(edges, masses / total, slopes, float(top) + log(total), mean)


def _beyond(log_f: Curve, walls: Array, edges: Array) -> Iterator[Array]:
    """Go out from the seeds, in growing steps, until nothing is left."""
    top = float(np.max(log_f(edges)))
    span = float(edges[-1] - edges[0]) or 1.0
    for end, sign, wall in ((edges[0], -1.0, walls[0]), (edges[-1], 1.0, walls[-1])):
        out, step = [], span / 64
        while not isfinite(wall) and isfinite(end + sign * step):
            end += sign * step
            out.append(end)
            height = float(log_f(np.array(end)))
            if not height >= top - _NEGLIGIBLE:
                break
            top, step = max(top, height), step * 1.5
        yield np.array(out[::-1] if sign < 0 else out)
        if sign < 0:
            yield edges


def _refined(log_f: Curve, edges: Array) -> tuple[Array, Array, Array]:
    """Halve cells until the log density is all but straight and level in each that matters.

    Returns
    -------
    edges : (n + 1,) array
    left, right : (n,) array
        The log density just inside both ends of each cell.
    """
    for _ in range(_HALVINGS):
        width = np.diff(edges)
        middle = edges[:-1] + width / 2
        left, center, right = (
            log_f(place)
            for place in (edges[:-1] + _INSIDE * width, middle, edges[1:] - _INSIDE * width)
        )
        highest = np.maximum(np.maximum(left, right), center)
        matters = highest > highest.max() - _NEGLIGIBLE
        with np.errstate(invalid="ignore"):
            rough = (np.abs(right - left) > _STEP) | (np.abs(left + right - 2 * center) > 2 * _BEND)
        rough |= np.isneginf(left) != np.isneginf(right)
        split = matters & rough & (middle > edges[:-1]) & (middle < edges[1:])
        if not split.any() or len(edges) > _MAX_CELLS:
            break
        edges = np.sort(np.concatenate([edges, middle[split]]))
    return edges, left, right
