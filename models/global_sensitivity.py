"""Global sensitivity: which uncertain numbers the spread of an answer comes from.

Variance-based indices (Sobol; Saltelli et al. 2010; by SALib) and Shapley effects (Goda 2021) of
P(event | E, θ) as a function of θ. Every number is drawn from its own posterior, but as if it were
independent of the others, which the indices need: what the evidence makes of two numbers together
is not represented, and the record says how far the spread is off for it.

The numbers that belong to one evidence item alone are averaged over, as everywhere in exact sums.
Drawn by themselves, apart from the counts that they explain, they would make evidence speak that
nobody has seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment import Assessment
from storyodds.models.what_if import columns_of, events_of

Array = NDArray[np.float64]
Function = Callable[[Array], Array]

ASKED = ("success", "catastrophe")
OTHERS = "all others together"
KEPT = 12  # numbers with indices of their own
BASE_ROWS = 1024  # of the design for Sobol indices, a power of two
TRAJECTORIES = 1024  # of the one for Shapley effects
LEVEL = 0.9  # of the intervals
_SCREENED_ROWS = 64
_STILL = 1e-12  # standard deviations below it are rounding error


@dataclass(frozen=True)
class Share:
    """What part of a variance an estimate ascribes to each input.

    Attributes
    ----------
    value, error : (n_outputs, n_inputs) array
        NaN where the output does not vary; `error` is half of a 90 percent interval.
    """

    value: Array
    error: Array

    @property
    def distinguishable(self) -> NDArray[np.bool_]:
        """Whether the interval leaves 0 out; a share that is estimated below 0 is none."""
        return np.asarray(self.value > self.error)


@dataclass(frozen=True)
class Indices:
    """Variance-based indices of a function of independent inputs.

    Attributes
    ----------
    first : Share
        Of the variance, by the input alone: what knowing it would take away on average.
    total : Share
        By the input with all its interactions: what would be left if only it were not known.
    shapley : Share
        Interactions divided evenly among those that take part in them; adds up to 1.
    additive, additive_error : (n_outputs,) array
        Sum of the first-order indices: the rest of 1 are interactions.
    sd : (n_outputs,) array
        Standard deviation of the outputs.
    evaluations : int
    """

    first: Share
    total: Share
    shapley: Share
    additive: Array
    additive_error: Array
    sd: Array
    evaluations: int


@dataclass(frozen=True)
class GlobalSensitivity:
    """Indices of events in the uncertain numbers of a story.

    Attributes
    ----------
    events : tuple of str
    names : tuple of str
        Numbers with indices of their own and, where there are more, `OTHERS` as the last.
    n_others : int
        How many numbers that last input stands for.
    idle : tuple of str
        Numbers that move none of the events.
    indices : Indices or None
        By event and name; None where no number moves any of them.
    posterior_sd : (n_events,) array
        Of P(event | E, θ) over the posterior as it is, dependence and all.
    """

    events: tuple[str, ...]
    names: tuple[str, ...]
    n_others: int
    idle: tuple[str, ...]
    indices: Indices | None
    posterior_sd: Array


def global_sensitivity(
    assessment: Assessment,
    of: Sequence[str] = ASKED,
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
        Classes and fates, by `what_if.EVENTS`.
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
        If an event is not known.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> found = global_sensitivity(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> found.names, found.indices  # all its numbers are fixed
    ((), None)
    """
    columns = columns_of(of)
    prepared = assessment.prepared
    compiler, draws = prepared.compiler, assessment.draws  # the first refuses simulated stories
    at_posterior = events_of(compiler.graph, draws.values, assessment.averaged.outcomes)[:, columns]
    means = draws.weights @ at_posterior
    posterior_sd = np.sqrt(draws.weights @ (at_posterior - means) ** 2)
    said = prepared.likelihoods

    def answers(values: Array) -> Array:
        found = prepared.answers.evaluate(values, said)
        events = events_of(prepared.graph, values, found.outcomes)[:, columns]
        # Numbers that cannot go together with the evidence say nothing about the event.
        return np.where(np.isfinite(found.log_evidence)[:, None], events, means)

    name_of = [number.name for number in prepared.resolved.numbers]
    core = prepared.core
    one_by_one = marginals(draws.values, draws.weights, [(i,) for i in core])
    reach = np.zeros((len(of), 0))
    if core:
        reach = screen(lambda u: answers(one_by_one(u)), len(core), seed=assessment.seed)
    most = reach.max(axis=1, initial=0.0)
    share = reach / np.where(most > 0, most, 1.0)[:, None]
    order = np.argsort(-share.max(axis=0, initial=0.0), kind="stable")
    moving = [core[k] for k in order if share[:, k].any()]
    cut = len(moving) if len(moving) <= kept + 1 else kept  # no group of a single number
    blocks = [(i,) for i in moving[:cut]] + ([tuple(moving[cut:])] if moving[cut:] else [])
    names = [name_of[i] for i in moving[:cut]] + ([OTHERS] if moving[cut:] else [])
    indices = None
    if moving:
        drawn = marginals(draws.values, draws.weights, blocks)
        indices = variance_indices(
            lambda u: answers(drawn(u)),
            len(blocks),
            base_rows=base_rows,
            trajectories=trajectories,
            seed=assessment.seed,
        )
    return GlobalSensitivity(
        events=tuple(of),
        names=tuple(names),
        n_others=len(moving) - cut,
        idle=tuple(name_of[i] for i in core if i not in moving),
        indices=indices,
        posterior_sd=posterior_sd,
    )


