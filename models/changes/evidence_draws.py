"""Draws of the sampled numbers that stand for them given any part of the evidence.

Where weighting serves the whole evidence, draws from the prior serve parts of it too, with other
weights. Where it does not, half of the draws are from the prior and half from the posterior,
weighted as draws from the mixture of the two (Owen and Zhou 2000), so that both no evidence and all
of it are within their reach.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.what_if import even_rows
from storyodds.models.engine.arithmetic import log_sum_exp
from storyodds.models.posterior import weighting
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.posterior.questions import log_evidence_at

Array = NDArray[np.float64]

_HALVINGS = 60  # of a range of nats, down to rounding


@dataclass(frozen=True)
class DrawsOfNumbers:
    """Draws of the sampled numbers; the others stand at their prior means.

    Attributes
    ----------
    values : (n_draws, n_numbers) array
        One draw where no number has to be sampled. The first so many, a power of two, spread as
        all of them do.
    log_weights : (n_draws,) array
        What each counts without any evidence, in nats, but for a constant.
    """

    values: Array
    log_weights: Array


def draws_of_numbers(assessment: Assessment, most: int) -> DrawsOfNumbers:
    """Return draws of the sampled numbers, about so many at most.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly, not simulated.
    most : int
        A power of two. No more are given than the assessment has.

    References
    ----------
    A. Owen and Y. Zhou (2000), "Safe and effective importance sampling", Journal of the American
    Statistical Association 95(449), 135-143.

    X.-L. Meng and W. H. Wong (1996), "Simulating ratios of normalizing constants via a simple
    identity", Statistica Sinica 6(4), 831-860.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> draws_of_numbers(assess(resolve(load_story("rlhf-assistant"))), 256).values.shape[0]
    256
    """
    n, posterior = len(assessment.averaged.values), assessment.draws
    if posterior.method != "nuts" and posterior.ok:
        return DrawsOfNumbers(
            *weighting.sampled_draws(assessment.prepared, min(most, n), assessment.seed)
        )
    before = assessment.prior_averaged.values[: most // 2]
    after = assessment.averaged.values[even_rows(assessment, len(before))]
    values = np.concatenate([before, after])
    log_likelihood = log_evidence_at(assessment.prepared, values)
    share = len(before) / len(values)
    log_ratio = log_likelihood - _log_evidence(log_likelihood, len(before))
    log_weights = -np.logaddexp(np.log(share), np.log1p(-share) + log_ratio)
    # Shuffled, so that the first so many are from both ends.
    order = np.random.default_rng([assessment.seed, 8]).permutation(len(values))
    return DrawsOfNumbers(values[order], log_weights[order])


def _log_evidence(log_likelihood: Array, n_before: int) -> float:
    """Log P(evidence) that draws from the prior, and then from the posterior, agree on.

    The mean of likelihood over mixture density is 1 there (Meng and Wong 1996): found by bisection,
    as it falls.
    """
    share = n_before / len(log_likelihood)
    possible = log_likelihood[np.isfinite(log_likelihood)]
    low, high = float(possible.min()), float(possible.max())
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        log_mixed = np.logaddexp(np.log(share) + middle, np.log1p(-share) + log_likelihood)
        too_low = np.exp(log_likelihood - log_mixed).mean() > 1
        low, high = (middle, high) if too_low else (low, middle)
    return (low + high) / 2


def log_evidence_of_findings(
    prepared: PreparedStory, log_evidence: float, draws: int, seed: int
) -> float:
    """Natural log of P(evidence) but for forecasts, which are opinions and no findings.

    Parameters
    ----------
    prepared : PreparedStory
    log_evidence : float
        Of all evidence, nats: the answer where there are no forecasts.
    draws : int
        Of the sampled numbers from their prior, where there are some.
    seed : int

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.posterior.prepared import prepare
    >>> from storyodds.scenarios.resolve import resolve
    >>> prepared = prepare(resolve(load_story("cat-classifier")))
    >>> log_evidence_of_findings(prepared, -1.5, 64, seed=1)  # it has no forecasts
    -1.5
    """
    if not prepared.graph.forecasts:
        return log_evidence
    values, log_prior = weighting.sampled_draws(prepared, draws, seed)
    log_findings = log_evidence_at(prepared, values, forecasts=False) + log_prior
    return float(log_sum_exp(log_findings, axis=0) - np.log(len(values)))
