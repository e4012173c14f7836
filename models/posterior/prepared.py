"""The posterior over a story's numbers, whichever road leads to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine.compiler import Compiler
from storyodds.models.engine.program import Program, program
from storyodds.models.engine.strategy import MAX_MEMORY, choose_compiler, large_forest
from storyodds.models.posterior.answers import Answers, Exact
from storyodds.models.posterior.evidence import (
    assemble,
    collapsed_table,
    collapsed_tables,
    forecast_log_density_at,
)
from storyodds.models.posterior.independent_answers import Independent, is_independent
from storyodds.models.posterior.shared_rates import Shared, Table, with_shared
from storyodds.models.story.building import build_graph
from storyodds.models.story.correlated_numbers import Block, blocks_of, draw_correlated
from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.models.story.queries import EVERYTHING
from storyodds.priors.distributions.families import Distribution, Point, rate_like
from storyodds.priors.text.errors import Problem, UnsupportedStoryError
from storyodds.scenarios.resolve import ResolvedStory

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PreparedStory:
    """A resolved story made ready to compute: everything but draws.

    Attributes
    ----------
    resolved : ResolvedStory
    graph : StoryGraph
    answers : Answers
        What answers about the discrete part.
    tables : sequence of array, Shared or None
        What each evidence item says, its own numbers integrated out.
    distributions : tuple of Distribution
    own : frozenset of int
        Numbers that belong to one evidence item alone.
    shared : frozenset of int
        Numbers that stand in several places of the story, or go together with others.
    """

    resolved: ResolvedStory
    graph: StoryGraph
    answers: Answers
    tables: Sequence[Table]
    distributions: tuple[Distribution, ...]
    own: frozenset[int]
    shared: frozenset[int]

    @property
    def compiler(self) -> Compiler:
        """For whole answers, exactly; an error where states are simulated."""
        return self.sums.compiler

    @property
    def likelihood(self) -> Program:
        """For P(evidence) alone, exactly; an error where states are simulated."""
        return self.sums.likelihood

    @property
    def sums(self) -> Exact | Independent:
        """What answers by exact sums; an error where states are simulated."""
        if isinstance(self.answers, Exact | Independent):
            return self.answers
        raise UnsupportedStoryError(
            [
                Problem(
                    "method: found 'simulation', of which this cannot be worked out; expected a "
                    "method that sums exactly, as 'auto' does"
                )
            ]
        )

    @property
    def uncertain(self) -> tuple[int, ...]:
        """Numbers that are not fixed."""
        return tuple(i for i, d in enumerate(self.distributions) if not isinstance(d, Point))

    @property
    def core(self) -> tuple[int, ...]:
        """Uncertain numbers of the story: all but those that say how to read one finding."""
        return tuple(i for i in self.uncertain if i not in self.own)

    @cached_property
    def sampled(self) -> tuple[int, ...]:
        """The core numbers in which P(event, evidence) is not linear, which have to be sampled.

        Bits; what stands in several places, or is used several times in one run; what goes together
        with others; what decides the prior probability that a forecast is compared with; the
        chances of hazards on which a check's known result bears, as a second run (that the goal
        criteria are about) has them a second time; and flag rates of checks that fail together, of
        which the largest counts.
        """
        graph = self.graph
        nonlinear = {i for i, n in enumerate(self.resolved.numbers) if n.kind == "bits"}
        nonlinear |= self.shared | graph.repeated
        for i in graph.forecasts:
            nonlinear |= graph.numbers_behind(graph.evidence[i])
        if graph.hazards_are_evidence:
            nonlinear.update(*(hazard.probability.numbers for hazard in graph.hazards))
        nonlinear |= graph.numbers_of_common_causes
        return tuple(i for i in self.core if i in nonlinear)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The uncertain numbers that go together."""
        return blocks_of(self.resolved, self.distributions)

    @cached_property
    def correlated(self) -> frozenset[int]:
        """All of the numbers that go together with others."""
        return frozenset(number for block in self.blocks for number in block.numbers)

    @cached_property
    def integrated(self) -> tuple[int, ...]:
        """The core numbers in which P(event, evidence) is linear, and that one state uses once."""
        sampled = set(self.sampled)
        return tuple(i for i in self.core if i not in sampled)

    @cached_property
    def active(self) -> tuple[int, ...]:
        """The sampled numbers on which P(evidence) can depend, and what goes together with them."""
        if isinstance(self.answers, Exact | Independent):
            if not self.has_evidence:
                return ()
            forecasts = [self.graph.evidence[i] for i in self.graph.forecasts]
            bearing = self.likelihood.bearing.union(*map(self.graph.numbers_behind, forecasts))
            bearing = bearing.union(*(t.numbers for t in self.tables if isinstance(t, Shared)))
        else:  # states are simulated, not compiled
            bearing = self.graph.numbers_of_training
        beside = (b.numbers for b in self.blocks if not bearing.isdisjoint(b.numbers))
        bearing = bearing.union(*beside)
        return tuple(i for i in self.sampled if i in bearing)

    @property
    def has_evidence(self) -> bool:
        """Whether there is anything to learn the numbers from."""
        results = any(check.result is not None for check in self.graph.checks)
        return results or bool(self.graph.evidence)

    @cached_property
    def center(self) -> Array:
        """Every number at one value, (n_numbers,): what is integrated at its mean, the rest
        at its median."""
        center = np.array([float(d.quantile(np.array(0.5))) for d in self.distributions])
        for i in self.integrated:
            center[i] = rate_like(self.distributions[i]).mean()
        return center

    def tables_of(self, distributions: Sequence[Distribution]) -> Sequence[Table]:
        """What each evidence item says where the story's numbers have other priors."""
        return _tables(self.graph, distributions, self.shared)

    def table_of(self, item: int, distributions: Sequence[Distribution]) -> Array | Shared:
        """What one evidence item, which is no forecast, says there."""
        evidence = self.graph.evidence[item]
        table = collapsed_table(evidence, distributions)
        shared = with_shared(evidence, distributions, self.shared, table)
        assert shared is not None
        return shared

    @property
    def likelihoods(self) -> LogLikelihoods:
        """The evidence with its own numbers integrated out."""
        return assemble(self.graph, self.tables)


