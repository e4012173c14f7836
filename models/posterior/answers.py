"""Who answers questions about the discrete part of a story: exact sums, or simulated states."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine import evaluation, quantities
from storyodds.models.engine.compiler import Compiler
from storyodds.models.engine.program import Program
from storyodds.models.engine.quantities import Jointly, Quantities
from storyodds.models.engine.state_draws import Uses, draw_uses
from storyodds.models.engine.strategy import choose_compiler
from storyodds.models.story.likelihoods import LogLikelihoods
from storyodds.models.story.queries import Query
from storyodds.priors.text.errors import UnsupportedStoryError

if TYPE_CHECKING:
    from storyodds.models.posterior.draws import Draws

Array = NDArray[np.float64]


class Answers(Protocol):
    """Answers at given draws of the numbers."""

    def evaluate(
        self,
        values: Array,
        likelihoods: LogLikelihoods,
        queries: Sequence[Query] = (),
        weights: Array | None = None,
        *,
        hazards: bool = True,
    ) -> Quantities:
        """Return everything a report speaks of, as `quantities.evaluate`."""

    def outcomes(
        self, values: Array, likelihoods: LogLikelihoods, queries: Sequence[Query]
    ) -> tuple[Array, Array, Array]:
        """Of `evaluate`, only log P(evidence | numbers), the outcomes and the queries."""

    def jointly(
        self, values: Array, likelihoods: LogLikelihoods, queries: Sequence[Query]
    ) -> Jointly:
        """Return events together with every assumption, as `quantities.jointly`."""

    def log_evidence(self, values: Array, likelihoods: LogLikelihoods) -> Array:
        """Log P(evidence | numbers) but for forecasts, (n_draws,), in nats."""

    def uses(
        self, values: Array, likelihoods: LogLikelihoods, rng: np.random.Generator, n: int
    ) -> Uses:
        """Draw n states given the evidence, as `state_draws.draw_uses`."""

    def reaches(self, queries: Sequence[Query]) -> bool:
        """Whether `evaluate` can answer queries within the memory there is."""

    def take(self, rows: NDArray[np.intp]) -> "Answers":
        """Answer for some of the draws only."""

    def anew(self, max_memory: int) -> "Answers":
        """Drop earlier answers, and the memory that they took."""

    def checked(
        self, draws: "Draws", prior: Quantities, averaged: Quantities, exact: Quantities
    ) -> "Draws":
        """Add to the draws what these answers add to their error.

        Parameters
        ----------
        draws : Draws
        prior : Quantities
            What means before the evidence are taken of.
        averaged, exact : Quantities
            What means, and intervals, given the evidence are taken of.
        """


@dataclass(frozen=True)
class Exact:
    """The discrete part summed out exactly.

    Attributes
    ----------
    compiler : Compiler
        For whole answers.
    likelihood : Program
        For P(evidence) alone.
    """

    compiler: Compiler
    likelihood: Program

    def evaluate(
        self,
        values: Array,
        likelihoods: LogLikelihoods,
        queries: Sequence[Query] = (),
        weights: Array | None = None,
        *,
        hazards: bool = True,
    ) -> Quantities:
        """Run the engine over all draws."""
        return quantities.evaluate(
            self.compiler, values, likelihoods, queries, weights, hazards=hazards
        )

    def outcomes(
        self, values: Array, likelihoods: LogLikelihoods, queries: Sequence[Query]
    ) -> tuple[Array, Array, Array]:
        """Run the engine forward only, which gives no assumption."""
        return quantities.outcomes(self.compiler, values, likelihoods, queries)

    def jointly(
        self,
        values: Array,
        likelihoods: LogLikelihoods,
        queries: Sequence[Query],
        mixtures: Array | None = None,
    ) -> Jointly:
        """Run the engine for events together with every assumption."""
        return quantities.jointly(self.compiler, values, likelihoods, queries, mixtures)

    def log_evidence(self, values: Array, likelihoods: LogLikelihoods) -> Array:
        """Run the engine for the evidence alone."""
        return evaluation.evaluate(self.likelihood, values, likelihoods).log_roots[:, 0]

    def uses(
        self, values: Array, likelihoods: LogLikelihoods, rng: np.random.Generator, n: int
    ) -> Uses:
        """Walk the circuit of the evidence alone."""
        return draw_uses(self.likelihood, values, likelihoods, rng, n)

    def reaches(self, queries: Sequence[Query]) -> bool:
        """Compile them, and see."""
        try:
            quantities.compile_quantities(self.compiler, queries)
        except UnsupportedStoryError:
            return False
        return True

    def take(self, rows: NDArray[np.intp]) -> "Exact":
        """Answer as ever: nothing depends on which draws these are."""
        return self

    def anew(self, max_memory: int) -> "Exact":
        """Compile once more."""
        return replace(self, compiler=choose_compiler(self.compiler.graph, max_memory=max_memory))

    def checked(
        self, draws: "Draws", prior: Quantities, averaged: Quantities, exact: Quantities
    ) -> "Draws":
        """Return the draws back: exact sums add no error."""
        return draws
