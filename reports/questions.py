"""What is asked of stories beyond their odds, in one call each, as the commands ask it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from storyodds.models.assessment.assessment import Method, Progress, assess
from storyodds.models.story.events import ODDS
from storyodds.priors.library import View
from storyodds.priors.library import view as load_view
from storyodds.priors.text.errors import InputError, Problem
from storyodds.priors.text.phrases import did_you_mean
from storyodds.reports.comparison import summarize_comparison
from storyodds.reports.comparison_saved import Saved, read_result, saved_side
from storyodds.reports.comparison_sides import AS_WRITTEN, Side, story_side
from storyodds.reports.notebook import Document
from storyodds.reports.results import assessed
from storyodds.reports.sensitivity import PARTS, summarize_sensitivity
from storyodds.reports.stakes import checked_stakes
from storyodds.reports.value import summarize_value
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.story import Story
from storyodds.scenarios.switches import with_off


def sensitivity(
    story: Story,
    *,
    parts: Sequence[str] = PARTS,
    view: str | View | None = None,
    settings: Mapping[str, Any] | None = None,
    off: Sequence[str] = (),
    method: Method = "auto",
    draws: int = 4096,
    seed: int = 1,
    progress: Progress | None = None,
) -> Document:
    """Ask what the odds of a story hang on, how it fails, and what would tip it.

    Parameters
    ----------
    story : Story
    parts : sequence of str
        Of "local" (one number or assumption at a time), "global" (all numbers at once),
        "structure" (the story without each of its parts), "failure" (how it fails, by how far, and
        where), "trust" (whether priors and findings can be trusted) and "views" (the same story
        under every view); all of them unless stated.
    view : str or View, optional
        A named set of overrides, or the path of a view's file.
    settings : mapping of str to PRIOR, optional
        Overrides by id or number name.
    off : sequence of str, optional
        Parts to be switched off, as in `estimate`.
    method : {"auto", "weighting", "nuts"}
        As in `estimate`.
    draws : int
        For weighting, rounded up to a power of two.
    seed : int
    progress : callable, optional
        Called with (stage, steps done, steps in all).

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
    >>> found = sensitivity(load_story("carlsmith-six-premises"), parts=["local"])
    >>> found["local"]["equal_elasticity"]["catastrophe"]
    1.0
    """
    unknown = [part for part in parts if part not in PARTS]
    if unknown or not parts:
        names = unknown or [""]
        raise InputError([_unknown("parts", name, PARTS) for name in names])
    asked = tuple(part for part in PARTS if part in parts)
    sampled: dict[str, Any] = {"method": method, "draws": draws, "seed": seed, "progress": progress}
    changes = with_off(settings, off)
    assessment = assessed(story, view, changes, **sampled)
    return Document(summarize_sensitivity(assessment, asked, settings=changes, tell=progress))


def value(
    story: Story,
    *,
    stakes: Mapping[str, float] | None = None,
    of: str | None = None,
    standard: bool = True,
    view: str | View | None = None,
    settings: Mapping[str, Any] | None = None,
    off: Sequence[str] = (),
    method: Method = "auto",
    draws: int = 4096,
    seed: int = 1,
    progress: Progress | None = None,
) -> Document:
    """Ask which observation would tell most, or be worth most to a decision.

    Parameters
    ----------
    story : Story
    stakes : mapping of str to float, optional
        What an ending is worth, in any unit, 0 unless stated: success, uncompetitive,
        benign-failure, catastrophe, and withheld, which is worth the same as being halted. They
        state a decision, to deploy or to withhold; without them, proposals are ranked by bits about
        what `of` says.
    of : str, optional
        What bits are about: a class, a fate, "deployed", or either of the first given that, as in
        "catastrophe-given-deployed". Success unless stated, and catastrophe for a risk argument.
    standard : bool
        Whether to weigh the catalog's standard observations besides what the story proposes.
    view : str or View, optional
        A named set of overrides, or the path of a view's file.
    settings : mapping of str to PRIOR, optional
        Overrides by id or number name.
    off : sequence of str, optional
        Parts to be switched off, as in `estimate`.
    method : {"auto", "weighting", "nuts"}
        As in `estimate`.
    draws : int
        For weighting, rounded up to a power of two.
    seed : int
    progress : callable, optional
        Called with (stage, steps done, steps in all).

    Returns
    -------
    Document
        A dict, which notebooks show as a short report: the JSON object of `storyodds value
        --json`, gains in bits, and in the unit of the stakes.

    Raises
    ------
    InputError
        If an ending or what bits are about is not known, a worth is no number, a view or setting
        does not fit, or the evidence is impossible.
    UnsupportedStoryError
        If the story is too large to sum exactly.

    Examples
    --------
    >>> from storyodds import load_story, value
    >>> found = value(load_story("carlsmith-six-premises"), stakes={"catastrophe": -1})
    >>> found["decision"]["choice"], round(found["decision"]["deploy"], 4)
    ('withhold', -0.0514)
    """
    weighed = checked_stakes((stakes or {}).items(), "stakes")
    if of is not None and of not in ODDS:
        raise InputError([_unknown("of", of, ODDS)])
    sampled: dict[str, Any] = {"method": method, "draws": draws, "seed": seed, "progress": progress}
    assessment = assessed(story, view, with_off(settings, off), standard=standard, **sampled)
    if progress is not None:
        progress("weighing what could be observed", 0, 0)
    return Document(summarize_value(assessment, weighed or None, of=of))


def compare(
    sides: Sequence[Story | Saved | str | Path],
    *,
    views: Sequence[str | View] = (),
    method: Method = "auto",
    draws: int = 4096,
    seed: int = 1,
    progress: Progress | None = None,
) -> Document:
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
    >>> found = compare([story, story])
    >>> found["summary"][0]
    'carlsmith-six-premises (2) and carlsmith-six-premises have the same odds.'
    """
    stories = [side for side in sides if isinstance(side, Story)]
    if views and len(stories) != 1:
        said = f"views: found {len(stories)} stories, expected one, which is put beside itself"
        raise InputError([Problem(said)])
    if len(sides) + len(views) < 2:
        raise InputError([Problem(f"found {len(sides)} sides, expected two or more to compare")])
    chosen = [load_view(view) if isinstance(view, str) else view for view in views]
    read = [side if isinstance(side, Story | Saved) else read_result(side) for side in sides]
    sampled = {"method": method, "draws": draws, "seed": seed}
    found: list[Side] = []
    for side in read:
        if isinstance(side, Saved):
            found.append(saved_side(side, _named(progress, side.path.name)))
        else:
            found += _sides_of(side, chosen, sampled, progress)

    def tell(stage: str) -> None:
        if progress is not None:
            progress(stage, 0, 0)

    tell("putting the odds side by side")
    return Document(summarize_comparison(_told_apart(found), draws=draws, seed=seed, tell=tell))


