"""Fault trees in the Open-PSA Model Exchange Format, imported as stories.

The basic events of the tree become free assumptions, its gates composites, and its top gate a
route that is the only way in which training ends anywhere but at the intended model. The
probability of that route is the probability of the top event, to a factor of 1 - 2**-60.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from storyodds.priors.distributions.forms import Fixed
from storyodds.priors.text.errors import InputError, Problem, UnsupportedStoryError, printable
from storyodds.priors.text.phrases import did_you_mean, quoted
from storyodds.priors.text.records import Source
from storyodds.priors.text.xml_reader import Element, XmlDocument, read_xml
from storyodds.scenarios.checks.consistency import MAX_ASSUMPTIONS, MAX_FREE
from storyodds.scenarios.grammar.loops import bottom_up, loops
from storyodds.scenarios.grammar.outcomes import INTENDED, RESIDUAL
from storyodds.scenarios.lint.linter import lint
from storyodds.scenarios.open_psa.definitions import Definition
from storyodds.scenarios.open_psa.formulas import Formula, gates_in, house_value, read_formula
from storyodds.scenarios.open_psa.numbers import Estimate, Numbers
from storyodds.scenarios.open_psa.story import Composites, Slugs, claim_of, in_reach, shown
from storyodds.scenarios.open_psa.tree import Tree, read_tree
from storyodds.scenarios.schema import RISK_ARGUMENT, Assumption, Constraint, Goal, Rationale, Route
from storyodds.scenarios.story import LintSwitch, Story

_ONLY_TREE = "Nothing is modeled but the tree."
_SET_BY_IMPORT = Source(cite="Set by the import, so that the tree alone decides")
# Questions to a training story, which a fault tree is not. Others, as about numbers, stay open.
_OF_TRAINING = (
    "behavioral-goal",
    "no-hazard",
    "constraint-against-intended",
    "untouched-rival",
    "independent-product",
    "thin-residual",
)
_SHOWN_TOPS = 10  # top gates that a message lists


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


def import_open_psa(path: str | Path, top: str | None = None) -> Story:
    """Import a fault tree in the Open-PSA Model Exchange Format as a story.

    Parameters
    ----------
    path : str or pathlib.Path
        An XML file of at most 64 MiB. Entities are never expanded, and no other file is read.
    top : str, optional
        The name of the gate that matters; needed where several gates are part of no other.

    Returns
    -------
    Story
        The probability of its one named route is the probability of the top gate.

    Raises
    ------
    InputError
        With everything in the file that is wrong or not supported, by line.
    UnsupportedStoryError
        If the tree has more than 500 basic events, or needs more than 2,000 assumptions in all.

    Notes
    -----
    House events are constants: they, and every gate that they decide, do not appear in the
    story. Units are honored, a year taken as 8,760 hours. A deviate that leaves 0 to 1 is cut off
    there: where that changes its mean by more than 5 % it is refused, where by more than 0.01 % a
    note of the number says so. Uncertain numbers of basic events are independent; a parameter with
    a deviate that two events share is refused, because they would move together.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("lamp.xml").write_text('''<opsa-mef><define-fault-tree name="lamp">
    ...   <define-gate name="Dark">
    ...     <or><basic-event name="Bulb"/><basic-event name="Fuse"/></or>
    ...   </define-gate>
    ...   <define-basic-event name="Bulb"><float value="0.1"/></define-basic-event>
    ...   <define-basic-event name="Fuse"><float value="0.01"/></define-basic-event>
    ... </define-fault-tree></opsa-mef>''')
    >>> story = import_open_psa("lamp.xml")
    >>> story.assumptions["dark-gate"].holds_when
    AnyOf(any=('bulb', 'fuse'))
    """
    return read_open_psa(path, top).story


def read_open_psa(path: str | Path, top: str | None = None) -> Imported:
    """Import a fault tree, with what the story has otherwise than the file.

    Parameters
    ----------
    path : str or pathlib.Path
    top : str, optional
        Both as `import_open_psa` takes them.

    Returns
    -------
    Imported
    """
    return imported(read_xml(Path(path)), top)


def imported(document: XmlDocument, top: str | None = None) -> Imported:
    """Turn the text of a fault tree into a story; `import_open_psa` says how."""
    tree = read_tree(document)
    cite = printable(tree.title or tree.name or Path(document.file).name)
    gates = {gate: read_formula(tree, gate) for gate in tree.of_kind("gate")}
    houses = {event: house_value(tree, event) for event in tree.of_kind("house event")}
    numbers = Numbers(tree, cite)
    estimates = {event: numbers.estimate_of(event) for event in tree.of_kind("basic event")}
    _find_loops(tree, gates)
    chosen = _top_of(tree, gates, top)
    if tree.problems or chosen is None:
        raise InputError(sorted(tree.problems, key=_place))
    formulas = {gate: formula for gate, formula in gates.items() if formula is not None}
    truths = {house: value for house, value in houses.items() if value is not None}
    numbered = {event: estimate for event, estimate in estimates.items() if estimate is not None}
    return _imported(tree, cite, chosen, formulas, truths, numbered)


def _place(problem: Problem) -> tuple[int, int]:
    """Where a mistake stands; one of the whole file is likelier to follow from the others."""
    return (problem.line or sys.maxsize, problem.column or 0)


def _find_loops(tree: Tree, gates: Mapping[Definition, Formula | None]) -> None:
    by_name = {gate.full_name: gate for gate in gates}
    for loop in loops(_uses(gates)):
        first = by_name[loop[0]]
        drawn = " -> ".join([*(loop if len(loop) <= 12 else [*loop[:10], "…"]), loop[0]])
        sentence = f"found the loop {drawn}, expected no gate to depend on itself"
        tree.complain(sentence, first.element, first)


def _uses(gates: Mapping[Definition, Formula | None]) -> dict[str, list[str]]:
    """Which gates each gate names, by full name."""
    return {
        gate.full_name: [
            inner.full_name
            for inner in (gates_in(formula, gates.__contains__) if formula is not None else ())
        ]
        for gate, formula in gates.items()
    }


def _top_of(
    tree: Tree, gates: Mapping[Definition, Formula | None], top: str | None
) -> Definition | None:
    """Find the gate that the story is about."""
    by_name = {gate.full_name: gate for gate in gates}
    if top is not None:
        chosen = tree.find_gate(top)
        if chosen is None:
            hint = did_you_mean(top, [*(gate.name for gate in gates), *by_name])
            sentence = f"--top: found {quoted(top)}, expected the name of a gate of the tree{hint}"
            tree.problems.append(Problem(sentence, tree.document.file))
        return chosen
    inner = {name for names in _uses(gates).values() for name in names}
    tops = [gate for name, gate in by_name.items() if name not in inner]
    if len(tops) == 1:
        return tops[0]
    if tree.problems:  # a formula that could not be read may name the others
        return None
    if not tops:
        tree.complain("found no gate, expected one for the top event", tree.document.root)
        return None
    names = [gate.name if gate.public else gate.full_name for gate in tops[:_SHOWN_TOPS]]
    more = ", …" if len(tops) > _SHOWN_TOPS else ""
    tree.problems.append(
        Problem(
            f"found {len(tops)} gates that are part of no other: {', '.join(names)}{more}; "
            f"expected one; choose it, as in --top {names[0]}",
            tree.document.file,
        )
    )
    return None


@dataclass(frozen=True)
class _Ids:
    """Ids that the import itself needs."""

    route: str
    constraint: str


def _imported(
    tree: Tree,
    cite: str,
    top: Definition,
    gates: Mapping[Definition, Formula],
    houses: Mapping[Definition, bool],
    estimates: Mapping[Definition, Estimate],
) -> Imported:
    slugs = Slugs()
    ids = _Ids(route=slugs.take(top.name), constraint=slugs.take("top-event-decides"))
    names = {top: slugs.take(f"{top.name}-gate")}
    names |= {item: slugs.take(item.name) for item in (*gates, *estimates) if item is not top}
    composites = Composites(slugs, names, dict(houses))
    by_name = {gate.full_name: gate for gate in gates}
    for name in bottom_up(_uses(gates)):
        composites.add(by_name[name], gates[by_name[name]])
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
    events = {names[event]: event for event in estimates if names[event] in inside}
    _refuse_shared(tree, {event: estimates[event] for event in events.values()})
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
    story = _without_questions(_described(tree, cite, ids, top, names[top], assumptions))
    remarks = ((shown(event), estimates[event].remark) for event in events.values())
    return Imported(story, tuple(f"{event}: {remark}" for event, remark in remarks if remark))


def _without_questions(story: Story) -> Story:
    """Switch off those questions to a training story that a fault tree would raise."""
    raised = {finding.code for finding in lint(story)}
    reason = "Imported from a fault tree, which tells no story of training."
    off = tuple(LintSwitch(off=code, reason=reason) for code in _OF_TRAINING if code in raised)
    return story.model_copy(update={"lint": off})


def _refuse_shared(tree: Tree, estimates: Mapping[Definition, Estimate]) -> None:
    """Refuse a deviate that several basic events draw from: they would move together."""
    users: dict[int, tuple[Element, list[str]]] = {}
    for event, estimate in estimates.items():
        deviate = estimate.deviate
        if deviate is not None:
            users.setdefault(id(deviate), (deviate, []))[1].append(event.name)
    problems = [
        tree.document.problem(
            f"found a deviate that {len(names)} basic events share "
            f"({', '.join(names[:_SHOWN_TOPS])}), expected one for each: a story's numbers do not "
            "move together",
            deviate,
        )
        for deviate, names in users.values()
        if len(names) > 1
    ]
    if problems:
        raise InputError(problems)


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
    tree: Tree,
    cite: str,
    ids: _Ids,
    top: Definition,
    top_id: str,
    assumptions: Mapping[str, Assumption],
) -> Story:
    claim = claim_of(top)
    file = printable(Path(tree.document.file).name)
    return Story(
        story=Slugs().take(tree.name or Path(tree.document.file).stem),
        title=f"Fault tree: {cite}",
        kind=RISK_ARGUMENT,
        summary=f"Imported from {file}, a fault tree in the Open-PSA Model Exchange Format. The "
        f"probability of the route '{ids.route}' is the probability of its top event. {_ONLY_TREE}",
        catastrophe=f"The top event of the fault tree, and nothing else: {claim}. The tree does "
        "not say how bad that is.",
        sources=(Source(cite=cite, note=f"Imported from {file}"),),
        goal=Goal(
            specification=f"A run in which the top event does not occur: {claim}.",
            desirability="Taken for granted: this story was imported from a fault tree. "
            + _ONLY_TREE,
        ),
        rationale=Rationale(
            constraints=(
                Constraint(
                    id=ids.constraint,
                    claim="Where the top event occurs, the run does not go right.",
                    holds=top_id,
                    rules_out=(INTENDED,),
                ),
            )
        ),
        assumptions=dict(assumptions),
        routes=(
            Route(
                id=ids.route,
                class_="other",
                claim=claim,
                requires=top_id,
                bits=_set(0.0),
                harm=_set(1.0),
            ),
            Route(
                id=RESIDUAL,
                class_="other",
                claim="Every story has this route; here nothing else is modeled, so it is all but "
                "impossible.",
                bits=_set(-60.0),
                harm=_set(0.0),
            ),
        ),
    )


def _set(value: float) -> Fixed:
    return Fixed(fixed=value, basis="assumed", source=_SET_BY_IMPORT)
