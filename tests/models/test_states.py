"""What the odds hang on where assumptions have states, against enumeration of changed stories."""

import math
from typing import Any

import numpy as np
import pytest
from support.oracle import solve

from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.changes.derivatives import mean_slopes
from storyodds.models.changes.what_if import base_of
from storyodds.models.posterior.simulated.uses import uses_of
from storyodds.models.sensitivity.local import surely
from storyodds.models.story.events import EVENTS
from storyodds.models.value.information import value_of_information
from storyodds.models.value.observations import observations
from storyodds.scenarios.loader import load_text
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.story import Story

CHANCES = {"low": 0.45, "medium": 0.35, "high": 0.2}
TEXT = """
story: levels
title: A model that is more or less aware
goal: {specification: It restates passages., desirability: It has nothing to gain.}
assumptions:
  large: {claim: It is large., probability: 0.6}
  awareness: {claim: How much it knows., states: STATES}
routes:
  - {id: schemer, class: deceptive, requires: awareness is high, bits: 1, harm: 0.4}
  - id: flatterer
    class: mesa-optimizer
    requires: [large, not awareness is low]
    bits: 0
    harm: 0.1
  - {id: something-else, class: other, bits: -1, harm: 0.02}
evidence: EVIDENCE
proposals:
  - id: more-quiz
    about: {assumption: awareness}
    trials: 5
    rates: {low: 0.1, medium: 0.4, high: 0.8}
"""
QUIZ = """
  - id: quiz
    about: {assumption: awareness}
    counts: {hits: 4, trials: 9}
    rates: {low: 0.1, medium: 0.4, high: 0.8}
    relevance: 0.8
"""
GIVEN = (
    "{given: [{when: large, states: {low: 0.3, medium: 0.4, high: 0.3}}, "
    "{otherwise: {low: 0.675, medium: 0.275, high: 0.05}}]}"
)


def story_with(states: Any, evidence: str = QUIZ) -> Story:
    written = states if isinstance(states, str) else str(states).replace("'", "")
    text = TEXT.replace("STATES", written).replace("EVIDENCE", evidence or "[]")
    return load_text(text)


@pytest.fixture(scope="module")
def assessment() -> Assessment:
    return assess(resolve(story_with(GIVEN)))


@pytest.mark.parametrize("state", list(CHANCES))
def test_making_a_state_hold_cuts_what_decides_it(assessment: Assessment, state: str) -> None:
    """The others keep their proportion, row by row, where it is made not to hold."""
    sure = {entry.name: entry for entry in surely(base_of(assessment))}[f"awareness is {state}"]
    held = {name: float(name == state) for name in CHANCES}

    def without(chances: dict[str, float]) -> dict[str, float]:
        rest = 1.0 - chances[state]
        return {name: 0.0 if name == state else p / rest for name, p in chances.items()}

    rows = ({"low": 0.3, "medium": 0.4, "high": 0.3}, {"low": 0.675, "medium": 0.275, "high": 0.05})
    first, last = (str(without(row)).replace("'", "") for row in rows)
    excluded = f"{{given: [{{when: large, states: {first}}}, {{otherwise: {last}}}]}}"
    for changed, states in zip(sure.given, (held, excluded), strict=True):
        answer = solve(story_with(states, ""))
        assert changed is not None
        for event in ("success", "catastrophe", "deceptive"):
            mean = float(changed.means[EVENTS.index(event)])
            expected = {**answer.fates, **answer.classes}[event]
            assert math.isclose(mean, expected, rel_tol=1e-10, abs_tol=1e-15)


def test_learning_a_state_is_conditioning(assessment: Assessment) -> None:
    """P(catastrophe) is the mean of what it would be, by how likely each state is."""
    catastrophe = EVENTS.index("catastrophe")
    sure = {entry.name: entry for entry in surely(base_of(assessment))}
    answer = solve(story_with(GIVEN))
    total = 0.0
    for state in CHANCES:
        held = sure[f"awareness is {state}"].learned[0]
        assert held is not None
        total += answer.assumptions[f"awareness is {state}"] * float(held.means[catastrophe])
    assert math.isclose(total, answer.fates["catastrophe"], rel_tol=1e-10)


def test_a_slope_is_that_of_the_chance_in_turn() -> None:
    """In probability per bit of log2 odds, by central differences of two enumerated stories."""
    name = "awareness.in_turn.medium"
    written = story_with(CHANCES)
    resolved = resolve(written)
    slopes = mean_slopes(assess(resolved), EVENTS).per_bit
    p = resolved.numbers[resolved.number_index[name]].distribution.value
    step = 1e-4  # bits; the error of a central difference is its square, times a third derivative

    def at(bits: float) -> float:
        odds = p / (1 - p) * 2.0**bits
        chance = odds / (1 + odds)
        rest = 1 - CHANCES["low"]
        states = {"low": CHANCES["low"], "medium": rest * chance, "high": rest * (1 - chance)}
        return solve(story_with(states)).fates["catastrophe"]

    expected = (at(step) - at(-step)) / (2 * step)
    index = resolved.number_index[name]
    assert math.isclose(slopes[EVENTS.index("catastrophe")][index], expected, rel_tol=1e-6)


def test_an_observation_about_all_states_tells_no_more_than_which_holds(
    assessment: Assessment,
) -> None:
    value = value_of_information(assessment, observations(assessment.prepared))
    (observation,) = [o for o in value.observations if o.proposal.id == "more-quiz"]
    assert len(observation.states) == len(CHANCES)
    k = value.observations.index(observation)
    bits, most = (gains.amount[k] for gains in (value.bits.proposals, value.bits.ceilings))
    assert 0 < bits < most
    chances = observation.chances
    assert np.allclose(chances.sum(axis=0), 1.0, rtol=0, atol=1e-12)


def test_a_state_uses_its_number_only_where_none_before_it_holds(assessment: Assessment) -> None:
    graph = assessment.prepared.graph
    order = graph.order
    truth = np.zeros((3, len(graph.variables)), bool)
    truth[:, order["large"]] = True
    for row, state in enumerate(CHANCES):
        truth[row, order[f"awareness is {state}"]] = True
    values = np.tile(assessment.exact.values[:1], (3, 1))
    uses = uses_of(graph, values, truth, np.zeros(3, int), np.random.default_rng(1))
    index = assessment.prepared.resolved.number_index
    low, medium = (index[f"awareness.given.0.in_turn.{state}"] for state in ("low", "medium"))
    assert uses.happened[:, low].tolist() == [True, False, False]
    assert uses.failed[:, low].tolist() == [False, True, True]
    assert uses.happened[:, medium].tolist() == [False, True, False]
    assert uses.failed[:, medium].tolist() == [False, False, True]
