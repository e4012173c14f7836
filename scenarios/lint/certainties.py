"""Whether the evidence of a story could be impossible, judged without any sums."""

from collections.abc import Iterator

from storyodds.priors.distributions.forms import Fixed, Prior, ProbabilityPool
from storyodds.priors.references import without_references
from storyodds.scenarios.grammar.formulas import Formula, literals
from storyodds.scenarios.grammar.outcomes import INTENDED, RESIDUAL
from storyodds.scenarios.grammar.parts import numbers_of
from storyodds.scenarios.lint.reading import chances_of
from storyodds.scenarios.schema import Route
from storyodds.scenarios.story import Story


def may_be_impossible(story: Story) -> bool:
    """Whether there is evidence, and something certain that could rule it out.

    Without a chance of 0 or 1, every finding has some chance in every run. A forecast about a class
    may besides speak of one that training can never end in.

    Parameters
    ----------
    story : Story

    Examples
    --------
    >>> from storyodds import load_story
    >>> may_be_impossible(load_story("carlsmith-six-premises"))
    False
    """
    results = [check for check in story.checks if check.result is not None]
    if not (story.evidence or results):
        return False
    if any(_may_be_certain(form) for form in _chances(story)):
        return True
    forecasts = [item for item in story.evidence if item.forecast is not None]
    return any(
        item.about.class_ is not None and not _is_open(story, item.about.class_)
        for item in forecasts
    ) or any(item.about.assumption in _composites(story) for item in forecasts)


def _chances(story: Story) -> Iterator[Prior]:
    for assumption in story.assumptions.values():
        if assumption is not None:  # else as the catalog has it
            yield from chances_of(assumption)
    for item in story.evidence:
        for rate in (*(item.rates or {}).values(), *(item.visibility or {}).values()):
            yield from numbers_of(rate)
        yield from [] if item.relevance is None else [item.relevance]
    for check in story.checks:
        for rate in check.flags.values() if check.result is not None else ():
            yield from numbers_of(rate)


def _may_be_certain(form: Prior) -> bool:
    form = without_references(form, "probability")
    if isinstance(form, ProbabilityPool):
        return any(_may_be_certain(judgment.value) for judgment in form.pool)
    return isinstance(form, Fixed) and form.fixed in (0.0, 1.0)


def _composites(story: Story) -> dict[str, Formula]:
    return {
        name: assumption.holds_when
        for name, assumption in story.assumptions.items()
        if assumption is not None and assumption.holds_when is not None
    }


def _is_open(story: Story, of_class: str) -> bool:
    """Whether some route of a class can plainly be taken, and some other one too.

    Plainly: no assumption stands in its formulas both ways, and none that a constraint on it names
    stands in what it requires.
    """
    composites, constraints = _composites(story), story.rationale.constraints
    rivals = any(r.class_ != of_class for r in story.routes) or of_class != INTENDED

    def reach(formula: Formula) -> set[tuple[str, bool]]:
        plain: set[tuple[str, bool]] = set()
        for name, sign in literals(formula):
            if name not in composites:
                plain.add((name, sign))
                continue
            plain |= {(n, w == sign) for n, w in reach(composites[name])}
        return plain

    def is_plainly_open(route: Route) -> bool:
        requirements = set() if route.requires is None else reach(route.requires)
        if any((name, not sign) in requirements for name, sign in requirements):
            return False
        if route.id == RESIDUAL:
            return True
        names = {name for name, _ in requirements}
        for constraint in constraints:
            if {route.id, route.class_} & set(constraint.rules_out):
                blocking = reach(constraint.holds)
                both_ways = any((name, not sign) in blocking for name, sign in blocking)
                if both_ways or names & {name for name, _ in blocking}:
                    return False
        return True

    own_routes = [route for route in story.routes if route.class_ == of_class]
    return rivals and any(is_plainly_open(route) for route in own_routes)
