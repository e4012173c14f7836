"""A story as a graph, in one call."""

from collections.abc import Mapping, Sequence

from storyodds.models.assessment.assessment import Method, Progress, assess_story
from storyodds.priors.library import View
from storyodds.reports.documents.estimate import summarize
from storyodds.reports.documents.story_graph.build import summarize_story_graph
from storyodds.reports.documents.story_graph.records import GraphDocument
from storyodds.scenarios.story import Story
from storyodds.scenarios.switches import with_off


def story_graph(
    story: Story,
    *,
    view: str | View | None = None,
    settings: Mapping[str, object] | None = None,
    off: Sequence[str] = (),
    method: Method = "auto",
    draws: int = 4096,
    seed: int = 1,
    progress: Progress | None = None,
) -> GraphDocument:
    """Give a story as a graph of assumptions, routes, kinds of model, checks and endings.

    Parameters
    ----------
    story : Story
    view, settings, off, draws, seed, progress
        As in `estimate`.
    method : {"auto", "weighting", "nuts", "simulation"}
        As in `estimate`.

    Returns
    -------
    GraphDocument
        Plain records: `dataclasses.asdict` gives them as JSON has them, and
        `storyodds.reports.figures.plot_story_graph` draws them.

    Raises
    ------
    InputError
        If a view or setting does not fit, or the evidence is impossible under the story.
    UnsupportedStoryError
        If the story is too large to sum exactly.

    Examples
    --------
    >>> from storyodds import load_story
    >>> document = story_graph(load_story("carlsmith-six-premises"))
    >>> [term.node for term in document.worst.terms][:2]
    ['assumption:alignment-much-harder', 'assumption:aps-feasible']
    """
    assessment = assess_story(
        story,
        view,
        with_off(settings, off),
        method=method,
        draws=draws,
        seed=seed,
        progress=progress,
    )
    return summarize_story_graph(assessment, summarize(assessment))
