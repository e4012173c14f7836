"""Files are written beside their place and then renamed, never in place; and read without links."""

import contextlib
import os
import secrets
import stat
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

try:
    import fcntl
except ImportError:  # not on every system; leftovers stay there
    fcntl = None  # type: ignore[assignment]

_MODE = 0o666  # of a new file, less what the user's umask takes off
_PART = ".part"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def write_atomically(path: str | Path, content: bytes | memoryview) -> None:
    """Write a file whole or not at all.

    What another write that was killed has left behind is swept up. A file that is replaced keeps
    its mode.

    Parameters
    ----------
    path : path
    content : bytes or memoryview

    Raises
    ------
    OSError
        If the folder cannot be written to or is full; nothing half-written stays behind.

    Examples
    --------
    >>> write_atomically("odds.json", b"{}")
    >>> Path("odds.json").read_bytes(), [path.name for path in Path(".").iterdir()]
    (b'{}', ['odds.json'])
    """
    target = Path(path)
    write_together(target.parent, {target.name: content})


def write_together(folder: Path, contents: Mapping[str, bytes | memoryview]) -> None:
    """Write files of one folder that belong together: all of them, or on a failure none.

    Each is written beside its place first, so that between the first renamed and the last there
    is no time but that of the renaming.

    Parameters
    ----------
    folder : Path
    contents : mapping of str to bytes
        By name.

    Raises
    ------
    OSError
        If the folder cannot be written to or is full.
    """
    with contextlib.ExitStack() as written:
        parts = {
            name: written.enter_context(_part_of(folder / name, content))
            for name, content in contents.items()
        }
        for name, part in parts.items():
            os.replace(part, folder / name)


def write_new(path: Path, content: bytes) -> None:
    """Write a file whole, and only where there is none of its name.

    Parameters
    ----------
    path : Path
    content : bytes

    Raises
    ------
    FileExistsError
        If there is a file, a folder or a link of that name.
    OSError
        If the folder cannot be written to or is full.
    """
    with _part_of(path, content) as part:
        try:
            os.link(part, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            with path.open("xb") as file:
                file.write(content)


@contextlib.contextmanager
def _part_of(target: Path, content: bytes | memoryview) -> Iterator[Path]:
    """Write a file beside its place, which is gone again at the end unless it was renamed."""
    _sweep(target)
    part, handle = _created(target)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            with contextlib.suppress(OSError):  # not every file system can
                os.fsync(file.fileno())
            with contextlib.suppress(FileNotFoundError):
                before = os.stat(target, follow_symlinks=False)
                if stat.S_ISREG(before.st_mode):
                    os.chmod(part, stat.S_IMODE(before.st_mode))
            yield part
    finally:
        part.unlink(missing_ok=True)


def _created(target: Path) -> tuple[Path, int]:
    """Make an empty file beside a place, locked as long as it is being written."""
    while True:
        part = target.with_name(f"{_start_of(target)}{secrets.token_hex(8)}{_PART}")
        handle = os.open(part, _NEW, _MODE)
        if fcntl is None:
            return part, handle
        with contextlib.suppress(OSError):  # not every file system can
            fcntl.flock(handle, fcntl.LOCK_EX)
        if part.exists():  # and was not swept up before it was locked
            return part, handle
        os.close(handle)


def _start_of(target: Path) -> str:
    """Begin the name of a file that is being written: as short for a long name as for others."""
    return f".storyodds-{zlib.crc32(target.name.encode(errors='surrogateescape')):08x}-"


def _sweep(target: Path) -> None:
    """Remove what writes of this file have left that were killed; what is locked is in use."""
    if fcntl is None:
        return
    with contextlib.suppress(OSError):
        start = _start_of(target)
        names = [name for name in os.listdir(target.parent) if name.startswith(start)]
        for part in (target.with_name(name) for name in names if name.endswith(_PART)):
            with contextlib.suppress(OSError):
                handle = os.open(part, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    part.unlink()
                finally:
                    os.close(handle)
