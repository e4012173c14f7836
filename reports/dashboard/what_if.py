"""The draws that a page carries, and what its script needs to weight them again.

    {"draws": 1100,
     "data": base64 of uint16, little-endian, column after column,
     "columns": [{"low", "step", "pull"}, …]   value = low + step * integer; the events' columns
                                                come first, then one for each slider
     "events": ["intended", …]                 what the columns at the start hold
     "groups": [["intended", …], ["success", …]]   each sums to 1; the event of a group that has
                                                no column is what the others leave
     "means": {"success": 0.19, …}             as the estimate states them
     "sliders": [{"name", "label", "kind", "family", "start", "low", "high", "size"}, …]
     "steps": 100                              of a slider to either side
     "least": 0.1                              share of the draws below which it says: run again
     "command": "storyodds estimate STORY …",  with the options that stay as they are
     "settings": {"name": "name=prior", …}     overrides in force, by number, quoted for a shell
     "others": 12, "no_slider": [{"reason", "names"}, …]}

A draw weighs exp(Σ (pull + δ) c), c being its columns and δ what `models.tilts` says of the
sliders: the pulls alone give the draws the means of the full posterior.
"""

import base64
import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment import Assessment
from storyodds.models.balancing import balance
from storyodds.models.quantities import FATES
from storyodds.models.tilts import MOST, Slider, sliders
from storyodds.models.what_if import EVENTS, MIN_SHARE, even_rows, events_of
from storyodds.priors.forms import Prior, plain_prior
from storyodds.reports.dashboard.number_labels import number_label
from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.schema import CLASSES

Array = NDArray[np.float64]

DRAWS = 1100
STEPS = 100
_LEVELS = 2**16 - 1


def what_if_data(
    assessment: Assessment,
    *,
    command: str | None = None,
    draws: int = DRAWS,
    most: int = MOST,
) -> dict[str, Any] | None:
    """Give what a page needs to move the priors of a story's numbers.

    Parameters
    ----------
    assessment : Assessment
    command : str, optional
        That gave it, without its --set; by default `storyodds estimate` of a file that is named
        after the story, with the same seed.
    draws, most : int
        How many draws and sliders there are at most.

    Returns
    -------
    dict or None
        None where no uncertain number can be moved. Plain and finite, for JSON.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> what_if_data(assess(resolve(load_story("carlsmith-six-premises")))) is None
    True
    """
    found = sliders(assessment, most)
    if not found.shown:
        return None
    resolved, weights = assessment.prepared.resolved, assessment.draws.weights
    events = events_of(
        assessment.prepared.graph, assessment.draws.values, assessment.averaged.outcomes
    )
    means = weights @ events / weights.sum()
    kept = _with_columns(means)
    columns = np.column_stack([events[:, kept], *_statistics(assessment, found.shown)])
    full = weights @ columns / weights.sum()
    integers, low, step = quantized(columns[even_rows(assessment, draws)])
    pull = _pulls(low + step * integers, full, len(kept))
    names = [number.name for number in resolved.numbers]
    return {
        "draws": len(integers),
        "data": base64.b64encode(integers.T.astype("<u2").tobytes()).decode("ascii"),
        "columns": [
            {"low": float(a), "step": float(b), "pull": float(c)}
            for a, b, c in zip(low, step, pull, strict=True)
        ],
        "events": [EVENTS[k] for k in kept],
        "groups": [list(CLASSES), list(FATES)],
        "means": {event: float(p) for event, p in zip(EVENTS, means, strict=True)},
        "sliders": [_slider(resolved, slider) for slider in found.shown],
        "steps": STEPS,
        "least": MIN_SHARE,
        "command": command or _command(assessment),
        "settings": _settings(resolved),
        "others": found.others,
        "no_slider": [
            {"reason": reason, "names": [names[i] for i in which]}
            for reason, which in found.without.items()
        ],
    }


def _with_columns(means: Array) -> list[int]:
    """Events with a column of their own: in both groups, all but the likeliest."""
    n = len(CLASSES)
    without = {int(means[:n].argmax()), n + int(means[n:].argmax())}
    return [k for k in range(len(EVENTS)) if k not in without]


def _statistics(assessment: Assessment, shown: Sequence[Slider]) -> list[Array]:
    values = assessment.draws.values
    return [slider.tilt.statistic(values[:, slider.number]) for slider in shown]


def quantized(columns: Array) -> tuple[NDArray[np.int64], Array, Array]:
    """Write columns as 16-bit integers: value = low + step * integer.

    Parameters
    ----------
    columns : (n_draws, n_columns) array

    Returns
    -------
    tuple
        (n_draws, n_columns) integers, and (n_columns,) arrays low and step.

    Examples
    --------
    >>> integers, low, step = quantized(np.array([[0.5], [1.0], [1.5]]))
    >>> integers[:, 0].tolist(), float(low[0])
    ([0, 32768, 65535], 0.5)
    """
    low, high = columns.min(axis=0), columns.max(axis=0)
    step = (high - low) / _LEVELS
    integers = np.rint((columns - low) / np.where(step > 0, step, 1.0))
    return integers.astype(np.int64), low, step


def _pulls(columns: Array, means: Array, n_events: int) -> Array:
    """Multipliers of weights that give the draws the means of all; of fewer columns if need be."""
    if (pull := balance(columns, means)) is not None:
        return pull
    out = np.zeros(len(means))
    pull = balance(columns[:, :n_events], means[:n_events])
    if pull is not None:
        out[:n_events] = pull
    return out


def _slider(resolved: ResolvedStory, slider: Slider) -> dict[str, Any]:
    number, tilt = resolved.numbers[slider.number], slider.tilt
    return {
        "name": number.name,
        "label": number_label(resolved, number.name),
        "kind": number.kind,
        "family": tilt.family,
        "start": tilt.start,
        "low": tilt.low,
        "high": tilt.high,
        "size": tilt.size,
    }


def _command(assessment: Assessment) -> str:
    """Of the story saved to a file of its name; the method only where it would not be chosen."""
    resolved, method = assessment.prepared.resolved, assessment.draws.method
    words = [
        "storyodds",
        "estimate",
        f"{resolved.story.story}.yaml",
        "--seed",
        str(assessment.seed),
    ]
    words += [] if resolved.view is None else ["--view", resolved.view]
    words += ["--method", method] if method in ("nuts", "simulation") else []
    return shlex.join(words)


def _settings(resolved: ResolvedStory) -> dict[str, str]:
    """The overrides in force, by the full name of their number."""
    return {
        number.name: shlex.quote(f"{number.name}={_flow(_bare(number.form))}")
        for number in resolved.numbers
        if number.origin.split(",")[0] == "setting"
    }


def _bare(form: Prior) -> Any:
    """A PRIOR as it is written, without what the odds do not depend on."""
    return plain_prior(form.model_copy(update=dict.fromkeys(("basis", "source", "note"))))


def _flow(value: Any) -> str:
    """Write plain data in one line of YAML.

    Examples
    --------
    >>> _flow({"pool": [{"by": "us: all", "value": 0.5}]})
    '{pool: [{by: "us: all", value: 0.5}]}'
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(part) for part in value) + "]"
    return json.dumps(value)
