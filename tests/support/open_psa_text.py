"""Small fault trees as Open-PSA text, their stories, and what those say of the top event."""

import itertools
import math

import pytest

from storyodds.priors.distributions.forms import Fixed
from storyodds.priors.text.errors import InputError, render
from storyodds.priors.text.xml_reader import parse_xml
from storyodds.scenarios.grammar.formulas import holds
from storyodds.scenarios.open_psa import reader
from storyodds.scenarios.story import Story


def imported(text: str, top: str | None = None) -> Story:
    """The story of a tree."""
    return reader.imported(parse_xml(text.encode(), "tree.xml"), top).story


def mistakes(text: str, top: str | None = None) -> list[str]:
    """The first line of each mistake, without the file's name."""
    with pytest.raises(InputError) as caught:
        imported(text, top)
    heads = [render(problem).splitlines()[0] for problem in caught.value.problems]
    return [head.removeprefix("tree.xml:").strip() for head in heads]


def tree(body: str) -> str:
    """A model with one fault tree."""
    return f"<opsa-mef><define-fault-tree name='t'>{body}</define-fault-tree></opsa-mef>"


def event(expression: str, name: str = "A") -> str:
    """A basic event."""
    return f"<define-basic-event name='{name}'>{expression}</define-basic-event>"


def gate(formula: str, name: str = "G") -> str:
    """A gate."""
    return f"<define-gate name='{name}'>{formula}</define-gate>"


def number(value: object) -> str:
    """A constant."""
    return f"<float value='{value}'/>"


def original(claim: str) -> str:
    """The name in the file, from a claim such as `Basic event e1`."""
    return claim.rpartition(" ")[2].rstrip(")")


def free_names(story: Story) -> dict[str, str]:
    """Id of each basic event, by its name in the file."""
    return {
        original(spec.claim): name
        for name, spec in story.assumptions.items()
        if spec is not None and spec.holds_when is None
    }


def truth(story: Story, name: str, events: dict[str, bool]) -> bool:
    """Whether an assumption is true, given every basic event by its id."""
    spec = story.assumptions[name]
    assert spec is not None
    if spec.holds_when is None:
        return events[name]
    return holds(spec.holds_when, lambda inner: truth(story, inner, events))


def top_probability(story: Story) -> float:
    """The probability that the route's gate holds, by enumeration."""
    top = story.routes[0].requires
    assert isinstance(top, str)
    chances = {}
    for name in free_names(story).values():
        spec = story.assumptions[name]
        assert spec is not None and isinstance(spec.probability, Fixed)
        chances[name] = spec.probability.fixed
    total = []
    for state in itertools.product((False, True), repeat=len(chances)):
        events = dict(zip(chances, state, strict=True))
        if truth(story, top, events):
            total.append(math.prod(p if events[name] else 1.0 - p for name, p in chances.items()))
    return math.fsum(total)
