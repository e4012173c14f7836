"""The failure paths of a story in stages: the sequences of routes that come to the most harm."""

from collections.abc import Callable, Sequence

from storyodds.models.engine.paths import MAX_WAYS
from storyodds.models.engine.sequences import MAX_SEQUENCES, likeliest_sequences, sequence_compiler
from storyodds.models.logic.cut_sets import CutSet
from storyodds.models.posterior.answers import Exact
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.story.events import Share


def sequences_of(
    prepared: PreparedStory,
) -> Callable[[Sequence[Share]], list[CutSet]] | None:
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
    most = min(MAX_SEQUENCES, max(3, MAX_WAYS // len(graph.routes)))

    def sequences(harmful: Sequence[Share]) -> list[CutSet]:
        return likeliest_sequences(compiler, values, likelihoods, harmful, most)

    return sequences
