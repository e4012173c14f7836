"""Weights as they are: nothing is smoothed, and every judgment of a pool gets its draws."""

import numpy as np
import pytest
from support.building import OFF, item, on_a_class, tell

from storyodds.models.posterior.prepared import PreparedStory, prepare
from storyodds.models.posterior.weighting import pareto_k, sampled_draws, stratified, weigh
from storyodds.priors.distributions.families import Mixture, NormalDistribution, Point
from storyodds.priors.text.errors import InputError
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route

SIGMAS = 4.5  # one false alarm in 150,000 comparisons; seeds are fixed anyway


def prepared_story() -> PreparedStory:
    finding = item("seen", {"outcome": True}, bayes_factor={"deceptive": 2, "default": 0})
    return prepare(resolve(on_a_class({"beta": [2, 3]}, [finding])))


@pytest.mark.parametrize("spread", [0.0, 1e-15, 1e-14, 1e-13])
def test_weights_that_rounding_alone_tells_apart_are_all_the_same(spread: float) -> None:
    logs = spread * np.random.default_rng(1).standard_normal(1024)
    weights = weigh(prepared_story(), logs)
    assert weights.pareto_k is None and weights.ok
    np.testing.assert_array_equal(weights.weights, np.full(1024, 1 / 1024))


def test_raw_weights_keep_the_largest_of_them() -> None:
    logs = 3 * np.random.default_rng(1).standard_normal(1024)
    weights = weigh(prepared_story(), logs)
    np.testing.assert_allclose(weights.weights, np.exp(logs) / np.exp(logs).sum(), rtol=1e-12)
    assert weights.log_evidence == pytest.approx(np.log(np.mean(np.exp(logs))), rel=1e-12)
    assert weights.ess == pytest.approx(np.exp(logs).sum() ** 2 / np.exp(2 * logs).sum())


@pytest.mark.parametrize("shape", [0.2, 0.5, 0.9])
def test_the_shape_of_a_tail(shape: float) -> None:
    """Of u ** -k it is k; a fit to 3 sqrt(n) draws has a standard error of (1 + k) / sqrt(tail)."""
    n = 2**14
    found = pareto_k(-shape * np.log(np.random.default_rng(2).random(n)))
    assert found is not None
    assert abs(found - shape) < SIGMAS * (1 + shape) / np.sqrt(3 * np.sqrt(n))


def test_heavy_tails_and_few_draws_are_told() -> None:
    rng = np.random.default_rng(3)
    heavy = weigh(prepared_story(), -0.9 * np.log(rng.random(4096)))
    assert any("Pareto k" in message for message in heavy.messages)
    lonely = weigh(prepared_story(), np.where(np.arange(4096) < 30, 0.0, -50.0))
    assert any("count for 30 independent draws" in message for message in lonely.messages)
    assert not heavy.ok and not lonely.ok


def test_a_bound_settles_that_weights_are_good() -> None:
    """No weight can be more than e times the mean: their ESS is at least n / e."""
    logs = np.random.default_rng(4).random(4096)
    weights = weigh(prepared_story(), logs, log_bound=1.0)
    assert weights.pareto_k is None and weights.ok
    assert weights.bound == pytest.approx(np.exp(1.0 - weights.log_evidence))


def test_the_error_of_the_evidence_is_the_scatter_over_seeds() -> None:
    """Of 400 runs, whose scatter is known to 1 / sqrt(800); truth is exp(1/2) for N(0, 1)."""
    logs = [np.random.default_rng(seed).standard_normal(512) for seed in range(400)]
    runs = [weigh(prepared_story(), x) for x in logs]
    z = [(run.log_evidence - 0.5) / run.log_evidence_error for run in runs]
    # Its weights have a fourth moment of e**8 / e**2: with 512 draws their variance is itself
    # known only to sqrt(e**4 / 512), or a third, which makes z scatter by as much more at most.
    assert 0.8 < np.std(z) < 1.35


def test_impossible_evidence_has_no_weights() -> None:
    with pytest.raises(InputError, match="impossible"):
        weigh(prepared_story(), np.full(64, -np.inf))


def test_every_judgment_gets_its_draws_and_counts_as_it_weighs() -> None:
    pool = Mixture((0.999, 0.001), (NormalDistribution(0.0, 1.0), Point(7.0)))
    u = (np.arange(4096) + 0.5) / 4096
    values, logs = stratified(pool, u)
    rare = values == 7.0
    assert rare.mean() == pytest.approx((0.001 + 0.5) / 2, abs=1 / 4096)
    weights = np.exp(logs)
    assert weights.max() <= 2.0 + 1e-12
    assert weights.mean() == pytest.approx(1.0, abs=2 * 2 / 4096)
    assert (weights * rare).mean() == pytest.approx(0.001, abs=1 / 4096)
    # Each component is spread evenly over its own quantiles.
    normal = np.sort(values[~rare])
    levels = (np.arange(len(normal)) + 0.5) / len(normal)
    expected = NormalDistribution(0.0, 1.0).quantile(levels)
    np.testing.assert_allclose(normal[50:-50], expected[50:-50], atol=0.02)


def test_without_a_number_to_sample_there_is_one_draw() -> None:
    prepared = prepared_story()
    values, logs = sampled_draws(prepared, 4096, seed=1)
    assert values.shape == (1, len(prepared.distributions)) and logs.tolist() == [0.0]
    i = prepared.resolved.number_index["a.probability"]
    assert prepared.integrated == (i,)
    assert values[0, i] == pytest.approx(0.4, rel=1e-14)  # Beta(2, 3) at its mean


def test_pools_that_bear_on_the_evidence_are_stratified_and_others_are_not() -> None:
    bits = {"pool": [{"by": "A", "value": 0, "weight": 99}, {"by": "B", "value": 5}]}
    routes = (Route(id="r", class_="deceptive", bits=0, harm=0.5), OFF)
    seen = item("seen", {"outcome": True}, bayes_factor={"deceptive": 2, "default": 0})
    prepared = prepare(resolve(tell({}, routes, evidence=[seen]), settings={"r.bits": bits}))
    i = prepared.resolved.number_index["r.bits"]
    values, logs = sampled_draws(prepared, 1024, seed=1)
    assert (values[:, i] == 5).mean() == pytest.approx((0.01 + 0.5) / 2, abs=2 / 1024)
    assert np.exp(logs).mean() == pytest.approx(1.0, abs=4 / 1024)
    silent = prepare(resolve(tell({}, routes), settings={"r.bits": bits}))
    values, logs = sampled_draws(silent, 1024, seed=1)
    assert (values[:, i] == 5).mean() == pytest.approx(0.01, abs=2 / 1024)
    assert not logs.any()
