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
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.importance import measures as measures
from storyodds.models.importance.measures import CATASTROPHE, MEASURES, POINTS, measure
from storyodds.reports.documents.head import diagnostics, head
from storyodds.reports.documents.opinions import opinion_totals
from storyodds.scenarios.provenance import provenance

if TYPE_CHECKING:
    pass

SCHEMA = "storyodds/importance/1"


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
    >>> from storyodds.reports.api.estimate import assessed
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
