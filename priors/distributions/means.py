"""The mean of a probability and of its complement, for what has no closed form of them."""

from math import exp
from typing import Protocol


class _OneTrial(Protocol):
    def binomial_log_marginal(self, hits: int, trials: int) -> float: ...


class MeansOfOneTrial:
    """Means by one trial: the mean of a rate is how likely it is that a single trial is a hit.

    The complement is integrated by itself, since 1 minus a mean near 1 would have no digits.
    """

    def mean(self: _OneTrial) -> float:
        """Return the mean of the probability."""
        return min(1.0, exp(self.binomial_log_marginal(1, 1)))

    def complement_mean(self: _OneTrial) -> float:
        """Return the mean of 1 minus the probability."""
        return min(1.0, exp(self.binomial_log_marginal(0, 1)))
