"""Uncertain numbers: the posterior itself, by closed form, by two samplers and by Monte Carlo.

The mistake to catch: averaging P(outcome | E, numbers) over the prior of the numbers. With
Beta(0.5, 2) on a class and one finding of likelihood ratio 20 that gives 0.62; right is 0.833.
"""

import math
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from support.building import item, on_a_class
from support.monte_carlo import draw_story, effective, mean_and_error
from support.oracle import ImpossibleEvidence, by_class, condition
from support.oracle_process import FATES, prior_runs
from support.strategies import small_stories

from storyodds import load_story
from storyodds.models.assessment.assessment import Assessment, Method, assess
from storyodds.models.numerics import weighted_quantile
from storyodds.models.posterior.soundness import ANSWERS, LEVELS, answers_of
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.story import Story

Array = NDArray[np.float64]

BUNDLED = ("rlhf-assistant", "cat-classifier", "coinrun-agent")  # evidence bears on their bits
SIGMAS = 4.5  # one false alarm in 150,000 comparisons; seeds are fixed anyway

FINDING = item(
    "finding", {"outcome": True}, bayes_factor={"deceptive": math.log2(20), "default": 0}
)
BY_RATE = stats.beta(0.5, 2)
ON_A_CLASS = on_a_class({"beta": [0.5, 2]}, [FINDING])


# --- a Beta on a class --------------------------------------------------------------------------


def posterior_of_rate() -> stats.rv_histogram:
    """The density of the class's rate given the finding, on a fine grid of its quantiles."""
    edges = BY_RATE.ppf(np.linspace(0, 1, 200_001))
    middle = BY_RATE.ppf((np.arange(200_000) + 0.5) / 200_000)
    return stats.rv_histogram((1 + 19 * middle, edges), density=False)


@pytest.mark.parametrize("method", ["weighting", "nuts", "auto"])
def test_a_beta_on_a_class_and_one_finding(method: Method) -> None:
    """No number has to be sampled: the mean is exact, whatever the method, and log P(E) too."""
    p = BY_RATE.ppf((np.arange(200_000) + 0.5) / 200_000)  # midpoints of the prior
    mean, plain = np.mean(20 * p) / np.mean(1 + 19 * p), np.mean(20 * p / (1 + 19 * p))
    assert mean == pytest.approx(4 / 4.8, abs=1e-4)
    assert plain == pytest.approx(0.6228, abs=1e-4)

    assessment = assess(resolve(ON_A_CLASS), method=method, seed=3)
    assert assessment.draws.method == "weighting" and assessment.draws.ok
    summary = summarize(assessment)
    # The two other routes are 60 bits behind wherever the class's is open.
    assert summary["classes"]["deceptive"]["mean"] == pytest.approx(4 / 4.8, rel=1e-14)
    assert summary["evidence"]["log_probability"] == pytest.approx(math.log(4.8), rel=1e-14)

    # Quantiles: the share of the exact posterior below each must be its level, within the error
    # of a share among so many independent draws.
    n = len(assessment.draws.values)
    rate = posterior_of_rate()
    for key, level in (("q05", 0.05), ("median", 0.5), ("q95", 0.95)):
        y = summary["classes"]["deceptive"][key]
        below = float(rate.cdf(y / (20 - 19 * y)))
        assert abs(below - level) < SIGMAS * math.sqrt(level * (1 - level) / n), key
    x = assessment.exact.event("deceptive")
    assert abs(x.mean() - 4 / 4.8) < SIGMAS * x.std() / math.sqrt(n)


# --- weighting and NUTS on what is bundled -----------------------------------------------------


@pytest.fixture(scope="module", params=BUNDLED)
def both(request: pytest.FixtureRequest) -> tuple[Assessment, Assessment]:
    resolved = resolve(load_story(request.param))
    return (
        assess(resolved, method="weighting", draws=8192, seed=1),
        assess(resolved, method="nuts", draws=2000, seed=1),
    )


def test_weighting_and_nuts_agree(both: tuple[Assessment, Assessment]) -> None:
    """On means, on quantiles and on log P(E), within the errors that both state."""
    means = [a.averaged.mean(answers_of(a.averaged)) for a in both]
    for k, name in enumerate(ANSWERS):
        error = math.hypot(*(a.errors.mean[k] for a in both))
        assert abs(means[0][k] - means[1][k]) <= SIGMAS * error + 1e-12, name
        ends = [
            weighted_quantile(answers_of(a.exact)[:, k], np.array(LEVELS), a.exact.weights)
            for a in both
        ]
        errors = np.hypot(*(a.errors.quantiles[k] for a in both))
        assert (abs(ends[0] - ends[1]) <= SIGMAS * errors + 1e-12).all(), name
    logs, errors = zip(
        *((a.draws.log_evidence, a.draws.log_evidence_error) for a in both), strict=True
    )
    assert abs(logs[0] - logs[1]) <= SIGMAS * math.hypot(*errors)


def test_both_trust_themselves(both: tuple[Assessment, Assessment]) -> None:
    assert [a.draws.method for a in both] == ["weighting", "nuts"]
    for a in both:
        assert a.draws.ok, a.draws.messages


# --- plain Monte Carlo over the oracle ----------------------------------------------------------


def by_oracle(story: Story) -> tuple[list[float], float]:
    """Classes and fates given the evidence, and log P(E), of a story of fixed numbers."""
    runs, log_evidence = condition(story, prior_runs(story), collapse=True)
    fates = [math.fsum(run.weight * run.fate(name) for run in runs) for name in FATES]
    return [*by_class(runs).values(), *fates], log_evidence


@pytest.mark.slow
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(small_stories(max_assumptions=3, max_routes=3, certain=False), st.integers(0, 999))
def test_uncertain_stories_equal_monte_carlo_over_the_oracle(story: Story, seed: int) -> None:
    """Draw every number by the oracle's own sampler, enumerate, weight by P(E); 600 times.

    Only where those weights are good for a comparison at all: 60 effective draws.
    """
    assume(story.evidence and any(n.distribution for n in resolve(story).numbers))
    rng = random.Random(seed)
    answers, logs = [], []
    for _ in range(600):
        try:
            told, log_evidence = by_oracle(draw_story(story, rng))
        except ImpossibleEvidence:
            told, log_evidence = [0.0] * (len(CLASSES) + len(FATES)), -math.inf
        answers.append(told)
        logs.append(log_evidence)
    weights = np.exp(np.array(logs) - max(logs)) if max(logs) > -math.inf else np.zeros(600)
    assume(effective(weights) > 60 if weights.any() else False)
    assessment = assess(resolve(story), draws=2048, seed=2)
    assume(assessment.draws.ok)
    ours = assessment.averaged.mean(assessment.averaged.events)
    for k, theirs in enumerate(np.array(answers).T):
        expected, error = mean_and_error(theirs, weights)
        error = math.hypot(error, assessment.errors.mean[k])
        assert abs(ours[k] - expected) <= SIGMAS * error + 1e-9, k
    expected, error = mean_and_error(weights, np.ones(600))
    found = math.exp(assessment.draws.log_evidence - max(logs))
    mine = found * assessment.draws.log_evidence_error
    assert abs(found - expected) < SIGMAS * math.hypot(error, mine)
