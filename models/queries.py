"""Events asked of the engine: "training ends here, and these assumptions are so"."""

from dataclasses import dataclass

from storyodds.models.cut_sets import CutSet


@dataclass(frozen=True)
class Query:
    """An event: one of some outcomes (indices into `StoryGraph.outcomes`), and literals with it.

    No outcomes mean any outcome. The probability of an event is joint with the evidence until it
    is divided by that of `EVERYTHING`.
    """

    outcomes: tuple[int, ...] = ()
    literals: CutSet = frozenset()


EVERYTHING = Query()
