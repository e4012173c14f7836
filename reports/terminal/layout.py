"""Laying text out within the width of a terminal: words, and columns of numbers."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from rich.console import Console
from rich.text import Text

Row = Sequence[Text | str]

_WORDS_WIDTH = 25  # narrower columns of words go below the numbers instead
GAP = 2  # cells between columns
_LEAST_WIDTH = 20  # cells of a terminal: in fewer, columns would have no room for a word


def print_wrapped(console: Console, report: Callable[[int], Iterable[Text]]) -> None:
    """Print a report that is made for the width of a terminal, every line of it within that.

    Parameters
    ----------
    console : rich.console.Console
    report : callable
        From a width in cells to texts, each of which starts on a line of its own.
    """
    width = max(console.width, _LEAST_WIDTH)
    for block in report(width):
        for line in wrap(block, width):
            console.print(line, soft_wrap=True)


def wrap(text: Text, width: int, first: str = "", rest: str = "") -> list[Text]:
    """Break a text between words, or within one that is longer than a line, and indent it."""
    room = max(4, width - max(len(first), len(rest)))
    # Wrapping needs a console for its tab size only.
    pieces = text.wrap(_ANY_CONSOLE, room, overflow="fold") if text.plain else [Text()]
    lines = []
    for k, piece in enumerate(pieces):
        piece.rstrip()
        lines.append(Text(rest if k else first).append_text(piece))
    return lines


_ANY_CONSOLE = Console(file=None, width=80, color_system=None)


def columns(rows: Sequence[Row], justify: str) -> list[Text]:
    """Lay rows out in columns as wide as their widest cell, left or right justified."""
    cells = [[Text(cell) if isinstance(cell, str) else cell.copy() for cell in row] for row in rows]
    widths = [max(row[k].cell_len for row in cells) for k in range(len(justify))]
    lines = []
    for row in cells:
        line = Text()
        for k, (cell, side, wide) in enumerate(zip(row, justify, widths, strict=True)):
            space = " " * (wide - cell.cell_len)
            line.append(" " * (GAP if k else 0))
            line.append_text(Text(space) + cell if side == "r" else cell + Text(space))
        lines.append(line)
    return lines


def stripped(lines: Sequence[Text]) -> Iterator[Text]:
    """Lines without the blanks at their ends."""
    for line in lines:
        line.rstrip()
        yield line


def dim(*heads: str) -> Row:
    """The heads of columns."""
    return [Text(head, style="dim") for head in heads]


def fitting(rows: Sequence[Row], width: int) -> list[Text]:
    """A name, then right-justified columns: as many of them as there is room for."""
    for kept in range(len(rows[0]), 2, -1):
        lines = columns([row[:kept] for row in rows], "l" + "r" * (kept - 1))
        if lines[0].cell_len <= width:
            return lines
    return columns([row[:2] for row in rows], "lr")


def with_words(rows: Sequence[Row], words: Sequence[Text], width: int) -> list[Text]:
    """Columns, then words to each row: wrapped beside it, or below where that is too narrow."""
    lines = []
    for line, sentence in zip(fitting(rows, width), words, strict=True):
        start = line.cell_len + GAP
        if not sentence.plain:
            lines.append(line)
        elif width - start >= _WORDS_WIDTH:
            first, *more = wrap(sentence, width - start)
            line.append(" " * GAP).append_text(first)
            lines += [line, *(Text(" " * start).append_text(extra) for extra in more)]
        else:
            line.rstrip()
            lines += [line, *wrap(sentence, width, "    ", "    ")]
    for line in lines:
        line.rstrip()
    return lines
