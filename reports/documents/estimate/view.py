"""What an assessment is summarized by: its quantities, and the errors of what is taken of them."""

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.engine.quantities import Quantities
from storyodds.models.posterior.soundness import errors_of_odds
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.documents.summaries import (
    Pick,
    mean_error,
    stated,
    summarize_both,
    summarize_draws,
    summarize_quotient,
)
from storyodds.scenarios.grammar.outcomes import INTENDED

Array = NDArray[np.float64]


class View:
    """An assessment, and how its quantities are summarized."""

    def __init__(self, assessment: Assessment) -> None:
        self.assessment = assessment
        self.graph = assessment.prepared.graph
        self.averaged, self.exact = assessment.averaged, assessment.exact
        self.column = {query: k for k, query in enumerate(assessment.queries)}
        self.link = {query: k for k, query in enumerate(assessment.links)}

    def of(self, pick: Pick) -> Summary:
        """Summarize what `pick` takes from quantities."""
        return self.of_draws(pick(self.averaged), pick(self.exact))

    def prior(self, pick: Pick) -> Summary:
        """The same before the evidence."""
        return summarize_both(self.assessment.prior_averaged, self.assessment.prior, pick)

    def ratio(self, part: Pick, whole: Pick) -> Summary | None:
        """Summarize a conditional probability, over the posterior given its condition."""
        return self.of_quotient(
            (part(self.averaged), whole(self.averaged)), (part(self.exact), whole(self.exact))
        )

    def of_draws(self, averaged: Array, exact: Array) -> Summary:
        """Summarize a probability at the draws of which means, and quantiles, are taken."""
        ones = (averaged, np.ones(len(averaged))), (exact, np.ones(len(exact)))
        summary = summarize_draws(averaged, self.averaged.weights, exact, self.exact.weights)
        return stated(summary, self._errors(*ones))

    def moved(self, stated_odds: Summary, now: Array, then: Array) -> Summary:
        """Summarize a probability by what it is more than a stated one, both at draws of all
        numbers; where the two are the same at every draw, it is the stated one.

        Parameters
        ----------
        stated_odds : Summary
            With its standard errors.
        now, then : (n_draws,) array
        """
        if np.array_equal(now, then):
            return stated_odds
        ones, weights = np.ones(len(then)), self.exact.weights
        summary = summarize_draws(then, weights, then, weights)
        summary["mean"] = float(stated_odds["mean"] + weights @ (then - now))
        chains, strata = self.assessment.draws.chains, self.assessment.strata
        drawn = (then, ones, weights)
        of_change = errors_of_odds((then - now, ones, weights), drawn, chains, strata)
        errors = {**of_change, "mean": float(np.hypot(of_change["mean"], mean_error(stated_odds)))}
        return stated(summary, errors)

    def of_quotient(
        self, averaged: tuple[Array, Array], exact: tuple[Array, Array]
    ) -> Summary | None:
        """Summarize P(part | whole) from both at these draws; None where the whole cannot be."""
        summary = summarize_quotient(
            (*averaged, self.averaged.weights), (*exact, self.exact.weights)
        )
        return None if summary is None else stated(summary, self._errors(averaged, exact))

    def _errors(
        self, averaged: tuple[Array, Array], exact: tuple[Array, Array]
    ) -> dict[str, float]:
        return errors_of_odds(
            (*averaged, self.averaged.weights),
            (*exact, self.exact.weights),
            self.assessment.draws.chains,
            self.assessment.strata,
        )


def intended(q: Quantities) -> Array:
    """P(training ends as intended), (n_draws,)."""
    return q.event(INTENDED)
