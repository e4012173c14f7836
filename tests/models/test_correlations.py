"""Numbers that go together: by quadrature through the copula, closed forms and other roads."""

from collections.abc import Iterator
from itertools import product

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import spearmanr
from support.coordinates import INTERPRETED
from support.oracle import odds

from storyodds import InputError, compile_story, load_text
from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.numerics import weighted_quantile
from storyodds.models.posterior import nuts
from storyodds.models.posterior.densities.correlated_density import whitened
from storyodds.models.posterior.densities.moving_density import moving_log_density
from storyodds.models.posterior.prepared import prepare
from storyodds.models.posterior.questions import ask as ask_at
from storyodds.models.posterior.weighting import prior_draws
from storyodds.models.story.events import EVENTS
from storyodds.priors.distributions.copula import at_scores, scores_of
from storyodds.priors.distributions.families import (
    BetaDistribution,
    Distribution,
    Mixture,
    NormalDistribution,
    Point,
)
from storyodds.scenarios.named_numbers import with_numbers_in_place
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.story import Story

Array = NDArray[np.float64]

SIGMAS = 4.5  # one false alarm in 150,000 comparisons; seeds are fixed anyway
NODES = 12  # of Gauss rules, of smooth integrands: those with 15 differ by less than 1e-7
_NEGLIGIBLE = 1e-11  # what a node weighs at most that is left out

TEXT = """
story: together
title: Numbers that go together
numbers:
  hard: {beta: [2, 3], kind: probability}
  shown: {interval: [0.1, 0.5], kind: probability}
  push: {normal: [1, 1], kind: bits}
correlations:
  - {between: [hard, push], rank: 0.7}
  - {between: [hard, shown], rank: -0.5}
goal: {specification: A table., desirability: Right.}
assumptions:
  a: {probability: {number: hard}}
  b: {given: [{when: a, probability: 0.6}, {otherwise: 0.3}]}
routes:
  - {id: schemer, class: deceptive, requires: [a, b], bits: {number: push}, harm: 0.4}
  - {id: proxy, class: mesa-optimizer, requires: a, bits: 0, harm: 0.2}
  - {id: something-else, class: other, bits: -3, harm: 0.1}
checks:
  - {id: audit, flags: {deceptive: 0.3, default: 0.05}}
evidence:
  - {id: seen, about: {assumption: a}, counts: {hits: 3, trials: 10},
     rates: {true: {number: shown}, false: 0.1}, relevance: 0.8}
"""
STORY = load_text(TEXT)
NAMES = ("hard", "shown", "push")


def fixed(story: Story, **values: float) -> Story:
    """The story with named numbers at values, written out at every place."""
    named = {
        name: type(number).model_validate({"kind": number.kind, "fixed": float(values[name])})
        for name, number in story.numbers.items()
    }
    update = {"numbers": named, "correlations": ()}
    return with_numbers_in_place(story.model_copy(update=update))


def nodes(
    distributions: list[Distribution], correlations: Array, count: int = NODES
) -> Iterator[tuple[Array, float]]:
    """Nodes of a Gauss-Hermite rule taken through the copula, each with its weight."""
    z, w = np.polynomial.hermite_e.hermegauss(count)
    factor = np.linalg.cholesky(correlations)
    for place in product(range(count), repeat=len(distributions)):
        weight = float(np.prod(w[list(place)] / w.sum()))
        if weight < _NEGLIGIBLE:
            continue
        scores = factor @ z[list(place)]
        values = [
            float(d.quantile(np.array(ndtr(q)))) for d, q in zip(distributions, scores, strict=True)
        ]
        yield np.array(values), weight


def by_quadrature(story: Story, correlations: Array, count: int = NODES) -> tuple[Array, float]:
    """Posterior means of events, and log P(evidence), from the oracle."""
    resolved = resolve(story)
    priors = [resolved.numbers[resolved.number_index[name]].distribution for name in NAMES]
    total, events = 0.0, np.zeros(len(EVENTS))
    for values, weight in nodes(priors, correlations, count):
        table, log_evidence = odds(fixed(story, **dict(zip(NAMES, values, strict=True))))
        mass = weight * np.exp(log_evidence)
        total += mass
        events += mass * np.array([table[name] for name in EVENTS])
    return events / total, float(np.log(total))


def means_of(result: Assessment) -> tuple[Array, Array]:
    """Posterior means of events and their standard errors."""
    errors = result.errors.by_name()
    means = result.averaged.mean(result.averaged.events)
    return means, np.array([errors[name]["mean"] for name in EVENTS])


CORRELATIONS = np.eye(3)
CORRELATIONS[0, 2] = CORRELATIONS[2, 0] = 2 * np.sin(np.pi * 0.7 / 6)
CORRELATIONS[0, 1] = CORRELATIONS[1, 0] = 2 * np.sin(np.pi * -0.5 / 6)


