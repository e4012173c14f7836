"""Fréchet bounds against stories in which one assumption depends on the other."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from support.building import OFF, believe, item, tell
from support.oracle import Answer, ImpossibleEvidence, solve
from support.strategies import small_stories

from storyodds.models.assessment.assessment import assess
from storyodds.models.sensitivity.dependence import Bounds, dependence_bounds, joint_chances, width
from storyodds.models.story.events import EVENTS
from storyodds.priors.text.errors import InputError
from storyodds.scenarios.grammar.parts import GivenRow
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Assumption, Route
from storyodds.scenarios.story import Story

relaxed = settings(
    deadline=None,
    max_examples=6,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
chances = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.3, 0.7, 1.0]))


@given(chances, chances, st.booleans())
def test_marginals_are_kept_and_the_ends_are_the_ends(p: float, q: float, together: bool) -> None:
    both, first, second, neither = map(float, joint_chances(np.array(p), np.array(q), together))
    assert min(both, first, second, neither) >= -1e-15
    assert both + first == pytest.approx(p)
    assert both + second == pytest.approx(q)
    assert both + first + second + neither == pytest.approx(1)
    assert both == pytest.approx(min(p, q) if together else max(0, p + q - 1))


def dependent(story: Story, pair: tuple[str, str], together: bool) -> Story:
    """Write the second assumption as one that depends on the first."""
    a, b = pair
    p, q = (story.assumptions[name].probability.fixed for name in pair)
    both, _, second, _ = map(float, joint_chances(np.array(p), np.array(q), together))
    rows = (
        GivenRow(when=a, probability=min(1.0, both / p) if p > 0 else 0.5),
        GivenRow(otherwise=min(1.0, second / (1 - p)) if p < 1 else 0.5),
    )
    assumptions = {**story.assumptions, b: Assumption(given=rows)}
    return story.model_copy(update={"assumptions": assumptions})


def solved(story: Story) -> Answer:
    try:
        return solve(story)
    except ImpossibleEvidence:
        assume(False)
        raise


def bounds(story: Story, **options: Any) -> Bounds:
    try:
        return dependence_bounds(assess(resolve(story), **options))
    except InputError:
        assume(False)
        raise


@relaxed
@given(small_stories(max_assumptions=4, max_routes=4))
def test_the_ends_are_stories_with_a_dependent_assumption(story: Story) -> None:
    solved(story)
    found = bounds(story)
    assume(found.listed)
    for bound in found.listed:
        pair = bound.literals[0][0], bound.literals[1][0]
        each = (bound.together, bound.paths_together), (bound.apart, bound.paths_apart)
        for together, (changed, of_paths) in zip((True, False), each, strict=True):
            try:
                expected = solve(dependent(story, pair, together))
            except ImpossibleEvidence:
                assert np.isnan(changed.means).all()
                continue
            events = [{**expected.classes, **expected.fates}[event] for event in EVENTS]
            assert changed.means == pytest.approx(events, rel=1e-7, abs=1e-10)
            for path, chance in zip(bound.paths, of_paths, strict=True):
                oracle = expected.paths[path.hazard or path.route, path.literals]
                assert chance == pytest.approx(oracle.probability, rel=1e-7, abs=1e-10)


TWO = tell(
    {"a": believe(0.4), "b": believe(0.5)},
    [Route(id="x", class_="deceptive", requires=("a", "b"), bits=60, harm=0.5), OFF],
)


def test_a_conjunction_of_two() -> None:
    (bound,) = bounds(TWO).listed
    catastrophe = EVENTS.index("catastrophe")
    assert bound.paths_now == pytest.approx([0.2])
    assert bound.paths_together == pytest.approx([0.4])
    assert bound.paths_apart == pytest.approx([0.0])
    assert bound.together.means[catastrophe] == pytest.approx(0.2)
    assert width(bound) == pytest.approx(0.2)


def test_uncertain_chances_are_averaged_over_their_priors() -> None:
    """E[min(p, q)], and evidence on one assumption weighed anew."""
    uncertain = {"a": believe({"beta": (4, 6)}), "b": believe({"beta": (5, 5)})}
    story = TWO.model_copy(update={"assumptions": uncertain})
    x = np.linspace(0, 1, 20_001)
    both = np.trapezoid(stats.beta(4, 6).sf(x) * stats.beta(5, 5).sf(x), x)
    (bound,) = bounds(story).listed
    assert bound.paths_together == pytest.approx([both], rel=2e-4)
    assert bound.paths_now == pytest.approx([0.4 * 0.5])
    # P(e | a) is twice P(e | not a): a weighs 2 E[min] against 1 + E[p].
    finding = item("e", {"assumption": "a"}, bayes_factor={"true": 1.0})
    bound = bounds(story.model_copy(update={"evidence": (finding,)})).listed[0]
    assert bound.paths_together == pytest.approx([2 * both / 1.4], rel=2e-4)


def test_chances_that_have_to_be_sampled_are_bounded_draw_by_draw() -> None:
    uncertain = {"a": believe({"beta": (4, 6)}), "b": believe({"beta": (5, 5)})}
    finding = item("e", {"assumption": "a"}, forecast=0.4, sd_bits=20.0)  # next to no opinion
    story = TWO.model_copy(update={"assumptions": uncertain, "evidence": (finding,)})
    found = bounds(story)
    assert len(found.base.values) > 1
    x = np.linspace(0, 1, 20_001)
    both = np.trapezoid(stats.beta(4, 6).sf(x) * stats.beta(5, 5).sf(x), x)
    # min(p, q) varies by 0.12 over p, of which there are 256 draws.
    assert found.listed[0].paths_together == pytest.approx([both], abs=5 * 0.12 / 16)
    assert found.listed[0].together.errors[EVENTS.index("catastrophe")] < 0.12 / 16


def test_only_free_assumptions_that_meet_in_a_path() -> None:
    given_row = (GivenRow(when="a", probability=0.5), GivenRow(otherwise=0.1))
    story = tell(
        {"a": believe(0.5), "b": Assumption(given=given_row), "c": believe(0.5)},
        [
            Route(id="x", class_="deceptive", requires=("a", "b"), bits=0, harm=0.5),
            Route(id="y", class_="deceptive", requires="c", bits=0, harm=0.5),
            OFF,
        ],
    )
    assert bounds(story).pairs == 0


def test_fewer_pairs_than_there_are() -> None:
    names = "abc"
    story = tell(
        {name: believe(0.5) for name in names},
        [Route(id="x", class_="deceptive", requires=tuple(names), bits=0, harm=0.5), OFF],
    )
    found = dependence_bounds(assess(resolve(story)), most=2)
    assert (found.pairs, len(found.listed)) == (3, 2)
