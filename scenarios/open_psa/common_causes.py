"""Common-cause groups: basic events that also happen together.

Every member becomes a gate over new events: the member alone, and each combination that it is in.
These events are independent of each other, as the standard has it; only their numbers are shared.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from storyodds.priors.text.phrases import one_of, quoted
from storyodds.priors.text.xml_reader import Element
from storyodds.scenarios.checks.consistency import MAX_FREE
from storyodds.scenarios.open_psa.definitions import BASIC_EVENT, GROUP, Definition
from storyodds.scenarios.open_psa.formulas import Connective, Formula
from storyodds.scenarios.open_psa.grammar import basic_events_in, only_child, only_content
from storyodds.scenarios.open_psa.numbers import Estimate, Numbers
from storyodds.scenarios.open_psa.quantities.units import Quantity
from storyodds.scenarios.open_psa.tree import Tree, required

BETA, GREEK, ALPHA, PHI = "beta-factor", "MGL", "alpha-factor", "phi-factor"
MODELS: Final = (BETA, GREEK, ALPHA, PHI)
# How far the shares of a phi-factor group may be from 1 in all: what rounding to four digits does.
_ROUNDING: Final = 1e-4
# Of all groups of a file: seconds to make, while a story can have 500 of them.
MAX_EVENTS: Final = 20_000
_SLUG_LETTERS = 60  # of members in an id, so that its last word stays
_SHOWN_MEMBERS = 5  # of a combination, in a claim


@dataclass(frozen=True, slots=True)
class Group:
    """A common-cause group as the file has it.

    Attributes
    ----------
    definition : Definition
    model : str
    members : tuple of Definition
    distribution : Element
        The expression of each member's probability.
    factors : dict of int to Element
        The expression for each number of members, in order and without gaps.
    """

    definition: Definition
    model: str
    members: tuple[Definition, ...]
    distribution: Element
    factors: Mapping[int, Element]

    @property
    def events(self) -> int:
        """How many events it makes."""
        return _count(self.model, self.factors, len(self.members))


@dataclass
class CommonCauses:
    """What the groups of a file put in the place of their members.

    Attributes
    ----------
    gates : dict of Definition to Formula
        What each member happens by.
    estimates : dict of Definition to Estimate
        The numbers of the new events.
    members : dict of Definition to Definition
        The group of each member.
    """

    gates: dict[Definition, Formula] = field(default_factory=dict)
    estimates: dict[Definition, Estimate] = field(default_factory=dict)
    members: dict[Definition, Definition] = field(default_factory=dict)

    @property
    def note(self) -> str:
        """A sentence on what was done."""
        if not self.members:
            return ""
        return (
            "Members of a common-cause group occur alone or together with others of it; these "
            "events are independent of each other."
        )


def read_groups(tree: Tree) -> list[Group]:
    """Read the groups of a file, defining those members that nothing else defines.

    A group with a mistake is left out, and whatever it names is not missed a second time.
    """
    groups, owners = [], dict[Definition, Definition]()
    for definition in tree.of_kind(GROUP):
        mistakes = len(tree.problems)
        group = _read_group(tree, definition, owners)
        if group is None or len(tree.problems) > mistakes:
            tree.spoil(definition.element)
        else:
            groups.append(group)
    _refuse_many(tree, groups)
    return groups


def _refuse_many(tree: Tree, groups: list[Group]) -> None:
    """Drop all groups of a file that would take long to expand, with a mistake."""
    events = sum(group.events for group in groups)
    if events > MAX_EVENTS:
        tree.complain(
            f"found {len(groups):,} common-cause groups, which make {events:,} events, expected at "
            f"most {MAX_EVENTS:,}: leave away those that are not below the top gate",
            tree.document.root,
        )
        for group in groups:
            tree.spoil(group.definition.element)
        groups.clear()


def _read_group(
    tree: Tree, definition: Definition, owners: dict[Definition, Definition]
) -> Group | None:
    element = definition.element
    model = required(tree, element, "model", definition)
    if model is not None and model not in MODELS:
        tree.complain(
            f"found the model {quoted(model)}, expected {one_of(MODELS)}"
            f"{tree.nearest(model, MODELS)}",
            element,
            definition,
        )
    named = only_child(tree, element, definition, "members")
    members = [] if named is None else _members(tree, named, definition, owners)
    outer = only_child(tree, element, definition, "distribution")
    inner = None if outer is None else only_content(tree, outer, definition, "one expression")
    factors = only_child(tree, element, definition, "factors", "factor")
    if model not in MODELS or factors is None or inner is None or len(members) < 2:
        return None
    listed = factors.children if factors.tag == "factors" else [factors]
    levels = _levels(tree, definition, model, listed, len(members))
    if levels is None:
        return None
    return Group(definition, model, tuple(members), inner, levels)


def _members(
    tree: Tree, element: Element, group: Definition, owners: dict[Definition, Definition]
) -> list[Definition]:
    members = []
    for name, child in basic_events_in(tree, element, group):
        member = tree.lookup(name, group.scope)
        if member is None:
            member = Definition(BASIC_EVENT, name, group.scope, group.public, "", child, None)
            tree.add(member)
        if member.kind != BASIC_EVENT:
            opening = f"found {quoted(name)}, which is a {member.kind}"
            tree.complain(f"{opening}, expected a basic event", child, group)
        elif member.body is not None:
            tree.complain(
                f"found a number of its own for {quoted(name)}, a member of the {group.shown}; "
                "expected it in the group's <distribution> alone",
                member.body,
                member,
            )
        elif owners.setdefault(member, group) is not group:
            tree.complain(
                f"found {quoted(name)}, which is a member of the {owners[member].shown} too, "
                "expected it in one group",
                child,
                group,
            )
        members.append(member)
    if len(element.children) < 2:
        sentence = f"found {len(members)} in <members>, expected at least 2 basic events"
        tree.complain(sentence, element, group)
    return members


def _levels(
    tree: Tree, group: Definition, model: str, factors: Sequence[Element], size: int
) -> dict[int, Element] | None:
    """Return the expression for each number of members, in order."""
    lowest = {BETA: size, GREEK: 2}.get(model, 1)
    levels: dict[int, Element] = {}
    following = lowest
    for factor in factors:
        level = _level(tree, factor, group, following, lowest, size)
        inner = only_content(tree, factor, group, "one expression")
        if level is None or inner is None:
            return None
        if level in levels:
            sentence = f"found a second <factor> of level {level}, expected one of each level"
            tree.complain(sentence, factor, group)
            return None
        levels[level], following = inner, level + 1
    every = range(lowest, max(levels, default=lowest) + 1)
    absent = [level for level in every if level not in levels]
    if absent:
        tree.complain(
            f"found no <factor> of level {absent[0]}, expected one of every level from {lowest} "
            f"to the last; state 0 where there is nothing",
            group.element,
            group,
        )
        return None
    events = _count(model, levels, size)
    if events > MAX_FREE:
        number = f"{events:,}" if events <= MAX_EVENTS else f"more than {MAX_EVENTS:,}"
        tree.complain(
            f"found {size:,} members and a <factor> of level {max(levels):,}, which make {number} "
            f"events of the group, expected at most {MAX_FREE}: leave away the highest levels, or "
            "split the group",
            group.element,
            group,
        )
        return None
    return dict(sorted(levels.items()))


def _count(model: str, levels: Mapping[int, Element], size: int) -> int:
    """Count the events that a group makes, or stop where there are too many for any."""
    sizes = [1, *levels] if model == BETA else range(1, max(levels) + 1)
    events = 0
    for members in sizes:
        events += math.comb(size, members)
        if events > MAX_EVENTS:
            break
    return events


def _level(
    tree: Tree, factor: Element, group: Definition, following: int, lowest: int, highest: int
) -> int | None:
    text = factor.attributes.get("level", str(following)).strip()
    level = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if lowest <= level <= highest:
        return level
    span = f"{lowest}" if lowest == highest else f"{lowest} to {highest}"
    opening = (
        "one <factor> too many" if "level" not in factor.attributes else f"level={quoted(text)}"
    )
    tree.complain(
        f"found {opening}, expected {span} in a group of {highest} by this model", factor, group
    )
    return None


def expanded(tree: Tree, numbers: Numbers, groups: Sequence[Group]) -> CommonCauses:
    """Put gates over new events in the place of the members of groups."""
    causes = CommonCauses()
    for group in groups:
        causes.members |= dict.fromkeys(group.members, group.definition)
        definition = group.definition
        chance = numbers.probability_in(group.distribution, definition)
        factors = {
            level: numbers.probability_in(element, definition)
            for level, element in group.factors.items()
        }
        plain = {level: factor for level, factor in factors.items() if factor is not None}
        if chance is None or len(plain) < len(factors):
            continue
        shares = _shares(tree, group, {level: factor.number for level, factor in plain.items()})
        if shares is not None:
            _expand(causes, numbers, group, shares, [chance, *plain.values()])
    return causes


def _shares(tree: Tree, group: Group, factors: Mapping[int, float]) -> dict[int, float] | None:
    total = math.fsum(factors.values())
    if group.model == PHI and abs(total - 1.0) > _ROUNDING:
        sentence = f"found factors that add up to {total:g}, expected 1"
        tree.complain(sentence, group.definition.element, group.definition)
        return None
    if group.model == ALPHA and total == 0.0:
        sentence = "found factors that are all 0, expected at least one above 0"
        tree.complain(sentence, group.definition.element, group.definition)
        return None
    return event_shares(group.model, factors, len(group.members))


def event_shares(model: str, factors: Mapping[int, float], members: int) -> dict[int, float]:
    """Return the share of a member's probability that one event of so many members has.

    Parameters
    ----------
    model : str
        One of `MODELS`.
    factors : mapping of int to float
        By level, without gaps.
    members : int
        Of the group.

    Examples
    --------
    >>> event_shares("beta-factor", {3: 0.2}, 3)
    {1: 0.8, 3: 0.2}
    >>> event_shares("MGL", {2: 0.5, 3: 0.25}, 3)
    {1: 0.5, 2: 0.1875, 3: 0.125}
    """
    if model == PHI:
        return dict(factors)
    if model == BETA:
        return {1: 1.0 - factors[members], members: factors[members]}
    highest = max(factors)
    if model == ALPHA:
        whole = math.fsum(level * factor for level, factor in factors.items())
        return {
            level: level * factor / whole / math.comb(members - 1, level - 1)
            for level, factor in factors.items()
        }
    return {
        level: math.prod(factors[below] for below in range(2, level + 1))
        * (1.0 - factors.get(level + 1, 0.0))
        / math.comb(members - 1, level - 1)
        for level in range(1, highest + 1)
    }


def _expand(
    causes: CommonCauses,
    numbers: Numbers,
    group: Group,
    shares: Mapping[int, float],
    quantities: Sequence[Quantity],
) -> None:
    """Make the events of a group; one that cannot happen is left out."""
    chance = quantities[0].number
    years = any(quantity.years for quantity in quantities)
    at_mean = any(quantity.at_mean for quantity in quantities)
    events: dict[Definition, tuple[Definition, ...]] = {}
    for combination in _combinations(group.members, shares):
        share = shares[len(combination)]
        number = Quantity(share * chance, years=years, at_mean=at_mean)
        if number.number > 0.0:
            event = _event(group, combination)
            events[event] = combination
            note = f"By the {group.definition.shown} ({group.model}): {share:.6g} of {chance:.6g}."
            causes.estimates[event] = numbers.computed(number, note)
    for member in group.members:
        parts = tuple(event for event, combination in events.items() if member in combination)
        causes.gates[member] = Connective("or", parts)


def _combinations(
    members: Sequence[Definition], shares: Mapping[int, float]
) -> Iterator[tuple[Definition, ...]]:
    for size in shares:
        yield from itertools.combinations(members, size)


def _event(group: Group, combination: Sequence[Definition]) -> Definition:
    """Return the event that these members and no others happen together."""
    names = [member.name for member in combination]
    listed = ", ".join(names[:_SHOWN_MEMBERS]) + ", …" * (len(names) > _SHOWN_MEMBERS)
    manner = "together" if len(names) > 1 else "alone"
    definition = group.definition
    return Definition(
        BASIC_EVENT,
        f"[{' '.join(names)}]",
        definition.scope,
        definition.public,
        f"{listed} {manner}, by the {definition.shown}",
        definition.element,
        None,
        f"{' '.join(names)[:_SLUG_LETTERS]} {manner}",
    )
