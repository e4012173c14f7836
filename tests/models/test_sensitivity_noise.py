"""The noise of power-scaling's index, against what shuffled log densities are given."""

import numpy as np
import pytest
from scipy.stats import poisson

from storyodds import load_story
from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.sensitivity.cumulative_distance import distance
from storyodds.models.sensitivity.power_noise import noise_per_error
from storyodds.models.sensitivity.power_scaling import (
    ASKED,
    NEAR,
    power_scaling,
    sensitivity,
    unconstrained,
)
from storyodds.priors.distributions.families import LN2, has_atoms
from storyodds.scenarios.resolve import resolve

TIMES = 10


@pytest.fixture(scope="module", params=[64, 1024])
def showcase(request: pytest.FixtureRequest) -> Assessment:
    return assess(resolve(load_story("rlhf-assistant")), draws=request.param)


def test_what_bears_on_nothing_hardly_ever_exceeds_it(showcase: Assessment) -> None:
    """Log densities shuffled among the draws, all of a story's priors together, ten times."""
    prepared, weights = showcase.prepared, showcase.exact.weights
    scaled = [i for i in prepared.core if not has_atoms(prepared.distributions[i])]
    densities = np.array(
        [
            prepared.distributions[i].log_density_unconstrained(z)  # type: ignore[union-attr]
            for i, z in zip(scaled, unconstrained(showcase, scaled), strict=True)
        ]
    )
    rng, exceeded, found = np.random.default_rng(2), 0, []
    for event in ASKED:
        x = showcase.exact.event(event)
        level = noise_per_error(x, weights, len(ASKED) * len(scaled), 1)
        for _ in range(TIMES):
            parts = rng.permuted(densities, axis=1)
            near = [weights * np.exp((alpha - 1) * parts) for alpha in NEAR]
            near = [each / each.sum(axis=1, keepdims=True) for each in near]
            pulls = (parts - (parts @ weights)[:, None]) * (x - weights @ x)
            errors = LN2 * np.sqrt((pulls - (pulls @ weights)[:, None]) ** 2 @ weights**2)
            ratio = sensitivity(x, weights, near) / (level * errors)
            exceeded += int((ratio > 1).sum())
            found.append(ratio.max())
    # By chance, 1 of 20 such families has one that does; heavier tails than normal add some,
    # taken to be as many again.
    families = TIMES * len(ASKED)
    assert exceeded <= poisson.ppf(0.9999, 2 * families / 20)
    assert np.median(found) > 0.4  # and it is not a level that nothing comes near


def test_few_draws_do_not_tell_what_carries_the_answer() -> None:
    """Of 64 draws every index above the threshold is within the noise; of many, one is not."""
    above = {}
    for draws in (64, 4096):
        # One of its numbers moves an answer by several times the threshold.
        assessed = assess(resolve(load_story("narrow-reward-modeling")), draws=draws)
        priors = power_scaling(assessed, whole=False).priors
        assert priors is not None
        exact = assessed.exact
        tests = priors.sensitivity.size
        levels = [noise_per_error(exact.event(e), exact.weights, tests, 1) for e in ASKED]
        high = priors.sensitivity > 0.05
        clear = priors.sensitivity > levels * priors.slope_error
        above[draws] = (int(high.any(axis=1).sum()), int((high & clear).any(axis=1).sum()))
    assert above[64][0] > 5 and above[64][1] == 0
    assert above[4096][1] > 0


def test_it_does_not_depend_on_the_unit_or_on_how_many_draws_there_are() -> None:
    rng = np.random.default_rng(3)
    x = rng.beta(2, 20, size=4000)
    one, many = (noise_per_error(at, np.full(len(at), 1 / len(at)), 40, 1) for at in (x[:1000], x))
    assert one == pytest.approx(many, rel=0.25)
    weights = np.full(4000, 1 / 4000)
    tenth = noise_per_error(x / 10, weights, 40, 1)
    assert tenth == pytest.approx(10 * many, rel=1e-6)  # the error of a slope is a tenth too
    assert noise_per_error(np.full(4000, 0.3), weights, 40, 1) == 0


def test_it_is_what_the_distance_itself_gives() -> None:
    """Of as many draws as there are bins, so that random numbers move single draws."""
    n, tests, by = 256, 5, NEAR[1] - 1
    x, weights = np.sort(np.random.default_rng(4).beta(2, 20, size=n)), np.full(n, 1 / n)
    noise = np.random.default_rng([1, 6]).normal(size=(20 * tests, n))
    moved = weights * (1 + by * (noise - noise.mean(axis=1, keepdims=True)))
    index = distance(x, weights, moved).max() / np.log2(NEAR[1])
    error = LN2 * np.sqrt(weights**2 @ (x - x.mean()) ** 2)
    # What is left out is of the order of the step, 0.01, times a normal number over the square
    # root of how many draws are below: under 0.01.
    assert noise_per_error(x, weights, tests, 1) == pytest.approx(index / error, rel=by)


@pytest.mark.parametrize("end", ["lowest", "highest"])
def test_draws_without_weight_at_an_end_make_no_noise(end: str) -> None:
    x = np.linspace(0.1, 0.9, 1000)
    if end == "highest":
        x = -x
    weights = np.where(np.abs(x) < 0.3, 0.0, 1.0) / np.count_nonzero(np.abs(x) >= 0.3)
    found = noise_per_error(x, weights, 5, 1)
    assert 0 < found < np.inf
    assert found == noise_per_error(x, np.maximum(weights, 1e-300), 5, 1)
