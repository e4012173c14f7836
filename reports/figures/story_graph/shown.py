"""What of a story's graph a picture shows: all of it, or very many routes taken together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from storyodds.reports.documents.story_graph.conditions import terms_of
from storyodds.reports.documents.story_graph.records import (
    Condition,
    Edge,
    GraphDocument,
    Group,
    Need,
    Node,
    Term,
)
from storyodds.reports.words.numbers import counted

MOST_ASSUMPTIONS = 30  # that lines to routes can be told apart of
STAGES = ("route", "kind", "check", "ending")  # through which probability flows


@dataclass(frozen=True)
class Shown:
    """What a picture shows.

    Attributes
    ----------
    free, made : tuple of Node
        Assumptions, and those that are made up of others.
    stages : tuple of tuple of Node
        Routes, with the hazards of the goal after them; kinds; checks, where there are any; and
        endings.
    edges : tuple of Edge
    needs : mapping of str to Need
        By node.
    loose : mapping of str to tuple of Term
        By node that stands for several routes, what some of them need.
    notes : tuple of str
        What is left out.
    """

    document: GraphDocument
    free: tuple[Node, ...]
    made: tuple[Node, ...]
    stages: tuple[tuple[Node, ...], ...]
    edges: tuple[Edge, ...]
    needs: Mapping[str, Need]
    loose: Mapping[str, tuple[Term, ...]]
    notes: tuple[str, ...]

    @property
    def nodes(self) -> Iterator[Node]:
        """Everything that is drawn as a node."""
        yield from self.free
        yield from self.made
        for stage in self.stages:
            yield from stage


def shown(document: GraphDocument, *, full: bool = False) -> Shown:
    """Choose what a picture shows.

    Parameters
    ----------
    document : GraphDocument
    full : bool
        Every route by itself, however many there are.
    """
    crowd = () if full else document.crowd
    place = {member: group.id for group in crowd for member in group.members}
    nodes = [node for node in document.nodes if node.id not in place]
    nodes[_first_kind(nodes) : _first_kind(nodes)] = [_crowd_node(group) for group in crowd]
    conditions = {c.target: c.needs for c in document.conditions if c.target not in place}
    free, compounds, needs, notes = _conditions(document, conditions)
    routes = [node for node in nodes if node.stage == "route"]
    hazards = [node for node in nodes if node.stage == "hazard"]
    later = [tuple(n for n in nodes if n.stage == stage) for stage in STAGES[1:]]
    drawn = {node.id for node in (*free, *compounds)}
    loose = {group.id: _terms(document.conditions, group, drawn) for group in crowd}
    if crowd:
        members = sum(len(group.members) for group in crowd)
        notes = (*notes, f"{counted(members, 'route')} stand together by their class.")
    return Shown(
        document,
        free,
        compounds,
        tuple(stage for stage in ((*routes, *hazards), *later) if stage),
        _edges(document.edges, place),
        needs,
        {id: terms for id, terms in loose.items() if terms},
        notes,
    )


def _first_kind(nodes: Sequence[Node]) -> int:
    return next(k for k, node in enumerate(nodes) if node.stage == "kind")


def crowd_label(group: Group) -> str:
    """Name several routes that stand together."""
    return f"{len(group.members)} more {group.label} routes"


def _crowd_node(group: Group) -> Node:
    likeliest = ", ".join(member.removeprefix("route:") for member in group.members[:3])
    return Node(
        id=group.id,
        stage="route",
        label=crowd_label(group),
        claim=f"The likeliest of them: {likeliest}",
        probability=group.probability,
        low=group.low,
        high=group.high,
        influence=group.influence,
        numbers=(),
        group=None,
        worst=False,
    )


def _edges(edges: Sequence[Edge], place: Mapping[str, str]) -> tuple[Edge, ...]:
    """Sum the edges between what stands together."""
    total: dict[tuple[str, str], Edge] = {}
    for edge in edges:
        source, target = place.get(edge.source, edge.source), place.get(edge.target, edge.target)
        so_far = total.get((source, target), Edge(source, target, 0.0, 0.0))
        total[source, target] = replace(
            so_far,
            probability=so_far.probability + edge.probability,
            worst=so_far.worst + edge.worst,
        )
    return tuple(total.values())


def _terms(conditions: Sequence[Condition], group: Group, drawn: set[str]) -> tuple[Term, ...]:
    """Give what some of a group need, each once."""
    terms = {
        term: None
        for condition in conditions
        if condition.target in group.members
        for term in terms_of(condition.needs)
        if term.node in drawn
    }
    return tuple(terms)


Assumptions = tuple[Node, ...]


def _conditions(
    document: GraphDocument, conditions: dict[str, Need]
) -> tuple[Assumptions, Assumptions, dict[str, Need], tuple[str, ...]]:
    """Give the assumptions that are drawn, those made up of others apart, and what is needed.

    Where they are very many, or made up of each other over more than one stage as the gates of a
    fault tree are, only what the worst path needs is drawn.
    """
    assumptions = {node.id: node for node in document.nodes if node.stage == "assumption"}
    composites = {id: needs for id, needs in conditions.items() if id in assumptions}
    deep = any(term.node in composites for need in composites.values() for term in terms_of(need))
    if not deep and len(assumptions) <= MOST_ASSUMPTIONS:
        compounds = tuple(assumptions[id] for id in composites)
        free = tuple(node for node in assumptions.values() if node.id not in composites)
        return free, compounds, conditions, ()
    worst = document.worst
    hazards = {id: need for id, need in conditions.items() if id == "kind:hazard"}
    ends = [n.id for n in document.nodes if n.worst and n.stage in ("route", "hazard")]
    end = next((id for id in ends if id.removeprefix("hazard:") == worst.name), None)
    end = end or f"route:{worst.name}"
    if worst.terms:
        hazards[end] = Need(len(worst.terms), worst.terms)
    gates = f" and {counted(len(composites), 'gate')} over several stages" if deep else ""
    note = (
        f"The story has {counted(len(assumptions) - len(composites), 'assumption')}{gates}, more "
        "than lines can show: at the left stands only what the worst path needs, and all the rest "
        "is in the table."
    )
    path = {term.node for term in worst.terms}
    return tuple(assumptions[id] for id in assumptions if id in path), (), hazards, (note,)
