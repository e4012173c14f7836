"""Numba, imported so that no file in the current folder decides what it does.

Numba reads `.numba_config.yaml` of the folder it is imported and compiles in, which may name a
cache to unpickle: a folder that holds a story could so run code. And a cache that is damaged, or
that cannot be written, may cost time and nothing else.
"""

import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from storyodds.priors.elsewhere import elsewhere

_NO_FILE = ""  # a name that no file has


with elsewhere():
    from numba import njit
    from numba.core import config

config._config_fname = _NO_FILE  # it is read again whenever something is compiled


def jit[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Compile for this machine, on disk where there is somewhere to write.

    Examples
    --------
    >>> @jit
    ... def twice(x: float) -> float:
    ...     return 2.0 * x
    >>> twice(2.0)
    4.0
    """

    def compiled(cache: bool) -> Any:
        return njit(cache=cache, nogil=True, error_model="numpy")(function)

    try:
        dispatcher = compiled(cache=True)
    except RuntimeError:  # nowhere to write: compiled anew in every process
        return compiled(cache=False)  # type: ignore[no-any-return]
    _forgive(dispatcher._cache)
    return dispatcher  # type: ignore[no-any-return]


def _forgive(cache: Any) -> None:
    """Let what cannot be read from a cache be compiled, and what cannot be written be left."""
    load, save = cache.load_overload, cache.save_overload

    def load_overload(*arguments: Any) -> Any:
        try:
            return load(*arguments)
        except (OSError, EOFError, pickle.UnpicklingError, ValueError, AttributeError, IndexError,
                KeyError, TypeError, ImportError, MemoryError):  # fmt: skip
            return None  # whatever a damaged pickle may raise

    def save_overload(*arguments: Any) -> None:
        with suppress(OSError, EOFError, pickle.PickleError, ValueError):
            save(*arguments)

    cache.load_overload, cache.save_overload = load_overload, save_overload
