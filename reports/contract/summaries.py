"""Summaries: a mean, and the interval around it."""

from typing import TypedDict


class Ends(TypedDict):
    """A central 90 percent interval."""

    q05: float
    """The 5 percent point."""
    q95: float
    """The 95 percent point."""


class Interval(Ends):
    """A mean and an interval: what every SUMMARY has at least."""

    mean: float
    """The mean."""


class Summary(TypedDict):
    """SUMMARY: a number over the posterior of all uncertain numbers of the story.

    Of a probability unless something else is stated. The mean is the posterior mean, with
    everything integrated out that can be; the others are points of the exact probability given
    each draw of all numbers. All four are equal where nothing is uncertain. A conditional
    probability is summarized over the posterior given its condition, so that its mean is the
    conditional probability itself, not an average of ratios.
    """

    mean: float
    """Posterior mean."""
    median: float
    """Half of the posterior is below it."""
    q05: float
    """The 5 percent point."""
    q95: float
    """The 95 percent point."""


class OpenSummary(TypedDict):
    """A SUMMARY of which single numbers can be null: those that are infinite or undefined."""

    mean: float | None
    """Posterior mean."""
    median: float | None
    """Half of the posterior is below it."""
    q05: float | None
    """The 5 percent point."""
    q95: float | None
    """The 95 percent point."""


class AveragedSummary(TypedDict):
    """A SUMMARY whose interval is null where no draws were kept."""

    mean: float
    """Posterior mean."""
    median: float | None
    """Half of the posterior is below it."""
    q05: float | None
    """The 5 percent point."""
    q95: float | None
    """The 95 percent point."""


class Band(TypedDict):
    """BAND: a mean and an interval over posterior draws; null where undefined."""

    mean: float | None
    """Over the draws."""
    q05: float | None
    """The 5 percent point."""
    q95: float | None
    """The 95 percent point."""


class WithError(TypedDict):
    """A mean that was estimated by chance."""

    mean: float
    """Of the draws."""
    error: float
    """Its Monte Carlo standard error."""
