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


def imported(
    text: str, top: str | None = None, *, hours: float | None = None, at_means: bool = False
) -> Story:
    """The story of a tree."""
    document = parse_xml(text.encode(), "tree.xml")
    return reader.imported(document, top, mission_time=hours, at_means=at_means).story


def mistakes(text: str, top: str | None = None, *, hours: float | None = None) -> list[str]:
    """The first line of each mistake, without the file's name."""
    with pytest.raises(InputError) as caught:
        imported(text, top, hours=hours)
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


def model(*parts: str) -> str:
    """A model with what may stand outside of a fault tree."""
    return f"<opsa-mef>{''.join(parts)}</opsa-mef>"


def named(tag: str, *names: str) -> str:
    """References by name."""
    return "".join(f"<{tag} name='{name}'/>" for name in names)


def group(kind: str, members: str, factors: str, chance: str = "<float value='0.1'/>") -> str:
    """A common-cause group; members are names with spaces between them."""
    inside = named("basic-event", *members.split())
    return (
        f"<define-CCF-group name='{members.split()[0]}s' model='{kind}'><members>{inside}</members>"
        f"<distribution>{chance}</distribution>{factors}</define-CCF-group>"
    )


def factors(*numbers: float, first: int | None = None) -> str:
    """The factors of a group, with their levels where the first is stated."""
    levels = ["" if first is None else f" level='{first + k}'" for k in range(len(numbers))]
    inside = "".join(
        f"<factor{level}><float value='{number}'/></factor>"
        for level, number in zip(levels, numbers, strict=True)
    )
    return f"<factors>{inside}</factors>"


def substitution(hypothesis: str, target: str, source: str = "", kind: str = "") -> str:
    """A substitution; a target that is no constant is a basic event."""
    constant = target in ("true", "false")
    goal = f"<constant value='{target}'/>" if constant else named("basic-event", target)
    taken = named("basic-event", *source.split())
    name = f"{target}-{len(hypothesis)}"
    return (
        f"<define-substitution name='{name}'{f' type={kind!r}' if kind else ''}>"
        f"<hypothesis>{hypothesis}</hypothesis>{f'<source>{taken}</source>' if source else ''}"
        f"<target>{goal}</target></define-substitution>"
    )


def alignment(*phases: str) -> str:
    """An alignment of phases."""
    return f"<define-alignment name='year'>{''.join(phases)}</define-alignment>"


def phase(name: str, share: object, **houses: str) -> str:
    """A phase with the house events that it sets."""
    inside = "".join(
        f"<set-house-event name='{house}'><constant value='{truth}'/></set-house-event>"
        for house, truth in houses.items()
    )
    return f"<define-phase name='{name}' time-fraction='{share}'>{inside}</define-phase>"


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
