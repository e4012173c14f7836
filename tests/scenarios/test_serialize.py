"""A story written in code, its file, and back: always the same value."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.strategies import small_stories, with_results

from storyodds.priors.distributions.forms import BitsJudgment, BitsPool, Fixed, Interval
from storyodds.priors.text.records import Source
from storyodds.priors.text.yaml_reader import read_document
from storyodds.scenarios.grammar.formulas import AllOf, AnyOf, AtLeast
from storyodds.scenarios.grammar.parts import About
from storyodds.scenarios.loader import bundled_stories, load_story, load_text
from storyodds.scenarios.schema import (
    Assumption,
    Evidence,
    Goal,
    Nudge,
    ObservedCounts,
    Rationale,
    Route,
)
from storyodds.scenarios.serialize import to_data, to_yaml
from storyodds.scenarios.story import Story

FILE = """\
story: both-ways
title: 'The same story twice: in code and in a file'
kind: risk-argument
goal:
  specification: It does the task.
  desirability: The task is good.
rationale:
  class: [inductive-bias]
  nudges:
  - id: simple
    when: {all: [aware, not hidden]}
    bits:
      intended: 2
      deceptive:
        pool:
        - {by: Ann, value: -1}
        - {by: Ben, value: {interval: [-3, 1], level: 0.8}, weight: 2}
assumptions:
  situational-awareness: null
  aware: {probability: 0.3, scope: world}
  hidden:
    holds_when: {at_least: 1, of: [aware, {any: [not aware, situational-awareness]}]}
routes:
- {id: something-else, class: other, bits: 0, harm: 0.05}
evidence:
- id: honeypots
  about: {assumption: aware}
  counts: {hits: 3, trials: 200}
  rates: {true: [0.1, 0.4], false: 0.01}
  source: {cite: Nobody}
"""

CODE = Story(
    story="both-ways",
    title="The same story twice: in code and in a file",
    kind="risk-argument",
    goal=Goal(specification="It does the task.", desirability="The task is good."),
    rationale=Rationale(
        class_=("inductive-bias",),
        nudges=(
            Nudge(
                id="simple",
                when=AllOf(all=("aware", "not hidden")),
                bits={
                    "intended": Fixed(fixed=2),
                    "deceptive": BitsPool(
                        pool=(
                            BitsJudgment(by="Ann", value=-1),
                            BitsJudgment(
                                by="Ben", value=Interval(interval=(-3, 1), level=0.8), weight=2
                            ),
                        )
                    ),
                },
            ),
        ),
    ),
    assumptions={
        "situational-awareness": None,
        "aware": Assumption(probability=0.3, scope="world"),
        "hidden": Assumption(
            holds_when=AtLeast(
                at_least=1, of=("aware", AnyOf(any=("not aware", "situational-awareness")))
            )
        ),
    },
    routes=(Route(id="something-else", class_="other", bits=0, harm=0.05),),
    evidence=(
        Evidence(
            id="honeypots",
            about=About(assumption="aware"),
            counts=ObservedCounts(hits=3, trials=200),
            rates={True: [0.1, 0.4], False: 0.01},
            source=Source(cite="Nobody"),
        ),
    ),
)


def test_code_and_file_are_one_value_both_ways() -> None:
    assert load_text(FILE) == CODE
    assert to_yaml(CODE) == FILE


def test_data_is_what_the_reader_reads() -> None:
    assert read_document(to_yaml(CODE), "a.yaml").data == to_data(CODE)


@pytest.mark.parametrize("name", bundled_stories())
def test_bundled_stories_survive(name: str) -> None:
    story = load_story(name)
    assert load_text(to_yaml(story)) == story


@given(with_results(small_stories()))
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_stories_survive(story: Story) -> None:
    text = to_yaml(story)
    assert load_text(text) == story
    assert to_yaml(load_text(text)) == text


def with_text(text: str) -> Story:
    """Build a story that has a text in several places."""
    data = to_data(CODE)
    data["title"] = text
    data["summary"] = text
    data["sources"] = [{"cite": text, "note": text}]
    data["goal"]["desirability"] = text
    data["assumptions"]["aware"]["claim"] = text
    return Story.model_validate(data)


@given(st.text(max_size=300) | st.text(" \n\t'\"-:#{}[]>|&*!%@`,?x1e0.~", max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_text_survives_or_is_refused(text: str) -> None:
    try:
        story = with_text(text)
    except ValidationError as error:
        assert "hidden character" in str(error)
        return
    assert load_text(to_yaml(story)) == story


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "true",
        "null",
        "~",
        "1",
        "1e3",
        "1e-3",
        "010",
        "0o17",
        "0x1f",
        ".5",
        ".inf",
        ".nan",
        "1_000",
        "12:30",
        "2026-11-23",
        "=",
        "<<",
        "",
        " ",
        "\n",
        "\n\nx",
        " x",
        "x ",
        "x\n",
        "x\n\n",
        "x\n y\n\n  z",
        "# x",
        "- x",
        "a: b",
        "word " * 60,
        "a  b " * 60,
        "line one\nline two " * 30,
        "漢字" * 100,
        "😀",
        "é\u00a0ü",
        "tab\there",
        "---",
        "...",
        "\r\n",
    ],
)
def test_awkward_texts_survive(text: str) -> None:
    assert load_text(to_yaml(with_text(text))).title == text


def test_long_text_is_written_in_blocks() -> None:
    story = with_text("Words that go on for a while. " * 12 + "End.")
    text = to_yaml(story)
    assert "desirability: >-\n" in text
    assert max(map(len, text.splitlines())) <= 104
    assert "desirability: |-\n    one\n    two\n" in to_yaml(with_text("one\ntwo"))
