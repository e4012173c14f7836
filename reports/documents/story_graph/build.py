"""A story as a graph: nodes with their probability and influence, flows, conditions, groups.

`summarize_story_graph` gives what `plot_story_graph` draws. Probabilities flow along edges, and
every stage of them adds up to 1. What a node needs is a condition, along which nothing flows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.flows.flows import Flows, Step, flows, links
from storyodds.models.story.events import Fate
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.documents.story_graph.conditions import conditions, follows, terms_of
from storyodds.reports.documents.story_graph.groups import crowd_of, group_id, groups_of
from storyodds.reports.documents.story_graph.influence import (
    Reach,
    learned_influence,
    reach_of,
    without_check,
)
from storyodds.reports.documents.story_graph.records import (
    SCHEMA,
    Condition,
    Edge,
    GraphDocument,
    Influence,
    Node,
    Number,
    Stage,
    Term,
    Worst,
)
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.as_written import number_words, numbers_of
from storyodds.reports.words.endings import CLASS_GLOSSES, FATE_GLOSSES
from storyodds.reports.words.labels import claims
from storyodds.reports.words.sentences import is_risk_argument
from storyodds.scenarios.grammar.outcomes import OutcomeClass
from storyodds.scenarios.grammar.stages import is_of_training

_STAGES: Mapping[str, Stage] = {
    "route": "route",
    "class": "kind",
    "hazard": "kind",
    "check": "check",
    "deployed": "check",
    "fate": "ending",
}
_RISK_NAMES = {  # a risk argument has no goal that a run could meet
    "route:intended": "no failure route",
    "kind:intended": "no failure route",
    "ending:success": "no catastrophe",
    "ending:benign-failure": "failure without catastrophe",
}
_HEADS = {"route": "route", "model": "kind of model", "stopped by": "stopped by", "fate": "ending"}


@dataclass(frozen=True)
class _Story:
    """What a graph is built from."""

    assessment: Assessment
    estimate: Estimate
    claims: Mapping[str, str]
    on_path: frozenset[str]


def summarize_story_graph(assessment: Assessment, estimate: Estimate) -> GraphDocument:
    """Give a story as a graph.

    Parameters
    ----------
    assessment : Assessment
    estimate : mapping
        The object of `estimate --json`.

    Returns
    -------
    GraphDocument

    Raises
    ------
    UnsupportedStoryError
        If the flows of the story are out of reach.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.reports.documents.estimate import summarize
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessed = assess(resolve(load_story("carlsmith-six-premises")))
    >>> document = summarize_story_graph(assessed, summarize(assessed))
    >>> [node.id for node in document.nodes if node.stage == "ending" and node.worst]
    ['ending:catastrophe']
    >>> round(document.worst.probability, 6), len(document.worst.terms)
    (0.051376, 6)
    """
    whole, graph = flows(assessment), assessment.prepared.graph
    ids = [_id(step) for step in whole.steps]
    marked = {ids[k] for strand in whole.strands if strand.worst for k in strand.steps}
    terms = tuple(
        Term(f"assumption:{name}", truth)
        for name, truth in sorted(whole.worst.literals)
        if not is_of_training(name)
    )
    marked |= {term.node for term in terms}
    if whole.worst.hazard is not None:
        marked.add(f"hazard:{whole.worst.hazard}")
    requirements = conditions(graph, assessment.prepared.resolved)
    marked |= _composites_on_path(requirements, marked, terms)
    about, reach = claims(assessment.prepared.resolved), reach_of(whole, ids)
    story = _Story(assessment, estimate, about, frozenset(marked))
    nodes = (*_assumptions(story), *_hazards(story), *_stages(story, whole, ids, reach))
    # A route that cannot be open is not there.
    routes = [r for r, route in enumerate(graph.routes) if f"route:{route.id}" in ids]
    return GraphDocument(
        schema=SCHEMA,
        story=estimate["story"],
        title=estimate["title"],
        event="catastrophe" if estimate["fates"]["catastrophe"]["mean"] > 0 else "success",
        stages=tuple(_HEADS[column] for column in whole.columns),
        nodes=nodes,
        edges=tuple(
            Edge(ids[link.source], ids[link.target], link.probability, link.worst)
            for link in links(whole)
        ),
        conditions=requirements,
        groups=groups_of(assessment, routes, reach.influence),
        crowd=crowd_of(assessment, routes, whole.worst.route, reach.influence),
        worst=Worst(
            whole.worst.label,
            whole.worst.hazard or whole.worst.route,
            sum(strand.probability for strand in whole.strands if strand.worst),
            whole.concern > 0,
            terms,
        ),
        training=tuple(ending.stage for ending in graph.stages),
    )


def _id(step: Step) -> str:
    name = {"hazard": "hazard", "deployed": "none"}.get(step.kind, step.name)
    return f"{_STAGES[step.kind]}:{name}"


def _composites_on_path(
    requirements: Sequence[Condition], marked: set[str], terms: Sequence[Term]
) -> set[str]:
    """Give the assumptions made up of others that lead from a path's terms to where it ends."""
    by_target = {condition.target: condition.needs for condition in requirements}
    held = set(terms)
    for condition in requirements:  # those below stand before those that are made of them
        if condition.target.startswith("assumption:") and follows(condition.needs, held):
            held.add(Term(condition.target, True))
    ends = [id for id in marked if id.startswith("hazard:")]
    pending = ends or [id for id in marked if id.startswith("route:")]
    lit: set[str] = set()
    while pending:
        need = by_target.get(pending.pop())
        for term in terms_of(need) if need is not None else ():
            if term in held and term.node in by_target and term.node not in lit:
                lit.add(term.node)
                pending.append(term.node)
    return lit


