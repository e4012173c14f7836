"""Which uncertain numbers the spread of an answer comes from: as JSON, and on a terminal.

`summarize_global` gives, under the keys

events
    A list, by event: `event`; `sd`, the standard deviation of P(event | evidence, numbers) over
    independent numbers, and `posterior_sd`, over their posterior as it is; `additive`, the sum of
    the first-order indices; and `inputs`, the largest Shapley effect first: `name`, and `first`,
    `total` and `shapley`. Each index is `{"mean", "q05", "q95", "distinguishable"}`, a share of
    the variance and its interval of estimation; null where the event does not vary.
others
    How many numbers the input "all others together" stands for.
idle
    Names of numbers that move none of the events.
averaged_over
    Names of uncertain numbers that say how to read one evidence item: no numbers of the story, they
    are integrated out.
evaluations
    How often the story was evaluated for the indices.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.sensitivity.spread import ASKED, OTHERS, global_sensitivity
from storyodds.models.sensitivity.variance_indices import BASE_ROWS, Indices, Share
from storyodds.reports.words.aliases import Json


def summarize_global(
    assessment: Assessment, of: Sequence[str] = ASKED, *, rows: int = BASE_ROWS
) -> dict[str, Any]:
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
    dict

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
    events = []
    for e, event in enumerate(sensitivity.events):
        whole: dict[str, Any] = {"sd": 0.0, "additive": None, "inputs": []}
        if sensitivity.indices is not None:
            whole = _of_event(sensitivity.indices, sensitivity.names, e)
        events.append({"event": event, "posterior_sd": float(sensitivity.posterior_sd[e]), **whole})
    return {
        "events": events,
        "others": sensitivity.n_others,
        "idle": list(sensitivity.idle),
        "averaged_over": [numbers[i].name for i in prepared.uncertain if i in prepared.own],
        "evaluations": 0 if sensitivity.indices is None else sensitivity.indices.evaluations,
    }


def _of_event(indices: Indices, names: Sequence[str], e: int) -> dict[str, Any]:
    inputs = [
        {
            "name": name,
            **{
                key: _index(share, e, k)
                for key, share in (
                    ("first", indices.first),
                    ("total", indices.total),
                    ("shapley", indices.shapley),
                )
            },
        }
        for k, name in enumerate(names)
    ]
    additive = Share(indices.additive[:, None], indices.additive_error[:, None])
    return {
        "sd": float(indices.sd[e]),
        "additive": _index(additive, e, 0),
        "inputs": sorted(inputs, key=_rank),
    }


def _index(share: Share, e: int, k: int) -> dict[str, Any] | None:
    value, error = float(share.value[e, k]), float(share.error[e, k])
    if not np.isfinite(value):
        return None
    return {
        "mean": value,
        "q05": value - error,
        "q95": value + error,
        "distinguishable": bool(share.distinguishable[e, k]),
    }


def _rank(entry: Json) -> tuple[bool, float]:
    share = entry["shapley"]
    return entry["name"] == OTHERS, 0.0 if share is None else -share["mean"]
