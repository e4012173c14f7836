"""The linter on any story: it has an answer, and knows what can hold."""

import itertools

import pytest
from hypothesis import given, settings
from support.clean_story import SCHEMER, with_parts
from support.strategies import small_stories, with_results

from storyodds import Story, load_text, to_yaml
from storyodds.scenarios.grammar.formulas import holds
from storyodds.scenarios.lint import reading as lint_reading
from storyodds.scenarios.lint.linter import lint
from storyodds.scenarios.lint.reading import Reading
from storyodds.scenarios.shared.lint_rules import lint_codes


@settings(max_examples=25)
@given(with_results(small_stories(certain=False)))
def test_findings_stand_in_the_file(story: Story) -> None:
    text = to_yaml(story)
    read = lint(load_text(text))
    for finding in read:
        assert finding.code in lint_codes()
        for place in (finding.place, *finding.also):
            line, column = place.line_and_column
            assert 1 <= line <= len(text.splitlines())
            assert 1 <= column <= len(text.splitlines()[line - 1]) + 1
    told = [(finding.code, finding.place.key_path) for finding in read]
    assert sorted(told) == sorted((finding.code, finding.place.key_path) for finding in lint(story))


@settings(max_examples=50)
@given(small_stories(max_assumptions=3))
def test_what_can_hold_is_what_some_state_shows(story: Story) -> None:
    reading = Reading(story)
    for _, formula in reading.ends:
        assert reading.can_hold(formula) == shown_by_some_state(reading, formula)


def shown_by_some_state(reading: Reading, formula: object) -> bool:
    names = list(reading.assumptions)
    composed = {name: spec.holds_when for name, spec in reading.assumptions.items()}
    for state in itertools.product((True, False), repeat=len(names)):
        truth = dict(zip(names, state, strict=True)).__getitem__
        coherent = all(
            truth(name) == holds(inner, truth) for name, inner in composed.items() if inner
        )
        if coherent and holds(formula, truth):  # type: ignore[arg-type]
            return True
    return False


def test_trials_of_states_are_bounded_for_a_whole_story(monkeypatch: pytest.MonkeyPatch) -> None:
    """Formulas that ask for the same assumptions by both signs are tried out state by state."""
    names = [f"a{i}" for i in range(8)]
    parity = [{"any": [a, b]} for a, b in itertools.pairwise(names)]
    other = [{"any": [f"not {a}", f"not {b}"]} for a, b in itertools.pairwise(names)]
    constraints = [
        {
            "id": f"c{i}",
            "claim": "So it is.",
            "holds": [*parity, *other, {"any": [f"not {names[i % 8]}", f"x{i}"]}],
            "rules_out": ["schemer"],
        }
        for i in range(80)
    ]
    assumptions = {
        name: {"claim": f"{name}.", "probability": 0.5}
        for name in (*names, *(f"x{i}" for i in range(80)))
    }
    route = {**SCHEMER, "requires": [*names[:5], {"any": ["a5", "not a5"]}]}
    parts = {
        "assumptions": assumptions,
        "routes": [route],
        "rationale": {"constraints": constraints},
    }
    monkeypatch.setattr(lint_reading, "_MAX_TRIALS", 20_000)
    reading = Reading(load_text(with_parts(parts)))
    for constraint in reading.story.rationale.constraints:
        reading.can_hold(constraint.holds, reading.story.routes[0].requires)
    one_more = 2 ** len(names) * (2 * len(names) + 2)  # states of the question that spends the rest
    assert lint_reading._MAX_TRIALS <= reading._tried[0] <= lint_reading._MAX_TRIALS + one_more
    assert len(reading._read) <= len(constraints) + 1