@pytest.fixture(scope="module")
def expected() -> tuple[Array, float]:
    return by_quadrature(STORY, CORRELATIONS)


def test_three_numbers_go_together(expected: tuple[Array, float]) -> None:
    """A probability, the bits of a route and a finding's own rate, by quadrature."""
    result = assess(resolve(STORY), draws=8192)
    means, errors = means_of(result)
    assert np.all(abs(means - expected[0]) <= SIGMAS * errors + 1e-6)
    assert errors.max() < 1e-3
    assert result.draws.log_evidence == pytest.approx(
        expected[1], abs=SIGMAS * result.draws.log_evidence_error
    )
    # And it matters: without the correlations the answers are others, of which few nodes tell.
    apart = by_quadrature(STORY, np.eye(3), count=6)[0]
    assert abs(apart - expected[0]).max() > 100 * SIGMAS * errors.max() / 10


def test_a_rate_of_a_known_result_goes_together_with_others() -> None:
    """What the result says of its rate moves what goes together with that, by quadrature."""
    text = TEXT.replace("id: audit,", "id: audit, result: passed,")
    story = load_text(
        text.replace("flags: {deceptive: 0.3,", "flags: {deceptive: {number: shown},")
    )
    means, errors = means_of(result := assess(resolve(story), draws=8192))
    events, log_evidence = by_quadrature(story, CORRELATIONS)
    assert np.all(abs(means - events) <= SIGMAS * errors + 1e-6)
    assert result.draws.log_evidence == pytest.approx(
        log_evidence, abs=SIGMAS * result.draws.log_evidence_error
    )


PREMISES = """
story: premises
title: Two premises that go together
CORRELATIONS
goal: {specification: A table., desirability: Right.}
assumptions:
  a: {probability: {uniform: [0, 1]}}
  b: {probability: {uniform: [0, 1]}}
  c: {probability: {uniform: [0, 1]}}
routes:
  - {id: schemer, class: deceptive, requires: [a, b], bits: 0, harm: 1}
  - {id: something-else, class: other, bits: -60, harm: 0}
"""


def premises(*blocks: str) -> Story:
    correlations = f"correlations: [{', '.join(blocks)}]" if blocks else ""
    return load_text(PREMISES.replace("CORRELATIONS", correlations))


@pytest.mark.parametrize("rank", [-0.8, 0.3, 0.6, 0.95])
def test_premises_have_the_moment_of_their_rank_correlation(rank: float) -> None:
    """Of two uniform chances E[p q] is 1/4 + rank / 12, and half of it is deceptive."""
    result = assess(resolve(premises(f"{{between: [a, b], rank: {rank}}}")), draws=8192)
    deceptive = float(result.averaged.mean(result.averaged.event("deceptive")))
    error = result.errors.by_name()["deceptive"]["mean"]
    assert deceptive == pytest.approx((1 / 4 + rank / 12) / 2, abs=SIGMAS * error)
    assert error < 0.001


@pytest.mark.parametrize("rank", [-0.8, 0.6])
def test_intervals_are_those_of_the_joint_distribution(rank: float) -> None:
    """5 and 95 percent points of p q / 2, over an even grid through the copula."""
    result = assess(resolve(premises(f"{{between: [a, b], rank: {rank}}}")), draws=8192)
    at = (np.arange(1000) + 0.5) / 1000
    r = 2 * np.sin(np.pi * rank / 6)
    z = ndtri(at)
    first, second = np.meshgrid(z, z)
    product_of_both = ndtr(first) * ndtr(r * first + np.sqrt(1 - r * r) * second) / 2
    points = np.quantile(product_of_both, [0.05, 0.95])
    errors = result.errors.by_name()["deceptive"]
    drawn = weighted_quantile(
        result.exact.event("deceptive"), np.array([0.05, 0.95]), result.exact.weights
    )
    for point, x, error in zip(points, drawn, (errors["q05"], errors["q95"]), strict=True):
        assert x == pytest.approx(point, abs=SIGMAS * error + 1e-4)


def test_rank_0_changes_nothing() -> None:
    """Not a digit: such numbers are not correlated, and so are still integrated out."""
    plain, zero = premises(), premises("{between: [a, b, c], rank: 0}")
    assert prepare(resolve(zero)).sampled == ()
    for first, second in zip(
        (assess(resolve(plain)).averaged, assess(resolve(plain)).exact),
        (assess(resolve(zero)).averaged, assess(resolve(zero)).exact),
        strict=True,
    ):
        np.testing.assert_array_equal(first.events, second.events)


def test_what_is_not_in_a_block_is_still_integrated() -> None:
    prepared = prepare(resolve(premises("{between: [a, b], rank: 0.5}")))
    names = [prepared.resolved.numbers[i].name for i in prepared.integrated]
    assert names == ["c.probability"]


