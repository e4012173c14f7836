"""The curves of a page's sliders: few places of each, written as 16-bit integers.

    {"every": 10                 steps from one place to the next, from -steps to steps
     "events": ["intended", …]   those that are not impossible
     "low": […], "step": […]     log of a chance = low + step * integer
     "data": base64 of uint16, little-endian, event after event
     "slopes": [[…], […]]        Monte Carlo standard errors per step, below the start and above it
     "off": 2e-05}               what reading between the places is off by at most, as a share

Between places the log of a chance follows the cubic through the four places around it, all on one
side of the start, where the scale of places has a kink.
"""

import base64
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment
from storyodds.models.changes.slider_curves import SliderCurve, grouped, slider_curves
from storyodds.models.changes.sliders import Slider, Tilt
from storyodds.models.story.events import EVENTS
from storyodds.priors.text.errors import UnsupportedStoryError

Array = NDArray[np.float64]

# A fifth of half a unit of the second digit, which is at least 0.5 percent of a number.
OFF = 1e-3
_EVERY = (25, 10, 5)  # steps between places, the fewest places first
_CHECKED = 2.5  # steps: half of the least distance, where a cubic is furthest off
_LEVELS = 2**16 - 2  # integers, less the one that rounding the step may take


def curves_data(
    assessment: Assessment, sliders: Sequence[Slider], steps: int
) -> list[dict[str, object]] | None:
    """Give the answers along the whole travel of each slider.

    Parameters
    ----------
    assessment : Assessment
    sliders : sequence of Slider
    steps : int
        Of a slider to either side.

    Returns
    -------
    list of dict or None
        None where states were simulated, so that there are only draws.
    """
    positions = np.arange(-steps, steps + _CHECKED / 2, _CHECKED)
    places = [
        [place_at(slider.tilt, step / steps) for step in positions.tolist()] for slider in sliders
    ]
    try:
        curves = slider_curves(assessment, sliders, places)
    except UnsupportedStoryError:
        return None
    return [curve_data(curve, positions, steps) for curve in curves]


def place_at(tilt: Tilt, share: float) -> float:
    """Where the center is put by a slider that has gone a share of its way, -1 to 1.

    Examples
    --------
    >>> place_at(Tilt("normal", start=0.5, low=-1.0, high=2.0, size=2.0), -0.5)
    -0.25
    """
    return tilt.start + share * (tilt.start - tilt.low if share < 0 else tilt.high - tilt.start)


def curve_data(curve: SliderCurve, positions: Array, steps: int) -> dict[str, object]:
    """Write one curve with as few places as follow it closely enough.

    Parameters
    ----------
    curve : SliderCurve
        At steps
    positions : (n_places,) array
        Of which those that are to be written are some.
    steps : int
    """
    columns = np.flatnonzero((curve.means > 0).all(axis=0))
    logs = np.log(curve.means[:, columns])
    low = _few(logs.min(axis=0), 12)
    size = _few((logs.max(axis=0) - low) / _LEVELS, 8)
    integers = np.rint((logs - low) / np.where(size > 0, size, 1.0)).astype(np.int64)
    off = np.inf
    for every in _EVERY:
        kept = np.isclose(positions % every, 0)
        nodes = low + size * integers[kept]
        between = np.zeros_like(curve.means)
        between[:, columns] = np.exp(
            [interpolated(nodes, every, steps, step) for step in positions]
        )
        off = float(np.abs(grouped(between)[:, columns] / curve.means[:, columns] - 1).max())
        if off <= OFF:
            break
    moved = positions != 0
    slopes = curve.errors[moved][:, columns] / np.abs(positions[moved])[:, None]
    below = positions[moved] < 0
    return {
        "every": every,
        "events": [EVENTS[e] for e in columns],
        "low": low.tolist(),
        "step": size.tolist(),
        "data": base64.b64encode(integers[kept].T.astype("<u2").tobytes()).decode("ascii"),
        "slopes": [_few(slopes[side].max(axis=0), 3).tolist() for side in (below, ~below)],
        "off": float(f"{off:.2g}"),
    }


def _few(x: Array, digits: int) -> Array:
    return np.array([float(f"{number:.{digits}g}") for number in x.tolist()])


def interpolated(nodes: Array, every: int, steps: int, step: float) -> Array:
    """Read between places: the cubic through the four nearest on one side of the start.

    Parameters
    ----------
    nodes : (n_places, n_events) array
        At every so many steps from -steps to steps.
    every, steps : int
    step : float

    Examples
    --------
    >>> nodes = np.array([[float(k**3)] for k in range(-4, 5)])
    >>> float(interpolated(nodes, 25, 100, 40.0)[0].round(9)), 1.6**3
    (4.096, 4.096000000000001)
    """
    half = steps // every
    first = half if step > 0 else 0
    place = (step + steps) / every
    start = first + min(max(int(np.floor(place)) - first - 1, 0), half - 3)
    t = place - start
    out = np.zeros(nodes.shape[1])
    for j in range(4):
        weight = 1.0
        for m in range(4):
            weight *= 1.0 if m == j else (t - m) / (j - m)
        out += weight * nodes[start + j]
    return out
