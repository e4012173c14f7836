"""What a section of a page is made of."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from urllib.parse import quote

from markupsafe import Markup, escape

from storyodds.reports.dashboard.compact_svg import slim
from storyodds.reports.figures.drawing.cells import DIGITS, Cell, plain_table
from storyodds.reports.figures.drawing.figure import Figure
from storyodds.reports.figures.drawing.files import csv_text
from storyodds.scenarios.provenance import SourceRecord

_SAFE = " !$'()*,/:;=?@[]^_`{|}~"  # of an address, beside letters and digits
_ASCII = re.compile(r"[\x00-\xa0\u2028\u2029\ud800-\udfff]+")
_FEW = 30  # rows of a picture's table that are worth a file of their own
_SLIGHT = 4  # columns
_STOPS = 20  # of the tab key in one picture: more are skipped as a whole
ANCHOR = "see-"  # before the name of a figure, in the id of its picture
_ROW = 21  # pixels: a row of a table
# Half of what a sheet holds, in pixels: a section that has more may be torn between its pictures,
# as it would leave more than a half of the sheet before it empty.
_HALF_SHEET = 430
_NARROW = 600  # units of a picture that has half a page
_VIEW_BOX = re.compile(r'viewBox="0 0 ([0-9.]+) ')
_SIZE = re.compile(r'viewBox="0 0 ([0-9.]+) ([0-9.]+)"')
_PAPER, _PAPER_PART = 688, 325  # pixels that a picture has across a sheet, and a half of it
Cells = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Rows of text under heads; the first cell of each names the row.

    `compact` is for many rows; `file` says whether it is a download in the page. One that is too
    long to be in the page twice is made into a file by the page's script, which calls it `name`, or
    as its section unless it has one. `of_day` has for each row the ending of which it gives the
    chance on the day of the decision, empty for another; those follow the sliders. `stays` says
    that none does, in a section of which some do.
    """

    caption: str
    columns: Cells
    rows: tuple[Cells, ...]
    compact: bool = False
    file: bool = True
    name: str = ""
    of_day: Cells = ()
    stays: bool = False

    @property
    def slight(self) -> bool:
        """Whether two such tables have room side by side."""
        return len(self.columns) <= _SLIGHT

    @property
    def plain(self) -> tuple[Cells, ...]:
        """What a file has of its rows."""
        return tuple(plain_table(self.columns, self.rows))[1:]


@dataclass(frozen=True)
class Download:
    """A file inside the page: its name, and its content as an address."""

    name: str
    address: str


