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
from storyodds.models.assessment import Assessment, Method, assess
from storyodds.models.quantities import derive
from storyodds.reports.summary import summarize, summarize_draws
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import CLASSES, Story

Array = NDArray[np.float64]

BUNDLED = ("rlhf-assistant", "gpt-simulator", "cat-classifier", "coinrun-agent")
SIGMAS = 4.5  # one false alarm in 150,000 comparisons; seeds are fixed anyway

FINDING = item(
    "finding", {"outcome": True}, bayes_factor={"deceptive": math.log2(20), "default": 0}
)
BY_RATE = stats.beta(0.5, 2)
ON_A_CLASS = on_a_class({"beta": [0.5, 2]}, [FINDING])


def error_of_nuts(x: Array, chains: int) -> tuple[float, float]:
    """Mean and its Monte Carlo error for draws chain by chain."""
    from arviz_stats.base import array_stats

    ess = float(array_stats.ess(x.reshape(chains, -1), method="mean"))
    return float(x.mean()), float(x.std() / math.sqrt(ess))


def mean_and_error_of(assessment: Assessment, x: Array) -> tuple[float, float]:
    if assessment.draws.method == "nuts" and np.ptp(x) > 1e-14:
        return error_of_nuts(x, assessment.draws.chains)
    return mean_and_error(x, assessment.draws.weights)


# --- a Beta on a class --------------------------------------------------------------------------


def posterior_of_rate() -> stats.rv_histogram:
    """The density of the class's rate given the finding, on a fine grid of its quantiles."""
    edges = BY_RATE.ppf(np.linspace(0, 1, 200_001))
    middle = BY_RATE.ppf((np.arange(200_000) + 0.5) / 200_000)
    return stats.rv_histogram((1 + 19 * middle, edges), density=False)


@pytest.mark.parametrize("method", ["weighting", "nuts"])
def test_a_beta_on_a_class_and_one_finding(method: Method) -> None:
    p = BY_RATE.ppf((np.arange(200_000) + 0.5) / 200_000)  # midpoints of the prior
    mean, plain = np.mean(20 * p) / np.mean(1 + 19 * p), np.mean(20 * p / (1 + 19 * p))
    assert mean == pytest.approx(0.8333, abs=1e-4)  # 4 / 4.8
    assert plain == pytest.approx(0.6228, abs=1e-4)

    assessment = assess(resolve(ON_A_CLASS), method=method, seed=3)
    assert assessment.draws.method == method
    column = CLASSES.index("deceptive")
    x = derive(assessment.prepared.graph, assessment.draws.values, assessment.averaged.outcomes)
    found, error = mean_and_error_of(assessment, x.classes[:, column])
    assert error < 0.01
    assert abs(found - mean) < SIGMAS * error
    summary = summarize(assessment)
    assert summary["classes"]["deceptive"]["mean"] == pytest.approx(found, abs=1e-12)
    # P(E) within its own error: for weighting sd / sqrt(n), for NUTS 2,048 importance draws.
    assert summary["evidence"]["log_probability"] == pytest.approx(math.log(4.8), abs=0.05)

    # Quantiles: the share of the exact posterior below each must be its level, within the error
    # of a share among so many effective draws.
    ess = float(summary["diagnostics"]["ess"])
    rate = posterior_of_rate()
    for key, level in (("q05", 0.05), ("median", 0.5), ("q95", 0.95)):
        y = summary["classes"]["deceptive"][key]
        below = float(rate.cdf(y / (20 - 19 * y)))
        assert abs(below - level) < SIGMAS * math.sqrt(level * (1 - level) / ess), key


# --- weighting and NUTS on what is bundled -----------------------------------------------------


@pytest.fixture(scope="module", params=BUNDLED)
def both(request: pytest.FixtureRequest) -> tuple[Assessment, Assessment]:
    resolved = resolve(load_story(request.param))
    return (
        assess(resolved, method="weighting", draws=8192, seed=1),
        assess(resolved, method="nuts", draws=2000, seed=1),
    )


