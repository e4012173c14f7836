"""What the odds of a story hang on, in one call."""

from collections.abc import Mapping, Sequence

from storyodds.models.assessment.assessment import Method, Progress, assess_story
from storyodds.priors.library import View
from storyodds.priors.text.errors import InputError
from storyodds.reports.api.estimate import unknown_name
from storyodds.reports.contract.sensitivity.whole import Sensitivity
from storyodds.reports.documents.sensitivity.whole import PARTS, summarize_sensitivity
from storyodds.reports.notebook.document import shown
from storyodds.scenarios.story import Story
from storyodds.scenarios.switches import with_off


def sensitivity(
    story: Story,
    *,
    parts: Sequence[str] = PARTS,
    view: str | View | None = None,
    settings: Mapping[str, object] | None = None,
    off: Sequence[str] = (),
    method: Method = "auto",
    draws: int = 4096,
    seed: int = 1,
    progress: Progress | None = None,
) -> Sensitivity:
    """Ask what the odds of a story hang on, how it fails, and what would tip it.

    Parameters
    ----------
    story : Story
    parts : sequence of str
        Of "local" (one number or assumption at a time), "global" (all numbers at once),
        "structure" (the story without each of its parts), "failure" (how it fails, by how far, and
        where), "trust" (whether priors and findings can be trusted) and "views" (the same story
        under every view); all of them unless stated.
    view, settings, off, draws, seed, progress
        As in `estimate`.
    method : {"auto", "weighting", "nuts"}
        As in `estimate`.

    Returns
    -------
    Document
        A dict, which notebooks show as a short report: the JSON object of `storyodds sensitivity
        --json`, probabilities between 0 and 1. Look at its `diagnostics` before you quote it.

    Raises
    ------
    InputError
        If a part is not known, a view or setting does not fit, or the evidence is impossible.
    UnsupportedStoryError
        If the story is too large to sum exactly.

    Examples
    --------
    >>> from storyodds import load_story, sensitivity
    >>> document = sensitivity(load_story("carlsmith-six-premises"), parts=["local"])
    >>> document["local"]["equal_elasticity"]["catastrophe"]
    1.0
    """
    unknown = [part for part in parts if part not in PARTS]
    if unknown or not parts:
        names = unknown or [""]
        raise InputError([unknown_name("parts", name, PARTS) for name in names])
    chosen = tuple(part for part in PARTS if part in parts)
    changes = with_off(settings, off)
    assessment = assess_story(
        story, view, changes, method=method, draws=draws, seed=seed, progress=progress
    )
    return shown(summarize_sensitivity(assessment, chosen, settings=changes, tell=progress))
