"""Findings that were made with a check, and are read by its own flag rates."""

from collections.abc import Collection, Iterator

from storyodds.scenarios.schema import Check, Evidence
from storyodds.scenarios.story import Story


def with_lent_rates(story: Story, whole: Story | None = None) -> tuple[Evidence, ...]:
    """Write out the rates of findings that have those of a check, as if they were their own.

    Of the rates of the check, those of hazards say nothing of where training ended and stay
    behind.

    Parameters
    ----------
    story : Story
    whole : Story, optional
        With the checks that are switched off.

    Returns
    -------
    tuple of Evidence
        The findings of the story, none of which names a check whose rates it has.
    """
    checks = {check.id: check for check in (whole or story).checks}
    hazards = {hazard.id for hazard in story.goal.hazards}
    return tuple(
        item if item.rates_of is None else _written_out(item, checks[item.rates_of], hazards)
        for item in story.evidence
    )


def _written_out(item: Evidence, check: Check, hazards: Collection[str]) -> Evidence:
    rates = {key: rate for key, rate in check.flags.items() if key not in hazards}
    return item.model_copy(update={"rates": rates, "rates_of": None})


def lent_places(story: Story) -> Iterator[tuple[str, str]]:
    """Give the places that share their numbers: of each finding's rates, and of the check's.

    Places are without the rows of rates that depend on assumptions.

    Examples
    --------
    >>> from storyodds import load_story
    >>> list(lent_places(load_story("coinrun-agent")))
    []
    """
    for item, written in zip(story.evidence, with_lent_rates(story), strict=True):
        if item.rates_of is not None:
            for key in written.rates or ():
                yield f"{item.rates_of}.flags.{key}", f"{item.id}.rates.{key}"
