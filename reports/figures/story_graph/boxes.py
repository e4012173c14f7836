"""Boxes of a story's graph, and curves between them."""

from dataclasses import dataclass

from storyodds.reports.documents.story_graph.records import Node


@dataclass(frozen=True)
class Box:
    """Where a node is, and what is written in it."""

    node: Node
    x: float
    y: float
    width: float
    height: float
    words: tuple[tuple[str, str], ...]

    @property
    def middle(self) -> float:
        """Its height."""
        return self.y + self.height / 2


def curve(x0: float, y0: float, x1: float, y1: float) -> str:
    """Give a curve that leaves and arrives level, without its first letter."""
    m = (x0 + x1) / 2
    return f"{x0:.2f},{y0:.2f}C{m:.2f},{y0:.2f} {m:.2f},{y1:.2f} {x1:.2f},{y1:.2f}"
