"""What the odds hang on: numbers, evidence, assumptions, observations, views."""

import math
from collections.abc import Sequence

from storyodds.models.story.events import Headline
from storyodds.reports.contract.estimate import Estimate, EvidenceItem
from storyodds.reports.contract.sensitivity.local import SwingNumber
from storyodds.reports.dashboard.page_data import FEWER, Dossier
from storyodds.reports.dashboard.parts import Section, Table, link_to, listed
from storyodds.reports.dashboard.pictures import drawn, events_of
from storyodds.reports.figures.drawing.cells import with_band
from storyodds.reports.figures.value import amount, gain_words
from storyodds.reports.words.as_written import given_rows, numbers_of, states_in_turn
from storyodds.reports.words.correlations import HELD, together
from storyodds.reports.words.labels import number_label
from storyodds.reports.words.numbers import bits, counted, percent
from storyodds.reports.words.sentences import (
    errors_of,
    has_evidence,
    headline_fates,
    is_risk_argument,
    opinions_words,
)
from storyodds.reports.words.stages import comes_true_rows
from storyodds.scenarios.grammar.stages import without_stage
from storyodds.scenarios.grammar.states import assumption_and_state, literal_of_state

_TELLING = 2.0  # errors of a difference, within which two numbers are not told apart
_LEAST = 0.00005  # bits that are written as 0.0001
INTERACTING = 0.9  # of the variance: if single numbers explain less, they act together


def largest(dossier: Dossier, event: Headline) -> SwingNumber | None:
    """The number that moves an event most, if any does by more than chance."""
    local = dossier.parts.get("local")
    numbers = local["numbers"] if local is not None else []
    moving = [n for n in numbers if abs(n["swing"][event]) > 2 * n["swing_error"][event]]
    return max(moving, key=lambda n: abs(float(n["swing"][event])), default=None)


def also(dossier: Dossier, event: Headline) -> str:
    """Say that others move an event as much as the first; nothing where none does."""
    many = as_large(dossier, event)
    return f", and {counted(many, 'other')} cannot be told from it" if many else ""


def as_large(dossier: Dossier, event: Headline) -> int:
    """How many further numbers move an event as much as the first, as far as can be told."""
    first = largest(dossier, event)
    if first is None:
        return 0
    return sum(
        abs(first["swing"][event]) - abs(number["swing"][event])
        <= _TELLING * math.hypot(first["swing_error"][event], number["swing_error"][event])
        for number in dossier.parts["local"]["numbers"]
        if number is not first
    )


def from_to(number: SwingNumber, event: Headline) -> str:
    """The ends of a swing, the smaller first."""
    ends = sorted((number["low"]["mean"][event], number["high"]["mean"][event]))
    return f"from {percent(ends[0])} to {percent(ends[1])}"


def what_moves_it(dossier: Dossier) -> Section:
    """The tornado, with total indices beside it."""
    local = dossier.parts.get("local")
    title = "What moves it"
    if local is None:
        return Section(id="what-moves-it", title=title, finding=dossier.reasons["local"])
    moved = [(event, largest(dossier, event)) for event in events_of(dossier.estimate)]
    phrases = [
        f"the one that moves {event} most, {from_to(number, event)}, is “"
        f"{_about(dossier, number['name'])}”{also(dossier, event)}"
        for event, number in moved
        if number is not None
    ]
    finding = (
        f"Of single numbers, each taken over its 90% range, {'; '.join(phrases)}."
        if phrases
        else f"No uncertain number moves {listed(events_of(dossier.estimate), 'or')} by itself."
    )
    notes = []
    if local["left_out"]:
        notes.append(
            f"{counted(local['left_out'], 'number')} that by slope and width matter less "
            f"{'was' if local['left_out'] == 1 else 'were'} not moved."
        )
    blocks = dossier.estimate.get("correlations", [])
    notes += [*(f"{together(block)}." for block in blocks), *([HELD] if blocks else [])]
    spread = dossier.parts.get("global")
    for of in spread["events"] if spread else ():
        if of["additive"] is not None and of["event"] in events_of(dossier.estimate):
            share = of["additive"]
            mean, low, high = (min(max(share[key], 0.0), 1.0) for key in ("mean", "q05", "q95"))
            rest = "in the rest, they act together." if share["q95"] < INTERACTING else ""
            notes.append(
                f"Of the variance of {of['event']}, numbers acting singly explain "
                f"{with_band({'mean': mean, 'q05': low, 'q95': high})}{'; ' if rest else '.'}{rest}"
            )
    if spread is None:
        notes.append(f"Total indices: {dossier.reasons['global']}")
    return Section(
        id="what-moves-it",
        title=title,
        finding=finding,
        figures=drawn(dossier, "tornado"),
        notes=tuple(notes),
    )


def _about(dossier: Dossier, name: str) -> str:
    """A number's claim, shorter than the headline has it."""
    return number_label(dossier.assessment.prepared.resolved, name, 80).rstrip(".")


