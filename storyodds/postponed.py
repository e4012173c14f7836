"""Imports put off until they are used: what the numeric libraries import in passing.

The packages of SciPy import all that is in them, for users at a prompt; a command that takes a few
functions from each would spend a sixth of its time on that. What is put off is imported in full,
by its own code, once anything else in it is used.
"""

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from threading import RLock
from types import ModuleType
from typing import Any

# What scipy imports only to see that numpy has it.
_UNUSED = frozenset(
    {
        "numpy.char",
        "numpy.ctypeslib",
        "numpy.f2py",
        "numpy.ma",
        "numpy.polynomial",
        "numpy.testing",
    }
)
# Packages whose modules are imported without the rest of them, and which of these modules have
# names that the package gives out as they are.
_PACKAGES: Mapping[str, tuple[str, ...]] = {
    "scipy.linalg": (),
    "scipy.sparse": ("scipy.sparse._csr",),
    "scipy.special": ("scipy.special._ufuncs", "scipy.special._logsumexp"),
}
_WRAPS_FUNCTIONS = "SCIPY_ARRAY_API"  # set, it has packages give out other functions


class Postponed:
    """Finds the modules that are put off; leaves every other one to the finders that follow."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module as Python does, and have it run later."""
        if fullname not in _UNUSED and fullname not in _PACKAGES:
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None and spec.loader is not None:
            whole: Any = spec.loader
            later: Any = LazyLoader(whole) if fullname in _UNUSED else _Shell(whole, fullname)
            spec.loader = later
        return spec


class _Shell:
    """Loads a package as a name for its modules; its own code runs when more of it is used."""

    def __init__(self, whole: Any, name: str) -> None:
        self._whole = whole
        self._homes = () if os.environ.get(_WRAPS_FUNCTIONS) else _PACKAGES[name]
        self._lock = RLock()
        self._running = False

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave the making of the module to Python."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Run nothing but what looks for a name once it is not there."""

        def missing(name: str) -> Any:
            with self._lock:
                if self._running:  # its own code, which looks for what it has not made yet
                    raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
                if name in vars(module):  # another thread was here first
                    return vars(module)[name]
                for home in self._homes:
                    part = import_module(home)
                    if name in part.__all__:
                        setattr(module, name, getattr(part, name))
                        return getattr(part, name)
                if vars(module).get("__getattr__") is missing:
                    self._run(module, missing)
            return getattr(module, name)

        vars(module)["__getattr__"] = missing

    def _run(self, module: ModuleType, missing: object) -> None:
        self._running = True
        try:
            self._whole.exec_module(module)
        finally:
            self._running = False
        if vars(module).get("__getattr__") is missing:
            del vars(module)["__getattr__"]
        assert module.__spec__ is not None
        module.__loader__ = module.__spec__.loader = self._whole
