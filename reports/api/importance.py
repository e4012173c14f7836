"""How much an ending hangs on each assumption, in one call."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from storyodds.models.assessment.assessment import Method, Progress, assess_story
from storyodds.models.importance import measures
from storyodds.models.importance.measures import USUAL
from storyodds.priors.library import View
from storyodds.scenarios.story import Story
from storyodds.scenarios.switches import with_off

if TYPE_CHECKING:
    import xarray as xr


def importance(
    story: Story,
    *,
    of: Sequence[str] = USUAL,
    view: str | View | None = None,
    settings: Mapping[str, object] | None = None,
    off: Sequence[str] = (),
    method: Method = "auto",
    draws: int = 4096,
    seed: int = 1,
    progress: Progress | None = None,
) -> "xr.Dataset":
    """Measure how much the endings of a story hang on each of its assumptions.

    They are the importance measures of fault-tree practice, for every assumption being true and
    its being false, given the evidence. They tell what learning of an assumption would say of an
    ending, not what bringing it about would do.

    Parameters
    ----------
    story : Story
    of : sequence of str
        Of `storyodds.models.story.events.ODDS`: classes, fates, `deployed`, and odds given that,
        such as `catastrophe-given-deployed`. All classes and `catastrophe` unless stated.
    view, settings, off, draws, seed, progress
        As in `estimate`.
    method : {"auto", "weighting", "nuts"}
        As in `estimate`.

    Returns
    -------
    xarray.Dataset
        `if_true` P(C | l), `if_false` P(C | not l), `birnbaum` (their difference), `criticality`
        (the part of P(C) that would go if l were found to be false), `diagnosis` P(l | C),
        `fussell_vesely`, `risk_achievement_worth` and `risk_reduction_worth`, each over (event,
        literal, summary); `probability` P(l) and `event_probability` P(C); and whether the draws
        can be relied on, as the attribute `ok`.
        `storyodds.models.importance.measures.importance` says more about each. NaN where a measure
        is undefined.

    Raises
    ------
    InputError
        If a view or setting does not fit, or the evidence is impossible under the story.
    UnsupportedStoryError
        If the story is too large to sum exactly.
    ValueError
        If an event is not known.

    Examples
    --------
    >>> from storyodds import importance, load_story
    >>> found = importance(load_story("carlsmith-six-premises"), of=["catastrophe"])
    >>> found = found.sel(event="catastrophe", literal="aps-feasible", summary="mean")
    >>> round(float(found["if_true"]), 4), round(float(found["risk_achievement_worth"]), 4)
    (0.079, 1.5385)
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
    dataset = measures.importance(assessment, of)
    return dataset.assign_attrs(story=story.story, ok=assessment.draws.ok)