def as_evidence_came_in(dossier: Dossier) -> Section:
    """What each item of the evidence did."""
    items = [i for i in dossier.estimate["evidence"]["items"] if i.get("result") is None]
    name = ("evidence", "As evidence came in")
    if not items:
        finding = "The story has no evidence; its odds are those of its priors."
        if has_evidence(dossier.estimate):
            finding = "The only evidence are the results of checks."
        return Section(*name, finding=finding)
    trust = dossier.parts.get("trust")
    if trust is None:
        return Section(*name, finding=dossier.reasons["trust"])
    effects = trust["evidence_effects"]
    total = effects["total"]["catastrophe"]
    before, after = (percent(effects[when]["catastrophe"]) for when in ("prior", "posterior"))
    finding = (
        f"{_items(items)} moved catastrophe from {before} to {after}"
        + (f", {bits(total['mean'])} bits of odds in all (+1 doubles the odds)" if total else "")
        + "."
    )
    note = dossier.estimate["evidence"]["note"]
    return Section(
        *name,
        finding=finding,
        figures=drawn(dossier, "evidence"),
        notes=(*_exposures(items), *_opinions(dossier), *(() if note is None else (f"{note}.",))),
    )


def _items(items: Sequence[EvidenceItem]) -> str:
    """How many findings there are, and how many opinions, which are none."""
    opinions = sum(bool(item["opinion"]) for item in items)
    kinds = ((len(items) - opinions, "finding"), (opinions, "opinion"))
    return listed([counted(n, noun) for n, noun in kinds if n])


def _exposures(items: Sequence[EvidenceItem]) -> tuple[str, ...]:
    """What came of each stage of a deployment, and what that is worth."""
    return tuple(f"{item['id']}: {item['exposure']}." for item in items if "exposure" in item)


def _opinions(dossier: Dossier) -> tuple[str, ...]:
    """Which items are opinions, and which of these do nothing."""
    items = dossier.estimate["evidence"]["items"]
    forecasts = [item["id"] for item in items if item["opinion"]]
    if not forecasts:
        return ()
    without = opinions_words(dossier.estimate) or ""
    return (f"Forecasts, and so opinions: {listed(forecasts)}. {without}",)


def assumptions(dossier: Dossier) -> Section:
    """Prior to posterior of the assumptions, with what they rest on."""
    entries = dossier.estimate["assumptions"]
    name = ("assumptions", "What was assumed, what was learned")
    if not entries:
        return Section(*name, finding="The story makes no assumption that could be wrong.")
    moved = max(
        entries, key=lambda name: abs(entries[name]["mean"] - entries[name]["prior"]["mean"])
    )
    entry = entries[moved]
    before, after = percent(entry["prior"]["mean"]), percent(entry["mean"])
    if not has_evidence(dossier.estimate):
        finding = "The story has no evidence, so every assumption is as it was assumed."
    elif before != after:
        finding = f"The evidence moved “{moved}” most, from {before} to {after}."
    else:
        finding = "The evidence moved no assumption by as much as can be seen here."
    return Section(
        *name,
        finding=finding,
        figures=drawn(dossier, "densities"),
        tables=(_assumptions_table(dossier), *_conditional_table(dossier)),
        tiles=True,
    )


def _assumptions_table(dossier: Dossier) -> Table:
    """Every assumption all in all, before the evidence and after it."""
    learned = has_evidence(dossier.estimate)
    heads = ("before the evidence", "after the evidence") if learned else ("chance",)
    rows = tuple(
        (
            name,
            *([with_band(entry["prior"])] if learned else []),
            with_band(entry),
            basis_of(dossier, name),
        )
        for name, entry in dossier.estimate["assumptions"].items()
    )
    columns = ("assumption", *heads, "basis and source")
    return Table("Assumptions all in all, and what their numbers rest on", columns, rows)


def _conditional_table(dossier: Dossier) -> tuple[Table, ...]:
    """Assumptions whose chance depends on others: given these as written, and all in all."""
    assumptions = dossier.assessment.prepared.resolved.assumptions
    numbers = dossier.estimate["provenance"]
    rows = tuple(
        (name, condition, chance, with_band(entry) if k == 0 else "")
        for name, entry in dossier.estimate["assumptions"].items()
        if name in assumptions
        for k, (condition, chance) in enumerate(given_rows(name, assumptions[name], numbers))
    )
    heads = ("assumption", "given", "as written", "all in all")
    title = "Assumptions that depend on others: given the ones before, and all in all"
    conditional = (Table(title, heads, rows),) if rows else ()
    states = tuple(
        (literal_of_state(name, state), condition, chance)
        for name, assumption in assumptions.items()
        for condition, state, chance in states_in_turn(name, assumption, numbers)
    )
    title = "Chances of states, as written: of each where none of those before it holds"
    heads_of_states = ("state", "given", "as written")
    tables = (*conditional, Table(title, heads_of_states, states)) if states else conditional
    coming = tuple(
        (name, stage, chance)
        for name, assumption in assumptions.items()
        for stage, chance in comes_true_rows(name, assumption, numbers)
    )
    title = "What comes true in the course of training, unless it is true already"
    heads_of_stages = ("assumption", "in the stage", "as written")
    return (*tables, Table(title, heads_of_stages, coming)) if coming else tables


