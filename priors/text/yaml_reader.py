"""A strict reader for YAML: plain data with a place for everything, and nothing that acts.

PyYAML's C parser gives events; this walks them without recursion and without constructors. It
reads the scalars of YAML 1.2's core schema, so that `no` is text and `1e-3` a number, and refuses
whatever could surprise: aliases, tags, a key given twice, a second document, hidden characters.
"""

from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Final

import yaml

from storyodds.priors.text.document import Document, line_starts, lines_of, place_in
from storyodds.priors.text.errors import UNSAFE, InputError, Path, Problem, key_path
from storyodds.priors.text.phrases import quoted
from storyodds.priors.text.scalars import core_scalar, escapes, hidden
from storyodds.priors.text.syntax import is_told_at_start, plain_syntax

MAX_BYTES: Final = 4 * 1024 * 1024  # what a hostile file may cost in memory
MAX_DEPTH: Final = 32  # deeper than any formula that a person can follow
# Entries of a file: three times what a story at every limit of the format has, and what a hostile
# one may cost in time.
MAX_NODES: Final = 100_000
MAX_PROBLEMS: Final = 1000  # after which reading stops

# The C parser gives marks that count characters, as the pure one does, and is ten times as fast.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_document(text: str, file: str) -> Document:
    r"""Read one YAML document.

    Parameters
    ----------
    text : str
    file : str
        The name that errors give it.

    Returns
    -------
    Document

    Raises
    ------
    InputError
        With every problem that can be found.

    Examples
    --------
    >>> document = read_document("answer: no\nodds: [1e-3, 0.5]\n", "a.yaml")
    >>> document.data, document.place(("odds", 1))
    ({'answer': 'no', 'odds': [0.001, 0.5]}, (2, 14))
    """
    document, problems = scan(text, file)
    if problems:
        raise InputError(problems)
    return document


def read_file(path: FilePath) -> Document:
    """Read one YAML file.

    Raises
    ------
    InputError
        If it cannot be opened, is too large, is not UTF-8, or is not what `read_document` reads.
    """
    return read_document(file_text(path), str(path))


