"""The odds as the evidence came in: against stories that end there, by enumeration and by draws."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from scipy import stats
from support.building import OFF, believe, item, on_a_class, tell
from support.oracle import ImpossibleEvidence, solve
from support.strategies import small_stories, with_results

from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.posterior.soundness import LEVELS
from storyodds.models.sensitivity.evidence_sequence import EvidenceSequence, evidence_sequence
from storyodds.models.story.events import EVENTS
from storyodds.priors.text.errors import InputError, UnsupportedStoryError
from storyodds.reports.documents.estimate import summarize
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.grammar.parts import GivenRow
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Assumption, Route
from storyodds.scenarios.story import Story

ASKED = (*CLASSES, "success", "catastrophe")
SCHEMER = Route(id="scheme", class_="deceptive", requires="a", bits=0, harm=0.5, kind="schemer")
Z = 4.5  # standard errors

relaxed = settings(
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def assessed(story: Story, **options: Any) -> Assessment:
    try:
        return assess(resolve(story), **{"method": "weighting", "draws": 1024, **options})
    except InputError:
        assume(False)
        raise


def ending(story: Story, items: int) -> Story:
    """The same story with its first findings only, of which results of checks are the last."""
    n = len(story.evidence)
    checks = tuple(c for c in story.checks if items > n or c.result is None)
    return story.model_copy(update={"evidence": story.evidence[:items], "checks": checks})


@relaxed
@given(story=with_results(small_stories(max_assumptions=4, max_routes=4)))
def test_equal_enumeration_of_stories_that_end_there(story: Story) -> None:
    sequence = evidence_sequence(assessed(story), ASKED)
    for k in range(len(sequence.items) + 1):
        try:
            answer = solve(ending(story, k))
        except ImpossibleEvidence:
            assume(False)
            raise
        expected = [*(answer.classes[c] for c in CLASSES), *(answer.fates[f] for f in ASKED[4:])]
        np.testing.assert_allclose(sequence.mean[k], expected, atol=1e-9)
        np.testing.assert_allclose(sequence.quantiles[k], np.transpose([expected] * 3), atol=1e-9)
    assert sequence.error.max() == 0 and all(sequence.trusted)  # nothing was drawn


@relaxed
@given(story=with_results(small_stories(max_assumptions=3, max_routes=3, certain=False)))
def test_the_ends_are_those_of_the_estimate(story: Story) -> None:
    assessment = assessed(story, draws=256)
    found, summary = evidence_sequence(assessment, ASKED), summarize(assessment)
    last = [*(summary["classes"][c] for c in CLASSES), *(summary["fates"][f] for f in ASKED[4:])]
    first = [summary["prior_classes"][c] for c in CLASSES]
    for e, entry in enumerate(last):
        assert found.mean[-1, e] == pytest.approx(entry["mean"], rel=1e-12)
        assert found.quantiles[-1, e].tolist() == [entry[q] for q in ("q05", "median", "q95")]
    if found.items:
        for c, entry in enumerate(first):
            assert found.mean[0, c] == pytest.approx(entry["mean"], rel=1e-12)
            q = [entry[q] for q in ("q05", "median", "q95")]
            np.testing.assert_allclose(found.quantiles[0, c], q, rtol=1e-12)
    assert np.isfinite(found.mean).all() and np.isfinite(found.quantiles).all()
    assert (found.mean >= 0).all() and (found.mean <= 1 + 1e-12).all()
    assert (np.diff(found.quantiles, axis=2) >= 0).all()


def accumulating() -> Story:
    """Findings with rates of their own: two about one assumption, one about another, one of
    outcomes, and a forecast."""
    rates = {"true": {"beta": [8, 3]}, "false": {"beta": [3, 8]}}
    few = {"true": {"beta": [3, 2]}, "false": {"beta": [2, 3]}}
    items = [
        item("one", {"assumption": "a"}, counts={"hits": 9, "trials": 12}, rates=rates),
        item("judge", {"class_": "deceptive"}, forecast=0.5, sd_bits=2),
        item(
            "two",
            {"assumption": "a"},
            counts={"hits": 3, "trials": 6},
            rates=few,
            relevance={"beta": [4, 2]},
        ),
        item("about-b", {"assumption": "b"}, counts={"hits": 7, "trials": 9}, rates=rates),
        item(
            "tests",
            {"outcome": True},
            bayes_factor={"deceptive": {"normal": [-1, 0.8]}, "default": 0},
        ),
    ]
    both = Route(id="both", class_="mesa-optimizer", requires=("a", "b"), bits=1, harm=0.3)
    assumptions = {"a": believe({"beta": [2, 3]}), "b": believe({"interval": [0.1, 0.6]})}
    return tell(assumptions, (SCHEMER, both, OFF), evidence=items)


def hanging_together() -> Story:
    """Two findings with rates of their own about assumptions that are nearly the same."""
    rates = {"true": {"beta": [1, 1]}, "false": {"beta": [1, 1]}}
    items = [
        item(f"of-{name}", {"assumption": name}, counts={"hits": k, "trials": 12}, rates=rates)
        for name, k in (("a", 10), ("b", 2), ("a2", 6))
    ]
    same = (GivenRow(when="a", probability=0.98), GivenRow(otherwise=0.02))
    b, a2 = Assumption(given=same), Assumption(given=same)
    return tell({"a": believe({"beta": [9, 9]}), "b": b, "a2": a2}, evidence=items)


STORIES = {"accumulating": accumulating, "hanging together": hanging_together}


@pytest.fixture(scope="module", params=STORIES)
def long_one(request: pytest.FixtureRequest) -> tuple[Story, EvidenceSequence]:
    story = STORIES[request.param]()
    return story, evidence_sequence(assess(resolve(story)), ASKED)


def test_steps_are_those_of_stories_that_end_there(
    long_one: tuple[Story, EvidenceSequence],
) -> None:
    story, whole = long_one
    for items in range(1, len(story.evidence)):
        alone = assess(resolve(ending(story, items)), draws=2**14, seed=7)
        mean = alone.averaged.mean(alone.averaged.events)
        exact, weights = alone.exact, alone.exact.weights
        ess = 1 / np.sum(weights**2)
        for e, event in enumerate(ASKED):
            place = EVENTS.index(event)
            error = Z * np.hypot(whole.error[items, e], alone.errors.mean[place]) + 1e-12
            assert whole.mean[items, e] == pytest.approx(mean[place], abs=error)
            q = exact.events[:, place]
            for level, at in zip(LEVELS, whole.quantiles[items, e], strict=True):
                below, up_to = (float(weights @ x) for x in (q < at - 1e-9, q <= at + 1e-9))
                noise = Z * np.sqrt(level * (1 - level) * (1 / whole.ess[items] + 1 / ess))
                assert below - noise <= level <= up_to + noise


def test_a_story_with_nothing_to_sample_has_exact_means_and_the_spread_of_its_numbers() -> None:
    """Under uniform rates every count is as likely as any other: each finding says nothing."""
    sequence = evidence_sequence(assess(resolve(hanging_together())), ["deceptive"])
    assert sequence.draws == 1 and sequence.error.max() == sequence.change_error.max() == 0
    np.testing.assert_allclose(sequence.mean[:, 0], 0.5, rtol=1e-12)
    # It is deceptive if and only if `a`, whose probability is Beta(9, 9).
    expected = np.tile(stats.beta(9, 9).ppf(LEVELS), (4, 1))
    density = stats.beta(9, 9).pdf(expected[0])
    error = np.sqrt(np.multiply(LEVELS, np.subtract(1, LEVELS)) / 4096) / density
    assert (abs(sequence.quantiles[:, 0] - expected) < Z * error).all()


def test_errors_cover_what_other_draws_give() -> None:
    said = [
        item(f"forecast-{k}", {"class_": "deceptive"}, forecast=p, sd_bits=1)
        for k, p in enumerate((0.6, 0.5, 0.55))
    ]
    resolved = resolve(on_a_class({"beta": [1, 4]}, said))
    found = [evidence_sequence(assess(resolved, seed=s), ["deceptive"]) for s in range(1, 9)]
    means = np.stack([x.mean[:, 0] for x in found])
    errors = np.mean([x.error[:, 0] for x in found], axis=0)
    changes = np.mean([x.change_error[:, 0] for x in found], axis=0)
    assert errors.min() > 1e-5
    # 7 degrees of freedom: the standard deviation is within this factor 99.9% of the time.
    assert (means.std(axis=0, ddof=1) < 1.9 * errors).all()
    assert (np.diff(means, axis=1).std(axis=0, ddof=1) < 1.9 * changes).all()
    # Steps have the same draws, so that changes are known better than from draws of their own.
    assert (changes[1:] < np.hypot(errors[1:-1], errors[2:])).all()


def test_the_last_step_is_what_steps_between_would_be() -> None:
    """A finding that says nothing, after all others: the step before it is the last one."""
    story = accumulating()
    empty = item("empty", {"outcome": True}, bayes_factor={"deceptive": 0, "default": 0})
    longer = story.model_copy(update={"evidence": (*story.evidence, empty)})
    sequence = evidence_sequence(assess(resolve(longer)), ASKED)
    np.testing.assert_allclose(sequence.mean[-2], sequence.mean[-1], rtol=1e-12)
    np.testing.assert_allclose(sequence.change_error[-1], 0, atol=1e-15)
    # Intervals are of as many draws as the budget of evaluations has room for.
    possible = sequence.mean[-1] > 0
    np.testing.assert_allclose(
        sequence.quantiles[-2][possible], sequence.quantiles[-1][possible], rtol=0.2
    )


def test_opinions_are_named() -> None:
    sequence = evidence_sequence(assess(resolve(accumulating()), draws=256))
    assert sequence.opinions == ("judge",)


def test_without_evidence_there_is_one_step() -> None:
    assessment = assess(resolve(tell({"a": believe({"beta": [2, 3]})}, (SCHEMER, OFF))))
    sequence = evidence_sequence(assessment)
    assert sequence.items == () and sequence.mean.shape == (1, 2) and sequence.draws == 0
    assert sequence.mean[0, 0] == summarize(assessment)["fates"]["success"]["mean"]
    assert sequence.trusted == (True,)


def test_one_finding_has_both_ends_only() -> None:
    story = ending(accumulating(), 1)
    assessment = assess(resolve(story))
    sequence = evidence_sequence(assessment, ["deceptive"])
    assert sequence.mean.shape == (2, 1) and sequence.draws == 0
    assert sequence.mean[1, 0] == summarize(assessment)["classes"]["deceptive"]["mean"]


@pytest.mark.parametrize("first", [True, False])
def test_a_finding_that_some_draws_make_impossible(first: bool) -> None:
    """With P(a) = 0 in half of the draws, what only `a` can bring about rules these out."""
    prior = {"pool": [{"by": "A", "value": 0}, {"by": "B", "value": {"beta": [2, 3]}}]}
    proof = item(
        "proof",
        {"assumption": "a"},
        counts={"hits": 1, "trials": 2},
        rates={"true": {"beta": [2, 2]}, "false": 0},
    )
    hint = item("hint", {"class_": "deceptive"}, forecast=0.4, sd_bits=2)
    soft = item(
        "soft",
        {"assumption": "a"},
        counts={"hits": 2, "trials": 3},
        rates={"true": {"beta": [2, 1]}, "false": {"beta": [1, 2]}},
    )
    items = [proof, soft, hint] if first else [soft, proof, hint]
    sequence = evidence_sequence(assess(resolve(on_a_class(prior, items))), ["deceptive"])
    # Where training ends is deceptive if and only if `a`.
    if first:
        assert sequence.mean[1, 0] == pytest.approx(1, abs=1e-9)
    else:
        # P(soft | a) is 0.3 by Beta-binomial, P(soft | not a) is 0.2.
        before = sequence.mean[0, 0]
        odds = before / (1 - before) * (0.3 / 0.2)
        error = Z * sequence.error[1, 0] + 1e-12
        assert sequence.mean[1, 0] == pytest.approx(odds / (1 + odds), abs=error)
    np.testing.assert_allclose(sequence.mean[2:, 0], 1, atol=1e-9)


def test_steps_far_from_both_ends_are_not_trusted() -> None:
    said = [
        item(name, {"class_": "deceptive"}, forecast=p, sd_bits=0.2)
        for name, p in (("for", 0.97), ("against", 0.04))
    ]
    assessment = assess(resolve(on_a_class({"interval": [0.3, 0.7]}, said)), method="weighting")
    sequence = evidence_sequence(assessment, ["deceptive"])
    assert sequence.trusted[0] and not sequence.trusted[1]
    assert sequence.ess[1] < 0.1 * sequence.draws or (sequence.pareto_k[1] or 0) > 0.7
    unsure = replace(assessment, draws=replace(assessment.draws, ok=False))
    assert not evidence_sequence(unsure, ["deceptive"]).trusted[-1]


def test_what_nuts_found_is_reached_from_both_sides() -> None:
    said = [item(f"e{k}", {"class_": "deceptive"}, forecast=0.5, sd_bits=0.4) for k in range(3)]
    prior = {"interval": [0.02, 0.2]}
    assessment = assess(resolve(on_a_class(prior, said)), method="nuts", draws=2048)
    sequence = evidence_sequence(assessment, ["deceptive"])
    place = EVENTS.index("deceptive")
    assert sequence.mean[-1, 0] == assessment.averaged.mean(assessment.averaged.events)[place]
    alone = assess(resolve(on_a_class(prior, said[:2])), method="nuts", draws=4096)
    mean = alone.averaged.mean(alone.averaged.events)[place]
    error = np.hypot(sequence.error[2, 0], alone.errors.mean[place])
    assert sequence.mean[2, 0] == pytest.approx(mean, abs=Z * error)
    assert error < 0.02


def test_what_cannot_be_asked() -> None:
    resolved = resolve(accumulating())
    with pytest.raises(ValueError, match="found 'doom', expected one of intended"):
        evidence_sequence(assess(resolved, draws=64), ["doom"])
    with pytest.raises(UnsupportedStoryError, match="simulation"):
        evidence_sequence(assess(resolved, draws=64, method="simulation"))
