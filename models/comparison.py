"""Stories compared: draws of the odds of each, and what follows from draws side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from storyodds.models.arithmetic import log_sum_exp
from storyodds.models.assessment import Assessment
from storyodds.models.events import EVENTS as ALL_EVENTS
from storyodds.models.events import FATES, probabilities
from storyodds.models.graph import StoryGraph
from storyodds.models.posterior import PreparedStory, forecasts_log_density
from storyodds.models.weighting import prior_draws, weigh_by
from storyodds.scenarios.schema import CLASSES

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]

EVENTS = ("success", *CLASSES, "catastrophe")
TIE = 1e-12  # two probabilities nearer to each other than this differ by rounding

_COLUMNS = [ALL_EVENTS.index(event) for event in EVENTS]


@dataclass(frozen=True)
class Posterior:
    """Weighted posterior draws of one side's odds.

    Attributes
    ----------
    means : (n_events,) array
        P(event | E) by `EVENTS`.
    exact : (n_draws, n_events) array
        P(event | E, numbers): what intervals are taken of.
    weights : (n_draws,) array
        Sum to 1.
    weighted : PreparedStory or None
        The story, where draws from its prior can be weighted to stand for its posterior.
    """

    means: Array
    exact: Array
    weights: Array
    weighted: PreparedStory | None = None


def of_assessment(assessment: Assessment) -> Posterior:
    """Take a side from an assessment.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> side = of_assessment(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> round(float(side.means[EVENTS.index("catastrophe")]), 4)
    0.0514
    """
    graph, draws = assessment.prepared.graph, assessment.draws
    averaged, exact = (
        odds_at(graph, draws.values, found.outcomes)
        for found in (assessment.averaged, assessment.exact)
    )
    can_weigh = draws.method in ("exact", "weighting") and draws.ok
    weights = draws.weights / draws.weights.sum()
    weighted = assessment.prepared if can_weigh else None
    return Posterior(weights @ averaged, exact, weights, weighted)


def of_result(result: "xr.DataTree") -> Posterior:
    """Take a side from a saved result; its draws count the same."""
    posterior = result["posterior"].to_dataset()
    kept = {"class_probability": ("class", CLASSES), "fate_probability": ("fate", FATES)}
    columns = [
        posterior[name].sel({dim: list(labels)}).transpose("chain", "draw", dim).to_numpy()
        for name, (dim, labels) in kept.items()
    ]
    flat = np.concatenate([column.reshape(-1, column.shape[-1]) for column in columns], axis=1)
    events = flat[:, _COLUMNS]
    return Posterior(events.mean(axis=0), events, np.full(len(events), 1 / len(events)))


def weighted_posterior(
    prepared: PreparedStory, draws: int, seed: int
) -> tuple[Posterior, float] | None:
    """Weigh prior draws and leave it there, with the log of P(evidence).

    The evidence items' own numbers stay integrated out, in `exact` too. None where weighting is
    not good enough, or there is no uncertain number to draw.

    Raises
    ------
    InputError
        If the evidence is impossible under the story.
    """
    if not prepared.uncertain:
        return None
    values = prior_draws(prepared, draws, seed)
    posterior = prepared.answers.evaluate(values, prepared.likelihoods)
    log_weights = posterior.log_evidence + forecasts_log_density(prepared, values)
    found = weigh_by(prepared, values, log_weights)
    if not found.ok:
        return None
    averaged = odds_at(prepared.graph, values, posterior.outcomes)
    weights = found.weights / found.weights.sum()
    return Posterior(weights @ averaged, averaged, weights, prepared), found.log_evidence


def odds_at(graph: StoryGraph, values: Array, outcomes: Array) -> Array:
    """Take outcomes to the events that are compared, (n_draws, n_events)."""
    return probabilities(graph, values, outcomes)[:, _COLUMNS]


def rank_shares(events: Array, event: str, *, least_first: bool) -> Array:
    """How often each side comes first, second and so on; ties are shared out evenly.

    Parameters
    ----------
    events : (n_sides, n_rows, n_events) array
    event : str
        One of `EVENTS`.
    least_first : bool
        Whether the side with the smallest probability comes first.

    Returns
    -------
    (n_sides, n_sides) array
        Side, then rank.

    Examples
    --------
    >>> events = np.zeros((2, 4, len(EVENTS)))
    >>> events[1, :3, EVENTS.index("catastrophe")] = 0.1
    >>> rank_shares(events, "catastrophe", least_first=True)[0].tolist()
    [0.875, 0.125]
    """
    p = events[:, :, EVENTS.index(event)] * (1 if least_first else -1)
    gap = p[None] - p[:, None]  # of every other side (first axis: this one)
    before, level = (gap < -TIE).sum(axis=1), (abs(gap) <= TIE).sum(axis=1)
    ranks = np.arange(len(p))[:, None, None]
    inside = (ranks >= before) & (ranks < before + level)
    return np.asarray((inside / level).mean(axis=2)).T


def evidence_weights(log_evidence: Sequence[float]) -> Array:
    """Posterior weights of rivals that explain the same evidence, equal before it.

    Examples
    --------
    >>> evidence_weights([float(np.log(0.3)), float(np.log(0.1))]).round(6).tolist()
    [0.75, 0.25]
    """
    logs = np.asarray(log_evidence, float)
    return np.asarray(np.exp(logs - log_sum_exp(logs, axis=0)))
