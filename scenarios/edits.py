"""What differs between two versions of a story, as changes that can be made one by one.

A change is one number, or one part that was added, removed or edited. A story with only some of
the changes is neither of the two, yet it is a story: an assumption that only one of them has stands
in it all the same, since by itself it changes no odds, and rates for a route that it does not have
are left out.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal

from storyodds.priors.distributions.forms import Form
from storyodds.priors.text.records import Record
from storyodds.scenarios.grammar.correlations import Versions, versions
from storyodds.scenarios.grammar.formulas import literals
from storyodds.scenarios.grammar.outcomes import CLASSES, DEFAULT
from storyodds.scenarios.grammar.parts import rows_of
from storyodds.scenarios.grammar.states import assumption_and_state
from storyodds.scenarios.numbers.story_number import StoryNumber
from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.schema import Assumption, Evidence
from storyodds.scenarios.story import Story

How = Literal["changed", "added", "removed"]
Parts = dict[str, Any]

NUMBER, ASSUMPTION, EVIDENCE = "number", "assumption", "evidence"
CAUSE, CORRELATION = "common cause", "correlation"
NO_STRUCTURE = (NUMBER, CORRELATION)  # changes that leave the sums over all states as they are
PARTS = (ASSUMPTION, "hazard", "nudge", "constraint", "route", "check", CAUSE, EVIDENCE)


@dataclass(frozen=True)
class Change:
    """One thing that differs between two versions of a story.

    Attributes
    ----------
    part : str
        "number", "correlation", or one of `PARTS`.
    name : str
        The full name of the number, or the id of the part; of a correlation its numbers.
    how : {"changed", "added", "removed"}
    """

    part: str
    name: str
    how: How = "changed"

    @property
    def owner(self) -> str:
        """The id of the part that is changed, or to which the number belongs."""
        return self.name if self.part == CORRELATION else self.name.split(".")[0]


def changes_between(old: ResolvedStory, new: ResolvedStory) -> tuple[Change, ...]:
    """Return all that differs and can bear on the odds.

    Views and settings count: what a number is, not where it is written. Claims, sources and
    proposals do not.

    Parameters
    ----------
    old, new : ResolvedStory

    Returns
    -------
    tuple of Change
        Numbers of a part that is otherwise the same by themselves; else the part.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> story = load_story("carlsmith-six-premises")
    >>> doubtful = resolve(story, settings={"aps-feasible": 0.3})
    >>> [change.name for change in changes_between(resolve(story), doubtful)]
    ['aps-feasible.probability']
    """
    changes: list[Change] = []
    for part, (before, after) in _both(old, new).items():
        for name in dict.fromkeys([*before, *after]):
            if name not in after:
                how: How = "removed"
            elif name not in before:
                how = "added"
            elif _shape(part, before[name]) != _shape(part, after[name]):
                how = "changed"
            else:
                changes += _numbers_between(old, new, name)
                continue
            if part != ASSUMPTION or how == "changed":
                changes.append(Change(part, name, how))
    return (*changes, *_named_between(old, new), *_correlations_between(old, new))


def can_be_mixed(old: ResolvedStory, new: ResolvedStory) -> bool:
    """Whether every story with some of the changes is one.

    It is not where an id means different parts, or where assumptions depend on each other the
    other way round.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> story = resolve(load_story("cat-classifier"))
    >>> can_be_mixed(story, story)
    True
    """
    ids = [[(name, part) for part in PARTS for name in _parts(x, part)] for x in (old, new)]
    if any(dict(ids[0]).get(name, part) != part for name, part in ids[1]):
        return False
    needs: dict[str, set[str]] = {}
    for name, assumption in (*old.assumptions.items(), *new.assumptions.items()):
        needs.setdefault(name, set()).update(_names_below(assumption))
    try:
        TopologicalSorter(needs).prepare()
    except CycleError:
        return False
    return True


def with_changes(
    old: ResolvedStory, new: ResolvedStory, changes: Collection[Change]
) -> ResolvedStory:
    """Make some of the changes.

    Parameters
    ----------
    old, new : ResolvedStory
        That `can_be_mixed`.
    changes : collection of Change
        Some of `changes_between`.

    Returns
    -------
    ResolvedStory
        Without proposals. With none of the changes it has the odds of the old story, with all of
        them those of the new one.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> story = load_story("carlsmith-six-premises")
    >>> old, new = resolve(story), resolve(story, settings={"aps-feasible": 0.3})
    >>> made = with_changes(old, new, changes_between(old, new))
    >>> made.numbers[0].distribution.value
    0.3
    """
    chosen = frozenset(changes)
    is_new: dict[str, bool] = {}
    mixed = {part: _mixed(part, *sides, chosen, is_new) for part, sides in _both(old, new).items()}
    targets = {*mixed["route"], *CLASSES, DEFAULT}
    mixed[EVIDENCE] = {name: _trimmed(item, targets) for name, item in mixed[EVIDENCE].items()}
    return replace(
        old,
        story=_with_text(old.story, mixed),
        whole=None,
        assumptions=mixed[ASSUMPTION],
        routes=tuple(mixed["route"].values()),
        numbers=tuple(_numbers(old, new, chosen, is_new, mixed)),
        proposals=(),
        proposal_numbers=(),
        correlations=tuple(
            block
            for one in versions(old.correlations, new.correlations)
            for block in (one.new if _change_of(one) in chosen else one.old)
        ),
    )


def _with_text(story: Story, mixed: Mapping[str, Parts]) -> Story:
    """The parts put into a story, which is not read again: it is made of what was."""
    goal = story.goal.model_copy(update={"hazards": tuple(mixed["hazard"].values())})
    rationale = story.rationale.model_copy(
        update={
            "nudges": tuple(mixed["nudge"].values()),
            "constraints": tuple(mixed["constraint"].values()),
        }
    )
    return story.model_copy(
        update={
            "goal": goal,
            "rationale": rationale,
            "checks": tuple(mixed["check"].values()),
            "common_cause": tuple(mixed[CAUSE].values()),
            "evidence": tuple(mixed[EVIDENCE].values()),
            "proposals": (),
        }
    )


def _mixed(
    part: str, before: Parts, after: Parts, chosen: frozenset[Change], is_new: dict[str, bool]
) -> Parts:
    """One kind of part with some of the changes; and of each, whether it is the new version."""
    mixed: Parts = {}
    for name in dict.fromkeys([*before, *after]):
        in_both = name in before and name in after
        if in_both:
            is_new[name] = Change(part, name) in chosen
        elif part == ASSUMPTION:
            is_new[name] = name in after
        elif name in after and Change(part, name, "added") in chosen:
            is_new[name] = True
        elif name in before and Change(part, name, "removed") not in chosen:
            is_new[name] = False
        else:
            continue
        mixed[name] = (after if is_new[name] else before)[name]
    return mixed


def _numbers(
    old: ResolvedStory,
    new: ResolvedStory,
    chosen: frozenset[Change],
    is_new: Mapping[str, bool],
    mixed: Mapping[str, Parts],
) -> Iterable[Any]:
    """The numbers of the parts that are there, in the order of the old story and then the new."""
    targets = {
        f"{name}.{field}.{key}"
        for name, item in mixed[EVIDENCE].items()
        for field in ("rates", "visibility", "bayes_factor")
        for key in getattr(item, field) or ()
    }
    before, after = _by_place(old), _by_place(new)
    at_places: dict[str, StoryNumber] = {}
    for name in dict.fromkeys([*before, *after]):
        owner, *field = name.split(".")
        if owner == "rationale":  # feasibility is in no odds
            if name in before:
                at_places[name] = before[name]
            continue
        if owner not in is_new:
            continue
        whole = ".".join((owner, *field[:2]))  # of a row too
        if owner in mixed[EVIDENCE] and field[0] != "relevance" and whole not in targets:
            continue
        newer = is_new[owner] or Change(NUMBER, name) in chosen
        side = after if newer else before
        if name in side:
            at_places[name] = side[name]
    yield from _joined(old, new, chosen, at_places)


def _by_place(resolved: ResolvedStory) -> dict[str, StoryNumber]:
    return {place: number for number in resolved.numbers for place in number.places}


def _joined(
    old: ResolvedStory,
    new: ResolvedStory,
    chosen: frozenset[Change],
    at_places: Mapping[str, StoryNumber],
) -> Iterable[StoryNumber]:
    """Let what has one name be one number, in the version that is chosen of it."""
    # One of the versions may have it in a single place, where it has no other use.
    uses: dict[str, list[str]] = {number.name: [] for number in at_places.values() if number.uses}
    for place, number in at_places.items():
        if number.name in uses:
            uses[number.name].append(place)
    versions = (new, old), (old, new)
    joined: set[str] = set()
    for number in at_places.values():
        name = number.name
        if name not in uses:
            yield number
        elif name not in joined:
            joined.add(name)
            order = versions[0] if Change(NUMBER, name) in chosen else versions[1]
            side = next(x for x in order if name in x.number_index)
            yield replace(side.numbers[side.number_index[name]], uses=tuple(uses[name]))


def _trimmed(record: Record, targets: Collection[str]) -> Record:
    """A finding about the outcome without what it says of routes that are not there."""
    assert isinstance(record, Evidence)
    if record.about.outcome is None:
        return record
    tables = {
        field: {key: value for key, value in table.items() if key in targets}
        for field in ("rates", "visibility", "bayes_factor")
        if (table := getattr(record, field)) is not None
    }
    return record.model_copy(update=tables)


def _both(old: ResolvedStory, new: ResolvedStory) -> dict[str, tuple[Parts, Parts]]:
    return {part: (_parts(old, part), _parts(new, part)) for part in PARTS}


def _parts(resolved: ResolvedStory, part: str) -> Parts:
    """The parts of one kind by their ids."""
    if part == ASSUMPTION:
        return dict(resolved.assumptions)
    story = resolved.story
    listed: Mapping[str, tuple[Any, ...]] = {
        "hazard": story.goal.hazards,
        "nudge": story.rationale.nudges,
        "constraint": story.rationale.constraints,
        "route": resolved.routes,
        "check": story.checks,
        CAUSE: resolved.common_causes,
        EVIDENCE: resolved.findings,
    }
    return {record.id: record for record in listed[part]}


_OF_EVIDENCE = (
    "about",
    "counts",
    "exposure",
    "rates",
    "visibility",
    "bayes_factor",
    "forecast",
    "sd_bits",
)

# By kind of part what bears on the odds, but for the numbers; of tables the keys and rows do.
_BEARING: Mapping[str, tuple[str, ...]] = {
    "hazard": ("criterion", "requires", "probability", "harm"),
    "nudge": ("when", "bits"),
    "constraint": ("holds", "rules_out"),
    "route": ("class_", "requires", "harm"),
    "check": ("flags", "result"),
    CAUSE: ("checks", "share"),
    EVIDENCE: _OF_EVIDENCE,
}


def _shape(part: str, record: Any) -> Any:
    if part == ASSUMPTION:
        rows = [row.when for row in record.given or ()]
        states = record.states
        by_state = None if states is None else [(row.when, row.odds.names) for row in states.rows]
        return record.holds_when, rows, record.probability is None, by_state
    return [_shape_of(getattr(record, field)) for field in _BEARING[part]]


def _shape_of(value: Any) -> Any:
    """What bears on the odds of a field, but for its numbers."""
    if isinstance(value, dict):
        return {key: _shape_of(item) for key, item in value.items()}
    if rows := rows_of(value):
        return [row.when for row in rows]
    return None if isinstance(value, Form) else value


def _numbers_between(old: ResolvedStory, new: ResolvedStory, owner: str) -> list[Change]:
    """The places of a part that have other numbers; numbers that are named are listed once."""
    start, before, after = f"{owner}.", _by_place(old), _by_place(new)
    return [
        Change(NUMBER, place)
        for place, number in before.items()
        if place.startswith(start)
        and (
            number.name != after[place].name
            or (not number.uses and number.distribution != after[place].distribution)
        )
    ]


def _named_between(old: ResolvedStory, new: ResolvedStory) -> list[Change]:
    """The numbers that both versions name and that differ."""
    after = {number.name: number for number in new.numbers if number.uses}
    return [
        Change(NUMBER, number.name)
        for number in old.numbers
        if number.uses
        and number.name in after
        and number.distribution != after[number.name].distribution
    ]


def _correlations_between(old: ResolvedStory, new: ResolvedStory) -> list[Change]:
    return [_change_of(one) for one in versions(old.correlations, new.correlations) if one.differ]


def _change_of(one: Versions) -> Change:
    how: How = "changed" if one.old and one.new else "added" if one.new else "removed"
    return Change(CORRELATION, ", ".join(one.names), how)


def _names_below(assumption: Assumption) -> set[str]:
    formulas = [assumption.holds_when, *(row.when for row in assumption.given or ())]
    formulas += [row.when for row in (assumption.states.rows if assumption.states else ())]
    names = (name for f in formulas if f is not None for name, _ in literals(f))
    return {assumption_and_state(name)[0] for name in names}


def shared_places(resolved: ResolvedStory, owners: Collection[str]) -> tuple[str, ...]:
    """Name the places of some parts at which numbers stand that other parts have too.

    Parameters
    ----------
    resolved : ResolvedStory
    owners : collection of str
        Ids of parts.
    """

    def own(place: str) -> bool:
        return place.split(".")[0] in owners

    return tuple(
        place
        for number in resolved.numbers
        if not all(map(own, number.places))
        for place in number.places
        if own(place)
    )


def with_own_numbers(resolved: ResolvedStory, places: Collection[str]) -> ResolvedStory:
    """Give places numbers of their own in the place of those that they share, behind all others.

    Parameters
    ----------
    resolved : ResolvedStory
    places : collection of str
        As of `shared_places`.
    """
    index = resolved.number_index
    kept = [
        replace(number, uses=tuple(place for place in number.uses if place not in places))
        for number in resolved.numbers
    ]
    new = [replace(resolved.numbers[index[place]], name=place, uses=()) for place in places]
    return replace(resolved, numbers=(*kept, *new))


def without_places(resolved: ResolvedStory, owner: str) -> ResolvedStory:
    """Take away the numbers of a part, but for those that stand in other parts too.

    Parameters
    ----------
    resolved : ResolvedStory
    owner : str
        The id of the part.
    """
    numbers = []
    for number in resolved.numbers:
        places = tuple(place for place in number.places if place.split(".")[0] != owner)
        if places:
            numbers.append(replace(number, uses=places if number.uses else ()))
    return replace(resolved, numbers=tuple(numbers))
