"""A fault tree as a story: basic events as assumptions, gates as composites, its top as a route."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from storyodds.priors.text.errors import InputError, Problem, UnsupportedStoryError, printable
from storyodds.priors.text.records import Source
from storyodds.scenarios.checks.consistency import MAX_ASSUMPTIONS, MAX_FREE
from storyodds.scenarios.grammar.loops import bottom_up
from storyodds.scenarios.lint.linter import lint
from storyodds.scenarios.one_event import rationale_of_event, routes_of_event
from storyodds.scenarios.open_psa.definitions import Definition
from storyodds.scenarios.open_psa.formulas import Formula, definitions_in
from storyodds.scenarios.open_psa.numbers import Estimate
from storyodds.scenarios.open_psa.quantities.deviates import Deviate
from storyodds.scenarios.open_psa.story import Composites, Slugs, claim_of, in_reach, shown
from storyodds.scenarios.open_psa.tree import Tree
from storyodds.scenarios.schema import RISK_ARGUMENT, Assumption, Goal
from storyodds.scenarios.story import LintSwitch, Story

_ONLY_TREE = "Nothing is modeled but the tree."
# Questions to a training story, which a fault tree is not. Others, as about numbers, stay open.
_OF_TRAINING = (
    "behavioral-goal",
    "no-hazard",
    "constraint-against-intended",
    "untouched-rival",
    "independent-product",
    "thin-residual",
)
_TOP_EVENT = "top event"
_SHOWN_EVENTS = 10  # that a message lists


@dataclass(frozen=True, slots=True)
class Imported:
    """An imported fault tree.

    Attributes
    ----------
    story : Story
    remarks : tuple of str
        What the story has otherwise than the file, each with the event that it is about.
    """

    story: Story
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class _Ids:
    """Ids that the import itself needs."""

    route: str
    constraint: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What a story is of, in words.

    Attributes
    ----------
    tree : str
        What alone decides, such as `fault tree`.
    event : str
        What comes about, such as `top event`.
    title : str
        Empty for the kind of tree and where it comes from.
    story : str
        What the id is made of; empty for the name of the fault tree or of the file.
    """

    tree: str = "fault tree"
    event: str = _TOP_EVENT
    title: str = ""
    story: str = ""

    @property
    def gate(self) -> str:
        """What the event is in the file."""
        return "a top gate" if self.event == _TOP_EVENT else f"a {self.event}"


@dataclass(frozen=True, slots=True)
class Model:
    """All that a file says of its top event.

    Attributes
    ----------
    tree : Tree
    cite : str
        Where the numbers come from.
    top : Definition
    gates : mapping of Definition to Formula
        Also of what is no gate in the file, such as a member of a common-cause group.
    constant : mapping of Definition to bool
        House events.
    estimates : mapping of Definition to Estimate
        Of every event that nothing decides.
    meaning : str
        What the probability of the top gate is.
    notes : sequence of str
        Sentences on how the file was read.
    shared : callable or None
        What becomes of an uncertain number that several events share; None refuses it.
    subject : Subject
    shared_gates : Composites or None
        All gates but the top one as several stories of the file have them, so that these can be
        compared.
    """

    tree: Tree
    cite: str
    top: Definition
    gates: Mapping[Definition, Formula]
    constant: Mapping[Definition, bool]
    estimates: Mapping[Definition, Estimate]
    meaning: str
    notes: Sequence[str] = ()
    shared: Callable[[Estimate], Estimate] | None = None
    subject: Subject = Subject()
    shared_gates: Composites | None = None


class ConstantError(InputError):
    """A top event that constants decide, which has no odds.

    Attributes
    ----------
    truth : bool
        Whether it always comes about.
    """

    truth = False


def assembled(model: Model) -> Imported:
    """Write a story of a fault tree.

    Raises
    ------
    InputError
        If constants decide its top gate, or events share an uncertain number.
    UnsupportedStoryError
        If it is too large.
    """
    tree, top = model.tree, model.top
    composites = model.shared_gates
    composites = (
        Composites(Slugs(), {}, dict(model.constant)) if composites is None else (composites.copy())
    )
    slugs, names = composites.slugs, composites.ids
    ids = _Ids(route=slugs.take(top.name), constraint=slugs.take("top-event-decides"))
    names[top] = slugs.take(f"{top.name}-gate")
    if model.shared_gates is None:
        _name(composites, (*model.gates, *model.estimates))
        _turn(composites, _uses(top, model.gates), model.gates)
    else:
        composites.add(top, model.gates[top])
    if top in composites.constant:
        truth = composites.constant[top]
        opening = (
            f"found {model.subject.gate} that is always {str(truth).lower()} once its constants "
            "are put in, expected one that hangs on a basic event"
        )
        error = ConstantError([tree.document.problem(opening, top.element, top.shown)])
        error.truth = truth
        raise error
    reached = in_reach(names[top], composites.formulas)
    inside = set(reached)
    events = {names[event]: event for event in model.estimates if names[event] in inside}
    estimates = _settled(model, list(events.values()))
    assumptions = {
        name: Assumption(claim=composites.claims[name], holds_when=composites.formulas[name])
        for name in reached
        if name in composites.formulas
    }
    assumptions |= {
        name: Assumption(claim=claim_of(events[name]), probability=estimates[events[name]].prior)
        for name in reached
        if name in events
    }
    _refuse_large(model, len(events), len(assumptions))
    described = _described(model, ids, names[top], assumptions)
    story = _without_questions(described, model.subject.tree)
    remarks = ((shown(event), estimates[event].remark) for event in events.values())
    return Imported(story, tuple(f"{event}: {remark}" for event, remark in remarks if remark))


