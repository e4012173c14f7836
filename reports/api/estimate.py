"""A story estimated in one call, and the answers of a result."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from storyodds.models.assessment.assessment import (
    Assessment,
    Method,
    Progress,
    assess_story,
)
from storyodds.models.engine.strategy import MAX_MEMORY
from storyodds.priors.library import View
from storyodds.priors.text.errors import InputError, Problem
from storyodds.priors.text.phrases import did_you_mean
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.documents.estimate import summarize as summarize_assessment
from storyodds.reports.documents.saved_estimate import require_estimate
from storyodds.reports.notebook.document import shown
from storyodds.scenarios.serialize import to_yaml
from storyodds.scenarios.story import Story
from storyodds.scenarios.switches import with_off

if TYPE_CHECKING:
    import xarray as xr


def estimate(
    story: Story,
    *,
    view: str | View | None = None,
    settings: Mapping[str, object] | None = None,
    off: Sequence[str] = (),
    method: Method = "auto",
    draws: int = 4096,
    seed: int = 1,
    max_memory: int = MAX_MEMORY,
    progress: Progress | None = None,
) -> "xr.DataTree":
    """Estimate a story: the posterior of its numbers and the odds at each draw of them.

    Parameters
    ----------
    story : Story
    view : str or View, optional
        A named set of overrides, or the path of a view's file.
    settings : mapping of str to PRIOR, optional
        Overrides by id or number name, such as `{"situational-awareness": [0.2, 0.6]}`.
    off : sequence of str, optional
        Parts to be switched off, such as `check:blind-audit`; kinds are constraint, nudge,
        check, evidence and correlation.
    method : {"auto", "weighting", "nuts", "simulation"}
        `auto` weights draws from the prior and goes on to NUTS by itself where the weights are
        not good enough. A story without uncertain numbers is exact with all three. `simulation`
        draws states of the assumptions instead of summing over them, for stories that are too
        large to sum; it is never chosen by itself, and its result says what its error is.
    draws : int
        For weighting, rounded up to a power of two.
    seed : int
    max_memory : int
        Bytes that compiling the exact sums may take.
    progress : callable, optional
        Called with (stage, steps done, steps in all).

    Returns
    -------
    xarray.DataTree
        An ArviZ result; `summarize` gives its answers as plain numbers. Look at its
        `diagnostics` before you quote one.

    Raises
    ------
    InputError
        If a view or setting does not fit, or the evidence is impossible under the story.
    UnsupportedStoryError
        If the story is too large to sum exactly within `max_memory`.

    Examples
    --------
    >>> from storyodds import estimate, load_story, summarize
    >>> result = estimate(load_story("carlsmith-six-premises"))
    >>> round(summarize(result)["fates"]["catastrophe"]["mean"], 4)
    0.0514
    """
    assessment = assess_story(
        story,
        view,
        with_off(settings, off),
        method=method,
        draws=draws,
        seed=seed,
        max_memory=max_memory,
        progress=progress,
    )
    return result_of(assessment, summarize_assessment(assessment))


def result_of(assessment: Assessment, summary: Estimate) -> "xr.DataTree":
    """Give an assessment and its summary as a result that can be saved."""
    from storyodds.models.assessment.datatree import to_datatree  # xarray: not for every command

    story = assessment.prepared.resolved.written
    return to_datatree(assessment, {"summary": summary, "story_yaml": to_yaml(story)})


def summarize(result: "xr.DataTree") -> Estimate:
    """Give the answers of a result as the JSON object of `storyodds estimate --json`.

    Parameters
    ----------
    result : xarray.DataTree
        From `estimate` or `load_result`.

    Returns
    -------
    dict
        Summaries are `{"mean", "median", "q05", "q95"}`, probabilities between 0 and 1. Notebooks
        show it as a short report.

    Raises
    ------
    InputError
        If it holds no answers, or they are damaged.

    Examples
    --------
    >>> from storyodds import estimate, load_story, summarize
    >>> summarize(estimate(load_story("carlsmith-six-premises")))["method"]
    'exact'
    """
    try:
        summary = json.loads(result.attrs["meta"])["summary"]
    except (LookupError, TypeError, ValueError):
        raise InputError(
            "result: found no answers in its attribute meta, expected what estimate or load_result "
            "returns"
        ) from None
    return shown(require_estimate(summary, Path("result")))


def unknown_name(where: str, name: str, names: Sequence[str]) -> Problem:
    """Word the mistake that a name is none of those that a call takes."""
    hint = did_you_mean(name, names) or f", one of {', '.join(names)}"
    return Problem(f"{where}: found {name!r}, expected a known name{hint}")
