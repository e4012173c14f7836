"""The formulas of a story as nodes of one decision diagram."""

from collections.abc import Mapping
from dataclasses import dataclass

from storyodds.models.logic.sifted_diagrams import SharedDiagram
from storyodds.scenarios.grammar.formulas import Formula


@dataclass(frozen=True)
class GateForest:
    """Formulas over the assumptions that no formula decides.

    Attributes
    ----------
    diagram : SharedDiagram
    root : mapping of Formula to int
        The node of what every route, hazard and nudge requires, and of every composite by name.
    """

    diagram: SharedDiagram
    root: Mapping[Formula, int]
