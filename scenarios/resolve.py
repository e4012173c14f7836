"""Story to resolved story: every number found, named, overridden where asked, with provenance.

A number's name is its owner's id and its field: `situational-awareness.probability`,
`hidden-goal.given.0`, `hidden-goal.otherwise`, `awareness.in_turn.low` (of a state, where none of
those before it holds), `crystallized-deception.bits`, `persona-is-natural.bits.deceptive`,
`held-out-audit.flags.default`, `honeypots.rates.true`, `rationale.feasibility`. A bare id in a
view or a setting means its `probability`, else its `bits`. What the format leaves out (the
intended route's bits, a hazard's harm, a relevance) is a number too, implied and fixed, so that
the engine has no special cases.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from pydantic import ValidationError

from storyodds.priors import library
from storyodds.priors.distributions.families import Distribution, distribution_of
from storyodds.priors.distributions.forms import (
    Basis,
    Bits,
    BitsPool,
    Fixed,
    Kind,
    NumberUse,
    Prior,
    Probability,
    ProbabilityPool,
    Ref,
    parse_prior,
    plain_prior,
)
from storyodds.priors.references import without_references
from storyodds.priors.text.document import Document
from storyodds.priors.text.errors import InputError, Mistake, Path, Problem, key_path
from storyodds.priors.text.phrases import did_you_mean, quoted
from storyodds.priors.text.records import Source
from storyodds.priors.wording import mistakes_in
from storyodds.scenarios.grammar.correlations import Correlation, by_number, named
from storyodds.scenarios.grammar.number_names import number_meant
from storyodds.scenarios.grammar.outcomes import INTENDED
from storyodds.scenarios.grammar.parts import BitsRow, GivenRow, Rate, number_of_row, rows_of
from storyodds.scenarios.grammar.states import chances_in_turn
from storyodds.scenarios.lent_rates import lent_places, with_lent_rates
from storyodds.scenarios.proposals import standard_proposals
from storyodds.scenarios.schema import Assumption, CommonCause, Evidence, Proposal, Route
from storyodds.scenarios.serialize import to_data
from storyodds.scenarios.shared import catalog
from storyodds.scenarios.story import Story
from storyodds.scenarios.switches import chosen_switches, is_switch, without_parts

SETTING = "setting"  # the origin of a number that `--set` or `settings` gave


@dataclass(frozen=True)
class StoryNumber:
    """One number of a story.

    Attributes
    ----------
    name : str
        The owner's id and the field.
    key_path : str or None
        Where it stands in the story file; None for a number that the format implies.
    kind : {"probability", "bits"}
    form : Prior
        As written, references included.
    distribution : Distribution
    basis : {"elicited", "assumed", "measured"}
    source : Source or None
    note : str or None
    origin : str
        "story", "catalog", "catalog route …", "pack …", "view …", "setting" or "format".
    file : str or None
        The file in which the number itself stands; None for one that stands in no file. What
        ships with the project is told from the package on: `storyodds/priors/packs/….yaml`.
    line : int or None
        From 1.
    uses : tuple of str
        The places where a number of several stands, by the names that numbers of their own would
        have there. One that the story names has its id for a name; that of a check by which
        findings are read, its place in the check.
    """

    name: str
    key_path: str | None
    kind: Kind
    form: Prior
    distribution: Distribution
    basis: Basis
    source: Source | None
    note: str | None
    origin: str
    file: str | None = None
    line: int | None = None
    uses: tuple[str, ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """The names of all places where the number stands."""
        return self.uses or (self.name,)


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


@dataclass(frozen=True)
class _Slot:
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


_MakeSlot = Callable[[str, Path, Kind, Prior | None], _Slot]


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
    slots = {slot.name: slot for slot in _slots(story, assumptions, routes, inherited)}
    problems: list[Problem] = []
    off = chosen_switches(story, settings or {}, problems)
    kept = without_parts(story, off) if off else story
    # Their names are those that they have beside the parts that are switched off.
    owners_off = {owner: part for part, owner in off}
    every = standard_proposals(story) if standard else ()
    usual = tuple(proposal for proposal in every if proposal.replicates not in owners_off)
    proposing = {slot.name: slot for slot in _proposal_slots(story, (*story.proposals, *usual))}
    slots = _lent(story, _joined(story, slots | proposing))
    proposed = {name for name, slot in slots.items() if proposing.keys() >= set(_places(slot))}
    if view is not None:
        names: dict[str, str] = {}  # by the number, by which of its names the view sets it
        for name, value in view.set.items():
            if (target := _target(name, slots)) is not None:
                if view.set[names.setdefault(target, name)] != value:
                    problems.append(_set_twice(view, names[target], name, target))
                try:
                    override = _override(slots[target], value, f"view {view.view}")
                    slots[target] = replace(override, document=view.document, path=("set", name))
                except ValidationError as error:
                    problems += _problems_of_view(view, name, value, error, slots[target].kind)
    first: dict[str, str] = {}
    for name, value in (settings or {}).items():
        if is_switch(name):
            continue
        if (target := _target(name, slots)) is None:
            problems.append(_unknown_setting(name, slots))
            continue
        owners = [place.split(".")[0] for place in _places(slots[target])]
        if all(owner in owners_off for owner in owners):
            switches = f"{owners_off[owners[0]]}:{owners[0]}"
            problems.append(_useless_setting(name, switches))
            continue
        if first.setdefault(target, name) != name:
            sentence = f"found '{first[target]}' and '{name}', which are one number, expected one"
            problems.append(Problem(sentence, key_path=_setting(target)))
        try:
            slots[target] = _override(slots[target], value, SETTING)
        except ValidationError as error:
            plain = plain_prior(value) if isinstance(value, Prior) else value
            problems += [
                Problem(mistake.sentence, key_path=_setting(target))
                for mistake in _mistakes(error, plain, slots[target].kind)
            ]
    numbers: dict[str, StoryNumber] = {}
    for name, slot in slots.items():
        kept_places = [p for p in _places(slot) if p.split(".")[0] not in owners_off]
        if not kept_places:
            continue
        try:
            numbers[name] = _number(replace(slot, uses=tuple(kept_places) if slot.uses else ()))
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
        correlations=by_number(
            named(kept.correlations), lambda name: _target(name, slots), numbers
        ),
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


def named_causes(story: Story) -> tuple[CommonCause, ...]:
    """Give the checks of a story that fail together an id, where the story does not."""
    return tuple(
        cause.model_copy(update={"id": cause.id or f"common-cause-{i + 1}"})
        for i, cause in enumerate(story.common_cause)
    )


def _with_intended(story: Story) -> tuple[Route, ...]:
    if any(route.id == INTENDED for route in story.routes):
        return story.routes
    return (Route(id=INTENDED, class_="intended"), *story.routes)


def _slot(story: Story, name: str, path: Path, kind: Kind, form: Prior | None) -> _Slot:
    """What the story writes at a path, or what the format implies where it writes nothing."""
    if form is None:
        implied = 1.0 if name.endswith(".relevance") else 0.0
        return _Slot(name, None, kind, Fixed(fixed=implied), "format")
    return _Slot(name, key_path(path), kind, form, "story", story.document, path)


def _from_catalog(slot: _Slot, origin: str, part: str, path: Path) -> _Slot:
    return replace(slot, origin=origin, document=catalog.document(part), path=path)


def _slots(
    story: Story,
    assumptions: Mapping[str, Assumption],
    routes: tuple[Route, ...],
    inherited: set[str],
) -> Iterator[_Slot]:
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
        own_slots: list[tuple[str, _Slot]] = []
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


def _proposal_slots(story: Story, proposals: Sequence[Proposal]) -> Iterator[_Slot]:
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


def _assumption_slots(name: str, assumption: Assumption, slot: _MakeSlot) -> Iterator[_Slot]:
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
) -> Iterator[_Slot]:
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
) -> Iterator[_Slot]:
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


def _places(slot: _Slot) -> tuple[str, ...]:
    """The names of the places where a number stands."""
    return slot.uses or (slot.name,)


def _joined(story: Story, slots: Mapping[str, _Slot]) -> dict[str, _Slot]:
    """Put every number that the story names in the place of its first use, once."""
    joined: dict[str, _Slot] = {}
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


def _lent(story: Story, slots: Mapping[str, _Slot]) -> dict[str, _Slot]:
    """Let the numbers of checks stand in the findings too that are read by them."""
    lent: dict[str, list[str]] = {}  # by what the places of a check begin with
    for of_check, of_finding in lent_places(story):
        lent.setdefault(of_check, []).append(of_finding)
    out = dict(slots)
    for key, slot in slots.items():
        more = [
            finding + place.removeprefix(whole)
            for place in _places(slot)
            for whole, findings in lent.items()
            if place == whole or place.startswith(f"{whole}.")
            for finding in findings
        ]
        if more:
            out[key] = replace(slot, uses=(*_places(slot), *more))
    return out


def _target(name: str, slots: Mapping[str, _Slot]) -> str | None:
    """The number that a name in a view or setting means."""
    at_place = {place: key for key, slot in slots.items() for place in _places(slot)}
    return number_meant(name, at_place | {key: key for key in slots})


def _set_twice(view: library.View, first: str, second: str, number: str) -> Problem:
    """Describe a view that gives one number of the story two values."""
    sentence = (
        f"found two values, for '{first}' and '{second}', which are one number of the story, "
        f"'{number}'; expected one"
    )
    if view.document is None:
        return Problem(sentence, key_path=f"view {view.view}: {second}")
    return view.document.problem(Mistake(("set", second), sentence))


def _unknown_setting(name: str, slots: Mapping[str, _Slot]) -> Problem:
    every = [place for slot in slots.values() for place in _places(slot)]
    owned = [place for place in every if place.startswith(f"{name}.")]
    if len(owned) == 1:
        sentence = f"found '{name}', expected '{owned[0]}'"
    elif owned:
        sentence = f"found '{name}', which has several numbers: {', '.join(owned)}"
    else:
        candidates = sorted({*slots, *every, *(place.split(".")[0] for place in every)})
        hint = did_you_mean(name, candidates)
        sentence = f"found {quoted(name)}, expected the name of a number of the story{hint}"
    return Problem(sentence, key_path="--set")


def _useless_setting(name: str, switch: str) -> Problem:
    message = f"found '{name}', a number of what '{switch}' switches off; expected one of both"
    return Problem(message, key_path="--set")


def _setting(name: str) -> str:
    """Name the place of a setting, as it is typed and as the keyword `settings` has it."""
    return f"--set {name}"


def _problems_of_view(
    view: library.View, name: str, value: Any, error: ValidationError, kind: Kind
) -> list[Problem]:
    """Place what is wrong with a number of a view in the view's file."""
    mistakes = _mistakes(error, value, kind)
    if view.document is None:
        place = f"view {view.view}: {name}"
        return [Problem(mistake.sentence, key_path=place) for mistake in mistakes]
    return [
        view.document.problem(replace(mistake, path=("set", name, *mistake.path)))
        for mistake in mistakes
    ]


