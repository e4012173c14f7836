"""Global sensitivity: which uncertain numbers the spread of an answer comes from.

Variance-based indices (Sobol; Saltelli et al. 2010; by SALib) and Shapley effects (Goda 2021) of
P(event | E, θ) as a function of θ. Every number is drawn from its own posterior, but as if it were
independent of the others, which the indices need: what the evidence makes of two numbers together
is not represented, and the record says how far the spread is off for it. Numbers that the story
correlates are one input, drawn together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.what_if import columns_of, numbers_of_training
from storyodds.models.posterior.questions import ask
from storyodds.models.sensitivity.variance_indices import (
    BASE_ROWS,
    TRAJECTORIES,
    Indices,
    Ints,
    Marked,
    screen,
    variance_indices,
)
from storyodds.models.story.correlated_numbers import unit_name, units_of
from storyodds.models.story.events import EVENTS, Event, probabilities

Array = NDArray[np.float64]

ASKED: tuple[Event, ...] = ("success", "catastrophe")
OTHERS = "all others together"
KEPT = 12  # numbers with indices of their own


@dataclass(frozen=True)
class GlobalSensitivity:
    """Indices of events in the uncertain numbers of a story.

    Attributes
    ----------
    events : tuple of str
    names : tuple of str
        Numbers with indices of their own and, where there are more, `OTHERS` as the last. Numbers
        that go together have one name, ` + ` between theirs.
    n_others : int
        How many numbers that last input stands for.
    idle : tuple of str
        Numbers that move none of the events.
    indices : Indices or None
        By event and name; None where no number moves any of them.
    posterior_sd : (n_events,) array
        Of P(event | E, θ) over the posterior as it is, dependence and all.
    """

    events: tuple[Event, ...]
    names: tuple[str, ...]
    n_others: int
    idle: tuple[str, ...]
    indices: Indices | None
    posterior_sd: Array


def global_sensitivity(
    assessment: Assessment,
    of: Sequence[Event] = ASKED,
    *,
    kept: int = KEPT,
    base_rows: int = BASE_ROWS,
    trajectories: int = TRAJECTORIES,
) -> GlobalSensitivity:
    """Divide the variance of events among the uncertain numbers of a story.

    All numbers are screened first; those that matter most get indices of their own, the others
    are drawn together, as one input.

    Parameters
    ----------
    assessment : Assessment
        Computed exactly, not simulated.
    of : sequence of str
        Classes and fates, by `events.EVENTS`.
    kept : int
        How many numbers get indices of their own.
    base_rows : int
        A power of two. Takes `base_rows` times the number of inputs and 2 evaluations.
    trajectories : int
        For Shapley effects, each of as many evaluations as there are inputs and 1.

    Returns
    -------
    GlobalSensitivity

    Raises
    ------
    UnsupportedStoryError
        If the story was simulated.
    ValueError
        If an event has another name.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> spread = global_sensitivity(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> spread.names, spread.indices  # all its numbers are fixed
    ((), None)
    """
    columns = columns_of(of)
    prepared = assessment.prepared
    graph, draws = prepared.compiler.graph, assessment.exact  # the first refuses simulations
    at_posterior = draws.events[:, columns]
    means = draws.mean(at_posterior)
    posterior_sd = np.sqrt(draws.mean((at_posterior - means) ** 2))
    events_of = [EVENTS[e] for e in columns]

    def answers(values: Array, like: Ints) -> Array:
        rows, place = np.unique(like, return_inverse=True)
        answer = ask(prepared, values[rows])
        events = probabilities(graph, values, answer.outcomes[place], events_of)
        # Numbers that cannot go together with the evidence say nothing about the event.
        return np.where(np.isfinite(answer.log_findings[place])[:, None], events, means)

    training = numbers_of_training(prepared)

    def late(blocks: Sequence[tuple[int, ...]]) -> Marked:
        return np.array([training.isdisjoint(block) for block in blocks], dtype=bool)

    name_of = [number.name for number in prepared.resolved.numbers]
    units = units_of(prepared.blocks, prepared.core)
    one_by_one = marginals(draws.values, draws.weights, units)
    reach = np.zeros((len(of), 0))
    if units:
        reach = screen(
            lambda u, like: answers(one_by_one(u), like),
            len(units),
            seed=assessment.seed,
            late=late(units),
        )
    most = reach.max(axis=1, initial=0.0)
    share = reach / np.where(most > 0, most, 1.0)[:, None]
    order = np.argsort(-share.max(axis=0, initial=0.0), kind="stable")
    moving = [units[k] for k in order if share[:, k].any()]
    cut = len(moving) if len(moving) <= kept + 1 else kept  # no group of a single number
    rest = tuple(i for unit in moving[cut:] for i in unit)
    blocks = moving[:cut] + ([rest] if rest else [])
    names = [unit_name([name_of[i] for i in unit]) for unit in moving[:cut]]
    names += [OTHERS] if rest else []
    indices = None
    if moving:
        drawn = marginals(draws.values, draws.weights, blocks)
        indices = variance_indices(
            lambda u, like: answers(drawn(u), like),
            len(blocks),
            base_rows=base_rows,
            trajectories=trajectories,
            seed=assessment.seed,
            late=late(blocks),
        )
    return GlobalSensitivity(
        events=tuple(of),
        names=tuple(names),
        n_others=len(rest),
        idle=tuple(name_of[i] for unit in units if unit not in moving for i in unit),
        indices=indices,
        posterior_sd=posterior_sd,
    )


def marginals(
    values: Array, weights: Array, blocks: Sequence[tuple[int, ...]]
) -> Callable[[Array], Array]:
    """Draw blocks of numbers from their own posteriors, each block independent of the others.

    Parameters
    ----------
    values : (n_draws, n_numbers) array
        Numbers in no block stay as in the first draw.
    weights : (n_draws,) array
    blocks : sequence of tuple of int
        A number alone is drawn by its quantiles, several together by whole draws.

    Returns
    -------
    callable
        From uniforms, (n, n_blocks), to numbers, (n, n_numbers).

    Examples
    --------
    >>> values = np.array([[0.3, 5.0, 7.0], [0.1, 6.0, 8.0]])
    >>> draw = marginals(values, np.array([0.5, 0.5]), [(0,), (1, 2)])
    >>> draw(np.array([[0.2, 0.9], [0.7, 0.1]]))
    array([[0.1, 6. , 8. ],
           [0.3, 5. , 7. ]])
    """
    orders = [
        np.argsort(values[:, block[0]], kind="stable")
        if len(block) == 1
        else np.arange(len(values))
        for block in blocks
    ]
    edges = [np.cumsum(weights[order]) / weights.sum() for order in orders]
    drawn = [values[np.ix_(order, block)] for order, block in zip(orders, blocks, strict=True)]

    def numbers(u: Array) -> Array:
        out = np.tile(values[0], (len(u), 1))
        for k, block in enumerate(blocks):
            place = np.searchsorted(edges[k], u[:, k]).clip(max=len(values) - 1)
            out[:, block] = drawn[k][place]
        return out

    return numbers
