"""Which inputs the variance of a function comes from: Sobol indices and Shapley effects.

Sobol indices (Saltelli et al. 2010) are SALib's; Shapley effects are those of Goda (2021). Inputs
are independent, and uniform between 0 and 1.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ints = NDArray[np.intp]
Marked = NDArray[np.bool_]
Function = Callable[[Array, Ints], Array]
"""From uniforms, (n, n_inputs), to outputs, (n, n_outputs).

The second argument, (n,), has for every row the number of one that is like it but for late inputs,
which matter to a last step alone. What comes before that step is the same for both.
"""

BASE_ROWS = 1024  # of the design for Sobol indices, a power of two
TRAJECTORIES = 1024  # of the one for Shapley effects
LEVEL = 0.9  # of the intervals
_SCREENED_ROWS = 64  # which only have to show what does not move an answer at all
_ROUNDING_SD = 1e-12  # standard deviations below it are rounding error


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
    def distinguishable(self) -> Marked:
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


def screen(
    function: Function,
    n_inputs: int,
    *,
    rows: int = _SCREENED_ROWS,
    seed: int = 1,
    late: Marked | None = None,
) -> Array:
    """Estimate roughly how much of the variance each input takes part in.

    Every input is drawn again by itself at each of some rows; half the mean squared change is the
    input's total effect (Jansen 1999), in units of variance.

    Parameters
    ----------
    function : Function
    n_inputs : int
    rows : int
    seed : int
    late : (n_inputs,) bool, optional
        By default no input is.

    Returns
    -------
    (n_outputs, n_inputs) array
        Exactly 0 for an input that changed nothing.

    Examples
    --------
    >>> screen(lambda u, like: u[:, :1] * 0 + 1, 2)
    array([[0., 0.]])
    """
    u = np.random.default_rng([seed, 5]).random((2, rows, n_inputs))
    design = np.tile(u[0], (n_inputs + 1, 1, 1))
    for k in range(n_inputs):
        design[k + 1, :, k] = u[1, :, k]
    like = np.arange(len(design) * rows).reshape(-1, rows)
    if late is not None:
        like[1:][late] = like[0]
    answers = function(design.reshape(-1, n_inputs), like.ravel()).reshape(n_inputs + 1, rows, -1)
    return np.asarray(0.5 * ((answers[1:] - answers[0]) ** 2).mean(axis=1).T)


def variance_indices(
    function: Function,
    n_inputs: int,
    *,
    base_rows: int = BASE_ROWS,
    trajectories: int = TRAJECTORIES,
    seed: int = 1,
    late: Marked | None = None,
) -> Indices:
    """Estimate Sobol indices and Shapley effects of a function of independent inputs.

    Parameters
    ----------
    function : Function
    n_inputs : int
    base_rows : int
        A power of two.
    trajectories : int
    seed : int
    late : (n_inputs,) bool, optional
        By default no input is.

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

    >>> indices = variance_indices(lambda u, like: u @ [[1.0], [2.0]], 2)
    >>> indices.first.value.round(1), indices.shapley.value.round(1)
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
    # Row after row: a point, the same with one input from another point, and that other point.
    design = sobol_design.sample(problem, base_rows, calc_second_order=False, seed=rng[0])
    paths, changed = _paths(n_inputs, trajectories, rng[1])
    n, points = len(design), np.concatenate([design, paths])
    like = np.arange(len(points))
    if late is not None:
        of_design, of_paths = like[:n].reshape(base_rows, -1), like[n:].reshape(trajectories, -1)
        of_design[:, 1:-1][:, late] = of_design[:, :1]
        of_paths[:, 1:][late[changed]] = 0
        np.maximum.accumulate(of_paths, axis=1, out=of_paths)
    answers = function(points, like)
    sd = np.asarray(answers[:n].std(axis=0))
    tables = np.full((7, answers.shape[1], n_inputs), np.nan)
    for k in np.flatnonzero(sd > _ROUNDING_SD):
        sobol = _sobol(problem, answers[:n, k], rng[2])
        tables[:, k] = [*sobol, *_shapley(changed, answers[n:, k])]
    first, first_error, total, total_error, additive_error, even, even_error = tables
    return Indices(
        first=Share(first, first_error),
        total=Share(total, total_error),
        shapley=Share(even, even_error),
        additive=first.sum(axis=1),
        additive_error=additive_error[:, 0],
        sd=sd,
        evaluations=len(answers),
    )


def _sobol(problem: dict[str, object], outputs: Array, rng: np.random.Generator) -> list[Array]:
    """First and total indices with errors, and the error of the sum of the first ones."""
    from SALib.analyze import sobol
    from scipy.special import ndtri

    indices = sobol.analyze(
        problem,
        outputs,
        calc_second_order=False,
        conf_level=LEVEL,
        keep_resamples=True,
        seed=rng,
    )
    # The same resamples serve all inputs, so that they can be added up.
    spread = indices["S1_conf_all"].sum(axis=1).std(ddof=1) * ndtri(0.5 + LEVEL / 2)
    of_sum = np.full(len(indices["S1"]), spread)
    return [indices["S1"], indices["S1_conf"], indices["ST"], indices["ST_conf"], of_sum]


def _paths(n_inputs: int, trajectories: int, rng: np.random.Generator) -> tuple[Array, Ints]:
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


def _shapley(changed: Ints, outputs: Array) -> list[Array]:
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
