"""The linter on any story: it has an answer, and knows what can hold."""

import itertools

from hypothesis import given, settings
from support.strategies import small_stories, with_results

from storyodds import Story, load_text, to_yaml
from storyodds.scenarios.formulas import holds
from storyodds.scenarios.lint import lint
from storyodds.scenarios.lint_codes import lint_codes
from storyodds.scenarios.lint_reading import Reading


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
