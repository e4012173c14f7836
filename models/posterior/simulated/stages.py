"""Where stages of training end, in simulated states.

The states of a stage are decided by the same formulas, of which there are many: which race is run
is worked out once for all of them.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from storyodds.models.posterior.simulated.uses import holds
from storyodds.models.story.derived import DerivedLayout
from storyodds.models.story.graph import Variable
from storyodds.scenarios.grammar.formulas import Formula

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]

# By kind of run: when it begins, and what decides which race it is.
Conditions = tuple[tuple[Formula | None, tuple[Formula | None, ...]], ...]


def share_of_state(variable: Variable, values: Array, race: Callable[[Conditions], Ints]) -> Array:
    """The chance of one way for a stage to end, among all of them.

    Parameters
    ----------
    variable : Variable
    values : (n_draws, n_numbers) array
    race : callable
        Gives `race_that_holds`, once for all that ask for the same.

    Returns
    -------
    (n_draws, n_states) array
        Or of one column, where nothing but the numbers decides.
    """
    layout = DerivedLayout(list(dict.fromkeys(variable.shares)))
    place = {share: values.shape[1] + k for k, share in enumerate(layout.derived)}
    with_shares = layout.beside(values)
    none = np.zeros(len(values))
    shares = [none] + [
        none if share is None else with_shares[:, place[share]]
        for races in variable.race
        for _, share in races.rows
    ]
    conditions = tuple((r.begins, tuple(when for when, _ in r.rows)) for r in variable.race)
    return np.take_along_axis(np.stack(shares, axis=1), race(conditions), axis=1)


def race_that_holds(conditions: Conditions, by_name: Mapping[str, Bools]) -> Ints:
    """Which of a stage's races is run in every state, counted from 1; 0 where none is.

    Parameters
    ----------
    conditions : tuple of (formula, tuple of formula)
        When each kind of run begins, and what then decides the race; the first that holds counts.
    by_name : mapping of str to bool array

    Returns
    -------
    (n_draws, n_states) array
        Or of one row and one column, where nothing decides.
    """
    row = 1 + sum(len(whens) for _, whens in conditions)
    race: Ints = np.zeros((1, 1), dtype=np.intp)
    for begins, whens in reversed(conditions):
        here: Ints = np.zeros((1, 1), dtype=np.intp)
        for when in reversed(whens):
            row -= 1
            here = np.where(True if when is None else holds(when, by_name), row, here)
        race = np.where(True if begins is None else holds(begins, by_name), here, race)
    return race
