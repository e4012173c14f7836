"""Events that the engine evaluates: "training ends here, and these assumptions are so"."""

from dataclasses import dataclass

from storyodds.models.logic.cut_sets import CutSet
from storyodds.models.logic.functions import TruthFunction

Condition = tuple[TruthFunction, bool]


@dataclass(frozen=True)
class Query:
    """An event: one of some outcomes (indices into `StoryGraph.outcomes`), and literals with it.

    No outcomes mean any outcome; of several, which must not overlap, the chances are added up. The
    probability of an event is joint with the evidence until it is divided by that of `EVERYTHING`.

    Attributes
    ----------
    outcomes : tuple of int
    literals : frozenset of (str, bool)
    spared : str or None
        "alignment" or "competitiveness": that no hazard of this criterion fires in a second run,
        with the same assumptions, that is made to end at the intended model.
    conditions : frozenset of (TruthFunction, bool)
        Functions of assumptions that hold, or do not, together with the rest.
    """

    outcomes: tuple[int, ...] = ()
    literals: CutSet = frozenset()
    spared: str | None = None
    conditions: frozenset[Condition] = frozenset()


EVERYTHING = Query()
