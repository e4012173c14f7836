"""Every question about a story whose numbers go together, by closed forms and other roads."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr
from scipy.stats import multivariate_normal, norm

from storyodds import load_text
from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.assessment.datatree import to_datatree
from storyodds.models.changes.derivatives import mean_slopes
from storyodds.models.changes.interactive import answer, common_uniforms, renumbered
from storyodds.models.changes.sliders import TOGETHER, sliders
from storyodds.models.changes.what_if import ask, base_of
from storyodds.models.comparison.contributions import contributions
from storyodds.models.comparison.coupling import put_beside
from storyodds.models.comparison.sides import EVENTS as COMPARED
from storyodds.models.comparison.sides import of_assessment
from storyodds.models.posterior.prepared import prepare
from storyodds.models.sensitivity.power_scaling import power_scaling
from storyodds.models.sensitivity.spread import global_sensitivity
from storyodds.models.sensitivity.structure import leave_one_out
from storyodds.models.story.correlated_numbers import Block, log_copula
from storyodds.models.story.events import EVENTS
from storyodds.models.value.given_data import number_gains
from storyodds.priors.distributions.families import BetaDistribution, NormalDistribution
from storyodds.reports.documents.head import correlated_numbers
from storyodds.scenarios.resolve import resolve

Array = NDArray[np.float64]

SIGMAS = 4.5  # one false alarm in 150,000 comparisons; seeds are fixed anyway
RESOLUTION = 1e-8  # of Sobol points, which are the lower ends of their cells
DECEPTIVE = EVENTS.index("deceptive")

TEXT = """
story: premises
title: Two premises that go together
correlations: [{between: [a, b], rank: RANK}]
goal: {specification: A table., desirability: Right.}
assumptions:
  a: {probability: {uniform: [0, 1]}}
  b: {probability: {uniform: [0, 1]}}
routes:
  - {id: schemer, class: deceptive, requires: [a, b], bits: 0, harm: [0.2, 0.4]}
  - {id: something-else, class: other, bits: -60, harm: 0}
