"""Which uncertain numbers the spread of an answer comes from."""

from collections.abc import Sequence

import numpy as np

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.sensitivity.spread import ASKED, OTHERS, global_sensitivity
from storyodds.models.sensitivity.variance_indices import BASE_ROWS, Indices, Share
from storyodds.models.story.events import Event
from storyodds.reports.contract.sensitivity.spread import (
    EventSpread,
    GlobalPart,
    SpreadInput,
    VarianceShare,
)


def summarize_global(
    assessment: Assessment, of: Sequence[Event] = ASKED, *, rows: int = BASE_ROWS
) -> GlobalPart:
    """Give the global sensitivity of events as plain data.

    Parameters
    ----------
    assessment : Assessment
    of : sequence of str
        Classes and fates.
    rows : int
        Of the designs behind the shares, a power of two; the fewer, the wider their intervals.

    Returns
    -------
    GlobalPart

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> summary = summarize_global(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> summary["events"][1]["event"], summary["events"][1]["inputs"]
    ('catastrophe', [])
    """
    sensitivity = global_sensitivity(assessment, of, base_rows=rows, trajectories=rows)
    prepared, numbers = assessment.prepared, assessment.prepared.resolved.numbers
    events: list[EventSpread] = []
    for e, event in enumerate(sensitivity.events):
        entry: EventSpread = {
            "event": event,
            "posterior_sd": float(sensitivity.posterior_sd[e]),
            "sd": 0.0,
            "additive": None,
            "inputs": [],
        }
        if sensitivity.indices is not None:
            _spread_out(entry, sensitivity.indices, sensitivity.names, e)
        events.append(entry)
    return {
        "events": events,
        "others": sensitivity.n_others,
        "idle": list(sensitivity.idle),
        "averaged_over": [numbers[i].name for i in prepared.uncertain if i in prepared.own],
        "evaluations": 0 if sensitivity.indices is None else sensitivity.indices.evaluations,
    }


def _spread_out(entry: EventSpread, indices: Indices, names: Sequence[str], e: int) -> None:
    """Add what the indices are of one event."""
    inputs: list[SpreadInput] = [
        {
            "name": name,
            "first": _index(indices.first, e, k),
            "total": _index(indices.total, e, k),
            "shapley": _index(indices.shapley, e, k),
        }
        for k, name in enumerate(names)
    ]
    additive = Share(indices.additive[:, None], indices.additive_error[:, None])
    entry["sd"] = float(indices.sd[e])
    entry["additive"] = _index(additive, e, 0)
    entry["inputs"] = sorted(inputs, key=_rank)


def _index(share: Share, e: int, k: int) -> VarianceShare | None:
    value, error = float(share.value[e, k]), float(share.error[e, k])
    if not np.isfinite(value):
        return None
    return {
        "mean": value,
        "q05": value - error,
        "q95": value + error,
        "distinguishable": bool(share.distinguishable[e, k]),
    }


def _rank(entry: SpreadInput) -> tuple[bool, float]:
    share = entry["shapley"]
    return entry["name"] == OTHERS, 0.0 if share is None else -share["mean"]
