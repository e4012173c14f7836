"""Where in training each part of a story is worth most, in one call."""

from collections.abc import Mapping, Sequence

from storyodds.models.assessment.assessment import Method, Progress, assess_story
from storyodds.priors.library import View
from storyodds.reports.contract.placement import Placements
from storyodds.reports.documents.placement import require_stages, summarize_placement
from storyodds.reports.notebook.document import shown
from storyodds.scenarios.story import Story
from storyodds.scenarios.switches import with_off


def placement(
    story: Story,
    *,
    standard: bool = True,
    view: str | View | None = None,
    settings: Mapping[str, object] | None = None,
    off: Sequence[str] = (),
    method: Method = "auto",
    draws: int = 4096,
    seed: int = 1,
    progress: Progress | None = None,
) -> Placements:
    """Ask in which stage of training each check, nudge, constraint and observation is worth most.

    Each is taken from where the story has it and put into one stage alone, all stages in turn; all
    else, the evidence included, stays.

    Parameters
    ----------
    story : Story
        In stages.
    standard : bool
        Whether to place the catalog's standard observations besides what the story proposes.
    view, settings, off, draws, seed, progress
        As in `estimate`.
    method : {"auto", "weighting", "nuts"}
        As in `estimate`.

    Returns
    -------
    Document
        A dict, which notebooks show as a short report: the JSON object of `storyodds placement
        --json`, in probabilities and bits.

    Raises
    ------
    InputError
        If training has one stage only, a view or setting does not fit, or the evidence is
        impossible.
    UnsupportedStoryError
        If the story is too large to sum exactly.

    Examples
    --------
    >>> from storyodds import load_story, placement
    >>> placed = placement(load_story("staged-rlhf-assistant"), draws=64)
    >>> honeypot = next(one for one in placed["observations"] if one["id"] == "honeypot-run")
    >>> honeypot["best"]
    'reinforcement'
    """
    require_stages(story)
    assessment = assess_story(
        story,
        view,
        with_off(settings, off),
        standard=standard,
        method=method,
        draws=draws,
        seed=seed,
        progress=progress,
    )
    return shown(summarize_placement(assessment, progress))