"""


def assessed(rank: float, draws: int = 8192, **settings: Any) -> Assessment:
    story = load_text(TEXT.replace("RANK", f"{rank}"))
    return assess(resolve(story, settings=settings), draws=draws)


def grid(rank: float) -> tuple[Array, Array, Array, Array]:
    """Chances p and q, their scores and weights, at a Gauss-Hermite rule through the copula."""
    z, w = np.polynomial.hermite_e.hermegauss(80)
    r = 2 * np.sin(np.pi * rank / 6)
    first, second = (x.ravel() for x in np.meshgrid(z, z))
    weights = np.outer(w, w).ravel() / w.sum() ** 2
    scores = np.stack([first, r * first + np.sqrt(1 - r * r) * second], axis=1)
    return ndtr(scores[:, 0]), ndtr(scores[:, 1]), scores, weights


@pytest.mark.parametrize("rank", [-0.6, 0.7])
def test_a_number_put_at_a_value_leaves_the_other_its_prior(rank: float) -> None:
    """As a setting of it does."""
    result = assessed(rank)
    base = base_of(result, draws=8192)
    i = result.prepared.resolved.number_index["a.probability"]
    changed = ask(base, {i: 0.9})
    error = changed.errors[DECEPTIVE] + base.pulls[:, DECEPTIVE].std() * np.sqrt(32)
    assert changed.means[DECEPTIVE] == pytest.approx(0.225, abs=SIGMAS * error + RESOLUTION)
    fixed = assessed(rank, a=0.9)
    assert fixed.prepared.sampled == ()
    mean = fixed.averaged.mean(fixed.averaged.event("deceptive"))
    assert mean == pytest.approx(0.225, abs=RESOLUTION)


def test_a_slope_moves_the_whole_prior_and_keeps_the_other_where_it_is() -> None:
    """Of log odds of p, at every draw: E[p (1 - p) q] / 2 for each, in nats."""
    p, q, _, weights = grid(0.7)
    expected = float(weights @ (p * (1 - p) * q)) / 2 * np.log(2)
    result = assessed(0.7, draws=16384)
    slopes = mean_slopes(result, ["deceptive"])
    i = result.prepared.resolved.number_index["a.probability"]
    assert slopes.per_bit[0, i] == pytest.approx(expected, rel=0.02)


def test_learning_a_number_tells_of_the_other_too() -> None:
    """E[q | p] is Φ(r z / sqrt(2 - r²)) at the score z of p."""
    r = 2 * np.sin(np.pi * 0.7 / 6)
    z, w = np.polynomial.hermite_e.hermegauss(80)
    w = w / w.sum()
    result = assessed(0.7, draws=16384)
    i = result.prepared.resolved.number_index["a.probability"]
    gains = number_gains(result, [i], "deceptive").bits

    def bits(given: Array) -> float:
        mean = float(w @ given)
        return float(
            w @ (given * np.log2(given / mean) + (1 - given) * np.log2((1 - given) / (1 - mean)))
        )

    expected = bits(ndtr(z) * ndtr(r * z / np.sqrt(2 - r * r)) / 2)
    assert gains.amount[0] == pytest.approx(expected, abs=SIGMAS * gains.error[0] + 1e-4)
    alone = bits(ndtr(z) / 4)  # as if it told nothing of the other
    assert abs(expected - alone) > 10 * gains.error[0]


def test_variance_is_divided_among_blocks() -> None:
    """The premises are one input; harm does nothing to where training ends."""
    result = assessed(0.7, draws=1024)
    spread = global_sensitivity(result, ["deceptive", "catastrophe"], base_rows=256)
    assert spread.indices is not None
    assert spread.names[0] == "a.probability + b.probability"
    shares = spread.indices.shapley.value[0]
    assert shares[0] == pytest.approx(1.0, abs=1e-9)
    both = spread.indices.shapley.value[1]
    assert both.sum() == pytest.approx(1.0, abs=1e-9) and both[1] > 0


def test_the_density_of_a_block_is_that_of_its_scores() -> None:
    correlations = np.array([[1.0, 0.4], [0.4, 1.0]])
    priors = BetaDistribution(2, 3), NormalDistribution(1, 2)
    scores = np.random.default_rng(1).normal(size=(50, 2))
    values = np.stack(
        [np.asarray(d.quantile(ndtr(x))) for d, x in zip(priors, scores.T, strict=True)], axis=1
    )
    expected = multivariate_normal(cov=correlations).logpdf(scores) - norm.logpdf(scores).sum(1)
    got = log_copula(Block((0, 1), correlations), priors, values)
    np.testing.assert_allclose(got, expected, atol=1e-4)  # scores of a Beta come from a table


def test_joint_priors_are_scaled_as_one() -> None:
    """The slope is the covariance of the answer with the log density of both log odds."""
    p, q, scores, weights = grid(0.7)
    r = 2 * np.sin(np.pi * 0.7 / 6)
    own = (log_ndtr(scores) + log_ndtr(-scores)).sum(axis=1)
    joint = multivariate_normal(cov=[[1, r], [r, 1]]).logpdf(scores) - norm.logpdf(scores).sum(1)
    density, answer_at = own + joint, p * q / 2
    covariance = weights @ (density * answer_at) - (weights @ density) * (weights @ answer_at)
    result = assessed(0.7, draws=16384)
    scaled = power_scaling(result, ["deceptive"])
    assert scaled.priors is not None
    assert scaled.priors.names[0] == "a.probability + b.probability"
    error = scaled.priors.slope_error[0, 0]
    assert scaled.priors.slope[0, 0] == pytest.approx(
        covariance * np.log(2), abs=SIGMAS * error + 1e-4
    )
    tree = to_datatree(result, {})
    total = sum(tree["log_prior"][name].values.ravel() for name in tree["log_prior"].data_vars)
    assert "a.probability + b.probability" in tree["log_prior"].data_vars
    assert np.isfinite(np.asarray(total)).all()


def test_there_are_no_sliders_of_what_goes_together() -> None:
    result = assessed(0.7, draws=512)
    chosen = sliders(result)
    index = result.prepared.resolved.number_index
    assert set(chosen.without[TOGETHER]) == {index["a.probability"], index["b.probability"]}
    assert [slider.number for slider in chosen.shown] == [index["schemer.harm"]]


def test_quick_answers_are_those_of_an_assessment() -> None:
    """Also where the story was compiled with one of the numbers fixed, and where findings' are."""
    evidence = """
evidence:
  - {id: seen, about: {assumption: a}, counts: {hits: 3, trials: 10},
     rates: {true: [0.2, 0.6], false: 0.1}}
"""
    text = TEXT.replace("[a, b], rank: RANK", "[a, b, seen.rates.true], rank: 0.5") + evidence
    written = resolve(load_text(text))
    whole = assess(written, draws=1024, method="weighting")
    uniforms = common_uniforms(written, draws=1024)
    fixed = prepare(resolve(load_text(text), settings={"a": 0.5, "seen.rates.true": 0.3}))
    for prepared in (prepare(written), renumbered(fixed, written)):
        quick = answer(prepared, uniforms)
        means = whole.averaged.mean(whole.averaged.events)
        np.testing.assert_allclose(quick.means, means, rtol=1e-12)


