"""Small event trees as Open-PSA text, and the odds of their sequences."""

from collections.abc import Mapping

import pytest

from storyodds.priors.text.errors import InputError, render
from storyodds.priors.text.xml_reader import parse_xml
from storyodds.scenarios.open_psa.assembly import ConstantError
from storyodds.scenarios.open_psa.event_trees.model import Analysis, EventTreeModel
from storyodds.scenarios.open_psa.event_trees.sequences import event_tree_model
from support.open_psa_odds import exact
from support.open_psa_text import model, named


def starts(event_tree: str, name: str = "I", often: str = "") -> str:
    """An initiating event that starts an event tree."""
    inside = f"event-tree='{event_tree}'>{often}</define-initiating-event>"
    return f"<define-initiating-event name='{name}' {inside}"


def event_tree(name: str, events: str, sequences: str, start: str, more: str = "") -> str:
    """An event tree; functional events and sequences are names with spaces between them."""
    return (
        f"<define-event-tree name='{name}'>{named('define-functional-event', *events.split())}"
        f"{named('define-sequence', *sequences.split())}{more}"
        f"<initial-state>{start}</initial-state></define-event-tree>"
    )


def fork(event: str, **paths: str) -> str:
    """A fork; paths by their states."""
    inside = "".join(f"<path state='{state}'>{each}</path>" for state, each in paths.items())
    return f"<fork functional-event='{event}'>{inside}</fork>"


def end(sequence: str) -> str:
    """The end of a way."""
    return named("sequence", sequence)


def collect(formula: str) -> str:
    """A formula that is collected; a name is that of a gate, `not NAME` its negation."""
    if not formula.startswith("<"):
        inside = named("gate", formula.removeprefix("not "))
        formula = f"<not>{inside}</not>" if formula.startswith("not ") else inside
    return f"<collect-formula>{formula}</collect-formula>"


def factor(expression: object) -> str:
    """An expression that is collected; a number is a constant."""
    text = expression if isinstance(expression, str) else f"<float value='{expression!r}'/>"
    return f"<collect-expression>{text}</collect-expression>"


def house(name: str, truth: str) -> str:
    """A house event that is set."""
    return f"<set-house-event name='{name}'><constant value='{truth}'/></set-house-event>"


def walked(*parts: str, at_means: bool = False) -> EventTreeModel:
    """The event trees of a model with such parts."""
    return event_tree_model(parse_xml(model(*parts).encode(), "tree.xml"), at_means=at_means)


def odds_of(model: EventTreeModel, analysis: Analysis) -> Mapping[str, float]:
    """The probability of each sequence given the initiating event, by what its story says."""
    odds = {}
    for ending in analysis.sequences:
        try:
            odds[ending.definition.name] = exact(model.story_of(analysis, ending).story)
        except ConstantError as error:
            odds[ending.definition.name] = float(error.truth)
    return odds


def odds(*parts: str) -> Mapping[str, float]:
    """The probability of each sequence of the one event tree that is started."""
    model = walked(*parts)
    (analysis,) = model.analyses
    return odds_of(model, analysis)


def faults(*parts: str) -> list[str]:
    """The first line of each mistake, without the file's name; every part begins a line."""
    text = f"<opsa-mef>\n{'\n'.join(parts)}\n</opsa-mef>"
    with pytest.raises(InputError) as caught:
        event_tree_model(parse_xml(text.encode(), "tree.xml"))
    heads = [render(problem).splitlines()[0] for problem in caught.value.problems]
    return [head.removeprefix("tree.xml:").strip() for head in heads]