def _mistakes(error: ValidationError, value: Any, kind: Kind) -> list[Mistake]:
    """Describe what is wrong with a PRIOR as the reader of files does."""
    return mistakes_in(error, value, Probability if kind == "probability" else Bits)


def _override(slot: _Slot, value: Any, origin: str) -> _Slot:
    form = parse_prior(value, slot.kind)
    written = slot.key_path or slot.name
    return replace(slot, form=form, origin=origin, key_path=written, document=None, path=())


def _distribution(slot: _Slot) -> Distribution:
    """The distribution of a number; only here is it seen what the packs referred to say."""
    try:
        return distribution_of(without_references(slot.form, slot.kind), slot.kind)
    except InputError as error:
        sentence = error.problems[0].message
    if slot.document is not None:
        raise InputError([slot.document.problem(Mistake(slot.path, sentence))])
    place = _setting(slot.name) if slot.origin == SETTING else f"{slot.origin}: {slot.name}"
    raise InputError([Problem(sentence, key_path=place)])


def _number(slot: _Slot) -> StoryNumber:
    form, origin = slot.form, slot.origin
    basis, source, note = form.basis, form.source, form.note
    document, path = slot.document, slot.path
    if isinstance(form, Ref):
        entry = library.pack_entry(form.ref)
        pack, _, named = form.ref.partition("/")
        document, path = library.pack(pack).document, ("entries", named, "value")
        basis, source, note = basis or entry.basis, source or entry.source, note or entry.note
        origin = f"{origin}, pack {form.ref}" if origin != "story" else f"pack {form.ref}"
    elif isinstance(form, ProbabilityPool | BitsPool):
        basis = basis or _weakest_basis(form)
    return StoryNumber(
        name=slot.name,
        key_path=slot.key_path,
        kind=slot.kind,
        form=form,
        distribution=_distribution(slot),
        basis=basis or "assumed",
        source=source,
        note=note,
        origin=origin,
        file=None if document is None else library.public_name(document.file),
        line=None if document is None else document.place(path)[0],
        uses=slot.uses,
    )


BASES: tuple[Basis, ...] = ("assumed", "elicited", "measured")  # the weakest first


def _weakest_basis(form: Prior) -> Basis:
    """What a pool rests on is no better than the worst of what it mixes."""
    if isinstance(form, ProbabilityPool | BitsPool) and form.basis is None:
        return min((_weakest_basis(j.value) for j in form.pool), key=BASES.index)
    if isinstance(form, Ref) and form.basis is None:
        return library.pack_entry(form.ref).basis
    return form.basis or "assumed"
