"""The package as it is installed, be that a checkout or a wheel."""

import importlib
from collections.abc import Iterator
from pathlib import Path

ROOMS = ("priors", "scenarios", "models", "reports")  # from the ground up


def modules() -> Iterator[tuple[str, Path]]:
    """Name and file of every module: the front door's and each room's."""
    yield from _modules_of("storyodds", "*.py")  # below it are the rooms, by their own names
    yield from _modules_of("storyodds.commands", "**/*.py")
    for room in ROOMS:
        yield from _modules_of(f"storyodds.{room}", "**/*.py")


def _modules_of(package: str, pattern: str) -> Iterator[tuple[str, Path]]:
    (folder,) = importlib.import_module(package).__path__
    for file in sorted(Path(folder).glob(pattern)):
        parts = file.relative_to(folder).with_suffix("").parts
        yield ".".join((package, *(part for part in parts if part != "__init__"))), file
