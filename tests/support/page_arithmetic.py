"""What a page's script does with the draws that the page carries, by another road."""

import base64
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BarycentricInterpolator

from storyodds.models.changes.sliders import Tilt

Array = NDArray[np.float64]


def decoded(data: Mapping[str, Any]) -> Array:
    """The columns, (n_draws, n_columns)."""
    integers = np.frombuffer(base64.b64decode(data["data"]), dtype="<u2")
    integers = integers.reshape(len(data["columns"]), data["draws"])
    low, step = (np.array([c[key] for c in data["columns"]]) for key in ("low", "step"))
    return np.asarray(low + step * integers.T)


def tilt_in(data: Mapping[str, Any], k: int) -> Tilt:
    """The prior of the slider with a number."""
    return Tilt(*(data["sliders"][k][key] for key in ("family", "start", "low", "high", "size")))


def place_of(data: Mapping[str, Any], k: int, step: int) -> float:
    """Where a slider stands so many steps from its start."""
    tilt = tilt_in(data, k)
    room = tilt.start - tilt.low if step < 0 else tilt.high - tilt.start
    return tilt.start + step / data["steps"] * room


def answers(data: Mapping[str, Any], moves: Mapping[int, int]) -> tuple[dict[str, float], float]:
    """Means of all events and the share of draws that carry them, sliders moved by steps."""
    means, share = drawn(data, moves)
    moved = {k: step for k, step in moves.items() if step}
    if not data["curves"] or not moved:
        return means, share
    if len(moved) == 1:
        [(k, step)] = moved.items()
        return along(data, k, step), share
    for k, step in moved.items():
        alone, curve = drawn(data, {k: step})[0], along(data, k, step)
        means = {e: p * curve[e] / alone[e] if alone[e] > 0 else p for e, p in means.items()}
    return grouped(data, means), share


def drawn(data: Mapping[str, Any], moves: Mapping[int, int]) -> tuple[dict[str, float], float]:
    """What the draws alone say."""
    events, weights = weighted_events(data, moves)
    means = {event: float(weights @ x) for event, x in events.items()}
    return means, float(1 / np.sum(weights**2) / len(weights))


def along(data: Mapping[str, Any], k: int, step: float) -> dict[str, float]:
    """The curve of a slider at a step, by Lagrange's formula for the four places around it."""
    curve, steps = data["curves"][k], data["steps"]
    at = np.arange(-steps, steps + 1, curve["every"])
    integers = np.frombuffer(base64.b64decode(curve["data"]), dtype="<u2")
    logs = np.array(curve["low"])[:, None] + np.array(curve["step"])[:, None] * integers.reshape(
        len(curve["events"]), len(at)
    )
    side = np.flatnonzero(at >= 0 if step > 0 else at <= 0)
    # The place below, the two above it and one more below, as far as there are such.
    below = int(np.searchsorted(at[side], step, side="right")) - 1
    chosen = side[np.clip(below - 1, 0, len(side) - 4) + np.arange(4)]
    means = dict.fromkeys((event for group in data["groups"] for event in group), 0.0)
    for event, nodes in zip(curve["events"], logs, strict=True):
        means[event] = float(np.exp(BarycentricInterpolator(at[chosen], nodes[chosen])(step)))
    return grouped(data, means)


def errors_along(data: Mapping[str, Any], k: int, step: int) -> dict[str, float]:
    """The stated errors of a curve, in probability: chance, and reading between places."""
    curve = data["curves"][k]
    slopes = dict(zip(curve["events"], curve["slopes"][0 if step < 0 else 1], strict=True))
    return {
        event: math.hypot(data["errors"][event], slopes.get(event, 0.0) * step, curve["off"] * mean)
        for event, mean in along(data, k, step).items()
    }


def grouped(data: Mapping[str, Any], means: Mapping[str, float]) -> dict[str, float]:
    """Chances that sum to 1 in each group."""
    return {
        event: means[event] / sum(means[other] for other in group)
        for group in data["groups"]
        for event in group
    }


def intervals(data: Mapping[str, Any], moves: Mapping[int, int]) -> dict[str, tuple[float, float]]:
    """Ends of the 90 percent intervals of events that are not certain, sliders moved by steps."""
    events, weights = weighted_events(data, moves)
    found = {}
    for event in data["ends"]:
        order = np.argsort(events[event], kind="stable")
        low, high = np.interp([0.05, 0.95], _middles(weights[order]), events[event][order])
        found[event] = (float(low), float(high))
    return found


def weighted_events(
    data: Mapping[str, Any], moves: Mapping[int, int]
) -> tuple[dict[str, Array], Array]:
    """Events at the draws, and the draws' weights, which sum to 1."""
    columns = decoded(data)
    events = dict(zip(data["events"], columns.T, strict=False))
    for group in data["groups"]:
        rest = 1 - sum(events[event] for event in group if event in events)
        events |= {event: rest for event in group if event not in events}
    pull = np.array([column["pull"] for column in data["columns"]])
    for k, step in moves.items():
        pull[len(data["events"]) + k] += tilt_in(data, k).delta(place_of(data, k, step))
    logs = columns @ pull
    for event, ends in data["ends"].items():
        order = np.argsort(events[event], kind="stable")
        for place, by in ends:
            logs[order] += by * _parts_below(events[event][order], place)
    weights = np.exp(logs - logs.max())
    return events, weights / weights.sum()


def _middles(weights: Array) -> Array:
    """Shares of all up to the middle of each draw."""
    return np.asarray(np.cumsum(weights) - weights / 2)


def _parts_below(ordered: Array, place: float) -> Array:
    """How much each draw's own weight adds to the share of all below a place, draws in order.

    With all weight on draw i, the share up to the middle of draw j is 0 before i, a half at i and
    1 after it; a place between two draws has a share on the straight line between theirs.
    """
    each = np.arange(len(ordered))
    first, beyond = divmod(float(np.interp(place, ordered, each)), 1.0)
    ends = [np.heaviside(draw - each, 0.5) for draw in (first, first + 1.0)]
    return np.asarray((1.0 - beyond) * ends[0] + beyond * ends[1])