def _named(progress: Progress | None, name: str) -> Progress:
    """Progress that says of which side it is."""

    def tell(stage: str, done: int, total: int) -> None:
        if progress is not None:
            progress(f"{name}: {stage}", done, total)

    return tell


def _unknown(where: str, name: str, known: Sequence[str]) -> Problem:
    hint = did_you_mean(name, known) or f", one of {', '.join(known)}"
    return Problem(f"{where}: found {name!r}, expected a known name{hint}")


def _sides_of(
    story: Story, views: Sequence[View], sampled: Mapping[str, Any], progress: Progress | None
) -> list[Side]:
    """Assess a story as it is written, and then under every view."""
    tell = _named(progress, story.story)
    written = assess(resolve(story), progress=tell, **sampled)
    found = [story_side(written, AS_WRITTEN if views else story.story)]
    for view in views:
        assessment = assess(resolve(story, view=view), progress=tell, **sampled)
        found.append(story_side(assessment, view.view, "view"))
    return found


def _told_apart(sides: Sequence[Side]) -> list[Side]:
    """Number the sides of one name."""
    seen: Counter[str] = Counter()
    named = []
    for side in sides:
        seen[side.name] += 1
        again = f" ({seen[side.name]})" if seen[side.name] > 1 else ""
        named.append(replace(side, name=side.name + again))
    return named
