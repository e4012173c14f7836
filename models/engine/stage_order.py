"""The order in which the variables of a story in stages are summed out: along its stages.

Forward, as training goes: what only one race reads, then where the stage before ended, and then
what no later race reads. So the work is linear in the number of stages, and every message on the
way is a table of where a stage ends and of the assumptions that later ones still read.
"""

from collections.abc import Mapping, Sequence

from storyodds.models.story.graph import StoryGraph


def along_stages(
    graph: StoryGraph, order: Sequence[int], scopes: Mapping[int, Sequence[int]]
) -> list[int]:
    """Sort an order of elimination by the stages of training.

    Parameters
    ----------
    graph : StoryGraph
    order : sequence of int
        Any order of elimination; kept among variables that stand at one place of training.
    scopes : mapping of int to sequence of int
        By variable, what its own table depends on, itself included.

    Returns
    -------
    list of int
    """
    step_of: dict[int, int] = {}  # of the states that a step ends in
    races: list[int] = []  # by step, the variable with which its race stands
    for v, variable in enumerate(graph.variables):
        if variable.race and variable.states[0] == variable.name:
            index = graph.order
            step_of |= {index[name]: len(races) for name in variable.states}
            races.append(v)
    read_by: dict[int, list[int]] = {}
    for step, v in enumerate(races):
        for other in scopes.get(v, ()):
            if other not in step_of:
                read_by.setdefault(other, []).append(step)
    last = {v: steps[-1] for v, steps in read_by.items()}
    # What decides a variable is read where the variable is.
    for v in reversed(range(len(graph.variables))):
        for other in () if v in step_of else scopes.get(v, ()):
            if other != v and other not in step_of and v in last:
                last[other] = max(last.get(other, 0), last[v])
    end = len(races)

    def place(v: int) -> tuple[int, int]:
        if v in step_of:
            return step_of[v] + 1, 1
        return last.get(v, end), 0 if len(read_by.get(v, ())) == 1 else 2

    return sorted(order, key=place)
