"""The same story in other words, or with a finding that says nothing: the same numbers."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.building import believe, item, tell
from support.fixing import at_values
from support.rephrasing import is_of_one_row, mean_bits, negated, opposite, reordered
from support.strategies import small_stories

from storyodds import InputError, load_story
from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.numerics import weighted_quantile
from storyodds.models.posterior.prepared import prepare
from storyodds.models.posterior.soundness import ANSWERS, answers_of
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Evidence
from storyodds.scenarios.story import Story

Array = NDArray[np.float64]

DRAWS = 512
EXACT = 1e-12
ENDS = np.array([0.05, 0.5, 0.95])
few = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


def assessed(story: Story) -> Assessment:
    return assess(resolve(story), method="weighting", draws=DRAWS, seed=3)


def possible(story: Story) -> Assessment:
    """Assess a story whose evidence can have come about; pass over others."""
    try:
        return assessed(story)
    except InputError:
        assume(False)
        raise


def answers(assessment: Assessment) -> dict[str, float]:
    """Means by name: classes, fates, P(deployed), routes, assumptions and criteria."""
    averaged = assessment.averaged
    graph = averaged.graph
    groups = [
        (ANSWERS, answers_of(averaged)),
        ([f"route {route.id}" for route in graph.routes], averaged.routes),
        ([f"assumption {name}" for name in graph.order], averaged.assumptions),
        (["alignment", "competitiveness"], averaged.goals),
    ]
    return {
        name: float(mean)
        for names, columns in groups
        for name, mean in zip(names, averaged.mean(columns), strict=True)
    }


# --- other words -------------------------------------------------------------------------------


@few
@given(story=small_stories(), data=st.data())
def test_the_opposite_of_an_assumption(story: Story, data: st.DataObject) -> None:
    assume(story.assumptions)
    name = data.draw(st.sampled_from(sorted(story.assumptions)))
    assume(all(is_of_one_row(x) for x in story.evidence if x.about.assumption == name))
    one = possible(story)
    told = negated(story, name)
    found, expected = answers(assessed(told)), answers(one)
    expected[f"assumption {opposite(name)}"] = 1 - expected.pop(f"assumption {name}")
    assert found == pytest.approx(expected, rel=1e-9, abs=EXACT)
    less = sum(mean_bits(x) for x in story.evidence if x.about.assumption == name)
    assert assessed(told).draws.log_evidence == pytest.approx(
        one.draws.log_evidence - less * np.log(2), rel=1e-10, abs=1e-9
    )


@few
@given(story=small_stories(), seed=st.integers(0, 999))
def test_another_order(story: Story, seed: int) -> None:
    one, other = possible(story), assessed(reordered(story, seed))
    assert answers(other) == pytest.approx(answers(one), rel=1e-9, abs=EXACT)
    assert other.draws.log_evidence == pytest.approx(one.draws.log_evidence, rel=1e-10, abs=1e-10)


@few
@given(story=small_stories(certain=False), seed=st.integers(0, 999))
def test_another_order_of_uncertain_numbers(story: Story, seed: int) -> None:
    """Where nothing has to be sampled, means are the same to the digit, however numbers spread."""
    prepared = prepare(resolve(story))
    certain = at_values(prepared.resolved, prepared.center, only=set(prepared.sampled))
    assume(prepared.integrated)
    one = possible(certain)
    assert one.draws.diagnostics["means"] == "exact"
    other = assessed(reordered(certain, seed))
    assert answers(other) == pytest.approx(answers(one), rel=1e-9, abs=EXACT)


# --- findings that say nothing -----------------------------------------------------------------


def idle(name: str, about: dict[str, object], *, relevance: float | None = None) -> Evidence:
    """A finding that is as likely whatever is the case."""
    rates = {"true": 0.3, "false": 0.3} if "assumption" in about else {"default": 0.3}
    more = {} if relevance is None else {"relevance": relevance}
    return item(name, about, counts={"hits": 4, "trials": 9}, rates=rates, **more)


def with_findings(story: Story, *findings: Evidence) -> Story:
    return story.model_copy(update={"evidence": (*story.evidence, *findings)})


def idle_findings(story: Story) -> list[Evidence]:
    about = {"assumption": next(iter(story.assumptions))}
    return [
        idle("idle", {"outcome": True}),
        idle("idle", about),
        idle("idle", about, relevance=0.4),
    ]


@pytest.mark.parametrize("name", ["coinrun-agent", "rlhf-assistant"])
def test_a_finding_with_equal_rates_changes_nothing(name: str) -> None:
    """Not a draw, and so not an interval."""
    story = load_story(name)
    one = assessed(story)
    for finding in idle_findings(story):
        other = assessed(with_findings(story, finding))
        assert answers(other) == pytest.approx(answers(one), rel=1e-10, abs=EXACT)
        names = [number.name for number in one.prepared.resolved.numbers]
        places = [other.prepared.resolved.number_index[x] for x in names]
        np.testing.assert_allclose(other.exact.weights, one.exact.weights, rtol=1e-9)
        np.testing.assert_array_equal(other.exact.values[:, places], one.exact.values)
        np.testing.assert_allclose(answers_of(other.exact), answers_of(one.exact), atol=EXACT)


def test_a_finding_with_equal_rates_where_there_was_none() -> None:
    """Means stay; draws are made by way of a state now, so that ends move by their errors."""
    story = load_story("gpt-simulator")
    one = assessed(story)
    for finding in idle_findings(story):
        other = assessed(with_findings(story, finding))
        assert answers(other) == pytest.approx(answers(one), rel=1e-10, abs=EXACT)
        for k, name in enumerate(ANSWERS):
            ends = [
                weighted_quantile(answers_of(x.exact)[:, k], ENDS, x.exact.weights)
                for x in (one, other)
            ]
            errors = np.hypot(one.errors.quantiles[k], other.errors.quantiles[k])
            assert (abs(ends[0] - ends[1]) <= 4.5 * errors + EXACT).all(), name


def widths(assessment: Assessment) -> Array:
    x = assessment.exact
    ends = [weighted_quantile(column, ENDS, x.weights) for column in answers_of(x).T]
    return np.array([high - low for low, _, high in ends])


def test_weak_findings_do_not_widen_intervals() -> None:
    """Ten of a third of a bit, as many either way, each read by rates that are hardly known.

    Together they say nothing, so that the interval is the prior's. Had their rates been told as if
    they were known at every draw, each would have been nearly decisive.
    """
    story = tell({"a": believe([0.1, 0.4])})
    sure, unsure = {"beta": [6, 4]}, {"beta": [5, 5]}
    findings = [
        item(
            f"weak{k}",
            {"assumption": "a"},
            counts={"hits": 40, "trials": 60},
            rates={"true": sure, "false": unsure} if k % 2 else {"true": unsure, "false": sure},
        )
        for k in range(10)
    ]
    one, other = assessed(story), assessed(with_findings(story, *findings))
    assert answers(other) == pytest.approx(answers(one), abs=1e-10)
    # The share of draws within either's interval is known to 4.5 sqrt(0.1 * 0.9 / n) of 0.9.
    k = ANSWERS.index("deceptive")
    low, _, high = weighted_quantile(answers_of(one.exact)[:, k], ENDS, one.exact.weights)
    x = answers_of(other.exact)[:, k]
    outside = float(other.exact.weights @ ((x < low) | (x > high)))
    assert abs(outside - 0.1) < 4.5 * np.sqrt(2 * 0.1 * 0.9 / DRAWS)
    assert widths(one)[k] > 0.2  # and there is an interval to speak of
