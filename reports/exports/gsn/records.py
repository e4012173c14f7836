"""The elements of a goal structure, and their ties."""

from dataclasses import dataclass
from typing import Literal, TypedDict

from storyodds.reports.contract.summaries import Interval

Kind = Literal[
    "goal", "strategy", "solution", "counter_solution", "context", "assumption", "justification"
]
Tie = Literal["supported_by", "in_context_of", "challenges"]

PREFIX: dict[Kind, str] = {
    "goal": "G",
    "strategy": "S",
    "solution": "Sn",
    "counter_solution": "CSn",
    "context": "C",
    "assumption": "A",
    "justification": "J",
}


class MeanAlone(TypedDict):
    """A probability without an interval."""

    mean: float
    """Posterior mean."""


@dataclass(frozen=True)
class Node:
    """An element of the argument.

    Attributes
    ----------
    id : str
        Such as G1, S2, Sn3, CSn4.
    kind : {"goal", "strategy", "solution", "counter_solution", "context", "assumption", \
"justification"}
        A counter-solution is evidence that speaks against what it challenges.
    text : str
        On one line, with its probability in words.
    claim : str
        The same without the figures.
    about : str
        The id of what it stands for in the story; may be empty.
    probability : mapping or None
        `mean`, `median`, `q05` and `q95`, of what `probability_of` says.
    probability_of : str
    undeveloped : bool
        Whether it is a goal that nothing supports.
    url : str or None
        Where its source can be read, an https address.
    """

    id: str
    kind: Kind
    text: str
    claim: str
    about: str = ""
    probability: Interval | MeanAlone | None = None
    probability_of: str = ""
    undeveloped: bool = False
    url: str | None = None


@dataclass(frozen=True)
class Edge:
    """A tie from an element to one that supports it, to its context, or to what it challenges."""

    source: str
    target: str
    kind: Tie


@dataclass(frozen=True)
class Argument:
    """A goal structure: elements in the order of reading, the top goal first, and their ties."""

    story: str
    title: str
    reliable: bool
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def below(self, id: str, kind: Tie = "supported_by") -> tuple[Node, ...]:
        """Give what an element is supported by, is in the context of, or challenges."""
        named = {node.id: node for node in self.nodes}
        return tuple(named[e.target] for e in self.edges if (e.source, e.kind) == (id, kind))

    def challengers(self, id: str) -> tuple[Node, ...]:
        """Give what challenges an element."""
        named = {node.id: node for node in self.nodes}
        ties = [e for e in self.edges if (e.target, e.kind) == (id, "challenges")]
        return tuple(named[e.source] for e in ties)
