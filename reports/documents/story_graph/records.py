"""What the object "storyodds/story-graph/1" is made of; `dataclasses.asdict` gives it as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

SCHEMA = "storyodds/story-graph/1"

Stage = Literal["assumption", "route", "hazard", "kind", "check", "ending"]


@dataclass(frozen=True)
class Influence:
    """How far the probability of an ending moves with a node.

    Attributes
    ----------
    low, high : float
        The probability with the node false and with it true; of a check, with the check as it is
        and with the check left out.
    error : float
        Standard error of the difference, at most.
    """

    low: float
    high: float
    error: float

    @property
    def points(self) -> float:
        """How far apart the two are, as a share of 1."""
        return abs(self.high - self.low)


@dataclass(frozen=True)
class Number:
    """A number of the story that belongs to a node.

    Attributes
    ----------
    name : str
    words : str
        As written, references put in their place.
    basis : str
    source : str
    """

    name: str
    words: str
    basis: str
    source: str


@dataclass(frozen=True)
class Node:
    """Something that can be so.

    Attributes
    ----------
    id : str
        Its stage and its name, such as `route:intended`.
    stage : Stage
        A `kind` is the class of the model that training ended in, an intended one by whether a
        hazard of the goal fired; of `check`, the first that stopped the model, or none.
    label, claim : str
    probability : float
        Posterior mean.
    low, high : float
        The central 90 percent over the posterior draws.
    influence : mapping of str to Influence
        By `success` and `catastrophe`; without those that are not worked out.
    numbers : tuple of Number
    group : str or None
        Of a route, the id of its group.
    worst : bool
        Whether it is on the worst path.
    """

    id: str
    stage: Stage
    label: str
    claim: str
    probability: float
    low: float
    high: float
    influence: Mapping[str, Influence]
    numbers: tuple[Number, ...]
    group: str | None
    worst: bool


@dataclass(frozen=True)
class Edge:
    """What flows from one node to one of the next stage.

    Attributes
    ----------
    source, target : str
        Ids of nodes.
    probability : float
    worst : float
        The part of it that is of the worst path.
    """

    source: str
    target: str
    probability: float
    worst: float


@dataclass(frozen=True)
class Term:
    """A node that has to be so, or not to be so."""

    node: str
    holds: bool


@dataclass(frozen=True)
class Need:
    """At least so many of some parts.

    Attributes
    ----------
    least : int
        All of them where it is their number, any of them where it is 1.
    parts : tuple of Term or Need
    """

    least: int
    parts: "tuple[Term | Need, ...]"


@dataclass(frozen=True)
class Condition:
    """What a node needs: nothing flows along it, and its parts have no order.

    Attributes
    ----------
    target : str
        The route that is open, the hazard that fires, the composite assumption that holds, or the
        kind `hazard`, which is any hazard of the goal.
    needs : Need
        With what constraints rule out, negated.
    """

    target: str
    needs: Need


@dataclass(frozen=True)
class Group:
    """Routes of one class, or of one class and kind, with their sum.

    Attributes
    ----------
    id, label : str
    members : tuple of str
        Ids of routes, the likeliest first.
    probability, low, high : float
        As of a node.
    influence : mapping of str to Influence
        As of a node: with training ending at none of them, and at one of them.
    """

    id: str
    label: str
    members: tuple[str, ...]
    probability: float
    low: float
    high: float
    influence: Mapping[str, Influence]


@dataclass(frozen=True)
class Worst:
    """The path of most concern; the likeliest failure where none leads to catastrophe.

    Attributes
    ----------
    label : str
        Where it ends, and the assumptions that it needs.
    name : str
        The route or the hazard.
    probability : float
        P(the path and a catastrophe), or of the likeliest failure P(the path).
    is_catastrophe : bool
    terms : tuple of Term
        What it needs, all of it.
    """

    label: str
    name: str
    probability: float
    is_catastrophe: bool
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class GraphDocument:
    """A story as a graph.

    Attributes
    ----------
    schema, story, title : str
    event : str
        The ending whose probability the influence is first of all of: `catastrophe`, or `success`
        where nothing leads there.
    stages : tuple of str
        Heads of the stages through which probability flows, in order.
    nodes : tuple of Node
    edges : tuple of Edge
    conditions : tuple of Condition
    groups : tuple of Group
        Of all routes.
    crowd : tuple of Group
        Where routes are very many, those that one node stands for in a picture, by class and kind
        or by class alone: all but the worst and the likeliest. None elsewhere.
    worst : Worst
    training : tuple of str
        Stages of training, where it has several.
    """

    schema: str
    story: str
    title: str
    event: str
    stages: tuple[str, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    conditions: tuple[Condition, ...]
    groups: tuple[Group, ...]
    crowd: tuple[Group, ...]
    worst: Worst
    training: tuple[str, ...] = ()
