"""The rooms of the package: what each holds, and a picture of which import which."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

import storyodds

PACKAGE = Path(storyodds.__file__).parent
FOLDERS = ("commands", "reports", "models", "scenarios", "priors")  # from the top down

Arrows = dict[str, set[str]]


@cache
def rooms() -> Mapping[str, str]:
    """What every room holds, by its path: the first line of its package's docstring."""
    return {
        room: (ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "").splitlines()[0]
        for folder in FOLDERS
        for file in sorted((PACKAGE / folder).rglob("__init__.py"))
        if (room := _room(file)) is not None
    }


def _room(file: Path) -> str | None:
    """A folder with code of its own; those that hold only files to read are none."""
    code = [other for other in file.parent.glob("*.py") if other.name != "__init__.py"]
    return file.parent.relative_to(PACKAGE).as_posix() if code else None


def table() -> str:
    """Every room and what it holds, from the top down."""
    rows = (f"| `{room}/` | {holds} |" for room, holds in rooms().items())
    return "| room | holds |\n|---|---|\n" + "\n".join(rows)


def picture() -> str:
    """A Mermaid flowchart of the imports among the rooms of one folder.

    What follows from two other arrows is left out. Between folders, everything may import from
    what is below it. Folders within a room whose files and the room's import each other are drawn
    as the room.
    """
    arrows = _reduced(_merged(_imports()))
    lines = ["flowchart TD"]
    for folder in FOLDERS:
        inside = [room for room in arrows if room.split("/")[0] == folder]
        lines.append(f"  subgraph {folder}")
        lines += [f'    {_id(room)}["{_short(room)}"]' for room in inside]
        lines += [
            f"    {_id(room)} --> {_id(other)}"
            for room in inside
            for other in sorted(arrows[room])
            if other in inside
        ]
        lines.append("  end")
    lines += [f"  {a} --> {b}" for a, b in pairwise(FOLDERS)]
    return "```mermaid\n" + "\n".join(lines) + "\n```"


def _id(room: str) -> str:
    return f"{room.replace('/', '_')}_"  # a name by itself is the folder's


def _short(room: str) -> str:
    return room.partition("/")[2] or f"files of {room}/"


def _imports() -> Arrows:
    """The rooms that the files of every room import from, without itself."""
    arrows: Arrows = {}
    for room in rooms():
        files = (PACKAGE / room).glob("*.py")
        names = {name for file in files for name in _imported(file.read_text("utf-8"))}
        arrows[room] = {other for name in names if (other := _home(name)) is not None} - {room}
    return arrows


def _imported(source: str) -> Iterator[str]:
    """Every module of the package that an import names, wherever it stands in a file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("storyodds."):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _home(name: str) -> str | None:
    """The deepest room that a dotted name lies in."""
    parts = name.split(".")[1:]
    paths = ("/".join(parts[:depth]) for depth in range(len(parts), 0, -1))
    return next((path for path in paths if path in rooms()), None)


def _merged(arrows: Arrows) -> Arrows:
    """The arrows among rooms that do not import each other, whatever the corners they go round."""
    names = list(arrows)
    ends = [(names.index(a), names.index(b)) for a in names for b in arrows[a]]
    graph = coo_array((np.ones(len(ends)), np.transpose(ends)), shape=2 * (len(names),))
    _, groups = connected_components(graph, connection="strong")
    of_group = {group: names[k] for k, group in reversed(list(enumerate(groups)))}
    room = {name: of_group[group] for name, group in zip(names, groups, strict=True)}
    merged: Arrows = {name: set() for name in names if room[name] == name}
    for name, others in arrows.items():
        merged[room[name]] |= {room[other] for other in others} - {room[name]}
    return merged


def _reduced(arrows: Arrows) -> Arrows:
    """The arrows that do not follow from others: every arrow is the longest way."""

    @cache
    def below(room: str) -> set[str]:
        return arrows[room].union(*(below(other) for other in arrows[room]))

    return {
        room: others - set().union(*(below(other) for other in others))
        for room, others in arrows.items()
    }
