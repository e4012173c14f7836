"""Numbers under which a state of an assumption surely holds, or surely does not."""

import numpy as np
from numpy.typing import NDArray

from storyodds.models.story.graph import StoryGraph

Array = NDArray[np.float64]


def with_state(graph: StoryGraph, values: Array, state: int, truth: bool) -> Array | None:
    """Give the numbers under which a state is made to hold, whatever its assumption depends on.

    Made not to hold, it leaves the other states in the proportion that they have.

    Parameters
    ----------
    graph : StoryGraph
    values : (n_draws, n_numbers) array
    state : int
        Its variable.
    truth : bool

    Returns
    -------
    (n_draws, n_numbers) array or None
        None where nothing but that state is possible and it is made not to hold.

    Examples
    --------
    >>> from storyodds import load_text
    >>> from storyodds.models.story.building import build_graph
    >>> from storyodds.scenarios.resolve import resolve
    >>> text = '''
    ... story: aware
    ... title: A model that is more or less aware
    ... goal: {specification: Aware of nothing., desirability: It is harmless.}
    ... assumptions: {awareness: {states: {low: 0.5, medium: 0.3, high: 0.2}}}
    ... routes: [{id: something-else, class: other, bits: 0, harm: 0.1}]
    ... '''
    >>> resolved = resolve(load_text(text))
    >>> values = np.array([[number.distribution.value for number in resolved.numbers]])
    >>> graph = build_graph(resolved)
    >>> with_state(graph, values, graph.order["awareness is low"], False)[:, :2].round(2)
    array([[0. , 0.6]])
    >>> with_state(graph, values, graph.order["awareness is medium"], False)[:, :2].round(4)
    array([[0.7143, 0.    ]])
    """
    variables, order = graph.variables, graph.order
    names = variables[state].states
    place = names.index(variables[state].name)
    out = values.copy()
    # By row, the numbers of all states but the last.
    for numbers in zip(
        *([n for _, n in variables[order[s]].rows] for s in names[:-1]), strict=True
    ):
        chances = _chances(values[:, list(numbers)])
        if truth:
            chances = np.zeros_like(chances)
            chances[:, place] = 1.0
        else:
            chances[:, place] = 0.0
        if not chances.sum(axis=1).all():
            return None
        out[:, list(numbers)] = _in_turn(chances)
    return out


def _chances(in_turn: Array) -> Array:
    """Chances of states, from those that they have where none of those before them holds."""
    remainder = np.cumprod(1.0 - in_turn, axis=1)
    before = np.hstack([np.ones((len(in_turn), 1)), remainder])
    return before * np.hstack([in_turn, np.ones((len(in_turn), 1))])


def _in_turn(chances: Array) -> Array:
    """The inverse of that, up to a factor for each draw."""
    remainder = np.cumsum(chances[:, ::-1], axis=1)[:, ::-1][:, :-1]
    return np.divide(chances[:, :-1], remainder, out=np.zeros_like(remainder), where=remainder > 0)
