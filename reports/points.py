"""Means and quantiles of answers, taken over draws of their own.

Means are of the draws at which everything linear is integrated out, which need fewer and may be
one; medians and intervals are of posterior draws of all numbers. A conditional probability is
summarized over the posterior given its condition, so that its mean is the conditional probability
itself, not an average of ratios.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment import Assessment
from storyodds.models.numerics import weighted_quantile

Array = NDArray[np.float64]
Summary = dict[str, float]

_LEVELS = np.array([0.5, 0.05, 0.95])


@dataclass(frozen=True)
class Points:
    """The weights of two sets of draws.

    Attributes
    ----------
    averaged, exact : array
        Of the draws that means are taken of, and of those that quantiles are taken of.

    Examples
    --------
    >>> points = Points(np.ones(1), np.full(4, 0.25))
    >>> drawn = np.array([0.1, 0.2, 0.2, 0.3])
    >>> points.of(np.array([0.2]), drawn)
    {'mean': 0.2, 'median': 0.2, 'q05': 0.1, 'q95': 0.3}
    >>> points.ratio(np.array([0.2]), np.array([0.4]), drawn, np.full(4, 0.4))["mean"]
    0.5
    """

    averaged: Array
    exact: Array

    @classmethod
    def over(cls, assessment: Assessment) -> "Points":
        """Over all draws of an assessment."""
        return cls(assessment.averaged.weights, assessment.exact.weights)

    def of(self, averaged: Array, exact: Array) -> Summary:
        """Mean of one set of draws; median, 5 and 95 percent points of the other."""
        mean = float(self.averaged @ averaged / self.averaged.sum())
        return _summary(mean, exact, self.exact)

    def ratio(
        self, part: Array, whole: Array, exact_part: Array, exact_whole: Array
    ) -> Summary | None:
        """Summarize P(part | whole); None where `whole` has probability 0."""
        total = float(self.averaged @ whole)
        counts = self.exact * exact_whole
        if not (total > 0 and counts.sum() > 0):
            return None
        possible = counts > 0
        quotient = exact_part[possible] / exact_whole[possible]
        return _summary(float(self.averaged @ part) / total, quotient, counts[possible])


def _summary(mean: float, drawn: Array, weights: Array) -> Summary:
    median, low, high = weighted_quantile(drawn, _LEVELS, weights).tolist()
    return {"mean": mean, "median": median, "q05": low, "q95": high}
