"""Where the numbers of a story stand: a slot for each, with what is written there and its place.

A number's name is its owner's id and its field: `situational-awareness.probability`,
`hidden-goal.given.0`, `hidden-goal.otherwise`, `awareness.in_turn.low` (of a state, where none of
those before it holds), `crystallized-deception.bits`, `persona-is-natural.bits.deceptive`,
`held-out-audit.flags.default`, `honeypots.rates.true`, `rationale.feasibility`. What the format
leaves out (the intended route's bits, a hazard's harm, a relevance) is a number too, implied and
fixed, so that the engine has no special cases.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from storyodds.priors.distributions.forms import Fixed, Kind, NumberUse, Prior
from storyodds.priors.text.document import Document
from storyodds.priors.text.errors import InputError, Path, key_path
from storyodds.scenarios.grammar.parts import BitsRow, GivenRow, Rate, number_of_row, rows_of
from storyodds.scenarios.grammar.states import chances_in_turn
from storyodds.scenarios.lent_rates import lent_places
from storyodds.scenarios.schema import Assumption, Proposal, Route
from storyodds.scenarios.shared import catalog
from storyodds.scenarios.story import Story, named_causes


@dataclass(frozen=True)
class Slot:
    """A place for a number: its name, where it belongs, and what stands there.

    `document` and `path` say where that was written, which may be in another file.
    """

    name: str
    key_path: str | None
    kind: Kind
    form: Prior
    origin: str
    document: Document | None = None
    path: Path = ()
    uses: tuple[str, ...] = ()


_MakeSlot = Callable[[str, Path, Kind, Prior | None], Slot]


def slots_of(
    story: Story,
    assumptions: Mapping[str, Assumption],
    routes: tuple[Route, ...],
    inherited: set[str],
) -> Iterator[Slot]:
    """Every number of a story but those of its proposals, in the order of the format.

    Parameters
    ----------
    story : Story
    assumptions : mapping of str to Assumption
        With what the catalog decides filled in.
    routes : sequence of Route
        With the implied route `intended` first.
    inherited : set of str
        The assumptions that are as the catalog decides.
    """
    slot = partial(_slot, story)
    path: Path
    if story.rationale.feasibility is not None:
        path = ("rationale", "feasibility")
        yield slot("rationale.feasibility", path, "probability", story.rationale.feasibility)
    for name, assumption in assumptions.items():
        for own_slot in _assumption_slots(name, assumption, slot):
            if name in inherited:
                own_slot = _from_catalog(own_slot, "catalog", "assumptions", own_slot.path)
            yield own_slot
    for i, hazard in enumerate(story.goal.hazards):
        path = ("goal", "hazards", i)
        for field in ("probability", "harm"):
            number = f"{hazard.id}.{field}"
            yield from _rate_slots(number, (*path, field), getattr(hazard, field), slot)
    for i, nudge in enumerate(story.rationale.nudges):
        path = ("rationale", "nudges", i, "bits")
        for target, bits in nudge.bits.items():
            yield slot(f"{nudge.id}.bits.{target}", (*path, target), "bits", bits)
    offset = len(routes) - len(story.routes)
    for i, route in enumerate(routes):
        template = None if route.use is None else catalog.routes()[route.use]
        path = ("routes", i - offset)
        by_stage = route.bits if isinstance(route.bits, dict) else {}
        for stage, bits in by_stage.items():
            yield slot(f"{route.id}.bits.{stage}", (*path, "bits", stage), "bits", bits)
        own_slots: list[tuple[str, Slot]] = []
        if not isinstance(route.bits, dict):
            own = slot(f"{route.id}.bits", (*path, "bits"), "bits", route.bits)
            own_slots.append(("bits", own))
        harms = list(_rate_slots(f"{route.id}.harm", (*path, "harm"), route.harm, slot))
        own_slots += [("harm", own) for own in harms]
        for field, own_slot in own_slots:
            as_catalogued = template is not None and own_slot.form == getattr(template, field)
            if as_catalogued and len(harms) == 1:
                path = ("routes", str(route.use), field)
                own_slot = _from_catalog(own_slot, f"catalog route {route.use}", "routes", path)
            yield own_slot
    for i, check in enumerate(story.checks):
        for key, rate in check.flags.items():
            path = ("checks", i, "flags", key)
            yield from _rate_slots(f"{check.id}.flags.{key}", path, rate, slot)
        for key, rate in (check.retrained_flags or {}).items():
            path = ("checks", i, "retrained_flags", key)
            yield from _rate_slots(f"{check.id}.retrained_flags.{key}", path, rate, slot)
    for i, cause in enumerate(named_causes(story)):
        for key, rate in cause.share.items():
            path = ("common_cause", i, "share", key)
            yield from _rate_slots(f"{cause.id}.share.{key}", path, rate, slot)
    for i, item in enumerate(story.evidence):
        path = ("evidence", i)
        for table in ("rates", "visibility", "bayes_factor"):
            kind: Kind = "bits" if table == "bayes_factor" else "probability"
            for key, form in (getattr(item, table) or {}).items():
                number = f"{item.id}.{table}.{key}"
                yield from _rate_slots(number, (*path, table, key), form, slot, kind)
        if item.forecast is None:
            number = f"{item.id}.relevance"
            yield slot(number, (*path, "relevance"), "probability", item.relevance)


def _slot(story: Story, name: str, path: Path, kind: Kind, form: Prior | None) -> Slot:
    """What the story writes at a path, or what the format implies where it writes nothing."""
    if form is None:
        implied = 1.0 if name.endswith(".relevance") else 0.0
        return Slot(name, None, kind, Fixed(fixed=implied), "format")
    return Slot(name, key_path(path), kind, form, "story", story.document, path)


def _from_catalog(slot: Slot, origin: str, part: str, path: Path) -> Slot:
    return replace(slot, origin=origin, document=catalog.document(part), path=path)


def proposal_slots(story: Story, proposals: Sequence[Proposal]) -> Iterator[Slot]:
    """The numbers of proposed observations; a replication has those of what it replicates."""
    for i, proposal in enumerate(proposals):
        if proposal.replicates is not None:
            continue
        usual = _fields_of(None if proposal.use is None else catalog.observations()[proposal.use])
        for field, form in _fields_of(proposal).items():
            name = ".".join((proposal.id, *field))
            path: Path = ("proposals", i, *field)
            for slot in _rate_slots(name, path, form, partial(_slot, story)):
                if form is not None and form == usual.get(field):
                    written: Path = ("observations", str(proposal.use), *field)
                    origin = f"catalog observation {proposal.use}"
                    slot = _from_catalog(slot, origin, "observations", written)
                yield slot


def _fields_of(
    observation: Proposal | catalog.CatalogObservation | None,
) -> dict[tuple[str, ...], Rate | None]:
    if observation is None:
        return {}
    fields: dict[tuple[str, ...], Rate | None] = {("relevance",): observation.relevance}
    return {("rates", key): rate for key, rate in (observation.rates or {}).items()} | fields


def _assumption_slots(name: str, assumption: Assumption, slot: _MakeSlot) -> Iterator[Slot]:
    path: Path = ("assumptions", name)
    if assumption.probability is not None:
        written = (*path, "probability")
        yield slot(f"{name}.probability", written, "probability", assumption.probability)
    for stage, chance in (assumption.from_ or {}).items():
        yield slot(f"{name}.from.{stage}", (*path, "from", stage), "probability", chance)
    yield from _row_slots(name, path, assumption.given or (), slot)
    for i, table in enumerate(assumption.states.rows if assumption.states else ()):
        row_path, row_name = _state_row(path, name, assumption, i)
        for state, form, inside in chances_in_turn(table.odds):
            yield slot(f"{row_name}.in_turn.{state}", (*row_path, *inside), "probability", form)


def _rate_slots(
    name: str, path: Path, rate: Any, slot: _MakeSlot, kind: Kind = "probability"
) -> Iterator[Slot]:
    """The numbers of a probability, or of bits, that may depend on assumptions."""
    if rows := rows_of(rate):
        yield from _row_slots(name, path, rows, slot, kind)
    else:
        yield slot(name, path, kind, rate)


def _row_slots(
    name: str,
    path: Path,
    rows: Sequence[GivenRow | BitsRow],
    slot: _MakeSlot,
    kind: Kind = "probability",
) -> Iterator[Slot]:
    for i, row in enumerate(rows):
        is_last = row.otherwise is not None
        written = (*path, "given", i, "otherwise" if is_last else kind)
        row_name = f"{name}.otherwise" if is_last else f"{name}.given.{i}"
        yield slot(row_name, written, kind, number_of_row(row))


def _state_row(path: Path, name: str, assumption: Assumption, i: int) -> tuple[Path, str]:
    """Where a row of chances of states stands, and what the names of its numbers begin with."""
    states = assumption.states
    if states is None or states.given is None:
        return (*path, "states"), name
    is_last = states.given[i].otherwise is not None
    key = "otherwise" if is_last else "states"
    return (*path, "states", "given", i, key), f"{name}.{'otherwise' if is_last else f'given.{i}'}"


def places_of(slot: Slot) -> tuple[str, ...]:
    """The names of the places where a number stands."""
    return slot.uses or (slot.name,)


def joined(story: Story, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """Put every number that the story names in the place of its first use, once."""
    joined: dict[str, Slot] = {}
    for name, slot in slots.items():
        if not isinstance(slot.form, NumberUse):
            joined[name] = slot
            continue
        number = slot.form.number
        if number not in story.numbers:  # a part of the catalog's, which has no named numbers
            raise InputError(f"found {{number: {number}}}, expected a number that the story names")
        if number not in joined:
            path = ("numbers", number)
            joined[number] = _slot(story, number, path, slot.kind, story.numbers[number].prior)
        joined[number] = replace(joined[number], uses=(*joined[number].uses, name))
    return joined


def lent(story: Story, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """Let the numbers of checks stand in the findings too that are read by them."""
    lent: dict[str, list[str]] = {}  # by what the places of a check begin with
    for of_check, of_finding in lent_places(story):
        lent.setdefault(of_check, []).append(of_finding)
    out = dict(slots)
    for key, slot in slots.items():
        more = [
            finding + place.removeprefix(whole)
            for place in places_of(slot)
            for whole, findings in lent.items()
            if place == whole or place.startswith(f"{whole}.")
            for finding in findings
        ]
        if more:
            out[key] = replace(slot, uses=(*places_of(slot), *more))
    return out
