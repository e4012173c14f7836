"""Stories, views and results side by side, in one call."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

from storyodds.models.assessment.assessment import Method, Progress, assess_story
from storyodds.priors.library import View
from storyodds.priors.library import view as load_view
from storyodds.priors.text.errors import InputError, Problem
from storyodds.reports.contract.comparison import Comparison
from storyodds.reports.documents.comparison.saved import Saved, read_result, saved_side
from storyodds.reports.documents.comparison.sides import AS_WRITTEN, Side, story_side
from storyodds.reports.documents.comparison.whole import summarize_comparison
from storyodds.reports.notebook.document import shown
from storyodds.scenarios.story import Story


def compare(
    sides: Sequence[Story | Saved | str | Path],
    *,
    views: Sequence[str | View] = (),
    method: Method = "auto",
    draws: int = 4096,
    seed: int = 1,
    progress: Progress | None = None,
) -> Comparison:
    """Put stories, views of a story, or saved results side by side.

    Parameters
    ----------
    sides : sequence of Story, str or Path
        Stories, and paths of saved results: a .nc file, which is made again from the story that it
        keeps, or a .json file, of which only the means can be compared. Differences are from the
        first one, at the same numbers: those of one name are one number.
    views : sequence of str or View
        With one story among the sides: put it beside itself under each of them.
    method : {"auto", "weighting", "nuts"}
        As in `estimate`.
    draws : int
        For weighting, rounded up to a power of two; of the comparison, 8,192 rows at most.
    seed : int
    progress : callable, optional
        Called with (stage, steps done, steps in all).

    Returns
    -------
    Document
        A dict, which notebooks show as a short report: the JSON object of `storyodds compare
        --json`, with odds, differences at the same numbers and their intervals, what each change
        adds to them, ranks, what the findings say of rivals, and where sides change order.

    Raises
    ------
    InputError
        If there is nothing to compare, a file holds no result, a view does not fit, or the
        evidence is impossible.
    UnsupportedStoryError
        If a story is too large to sum exactly.

    Examples
    --------
    >>> from storyodds import compare, load_story
    >>> story = load_story("carlsmith-six-premises")
    >>> document = compare([story, story])
    >>> document["summary"][0]
    'carlsmith-six-premises (2) and carlsmith-six-premises have the same odds.'
    """
    stories = [side for side in sides if isinstance(side, Story)]
    if views and len(stories) != 1:
        mistake = f"views: found {len(stories)} stories, expected one, which is put beside itself"
        raise InputError([Problem(mistake)])
    if len(sides) + len(views) < 2:
        raise InputError([Problem(f"found {len(sides)} sides, expected two or more to compare")])
    chosen = [load_view(view) if isinstance(view, str) else view for view in views]
    read = [side if isinstance(side, Story | Saved) else read_result(side) for side in sides]
    sampled: _Sampling = {"method": method, "draws": draws, "seed": seed}
    compared: list[Side] = []
    for side in read:
        if isinstance(side, Saved):
            compared.append(saved_side(side, _named(progress, side.path.name)))
        else:
            compared += _sides_of(side, chosen, sampled, progress)

    def tell(stage: str) -> None:
        if progress is not None:
            progress(stage, 0, 0)

    tell("putting the odds side by side")
    return shown(summarize_comparison(_told_apart(compared), draws=draws, seed=seed, tell=tell))


def _named(progress: Progress | None, name: str) -> Progress:
    """Progress that says of which side it is."""

    def tell(stage: str, done: int, total: int) -> None:
        if progress is not None:
            progress(f"{name}: {stage}", done, total)

    return tell


class _Sampling(TypedDict):
    method: Method
    draws: int
    seed: int


def _sides_of(
    story: Story, views: Sequence[View], sampled: _Sampling, progress: Progress | None
) -> list[Side]:
    """Assess a story as it is written, and then under every view."""
    tell = _named(progress, story.story)
    written = assess_story(story, progress=tell, **sampled)
    sides_of_story = [story_side(written, AS_WRITTEN if views else story.story)]
    for view in views:
        assessment = assess_story(story, view, progress=tell, **sampled)
        sides_of_story.append(story_side(assessment, view.view, "view"))
    return sides_of_story


def _told_apart(sides: Sequence[Side]) -> list[Side]:
    """Number the sides of one name."""
    counts: Counter[str] = Counter()
    named = []
    for side in sides:
        counts[side.name] += 1
        again = f" ({counts[side.name]})" if counts[side.name] > 1 else ""
        named.append(replace(side, name=side.name + again))
    return named
