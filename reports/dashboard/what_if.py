"""The draws that a page carries, and what its script needs to weight them again.

    {"draws": 1100,
     "data": base64 of uint16, little-endian, column after column,
     "columns": [{"low", "step", "pull"}, …]   value = low + step * integer; the events' columns
                                                come first, then one for each slider
     "events": ["intended", …]                 what the columns at the start hold
     "groups": [["intended", …], ["success", …]]   each sums to 1; the event of a group that has
                                                no column is what the others leave
     "means": {"success": 0.19, …}             as the estimate states them
     "headline": ["success", "catastrophe"]    what the answer gives; of a risk argument, the last
     "ends": {"success": [[end, pull], …], …}  of the 90 percent intervals, as the estimate states
                                                them; of events that are not certain
     "sliders": [{"name", "label", "kind", "family", "start", "low", "high", "size"}, …]
     "steps": 100                              of a slider to either side
     "least": 0.1                              share of the draws below which they do not answer
     "curves": [{"every", "events", "low", "step", "data", "slopes", "off"}, …] or null
                                               by slider, the answers along its whole travel
     "errors": {"success": 0.001, …}           Monte Carlo standard errors of the means
     "command": "storyodds estimate STORY …",  with the options that stay as they are
     "settings": {"name": "name=prior", …}     overrides in force, by number, quoted for a shell
     "others": 12, "no_slider": [{"reason", "names"}, …]}

A draw weighs exp(Σ (pull + δ) c), c being its columns and its parts below the ends, and δ what
`models.tilts` says of the sliders: the pulls alone give the draws the means and the intervals of
the full posterior. An interval goes between quantiles of the weighted draws, on straight lines
from the middle of one draw's share to the next one's.

One slider moved alone is answered by its curve (see `curve_of` in slider_curves_data.py), which is
worked out beforehand. Several at once are answered by the draws, times the ratio, for each of them,
of its curve to the draws with it alone moved; each group then sums to 1 again.
"""

import base64
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.balancing import balance
from storyodds.models.changes.sliders import MOST, Slider, sliders
from storyodds.models.changes.what_if import MIN_SHARE, spread_evenly
from storyodds.models.story.events import EVENTS, FATES
from storyodds.priors.distributions.forms import Prior, plain_prior
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.dashboard.slider_curves_data import curves_data
from storyodds.reports.documents.summaries import summarize_draws
from storyodds.reports.words.labels import number_label
from storyodds.reports.words.recipe import recipe_of
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.schema import RISK_ARGUMENT

Array = NDArray[np.float64]

DRAWS = 1100  # two bytes each in every column of a page
STEPS = 100  # of a slider to either side: finer than a hand moves it
ENDS: Mapping[Literal["q05", "q95"], float] = {"q05": 0.05, "q95": 0.95}
_LEVELS = 2**16 - 1  # of a number in two bytes
_NEW = 0.1  # standard deviations of a column, that others do not explain
_CHANCE = 4.0  # standard errors that a share may be off by and be so by chance