def composites_of(
    gates: Mapping[Definition, Formula],
    constant: Mapping[Definition, bool],
    events: Iterable[Definition],
) -> Composites:
    """Turn all gates of a file at once, for stories that share them."""
    composites = Composites(Slugs(), {}, dict(constant))
    _name(composites, (*gates, *events))
    uses = {gate: _gates_in(formula, gates) for gate, formula in gates.items()}
    _turn(composites, uses, gates)
    return composites


def _name(composites: Composites, items: Iterable[Definition]) -> None:
    for item in items:
        if item not in composites.ids:
            composites.ids[item] = composites.slugs.take(item.slug or item.name)


def _turn(
    composites: Composites,
    uses: Mapping[Definition, Sequence[Definition]],
    gates: Mapping[Definition, Formula],
) -> None:
    for gate in bottom_up(uses):
        composites.add(gate, gates[gate])


def _uses(
    top: Definition, gates: Mapping[Definition, Formula]
) -> dict[Definition, list[Definition]]:
    """Return which gates each gate names, of those that the top gate rests on."""
    uses: dict[Definition, list[Definition]] = {}
    waiting = [top]
    while waiting:
        gate = waiting.pop()
        if gate not in uses:
            uses[gate] = _gates_in(gates[gate], gates)
            waiting.extend(reversed(uses[gate]))
    return uses


def _gates_in(formula: Formula, gates: Mapping[Definition, Formula]) -> list[Definition]:
    return [part for part in definitions_in(formula) if part in gates]


def _without_questions(story: Story, kind: str) -> Story:
    """Switch off those questions to a training story that a kind of tree would raise."""
    raised = {finding.code for finding in lint(story)}
    reason = f"Imported from {_article(kind)}, which tells no story of training."
    off = tuple(LintSwitch(off=code, reason=reason) for code in _OF_TRAINING if code in raised)
    return story.model_copy(update={"lint": off})


def _settled(model: Model, events: Sequence[Definition]) -> dict[Definition, Estimate]:
    """Return the numbers of events, none of which draws from what another one draws from."""
    estimates = {event: model.estimates[event] for event in events}
    users: dict[int, tuple[Deviate, list[Definition]]] = {}
    for event, estimate in estimates.items():
        deviate = estimate.deviate
        if deviate is not None:
            users.setdefault(id(deviate.element), (deviate, []))[1].append(event)
    shared = [(deviate, owners) for deviate, owners in users.values() if len(owners) > 1]
    if model.shared is None and shared:
        raise InputError([_sharing(model.tree, *sharing) for sharing in shared])
    if model.shared is not None:
        for _, owners in shared:
            estimates |= {event: model.shared(estimates[event]) for event in owners}
    return estimates


def _sharing(tree: Tree, deviate: Deviate, events: Sequence[Definition]) -> Problem:
    names = ", ".join(event.name for event in events[:_SHOWN_EVENTS])
    return tree.document.problem(
        f"found a deviate that {len(events)} basic events share ({names}), expected one for each: "
        "a story's numbers do not move together; --at-means takes it at its mean",
        deviate.element,
    )


def _refuse_large(model: Model, free: int, total: int) -> None:
    problems, file = [], model.tree.document.file
    is_gate = model.subject.event == _TOP_EVENT
    top = "top gate" if is_gate else shown(model.top)
    if free > MAX_FREE:
        sentence = f"found {free:,} basic events below the {top}, expected at most {MAX_FREE:,}"
        problems.append(Problem(sentence, file))
    if total > MAX_ASSUMPTIONS:
        problems.append(
            Problem(
                f"found {total:,} basic events and gates below the {top} (parts of formulas that "
                "need an assumption of their own included), expected at most "
                f"{MAX_ASSUMPTIONS:,}",
                file,
            )
        )
    if problems:
        raise UnsupportedStoryError(problems)


def _described(
    model: Model, ids: _Ids, top_id: str, assumptions: Mapping[str, Assumption]
) -> Story:
    tree, cite, claim, subject = model.tree, model.cite, claim_of(model.top), model.subject
    kind, event = subject.tree, subject.event
    file = printable(Path(tree.document.file).name)
    notes = "".join(f" {note}" for note in model.notes)
    return Story(
        story=Slugs().take(subject.story or tree.name or Path(tree.document.file).stem),
        title=f"{kind.capitalize()}: {subject.title or cite}",
        kind=RISK_ARGUMENT,
        summary=f"Imported from {file}, {_article(kind)} in the Open-PSA Model Exchange Format. "
        f"The probability of the route '{ids.route}' is {model.meaning}.{notes} "
        f"{_ONLY_TREE}",
        catastrophe=f"The {event} of the {kind}, and nothing else: {claim}. The tree does "
        "not say how bad that is.",
        sources=(Source(cite=cite, note=f"Imported from {file}"),),
        goal=Goal(
            specification=f"A run in which the {event} does not occur: {claim}.",
            desirability=f"Taken for granted: this story was imported from {_article(kind)}. "
            + _ONLY_TREE,
        ),
        rationale=rationale_of_event(
            ids.constraint, f"Where the {event} occurs, the run does not go right.", top_id
        ),
        assumptions=dict(assumptions),
        routes=routes_of_event(ids.route, claim, top_id, "tree"),
    )


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
