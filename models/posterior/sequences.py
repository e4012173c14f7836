"""The failure paths of a story in stages: the sequences of routes that come to the most harm."""

from collections.abc import Callable, Sequence

from storyodds.models.engine.sequences import (
    LikeliestSequences,
    likeliest_sequences,
    sequence_compiler,
)
from storyodds.models.posterior.answers import Exact
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.story.events import Share


def sequences_of(
    prepared: PreparedStory,
) -> Callable[[Sequence[Sequence[Share]]], list[LikeliestSequences]] | None:
    """Return what lists the worst sequences, or None where there are no stages or no exact sums.

    They are chosen with every number at one value, `prepared.center`; their odds are worked out
    afterwards like those of any path.

    Parameters
    ----------
    prepared : PreparedStory
    """
    graph = prepared.graph
    if not graph.steps or not isinstance(prepared.answers, Exact):
        return None
    compiler, values = sequence_compiler(prepared.compiler), prepared.center[None].copy()
    likelihoods = prepared.likelihoods.at(values)

    def sequences(harms: Sequence[Sequence[Share]]) -> list[LikeliestSequences]:
        return likeliest_sequences(compiler, values, likelihoods, harms)

    return sequences
