"""Files are written beside their place and then renamed, never in place; and read without links."""

import contextlib
import os
import secrets
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # not on every system; leftovers stay there
    fcntl = None  # type: ignore[assignment]

_MODE = 0o666  # of a new file, less what the user's umask takes off
START = ".storyodds-"  # of the name of a file that is being written
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
    with _part_of(target, content) as part:
        os.replace(part, target)


@contextlib.contextmanager
def _part_of(target: Path, content: bytes | memoryview) -> Iterator[Path]:
    """Write a file beside its place, which is gone again at the end unless it was renamed."""
    _sweep(target)
    part, handle = created(target.parent, _start_of(target), _PART)
    try:
        with os.fdopen(handle, "wb") as file:
            _fill(file, part, target, content)
            yield part
    finally:
        part.unlink(missing_ok=True)


def write_part(part: Path, target: Path, content: bytes | memoryview) -> None:
    """Write a file that is to be renamed to its place, with the mode of what is there."""
    with os.fdopen(os.open(part, _NEW, _MODE), "wb") as file:
        _fill(file, part, target, content)


def _fill(file: BinaryIO, path: Path, target: Path, content: bytes | memoryview) -> None:
    file.write(content)
    flushed(file)
    with contextlib.suppress(FileNotFoundError):
        before = os.stat(target, follow_symlinks=False)
        if stat.S_ISREG(before.st_mode):
            os.chmod(path, stat.S_IMODE(before.st_mode))


def flushed(file: BinaryIO) -> None:
    """See that what was written is on the disk."""
    file.flush()
    with contextlib.suppress(OSError):  # not every file system can
        os.fsync(file.fileno())


def created(folder: Path, start: str, ending: str) -> tuple[Path, int]:
    """Make an empty file of a random name, locked as long as it is open.

    Parameters
    ----------
    folder : Path
    start, ending : str
        Of its name, around 16 hexadecimal digits.

    Returns
    -------
    tuple
        Its path, and a handle to write with.
    """
    while True:
        part = folder / f"{start}{secrets.token_hex(8)}{ending}"
        handle = os.open(part, _NEW, _MODE)
        if fcntl is None:
            return part, handle
        with contextlib.suppress(OSError):  # not every file system can
            fcntl.flock(handle, fcntl.LOCK_EX)
        if part.exists():  # and was not swept up before it was locked
            return part, handle
        os.close(handle)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[int]:
    """Lock a file that nobody writes any more, and give a handle to read it with.

    Raises
    ------
    OSError
        If it is being written or is no regular file, or if nothing can be locked here.
    """
    if fcntl is None:
        raise OSError("files cannot be locked")
    handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError("it is no regular file")
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield handle
    finally:
        os.close(handle)


def _start_of(target: Path) -> str:
    """Begin the name of a file that is being written: as short for a long name as for others."""
    return f"{START}{zlib.crc32(target.name.encode(errors='surrogateescape')):08x}-"


def _sweep(target: Path) -> None:
    """Remove what writes of this file have left that were killed; what is locked is in use."""
    with contextlib.suppress(OSError):
        start = _start_of(target)
        names = [name for name in os.listdir(target.parent) if name.startswith(start)]
        for part in (target.with_name(name) for name in names if name.endswith(_PART)):
            with contextlib.suppress(OSError), locked(part):
                part.unlink()
