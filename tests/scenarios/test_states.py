"""Assumptions with states: what their forms mean as numbers, and how they are written."""

import math

import pytest
from scipy import stats

from storyodds.priors.distributions.forms import Fixed
from storyodds.priors.text.errors import InputError
from storyodds.scenarios.edits import changes_between, with_changes
from storyodds.scenarios.grammar.states import StateOdds, chances_in_turn
from storyodds.scenarios.lint.linter import lint
from storyodds.scenarios.loader import load_text
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.rewriting import with_numbers
from storyodds.scenarios.serialize import to_data, to_yaml
from storyodds.scenarios.story import Story

TEXT = """
story: levels
title: A model that is more or less aware
goal: {specification: It restates passages., desirability: It has nothing to gain.}
assumptions:
  large: {claim: It is large., probability: 0.5}
  awareness:
    claim: How much it knows.
    states:
      given:
        - {when: large, states: {counts: {low: 3, medium: 10, high: 7}, basis: measured, source: S}}
        - {otherwise: {low: 0.7, medium: 0.2, high: 0.1}}
  reach: {claim: How far its goals go., states: {in_turn: {answer: [0.4, 0.8]}, rest: world}}
  mood: {claim: Its mood., states: {mean: {up: 0.5, level: 0.5, down: 0}, concentration: 8}}
routes:
  - id: schemer
    class: deceptive
    requires: [awareness is high, reach is world]
    bits: 0
    harm: 0.1
  - {id: something-else, class: other, bits: 0, harm: 0.1}
"""


@pytest.fixture(scope="module")
def story() -> Story:
    return load_text(TEXT)


def test_numbers_are_named_by_their_turn(story: Story) -> None:
    numbers = {number.name: number for number in resolve(story).numbers}
    assert numbers["awareness.given.0.in_turn.low"].form.beta == (3.5, 18.0)
    assert numbers["awareness.given.0.in_turn.medium"].form.beta == (10.5, 7.5)
    assert numbers["awareness.given.0.in_turn.low"].basis == "measured"
    assert numbers["awareness.otherwise.in_turn.low"].form.fixed == 0.7
    assert math.isclose(numbers["awareness.otherwise.in_turn.medium"].form.fixed, 2 / 3)
    assert numbers["reach.in_turn.answer"].form.interval == (0.4, 0.8)
    assert numbers["mood.in_turn.up"].form.beta == (4.0, 4.0)
    assert numbers["mood.in_turn.level"].form == Fixed(fixed=1.0)
    assert not any(name.endswith((".high", ".world", ".down")) for name in numbers)
    places = {name: number.key_path for name, number in numbers.items()}
    assert places["awareness.otherwise.in_turn.low"] == (
        "assumptions.awareness.states.given[1].otherwise.low"
    )
    assert numbers["awareness.given.0.in_turn.low"].line == 11


def test_chances_in_turn_are_the_dirichlet_they_stand_for() -> None:
    """Means and variances of states, from independent Betas and from the Dirichlet itself."""
    sizes = {"a": 4, "b": 0, "c": 9, "d": 2}
    odds = StateOdds(counts=sizes)
    of_turns = [prior.beta for _, prior, _ in chances_in_turn(odds)]
    dirichlet = stats.dirichlet([size + 0.5 for size in sizes.values()])
    first, second = 1.0, 1.0  # moments of what is left
    for (a, b), mean, variance in zip(of_turns, dirichlet.mean(), dirichlet.var(), strict=False):
        turn = stats.beta(a, b)
        assert math.isclose(first * turn.mean(), mean, rel_tol=1e-12)
        square = second * (turn.var() + turn.mean() ** 2)
        assert math.isclose(square - mean**2, variance, rel_tol=1e-10)
        first *= 1 - turn.mean()
        second *= turn.var() + (1 - turn.mean()) ** 2


def test_a_story_with_states_is_written_as_it_was_read(story: Story) -> None:
    assert load_text(to_yaml(story)) == story
    otherwise = to_data(story)["assumptions"]["awareness"]["states"]["given"][1]["otherwise"]
    assert otherwise == {"low": 0.7, "medium": 0.2, "high": 0.1}


@pytest.mark.parametrize(
    "name",
    ["awareness.given.0.in_turn.medium", "awareness.otherwise.in_turn.low", "reach.in_turn.answer"],
)
def test_a_number_written_into_a_story_is_the_one_set(story: Story, name: str) -> None:
    written = resolve(load_text(to_yaml(with_numbers(resolve(story), {name: Fixed(fixed=0.25)}))))
    set_to = resolve(story, settings={name: 0.25})
    for number, expected in zip(written.numbers, set_to.numbers, strict=True):
        assert number.name == expected.name
        assert number.distribution == expected.distribution


def test_a_setting_of_the_assumption_alone_lists_its_numbers(story: Story) -> None:
    with pytest.raises(InputError, match=r"several numbers: awareness\.given\.0\.in_turn\.low"):
        resolve(story, settings={"awareness": 0.3})
    with pytest.raises(InputError, match="expected the name of a number"):
        resolve(story, settings={"mood.in_turn.down": 0.3})


def test_changes_between_versions_know_states(story: Story) -> None:
    old = resolve(story)
    new = resolve(load_text(TEXT.replace("high: 7}", "high: 30}")))
    (change, *others) = changes_between(old, new)
    assert (change.part, change.name) == ("number", "awareness.given.0.in_turn.low")
    assert [other.name for other in others] == ["awareness.given.0.in_turn.medium"]
    made = with_changes(old, new, [change])
    assert made.numbers[1].distribution == new.numbers[1].distribution
    assert made.numbers[2].distribution == old.numbers[2].distribution
    more = resolve(
        load_text(
            TEXT.replace("rest: world", "rest: world-wide").replace(
                "reach is world", "reach is world-wide"
            )
        )
    )
    assert ("assumption", "reach") in {(c.part, c.name) for c in changes_between(old, more)}


def test_the_linter_follows_states(story: Story) -> None:
    """`mood` is idle; what decides awareness is not."""
    idle = [doubt.sentence for doubt in lint(story) if doubt.code == "idle-assumption"]
    assert len(idle) == 1
    assert "'mood'" in idle[0]


@pytest.mark.parametrize(
    ("requires", "can_hold"),
    [
        ("[awareness is low, awareness is high]", False),
        ("[not awareness is low, not awareness is medium, not awareness is high]", False),
        ("[not awareness is low, not awareness is high]", True),
        ("{any: [[awareness is low, awareness is high], large]}", True),
        ("[awareness is low, {any: [awareness is medium, awareness is high]}]", False),
    ],
)
def test_the_linter_knows_that_one_state_holds(requires: str, can_hold: bool) -> None:
    text = TEXT.replace("[awareness is high, reach is world]", requires)
    codes = {doubt.code for doubt in lint(load_text(text))}
    assert ("never-holds" in codes) is not can_hold
