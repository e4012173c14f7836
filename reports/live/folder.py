"""The stories that a server shows: those in a folder, and those that ship with the project."""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from storyodds.priors.text.errors import printable
from storyodds.scenarios.loader import bundled_stories

ENDINGS = (".yaml", ".yml")
STATE_ENDING = ".state.json"  # of a state that was saved, beside which its story stands
MAX_STORY_BYTES = 2**20  # more than thirty times the longest bundled story
MAX_STORIES = 500  # of a folder; more are not looked at

# Opening a pipe does not wait for anybody to write into it.
_TO_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True)
class Entry:
    """A story that has an address.

    Attributes
    ----------
    id : str
        The name of its file, without the ending.
    path : Path
    own : bool
        Whether it is in the user's folder.
    """

    id: str
    path: Path
    own: bool

    @property
    def signature(self) -> tuple[str, int, int, int]:
        """What changes when the file does."""
        status = self.path.stat()
        return str(self.path), status.st_mtime_ns, status.st_size, status.st_ino


@dataclass(frozen=True)
class Refused:
    """A file of the folder that has no address, and why."""

    name: str
    reason: str


def read_inside(folder: Path, path: Path, most: int) -> bytes:
    """Read a file of a folder, and nothing that was put in its place meanwhile.

    What was opened is compared with what is in the folder afterwards: a link that leads out of it
    is refused whenever it came.

    Parameters
    ----------
    folder, path : Path
    most : int
        Bytes that it may have.

    Raises
    ------
    OSError
        If it cannot be read, is no regular file of the folder, or is too large.
    """
    descriptor = os.open(path, _TO_READ)
    try:
        opened = os.fstat(descriptor)
        real = path.resolve(strict=True)
        inside = real.is_relative_to(folder.resolve()) and os.path.samestat(opened, real.stat())
        if not (inside and stat.S_ISREG(opened.st_mode)):
            raise OSError("it is no regular file of the folder")
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(most + 1)
    finally:
        os.close(descriptor)
    if len(content) > most:
        raise OSError(f"it has more than {most:,} bytes")
    return content


def is_name(text: str) -> bool:
    r"""Whether a text can name a story or a saved state in an address.

    Examples
    --------
    >>> is_name("rlhf-assistant"), is_name(".."), is_name("a/b"), is_name("a\n"), is_name("A")
    (True, False, False, False, False)
    """
    return _NAME.fullmatch(text) is not None


def look(folder: Path) -> tuple[list[Entry], list[Refused]]:
    """List the stories of a folder, and then those that ship with the project.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    tuple
        Stories with an address, and files that cannot have one. A story of the folder stands
        before a bundled one of the same name.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as empty:
    ...     entries, refused = look(Path(empty))
    >>> any(entry.id == "coinrun-agent" for entry in entries), refused
    (True, [])
    """
    entries: dict[str, Entry] = {}
    refused: list[Refused] = []
    for name in _story_files(folder):
        stem = Path(name).stem
        reason = _objection(folder, name)
        if reason is None and stem in entries:
            reason = f"'{entries[stem].path.name}' has the same address"
        if reason is None:
            entries[stem] = Entry(stem, folder.resolve() / name, own=True)
        else:
            refused.append(Refused(printable(name), reason))
    for name, path in bundled_stories().items():
        entries.setdefault(name, Entry(name, path, own=False))
    return list(entries.values()), refused


def find(folder: Path, name: str) -> Entry | None:
    """Find the story of an address; None where there is none.

    Examples
    --------
    >>> find(Path("."), "../secret") is None
    True
    """
    if not is_name(name):
        return None
    return next((entry for entry in look(folder)[0] if entry.id == name), None)


def _story_files(folder: Path) -> list[str]:
    try:
        names = [name for name in sorted(os.listdir(folder)) if name.endswith(ENDINGS)]
    except OSError:
        return []
    files = [name for name in names if name[0] != "." and not os.path.isdir(folder / name)]
    return [name for name in files if not _is_of_state(folder, name)][:MAX_STORIES]


def _is_of_state(folder: Path, name: str) -> bool:
    """Whether a file is the story of a saved state, `STORY.NAME.yaml`."""
    stem, _, ending = name.rpartition(".")
    parts = stem.split(".")
    is_named = ending == "yaml" and len(parts) == 2 and all(map(is_name, parts))
    return is_named and (folder / f"{stem}{STATE_ENDING}").exists()


def _objection(folder: Path, name: str) -> str | None:
    """Why a file has no address."""
    if not is_name(Path(name).stem):
        return (
            "its name cannot be an address: expected lower-case letters, digits and hyphens, at "
            "most 64 of them"
        )
    path = folder / name
    try:
        if not path.resolve(strict=True).is_relative_to(folder.resolve()):
            return "it is a link to a place outside the folder"
        if not path.is_file():
            return "it is no regular file"
        size = path.stat().st_size
    except (OSError, RuntimeError):  # a link in a circle
        return "it cannot be read"
    if size > MAX_STORY_BYTES:
        return f"it has {size:,} bytes, more than the {MAX_STORY_BYTES:,} that are shown live"
    return None