def file_text(path: FilePath) -> str:
    """Read a file as UTF-8 text, within the cap on its size.

    Raises
    ------
    InputError
        If it cannot be opened, is too large or is not UTF-8.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise InputError([Problem(f"cannot read this file: {reason}", str(path))]) from None
    return decoded(raw, str(path))


def decoded(raw: bytes, file: str) -> str:
    """Decode the bytes of a file as UTF-8, within the cap on its size.

    Raises
    ------
    InputError
        If it is too large or is not UTF-8.
    """
    if len(raw) > MAX_BYTES:
        raise InputError([Problem(_TOO_LARGE, file)])
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        line, column = place_in(line_starts(before), len(before))
        message = f"found the byte 0x{raw[error.start]:02x}, expected text encoded as UTF-8"
        raise InputError([Problem(message, file, line, column)]) from None


_TOO_LARGE = f"found more than {MAX_BYTES // 1024**2} MiB, expected a smaller file"


def scan(text: str, file: str) -> tuple[Document, list[Problem]]:
    """Read one YAML document as far as it goes, with the problems found on the way.

    Raises
    ------
    InputError
        Where what follows cannot be read at all.
    """
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise InputError([Problem(_TOO_LARGE, file)])
    return _Reader(text.removeprefix("\ufeff"), file).read()


@dataclass(slots=True)
class _Frame:
    """A collection being read. Without a path it stands nowhere and is dropped."""

    value: Any
    path: Path | None
    key: str | None = None
    key_read: bool = False


class _StopError(Exception):
    """Nothing after this place can be read."""


class _Reader:
    """One walk over the events of one text."""

    def __init__(self, text: str, file: str) -> None:
        self.text, self.file = text, file
        self.lines = lines_of(text)
        self.starts = line_starts(text)
        self.problems: list[Problem] = []
        self.places: dict[tuple[Path, bool], tuple[int, int]] = {}
        self.frames: list[_Frame] = []
        self.root: Any = None
        self.documents = 0
        self.too_deep = False

    def read(self) -> tuple[Document, list[Problem]]:
        try:
            self._walk()
        except _StopError:
            raise InputError(self._sorted()) from None
        except yaml.YAMLError as error:
            if (nested := self._nesting_before(error)) is not None:
                raise InputError(nested) from None
            self._syntax(error)
            raise InputError(self._sorted()) from None
        return Document(self.file, self.text, self.root, self.lines, self.places), self._sorted()

    def _walk(self) -> None:
        clean = UNSAFE.sub("\N{REPLACEMENT CHARACTER}", self.text)
        for match in UNSAFE.finditer(self.text):
            self._complain(hidden(match[0]), *place_in(self.starts, match.start()))
        for count, event in enumerate(yaml.parse(clean, Loader=_LOADER)):
            if count > MAX_NODES:
                self._stop(f"found more than {MAX_NODES:,} entries, expected fewer", event)
            if self._is_second_document(event):
                break
            self._take(event)

    def _nesting_before(self, error: yaml.YAMLError) -> list[Problem] | None:
        """Return the problems if the text nests too deep before the parser gives up.

        The parser reads up to a thousand characters ahead of what it hands over, and may cap
        nesting itself: brackets side by side reach that cap before the first of them is seen
        here. Cut where the parser gave up, the text has nothing left to be read ahead into.
        """
        mark = getattr(error, "problem_mark", None)
        if mark is None:
            return None
        reader = _Reader(self.text[: mark.index], self.file)
        reader.lines = self.lines  # so that a problem shows its line whole
        try:
            reader._walk()
        except _StopError:
            return reader._sorted() if reader.too_deep else None
        except yaml.YAMLError:
            return None  # what is wrong with the cut text itself is of no interest
        return None

    def _sorted(self) -> list[Problem]:
        return sorted(self.problems, key=lambda problem: (problem.line or 0, problem.column or 0))

    def _complain(self, message: str, line: int, column: int) -> None:
        self.problems.append(self._problem(message, line, column))
        if len(self.problems) >= MAX_PROBLEMS:
            raise _StopError

    def _problem(self, message: str, line: int, column: int) -> Problem:
        source = self.lines[line - 1] if line <= len(self.lines) else None
        named = key_path(self._here()) or None
        return Problem(message, self.file, line, column, named, source)

    def _here(self) -> Path:
        """Return the path of what is being read, as far as it has one."""
        for frame in reversed(self.frames):
            if frame.path is None:
                continue
            if isinstance(frame.value, list):
                return (*frame.path, len(frame.value))
            return frame.path if frame.key is None else (*frame.path, frame.key)
        return ()

    def _stop(self, message: str, event: yaml.Event) -> None:
        self._complain(message, *_start(event))
        raise _StopError

    def _syntax(self, error: yaml.YAMLError) -> None:
        marks = [getattr(error, name, None) for name in ("problem_mark", "context_mark")]
        problem = getattr(error, "problem", None) or "unreadable"
        if is_told_at_start(problem) and marks[1] is not None:
            marks.reverse()
        mark = next((mark for mark in marks if mark is not None), None)
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        letter = self.lines[line - 1][column - 1 : column] if line <= len(self.lines) else ""
        self.frames.clear()
        self.problems.append(self._problem(plain_syntax(problem, letter), line, column))

    def _is_second_document(self, event: yaml.Event) -> bool:
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self._complain("found a second document, expected one in a file", *_start(event))
        return self.documents > 1

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._complain(
                f"found the alias {quoted(f'*{event.anchor}')}, {_NO_ALIAS}", *_start(event)
            )
            self._put(event, UNREADABLE, "")
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._marks(event)
            self._open(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self.frames.pop()
        elif isinstance(event, yaml.ScalarEvent):
            self._marks(event)
            self._scalar(event)

    def _marks(self, event: Any) -> None:
        if event.anchor:
            self._complain(
                f"found the anchor {quoted(f'&{event.anchor}')}, {_NO_ALIAS}", *_start(event)
            )
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._complain(f"found the tag {quoted(tag)}, expected none", *_start(event))

    def _open(self, event: yaml.Event) -> None:
        if len(self.frames) >= MAX_DEPTH:
            self.too_deep = True
            self._stop(f"found more than {MAX_DEPTH} levels of nesting, expected fewer", event)
        value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        frame = self.frames[-1] if self.frames else None
        if frame is not None and isinstance(frame.value, dict) and not frame.key_read:
            kind = "a mapping" if isinstance(value, dict) else "a list"
            self._complain(f"found {kind} as a key, expected text", *_start(event))
            frame.key, frame.key_read = None, True
            self.frames.append(_Frame(value, None))
        else:
            self.frames.append(_Frame(value, self._put(event, value, None)))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        text: str = event.value
        value: Any = text
        if event.style == '"' and UNSAFE.search(text):
            self._escapes(event)
            value = UNREADABLE
        elif event.tag is not None:
            value = UNREADABLE
        frame = self.frames[-1] if self.frames else None
        is_key = frame is not None and isinstance(frame.value, dict) and not frame.key_read
        if not is_key and not event.style and value is text:
            try:
                value = core_scalar(text)
            except ValueError as error:
                self._complain(str(error), *_start(event))
                value = UNREADABLE
        self._put(event, value, text)

    def _escapes(self, event: Any) -> None:
        """Find the escapes of a double-quoted text that stand for hidden characters."""
        start, stop = event.start_mark.index, event.end_mark.index
        for index, letter in escapes(self.text, start, stop):
            if UNSAFE.search(letter):
                self._complain(hidden(letter), *place_in(self.starts, index))

    def _put(self, event: yaml.Event, value: Any, key: str | None) -> Path | None:
        """Store a value (or take a key) where the walk stands; give the value's path."""
        place = _start(event)
        if not self.frames:
            self.root = value
            self.places[(), False] = place
            return ()
        frame = self.frames[-1]
        if isinstance(frame.value, list):
            path = None if frame.path is None else (*frame.path, len(frame.value))
            frame.value.append(value)
        elif not frame.key_read:
            self._key(frame, key, event)
            return None
        else:
            path = None if frame.path is None or frame.key is None else (*frame.path, frame.key)
            if frame.key is not None:
                frame.value[frame.key] = value
            frame.key, frame.key_read = None, False
        if path is not None:
            self.places[path, False] = place
        return path

    def _key(self, frame: _Frame, key: str | None, event: yaml.Event) -> None:
        frame.key_read = True
        frame.key = None if isinstance(event, yaml.AliasEvent) else key
        if frame.path is None or frame.key is None:
            return
        path = (*frame.path, frame.key)
        if frame.key in frame.value:
            first = self.places[path, True][0]
            self._complain(
                f"found the key {quoted(frame.key)} a second time, expected it once; "
                f"the first is on line {first}",
                *_start(event),
            )
            frame.key = None
        else:
            self.places[path, True] = _start(event)


class _Unreadable:
    """Stands where a value could not be read, so that nobody takes it for missing."""


UNREADABLE: Final = _Unreadable()


def is_unreadable(data: Any, path: Path) -> bool:
    """Return whether a path leads to a value that `scan` could not read."""
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return False
    return data is UNREADABLE


_NO_ALIAS = "expected the value written out (or a prior pack's entry, with 'ref')"


def _start(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1
