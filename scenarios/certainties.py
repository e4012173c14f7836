"""Whether a story is certain of anything, so that its evidence could be impossible."""

from collections.abc import Iterator

from storyodds.priors.forms import Fixed, Prior, ProbabilityPool
from storyodds.priors.references import without_references
from storyodds.scenarios.lint_reading import chances_of
from storyodds.scenarios.schema import Story


def may_be_impossible(story: Story) -> bool:
    """Whether there is evidence, and a chance of 0 or 1 that could rule it out.

    Without one, every finding has some chance in every run. A forecast may speak of what cannot
    happen whatever the numbers are, so that it always may be impossible.

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
    forecasts = any(item.forecast is not None for item in story.evidence)
    return forecasts or any(_may_be_certain(form) for form in _chances(story))


def _chances(story: Story) -> Iterator[Prior]:
    for assumption in story.assumptions.values():
        if assumption is None:  # as the catalog has it
            continue
        yield from chances_of(assumption)
    for item in story.evidence:
        yield from (item.rates or {}).values()
        yield from [] if item.relevance is None else [item.relevance]
    for check in story.checks:
        yield from check.flags.values()


def _may_be_certain(form: Prior) -> bool:
    form = without_references(form, "probability")
    if isinstance(form, ProbabilityPool):
        return any(_may_be_certain(judgment.value) for judgment in form.pool)
    return isinstance(form, Fixed) and form.fixed in (0.0, 1.0)
