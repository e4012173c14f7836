"""What learning an uncertain number is worth, from the draws at hand.

E[fate | number] is a curve fitted to the posterior draws: given-data estimation, as Strong, Oakley
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

from storyodds.models.assessment import Assessment
from storyodds.models.choices import SUCCESS, WITHHELD, Stakes, worth_of_fates
from storyodds.models.quantities import derive

Array = NDArray[np.float64]

_FOLDS = 8
_KNOTS = ndtri((0.05, 0.275, 0.5, 0.725, 0.95))  # Harrell's choice for five


@dataclass(frozen=True)
class Gains:
    """What some things are worth finding out, each with its Monte Carlo standard error."""

    amount: Array
    error: Array


@dataclass(frozen=True)
class NumberGains:
    """What learning numbers is worth, in bits about success and for a decision where one is made.

    Amounts may be below 0, where a fitted curve does worse than none.
    """

    bits: Gains
    worth: Gains | None


def number_gains(
    assessment: Assessment,
    numbers: Sequence[int],
    batches: Sequence[slice],
    stakes: Stakes | None = None,
) -> NumberGains:
    """Estimate what learning the value of each number is worth.

    Parameters
    ----------
    assessment : Assessment
    numbers : sequence of int
    batches : sequence of slice
        Of draws, from which errors are taken.
    stakes : mapping of str to float, optional

    Returns
    -------
    NumberGains
    """
    prepared, draws = assessment.prepared, assessment.draws
    fates = {
        own: derive(prepared.graph, draws.values, found.outcomes).fates
        # A number of an evidence item alone bears on the odds only where it is not integrated out.
        for own, found in ((False, assessment.averaged), (True, assessment.exact))
    }
    bits, worth = [], []
    for number in numbers:
        by_draw = fates[number in prepared.own]
        basis = _spline(_score(draws.values[:, number], draws.weights))
        success = by_draw[:, SUCCESS] / by_draw.sum(axis=1)
        fitted = _cross_fitted(basis, success, draws.weights)
        bits.append(_mean(_bits(success, fitted, draws.weights), draws.weights, batches))
        if stakes is not None:
            gain = by_draw @ worth_of_fates(stakes) - stakes.get(WITHHELD, 0.0)
            fitted = _cross_fitted(basis, gain, draws.weights)
            better = gain * ((fitted > 0) ^ (draws.weights @ gain > 0)) * np.sign(fitted)
            worth.append(_mean(better, draws.weights, batches))
    return NumberGains(_gathered(bits), None if stakes is None else _gathered(worth))


def _gathered(pairs: Sequence[tuple[float, float]]) -> Gains:
    table = np.array(pairs).reshape(-1, 2)
    return Gains(table[:, 0], table[:, 1])


def _score(x: Array, weights: Array) -> Array:
    """The normal score of every draw: what a standard normal has at its rank."""
    _, place, counts = np.unique(x, return_inverse=True, return_counts=True)
    share = np.zeros(len(counts))
    np.add.at(share, place, weights)
    middle = np.cumsum(share) - share / 2
    return np.asarray(ndtri(np.clip(middle / share.sum(), 1e-6, 1 - 1e-6))[place])


def _spline(z: Array) -> Array:
    """A natural cubic spline's basis: a constant, a line, and curves that end in lines."""
    last, next_to_last = _KNOTS[-1], _KNOTS[-2]

    *beyond, next_bend, last_bend = (_cubed(np.maximum(z - knot, 0)) for knot in _KNOTS)
    to_line = (next_bend - last_bend) / (last - next_to_last)
    bends = [
        (bend - last_bend) / (last - knot) - to_line
        for knot, bend in zip(_KNOTS[:-2], beyond, strict=True)
    ]
    return np.stack([np.ones_like(z), z, *bends], axis=1)


def _cubed(x: Array) -> Array:
    return x * x * x  # as a power it takes many times as long


def _cross_fitted(basis: Array, y: Array, weights: Array) -> Array:
    """Every draw's value on the curve fitted to the other folds, within the range of the data."""
    edges = -(-np.arange(_FOLDS + 1) * len(y) // _FOLDS)
    folds = [slice(first, last) for first, last in pairwise(edges.tolist())]
    weighted = basis * weights[:, None]
    # What each fold adds to the normal equations, so that every draw is gone through once.
    both = np.column_stack([basis, y])
    added = np.array([weighted[fold].T @ both[fold] for fold in folds])
    known = weights > 0
    least = np.array([y[fold].min(where=known[fold], initial=0.0) for fold in folds])
    most = np.array([y[fold].max(where=known[fold], initial=1.0) for fold in folds])
    out = np.empty(len(y))
    for k, fold in enumerate(folds):
        rest = np.arange(_FOLDS) != k
        normal = added[rest].sum(axis=0)
        curve = np.linalg.lstsq(normal[:, :-1], normal[:, -1], rcond=1e-12)[0]
        out[fold] = np.clip(basis[fold] @ curve, least[rest].min(), most[rest].max())
    return out


def _bits(success: Array, fitted: Array, weights: Array) -> Array:
    """By how much the curve foretells success better than the mean does, in bits, by draw."""
    mean = float(weights @ success)
    if not 0 < mean < 1:
        return np.zeros(len(success))
    fitted = np.clip(fitted, 1e-9, 1 - 1e-9)
    yes, no = np.log2(fitted / mean), np.log2((1 - fitted) / (1 - mean))
    return np.asarray(success * yes + (1 - success) * no)


def _mean(x: Array, weights: Array, batches: Sequence[slice]) -> tuple[float, float]:
    """A weighted mean and its standard error, from batches."""
    mean, n = float(weights @ x), len(batches)
    off = [float(weights[b] @ (x[b] - mean)) for b in batches]
    return mean, float(np.sqrt(np.sum(np.square(off)) * n / max(1, n - 1)))