def test_what_becomes_fixed_leaves_the_others_their_own_priors() -> None:
    """A setting replaces one prior. What went together with it has no other one for that."""
    story = premises("{between: [a, b, c], rank: 0.5}")
    prepared = prepare(resolve(story, settings={"a": 0.9}))
    (block,) = prepared.blocks
    assert [prepared.resolved.numbers[i].name for i in block.numbers] == [
        "b.probability",
        "c.probability",
    ]
    both = prepare(resolve(story, settings={"a": 0.9, "b": 0.9}))
    assert both.blocks == () and both.sampled == ()
    deceptive = assess(resolve(story, settings={"a": 0.9}), draws=4096)
    mean = deceptive.averaged.mean(deceptive.averaged.event("deceptive"))
    error = deceptive.errors.by_name()["deceptive"]["mean"]
    resolution = 1e-8  # of Sobol points, which are the lower ends of their cells
    assert mean == pytest.approx(0.9 / 2 / 2, abs=SIGMAS * error + resolution)


POOL = "{pool: [{by: x, value: {beta: [2, 8]}}, {by: y, value: {beta: [20, 5]}, weight: 2}]}"
FIXED_POOL = "{pool: [{by: x, value: 0.2}, {by: y, value: 0.9, weight: 2}]}"


@pytest.mark.parametrize("value", [POOL, FIXED_POOL])
def test_a_pool_goes_together_by_its_quantiles(value: str) -> None:
    """E[p q] of a pool p and a uniform q, by a fine grid of levels of both."""
    text = PREMISES.replace("a: {probability: {uniform: [0, 1]}}", f"a: {{probability: {value}}}")
    text = text.replace("CORRELATIONS", "correlations: [{between: [a, b], rank: -0.7}]")
    resolved = resolve(load_text(text))
    pool = resolved.numbers[resolved.number_index["a.probability"]].distribution
    n = 2**21
    sorted_pool = np.sort(pool.quantile((np.arange(n) + 0.5) / n))
    rng = np.random.default_rng(1)
    r = 2 * np.sin(np.pi * -0.7 / 6)
    first, second = rng.normal(size=(2, n))
    p = sorted_pool[np.clip((ndtr(first) * n).astype(int), 0, n - 1)]
    q = ndtr(r * first + np.sqrt(1 - r * r) * second)
    result = assess(resolved, draws=8192)
    deceptive = result.averaged.mean(result.averaged.event("deceptive"))
    error = np.hypot(result.errors.by_name()["deceptive"]["mean"], (p * q).std() / 2 / np.sqrt(n))
    assert deceptive == pytest.approx((p * q).mean() / 2, abs=SIGMAS * error)


def test_prior_draws_have_the_stated_ranks() -> None:
    prepared = prepare(resolve(STORY))
    values = prior_draws(prepared, 2**15, seed=3)
    index = prepared.resolved.number_index
    # The error of a rank correlation of as many independent draws, which these do better than.
    error = 1 / np.sqrt(len(values))
    for first, second, rank in (
        ("hard", "push", 0.7),
        ("hard", "shown", -0.5),
        ("push", "shown", 0),
    ):
        drawn = spearmanr(values[:, index[first]], values[:, index[second]])[0]
        assert drawn == pytest.approx(rank, abs=SIGMAS * error)