def marginals(values: Array, weights: Array, blocks: Sequence[tuple[int, ...]]) -> Function:
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

    def numbers(u: Array) -> Array:
        out = np.tile(values[0], (len(u), 1))
        for k, block in enumerate(blocks):
            place = np.searchsorted(edges[k], u[:, k]).clip(max=len(values) - 1)
            out[:, block] = values[np.ix_(orders[k][place], block)]
        return out

    return numbers


def screen(
    function: Function, n_inputs: int, *, rows: int = _SCREENED_ROWS, seed: int = 1
) -> Array:
    """Estimate roughly how much of the variance each input takes part in.

    Every input is drawn again by itself at each of some rows; half the mean squared change is the
    input's total effect (Jansen 1999), in units of variance.

    Parameters
    ----------
    function : callable
        From uniforms, (n, n_inputs), to outputs, (n, n_outputs).
    n_inputs : int
    rows : int
    seed : int

    Returns
    -------
    (n_outputs, n_inputs) array
        Exactly 0 for an input that changed nothing.

    Examples
    --------
    >>> screen(lambda u: u[:, :1] * 0 + 1, 2)
    array([[0., 0.]])
    """
    u = np.random.default_rng([seed, 5]).random((2, rows, n_inputs))
    design = np.tile(u[0], (n_inputs + 1, 1, 1))
    for k in range(n_inputs):
        design[k + 1, :, k] = u[1, :, k]
    found = function(design.reshape(-1, n_inputs)).reshape(n_inputs + 1, rows, -1)
    return np.asarray(0.5 * ((found[1:] - found[0]) ** 2).mean(axis=1).T)