def test_sides_that_correlate_alike_have_the_same_numbers() -> None:
    same = of_assessment(assessed(0.7, draws=1024))
    beside = put_beside([same, same], draws=1024)
    assert beside.pairs[0, 1].numbers == ("a.probability", "b.probability", "schemer.harm")
    np.testing.assert_array_equal(beside.events[0], beside.events[1])


def test_sides_that_correlate_otherwise_have_their_own() -> None:
    """Each row has draws of the joint distribution of its side, and both have what they share."""
    sides = [of_assessment(assessed(rank, draws=8192)) for rank in (0.9, -0.9)]
    beside = put_beside(sides, draws=8192)
    pair = beside.pairs[0, 1]
    assert (pair.apart, pair.numbers) == (("a.probability", "b.probability"), ("schemer.harm",))
    column = COMPARED.index("deceptive")
    for side, rank in enumerate((0.9, -0.9)):
        rows = beside.events[side, :, column]
        error = rows.std() / np.sqrt(len(rows))
        assert rows.mean() == pytest.approx((1 / 4 + rank / 12) / 2, abs=SIGMAS * error)


def test_a_changed_correlation_has_all_of_the_difference() -> None:
    old, new = (of_assessment(assessed(rank)) for rank in (0.6, -0.6))
    result = contributions(old, new)
    ((change,),) = result.players
    assert (change.part, change.how) == ("correlation", "changed")
    column = COMPARED.index("deceptive")
    share, error = result.shares[0, column], result.errors[0, column]
    assert share == pytest.approx(-1.2 / 12 / 2, abs=SIGMAS * error)


def test_simulated_states_agree() -> None:
    story = load_text(TEXT.replace("RANK", "0.7"))
    simulated = assess(resolve(story), method="simulation", draws=2048)
    mean = float(simulated.averaged.mean(simulated.averaged.event("deceptive")))
    error = simulated.errors.by_name()["deceptive"]["mean"]
    assert mean == pytest.approx((1 / 4 + 0.7 / 12) / 2, abs=SIGMAS * error)


def test_a_part_left_out_leaves_what_went_together_with_it() -> None:
    """A check whose rate goes together with a premise: without it, premises are as they were."""
    text = TEXT.replace("[a, b], rank: RANK", "[a, audit.flags.deceptive], rank: 0.8")
    text += "checks: [{id: audit, flags: {deceptive: {uniform: [0, 1]}, default: 0}}]\n"
    result = assess(resolve(load_text(text)), draws=8192)
    halted = result.averaged.mean(result.averaged.event("halted"))
    error = result.errors.by_name()["halted"]["mean"]
    # E[p rate] q / 2, q being integrated out.
    assert halted == pytest.approx((1 / 4 + 0.8 / 12) / 4, abs=SIGMAS * error)
    (without,) = leave_one_out(base_of(result, draws=8192))
    assert without.changed is not None
    assert without.changed.means[DECEPTIVE] == pytest.approx(1 / 8, abs=1e-3)
    assert without.changed.means[EVENTS.index("halted")] == 0


def test_documents_name_what_goes_together_and_what_is_fixed() -> None:
    story = load_text(TEXT.replace("RANK", "0.7"))
    (block,) = correlated_numbers(resolve(story, settings={"a": 0.3}))
    assert block == {
        "id": "correlation-1",
        "between": ["a.probability", "b.probability"],
        "rank": 0.7,
        "fixed": ["a.probability"],
        "source": None,
        "note": None,
    }
