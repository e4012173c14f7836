"""Effects of evidence against stories with less of it, and sums that have to come out."""

from itertools import combinations, permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from support.building import OFF, believe, item, tell
from support.strategies import small_stories, with_results

from storyodds.models.assessment.assessment import assess
from storyodds.models.sensitivity.evidence_effects import ASKED, EvidenceEffects, evidence_effects
from storyodds.models.story.events import EVENTS
from storyodds.priors.text.errors import InputError, UnsupportedStoryError
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Check, Route
from storyodds.scenarios.story import Story

SCHEMER = Route(id="scheme", class_="deceptive", requires="a", bits=0, harm=0.5, kind="schemer")

relaxed = settings(
    deadline=None,
    max_examples=10,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def effects(story: Story, of: Any = ASKED, **options: Any) -> EvidenceEffects:
    try:
        return evidence_effects(
            assess(resolve(story), method="weighting", draws=512), of, **options
        )
    except InputError:
        assume(False)
        raise


def with_some(story: Story, kept: tuple[int, ...]) -> Story:
    """The story with some of its findings only; without their results, checks that were run go."""
    n, run = len(story.evidence), any(check.result is not None for check in story.checks)
    return story.model_copy(
        update={
            "evidence": tuple(story.evidence[i] for i in sorted(kept) if i < n),
            "checks": tuple(c for c in story.checks if n in kept or c.result is None)
            if run
            else story.checks,
        }
    )


def odds(story: Story, kept: tuple[int, ...]) -> np.ndarray:
    """Log2 odds of the events with some of the findings, from an assessment of its own."""
    assessment = assess(resolve(with_some(story, kept)))
    p = assessment.averaged.events[0, [EVENTS.index(event) for event in ASKED]]
    p = np.clip(p, 1e-30, 1 - 1e-12)
    return np.asarray(np.log2(p) - np.log2(1 - p))


@relaxed
@given(story=with_results(small_stories(max_assumptions=4, max_routes=4)))
def test_equal_assessments_of_stories_with_less_evidence(story: Story) -> None:
    moves = effects(story)
    n = len(moves.items)
    try:
        v = {s: odds(story, s) for k in range(n + 1) for s in combinations(range(n), k)}
    except InputError:
        assume(False)
        raise
    sure = [k for k in range(len(ASKED)) if all(abs(x[k]) < 25 for x in v.values())]
    for i in range(n):
        rest = tuple(j for j in range(n) if j != i)
        steps = [
            v[tuple(sorted((*order[: order.index(i)], i)))]
            - v[tuple(sorted(order[: order.index(i)]))]
            for order in permutations(range(n))
        ]
        for effect, expected in (
            (moves.alone, v[(i,)] - v[()]),
            (moves.left_out, v[tuple(range(n))] - v[rest]),
            (moves.average, np.mean(steps, axis=0)),
        ):
            np.testing.assert_allclose(effect.bits[i, sure], expected[sure], atol=1e-6)
            assert (effect.error[i, sure] < 1e-6).all()  # nothing was drawn


@relaxed
@given(story=small_stories(max_assumptions=3, max_routes=3, certain=False))
def test_averages_add_up_to_the_whole(story: Story) -> None:
    for all_orders in (10, 0):
        moves = effects(story, all_orders=all_orders)
        defined = np.isfinite(moves.average.bits).all(axis=0) & np.isfinite(moves.total)
        np.testing.assert_allclose(
            moves.average.bits.sum(axis=0)[defined], moves.total[defined], atol=1e-9
        )


def test_items_that_only_add_up_do_so_in_any_order() -> None:
    worth = [0.1 * k - 0.5 for k in range(12)]
    items = [
        item(f"e{k}", {"outcome": True}, bayes_factor={"deceptive": x, "default": 0})
        for k, x in enumerate(worth)
    ]
    story = tell({"a": believe({"beta": [2, 3]})}, (SCHEMER, OFF), evidence=items)
    moves = effects(story, ["deceptive"])
    assert moves.orders == 64
    for effect in (moves.alone, moves.left_out, moves.average):
        np.testing.assert_allclose(effect.bits[:, 0], worth, atol=1e-9)
    assert moves.total[0] == pytest.approx(sum(worth))
    assert effects(story.model_copy(update={"evidence": tuple(items[:3])})).orders is None


def corroborating() -> Story:
    """Two findings about one assumption: the second adds less to what the first has said."""
    table = {"rates": {"true": {"beta": [8, 2]}, "false": {"beta": [2, 8]}}}
    counts = {"hits": 4, "trials": 5}
    items = [item(name, {"assumption": "a"}, counts=counts, **table) for name in ("one", "two")]
    judge = item("judge", {"class_": "deceptive"}, forecast=0.4, sd_bits=1.5)
    return tell({"a": believe({"beta": [1, 4]})}, (SCHEMER, OFF), evidence=[*items, judge])


def test_what_repeats_is_worth_less_than_it_is_alone() -> None:
    assessment = assess(resolve(corroborating()))
    found = evidence_effects(assessment)
    event = found.events.index("deceptive")
    one = [getattr(found, name).bits[0, event] for name in ("left_out", "average", "alone")]
    assert one == sorted(one) and one[0] < one[2] - 0.1
    for effect in (found.alone, found.left_out, found.average):
        np.testing.assert_allclose(effect.bits[0], effect.bits[1])  # they say the same
    for i, name in enumerate(found.items):
        for c, of_class in enumerate(CLASSES):
            expected = assessment.item_bits[name][of_class]
            if expected is None:
                assert np.isnan(found.alone.bits[i, c])
            else:
                error = 4 * found.alone.error[i, c] + 1e-3
                assert abs(found.alone.bits[i, c] - expected) < error < 0.5
    known = np.isfinite(found.total)
    before, after = found.prior[known], found.posterior[known]
    exact = np.log2(after / (1 - after)) - np.log2(before / (1 - before))
    assert (np.abs(found.total[known] - exact) < 4 * found.total_error[known] + 1e-3).all()


def test_a_result_of_a_check_is_a_finding_and_a_forecast_is_an_opinion() -> None:
    audit = Check(id="audit", flags={"deceptive": 0.9, "default": 0.1}, result="passed")
    probe = Check(id="probe", flags={"deceptive": 0.5, "default": 0.0}, result="passed")
    judge = item("judge", {"class_": "deceptive"}, forecast=0.4, sd_bits=1.5)
    story = tell({"a": believe({"beta": [1, 4]})}, (SCHEMER, OFF), checks=[audit], evidence=[judge])
    moves = effects(story, ["deceptive"])
    assert (moves.items, moves.opinions) == (("judge", "audit"), ("judge",))
    # Conjugate: log2(0.1 / 0.9), whatever else is known.
    for effect in (moves.alone, moves.left_out, moves.average):
        assert effect.bits[1, 0] == pytest.approx(np.log2(1 / 9), abs=0.05 + 4 * effect.error[1, 0])
    assert moves.findings[0] == pytest.approx(np.log2(1 / 9), abs=0.05)
    assert moves.total[0] > moves.findings[0] + 0.2  # the judge fears more than the story does
    both = effects(story.model_copy(update={"checks": (audit, probe)}), ["deceptive"])
    assert both.items == ("judge", "results of checks")
    assert both.alone.bits[1, 0] == pytest.approx(np.log2(1 / 18), abs=0.05)


def test_drawn_orders_are_within_their_error_of_all_of_them() -> None:
    every, some = effects(corroborating()), effects(corroborating(), all_orders=0)
    known = np.isfinite(every.average.bits)
    gap = np.abs(every.average.bits - some.average.bits)[known]
    assert (gap < 4 * some.average.error[known] + 1e-9).all()


def test_an_event_that_cannot_be_has_no_bits() -> None:
    moves = effects(corroborating(), ["mesa-optimizer"])
    assert np.isnan(moves.total).all() and np.isnan(moves.average.bits).all()
    assert moves.prior[0] == moves.posterior[0] == 0


def test_strong_evidence_is_reached_from_both_sides() -> None:
    items = [item(f"e{k}", {"class_": "deceptive"}, forecast=0.6, sd_bits=0.3) for k in range(2)]
    story = tell({"a": believe({"interval": [0.02, 0.1]})}, (SCHEMER, OFF), evidence=items)
    found = evidence_effects(assess(resolve(story)), ["deceptive"])
    assert found.total[0] > 1
    assert found.total_error[0] < 0.3
    assert found.ess > 20


def test_what_cannot_be_asked() -> None:
    resolved = resolve(corroborating())
    with pytest.raises(ValueError, match="found 'doom', expected one of intended"):
        evidence_effects(assess(resolved, draws=64), ["doom"])
    with pytest.raises(UnsupportedStoryError, match="simulation"):
        evidence_effects(assess(resolved, draws=64, method="simulation"))


def test_without_evidence_nothing_is_divided() -> None:
    moves = effects(tell({"a": believe(0.5)}, (SCHEMER, OFF)))
    assert moves.items == () and moves.average.bits.shape == (0, len(ASKED))
    np.testing.assert_array_equal(moves.total[np.isfinite(moves.total)], 0)