def what_if_data(
    assessment: Assessment,
    *,
    command: str | None = None,
    draws: int = DRAWS,
    most: int = MOST,
) -> dict[str, object] | None:
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
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> what_if_data(assess(resolve(load_story("carlsmith-six-premises")))) is None
    True
    """
    choice = sliders(assessment, most)
    if not choice.shown:
        return None
    resolved = assessment.prepared.resolved
    averaged, exact = assessment.averaged, assessment.exact
    events, weights = exact.events, exact.weights
    stated = [
        summarize_draws(*of_event, weights)
        for of_event in zip(
            averaged.events.T, [averaged.weights] * len(EVENTS), events.T, strict=True
        )
    ]
    means = np.array([summary["mean"] for summary in stated])
    kept = _with_columns(means)
    statistics = _statistics(exact.values, choice.shown)
    full = np.concatenate(
        [means[kept], *(np.atleast_1d(exact.mean(statistic)) for statistic in statistics)]
    )
    columns = np.column_stack([events[:, kept], *statistics])
    integers, low, step = quantized(columns[spread_evenly(exact, draws, assessment.seed)])
    # Means of what intervals are taken of differ by chance from those stated. Where events hang
    # together so closely that no weights make up for that, the draws are moved by it.
    off = means[kept] - exact.mean(events[:, kept])
    for by in (0.0, off):
        low[: len(kept)] += by
        columns = low + step * integers
        ends = _ends(columns, _every_event(columns, kept), stated)
        flat = [end for of_event in ends.values() for end in of_event]
        if (pull := _pulls(columns, full, flat)) is not None:
            break
    else:
        pull = np.zeros(len(full) + len(flat))
        of_events = balance(columns[:, : len(kept)], full[: len(kept)])
        pull[: len(kept)] = 0.0 if of_events is None else of_events
    argued = resolved.story.kind == RISK_ARGUMENT
    at_ends = iter(pull[len(full) :].tolist())
    errors = assessment.errors.by_name()
    names = [number.name for number in resolved.numbers]
    return {
        "draws": len(integers),
        "data": base64.b64encode(integers.T.astype("<u2").tobytes()).decode("ascii"),
        "columns": [
            {"low": float(a), "step": float(b), "pull": float(c)}
            for a, b, c in zip(low, step, pull, strict=False)
        ],
        "events": [EVENTS[k] for k in kept],
        "groups": [list(CLASSES), list(FATES)],
        "means": {event: float(p) for event, p in zip(EVENTS, means, strict=True)},
        "headline": ["catastrophe"] if argued else ["success", "catastrophe"],
        "ends": {
            EVENTS[e]: [[end.place, next(at_ends)] for end in of_event]
            for e, of_event in ends.items()
        },
        "sliders": [_slider(resolved, slider) for slider in choice.shown],
        "steps": STEPS,
        "least": MIN_SHARE,
        "curves": curves_data(assessment, choice.shown, STEPS),
        "errors": {event: errors[event]["mean"] for event in EVENTS},
        "command": command or _command(assessment),
        "settings": _settings(resolved),
        "others": choice.others,
        "no_slider": [
            {"reason": reason, "names": [names[i] for i in indices]}
            for reason, indices in choice.without.items()
        ],
    }


def _with_columns(means: Array) -> list[int]:
    """Events with a column of their own: in both groups, all but the likeliest."""
    n = len(CLASSES)
    without = {int(means[:n].argmax()), n + int(means[n:].argmax())}
    return [k for k in range(len(EVENTS)) if k not in without]


def _statistics(values: Array, selection: Sequence[Slider]) -> list[Array]:
    return [slider.tilt.statistic(values[:, slider.number]) for slider in selection]


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


@dataclass(frozen=True)
class _End:
    """An end of an interval: where it lies, and which part of each draw lies below it.

    `level` is what the parts of weighted draws are to come to.
    """

    place: float
    parts: Array
    level: float


def _every_event(columns: Array, kept: Sequence[int]) -> Array:
    """Events by `EVENTS`, (n_draws, n_events): those without a column are what others leave."""
    out = np.zeros((len(columns), len(EVENTS)))
    out[:, kept] = columns[:, : len(kept)]
    n = len(CLASSES)
    for group in (range(n), range(n, len(EVENTS))):
        [rest] = [k for k in group if k not in kept]
        out[:, rest] = 1.0 - out[:, list(group)].sum(axis=1)
    return out


def _ends(columns: Array, events: Array, stated: Sequence[Summary]) -> dict[int, list[_End]]:
    """By event that is uncertain, the ends of its interval that weights can hold in place.

    Weights are to make up for chance. Where more draws lie below an end than chance explains, as
    where many are alike, it has its place without; and so it has where it is that of another
    event, seen from the other side.
    """
    ends: dict[int, list[_End]] = {}
    held = _axes(np.column_stack([np.ones(len(columns)), columns]))
    for e in reversed(range(len(EVENTS))):  # catastrophe first
        if np.ptp(events[:, e]) == 0:
            continue
        ends[e] = []
        for name, level in ENDS.items():
            parts = below(events[:, e], stated[e][name])
            off = _CHANCE * np.sqrt(level * (1 - level) / len(events))
            new = parts - held @ (held.T @ parts)
            if abs(parts.mean() - level) <= off and new.std() > _NEW * parts.std() > 0:
                ends[e].append(_End(stated[e][name], parts, level))
                held = np.column_stack([held, new / np.linalg.norm(new)])
    return ends


def _axes(columns: Array) -> Array:
    """Columns of length 1 at right angles, of which all those given are made."""
    scaled = columns / np.maximum(np.abs(columns).max(axis=0), 1e-300)
    axes, lengths, _ = np.linalg.svd(scaled, full_matrices=False)
    return np.asarray(axes[:, lengths > 1e-9 * lengths[0]])


def below(x: Array, place: float) -> Array:
    """Which part of each draw lies below a place: weighted, they come to its share of all.

    A share grows on straight lines, from the middle of one draw's to the middle of the next's.

    Parameters
    ----------
    x : (n_draws,) array
    place : float

    Returns
    -------
    (n_draws,) array
        Between 0 and 1.

    Examples
    --------
    >>> below(np.array([4.0, 1.0, 2.0, 3.0]), 2.5).tolist()
    [0.0, 1.0, 0.75, 0.25]
    """
    order = np.argsort(x, kind="stable")
    k = int(np.searchsorted(x[order], place, side="right")) - 1
    out = np.zeros(len(x))
    out[order[: k + 1]] = 1.0
    if 0 <= k < len(x) - 1:
        here, there = x[order[k]], x[order[k + 1]]
        part = (place - here) / (there - here)
        out[order[k : k + 2]] = (1 + part) / 2, part / 2
    return out


def _pulls(columns: Array, means: Array, ends: Sequence[_End]) -> Array | None:
    """Multipliers that give the draws the means of all, and the ends if these can be had too."""
    parts = np.column_stack([columns, *(end.parts for end in ends)])
    levels = np.concatenate([means, [end.level for end in ends]])
    out = np.zeros(len(levels))
    for n in (len(levels), len(means)):
        if (pull := balance(parts[:, :n], levels[:n])) is not None:
            out[:n] = pull
            return out
    return None


def _slider(resolved: ResolvedStory, slider: Slider) -> dict[str, object]:
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
    """Of the story saved to a file of its name."""
    draws = assessment.draws
    n_draws = draws.diagnostics["draws"]
    recipe = recipe_of(assessment.prepared.resolved, draws.method, n_draws, assessment.seed)
    return recipe.without_assignments().command()


def _settings(resolved: ResolvedStory) -> dict[str, str]:
    """The overrides in force, by the full name of their number."""
    return {
        number.name: shlex.quote(f"{number.name}={_flow(_bare(number.form))}")
        for number in resolved.numbers
        if number.origin.split(",")[0] == "setting"
    }


def _bare(form: Prior) -> object:
    """A PRIOR as it is written, without what the odds do not depend on."""
    return plain_prior(form.model_copy(update=dict.fromkeys(("basis", "source", "note"))))


def _flow(value: object) -> str:
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