def test_weighting_and_nuts_agree_on_means(both: tuple[Assessment, Assessment]) -> None:
    for kind in ("classes", "fates"):
        columns = [
            getattr(derive(a.prepared.graph, a.draws.values, a.averaged.outcomes), kind)
            for a in both
        ]
        for k in range(columns[0].shape[1]):
            (x, dx), (y, dy) = (
                mean_and_error_of(a, column[:, k]) for a, column in zip(both, columns, strict=True)
            )
            assert abs(x - y) <= SIGMAS * math.hypot(dx, dy) + 1e-12, (kind, k)
    weighting, nuts = (a.draws.log_evidence for a in both)
    assert weighting == pytest.approx(nuts, abs=0.1)  # 2,048 importance draws, about 0.02 each


def test_weighting_and_nuts_agree_on_intervals(both: tuple[Assessment, Assessment]) -> None:
    """Where one puts an end point, the other has as many draws below, within the share's error."""
    from arviz_stats.base import array_stats

    weighting, nuts = both
    for kind in ("classes", "fates"):
        x, y = (
            getattr(derive(a.prepared.graph, a.draws.values, a.exact.outcomes), kind) for a in both
        )
        for k in range(x.shape[1]):
            if np.ptp(x[:, k]) < 1e-12:
                assert np.ptp(y[:, k]) < 1e-12
                continue
            end = summarize_draws(x[:, k], x[:, k], weighting.draws.weights)
            for key, level in (("q05", 0.05), ("q95", 0.95)):
                below = (y[:, k] <= end[key]).astype(float)
                chains = below.reshape(nuts.draws.chains, -1)
                theirs = float(array_stats.ess(chains, method="mean")) if below.std() else 1.0
                ours = effective(weighting.draws.weights)
                error = math.sqrt(level * (1 - level) * (1 / ours + 1 / theirs))
                assert abs(below.mean() - level) < SIGMAS * error, (kind, k, key)


def test_both_trust_themselves(both: tuple[Assessment, Assessment]) -> None:
    assert [a.draws.method for a in both] == ["weighting", "nuts"]
    assert both[0].draws.ok
    # 500 draws a chain are few for the strictest of the diagnostics; the numbers must be sane.
    assert both[1].draws.diagnostics["r_hat_max"] < 1.03  # type: ignore[operator]
    assert both[1].draws.diagnostics["divergences"] <= 5  # type: ignore[operator]


# --- plain Monte Carlo over the oracle ----------------------------------------------------------


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
        drawn = draw_story(story, rng)
        runs = prior_runs(drawn)
        try:
            runs, log_evidence = condition(drawn, runs, collapse=False)
        except ImpossibleEvidence:
            logs.append(-math.inf)
            answers.append([0.0] * (len(CLASSES) + len(FATES)))
            continue
        fates = [math.fsum(run.weight * run.fate(name) for run in runs) for name in FATES]
        answers.append([*by_class(runs).values(), *fates])
        logs.append(log_evidence)
    weights = np.exp(np.array(logs) - max(logs)) if max(logs) > -math.inf else np.zeros(600)
    assume(effective(weights) > 60 if weights.any() else False)
    assessment = assess(resolve(story), draws=2048, seed=2)
    assume(assessment.draws.ok)
    derived = derive(
        assessment.prepared.graph, assessment.draws.values, assessment.averaged.outcomes
    )
    ours = np.concatenate([derived.classes, derived.fates], axis=1)
    for k, theirs in enumerate(np.array(answers).T):
        expected, error = mean_and_error(theirs, weights)
        found, mine = mean_and_error_of(assessment, ours[:, k])
        assert abs(found - expected) <= SIGMAS * math.hypot(error, mine) + 1e-9, k
    expected, error = mean_and_error(weights, np.ones(600))
    found = math.exp(assessment.draws.log_evidence - max(logs))
    share = 1 / math.sqrt(effective(assessment.draws.weights))
    assert abs(found - expected) < SIGMAS * math.hypot(error, share * found)
