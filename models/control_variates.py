"""Weighted draws of events, and what corrects their means and quantiles: control variates.

Where draws are few, the same draws also answer questions whose answers are known; by how much they
miss those says how much they are likely to miss this one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[np.float64]

LEVELS = (0.05, 0.5, 0.95)
_SMALLEST = 1e-300
_ROUNDING = 1e-9  # of a probability: what counts as the same
_ALIKE = 1e-9  # of controls: the least of their axes next to the largest


@dataclass(frozen=True)
class Weighted:
    """Weighted draws of events given a part of the evidence.

    Attributes
    ----------
    weights : (n_draws,) array
        Sum to 1.
    chances : sequence of (n_draws,) array
        P(event), by event, with the findings' own rates integrated out.
    own_weights : (n_draws,) array
        Those of `exact`; sum to 1.
    exact : sequence of (n_draws,) array
        P(event), by event, at draws of these rates.
    ess : float
    pareto_k : float or None
    trusted : bool
        Whether these draws can be relied on.
    """

    weights: Array
    chances: Sequence[Array]
    own_weights: Array
    exact: Sequence[Array]
    ess: float
    pareto_k: float | None
    trusted: bool


def summary(step: Weighted) -> tuple[Array, Array, Array]:
    """Mean, no error, and quantiles, the way an estimate takes them."""
    weights, own = step.weights, step.own_weights
    columns = range(len(step.chances))
    mean = np.array([weights @ step.chances[e] / weights.sum() for e in columns])
    ends = [_quantile(step.exact[e], np.array(LEVELS), own) for e in columns]
    return mean, np.zeros_like(mean), np.stack(ends)


def _quantile(values: Array, levels: Array, weights: Array) -> Array:
    return np.asarray(np.quantile(values, levels, weights=weights, method="inverted_cdf"))


@dataclass(frozen=True)
class _Controls:
    """What draws miss at the ends, where the answer is known.

    Attributes
    ----------
    pulls : sequence of (n_draws,) array
        By end, what each draw adds to the error.
    missed : sequence of float
        By end, by how much the draws miss the answer.
    """

    pulls: Sequence[Array]
    missed: Sequence[float]

    def correction(self, pulls: Array) -> tuple[Array, Array]:
        """How much estimates with such pulls are likely to miss, and what is left of them.

        Parameters
        ----------
        pulls : (n_draws, n_estimates) array
        """
        centered = pulls - pulls.mean(axis=0)
        if not self.pulls:
            return np.zeros(pulls.shape[1]), centered
        across = np.stack([control - control.mean() for control in self.pulls], axis=1)
        slopes = np.linalg.lstsq(across, centered, rcond=_ALIKE)[0]
        return np.array(self.missed) @ slopes, centered - across @ slopes


def corrected(
    steps: Sequence[Weighted], near: Sequence[Weighted], ends: Sequence[Weighted]
) -> list[tuple[Array, Array, Array]]:
    """Means, their errors, and quantiles of steps, corrected by what their draws miss at the ends.

    Parameters
    ----------
    steps : sequence of Weighted
    near : sequence of Weighted
        Both ends, at the same draws.
    ends : sequence of Weighted
        Both ends, at all draws.
    """
    by_event = []
    for e in range(len(near[0].chances)):
        of_mean = _controls_of_mean(near, ends, e)
        known = [_quantile(end.exact[e], np.array(LEVELS), end.own_weights) for end in ends]
        of_levels = [_controls_of_level(near, ends, e, at) for at in zip(*known, strict=True)]
        means, errors = _means(steps, e, of_mean)
        by_event.append(list(zip(means, errors, _at_levels(steps, e, of_levels), strict=True)))
    return [
        (
            np.array([mean for mean, _, _ in step]),
            np.array([error for _, error, _ in step]),
            np.stack([quantiles for _, _, quantiles in step]),
        )
        for step in zip(*by_event, strict=True)
    ]


def _controls_of_mean(near: Sequence[Weighted], ends: Sequence[Weighted], e: int) -> _Controls:
    """On the scale of log odds, where these are defined."""
    pulls, missed = [], []
    for at_hand, end in zip(near, ends, strict=True):
        known, at = _log_odds(end.chances[e], end.weights), at_hand.chances[e]
        found = _log_odds(at, at_hand.weights)
        if np.isfinite(known) and np.isfinite(found):
            pulls.append(_pulls(at, at_hand.weights))
            missed.append(found - known)
    return _Controls(pulls, missed)


def _controls_of_level(
    near: Sequence[Weighted], ends: Sequence[Weighted], e: int, known: Sequence[float]
) -> _Controls:
    """How much of the draws is below the quantiles of the ends."""
    pulls, missed = [], []
    for at_hand, end, at in zip(near, ends, known, strict=True):
        found = _below(at_hand.exact[e], at_hand.own_weights, at)
        pulls.append(_pulls_below(found, at_hand.own_weights))
        missed.append(float(found.sum() - _below(end.exact[e], end.own_weights, at).sum()))
    return _Controls(pulls, missed)


def _means(steps: Sequence[Weighted], e: int, controls: _Controls) -> tuple[Array, Array]:
    """Means and their errors; as they are where their log odds are not defined."""
    means = np.array([step.weights @ step.chances[e] for step in steps])
    odds = np.array([_log_odds(step.chances[e], step.weights) for step in steps])
    errors, known = np.zeros(len(steps)), np.isfinite(odds)
    if known.any():
        some = [step for step, yes in zip(steps, known, strict=True) if yes]
        pulls = [_pulls(step.chances[e], step.weights) for step in some]
        missed, rest = controls.correction(np.stack(pulls, axis=1))
        means[known] = expit(odds[known] - missed)
        errors[known] = np.sqrt(np.sum(rest**2, axis=0)) * means[known] * (1 - means[known])
    return means, errors


def _at_levels(steps: Sequence[Weighted], e: int, controls: Sequence[_Controls]) -> list[Array]:
    """Quantiles of each step, at levels that are corrected."""
    raw = [_quantile(step.exact[e], np.array(LEVELS), step.own_weights) for step in steps]
    missed = []
    for of_level, at in zip(controls, zip(*raw, strict=True), strict=True):
        pulls = [
            _pulls_below(_below(step.exact[e], step.own_weights, x), step.own_weights)
            for step, x in zip(steps, at, strict=True)
        ]
        missed.append(of_level.correction(np.stack(pulls, axis=1))[0])
    levels = np.add(LEVELS, np.transpose(missed))
    levels = np.maximum.accumulate(np.clip(levels, 0.0, 1.0), axis=1)
    return [
        _quantile(step.exact[e], at, step.own_weights)
        for step, at in zip(steps, levels, strict=True)
    ]


def _log_odds(chances: Array, weights: Array) -> float:
    """Natural log odds of a mean; NaN where it is 0 or 1."""
    yes, no = float(weights @ chances), float(weights @ (1 - chances))
    return float(np.log(yes) - np.log(no)) if min(yes, no) > _SMALLEST else np.nan


def _pulls(chances: Array, weights: Array) -> Array:
    """What each draw adds to the error of the log odds of a mean."""
    yes, no = weights * chances, weights * (1 - chances)
    return np.asarray(yes / yes.sum() - no / no.sum())


def _below(x: Array, weights: Array, at: float) -> Array:
    """The weights of draws up to a value, which add up to its level."""
    return np.where(x <= at * (1 + _ROUNDING), weights, 0.0)


def _pulls_below(below: Array, weights: Array) -> Array:
    """What each draw adds to the error of the level of a value, the weights adding up to 1."""
    return np.asarray(below - below.sum() * weights)
