"""What a page's script does with the draws that the page carries, by another road."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storyodds.models.tilts import Tilt

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
    columns = decoded(data)
    pull = np.array([column["pull"] for column in data["columns"]])
    for k, step in moves.items():
        pull[len(data["events"]) + k] += tilt_in(data, k).delta(place_of(data, k, step))
    logs = columns @ pull
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    means = dict(zip(data["events"], weights @ columns, strict=False))
    for group in data["groups"]:
        rest = 1 - sum(means.get(event, 0.0) for event in group)
        means |= {event: rest for event in group if event not in means}
    return {e: float(p) for e, p in means.items()}, float(1 / np.sum(weights**2) / len(weights))
