"""What a page's script does with the draws that the page carries, by another road."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    events, weights = weighted_events(data, moves)
    means = {event: float(weights @ x) for event, x in events.items()}
    return means, float(1 / np.sum(weights**2) / len(weights))


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
            for i, part in zip(order, _parts_below(events[event][order], place), strict=True):
                logs[i] += by * part
    weights = np.exp(logs - logs.max())
    return events, weights / weights.sum()


def _middles(weights: Array) -> Array:
    """Shares of all up to the middle of each draw."""
    return np.asarray(np.cumsum(weights) - weights / 2)


def _parts_below(ordered: Array, place: float) -> list[float]:
    """How much each draw's own weight adds to the share of all below a place, draws in order."""
    alone = np.eye(len(ordered))
    return [float(np.interp(place, ordered, _middles(weights))) for weights in alone]
