"""Numba, imported so that no file in the current folder decides what it does.

Numba reads `.numba_config.yaml` of the folder it is imported and compiles in, which may name a
cache to unpickle: a folder that holds a story could so run code. And a cache that is damaged, or
that cannot be written, may cost time and nothing else.

Numba takes what it compiled for fresh while the function's own file stays as it is. What a
function has from other files is compiled into it, so `jit` holds those to be unchanged too.
"""

import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from storyodds.priors.elsewhere import elsewhere

_NO_FILE = ""  # a name that no file has
_SETTINGS = {"nogil": True, "error_model": "numpy"}

with elsewhere():
    from numba import njit
    from numba.core import config
    from numba.core.dispatcher import Dispatcher

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
        return njit(cache=cache, **_SETTINGS)(function)

    try:
        dispatcher = compiled(cache=True)
    except RuntimeError:  # nowhere to write: compiled anew in every process
        return compiled(cache=False)  # type: ignore[no-any-return]
    file = dispatcher._cache._cache_file
    file._source_stamp = _stamp(function, file._source_stamp)
    _forgive(dispatcher._cache)
    return dispatcher  # type: ignore[no-any-return]


def _stamp(function: Callable[..., Any], own: Any) -> tuple[Any, ...]:
    """What a compiled function is made of: its file, the settings, and what its file imports.

    That is numbers, which are compiled in, and compiled functions of other files, each with what
    it is made of itself.
    """
    imported: dict[str, Any] = {}
    for name, value in function.__globals__.items():
        if isinstance(value, int | float):
            imported[name] = value
        elif isinstance(value, Dispatcher) and value.__module__ != function.__module__:
            cache: Any = getattr(value, "_cache", None)
            file = getattr(cache, "_cache_file", None)  # none where nothing is kept
            imported[name] = None if file is None else file._source_stamp
    return own, sorted(_SETTINGS.items()), sorted(imported.items())


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
