"""How much an ending hangs on each assumption: from a story to its importance measures.

`importance` gives them as a labelled dataset, `summarize_importance` as the JSON object of
`storyodds importance --json`. Of that object, "storyodds/importance/1", these are the keys:

schema, story, title, story_sha256, view, settings, kind, number_counts, idle_evidence, method,
seed, versions, diagnostics, opinions
    As in `storyodds/estimate/1`.
of
    The event, of `storyodds.models.story.events.ODDS`: a class, a fate, `deployed`, or odds on
    the day of the decision, such as `catastrophe-given-deployed`; of those everything is given
    that.
probability
    SUMMARY of P(event), given the evidence like everything else.
literals
    A list, the literal with the largest criticality first and those without one last:
    `literal`, as it stands in a formula; `assumption` and `truth`; `composite`, whether the
    assumption is made up of others by a formula; `probability`, SUMMARY of P(literal); and a
    SUMMARY of each measure, `if_true`, `if_false`, `birnbaum`, `criticality`, `diagnosis`,
    `fussell_vesely`, `risk_achievement_worth`, `risk_reduction_worth`; and `undefined`, why the
    literal has no Fussell-Vesely importance though the event can come about, or null.
literals_in_all
    How many there are, be they listed or not.
provenance
    As in `storyodds/estimate/1`.
undefined
    A list of the reasons why literals have no `fussell_vesely`: `why`, and `count` of literals.

SUMMARY is `{"mean", "median", "q05", "q95"}`. A measure that is undefined, because its condition
has probability 0, is null as a whole; a number that is infinite is null within it.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment, Progress
from storyodds.models.importance import measures as measures
from storyodds.models.importance.measures import CATASTROPHE, MEASURES, POINTS, USUAL, measure
from storyodds.priors.library import View
from storyodds.reports.results import assessed
from storyodds.reports.summary import diagnostics, head, opinion_totals
from storyodds.scenarios.provenance import provenance
from storyodds.scenarios.story import Story
from storyodds.scenarios.switches import with_off

if TYPE_CHECKING:
    import xarray as xr

SCHEMA = "storyodds/importance/1"


def importance(
    story: Story,
    *,
    of: Sequence[str] = USUAL,
    view: str | View | None = None,
    settings: Mapping[str, Any] | None = None,
    off: Sequence[str] = (),
    method: Literal["auto", "weighting", "nuts"] = "auto",
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
    assessment = assessed(
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


def summarize_importance(assessment: Assessment, of: str = CATASTROPHE) -> dict[str, Any]:
    """Give the importance of every literal as the object of `storyodds importance --json`.

    Parameters
    ----------
    assessment : Assessment
    of : str
        Of `storyodds.models.story.events.ODDS`.

    Returns
    -------
    dict
        Plain lists, mappings, texts and finite numbers.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.reports.results import assessed
    >>> found = assessed(load_story("carlsmith-six-premises"), None, None)
    >>> first = summarize_importance(found)["literals"][0]
    >>> first["literal"], first["criticality"]["mean"], first["risk_reduction_worth"]["mean"]
    ('aps-feasible', 1.0, None)
    """
    measured = measure(assessment, (of,))
    graph = assessment.prepared.graph
    composites = {variable.name for variable in graph.variables if variable.formula is not None}
    listed = [
        {
            "literal": measures.literal_text(literal),
            "assumption": literal[0],
            "truth": literal[1],
            "composite": literal[0] in composites,
            "probability": _summary(measured.probability[0, k]),
            **{name: _summary(measured.measures[name][0, k]) for name in MEASURES},
            "undefined": measured.missing[of].get(literal),
        }
        for k, literal in enumerate(measured.literals)
    ]
    return {
        **head(assessment, SCHEMA),
        "opinions": opinion_totals(assessment),
        "of": of,
        "probability": _summary(measured.event_probability[0]),
        "literals": sorted(listed, key=_rank),
        "literals_in_all": len(listed),
        "undefined": [
            {"why": why, "count": count}
            for why, count in Counter(measured.missing[of].values()).most_common()
        ],
        "provenance": provenance(assessment.prepared.resolved),
        "diagnostics": diagnostics(assessment),
    }


def _rank(entry: Mapping[str, Any]) -> float:
    """Larger shares first; what differs by rounding only stays in dependency order."""
    share = entry["criticality"]
    return math.inf if share is None else -round(share["mean"], 9)


def _summary(points: NDArray[Any]) -> dict[str, float | None] | None:
    if math.isnan(points[0]):
        return None
    return {
        name: float(x) if math.isfinite(x) else None for name, x in zip(POINTS, points, strict=True)
    }
