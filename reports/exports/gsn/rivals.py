"""The part of an argument that denies the rivals: class by class, and route by route."""

from collections.abc import Iterator, Sequence

from storyodds.reports.exports.gsn.case import Case
from storyodds.reports.exports.gsn.elements import Element
from storyodds.reports.exports.gsn.records import Kind
from storyodds.reports.exports.gsn.words import complement, evidence_words, path_words
from storyodds.reports.words.stages import acts_in
from storyodds.scenarios.bearing import closed
from storyodds.scenarios.grammar.outcomes import CLASSES, INTENDED, OutcomeClass
from storyodds.scenarios.grammar.stages import without_stage
from storyodds.scenarios.grammar.states import assumption_and_state, claim_of_state
from storyodds.scenarios.schema import Constraint, Nudge
from storyodds.scenarios.shared.catalog import assumptions
from storyodds.scenarios.story import Story

SMALLEST = 0.005  # bits: less are told as 0
_OVER = "rivals"  # the key of the strategy


def rivals(case: Case, goal: str) -> Iterator[Element]:
    """Every model at which training may end, but the intended one."""
    words = "Over every other model at which training may end, class by class and route by route."
    yield Element("strategy", words, goal, _OVER)
    yield from _rationale(case)
    against = list(_classes(case))
    yield from against
    kinds = ("solution", "counter_solution")
    items = {element.about for element in against if element.kind in kinds}
    for item in case.items:
        if item not in items:
            yield _solution(case, goal, item, INTENDED)


def _rationale(case: Case) -> Iterator[Element]:
    rationale, basis = case.story.rationale, case.numbers.basis
    parts: tuple[Constraint | Nudge, ...] = (*rationale.constraints, *rationale.nudges)
    for part in parts:
        sort = type(part).__name__
        acts = f", {acts_in(part.stages)}" if part.stages else ""
        sentence = f"{sort} {part.id}{acts}: {part.claim}{basis(part.id)}"
        yield Element("justification", sentence, _OVER, about=part.id)
    for name, entry in case.doc["assumptions"].items():
        owner, _ = assumption_and_state(without_stage(name))
        sentence = f"{name}: {_claim(case.story, name)}{basis(owner)}"
        yield Element("assumption", sentence, _OVER, about=name, entry=entry, of=name)


def _claim(story: Story, name: str) -> str:
    owner, state = assumption_and_state(without_stage(name))
    spec = story.assumptions.get(owner)
    if spec is not None and spec.claim:
        return claim_of_state(spec.claim, state)
    entry = assumptions().get(owner)
    return "" if entry is None else claim_of_state(entry.claim, state)


def _classes(case: Case) -> Iterator[Element]:
    for name in CLASSES:
        routes = [r for r, entry in case.doc["routes"].items() if entry["class"] == name]
        if name != INTENDED and routes:
            yield from _class(case, name, routes)


def _class(case: Case, name: OutcomeClass, routes: Sequence[str]) -> Iterator[Element]:
    goal = f"class {name}"
    yield Element(
        "goal",
        f"Training does not end at a model of the class {name}.",
        _OVER,
        goal,
        about=name,
        entry=complement(case.doc["classes"][name]),
        of=f"not class {name}",
    )
    for evidence in case.findings:
        named = {
            *(evidence.bayes_factor or {}),
            *(evidence.rates or {}),
            *(evidence.visibility or {}),
            evidence.about.class_,
        }
        whole = evidence.about.outcome or evidence.about.class_
        if whole and name in named:
            yield _solution(case, goal, evidence.id, name)
    ranked = sorted(routes, key=case.weight, reverse=True)
    cut = len(ranked) if case.most is None or len(ranked) <= case.most + 1 else case.most
    for route in ranked[:cut]:
        yield from _route(case, goal, route, name, alone=len(routes) == 1)
    if ranked[cut:]:
        yield from _others(case, goal, ranked[cut:], name)


def _route(
    case: Case, goal: str, route: str, name: OutcomeClass, *, alone: bool
) -> Iterator[Element]:
    claim = next((r.claim for r in case.story.routes if r.id == route), "")
    subgoal = f"route {route}"
    yield Element(
        "goal",
        f"Training does not end at the route {route}.{it_is(claim)}",
        goal,
        subgoal,
        about=route,
        entry=complement(case.doc["routes"][route]),
        of=f"not route {route}",
        more=path_words(case.worst("route", route)) + case.numbers.basis(route),
    )
    for item in _evidence_on(case, route):
        yield _solution(case, subgoal, item, name, of_class=None if alone else goal)


def it_is(claim: str) -> str:
    """A claim as the sentence after the one that names what claims it."""
    return f" It is: {claim}" if claim else ""


def _evidence_on(case: Case, route: str) -> list[str]:
    """Evidence about what a route needs, or about the route itself."""
    needs = closed(case.story, case.bears.get(route, ()))
    items = []
    for item in case.findings:
        named = {*(item.bayes_factor or {}), *(item.rates or {}), *(item.visibility or {})}
        by_name = item.about.outcome and route in named
        if by_name or (item.about.assumption in needs and item.about.assumption):
            items.append(item.id)
    return items


def _others(case: Case, goal: str, routes: Sequence[str], name: OutcomeClass) -> Iterator[Element]:
    total = sum(case.doc["routes"][route]["mean"] for route in routes)
    names, subgoal = ", ".join(routes), f"others {name}"
    yield Element(
        "goal",
        f"Training ends at none of {len(routes)} other routes: {names}.",
        goal,
        subgoal,
        about="others",
        entry={"mean": 1 - total},
        of=f"none of {names}",
        more="By the sum of means, without an interval.",
    )
    for item in dict.fromkeys(item for route in routes for item in _evidence_on(case, route)):
        yield _solution(case, subgoal, item, name, of_class=goal)


def _solution(
    case: Case, goal: str, item: str, name: OutcomeClass, *, of_class: str | None = None
) -> Element:
    """Evidence that stands under a goal about a class, or challenges the goal.

    Bits are known by class: where the goal is about one of its routes only, evidence for the
    class challenges the goal of the class.
    """
    evidence = case.items[item]
    gained = evidence["bits"][name] or 0.0
    # Of rivals, a goal says that training does not end there.
    against = (-gained if name == INTENDED else gained) >= SMALLEST
    kind: Kind = "counter_solution" if against else "solution"
    below = of_class if against and of_class is not None else goal
    url = None if evidence["source"] is None else evidence["source"].get("url")
    words = evidence_words(evidence)
    return Element(kind, words, below, f"{kind} {item}", about=item, url=url)
