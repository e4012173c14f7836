"""Files that belong together: each written beside its place, and then all put there, or none.

A plan lies beside them, hidden, and lists them. It says so once all of them are whole: whoever is
killed before that leaves every place as it was, and whoever is killed after it is finished by the
next who writes here. So what is in the places is all of one time.
"""

import contextlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from storyodds.priors.text.files import START, created, flushed, locked, write_part

_PLAN = re.compile(rf"{re.escape(START)}([0-9a-f]{{16}})\.plan")
_WHOLE = b"whole\n"
_PLAN_BYTES = 2**20  # of some ten thousand names, more than any folder of pages has


def write_together(folder: Path, contents: Mapping[str, bytes | memoryview]) -> None:
    """Write files of one folder that belong together: all of them, or on a failure none.

    Parameters
    ----------
    folder : Path
    contents : mapping of str to bytes
        By name, which may be that of a file in a folder that is there.

    Raises
    ------
    OSError
        If the folder cannot be written to or is full.

    Examples
    --------
    >>> write_together(Path("."), {"page.html": b"1", "index.html": b"2"})
    >>> sorted(path.name for path in Path(".").iterdir())
    ['index.html', 'page.html']
    """
    _write(folder, contents, is_new=False)


def write_new_together(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files of one folder that belong together, and only where there is none of their names.

    Parameters
    ----------
    folder : Path
    contents : mapping of str to bytes
        By name. Whoever has the first name has all of them.

    Raises
    ------
    FileExistsError
        If there is a file, a folder or a link of one of the names; then none is written.
    OSError
        If the folder cannot be written to or is full.
    """
    _write(folder, contents, is_new=True)


def finish_batches(folder: Path) -> None:
    """Finish or sweep up what was being written into a folder by somebody who was killed.

    Parameters
    ----------
    folder : Path
        What is being written into it now, by others, is left alone.
    """
    with contextlib.suppress(OSError):
        plans = (_PLAN.fullmatch(name) for name in os.listdir(folder))
        for plan in filter(None, plans):
            with contextlib.suppress(OSError), locked(folder / plan[0]) as handle:
                _finish(folder, plan[1], handle)


@dataclass(frozen=True)
class _Batch:
    """Files that belong together, and where they stand until all of them are whole."""

    folder: Path
    token: str
    names: tuple[str, ...]
    is_new: bool

    @property
    def plan(self) -> Path:
        return self.folder / f"{START}{self.token}.plan"

    @property
    def places(self) -> list[tuple[Path, Path]]:
        """The part and the target of every file."""
        targets = [self.folder / name for name in self.names]
        return [
            (target.with_name(f"{START}{self.token}-{k}.part"), target)
            for k, target in enumerate(targets)
        ]

    def put(self) -> None:
        """Put every file into its place; some may be there from a time before."""
        if self.is_new:
            self._claim()
        for part, target in self.places:
            with contextlib.suppress(FileNotFoundError):
                # Two names of one file, which a renaming would leave as they are.
                part.unlink() if self.is_new else os.replace(part, target)
        self.plan.unlink(missing_ok=True)

    def _claim(self) -> None:
        """Give new files their names as well; where one is taken, give all of them back."""
        with contextlib.ExitStack() as undone:
            for part, target in self.places:
                if not part.exists():  # which was claimed before, with all of them
                    continue
                _name_too(part, target)
                undone.callback(target.unlink, missing_ok=True)
            undone.pop_all()

    def drop(self, *, older_than: int | None = None) -> None:
        """Remove parts, of whole files only those whose place was written to in the meantime."""
        for part, target in self.places:
            with contextlib.suppress(OSError):
                if older_than is None or target.lstat().st_mtime_ns > older_than:
                    part.unlink()
        if older_than is None:
            self.plan.unlink(missing_ok=True)


def _write(folder: Path, contents: Mapping[str, bytes | memoryview], *, is_new: bool) -> None:
    finish_batches(folder)
    plan, handle = created(folder, START, ".plan")
    token = plan.name.removeprefix(START).removesuffix(".plan")
    batch = _Batch(folder, token, tuple(contents), is_new)
    try:
        with os.fdopen(handle, "wb") as file:
            entry = {"names": batch.names, "new": is_new}
            file.write(json.dumps(entry).encode() + b"\n")
            flushed(file)
            for (part, target), content in zip(batch.places, contents.values(), strict=True):
                write_part(part, target, content)
            file.write(_WHOLE)
            flushed(file)
            try:
                batch.put()
            except KeyboardInterrupt:  # between two of them; it takes no time to go on
                batch.put()
                raise
    finally:
        batch.drop()


def _finish(folder: Path, token: str, handle: int) -> None:
    """Finish a batch whose files are whole; of any other, nothing is left."""
    with os.fdopen(handle, "rb", closefd=False) as file:
        head, _, rest = file.read(_PLAN_BYTES).partition(b"\n")
        written = os.fstat(handle).st_mtime_ns
    batch = _planned(folder, token, head)
    if rest != _WHOLE:
        batch.drop()
        return
    batch.drop(older_than=written)
    try:
        batch.put()
    except FileExistsError:  # somebody else has the name by now
        batch.drop()


def _planned(folder: Path, token: str, head: bytes) -> _Batch:
    """Read a plan, which may be anybody's: names that lead out of the folder are left out."""
    try:
        entry = json.loads(head)
        names = entry["names"]
        inside = [name for name in names if _is_inside(name)]
        if len(inside) == len(names):
            return _Batch(folder, token, tuple(inside), entry["new"] is True)
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    return _Batch(folder, token, (), False)


def _is_inside(name: object) -> bool:
    if not isinstance(name, str) or "\0" in name:
        return False
    path = PurePath(name)
    return not path.is_absolute() and not path.drive and ".." not in path.parts and path.name != ""


def _name_too(part: Path, target: Path) -> None:
    """Give a file another name, unless it has it already."""
    try:
        os.link(part, target)
    except FileExistsError:
        if not os.path.samestat(part.lstat(), target.lstat()):
            raise
    except OSError:  # a file system without links
        with target.open("xb") as file:
            file.write(part.read_bytes())
