"""The one way to ask a prepared story at given numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from storyodds.models.posterior.forecasts import forecasts_log_density
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.story.events import probabilities
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.models.story.queries import Query

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Answer:
    """A story's answers at given numbers.

    Attributes
    ----------
    prepared : PreparedStory
    values : (n_draws, n_numbers) array
    log_findings : (n_draws,) array, nats
        Log P(E | θ) without forecasts.
    outcomes : (n_draws, n_outcomes) array
        P(outcome | E, θ), before the checks.
    queries : (n_draws, n_queries) array
        P(query | E, θ).
    """

    prepared: PreparedStory
    values: Array
    log_findings: Array
    outcomes: Array
    queries: Array

    @cached_property
    def log_forecasts(self) -> Array:
        """Log density of all forecasts together, (n_draws,), in nats."""
        return forecasts_log_density(self.prepared, self.values)

    @cached_property
    def log_evidence(self) -> Array:
        """Log P(E | θ), forecasts included, (n_draws,), in nats."""
        return self.log_findings + self.log_forecasts

    @cached_property
    def events(self) -> Array:
        """P(event | E, θ), (n_draws, n_events), by `events.EVENTS`."""
        return probabilities(self.prepared.graph, self.values, self.outcomes)


def ask(
    prepared: PreparedStory,
    values: Array,
    queries: Sequence[Query] = (),
    likelihoods: LogLikelihoods | None = None,
) -> Answer:
    """Answer how probable the evidence is, where training ends then, and some queries.

    `prepared.answers.evaluate` gives every assumption and criterion as well, in more time.

    Parameters
    ----------
    prepared : PreparedStory
    values : (n_draws, n_numbers) array
    queries : sequence of Query
    likelihoods : LogLikelihoods, optional
        Of the findings; by default of the story's own.

    Returns
    -------
    Answer

    Raises
    ------
    UnsupportedStoryError
        If the queries need more memory than the story's sum itself.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.posterior.prepared import prepare
    >>> from storyodds.scenarios.resolve import resolve
    >>> prepared = prepare(resolve(load_story("carlsmith-six-premises")))
    >>> ask(prepared, prepared.center[None]).events.round(4).tolist()[0][-1]
    0.0514
    """
    likelihoods = prepared.likelihoods if likelihoods is None else likelihoods
    return Answer(prepared, values, *prepared.answers.outcomes(values, likelihoods, queries))


def log_evidence_at(prepared: PreparedStory, values: Array, *, forecasts: bool = True) -> Array:
    """Log P(E | θ) alone, with or without forecasts, (n_draws,), in nats: in less time.

    Parameters
    ----------
    prepared : PreparedStory
    values : (n_draws, n_numbers) array
    forecasts : bool
    """
    log_findings = prepared.answers.log_evidence(values, prepared.likelihoods)
    return log_findings + forecasts_log_density(prepared, values) if forecasts else log_findings