def variance_indices(
    function: Function,
    n_inputs: int,
    *,
    base_rows: int = BASE_ROWS,
    trajectories: int = TRAJECTORIES,
    seed: int = 1,
) -> Indices:
    """Estimate Sobol indices and Shapley effects of a function of independent inputs.

    Parameters
    ----------
    function : callable
        From uniforms, (n, n_inputs), to outputs, (n, n_outputs).
    n_inputs : int
    base_rows : int
        A power of two.
    trajectories : int
    seed : int

    Returns
    -------
    Indices

    References
    ----------
    A. Saltelli, P. Annoni, I. Azzini, F. Campolongo, M. Ratto and S. Tarantola (2010), "Variance
    based sensitivity analysis of model output", Computer Physics Communications 181(2), 259-270.

    T. Goda (2021), "A simple algorithm for global sensitivity analysis with Shapley effects",
    Reliability Engineering & System Safety 213, 107702.

    Examples
    --------
    Of x + 2 y, x takes a fifth of the variance and y the rest.

    >>> found = variance_indices(lambda u: u @ [[1.0], [2.0]], 2)
    >>> found.first.value.round(1), found.shapley.value.round(1)
    (array([[0.2, 0.8]]), array([[0.2, 0.8]]))
    """
    # This brings pandas, and only this question needs it.
    from SALib.sample import sobol as sobol_design

    problem = {
        "num_vars": n_inputs,
        "names": [str(k) for k in range(n_inputs)],
        "bounds": [[0.0, 1.0]] * n_inputs,
    }
    # Generators, since SALib takes the seed 0 for none.
    rng = [np.random.default_rng([seed, 6 + k]) for k in range(3)]
    design = sobol_design.sample(problem, base_rows, calc_second_order=False, seed=rng[0])
    paths, changed = _paths(n_inputs, trajectories, rng[1])
    found = function(np.concatenate([design, paths]))
    sd = np.asarray(found[: len(design)].std(axis=0))
    tables = np.full((7, found.shape[1], n_inputs), np.nan)
    for k in np.flatnonzero(sd > _STILL):
        sobol = _sobol(problem, found[: len(design), k], rng[2])
        tables[:, k] = [*sobol, *_shapley(changed, found[len(design) :, k])]
    first, first_error, total, total_error, additive_error, even, even_error = tables
    return Indices(
        first=Share(first, first_error),
        total=Share(total, total_error),
        shapley=Share(even, even_error),
        additive=first.sum(axis=1),
        additive_error=additive_error[:, 0],
        sd=sd,
        evaluations=len(found),
    )


def _sobol(problem: dict[str, object], outputs: Array, rng: np.random.Generator) -> list[Array]:
    """First and total indices with errors, and the error of the sum of the first ones."""
    from SALib.analyze import sobol
    from scipy.special import ndtri

    found = sobol.analyze(
        problem,
        outputs,
        calc_second_order=False,
        conf_level=LEVEL,
        keep_resamples=True,
        seed=rng,
    )
    # The same resamples serve all inputs, so that they can be added up.
    spread = found["S1_conf_all"].sum(axis=1).std(ddof=1) * ndtri(0.5 + LEVEL / 2)
    of_sum = np.full(len(found["S1"]), spread)
    return [found["S1"], found["S1_conf"], found["ST"], found["ST_conf"], of_sum]


def _paths(
    n_inputs: int, trajectories: int, rng: np.random.Generator
) -> tuple[Array, NDArray[np.intp]]:
    """Ways from one point to another that change an input at a time, in random orders.

    SALib has them too, but brings matplotlib along.

    Returns
    -------
    tuple
        Points, (trajectories * (n_inputs + 1), n_inputs), way after way; and which input each
        step changes, (trajectories, n_inputs).
    """
    first, second = rng.random((2, trajectories, n_inputs))
    changed = np.argsort(rng.random((trajectories, n_inputs)), axis=1)
    step = np.argsort(changed, axis=1)[:, None]  # at which each input is changed
    done = step < np.arange(n_inputs + 1)[:, None]
    points = np.where(done, second[:, None], first[:, None])
    return points.reshape(-1, n_inputs), changed


def _shapley(changed: NDArray[np.intp], outputs: Array) -> list[Array]:
    """Shapley effects as shares of the variance, with errors, each (n_inputs,)."""
    from scipy.special import ndtri

    n, n_inputs = changed.shape
    along = outputs.reshape(n, n_inputs + 1)
    before, after = along[:, :-1], along[:, 1:]
    parts = np.empty((n, n_inputs))  # of the variance, as each way has them
    np.put_along_axis(parts, changed, (along[:, :1] - (before + after) / 2) * (before - after), 1)
    total = parts.sum(axis=1)
    if not total.any():  # none of the ways met what moves the output
        return [np.full(n_inputs, np.nan)] * 2
    share = parts.mean(axis=0) / total.mean()
    # A ratio of two means of the same ways: its error by the delta method.
    off = (parts - share * total[:, None]) / total.mean()
    error = ndtri(0.5 + LEVEL / 2) * off.std(axis=0, ddof=1) / np.sqrt(n)
    return [share, error]
