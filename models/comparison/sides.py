"""Stories compared: draws of the odds of each, and what follows from odds side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.engine.arithmetic import log_sum_exp
from storyodds.models.posterior.answers import Exact
from storyodds.models.posterior.independent_answers import Independent
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.posterior.questions import ask
from storyodds.models.story.events import EVENTS as ALL_EVENTS
from storyodds.models.story.events import FATES, GIVEN, SUCCESS_FIRST
from storyodds.models.story.outcomes import DEPLOYED

Array = NDArray[np.float64]

EVENTS = SUCCESS_FIRST
# What is compared of the day of the decision: being deployed, and how it ends given that.
DAY = (DEPLOYED, *(f"{fate}{GIVEN}" for fate in FATES if fate != "halted"))
# Chances are sums of positive terms, in logs where they are small: what differs by less than this
# share of itself is the same but for rounding, and so is what cancels to less than the second.
ROUNDING, LEFT_OVER = 1e-10, 1e-15

COLUMNS = [ALL_EVENTS.index(event) for event in EVENTS]


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
    values : (n_draws, n_numbers) array, optional
        The numbers at the draws.
    prepared : PreparedStory, optional
        The story, where its odds can be asked for at any numbers.
    """

    means: Array
    exact: Array
    weights: Array
    values: Array | None = None
    prepared: PreparedStory | None = None

    def at(self, values: Array) -> Array:
        """P(event | E, numbers) at given numbers, (n_rows, n_events)."""
        assert self.prepared is not None
        return ask(self.prepared, values).events[:, COLUMNS]


def day_parts(events: Array) -> dict[str, tuple[Array, Array]]:
    """Take the odds on the day of the decision apart.

    Parameters
    ----------
    events : (n_rows, n_events) array
        By `EVENTS`.

    Returns
    -------
    dict of str to two (n_rows,) arrays
        By `DAY`: P(part) and P(whole), of which it is the quotient.

    Examples
    --------
    >>> events = np.zeros((1, len(EVENTS)))
    >>> events[0, EVENTS.index("success")], events[0, EVENTS.index("halted")] = 0.2, 0.8
    >>> part, whole = day_parts(events)["success-given-deployed"]
    >>> float(part[0] / whole[0])
    1.0
    """
    fates = {fate: events[:, EVENTS.index(fate)] for fate in FATES if fate != "halted"}
    deployed = np.sum(list(fates.values()), axis=0)
    conditional = {f"{fate}{GIVEN}": (chance, deployed) for fate, chance in fates.items()}
    return {DEPLOYED: (deployed, np.ones(len(events))), **conditional}


def of_assessment(assessment: Assessment) -> Posterior:
    """Take a side from an assessment.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> side = of_assessment(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> round(float(side.means[EVENTS.index("catastrophe")]), 4)
    0.0514
    """
    averaged, exact, prepared = assessment.averaged, assessment.exact, assessment.prepared
    means, drawn = averaged.mean(averaged.events)[COLUMNS], exact.events[:, COLUMNS]
    if not isinstance(prepared.answers, Exact | Independent):  # states of its own draws
        return Posterior(means, drawn, exact.weights)
    return Posterior(means, drawn, exact.weights, exact.values, prepared)


def log_findings(assessment: Assessment) -> float | None:
    """Natural log of P(evidence) without the forecasts, which are opinions and no findings.

    None where it is not known: to chains, forecasts cannot be told from findings, and of draws that
    a forecast excludes it is not known what the findings say.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> log_findings(assess(resolve(load_story("carlsmith-six-premises"))))
    0.0
    """
    log_evidence, opinions = assessment.draws.log_evidence, assessment.opinions
    is_told_apart = assessment.draws.chains <= 1 or not np.any(opinions)
    if not (np.isfinite(log_evidence) and np.isfinite(opinions).all() and is_told_apart):
        return None
    with np.errstate(divide="ignore"):
        logs = np.log(assessment.averaged.weights) - opinions
    return float(log_evidence + log_sum_exp(logs, axis=0))


def of_draws(events: Array) -> Posterior:
    """Take a side from saved draws, (n_draws, n_events) by `EVENTS`, which all count the same."""
    return Posterior(events.mean(axis=0), events, np.full(len(events), 1 / len(events)))


def signs(gaps: Array, first: Array, second: Array) -> Array:
    """Signs of differences, 0 where they are no more than rounding.

    Parameters
    ----------
    gaps, first, second : arrays
        The differences, and what they are differences of.

    Examples
    --------
    >>> first, second = np.array([0.5, 0.5]), np.array([0.5 + 1e-14, 0.6])
    >>> signs(second - first, first, second).tolist()
    [0.0, 1.0]
    """
    noise = ROUNDING * np.maximum(first, second) + LEFT_OVER
    return np.where(abs(gaps) <= noise, 0.0, np.sign(gaps))


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
    p = events[:, :, EVENTS.index(event)]
    # Of every other side (first axis: this one) against this one.
    sign = signs(p[None] - p[:, None], p[:, None], p[None]) * (1 if least_first else -1)
    before, level = (sign < 0).sum(axis=1), (sign == 0).sum(axis=1)
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
