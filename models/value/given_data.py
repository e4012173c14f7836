"""What learning an uncertain number is worth, from the draws at hand.

E[odds | number] is a curve fitted to the posterior draws: given-data estimation, as Strong, Oakley
and Brennan (2014) do it, with a natural cubic spline in the number's normal score. A curve fitted
and judged on the same draws finds value in noise. So each draw is judged by a curve that was
fitted without it, which makes the estimate one from below with an error that can be told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.story.events import probabilities, sides_of
from storyodds.models.value.decisions import WITHHELD, Stakes, worth_of_fates

Array = NDArray[np.float64]

BATCHES = 32  # of draws, whose spread gives the standard error: 32 place it within an eighth
_FOLDS = 8  # of the cross-validation: each fit still sees seven eighths of the draws
_KNOTS = ndtri((0.05, 0.275, 0.5, 0.725, 0.95))  # Harrell's choice for five


@dataclass(frozen=True)
class Gains:
    """What some things are worth finding out, each with its Monte Carlo standard error."""

    amount: Array
    error: Array


@dataclass(frozen=True)
class NumberGains:
    """What learning numbers is worth, in bits about odds and for a decision where one is made.

    Amounts may be below 0, where a fitted curve does worse than none.
    """

    bits: Gains
    worth: Gains | None


def number_gains(
    assessment: Assessment,
    numbers: Sequence[int],
    of: str,
    stakes: Stakes | None = None,
) -> NumberGains:
    """Estimate what learning the value of each number is worth.

    Parameters
    ----------
    assessment : Assessment
    numbers : sequence of int
    of : str
        What bits are about, of `events.ODDS`.
    stakes : mapping of str to float, optional

    Returns
    -------
    NumberGains
    """
    quantities = assessment.exact
    values, batches = np.asfortranarray(quantities.values), batches_of(len(quantities.values))
    names, signs = sides_of(of).signs()
    part, whole = (
        signs @ probabilities(quantities.graph, quantities.values, quantities.outcomes, names).T
    )
    # Odds given being deployed are of the posterior given that.
    counts = quantities.weights * whole
    counts = counts / counts.sum() if counts.sum() > 0 else quantities.weights
    chance = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    folded = _folded(chance, counts)
    gain = None
    if stakes is not None:
        better = quantities.fates @ worth_of_fates(stakes) - stakes.get(WITHHELD, 0.0)
        gain = _folded(better, quantities.weights)
    bits, worth = [], []
    for number in numbers:
        basis = _spline(_score(values[:, number], counts))
        fitted = _cross_fitted(basis, folded)
        bits.append(_mean(_bits(folded.y, fitted, counts), counts, batches))
        if gain is not None:
            basis = _spline(_score(values[:, number], quantities.weights))
            fitted, y = _cross_fitted(basis, gain), gain.y
            chosen = y * ((fitted > 0) ^ (quantities.weights @ y > 0)) * np.sign(fitted)
            worth.append(_mean(chosen, quantities.weights, batches))
    return NumberGains(_gathered(bits), None if stakes is None else _gathered(worth))


def batches_of(n: int) -> list[slice]:
    """Cut draws, one after the other, into batches from which errors are taken."""
    edges = np.linspace(0, n, min(BATCHES, n) + 1).astype(int).tolist()
    return [slice(first, last) for first, last in pairwise(edges)]


def _gathered(pairs: Sequence[tuple[float, float]]) -> Gains:
    table = np.array(pairs).reshape(-1, 2)
    return Gains(table[:, 0], table[:, 1])


def _score(x: Array, weights: Array) -> Array:
    """The normal score of every draw: what a standard normal has at its rank."""
    order = np.argsort(x)
    rising = np.append(True, np.diff(x[order]) > 0)
    share = np.add.reduceat(weights[order], np.flatnonzero(rising))
    middle = np.cumsum(share) - share / 2
    score = ndtri(np.clip(middle / share.sum(), 1e-6, 1 - 1e-6))
    out = np.empty(len(x))
    out[order] = score[np.cumsum(rising) - 1]
    return out


def _spline(z: Array) -> Array:
    """A natural cubic spline's basis: a constant, a line, and curves that end in lines."""
    last, next_to_last = _KNOTS[-1], _KNOTS[-2]

    *beyond, next_bend, last_bend = (_cubed(np.maximum(z - knot, 0)) for knot in _KNOTS)
    to_line = (next_bend - last_bend) / (last - next_to_last)
    bends = [
        (bend - last_bend) / (last - knot) - to_line
        for knot, bend in zip(_KNOTS[:-2], beyond, strict=True)
    ]
    return np.stack([np.ones_like(z), z, *bends])


def _cubed(x: Array) -> Array:
    return x * x * x  # as a power it takes many times as long


@dataclass(frozen=True)
class _Folded:
    """What curves are fitted to, in folds: each draw is judged by what the others say.

    Attributes
    ----------
    y, weights : (n_draws,) array
    folds : tuple of slice
    least, most : (n_draws,) array
        The range of the data in the other folds.
    """

    y: Array
    weights: Array
    folds: tuple[slice, ...]
    least: Array
    most: Array


def _folded(y: Array, weights: Array) -> _Folded:
    edges = -(-np.arange(_FOLDS + 1) * len(y) // _FOLDS)
    folds = tuple(slice(first, last) for first, last in pairwise(edges.tolist()))
    counted = weights > 0
    least = [y[fold].min(where=counted[fold], initial=0.0) for fold in folds]
    most = [y[fold].max(where=counted[fold], initial=1.0) for fold in folds]
    low = [min(least[:k] + least[k + 1 :]) for k in range(_FOLDS)]
    high = [max(most[:k] + most[k + 1 :]) for k in range(_FOLDS)]
    return _Folded(y, weights, folds, *(np.repeat(x, np.diff(edges)) for x in (low, high)))


def _cross_fitted(basis: Array, folded: _Folded) -> Array:
    """Every draw's value on the curve fitted to the other folds, within the range of the data."""
    stacked, weighted = np.vstack([basis, folded.y]), basis * folded.weights
    # What each fold adds to the normal equations, so that every draw is gone through once.
    added = np.array([stacked[:, fold] @ weighted[:, fold].T for fold in folded.folds])
    normal = np.tensordot(1 - np.eye(_FOLDS), added, axes=1)
    curves = normal[:, -1:] @ np.linalg.pinv(normal[:, :-1], rcond=1e-12)
    fitted = [curve[0] @ basis[:, fold] for curve, fold in zip(curves, folded.folds, strict=True)]
    return np.asarray(np.clip(np.concatenate(fitted), folded.least, folded.most))


def _bits(chance: Array, fitted: Array, weights: Array) -> Array:
    """By how much the curve foretells better than the mean does, in bits, by draw."""
    mean = float(weights @ chance)
    if not 0 < mean < 1:
        return np.zeros(len(chance))
    fitted = np.clip(fitted, 1e-9, 1 - 1e-9)
    yes, no = np.log2(fitted / mean), np.log2((1 - fitted) / (1 - mean))
    return np.asarray(chance * yes + (1 - chance) * no)


def _mean(x: Array, weights: Array, batches: Sequence[slice]) -> tuple[float, float]:
    """A weighted mean and its standard error, from batches."""
    mean, n = float(weights @ x), len(batches)
    off = np.add.reduceat(weights * (x - mean), [batch.start for batch in batches])
    return mean, float(np.sqrt(np.sum(np.square(off)) * n / max(1, n - 1)))
