"""What figures a story's page can have, by name, before anything is computed."""

import re

from storyodds.models.story.graph import StoryGraph

_NUMBER = re.compile(r"\.([2-9]|[1-9][0-9]+)$")  # of a second figure of one name, and so on
_EVENTS = ("success", "catastrophe")
_OF_AN_EVENT = ("tornado", "evidence", "dots", "ranks", "assumption-effects")
_BY_THEMSELVES = (
    "how-the-story-ends",
    "where-training-ends",
    "story-graph",
    "story-graph-full",
    "failure",
    "failure-catastrophe",
    "evidence-sequence",
    "value",
    "views",
    "structure",
    "tipping",
    "weights",
    "goal-structure",
    "arviz-prior-posterior",
    "arviz-psense-prior",
    "arviz-psense-likelihood",
    "arviz-rank",
    "arviz-ess-evolution",
    "arviz-mcse",
    "arviz-energy",
)


def figure_names(graph: StoryGraph) -> tuple[str, ...]:
    """Name the figures that a page of a story can have; which it has depends on its odds.

    Parameters
    ----------
    graph : StoryGraph

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.story.building import build_graph
    >>> from storyodds.scenarios.resolve import resolve
    >>> names = figure_names(build_graph(resolve(load_story("rlhf-assistant"))))
    >>> "how-the-story-ends" in names, "density-situational-awareness" in names
    (True, True)
    """
    routes = [route.id for route in graph.routes] if graph.stages else []
    return (
        *_BY_THEMSELVES,
        *(f"{kind}-{event}" for kind in _OF_AN_EVENT for event in _EVENTS),
        *(f"density-{graph.variables[v].name}" for v in graph.assumptions),
        *(f"stages-{route}" for route in routes),
        *(["stage-moves"] if graph.stages else []),
    )


def without_number(name: str) -> str:
    """Take away the number that tells a figure from others of its name.

    Examples
    --------
    >>> without_number("weights.2"), without_number("weights")
    ('weights', 'weights')
    """
    return _NUMBER.sub("", name)