@pytest.mark.parametrize(
    "distribution",
    [
        BetaDistribution(2, 8),
        NormalDistribution(1, 2),
        Mixture((0.3, 0.7), (BetaDistribution(2, 8), BetaDistribution(30, 3))),
        Mixture((0.2, 0.3, 0.5), (NormalDistribution(-3, 1), Point(0.5), NormalDistribution(2, 1))),
    ],
)
def test_a_number_keeps_its_own_distribution(distribution: Distribution) -> None:
    """Its mean is that of its scores' levels, and higher scores have higher values."""
    scores = np.sort(np.random.default_rng(1).normal(size=200_000))
    values = at_scores(distribution, scores)
    assert np.all(np.diff(values) >= 0)
    error = values.std() / np.sqrt(len(values))
    assert values.mean() == pytest.approx(distribution.mean(), abs=SIGMAS * error)
    inside = abs(scores) < 4
    back = at_scores(distribution, scores_of(distribution, values))
    np.testing.assert_allclose(back[inside], values[inside], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("text", [TEXT, TEXT.replace("{beta: [2, 3]", f"{POOL[:-1]}")])
def test_the_whitened_density_is_that_of_the_joint_prior(text: str) -> None:
    """Scores' own density times P(evidence), and its gradient by a step."""
    prepared = prepare(resolve(load_text(text)))
    space = whitened(prepared)
    base = prepared.center[None]
    density = space.density(moving_log_density(space.prepared, base))
    rng = np.random.default_rng(5)
    # A pool is a table, with steps of 0.004 standard deviations, between which its slope is even.
    share, step = (1e-2 if "pool" in text else 1e-5), 1e-4
    for point in rng.normal(size=(4, len(prepared.active))):
        height, slope = density(point)
        scores = np.linalg.cholesky(prepared.blocks[0].correlations) @ point
        values = prepared.center[None].copy()
        for i, score in zip(prepared.blocks[0].numbers, scores, strict=True):
            values[0, i] = at_scores(prepared.distributions[i], np.array(score))
        expected_height = float(ask_at(prepared, values).log_evidence[0])
        expected_height -= 0.5 * float(point @ point) + 1.5 * np.log(2 * np.pi)
        assert height == pytest.approx(expected_height, rel=1e-9)
        for k in range(len(point)):
            moved = np.eye(len(point))[k] * step
            by_step = (density(point + moved)[0] - density(point - moved)[0]) / (2 * step)
            assert slope[k] == pytest.approx(by_step, rel=share, abs=1e-4)


# Its findings share no number, so that a point takes a hundredth of the time.
SEEN = TEXT.replace("rates: {true: {number: shown}", "rates: {true: 0.4").replace(
    "flags: {deceptive: 0.3", "flags: {deceptive: {number: shown}"
)


def test_nuts_agrees_with_quadrature() -> None:
    """Evidence that is about one number moves those that go together with it as well."""
    story = load_text(SEEN)
    events, log_evidence = by_quadrature(story, CORRELATIONS)
    for method, draws in (("weighting", 8192), ("nuts", 4000)):
        result = assess(resolve(story), draws=draws, method=method)
        assert result.draws.ok, result.draws.messages
        means, errors = means_of(result)
        assert np.all(abs(means - events) <= SIGMAS * errors + 1e-6)
        assert errors.max() < 5e-3
        assert result.draws.log_evidence == pytest.approx(
            log_evidence, abs=SIGMAS * result.draws.log_evidence_error
        )
    assert {result.prepared.resolved.numbers[i].name for i in result.prepared.active} == set(NAMES)


def test_nuts_takes_correlated_pools_as_one_and_refuses_fixed_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nuts, "_PROPOSALS", 512)  # points at which P(evidence), not compared, is
    pooled = load_text(SEEN.replace("{beta: [2, 3]", POOL[:-1]))
    (first, error), (second, other) = (
        means_of(assess(resolve(pooled), draws=draws, method=method))
        for draws, method in ((8192, "weighting"), (4000, "nuts"))
    )
    assert np.all(abs(first - second) <= SIGMAS * np.hypot(error, other) + 1e-9)
    fixed_values = load_text(SEEN.replace("{beta: [2, 3]", FIXED_POOL[:-1]))
    with pytest.raises(InputError, match="'hard', a pool with fixed values that goes together"):
        assess(resolve(fixed_values), method="nuts")


def test_the_pymc_model_has_the_joint_prior() -> None:
    """Prior draws have the stated ranks and quantiles; the density is that of the scores."""
    model, prepared = compile_story(STORY), prepare(resolve(STORY))
    assert [variable.name for variable in model.free_RVs] == ["scores_1"]
    draws = 4000
    values = pm.draw([model[name] for name in NAMES], draws=draws, random_seed=1, mode=INTERPRETED)
    error = 1 / np.sqrt(draws)  # of a rank correlation
    for (i, j), rank in {(0, 2): 0.7, (0, 1): -0.5, (1, 2): 0.0}.items():
        assert spearmanr(values[i], values[j])[0] == pytest.approx(rank, abs=SIGMAS * error)
    index = prepared.resolved.number_index
    for name, drawn in zip(NAMES, values, strict=True):
        middle = float(prepared.distributions[index[name]].quantile(np.array([0.5]))[0])
        assert np.mean(drawn < middle) == pytest.approx(0.5, abs=SIGMAS * error / 2)
    scores = model.rvs_to_values[model["scores_1"]]
    total = pt.stack([pt.sum(term) for term in model.logp(sum=False)]).sum()
    density = pytensor.function([scores], [total, pytensor.grad(total, scores)], mode=INTERPRETED)
    space = whitened(prepared)
    ours = space.density(moving_log_density(space.prepared, prepared.center[None]))
    factor = np.linalg.cholesky(prepared.blocks[0].correlations)
    for point in np.random.default_rng(2).normal(size=(3, 3)):
        height, slope = density(factor @ point)
        expected_height, expected_slope = ours(point)
        expected_height -= float(np.log(np.diag(factor)).sum())  # of scores, not of their parts
        assert float(height) == pytest.approx(expected_height, rel=1e-9)
        np.testing.assert_allclose(factor.T @ slope, expected_slope, rtol=1e-6, atol=1e-8)
