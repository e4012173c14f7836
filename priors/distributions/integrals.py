"""Integrals of log-concave functions."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Curve = Callable[[Array], Array]
Test = Callable[[Array], NDArray[np.bool_]]

# Nats below the peak at which one panel ends and the next begins. Within a panel the function
# falls by a known amount, so that a low polynomial follows it, be it a bell, a ramp or a plateau
# with a cliff; what lies below the last level is negligible.
_LEVELS = np.array([1e-8, 1e-6, 1e-4, 1e-3, 1e-2, 0.1, 0.3, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 50.0])
_CELLS = 64  # of a panel
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(4)
_PLACED = 2.0**-40  # of its distance from the peak: as near as the end of a panel has to be
_HALVINGS = 1100  # from 1 to the smallest float
_SHARES = np.arange(1, 16) / 16


@dataclass(frozen=True)
class Cells:
    """A density cut into cells, for its integral and its quantiles.

    Attributes
    ----------
    edges : (n + 1,) array
    masses : (n,) array
        The share of the integral in each cell.
    slopes : (n, 2) array
        Normalized densities just inside the two ends of each cell.
    log_integral : float
        In nats.
    """

    edges: Array
    masses: Array
    slopes: Array
    log_integral: float

    def quantile(self, u: Array) -> Array:
        """Return the place below which a share u of the density lies, from the nearer end."""
        u = np.clip(np.asarray(u, dtype=np.float64), 0.0, 1.0)
        return np.asarray(np.where(u < 0.5, self._above(u), self._below(1.0 - u)))

    def upper_quantile(self, u: Array) -> Array:
        """Return the place above which a share u of the density lies."""
        u = np.clip(np.asarray(u, dtype=np.float64), 0.0, 1.0)
        return np.asarray(np.where(u < 0.5, self._below(u), self._above(1.0 - u)))

    def _above(self, u: Array) -> Array:
        return _place(u, self.edges, self.masses, self.slopes)

    def _below(self, u: Array) -> Array:
        return -_place(u, -self.edges[::-1], self.masses[::-1], self.slopes[::-1, ::-1])


def _place(u: Array, edges: Array, masses: Array, slopes: Array) -> Array:
    """Read a quantile off by Hermite's cubic through both ends of its cell."""
    cumulative = np.concatenate([[0.0], np.cumsum(masses)])
    k = np.clip(np.searchsorted(cumulative, u, side="right") - 1, 0, len(masses) - 1)
    low, width, mass = edges[k], edges[k + 1] - edges[k], masses[k]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        t = np.where(mass > 0.0, np.clip((u - cumulative[k]) / mass, 0.0, 1.0), 0.5)
        starts, ends = (mass / (slopes[k, side] * width) for side in (0, 1))
    # It rises because the densities at the two ends hardly differ; a straight line where they do.
    bent = np.isfinite(starts) & np.isfinite(ends) & (starts < 3.0) & (ends < 3.0)
    starts, ends = (np.where(bent, s, 1.0) for s in (starts, ends))
    share = t * t * (3.0 - 2.0 * t) + t * (1.0 - t) * (starts * (1.0 - t) - ends * t)
    return np.asarray(low + width * np.clip(share, 0.0, 1.0))


def concave_cells(log_f: Curve, slope: Curve, low: float, high: float) -> Cells:
    """Integrate exp(log_f) over an interval whose upper end is finite.

    Parameters
    ----------
    log_f : callable
        Concave, in nats.
    slope : callable
        Its derivative, at inner points.
    low, high : float
        The lower end may be minus infinity.

    Returns
    -------
    Cells

    Examples
    --------
    >>> cells = concave_cells(lambda x: -x, lambda x: np.full_like(x, -1.0), 0.0, 100.0)
    >>> abs(cells.log_integral) < 1e-12, float(cells.quantile(np.array(0.5)).round(3))
    (True, 0.693)
    """
    if low == -inf:
        # Concave and not rising for ever to the left: far enough out, it rises to the right.
        low = _walk_left(lambda x: slope(x) <= 0.0, high)
        peak = _boundary(lambda x: slope(x) > 0.0, low, high)
        floor = float(log_f(np.array(peak))) - _LEVELS[-1]
        low = _walk_left(lambda x: log_f(x) > floor, peak)
    else:
        peak = _boundary(lambda x: slope(x) > 0.0, low, high)
    top = float(log_f(np.array(peak)))
    left, right = _crossings(log_f, top, peak, (low, high))
    panels = np.concatenate([left[::-1], [peak], right])
    # Where rounding swamps a drop as small as the first levels, their places may be out of order.
    panels = np.unique(np.maximum.accumulate(panels))
    if len(panels) == 1:  # narrower than neighboring floats
        panels = np.array([np.nextafter(panels[0], -inf), panels[0]])
    steps = np.arange(_CELLS) / _CELLS
    inner = panels[:-1, None] + np.diff(panels)[:, None] * steps
    edges = np.append(inner.ravel(), panels[-1])
    half = np.diff(edges) / 2
    x = np.clip(edges[:-1, None] + half[:, None] * (1 + _NODES), low, high)
    masses = half * (np.exp(log_f(x) - top) @ _WEIGHTS)
    total = float(masses.sum())
    heights = np.exp(log_f(np.clip(edges, low, high)) - top) / total
    slopes = np.stack([heights[:-1], heights[1:]], axis=1)
    return Cells(edges, masses / total, slopes, top + log(total))


def _walk_left(beyond: Test, start: float) -> float:
    """Go left in growing steps while a condition holds."""
    step = 1.0
    while bool(beyond(np.array(start - step))):
        step *= 2.0
    return start - step


def _boundary(holds: Test, low: float, high: float) -> float:
    """Find where a condition that holds on the left ceases to, to the last bit."""
    for _ in range(_HALVINGS):
        places = low + (high - low) * _SHARES
        places = places[(low < places) & (places < high)]
        if not len(places):
            break
        edges = np.concatenate([[low], places, [high]])
        first = int(np.argmin(np.append(holds(places), False)))  # place where it does not hold
        low, high = float(edges[first]), float(edges[first + 1])
    return low + (high - low) / 2


def _crossings(log_f: Curve, top: float, peak: float, ends: tuple[float, float]) -> Array:
    """Find where the function has fallen by each level, from its peak towards either end."""
    far = np.repeat(np.array(ends)[:, None], len(_LEVELS), axis=1)
    near = np.full_like(far, peak)
    for _ in range(_HALVINGS):
        places = near[..., None] + (far - near)[..., None] * _SHARES
        if (np.abs(far - near) <= _PLACED * np.abs(far - peak)).all():
            break
        edges = np.concatenate([near[..., None], places, far[..., None]], axis=2)
        if ((places == near[..., None]) | (places == far[..., None])).all():
            break
        above = top - log_f(places) < _LEVELS[:, None]
        first = np.argmin(np.concatenate([above, np.zeros_like(above[..., :1])], axis=2), axis=2)
        near, far = (
            np.take_along_axis(edges, first[..., None] + side, axis=2)[..., 0] for side in (0, 1)
        )
    return far
