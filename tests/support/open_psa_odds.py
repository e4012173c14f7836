"""What the engine says of the top event of an imported fault tree."""

import math
from collections.abc import Mapping

from storyodds.models.logic.cut_sets import CutSet, cut_set_family
from storyodds.models.logic.functions import formula_function, function_probability
from storyodds.priors.distributions.forms import Fixed
from storyodds.scenarios.grammar.formulas import Formula
from storyodds.scenarios.story import Story


def composites(story: Story) -> dict[str, Formula]:
    """Every assumption that a formula decides."""
    return {
        name: spec.holds_when
        for name, spec in story.assumptions.items()
        if spec is not None and spec.holds_when is not None
    }


def chances(story: Story) -> dict[str, float]:
    """The probability of every other one, all of them fixed."""
    numbers = {}
    for name, spec in story.assumptions.items():
        if spec is not None and spec.holds_when is None:
            assert isinstance(spec.probability, Fixed)
            numbers[name] = spec.probability.fixed
    return numbers


def exact(story: Story) -> float:
    """The probability of the top event."""
    top = story.routes[0].requires
    assert top is not None
    return float(
        function_probability(formula_function(top, composites(story), "top"), chances(story))
    )


def cut_sets(story: Story) -> list[CutSet]:
    """Its minimal cut sets."""
    return list(cut_set_family(story.routes[0].requires, composites(story), "top"))


def rare_event(story: Story) -> float:
    """The rare-event approximation: the sum over the minimal cut sets, at most 1."""
    return min(1.0, math.fsum(_chance(cut_set, chances(story)) for cut_set in cut_sets(story)))


def _chance(cut_set: CutSet, numbers: Mapping[str, float]) -> float:
    return math.prod(numbers[name] if value else 1.0 - numbers[name] for name, value in cut_set)