# Nodes


def _assumptions(story: _Story) -> Iterator[Node]:
    influence = learned_influence(story.assessment)
    for name, entry in story.estimate["assumptions"].items():
        yield _node(story, "assumption", name, entry, influence.get(name, {}))


def _hazards(story: _Story) -> Iterator[Node]:
    for name, entry in story.estimate["hazards"].items():
        yield _node(story, "hazard", name, entry, {})


def _node(
    story: _Story, stage: Stage, name: str, entry: Json, influence: Mapping[str, Influence]
) -> Node:
    """Give the node of an assumption or a hazard, as the estimate has it."""
    return Node(
        id=f"{stage}:{name}",
        stage=stage,
        label=name,
        claim=story.claims.get(name, ""),
        probability=entry["mean"],
        low=entry["q05"],
        high=entry["q95"],
        influence=influence,
        numbers=_numbers(story.estimate, name),
        group=None,
        worst=f"{stage}:{name}" in story.on_path,
    )


def _stages(story: _Story, whole: Flows, ids: Sequence[str], reach: Reach) -> Iterator[Node]:
    """Give the nodes through which probability flows."""
    routes = {f"route:{route.id}": route for route in story.assessment.prepared.graph.routes}
    risk = is_risk_argument(story.estimate)
    for id, step in zip(ids, whole.steps, strict=True):
        stage = _STAGES[step.kind]
        influence: Mapping[str, Influence] = reach.influence([id])
        if stage == "check":
            influence = without_check(story.estimate, step.name)
        elif stage == "ending":
            influence = {}
        route = routes.get(id)
        label, claim = _words(story, step)
        if risk and id in _RISK_NAMES:
            label, claim = _RISK_NAMES[id], ""
        yield Node(
            id=id,
            stage=stage,
            label=label,
            claim=claim,
            probability=step.probability,
            low=step.low,
            high=step.high,
            influence=influence,
            numbers=_numbers(story.estimate, step.name) if step.kind in ("route", "check") else (),
            group=None if route is None else group_id(route.outcome_class, route.kind),
            worst=id in story.on_path,
        )


def _words(story: _Story, step: Step) -> tuple[str, str]:
    match step.kind:
        case "class":
            return step.name, CLASS_GLOSSES[cast(OutcomeClass, step.name)]
        case "hazard":
            return "a goal hazard", "training ended as intended, and a hazard of the goal fired"
        case "deployed":
            return "no check", "no check flagged the model, and it was deployed"
        case "fate":
            return step.name, FATE_GLOSSES[cast(Fate, step.name)]
        case _:
            return step.name, story.claims.get(step.name, "")


def _numbers(estimate: Json, owner: str) -> tuple[Number, ...]:
    return tuple(
        Number(entry["name"], number_words(entry), entry["basis"], _source(entry))
        for _, entry in numbers_of(estimate["provenance"], owner)
    )


def _source(entry: Json) -> str:
    source = entry["source"]
    return "" if source is None else str(source.get("cite") or source.get("note") or "")
