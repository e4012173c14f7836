"""Which assumptions bear on which routes, by structure alone."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from storyodds.scenarios.grammar.names import formulas_of, literal_name, parts_of
from storyodds.scenarios.grammar.states import assumption_and_state
from storyodds.scenarios.serialize import to_data
from storyodds.scenarios.shared.catalog import filled
from storyodds.scenarios.story import Story


def bearing(story: Story) -> dict[str, tuple[str, ...]]:
    """Return the assumptions that each route needs, that nudge it, or that rule it out.

    Examples
    --------
    >>> from storyodds.scenarios.loader import load_story
    >>> bearing(load_story("carlsmith-six-premises"))["something-else"]
    ()
    """
    rationale = story.rationale
    names_by_route: dict[str, list[str]] = {}
    for route in story.routes:
        about = {route.id, route.class_}
        plain = [route.requires]
        plain += [nudge.when for nudge in rationale.nudges if about & set(nudge.bits)]
        plain += [c.holds for c in rationale.constraints if about & set(c.rules_out)]
        names_by_route[route.id] = [name for formula in plain for name in names_of(_data(formula))]
    return {route: tuple(dict.fromkeys(names)) for route, names in names_by_route.items()}


def closed(story: Story, names: Iterable[str]) -> frozenset[str]:
    """Return assumptions together with all that decide them or shift their odds.

    Examples
    --------
    >>> from storyodds.scenarios.loader import load_story
    >>> sorted(closed(load_story("rlhf-assistant"), ["order-protects"]))
    ['intent-before-awareness', 'order-protects', 'path-dependence']
    """
    specs = filled(to_data(story)).get("assumptions", {})
    closure: set[str] = set()
    waiting = list(names)
    while waiting:
        name, _ = assumption_and_state(waiting.pop())
        if name not in closure:
            closure.add(name)
            formulas = formulas_of(specs[name]) if isinstance(specs.get(name), Mapping) else ()
            waiting += [inner for _, formula in formulas for inner in names_of(formula)]
    return frozenset(closure)


def names_of(formula: Any) -> Iterator[str]:
    """Return the assumptions that a formula names, as plain data has it."""
    for _, part in parts_of(formula):
        name = literal_name(part)
        if name is not None:
            yield name


def _data(formula: Any) -> Any:
    """A formula as plain data."""
    if isinstance(formula, tuple):
        return [_data(part) for part in formula]
    return formula.model_dump() if hasattr(formula, "model_dump") else formula
