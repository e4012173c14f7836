"""A story without some of its parts, several at once."""

from collections.abc import Collection
from dataclasses import replace

from storyodds.models.changes.what_if import fixed
from storyodds.models.sensitivity.structure import without_constraint, without_item
from storyodds.priors.text.errors import InputError, Problem
from storyodds.scenarios.edits import shared_places, with_own_numbers
from storyodds.scenarios.grammar.switch_kinds import Switch
from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.switches import switches_of, without_parts

type Parts = Collection[tuple[Switch, str]]


def without(resolved: ResolvedStory, parts: Parts) -> ResolvedStory:
    """Return the story without some of its parts.

    A nudge is left out by setting its bits to 0, a check by letting it flag nothing (or, where it
    is known to have flagged the model, everything); constraints, correlations and evidence items
    go, and with an item the proposals to replicate it.

    Parameters
    ----------
    resolved : ResolvedStory
    parts : collection of (part, id)
        Part is one of "constraint", "nudge", "check", "evidence" and "correlation".

    Raises
    ------
    InputError
        With every part that the story does not have.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> written = resolve(load_story("cat-classifier"))
    >>> changed = without(written, [("check", "perturbation-test")])
    >>> {n.distribution for n in changed.numbers if n.name.startswith("perturbation-test.flags")}
    {Point(value=0.0)}
    """
    own_parts = set(switches_of(resolved.story))
    problems = [
        Problem(f"off: found the {part} '{name}', expected one that the story has")
        for part, name in parts
        if (part, name) not in own_parts
    ]
    if problems:
        raise InputError(problems)
    silent_parts = [name for part, name in parts if part in ("nudge", "check")]
    resolved = with_own_numbers(resolved, shared_places(resolved, silent_parts))
    silent = {resolved.number_index[name]: x for name, x in silenced(resolved, parts).items()}
    resolved = fixed(resolved, silent) if silent else resolved
    for part, name in parts:
        if part == "constraint":
            ids = [constraint.id for constraint in resolved.story.rationale.constraints]
            resolved = without_constraint(resolved, ids.index(name))
        elif part == "evidence":
            resolved = _without_replications(without_item(resolved, name), name)
        elif part == "correlation":
            kept = tuple(block for block in resolved.correlations if block.id != name)
            story = without_parts(resolved.story, [(part, name)])
            resolved = replace(resolved, story=story, correlations=kept)
    return resolved


def silenced(resolved: ResolvedStory, parts: Parts) -> dict[str, float]:
    """Return the numbers that nudges and checks are left out by, each with what it then is.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> silenced(resolve(load_story("coinrun-agent")), [("nudge", "direction-is-cheap")])
    {'direction-is-cheap.bits.right-end-goal': 0.0, ...}
    """
    flagged = {check.id for check in resolved.story.checks if check.result == "flagged"}
    field = {"nudge": "bits", "check": "flags"}
    owners = {
        f"{name}.{field[part]}.": float(part == "check" and name in flagged)
        for part, name in parts
        if part in field
    }
    return {
        place: value
        for number in resolved.numbers
        for place in number.places
        for start, value in owners.items()
        if place.startswith(start)
    }


def _without_replications(resolved: ResolvedStory, name: str) -> ResolvedStory:
    own = tuple(p for p in resolved.story.proposals if p.replicates != name)
    return replace(
        resolved,
        story=resolved.story.model_copy(update={"proposals": own}),
        proposals=tuple(p for p in resolved.proposals if p.replicates != name),
    )
