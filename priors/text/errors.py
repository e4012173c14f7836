"""What a person reads when their input is wrong.

::

    InputError                 a story, pack, view or option is wrong; carries every problem found
    ├── UnknownStoryError      no story of that name or path
    └── UnsupportedStoryError  a right story that is too large to compute
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

type Path = tuple[str | int, ...]

# Characters that hide, reorder or overwrite what a terminal or a page shows, or that nobody can
# see: controls, marks of direction, and whatever Unicode has a program ignore by default, among
# them characters without width, fillers and tags, which can carry a text that no reader sees.
_CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufff9-\ufffb\ud800-\udfff\ufffe\uffff"
_IGNORED = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Joiners shape the letters beside them in the scripts from Arabic to Tibetan, and make one picture
# of two; selectors choose between a picture and a letter. Nobody sees one that stands elsewhere.
_JOINED = "\u0600-\u0fff\u2190-\u2bff\ufe0f\U0001f000-\U0001faff"
_SELECTABLE = (
    "#*0-9\u00a9\u00ae\u203c\u2049\u2100-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
# A set of characters first: only where one of them stands is the rest looked at.
UNSAFE = re.compile(
    f"[{_CONTROLS}{_IGNORED}\u200c\u200d\ufe0e\ufe0f]"
    f"(?<![{_JOINED}][\u200c\u200d](?=[{_JOINED}]))(?<![{_SELECTABLE}][\ufe0e\ufe0f])"
)
_BREAKS = re.compile("[\t\n\r]")

MAX_MISTAKES = 1000  # of each kind of reading a file, after which nobody reads on
_SHOWN_MISTAKES = 50  # mistakes that are listed: more than anybody mends before the next try
_WIDTH = 96  # letters of a line that is quoted
_TAB = "    "
_KEY_LETTERS = 100  # letters of a key, beyond which it is cut


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake in plain data, before anybody knows on which line it stands.

    Attributes
    ----------
    path : tuple of str or int
        Keys and positions from the top of the data.
    sentence : str
        What was found and what was expected.
    at_key : bool
        Whether the key itself is wrong, not its value.
    first : tuple, optional
        Where the thing that it clashes with stands.
    """

    path: Path
    sentence: str
    at_key: bool = False
    first: Path | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake, with its place in a file where it has one.

    Attributes
    ----------
    message : str
    file : str, optional
    line, column : int, optional
        Counted from 1, columns in characters.
    key_path : str, optional
        Such as `routes[1].bits`.
    source_line : str, optional
        The text of the line.
    """

    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    key_path: str | None = None
    source_line: str | None = None


class InputError(Exception):
    """Input that a person can put right.

    Parameters
    ----------
    problems : iterable of Problem, or str
        Every problem found, in the order in which they are to be read.

    Examples
    --------
    >>> error = InputError([Problem("found 2, expected 1", "a.yaml", 3, 8, "goal", "goal: 2")])
    >>> print(error)
    a.yaml:3:8: goal: found 2, expected 1
        3 | goal: 2
          |        ^
    """

    def __init__(self, problems: Iterable[Problem] | str) -> None:
        listed = (Problem(problems),) if isinstance(problems, str) else tuple(problems)
        # The tuple is the argument, so that the error survives a trip between processes.
        super().__init__(listed)
        self.problems: tuple[Problem, ...] = listed

    def __str__(self) -> str:
        lines = [render(problem) for problem in self.problems[:_SHOWN_MISTAKES]]
        more = len(self.problems) - len(lines)
        return "\n".join([*lines, f"… and {more} more"] if more else lines)


class UnknownStoryError(InputError):
    """No story of that name or path.

    Examples
    --------
    >>> from storyodds import UnknownStoryError, load_story
    >>> try:
    ...     load_story("coinrun-agnt")
    ... except UnknownStoryError as error:
    ...     print(error)
    found 'coinrun-agnt', expected ... or the path of a file; did you mean 'coinrun-agent'?; ...
    """


class UnsupportedStoryError(InputError):
    """A story that says nothing wrong, but is too large to compute.

    Examples
    --------
    >>> issubclass(UnsupportedStoryError, InputError)
    True
    """


def printable(text: str) -> str:
    r"""Replace what a terminal would obey instead of show, and what nobody would see.

    Lines and tabs stay.

    Examples
    --------
    >>> printable("red\x1b[31m"), printable("back\rover"), printable("pay\u200bment")
    ('red\\x1b[31m', 'back\\rover', 'pay\\u200bment')
    """
    return UNSAFE.sub(_escaped, text).replace("\r", "\\r")


def shown(name: object) -> str:
    r"""Write a name, a path or a sentence of anybody's on one line, safe to print.

    Examples
    --------
    >>> shown("a\nb.yaml")
    'a\\nb.yaml'
    """
    return _BREAKS.sub(_escaped, UNSAFE.sub(_escaped, str(name)))


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def key_path(path: Sequence[str | int]) -> str:
    """Write a path as a person reads it.

    Examples
    --------
    >>> key_path(("routes", 1, "bits"))
    'routes[1].bits'
    """
    parts = [f"[{part}]" if isinstance(part, int) else f".{_short(part)}" for part in path]
    return "".join(parts).removeprefix(".")


def _short(key: str) -> str:
    return key if len(key) <= _KEY_LETTERS else f"{key[:_KEY_LETTERS]}…"


def render(problem: Problem) -> str:
    """Write a problem as `file:line:column: key path: message`, its line, and a caret under it.

    Examples
    --------
    >>> print(render(Problem("found nothing, expected text", "story.yaml", key_path="title")))
    story.yaml: title: found nothing, expected text
    """
    place = [str(part) for part in (problem.file, problem.line, problem.column) if part is not None]
    heads = [":".join(place), problem.key_path or "", problem.message]
    first = shown(": ".join(head for head in heads if head))
    if problem.source_line is None or problem.line is None:
        return first
    excerpt, caret = _excerpt(problem.source_line, problem.column or 1)
    number = f"{problem.line:>5}"
    return f"{first}\n{number} | {excerpt}\n{' ' * len(number)} | {' ' * caret}^"


def _excerpt(line: str, column: int) -> tuple[str, int]:
    """Return a line as shown, cut around the column, and how many cells stand before the caret."""
    line = line.rstrip("\r\n")
    middle = min(max(column - 1, 0), len(line))
    start = max(0, middle - _WIDTH * 2 // 3) if len(line) > _WIDTH else 0
    stop = start + _WIDTH
    before, after = _visible(line[start:middle]), _visible(line[middle:stop])
    lead = "… " if start else ""
    tail = " …" if stop < len(line) else ""
    return f"{lead}{before}{after}{tail}", _cells(lead + before)


def _visible(text: str) -> str:
    return UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\t", _TAB))


def _cells(text: str) -> int:
    """Count the terminal cells of a text: wide characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    # Joiners and variation selectors are drawn with the letter before them.
    joined = sum(unicodedata.category(letter) in ("Mn", "Me", "Cf") for letter in text)
    return len(text) + wide - joined
