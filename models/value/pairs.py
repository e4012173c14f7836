"""Which row and alternative of a proposed observation holds, together with what comes about.

Of an observation whose rates depend on assumptions, the hypotheses are pairs of a row and an
alternative. Such observations are compiled as findings that say nothing; how much each pair counts
is then the derivative of the engine's sums in what the finding would say of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine import evaluation
from storyodds.models.engine.compiler import Compiler
from storyodds.models.engine.strategy import choose_compiler
from storyodds.models.engine.strategy import compiled as compile_queries
from storyodds.models.posterior.evidence import assemble, columns
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.story.building import build_graph
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.queries import EVERYTHING, Query
from storyodds.models.value.observations import Observation, with_proposals

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Pairs:
    """A story with those of its proposed observations whose rates depend on assumptions.

    Attributes
    ----------
    prepared : PreparedStory
        The story without them.
    graph : StoryGraph
    compiler : Compiler
    first : mapping of int to slice
        By observation, where its pairs are among the likelihoods of findings.
    """

    prepared: PreparedStory
    graph: StoryGraph
    compiler: Compiler
    first: Mapping[int, slice]

    def jointly(
        self, values: Array, queries: Sequence[Query], mixtures: Array
    ) -> Mapping[int, Array]:
        """By observation, P(pair and event | evidence), (n_draws, n_events, n_pairs).

        Parameters
        ----------
        values : (n_draws, n_numbers) array
            Of the story without the observations.
        queries : sequence of Query
        mixtures : (n_draws, n_events, n_queries) array
            Events as weighted sums of queries.
        """
        program = compile_queries(self.compiler, [EVERYTHING, *queries])
        # Nothing reads the numbers of what has not been observed.
        unread = np.zeros((len(values), self.graph.n_numbers - values.shape[1]))
        tables = [*self.prepared.tables, *(None,) * len(self.graph.evidence)]
        likelihoods = assemble(self.graph, tables[: len(self.graph.evidence)])
        places = [program.column[query] for query in queries]
        seeds = np.zeros((len(values), mixtures.shape[1], len(program.queries)))
        for k, place in enumerate(places):
            seeds[:, :, place] += mixtures[:, :, k]
        evaluated = evaluation.evaluate(
            program, np.hstack([values, unread]), likelihoods, seeds, "usage"
        )
        log_evidence = evaluated.log_roots[:, program.column[EVERYTHING]]
        finite = np.where(np.isfinite(log_evidence), log_evidence, 0.0)
        joint = np.exp(evaluated.log_roots - finite[:, None])[:, places]
        events = np.einsum("dek,dk->de", mixtures, joint)
        used = evaluated.by_finding(program, likelihoods.assumptions.shape[1])
        with np.errstate(invalid="ignore"):  # nothing is used of what cannot come about
            joint = np.where(events[:, :, None] > 0, events[:, :, None] * used, 0.0)
        return {k: joint[:, :, place][..., 1::2] for k, place in self.first.items()}


def pairs_of(prepared: PreparedStory, observations: Sequence[Observation]) -> Pairs | None:
    """Compile those of some observations whose rates depend on assumptions; None for none.

    Parameters
    ----------
    prepared : PreparedStory
    observations : sequence of Observation
        Of the same story.

    Raises
    ------
    UnsupportedStoryError
        If the story is too large to sum exactly with them.
    """
    proposals = {k: o.proposal for k, o in enumerate(observations) if o.by_row}
    if not proposals:
        return None
    new = [proposal.id for proposal in proposals.values() if proposal.replicates is None]
    graph, compiler = prepared.graph, prepared.compiler
    if new:
        graph = build_graph(with_proposals(prepared.resolved, new))
        compiler = choose_compiler(graph)
    begins, first = columns(graph), {}
    place = {item.id: i for i, item in enumerate(graph.evidence)}
    for k, proposal in proposals.items():
        i = place[proposal.replicates or proposal.id]
        first[k] = slice(begins[i], begins[i] + 2 * len(graph.evidence[i].pairs))
    return Pairs(prepared, graph, compiler, first)
