"""A fault tree as a story: basic events as assumptions, gates as composites, its top as a route."""

from collections.abc import Callable, Iterator, Mapping, Sequence
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
    slugs = Slugs()
    ids = _Ids(route=slugs.take(top.name), constraint=slugs.take("top-event-decides"))
    names = {top: slugs.take(f"{top.name}-gate")}
    names |= {
        item: slugs.take(item.slug or item.name)
        for item in (*model.gates, *model.estimates)
        if item is not top
    }
    composites = Composites(slugs, names, dict(model.constant))
    uses = {gate: list(_gates_in(formula, model.gates)) for gate, formula in model.gates.items()}
    for gate in bottom_up(uses):
        composites.add(gate, model.gates[gate])
    if top in composites.constant:
        truth = "true" if composites.constant[top] else "false"
        opening = (
            f"found a top gate that is always {truth} once its constants are put in, expected "
        )
        raise InputError(
            [
                tree.document.problem(
                    opening + "one that hangs on a basic event", top.element, top.shown
                )
            ]
        )
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
    _refuse_large(tree, len(events), len(assumptions))
    story = _without_questions(_described(model, ids, names[top], assumptions))
    remarks = ((shown(event), estimates[event].remark) for event in events.values())
    return Imported(story, tuple(f"{event}: {remark}" for event, remark in remarks if remark))


def _gates_in(formula: Formula, gates: Mapping[Definition, Formula]) -> Iterator[Definition]:
    return (part for part in definitions_in(formula) if part in gates)


def _without_questions(story: Story) -> Story:
    """Switch off those questions to a training story that a fault tree would raise."""
    raised = {finding.code for finding in lint(story)}
    reason = "Imported from a fault tree, which tells no story of training."
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


def _refuse_large(tree: Tree, free: int, total: int) -> None:
    problems = []
    if free > MAX_FREE:
        sentence = f"found {free:,} basic events below the top gate, expected at most {MAX_FREE:,}"
        problems.append(Problem(sentence, tree.document.file))
    if total > MAX_ASSUMPTIONS:
        problems.append(
            Problem(
                f"found {total:,} basic events and gates (parts of formulas that need an "
                f"assumption of their own included), expected at most {MAX_ASSUMPTIONS:,}",
                tree.document.file,
            )
        )
    if problems:
        raise UnsupportedStoryError(problems)


def _described(
    model: Model, ids: _Ids, top_id: str, assumptions: Mapping[str, Assumption]
) -> Story:
    tree, cite, claim = model.tree, model.cite, claim_of(model.top)
    file = printable(Path(tree.document.file).name)
    notes = "".join(f" {note}" for note in model.notes)
    return Story(
        story=Slugs().take(tree.name or Path(tree.document.file).stem),
        title=f"Fault tree: {cite}",
        kind=RISK_ARGUMENT,
        summary=f"Imported from {file}, a fault tree in the Open-PSA Model Exchange Format. The "
        f"probability of the route '{ids.route}' is {model.meaning}.{notes} "
        f"{_ONLY_TREE}",
        catastrophe=f"The top event of the fault tree, and nothing else: {claim}. The tree does "
        "not say how bad that is.",
        sources=(Source(cite=cite, note=f"Imported from {file}"),),
        goal=Goal(
            specification=f"A run in which the top event does not occur: {claim}.",
            desirability="Taken for granted: this story was imported from a fault tree. "
            + _ONLY_TREE,
        ),
        rationale=rationale_of_event(
            ids.constraint, "Where the top event occurs, the run does not go right.", top_id
        ),
        assumptions=dict(assumptions),
        routes=routes_of_event(ids.route, claim, top_id, "tree"),
    )
