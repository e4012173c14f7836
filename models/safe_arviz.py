"""ArviZ, imported so that no file in the current folder decides what it does.

ArviZ reads `arvizrc` of the folder that it is imported in, and Matplotlib, where ArviZ brings it,
`matplotlibrc`: a folder that holds a story could so change a picture, or end a command.
"""

from typing import Any

from storyodds.priors.elsewhere import elsewhere

with elsewhere():
    from arviz_stats.base import array_stats

__all__ = ["array_stats", "load_arviz"]


def load_arviz() -> Any:
    """Import the whole of ArviZ, which takes seconds, and return it.

    Examples
    --------
    >>> load_arviz().rcParams["plot.backend"]
    'matplotlib'
    """
    with elsewhere():
        import arviz
    return arviz