def prepare(
    resolved: ResolvedStory,
    *,
    max_memory: int = MAX_MEMORY,
    answers: Callable[[StoryGraph], Answers] | None = None,
    like: PreparedStory | None = None,
) -> PreparedStory:
    """Build graph, plans and evidence tables of a resolved story.

    Parameters
    ----------
    resolved : ResolvedStory
    max_memory : int
        Bytes that compiling the exact sums may take.
    answers : callable, optional
        Makes what answers instead of exact sums; nothing is compiled then.
    like : PreparedStory, optional
        Another story, of which only the priors may differ: what was compiled for it serves again.

    Raises
    ------
    UnsupportedStoryError
        If the story is too large to sum exactly.
    """
    graph = build_graph(resolved)
    answering: Answers
    if answers is not None:
        answering = answers(graph)
    elif like is not None and graph == like.graph:
        answering = like.answers
    else:
        answering = _summed(graph, max_memory)
    distributions = tuple(number.distribution for number in resolved.numbers)
    own = {number for item in graph.evidence for number in item.reading}
    shared = shared_numbers(resolved)
    return PreparedStory(
        resolved=resolved,
        graph=graph,
        answers=answering,
        tables=_tables(graph, distributions, shared),
        distributions=distributions,
        own=frozenset(own) - shared,
        shared=shared,
    )


def shared_numbers(resolved: ResolvedStory) -> frozenset[int]:
    """Number the numbers that stand in several places of what is computed, or that go together.

    A proposed observation is no such place as long as it is no evidence.

    Parameters
    ----------
    resolved : ResolvedStory
    """
    findings = {item.id for item in resolved.story.evidence}
    proposed = {proposal.id for proposal in resolved.proposals} - findings
    several = (
        i
        for i, number in enumerate(resolved.numbers)
        if sum(place.split(".")[0] not in proposed for place in number.places) > 1
    )
    return frozenset(several).union(*(block.numbers for block in blocks_of(resolved)))


def _tables(
    graph: StoryGraph, distributions: Sequence[Distribution], shared: frozenset[int]
) -> list[Table]:
    tables = collapsed_tables(graph, distributions)
    return [
        with_shared(item, distributions, shared, table)
        for item, table in zip(graph.evidence, tables, strict=True)
    ]


def _summed(graph: StoryGraph, max_memory: int) -> Exact | Independent:
    if is_independent(graph):
        forest = large_forest(graph, max_memory)
        if forest is not None:
            return Independent(graph, forest, max_memory)
    if graph.steps:
        whole = choose_compiler(graph, max_memory=max_memory)
        if whole.layout.all_bear():  # what bears on the evidence alone would be the same again
            return Exact(compiler=whole, likelihood=program(whole, [EVERYTHING]))
    bearing = choose_compiler(graph, evidence_only=True, max_memory=max_memory)
    return Exact(
        compiler=choose_compiler(graph, max_memory=max_memory),
        likelihood=program(bearing, [EVERYTHING]),
    )


def from_uniforms(prepared: PreparedStory, numbers: Sequence[int], u: Array) -> Array:
    """Fill in every number: those named from uniform draws, the others at a fixed value.

    Parameters
    ----------
    numbers : sequence of int
        Those that the columns of u stand for.
    u : (n_draws, len(numbers)) array

    Returns
    -------
    (n_draws, n_numbers) array
        Numbers neither named nor fixed stand at their `center`.
    """
    values = np.tile(prepared.center, (len(u), 1))
    together = draw_correlated(prepared.blocks, prepared.distributions, numbers, u)
    for column, i in enumerate(numbers):
        apart = i not in together
        values[:, i] = prepared.distributions[i].quantile(u[:, column]) if apart else together[i]
    return values


def log_likelihood_bound(prepared: PreparedStory) -> float:
    """The most that log P(evidence | numbers) could be, in nats.

    What every item's best-fitting hypothesis gives it; a forecast, that it hits the prior's odds.
    """
    bound = sum(
        table.bound if isinstance(table, Shared) else float(table.max())
        for table in prepared.tables
        if table is not None
    )
    for i in prepared.graph.forecasts:
        item = prepared.graph.evidence[i]
        log_odds = np.log(item.forecast) - np.log1p(-item.forecast)
        bound += float(forecast_log_density_at(item, np.array(log_odds)))
    return bound
