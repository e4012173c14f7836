"""What learning an uncertain number is worth, from the draws at hand.

E[odds | number] is a curve fitted to the posterior draws: given-data estimation, as Strong, Oakley
and Brennan (2014) do it, with natural cubic splines in the number and in its normal score. A curve
fitted and judged on the same draws finds value in noise; one that is judged on other draws loses by
its own noise, to first order as much. So the mean of both is taken, each draw being judged by a
curve that was fitted with it and by one that was fitted without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.engine.quantities import Quantities
from storyodds.models.numerics import weighted_quantile
from storyodds.models.story.events import probabilities, sides_of
from storyodds.models.value.decisions import WITHHELD, Stakes, worth_of_fates
from storyodds.models.value.integrated_numbers import bits_of, lines, worth_of
from storyodds.priors.text.errors import UnsupportedStoryError

Array = NDArray[np.float64]

BATCHES = 32  # of draws, whose spread gives the standard error: 32 place it within an eighth
_FOLDS = 8  # of the cross-validation: each fit still sees seven eighths of the draws
# As many as follow a curve closely; what they add to the noise, both judgments take away.
_SCORE_KNOTS = ndtri(np.linspace(0.02, 0.98, 13))
_VALUE_KNOTS = np.linspace(0.02, 0.98, 7)  # of the range: between judgments of a pool are gaps


@dataclass(frozen=True)
class Gains:
    """What some things are worth finding out, each with its Monte Carlo standard error."""

    amount: Array
    error: Array


@dataclass(frozen=True)
class NumberGains:
    """What learning numbers is worth, in bits about odds and for a decision where one is made.

    Amounts may be below 0 by chance, where there is nothing to learn.
    """

    bits: Gains
    worth: Gains | None


def number_gains(
    assessment: Assessment,
    numbers: Sequence[int],
    of: str,
    stakes: Stakes | None = None,
) -> NumberGains:
    """Work out what learning the value of each number is worth.

    That is an integral where P(event, evidence) is linear in the number, and estimated from the
    draws of all others.

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
    try:
        linear = set(assessment.prepared.integrated)
        linearly = lines(assessment, [number for number in numbers if number in linear], of)
    except UnsupportedStoryError:
        return _from_draws(assessment.exact, numbers, of, stakes)
    rest = [number for number in numbers if number not in linear]
    drawn = _from_draws(assessment.averaged, rest, of, stakes)
    priors = assessment.prepared.distributions
    bits = dict(zip(rest, zip(drawn.bits.amount, drawn.bits.error, strict=True), strict=True))
    bits |= {n: bits_of(linearly, priors[n], k, of) for k, n in enumerate(linearly.numbers)}
    gains = _gathered([bits[number] for number in numbers])
    if stakes is None or drawn.worth is None:
        return NumberGains(gains, None)
    worth = dict(zip(rest, zip(drawn.worth.amount, drawn.worth.error, strict=True), strict=True))
    worth |= {n: worth_of(linearly, priors[n], k, stakes) for k, n in enumerate(linearly.numbers)}
    return NumberGains(gains, _gathered([worth[number] for number in numbers]))


def _from_draws(
    quantities: Quantities, numbers: Sequence[int], of: str, stakes: Stakes | None
) -> NumberGains:
    """Estimate it by curves fitted to draws."""
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
        basis = _basis(values[:, number], counts)
        gained = [_bits(folded.y, fitted, counts) for fitted in _fitted(basis, folded)]
        bits.append(_mean(np.mean(gained, axis=0), counts, batches))
        if gain is not None:
            basis, y = _basis(values[:, number], quantities.weights), gain.y
            deployed = quantities.weights @ y > 0
            chosen = [y * ((f > 0) ^ deployed) * np.sign(f) for f in _fitted(basis, gain)]
            worth.append(_mean(np.mean(chosen, axis=0), quantities.weights, batches))
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


def _basis(x: Array, weights: Array) -> Array:
    """What curves are made of: splines in the normal score of a number, and in the number."""
    in_score = _spline(_score(x, weights), _SCORE_KNOTS)
    low, high = weighted_quantile(x, np.array([0.005, 0.995]), weights)
    if not low < high:
        return in_score
    return np.vstack([in_score, _spline((x - low) / (high - low), _VALUE_KNOTS)[1:]])


def _spline(z: Array, knots: Array) -> Array:
    """A natural cubic spline's basis: a constant, a line, and curves that end in lines."""
    last, next_to_last = knots[-1], knots[-2]

    *beyond, next_bend, last_bend = (_cubed(np.maximum(z - knot, 0)) for knot in knots)
    to_line = (next_bend - last_bend) / (last - next_to_last)
    bends = [
        (bend - last_bend) / (last - knot) - to_line
        for knot, bend in zip(knots[:-2], beyond, strict=True)
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


def _fitted(basis: Array, folded: _Folded) -> tuple[Array, Array]:
    """Every draw's value on the curve fitted to all draws, and on that fitted to other folds."""
    stacked, weighted = np.vstack([basis, folded.y]), basis * folded.weights
    # What each fold adds to the normal equations, so that every draw is gone through once.
    added = np.array([stacked[:, fold] @ weighted[:, fold].T for fold in folded.folds])
    normal = np.tensordot(np.vstack([1 - np.eye(_FOLDS), np.ones(_FOLDS)]), added, axes=1)
    *partial, whole = normal[:, -1:] @ np.linalg.pinv(normal[:, :-1], rcond=1e-12)
    crossed = [curve[0] @ basis[:, fold] for curve, fold in zip(partial, folded.folds, strict=True)]
    targets = folded.y[folded.weights > 0]
    return (
        np.asarray(np.clip(whole[0] @ basis, targets.min(initial=0.0), targets.max(initial=1.0))),
        np.asarray(np.clip(np.concatenate(crossed), folded.least, folded.most)),
    )


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
