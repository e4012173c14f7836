"""What ArviZ works out for its plots, drawn as figures of our own.

ArviZ's backend "none" draws nothing: it keeps, for every visual of a plot and every variable, the
points that another backend would draw. These are taken over as they are, into pictures that
follow light and dark and need no plotting library. Every option that ArviZ would else read from
its configuration files is given, so that the same draws make the same picture everywhere.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from storyodds.reports.figures.drawing.svg import tick_percent
from storyodds.reports.figures.panels import Range, reach
from storyodds.reports.figures.saying import chance, number, tick_bits

Array = NDArray[np.float64]
Kinds = Mapping[str, str]

EVENTS = ("success", "catastrophe")
DIMS = ["chain", "draw"]
COVER = 0.9  # of intervals
DENSITY: Mapping[str, Any] = {"kind": "kde", "backend": "none", "sample_dims": DIMS}
_DIGITS = 9  # after the point: later ones depend on how sums were done
_STILL = 1e-9  # a spread that is rounding
_FLAT = 0.01  # of the highest density


def varying(tree: xr.DataTree, names: Sequence[str], group: str = "posterior") -> xr.Dataset:
    """Give draws of events and numbers, by name, as far as they vary.

    Parameters
    ----------
    tree : xarray.DataTree
        From `to_datatree`.
    names : sequence of str
        Of `EVENTS`, or of numbers.
    group : {"posterior", "prior"}

    Returns
    -------
    xarray.Dataset
        Without the last digits, which depend on how the sums were done.
    """
    dataset = tree[group].to_dataset()
    fates = dataset["fate_probability"]
    columns = {
        name: fates.sel(fate=name, drop=True) if name in EVENTS else dataset[name] for name in names
    }
    rounded = {name: column.round(_DIGITS).transpose(*DIMS) for name, column in columns.items()}
    kept = {name: array for name, array in rounded.items() if float(np.ptp(array.values)) > _STILL}
    return xr.Dataset(kept, coords={dim: dataset[dim] for dim in DIMS})


def points(plot: Any, visual: str, variable: str, **labels: Any) -> tuple[Array, Array]:
    """Give the points of one visual of an ArviZ plot made with the backend "none".

    Parameters
    ----------
    plot : arviz_plots.PlotCollection
    visual, variable : str
    **at
        Coordinates, where there are several of them.

    Returns
    -------
    x, y : (n,) arrays
        Where both are finite.
    """
    drawn = plot.viz[visual][variable].sel(labels).item()
    x, y = (np.asarray(drawn[axis], dtype=float) for axis in ("x", "y"))
    kept = np.isfinite(x) & np.isfinite(y)
    return x[kept], y[kept]


def seen(curves: Sequence[tuple[Array, Array]], *also: float) -> tuple[Range, Range]:
    """Ends of both scales, without the long tails of densities that nobody sees.

    Examples
    --------
    >>> curve = np.array([0.0, 1.0, 2.0, 9.0]), np.array([0.0, 1.0, 0.5, 0.001])
    >>> seen([curve]), seen([curve], 2.5)
    (((1.0, 2.0), (0.0, 1.0)), ((1.0, 2.5), (0.0, 1.0)))
    """
    top = max((float(y.max()) for _, y in curves if len(y)), default=1.0)
    return reach(*(x[y >= _FLAT * top] for x, y in curves), np.array(also)), (0.0, top)


@contextmanager
def quietly() -> Iterator[None]:
    """Leave out warnings of few draws or heavy tails, which the figures tell themselves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def say(x: float, name: str, kinds: Kinds) -> str:
    """A value of an event or a number in words."""
    return chance(x) if name in EVENTS else number(x, kinds[name])


def tick_of(name: str, kinds: Kinds) -> Callable[[float], str]:
    """How the scale of an event or a number is labelled."""
    percents = name in EVENTS or kinds[name] == "probability"
    return tick_percent if percents else tick_bits
