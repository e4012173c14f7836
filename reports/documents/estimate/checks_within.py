"""What a check within training takes off the chance of catastrophe.

Without it training goes on where it would have halted or sent back, so that what is seen later is
less or more likely, and every draw of the numbers counts otherwise.
"""

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine.quantities import Quantities
from storyodds.models.posterior.answers import Exact
from storyodds.models.posterior.forecasts import forecasts_log_density
from storyodds.models.posterior.questions import ask
from storyodds.models.story.events import EVENTS
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.documents.estimate.view import View
from storyodds.scenarios.edits import shared_places

Array = NDArray[np.float64]

_CATASTROPHE = EVENTS.index("catastrophe")


def averted_within(view: View, index: int) -> Summary | None:
    """Summarize P(catastrophe without the check) less P(catastrophe).

    Parameters
    ----------
    view : View
    index : int
        Of the check, among those of the graph.

    Returns
    -------
    Summary or None
        None where its rates are those of other parts too, where states were simulated, and where
        the evidence is impossible without it.
    """
    prepared, check = view.assessment.prepared, view.graph.checks[index]
    if not isinstance(prepared.answers, Exact) or shared_places(prepared.resolved, [check.id]):
        return None
    ratio, without = _without(view, view.averaged, check.within)
    weights = view.averaged.weights
    total = float(weights @ ratio)
    if not total > 0:
        return None
    now = view.averaged.event("catastrophe")
    then, stated = float(weights @ (ratio * without)) / total, float(weights @ now)
    # The difference of two means, and beside it how every draw pulls at either of them.
    pulls = ratio / total * (without - then) - (now - stated)
    _, without_exactly = _without(view, view.exact, check.within)
    return view.of_draws(then - stated + pulls, without_exactly - view.exact.event("catastrophe"))


def _without(view: View, quantities: Quantities, numbers: frozenset[int]) -> tuple[Array, Array]:
    """P(E | θ) without the check over that with it, and P(catastrophe | E, θ) without it."""
    prepared = view.assessment.prepared
    values = quantities.values.copy()
    values[:, sorted(numbers)] = 0.0
    answer = ask(prepared, values)
    opinions = forecasts_log_density(prepared, quantities.values)
    ratio = np.exp(answer.log_evidence - quantities.log_evidence - opinions)
    return ratio, np.where(ratio > 0, answer.events[:, _CATASTROPHE], 0.0)
