"""Derivatives of posterior means against differences, and shares of an answer by hand."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit, logit
from support.building import OFF, believe, item, on_a_class, tell
from support.strategies import small_stories

from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.changes.derivatives import (
    EVENTS,
    mean_slopes,
    slopes_at_draws,
)
from storyodds.models.story.events import EVENTS as ALL_EVENTS
from storyodds.priors.distributions.forms import Interval
from storyodds.priors.text.errors import InputError, UnsupportedStoryError
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.resolve import ResolvedStory, resolve
from storyodds.scenarios.schema import Assumption, Check, Hazard, Nudge, Route
from storyodds.scenarios.story import Story

LN2 = np.log(2.0)
STEP = 2e-3  # bits: five points leave an error of STEP**4, rounding one of 1e-15 / STEP
STENCIL = {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}


def mean_derivatives(
    assessment: Assessment, of: Sequence[str] = EVENTS
) -> dict[str, NDArray[np.float64]]:
    return dict(zip(of, mean_slopes(assessment, of).per_bit, strict=True))


relaxed = settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
REFERENCES = (".bayes_factor.default", ".bayes_factor.false")  # always 0


def fates(assessment: Assessment) -> np.ndarray:
    """Posterior means of success and of catastrophe."""
    return means(assessment)[[ALL_EVENTS.index(event) for event in EVENTS]]


def means(assessment: Assessment) -> np.ndarray:
    """Posterior means of all events."""
    return assessment.averaged.mean(assessment.averaged.events)


def moved(value: Any, kind: str, bits: float) -> Any:
    """A fixed number, or both ends of an interval, moved on the scale of bits."""
    if isinstance(value, dict):
        return value | {"interval": [moved(end, kind, bits) for end in value["interval"]]}
    return value + bits if kind == "bits" else float(expit(logit(value) + LN2 * bits))


def differences(resolved: ResolvedStory, values: dict[str, Any], name: str, **options: Any) -> Any:
    """The same derivatives, from assessments with the number moved to both sides."""
    kind = resolved.numbers[resolved.number_index[name]].kind
    total = np.zeros(len(EVENTS))
    for steps, weight in STENCIL.items():
        changed = values | {name: moved(values[name], kind, steps * STEP)}
        total += weight * fates(assess(resolve(resolved.story, settings=changed), **options))
    return total / STEP


@relaxed
@given(story=small_stories(max_assumptions=4, max_routes=4), data=st.data())
def test_equal_differences_on_random_stories(story: Story, data: st.DataObject) -> None:
    resolved = resolve(story)
    try:
        slopes = mean_derivatives(assess(resolved))
    except InputError:
        assume(False)
        raise
    written = [
        number
        for number in resolved.numbers
        if number.key_path is not None and not number.name.endswith(REFERENCES)
    ]
    values = {number.name: number.form.fixed for number in written}  # type: ignore[union-attr]
    movable = [
        number.name
        for number in written
        if (number.kind == "bits" and abs(values[number.name]) < 59)
        or (number.kind == "probability" and 1e-4 < values[number.name] < 1 - 1e-4)
    ]
    movable = [
        n for n in movable if not n.endswith((".bayes_factor.default", ".bayes_factor.false"))
    ]
    assume(movable)
    for name in data.draw(st.lists(st.sampled_from(movable), min_size=1, max_size=6, unique=True)):
        found = np.array([slopes[event][resolved.number_index[name]] for event in EVENTS])
        # A count of n trials bends like n**5 over five points.
        trials = max([1, *(e.counts.trials for e in story.evidence if e.counts)])
        tolerance = 1e-9 + (LN2 * STEP) ** 4 * min(trials, 1 / STEP) ** 5 / 30
        np.testing.assert_allclose(found, differences(resolved, values, name), atol=tolerance)


def test_numbers_of_the_evidence_alone() -> None:
    # Nothing else is uncertain, so that every answer is exact and no draw adds noise.
    story = tell(
        {"a": believe(0.3)},
        [
            Route(id="r", class_="deceptive", requires="a", bits=1, harm=0.4),
            Route(id="something-else", class_="other", bits=-2, harm=0.05),
        ],
        checks=[Check(id="v", flags={"deceptive": 0.3, "default": 0.1})],
        evidence=[
            item(
                "counted",
                {"assumption": "a"},
                counts={"hits": 7, "trials": 20},
                rates={"true": {"interval": [0.2, 0.7]}, "false": {"interval": [0.05, 0.5]}},
                relevance={"interval": [0.3, 0.8]},
            ),
            item(
                "judged",
                {"outcome": True},
                bayes_factor={"deceptive": {"interval": [-1, 3]}, "default": 0},
                relevance={"interval": [0.5, 0.9]},
            ),
            item("told", {"class": "deceptive"}, forecast=0.2, sd_bits=1.5),
        ],
    )
    resolved = resolve(story)
    slopes = mean_derivatives(assess(resolved))
    written = [n for n in resolved.numbers if n.key_path and not n.name.endswith(REFERENCES)]
    values = {n.name: n.form.model_dump(exclude_defaults=True) for n in written}
    values = {name: value.get("fixed", value) for name, value in values.items()}
    assert len(values) == 12
    for name in values:
        found = [slopes[event][resolved.number_index[name]] for event in EVENTS]
        expected = differences(resolved, values, name)
        assert np.abs(expected).max() > 1e-5, name
        # Quadrature over a logit-normal is good to about 1e-12, here divided by the step.
        np.testing.assert_allclose(found, expected, atol=1e-8, err_msg=name)


def test_uncertain_numbers_move_as_a_whole() -> None:
    # Without evidence all draws weigh the same, and moving a prior moves each draw alike.
    story = tell(
        {"a": believe({"interval": [0.2, 0.6]})},
        [Route(id="r", class_="other", requires="a", bits=[-1, 2], harm=[0.1, 0.3]), OFF],
        nudges=[Nudge(id="n", when="a", bits={"intended": [0, 2]})],
        hazards=[Hazard(id="h", criterion="alignment", probability=[0.1, 0.4], harm=[0.2, 0.5])],
    )
    resolved = resolve(story)
    assessed = assess(resolved, draws=256)
    slopes = mean_derivatives(replace(assessed, link_rows=np.arange(256)))
    values = {
        n.name: n.form.model_dump(exclude_defaults=True) for n in resolved.numbers if n.key_path
    }
    values = {name: value.get("fixed", value) for name, value in values.items()}
    for name in ("a.probability", "r.bits", "r.harm", "n.bits.intended", "h.probability", "h.harm"):
        found = [slopes[event][resolved.number_index[name]] for event in EVENTS]
        expected = differences(resolved, values, name, draws=256)
        np.testing.assert_allclose(found, expected, atol=1e-9, err_msg=name)


def test_priors_that_are_integrated_out_move_as_a_whole() -> None:
    # No number has to be sampled, so that answers are exact; moving a prior moves its mean.
    story = tell(
        {"a": believe({"interval": [0.01, 0.9]}), "b": believe({"interval": [0.2, 0.5]})},
        [
            Route(id="r", class_="deceptive", requires="a", bits=1, harm={"interval": [0.1, 0.7]}),
            Route(id="something-else", class_="other", bits=-2, harm=0.05),
        ],
        checks=[
            Check(id="v", flags={"deceptive": {"interval": [0.1, 0.8]}, "default": 0.1}),
            Check(
                id="w", flags={"other": {"interval": [0.1, 0.8]}, "default": 0.3}, result="passed"
            ),
        ],
        hazards=[
            Hazard(
                id="h",
                criterion="alignment",
                requires="b",
                probability={"interval": [0.1, 0.6]},
                harm={"interval": [0.1, 0.6]},
            )
        ],
        evidence=[
            item(
                "seen",
                {"assumption": "a"},
                counts={"hits": 3, "trials": 9},
                rates={"true": 0.5, "false": 0.1},
                relevance=0.8,
            )
        ],
    )
    resolved = resolve(story)
    assessed = assess(resolved)
    assert len(assessed.averaged.values) == 1
    slopes = mean_derivatives(assessed)
    for number in resolved.numbers:
        if number.key_path is None or not isinstance(number.form, Interval):
            continue
        values = {number.name: {"interval": list(number.form.interval)}}
        found = [slopes[event][resolved.number_index[number.name]] for event in EVENTS]
        expected = differences(resolved, values, number.name)
        assert np.abs(expected).max() > 1e-4, number.name
        np.testing.assert_allclose(found, expected, atol=1e-8, err_msg=number.name)


def test_slopes_at_draws_against_differences() -> None:
    story = tell(
        {"a": believe([0.2, 0.6])},
        [Route(id="r", class_="other", requires="a", bits=[-1, 2], harm=[0.1, 0.3]), OFF],
        hazards=[Hazard(id="h", criterion="alignment", probability=[0.1, 0.4], harm=0.3)],
        evidence=[item("judged", {"outcome": True}, bayes_factor={"other": 2, "default": 0})],
    )
    resolved = resolve(story)
    assessed = assess(resolved, draws=128)
    slopes = slopes_at_draws(assessed, ALL_EVENTS, 10**6)
    prepared, values = assessed.prepared, assessed.exact.values
    assert len(slopes) == len(values)
    columns = {n.name: i for i, n in enumerate(resolved.numbers)}
    for name in ("a.probability", "r.bits", "r.harm", "h.probability"):
        i, kind = columns[name], resolved.numbers[columns[name]].kind
        total = np.zeros((len(values), len(ALL_EVENTS)))
        for steps, weight in STENCIL.items():
            changed = values.copy()
            changed[:, i] = [moved(x, kind, steps * STEP) for x in values[:, i]]
            evaluated = prepared.answers.evaluate(changed, prepared.likelihoods)
            total += weight * evaluated.events / STEP
        # Rows are drawn by weight: each slope found is one of those.
        for row in slopes[:8, :, i]:
            assert np.abs(total - row).max(axis=1).min() < 1e-9


def test_ties_are_ties_and_small_slopes_keep_their_sign() -> None:
    # P(catastrophe) is near a b + c = 5e-9, so that P(success) is 1 but for rounding.
    a, b, c = 1e-5, 2e-4, 3e-9
    lost = Route(id="r", class_="other", requires={"any": [{"all": ["a", "b"]}, "c"]}, bits=60,
                 harm=1)  # fmt: skip
    story = tell({"a": believe(a), "b": believe(b), "c": believe(c)}, [lost, OFF])
    resolved = resolve(story)
    slopes = mean_slopes(assess(resolved), ["success", "catastrophe"])
    index = [resolved.number_index[f"{name}.probability"] for name in "abc"]
    both, alone = a * b * (1 - c), c * (1 - a * b)
    exact = np.array([both, both, alone])
    np.testing.assert_allclose(slopes.elasticity[0, index], -exact, rtol=1e-7)
    total = a * b + c - a * b * c
    np.testing.assert_allclose(slopes.elasticity[1, index], exact / total, rtol=1e-9)
    np.testing.assert_allclose(slopes.per_bit[0, index], -slopes.per_bit[1, index], rtol=1e-9)


def test_an_answer_of_two_numbers_is_shared_by_their_derivatives() -> None:
    # P(success) = 1 - p q; d/dlogit p = -p q (1 - p), and the same with p and q exchanged.
    p, q = 0.2, 0.6
    story = tell(
        {
            "a": Assumption(probability={"fixed": p, "basis": "measured", "source": "a count"}),
            "b": Assumption(probability={"fixed": q, "basis": "assumed", "source": "a guess"}),
        },
        [Route(id="r", class_="other", requires=["a", "b"], bits=60, harm=0), OFF],
    )
    found = summarize(assess(resolve(story)))["rests_on"]
    assert found["catastrophe"] is None  # 0 whatever the numbers
    shares = found["success"]
    assert shares["assumed"] == pytest.approx((1 - q) / ((1 - p) + (1 - q)), abs=1e-12)
    assert shares["measured"] == pytest.approx((1 - p) / ((1 - p) + (1 - q)), abs=1e-12)
    assert shares["elicited"] == 0


def test_one_basis_takes_all_of_it() -> None:
    found = summarize(assess(resolve(on_a_class(0.3))))["rests_on"]
    assert found["success"] == {"assumed": 1.0, "elicited": 0.0, "measured": 0.0}


def test_simulated_stories_have_no_derivatives() -> None:
    story = on_a_class({"beta": [2, 5], "basis": "elicited"})
    assessed = assess(resolve(story), method="simulation", draws=64)
    with pytest.raises(UnsupportedStoryError):
        mean_derivatives(assessed)
    assert summarize(assessed)["rests_on"] == {"success": None, "catastrophe": None}


@settings(relaxed, max_examples=10)
@given(story=small_stories(max_assumptions=3, max_routes=4), data=st.data())
def test_every_class_and_fate_against_differences(story: Story, data: st.DataObject) -> None:
    resolved = resolve(story)
    try:
        assessed = assess(resolved)
    except InputError:
        assume(False)
        raise
    slopes = np.array(list(mean_derivatives(assessed, ALL_EVENTS).values()))
    two = mean_derivatives(assessed)
    for event in EVENTS:
        # Sums of two columns and of ten are not rounded alike.
        np.testing.assert_allclose(two[event], slopes[ALL_EVENTS.index(event)], 1e-10, 1e-12)
    for whole in (slopes[:4], slopes[4:]):  # classes add up to 1, and so do fates
        np.testing.assert_allclose(whole.sum(axis=0), 0, atol=1e-9)
    assume(not any(e.counts for e in story.evidence))
    movable = [
        (number.name, number.form.fixed)  # type: ignore[union-attr]
        for number in resolved.numbers
        if number.key_path is not None and not number.name.endswith(REFERENCES)
    ]
    kinds = {number.name: number.kind for number in resolved.numbers}
    movable = [
        (n, x) for n, x in movable if (0.001 < x < 0.999 if "prob" in kinds[n] else abs(x) < 59)
    ]
    assume(movable)
    name, value = data.draw(st.sampled_from(movable))
    total = np.zeros(len(ALL_EVENTS))
    for steps, weight in STENCIL.items():
        changed = {name: moved(value, kinds[name], steps * STEP)}
        again = assess(resolve(story, settings=changed))
        total += weight * means(again)
    np.testing.assert_allclose(
        slopes[:, resolved.number_index[name]], total / STEP, atol=1e-9 + (LN2 * STEP) ** 4
    )


def test_elasticities_of_a_product_are_one() -> None:
    # P(catastrophe) = p q h, all uncertain: to scale one of them scales the mean.
    route = Route(id="r", class_="other", requires=["a", "b"], bits=60, harm=[0.1, 0.4])
    story = tell({"a": believe([0.2, 0.6]), "b": believe(0.3)}, [route, OFF])
    resolved = resolve(story)
    slopes = mean_slopes(assess(resolved, draws=256), ["catastrophe", "success"])
    index = resolved.number_index
    for name in ("a.probability", "b.probability", "r.harm"):
        assert slopes.elasticity[0, index[name]] == pytest.approx(1, abs=1e-9)
    assert np.isnan(slopes.elasticity[0, index["r.bits"]])
    assert np.isnan(slopes.elasticity[0, index["something-else.harm"]])  # 0 cannot be scaled
    assert slopes.elasticity[1, index["b.probability"]] < 0


def test_elasticity_under_evidence_is_a_scaled_probability() -> None:
    route = Route(id="r", class_="other", requires="a", bits=1, harm=0.4)
    finding = item("e", {"outcome": True}, bayes_factor={"other": 2, "default": 0})
    story = tell({"a": believe(0.3)}, [route, OFF], evidence=[finding])
    resolved = resolve(story)
    slopes = mean_slopes(assess(resolved), ["catastrophe"])

    def log_mean(factor: float) -> float:
        changed = resolve(story, settings={"a": 0.3 * factor})
        return float(np.log(fates(assess(changed))[1]))

    expected = (log_mean(1.001) - log_mean(0.999)) / np.log(1.001 / 0.999)
    at = resolved.number_index["a.probability"]
    assert slopes.elasticity[0, at] == pytest.approx(expected, rel=1e-5)


def test_unknown_events_are_refused() -> None:
    with pytest.raises(ValueError, match="found 'ruin', expected one of intended"):
        mean_derivatives(assess(resolve(on_a_class(0.3))), ["ruin"])


def test_findings_too_improbable_for_a_number_have_slopes() -> None:
    # 28 hits of 28 at 1e-12 under "other": log P is -774, and exp of it is 0.
    rates = {"intended": 0.3, "default": 1e-12}
    counted = item("e", {"outcome": True}, counts={"hits": 28, "trials": 28}, rates=rates)
    resolved = resolve(tell({"a": believe(0.3)}, evidence=[counted]))
    slopes = mean_derivatives(assess(resolved))
    assert all(np.isfinite(slope).all() for slope in slopes.values())
    alone = resolve(tell(routes=[OFF], evidence=[counted]))  # and nothing else is left
    assert all(np.isfinite(slope).all() for slope in mean_derivatives(assess(alone)).values())
