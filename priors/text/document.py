"""Where things stand in a text."""

import bisect
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from storyodds.priors.text.errors import Mistake, Path, Problem, key_path

_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Document:
    """A file's data, and where everything in it stands.

    Attributes
    ----------
    file : str
        Its name, as errors print it.
    text : str
    data : object
        Mappings with text keys, lists, text, numbers, booleans and None.
    """

    file: str
    text: str
    data: Any
    lines: list[str] = field(repr=False)
    _places: dict[tuple[Path, bool], tuple[int, int]] = field(repr=False)

    def place(self, path: Sequence[str | int], key: bool = False) -> tuple[int, int]:
        """Return the line and column, from 1, of the value (or the key) at a path.

        What is not in the file has the place of the nearest thing around it.
        """
        path_here = tuple(path)
        if key and (path_here, True) in self._places:
            return self._places[path_here, True]
        while path_here and (path_here, False) not in self._places:
            path_here = path_here[:-1]
        return self._places.get((path_here, False), (1, 1))

    def problem(self, mistake: Mistake) -> Problem:
        """Place a mistake in this file."""
        line, column = self.place(mistake.path, mistake.at_key)
        sentence = mistake.sentence
        if mistake.first is not None:
            sentence += f" (line {self.place(mistake.first)[0]})"
        source = self.lines[line - 1] if line <= len(self.lines) else None
        return Problem(sentence, self.file, line, column, key_path(mistake.path) or None, source)


def lines_of(text: str) -> list[str]:
    """Split a text where YAML ends a line."""
    return _BREAK.split(text)


def line_starts(text: str) -> list[int]:
    """Return the positions at which the lines of a text begin."""
    return [0, *(match.end() for match in _BREAK.finditer(text))]


def place_in(starts: list[int], index: int) -> tuple[int, int]:
    """Return the line and column, from 1, of a position in a text."""
    line = bisect.bisect_right(starts, index)
    return line, index - starts[line - 1] + 1
