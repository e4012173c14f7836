"""How much an ending hangs on each assumption: the document of `storyodds importance --json`."""

import math
from collections import Counter
from typing import cast

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.importance import measures
from storyodds.models.importance.measures import CATASTROPHE, measure
from storyodds.reports.contract.importance import Importance, ImportantLiteral, Measures
from storyodds.reports.contract.summaries import OpenSummary, Summary
from storyodds.reports.documents.head import diagnostics, head
from storyodds.reports.documents.opinions import opinion_totals
from storyodds.scenarios.grammar.stages import is_of_training
from storyodds.scenarios.provenance import provenance

Array = NDArray[np.float64]

SCHEMA = "storyodds/importance/1"


def summarize_importance(assessment: Assessment, of: str = CATASTROPHE) -> Importance:
    """Give the importance of every literal as the object of `storyodds importance --json`.

    Parameters
    ----------
    assessment : Assessment
    of : str
        Of `storyodds.models.story.events.ODDS`.

    Returns
    -------
    Importance
        Plain lists, mappings, texts and finite numbers.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess_story
    >>> assessment = assess_story(load_story("carlsmith-six-premises"))
    >>> first = summarize_importance(assessment)["literals"][0]
    >>> first["literal"], first["criticality"]["mean"], first["risk_reduction_worth"]["mean"]
    ('aps-feasible', 1.0, None)
    """
    measured = measure(assessment, (of,))
    graph = assessment.prepared.graph
    composites = {variable.name for variable in graph.variables if variable.formula is not None}
    endings = {name for step in graph.steps for name in step.names}
    listed: list[ImportantLiteral] = [
        {
            "literal": measures.literal_text(literal),
            "assumption": literal[0],
            "truth": literal[1],
            "composite": literal[0] in composites,
            "probability": _summary(measured.probability[0, k]),
            **_measures(measured, k),
            "undefined": measured.missing[of].get(literal),
        }
        for k, literal in enumerate(measured.literals)
        if not is_of_training(literal[0]) or literal[0] in endings
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


def _measures(measured: measures.Importance, k: int) -> Measures:
    points = {name: table[0, k] for name, table in measured.measures.items()}
    return {
        "if_true": _summary(points["if_true"]),
        "if_false": _summary(points["if_false"]),
        "birnbaum": _summary(points["birnbaum"]),
        "criticality": _summary(points["criticality"]),
        "diagnosis": _summary(points["diagnosis"]),
        "fussell_vesely": _summary(points["fussell_vesely"]),
        "risk_achievement_worth": _worth(points["risk_achievement_worth"]),
        "risk_reduction_worth": _worth(points["risk_reduction_worth"]),
    }


def _rank(entry: ImportantLiteral) -> float:
    """Larger shares first; what differs by rounding only stays in dependency order."""
    share = entry["criticality"]
    return math.inf if share is None else -round(share["mean"], 9)


def _summary(points: Array) -> Summary | None:
    return cast(Summary | None, _worth(points))  # a share, which is finite where it is defined


def _worth(points: Array) -> OpenSummary | None:
    """A ratio, which may be infinite."""
    if math.isnan(points[0]):
        return None
    mean, median, low, high = (float(x) if math.isfinite(x) else None for x in points)
    return {"mean": mean, "median": median, "q05": low, "q95": high}
