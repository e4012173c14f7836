"""Story to resolved story: every number found, named, overridden where asked, with provenance."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from storyodds.priors import library
from storyodds.priors.text.errors import InputError, Problem
from storyodds.scenarios.grammar.correlations import Correlation, by_number, named
from storyodds.scenarios.grammar.outcomes import INTENDED
from storyodds.scenarios.lent_rates import with_lent_rates
from storyodds.scenarios.numbers.overrides import target, under_settings, under_view
from storyodds.scenarios.numbers.slots import joined, lent, places_of, proposal_slots, slots_of
from storyodds.scenarios.numbers.story_number import StoryNumber, number_in
from storyodds.scenarios.proposals import standard_proposals
from storyodds.scenarios.schema import Assumption, CommonCause, Evidence, Proposal, Route
from storyodds.scenarios.serialize import to_data
from storyodds.scenarios.shared import catalog
from storyodds.scenarios.story import Story, named_causes
from storyodds.scenarios.switches import chosen_switches, without_parts


@dataclass(frozen=True)
class ResolvedStory:
    """A story with the catalog's assumptions filled in and every number a distribution.

    Attributes
    ----------
    story : Story
        As written, without the parts that are switched off.
    assumptions : mapping of str to Assumption
    routes : tuple of Route
        With the implied route `intended` first.
    numbers : tuple of StoryNumber
    view : str or None
    settings : mapping of str to str
        The overrides asked for, by number name, as text; and `off` by every part that is switched
        off, such as `check:blind-audit`.
    proposals : tuple of Proposal
        Observations that could be made, the story's own first.
    proposal_numbers : tuple of StoryNumber
        Theirs alone, apart from the story's: no odds depend on them.
    whole : Story or None
        With the parts that are switched off, where any is.
    correlations : tuple of Correlation
        By the names of the numbers; those of parts that are switched off are left out.
    """

    story: Story
    assumptions: Mapping[str, Assumption]
    routes: tuple[Route, ...]
    numbers: tuple[StoryNumber, ...]
    view: str | None
    settings: Mapping[str, str]
    proposals: tuple[Proposal, ...] = ()
    proposal_numbers: tuple[StoryNumber, ...] = ()
    whole: Story | None = None
    correlations: tuple[Correlation, ...] = ()

    @property
    def written(self) -> Story:
        """The story as its file has it, whatever is switched off."""
        return self.story if self.whole is None else self.whole

    @property
    def common_causes(self) -> tuple[CommonCause, ...]:
        """The checks that fail together, each set of them with an id."""
        return named_causes(self.story)

    @cached_property
    def findings(self) -> tuple[Evidence, ...]:
        """The evidence, the rates that it has of checks written out."""
        return with_lent_rates(self.story, self.written)

    @cached_property
    def number_index(self) -> Mapping[str, int]:
        """Index of every number by its name, and by the places where it stands."""
        numbers = list(enumerate(self.numbers))
        places = {place: index for index, number in numbers for place in number.places}
        return places | {number.name: index for index, number in numbers}


def resolve(
    story: Story,
    *,
    view: library.View | None = None,
    settings: Mapping[str, Any] | None = None,
    standard: bool = False,
) -> ResolvedStory:
    """Fill in the catalog, apply a view and then settings, and give every number a distribution.

    Parameters
    ----------
    story : Story
    view : View, optional
        A named set of overrides; names that the story does not have are passed over.
    settings : mapping of str to PRIOR, optional
        Overrides by number name or id; every name must exist. `off` switches off a part, such as
        `check:blind-audit`.
    standard : bool
        Whether to propose the catalog's observations too, beside the story's own.

    Returns
    -------
    ResolvedStory

    Raises
    ------
    InputError
        With every unknown name and every PRIOR that does not fit.

    Examples
    --------
    >>> from storyodds import load_story
    >>> story = load_story("coinrun-agent")
    >>> blind = resolve(story, settings={"check:moved-coin-test": "off"})
    >>> blind.story.checks, blind.written == story, blind.settings
    ((), True, {'check:moved-coin-test': 'off'})
    """
    assumptions, inherited = _merge_catalog(story)
    routes = _with_intended(story)
    slots = {slot.name: slot for slot in slots_of(story, assumptions, routes, inherited)}
    problems: list[Problem] = []
    off = chosen_switches(story, settings or {}, problems)
    kept = without_parts(story, off) if off else story
    # Their names are those that they have beside the parts that are switched off.
    owners_off = {owner: part for part, owner in off}
    every = standard_proposals(story) if standard else ()
    usual = tuple(proposal for proposal in every if proposal.replicates not in owners_off)
    proposing = {slot.name: slot for slot in proposal_slots(story, (*story.proposals, *usual))}
    slots = lent(story, joined(story, slots | proposing))
    proposed = {name for name, slot in slots.items() if proposing.keys() >= set(places_of(slot))}
    if view is not None:
        slots, faults = under_view(slots, view)
        problems += faults
    slots, faults = under_settings(slots, settings or {}, owners_off)
    problems += faults
    numbers: dict[str, StoryNumber] = {}
    for name, slot in slots.items():
        kept_places = [p for p in places_of(slot) if p.split(".")[0] not in owners_off]
        if not kept_places:
            continue
        try:
            numbers[name] = number_in(replace(slot, uses=tuple(kept_places) if slot.uses else ()))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return ResolvedStory(
        story=kept,
        assumptions=assumptions,
        routes=routes,
        numbers=tuple(number for name, number in numbers.items() if name not in proposed),
        view=None if view is None else view.view,
        settings={name: str(value) for name, value in (settings or {}).items()},
        proposals=(*kept.proposals, *usual),
        proposal_numbers=tuple(n for name, n in numbers.items() if name in proposed),
        whole=story if off else None,
        correlations=by_number(named(kept.correlations), lambda name: target(name, slots), numbers),
    )


def _merge_catalog(story: Story) -> tuple[dict[str, Assumption], set[str]]:
    """Return the full assumptions, and the ids of those that are as the catalog decides."""
    data = to_data(story)
    along = catalog.brought_along(data["routes"], data.get("assumptions", {}))
    merged: dict[str, Assumption] = {}
    inherited: set[str] = set()
    for name in (*story.assumptions, *along):
        assumption = story.assumptions.get(name) or Assumption()
        entry = catalog.assumptions().get(name)
        if entry is not None:
            if assumption.from_ is None and all(
                getattr(assumption, key) is None for key in catalog.DECIDERS
            ):
                inherited.add(name)
                decided = {key: getattr(entry, key) for key in catalog.DECIDERS}
                assumption = assumption.model_copy(update=decided)
            assumption = assumption.model_copy(
                update={
                    "claim": assumption.claim or entry.claim,
                    "scope": assumption.scope or entry.scope,
                    "sources": assumption.sources or entry.sources,
                }
            )
        merged[name] = assumption
    return merged, inherited


def _with_intended(story: Story) -> tuple[Route, ...]:
    if any(route.id == INTENDED for route in story.routes):
        return story.routes
    return (Route(id=INTENDED, class_="intended"), *story.routes)