@dataclass(frozen=True)
class Section:
    """One part of a page.

    Attributes
    ----------
    id, title : str
    finding : str
        What is found, in a sentence or two; where nothing could be worked out, why.
    figures : tuple of Figure
    tables : tuple of Table
        Shown; those of the figures are folded away under them.
    part : str
        Name of a macro of `parts.html.j2` that shows `data`; none where empty.
    data : mapping
    notes : tuple of str
    half, tiles, long : bool
        Half as wide as the page; many small pictures, with one table for all of them; more than a
        printed page.
    extra : tuple of Table
        Folded away with the figures' own.
    fuller : tuple of Figure
        Folded away too: what shows more than most readers need.
    stays : bool
        Whether its numbers are as estimated while sliders are moved, which its title then says.
    day_needs : str
        Where the finding is on the day of the decision and follows the sliders, what a model needs
        to be deployed.
    """

    id: str
    title: str
    finding: str
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    part: str = ""
    data: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    half: bool = False
    tiles: bool = False
    long: bool = False
    extra: tuple[Table, ...] = ()
    fuller: tuple[Figure, ...] = ()
    stays: bool = True
    day_needs: str = ""

    @property
    def shows(self) -> bool:
        """Whether there is more to it than a sentence."""
        return bool(self.figures or self.tables or self.part or self.extra or self.fuller)

    @property
    def columns(self) -> str:
        """How the pictures stand: as small `tiles`, as `wide` as the page, or side by side."""
        if self.tiles:
            return "tiles"
        return "wide" if any(_width(figure) > _NARROW for figure in self.figures) else ""

    @cached_property
    def pictures(self) -> tuple[tuple[str, Markup], ...]:
        """Title and picture of each figure."""
        return tuple((figure.title, _anchored(figure)) for figure in self.figures)

    @property
    def fuller_pictures(self) -> tuple[tuple[str, Markup], ...]:
        """Title and picture of each figure that is folded away."""
        return tuple((figure.title, _anchored(figure)) for figure in self.fuller)

    @property
    def reading(self) -> tuple[str, ...]:
        """How to read the pictures, nothing of it twice."""
        notes = tuple(dict.fromkeys(f.note for f in self.figures if f.note))
        return tuple(
            note for note in notes if not any(note != o and o.startswith(note) for o in notes)
        )

    @property
    def busy(self) -> bool:
        """Whether a picture has more stops of the tab key than one would go through."""
        return any(figure.svg.count('tabindex="0"') > _STOPS for figure in self.figures)

    @property
    def flows_over(self) -> bool:
        """Whether it may be torn on paper: it is long, or has more than half a sheet holds.

        What is folded is not printed.
        """
        beside = 4 if self.tiles else 1 if self.columns == "wide" else 2
        heights = [_height(figure) for figure in self.figures]
        drawn = sum(max(heights[k : k + beside]) for k in range(0, len(heights), beside))
        rows = sum(len(table.rows) + 3 for table in self.tables)
        return self.long or drawn + _ROW * rows > _HALF_SHEET

    @property
    def folded(self) -> tuple[Table, ...]:
        """Tables under the pictures, and others that few will open."""
        drawn = () if self.tiles else self.figures
        own = (
            Table(f.title, f.columns, f.rows, name=f.name if _made_by_script(f) else "")
            for f in drawn
            if f.rows
        )
        return (
            *own,
            *(
                table if table.file else replace(table, name=table.name or self.id)
                for table in self.extra
            ),
        )

    @property
    def downloads(self) -> tuple[Download, ...]:
        """Every table as a file, but for those of which the page's script makes one."""
        drawn = [
            (figure.name, figure.columns, figure.rows)
            for figure in (() if self.tiles else self.figures)
            if not _made_by_script(figure)
        ]
        rest = [table for table in (*self.tables, *self.extra) if table.file]
        drawn += [
            (f"{self.id}-{k}" if len(rest) > 1 else self.id, table.columns, table.rows)
            for k, table in enumerate(rest, start=1)
        ]
        return tuple(as_csv(name, columns, rows) for name, columns, rows in drawn if rows)


def _anchored(figure: Figure) -> Markup:
    """A picture that a link can point at, by a name that stays when its numbers change."""
    picture = str(slim(figure.svg))
    return Markup(picture.replace("<svg ", f'<svg id="{ANCHOR}{escape(str(figure.name))}" ', 1))


def _made_by_script(figure: Figure) -> bool:
    """Whether the page's script makes a figure's file: of many rows, with a number a cell."""
    numbers = (len(cell.numbers) for row in figure.rows for cell in row if isinstance(cell, Cell))
    return len(figure.rows) > _FEW and max(numbers, default=0) <= 1


def _width(figure: Figure) -> float:
    match = _VIEW_BOX.search(figure.svg)
    return float(match[1]) if match else 0.0


def _height(figure: Figure) -> float:
    """Of a picture on paper, where it is never wider than its place, in pixels."""
    match = _SIZE.search(figure.svg)
    if match is None:
        return 0.0
    width, height = float(match[1]), float(match[2])
    return height * min(1.0, (_PAPER if width > _NARROW else _PAPER_PART) / width) + _ROW


def as_csv(name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Download:
    """Give a table as a file of comma-separated values.

    Numbers are plain, a column each; a text that a spreadsheet would take for a formula is given
    as text.

    Examples
    --------
    >>> as_csv("odds", ["ending", "mean"], [["success", "19%"]]).name
    'odds.csv'
    """
    return Download(f"{name}.csv", _address("text/csv", csv_text(columns, rows, DIGITS)))


def as_json(name: str, document: object) -> Download:
    """Give plain data as a file."""
    text = json.dumps(document, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return Download(f"{name}.json", _address("application/json", text))


def _address(kind: str, text: str) -> str:
    """Letters and signs beyond ASCII stay as they are: browsers write them as UTF-8."""
    address = _ASCII.sub(lambda match: quote(match[0], safe=_SAFE), text)
    return f"data:{kind};charset=utf-8,{address}"


def listed(names: Sequence[str], last: str = "and") -> str:
    """Join names into a phrase.

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    return f"{', '.join(names[:-1])} {last} {names[-1]}" if len(names) > 1 else "".join(names)


def link_to(source: SourceRecord | None) -> dict[str, str | None] | None:
    """A source to show: an address only where it is https."""
    if source is None:
        return None
    url = source.get("url") or ""
    return {
        "words": source.get("cite") or url,
        "address": url if url.startswith("https://") else None,
        "note": source.get("note"),
    }