def basis_of(dossier: Dossier, name: str) -> str:
    """What an assumption's own numbers rest on, and the first source."""
    owner = assumption_and_state(without_stage(name))[0]
    numbers = [number for _, number in numbers_of(dossier.estimate["provenance"], owner)]
    bases = list(dict.fromkeys(str(entry["basis"]) for entry in numbers))
    source = next((link_to(entry["source"]) for entry in numbers if entry["source"]), None)
    if not numbers:
        return "follows from others by its formula"
    return "; ".join(filter(None, [listed(bases), str(source["words"]) if source else ""]))


def value_of_information(dossier: Dossier) -> Section:
    """What is worth finding out next."""
    value = dossier.parts.get("value")
    name = ("value-of-information", "What is worth finding out")
    if value is None:
        return Section(*name, finding=dossier.reasons["value"])
    proposals = value["proposals"]
    everything, of = value["perfect"]["bits"]["value"], about(dossier.estimate)
    gain = proposals[0]["bits"] if proposals else {"value": 0.0, "error": 0.0}
    telling = gain["value"] > 2 * gain["error"] + _LEAST
    if telling:
        best, bits_of = proposals[0], proposals[0]["bits"]
        finding = (
            f"“{best['id']}” ({_origin(str(best['origin']))}) would tell most: "
            f"{gain_words(bits_of['value'], bits_of['error'])} bits of the {amount(everything)} "
            f"that there are to learn about {of}."
        )
    elif proposals:
        finding = (
            "No observation weighed here would tell anything that can be told from nothing; there "
            f"are {amount(everything)} bits to learn about {of}."
        )
    else:
        finding = f"Nothing is proposed; there are {amount(everything)} bits to learn about {of}."
    return Section(
        *name,
        finding=finding,
        figures=drawn(dossier, "value") if telling else (),
        notes=(
            "An observation's bits are how much it is expected to reduce uncertainty about "
            f"{of}; the error is that of the computation{_weighed_at(dossier)}.",
        ),
    )


def about(estimate: Estimate) -> str:
    """What observations are to tell of: success, or what a risk argument is about."""
    return headline_fates(estimate)[0]


def _weighed_at(dossier: Dossier) -> str:
    draws = dossier.assessment.draws
    if dossier.thorough or draws.method != "weighting" or len(draws.values) <= FEWER:
        return ""
    return f", here at {FEWER:,} of the {len(draws.values):,} draws (--thorough takes all)"


def _origin(origin: str) -> str:
    return "from the catalog" if origin.startswith("catalog") else origin


def views(dossier: Dossier) -> Section:
    """The story under every view."""
    analysis = dossier.parts.get("views")
    name = ("views", "Under other views")
    if analysis is None:
        return Section(*name, finding=dossier.reasons["views"])
    rows = analysis["views"]
    notes = [f"{counted(analysis['draws'], 'draw')} of each view stand side by side."]
    if analysis["silent"]:
        notes.append(
            f"Views that change none of this story's numbers: {listed(analysis['silent'])}."
        )
    if analysis["impossible"]:
        notes.append(
            "Views under which the evidence cannot have come about: "
            f"{listed(analysis['impossible'])}."
        )
    if not analysis["ok"]:
        notes.append("NOT RELIABLE: a computation of these views failed its own checks.")
    if len(rows) == 1:
        finding = "No view of the library says anything of this story's numbers."
        return Section(*name, finding=finding, notes=tuple(notes[1:]))
    by = sorted(rows, key=lambda view: float(view["odds"]["catastrophe"]["mean"]))
    low, high = by[0], by[-1]
    finding = (
        f"Catastrophe goes from {with_band(low['odds']['catastrophe'])} ({low['name']}) to "
        f"{with_band(high['odds']['catastrophe'])} ({high['name']})."
    )
    return Section(*name, finding=finding, figures=drawn(dossier, "views"), notes=tuple(notes))


def if_it_fails(dossier: Dossier) -> Section | None:
    """How, by how far and where it fails."""
    failure = dossier.parts.get("failure")
    name = ("if-it-fails", "If it fails")
    if is_risk_argument(dossier.estimate):
        return None
    if failure is None:
        return Section(*name, finding=dossier.reasons["failure"])
    shares = failure["given_failure"]
    if shares["catastrophe"] is None or shares["deceptive"] is None:
        return Section(*name, finding="By its own numbers, the story cannot fail once deployed.")
    halted, beside = failure["halted"], ""
    if halted is not None and halted["mean"] > 0:
        chance = with_band(halted, errors_of(dossier.estimate, "halted"))
        beside = f"; a check halts it with a chance of {chance}"
    finding = (
        "The chance that the model is deployed and is no success is "
        f"{with_band(failure['failure'])}{beside}. Of deployed failures, "
        f"{with_band(shares['catastrophe'])} are catastrophes, and "
        f"{with_band(shares['deceptive'])} are of a deceptive model."
    )
    return Section(*name, finding=finding, figures=drawn(dossier, "failure"))
